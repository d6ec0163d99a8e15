//! Who is seen and heard in role-based and smart meetings.

use crate::{
    gate::{act, settings, with},
    world::*,
};
use plenary_conference::*;

fn id(number: u64) -> ParticipantId {
    ParticipantId(number)
}

pub(crate) fn mode(mode: Mode, places: u8) -> SettingsPatch {
    SettingsPatch {
        mode: Some(mode),
        podium_places: Some(places),
        ..SettingsPatch::default()
    }
}

/// Alice owns the room and is 1; bob is 2, 4 and 5, root is 3.
fn meeting(patch: SettingsPatch) -> World {
    let mut world = with(patch);
    for (number, who) in [(1, "alice"), (2, "bob"), (3, "root"), (4, "bob"), (5, "bob")] {
        world.ok(&enter("open", number, account(who)));
    }
    world
}

pub(crate) fn on_podium(world: &World) -> Vec<u64> {
    let all = world.participants.values();
    all.filter(|one| one.standing.podium.is_some())
        .map(|one| one.id.0)
        .collect()
}

fn speaks(world: &mut World, who: &[(u64, u64)]) {
    let heard = who.iter().map(|(participant, ago_ms)| Heard {
        participant: id(*participant),
        ago_ms: *ago_ms,
    });
    world.ok(&Change::Spoke {
        cid: name("open"),
        heard: heard.collect(),
    });
}

#[test]
fn in_a_role_based_meeting_a_place_is_asked_for_and_given() {
    let mut world = meeting(mode(Mode::RoleBased, 2));
    assert_eq!(on_podium(&world), [1], "the owner is there from the beginning");
    let flow = |world: &World, who| world.room("open").flow_of(world.place("open", who));
    assert_eq!((flow(&world, 1).camera, flow(&world, 2).camera), (true, false));
    assert!(!flow(&world, 2).voice && flow(&world, 2).receives);
    world.ok(&set("open", 3, 0, hand(true)));
    world.ok(&set("open", 2, 0, hand(true)));
    assert!(
        world.place("open", 3).hand < world.place("open", 2).hand,
        "a queue"
    );
    assert_eq!(
        world.refused(&act("open", 3, Act::GivePodium(id(3)))),
        "forbidden"
    );
    world.ok(&act("open", 1, Act::GivePodium(id(3))));
    assert_eq!(
        (on_podium(&world), world.place("open", 3).hand),
        (vec![1, 3], None)
    );
    assert_eq!(world.refused(&act("open", 1, Act::GivePodium(id(2)))), "full");
    let down = StatePatch {
        podium: Some(false),
        ..StatePatch::default()
    };
    world.ok(&set("open", 3, 0, down));
    world.ok(&act("open", 1, Act::GivePodium(id(2))));
    assert_eq!(on_podium(&world), [1, 2]);
    world.ok(&act("open", 1, Act::TakePodium(id(2))));
    world.ok(&act("open", 1, Act::TakePodium(id(2))));
    assert_eq!(on_podium(&world), [1]);
    // A short word without the podium.
    world.ok(&act("open", 1, Act::GiveRemark(id(4))));
    assert!(flow(&world, 4).voice && !flow(&world, 4).camera);
    world.ok(&act("open", 1, Act::TakeRemark(id(4))));
    assert!(!flow(&world, 4).voice);
}

#[test]
fn in_a_smart_meeting_who_speaks_takes_the_place_of_the_longest_silent() {
    let mut world = meeting(mode(Mode::Smart, 3));
    assert_eq!(on_podium(&world), [1, 2, 3], "the first take free places");
    world.now += 5_000;
    speaks(&mut world, &[(3, 0), (1, 1_000)]);
    world.now += 1_000;
    speaks(&mut world, &[(4, 0)]);
    assert_eq!(on_podium(&world), [1, 3, 4], "2 was silent for longest");
    // The place of 4 is young, 3 spoke last: 1 goes.
    world.now += 500;
    speaks(&mut world, &[(5, 0), (4, 0)]);
    assert_eq!(on_podium(&world), [3, 4, 5]);
    world.now += 500;
    speaks(&mut world, &[(1, 0), (3, 0)]);
    assert_eq!(
        on_podium(&world),
        [3, 4, 5],
        "the others have just come, and 3 speaks"
    );
    world.now += CHANGE_MS;
    world.ok(&act("open", 1, Act::Pin(id(4))));
    speaks(&mut world, &[(1, 0), (3, 0)]);
    assert_eq!(on_podium(&world), [1, 3, 4], "who is pinned stays");
    // A muted voice is none.
    world.now += CHANGE_MS;
    world.ok(&act("open", 1, Act::Mute(id(2))));
    speaks(&mut world, &[(2, 0)]);
    assert_eq!(on_podium(&world), [1, 3, 4]);
}

