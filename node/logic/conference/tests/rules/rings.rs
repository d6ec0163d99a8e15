//! Calling people into conferences (CONF-02, CONF-08).

use crate::world::*;
use plenary_access::{Topic, rules::Asker};
use plenary_conference::*;
use plenary_model::{NodeId, Timestamp, UserName, limits};

pub(crate) fn call(cid: &str, whom: &[&str]) -> Change {
    Change::Call {
        cid: name(cid),
        by: None,
        whom: Whom::Users(whom.iter().map(|user| name(user)).collect()),
    }
}

fn invited(cid: &str) -> Change {
    Change::Call {
        cid: name(cid),
        by: None,
        whom: Whom::Invited,
    }
}

fn settings(world: &mut World, cid: &str, settings: SettingsPatch) {
    let patch = Patch {
        settings,
        ..Patch::default()
    };
    world.run(&user("alice"), &update(cid, patch)).expect("she may");
}

fn for_invited(world: &mut World, cid: &str, people: &[&str]) {
    let patch = SettingsPatch {
        invited: Some(people.iter().map(|user| name(user)).collect()),
        uninvited: Some(false),
        ..SettingsPatch::default()
    };
    settings(world, cid, patch);
}

/// Alice's room `inside` gets a schedule; gives when it begins.
fn planned(world: &mut World) -> u64 {
    let plan = crate::schedules::plan_in(world.now, 1_000, Some(60));
    let start = plan.next.expect("planned").start.0;
    let patch = Patch {
        plan: Some(plan),
        ..Patch::default()
    };
    world
        .run(&user("alice"), &update("inside", patch))
        .expect("she may");
    start
}

/// Alice is in her room `inside`; Bob and Root are signed in.
fn meeting() -> World {
    let mut world = World::with_rooms();
    world.online.insert(name("root"));
    world.ok(&enter("inside", 1, account("alice")));
    world.notices.clear();
    world
}

fn calls(world: &mut World, whom: &[&str]) {
    world.run(&user("alice"), &call("inside", whom)).expect("she may");
}

/// How the last ring of somebody ended; `None` while it rings.
#[track_caller]
fn state(world: &World, who: &str) -> Option<How> {
    let rings = world.rings_of(&name("inside"), &name(who), Timestamp(0));
    rings.first().expect("it rang").over.map(|over| over.how)
}

fn rings(world: &World, who: &str) -> usize {
    world.rings_of(&name("inside"), &name(who), Timestamp(0)).len()
}

fn declines(world: &mut World, who: &str) {
    let ring = world.rings_of(&name("inside"), &name(who), Timestamp(0));
    let cid = ring.first().expect("it rang").cid.clone();
    world.run(&user(who), &Change::Decline { cid }).expect("they may");
}

#[test]
fn who_is_called_comes_in_and_it_rings_no_more() {
    let mut world = meeting();
    calls(&mut world, &["bob"]);
    assert_eq!(state(&world, "bob"), None);
    let told = std::mem::take(&mut world.notices);
    let is_told = |topic, object: &str| told.iter().any(|one| one.topic == topic && one.object == object);
    assert!(is_told(Topic::Calls, "bob") && is_told(Topic::Meetings, "inside"));
    assert!(!is_told(Topic::Calls, "alice"), "it stands in no list of hers");
    world.ok(&enter("inside", 2, account("bob")));
    assert_eq!(state(&world, "bob"), Some(How::Joined));
    assert!(world.conferences.contains_key(&name("inside")));
    let told = std::mem::take(&mut world.notices);
    assert!(
        told.iter()
            .any(|one| one.topic == Topic::Calls && one.object == "bob")
    );
}

