//! Whatever commands come, in whatever order.

use crate::world::*;
use plenary_access::*;
use plenary_model::{GroupId, NodeId, Revision, Right, Rights, UserName};
use proptest::{option, prelude::*, sample::select};
use std::collections::BTreeSet;

fn user() -> impl Strategy<Value = UserName> {
    select(vec!["root", "eye", "alice", "bob", "иван"]).prop_map(name)
}

fn users() -> impl Strategy<Value = BTreeSet<UserName>> {
    prop::collection::btree_set(user(), 0..3)
}

fn group() -> impl Strategy<Value = GroupId> {
    select(vec!["g-1", "g-2", "g-3", "ungrouped", "guests"]).prop_map(name)
}

fn title() -> impl Strategy<Value = String> {
    select(vec!["One", "one ", "Two", "", "Guests", "a\nb"]).prop_map(String::from)
}

fn text() -> impl Strategy<Value = String> {
    select(vec![
        "",
        "a@x.example",
        "A@X.example",
        "b@x.example",
        "x\u{0}",
        " Zoé ",
    ])
    .prop_map(String::from)
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        4 => Just(by("root")),
        2 => user().prop_map(|user| by(user.as_str())),
        2 => Just(system()),
        1 => Just(anonymous()),
    ]
}

fn role() -> impl Strategy<Value = AdminRole> {
    select(vec![AdminRole::None, AdminRole::Security, AdminRole::Full])
}

fn bandwidth() -> impl Strategy<Value = Bandwidth> {
    (option::of(0u32..64), option::of(Just(u32::MAX)))
        .prop_map(|(in_kbps, out_kbps)| Bandwidth { in_kbps, out_kbps })
}

fn patch() -> impl Strategy<Value = UserPatch> {
    (
        option::of(text()),
        option::of(text()),
        option::of(Just(hash("new"))),
        option::of(prop::collection::btree_set(group(), 0..3)),
        option::of(any::<bool>()),
        option::of(role()),
    )
        .prop_map(
            |(email, display_name, password, groups, active, admin)| UserPatch {
                profile: ProfilePatch {
                    email,
                    display_name,
                    ..ProfilePatch::default()
                },
                password,
                groups,
                active,
                admin,
                bandwidth: None,
            },
        )
}

fn rights() -> impl Strategy<Value = Rights> {
    prop::collection::btree_set(select(Right::ALL.to_vec()), 0..4).prop_map(Rights)
}

fn book() -> impl Strategy<Value = AddressBook> {
    prop_oneof![
        Just(AddressBookScope::Everyone),
        Just(AddressBookScope::Nobody),
        prop::collection::btree_set(group(), 0..3).prop_map(|groups| AddressBookScope::Groups { groups }),
    ]
    .prop_map(|shows| AddressBook {
        shows,
        entries: Vec::new(),
    })
}

fn rows() -> impl Strategy<Value = Vec<ImportRow>> {
    let row = (
        user(),
        patch(),
        option::of(prop::collection::btree_set(title(), 0..3)),
    );
    prop::collection::vec(row, 0..5).prop_map(|rows| {
        let numbered = rows.into_iter().enumerate();
        numbered
            .map(|(at, (id, patch, group_names))| ImportRow {
                line: at as u32 + 2,
                id,
                patch,
                group_names,
            })
            .collect()
    })
}

fn directory() -> impl Strategy<Value = Change> {
    let expect = || option::of((0u64..40).prop_map(|index| Revision(index << 20)));
    prop_oneof![
        (user(), any::<bool>(), role(), bandwidth(), text()).prop_map(
            |(id, active, admin, bandwidth, email)| {
                let mut new = NewUser {
                    id,
                    active,
                    admin,
                    bandwidth,
                    ..new_user("x")
                };
                new.profile.email = email;
                Change::CreateUser(new)
            }
        ),
        (user(), expect(), patch()).prop_map(|(id, expect, patch)| Change::UpdateUser { id, expect, patch }),
        (user(), expect()).prop_map(|(id, expect)| Change::DeleteUser { id, expect }),
        (rows(), prop::collection::vec(group(), 0..4))
            .prop_map(|(rows, group_ids)| Change::ImportUsers { rows, group_ids }),
        (group(), title(), rights(), book(), bandwidth()).prop_map(
            |(id, name, rights, address_book, bandwidth)| Change::CreateGroup {
                id,
                name,
                rights,
                address_book,
                bandwidth
            }
        ),
        (
            group(),
            expect(),
            option::of(title()),
            option::of(rights()),
            option::of(book())
        )
            .prop_map(|(id, expect, name, rights, address_book)| Change::UpdateGroup {
                id,
                expect,
                name,
                rights,
                address_book,
                bandwidth: None,
                call_id: None
            }),
        (group(), expect()).prop_map(|(id, expect)| Change::DeleteGroup { id, expect }),
        (group(), users(), users()).prop_map(|(id, add, remove)| Change::ChangeMembers { id, add, remove }),
        (select(vec!["111", "alice"]), user(), any::<bool>()).prop_map(|(id, target, create)| {
            Change::PutAlias {
                id: name(id),
                target: name(target.as_str()),
                note: String::new(),
                expect: None,
                create,
            }
        }),
        (user(), text()).prop_map(|(call, display_name)| Change::PutContact {
            contact: Contact {
                call: name(call.as_str()),
                display_name,
                contact_groups: BTreeSet::new(),
                tone: None,
            }
        }),
    ]
}

