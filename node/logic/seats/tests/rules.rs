//! Stories of PRO seats (LIC-03 to LIC-11).

use plenary_model::{GuestId, NodeId, Timestamp, UserName};
use plenary_seats::{
    Capacity, Command, ConnectionId, DeviceId, Holding, Loss, Mode, ParticipationId, Refusal, Seats,
    Settings, Stored, Told, Why,
};
use proptest::prelude::*;

const HOUR_MS: u64 = 3_600_000;

fn hour(hours: u64) -> Timestamp {
    Timestamp(1_800_000_000_000 + hours * HOUR_MS)
}

fn user(name: &str) -> UserName {
    name.parse().expect("a name")
}

fn users(names: &[&str]) -> Vec<UserName> {
    names.iter().map(|name| user(name)).collect()
}

fn with(pro: u32) -> Seats {
    let mut seats = Seats::new();
    let capacity = capacity(pro);
    seats
        .apply(hour(0), &Command::Capacity(capacity))
        .expect("it can be set");
    seats
}

fn capacity(pro: u32) -> Capacity {
    Capacity {
        pro,
        online: 15,
        guest: 2,
        gateway: 2,
        mode: Mode::Apart,
        permanent_pro: true,
    }
}

fn join(participation: u128, name: &str) -> Command {
    Command::Join {
        participation: ParticipationId(participation),
        user: user(name),
        node: NodeId(1),
    }
}

fn left(participation: u128) -> Command {
    Command::Left {
        participation: ParticipationId(participation),
    }
}

fn lost(node: u64) -> Command {
    Command::NodeLost {
        node: NodeId(node),
        kept: std::collections::BTreeSet::new(),
    }
}

fn sign_in(device: u128, name: &str) -> Command {
    Command::SignIn {
        device: DeviceId(device.to_string()),
        user: user(name),
        node: NodeId(1),
    }
}

fn sign_out(device: u128) -> Command {
    Command::SignOut {
        device: DeviceId(device.to_string()),
        node: NodeId(1),
    }
}

fn pick(why: Why, names: &[&str]) -> Command {
    Command::Recompute {
        why,
        candidates: users(names),
    }
}

fn permanent(seats: &Seats) -> Vec<&str> {
    let mut found: Vec<(u32, &str)> = seats
        .holders()
        .filter_map(|(user, holding)| match holding {
            Holding::Permanent { place } => Some((place, user.as_str())),
            _ => None,
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, user)| user).collect()
}

fn refusal(outcome: plenary_seats::Outcome) -> Refusal {
    outcome.expect_err("it is refused").0
}

#[test]
fn permanent_ones_are_picked_in_the_given_order_and_the_others_are_listed() {
    let mut seats = with(3);
    let told = seats
        .apply(hour(1), &pick(Why::Start, &["d", "c", "b", "a", "d"]))
        .expect("picked");
    assert_eq!(permanent(&seats), ["d", "c", "b"]);
    assert_eq!(
        seats.without_permanent(),
        (users(&["a"]).as_slice(), Some(hour(1)))
    );
    assert!(told.contains(&Told::LimitReached { users: users(&["a"]) }));
    assert_eq!(refusal(seats.apply(hour(2), &join(1, "a"))), Refusal::NoPro);
    seats
        .apply(hour(2), &join(2, "b"))
        .expect("it has a seat at any time");
}

#[test]
fn it_is_picked_every_24_hours_from_the_start_on() {
    let mut seats = with(1);
    assert_eq!(seats.next_pick(), None);
    seats.apply(hour(5), &pick(Why::Start, &["a"])).expect("picked");
    assert_eq!(seats.next_pick(), Some(hour(29)));
    seats.apply(hour(7), &pick(Why::Asked, &["a"])).expect("picked");
    assert_eq!(seats.next_pick(), Some(hour(29)), "on demand does not move it");
    seats.apply(hour(30), &pick(Why::Daily, &["a"])).expect("picked");
    assert_eq!(seats.next_pick(), Some(hour(53)), "late once, not late for ever");
    seats.apply(hour(31), &pick(Why::Start, &["a"])).expect("picked");
    assert_eq!(seats.next_pick(), Some(hour(55)));
}

