//! What moderators do to those who are in.

use crate::{gate::act, world::*};
use plenary_conference::*;
use plenary_model::{Timestamp, limits};
use std::collections::BTreeMap;

fn id(number: u64) -> ParticipantId {
    ParticipantId(number)
}

/// Alice owns the room and is 1, bob is 2, root is 3.
fn meeting() -> World {
    let mut world = World::with_rooms();
    for (number, who) in [(1, "alice"), (2, "bob"), (3, "root")] {
        world.ok(&enter("open", number, account(who)));
    }
    world
}

#[test]
fn only_moderators_act_and_those_who_are_made_moderators() {
    let mut world = meeting();
    assert_eq!(world.refused(&act("open", 2, Act::Mute(id(3)))), "forbidden");
    world.ok(&act("open", 1, Act::MakeModerator(id(2))));
    world.ok(&act("open", 2, Act::Mute(id(3))));
    world.ok(&act("open", 1, Act::UnmakeModerator(id(2))));
    assert_eq!(world.refused(&act("open", 2, Act::Mute(id(3)))), "forbidden");
    // An operator whose right is taken away is none any more, at once.
    world.operators.insert(name("bob"));
    world.ok(&act("open", 2, Act::MuteAll));
    world.operators.clear();
    assert_eq!(world.refused(&act("open", 2, Act::MuteAll)), "forbidden");
}

#[test]
fn a_right_that_is_given_or_taken_away_counts_at_once() {
    let mut world = meeting();
    let bob = name("bob");
    let rights = |operator, shares| Fact::Rights(&bob, MeetingRights { operator, shares });
    let role = |world: &World| world.room("open").role_of(world.place("open", 2));
    world.follow(&[rights(true, true)]);
    assert_eq!(role(&world), Role::Moderator);
    world.told();
    world.follow(&[rights(true, true)]);
    assert!(world.told().is_empty(), "nothing has changed");
    let shows = StatePatch {
        content: Some(true),
        ..StatePatch::default()
    };
    world.ok(&set("open", 2, 0, shows));
    world.follow(&[rights(false, false)]);
    assert!(world.told().contains(&"open".to_owned()));
    assert_eq!(role(&world), Role::Participant);
    let place = world.place("open", 2);
    let flow = world.room("open").flow_of(place);
    assert!(!place.content && !flow.content && flow.camera && flow.voice);
    assert_eq!(world.refused(&set("open", 2, 0, shows)), "forbidden");
    world.follow(&[rights(false, true)]);
    world.ok(&set("open", 2, 0, shows));
    assert_eq!(world.room("open").flow_of(world.place("open", 2)), Flow::ALL);
}

#[test]
fn who_comes_without_the_right_shows_no_screen() {
    let mut world = World::with_rooms();
    world.screenless.insert(account("bob"));
    world.ok(&enter("open", 2, account("bob")));
    assert!(!world.room("open").flow_of(world.place("open", 2)).content);
    // A node of before knows nothing of it.
    world.level = RIGHTS_LEVEL - 1;
    world.ok(&enter("inside", 3, account("bob")));
    assert_eq!(world.room("inside").flow_of(world.place("inside", 3)), Flow::ALL);
}

#[test]
fn by_the_interface_owner_moderators_operators_and_administrators_act() {
    let mut world = meeting();
    let end = Change::Act {
        cid: name("open"),
        by: None,
        act: Act::Mute(id(3)),
    };
    assert_eq!(world.refuses(&user("bob"), &end).code(), "forbidden");
    for asker in [user("alice"), root()] {
        world.run(&asker, &end).expect("may");
    }
    let mut operator = user("bob");
    operator.rights.0.insert(plenary_model::Right::Operator);
    world.run(&operator, &end).expect("may");
    let faked = act("open", 1, Act::End);
    assert_eq!(
        world.refuses(&user("bob"), &faked).code(),
        "forbidden",
        "only the server acts for those inside"
    );
}

