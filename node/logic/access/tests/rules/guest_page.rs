//! What strangers see and agree to: documents, logo, guide.

use crate::world::*;
use plenary_access::*;
use plenary_model::{Revision, limits};

fn text(text: &str) -> NewDocument {
    NewDocument {
        title: "Terms of use".into(),
        content: Content::Text(text.into()),
        again: false,
    }
}

fn linked(address: &str) -> NewDocument {
    NewDocument {
        content: Content::Link(address.into()),
        ..text("")
    }
}

fn put(place: u8, document: NewDocument) -> Change {
    Change::PutDocument {
        place,
        expect: None,
        document,
    }
}

fn logo(bytes: usize) -> Change {
    Change::SetLogo {
        scheme: Scheme::Dark,
        logo: Some(Avatar {
            media_type: "image/png".into(),
            bytes: vec![0; bytes],
        }),
    }
}

fn guide(address: &str) -> Change {
    let page = FrontPage {
        guide: address.into(),
        ..FrontPage::default()
    };
    Change::UpdateSettings {
        expect: None,
        patch: SettingsPatch {
            front_page: Some(page),
            ..SettingsPatch::default()
        },
    }
}

const BAD: [&str; 8] = [
    "",
    "http://www.example.com/terms",
    "javascript:alert(1)",
    "https://",
    "https:///terms",
    "https://bank.example@evil.example/",
    "https://www.example.com/a b",
    "https://www.example.com/\"><script>",
];

#[test]
fn a_document_has_a_version_that_changes_with_it() {
    let mut world = World::founded();
    world.ok(by("root"), put(2, text(" Be kind. \n\nAlways. ")));
    let first = world.documents[&2].clone();
    assert_eq!(first.content, Content::Text("Be kind. \n\nAlways.".into()));
    world.ok(by("root"), put(2, text("Be kind. \n\nAlways.")));
    assert_eq!(world.documents[&2], first, "nobody is asked again for nothing");
    let again = NewDocument {
        again: true,
        ..text("Be kind. \n\nAlways.")
    };
    world.ok(by("root"), put(2, again));
    let second = world.documents[&2].version;
    assert!(second > first.version);
    world.ok(by("root"), put(2, linked(" https://www.example.com/terms ")));
    let third = world.documents[&2].clone();
    assert!(third.version > second);
    assert_eq!(
        third.content,
        Content::Link("https://www.example.com/terms".into())
    );
    let remove = |expect| Change::RemoveDocument { place: 2, expect };
    let stale = world.refused(by("root"), remove(Some(second)));
    assert_eq!(stale.code(), "stale");
    world.ok(by("root"), remove(Some(third.version)));
    assert_eq!(world.refused(by("root"), remove(None)).code(), "not-found");
    world.ok(by("root"), put(2, linked("https://www.example.com/terms")));
    assert!(
        world.documents[&2].version > third.version,
        "never the same again"
    );
    let told = world
        .events
        .iter()
        .map(|event| (event.object_kind, event.description.as_str()));
    let acts: Vec<_> = told.collect();
    let expected = ["created", "changed", "changed", "deleted", "created"];
    assert_eq!(acts, expected.map(|act| ("document", act)));
}

#[test]
fn documents_have_limits_and_safe_links() {
    let mut world = World::founded();
    let long = "é".repeat(limits::DOCUMENT_TEXT);
    for (place, document, field) in [
        (0, text("x"), "place"),
        (6, text("x"), "place"),
        (1, text(" "), "text"),
        (1, text(&format!("{long}x")), "text"),
        (1, text("a\u{7}"), "text"),
        (
            1,
            NewDocument {
                title: " ".into(),
                ..text("x")
            },
            "title",
        ),
    ] {
        assert_eq!(world.bad_field(by("root"), put(place, document)), field);
    }
    for bad in BAD {
        assert_eq!(
            world.bad_field(by("root"), put(1, linked(bad))),
            "link",
            "{bad:?}"
        );
    }
    world.ok(by("root"), put(1, text(&long)));
    let expect = Some(Revision(1));
    let change = Change::PutDocument {
        place: 1,
        expect,
        document: text("x"),
    };
    assert_eq!(world.refused(by("root"), change).code(), "stale");
}

#[test]
fn the_guide_is_an_address_or_nothing() {
    let mut world = World::founded();
    for bad in BAD.iter().filter(|bad| !bad.is_empty()) {
        assert_eq!(
            world.bad_field(by("root"), guide(bad)),
            "front_page.guide",
            "{bad:?}"
        );
    }
    world.ok(by("root"), guide("https://www.example.com/guide?lang=en#join"));
    world.ok(by("root"), guide(""));
    let change = &world.events.last().expect("told").changes[0];
    assert_eq!(
        (change.field.as_str(), &change.after),
        ("front_page.guide", &None)
    );
    assert_eq!(
        change.before.as_deref(),
        Some("\"https://www.example.com/guide?lang=en#join\"")
    );
}

#[test]
fn only_administrators_change_what_strangers_see() {
    let mut world = World::founded();
    for who in ["eye", "alice"] {
        for change in [
            put(1, text("x")),
            Change::RemoveDocument {
                place: 1,
                expect: None,
            },
            logo(1),
        ] {
            assert_eq!(world.refused(by(who), change).code(), "forbidden");
        }
    }
    assert_eq!(world.bad_field(by("root"), logo(limits::LOGO_BYTES + 1)), "logo");
    world.ok(by("root"), logo(limits::LOGO_BYTES));
    let remove = || Change::SetLogo {
        scheme: Scheme::Dark,
        logo: None,
    };
    world.ok(by("root"), remove());
    assert_eq!(world.refused(by("root"), remove()).code(), "not-found");
}

#[test]
fn nodes_of_before_are_not_asked_what_they_cannot_read() {
    let remove = Change::RemoveDocument {
        place: 1,
        expect: None,
    };
    for change in [
        put(1, text("x")),
        remove,
        logo(1),
        guide("https://www.example.com"),
    ] {
        assert_eq!(change.level(), GUESTS_LEVEL);
    }
    assert_eq!(guide("").level(), 0);
}
