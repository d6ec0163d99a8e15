//! Who lectures, who takes the lecture over, and who sees whom.

use crate::{
    gate::{act, settings, with},
    podium::{mode, on_podium},
    world::*,
};
use plenary_conference::*;

fn id(number: u64) -> ParticipantId {
    ParticipantId(number)
}

fn lecture(lecturers: &[&str]) -> SettingsPatch {
    SettingsPatch {
        lecturers: (!lecturers.is_empty()).then(|| lecturers.iter().map(|who| name(who)).collect()),
        ..mode(Mode::Lecture, 3)
    }
}

/// `who` come one after the other, with the numbers from 1 on. Alice owns the room, root is an operator.
fn meeting(patch: SettingsPatch, who: &[&str]) -> World {
    let mut world = with(patch);
    for (number, who) in (1..).zip(who) {
        world.ok(&enter("open", number, account(who)));
    }
    world
}

fn sees(world: &World, viewer: u64, shown: u64) -> bool {
    let [viewer, shown] = [viewer, shown].map(|number| world.place("open", number));
    world.room("open").may_see(viewer, shown)
}

fn flow(world: &World, number: u64) -> Flow {
    world.room("open").flow_of(world.place("open", number))
}

#[test]
fn who_lectures_is_seen_by_all_and_sees_all() {
    let mut world = meeting(lecture(&[]), &["alice", "bob", "root", "bob"]);
    assert_eq!(on_podium(&world), [1]);
    world.ok(&act("open", 1, Act::MakeModerator(id(2))));
    assert!(sees(&world, 4, 1) && sees(&world, 1, 4), "all and the lecturer");
    assert!(
        !sees(&world, 4, 3) && !sees(&world, 4, 2),
        "listeners see no others, moderators neither"
    );
    assert!(
        sees(&world, 2, 4) && sees(&world, 2, 3),
        "who moderates sees whom they moderate"
    );
    let listens = flow(&world, 2);
    assert!(!listens.voice && listens.camera && !listens.content);
    assert!(flow(&world, 1).voice && flow(&world, 1).content);
    world.ok(&act("open", 1, Act::GiveRemark(id(4))));
    assert!(flow(&world, 4).voice);
    let visitor = |who: &str| account(who);
    let watches = |who: &str| door(world.room("open"), visitor(who).visitor(false), Way::Watch);
    assert!(watches("alice").is_ok());
    assert_eq!(watches("bob"), Err(KeptOut::LectureWatch));
}

#[test]
fn a_moderator_hands_the_lecture_over() {
    let mut world = meeting(lecture(&[]), &["alice", "bob", "bob"]);
    let camera = StatePatch {
        muted: Some(false),
        camera: Some(true),
        ..content(true)
    };
    world.ok(&set("open", 2, 0, camera));
    assert_eq!(
        world.refused(&act("open", 2, Act::HandLecture(id(2)))),
        "forbidden"
    );
    world.ok(&act("open", 1, Act::HandLecture(id(2))));
    assert_eq!(on_podium(&world), [2], "one lecturer");
    let bob = world.place("open", 2);
    assert!(bob.muted && bob.standing.asked.is_some() && !bob.camera && !bob.content);
    assert!(
        !flow(&world, 2).voice && !flow(&world, 2).camera,
        "nobody is on before they switch on"
    );
    world.ok(&set("open", 2, 0, camera));
    assert!(flow(&world, 2).voice && flow(&world, 2).camera && flow(&world, 2).content);
    assert!(
        !flow(&world, 1).voice && sees(&world, 1, 3),
        "the owner listens, and moderates"
    );
    // Who has asked for it comes as they are; several may lecture.
    world.ok(&set("open", 3, 0, camera));
    world.ok(&set("open", 3, 0, hand(true)));
    world.ok(&act("open", 1, Act::GivePodium(id(3))));
    assert!(flow(&world, 3).voice && flow(&world, 3).camera);
    world.ok(&act("open", 1, Act::GivePodium(id(1))));
    assert!(flow(&world, 1).voice, "for oneself it is no surprise");
    assert_eq!(on_podium(&world), [1, 2, 3]);
    world.ok(&act("open", 1, Act::TakePodium(id(2))));
    assert_eq!(on_podium(&world), [1, 3]);
    assert_eq!(world.refused(&act("open", 1, Act::Pin(id(3)))), "conflict");
    // Whoever is cut off comes back as what they were.
    world.ok(&resume("open", 3, secret(3)));
    assert_eq!(on_podium(&world), [1, 3]);
    let invitation = StatePatch {
        invitation: Some(true),
        ..StatePatch::default()
    };
    world.ok(&act("open", 1, Act::InviteToPodium(id(2))));
    world.ok(&set("open", 2, 0, camera));
    world.ok(&set("open", 2, 0, invitation));
    assert!(flow(&world, 2).voice && on_podium(&world) == [1, 2, 3]);
}

