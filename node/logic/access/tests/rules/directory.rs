use crate::world::*;
use plenary_access::*;
use plenary_model::{GroupId, Right, Rights, limits};
use std::collections::BTreeSet;

fn change_group(id: &str) -> (GroupId, Change) {
    let id: GroupId = name(id);
    let change = Change::UpdateGroup {
        id: id.clone(),
        expect: None,
        name: None,
        rights: None,
        address_book: None,
        bandwidth: None,
        call_id: None,
    };
    (id, change)
}

fn rename(id: &str, title: &str) -> Change {
    let (_, mut change) = change_group(id);
    if let Change::UpdateGroup { name, .. } = &mut change {
        *name = Some(title.into());
    }
    change
}

fn give_rights(id: &str, rights: &[Right]) -> Change {
    let (_, mut change) = change_group(id);
    if let Change::UpdateGroup { rights: place, .. } = &mut change {
        *place = Some(Rights(rights.iter().copied().collect()));
    }
    change
}

fn show(id: &str, shows: AddressBookScope, entries: &[(&str, &str)]) -> Change {
    let (_, mut change) = change_group(id);
    let entries = entries.iter().map(|(call, display_name)| AddressBookEntry {
        call: name(call),
        display_name: (*display_name).into(),
    });
    let book = AddressBook {
        shows,
        entries: entries.collect(),
    };
    if let Change::UpdateGroup { address_book, .. } = &mut change {
        *address_book = Some(book);
    }
    change
}

fn delete_group(id: &str) -> Change {
    Change::DeleteGroup {
        id: name(id),
        expect: None,
    }
}

fn members(id: &str, add: &[&str], remove: &[&str]) -> Change {
    Change::ChangeMembers {
        id: name(id),
        add: names(add),
        remove: names(remove),
    }
}

#[test]
fn names_of_groups_are_unique_whatever_case_accents_and_spaces() {
    let mut world = World::founded();
    world.ok(by("root"), create_group("g-1", "  Zoé  "));
    assert_eq!(world.group_of("g-1").name, "Zoé");
    for same in ["zoe", "ZOÉ ", "Guests"] {
        let refusal = world.refused(by("root"), create_group("g-2", same));
        assert!(matches!(refusal, Refusal::Exists { .. }), "{same:?}");
    }
    for bad in ["", "   ", "a\nb", &"x".repeat(limits::GROUP_NAME + 1)] {
        assert_eq!(world.bad_field(by("root"), create_group("g-2", bad)), "name");
    }
    world.ok(by("root"), create_group("g-2", "Sales"));
    assert!(matches!(
        world.refused(by("root"), rename("g-2", "ZOE")),
        Refusal::Exists { .. }
    ));
    world.ok(by("root"), rename("g-2", "SALES"));
    let refusal = world.refused(by("root"), create_group("g-2", "Other"));
    assert!(matches!(refusal, Refusal::Exists { .. }));
}

#[test]
fn builtin_groups_keep_their_names_and_stay() {
    let mut world = World::founded();
    for id in ["ungrouped", "federated", "guests"] {
        let root = || by("root");
        for change in [
            delete_group(id),
            rename(id, "Other"),
            members(id, &["alice"], &[]),
        ] {
            assert!(matches!(world.refused(root(), change), Refusal::BuiltinGroup(_)));
        }
        let same = world.group_of(id).name.clone();
        world.ok(root(), rename(id, &same));
        assert_eq!(
            world.bad_field(root(), give_rights(id, &[Right::Operator])),
            "rights"
        );
        let refusal = world.refused(root(), create_group(id, "New"));
        assert!(matches!(refusal, Refusal::Exists { .. }));
    }
}

#[test]
fn strangers_get_no_rights_that_need_an_account() {
    let mut world = World::founded();
    for id in ["guests", "federated"] {
        for right in [Right::EditAddressBook, Right::CreateConferences, Right::Record] {
            assert_eq!(world.bad_field(by("root"), give_rights(id, &[right])), "rights");
        }
        world.ok(by("root"), give_rights(id, &[Right::ShareScreen]));
    }
}

