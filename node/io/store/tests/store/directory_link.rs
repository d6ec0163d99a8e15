//! What the Directory of the enterprise is told, and whom people find (ENT-03).

use crate::home::*;
use plenary_access::*;
use plenary_conference as conference;
use plenary_model::{Revision, ServerName};
use plenary_people::{Change as Told, Entry, Kind, Share, SharedGroups};
use plenary_store::queries;

fn activate(home: &mut Home) {
    let new = NewDirectoryLink {
        addresses: vec!["127.0.0.1:4311".into()],
        client_id: "0123456789abcdef0123456789abcdef".into(),
        secret: DirectorySecret([1; 32]),
        incarnation: [7; 16],
    };
    home.ok(by("root"), Change::ActivateDirectory(new));
}

fn paris() -> ServerName {
    name("paris.example.com")
}

fn position(home: &Home) -> Revision {
    let place = queries::directory_place(&home.db).expect("reads");
    place.expect("it is on").position
}

/// What was told since, in words, and the position afterwards.
fn told(home: &Home, from: Revision) -> (Revision, Vec<String>) {
    let (to, changes) = queries::directory_changes(&home.db, &paris(), from, 100).expect("reads");
    let words = |change: Told| match change {
        Told::Put(entry) => format!("+{}", entry.id.id),
        Told::Remove(id) => format!("-{}", id.id),
        Told::RemoveServer(_) => "all".into(),
    };
    (to, changes.into_iter().map(words).collect())
}

fn all(home: &Home, kind: Kind) -> Vec<Entry> {
    let read = queries::directory_entries(&home.db, &paris(), kind, "", 100);
    read.expect("reads").0
}

fn ids(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.id.id.as_str()).collect()
}

fn share(share: Share) -> Change {
    Change::UpdateDirectory {
        expect: None,
        patch: DirectoryPatch {
            addresses: None,
            share: Some(share),
        },
    }
}

fn patch(id: &str, patch: UserPatch) -> Change {
    Change::UpdateUser {
        id: name(id),
        expect: None,
        patch,
    }
}

/// Signs somebody in on a device that is connected.
fn online(home: &mut Home, user: &str) {
    home.ok(by(user), sign_in(user, "s-1"));
    let node = plenary_model::NodeId(1);
    let started = Change::NodeStarted {
        node,
        epoch: 1,
        version: "1".into(),
    };
    home.ok(system(), started);
    let session = "s-1".into();
    home.ok(
        system(),
        Change::DeviceOnline {
            session,
            node,
            epoch: 1,
        },
    );
}

#[test]
fn what_changes_is_noted_while_the_directory_is_on() {
    let mut home = Home::with_users(["alice", "bob"].map(new_user));
    home.ok(by("root"), alias("111", "alice"));
    assert_eq!(home.count("directory_changes"), 0, "nobody is to hear of it");
    activate(&mut home);
    let start = position(&home);
    assert_eq!(told(&home, start), (start, vec![]));
    let alice = all(&home, Kind::User)
        .into_iter()
        .find(|entry| entry.id.id == "alice");
    assert_eq!(alice.expect("there").aliases, ["111"]);

    home.ok(by("root"), Change::CreateUser(new_user("carol")));
    let (at, words) = told(&home, start);
    assert_eq!((at, words), (position(&home), vec!["+carol".to_owned()]));
    home.ok(by("root"), create_group("g-1", "Zoo"));
    home.ok(by("root"), join("g-1", &["alice", "bob"]));
    assert_eq!(told(&home, at).1, ["+g-1", "+alice", "+bob"]);
    let at = position(&home);
    let gone = Change::DeleteGroup {
        id: name("g-1"),
        expect: None,
    };
    home.ok(by("root"), gone);
    let (_, mut words) = told(&home, at);
    words.sort();
    assert_eq!(words, ["+alice", "+bob", "-g-1"]);
    let at = position(&home);
    let to_bob = Change::UpdateAlias {
        id: name("111"),
        expect: None,
        target: Some(name("bob")),
        note: None,
    };
    home.ok(by("root"), to_bob);
    home.ok(by("root"), alias("bridge", "#sip:room@mcu.example"));
    assert_eq!(told(&home, at).1, ["+alice", "+bob"]);
    let at = position(&home);
    let disabled = UserPatch {
        active: Some(false),
        ..UserPatch::default()
    };
    home.ok(by("root"), patch("bob", disabled));
    let delete = Change::DeleteUser {
        id: name("carol"),
        expect: None,
    };
    home.ok(by("root"), delete);
    assert_eq!(told(&home, at).1, ["-bob", "-carol"]);
    assert_eq!(ids(&all(&home, Kind::User)), ["alice", "root"]);
    assert_eq!(home.copied().digest(), home.digest());
    // What nobody finds is no change for the Directory.
    let at = position(&home);
    home.ok(by("alice"), contact("x@oslo.example.net", "X", &[]));
    assert_eq!(position(&home), at);
}

