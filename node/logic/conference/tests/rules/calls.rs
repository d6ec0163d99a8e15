//! Calls of two (CALL-01).

use crate::world::*;
use plenary_access::AdminRole;
use plenary_conference::*;
use plenary_model::{NodeId, Right, UserName, limits};

pub(crate) fn dial(cid: &str, to: &str) -> Change {
    Change::Dial {
        cid: name(cid),
        to: name(to),
    }
}

fn decline(cid: &str) -> Change {
    Change::Decline { cid: name(cid) }
}

fn widen(cid: &str) -> Change {
    Change::Widen { cid: name(cid) }
}

fn by_rest(cid: &str, act: Act) -> Change {
    Change::Act {
        cid: name(cid),
        by: None,
        act,
    }
}

#[test]
fn only_who_creates_conferences_makes_a_call_one() {
    let mut world = talking();
    for _ in 0..2 {
        let refusal = world.refuses(&powerless("bob", AdminRole::None), &widen("c"));
        assert_eq!(refusal.code(), "forbidden");
    }
    let stranger = world.refuses(&powerless("root", AdminRole::None), &widen("c"));
    assert_eq!(
        stranger.code(),
        "not-found",
        "who is not in the call learns nothing of it"
    );
    world.run(&user("bob"), &widen("c")).expect("he may");
}

fn state(world: &World, cid: &str) -> (bool, Option<How>) {
    let call = world.calls.get(&name(cid)).expect("there");
    (call.answered_at.is_some(), call.over.map(|over| over.how))
}

fn is_there(world: &World, cid: &str) -> bool {
    world.conferences.contains_key(&name(cid))
}

/// Alice calls Bob and is in.
fn ringing() -> World {
    let mut world = World::new();
    world.run(&user("alice"), &dial("c", "bob")).expect("she may");
    world.ok(&enter("c", 1, account("alice")));
    world
}

/// The same, and Bob has answered.
fn talking() -> World {
    let mut world = ringing();
    world.ok(&enter("c", 2, account("bob")));
    world
}

/// Whom the pages of have to look at their calls again, each once.
fn told(world: &mut World) -> Vec<String> {
    let notices = std::mem::take(&mut world.notices).into_iter();
    let mut told: Vec<String> = notices
        .filter(|notice| notice.topic == plenary_access::Topic::Calls)
        .map(|notice| notice.object)
        .collect();
    told.sort();
    told.dedup();
    told
}

#[test]
fn a_call_rings_is_answered_by_entering_and_ends_when_one_leaves() {
    let mut world = ringing();
    assert_eq!(state(&world, "c"), (false, None));
    assert_eq!(told(&mut world), ["alice", "bob"]);
    world.ok(&enter("c", 2, account("bob")));
    assert_eq!(state(&world, "c"), (true, None));
    assert_eq!(told(&mut world), ["alice", "bob"]);
    world.ok(&leave("c", 1, 0));
    assert_eq!(state(&world, "c"), (true, Some(How::Talked)));
    assert!(!is_there(&world, "c") && world.inside("c").is_empty());
    assert_eq!(told(&mut world), ["alice", "bob"]);
    assert!(world.runs.is_empty(), "nothing of it stays but that it was");
}

#[test]
fn the_other_one_may_come_first() {
    let mut world = World::new();
    world.run(&user("alice"), &dial("c", "bob")).expect("she may");
    world.ok(&enter("c", 2, account("bob")));
    world.ok(&enter("c", 1, account("alice")));
    assert_eq!(state(&world, "c"), (true, None));
}

#[test]
fn a_call_is_declined_missed_or_given_up() {
    let mut world = ringing();
    assert_eq!(world.refuses(&user("alice"), &decline("c")).code(), "conflict");
    world.run(&user("bob"), &decline("c")).expect("he may");
    assert_eq!(state(&world, "c"), (false, Some(How::Declined)));
    assert!(!is_there(&world, "c"));
    // Again, or on another device at the same moment.
    world.run(&user("bob"), &decline("c")).expect("nothing follows");

    let mut world = ringing();
    world.ok(&leave("c", 1, 0));
    assert_eq!(state(&world, "c"), (false, Some(How::Cancelled)));

    let mut world = ringing();
    world.ok(&Change::Sweep);
    assert_eq!(state(&world, "c"), (false, None));
    world.now += RING_MS;
    world.ok(&Change::Sweep);
    assert_eq!(state(&world, "c"), (false, Some(How::Missed)));
    assert!(!is_there(&world, "c"));
}

