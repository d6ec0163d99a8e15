//! Conferences that open by hand or by a schedule, and how they end.

use crate::{
    gate::{act, settings},
    world::*,
};
use plenary_conference::*;
use plenary_model::Timestamp;
use plenary_schedule::{LocalDate, LocalTime, Occurrence, Once, Schedule};

const MINUTE: u64 = 60_000;

/// One that begins `after` milliseconds from now. The rules look at `next` only, so the day does not matter.
pub(crate) fn plan_in(now: u64, after: u64, minutes: Option<u32>) -> Plan {
    let start = Timestamp(now + after);
    let once = Once {
        date: LocalDate::new(2027, 3, 1).expect("a day"),
        time: LocalTime::new(9, 30).expect("a time"),
        zone: "Europe/Paris".into(),
        duration_minutes: minutes,
    };
    Plan {
        launch: Launch::Scheduled(Schedule::Once(once)),
        next: Some(Occurrence {
            start,
            end: minutes.map(|minutes| start.plus_ms(u64::from(minutes) * MINUTE)),
        }),
    }
}

pub(crate) fn begin(cid: &str, start: u64) -> Change {
    Change::Begin {
        cid: name(cid),
        start: Timestamp(start),
        next: None,
    }
}

fn planned(plan: Plan) -> Patch {
    Patch {
        plan: Some(plan),
        ..Patch::default()
    }
}

/// The public room `open` begins a minute from now.
fn scheduled(minutes: Option<u32>) -> (World, u64) {
    let mut world = World::with_rooms();
    let plan = plan_in(world.now, MINUTE, minutes);
    let start = plan.next.expect("it has one").start.0;
    world
        .run(&user("alice"), &update("open", planned(plan)))
        .expect("hers");
    (world, start)
}

fn open_now(minutes: Option<u32>) -> World {
    let (mut world, start) = scheduled(minutes);
    world.now = start;
    world.ok(&begin("open", start));
    world
}

fn run(world: &World) -> &Run {
    &world.runs[&name("open")]
}

#[test]
fn before_it_begins_only_moderators_come_in() {
    let (mut world, start) = scheduled(Some(30));
    assert_eq!(world.refused(&enter("open", 1, account("bob"))), "not-begun");
    world.ok(&enter("open", 2, account("alice")));
    assert_eq!(world.refused(&begin("open", start)), "conflict", "not yet");
    world.now = start;
    world.ok(&begin("open", start));
    world.ok(&enter("open", 1, account("bob")));
    assert_eq!(world.inside("open"), [1, 2]);
    assert_eq!(world.room("open").next, None, "it was the only time");
    let before = run(&world).clone();
    world.ok(&begin("open", start));
    assert_eq!(*run(&world), before, "it begins once");
}

#[test]
fn a_planned_end_ends_it_for_all_whoever_is_in() {
    let mut world = open_now(Some(30));
    world.ok(&enter("open", 1, account("bob")));
    world.ok(&enter("open", 2, account("alice")));
    world.now += 29 * MINUTE;
    world.ok(&Change::Sweep);
    assert_eq!(world.inside("open").len(), 2);
    world.now += MINUTE;
    world.ok(&Change::Sweep);
    assert!(world.inside("open").is_empty());
    assert_eq!(run(&world).ended.map(|(_, why)| why), Some(End::Planned));
    assert_eq!(world.refused(&enter("open", 1, account("bob"))), "not-begun");
}

#[test]
fn moderators_give_it_more_time() {
    let mut world = open_now(Some(30));
    world.ok(&enter("open", 1, account("bob")));
    world.ok(&enter("open", 2, account("alice")));
    let end = run(&world).ends_at().expect("planned");
    assert_eq!(world.refused(&act("open", 1, Act::Extend(15))), "forbidden");
    for minutes in [0, 1_441] {
        assert_eq!(
            world.refused(&act("open", 2, Act::Extend(minutes))),
            "invalid-field"
        );
    }
    world.ok(&act("open", 2, Act::Extend(15)));
    assert_eq!(run(&world).ends_at(), Some(end.plus_ms(15 * MINUTE)));
    let mut open = open_now(None);
    open.ok(&enter("open", 2, account("alice")));
    assert_eq!(
        open.refused(&act("open", 2, Act::Extend(15))),
        "conflict",
        "no planned end"
    );
}

