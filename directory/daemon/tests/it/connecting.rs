//! Keys: with which servers come, and with which they do not.

use crate::{
    on_both,
    server::Server,
    world::{LONG, OSLO, PARIS, World, identity, key},
};
use plenary_directory_client::{Code, FindError, Finder, FinderOptions};
use plenary_identity::{EnterpriseCa, JoinSecret, Program, RevocationList};
use plenary_model::NodeId;
use plenary_testkit::eventually;
use serde_json::json;
use sqlx::Connection as _;

on_both!(
    a_server_comes_with_its_key_and_no_other_one_does,
    a_new_key_takes_the_place_of_the_old_one,
    a_removed_server_is_found_no_more_and_asks_no_more,
);

async fn a_server_comes_with_its_key_and_no_other_one_does(world: World) {
    let paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    let mut oslo = Server::new(&world, OSLO, key(OSLO).credentials);
    let stranger = oslo.ask("bob", "alice").await.expect_err("it is not connected");
    assert!(
        matches!(&stranger, FindError::Refused { code: Code::NotConnected, reason } if reason.contains(OSLO)),
        "{stranger}"
    );
    // Nobody was given this key.
    oslo.tell(&world);
    let reason = oslo.is_refused(Code::KeyUnknown).await;
    assert!(reason.contains("plenary-directory add"), "{reason}");
    // That of another server, however it was got.
    oslo.credentials = paris.credentials.clone();
    oslo.tell(&world);
    oslo.is_refused(Code::KeyOfAnother).await;
    // The right one, with a secret that was guessed.
    let good = world.invite(OSLO).credentials;
    oslo.credentials = good.clone();
    oslo.credentials.secret = JoinSecret::random().unwrap();
    oslo.tell(&world);
    oslo.is_refused(Code::KeyWrong).await;
    oslo.credentials = good;
    oslo.tell(&world);
    oslo.is_told().await;
    oslo.finds("alice", &["Alice Martin"]).await;
    let events = world.events();
    for code in ["key_unknown", "key_of_another", "key_wrong"] {
        assert!(events.contains(code), "{events}");
    }
    assert!(world.figure(0, "plenary_directory_feeds_refused_total") >= 3.0);
    // No secret is on the disk.
    let database = std::fs::read(world.data(0).join("store/directory.db")).unwrap_or_default();
    let secret = paris.credentials.secret.as_bytes();
    assert!(!database.windows(32).any(|bytes| bytes == secret));
}

async fn a_new_key_takes_the_place_of_the_old_one(world: World) {
    let mut paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    let old = paris.credentials.clone();
    let new = world.invite(PARIS);
    let again = json!({ "add": { "key": new.encode() } });
    assert!(
        world.ask(again.clone()).is_ok(),
        "the same once more changes nothing"
    );
    paris.is_refused(Code::KeyRevoked).await;
    paris.credentials = new.credentials.clone();
    paris.tell(&world);
    let standing = paris.is_told().await;
    assert_eq!(standing.snapshots, 0, "its entries are still there");
    // The old one is of no use to anybody, also given once more.
    let mut old_key = new.clone();
    old_key.credentials = old;
    let used = world.ask(json!({ "add": { "key": old_key.encode() } }));
    assert_eq!(used, Err("key_revoked".into()));
    let junk = world.ask(json!({ "add": { "key": "junk" } }));
    assert_eq!(junk, Err("bad_message".into()));
    let servers = world.ask(json!("servers")).unwrap();
    assert_eq!(servers[0]["server"], PARIS);
    assert_eq!(servers[0]["key"], "good");
    assert_eq!(servers[0]["entries"], 1);
}

