use crate::home::*;
use plenary_access::*;
use plenary_model::{NodeId, Revision};
use plenary_replication::{Application as _, Stamp};
use plenary_store::{queries, rehearse};
use proptest::{prelude::*, sample::select};

/// Commands of every kind, some refused.
fn story() -> Vec<Command> {
    let root = || by("root");
    let full = NewUser {
        admin: AdminRole::Full,
        ..new_user("root")
    };
    let avatar = Avatar {
        media_type: "image/png".into(),
        bytes: vec![0, 1, 255],
    };
    let row = ImportRow {
        line: 2,
        id: name("carol"),
        patch: UserPatch {
            admin: Some(AdminRole::Security),
            ..UserPatch::default()
        },
        group_names: Some(["Sales".to_owned(), "New".to_owned()].into()),
    };
    let settings = SettingsPatch {
        sessions: Some(SessionPolicy { lifetime_days: 1 }),
        ..SettingsPatch::default()
    };
    let groups = AddressBookScope::Groups {
        groups: names(&["g-sales"]),
    };
    let mut story = vec![
        plain(system(), found()),
        plain(system(), found()),
        plain(system(), Change::CreateUser(full)),
    ];
    story.extend(
        [
            Change::CreateUser(called("alice", "Zoé")),
            Change::CreateUser(new_user("иван")),
            Change::CreateUser(new_user("alice")),
            create_group("g-sales", "Sales"),
            create_group("g-gone", "Gone"),
            join("g-sales", &["alice", "иван"]),
            join("g-gone", &["alice"]),
            show("ungrouped", groups, &[("#sip:a@b", "Bridge")]),
            Change::ImportUsers {
                rows: vec![row],
                group_ids: vec![name("g-new")],
            },
            alias("111", "alice"),
            contact("иван", "", &["Friends"]),
            Change::SetAvatar {
                id: name("alice"),
                avatar: Some(avatar),
            },
            Change::UpdateSettings {
                expect: None,
                patch: settings,
            },
            Change::InviteNode {
                id: "i".into(),
                secret: [1; 32],
                ttl_s: 60,
            },
            Change::DeleteGroup {
                id: name("g-gone"),
                expect: Some(Revision(1)),
            },
            Change::DeleteGroup {
                id: name("g-gone"),
                expect: None,
            },
        ]
        .map(|change| plain(root(), change)),
    );
    story.push(keyed(root(), "key", create_group("g-k", "Keyed")));
    story.push(keyed(root(), "key", create_group("g-k", "Keyed")));
    story.extend(ending().map(|change| plain(system(), change)));
    story
}

/// What the server itself sees of its users and nodes.
fn ending() -> [Change; 8] {
    [
        sign_in("alice", "s-alice"),
        sign_in("carol", "s-carol"),
        Change::SignInFailed {
            user: name("иван")
        },
        Change::NodeStarted {
            node: NodeId(1),
            epoch: 7,
            version: "1".into(),
        },
        Change::DeviceOnline {
            session: "s-alice".into(),
            node: NodeId(1),
            epoch: 7,
        },
        Change::AdmitNode {
            invitation: "i".into(),
            secret: [1; 32],
            name: name("node-2"),
            address: "192.0.2.2:7000".into(),
        },
        Change::DeleteUser {
            id: name("иван"),
            expect: None,
        },
        Change::Sweep,
    ]
}

#[test]
fn the_same_log_gives_the_same_state_on_every_node() {
    let (mut one, mut other) = (Home::empty(), Home::empty());
    for (at, chunk) in story().chunks(3).enumerate() {
        let first = one.batch(chunk);
        assert_eq!(other.batch(chunk), first);
        assert_eq!(one.digest(), other.digest());
        if at % 2 == 0 {
            other.reopen();
        }
        one.now += 1_000;
        other.now += 1_000;
    }
    assert!(one.count("users") == 3 && one.count("sessions") == 1);
    for table in ["failures", "avatars", "aliases", "invitations", "remembered"] {
        assert!(one.count(table) <= 1, "{table}");
    }
    let mut different = Home::empty();
    different.now += 1;
    for chunk in story().chunks(3) {
        different.batch(chunk);
        different.now += 1_000;
    }
    assert_ne!(one.digest(), different.digest(), "time is part of the state");
}