#[test]
fn it_is_declined_missed_or_over_with_the_meeting() {
    let mut world = meeting();
    calls(&mut world, &["bob"]);
    declines(&mut world, "bob");
    assert_eq!(state(&world, "bob"), Some(How::Declined));
    assert_eq!(world.inside("inside"), [1], "the meeting goes on");

    let mut world = meeting();
    calls(&mut world, &["bob", "root"]);
    world.now += RING_MS;
    world.ok(&Change::Sweep);
    for who in ["bob", "root"] {
        assert_eq!(state(&world, who), Some(How::Missed));
    }

    for over in [
        leave("inside", 1, 0),
        delete("inside"),
        Change::Act {
            cid: name("inside"),
            by: Some(ParticipantId(1)),
            act: Act::End,
        },
    ] {
        let mut world = meeting();
        calls(&mut world, &["bob"]);
        world.ok(&over);
        assert_eq!(state(&world, "bob"), Some(How::Cancelled), "{over:?}");
    }
}

#[test]
fn two_who_call_the_same_person_ring_once() {
    let mut world = meeting();
    calls(&mut world, &["bob", "bob"]);
    world.operators.insert(name("root"));
    world.ok(&enter("inside", 2, account("root")));
    let by_root = Change::Call {
        cid: name("inside"),
        by: Some(ParticipantId(2)),
        whom: Whom::Users(vec![name("bob"), name("alice")]),
    };
    world.ok(&by_root);
    assert_eq!((rings(&world, "bob"), rings(&world, "alice")), (1, 0));
}

#[test]
fn who_is_away_or_in_a_call_does_not_ring() {
    let mut world = meeting();
    world.online.remove::<UserName>(&name("root"));
    let asks = Asker {
        rights: plenary_model::Rights([plenary_model::Right::MakeCalls].into()),
        ..user("bob")
    };
    world
        .run(&asks, &crate::calls::dial("c", "alice"))
        .expect("he may");
    calls(&mut world, &["bob", "root"]);
    assert_eq!(state(&world, "bob"), Some(How::Busy));
    assert_eq!(state(&world, "root"), Some(How::Unreachable));
    assert!(
        world
            .open_call_of(&name("bob"))
            .is_some_and(|call| call.cid == name("c")),
        "what somebody is called into does not count as their call"
    );
}

#[test]
fn nobody_is_called_again_at_once_or_for_ever() {
    let mut world = meeting();
    calls(&mut world, &["bob"]);
    declines(&mut world, "bob");
    let again = call("inside", &["bob"]);
    assert_eq!(world.refuses(&user("alice"), &again).code(), "conflict");
    for _ in 1..limits::RINGS_PER_RUN {
        world.now += limits::RING_PAUSE_MS;
        calls(&mut world, &["bob"]);
        declines(&mut world, "bob");
    }
    world.now += limits::RING_PAUSE_MS;
    assert_eq!(world.refuses(&user("alice"), &again).code(), "conflict");
    world.ok(&leave("inside", 1, 0));
    world.ok(&enter("inside", 2, account("alice")));
    calls(&mut world, &["bob"]);
    assert_eq!(state(&world, "bob"), None, "another run, another try");
}

#[test]
fn so_many_conferences_ring_at_one_person_and_no_more() {
    let mut world = meeting();
    for number in 0..limits::RINGS_PER_PERSON {
        let cid = format!("room-{number}");
        world.run(&user("alice"), &create(&cid)).expect("she may");
        world.ok(&enter(&cid, 20 + number as u64, account("alice")));
        world.run(&user("alice"), &call(&cid, &["bob"])).expect("she may");
    }
    calls(&mut world, &["bob"]);
    assert_eq!(state(&world, "bob"), Some(How::Busy));
}

#[test]
fn who_is_called_counts_as_invited_to_this_run() {
    let mut world = meeting();
    for_invited(&mut world, "inside", &[]);
    let comes = enter("inside", 2, account("bob"));
    assert_eq!(world.refused(&comes), "uninvited");
    calls(&mut world, &["bob"]);
    world.ok(&comes);
    world.ok(&leave("inside", 2, 0));
    world.ok(&leave("inside", 1, 0));
    world.ok(&enter("inside", 3, account("alice")));
    assert_eq!(world.refused(&enter("inside", 4, account("bob"))), "uninvited");
}

