use crate::home::*;
use plenary_access::*;
use plenary_store::queries;
use std::collections::BTreeSet;

fn book(home: &Home, user: &str, list: &ListQuery) -> Page<AddressBookRow> {
    queries::address_book(&home.db, &name(user), list).expect("reads")
}

fn calls(home: &Home, user: &str) -> Vec<String> {
    let page = book(home, user, &list(500));
    assert_eq!(page.total, page.items.len() as u64);
    page.items.iter().map(|row| row.call.to_string()).collect()
}

/// `alice` and `bob` sell, `carol` buys, `dave` is in no group, `root` neither; `gone` is disabled.
fn company() -> Home {
    let mut home = Home::with_users([
        called("alice", "Alice"),
        called("bob", "Bob"),
        called("carol", "Carol"),
        called("dave", "Dave"),
        NewUser {
            active: false,
            ..called("gone", "Gone")
        },
    ]);
    home.ok(by("root"), create_group("g-sell", "Sell"));
    home.ok(by("root"), create_group("g-buy", "Buy"));
    home.ok(by("root"), join("g-sell", &["alice", "bob", "gone"]));
    home.ok(by("root"), join("g-buy", &["carol"]));
    home
}

fn groups(ids: &[&str]) -> AddressBookScope {
    AddressBookScope::Groups { groups: names(ids) }
}

#[test]
fn groups_show_whom_they_say() {
    let mut home = company();
    assert_eq!(
        calls(&home, "alice"),
        ["bob", "carol", "dave", "root"],
        "everyone, but oneself and who is disabled"
    );
    home.ok(by("root"), show("g-sell", groups(&["g-buy"]), &[]));
    assert_eq!(calls(&home, "alice"), ["carol"]);
    home.ok(by("root"), show("g-sell", groups(&["g-sell", "ungrouped"]), &[]));
    assert_eq!(calls(&home, "alice"), ["bob", "dave", "root"]);
    home.ok(by("root"), show("g-sell", AddressBookScope::Nobody, &[]));
    assert!(calls(&home, "alice").is_empty());
    home.ok(by("root"), join("g-buy", &["alice"]));
    assert_eq!(
        calls(&home, "alice"),
        ["bob", "carol", "dave", "root"],
        "one group that shows everyone is enough"
    );
    home.ok(by("root"), show("ungrouped", groups(&["g-buy"]), &[]));
    assert_eq!(calls(&home, "dave"), ["alice", "carol"]);
}

#[test]
fn finding_somebody_agrees_with_the_book() {
    let mut home = company();
    home.ok(by("root"), show("g-sell", groups(&["g-buy"]), &[("dave", "")]));
    home.ok(by("root"), show("ungrouped", AddressBookScope::Nobody, &[]));
    home.ok(by("dave"), contact("bob@paris.example.com", "", &[]));
    let all = ["alice", "bob", "carol", "dave", "gone", "root"];
    for viewer in all {
        let shown = calls(&home, viewer);
        for user in all.iter().filter(|user| **user != viewer) {
            let is_shown = shown
                .iter()
                .any(|call| call == user || *call == format!("{user}@paris.example.com"));
            let found = queries::finds(&home.db, &name(viewer), &name(user)).expect("reads");
            assert_eq!(found, is_shown, "{viewer} finds {user}");
        }
    }
}

#[test]
fn own_entries_take_the_place_of_the_groups() {
    let mut home = company();
    home.ok(
        by("root"),
        show(
            "g-sell",
            groups(&["g-buy"]),
            &[
                ("carol", "Picked"),
                ("#sip:a@b.example", "Bridge"),
                ("\\c\\review", ""),
            ],
        ),
    );
    home.ok(
        by("alice"),
        contact("Carol@paris.example.com", "Caro", &["Friends"]),
    );
    home.ok(by("alice"), contact("zoe@oslo.example.net", "", &[]));
    let page = book(&home, "alice", &list(50));
    let rows: Vec<(&str, &str, bool, bool)> = page
        .items
        .iter()
        .map(|row| {
            (
                row.call.as_str(),
                row.display_name.as_str(),
                row.removable,
                row.presence.is_some(),
            )
        })
        .collect();
    let expected = [
        ("\\c\\review", "\\c\\review", false, false),
        ("#sip:a@b.example", "Bridge", false, false),
        ("Carol@paris.example.com", "Caro", true, true),
        ("zoe@oslo.example.net", "zoe@oslo.example.net", true, false),
    ];
    assert_eq!(rows, expected);
    let friends = book(&home, "alice", &search("friends"));
    assert_eq!(friends.items[0].user, Some(name("carol")));
    home.ok(
        by("alice"),
        Change::DeleteContact {
            call: name("Carol@paris.example.com"),
        },
    );
    let carol = book(&home, "alice", &search("carol"));
    assert_eq!(
        (carol.items[0].display_name.as_str(), carol.items[0].removable),
        ("Carol", false)
    );
}