#[test]
fn the_owner_cannot_be_removed_or_demoted() {
    let mut world = meeting();
    world.ok(&act("open", 1, Act::MakeModerator(id(2))));
    for what in [
        Act::Remove(id(1)),
        Act::SendBack(id(1)),
        Act::UnmakeModerator(id(1)),
    ] {
        assert_eq!(world.refused(&act("open", 2, what)), "conflict");
    }
    world.ok(&act("open", 2, Act::Mute(id(1))));
    world.ok(&act("open", 2, Act::Remove(id(3))));
    assert_eq!(world.inside("open"), [1, 2]);
    assert_eq!(
        world.refused(&act("open", 2, Act::Remove(id(3)))),
        "conflict",
        "has left"
    );
}

#[test]
fn what_somebody_shows_is_ended_until_they_share_anew() {
    let mut world = meeting();
    let shows = |world: &World| world.room("open").flow_of(world.place("open", 2)).content;
    world.ok(&act("open", 1, Act::StopContent(id(2))));
    assert!(shows(&world), "there was nothing to end");
    world.ok(&set("open", 2, 0, content(true)));
    assert_eq!(
        world.refused(&act("open", 3, Act::StopContent(id(2)))),
        "forbidden"
    );
    world.ok(&act("open", 1, Act::StopContent(id(2))));
    assert!(!world.place("open", 2).content && !shows(&world));
    world.ok(&set("open", 2, 0, content(true)));
    assert!(world.place("open", 2).content && shows(&world));
    assert_eq!(act("open", 1, Act::StopContent(id(2))).level(), CONTENT_LEVEL);
}

#[test]
fn a_muted_voice_flows_again_only_by_its_own_switch() {
    let mut world = meeting();
    world.ok(&act("open", 1, Act::Mute(id(2))));
    world.ok(&act("open", 1, Act::StopCamera(id(2))));
    let bob = world.place("open", 2);
    assert!(bob.muted && !bob.camera);
    let flow = world.room("open").flow_of(bob);
    assert!(!flow.voice && !flow.camera && flow.content);
    world.ok(&act("open", 1, Act::AskToUnmute(id(2))));
    assert_eq!(world.place("open", 2).standing.asked, Some(Timestamp(world.now)));
    assert!(
        !world.room("open").flow_of(world.place("open", 2)).voice,
        "asking is not doing"
    );
    let on = StatePatch {
        muted: Some(false),
        camera: Some(true),
        ..StatePatch::default()
    };
    world.ok(&set("open", 2, 0, on));
    let bob = world.place("open", 2);
    assert_eq!((bob.standing.asked, bob.muted), (None, false));
    assert_eq!(world.room("open").flow_of(bob), Flow::ALL);
    world.ok(&act("open", 1, Act::AskToUnmute(id(2))));
    assert_eq!(world.place("open", 2).standing.asked, None, "they speak already");
}

#[test]
fn all_are_muted_but_moderators() {
    let mut world = meeting();
    world.ok(&act("open", 1, Act::MakeModerator(id(2))));
    world.ok(&act("open", 1, Act::MuteAll));
    let muted: Vec<bool> = (1..=3).map(|one| world.place("open", one).muted).collect();
    assert_eq!(muted, [false, false, true]);
}

#[test]
fn the_end_is_for_all() {
    let mut world = meeting();
    world.ok(&say("open", 1, "Hello"));
    world.ok(&act("open", 1, Act::Lock));
    world.told();
    world.ok(&act("open", 1, Act::End));
    assert!(world.inside("open").is_empty());
    assert!(world.told().contains(&"open".to_owned()));
    let run = &world.runs[&name("open")];
    assert_eq!(
        (run.participants, run.locked_at, run.ended),
        (0, None, Some((Timestamp(world.now), End::Moderator)))
    );
    let told: Vec<&str> = world
        .events
        .iter()
        .rev()
        .map(|event| event.description.as_str())
        .collect();
    assert_eq!(told[..2], ["ended by a moderator", "ended"]);
    world.ok(&enter("open", 4, account("bob")));
}

