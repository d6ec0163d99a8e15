//! What servers tell: it counts once it is on the disk, and nothing else does.

use crate::{
    on_both,
    server::{Server, id, person},
    world::{LONG, OSLO, PARIS, World},
};
use plenary_directory::Limits;
use plenary_directory_client::{Code, Presence};
use plenary_people::{Change, Field, Kind, Share, SharedGroups};
use plenary_testkit::eventually;

on_both!(
    what_a_server_tells_is_found_by_another_as_far_as_it_is_shown,
    a_feed_goes_on_where_the_disk_ends,
    a_store_that_was_restored_is_told_anew,
    a_snapshot_with_a_wrong_digest_changes_nothing,
    a_server_tells_nothing_of_another,
    a_server_has_no_more_entries_than_it_may,
    many_changes_and_entries_come_in_parts,
);

async fn what_a_server_tells_is_found_by_another_as_far_as_it_is_shown(world: World) {
    let paris = Server::connected(&world, PARIS);
    let oslo = Server::connected(&world, OSLO);
    let mut alice = person(PARIS, "alice", "Alice Martin");
    alice.job_title = "Lawyer".into();
    alice.groups = vec!["law".into()];
    let mut room = person(PARIS, "r1", "Martin Luther Room");
    room.id.kind = Kind::Room;
    let mut board = person(PARIS, "carol", "Carol Martin");
    board.groups = vec!["board".into()];
    paris.store.commit([alice, room, board].map(Change::put));
    paris.is_told().await;
    oslo.is_told().await;
    oslo.finds("martin", &["Alice Martin", "Carol Martin", "Martin Luther Room"])
        .await;
    paris.store.change(|state| {
        state.share = Share {
            groups: SharedGroups::Only(["law".into()].into()),
            fields: [Field::JobTitle].into(),
            kinds: [Kind::User].into(),
            ..Share::default()
        };
    });
    oslo.finds("martin", &["Alice Martin"]).await;
    oslo.finds("carol", &[]).await;
    let viewer = oslo.question("bob", "").viewer;
    let hit = oslo
        .finder
        .get(&viewer, &id(PARIS, "alice"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (hit.entry.job_title.as_str(), hit.entry.email.as_str()),
        ("Lawyer", "")
    );
    let hidden = oslo.finder.get(&viewer, &id(PARIS, "carol")).await;
    assert_eq!(hidden, Ok(None));
    let overview = paris.finder.overview().await.unwrap();
    assert_eq!(overview.directory, "directory.example.com");
    assert_eq!(overview.share, paris.store.state().share);
    let of_paris = overview
        .servers
        .iter()
        .find(|server| server.server == PARIS)
        .unwrap();
    assert!(of_paris.connected && of_paris.entries == 3 && of_paris.changed_ms > 0);
    // It is as it was told last.
    paris.put("alice", "Alice Dupont");
    paris.store.commit([Change::Remove(id(PARIS, "carol"))]);
    paris.is_told().await;
    paris.store.change(|state| state.share = Share::default());
    oslo.finds("martin", &["Martin Luther Room"]).await;
    oslo.finds("dupont", &["Alice Dupont"]).await;
}

async fn a_feed_goes_on_where_the_disk_ends(mut world: World) {
    let mut paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    assert_eq!(paris.is_told().await.snapshots, 1, "the first time");
    // The server's leader is another node for a while.
    paris.feed = None;
    paris.put("bob", "Bob Martin");
    paris.tell(&world);
    assert_eq!(paris.is_told().await.snapshots, 0);
    // The Directory is away for a while.
    world.stop(0).await;
    paris.put("carol", "Carol Martin");
    world.start(0).await;
    assert_eq!(paris.is_told().await.snapshots, 0);
    paris
        .finds("martin", &["Alice Martin", "Bob Martin", "Carol Martin"])
        .await;
    // Its log was cut while it was away.
    paris.feed = None;
    paris.put("dave", "Dave Martin");
    paris.store.change(|state| state.tells_from = state.position);
    paris.tell(&world);
    assert_eq!(paris.is_told().await.snapshots, 1);
    paris.finds("dave", &["Dave Martin"]).await;
}

async fn a_store_that_was_restored_is_told_anew(world: World) {
    let mut paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.put("bob", "Bob Martin");
    paris.is_told().await;
    paris.feed = None;
    paris.store.change(|state| {
        state.incarnation = [9; 16];
        state.entries.remove(&id(PARIS, "bob"));
    });
    paris.tell(&world);
    assert_eq!(paris.is_told().await.snapshots, 1);
    paris.finds("martin", &["Alice Martin"]).await;
    // An old copy of a folder has the same incarnation, and fewer positions.
    paris.feed = None;
    paris.store.change(|state| state.position -= 1);
    paris.tell(&world);
    assert_eq!(paris.is_told().await.snapshots, 1);
}

async fn a_snapshot_with_a_wrong_digest_changes_nothing(world: World) {
    let mut paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    paris.feed = None;
    paris.store.change(|state| {
        state.lies = true;
        state.incarnation = [9; 16];
    });
    paris.put("bob", "Bob Martin");
    paris.tell(&world);
    paris.is_refused(Code::Digest).await;
    paris.finds("martin", &["Alice Martin"]).await;
    assert!(world.figure(0, "plenary_directory_snapshots_refused_total") >= 1.0);
    paris.store.change(|state| state.lies = false);
    paris.is_told().await;
    paris.finds("martin", &["Alice Martin", "Bob Martin"]).await;
}

async fn a_server_tells_nothing_of_another(world: World) {
    let paris = Server::connected(&world, PARIS);
    let mut oslo = Server::connected(&world, OSLO);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    oslo.is_told().await;
    // It tells that somebody else's person has another name, or is gone, one way or the other.
    let changes = [
        Change::put(person(PARIS, "alice", "Eve")),
        Change::Remove(id(PARIS, "alice")),
    ];
    for change in changes {
        oslo.store.commit([change]);
        let reason = oslo.is_refused(Code::OtherServer).await;
        assert!(reason.contains(PARIS) && reason.contains(OSLO), "{reason}");
        oslo.feed = None;
        oslo.store = crate::server::MemoryStore::new();
        oslo.tell(&world);
        oslo.is_told().await;
    }
    oslo.feed = None;
    oslo.store.change(|state| {
        let eve = person(PARIS, "alice", "Eve");
        state.incarnation = [9; 16];
        state.entries.insert(eve.id.clone(), eve);
    });
    oslo.tell(&world);
    oslo.is_refused(Code::OtherServer).await;
    paris.finds("alice", &["Alice Martin"]).await;
    paris.finds("eve", &[]).await;
}

async fn a_server_has_no_more_entries_than_it_may(mut world: World) {
    world
        .limit(Limits {
            entries: 3,
            ..Limits::default()
        })
        .await;
    let mut paris = Server::connected(&world, PARIS);
    for user in ["a1", "a2", "a3"] {
        paris.put(user, "Alice");
    }
    paris.is_told().await;
    paris.put("a4", "Alice Four");
    let reason = paris.is_refused(Code::TooManyEntries).await;
    assert!(reason.contains("more than 3"), "{reason}");
    paris.finds("four", &[]).await;
    // Somebody goes in the same change: there is room.
    paris.feed = None;
    paris.store.commit([
        Change::Remove(id(PARIS, "a1")),
        Change::put(person(PARIS, "a1", "Alice")),
    ]);
    paris
        .store
        .commit([Change::Remove(id(PARIS, "a1")), Change::Remove(id(PARIS, "a2"))]);
    paris.tell(&world);
    paris.is_told().await;
    paris.finds("four", &["Alice Four"]).await;
}

async fn many_changes_and_entries_come_in_parts(world: World) {
    let mut paris = Server::connected(&world, PARIS);
    let people = |range: std::ops::Range<u32>| {
        range.map(|n| Change::put(person(PARIS, &format!("u{n:04}"), &format!("Person {n}x"))))
    };
    paris.is_told().await;
    // All in one position.
    paris.store.commit(people(0..1_700));
    paris.is_told().await;
    paris.finds_first("1699x", "Person 1699x").await;
    // And once more as a snapshot.
    paris.feed = None;
    paris.store.change(|state| state.incarnation = [9; 16]);
    paris.tell(&world);
    assert_eq!(paris.is_told().await.snapshots, 1);
    let overview = paris.finder.overview().await.unwrap();
    assert_eq!(overview.servers.first().map(|server| server.entries), Some(1_700));
    let found = paris.found("person").await.unwrap();
    assert_eq!(found.len(), 50, "no answer has more");
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_is_told_at_once_and_unknown_when_the_server_is_silent() {
    let world = World::sqlite().await;
    let mut paris = Server::connected(&world, PARIS);
    let oslo = Server::connected(&world, OSLO);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    let alice = id(PARIS, "alice");
    oslo.sees(&alice, Presence::Offline).await;
    let is = |presence| {
        paris.store.change(|state| {
            state.presence.insert("alice".into(), presence);
        });
    };
    is(Presence::Online);
    oslo.sees(&alice, Presence::Online).await;
    is(Presence::InCall);
    oslo.sees(&alice, Presence::InCall).await;
    // The node that leads is another one, with another feed.
    paris.tell(&world);
    paris.is_told().await;
    oslo.sees(&alice, Presence::InCall).await;
    paris.feed = None;
    let silent = std::time::Instant::now();
    oslo.sees(&alice, Presence::Unknown).await;
    assert!(silent.elapsed().as_secs() >= 10, "not at once");
    oslo.finds("alice", &["Alice Martin"]).await;
    eventually("it is shown that nothing is heard of it", LONG, async || {
        let overview = oslo.finder.overview().await.ok()?;
        let of_paris = overview
            .servers
            .into_iter()
            .find(|server| server.server == PARIS)?;
        (!of_paris.connected).then_some(())
    })
    .await;
}