async fn a_removed_server_is_found_no_more_and_asks_no_more(world: World) {
    let mut paris = Server::connected(&world, PARIS);
    let oslo = Server::connected(&world, OSLO);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    oslo.is_told().await;
    oslo.finds("alice", &["Alice Martin"]).await;
    world.remove(PARIS);
    let started = std::time::Instant::now();
    oslo.finds("alice", &[]).await;
    assert!(started.elapsed().as_secs() < 5, "within seconds");
    eventually("it may not ask", LONG, async || {
        let refused = paris.ask("alice", "bob").await.err()?;
        matches!(
            refused,
            FindError::Refused {
                code: Code::NotConnected,
                ..
            }
        )
        .then_some(())
    })
    .await;
    paris.is_refused(Code::KeyRevoked).await;
    let again = world.ask(json!({ "remove": { "server": "rome.example.com" } }));
    assert_eq!(again, Err("not_connected".into()));
    // With a new key it is as before.
    paris.credentials = world.invite(PARIS).credentials;
    paris.tell(&world);
    let standing = paris.is_told().await;
    assert_eq!(standing.snapshots, 1);
    oslo.finds("alice", &["Alice Martin"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_from_outside_of_the_enterprise_is_heard() {
    let world = World::sqlite().await;
    let paris = Server::connected(&world, PARIS);
    paris.is_told().await;
    // Another enterprise of the same name has another root.
    let folder = world.folder.path().join("foreign");
    EnterpriseCa::create(&folder, &"Demo".parse().unwrap()).unwrap();
    let stranger = identity(&folder, world.folder.path(), PARIS, 1);
    let finder = Finder::open(stranger, FinderOptions::new(None, world.addresses()));
    let refused = finder.find(&paris.question("alice", "bob")).await;
    let refused = refused.expect_err("it is a stranger");
    assert!(matches!(refused, FindError::Away(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_removed_while_it_says_hello_stays_removed() {
    let Some(world) = World::postgres().await else {
        return;
    };
    let mut paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    paris.feed = None;
    // Somebody removes it by another instance, and is not done yet.
    let mut other = world.database().await;
    let mut removing = other.begin().await.unwrap();
    for sql in [
        "UPDATE keys SET state = 'revoked' WHERE server = 'paris.example.com'",
        "UPDATE servers SET active = 0, feed = feed + 1, version = version + 1 WHERE name = 'paris.example.com'",
    ] {
        sqlx::query(sql).execute(&mut *removing).await.unwrap();
    }
    paris.tell(&world);
    eventually("its hello waits for that", LONG, async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        (world.number(waiting).await > 0).then_some(())
    })
    .await;
    removing.commit().await.unwrap();
    paris.is_refused(Code::KeyRevoked).await;
    let active = "SELECT active FROM servers WHERE name = 'paris.example.com'";
    assert_eq!(world.number(active).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_certificate_was_revoked_asks_no_more() {
    let world = World::sqlite().await;
    let paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    let mut second = Server::new(&world, PARIS, paris.credentials.clone());
    second.identity = world.second_identity(PARIS);
    let options = FinderOptions {
        deadline: std::time::Duration::from_secs(5),
        fresh: std::time::Duration::ZERO,
        ..FinderOptions::new(None, world.addresses())
    };
    second.finder = Finder::open(second.identity.clone(), options);
    second.finds("alice", &["Alice Martin"]).await;
    // That of another server changes nothing here.
    let oslo = Server::connected(&world, OSLO);
    for (teller, counts) in [(&oslo, false), (&paris, true)] {
        let mut list = RevocationList::empty(second.identity.ca().scope().clone());
        list.version = 1;
        list.members.insert((Program::Node, NodeId(2)));
        let signed = paris.identity.sign_revocations(&list).unwrap();
        teller.store.change(|state| state.revocations = Some(signed));
        teller.put("bob", "Bob Martin");
        teller.is_told().await;
        if !counts {
            second.finds("alice", &["Alice Martin"]).await;
            continue;
        }
        eventually("it may not ask any more", LONG, async || {
            match second.ask("eve", "alice").await {
                Err(FindError::Refused { code, .. }) => (code == Code::NotANode).then_some(()),
                Err(FindError::Away(_)) | Ok(_) => None,
            }
        })
        .await;
    }
    paris.finds("bob", &["Bob Martin", "Bob Martin"]).await;
}