#[test]
fn address_books_name_groups_that_exist() {
    let mut world = World::founded();
    world.ok(by("root"), create_group("g-1", "One"));
    let groups = |ids: &[&str]| AddressBookScope::Groups { groups: names(ids) };
    for bad in [groups(&[]), groups(&["g-1", "g-none"])] {
        let field = world.bad_field(by("root"), show("ungrouped", bad, &[]));
        assert_eq!(field, "address_book.groups");
    }
    let nobody = || AddressBookScope::Nobody;
    let twice = show("g-1", nobody(), &[("alice", "A"), ("alice", "B")]);
    assert_eq!(world.bad_field(by("root"), twice), "address_book.entries");
    let line = show("g-1", nobody(), &[("alice", "two\nlines")]);
    assert_eq!(world.bad_field(by("root"), line), "address_book.entries");
    let many: Vec<String> = (0..=limits::ADDRESS_BOOK_ENTRIES)
        .map(|n| format!("u{n}"))
        .collect();
    let many: Vec<(&str, &str)> = many.iter().map(|call| (call.as_str(), "")).collect();
    let too_many = show("g-1", nobody(), &many);
    assert_eq!(world.bad_field(by("root"), too_many), "address_book.entries");
    world.ok(by("root"), show("g-1", nobody(), &many[1..]));
    world.ok(by("root"), show("g-1", groups(&["g-1", "ungrouped"]), &[]));
}

#[test]
fn deleting_a_group_leaves_members_and_no_dangling_names() {
    let mut world = World::founded();
    world.ok(by("root"), create_group("g-1", "One"));
    world.ok(by("root"), create_group("g-2", "Two"));
    world.ok(by("root"), members("g-1", &["alice", "eye"], &[]));
    let groups = |ids: &[&str]| AddressBookScope::Groups { groups: names(ids) };
    world.ok(by("root"), show("g-1", groups(&["g-1"]), &[]));
    world.ok(by("root"), show("g-2", groups(&["g-1"]), &[]));
    world.ok(by("root"), show("ungrouped", groups(&["g-1", "g-2"]), &[]));
    let before = world.user_of("alice").revision;
    world.ok(by("root"), delete_group("g-1"));
    world.check();
    assert!(world.user_of("alice").groups.is_empty());
    assert!(world.user_of("alice").revision > before);
    assert_eq!(world.group_of("g-2").address_book.shows, AddressBookScope::Nobody);
    assert_eq!(
        world.group_of("ungrouped").address_book.shows,
        groups(&["g-2"]),
        "never more is shown than before"
    );
    assert!(!world.groups.contains_key(&name("g-1")));
}

#[test]
fn members_change_all_or_none() {
    let mut world = World::founded();
    world.ok(by("root"), create_group("g-1", "One"));
    let refusal = world.refused(by("root"), members("g-1", &["alice", "nobody"], &[]));
    assert!(matches!(refusal, Refusal::NotFound { .. }));
    let both = members("g-1", &["alice"], &["alice"]);
    assert_eq!(world.bad_field(by("root"), both), "remove");
    world.ok(by("root"), members("g-1", &["alice", "eye"], &[]));
    let revision = world.user_of("alice").revision;
    let events = world.events.len();
    world.ok(by("root"), members("g-1", &["alice"], &["root"]));
    assert_eq!(world.user_of("alice").revision, revision, "nothing new for her");
    assert_eq!(world.events.len(), events);
    world.ok(by("root"), members("g-1", &[], &["alice"]));
    assert!(world.user_of("alice").groups.is_empty());
    let refusal = world.refused(by("root"), members("g-none", &["alice"], &[]));
    assert!(matches!(refusal, Refusal::NotFound { .. }));
}

#[test]
fn groups_and_aliases_and_settings_know_stale_changes() {
    let mut world = World::founded();
    world.ok(by("root"), create_group("g-1", "One"));
    let old = world.group_of("g-1").revision;
    let mut change = rename("g-1", "Two");
    if let Change::UpdateGroup { expect, .. } = &mut change {
        *expect = Some(old);
    }
    world.ok(by("root"), change.clone());
    assert!(matches!(world.refused(by("root"), change), Refusal::Stale { .. }));
    let delete = Change::DeleteGroup {
        id: name("g-1"),
        expect: Some(old),
    };
    assert!(matches!(world.refused(by("root"), delete), Refusal::Stale { .. }));
}

fn put_alias(id: &str, target: &str, create: bool) -> Change {
    Change::PutAlias {
        id: name(id),
        target: name(target),
        note: " a note ".into(),
        expect: None,
        create,
    }
}