#[test]
fn who_is_in_a_call_or_signed_in_nowhere_is_told_later() {
    let mut world = talking();
    let root = powerless("root", AdminRole::Full);
    let may_call = plenary_access::rules::Asker {
        rights: plenary_model::Rights([Right::MakeCalls].into()),
        ..root
    };
    world
        .run(&may_call, &dial("d", "bob"))
        .expect("he is told that he is busy");
    assert_eq!(state(&world, "d"), (false, Some(How::Busy)));
    assert!(!is_there(&world, "d"));
    assert_eq!(
        world.refuses(&user("alice"), &dial("e", "root")).code(),
        "conflict",
        "one call at a time"
    );
    world.ok(&leave("c", 1, 0));
    world
        .run(&user("alice"), &dial("e", "root"))
        .expect("now she may");
    assert_eq!(state(&world, "e"), (false, Some(How::Unreachable)));
    world
        .run(&user("alice"), &dial("f", "bob"))
        .expect("that one is over");
}

#[test]
fn nobody_else_gets_into_a_call_or_hears_of_it() {
    let mut world = talking();
    world.operators.insert(name("root"));
    let enters = enter("c", 3, account("root"));
    assert_eq!(world.refused(&enters), "uninvited", "not even an operator");
    for (asker, change) in [
        (root(), by_rest("c", Act::End)),
        (root(), delete("c")),
        (root(), widen("c")),
        (user("carol"), decline("c")),
    ] {
        assert_eq!(world.refuses(&asker, &change).code(), "not-found", "{change:?}");
    }
    for change in [delete("c"), rename("c", "Ours")] {
        assert_eq!(world.refuses(&user("alice"), &change).code(), "conflict");
    }
    let program = Change::Enter {
        cid: name("c"),
        participant: ParticipantId(9),
        person: account("bob"),
        name: None,
        via: Via::Whip,
        node: NodeId(1),
        epoch: 11,
        secret: secret(9),
        muted: false,
        camera: true,
        pin: None,
        screenless_at_home: false,
    };
    assert_eq!(world.refused(&program), "uninvited");
}

#[test]
fn one_device_answers_and_no_second_one() {
    let mut world = talking();
    assert_eq!(
        world.refused(&enter("c", 3, account("bob"))),
        "answered-elsewhere"
    );
    world.ok(&enter("c", 4, account("alice")));
    world.ok(&leave("c", 1, 0));
    assert_eq!(state(&world, "c"), (true, None), "she is there on another device");
    // His node is lost, and he comes on another device.
    world.follow(&[Fact::NodeStands {
        node: NodeId(1),
        start: 0,
    }]);
    let elsewhere = Change::Enter {
        cid: name("c"),
        participant: ParticipantId(5),
        person: account("bob"),
        name: None,
        via: Via::Browser,
        node: NodeId(2),
        epoch: 12,
        secret: secret(5),
        muted: false,
        camera: true,
        pin: None,
        screenless_at_home: false,
    };
    world.ok(&elsewhere);
    assert_eq!(state(&world, "c"), (true, None));
}

#[test]
fn a_call_becomes_a_conference_that_others_join() {
    let mut world = ringing();
    assert_eq!(world.refuses(&user("alice"), &widen("c")).code(), "conflict");
    world.ok(&enter("c", 2, account("bob")));
    world
        .run(&user("bob"), &widen("c"))
        .expect("either of the two may");
    assert_eq!(state(&world, "c"), (true, Some(How::Widened)));
    assert!(!world.room("c").call && world.room("c").ad_hoc);
    assert_eq!(world.refused(&enter("c", 3, account("root"))), "uninvited");
    world.online.insert(name("root"));
    let calls_in = crate::rings::call("c", &["root"]);
    world.run(&user("bob"), &calls_in).expect("he moderates");
    world.ok(&enter("c", 3, account("root")));
    world.ok(&leave("c", 1, 0));
    world.ok(&leave("c", 2, 0));
    assert_eq!(world.inside("c"), [3]);
    assert!(
        world.run(&user("alice"), &dial("d", "bob")).is_ok(),
        "both are free"
    );
}