#[test]
fn only_what_is_shared_is_told() {
    let mut home = Home::with_users(["alice", "bob", "carol"].map(new_user));
    home.ok(by("root"), create_group("g-1", "Zoo"));
    home.ok(by("root"), create_group("g-2", "Board"));
    home.ok(by("root"), join("g-1", &["alice", "bob"]));
    home.ok(by("root"), join("g-2", &["bob"]));
    activate(&mut home);
    home.ok(
        by("root"),
        share(Share {
            groups: SharedGroups::Only(["g-1".to_owned()].into()),
            hidden: ["g-2".to_owned()].into(),
            ..Share::default()
        }),
    );
    assert_eq!(ids(&all(&home, Kind::User)), ["alice"]);
    assert_eq!(ids(&all(&home, Kind::Group)), ["g-1"]);
    let at = position(&home);
    home.ok(by("root"), join("g-2", &["alice"]));
    assert_eq!(told(&home, at).1, ["-alice"]);
    online(&mut home, "carol");
    let presence = queries::directory_presence(&home.db, &paris()).expect("reads");
    assert!(presence.is_empty(), "nor what hidden people do: {presence:?}");
}

#[test]
fn public_conferences_are_told_by_the_id_by_which_people_find_them() {
    let mut home = Home::with_users([new_user("alice")]);
    activate(&mut home);
    let at = position(&home);
    home.ok(by("alice"), room("closed", "Closed"));
    assert_eq!(told(&home, at).1, Vec::<String>::new());
    home.ok(by("alice"), room("open", "Open"));
    let public = conference::Change::Update {
        cid: name("open"),
        expect: None,
        patch: conference::Patch {
            access: Some(conference::Access::Public),
            ..conference::Patch::default()
        },
    };
    home.ok(by("alice"), public);
    let (at, words) = told(&home, at);
    assert_eq!(words, ["+open"]);
    home.ok(by("alice"), close("open"));
    assert_eq!(told(&home, at).1, ["-open"]);
}

#[test]
fn what_one_command_changed_is_told_together() {
    let mut home = Home::with_users(["alice", "bob", "carol"].map(new_user));
    activate(&mut home);
    home.ok(by("root"), create_group("g-1", "Zoo"));
    let at = position(&home);
    home.ok(by("root"), join("g-1", &["alice", "bob", "carol"]));
    home.ok(by("root"), Change::CreateUser(new_user("dora")));
    let read = |from, most| queries::directory_changes(&home.db, &paris(), from, most).expect("reads");
    let (to, changes) = read(at, 1);
    assert_eq!(changes.len(), 3);
    let (to, changes) = read(to, 1);
    assert_eq!((changes.len(), to), (1, position(&home)));
}

