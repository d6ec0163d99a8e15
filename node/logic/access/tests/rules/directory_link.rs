//! The Directory of the enterprise: on, off, what is shown, and the key (ENT-03).

use crate::world::*;
use plenary_access::*;
use plenary_model::{NodeId, Revision};
use plenary_people::{Kind, Share};

const ID: &str = "0123456789abcdef0123456789abcdef";

fn activate(seed: u8) -> Change {
    Change::ActivateDirectory(NewDirectoryLink {
        addresses: vec!["dir-1.example.com:4311".into()],
        client_id: ID.replace('0', &format!("{seed:x}")),
        secret: DirectorySecret([seed; 32]),
        incarnation: [seed; 16],
    })
}

fn link(world: &World) -> &DirectoryLink {
    world.directory.as_ref().expect("there is a Directory")
}

fn only_people() -> Share {
    Share {
        kinds: [Kind::User].into(),
        ..Share::default()
    }
}

fn share(expect: Option<Revision>, share: Share) -> Change {
    Change::UpdateDirectory {
        expect,
        patch: DirectoryPatch {
            share: Some(share),
            addresses: None,
        },
    }
}

#[test]
fn a_directory_is_activated_shared_with_and_left() {
    let mut world = World::founded();
    world.ok(by("root"), activate(1));
    assert!(link(&world).is_on());
    assert_eq!(link(&world).by, Some(name("root")));
    let events = format!("{:?}", world.events);
    assert!(events.contains(&link(&world).client_id) && !events.contains("[1, 1,"));
    let before = link(&world).revision;
    world.ok(by("root"), share(Some(before), only_people()));
    assert_eq!(link(&world).share, only_people());
    let refused = world.refused(by("root"), share(Some(before), Share::default()));
    assert!(matches!(refused, Refusal::Stale { .. }));

    // A new key counts instead of the old one, and all is told anew.
    world.ok(by("root"), activate(2));
    assert_eq!(
        (link(&world).incarnation, &link(&world).share),
        ([2; 16], &only_people())
    );

    world.ok(by("root"), Change::DeactivateDirectory { at_once: false });
    assert_eq!(link(&world).stage, DirectoryStage::Leaving);
    assert_ne!(link(&world).incarnation, [2; 16]);
    let refused = world.refused(by("root"), share(None, Share::default()));
    assert!(matches!(refused, Refusal::Conflict(_)));
    let left = |client_id: &str| Change::DirectoryLeft {
        client_id: client_id.into(),
    };
    world.ok(system(), left(ID));
    assert!(world.directory.is_some(), "another key was left");
    let key = link(&world).client_id.clone();
    world.ok(system(), left(&key));
    assert_eq!(world.directory, None);
}

#[test]
fn terms_count_for_one_store_until_it_is_restored() {
    let mut world = World::founded();
    world.ok(by("root"), activate(1));
    let store = link(&world).store();
    world.ok(by("root"), share(None, only_people()));
    assert_eq!(link(&world).store(), store);
    world.ok(by("root"), Change::DeactivateDirectory { at_once: false });
    assert_ne!(link(&world).incarnation, store);
    assert_eq!(link(&world).store(), store);
    let restore = Change::RestoreServer {
        node: NodeId(9),
        name: name("node-9"),
        address: "127.0.0.1:1".into(),
    };
    world.ok(system(), restore);
    assert_ne!(link(&world).store(), store);
}

#[test]
fn who_reads_the_key_is_seen_and_only_administrators_do() {
    let mut world = World::founded();
    world.ok(by("root"), Change::CreateUser(new_user("bob")));
    let refused = world.refused(by("root"), Change::ShowDirectoryKey);
    assert!(matches!(refused, Refusal::Conflict(_)));
    world.ok(by("root"), activate(1));
    let refused = world.refused(by("bob"), Change::ShowDirectoryKey);
    assert!(matches!(refused, Refusal::Forbidden { .. }));
    let before = link(&world).clone();
    world.ok(by("root"), Change::ShowDirectoryKey);
    assert_eq!(*link(&world), before);
    let events = format!("{:?}", world.events);
    assert!(
        events.contains("key shown") && !events.contains("[1, 1,"),
        "{events}"
    );
}

#[test]
fn what_was_told_is_cut_for_the_incarnation_that_was_told() {
    let mut world = World::founded();
    world.ok(by("root"), activate(1));
    world.ok(by("root"), Change::CreateUser(new_user("bob")));
    let from = link(&world).tells_from;
    let cut = |incarnation: u8, to: Revision| Change::CutDirectoryChanges {
        incarnation: [incarnation; 16],
        to,
    };
    let to = Revision(from.0 + 1);
    assert!(matches!(
        world.refused(by("root"), cut(1, to)),
        Refusal::Forbidden { .. }
    ));
    world.ok(system(), cut(2, to));
    assert_eq!(link(&world).tells_from, from, "something else was told");
    world.ok(system(), cut(1, to));
    assert_eq!(link(&world).tells_from, to);
    world.ok(system(), cut(1, from));
    assert_eq!(link(&world).tells_from, to, "it goes forward only");
    world.ok(system(), cut(1, Revision(u64::MAX)));
    assert_eq!(link(&world).tells_from, to, "nothing is told that was not yet");
}

#[test]
fn a_directory_is_forgotten_at_once_where_it_does_not_answer() {
    let mut world = World::founded();
    let refused = world.refused(by("root"), Change::DeactivateDirectory { at_once: true });
    assert!(matches!(refused, Refusal::Conflict(_)));
    world.ok(by("root"), activate(1));
    world.ok(by("root"), Change::DeactivateDirectory { at_once: true });
    assert_eq!(world.directory, None);
}

#[test]
fn only_administrators_with_full_rights_activate_and_addresses_are_checked() {
    let mut world = World::founded();
    world.ok(by("root"), Change::CreateUser(new_user("bob")));
    let refused = world.refused(by("bob"), activate(1));
    assert!(matches!(refused, Refusal::Forbidden { .. }));
    for bad in [
        vec![],
        vec!["dir-1".to_owned()],
        vec!["dir 1:4311".to_owned()],
        vec!["x:0".to_owned()],
    ] {
        let Change::ActivateDirectory(mut new) = activate(1) else {
            return;
        };
        new.addresses = bad;
        let refused = world.refused(by("root"), Change::ActivateDirectory(new));
        assert!(matches!(refused, Refusal::Invalid { field, .. } if field == "addresses"));
    }
}

#[test]
fn servers_of_the_enterprise_are_noted_while_the_directory_is_on() {
    let mut world = World::founded();
    let note = || Change::NoteDirectoryServers {
        servers: [name("oslo.example.net")].into(),
    };
    world.ok(system(), note());
    assert_eq!(world.directory, None);
    world.ok(by("root"), activate(1));
    world.ok(system(), note());
    assert!(link(&world).servers.contains(&name("oslo.example.net")));
    assert!(matches!(
        world.refused(by("root"), note()),
        Refusal::Forbidden { .. }
    ));
    world.ok(by("root"), Change::DeactivateDirectory { at_once: false });
    assert!(link(&world).servers.is_empty());
}

#[test]
fn a_restored_server_tells_the_directory_all_anew() {
    let mut world = World::founded();
    world.ok(by("root"), activate(1));
    let restore = Change::RestoreServer {
        node: NodeId(9),
        name: name("node-9"),
        address: "127.0.0.1:1".into(),
    };
    world.ok(system(), restore);
    assert_ne!(link(&world).incarnation, [1; 16]);
    assert_eq!(link(&world).secret, DirectorySecret([1; 32]));
}