#[test]
fn what_was_a_call_goes_with_its_run_and_is_kept_by_a_plan() {
    let mut world = talking();
    world.run(&user("bob"), &widen("c")).expect("he may");
    world.ok(&leave("c", 2, 0));
    world.ok(&enter("c", 3, account("bob")));
    world.ok(&leave("c", 1, 0));
    assert!(is_there(&world, "c"), "one is left");
    world.ok(&leave("c", 3, 0));
    assert!(!is_there(&world, "c"));
    assert!(world.runs.is_empty() && world.lines.is_empty());
    let past: Vec<_> = world.past.values().collect();
    assert!(past.len() == 1 && past[0].ended.is_some(), "its history stays");
    assert_eq!(state(&world, "c"), (true, Some(How::Widened)));

    let mut world = talking();
    world.run(&user("alice"), &widen("c")).expect("she may");
    let plan = Plan {
        launch: Launch::VirtualRoom,
        next: None,
    };
    let keeps = Patch {
        plan: Some(plan),
        ..Patch::default()
    };
    world.run(&user("alice"), &update("c", keeps)).expect("hers");
    world
        .run(&user("alice"), &by_rest("c", Act::End))
        .expect("she may");
    assert!(is_there(&world, "c"));
}

#[test]
fn a_call_of_before_became_a_room_for_all() {
    let mut world = talking();
    world.level = REMOVALS_LEVEL - 1;
    world.run(&user("bob"), &widen("c")).expect("he may");
    world.level = NEWEST_LEVEL;
    world.ok(&enter("c", 3, account("root")));
    for id in [1, 2, 3] {
        world.ok(&leave("c", id, 0));
    }
    assert!(is_there(&world, "c"));
}

#[test]
fn who_owns_as_many_conferences_as_may_be_makes_no_call_one() {
    let mut world = talking();
    world.more_owned = limits::CONFERENCES_PER_USER as u64;
    assert_eq!(world.refuses(&user("bob"), &widen("c")).code(), "conflict");
    world.more_owned -= 1;
    world.run(&user("bob"), &widen("c")).expect("it is the last one");
}

#[test]
fn who_may_not_call_or_calls_nobody_is_refused() {
    let mut world = World::new();
    let code = |world: &mut World, asker, to| world.refuses(&asker, &dial("c", to)).code().to_owned();
    assert_eq!(
        code(&mut world, powerless("alice", AdminRole::None), "bob"),
        "forbidden"
    );
    assert_eq!(code(&mut world, user("alice"), "alice"), "invalid-field");
    assert_eq!(code(&mut world, user("alice"), "nobody"), "not-found");
    world
        .accounts
        .get_mut(&name::<UserName>("bob"))
        .expect("there")
        .active = false;
    assert_eq!(code(&mut world, user("alice"), "bob"), "not-found");
}

#[test]
fn calls_go_with_their_accounts() {
    for gone in ["alice", "bob"] {
        let mut world = talking();
        let user: UserName = name(gone);
        world.follow(&[Fact::AccountRemoved(&user)]);
        assert!(!is_there(&world, "c") && world.calls.is_empty(), "{gone}");
        assert!(world.inside("c").is_empty());
    }
    let mut world = talking();
    let bob: UserName = name("bob");
    world.follow(&[Fact::AccountDisabled(&bob)]);
    assert_eq!(state(&world, "c"), (true, Some(How::Talked)));
}

#[test]
fn only_so_many_calls_are_kept() {
    let mut world = World::new();
    world.online.clear();
    for number in 0..=CALLS_KEPT {
        world
            .run(&user("alice"), &dial(&format!("c{number}"), "bob"))
            .expect("she may");
    }
    assert_eq!(world.calls.len(), CALLS_KEPT as usize);
    assert!(!world.calls.contains_key(&name("c0")));
}