#[test]
fn a_lock_from_before_does_not_keep_out_who_is_called_but_a_pin_and_the_waiting_room_do() {
    let mut world = meeting();
    let lock = Change::Act {
        cid: name("inside"),
        by: Some(ParticipantId(1)),
        act: Act::Lock,
    };
    world.ok(&lock);
    let comes = enter("inside", 2, account("bob"));
    assert_eq!(world.refused(&comes), "locked");
    calls(&mut world, &["bob"]);
    let patch = SettingsPatch {
        pin: Some(Put::To(Pin("4711".into()))),
        waiting_room: Some(Put::To(WaitingRoom::Uninvited)),
        ..SettingsPatch::default()
    };
    settings(&mut world, "inside", patch);
    assert_eq!(world.refused(&comes), "pin-needed");
    assert_eq!(state(&world, "bob"), None, "it rings until they are in");
    let mut with_pin = comes;
    if let Change::Enter { pin, .. } = &mut with_pin {
        *pin = Some(Pin("4711".into()));
    }
    world.ok(&with_pin);
    assert!(world.place("inside", 2).standing.waiting.is_some());
    assert_eq!(state(&world, "bob"), Some(How::Joined));
}

#[test]
fn all_who_are_named_are_called_by_hand_or_by_the_schedule() {
    let mut world = meeting();
    for_invited(&mut world, "inside", &["bob", "alice"]);
    let named = SettingsPatch {
        moderators: Some(vec![name("root")]),
        ..SettingsPatch::default()
    };
    settings(&mut world, "inside", named);
    world.run(&user("alice"), &invited("inside")).expect("she may");
    let all = |world: &World| ["alice", "bob", "root"].map(|who| rings(world, who));
    assert_eq!(all(&world), [0, 1, 1]);

    // Nodes of before ring who owns it as well.
    let before = OWNERS_LEVEL - 1;
    for (on, level, called) in [
        (true, NEWEST_LEVEL, [0, 1, 1]),
        (true, before, [1, 1, 1]),
        (false, NEWEST_LEVEL, [0, 0, 0]),
    ] {
        let mut world = World::with_rooms();
        world.level = level;
        for_invited(&mut world, "inside", &["bob", "alice"]);
        let patch = SettingsPatch {
            moderators: Some(vec![name("root")]),
            call_at_start: Some(on),
            ..SettingsPatch::default()
        };
        settings(&mut world, "inside", patch);
        let start = planned(&mut world);
        world.now = start;
        world.ok(&crate::schedules::begin("inside", start));
        assert_eq!(all(&world), called);
    }
}

#[test]
fn what_began_early_calls_at_its_time_whom_nobody_called() {
    for (level, rung) in [(REMOVALS_LEVEL - 1, 0), (REMOVALS_LEVEL, 1)] {
        let mut world = World::with_rooms();
        world.level = level;
        world.online.insert(name("root"));
        for_invited(&mut world, "inside", &["bob", "root"]);
        settings(
            &mut world,
            "inside",
            SettingsPatch {
                call_at_start: Some(true),
                ..SettingsPatch::default()
            },
        );
        let start = planned(&mut world);
        let early = Change::Act {
            cid: name("inside"),
            by: None,
            act: Act::Start,
        };
        world.run(&user("alice"), &early).expect("she may");
        calls(&mut world, &["bob"]);
        declines(&mut world, "bob");
        world.now = start.max(world.now) + 20_000;
        world.ok(&crate::schedules::begin("inside", start));
        assert_eq!((rings(&world, "bob"), rings(&world, "root")), (1, rung));
    }
}

#[test]
fn who_owns_a_lecture_and_gives_it_is_not_rung_by_its_schedule() {
    let mut world = World::with_rooms();
    let patch = SettingsPatch {
        mode: Some(Mode::Lecture),
        lecturers: Some(vec![name("alice"), name("bob")]),
        ..SettingsPatch::default()
    };
    settings(&mut world, "inside", patch);
    let start = planned(&mut world);
    world.now = start;
    world.ok(&crate::schedules::begin("inside", start));
    assert_eq!(["alice", "bob"].map(|who| rings(&world, who)), [0, 1]);
}

