//! What is kept of runs, of those who were in them, and of calls (CONF-17, REP-01).

use crate::{calls::dial, world::*};
use plenary_access::EventKind;
use plenary_conference::*;
use plenary_model::{NodeId, Timestamp, limits};

/// Name, when they came and when they left, of all runs.
fn visits(world: &World) -> Vec<(&str, u64, Option<u64>)> {
    let mut all: Vec<_> = world
        .visits
        .values()
        .map(|visit| (visit.name.as_str(), visit.came_at.0, visit.left_at.map(|at| at.0)))
        .collect();
    all.sort_by_key(|(_, came_at, _)| *came_at);
    all
}

/// When a run began, when it ended and why.
type Told = (u64, Option<(u64, Option<End>)>);

fn runs(world: &World) -> Vec<Told> {
    let all = world.past.values();
    all.map(|run| (run.started_at.0, run.ended.map(|ended| (ended.at.0, ended.why))))
        .collect()
}

fn act(act: Act) -> Change {
    Change::Act {
        cid: name("inside"),
        by: Some(ParticipantId(1)),
        act,
    }
}

fn kinds(world: &World) -> Vec<EventKind> {
    let kinds = world.events.iter().map(|event| event.kind);
    kinds.filter(|kind| *kind != EventKind::Change).collect()
}

#[test]
fn a_run_is_kept_with_who_was_there_from_when_to_when() {
    let mut world = World::with_rooms();
    let t = world.now;
    world.ok(&enter("inside", 1, account("alice")));
    world.ok(&enter("inside", 2, account("bob")));
    world.ok(&set("inside", 2, 0, hand(true)));
    world.ok(&leave("inside", 2, 0));
    world.ok(&enter("inside", 3, account("bob")));
    assert_eq!(
        visits(&world),
        [
            ("ALICE", t + 1, None),
            ("BOB", t + 2, Some(t + 4)),
            ("BOB", t + 5, None)
        ]
    );
    assert_eq!(runs(&world), [(t + 1, None)]);
    world.ok(&leave("inside", 1, 0));
    world.ok(&leave("inside", 3, 0));
    assert_eq!(runs(&world), [(t + 1, Some((t + 7, None)))]);
    assert!(visits(&world).iter().all(|(_, _, left)| left.is_some()));
    assert_eq!(
        kinds(&world),
        [EventKind::ConferenceStart, EventKind::ConferenceEnd]
    );
    // And another one begins.
    world.ok(&enter("inside", 4, account("bob")));
    assert_eq!(runs(&world).len(), 2);
    assert_eq!(world.past[&RunId(2)].visits, 1);
}

#[test]
fn an_end_for_all_and_a_deletion_end_the_run() {
    let mut world = World::with_rooms();
    world.ok(&enter("inside", 1, account("alice")));
    world.ok(&enter("inside", 2, account("bob")));
    world.ok(&act(Act::End));
    let now = world.now;
    assert_eq!(runs(&world)[0].1, Some((now, Some(End::Moderator))));
    assert!(visits(&world).iter().all(|(_, _, left)| *left == Some(now)));
    world.ok(&enter("inside", 3, account("bob")));
    world.run(&user("alice"), &delete("inside")).expect("she may");
    assert_eq!(runs(&world)[1].1, Some((world.now, None)));
    assert_eq!(visits(&world).len(), 3, "it stays what was");
    // A conference of the same ID begins with nothing.
    world.run(&user("bob"), &create("inside")).expect("he may");
    world.ok(&enter("inside", 4, account("bob")));
    let [first, .., last] = world.past.values().collect::<Vec<_>>()[..] else {
        panic!("there are several");
    };
    assert_ne!(first.conference_created_at, last.conference_created_at);
}

#[test]
fn who_only_waits_was_not_there() {
    let mut world = World::with_rooms();
    let patch = Patch {
        settings: SettingsPatch {
            waiting_room: Some(Put::To(WaitingRoom::All)),
            ..SettingsPatch::default()
        },
        ..Patch::default()
    };
    world
        .run(&user("alice"), &update("inside", patch))
        .expect("she may");
    world.ok(&enter("inside", 1, account("alice")));
    world.ok(&enter("inside", 2, account("bob")));
    assert_eq!(visits(&world).len(), 1);
    world.ok(&act(Act::Admit(ParticipantId(2))));
    let admitted = world.now;
    world.ok(&act(Act::SendBack(ParticipantId(2))));
    assert_eq!(visits(&world)[1], ("BOB", admitted, Some(world.now)));
    world.ok(&leave("inside", 2, 0));
    assert_eq!(visits(&world).len(), 2);
}