#[test]
fn commands_of_one_entry_have_revisions_of_their_own() {
    let mut home = Home::founded();
    let commands = ["a", "b"].map(|id| plain(by("root"), Change::CreateUser(new_user(id))));
    let replies = home.batch(&commands);
    let at = home.index;
    let revision = |position: u64| Ok(Outcome::Revision(Revision((at << 20) | position)));
    assert_eq!(replies, [revision(0), revision(1)]);
    let stored = queries::user(&home.db, &name("b"))
        .expect("reads")
        .expect("there");
    assert_eq!(Ok(Outcome::Revision(stored.user.revision)), replies[1]);
    let expecting = |expect| {
        let patch = UserPatch::default();
        plain(
            by("root"),
            Change::UpdateUser {
                id: name("b"),
                expect: Some(Revision(expect)),
                patch,
            },
        )
    };
    assert!(matches!(
        home.run(expecting(at << 20)),
        Err(Refusal::Stale { .. })
    ));
    assert!(home.run(expecting((at << 20) | 1)).is_ok());
}

#[test]
fn a_refused_command_writes_nothing() {
    let mut home = Home::with_users([new_user("alice")]);
    let before = home.digest();
    let refused = [
        (by("alice"), create_group("g-1", "One")),
        (by("root"), Change::CreateUser(new_user("alice"))),
        (by("root"), create_group("g-1", "guests")),
        (
            by("root"),
            Change::DeleteUser {
                id: name("root"),
                expect: None,
            },
        ),
    ];
    for (who, change) in refused {
        assert!(home.run(plain(who, change)).is_err());
        assert_eq!(home.digest(), before);
    }
}

#[test]
fn rehearsing_tells_what_would_be_and_changes_nothing() {
    let home = Home::with_users([new_user("alice")]);
    let before = home.digest();
    let at = Stamp {
        index: home.index + 1,
        position: 0,
        now_ms: home.now,
        level: 1,
    };
    let told = |change| rehearse(&home.db, at, plain(by("root"), change)).expect("reads");
    assert!(told(create_group("g-1", "One")).is_ok());
    assert!(told(Change::CreateUser(new_user("alice"))).is_err());
    assert_eq!(home.digest(), before);
}

#[test]
fn a_key_is_remembered_with_its_first_answer_until_it_is_swept() {
    let mut home = Home::founded();
    let good = || keyed(by("root"), "good", create_group("g-1", "One"));
    let bad = || keyed(by("root"), "bad", create_group("g-2", "ONE"));
    let first = home.run(good()).expect("good");
    let refusal = home.run(bad()).expect_err("there is one");
    let digest = home.digest();
    home.reopen();
    assert_eq!(home.run(good()), Ok(first));
    assert_eq!(home.run(bad()), Err(refusal));
    let other = Command {
        idempotency: Some(Idempotency {
            key: "good".into(),
            request: [2; 32],
        }),
        ..good()
    };
    assert_eq!(home.run(other), Err(Refusal::IdempotencyMismatch));
    assert_eq!(home.digest(), digest);
    home.now += DAY;
    home.ok(system(), Change::Sweep);
    assert_eq!(home.count("remembered"), 0);
    assert!(matches!(home.run(good()), Err(Refusal::Exists { .. })));
}

#[test]
fn what_changes_is_told_once_it_is_committed() {
    let mut home = Home::with_users([new_user("alice")]);
    let mut changes = home.app.changes();
    let commands = ["g-1", "g-2"].map(|id| plain(by("root"), create_group(id, id)));
    home.batch(&commands);
    let told = Home::told(&mut changes);
    let notice = |topic, object: &str| Notice {
        topic,
        object: object.into(),
    };
    let expected = [
        notice(Topic::Groups, "g-1"),
        notice(Topic::Groups, "g-2"),
        notice(Topic::Events, ""),
    ];
    assert_eq!(told, expected, "each once");
    home.run(plain(by("alice"), create_group("g-3", "Three")))
        .expect_err("forbidden");
    assert!(changes.try_recv().is_err(), "a refusal is no news");
    home.app.reset(99);
    let all = changes.try_recv().expect("told");
    assert!(all.index == 99 && all.notices.is_none());
}

#[test]
fn bytes_that_are_no_command_are_a_defect() {
    let mut home = Home::founded();
    let before = home.digest();
    let at = Stamp {
        index: 9,
        position: 0,
        now_ms: home.now,
        level: 1,
    };
    for bytes in [&b""[..], b"\x81", b"not MessagePack", &[0xc1; 40]] {
        let transaction = home.db.transaction().expect("begins");
        assert!(home.app.apply(&transaction, at, bytes).is_err());
    }
    assert_eq!(home.digest(), before);
}