#[test]
fn books_are_searched_sorted_and_paged() {
    let mut home =
        Home::with_users((0..30).map(|at| called(&format!("u{at:02}"), &format!("Émile {}", at % 3))));
    let sorts = [
        (None, false),
        (Some("display_name"), true),
        (Some("call"), false),
        (Some("call"), true),
    ];
    for (sort, descending) in sorts {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let query = ListQuery {
                search: "emile u".into(),
                sort: sort.map(str::to_owned),
                descending,
                cursor: cursor.take(),
                limit: 7,
            };
            let page = book(&home, "root", &query);
            seen.extend(
                page.items
                    .iter()
                    .map(|row| (row.display_name.clone(), row.call.to_string())),
            );
            let new = format!("a{}", home.index);
            home.ok(system(), Change::CreateUser(called(&new, "Other")));
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        let mut expected = seen.clone();
        expected.sort_by(|one, other| match sort {
            Some("call") => one.1.cmp(&other.1),
            _ => one.cmp(other),
        });
        if descending {
            expected.reverse();
        }
        expected.dedup();
        assert_eq!(seen, expected);
        assert_eq!(seen.len(), 30, "{sort:?} {descending}");
    }
}

#[test]
fn a_contact_keeps_its_tone() {
    let mut home = company();
    let ringing = |tone| Change::PutContact {
        contact: Contact {
            call: name("bob"),
            display_name: String::new(),
            contact_groups: std::collections::BTreeSet::new(),
            tone,
        },
    };
    let tone_of = |home: &Home, call: &str| {
        let page = book(home, "alice", &list(500));
        let mut rows = page.items.iter();
        rows.find(|row| row.call.to_string() == call).expect("there").tone
    };
    home.ok(by("alice"), ringing(Some(Tone::Marimba)));
    home.reopen();
    assert_eq!(tone_of(&home, "bob"), Some(Tone::Marimba));
    assert_eq!(tone_of(&home, "carol"), None);
    home.ok(by("alice"), ringing(None));
    assert_eq!(tone_of(&home, "bob"), None);
}

fn visible(people: &[ProfileField]) -> Change {
    Change::UpdateSettings {
        expect: None,
        patch: SettingsPatch {
            profile_fields: Some(ProfileVisibility {
                people: people.iter().copied().collect(),
                partners: BTreeSet::new(),
            }),
            ..SettingsPatch::default()
        },
    }
}

#[test]
fn others_see_and_find_what_the_settings_show_of_a_profile() {
    let mut home = company();
    let profile = ProfilePatch {
        email: Some("bob@example.com".into()),
        job_title: Some("Seller".into()),
        mobile_phone: Some("+33 6".into()),
        ..ProfilePatch::default()
    };
    home.ok(
        by("bob"),
        Change::UpdateOwnProfile {
            expect: None,
            patch: profile,
        },
    );
    let seen = |home: &Home, viewer: &str| {
        let person = queries::person(&home.db, &name(viewer), &name("bob")).expect("reads");
        person.map(|profile| (profile.email, profile.job_title, profile.mobile_phone))
    };
    let as_texts = |email: &str, title: &str, mobile: &str| Some((email.into(), title.into(), mobile.into()));
    assert_eq!(seen(&home, "alice"), as_texts("bob@example.com", "Seller", ""));
    assert_eq!(seen(&home, "bob"), as_texts("bob@example.com", "Seller", "+33 6"));
    assert_eq!(book(&home, "alice", &search("bob@example")).total, 1);

    home.ok(by("root"), visible(&[ProfileField::MobilePhone]));
    assert_eq!(seen(&home, "alice"), as_texts("", "", "+33 6"));
    assert_eq!(book(&home, "alice", &search("bob@example")).total, 0);
    let shown = book(&home, "alice", &search("bob"));
    assert_eq!(shown.items[0].email, "");

    home.ok(by("root"), show("g-buy", AddressBookScope::Nobody, &[]));
    assert_eq!(seen(&home, "carol"), None, "not in her address book");
    let gone = queries::person(&home.db, &name("alice"), &name("gone")).expect("reads");
    assert!(gone.is_none(), "disabled");
}