fn update_alias(target: Option<&str>, note: Option<&str>) -> Change {
    Change::UpdateAlias {
        id: name("111"),
        expect: None,
        target: target.map(name),
        note: note.map(str::to_owned),
    }
}

#[test]
fn aliases_are_created_changed_and_deleted() {
    let mut world = World::founded();
    world.ok(by("root"), put_alias("111", "alice", true));
    assert_eq!(world.aliases[&name("111")].note, "a note");
    let again = world.refused(by("root"), put_alias("111", "eye", true));
    assert!(matches!(again, Refusal::Exists { .. }));
    let missing = world.refused(by("root"), put_alias("222", "eye", false));
    assert!(matches!(missing, Refusal::NotFound { .. }));
    world.ok(by("root"), update_alias(Some("#sip:a@b"), None));
    world.ok(by("root"), update_alias(None, Some("new")));
    let alias = &world.aliases[&name("111")];
    assert_eq!((alias.target.as_str(), alias.note.as_str()), ("#sip:a@b", "new"));
    let old = alias.revision;
    world.ok(by("root"), update_alias(None, Some("newer")));
    for change in [
        Change::UpdateAlias {
            id: name("111"),
            expect: Some(old),
            target: None,
            note: None,
        },
        Change::DeleteAlias {
            id: name("111"),
            expect: Some(old),
        },
    ] {
        assert!(matches!(world.refused(by("root"), change), Refusal::Stale { .. }));
    }
    let delete = || Change::DeleteAlias {
        id: name("111"),
        expect: None,
    };
    world.ok(by("root"), delete());
    assert!(matches!(
        world.refused(by("root"), delete()),
        Refusal::NotFound { .. }
    ));
    assert!(matches!(
        world.refused(by("root"), update_alias(None, None)),
        Refusal::NotFound { .. }
    ));
}

#[test]
fn an_alias_is_neither_an_account_nor_itself() {
    let mut world = World::founded();
    assert_eq!(world.bad_field(by("root"), put_alias("Alice", "eye", true)), "id");
    assert_eq!(
        world.bad_field(by("root"), put_alias("loop", "LOOP", true)),
        "target"
    );
    world.ok(by("root"), put_alias("111", "alice", true));
    let long = "x".repeat(limits::PROFILE_FIELD + 1);
    for note in [long.as_str(), "a\nb"] {
        assert_eq!(
            world.bad_field(by("root"), update_alias(None, Some(note))),
            "note"
        );
    }
    // An account of the same name may come later: the alias can still be changed away.
    world.ok(by("root"), Change::CreateUser(new_user("111")));
    world.ok(by("root"), update_alias(Some("eye"), None));
}

fn contact(call: &str) -> Change {
    Change::PutContact {
        contact: Contact {
            call: name(call),
            display_name: String::new(),
            contact_groups: BTreeSet::new(),
            tone: None,
        },
    }
}

#[test]
fn contacts_need_the_right_of_any_group() {
    let mut world = World::founded();
    world.ok(by("alice"), contact("eye"));
    world.ok(by("root"), give_rights("ungrouped", &[Right::MakeCalls]));
    let delete = || Change::DeleteContact { call: name("eye") };
    for change in [contact("root"), delete()] {
        assert!(matches!(
            world.refused(by("alice"), change),
            Refusal::Forbidden { .. }
        ));
    }
    world.ok(by("root"), create_group("g-1", "One"));
    world.ok(by("root"), give_rights("g-1", &[]));
    world.ok(by("root"), create_group("g-2", "Two"));
    world.ok(by("root"), members("g-1", &["alice"], &[]));
    assert!(matches!(
        world.refused(by("alice"), delete()),
        Refusal::Forbidden { .. }
    ));
    world.ok(by("root"), members("g-2", &["alice"], &[]));
    world.ok(by("alice"), delete());
    assert!(matches!(
        world.refused(by("alice"), delete()),
        Refusal::NotFound { .. }
    ));
    assert!(matches!(
        world.refused(system(), contact("eye")),
        Refusal::Forbidden { .. }
    ));
}

