//! Calling people into conferences: rows, lists and what the leader looks for (CONF-08).

use crate::{home::*, licensing::*};
use plenary_conference::{Call, CallQuery, Change, How, ParticipantId, Whom};
use plenary_store::queries;

fn call(whom: &[&str]) -> Change {
    Change::Call {
        cid: name("team"),
        by: None,
        whom: Whom::Users(whom.iter().map(|user| name(user)).collect()),
    }
}

fn into(id: u64, who: &str) -> Change {
    let mut change = enter(id, user(who));
    if let Change::Enter { cid, .. } = &mut change {
        *cid = name("team");
    }
    change
}

/// Alice is in her conference `team`; Bob and Carol are signed in, Dan is not.
fn meeting() -> Home {
    let people = ["alice", "bob", "carol", "dan"];
    let mut home = counting(&[licence(1, 9, 0)], &people);
    for person in ["alice", "bob", "carol"] {
        online(&mut home, person, person).expect("a seat for each device");
    }
    home.ok(by("alice"), room("team", "Team"));
    home.ok(system(), into(1, "alice"));
    home
}

fn last(home: &Home) -> Vec<(String, Option<How>)> {
    let rings = queries::rings(&home.db, &name("team"), plenary_model::Timestamp(0), 500).expect("reads");
    let told = |(call, name): (Call, String)| (name, call.over.map(|over| over.how));
    rings.into_iter().map(told).collect()
}

fn history(home: &Home, who: &str, outgoing: Option<bool>) -> u64 {
    let query = CallQuery {
        outgoing,
        answered: None,
    };
    let page = queries::calls_of(&home.db, &name(who), &query, &list(50)).expect("reads");
    page.total
}

#[test]
fn who_is_called_stands_in_their_own_list_and_in_that_of_the_run() {
    let mut home = meeting();
    home.ok(by("alice"), call(&["bob", "carol", "dan"]));
    assert_eq!(
        last(&home),
        [
            ("carol".to_owned(), None),
            ("bob".to_owned(), None),
            ("dan".to_owned(), Some(How::Unreachable))
        ]
    );
    assert_eq!(history(&home, "bob", None), 1);
    assert_eq!(history(&home, "alice", None), 0);
    assert_eq!(history(&home, "alice", Some(true)), 0);
    let own = queries::calls(&home.db, &name("alice"), 10).expect("reads");
    assert!(own.is_empty());
    home.ok(system(), into(2, "bob"));
    assert_eq!(last(&home).len(), 2, "who is in is not looked for any more");
    same_everywhere(&mut home);

    assert!(!queries::needs_sweep(&home.db, home.now()).expect("reads"));
    home.now += plenary_conference::RING_MS + 1;
    assert!(queries::needs_sweep(&home.db, home.now()).expect("reads"));
    home.ok(system(), Change::Sweep);
    assert!(last(&home).contains(&("carol".to_owned(), Some(How::Missed))));
    same_everywhere(&mut home);
}

#[test]
fn the_end_of_a_run_ends_what_rings_and_a_restart_does_not() {
    let mut home = meeting();
    home.ok(by("alice"), call(&["bob"]));
    home.reopen();
    assert_eq!(last(&home), [("bob".to_owned(), None)]);
    let left = Change::Leave {
        cid: name("team"),
        participant: ParticipantId(1),
        moves: 0,
    };
    home.ok(system(), left);
    assert_eq!(last(&home), [("bob".to_owned(), Some(How::Cancelled))]);
}

#[test]
fn a_call_that_was_taken_back_stays_so() {
    let mut home = meeting();
    home.ok(by("alice"), call(&["bob", "carol"]));
    let off = Change::CallOff {
        cid: name("team"),
        by: None,
        users: Some(vec![name("bob")]),
    };
    home.ok(by("alice"), off);
    same_everywhere(&mut home);
    home.reopen();
    assert_eq!(
        last(&home),
        [
            ("carol".to_owned(), None),
            ("bob".to_owned(), Some(How::Cancelled))
        ]
    );
}

#[test]
fn a_call_of_two_and_a_conference_ring_beside_each_other() {
    let mut home = meeting();
    home.ok(by("alice"), call(&["bob"]));
    let dial = Change::Dial {
        cid: name("c"),
        to: name("bob"),
    };
    home.ok(by("carol"), dial);
    let calls = queries::calls(&home.db, &name("bob"), 10).expect("reads");
    assert_eq!(calls.iter().filter(|call| call.rings()).count(), 2);
}

#[test]
fn a_state_from_before_people_were_called_in_is_opened() {
    let mut home = meeting();
    before_calling(&home.db);
    home.db.pragma_update(None, "user_version", 10).expect("writes");
    home.reopen();
    home.ok(by("alice"), call(&["bob"]));
    assert_eq!(last(&home), [("bob".to_owned(), None)]);
}

#[test]
fn a_group_is_called_and_one_of_it_answers() {
    let mut home = meeting();
    home.ok(by("root"), create_group("g-desk", "Desk"));
    home.ok(by("root"), join("g-desk", &["bob", "carol", "dan"]));
    let called = plenary_access::Change::UpdateGroup {
        id: name("g-desk"),
        expect: None,
        name: None,
        rights: None,
        address_book: None,
        bandwidth: None,
        call_id: Some(plenary_access::CallId::To(name("desk"))),
    };
    home.ok(by("root"), called);
    let behind = |home: &Home, call: &str| {
        let group = queries::group_behind(&home.db, &name(call)).expect("reads");
        group.map(|group| group.name)
    };
    assert_eq!(behind(&home, "Desk@paris.example.com").as_deref(), Some("Desk"));
    assert_eq!(behind(&home, "desk@elsewhere.example.com"), None);
    let dial = Change::DialGroup {
        cid: name("c"),
        group: name("g-desk"),
    };
    home.ok(by("alice"), dial);
    let ringing = |home: &Home, who: &str| {
        let calls = queries::calls(&home.db, &name(who), 10).expect("reads");
        calls.iter().filter(|call| call.rings()).count()
    };
    assert_eq!(["bob", "carol", "dan"].map(|who| ringing(&home, who)), [1, 1, 0]);
    assert!(
        queries::calls(&home.db, &name("desk"), 10)
            .expect("reads")
            .is_empty()
    );
    let mut comes = enter(7, user("bob"));
    if let Change::Enter { cid, .. } = &mut comes {
        *cid = name("c");
    }
    home.ok(system(), comes);
    assert_eq!(["bob", "carol", "dan"].map(|who| ringing(&home, who)), [0, 0, 0]);
    let bobs = queries::calls(&home.db, &name("bob"), 10).expect("reads");
    assert_eq!((bobs.len(), bobs[0].cid.as_str()), (1, "c"));
    let carols = queries::calls(&home.db, &name("carol"), 10).expect("reads");
    assert_eq!(carols[0].over.map(|over| over.how), Some(How::Elsewhere));
    same_everywhere(&mut home);
}