#[test]
fn temporary_holders_that_expire_first_give_way() {
    let mut seats = with(3);
    for (at, id, name) in [(0, 1, "early"), (1, 2, "late"), (2, 3, "talking")] {
        seats.apply(hour(at), &join(id, name)).expect("free");
    }
    seats.apply(hour(3), &left(1)).expect("ends");
    seats.apply(hour(4), &left(2)).expect("ends");
    let told = seats
        .apply(hour(5), &pick(Why::Daily, &["boss"]))
        .expect("picked");
    assert!(told.contains(&Told::Lost {
        user: user("early"),
        loss: Loss::Redistributed
    }));
    assert!(
        !told.iter().any(|told| matches!(told, Told::End { .. })),
        "nobody is put out: {told:?}"
    );
    seats
        .apply(hour(6), &pick(Why::Daily, &["boss", "vice", "third"]))
        .expect("picked");
    assert_eq!(permanent(&seats), ["boss", "vice", "third"]);
}

#[test]
fn only_those_who_lost_their_seat_are_put_out_and_it_is_free_when_they_are() {
    let mut seats = with(2);
    seats.apply(hour(0), &join(1, "a")).expect("free");
    seats.apply(hour(1), &join(2, "b")).expect("free");
    let told = seats
        .apply(hour(2), &pick(Why::Daily, &["boss"]))
        .expect("picked");
    let ended: Vec<u128> = told
        .iter()
        .filter_map(|told| match told {
            Told::End { participation, .. } => Some(participation.0),
            _ => None,
        })
        .collect();
    assert_eq!(ended, [1], "equal otherwise, the first by name gives way");
    // The node of that place may be cut off and let it go on for a while.
    assert_eq!(seats.in_use().pro, 2);
    assert!(!seats.status(&user("boss")).expect("picked").seated);
    assert_eq!(refusal(seats.apply(hour(2), &join(3, "boss"))), Refusal::NoPro);
    assert_eq!(refusal(seats.apply(hour(2), &join(4, "a"))), Refusal::NoPro);
    seats.apply(hour(2), &left(1)).expect("ends");
    seats.apply(hour(2), &join(5, "boss")).expect("has a seat now");
    assert_eq!(seats.in_use().pro, 2);
}

#[test]
fn who_leaves_the_group_becomes_temporary_if_a_seat_is_free() {
    let mut seats = with(2);
    seats
        .apply(hour(0), &pick(Why::Start, &["a", "b"]))
        .expect("picked");
    seats.apply(hour(1), &join(1, "a")).expect("has a seat");
    // Nobody else needs a seat: both stay.
    seats.apply(hour(24), &pick(Why::Daily, &["b"])).expect("picked");
    assert_eq!(
        seats.status(&user("a")).expect("kept").holding,
        Holding::Temporary { until: hour(48) }
    );
    assert_eq!(permanent(&seats), ["b"]);
    // One comes for whom there is none left: the temporary one gives way, then the one that left the group.
    let told = seats
        .apply(hour(48), &pick(Why::Daily, &["c", "d"]))
        .expect("picked");
    assert!(told.contains(&Told::Lost {
        user: user("a"),
        loss: Loss::Redistributed
    }));
    assert!(told.contains(&Told::Lost {
        user: user("b"),
        loss: Loss::Redistributed
    }));
}

#[test]
fn temporary_pro_lasts_24_hours_and_begins_anew_with_each_conference() {
    let mut seats = with(1);
    seats.apply(hour(0), &join(1, "a")).expect("free");
    seats.apply(hour(1), &left(1)).expect("ends");
    seats.apply(hour(20), &join(2, "a")).expect("has it");
    seats.apply(hour(90), &Command::Tick).expect("time passes");
    assert_eq!(seats.in_use().pro, 1, "in a conference it does not end");
    seats.apply(hour(91), &left(2)).expect("ends");
    assert_eq!(refusal(seats.apply(hour(114), &join(3, "b"))), Refusal::NoPro);
    seats
        .apply(hour(115), &join(4, "b"))
        .expect("free at that very moment");
}

#[test]
fn it_can_be_asked_for_in_advance_if_that_is_allowed() {
    let mut seats = with(1);
    let ask = |name| Command::AskForPro { user: user(name) };
    let told = seats.apply(hour(0), &ask("a")).expect("free");
    assert_eq!(
        told,
        [Told::Granted {
            user: user("a"),
            until: hour(24)
        }]
    );
    assert_eq!(refusal(seats.apply(hour(1), &ask("b"))), Refusal::NoPro);
    let settings = Settings {
        ask_for_pro: false,
        ..Settings::default()
    };
    seats.apply(hour(2), &Command::Settings(settings)).expect("set");
    assert_eq!(refusal(seats.apply(hour(30), &ask("b"))), Refusal::AskingIsOff);
    seats
        .apply(hour(30), &join(1, "b"))
        .expect("joining is something else");
}