#[test]
fn a_run_ends_after_240_hours() {
    let mut world = meeting();
    world.now = RUN_MS;
    world.ok(&Change::Sweep);
    assert_eq!(world.inside("open"), [1, 2, 3]);
    world.now = RUN_MS + 10;
    world.ok(&Change::Sweep);
    assert!(world.inside("open").is_empty());
    let ended = world.runs[&name("open")].ended;
    assert_eq!(ended, Some((Timestamp(world.now), End::Long)));
    world.ok(&enter("open", 4, account("bob")));
    assert_eq!(world.inside("open"), [4], "and begins anew");
}

#[test]
fn a_run_ends_when_the_last_one_was_alone_for_a_quarter_of_an_hour() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.now += ALONE_MS + 10;
    world.ok(&Change::Sweep);
    assert_eq!(world.inside("open"), [1], "the first may wait for others");
    world.ok(&enter("open", 2, account("bob")));
    world.ok(&leave("open", 2, 0));
    world.now += ALONE_MS - 10;
    world.ok(&enter("open", 3, account("bob")));
    world.ok(&leave("open", 3, 0));
    world.now += ALONE_MS - 10;
    world.ok(&Change::Sweep);
    assert_eq!(world.inside("open"), [1], "somebody came meanwhile");
    world.now += 20;
    world.ok(&Change::Sweep);
    assert!(world.inside("open").is_empty());
    assert_eq!(
        world.runs[&name("open")].ended.map(|(_, why)| why),
        Some(End::Alone)
    );
    // A program that is left alone goes on.
    let mut program = enter("open", 5, account("alice"));
    if let Change::Enter { via, .. } = &mut program {
        *via = Via::Whip;
    }
    world.ok(&program);
    world.ok(&enter("open", 6, account("bob")));
    world.ok(&leave("open", 6, 0));
    world.now += ALONE_MS + 10;
    world.ok(&Change::Sweep);
    assert_eq!(world.inside("open"), [5]);
    assert_eq!(
        world.runs[&name("open")].alone_since,
        None,
        "and is not looked at again"
    );
}

#[test]
fn hands_are_lowered_by_moderators_too() {
    let mut world = meeting();
    world.ok(&set("open", 2, 0, hand(true)));
    world.ok(&act("open", 1, Act::LowerHand(id(2))));
    assert_eq!(world.place("open", 2).hand, None);
}

#[test]
fn one_layout_is_set_for_all_and_goes_with_the_run() {
    let mut world = World::with_rooms();
    let layout = |pinned| Layout {
        arrangement: Arrangement::Speaker,
        pinned,
        locked: true,
        ..Layout::default()
    };
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("open", 2, account("bob")));
    let set = |by, pinned| act("open", by, Act::SetLayout(layout(pinned)));
    assert_eq!(world.refused(&set(2, None)), "forbidden");
    assert_eq!(world.refused(&set(1, Some(ParticipantId(9)))), "conflict");
    world.ok(&set(1, Some(ParticipantId(2))));
    let run = |world: &World| world.runs[&name("open")].layout.clone();
    assert_eq!(run(&world), Some(layout(Some(ParticipantId(2)))));
    world.ok(&act("open", 1, Act::ClearLayout));
    assert_eq!(run(&world), None);
    world.ok(&set(1, None));
    world.ok(&leave("open", 1, 0));
    world.ok(&leave("open", 2, 0));
    assert_eq!(run(&world), None, "gone with the run");
}

