//! Two instances with SQLite: one serves, and the other one follows it.

use crate::{
    server::{Server, id},
    world::{LONG, OSLO, PARIS, World, key},
};
use plenary_contracts::directory::v1::{CopyEntriesRequest, CopyRequest};
use plenary_directory_client::{Code, Finder, FinderOptions, Presence, client};
use plenary_people::Change;
use plenary_testkit::eventually;
use serde_json::json;
use std::time::Duration;

/// A server that asks the second instance alone.
fn at_the_second(world: &World, of: &Server) -> Server {
    let mut one = Server::new(world, &of.name, of.credentials.clone());
    let options = FinderOptions {
        fresh: Duration::ZERO,
        deadline: Duration::from_secs(5),
        ..FinderOptions::new(None, vec![world.addresses()[1].clone()])
    };
    one.finder = Finder::open(one.identity.clone(), options);
    one
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_answers_while_the_first_is_gone_and_nothing_old_wins() {
    let mut world = World::sqlite().await;
    world.add_follower().await;
    let (paris, oslo) = (Server::connected(&world, PARIS), Server::connected(&world, OSLO));
    for server in [&paris, &oslo] {
        server.is_told().await;
    }
    paris.put("alice", "Alice Martin");
    paris.put("bob", "Bob Martin");
    let told = paris.is_told().await;
    assert_eq!(
        told.addresses.len(),
        2,
        "whoever knows the first learns of the other"
    );
    let second = at_the_second(&world, &oslo);
    second.finds("martin", &["Alice Martin", "Bob Martin"]).await;

    world.stop(0).await;
    // Presence goes on, though nothing else is taken.
    paris.store.change(|state| {
        state.presence.insert("alice".into(), Presence::InCall);
    });
    second.sees(&id(PARIS, "alice"), Presence::InCall).await;
    oslo.finds("martin", &["Alice Martin", "Bob Martin"]).await;
    eventually("it says that nothing new is taken", LONG, async || {
        let text = world.http(1, "/readyz");
        (text.contains(" 200 ") && text.contains("nothing new is taken")).then_some(())
    })
    .await;
    // It starts on its own, too.
    world.stop(1).await;
    world.start(1).await;
    second.finds("martin", &["Alice Martin", "Bob Martin"]).await;
    paris.store.commit([Change::Remove(id(PARIS, "bob"))]);
    paris.put("carol", "Carol Martin");

    world.start(0).await;
    paris.is_told().await;
    second.finds("martin", &["Alice Martin", "Carol Martin"]).await;
    oslo.finds("martin", &["Alice Martin", "Carol Martin"]).await;
    world.remove(PARIS);
    second.finds("martin", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_instance_that_was_set_back_counts_as_it_is() {
    let mut world = World::sqlite().await;
    world.add_follower().await;
    let mut paris = Server::connected(&world, PARIS);
    let oslo = Server::connected(&world, OSLO);
    oslo.is_told().await;
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    world.stop(0).await;
    world.is_closed(0).await;
    let (database, kept) = (
        world.data(0).join("store/directory.db"),
        world.folder.path().join("kept.db"),
    );
    std::fs::copy(&database, &kept).unwrap();
    world.start(0).await;
    paris.put("bob", "Bob Martin");
    paris.store.commit([Change::Remove(id(PARIS, "alice"))]);
    paris.is_told().await;
    let second = at_the_second(&world, &oslo);
    second.finds("martin", &["Bob Martin"]).await;

    paris.feed = None;
    world.stop(0).await;
    world.is_closed(0).await;
    std::fs::copy(&kept, &database).unwrap();
    world.start(0).await;
    second.finds("martin", &["Alice Martin"]).await;
    // The server tells what the first one has lost.
    paris.tell(&world);
    paris.is_told().await;
    second.finds("martin", &["Bob Martin"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_takes_no_changes_and_no_orders_until_it_follows_no_more() {
    let mut world = World::sqlite().await;
    world.add_follower().await;
    let mut paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    let second = at_the_second(&world, &paris);
    second.finds("martin", &["Alice Martin"]).await;
    paris.tell_at(vec![world.addresses()[1].clone()]);
    let said = paris.is_refused(Code::Follows).await;
    assert!(said.contains(&world.addresses()[0]), "{said}");
    let rome = key("rome.example.com").encode();
    for wish in [
        json!({ "add": { "key": rome } }),
        json!({ "remove": { "server": PARIS } }),
    ] {
        assert_eq!(world.ask_at(1, wish), Err("follows".into()));
    }
    let status = world.ask_at(1, json!("status")).unwrap();
    assert_eq!(status["follows"], world.addresses()[0].as_str());

    // The first one is lost for good: an administrator says so, and the other one goes on from where it was.
    world.stop(0).await;
    world.promote(1).await;
    paris.tell_at(vec![world.addresses()[1].clone()]);
    paris.put("bob", "Bob Martin");
    assert_eq!(paris.is_told().await.snapshots, 0, "nothing comes anew");
    second.finds("martin", &["Alice Martin", "Bob Martin"]).await;
    world.ask_at(1, json!({ "add": { "key": rome } })).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_instances_copy() {
    let world = World::sqlite().await;
    let paris = Server::connected(&world, PARIS);
    paris.is_told().await;
    let address = &world.addresses()[0];
    let mut client = client(&paris.identity, None, address, LONG).unwrap();
    let request = CopyRequest {
        name: "dir-2".into(),
        address: "127.0.0.1:1".into(),
        ..CopyRequest::default()
    };
    let refused = client.copy(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    let request = CopyEntriesRequest {
        server: PARIS.into(),
        to: i64::MAX,
        ..CopyEntriesRequest::default()
    };
    let refused = client.copy_entries(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
}
