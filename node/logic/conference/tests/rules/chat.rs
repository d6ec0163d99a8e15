use crate::world::*;
use plenary_access::Outcome;
use plenary_conference::*;
use plenary_model::{Timestamp, limits};

pub(crate) fn edit(cid: &str, by: u64, line: u64, text: &str) -> Change {
    Change::EditLine {
        cid: name(cid),
        participant: ParticipantId(by),
        line,
        text: text.into(),
        mentions: Vec::new(),
    }
}

pub(crate) fn unsay(cid: &str, by: u64, line: u64) -> Change {
    Change::DeleteLine {
        cid: name(cid),
        by: Some(ParticipantId(by)),
        line,
    }
}

fn mentioning(cid: &str, by: u64, text: &str, whom: &[u64]) -> Change {
    Change::Say {
        cid: name(cid),
        participant: ParticipantId(by),
        text: text.into(),
        reply_to: None,
        mentions: whom.iter().map(|id| ParticipantId(*id)).collect(),
        key: None,
    }
}

fn answering(cid: &str, by: u64, line: u64) -> Change {
    Change::Say {
        cid: name(cid),
        participant: ParticipantId(by),
        text: "Indeed".into(),
        reply_to: Some(line),
        mentions: Vec::new(),
        key: None,
    }
}

/// The room `open` of `alice`, who is 1 in it; `bob` is 2.
fn two() -> World {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("open", 2, account("bob")));
    world
}

fn line(world: &World, id: u64) -> &Line {
    world.lines.get(&(name("open"), id)).expect("there")
}

#[test]
fn who_wrote_a_line_changes_it_for_two_days() {
    let mut world = two();
    world.ok(&say("open", 2, "Helo"));
    world.ok(&say("open", 1, "Hi"));
    assert_eq!(world.refused(&edit("open", 1, 1, "Not mine")), "forbidden");
    assert_eq!(world.refused(&edit("open", 2, 9, "Nothing")), "not-found");
    assert_eq!(world.refused(&edit("open", 2, 1, " ")), "invalid-field");
    world.told();
    world.ok(&edit("open", 2, 1, "Hello"));
    assert_eq!(world.told(), ["open"]);
    let changed = line(&world, 1);
    assert_eq!(
        (changed.text.as_str(), changed.id, changed.changed),
        ("Hello", 1, 3)
    );
    assert_eq!(changed.details.edited_at, Some(Timestamp(world.now)));
    assert_eq!(world.runs[&name("open")].last_line, 2);
    // From another place the same person changes it too.
    world.ok(&enter("open", 3, account("bob")));
    world.ok(&edit("open", 3, 1, "Hello all"));
    let before = line(&world, 1).clone();
    world.ok(&edit("open", 3, 1, "Hello all"));
    assert_eq!(*line(&world, 1), before, "nothing was changed");
    world.now = before.at.0 + limits::EDIT_LINE_MS;
    assert_eq!(world.refused(&edit("open", 3, 1, "Late")), "conflict");
}

#[test]
fn nothing_is_left_of_a_deleted_line_but_its_number() {
    let mut world = two();
    world.ok(&mentioning("open", 2, "@ALICE has a secret", &[1]));
    world.ok(&say("open", 1, "Sorry"));
    assert_eq!(world.refused(&unsay("open", 2, 2)), "forbidden");
    world.ok(&unsay("open", 2, 1));
    let gone = line(&world, 1);
    assert!(gone.text.is_empty() && gone.details.mentions.is_empty());
    assert!(!gone.details.deleted.expect("deleted").by_moderator);
    let once = gone.clone();
    world.ok(&unsay("open", 2, 1));
    assert_eq!(*line(&world, 1), once, "once is enough");
    assert_eq!(world.refused(&edit("open", 2, 1, "Back")), "conflict");
    // Moderators take out what others wrote, also from those who are gone.
    world.ok(&say("open", 2, "Rude"));
    world.ok(&leave("open", 2, 0));
    world.ok(&unsay("open", 1, 3));
    assert!(line(&world, 3).details.deleted.expect("deleted").by_moderator);
    assert_eq!(world.chat("open"), [(1, ""), (2, "Sorry"), (3, "")]);
}

#[test]
fn moderators_take_lines_out_from_outside_the_meeting_too() {
    let mut world = two();
    world.ok(&say("open", 2, "Rude"));
    let take_out = Change::DeleteLine {
        cid: name("open"),
        by: None,
        line: 1,
    };
    assert_eq!(
        world.refuses(&user("bob"), &take_out).code(),
        "forbidden",
        "not even their own"
    );
    world.run(&user("alice"), &take_out).expect("hers");
    assert!(line(&world, 1).details.deleted.expect("deleted").by_moderator);
    world.run(&root(), &take_out).expect("once more changes nothing");
    let nothing = Change::DeleteLine {
        cid: name("open"),
        by: None,
        line: 7,
    };
    assert_eq!(world.refuses(&root(), &nothing).code(), "not-found");
}

#[test]
fn a_line_answers_another_one_also_one_that_is_gone() {
    let mut world = two();
    world.ok(&say("open", 1, "Shall we?"));
    for bad in [0, 2] {
        assert_eq!(world.refused(&answering("open", 2, bad)), "invalid-field");
    }
    world.ok(&answering("open", 2, 1));
    world.ok(&unsay("open", 1, 1));
    world.ok(&answering("open", 2, 1));
    let answers = [2, 3].map(|id| line(&world, id).details.reply_to);
    assert_eq!(answers, [Some(1), Some(1)]);
}

