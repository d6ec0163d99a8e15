//! Seats that are borrowed from a License Manager, in the server's log (LIC-14).

use crate::{home::*, licensing::*};
use plenary_access::*;
use plenary_licences::{Epoch, Order, PoolId, Position, Seats as Amount, lessee::Change as Leased};
use plenary_licensing::{Alarm, Change as Counting, Gives, LEASE_CHANGE_IGNORED, Stage};
use plenary_model::{GroupId, NodeId};
use plenary_store::queries;

const POOL: PoolId = PoolId(9);
const SECOND: u64 = 1_000;

fn epoch(number: u64) -> Epoch {
    Epoch { pool: 1, number }
}

fn order(number: u64, seq: u64) -> Order {
    Order {
        epoch: epoch(number),
        term: 1,
        seq,
    }
}

pub(crate) fn connect() -> Counting {
    Counting::Connect {
        manager: name("licences.example.com"),
        pool: POOL,
        addresses: vec!["lm-1.example.com:4310".into()],
    }
}

pub(crate) fn registered(number: u64) -> Counting {
    Counting::Lease(Leased::Registered {
        pool: POOL,
        epoch: epoch(number),
        seen: Position::default(),
    })
}

pub(crate) fn grown(number: u64, seq: u64, seats: Amount) -> Counting {
    Counting::Lease(Leased::Grown {
        order: order(number, seq),
        seats,
        seen: Position::default(),
    })
}

fn shrunk(number: u64, seq: u64, to: Amount) -> Counting {
    Counting::Lease(Leased::Shrunk {
        order: order(number, seq),
        to,
    })
}

pub(crate) fn seats(pro: u32, online: u32, guest: u32) -> Amount {
    Amount {
        pro,
        online,
        guest,
        gateway: 0,
    }
}

pub(crate) fn gives(enterprise: bool) -> Counting {
    Counting::Gives(Gives {
        enterprise,
        permanent_pro: true,
        ..Gives::default()
    })
}

pub(crate) fn begin(number: u64) -> Counting {
    Counting::Begin { epoch: epoch(number) }
}

/// A server that borrows, and holds these seats.
pub(crate) fn lent(users: &[&str], held: Amount) -> Home {
    let mut home = counting(&[], users);
    home.ok(by("root"), connect());
    home.ok(system(), gives(false));
    home.ok(system(), registered(1));
    home.ok(system(), grown(1, 1, held));
    home.ok(system(), begin(1));
    assert_eq!(stage(&home), Some(Stage::Lent));
    home
}

fn stage(home: &Home) -> Option<Stage> {
    desk(home).lease().map(|lease| lease.stage)
}

fn wanted(home: &Home) -> Amount {
    let needs = queries::needs(&home.db).expect("reads").expect("it borrows");
    needs.wanted(plenary_model::Timestamp(home.now))
}

fn refused(home: &mut Home, change: impl Into<AnyChange>) -> String {
    let change = change.into();
    code(match change {
        AnyChange::Enter(change) => home.run(plain(system(), *change)),
        AnyChange::Counting(by, change) => home.run(plain(by, change)),
    })
}

enum AnyChange {
    Enter(Box<plenary_conference::Change>),
    Counting(Actor, Counting),
}

impl From<plenary_conference::Change> for AnyChange {
    fn from(change: plenary_conference::Change) -> Self {
        Self::Enter(Box::new(change))
    }
}

impl From<(Actor, Counting)> for AnyChange {
    fn from((by, change): (Actor, Counting)) -> Self {
        Self::Counting(by, change)
    }
}

