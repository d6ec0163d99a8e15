//! Lines that outlast their runs, and that are said once however often they are sent (CHAT-01, CHAT-03).

use crate::world::*;
use plenary_access::{Outcome, PartnerTerms};
use plenary_conference::*;
use plenary_model::{Timestamp, limits};

fn keyed(by: u64, text: &str, key: &str) -> Change {
    Change::Say {
        cid: name("open"),
        participant: ParticipantId(by),
        text: text.into(),
        reply_to: None,
        mentions: Vec::new(),
        key: Some(key.into()),
    }
}

fn write(text: &str, key: Option<&str>) -> Change {
    Change::Write {
        cid: name("open"),
        text: text.into(),
        reply_to: None,
        key: key.map(str::to_owned),
    }
}

fn with_alice() -> World {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world
}

#[test]
fn what_was_said_is_there_in_the_next_run_and_says_of_which_it_is() {
    let mut world = with_alice();
    world.ok(&say("open", 1, "First"));
    let first = world.runs[&name("open")].started_at;
    world.ok(&leave("open", 1, 0));
    assert_eq!(world.chat("open"), [(1, "First")]);
    world.now += 1_000;
    world.ok(&enter("open", 2, account("alice")));
    world.ok(&say("open", 2, "Second"));
    let runs: Vec<_> = world.lines.values().map(|line| line.run).collect();
    let second = world.runs[&name("open")].started_at;
    assert!(second > first);
    assert_eq!(runs, [Some(first), Some(second)]);
    // Whoever wrote it still changes it, and takes it out.
    world.ok(&crate::chat::edit("open", 2, 1, "First of all"));
    world.ok(&crate::chat::unsay("open", 2, 1));
    assert_eq!(world.chat("open"), [(1, ""), (2, "Second")]);
}

#[test]
fn a_line_taken_out_while_nobody_meets_is_no_use_of_the_conference() {
    let mut world = with_alice();
    world.ok(&say("open", 1, "Rude"));
    world.ok(&leave("open", 1, 0));
    let before = world.runs[&name("open")].clone();
    let take_out = Change::DeleteLine {
        cid: name("open"),
        by: None,
        line: 1,
    };
    world.run(&user("alice"), &take_out).expect("hers");
    let after = &world.runs[&name("open")];
    assert_eq!(after.left_at, before.left_at);
    assert!(after.last_change > before.last_change);
}

#[test]
fn the_same_line_by_the_same_key_is_said_once() {
    let mut world = with_alice();
    world.ok(&enter("open", 2, account("bob")));
    assert_eq!(world.ok(&keyed(1, "Hello", "k-1")), Outcome::Said { line: 1 });
    world.told();
    assert_eq!(world.ok(&keyed(1, "Hello", "k-1")), Outcome::Said { line: 1 });
    assert!(world.told().is_empty(), "nothing follows");
    // From another place of the same person, and in the next run, it is the same line too.
    world.ok(&enter("open", 3, account("alice")));
    assert_eq!(world.ok(&keyed(3, "Hello", "k-1")), Outcome::Said { line: 1 });
    assert_eq!(
        world.ok(&keyed(2, "Hello", "k-1")),
        Outcome::Said { line: 2 },
        "of another person"
    );
    assert_eq!(world.ok(&keyed(1, "Hello", "k-2")), Outcome::Said { line: 3 });
    // What was taken out does not come back.
    world.ok(&crate::chat::unsay("open", 1, 1));
    assert_eq!(world.ok(&keyed(1, "Hello", "k-1")), Outcome::Said { line: 1 });
    assert_eq!(world.chat("open")[0], (1, ""));
    for bad in ["", "a b", "ä", &"k".repeat(limits::LINE_KEY + 1)] {
        assert_eq!(world.refused(&keyed(1, "Hello", bad)), "invalid-field");
    }
}