#[test]
fn whom_a_schedule_calls_comes_in_though_it_begins_locked() {
    let mut world = World::with_rooms();
    for_invited(&mut world, "inside", &["bob"]);
    let patch = SettingsPatch {
        begins_locked: Some(true),
        uninvited: Some(true),
        ..SettingsPatch::default()
    };
    settings(&mut world, "inside", patch);
    let start = planned(&mut world);
    world.now = start;
    world.ok(&crate::schedules::begin("inside", start));
    assert!(world.runs[&name("inside")].locked_at.is_some());
    assert_eq!(world.refused(&enter("inside", 1, account("root"))), "locked");
    world.ok(&enter("inside", 2, account("bob")));
}

#[test]
fn nobody_is_called_into_what_does_not_go_on_or_is_a_call() {
    let mut world = World::with_rooms();
    let bob = call("inside", &["bob"]);
    assert_eq!(world.refuses(&user("alice"), &bob).code(), "conflict");
    world.ok(&enter("inside", 1, account("alice")));
    assert_eq!(world.refuses(&user("bob"), &bob).code(), "forbidden");
    assert_eq!(
        world.refuses(&system(), &bob).code(),
        "forbidden",
        "an account calls"
    );
    for wrong in [vec![], vec!["nobody"]] {
        let refusal = world.refuses(&user("alice"), &call("inside", &wrong));
        assert_eq!(refusal.code(), "invalid-field");
    }
    let by_bob = Change::Call {
        cid: name("inside"),
        by: Some(ParticipantId(2)),
        whom: Whom::Invited,
    };
    world.ok(&enter("inside", 2, account("bob")));
    assert_eq!(world.refused(&by_bob), "forbidden");
    world
        .run(&user("alice"), &crate::calls::dial("c", "bob"))
        .expect("she may");
    let into = call("c", &["root"]);
    assert_eq!(world.refuses(&user("alice"), &into).code(), "conflict");
}

#[test]
fn rings_go_with_accounts_and_outlive_nodes() {
    let mut world = meeting();
    calls(&mut world, &["bob"]);
    world.follow(&[Fact::NodeStands {
        node: NodeId(1),
        start: 0,
    }]);
    assert_eq!(
        state(&world, "bob"),
        None,
        "her place is kept, and so is the ring"
    );
    world.now += AWAY_MS;
    world.ok(&Change::Sweep);
    let how = state(&world, "bob");
    assert!(matches!(how, Some(How::Missed | How::Cancelled)), "{how:?}");

    for gone in ["alice", "bob"] {
        let mut world = meeting();
        calls(&mut world, &["bob"]);
        world.notices.clear();
        world.follow(&[Fact::AccountRemoved(&name(gone))]);
        assert!(world.calls.is_empty(), "{gone}");
        let told = world
            .notices
            .iter()
            .any(|one| one.topic == Topic::Calls && one.object == "bob");
        assert!(told || gone == "bob", "it rings no more");
    }
}

#[test]
fn below_the_level_nothing_rings() {
    assert_eq!(call("inside", &["bob"]).level(), CALLING_LEVEL);
    let patch = Patch {
        settings: SettingsPatch {
            call_at_start: Some(false),
            ..SettingsPatch::default()
        },
        ..Patch::default()
    };
    assert_eq!(update("inside", patch).level(), CALLING_LEVEL);
    let mut world = World::with_rooms();
    world.level = CALLING_LEVEL - 1;
    for_invited(&mut world, "inside", &["bob"]);
    let start = planned(&mut world);
    world.now = start;
    world.ok(&crate::schedules::begin("inside", start));
    assert!(world.calls.is_empty());
}