#[test]
fn a_revoked_user_is_put_out_and_the_seat_goes_to_the_next() {
    let mut seats = with(1);
    seats.apply(hour(0), &join(1, "a")).expect("free");
    let revoke = Command::Revoke { user: user("a") };
    let told = seats.apply(hour(1), &revoke).expect("it is temporary");
    assert!(told.contains(&Told::Revocation { user: user("a") }));
    assert!(told.contains(&Told::End {
        participation: ParticipationId(1),
        node: NodeId(1),
        loss: Loss::Revoked
    }));
    assert_eq!(
        refusal(seats.apply(hour(1), &revoke)),
        Refusal::NotTemporary { user: user("a") }
    );
    assert_eq!(refusal(seats.apply(hour(1), &join(2, "b"))), Refusal::NoPro);
    seats
        .apply(hour(1), &lost(1))
        .expect("that node uses nothing any more");
    seats.apply(hour(1), &join(3, "b")).expect("free");

    let mut idle = with(1);
    idle.apply(hour(0), &Command::AskForPro { user: user("a") })
        .expect("free");
    idle.apply(hour(1), &revoke).expect("it is temporary");
    idle.apply(hour(1), &join(1, "b")).expect("free at once");
}

#[test]
fn permanent_pro_is_not_revoked() {
    let mut seats = with(1);
    seats.apply(hour(0), &pick(Why::Start, &["a"])).expect("picked");
    let revoke = Command::Revoke { user: user("a") };
    assert_eq!(
        refusal(seats.apply(hour(1), &revoke)),
        Refusal::NotTemporary { user: user("a") }
    );
}

#[test]
fn refusals_are_listed_for_24_hours_apart_from_permanent_ones() {
    let mut seats = with(1);
    seats
        .apply(hour(0), &pick(Why::Start, &["a", "b"]))
        .expect("picked");
    refusal(seats.apply(hour(1), &join(1, "c")));
    let listed: Vec<_> = seats.without_temporary().collect();
    assert_eq!(listed, [(&user("c"), hour(1))]);
    assert_eq!(seats.without_permanent().0, users(&["b"]));
    assert_eq!(seats.next(), Some(hour(25)));
    seats.apply(hour(25), &Command::Tick).expect("time passes");
    assert_eq!(seats.without_temporary().count(), 0);
    assert_eq!(
        seats.without_permanent().0,
        users(&["b"]),
        "that list is of the last pick"
    );
}

#[test]
fn the_free_licence_has_no_permanent_pro() {
    let mut seats = with(10);
    let capacity = Capacity {
        permanent_pro: false,
        ..capacity(10)
    };
    seats.apply(hour(0), &pick(Why::Start, &["a"])).expect("picked");
    seats.apply(hour(1), &Command::Capacity(capacity)).expect("set");
    seats
        .apply(hour(24), &pick(Why::Daily, &["a", "b"]))
        .expect("picked");
    assert!(permanent(&seats).is_empty());
    assert!(seats.status(&user("a")).is_some(), "it became temporary");
}

#[test]
fn a_smaller_licence_throws_nobody_out_and_blocks_growth() {
    let mut seats = with(3);
    for (id, name) in [(1, "a"), (2, "b"), (3, "c")] {
        seats.apply(hour(0), &join(id, name)).expect("free");
    }
    let told = seats
        .apply(hour(1), &Command::Capacity(capacity(1)))
        .expect("set");
    assert_eq!((told.len(), seats.in_use().pro), (0, 3));
    seats
        .apply(hour(1), &join(4, "a"))
        .expect("whoever has it keeps it");
    assert_eq!(refusal(seats.apply(hour(1), &join(5, "d"))), Refusal::NoPro);
    for id in 1..=4 {
        seats.apply(hour(2), &left(id)).expect("ends");
    }
    seats.apply(hour(26), &join(6, "d")).expect("they fell free");
}

#[test]
fn online_seats_are_of_devices_and_sleeping_ones_hold_none() {
    let mut seats = with(0);
    let sign_in = |device: u128| sign_in(device, "a");
    for device in 0..15 {
        seats.apply(hour(0), &sign_in(device)).expect("free");
    }
    seats.apply(hour(0), &sign_in(3)).expect("the same device again");
    assert_eq!(refusal(seats.apply(hour(0), &sign_in(15))), Refusal::NoOnline);
    seats.apply(hour(0), &sign_out(3)).expect("it sleeps");
    seats.apply(hour(0), &sign_in(15)).expect("free");
    assert_eq!(refusal(seats.apply(hour(0), &sign_in(3))), Refusal::NoOnline);
}