fn living() -> impl Strategy<Value = Change> {
    let session = || select(vec!["s1", "s2", "s3"]).prop_map(String::from);
    let node = || (1u64..4).prop_map(NodeId);
    prop_oneof![
        (user(), session()).prop_map(|(user, session)| sign_in(user.as_str(), user.as_str(), &session)),
        user().prop_map(|user| Change::SignInFailed { user }),
        user().prop_map(|id| Change::UnlockUser { id }),
        user().prop_map(|id| Change::DisconnectUser { id }),
        session().prop_map(|id| Change::EndSession { id }),
        (session(), node(), 0u64..3).prop_map(|(session, node, epoch)| Change::DeviceOnline {
            session,
            node,
            epoch
        }),
        (session(), node(), 0u64..3).prop_map(|(session, node, epoch)| Change::DeviceOffline {
            session,
            node,
            epoch
        }),
        (node(), 0u64..3).prop_map(|(node, epoch)| Change::NodeStarted {
            node,
            epoch,
            version: "1".into()
        }),
        node().prop_map(|node| Change::NodeLost { node }),
        node().prop_map(|node| Change::RemoveNode { node }),
        any::<u64>().prop_map(|ttl_s| Change::InviteNode {
            id: "i".into(),
            secret: [0; 32],
            ttl_s: if ttl_s % 2 == 0 { 60 } else { ttl_s },
        }),
        select(vec!["node-1", "node-2", "node-3"]).prop_map(|node| Change::AdmitNode {
            invitation: "i".into(),
            secret: [0; 32],
            name: name(node),
            address: String::new(),
        }),
        (node(), select(vec!["node-1", "node-9"])).prop_map(|(node, title)| Change::RestoreServer {
            node,
            name: name(title),
            address: String::new(),
        }),
        any::<u32>().prop_map(|lifetime_days| Change::UpdateSettings {
            expect: None,
            patch: SettingsPatch {
                sessions: Some(SessionPolicy { lifetime_days }),
                ..SettingsPatch::default()
            }
        }),
        Just(Change::Sweep),
        Just(found()),
    ]
}

fn command() -> impl Strategy<Value = (u64, Command)> {
    let key = option::weighted(0.2, (0u8..3, 0u8..2));
    let change = prop_oneof![directory(), living()];
    (0u64..DAY, actor(), key, change).prop_map(|(later, by, key, change)| {
        let idempotency = key.map(|(key, request)| Idempotency {
            key: key.to_string(),
            request: [request; 32],
        });
        let command = Command {
            by,
            idempotency,
            change,
        };
        (later, command)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Nothing panics, a refusal changes nothing, what is stored stays sound, and there is always somebody who
    /// can change the server.
    #[test]
    fn the_rules_hold_whatever_comes(commands in prop::collection::vec(command(), 1..60)) {
        let mut world = World::founded();
        for (later, command) in commands {
            world.now += later / 100;
            let before = world.clone();
            let decided = world.decide(&command);
            prop_assert_eq!(&decided, &world.decide(&command), "equal views decide the same");
            if decided.is_err() {
                let unkeyed = Command { idempotency: None, ..command.clone() };
                let mut without_key = before.clone();
                if without_key.run(&unkeyed).is_err() {
                    without_key.index = before.index;
                    prop_assert_eq!(&without_key, &before);
                }
            }
            let reply = world.run(&command);
            prop_assert_eq!(reply, decided.map(|decision| decision.outcome));
            world.check();
        }
    }
}