#[test]
fn with_a_new_key_or_none_nothing_is_kept_of_changes() {
    let mut home = Home::with_users([new_user("alice")]);
    activate(&mut home);
    home.ok(by("root"), Change::CreateUser(new_user("bob")));
    assert_eq!(home.count("directory_changes"), 1);
    home.ok(by("root"), Change::DeactivateDirectory { at_once: false });
    assert_eq!(home.count("directory_changes"), 0);
    assert!(all(&home, Kind::User).is_empty(), "what leaves tells of nobody");
    home.ok(by("root"), Change::CreateUser(new_user("carol")));
    assert_eq!(home.count("directory_changes"), 0);
    home.ok(by("root"), Change::DeactivateDirectory { at_once: true });
    assert_eq!(home.count("directory"), 0);
}

fn found(home: &Home, who: &str, text: &str) -> Vec<String> {
    let hits = queries::search(&home.db, &name(who), text, &[], 10)
        .expect("reads")
        .hits;
    hits.into_iter().map(|hit| hit.entry.display_name).collect()
}

#[test]
fn people_find_whom_their_address_book_shows_by_any_field_that_is_shown() {
    let mut anna = called("a.martin", "Anna Martin");
    anna.profile.job_title = "Lawyer".into();
    anna.profile.mobile_phone = "+33 1 23 45 67 89".into();
    let mut home = Home::with_users([anna, called("bob", "Bob Martinet"), new_user("carol")]);
    home.ok(by("root"), create_group("g-1", "Zoo"));
    home.ok(by("root"), join("g-1", &["bob"]));
    assert_eq!(found(&home, "root", "martin"), ["Anna Martin", "Bob Martinet"]);
    assert_eq!(found(&home, "root", "mar ann"), ["Anna Martin"]);
    assert_eq!(found(&home, "root", "lawyer"), ["Anna Martin"]);
    assert_eq!(found(&home, "root", "nobody"), Vec::<String>::new());
    assert!(queries::search(&home.db, &name("root"), &"x".repeat(200), &[], 10).is_err());
    // Carol's group shows the zoo alone.
    home.ok(by("root"), create_group("g-2", "Keepers"));
    home.ok(by("root"), join("g-2", &["carol"]));
    let only = AddressBookScope::Groups {
        groups: names(&["g-1"]),
    };
    home.ok(
        by("root"),
        show("g-2", only, &[("kari@oslo.example.net", "Kari Martin")]),
    );
    assert_eq!(found(&home, "carol", "martin"), ["Kari Martin", "Bob Martinet"]);
    let nobody = show("g-2", AddressBookScope::Nobody, &[]);
    home.ok(by("root"), nobody);
    assert_eq!(found(&home, "carol", "martin"), Vec::<String>::new());
    home.ok(by("carol"), contact("bob", "My Martin", &[]));
    assert_eq!(found(&home, "carol", "martin"), ["My Martin"]);
}

#[test]
fn own_people_are_found_by_aliases_and_with_typos_without_the_directory() {
    let mut home = Home::with_users([
        called("anna", "Anna Martin"),
        called("bob", "Roberta Martinsen"),
        called("carla", "Carla Bianchi"),
    ]);
    home.ok(by("root"), alias("reception", "carla"));
    home.ok(by("root"), alias("press", "anna@paris.example.com"));
    home.ok(by("root"), alias("porter", "anna@oslo.example.com"));
    assert_eq!(found(&home, "root", "recep"), ["Carla Bianchi"]);
    assert_eq!(found(&home, "root", "press anna"), ["Anna Martin"]);
    assert_eq!(found(&home, "root", "porter"), Vec::<String>::new());
    // A letter left out, added, another one, and two exchanged, in the middle too.
    for typed in [
        "bianci",
        "biannchi",
        "biankhi",
        "bainchi",
        "binachi",
        "carla bianhci",
    ] {
        assert_eq!(found(&home, "root", typed), ["Carla Bianchi"], "{typed}");
    }
    assert_eq!(
        found(&home, "root", "martni"),
        ["Anna Martin", "Roberta Martinsen"]
    );
    assert_eq!(found(&home, "root", "bob martni"), ["Roberta Martinsen"]);
    assert_eq!(found(&home, "root", "biancxx"), Vec::<String>::new());
}