#[test]
fn places_of_a_layout_are_set_within_limits() {
    let mut world = meeting();
    let set = |layout| act("open", 1, Act::SetLayout(layout));
    let slots = |slots: Vec<Slot>| Layout {
        slots,
        ..Layout::default()
    };
    let shuffle = |seconds| Layout {
        shuffle_s: Some(seconds),
        ..Layout::default()
    };
    let person = |number| Slot::Person(id(number));
    assert_eq!(world.refused(&set(slots(vec![person(9)]))), "conflict");
    for bad in [
        slots(vec![person(2), Slot::Speaker, person(2)]),
        slots(vec![Slot::Automatic; limits::LAYOUT_SLOTS + 1]),
        shuffle(4),
        shuffle(3_601),
        shuffle(0),
    ] {
        assert_eq!(world.refused(&set(bad)), "invalid-field");
    }
    let good = Layout {
        arrangement: Arrangement::Gallery,
        slots: vec![person(3), Slot::Speaker, Slot::Content, Slot::Automatic],
        shuffle_s: Some(5),
        names_hidden: true,
        kept: None,
        ..Layout::default()
    };
    let change = set(good.clone());
    assert_eq!(change.level(), IDS_LEVEL);
    assert!(set(Layout::default()).level() < IDS_LEVEL);
    world.ok(&change);
    let stored = |world: &World| world.runs[&name("open")].layout.clone();
    assert_eq!(stored(&world), Some(good.clone()));
    world.ok(&leave("open", 3, 0));
    assert_eq!(stored(&world), Some(good), "their place waits for them");
}

#[test]
fn one_gets_a_layout_of_their_own_until_it_is_taken_back_or_they_go() {
    let mut world = meeting();
    let layout = |locked, pinned| Layout {
        arrangement: Arrangement::Speaker,
        pinned,
        locked,
        ..Layout::default()
    };
    let set = |by, whom, layout| act("open", by, Act::SetLayoutOf(id(whom), layout));
    let of = |world: &World, who| world.place("open", who).layout.clone();
    assert_eq!(world.refused(&set(2, 3, layout(true, None))), "forbidden");
    assert_eq!(world.refused(&set(1, 9, layout(true, None))), "conflict");
    assert_eq!(world.refused(&set(1, 2, layout(true, Some(id(9))))), "conflict");
    let twice = Layout {
        slots: vec![Slot::Person(id(3)), Slot::Person(id(3))],
        ..Layout::default()
    };
    assert_eq!(world.refused(&set(1, 2, twice)), "invalid-field");
    let change = set(1, 2, layout(true, Some(id(3))));
    assert_eq!(change.level(), MODERATION_LEVEL);
    world.ok(&change);
    assert_eq!(of(&world, 2), Some(layout(true, Some(id(3)))));
    assert_eq!(
        (
            of(&world, 1),
            of(&world, 3),
            world.runs[&name("open")].layout.clone()
        ),
        (None, None, None),
        "nobody else"
    );
    world.ok(&act("open", 1, Act::SetLayout(Layout::default())));
    world.ok(&act("open", 1, Act::ClearLayout));
    assert!(of(&world, 2).is_some(), "beside the one for all");
    world.ok(&resume("open", 2, secret(2)));
    assert!(of(&world, 2).is_some(), "kept on another node");
    world.ok(&act("open", 1, Act::ClearLayoutOf(id(2))));
    assert_eq!(of(&world, 2), None);
    world.ok(&set(1, 2, layout(false, None)));
    world.ok(&act("open", 1, Act::SendBack(id(2))));
    assert_eq!(of(&world, 2), None);
}

fn kept(name: &str, layout: Layout) -> KeptLayout {
    KeptLayout {
        name: name.into(),
        layout,
        people: BTreeMap::new(),
    }
}

fn keep(layouts: Vec<KeptLayout>) -> Change {
    let settings = SettingsPatch {
        layouts: Some(layouts),
        ..SettingsPatch::default()
    };
    let patch = Patch {
        settings,
        ..Patch::default()
    };
    update("open", patch)
}

