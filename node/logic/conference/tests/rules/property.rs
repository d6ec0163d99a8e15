//! Whatever people, nodes and the clock do, in whatever order.

use crate::world::*;
use plenary_conference::*;
use plenary_model::{NodeId, limits};
use proptest::{prelude::*, sample::select};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
enum Step {
    Change(Change),
    Start(u64, u64),
    Disable(&'static str),
    Remove(&'static str),
    Access(&'static str, Access),
    Delete(&'static str),
    Wait(u64),
}

fn cid() -> impl Strategy<Value = &'static str> {
    select(vec!["open", "inside"])
}

fn person() -> impl Strategy<Value = Person> {
    prop_oneof![
        select(vec!["alice", "bob", "root"]).prop_map(account),
        (0u8..3).prop_map(|number| Person::Guest(guest_id(number))),
    ]
}

fn entry() -> impl Strategy<Value = Change> {
    (cid(), 0u64..12, person(), 1u64..3, 10u64..14).prop_map(|(cid, id, person, number, start)| {
        let mut change = enter(cid, id, person);
        if let Change::Enter { node, epoch, .. } = &mut change {
            (*node, *epoch) = (NodeId(number), start);
        }
        change
    })
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (cid(), 0u64..12, 0u64..3);
    let patch = (any::<Option<bool>>(), any::<Option<bool>>()).prop_map(|(muted, hand)| StatePatch {
        muted,
        hand,
        ..StatePatch::default()
    });
    let change = prop_oneof![
        6 => entry(),
        3 => (cid(), 0u64..12, 0u64..12).prop_map(|(cid, id, number)| resume(cid, id, secret(number))),
        3 => place().prop_map(|(cid, id, moves)| leave(cid, id, moves)),
        3 => (place(), patch).prop_map(|((cid, id, moves), patch)| set(cid, id, moves, patch)),
        2 => place().prop_map(|(cid, id, _)| say(cid, id, "Hello")),
        3 => (cid(), 0u8..3, 0u64..9, any::<Option<u8>>())
            .prop_map(|(cid, id, token, before)| guest_enter(cid, id, token, before.map(|n| u64::from(n % 9)))),
        1 => Just(Change::Sweep),
    ];
    prop_oneof![
        20 => change.prop_map(Step::Change),
        2 => (1u64..3, 10u64..14).prop_map(|(node, start)| Step::Start(node, start * u64::from(start != 10))),
        1 => select(vec!["bob", "root"]).prop_map(Step::Disable),
        1 => select(vec!["bob", "root"]).prop_map(Step::Remove),
        1 => (cid(), select(vec![Access::Public, Access::Internal])).prop_map(|(cid, to)| Step::Access(cid, to)),
        1 => cid().prop_map(Step::Delete),
        2 => (1u64..100_000).prop_map(Step::Wait),
    ]
}

/// What must hold after every step.
fn check(world: &World) -> Result<(), TestCaseError> {
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    let mut hands = BTreeSet::new();
    let mut each: BTreeMap<_, usize> = BTreeMap::new();
    for ((cid, id), place) in &world.participants {
        prop_assert_eq!((cid, *id), (&place.cid, place.id));
        *counts.entry(cid.clone()).or_default() += 1;
        *each.entry((cid, &place.person)).or_default() += 1;
        prop_assert_eq!(place.away, place.away_since.is_some());
        let runs = world.starts.get(&place.node) == Some(&place.epoch) && place.epoch != 0;
        prop_assert!(place.away || runs, "{:?}", place);
        prop_assert!(
            place.hand.is_none_or(|hand| hands.insert((cid, hand))),
            "no two hands are one"
        );
        let conference = world.conferences.get(cid).expect("the room is there");
        prop_assert!(admit(conference, place.person.visitor()).is_ok());
        if let Person::Account(user) = &place.person {
            prop_assert!(world.accounts.get(user).is_some_and(|account| account.active));
        }
    }
    prop_assert!(each.values().all(|places| *places <= limits::PLACES_PER_PERSON));
    for (cid, run) in &world.runs {
        prop_assert_eq!(run.participants, counts.remove(cid).unwrap_or(0), "{}", cid);
        let lines = world.lines.keys().filter(|(of, _)| of == cid);
        prop_assert!(
            run.participants > 0 || lines.count() == 0,
            "chat goes with the run"
        );
    }
    prop_assert!(counts.is_empty(), "whoever is in is counted");
    for line in world.lines.values() {
        prop_assert!(line.id <= world.runs[&line.cid].last_line);
    }
    for guest in world.guests.values() {
        let conference = world.conferences.get(&guest.cid).expect("the room is there");
        prop_assert_eq!(conference.access, Access::Public);
    }
    Ok(())
}

fn run(world: &mut World, step: &Step) {
    match step {
        // Refused or not: what holds is checked after it.
        Step::Change(change) => drop(world.run(&system(), change)),
        Step::Start(node, start) => world.follow(&[Fact::NodeStands {
            node: NodeId(*node),
            start: *start,
        }]),
        Step::Disable(user) if world.accounts.contains_key(&name(user)) => {
            world.follow(&[Fact::AccountDisabled(&name(user))]);
        }
        Step::Disable(_) => {}
        Step::Remove(user) => world.follow(&[Fact::AccountRemoved(&name(user))]),
        Step::Access(cid, access) => {
            let patch = Patch {
                access: Some(*access),
                ..Patch::default()
            };
            drop(world.run(&system(), &update(cid, patch)));
        }
        Step::Delete(cid) => {
            if world.run(&system(), &delete(cid)).is_ok() {
                drop(world.run(&user("alice"), &create(cid)));
            }
        }
        Step::Wait(ms) => world.now += ms,
    }
}

proptest! {
    #[test]
    fn places_runs_and_guests_stay_sound(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::with_rooms();
        for step in &steps {
            run(&mut world, step);
            check(&world)?;
        }
    }
}