#[test]
fn the_own_licence_holds_until_the_lease_covers_what_is_in_use() {
    let mut home = counting(&[], &["alice", "bob"]);
    home.ok(system(), enter(1, user("alice")));
    home.ok(by("root"), connect());
    home.ok(system(), gives(false));
    home.ok(system(), registered(1));
    assert_eq!(stage(&home), Some(Stage::Waiting));
    assert_eq!(wanted(&home), seats(1, 0, 0));
    home.ok(system(), begin(1));
    assert_eq!(stage(&home), Some(Stage::Waiting), "one seat is in use");
    home.ok(system(), enter(2, user("bob")));
    home.ok(system(), grown(1, 1, seats(1, 5, 0)));
    home.ok(system(), begin(1));
    assert_eq!(stage(&home), Some(Stage::Waiting), "two are in use by now");
    home.ok(system(), grown(1, 2, seats(2, 5, 0)));
    home.ok(system(), begin(1));
    assert_eq!(stage(&home), Some(Stage::Lent));
    assert_eq!(desk(&home).total(), seats(2, 5, 0));
    assert_eq!(places(&home), [1, 2], "nobody notices");
    same_everywhere(&mut home);
}

#[test]
fn who_finds_no_seat_is_asked_for_before_the_refusal_is_told() {
    let mut home = lent(&["alice", "bob", "carol"], seats(1, 5, 0));
    home.ok(system(), enter(1, user("alice")));
    assert_eq!(refused(&mut home, enter(2, user("bob"))), "no_pro_seat");
    assert!(events(&home, EventKind::ProLicenseLimit).is_empty(), "not yet");
    assert_eq!(wanted(&home), seats(2, 0, 0));
    home.ok(system(), grown(1, 2, seats(2, 5, 0)));
    home.ok(system(), enter(2, user("bob")));
    assert_eq!(wanted(&home), seats(2, 0, 0));
    assert_eq!(desk(&home).seats().without_temporary().count(), 0);

    // The manager has none: after a second that is told.
    assert_eq!(refused(&mut home, enter(3, user("carol"))), "no_pro_seat");
    home.now += SECOND;
    assert_eq!(refused(&mut home, enter(3, user("carol"))), "no_pro_seat");
    assert_eq!(events(&home, EventKind::ProLicenseLimit).len(), 1);
    assert_eq!(desk(&home).seats().without_temporary().count(), 1);
    home.now += 10 * SECOND;
    assert_eq!(
        wanted(&home),
        seats(2, 0, 0),
        "who does not ask again wants nothing"
    );
    same_everywhere(&mut home);
}

#[test]
fn guests_and_devices_are_asked_for_too() {
    let mut home = lent(&["alice"], seats(1, 0, 0));
    let ann = guest(&mut home, 5);
    assert_eq!(refused(&mut home, enter(7, ann.clone())), "no_guest_seat");
    assert_eq!(code(online(&mut home, "alice", "a")), "no_online_seat");
    assert_eq!(wanted(&home), seats(0, 1, 1));
    home.ok(system(), grown(1, 2, seats(1, 1, 1)));
    home.ok(system(), enter(7, ann));
    online(&mut home, "alice", "b").expect("there is one");
    assert_eq!(taken(&home), [0, 1, 1, 0]);
    same_everywhere(&mut home);
}

#[test]
fn seats_in_use_do_not_go_back_and_old_changes_do_nothing() {
    let mut home = lent(&["alice", "bob"], seats(3, 5, 1));
    home.ok(system(), enter(1, user("alice")));
    home.ok(system(), enter(2, user("bob")));
    let ignored = (system(), shrunk(1, 3, seats(1, 5, 1)));
    assert_eq!(refused(&mut home, ignored), LEASE_CHANGE_IGNORED);
    home.ok(system(), shrunk(1, 3, seats(2, 0, 0)));
    for old in [
        grown(1, 2, seats(9, 9, 9)),
        registered(1),
        shrunk(1, 3, Amount::NONE),
    ] {
        assert_eq!(refused(&mut home, (system(), old)), LEASE_CHANGE_IGNORED);
    }
    let other = Counting::Lease(Leased::Registered {
        pool: PoolId(8),
        epoch: epoch(5),
        seen: Position::default(),
    });
    assert_eq!(refused(&mut home, (system(), other)), LEASE_CHANGE_IGNORED);
    assert_eq!(desk(&home).total(), seats(2, 0, 0));
    assert_eq!(
        code(home.run(plain(by("alice"), grown(1, 4, seats(9, 9, 9))))),
        "forbidden"
    );
    same_everywhere(&mut home);
}