#[test]
fn of_very_many_those_are_found_who_are_named_so() {
    let crowd = (0..600).map(|n| called(&format!("u{n:03}"), &format!("Amarandt {n:03}")));
    let mut users: Vec<_> = crowd.collect();
    users.push(called("zoe", "Zoe Mara"));
    let home = Home::with_users(users);
    assert_eq!(found(&home, "root", "mara")[0], "Zoe Mara");
}

#[test]
fn names_with_characters_that_turn_the_writing_are_told_without_them() {
    let mut turned = new_user("turned");
    turned.profile.display_name = "Some\u{202e}body".into();
    let mut home = Home::with_users([turned]);
    activate(&mut home);
    let told = all(&home, Kind::User);
    let turned = told.iter().find(|entry| entry.id.id == "turned").expect("told");
    assert_eq!(turned.display_name, "Somebody");
}

#[test]
fn only_groups_that_are_shared_show_their_people_whatever_fields_are_shared() {
    let mut home = Home::with_users(["alice", "bob"].map(new_user));
    home.ok(by("root"), create_group("g-1", "Zoo"));
    home.ok(by("root"), join("g-1", &["alice"]));
    activate(&mut home);
    let only = Share {
        groups: SharedGroups::Only(["g-1".to_owned()].into()),
        fields: Default::default(),
        ..Share::default()
    };
    home.ok(by("root"), share(only.clone()));
    let told = all(&home, Kind::User);
    assert_eq!(ids(&told), ["alice"]);
    assert_eq!(
        only.told().shown(&told[0]).as_ref(),
        Some(&told[0]),
        "and is found"
    );
}

#[test]
fn changes_that_were_told_are_not_kept() {
    let mut home = Home::with_users([new_user("alice")]);
    activate(&mut home);
    home.ok(by("root"), Change::CreateUser(new_user("bob")));
    let first = position(&home);
    home.ok(by("root"), Change::CreateUser(new_user("carol")));
    let until = |home: &Home, to| queries::directory_changes_until(&home.db, to).expect("reads");
    assert_eq!((until(&home, first), until(&home, position(&home))), (1, 2));
    let cut = |incarnation, to| Change::CutDirectoryChanges { incarnation, to };
    home.ok(system(), cut([8; 16], first));
    assert_eq!(home.count("directory_changes"), 2, "something else was told");
    let newest = position(&home);
    home.ok(system(), cut([7; 16], first));
    assert_eq!((home.count("directory_changes"), position(&home)), (1, newest));
    home.ok(system(), cut([7; 16], newest));
    assert_eq!((home.count("directory_changes"), position(&home)), (0, newest));
    home.ok(by("root"), Change::CreateUser(new_user("dora")));
    assert_eq!(told(&home, newest).1, ["+dora"]);
    assert_eq!(home.copied().digest(), home.digest());
}

#[test]
fn presence_is_read_of_who_is_there() {
    let mut home = Home::with_users(["alice", "bob"].map(new_user));
    activate(&mut home);
    online(&mut home, "alice");
    let presence = queries::directory_presence(&home.db, &paris()).expect("reads");
    assert_eq!(presence, [(name("alice"), Presence::Online)].into());
}

#[test]
fn a_state_from_before_people_were_looked_for_by_aliases_is_opened() {
    let mut home = Home::with_users([called("anna", "Anna Martin")]);
    home.ok(by("root"), alias("press", "anna"));
    before_aliases_by_target(&home.db);
    home.db.pragma_update(None, "user_version", 24).expect("writes");
    home.reopen();
    assert_eq!(found(&home, "root", "press"), ["Anna Martin"]);
}

#[test]
fn a_state_from_before_people_were_in_a_directory_is_opened() {
    let mut home = Home::with_users([new_user("alice")]);
    before_directory(&home.db);
    home.db.pragma_update(None, "user_version", 20).expect("writes");
    home.reopen();
    activate(&mut home);
    let at = position(&home);
    home.ok(by("root"), Change::CreateUser(new_user("bob")));
    assert_eq!(told(&home, at).1, ["+bob"]);
}