#[test]
fn a_conference_keeps_layouts_that_name_nobody() {
    let mut world = World::with_rooms();
    let speaker = Layout {
        arrangement: Arrangement::Speaker,
        slots: vec![Slot::Content, Slot::Speaker],
        locked: true,
        ..Layout::default()
    };
    let names_somebody = Layout {
        slots: vec![Slot::Person(ParticipantId(1))],
        ..Layout::default()
    };
    let pins_somebody = Layout {
        pinned: Some(ParticipantId(1)),
        ..Layout::default()
    };
    let named = |name: &str| kept(name, Layout::default());
    for bad in [
        vec![named(" ")],
        vec![named(&"x".repeat(65))],
        vec![named("Talk"), named(" talk ")],
        vec![kept("Talk", names_somebody)],
        vec![kept("Talk", pins_somebody)],
        (0..=limits::KEPT_LAYOUTS)
            .map(|number| named(&number.to_string()))
            .collect(),
    ] {
        assert_eq!(world.refuses(&user("alice"), &keep(bad)).code(), "invalid-field");
    }
    let both = vec![kept(" Talk ", speaker.clone()), named("Questions")];
    let change = keep(both);
    assert_eq!(change.level(), CHAT_LEVEL);
    world.run(&user("alice"), &change).expect("hers");
    let names: Vec<_> = world
        .room("open")
        .settings
        .layouts
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["Talk", "Questions"]);
    // They outlive the run in which moderators switch to them.
    world.ok(&enter("open", 1, account("alice")));
    let switch = Change::Act {
        cid: name("open"),
        by: Some(ParticipantId(1)),
        act: Act::SetLayout(world.room("open").settings.layouts[0].layout.clone()),
    };
    world.ok(&switch);
    assert_eq!(world.runs[&name("open")].layout, Some(speaker));
    world.ok(&leave("open", 1, 0));
    assert_eq!(world.room("open").settings.layouts.len(), 2);
    // Who moderates keeps some too, others do not.
    let moderators = SettingsPatch {
        moderators: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    let patch = Patch {
        settings: moderators,
        ..Patch::default()
    };
    assert_eq!(world.refuses(&user("bob"), &keep(Vec::new())).code(), "forbidden");
    world.run(&user("alice"), &update("open", patch)).expect("hers");
    world.run(&user("bob"), &keep(Vec::new())).expect("moderates");
    assert!(world.room("open").settings.layouts.is_empty());
}

/// Content, then Bob, Carol of a partner's server, and who speaks.
fn panel() -> KeptLayout {
    let layout = Layout {
        arrangement: Arrangement::Speaker,
        slots: vec![Slot::Content, Slot::Automatic, Slot::Automatic, Slot::Speaker],
        ..Layout::default()
    };
    KeptLayout {
        people: BTreeMap::from([(1, name("bob")), (2, name("demo2@oslo.example.net"))]),
        ..kept("Panel", layout)
    }
}

fn switch_to(name: &str) -> Change {
    let layout = Layout {
        kept: Some(name.into()),
        ..Layout::default()
    };
    act("open", 1, Act::SetLayout(layout))
}

fn slots(world: &World) -> Vec<Slot> {
    let layout = world.runs[&name("open")].layout.as_ref();
    layout.map(|layout| layout.slots.clone()).unwrap_or_default()
}