#[test]
fn an_address_book_is_full_at_five_thousand() {
    let mut world = World::founded();
    for at in 0..limits::CONTACTS {
        let call = name(&format!("u{at}"));
        let contact = Contact {
            call,
            display_name: String::new(),
            contact_groups: BTreeSet::new(),
            tone: None,
        };
        let key = (name("alice"), contact.call.clone());
        world.contacts.insert(key, contact);
    }
    assert!(matches!(
        world.refused(by("alice"), contact("one-more")),
        Refusal::Conflict(_)
    ));
    world.ok(by("alice"), contact("u7"));
    let with_groups = |groups: Vec<String>| Change::PutContact {
        contact: Contact {
            call: name("u7"),
            display_name: String::new(),
            contact_groups: groups.into_iter().collect(),
            tone: None,
        },
    };
    let many = (0..65).map(|n| n.to_string()).collect();
    for groups in [many, vec![" ".into()], vec!["a\tb".into()]] {
        let field = world.bad_field(by("alice"), with_groups(groups));
        assert_eq!(field, "contact_groups");
    }
}

#[test]
fn nothing_new_takes_a_name_like_that_of_a_guest() {
    let all = || {
        [
            Change::CreateUser(new_user("Guest-Bob")),
            Change::PutAlias {
                id: name("guest-1"),
                target: name("alice"),
                note: String::new(),
                expect: None,
                create: true,
            },
            Change::CreateGroup {
                id: name("guest-g"),
                name: "Hosts".into(),
                rights: Rights::usual(),
                address_book: AddressBook::default(),
                bandwidth: Bandwidth::default(),
            },
        ]
    };
    let mut world = World::founded();
    for change in all() {
        let refusal = world.refused(system(), change);
        assert!(
            matches!(&refusal, Refusal::Invalid { field, .. } if field == "id"),
            "{refusal}"
        );
    }
    // As it was before there were guests: what was taken then stays.
    world.level = MEETINGS_LEVEL - 1;
    for change in all() {
        world.ok(system(), change);
    }
    world.level = MEETINGS_LEVEL;
    let patch = UserPatch::default();
    let update = Change::UpdateUser {
        id: name("guest-bob"),
        expect: None,
        patch,
    };
    world.ok(system(), update);
}

fn call_by(group: &str, call: Option<&str>) -> Change {
    let (_, mut change) = change_group(group);
    if let Change::UpdateGroup { call_id, .. } = &mut change {
        *call_id = Some(call.map_or(CallId::Nothing, |text| CallId::To(name(text))));
    }
    change
}

#[test]
fn a_group_is_called_by_a_name_that_nothing_else_has() {
    assert_eq!(call_by("g-team", None).level(), CALLING_LEVEL);
    let mut world = World::founded();
    for (id, title) in [("g-team", "Team"), ("g-desk", "Desk")] {
        world.ok(by("root"), create_group(id, title));
    }
    world.ok(by("root"), put_alias("111", "alice", true));
    for taken in ["alice", "111"] {
        assert_eq!(
            world.bad_field(by("root"), call_by("g-team", Some(taken))),
            "call_id"
        );
    }
    world.ok(by("root"), call_by("g-team", Some("Support")));
    world.ok(by("root"), call_by("g-team", Some("support")));
    assert_eq!(
        world.bad_field(by("root"), call_by("g-desk", Some("support"))),
        "call_id"
    );
    assert_eq!(
        world.bad_field(by("root"), put_alias("support", "alice", true)),
        "id"
    );
    assert_eq!(
        world.bad_field(by("root"), Change::CreateUser(new_user("support"))),
        "id"
    );
    world.ok(by("root"), call_by("g-team", None));
    world.ok(by("root"), call_by("g-desk", Some("support")));
    assert_eq!(world.group_of("g-desk").call_id, Some(name("support")));
    let builtin = GroupId::ungrouped().to_string();
    assert_eq!(
        world
            .refused(by("root"), call_by(&builtin, Some("others")))
            .code(),
        "builtin-group"
    );
}

#[test]
fn nodes_of_before_know_no_tones() {
    let with = |tone| {
        let mut change = contact("eye");
        if let Change::PutContact { contact } = &mut change {
            contact.tone = tone;
        }
        change
    };
    assert!(
        Tone::ALL
            .iter()
            .all(|tone| with(Some(*tone)).level() == CHAT_LEVEL)
    );
    assert_eq!(with(None).level(), 0);
}
