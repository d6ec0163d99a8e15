use crate::world::*;
use plenary_access::Outcome;
use plenary_conference::*;
use plenary_model::{NodeId, Timestamp};

fn lost(node: u64) -> Fact<'static> {
    Fact::NodeStands {
        node: NodeId(node),
        start: 0,
    }
}

fn back(node: u64, start: u64) -> Fact<'static> {
    Fact::NodeStands {
        node: NodeId(node),
        start,
    }
}

/// Alice is on node 1 in both rooms, Bob on node 2 in one.
fn meeting() -> World {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("inside", 2, account("alice")));
    world.ok(&enter("open", 3, account("bob")));
    world.ok(&resume("open", 3, secret(3)));
    world.told();
    world
}

#[test]
fn who_was_on_a_lost_node_is_away_and_comes_back_as_they_were() {
    let mut world = meeting();
    world.ok(&set("open", 1, 0, hand(true)));
    world.told();
    let before = world.place("open", 1).clone();
    world.follow(&[lost(1)]);
    assert_eq!(world.told(), ["inside", "open"]);
    assert!(world.place("open", 1).away && world.place("inside", 2).away);
    assert!(!world.place("open", 3).away);
    world.follow(&[lost(1)]);
    assert!(world.told().is_empty(), "it is known already");
    world.ok(&resume("open", 1, secret(1)));
    let after = world.place("open", 1);
    assert_eq!((after.away, after.away_since, after.moves), (false, None, 1));
    assert_eq!(
        (&after.name, after.hand, after.joined_at),
        (&before.name, before.hand, before.joined_at)
    );
}

#[test]
fn an_earlier_start_of_a_node_is_lost_when_a_new_one_comes() {
    let mut world = meeting();
    world.follow(&[back(1, 11)]);
    assert!(world.told().is_empty(), "the same start, told once more");
    world.follow(&[back(1, 21)]);
    assert!(world.place("open", 1).away);
    assert_eq!(world.refused(&enter("open", 4, account("alice"))), "conflict");
    world.follow(&[back(2, 22), lost(2)]);
    assert!(world.place("open", 3).away);
}

#[test]
fn a_node_that_was_only_silent_takes_its_people_up_again() {
    let mut world = meeting();
    world.follow(&[lost(2)]);
    assert!(world.place("open", 3).away);
    world.follow(&[back(2, 12)]);
    assert!(
        world.place("open", 3).away,
        "until somebody says that they are still there"
    );
    let outcome = world.ok(&resume("open", 3, secret(3)));
    assert_eq!(outcome, Outcome::Entered { moves: 2 });
    assert!(!world.place("open", 3).away);
}

#[test]
fn places_are_kept_for_a_minute() {
    let mut world = meeting();
    world.now = 1_000;
    world.follow(&[lost(1)]);
    world.now += 20_000;
    world.follow(&[lost(2)]);
    let away_since = world.place("open", 1).away_since;
    assert_eq!(away_since, Some(Timestamp(1_001)));
    world.told();
    world.now = 1_000 + AWAY_MS;
    world.ok(&Change::Sweep);
    assert_eq!(world.inside("open"), [1, 3], "the minute is not over");
    assert!(world.told().is_empty());
    world.ok(&Change::Sweep);
    assert_eq!((world.inside("open"), world.inside("inside")), (vec![3], vec![]));
    assert_eq!(world.told(), ["inside", "open"]);
    assert_eq!(world.runs[&name("inside")].participants, 0);
    world.now += 20_000;
    world.ok(&Change::Sweep);
    assert!(world.participants.is_empty());
    assert_eq!(world.refused(&resume("open", 3, secret(3))), "not-found");
}

#[test]
fn accounts_that_are_gone_or_disabled_lose_their_places() {
    let mut world = meeting();
    world.ok(&enter("open", 4, account("root")));
    world.ok(&say("open", 3, "Hello"));
    world.told();
    world.follow(&[
        Fact::AccountDisabled(&name("root")),
        Fact::AccountDisabled(&name("bob")),
    ]);
    assert_eq!(world.inside("open"), [1]);
    assert_eq!(world.runs[&name("open")].participants, 1);
    assert_eq!(world.told(), ["open"]);
    // Both rooms are Alice's.
    world.follow(&[Fact::AccountRemoved(&name("alice"))]);
    assert!(world.conferences.is_empty() && world.participants.is_empty());
    assert!(world.runs.is_empty() && world.lines.is_empty());
    assert_eq!(world.told(), ["inside", "open"]);
}

#[test]
fn who_is_removed_leaves_the_rooms_of_others() {
    let mut world = meeting();
    world.follow(&[Fact::AccountRemoved(&name("bob"))]);
    assert_eq!(world.inside("open"), [1]);
    assert_eq!(world.conferences.len(), 2);
}

#[test]
fn a_room_takes_all_that_was_in_it_along() {
    let mut world = meeting();
    world.ok(&guest_enter("open", 1, 1, None));
    world.ok(&say("open", 1, "Hello"));
    world.told();
    world.run(&user("alice"), &delete("open")).expect("hers");
    assert!(world.inside("open").is_empty());
    assert!(world.lines.is_empty() && world.guests.is_empty());
    assert_eq!(world.told(), ["open"]);
    assert_eq!(world.inside("inside"), [2]);
}