#[test]
fn what_rings_leads_to_where_the_conference_is_found_by_now() {
    let mut world = meeting();
    let leads_to = |world: &World, who: &str| {
        let rings = world.rings_of(&name("inside"), &name(who), Timestamp(0));
        let ring = rings.first().and_then(|call| call.ring.clone());
        ring.expect("it rings").id().to_string()
    };
    calls(&mut world, &["bob"]);
    assert_eq!(leads_to(&world, "bob"), "inside");
    world
        .run(&user("alice"), &crate::ids::chosen("inside", "weekly"))
        .expect("she may");
    assert_eq!(leads_to(&world, "bob"), "weekly");
    calls(&mut world, &["root"]);
    assert_eq!(leads_to(&world, "root"), "weekly");
    world.ok(&enter("inside", 2, account("bob")));
    assert_eq!(state(&world, "bob"), Some(How::Joined));
}

fn call_off(by: Option<u64>, users: Option<&[&str]>) -> Change {
    Change::CallOff {
        cid: name("inside"),
        by: by.map(ParticipantId),
        users: users.map(|users| users.iter().map(|user| name(user)).collect()),
    }
}

#[test]
fn a_moderator_takes_a_call_back_and_it_rings_no_more() {
    let mut world = meeting();
    calls(&mut world, &["bob", "root"]);
    world.notices.clear();
    world.ok(&call_off(Some(1), Some(&["bob"])));
    assert_eq!(state(&world, "bob"), Some(How::Cancelled));
    assert_eq!(state(&world, "root"), None, "the other one rings on");
    let told = std::mem::take(&mut world.notices);
    let is_told = |topic, object: &str| told.iter().any(|one| one.topic == topic && one.object == object);
    assert!(is_told(Topic::Calls, "bob") && is_told(Topic::Meetings, "inside"));
    assert!(!is_told(Topic::Calls, "root"));

    world
        .run(&user("alice"), &call_off(None, None))
        .expect("she may from outside too");
    assert_eq!(state(&world, "root"), Some(How::Cancelled));
    world.notices.clear();
    world.ok(&call_off(Some(1), None));
    assert!(world.notices.is_empty(), "nobody rings: nothing follows");
    assert_eq!(call_off(None, None).level(), MODERATION_LEVEL);
}

#[test]
fn only_moderators_take_calls_back_and_answers_stay() {
    let mut world = meeting();
    world.ok(&enter("inside", 2, account("root")));
    calls(&mut world, &["bob"]);
    assert_eq!(world.refused(&call_off(Some(2), None)), "forbidden");
    assert_eq!(
        world.refuses(&user("bob"), &call_off(None, None)).code(),
        "forbidden"
    );
    declines(&mut world, "bob");
    world.ok(&call_off(Some(1), Some(&["bob"])));
    assert_eq!(state(&world, "bob"), Some(How::Declined));
}

#[test]
fn a_call_that_was_taken_back_invites_nobody() {
    let mut world = meeting();
    for_invited(&mut world, "inside", &[]);
    let comes = enter("inside", 2, account("bob"));
    calls(&mut world, &["bob"]);
    world.ok(&call_off(Some(1), Some(&["bob"])));
    assert_eq!(world.refused(&comes), "uninvited");
    world.now += limits::RING_PAUSE_MS;
    calls(&mut world, &["bob"]);
    declines(&mut world, "bob");
    world.now += limits::RING_PAUSE_MS;
    calls(&mut world, &["bob"]);
    world.ok(&call_off(Some(1), None));
    world.ok(&comes);
}

#[test]
fn a_schedule_calls_people_of_partners_as_well() {
    for (level, partners) in [(TERMS_LEVEL, true), (TERMS_LEVEL - 1, false)] {
        let mut world = World::with_rooms();
        let patch = SettingsPatch {
            invited: Some(vec![name("bob")]),
            invited_abroad: vec![name("olav@oslo.example.net")],
            ..SettingsPatch::default()
        };
        settings(&mut world, "inside", patch);
        let start = planned(&mut world);
        (world.now, world.level) = (start, level);
        world.ok(&crate::schedules::begin("inside", start));
        let called: Vec<String> = world.calls.values().map(|call| call.callee.to_string()).collect();
        assert_eq!(
            called.contains(&"olav@oslo.example.net".to_owned()),
            partners,
            "{called:?}"
        );
        assert!(called.contains(&"bob".to_owned()));
    }
}
