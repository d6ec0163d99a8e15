//! What strangers see and agree to before they come in.

use crate::home::*;
use plenary_access::{Avatar, Change, Content, DocumentVersion, EventQuery, NewDocument, Scheme};
use plenary_conference::{self as conference, Access, GuestId, NewConference};
use plenary_model::{Revision, limits};
use plenary_store::queries;

fn put(place: u8, content: Content) -> Change {
    Change::PutDocument {
        place,
        expect: None,
        document: NewDocument {
            title: format!("Document {place}"),
            content,
            again: false,
        },
    }
}

fn logo(scheme: Scheme, bytes: Option<&[u8]>) -> Change {
    let logo = bytes.map(|bytes| Avatar {
        media_type: "image/webp".into(),
        bytes: bytes.into(),
    });
    Change::SetLogo { scheme, logo }
}

fn come(agreed: Vec<DocumentVersion>) -> conference::Change {
    conference::Change::GuestEnter {
        cid: name("open"),
        guest: GuestId::of_random([7; 16]),
        name: "Ann".into(),
        token: token("ann"),
        before: None,
        source: None,
        link: None,
        agreed,
        returning: None,
        key: None,
    }
}

fn asking() -> (Home, Vec<DocumentVersion>) {
    let mut home = Home::founded();
    let conference::Change::Create(new) = room("open", "Open") else {
        unreachable!("a room is created");
    };
    let public = NewConference {
        access: Access::Public,
        ..new
    };
    home.ok(by("root"), conference::Change::Create(public));
    home.ok(
        by("root"),
        put(3, Content::Link("https://www.example.com/privacy".into())),
    );
    home.ok(by("root"), put(1, Content::Text("Be kind.".into())));
    let page = queries::guest_page(&home.db).expect("reads");
    let versions = page.documents.iter().map(|document| document.version()).collect();
    (home, versions)
}

#[test]
fn documents_and_logos_are_there_after_a_restart_and_in_a_snapshot() {
    let (mut home, versions) = asking();
    home.ok(by("root"), logo(Scheme::Light, Some(b"light")));
    home.ok(by("root"), logo(Scheme::Dark, Some(b"dark")));
    home.ok(by("root"), logo(Scheme::Light, None));
    home.ok(system(), come(versions));
    let digest = home.digest();
    home.reopen();
    let copy = home.copied();
    for home in [home, copy] {
        assert_eq!(home.digest(), digest);
        let page = queries::guest_page(&home.db).expect("reads");
        let shown: Vec<_> = page
            .documents
            .iter()
            .map(|one| (one.place, one.link.as_deref()))
            .collect();
        assert_eq!(shown, [(1, None), (3, Some("https://www.example.com/privacy"))]);
        assert_eq!((page.logo_light, page.logo_dark.is_some()), (None, true));
        let document = queries::document(&home.db, 1).expect("reads").expect("there");
        assert_eq!(document.content, Content::Text("Be kind.".into()));
        assert!(queries::document(&home.db, 2).expect("reads").is_none());
        let dark = queries::logo(&home.db, Scheme::Dark)
            .expect("reads")
            .expect("there");
        assert_eq!(dark.bytes, b"dark");
        let guest = queries::guest(&home.db, &token("ann"), home.now()).expect("reads");
        assert_eq!(guest.expect("there").agreed.len(), 2);
    }
}

#[test]
fn what_a_document_was_can_be_read_after_it_was_changed_or_removed() {
    let (mut home, versions) = asking();
    assert!(queries::past_documents(&home.db, 1).expect("reads").is_empty());
    for text in ["Be kinder.", "Be kindest."] {
        home.ok(by("root"), put(1, Content::Text(text.into())));
    }
    let remove = Change::RemoveDocument {
        place: 1,
        expect: None,
    };
    home.ok(by("root"), remove);
    let kept = queries::past_documents(&home.db, 1).expect("reads");
    assert_eq!(kept.len(), 3);
    assert!(kept.is_sorted_by(|newer, older| newer.head.version > older.head.version));
    let of = |version| queries::past_document(&home.db, 1, version).expect("reads");
    let first = of(versions[0].version).expect("kept");
    assert_eq!(first.content, Content::Text("Be kind.".into()));
    assert!(of(Revision(1)).is_none());
    // The oldest go.
    for number in 0..limits::PAST_DOCUMENTS + 2 {
        home.ok(by("root"), put(1, Content::Text(format!("Number {number}"))));
    }
    let kept = queries::past_documents(&home.db, 1).expect("reads");
    assert_eq!(kept.len(), limits::PAST_DOCUMENTS as usize);
    assert!(kept.iter().all(|past| past.head.version > versions[0].version));
    let (digest, copy) = (home.digest(), home.copied());
    assert_eq!(copy.digest(), digest);
}

#[test]
fn a_state_from_before_versions_were_kept_is_opened() {
    let (mut home, _) = asking();
    before_past_documents(&home.db);
    home.db.pragma_update(None, "user_version", 17).expect("writes");
    home.reopen();
    home.ok(by("root"), put(1, Content::Text("Be kinder.".into())));
    assert_eq!(queries::past_documents(&home.db, 1).expect("reads").len(), 1);
}

#[test]
fn a_guest_who_agrees_to_an_old_version_is_kept_out() {
    let (mut home, mut versions) = asking();
    versions[0].version = Revision(1);
    let refused = home.run(plain(system(), come(versions))).expect_err("old");
    assert_eq!(refused.code(), "not-agreed");
    assert_eq!(home.count("guests"), 0);
}

#[test]
fn agreements_are_found_in_the_event_log() {
    let (mut home, versions) = asking();
    home.ok(system(), come(versions));
    let query = EventQuery {
        list: search("ann agreed"),
        ..EventQuery::default()
    };
    let page = queries::events(&home.db, &query).expect("reads");
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].description, "Ann agreed to: Document 1, Document 3");
    assert_eq!(page.items[0].address, "192.0.2.7");
}

#[test]
fn a_state_from_before_documents_is_opened_and_asks_for_nothing() {
    let (mut home, versions) = asking();
    home.ok(system(), come(versions));
    before_guest_page(&home.db);
    home.db.pragma_update(None, "user_version", 13).expect("writes");
    home.reopen();
    let page = queries::guest_page(&home.db).expect("reads");
    assert!(page.documents.is_empty());
    let guest = queries::guest(&home.db, &token("ann"), home.now()).expect("reads");
    assert!(guest.expect("still there").agreed.is_empty());
}
