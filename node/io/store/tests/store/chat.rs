//! Lines that are changed and deleted, and guests who come back (CHAT-01, AUTH-08).

use crate::{
    home::*,
    meetings::{LARGE, account, answer, come_back, edit, lines, meeting, review, say, unsay},
};
use plenary_conference::{self as conference, ParticipantId, Person, Readable};
use plenary_store::queries;

const DAY_MS: u64 = 24 * 3_600_000;

fn of_ann(home: &Home, by: &str) -> conference::Guest {
    let token = token(&format!("token-{by}"));
    let found = queries::guest(&home.db, &token, home.now()).expect("reads");
    found.expect("there")
}

#[test]
fn what_was_changed_is_found_beside_what_is_new() {
    let mut home = meeting();
    let known = lines(&home, 0, 10).len() as u64;
    home.ok(system(), say(2, "Helo"));
    home.ok(system(), answer(1, "@Alice Ann, hello"));
    home.ok(system(), edit(2, known + 1, "Hello"));
    home.ok(system(), say(2, "Secret"));
    home.ok(system(), unsay(2, known + 3));
    for _ in 0..2 {
        let found = lines(&home, known, 10);
        let told: Vec<_> = found
            .iter()
            .map(|line| (line.id - known, line.text.as_str()))
            .collect();
        assert_eq!(told, [(2, "@Alice Ann, hello"), (1, "Hello"), (3, "")]);
        let details = &found[0].details;
        assert_eq!(details.reply_to, Some(1));
        assert_eq!(details.mentions[0].person, account("alice"));
        assert!(found[1].details.edited_at.is_some() && found[2].details.deleted.is_some());
        let last = found[2].changed;
        assert!(lines(&home, last, 10).is_empty());
        home.reopen();
    }
    let kept: u64 = home
        .db
        .query_row(
            "SELECT count(*) FROM lines WHERE text LIKE '%Secret%'",
            [],
            |row| row.get::<_, i64>(0).map(i64::cast_unsigned),
        )
        .expect("counts");
    assert_eq!(kept, 0);
    assert_eq!(home.digest(), home.copied().digest());
}

#[test]
fn lines_from_before_one_are_found_the_last_of_them_first() {
    let mut home = meeting();
    let known = lines(&home, 0, 10).len() as u64;
    for text in ["One", "Two", "Three", "Four"] {
        home.ok(system(), say(2, text));
    }
    let before = |line: u64, limit| {
        let found = queries::lines_before(&home.db, &review(), line, limit, &Readable::All).expect("reads");
        found.into_iter().map(|line| line.text).collect::<Vec<_>>()
    };
    assert_eq!(
        before(known + 4, 2),
        ["Two", "Three"],
        "in the order in which they were said"
    );
    assert_eq!(before(known + 2, 1), ["One"]);
    assert!(before(1, 9).is_empty());
    assert_eq!(before(u64::MAX, 1), ["Four"]);
}

#[test]
fn the_places_of_a_person_are_found() {
    let home = meeting();
    let of = |person: Person| queries::places_of_person(&home.db, &review(), &person).expect("reads");
    assert_eq!(of(account("alice")), [ParticipantId(LARGE)]);
    assert_eq!(of(account("root")), []);
}

#[test]
fn a_guest_who_comes_back_is_kept_longer_than_the_token() {
    let mut home = meeting();
    home.ok(system(), come_back("nothing", "one"));
    let first = of_ann(&home, "one");
    // The guest of before had no key and a valid token, which is not shown here.
    home.now += DAY_MS;
    home.ok(system(), conference::Change::Sweep);
    assert!(!queries::needs_sweep(&home.db, home.now()).expect("reads"));
    home.reopen();
    home.ok(system(), come_back("one", "two"));
    assert_eq!(of_ann(&home, "two").id, first.id);
    home.now += 30 * DAY_MS;
    assert!(queries::needs_sweep(&home.db, home.now()).expect("reads"));
    home.ok(system(), conference::Change::Sweep);
    assert_eq!(home.count("guests"), 0);
    home.ok(system(), come_back("two", "three"));
    let forget = |key: &str| conference::Change::ForgetGuest {
        cid: review(),
        key: token(key),
    };
    home.ok(system(), forget("two"));
    assert_eq!(home.count("guests"), 1, "nobody comes by that any more");
    home.ok(system(), forget("three"));
    assert_eq!(home.count("guests"), 0);
}

#[test]
fn a_state_from_before_lines_were_changed_is_opened() {
    let mut home = meeting();
    home.ok(system(), say(2, "Hello"));
    let before = lines(&home, 0, 10);
    before_chat(&home.db);
    home.db.pragma_update(None, "user_version", 14).expect("writes");
    home.reopen();
    let numbers = |found: Vec<conference::Line>| -> Vec<_> {
        let of = |line: conference::Line| (line.id, line.text, line.changed);
        found.into_iter().map(of).collect()
    };
    assert_eq!(numbers(lines(&home, 0, 10)), numbers(before.clone()));
    let last = before.last().expect("there").id;
    home.ok(system(), edit(2, last, "Hello all"));
    let changed = lines(&home, last, 10);
    assert_eq!((changed[0].id, changed[0].text.as_str()), (last, "Hello all"));
    home.ok(system(), conference::Change::Sweep);
    assert_eq!(home.count("guests"), 1, "whose token is valid stays");
}
