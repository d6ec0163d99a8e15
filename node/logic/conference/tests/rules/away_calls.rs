//! Calls between this server and a partner's, from either side (FED-02).

use crate::{gate::settings, world::*};
use plenary_conference::*;
use plenary_model::{NodeId, UserName};

const OSLO: &str = "oslo.example.net";

fn federated(id: &str) -> Person {
    Person::Federated(name(id))
}

pub(crate) fn dial(cid: &str, to: &str) -> Change {
    Change::DialAway {
        cid: name(cid),
        to: name(to),
    }
}

fn said(cid: &str, said: PartnerSaid) -> Change {
    Change::PartnerSaid { cid: name(cid), said }
}

pub(crate) fn rings_at(cid: &str, user: &str) -> Change {
    let rings = PartnerSaid::Rings {
        user: Some(name(user)),
        name: "Demo Two".into(),
        group: false,
    };
    said(cid, rings)
}

fn over(cid: &str, how: How) -> Change {
    said(cid, PartnerSaid::Over(how))
}

pub(crate) fn receive(cid: &str, from: &str, to: &str, into: Option<&str>) -> Change {
    Change::Receive(AwayCall {
        cid: name(cid),
        from: name(from),
        name: "Demo Two".into(),
        enter: name("call-9"),
        into: into.map(Into::into),
        to: AwayTo::User(name(to)),
    })
}

fn receive_for_desk(cid: &str) -> Change {
    Change::Receive(AwayCall {
        cid: name(cid),
        from: name("demo2@oslo.example.net"),
        name: "Demo Two".into(),
        enter: name("call-9"),
        into: None,
        to: AwayTo::Group(name("g-desk")),
    })
}

fn seat(run: u64) -> AwaySeat {
    AwaySeat {
        node: NodeId(1),
        epoch: 11,
        run,
        lost_at: None,
    }
}

pub(crate) fn came(user: &str, run: u64) -> Change {
    Change::CameAway {
        server: name(OSLO),
        room: name("call-9"),
        user: name(user),
        seat: seat(run),
    }
}

pub(crate) fn left(user: &str, run: u64) -> Change {
    Change::LeftAway {
        server: name(OSLO),
        room: name("call-9"),
        user: name(user),
        seat: seat(run),
    }
}

pub(crate) fn ends(cid: &str, server: &str, how: How) -> Change {
    Change::AwayEnds {
        cid: name(cid),
        server: name(server),
        how,
    }
}

fn decline(cid: &str) -> Change {
    Change::Decline { cid: name(cid) }
}

fn state(world: &World, cid: &str) -> (bool, Option<How>) {
    let call = world.calls.get(&name(cid)).expect("there");
    (call.answered_at.is_some(), call.over.map(|over| over.how))
}

fn with(world: &World, cid: &str) -> (String, String) {
    let call = world.calls.get(&name(cid)).expect("there");
    (call.caller.to_string(), call.callee.to_string())
}

/// Alice calls 111 of Oslo, which is Demo Two, and is in.
fn calling() -> World {
    let mut world = World::new();
    world
        .run(&user("alice"), &dial("c", "111@oslo.example.net"))
        .expect("she may");
    world.ok(&enter("c", 1, account("alice")));
    world
}

fn ringing() -> World {
    let mut world = calling();
    world.ok(&rings_at("c", "demo2@oslo.example.net"));
    world
}

#[test]
fn who_is_called_there_answers_by_coming_in_and_either_ends_it() {
    for leaver in [1, 2] {
        let mut world = ringing();
        assert_eq!(with(&world, "c").1, "demo2@oslo.example.net");
        world.ok(&enter("c", 2, federated("demo2@oslo.example.net")));
        assert_eq!(state(&world, "c"), (true, None));
        let room = world.room("c");
        assert!(
            [1, 2]
                .iter()
                .all(|id| room.role_of(world.place("c", *id)) >= Role::Moderator)
        );
        world.ok(&leave("c", leaver, 0));
        assert_eq!(state(&world, "c"), (true, Some(How::Talked)));
        assert!(!world.conferences.contains_key(&name("c")));
    }
}

