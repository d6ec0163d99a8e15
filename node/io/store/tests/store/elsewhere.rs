use crate::home::*;
use plenary_access::*;
use plenary_store::queries::{self, Meant};

fn meant(home: &Home, text: &str) -> Meant {
    queries::meant(&home.db, text).expect("reads")
}

fn company() -> Home {
    let mut home = Home::with_users([
        called("alice", "Alice"),
        NewUser {
            active: false,
            ..called("gone", "Gone")
        },
    ]);
    home.ok(by("root"), room("review", "Review"));
    home
}

#[test]
fn a_name_means_the_same_to_others_as_here_and_leads_nowhere_else() {
    let mut home = company();
    for (id, target) in [
        ("111", "\\c\\review"),
        ("222", "alice@paris.example.com"),
        ("333", "222"),
        ("444", "demo2@oslo.example.net"),
        ("555", "#sip:room@mcu.example.org"),
        ("666", "gone"),
    ] {
        home.ok(by("root"), alias(id, target));
    }
    let person = |meant: Meant| match meant {
        Meant::Person(row) => row.user.id.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(person(meant(&home, "alice")), "alice");
    assert_eq!(person(meant(&home, "222")), "alice");
    for review in ["111", "review"] {
        assert_eq!(
            meant(&home, review),
            Meant::Conference(name("review")),
            "{review}"
        );
    }
    for nothing in [
        "nobody",
        "gone",
        "333",
        "444",
        "555",
        "666",
        "demo2@oslo.example.net",
        "",
    ] {
        assert_eq!(meant(&home, nothing), Meant::Nothing, "{nothing}");
    }
}

#[test]
fn groups_are_found_by_their_call_id() {
    let mut home = company();
    home.ok(by("root"), create_group("g-sell", "Sell"));
    home.ok(
        by("root"),
        Change::UpdateGroup {
            id: name("g-sell"),
            expect: None,
            name: None,
            rights: None,
            address_book: None,
            bandwidth: None,
            call_id: Some(CallId::To(name("sales"))),
        },
    );
    assert_eq!(meant(&home, "sales"), Meant::Group(name("sales")));
    assert_eq!(meant(&home, "g-sell"), Meant::Nothing, "that is no name to call");
}

#[test]
fn whom_of_other_servers_somebody_has_in_the_address_book_is_in_view() {
    let mut home = company();
    for call in [
        "Demo2@oslo.example.net",
        "bob@paris.example.com",
        "carol",
        "\\c\\review@oslo.example.net",
        "#sip:a@oslo.example.net",
    ] {
        home.ok(by("alice"), contact(call, "", &[]));
    }
    home.ok(
        by("root"),
        show(
            "ungrouped",
            AddressBookScope::Nobody,
            &[("111@lyon.example.org", "Help")],
        ),
    );
    let in_view = |user: &str| -> Vec<String> {
        let found = queries::in_view(&home.db, &[name(user)]).expect("reads");
        let names = found
            .into_iter()
            .map(|one| format!("{}@{}", one.name, one.server));
        names.collect()
    };
    assert_eq!(
        in_view("alice"),
        ["demo2@oslo.example.net", "111@lyon.example.org"]
    );
    assert_eq!(in_view("gone"), ["111@lyon.example.org"]);
    let both = queries::in_view(&home.db, &[name("alice"), name("gone")]).expect("reads");
    assert_eq!(both.len(), 3);
    assert_eq!(both[2].viewer, name("gone"));
}