#[test]
fn in_other_meetings_there_is_no_lecture_to_hand_over() {
    let mut world = meeting(mode(Mode::RoleBased, 2), &["alice", "bob"]);
    assert_eq!(
        world.refused(&act("open", 1, Act::HandLecture(id(2)))),
        "conflict"
    );
    let handed = act("open", 1, Act::HandLecture(id(2)));
    assert_eq!(handed.level(), LECTURES_LEVEL);
    let content = Layout {
        arrangement: Arrangement::Content,
        ..Layout::default()
    };
    assert_eq!(act("open", 1, Act::SetLayout(content)).level(), LECTURES_LEVEL);
    assert!(act("open", 1, Act::SetLayout(Layout::default())).level() < LECTURES_LEVEL);
}

#[test]
fn who_is_named_lectures_and_a_moderator_stands_in_until_then() {
    let patch = SettingsPatch {
        moderators: Some(vec![name("root")]),
        uninvited: Some(false),
        ..lecture(&["bob"])
    };
    assert_eq!(update("open", settings(patch.clone())).level(), LECTURES_LEVEL);
    let mut world = meeting(patch, &["root"]);
    assert_eq!(on_podium(&world), [1]);
    world.ok(&enter("open", 3, account("alice")));
    assert!(
        world.room("open").settings.invited.contains_key(&name("bob")),
        "or they could not come"
    );
    assert_eq!(
        on_podium(&world),
        [3],
        "root stood in for alice, and both do for bob"
    );
    world.ok(&enter("open", 4, account("bob")));
    assert_eq!(on_podium(&world), [4]);
    assert!(!world.place("open", 4).muted && flow(&world, 4).voice);
    assert!(door(world.room("open"), account("bob").visitor(false), Way::Watch).is_ok());
    // To whom it was given it belongs.
    world.ok(&act("open", 3, Act::HandLecture(id(3))));
    world.ok(&leave("open", 4, 0));
    world.ok(&enter("open", 5, account("bob")));
    assert_eq!(on_podium(&world), [3, 5]);
    // Nobody is put before all because others leave.
    world.ok(&leave("open", 3, 0));
    world.ok(&leave("open", 5, 0));
    assert!(on_podium(&world).is_empty());
    world.ok(&enter("open", 6, account("root")));
    assert_eq!(on_podium(&world), [6]);
}

#[test]
fn a_meeting_that_becomes_a_lecture_has_its_lecturer() {
    let mut world = meeting(mode(Mode::Smart, 3), &["bob", "alice", "root"]);
    assert_eq!(on_podium(&world), [1, 2, 3]);
    let change = |patch| update("open", settings(patch));
    let alice = user("alice");
    world.run(&alice, &change(lecture(&[]))).expect("alice owns it");
    assert_eq!(on_podium(&world), [2]);
    assert!(!sees(&world, 1, 3) && sees(&world, 1, 2) && sees(&world, 2, 1));
    world
        .run(&alice, &change(mode(Mode::RoleBased, 3)))
        .expect("alice owns it");
    assert_eq!(on_podium(&world), [2], "who lectured stays where they are seen");
    world
        .run(&alice, &change(lecture(&["bob"])))
        .expect("alice owns it");
    assert_eq!(on_podium(&world), [1]);
}