#[test]
fn nobody_else_comes_into_a_call() {
    let mut world = ringing();
    // An account of the same name is somebody else.
    for person in [
        federated("demo3@oslo.example.net"),
        federated("demo2@rome.example.org"),
        federated("alice@oslo.example.net"),
        account("demo2"),
        account("bob"),
    ] {
        world.accounts.insert(
            name("demo2"),
            world
                .accounts
                .get(&name::<UserName>("bob"))
                .expect("there")
                .clone(),
        );
        assert_eq!(world.refused(&enter("c", 2, person)), "uninvited");
    }
    world.ok(&enter("c", 2, federated("demo2@oslo.example.net")));
    // On another device.
    let again = enter("c", 3, federated("demo2@oslo.example.net"));
    assert_eq!(world.refused(&again), "answered-elsewhere");
    assert_eq!(
        world.refused(&enter("c", 4, federated("demo3@oslo.example.net"))),
        "uninvited"
    );
}

#[test]
fn before_the_partner_has_said_at_whom_it_rings_somebody_of_it_may_answer() {
    let mut world = calling();
    let stranger = enter("c", 2, federated("demo2@rome.example.org"));
    assert_eq!(world.refused(&stranger), "uninvited");
    world.ok(&enter("c", 2, federated("demo2@oslo.example.net")));
    assert_eq!(state(&world, "c"), (true, None));
    assert_eq!(with(&world, "c").1, "demo2@oslo.example.net");
    // What is told late changes nothing.
    world.ok(&rings_at("c", "demo3@oslo.example.net"));
    world.ok(&over("c", How::Declined));
    assert_eq!(with(&world, "c").1, "demo2@oslo.example.net");
    assert_eq!(state(&world, "c"), (true, None));
}

#[test]
fn what_a_partner_says_ends_only_what_rings_there() {
    for how in [
        How::Declined,
        How::Missed,
        How::Busy,
        How::Unreachable,
        How::Nobody,
        How::NotAllowed,
    ] {
        let mut world = ringing();
        world.ok(&over("c", how));
        assert_eq!(state(&world, "c"), (false, Some(how)));
        assert!(!world.conferences.contains_key(&name("c")));
        // Again, and something else.
        world.ok(&over("c", How::Declined));
        assert_eq!(state(&world, "c"), (false, Some(how)));
    }
    // It cannot say what is not its own to say.
    let mut world = ringing();
    world.ok(&over("c", How::Talked));
    assert_eq!(state(&world, "c"), (false, Some(How::Missed)));
    // Nor name somebody of another server.
    let mut world = calling();
    world.ok(&rings_at("c", "demo2@rome.example.org"));
    assert_eq!(with(&world, "c").1, "111@oslo.example.net");
    // Calls of this server are none of a partner's.
    let mut world = World::new();
    world
        .run(&user("alice"), &crate::calls::dial("d", "bob"))
        .expect("she may");
    world.ok(&over("d", How::Declined));
    assert_eq!(state(&world, "d"), (false, None));
}

#[test]
fn what_is_called_may_be_a_conference_there() {
    let mut world = calling();
    let conference = PartnerSaid::Conference {
        enter: name("review"),
        name: "Review".into(),
    };
    world.ok(&said("c", conference));
    assert_eq!(state(&world, "c"), (false, Some(How::Conference)));
    let call = world.calls.get(&name("c")).expect("there");
    assert_eq!(call.enter(), "review@oslo.example.net");
}

#[test]
fn the_caller_is_in_one_call_and_needs_the_right() {
    let mut world = calling();
    let again = dial("d", "demo3@oslo.example.net");
    assert_eq!(world.refuses(&user("alice"), &again).code(), "conflict");
    let powerless = powerless("bob", plenary_access::AdminRole::None);
    assert_eq!(world.refuses(&powerless, &again).code(), "forbidden");
    world.now += RING_MS + 1;
    world.ok(&Change::Sweep);
    assert_eq!(state(&world, "c"), (false, Some(How::Missed)));
    world.run(&user("alice"), &again).expect("she is free");
}

#[test]
fn a_group_there_is_answered_by_whoever_is_first() {
    let mut world = calling();
    let group = PartnerSaid::Rings {
        user: None,
        name: "Desk".into(),
        group: true,
    };
    world.ok(&said("c", group));
    world.ok(&enter("c", 2, federated("carol@oslo.example.net")));
    assert_eq!(with(&world, "c").1, "carol@oslo.example.net");
    let late = enter("c", 3, federated("dan@oslo.example.net"));
    assert_eq!(world.refused(&late), "answered-elsewhere");
}

