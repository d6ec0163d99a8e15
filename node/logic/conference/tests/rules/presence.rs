//! Whose presence follows from meetings (USR-02).

use crate::{calls::dial, world::*};
use plenary_access::Topic;
use plenary_conference::*;

/// Whose presence was told to have changed since this was asked last.
fn told(world: &mut World) -> Vec<String> {
    let notices = std::mem::take(&mut world.notices).into_iter();
    let of_presence = notices.filter(|notice| notice.topic == Topic::Presence);
    of_presence.map(|notice| notice.object).collect()
}

#[test]
fn who_comes_and_goes_is_told_and_what_they_do_inside_is_not() {
    let mut world = World::with_rooms();
    world.ok(&enter("inside", 1, account("alice")));
    assert_eq!(told(&mut world), ["alice"]);
    world.ok(&set("inside", 1, 0, hand(true)));
    world.ok(&say("inside", 1, "hello"));
    assert!(told(&mut world).is_empty());
    world.ok(&resume("inside", 1, secret(1)));
    assert_eq!(told(&mut world), ["alice"], "perhaps they were away");
    world.ok(&leave("inside", 1, 1));
    assert_eq!(told(&mut world), ["alice"]);
}

#[test]
fn guests_have_no_presence() {
    let mut world = World::with_rooms();
    world.ok(&guest_enter("open", 7, 7, None));
    world.ok(&enter("open", 1, Person::Guest(guest_id(7))));
    world.ok(&leave("open", 1, 0));
    assert!(told(&mut world).is_empty());
}

#[test]
fn an_end_for_all_is_told_of_each_of_them_once() {
    let mut world = World::with_rooms();
    for (id, who) in [(1, "alice"), (2, "bob"), (3, "bob")] {
        world.ok(&enter("inside", id, account(who)));
    }
    told(&mut world);
    let end = Change::Act {
        cid: name("inside"),
        by: Some(ParticipantId(1)),
        act: Act::End,
    };
    world.ok(&end);
    assert_eq!(told(&mut world), ["alice", "bob"]);
    world.ok(&enter("inside", 4, account("bob")));
    told(&mut world);
    world.run(&user("alice"), &delete("inside")).expect("she may");
    assert_eq!(told(&mut world), ["bob"]);
}

#[test]
fn another_owner_is_told_of_those_who_are_in() {
    let mut world = World::with_rooms();
    world.ok(&enter("inside", 1, account("alice")));
    told(&mut world);
    let patch = Patch {
        owner: Some(name("bob")),
        ..Patch::default()
    };
    world.run(&root(), &update("inside", patch)).expect("root may");
    assert_eq!(told(&mut world), ["alice"], "it is no longer hers");
    world.run(&root(), &rename("inside", "other")).expect("root may");
    assert!(told(&mut world).is_empty());
}

#[test]
fn calls_are_told_of_both_and_of_what_becomes_of_them() {
    let mut world = World::new();
    world.run(&user("alice"), &dial("c", "bob")).expect("she may");
    assert!(told(&mut world).is_empty(), "it only rings");
    world.ok(&enter("c", 1, account("alice")));
    world.ok(&enter("c", 2, account("bob")));
    assert_eq!(told(&mut world), ["alice", "bob"]);
    let widen = Change::Widen { cid: name("c") };
    world.run(&user("bob"), &widen).expect("he may");
    assert_eq!(told(&mut world), ["alice", "bob"]);
    world.follow(&[Fact::SeatLost(&name("bob"))]);
    assert_eq!(told(&mut world), ["bob"]);
}