#[test]
fn who_comes_late_finds_it_open_until_its_end() {
    let mut world = open_now(Some(60));
    world.now += 40 * MINUTE;
    world.ok(&Change::Sweep);
    world.ok(&enter("open", 1, account("bob")));
    world.ok(&leave("open", 1, 0));
    world.now += 16 * MINUTE;
    world.ok(&Change::Sweep);
    assert!(run(&world).is_on(), "others may still come");
    world.now += 10 * MINUTE;
    world.ok(&Change::Sweep);
    assert!(!run(&world).is_on());
}

#[test]
fn without_a_planned_end_it_ends_when_nobody_was_there_for_a_quarter_of_an_hour() {
    let mut world = open_now(None);
    world.now += 14 * MINUTE;
    world.ok(&Change::Sweep);
    assert!(run(&world).is_on());
    world.now += MINUTE;
    world.ok(&Change::Sweep);
    assert!(!run(&world).is_on());
    assert_eq!(run(&world).ended.map(|(_, why)| why), Some(End::Alone));
}

#[test]
fn by_hand_a_moderator_starts_it_and_ends_it() {
    let mut world = World::with_rooms();
    let plan = Plan {
        launch: Launch::ByHand,
        next: None,
    };
    let alice = user("alice");
    world.run(&alice, &update("open", planned(plan))).expect("hers");
    assert_eq!(world.refused(&enter("open", 1, account("bob"))), "not-begun");
    let start = Change::Act {
        cid: name("open"),
        by: None,
        act: Act::Start,
    };
    assert_eq!(world.refuses(&user("bob"), &start).code(), "forbidden");
    world.run(&alice, &start).expect("hers");
    world.ok(&enter("open", 1, account("bob")));
    world.ok(&enter("open", 2, account("alice")));
    world.ok(&say("open", 1, "Hello"));
    world.ok(&leave("open", 1, 0));
    world.ok(&leave("open", 2, 0));
    assert_eq!(
        world.chat("open").len(),
        1,
        "the chat is there as long as it is open"
    );
    let end = Change::Act {
        cid: name("open"),
        by: None,
        act: Act::End,
    };
    world.run(&alice, &end).expect("hers");
    assert!(!run(&world).is_on());
    let inside = Change::Act {
        cid: name("inside"),
        by: None,
        act: Act::Start,
    };
    assert_eq!(
        world.refuses(&alice, &inside).code(),
        "conflict",
        "a virtual room is open"
    );
}

#[test]
fn who_meets_goes_on_when_the_room_gets_a_schedule_and_loses_it() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("bob")));
    let plan = plan_in(world.now, MINUTE, Some(5));
    world
        .run(&user("alice"), &update("open", planned(plan)))
        .expect("hers");
    assert!(run(&world).opened.is_some());
    world.ok(&enter("open", 2, account("root")));
    let plan = Plan {
        launch: Launch::VirtualRoom,
        next: None,
    };
    world
        .run(&user("alice"), &update("open", planned(plan)))
        .expect("hers");
    assert!(run(&world).opened.is_none());
    assert_eq!(world.inside("open"), [1, 2]);
}

#[test]
fn a_schedule_of_another_length_moves_the_end_of_what_goes_on() {
    let mut world = open_now(Some(30));
    let start = run(&world).opened.expect("open").at.0;
    let until = |world: &World| {
        let until = run(world).opened.expect("open").until;
        // It was opened a moment after the time for which it was planned.
        until.map(|until| (until.0 - start + 1) / MINUTE)
    };
    let length = |minutes| Plan {
        next: None,
        ..plan_in(0, 0, minutes)
    };
    let alice = user("alice");
    let extend = Change::Act {
        cid: name("open"),
        by: None,
        act: Act::Extend(10),
    };
    world.run(&alice, &extend).expect("hers");
    for (minutes, left) in [
        (Some(60), Some(70)),
        (Some(20), Some(30)),
        (None, None),
        (Some(45), Some(45)),
    ] {
        world
            .run(&alice, &update("open", planned(length(minutes))))
            .expect("it goes on");
        assert_eq!(until(&world), left, "{minutes:?}");
    }
    world.level = REMOVALS_LEVEL - 1;
    let refusal = world.refuses(&alice, &update("open", planned(length(Some(50)))));
    assert_eq!(refusal.code(), "invalid-field");
    world.level = NEWEST_LEVEL;
    world
        .run(
            &alice,
            &Change::Act {
                cid: name("open"),
                by: None,
                act: Act::End,
            },
        )
        .expect("hers");
    let refusal = world.refuses(&alice, &update("open", planned(length(Some(50)))));
    assert_eq!(refusal.code(), "invalid-field", "it is over");
}

