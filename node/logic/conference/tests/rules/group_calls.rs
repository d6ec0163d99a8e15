//! Calling a group (USR-08).

use crate::world::*;
use plenary_conference::*;
use plenary_model::{Timestamp, UserName};

pub(crate) fn dial(cid: &str) -> Change {
    Change::DialGroup {
        cid: name(cid),
        group: name("g-desk"),
    }
}

/// Alice calls the desk, where Bob, Carol and Dan are, and she herself; Dan is not signed in.
fn desk() -> World {
    let mut world = World::new();
    for who in ["carol", "dan"] {
        let account = world
            .accounts
            .get(&name::<UserName>("bob"))
            .expect("there")
            .clone();
        world.accounts.insert(name(who), account);
    }
    world.online.insert(name("carol"));
    let members = ["alice", "bob", "carol", "dan"].map(name).into();
    world.groups.insert(name("g-desk"), (name("desk"), members));
    world
}

fn ringing() -> World {
    let mut world = desk();
    world.run(&user("alice"), &dial("c")).expect("she may");
    world.ok(&enter("c", 1, account("alice")));
    world
}

fn how(world: &World) -> Option<How> {
    world
        .calls
        .get(&name("c"))
        .expect("there")
        .over
        .map(|over| over.how)
}

fn rings(world: &World, who: &str) -> Vec<Option<How>> {
    let rings = world.rings_of(&name("c"), &name(who), Timestamp(0));
    rings.iter().map(|call| call.over.map(|over| over.how)).collect()
}

fn declines(world: &mut World, who: &str) {
    let cid = world.rings_of(&name("c"), &name(who), Timestamp(0))[0]
        .cid
        .clone();
    world.run(&user(who), &Change::Decline { cid }).expect("they may");
}

#[test]
fn the_first_to_answer_has_it_and_the_others_stop_ringing() {
    let mut world = ringing();
    let all = |world: &World| ["alice", "bob", "carol", "dan"].map(|who| rings(world, who));
    assert_eq!(all(&world), [vec![], vec![None], vec![None], vec![]]);
    world.ok(&enter("c", 2, account("carol")));
    let call = world.calls.get(&name("c")).expect("there");
    assert_eq!(
        (call.callee.to_string().as_str(), call.answered_at.is_some()),
        ("carol", true)
    );
    assert_eq!(all(&world), [vec![], vec![Some(How::Elsewhere)], vec![], vec![]]);
    let bobs = &world.rings_of(&name("c"), &name("bob"), Timestamp(0))[0];
    assert_eq!(bobs.answered_by, Some(name("carol")));
    assert_eq!(
        world.refused(&enter("c", 3, account("bob"))),
        "answered-elsewhere"
    );
    assert_eq!(world.refused(&enter("c", 3, account("dan"))), "uninvited");
    world.ok(&leave("c", 2, 0));
    assert_eq!(how(&world), Some(How::Talked));
    assert_eq!(world.calls.len(), 2, "the call, and that it rang at Bob");
}

#[test]
fn when_all_decline_nobody_answers_or_the_caller_leaves_it_is_over_for_all() {
    let mut world = ringing();
    declines(&mut world, "bob");
    assert_eq!(how(&world), None, "Carol may still answer");
    declines(&mut world, "carol");
    assert_eq!(how(&world), Some(How::Declined));

    let mut world = ringing();
    declines(&mut world, "bob");
    world.now += RING_MS;
    world.ok(&Change::Sweep);
    assert_eq!(how(&world), Some(How::Missed));
    assert_eq!(rings(&world, "bob"), [Some(How::Declined)]);
    assert_eq!(rings(&world, "carol"), [Some(How::Missed)]);
    let events = world.events.iter().filter(|event| event.object_kind == "call");
    assert_eq!(events.count(), 1, "one call, however many it rang at");

    let mut world = ringing();
    world.ok(&leave("c", 1, 0));
    assert_eq!(how(&world), Some(How::Cancelled));
    assert_eq!(rings(&world, "carol"), [Some(How::Cancelled)]);
    assert!(world.conferences.is_empty());
}

#[test]
fn who_is_busy_does_not_ring_and_the_caller_hears_if_all_are() {
    let mut world = desk();
    world.run(&user("alice"), &create("room")).expect("she may");
    world.ok(&enter("room", 9, account("bob")));
    world.run(&user("alice"), &dial("c")).expect("she may");
    assert_eq!((rings(&world, "bob").len(), rings(&world, "carol").len()), (0, 1));

    let mut world = desk();
    world
        .run(&user("bob"), &crate::calls::dial("d", "carol"))
        .expect("he may");
    world.run(&user("alice"), &dial("c")).expect("she is told");
    assert_eq!(how(&world), Some(How::Busy));

    let mut world = desk();
    world.online = [name("alice")].into();
    world.run(&user("alice"), &dial("c")).expect("she is told");
    assert_eq!(how(&world), Some(How::Unreachable));
    assert!(world.run(&user("alice"), &dial("d")).is_ok(), "she is free again");
}

#[test]
fn two_may_call_a_group_at_once_and_one_member_answers_one() {
    let mut world = ringing();
    world.online.insert(name("root"));
    let calls = plenary_access::rules::Asker {
        rights: plenary_model::Rights([plenary_model::Right::MakeCalls].into()),
        ..user("root")
    };
    world.run(&calls, &dial("d")).expect("they may");
    world.ok(&enter("d", 5, account("root")));
    world.ok(&enter("c", 2, account("bob")));
    let second = world.calls.get(&name("d")).expect("there");
    assert!(second.rings(), "it rings at Carol, and at Bob too");
    world.ok(&enter("d", 6, account("carol")));
    assert_eq!(
        world.calls.get(&name("d")).expect("there").callee,
        name::<Party>("carol")
    );
}

#[test]
fn an_account_that_goes_takes_its_part_along() {
    for gone in ["alice", "bob"] {
        let mut world = ringing();
        world.follow(&[Fact::AccountRemoved(&name(gone))]);
        match gone {
            "alice" => assert!(world.calls.is_empty() && world.conferences.is_empty()),
            _ => assert_eq!((how(&world), rings(&world, "carol")), (None, vec![None])),
        }
    }
    let missing = Change::DialGroup {
        cid: name("c"),
        group: name("g-none"),
    };
    assert_eq!(desk().refuses(&user("alice"), &missing).code(), "not-found");
}
