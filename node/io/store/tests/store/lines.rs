//! Lines that outlast their runs (CHAT-01, CHAT-03).

use crate::{
    home::*,
    meetings::{LARGE, account, edit, enter, guest_id, leave, lines, meeting, review, say},
};
use plenary_access::{Change, Outcome};
use plenary_conference::{self as conference, Line, ParticipantId, Person, Readable};
use plenary_model::{Timestamp, limits};
use plenary_store::queries;

const HOUR_MS: u64 = 3_600_000;

fn keyed(id: u64, text: &str, key: &str) -> conference::Change {
    let conference::Change::Say {
        cid,
        participant,
        text,
        reply_to,
        mentions,
        ..
    } = say(id, text)
    else {
        unreachable!("it is said");
    };
    conference::Change::Say {
        cid,
        participant,
        text,
        reply_to,
        mentions,
        key: Some(key.into()),
    }
}

/// The run of [`meeting`] is over, and Bob is in the next one.
fn next_run() -> Home {
    let mut home = meeting();
    for id in [LARGE, 1, 2] {
        home.ok(system(), leave(id));
    }
    home.now += HOUR_MS;
    home.ok(system(), enter(3, account("bob")));
    home
}

fn last(home: &Home) -> Line {
    lines(home, 0, 1).remove(0)
}

#[test]
fn lines_stay_with_their_run_and_their_writer() {
    let mut home = next_run();
    home.ok(system(), keyed(3, "Next", "b-1"));
    let all = lines(&home, 0, 10);
    assert_eq!(all.len(), 2);
    assert!(all[0].run < all[1].run && all[0].run.is_some());
    assert_eq!(all[1].key.as_deref(), Some("b-1"));
    assert_eq!(all[1].details.person, Some(account("bob")));
    home.reopen();
    let copy = home.copied();
    assert_eq!((copy.digest(), lines(&copy, 0, 10)), (home.digest(), all.clone()));
    // A change leaves all that as it is.
    home.ok(system(), edit(3, all[1].id, "Next one"));
    let edited = last(&home);
    assert_eq!((edited.run, &edited.key), (all[1].run, &all[1].key));
    assert_eq!(edited.details.person, Some(account("bob")));
}

#[test]
fn a_line_is_found_by_its_writer_and_key() {
    let mut home = next_run();
    let said = home.ok(system(), keyed(3, "Once", "b-1"));
    let digest = home.digest();
    assert_eq!(home.ok(system(), keyed(3, "Once", "b-1")), said);
    home.reopen();
    assert_eq!(home.ok(system(), keyed(3, "Once", "b-1")), said);
    assert_eq!(home.count("lines"), 2);
    assert!(matches!(said, Outcome::Said { .. }));
    assert_ne!(digest, "", "which is not that of an empty state");
}

#[test]
fn lines_of_an_account_that_goes_are_nobodys() {
    let mut home = meeting();
    home.ok(system(), keyed(LARGE, "Mine", "a-1"));
    let delete = Change::DeleteUser {
        id: name("alice"),
        expect: None,
    };
    home.ok(by("root"), delete);
    let line = last(&home);
    assert_eq!((line.details.person, line.text.as_str()), (None, "Mine"));
    // Whoever gets the same ID later has not said it.
    home.ok(by("root"), Change::CreateUser(called("alice", "Another Alice")));
    home.ok(system(), enter(9, account("alice")));
    let refused = home.run(plain(system(), edit(9, line.id, "Not mine")));
    assert_eq!(refused.expect_err("not theirs").code(), "forbidden");
    home.ok(system(), keyed(9, "Mine", "a-1"));
    assert_eq!(last(&home).id, line.id + 1);
}

#[test]
fn a_guest_reads_the_runs_that_they_were_in() {
    let mut home = next_run();
    home.ok(system(), say(3, "While they were away"));
    let readable = |home: &Home, id: u64| {
        let conference = queries::conference(&home.db, &review())
            .expect("reads")
            .expect("there");
        let run = queries::run(&home.db, &review()).expect("reads");
        let one = queries::participant(&home.db, &review(), ParticipantId(id)).expect("reads");
        queries::readable(&home.db, &conference, run.as_ref(), &one.expect("there")).expect("reads")
    };
    let texts = |home: &Home, id: u64| -> Vec<String> {
        let readable = readable(home, id);
        let found = queries::lines_before(&home.db, &review(), u64::MAX, 10, &readable);
        found.expect("reads").into_iter().map(|line| line.text).collect()
    };
    assert_eq!(readable(&home, 3), Readable::All, "the owner");
    home.ok(system(), leave(3));
    home.now += HOUR_MS;
    home.ok(system(), enter(4, account("bob")));
    home.ok(system(), enter(5, Person::Guest(guest_id())));
    home.ok(system(), enter(6, account("alice")));
    home.ok(system(), say(4, "Now"));
    for id in [5, 6] {
        assert_eq!(texts(&home, id), ["One\nTwo", "Now"], "not what was said between");
    }
    assert_eq!(texts(&home, 4).len(), 3);
    home.ok(by("root"), Change::CreateUser(called("carol", "Carol")));
    home.ok(system(), enter(7, account("carol")));
    assert_eq!(texts(&home, 7), ["Now"]);
}

#[test]
fn old_lines_and_those_that_are_too_many_are_forgotten() {
    let mut home = next_run();
    let now = home.now();
    assert!(queries::has_lines_before(&home.db, now).expect("reads"));
    home.ok(system(), conference::Change::ForgetLines { before: now });
    assert!(!queries::has_lines_before(&home.db, now).expect("reads"));
    assert_eq!(home.count("lines"), 0);
    let text = "я".repeat(limits::CHAT_LINE);
    let most = limits::KEPT_LINE_BYTES / text.len();
    for _ in 0..most + 3 {
        home.ok(system(), say(3, &text));
    }
    assert_eq!(home.count("lines"), most as u64);
    assert_eq!(home.digest(), home.copied().digest());
}

#[test]
fn a_state_from_before_lines_outlasted_their_runs_is_opened() {
    let mut home = meeting();
    let before = lines(&home, 0, 10);
    before_lines(&home.db);
    home.db.pragma_update(None, "user_version", 22).expect("writes");
    home.reopen();
    let line = last(&home);
    assert_eq!(
        (line.id, &line.text, line.run),
        (before[0].id, &before[0].text, None)
    );
    // It was said in the run that goes on, so that those read it who are in it.
    let now = Readable::Runs([Timestamp(1)].into());
    let read = || queries::lines_before(&home.db, &review(), u64::MAX, 10, &now).expect("reads");
    assert_eq!(read().len(), 1);
    for id in [LARGE, 1, 2] {
        home.ok(system(), leave(id));
    }
    home.now += HOUR_MS;
    home.ok(system(), enter(3, account("bob")));
    let read = || queries::lines_before(&home.db, &review(), u64::MAX, 10, &now).expect("reads");
    assert!(read().is_empty(), "but not those of the next one");
    home.ok(system(), say(3, "Next"));
    assert_eq!(home.count("lines"), 2);
}