#[test]
fn more_time_that_was_given_before_it_began_stays() {
    for level in [REMOVALS_LEVEL - 1, REMOVALS_LEVEL] {
        let (mut world, start) = scheduled(Some(30));
        world.level = level;
        let acts = |world: &mut World, act| {
            let change = Change::Act {
                cid: name("open"),
                by: None,
                act,
            };
            world.run(&user("alice"), &change).expect("hers");
        };
        acts(&mut world, Act::Start);
        acts(&mut world, Act::Extend(60));
        let given = run(&world).opened.expect("open").until;
        world.now = start;
        world.ok(&begin("open", start));
        let until = run(&world).opened.expect("open").until;
        let planned = Some(Timestamp(start + 30 * MINUTE));
        assert_eq!(until, if level == REMOVALS_LEVEL { given } else { planned });
    }
}

#[test]
fn a_server_that_was_off_does_not_make_up_for_what_is_over() {
    let (mut world, start) = scheduled(Some(30));
    world.now = start + 31 * MINUTE;
    world.ok(&begin("open", start));
    assert!(!world.runs.contains_key(&name("open")));
    assert_eq!(world.room("open").next, None);
}

#[test]
fn what_the_proposer_computed_must_be_to_come() {
    let mut world = World::with_rooms();
    world.now += 100 * MINUTE;
    let alice = user("alice");
    let past = plan_in(0, MINUTE, None);
    let missing = Plan {
        next: None,
        ..past.clone()
    };
    let foreign = Plan {
        launch: Launch::ByHand,
        ..plan_in(world.now, MINUTE, None)
    };
    for plan in [past, missing, foreign] {
        let refusal = world.refuses(&alice, &update("open", planned(plan)));
        assert_eq!(refusal.code(), "invalid-field");
    }
}

#[test]
fn a_plan_is_made_of_schedules_that_are_to_come() {
    let of = |plan: Plan| plan.launch;
    let launch = of(plan_in(0, 0, Some(30)));
    let eve = Timestamp(1_800_000_000_000);
    let plan = Plan::make(launch.clone(), eve).expect("2027-03-01 is later");
    assert_eq!(
        plan.next.map(|next| next.start),
        Some(Timestamp(1_803_889_800_000))
    );
    let late = Timestamp(1_900_000_000_000);
    assert_eq!(
        Plan::make(launch, late).expect_err("past").code(),
        "invalid-field"
    );
    let patch = settings(SettingsPatch::default());
    assert_eq!(patch.plan, None);
}

#[test]
fn commands_that_older_nodes_do_not_know_say_so() {
    let plan = plan_in(0, MINUTE, None);
    let changes = [
        update("open", planned(plan.clone())),
        begin("open", 5),
        act("open", 1, Act::Start),
        act("open", 1, Act::Extend(5)),
        Change::Create(NewConference {
            plan: Some(plan),
            ..room("new")
        }),
    ];
    for change in changes {
        assert_eq!(change.level(), SCHEDULES_LEVEL, "{change:?}");
    }
    assert!(create("new").level() < SCHEDULES_LEVEL);
}

#[test]
fn what_was_used_last_long_ago_is_deleted_and_what_goes_on_is_not() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("bob")));
    let later = Timestamp(world.now + 1_000);
    world.now += 2_000;
    let old = Change::DeleteOld {
        past: Some(later),
        unused: Some(later),
    };
    world.ok(&old);
    assert!(world.conferences.keys().map(ToString::to_string).eq(["open"]));
    world.ok(&leave("open", 1, 0));
    world.ok(&old);
    assert_eq!(world.conferences.len(), 1, "it was used a moment ago");
    world.now += 10_000;
    let later = Timestamp(world.now);
    world.ok(&Change::DeleteOld {
        past: Some(later),
        unused: None,
    });
    assert_eq!(world.conferences.len(), 1, "it has no schedule");
    world.ok(&Change::DeleteOld {
        past: None,
        unused: Some(later),
    });
    assert!(world.conferences.is_empty() && world.runs.is_empty());
    assert_eq!(world.refuses(&root(), &old).code(), "forbidden");
}
