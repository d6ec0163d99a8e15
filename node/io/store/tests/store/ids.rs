//! IDs by which conferences are found, and the keys behind them.

use crate::home::*;
use plenary_conference::{self as conference, NewId, Patch};
use plenary_store::queries;

fn call_it(cid: &str, id: &str) -> conference::Change {
    conference::Change::Update {
        cid: name(cid),
        expect: None,
        patch: Patch {
            id: Some(NewId::Chosen(name(id))),
            ..Patch::default()
        },
    }
}

/// The key of the conference that is found by an ID.
fn key_of(home: &Home, id: &str) -> Option<String> {
    let found = queries::conference_called(&home.db, &name(id)).expect("reads");
    found.map(|conference| conference.cid.to_string())
}

fn listed(home: &Home, text: &str) -> Vec<String> {
    let query = conference::ConferenceQuery {
        list: search(text),
        ..conference::ConferenceQuery::default()
    };
    let page = queries::conferences(&home.db, &query).expect("reads");
    page.items.iter().map(|one| one.id().to_string()).collect()
}

#[test]
fn a_conference_is_found_by_its_new_id_after_a_restart_and_in_a_snapshot() {
    let mut home = Home::founded();
    home.ok(by("root"), room("review", "Weekly"));
    home.ok(by("root"), call_it("review", "4711"));
    home.ok(by("root"), room("review", "Another"));
    let digest = home.digest();
    home.reopen();
    let copy = home.copied();
    for home in [home, copy] {
        assert_eq!(home.digest(), digest);
        assert_eq!(key_of(&home, "4711").as_deref(), Some("review"));
        let other = key_of(&home, "review").expect("there");
        assert_ne!(other, "review");
        assert_eq!(listed(&home, "4711"), ["4711"]);
        assert_eq!(listed(&home, "another"), ["review"]);
        assert_eq!(listed(&home, "review"), ["review"], "the old ID is not searched");
    }
}

#[test]
fn a_state_from_before_ids_could_change_is_opened_and_its_conferences_are_found() {
    let mut home = Home::founded();
    home.ok(by("root"), room("review", "Weekly"));
    let digest = home.digest();
    before_ids(&home.db);
    home.db.pragma_update(None, "user_version", 11).expect("writes");
    home.reopen();
    assert_eq!(home.digest(), digest);
    assert_eq!(key_of(&home, "review").as_deref(), Some("review"));
    home.ok(by("root"), call_it("review", "weekly"));
    assert_eq!(key_of(&home, "review"), None);
    assert_eq!(key_of(&home, "weekly").as_deref(), Some("review"));
}