#[test]
fn people_of_a_partner_are_called_into_a_conference() {
    let mut world = World::with_rooms();
    let locked = SettingsPatch {
        uninvited: Some(false),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(locked)))
        .expect("hers");
    world.ok(&enter("open", 1, account("alice")));
    let demo2 = || federated("demo2@oslo.example.net");
    assert_eq!(world.refused(&enter("open", 2, demo2())), "uninvited");
    world.ok(&Change::Call {
        cid: name("open"),
        by: Some(ParticipantId(1)),
        whom: Whom::Users(vec![name("demo2@oslo.example.net")]),
    });
    let rings = world.rings_into(&name("open"));
    assert_eq!(rings.len(), 1);
    let ring = rings[0].cid.to_string();
    world.ok(&rings_at(&ring, "demo2@oslo.example.net"));
    assert!(
        world.calls[&name(&ring)]
            .away
            .as_ref()
            .is_some_and(|away| away.told)
    );
    assert_eq!(
        world.refused(&enter("open", 3, federated("demo3@oslo.example.net"))),
        "uninvited"
    );
    // A moderator's call invites.
    world.ok(&enter("open", 2, demo2()));
    assert_eq!(state(&world, &ring), (true, Some(How::Joined)));
    assert_eq!(
        world.room("open").role_of(world.place("open", 2)),
        Role::Participant
    );
}

#[test]
fn a_call_from_a_partner_rings_and_is_answered_there() {
    let mut world = World::new();
    world.ok(&receive("in", "demo2@oslo.example.net", "bob", None));
    assert_eq!(
        with(&world, "in"),
        ("demo2@oslo.example.net".to_owned(), "bob".to_owned())
    );
    assert_eq!(
        world.calls[&name("in")].enter(),
        "call-9@oslo.example.net",
        "he answers by entering the conference there"
    );
    // The same call comes again.
    let before = world.clone();
    world.ok(&receive("in", "demo2@oslo.example.net", "bob", None));
    assert_eq!(before.calls, world.calls);
    let other = receive("in", "demo3@oslo.example.net", "bob", None);
    assert_eq!(world.refused(&other), "exists");
    world.ok(&came("alice", 1));
    assert_eq!(state(&world, "in"), (false, None), "it is not hers");
    world.ok(&came("bob", 1));
    assert_eq!(state(&world, "in"), (true, None));
    // He is in it now.
    world.ok(&receive("in-2", "demo3@oslo.example.net", "bob", None));
    assert_eq!(state(&world, "in-2"), (false, Some(How::Busy)));
    // Too late to decline, and to be given up.
    world.run(&user("bob"), &decline("in")).expect("nothing follows");
    assert_eq!(state(&world, "in"), (true, None));
    // He comes back by another connection before the first one is found to be gone.
    world.ok(&came("bob", 2));
    world.ok(&left("bob", 1));
    assert_eq!(state(&world, "in"), (true, None));
    world.ok(&left("bob", 2));
    assert_eq!(state(&world, "in"), (true, Some(How::Talked)));
}

#[test]
fn a_call_from_a_partner_is_declined_given_up_or_missed() {
    let ringing = || {
        let mut world = World::new();
        world.ok(&receive("in", "demo2@oslo.example.net", "bob", None));
        world
    };
    let mut world = ringing();
    assert_eq!(world.refuses(&user("alice"), &decline("in")).code(), "not-found");
    world.run(&user("bob"), &decline("in")).expect("he may");
    assert_eq!(state(&world, "in"), (false, Some(How::Declined)));
    let mut world = ringing();
    world.ok(&ends("in", "rome.example.org", How::Cancelled));
    assert_eq!(state(&world, "in"), (false, None), "it is none of theirs");
    world.ok(&ends("in", OSLO, How::Cancelled));
    assert_eq!(state(&world, "in"), (false, Some(How::Cancelled)));
    let mut world = ringing();
    world.now += RING_MS + 1;
    world.ok(&Change::Sweep);
    assert_eq!(state(&world, "in"), (false, Some(How::Missed)));
}

#[test]
fn who_is_busy_away_or_not_there_does_not_ring() {
    let mut world = World::new();
    assert_eq!(
        world.refused(&receive("in", "demo2@oslo.example.net", "nobody", None)),
        "not-found"
    );
    world.online.remove(&name::<UserName>("bob"));
    world.ok(&receive("in", "demo2@oslo.example.net", "bob", None));
    assert_eq!(state(&world, "in"), (false, Some(How::Unreachable)));
    let mut world = World::new();
    world
        .run(&user("alice"), &crate::calls::dial("c", "bob"))
        .expect("she may");
    world.ok(&receive("in", "demo2@oslo.example.net", "bob", None));
    assert_eq!(state(&world, "in"), (false, Some(How::Busy)));
}

