use crate::world::*;
use plenary_access::*;
use plenary_model::{Revision, limits};

fn profile(email: &str) -> UserPatch {
    UserPatch {
        profile: ProfilePatch {
            email: Some(email.into()),
            ..ProfilePatch::default()
        },
        ..UserPatch::default()
    }
}

fn role(admin: AdminRole) -> UserPatch {
    UserPatch {
        admin: Some(admin),
        ..UserPatch::default()
    }
}

fn active(active: bool) -> UserPatch {
    UserPatch {
        active: Some(active),
        ..UserPatch::default()
    }
}

fn delete(id: &str) -> Change {
    Change::DeleteUser {
        id: name(id),
        expect: None,
    }
}

#[test]
fn an_account_is_created_once_with_its_name_as_display_name() {
    let mut world = World::founded();
    let create = || Change::CreateUser(new_user("Иван"));
    let outcome = world.ok(by("root"), create());
    let user = world.user_of("иван");
    assert_eq!(outcome, Outcome::Revision(user.revision));
    assert_eq!(user.profile.display_name, "иван");
    assert!(user.has_password);
    assert!(matches!(
        world.refused(by("root"), create()),
        Refusal::Exists { .. }
    ));
}

#[test]
fn fields_are_trimmed_and_checked() {
    let mut world = World::founded();
    let with = |field: &str, value: &str| {
        let mut user = new_user("bob");
        for (known, place) in user.profile.fields_mut() {
            if known == field {
                value.clone_into(place);
            }
        }
        Change::CreateUser(user)
    };
    let long = "é".repeat(limits::PROFILE_FIELD + 1);
    for (field, value) in [
        ("first_name", long.as_str()),
        ("address", "two\nlines"),
        ("email", "no address"),
        ("email", "a@b@c"),
        ("email", "a b@c"),
        ("email", "@c"),
    ] {
        assert_eq!(
            world.bad_field(by("root"), with(field, value)),
            field,
            "{value:?}"
        );
    }
    world.ok(
        by("root"),
        with(
            "department",
            &format!("  {}  ", "é".repeat(limits::PROFILE_FIELD)),
        ),
    );
    let department = &world.user_of("bob").profile.department;
    assert_eq!(department.chars().count(), limits::PROFILE_FIELD);
}

#[test]
fn an_email_belongs_to_one_account_whatever_its_case() {
    let mut world = World::founded();
    world.ok(by("root"), update("alice", profile("Alice@Example.com")));
    world.ok(by("root"), update("alice", profile("ALICE@example.com")));
    let second = update("eye", profile("alice@EXAMPLE.com"));
    assert_eq!(world.bad_field(by("root"), second.clone()), "email");
    world.ok(by("root"), update("alice", profile("")));
    world.ok(by("root"), second);
}

#[test]
fn limits_of_bandwidth_have_a_range() {
    let mut world = World::founded();
    let limited = |kbps| {
        let patch = UserPatch {
            bandwidth: Some(Bandwidth {
                in_kbps: None,
                out_kbps: Some(kbps),
            }),
            ..UserPatch::default()
        };
        update("alice", patch)
    };
    for kbps in [0, 31, 10_000_001, u32::MAX] {
        assert_eq!(world.bad_field(by("root"), limited(kbps)), "bandwidth.out_kbps");
    }
    world.ok(by("root"), limited(32));
    world.ok(by("root"), limited(10_000_000));
}