#[test]
fn whose_node_was_lost_left_when_it_was() {
    let mut world = World::with_rooms();
    world.ok(&enter("inside", 1, account("bob")));
    world.follow(&[Fact::NodeStands {
        node: NodeId(1),
        start: 0,
    }]);
    let lost = world.now;
    world.now += AWAY_MS + 1;
    world.ok(&Change::Sweep);
    assert_eq!(visits(&world)[0].2, Some(lost));
    assert_eq!(runs(&world)[0].1, Some((world.now, None)));
}

#[test]
fn guests_are_kept_by_name_and_accounts_that_go_are_nobody() {
    let mut world = World::with_rooms();
    world.ok(&guest_enter("open", 7, 7, None));
    world.ok(&enter("open", 1, Person::Guest(guest_id(7))));
    world.ok(&enter("open", 2, account("bob")));
    let persons = |world: &World| -> Vec<Option<Person>> {
        world.visits.values().map(|visit| visit.person.clone()).collect()
    };
    assert_eq!(
        persons(&world),
        [Some(Person::Guest(guest_id(7))), Some(account("bob"))]
    );
    world.follow(&[Fact::AccountRemoved(&name("bob"))]);
    assert_eq!(
        persons(&world)[1],
        None,
        "nobody who gets the same ID later was there"
    );
    assert_eq!(visits(&world)[1].0, "BOB");
    assert_eq!(visits(&world)[1].2, Some(world.now));
}

#[test]
fn calls_are_told_when_they_are_over_and_have_no_runs() {
    let mut world = World::new();
    world.run(&user("alice"), &dial("c", "bob")).expect("she may");
    world.ok(&enter("c", 1, account("alice")));
    world.ok(&enter("c", 2, account("bob")));
    let from = world.now;
    world.now += 65_000;
    world.ok(&leave("c", 1, 0));
    assert!(world.past.is_empty() && world.visits.is_empty());
    let call = world.events.iter().find(|event| event.kind == EventKind::Call);
    let call = call.expect("told");
    assert_eq!((call.object.as_str(), call.success), ("alice → bob", true));
    assert_eq!(call.changes[0].after.as_deref(), Some("65"));
    let kept = &world.calls[&name("c")];
    assert_eq!(kept.talked_ms(), Some(world.now - from));
    // Not answered: told once, whoever ends it.
    world.run(&user("alice"), &dial("d", "bob")).expect("she may");
    let decline = Change::Decline { cid: name("d") };
    for _ in 0..2 {
        world.run(&user("bob"), &decline).expect("he may");
    }
    let calls = || world.events.iter().filter(|event| event.kind == EventKind::Call);
    assert_eq!(calls().count(), 2);
    assert!(!calls().next_back().expect("there").success);
}

#[test]
fn what_becomes_a_conference_is_kept_from_then_on() {
    let mut world = World::new();
    world.run(&user("alice"), &dial("c", "bob")).expect("she may");
    world.ok(&enter("c", 1, account("alice")));
    world.ok(&enter("c", 2, account("bob")));
    let widen = Change::Widen { cid: name("c") };
    world.run(&user("bob"), &widen).expect("he may");
    let now = world.now;
    assert_eq!(visits(&world), [("ALICE", now, None), ("BOB", now, None)]);
    world.ok(&leave("c", 1, 0));
    world.ok(&leave("c", 2, 0));
    assert_eq!(runs(&world), [(now, Some((world.now, None)))]);
}

#[test]
fn who_was_in_before_history_was_kept_is_in_it() {
    let mut world = World::with_rooms();
    world.level = CALLS_LEVEL;
    world.ok(&enter("inside", 1, account("alice")));
    assert!(world.past.is_empty());
    let came = world.now;
    world.level = HISTORY_LEVEL;
    world.ok(&enter("inside", 2, account("bob")));
    assert_eq!(visits(&world), [("ALICE", came, None), ("BOB", world.now, None)]);
    assert_eq!(runs(&world), [(came, None)]);
    assert!(kinds(&world).is_empty(), "it did not begin now");
}

#[test]
fn no_more_visits_are_kept_than_a_run_may_have() {
    let mut world = World::with_rooms();
    world.ok(&enter("inside", 1, account("alice")));
    world.past.get_mut(&RunId(1)).expect("there").visits = limits::VISITS_PER_RUN;
    world.ok(&enter("inside", 2, account("bob")));
    assert_eq!(visits(&world).len(), 1);
}

#[test]
fn old_runs_and_calls_are_forgotten_by_the_server_only() {
    let mut world = World::with_rooms();
    world.ok(&enter("inside", 1, account("alice")));
    world.ok(&leave("inside", 1, 0));
    world.ok(&enter("inside", 2, account("bob")));
    let forget = Change::ForgetHistory {
        runs: Timestamp(world.now),
        calls: Timestamp(world.now),
    };
    world.refuses(&root(), &forget);
    world.ok(&forget);
    assert_eq!(world.past.len(), 1, "the one that goes on stays");
    assert_eq!(visits(&world).len(), 1);
    assert_eq!(forget.level(), HISTORY_LEVEL);
}
