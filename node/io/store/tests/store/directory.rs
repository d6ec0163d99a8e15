use crate::home::*;
use plenary_access::*;
use plenary_model::CallString;
use plenary_store::queries;

#[test]
fn groups_count_their_members_and_sort_by_them() {
    let mut home = Home::with_users(["alice", "bob", "carol"].map(new_user));
    home.ok(by("root"), create_group("g-1", "Zoo"));
    home.ok(by("root"), create_group("g-2", "Ärzte"));
    home.ok(by("root"), join("g-1", &["alice", "bob", "carol"]));
    home.ok(by("root"), join("g-2", &["alice"]));
    let page = |list: ListQuery| {
        let page = queries::groups(&home.db, &list).expect("reads");
        let rows = page.items.iter();
        rows.map(|row| (row.group.name.clone(), row.members))
            .collect::<Vec<_>>()
    };
    let expected = [
        ("Ärzte", 1),
        ("Federated users", 0),
        ("Guests", 0),
        ("Users without group", 1),
        ("Zoo", 3),
    ];
    assert_eq!(
        page(list(50)),
        expected.map(|(name, members)| (name.to_owned(), members))
    );
    let most = ListQuery {
        sort: Some("members".into()),
        descending: true,
        ..list(1)
    };
    assert_eq!(page(most.clone()), [("Zoo".to_owned(), 3)]);
    let mut seen = Vec::new();
    let mut next = most;
    loop {
        let page = queries::groups(&home.db, &next).expect("reads");
        seen.extend(page.items.into_iter().map(|row| row.members));
        match page.next {
            Some(cursor) => next.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen, [3, 1, 1, 0, 0]);
    assert_eq!(page(search("arz")), [("Ärzte".to_owned(), 1)]);
    let of = |user: &str| {
        let groups = queries::groups_of(&home.db, &name(user)).expect("reads");
        groups
            .into_iter()
            .map(|group| group.id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("alice"), ["g-1", "g-2"]);
    assert_eq!(of("root"), ["ungrouped"]);
}

#[test]
fn aliases_lead_one_step_and_accounts_come_first() {
    let mut home = Home::with_users([new_user("alice"), new_user("иван")]);
    home.ok(by("root"), alias("111", "alice"));
    home.ok(by("root"), alias("222", "111"));
    home.ok(by("root"), alias("bridge", "#sip:room@mcu.example"));
    let resolve = |call: &str| {
        let call: CallString = name(call);
        queries::resolve(&home.db, &call).expect("reads").to_string()
    };
    assert_eq!(resolve("111"), "alice");
    assert_eq!(resolve("111@paris.example.com"), "alice");
    assert_eq!(resolve("111@Paris.Example.COM"), "alice");
    assert_eq!(
        resolve("222"),
        "111",
        "one step, so that nothing turns in circles"
    );
    assert_eq!(resolve("BRIDGE"), "#sip:room@mcu.example");
    for stays in [
        "111@oslo.example.com",
        "alice",
        "Иван",
        "nobody",
        "\\c\\111",
        "#sip:111@x",
    ] {
        assert_eq!(resolve(stays), stays);
    }
    home.ok(by("root"), Change::CreateUser(new_user("111")));
    let call: CallString = name("111");
    assert_eq!(queries::resolve(&home.db, &call).expect("reads"), call);
}

#[test]
fn people_sign_in_with_an_id_an_id_with_server_or_an_email() {
    let mut alice = new_user("alice");
    alice.profile.email = "A.Smith@Example.com".into();
    let mut bob = new_user("bob");
    bob.profile.email = "alice@paris.example.com".into();
    let home = Home::with_users([alice, bob, new_user("zoé")]);
    let who = |login: &str| {
        let found = queries::credentials(&home.db, login).expect("reads");
        found.map(|(row, hash)| (row.user.id.to_string(), hash.is_some()))
    };
    for login in [
        "alice",
        " ALICE ",
        "alice@paris.example.com",
        "Alice@PARIS.example.com.",
        "a.smith@example.COM",
    ] {
        assert_eq!(who(login), Some(("alice".into(), true)), "{login:?}");
    }
    assert_eq!(who("zoe\u{301}"), Some(("zoé".into(), true)));
    for nobody in ["", "@", "carol", "alice@oslo.example.com", "a.smith", "' OR ''='"] {
        assert_eq!(who(nobody), None, "{nobody:?}");
    }
}

#[test]
fn settings_are_the_defaults_until_somebody_changes_them() {
    let mut home = Home::founded();
    let before = queries::settings(&home.db).expect("reads");
    assert_eq!(before, Settings::default());
    let patch = SettingsPatch {
        front_page: Some(FrontPage {
            title: "Example".into(),
            contacts: "The desk, 1234".into(),
            guide: String::new(),
            help: "ask".into(),
        }),
        ..SettingsPatch::default()
    };
    home.ok(
        by("root"),
        Change::UpdateSettings {
            expect: Some(before.revision),
            patch,
        },
    );
    let after = queries::settings(&home.db).expect("reads");
    assert_eq!(after.front_page.title, "Example");
    assert_eq!(after.lockout, before.lockout);
}