#[test]
fn groups_of_an_account_must_exist_and_be_ones_own() {
    let mut world = World::founded();
    let put = |groups: &[&str]| {
        let patch = UserPatch {
            groups: Some(names(groups)),
            ..UserPatch::default()
        };
        update("alice", patch)
    };
    world.ok(by("root"), create_group("g-a", "A"));
    for bad in ["g-none", "ungrouped", "guests", "federated"] {
        assert_eq!(world.bad_field(by("root"), put(&["g-a", bad])), "groups");
    }
    let many: Vec<String> = (0..=limits::GROUPS_PER_USER).map(|n| format!("g-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (at, id) in many.iter().enumerate() {
        world.ok(by("root"), create_group(id, &format!("Group {at}")));
    }
    assert_eq!(world.bad_field(by("root"), put(&many)), "groups");
    world.ok(by("root"), put(&many[1..]));
    let more = Change::ChangeMembers {
        id: name("g-0"),
        add: names(&["alice"]),
        remove: names(&[]),
    };
    assert_eq!(world.bad_field(by("root"), more), "groups");
}

#[test]
fn only_full_administrators_change_others() {
    let changes = || {
        vec![
            Change::CreateUser(new_user("bob")),
            update("alice", UserPatch::default()),
            delete("alice"),
            Change::SetAvatar {
                id: name("root"),
                avatar: None,
            },
            Change::DisconnectUser { id: name("alice") },
            Change::UnlockUser { id: name("alice") },
            Change::ImportUsers {
                rows: Vec::new(),
                group_ids: Vec::new(),
            },
            create_group("g-x", "X"),
            Change::UpdateGroup {
                id: name("ungrouped"),
                expect: None,
                name: None,
                rights: None,
                address_book: None,
                bandwidth: None,
                call_id: None,
            },
            Change::DeleteGroup {
                id: name("ungrouped"),
                expect: None,
            },
            Change::ChangeMembers {
                id: name("ungrouped"),
                add: names(&[]),
                remove: names(&[]),
            },
            Change::PutAlias {
                id: name("111"),
                target: name("alice"),
                note: String::new(),
                expect: None,
                create: true,
            },
            Change::UpdateAlias {
                id: name("111"),
                expect: None,
                target: None,
                note: None,
            },
            Change::DeleteAlias {
                id: name("111"),
                expect: None,
            },
            Change::UpdateSettings {
                expect: None,
                patch: SettingsPatch::default(),
            },
            Change::InviteNode {
                id: "i".into(),
                secret: [0; 32],
                ttl_s: 60,
            },
            Change::DrainNode {
                node: plenary_model::NodeId(1),
                drain: true,
            },
            Change::RemoveNode {
                node: plenary_model::NodeId(1),
            },
        ]
    };
    for who in [by("alice"), by("eye"), anonymous()] {
        for change in changes() {
            let mut world = World::founded();
            let refusal = world.refused(who.clone(), change.clone());
            assert!(
                matches!(refusal, Refusal::Forbidden { .. }),
                "{change:?}: {refusal:?}"
            );
        }
    }
    // Nor does one who is gone, or was disabled after the request came in.
    let mut world = World::founded();
    let refusal = world.refused(by("nobody"), create_group("g-x", "X"));
    assert!(matches!(refusal, Refusal::NotFound { .. }));
    let second = NewUser {
        admin: AdminRole::Full,
        active: false,
        ..new_user("second")
    };
    world.ok(system(), Change::CreateUser(second));
    let refusal = world.refused(by("second"), create_group("g-x", "X"));
    assert_eq!(refusal, Refusal::AccountDisabled);
}

#[test]
fn what_only_the_server_does_nobody_asks_for() {
    let node = plenary_model::NodeId(1);
    let changes = [
        found(),
        Change::RestoreServer {
            node,
            name: name("node-1"),
            address: String::new(),
        },
        Change::AdmitNode {
            invitation: "i".into(),
            secret: [0; 32],
            name: name("node-2"),
            address: String::new(),
        },
        Change::DescribeNode {
            node,
            address: String::new(),
            url: String::new(),
            version: String::new(),
        },
        Change::NodeStarted {
            node,
            epoch: 1,
            version: String::new(),
        },
        Change::NodeLost { node },
        Change::DeviceOnline {
            session: "s".into(),
            node,
            epoch: 1,
        },
        Change::DeviceOffline {
            session: "s".into(),
            node,
            epoch: 1,
        },
        Change::Sweep,
    ];
    let mut world = World::founded();
    for change in changes {
        for who in [by("root"), anonymous()] {
            let refusal = world.refused(who, change.clone());
            assert!(matches!(refusal, Refusal::Forbidden { .. }), "{change:?}");
        }
    }
}

#[test]
fn the_last_full_administrator_stays() {
    let losses = [
        update("root", role(AdminRole::None)),
        update("root", role(AdminRole::Security)),
        update("root", active(false)),
        delete("root"),
    ];
    for loss in losses {
        let mut world = World::founded();
        for who in [by("root"), system()] {
            assert_eq!(world.refused(who, loss.clone()), Refusal::LastAdministrator);
        }
        // One who is disabled is no other one.
        let second = NewUser {
            admin: AdminRole::Full,
            active: false,
            ..new_user("second")
        };
        world.ok(system(), Change::CreateUser(second));
        assert_eq!(
            world.refused(by("root"), loss.clone()),
            Refusal::LastAdministrator
        );
        world.ok(system(), update("second", active(true)));
        world.ok(by("root"), loss);
        world.check();
    }
}

#[test]
fn a_change_of_what_was_changed_meanwhile_is_stale() {
    let mut world = World::founded();
    let seen = world.user_of("alice").revision;
    let expecting = |expect| Change::UpdateUser {
        id: name("alice"),
        expect: Some(expect),
        patch: profile("a@example.com"),
    };
    world.ok(by("root"), expecting(seen));
    assert!(world.user_of("alice").revision > seen);
    assert!(matches!(
        world.refused(by("root"), expecting(seen)),
        Refusal::Stale { .. }
    ));
    for change in [
        Change::DeleteUser {
            id: name("alice"),
            expect: Some(seen),
        },
        expecting(Revision(u64::MAX)),
    ] {
        assert!(matches!(world.refused(by("root"), change), Refusal::Stale { .. }));
    }
    let own = |expect| Change::UpdateOwnProfile {
        expect: Some(expect),
        patch: ProfilePatch::default(),
    };
    assert!(matches!(
        world.refused(by("alice"), own(seen)),
        Refusal::Stale { .. }
    ));
    let now = world.user_of("alice").revision;
    world.ok(by("alice"), own(now));
}

#[test]
fn disabling_and_new_passwords_end_sessions() {
    let patches = [
        active(false),
        UserPatch {
            password: Some(hash("new")),
            ..UserPatch::default()
        },
    ];
    for patch in patches {
        let mut world = World::founded();
        world.sign_in("alice", "a").expect("good");
        world.sign_in("root", "r").expect("good");
        world.ok(by("root"), update("alice", patch));
        assert_eq!(world.sessions.keys().collect::<Vec<_>>(), ["r"]);
    }
    let mut world = World::founded();
    world.sign_in("alice", "a").expect("good");
    world.ok(by("root"), update("alice", profile("a@example.com")));
    assert_eq!(world.sessions.len(), 1, "other changes leave them");
}

#[test]
fn ones_own_password_leaves_ones_own_session() {
    let mut world = World::founded();
    for session in ["session of alice", "other"] {
        world.sign_in("alice", session).expect("good");
    }
    let change = |old: &str| Change::ChangeOwnPassword {
        password: hash("new"),
        old: Some(hash(old)),
    };
    assert_eq!(world.bad_field(by("alice"), change("not it")), "old");
    world.ok(by("alice"), change("alice"));
    assert_eq!(world.sessions.keys().collect::<Vec<_>>(), ["session of alice"]);
    assert_eq!(world.passwords[&name("alice")], hash("new"));
    let event = world.events.last().expect("one");
    assert_eq!(event.changes.len(), 1);
    assert_eq!(
        (&event.changes[0].before, &event.changes[0].after),
        (&None, &None)
    );
}

#[test]
fn deleting_takes_everything_of_the_account() {
    let mut world = World::founded();
    world.sign_in("alice", "a").expect("good");
    let contact = Contact {
        call: name("eye"),
        display_name: String::new(),
        contact_groups: names_of(&["Friends"]),
        tone: None,
    };
    world.ok(by("alice"), Change::PutContact { contact });
    let avatar = Avatar {
        media_type: "image/png".into(),
        bytes: vec![1],
    };
    let set = Change::SetAvatar {
        id: name("alice"),
        avatar: Some(avatar),
    };
    world.ok(by("alice"), set);
    world.ok(by("root"), delete("alice"));
    assert!(world.sessions.is_empty() && world.contacts.is_empty() && world.avatars.is_empty());
    world.check();
    assert!(matches!(
        world.refused(by("root"), delete("alice")),
        Refusal::NotFound { .. }
    ));
}

fn names_of(texts: &[&str]) -> std::collections::BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn pictures_have_a_size_and_change_the_revision() {
    let mut world = World::founded();
    let set = |bytes: usize| Change::SetAvatar {
        id: name("alice"),
        avatar: Some(Avatar {
            media_type: "image/png".into(),
            bytes: vec![0; bytes],
        }),
    };
    let too_large = set(limits::AVATAR_BYTES + 1);
    assert_eq!(world.bad_field(by("alice"), too_large), "avatar");
    let before = world.user_of("alice").revision;
    world.ok(by("alice"), set(limits::AVATAR_BYTES));
    assert!(world.user_of("alice").revision > before);
    assert!(matches!(
        world.refused(by("eye"), set(1)),
        Refusal::Forbidden { .. }
    ));
}

#[test]
fn events_say_what_was_and_what_is_but_no_secrets() {
    let mut world = World::founded();
    let patch = UserPatch {
        password: Some(hash("secret hash")),
        active: Some(false),
        ..profile("a@example.com")
    };
    world.ok(by("root"), update("alice", patch));
    assert_eq!(world.kinds(), [EventKind::Change, EventKind::Deactivation]);
    let changes = &world.events[0].changes;
    let of = |field: &str| changes.iter().find(|change| change.field == field).expect(field);
    assert_eq!(of("email").after.as_deref(), Some("\"a@example.com\""));
    assert_eq!(
        (of("active").before.as_deref(), of("active").after.as_deref()),
        (Some("true"), Some("false"))
    );
    assert_eq!(of("password").after, None);
    assert!(!format!("{:?}", world.events).contains("secret hash"));
}