#[test]
fn under_a_new_lease_nothing_of_before_goes_on_and_all_get_their_seats_again() {
    let mut home = lent(&["alice", "bob"], seats(2, 5, 1));
    let ann = guest(&mut home, 5);
    online(&mut home, "alice", "a").expect("free");
    home.ok(system(), enter(1, user("alice")));
    home.ok(system(), enter(2, user("bob")));
    home.ok(system(), enter(3, ann.clone()));
    home.ok(system(), registered(2));
    assert_eq!(places(&home), [0; 0], "all are out");
    assert_eq!(taken(&home), [0; 4]);
    assert_eq!(wanted(&home), seats(2, 1, 0), "holders and devices wait");
    home.ok(system(), grown(2, 1, seats(2, 1, 1)));
    assert_eq!(taken(&home), [2, 1, 0, 0], "without asking again");
    home.ok(system(), enter(4, user("alice")));
    home.ok(system(), enter(5, ann));
    assert_eq!(places(&home), [4, 5]);
    same_everywhere(&mut home);
}

#[test]
fn groups_with_permanent_pro_get_seats_as_they_come() {
    let mut home = lent(&["alice", "bob", "carol"], seats(1, 5, 0));
    home.ok(by("root"), create_group("g-board", "Board"));
    home.ok(by("root"), join("g-board", &["alice", "bob"]));
    let groups = Some(vec![name::<GroupId>("g-board")]);
    let patch = plenary_licensing::RulesPatch {
        groups,
        ..Default::default()
    };
    home.ok(by("root"), Counting::UpdateRules { expect: None, patch });
    home.ok(by("root"), Counting::Recompute);
    let permanent = |home: &Home| {
        let desk = desk(home);
        let (without, _) = desk.seats().without_permanent();
        without.len()
    };
    assert_eq!(permanent(&home), 1);
    assert_eq!(wanted(&home), seats(2, 0, 0));
    home.ok(system(), grown(1, 2, seats(2, 5, 0)));
    assert_eq!(permanent(&home), 0);
    assert_eq!(taken(&home), [2, 0, 0, 0]);
    same_everywhere(&mut home);
}

#[test]
fn with_an_enterprise_licence_of_the_manager_only_online_seats_are_borrowed() {
    let mut home = counting(&[], &["alice", "bob"]);
    online(&mut home, "alice", "a").expect("free");
    home.ok(system(), enter(1, user("alice")));
    home.ok(by("root"), connect());
    home.ok(system(), gives(true));
    home.ok(system(), registered(1));
    assert_eq!(wanted(&home), seats(0, 1, 0));
    home.ok(system(), grown(1, 1, seats(0, 1, 0)));
    home.ok(system(), begin(1));
    assert_eq!(stage(&home), Some(Stage::Lent));
    assert!(desk(&home).seats().is_one_pool());
    assert_eq!(refused(&mut home, enter(2, user("bob"))), "no_online_seat");
    assert_eq!(wanted(&home), seats(0, 2, 0));
    same_everywhere(&mut home);
}

#[test]
fn under_a_new_lease_with_an_enterprise_licence_all_are_out_signed_in_or_not() {
    let mut home = lent(&["alice", "bob"], seats(2, 2, 0));
    home.ok(system(), gives(true));
    home.ok(system(), enter(1, user("alice")));
    // Bob's place is of the single pool; it has another kind of seats by then.
    home.ok(system(), enter(2, user("bob")));
    home.ok(system(), gives(false));
    home.ok(system(), registered(2));
    assert_eq!(places(&home), [0; 0]);
    same_everywhere(&mut home);
}