#[test]
fn by_rules_of_before_owner_and_moderators_lecture() {
    let mut world = with(mode(Mode::Lecture, 3));
    world.level = LECTURES_LEVEL - 1;
    for (number, who) in [(1, "alice"), (2, "root"), (3, "bob")] {
        world.ok(&enter("open", number, account(who)));
    }
    world.ok(&act("open", 1, Act::MakeModerator(id(2))));
    assert!(on_podium(&world).is_empty());
    assert!(flow(&world, 1).voice && flow(&world, 2).voice && !flow(&world, 3).voice);
    assert!(sees(&world, 3, 2) && !sees(&world, 3, 3));
    assert_eq!(world.refused(&act("open", 1, Act::GivePodium(id(3)))), "conflict");
    assert_eq!(world.refused(&act("open", 1, Act::Pin(id(3)))), "conflict");
    let alice = user("alice");
    for patch in [mode(Mode::Smart, 3), mode(Mode::Lecture, 3)] {
        world
            .run(&alice, &update("open", settings(patch)))
            .expect("alice owns it");
    }
    world.ok(&act("open", 1, Act::MakeModerator(id(2))));
    // Who was there before goes on as before; who comes later comes by the new rules.
    world.level = LECTURES_LEVEL;
    assert!(flow(&world, 1).voice && flow(&world, 2).voice);
    let alice = world.place("open", 1);
    assert_eq!(world.room("open").on_podium_since(alice), Some(alice.joined_at));
    world.ok(&act("open", 1, Act::TakePodium(id(2))));
    assert!(!flow(&world, 2).voice && flow(&world, 1).voice);
    world.ok(&act("open", 1, Act::HandLecture(id(3))));
    assert!(on_podium(&world) == [3] && !flow(&world, 1).voice);
}

#[test]
fn of_those_who_are_let_in_at_once_who_lectures_comes_first() {
    let mut world = with(SettingsPatch {
        waiting_room: Some(Put::To(WaitingRoom::All)),
        moderators: Some(vec![name("root")]),
        ..lecture(&["bob"])
    });
    world.ok(&enter("open", 1, account("root")));
    world.ok(&enter("open", 5, account("alice")));
    world.ok(&act("open", 5, Act::SendBack(id(1))));
    world.ok(&act("open", 5, Act::TakePodium(id(5))));
    world.ok(&enter("open", 9, account("bob")));
    assert!(on_podium(&world).is_empty());
    world.ok(&act("open", 5, Act::AdmitAll));
    assert_eq!(on_podium(&world), [9], "nobody stands in for who is there");
}

#[test]
fn who_is_named_finds_a_place_however_many_were_let_lecture() {
    let mut world = meeting(lecture(&["bob"]), &["alice", "bob", "root", "root", "root"]);
    assert_eq!(on_podium(&world), [2]);
    for number in [3, 4] {
        world.ok(&act("open", 1, Act::GivePodium(id(number))));
    }
    world.ok(&leave("open", 2, 0));
    world.ok(&act("open", 1, Act::GivePodium(id(5))));
    assert_eq!(on_podium(&world), [3, 4, 5], "all places are taken");
    world.ok(&enter("open", 6, account("bob")));
    assert_eq!(on_podium(&world), [4, 5, 6], "who was let first makes room");
}

#[test]
fn who_lectures_is_invited_since_they_were_named_first() {
    let mut world = meeting(lecture(&["bob"]), &["alice"]);
    world.ok(&act("open", 1, Act::Lock));
    let others = SettingsPatch {
        invited: Some(vec![name("root")]),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(others)))
        .expect("hers");
    assert_eq!(world.refused(&enter("open", 2, account("bob"))), "locked");
    world.ok(&enter("open", 3, account("root")));
}