#[test]
fn people_find_their_places_in_a_kept_layout() {
    let mut world = World::with_rooms();
    let change = keep(vec![panel()]);
    assert_eq!(change.level(), PLACES_LEVEL);
    world.run(&user("alice"), &change).expect("hers");
    world.ok(&enter("open", 1, account("alice")));
    let unknown = world.refuses(&system(), &switch_to("Talk"));
    assert!(unknown.to_string().contains("keeps no layout"), "{unknown}");
    assert_eq!(switch_to("Talk").level(), PLACES_LEVEL);
    world.ok(&switch_to(" panel"));
    let free = [Slot::Content, Slot::Automatic, Slot::Automatic, Slot::Speaker];
    assert_eq!(slots(&world), free, "nobody is there: who is next");

    // Who comes takes it, one device of each; who comes again too.
    world.ok(&enter("open", 2, account("bob")));
    world.ok(&enter("open", 3, account("bob")));
    world.ok(&enter("open", 4, account("root")));
    let with_bob = |id| {
        [
            Slot::Content,
            Slot::Person(ParticipantId(id)),
            Slot::Automatic,
            Slot::Speaker,
        ]
    };
    assert_eq!(slots(&world), with_bob(2));
    world.ok(&leave("open", 2, 0));
    world.ok(&enter("open", 5, account("bob")));
    assert_eq!(slots(&world), with_bob(5));
    world.ok(&switch_to("Panel"));
    assert_eq!(slots(&world), with_bob(3), "who came first");

    // Another layout for all has no places for anybody who comes.
    let other = Layout {
        slots: vec![Slot::Automatic, Slot::Automatic],
        ..Layout::default()
    };
    world.ok(&act("open", 1, Act::SetLayout(other)));
    world.ok(&leave("open", 3, 0));
    world.ok(&enter("open", 6, account("bob")));
    assert_eq!(slots(&world), [Slot::Automatic, Slot::Automatic]);
    let for_one = Layout {
        kept: Some("Panel".into()),
        ..Layout::default()
    };
    let refused = world.refuses(&system(), &act("open", 1, Act::SetLayoutOf(id(4), for_one)));
    assert_eq!(refused.code(), "invalid-field");
}

#[test]
fn who_waits_has_no_place_in_a_kept_layout_until_let_in() {
    let mut world = World::with_rooms();
    world.run(&user("alice"), &keep(vec![panel()])).expect("hers");
    let settings = SettingsPatch {
        waiting_room: Some(Put::To(WaitingRoom::All)),
        ..SettingsPatch::default()
    };
    let patch = Patch {
        settings,
        ..Patch::default()
    };
    world.run(&user("alice"), &update("open", patch)).expect("hers");
    for (number, who) in [(1, "alice"), (2, "bob")] {
        world.ok(&enter("open", number, account(who)));
    }
    world.ok(&switch_to("Panel"));
    assert_eq!(slots(&world)[1], Slot::Automatic);
    world.ok(&act("open", 1, Act::Admit(id(2))));
    assert_eq!(slots(&world)[1], Slot::Person(id(2)));
    world.ok(&act("open", 1, Act::SendBack(id(2))));
    world.ok(&switch_to("Panel"));
    assert_eq!(slots(&world)[1], Slot::Automatic);
    world.ok(&act("open", 1, Act::AdmitAll));
    assert_eq!(slots(&world)[1], Slot::Person(id(2)));
}

#[test]
fn people_of_kept_layouts_have_accounts_and_go_with_them() {
    let mut world = World::with_rooms();
    let mut with = |places: &[(u8, &str)]| {
        let people = places.iter().map(|(place, who)| (*place, name(who)));
        let change = keep(vec![KeptLayout {
            people: people.collect(),
            ..panel()
        }]);
        world.run(&user("alice"), &change)
    };
    for bad in [
        [(1, "nobody")].as_slice(),
        &[(0, "bob")],
        &[(4, "bob")],
        &[(1, "bob"), (2, "bob")],
    ] {
        assert_eq!(with(bad).expect_err("refused").code(), "invalid-field", "{bad:?}");
    }
    with(&[(1, "bob"), (2, "demo2@oslo.example.net")]).expect("good");
    assert!(
        world.room("open").settings.named().next().is_none(),
        "it invites nobody"
    );
    world.follow(&[Fact::AccountRemoved(&name("bob"))]);
    let people = &world.room("open").settings.layouts[0].people;
    assert_eq!(people.keys().copied().collect::<Vec<_>>(), [2]);
}