#[test]
fn guests_and_terminals_take_seats_of_their_own() {
    let mut seats = with(0);
    let guest = |number: u8| Command::GuestJoin {
        participation: ParticipationId(number.into()),
        guest: GuestId::of_random([number; 16]),
        node: NodeId(1),
    };
    seats.apply(hour(0), &guest(1)).expect("free");
    seats.apply(hour(0), &guest(2)).expect("free");
    assert_eq!(refusal(seats.apply(hour(0), &guest(3))), Refusal::NoGuest);
    let up = |connection| Command::GatewayUp {
        connection: ConnectionId(connection),
        account: None,
    };
    seats.apply(hour(0), &up(1)).expect("free");
    seats.apply(hour(0), &up(2)).expect("free");
    assert_eq!(refusal(seats.apply(hour(0), &up(3))), Refusal::NoGateway);
    let down = Command::GatewayDown {
        connection: ConnectionId(1),
    };
    seats.apply(hour(0), &down).expect("it ends");
    seats.apply(hour(0), &up(3)).expect("free");
    assert_eq!((seats.in_use().pro, seats.in_use().online), (0, 0));
}

#[test]
fn a_partners_user_takes_none_and_ours_take_one_wherever_they_are() {
    let mut seats = with(1);
    let partner = Command::JoinAsPartner {
        user: "bob@oslo.example.com".parse().expect("a user"),
    };
    seats.apply(hour(0), &partner).expect("always");
    assert_eq!(seats.in_use().pro, 0);
    // Where the conference is makes no difference.
    seats.apply(hour(0), &join(1, "a")).expect("free");
    assert_eq!(refusal(seats.apply(hour(0), &join(2, "b"))), Refusal::NoPro);
}

#[test]
fn with_an_enterprise_licence_whoever_is_signed_in_joins() {
    let mut seats = Seats::new();
    let one_pool = Capacity {
        pro: 0,
        online: 2,
        mode: Mode::OnePool,
        ..capacity(0)
    };
    seats.apply(hour(0), &Command::Capacity(one_pool)).expect("set");
    seats.apply(hour(0), &sign_in(1, "a")).expect("free");
    seats.apply(hour(0), &sign_in(2, "b")).expect("free");
    seats.apply(hour(0), &join(1, "a")).expect("signed in");
    seats.apply(hour(0), &join(2, "b")).expect("signed in");
    assert_eq!((seats.in_use().pro, seats.in_use().online), (0, 2));
    assert_eq!(refusal(seats.apply(hour(0), &sign_in(3, "c"))), Refusal::NoOnline);
}

#[test]
fn under_a_new_lease_seats_come_back_in_order() {
    let mut seats = with(3);
    seats
        .apply(hour(0), &pick(Why::Start, &["boss"]))
        .expect("picked");
    seats.apply(hour(1), &join(1, "a")).expect("free");
    seats.apply(hour(2), &join(2, "b")).expect("free");
    seats.apply(hour(3), &left(1)).expect("ends");
    seats.apply(hour(4), &left(2)).expect("ends");
    seats
        .apply(hour(5), &Command::NewLease(capacity(0)))
        .expect("all machines were off");
    assert_eq!(seats.in_use().pro, 0);
    assert_eq!(refusal(seats.apply(hour(5), &join(3, "boss"))), Refusal::NoPro);
    seats
        .apply(hour(5), &Command::Capacity(capacity(2)))
        .expect("two came back");
    let seated = |name| seats.status(&user(name)).expect("it still holds it").seated;
    assert_eq!([seated("boss"), seated("b"), seated("a")], [true, true, false]);
}

#[test]
fn an_account_that_is_gone_holds_nothing() {
    let mut seats = with(1);
    seats.apply(hour(0), &join(1, "a")).expect("free");
    let told = seats
        .apply(hour(0), &Command::Gone { user: user("a") })
        .expect("gone");
    assert!(
        told.iter()
            .any(|told| matches!(told, Told::End { loss: Loss::Gone, .. }))
    );
    seats.apply(hour(0), &left(1)).expect("ends");
    assert_eq!(seats.in_use().pro, 0);
}