#[test]
fn a_call_into_a_partners_conference_is_no_call_of_two() {
    let mut world = World::with_rooms();
    world.ok(&receive("in", "demo2@oslo.example.net", "bob", Some("Review")));
    // He may be called by others as before, and conferences here have nothing to do with it.
    world
        .run(&user("alice"), &crate::calls::dial("c", "bob"))
        .expect("she may");
    assert_eq!(state(&world, "c"), (false, None));
    assert_eq!(state(&world, "in"), (false, None));
    world.ok(&came("bob", 1));
    assert_eq!(state(&world, "in"), (true, Some(How::Joined)));
}

#[test]
fn a_group_that_a_partner_calls_rings_at_all_until_one_answers() {
    let desk = || {
        let mut world = World::new();
        let account = world
            .accounts
            .get(&name::<UserName>("bob"))
            .expect("there")
            .clone();
        world.accounts.insert(name("carol"), account);
        world.online.insert(name("carol"));
        let members = ["bob", "carol"].map(name).into();
        world.groups.insert(name("g-desk"), (name("desk"), members));
        world.ok(&receive_for_desk("in"));
        world
    };
    let rings = |world: &World| -> Vec<Option<How>> {
        let own = world.calls.values().filter(|call| call.ring.is_some());
        own.map(|call| call.over.map(|over| over.how)).collect()
    };
    let mut world = desk();
    assert_eq!(rings(&world), [None, None]);
    world.ok(&came("carol", 1));
    assert_eq!(with(&world, "in").1, "carol");
    assert_eq!(rings(&world), [Some(How::Elsewhere)]);
    world.ok(&left("carol", 1));
    assert_eq!(state(&world, "in"), (true, Some(How::Talked)));
    let mut world = desk();
    world.ok(&ends("in", OSLO, How::Cancelled));
    assert_eq!(rings(&world), [Some(How::Cancelled), Some(How::Cancelled)]);
    let mut world = desk();
    for who in ["bob", "carol"] {
        let own = world
            .calls
            .values()
            .find(|call| call.ring.is_some() && call.callee == name::<Party>(who));
        let cid = own.expect("it rings").cid.clone();
        world.run(&user(who), &Change::Decline { cid }).expect("they may");
    }
    assert_eq!(state(&world, "in"), (false, Some(How::Declined)));
}

#[test]
fn of_calls_to_a_group_only_the_newest_are_kept() {
    let mut world = World::new();
    let members = ["bob"].map(name).into();
    world.groups.insert(name("g-desk"), (name("desk"), members));
    for number in 0..1_100 {
        world.now += 1;
        let cid = format!("in{number}");
        world.ok(&receive_for_desk(&cid));
        world.ok(&ends(&cid, OSLO, How::Cancelled));
    }
    let of_desk = world
        .calls
        .values()
        .filter(|call| call.callee == name::<Party>("desk"));
    let kept = of_desk.count();
    assert!((1..=1_001).contains(&kept), "{kept}");
}

#[test]
fn who_loses_their_node_and_does_not_come_back_has_left() {
    let mut world = World::new();
    world.ok(&receive("in", "demo2@oslo.example.net", "bob", None));
    world.ok(&came("bob", 1));
    world.starts.insert(NodeId(1), 0);
    world.ok(&Change::Sweep);
    assert_eq!(state(&world, "in"), (true, None));
    world.now += AWAY_MS;
    world.ok(&Change::Sweep);
    assert_eq!(state(&world, "in"), (true, Some(How::Talked)));
}

#[test]
fn calls_between_servers_wait_for_the_newer_rules() {
    for change in [
        dial("c", "demo2@oslo.example.net"),
        receive("in", "demo2@oslo.example.net", "bob", None),
        rings_at("c", "demo2@oslo.example.net"),
        came("bob", 1),
        crate::rings::call("open", &["demo2@oslo.example.net"]),
    ] {
        assert_eq!(change.level(), AWAY_CALLS_LEVEL);
    }
    assert!(crate::rings::call("open", &["bob"]).level() < AWAY_CALLS_LEVEL);
}

#[test]
fn who_may_not_call_rings_nowhere() {
    let mut world = World::with_rooms();
    world.online.insert(name("bob"));
    world.federated_silent = true;
    assert_eq!(
        world.refused(&receive("away-1", "demo2@oslo.example.net", "bob", None)),
        "forbidden"
    );
    // A moderator of theirs calls into a conference, which is no call of two.
    world.ok(&receive(
        "away-2",
        "demo2@oslo.example.net",
        "bob",
        Some("Review"),
    ));
    world.level = TERMS_LEVEL - 1;
    world.ok(&receive("away-1", "demo2@oslo.example.net", "bob", None));
}