#[test]
fn of_two_who_are_silent_equally_long_the_one_who_came_first_leaves() {
    for (level, stay) in [(TURNS_LEVEL, [3, 5]), (TURNS_LEVEL - 1, [4, 5])] {
        let mut world = meeting(mode(Mode::Smart, 2));
        world.level = level;
        for who in [4, 3] {
            world.now += 5_000;
            speaks(&mut world, &[(who, 0)]);
        }
        assert_eq!(on_podium(&world), [3, 4]);
        world.now += 5_000;
        speaks(&mut world, &[(3, 0), (4, 0)]);
        world.now += 5_000;
        speaks(&mut world, &[(5, 0)]);
        assert_eq!(on_podium(&world), stay, "by the rules of level {level}");
    }
}

#[test]
fn in_a_smart_meeting_who_shows_something_takes_a_place_and_is_seen_by_all() {
    let mut world = meeting(mode(Mode::Smart, 2));
    let shows = |world: &World, who| world.room("open").flow_of(world.place("open", who)).content;
    world.now += 5_000;
    speaks(&mut world, &[(2, 0)]);
    world.now += 5_000;
    world.ok(&set("open", 4, 0, content(true)));
    assert_eq!(on_podium(&world), [2, 4], "1 was silent for longest");
    assert!(shows(&world, 4));
    // Whoever speaks takes the place of who shows nothing, even if they spoke a moment ago.
    world.now += CHANGE_MS;
    speaks(&mut world, &[(2, 1)]);
    world.now += CHANGE_MS;
    speaks(&mut world, &[(3, 0)]);
    assert_eq!(on_podium(&world), [3, 4]);
    // Of those who show something the one who began first leaves.
    world.now += CHANGE_MS;
    world.ok(&set("open", 3, 0, content(true)));
    world.now += CHANGE_MS;
    world.ok(&set("open", 5, 0, content(true)));
    assert_eq!(on_podium(&world), [3, 5]);
    assert!(shows(&world, 4), "what they show is seen without a place, too");
    assert!(!world.room("open").flow_of(world.place("open", 4)).camera);
    // Nobody can leave: the podium is as it was, and all see what is shown.
    for who in [3, 5] {
        world.ok(&act("open", 1, Act::Pin(id(who))));
    }
    world.ok(&set("open", 2, 0, content(true)));
    assert_eq!(on_podium(&world), [3, 5]);
    assert!(shows(&world, 2));
    // Rules of before know nothing of it.
    let mut before = meeting(mode(Mode::Smart, 2));
    before.level = CONTENT_LEVEL - 1;
    before.now += 5_000;
    before.ok(&set("open", 4, 0, content(true)));
    assert_eq!(on_podium(&before), [1, 2]);
}

#[test]
fn one_after_the_other_at_most_one_change_in_two_seconds_and_place() {
    let mut world = meeting(mode(Mode::Smart, 1));
    world.now += 10_000;
    let mut changes = Vec::new();
    let mut holder = on_podium(&world);
    for step in 0..100 {
        world.now += 99;
        speaks(&mut world, &[(1 + step % 5, 0)]);
        if on_podium(&world) != holder {
            holder = on_podium(&world);
            changes.push(world.now);
        }
    }
    assert!(changes.len() > 2, "{changes:?}");
    assert!(
        changes.windows(2).all(|pair| pair[1] - pair[0] >= CHANGE_MS),
        "{changes:?}"
    );
}

#[test]
fn a_smaller_podium_keeps_who_is_pinned_and_who_spoke_last() {
    let mut world = meeting(mode(Mode::Smart, 4));
    world.now += 5_000;
    world.ok(&act("open", 1, Act::Pin(id(2))));
    speaks(&mut world, &[(3, 0)]);
    let smaller = update("open", settings(mode(Mode::Smart, 2)));
    world.run(&user("alice"), &smaller).expect("hers");
    assert_eq!(on_podium(&world), [2, 3]);
    let gone = update("open", settings(mode(Mode::AllOnScreen, 2)));
    world.run(&user("alice"), &gone).expect("hers");
    assert!(on_podium(&world).is_empty());
    assert_eq!(world.refused(&act("open", 1, Act::GivePodium(id(2)))), "conflict");
}

#[test]
fn who_waits_is_on_no_podium() {
    let mut world = with(SettingsPatch {
        waiting_room: Some(Put::To(WaitingRoom::All)),
        ..mode(Mode::Smart, 2)
    });
    for (number, who) in [(1, "alice"), (2, "bob"), (3, "root")] {
        world.ok(&enter("open", number, account(who)));
    }
    assert_eq!(on_podium(&world), [1]);
    speaks(&mut world, &[(2, 0)]);
    assert_eq!(on_podium(&world), [1]);
    world.ok(&act("open", 1, Act::AdmitAll));
    assert_eq!(on_podium(&world), [1, 2], "as many as there is room for");
    world.ok(&act("open", 1, Act::SendBack(id(2))));
    assert_eq!(on_podium(&world), [1]);
}