#[test]
fn moderators_write_from_outside_while_people_meet() {
    let mut world = World::with_rooms();
    let alice = user("alice");
    assert_eq!(world.refuses(&alice, &write("Early", None)).code(), "conflict");
    world.ok(&enter("open", 2, account("bob")));
    let said = world.run(&alice, &write("From a program", Some("p-1")));
    assert_eq!(said.expect("hers"), Outcome::Said { line: 1 });
    let again = world.run(&alice, &write("From a program", Some("p-1")));
    assert_eq!(again.expect("hers"), Outcome::Said { line: 1 });
    let line = &world.lines[&(name("open"), 1)];
    assert_eq!(line.details.person, Some(account("alice")));
    assert_eq!(
        (line.name.as_str(), line.participant),
        ("ALICE", ParticipantId(0))
    );
    assert_eq!(
        world.refuses(&user("bob"), &write("Me too", None)).code(),
        "forbidden"
    );
    assert_eq!(world.refuses(&alice, &write(" ", None)).code(), "invalid-field");
    // What a program has said by that key, the page does not say again.
    world.ok(&enter("open", 1, account("alice")));
    assert_eq!(
        world.ok(&keyed(1, "From a program", "p-1")),
        Outcome::Said { line: 1 }
    );
}

#[test]
fn the_oldest_go_first_when_texts_are_too_large_together() {
    let mut world = with_alice();
    let text = "я".repeat(4_000);
    let most = limits::KEPT_LINE_BYTES / text.len();
    for _ in 0..most + 2 {
        world.ok(&say("open", 1, &text));
    }
    let chat = world.chat("open");
    assert_eq!((chat.len(), chat[0].0), (most, 3));
}

#[test]
fn old_lines_are_forgotten_also_of_a_run_that_goes_on() {
    let mut world = with_alice();
    world.ok(&say("open", 1, "Old"));
    let before = Timestamp(world.now + 1);
    world.now += 10;
    world.ok(&say("open", 1, "New"));
    world.ok(&Change::ForgetLines { before });
    assert_eq!(world.chat("open"), [(2, "New")]);
}

#[test]
fn who_reads_runs_of_before_is_named_by_the_conference_or_of_an_internal_one() {
    let mut world = with_alice();
    world.ok(&enter("open", 2, account("bob")));
    world.ok(&guest_enter("open", 1, 1, None));
    world.ok(&enter("open", 3, Person::Guest(guest_id(1))));
    world.ok(&enter("inside", 4, account("bob")));
    let reads =
        |world: &World, cid: &str, id: u64| world.conferences[&name(cid)].reads_all(world.place(cid, id));
    assert!(reads(&world, "open", 1), "the owner");
    assert!(!reads(&world, "open", 2), "just somebody");
    assert!(!reads(&world, "open", 3), "a guest");
    assert!(reads(&world, "inside", 4), "all are of this server");
    let promote = Change::Act {
        cid: name("open"),
        by: Some(ParticipantId(1)),
        act: Act::MakeModerator(ParticipantId(2)),
    };
    world.ok(&promote);
    assert!(reads(&world, "open", 2));
}

#[test]
fn it_is_said_beforehand_who_does_not_write() {
    let mut world = with_alice();
    world.ok(&guest_enter("open", 1, 1, None));
    world.ok(&enter("open", 3, Person::Guest(guest_id(1))));
    let mut conference = world.conferences[&name("open")].clone();
    assert_eq!(conference.no_chat(world.place("open", 3), None), None);
    conference.settings.guests.chat = false;
    assert_eq!(
        conference.no_chat(world.place("open", 3), None),
        Some(NoChat::Guests)
    );
    let mut one = world.place("open", 1).clone();
    let silent = PartnerTerms {
        chat: false,
        ..PartnerTerms::default()
    };
    assert_eq!(conference.no_chat(&one, Some(&silent)), None, "of this server");
    one.person = Person::Federated("carol@oslo.example.net".parse().expect("good"));
    assert_eq!(conference.no_chat(&one, Some(&silent)), Some(NoChat::Partner));
    assert_eq!(conference.no_chat(&one, Some(&PartnerTerms::default())), None);
}

#[test]
fn under_the_rules_of_before_lines_go_with_their_run() {
    for change in [
        keyed(1, "x", "k"),
        write("x", None),
        Change::ForgetLines { before: Timestamp(1) },
    ] {
        assert_eq!(change.level(), LINES_LEVEL);
    }
    let mut world = World {
        level: LINES_LEVEL - 1,
        ..with_alice()
    };
    world.ok(&keyed(1, "Hello", "k-1"));
    let line = &world.lines[&(name("open"), 1)];
    assert_eq!((line.run, line.key.as_deref()), (None, None));
    world.ok(&leave("open", 1, 0));
    assert!(world.lines.is_empty());
}