#[test]
fn a_server_has_files_of_its_own_or_a_manager() {
    let own = licence(1, 20, 2);
    let mut home = counting(std::slice::from_ref(&own), &["alice"]);
    assert_eq!(refused(&mut home, (by("root"), connect())), "licences_installed");
    home.ok(by("root"), Counting::Remove { licence: own.id });
    assert_eq!(refused(&mut home, (by("alice"), connect())), "forbidden");
    home.ok(by("root"), connect());
    assert_eq!(
        refused(&mut home, (by("root"), connect())),
        "licence_manager_connected"
    );
    assert_eq!(
        refused(&mut home, (by("root"), install(&own))),
        "licence_manager_connected"
    );
    let changes = events(&home, EventKind::Change);
    assert!(
        changes
            .iter()
            .any(|event| event.object_kind == "license_manager" && event.object == "licences.example.com"),
        "an event says so"
    );
    home.ok(by("root"), Counting::Disconnect { end: true });
    home.ok(by("root"), install(&own));
    same_everywhere(&mut home);
}

#[test]
fn a_server_is_disconnected_when_its_own_licence_has_room() {
    let people = (0..11).map(|number| format!("p{number}")).collect::<Vec<_>>();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let mut home = lent(&people, seats(11, 5, 0));
    for (id, who) in (1..).zip(&people) {
        home.ok(system(), enter(id, user(who)));
    }
    let gently = || (by("root"), Counting::Disconnect { end: false });
    assert_eq!(
        refused(&mut home, gently()),
        "seats_in_use",
        "the free licence has ten"
    );
    home.ok(by("root"), Counting::Revoke { user: name("p0") });
    home.ok(system(), ended(&[1]));
    home.ok(by("root"), Counting::Disconnect { end: false });
    assert_eq!(stage(&home), Some(Stage::Leaving));
    assert_eq!(places(&home).len(), 10, "nobody notices");
    assert_eq!(wanted(&home), Amount::NONE);
    assert_eq!(refused(&mut home, gently()), "licence_manager_leaving");
    home.ok(system(), shrunk(1, 9, Amount::NONE));
    home.ok(system(), Counting::Left { pool: POOL });
    assert_eq!(stage(&home), None);
    assert_eq!(desk(&home).total().pro, 10);
    assert_eq!(refused(&mut home, gently()), "licence_manager_not_connected");
    same_everywhere(&mut home);
}

#[test]
fn whoever_cannot_wait_for_the_manager_ends_everything() {
    let mut home = lent(&["alice"], seats(3, 5, 1));
    let ann = guest(&mut home, 5);
    home.ok(system(), enter(1, user("alice")));
    home.ok(system(), enter(2, ann));
    home.ok(by("root"), Counting::Disconnect { end: true });
    assert_eq!(stage(&home), None);
    assert_eq!(places(&home), [0; 0]);
    home.ok(system(), enter(3, user("alice")));
    assert_eq!(
        refused(&mut home, (system(), grown(1, 9, seats(9, 9, 9)))),
        LEASE_CHANGE_IGNORED
    );
    same_everywhere(&mut home);
}

#[test]
fn administrators_are_told_once_how_short_the_lease_is() {
    let mut home = lent(&["alice"], seats(3, 5, 1));
    let mut alarm = |number, alarm| {
        home.ok(
            system(),
            Counting::Alarm {
                epoch: epoch(number),
                alarm,
            },
        );
        events(&home, EventKind::LicenseExpiry).len()
    };
    assert_eq!(alarm(2, Alarm::Over), 0, "of another lease");
    assert_eq!(alarm(1, Alarm::None), 0);
    assert_eq!(alarm(1, Alarm::Short), 1);
    assert_eq!(alarm(1, Alarm::Short), 1);
    assert_eq!(alarm(1, Alarm::Over), 2);
    assert_eq!(alarm(1, Alarm::None), 3);
}

#[test]
fn nodes_of_older_versions_cannot_be_told_of_it() {
    assert_eq!(connect().level(), plenary_licensing::LEASES_LEVEL);
    assert_eq!(Counting::Tick.level(), plenary_licensing::SEATS_LEVEL);
    let node = Counting::Silent {
        node: NodeId(1),
        beat: 0,
    };
    assert_eq!(node.level(), plenary_licensing::SEATS_LEVEL);
}