#[test]
fn several_places_of_a_guest_take_one_seat_until_the_last_one_ends() {
    let mut seats = with(0);
    let come = |participation, number| Command::GuestJoin {
        participation: ParticipationId(participation),
        guest: GuestId::of_random([number; 16]),
        node: NodeId(1),
    };
    for (participation, number) in [(1, 1), (2, 1), (3, 2)] {
        seats.apply(hour(0), &come(participation, number)).expect("free");
    }
    assert_eq!(refusal(seats.apply(hour(0), &come(4, 3))), Refusal::NoGuest);
    seats.apply(hour(0), &left(1)).expect("ends");
    assert_eq!(seats.in_use().guest, 2);
    seats.apply(hour(0), &left(2)).expect("ends");
    seats.apply(hour(0), &come(4, 3)).expect("free");
}

#[test]
fn what_was_on_a_lost_node_is_free_but_for_those_who_may_come_back() {
    let mut seats = with(0);
    let come = |participation, number| Command::GuestJoin {
        participation: ParticipationId(participation),
        guest: GuestId::of_random([number; 16]),
        node: NodeId(1),
    };
    for command in [come(1, 1), come(2, 2), sign_in(1, "a")] {
        seats.apply(hour(0), &command).expect("free");
    }
    let lost = Command::NodeLost {
        node: NodeId(1),
        kept: [ParticipationId(2)].into(),
    };
    seats.apply(hour(0), &lost).expect("lost");
    assert_eq!((seats.in_use().guest, seats.in_use().online), (1, 0));
    assert_eq!(seats.places_on(NodeId(1)), [ParticipationId(2)]);
}

#[test]
fn what_is_kept_entry_by_entry_is_all_there_is() {
    let mut seats = with(2);
    seats.take_touched();
    let begin = [
        pick(Why::Start, &["boss", "b", "c"]),
        join(1, "boss"),
        sign_in(1, "a"),
    ];
    for command in &begin {
        seats.apply(hour(0), command).expect("free");
    }
    refusal(seats.apply(hour(1), &join(2, "d")));
    let touched = seats.take_touched();
    let stored = Stored {
        figures: seats.figures(),
        holders: touched
            .holders
            .iter()
            .filter_map(|user| Some((user.clone(), seats.holder(user)?.clone())))
            .collect(),
        online: touched
            .online
            .iter()
            .filter_map(|device| Some((device.clone(), seats.device(device)?.clone())))
            .collect(),
        without_permanent: seats.without_permanent().0.to_vec(),
        without_temporary: touched
            .without_temporary
            .iter()
            .filter_map(|user| Some((user.clone(), seats.refused_since(user)?)))
            .collect(),
        ..Stored::default()
    };
    assert!(touched.without_permanent);
    assert_eq!(Seats::stored(stored), seats);
    assert!(seats.take_touched().is_none());
}

fn command() -> impl Strategy<Value = Command> {
    let name = (0_u8..8).prop_map(|number| user(&format!("u{number}")));
    let names = proptest::collection::vec(name.clone(), 0..6);
    prop_oneof![
        4 => (0_u128..40, name.clone(), 1_u64..3).prop_map(|(id, user, node)| Command::Join {
            participation: ParticipationId(id),
            user,
            node: NodeId(node),
        }),
        4 => (0_u128..40).prop_map(left),
        1 => (1_u64..3).prop_map(lost),
        2 => name.clone().prop_map(|user| Command::AskForPro { user }),
        1 => name.clone().prop_map(|user| Command::Revoke { user }),
        1 => name.prop_map(|user| Command::Gone { user }),
        2 => names.prop_map(|candidates| Command::Recompute { why: Why::Daily, candidates }),
        1 => (0_u32..6).prop_map(|pro| Command::Capacity(capacity(pro))),
        1 => (0_u32..6).prop_map(|pro| Command::NewLease(capacity(pro))),
        1 => Just(Command::Tick),
    ]
}

proptest! {
    /// Seats taken rise only while there are free ones, whatever happens; equal logs give equal states.
    #[test]
    fn seats_are_never_taken_that_are_not_there(
        commands in proptest::collection::vec((command(), 0_u64..12), 0..80),
    ) {
        let (mut seats, mut again) = (with(4), with(4));
        let mut at = 0;
        for (command, hours) in commands {
            at += hours;
            let before = seats.in_use().pro;
            let outcome = seats.apply(hour(at), &command);
            prop_assert_eq!(&outcome, &again.apply(hour(at), &command));
            let (after, capacity) = (seats.in_use().pro, seats.capacity().pro);
            prop_assert!(after <= before.max(capacity), "{before} → {after} of {capacity}: {command:?}");
            let is_over = seats.next().is_some_and(|next| next <= hour(at));
            prop_assert!(!is_over, "something that ended is still there");
        }
        prop_assert_eq!(seats, again);
    }
}