#[test]
fn a_state_of_a_newer_version_is_not_opened() {
    let mut home = Home::founded();
    home.db.pragma_update(None, "user_version", 99).expect("writes");
    let error = home.app.migrate(&mut home.db).expect_err("must be refused");
    assert!(error.to_string().contains("99"));
}

#[test]
fn deleting_a_user_takes_all_rows() {
    let mut home = Home::with_users([new_user("alice"), new_user("bob")]);
    home.ok(system(), create_group("g-1", "One"));
    home.ok(by("root"), join("g-1", &["alice"]));
    home.ok(by("alice"), contact("bob", "", &[]));
    home.ok(by("alice"), sign_in("alice", "s"));
    home.ok(system(), Change::SignInFailed { user: name("alice") });
    let avatar = Avatar {
        media_type: "image/png".into(),
        bytes: vec![1],
    };
    home.ok(
        by("alice"),
        Change::SetAvatar {
            id: name("alice"),
            avatar: Some(avatar),
        },
    );
    home.run(keyed(by("alice"), "k", contact("root", "", &[])))
        .expect("good");
    let tables = [
        ("passwords", 2),
        ("failures", 0),
        ("avatars", 0),
        ("members", 0),
        ("contacts", 0),
        ("sessions", 0),
        ("remembered", 0),
    ];
    for (table, left) in tables {
        assert!(home.count(table) > left, "{table} had something");
    }
    home.ok(
        by("root"),
        Change::DeleteUser {
            id: name("alice"),
            expect: None,
        },
    );
    for (table, left) in tables {
        assert_eq!(home.count(table), left, "{table}");
    }
    assert_eq!(queries::credentials(&home.db, "alice").expect("reads"), None);
}

#[test]
fn deleting_a_group_takes_its_members_rows_only() {
    let mut home = Home::with_users([new_user("alice")]);
    for id in ["g-1", "g-2"] {
        home.ok(by("root"), create_group(id, id));
        home.ok(by("root"), join(id, &["alice"]));
    }
    home.ok(
        by("root"),
        Change::DeleteGroup {
            id: name("g-1"),
            expect: None,
        },
    );
    assert_eq!(home.count("members"), 1);
    let alice = queries::user(&home.db, &name("alice"))
        .expect("reads")
        .expect("there");
    assert_eq!(alice.user.groups, names(&["g-2"]));
}

fn random() -> impl Strategy<Value = Command> {
    let user = || select(vec!["root", "alice", "bob", "carol"]);
    let group = || select(vec!["g-1", "g-2"]);
    let email = select(vec!["", "a@x.example", "A@X.example", "b@x.example"]);
    let change = prop_oneof![
        user().prop_map(|id| Change::CreateUser(new_user(id))),
        (user(), email).prop_map(|(id, email)| Change::UpdateUser {
            id: name(id),
            expect: None,
            patch: UserPatch {
                profile: ProfilePatch {
                    email: Some(email.into()),
                    ..ProfilePatch::default()
                },
                ..UserPatch::default()
            },
        }),
        user().prop_map(|id| Change::DeleteUser {
            id: name(id),
            expect: None
        }),
        (group(), select(vec!["One", "Two"])).prop_map(|(id, title)| create_group(id, title)),
        group().prop_map(|id| Change::DeleteGroup {
            id: name(id),
            expect: None
        }),
        (group(), user()).prop_map(|(id, user)| join(id, &[user])),
        (user(), select(vec!["s1", "s2"])).prop_map(|(user, session)| sign_in(user, session)),
        user().prop_map(|user| contact(user, "", &[])),
        Just(Change::Sweep),
    ];
    let actor = prop_oneof![3 => Just(system()), 1 => user().prop_map(by)];
    (actor, change, prop::option::of(select(vec!["k1", "k2"]))).prop_map(|(by, change, key)| match key {
        Some(key) => keyed(by, key, change),
        None => plain(by, change),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nodes_agree_whatever_is_applied(commands in prop::collection::vec(random(), 1..40)) {
        let (mut one, mut other) = (Home::founded(), Home::founded());
        for chunk in commands.chunks(4) {
            prop_assert_eq!(one.batch(chunk), other.batch(chunk));
            one.now += 3_600_000;
            other.now += 3_600_000;
        }
        prop_assert_eq!(one.digest(), other.digest());
        // Members and accounts tell the same.
        let members: u64 = one.count("members");
        let page = queries::users(&one.db, &UserQuery { list: list(500), ..UserQuery::default() }).expect("reads");
        let listed: usize = page.items.iter().map(|row| row.user.groups.len()).sum();
        prop_assert_eq!(listed as u64, members);
    }
}