#[test]
fn those_are_mentioned_who_are_inside_and_named() {
    let mut world = two();
    world.ok(&guest_enter("open", 1, 1, None));
    world.ok(&enter("open", 3, Person::Guest(guest_id(1))));
    world.ok(&enter("open", 4, account("bob")));
    // Twice the same person, somebody whom the text does not name, somebody who is gone.
    world.ok(&mentioning(
        "open",
        1,
        "@BOB and @Guest 1, look",
        &[2, 4, 3, 1, 9],
    ));
    let mentions: Vec<_> = line(&world, 1)
        .details
        .mentions
        .iter()
        .map(|one| (one.person.clone(), one.name.as_str()))
        .collect();
    let expected = [(account("bob"), "BOB"), (Person::Guest(guest_id(1)), "Guest 1")];
    assert_eq!(mentions, expected);
    let many: Vec<u64> = (0..=limits::MENTIONS as u64).collect();
    assert_eq!(
        world.refused(&mentioning("open", 1, "@BOB", &many)),
        "invalid-field"
    );
    // Who is changed out of the text is mentioned no more; who has left meanwhile still is.
    world.ok(&leave("open", 2, 0));
    world.ok(&leave("open", 4, 0));
    world.ok(&edit("open", 1, 1, "@BOB, look"));
    assert_eq!(line(&world, 1).details.mentions[0].person, account("bob"));
    assert_eq!(line(&world, 1).details.mentions.len(), 1);
    world.ok(&edit("open", 1, 1, "Never mind"));
    assert!(line(&world, 1).details.mentions.is_empty());
}

#[test]
fn guests_who_may_not_write_change_nothing_but_may_take_back() {
    let mut world = World::with_rooms();
    world.ok(&guest_enter("open", 1, 1, None));
    world.ok(&enter("open", 1, Person::Guest(guest_id(1))));
    world.ok(&say("open", 1, "Hello"));
    let patch = Patch {
        settings: SettingsPatch {
            guests: Some(GuestRights {
                chat: false,
                ..GuestRights::default()
            }),
            ..SettingsPatch::default()
        },
        ..Patch::default()
    };
    world.run(&user("alice"), &update("open", patch)).expect("hers");
    assert_eq!(world.refused(&edit("open", 1, 1, "More")), "forbidden");
    world.ok(&unsay("open", 1, 1));
}

#[test]
fn who_waits_touches_no_line() {
    let mut world = two();
    world.ok(&say("open", 2, "Hello"));
    let back = Change::Act {
        cid: name("open"),
        by: Some(ParticipantId(1)),
        act: Act::SendBack(ParticipantId(2)),
    };
    world.ok(&back);
    assert_eq!(world.refused(&edit("open", 2, 1, "More")), "forbidden");
    assert_eq!(world.refused(&unsay("open", 2, 1)), "forbidden");
    world.ok(&mentioning("open", 1, "@BOB", &[2]));
    assert!(line(&world, 2).details.mentions.is_empty(), "nor is mentioned");
}

#[test]
fn nodes_of_before_know_nothing_of_it() {
    for change in [
        edit("open", 1, 1, "x"),
        unsay("open", 1, 1),
        answering("open", 1, 1),
    ] {
        assert_eq!(change.level(), CHAT_LEVEL);
    }
    assert_eq!(mentioning("open", 1, "@BOB", &[2]).level(), CHAT_LEVEL);
    assert!(say("open", 1, "x").level() < CHAT_LEVEL);
    let mut world = World {
        level: CHAT_LEVEL - 1,
        ..two()
    };
    world.ok(&say("open", 1, "Hello"));
    assert_eq!(line(&world, 1).details, LineDetails::default());
    // Later whoever has the place still changes it.
    world.level = CHAT_LEVEL;
    world.ok(&edit("open", 1, 1, "Hello all"));
    assert_eq!(line(&world, 1).changed, 2);
}

#[test]
fn lines_are_numbered_and_say_who_said_them() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("inside", 1, account("bob")));
    assert_eq!(world.ok(&say("open", 1, "One\nTwo")), Outcome::Said { line: 1 });
    assert_eq!(
        world.ok(&say("inside", 1, "Elsewhere")),
        Outcome::Said { line: 1 }
    );
    world.now = 50;
    assert_eq!(world.ok(&say("open", 1, " Three ")), Outcome::Said { line: 2 });
    let line = world.lines.get(&(name("open"), 2)).expect("there");
    assert_eq!(
        (line.participant, line.name.as_str()),
        (ParticipantId(1), "ALICE")
    );
    assert_eq!((line.text.as_str(), line.at), (" Three ", Timestamp(51)));
    assert_eq!(world.refused(&say("open", 2, "Nobody")), "not-found");
}

#[test]
fn lines_are_bounded() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    for bad in ["", " \n ", "a\u{0}b", "a\tb", &"x".repeat(4_001)] {
        assert_eq!(world.refused(&say("open", 1, bad)), "invalid-field");
    }
    world.ok(&say("open", 1, &"я".repeat(4_000)));
    let kept = limits::KEPT_LINES as u64;
    for number in 2..=kept + 3 {
        world.ok(&say("open", 1, &number.to_string()));
    }
    let chat = world.chat("open");
    assert_eq!(chat.len() as u64, kept);
    assert_eq!((chat[0], chat[chat.len() - 1].0), ((4, "4"), kept + 3));
}
