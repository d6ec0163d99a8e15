//! Two instances on one PostgreSQL, and a PostgreSQL that ends.

use crate::{
    server::{Server, id},
    world::{LONG, OSLO, PARIS, World},
};
use plenary_directory_client::{Code, Presence};
use plenary_testkit::eventually;
use sqlx::Connection as _;

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_serve_together_and_one_goes_on_alone() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    world.add_instance().await;
    let mut paris = Server::connected(&world, PARIS);
    let mut oslo = Server::new(&world, OSLO, world.invite(OSLO).credentials);
    oslo.tell(&world);
    paris.put("alice", "Alice Martin");
    paris.store.change(|state| {
        state.presence.insert("alice".into(), Presence::Online);
    });
    paris.is_told().await;
    oslo.is_told().await;
    // Whoever knows one instance learns of the other.
    let mut addresses = Vec::new();
    while addresses.len() < 2 {
        paris.tell_at(vec![world.addresses()[0].clone()]);
        addresses = paris.is_told().await.addresses;
    }
    // Each has everything, whichever was told.
    for address in addresses {
        let mut one = Server::new(&world, OSLO, oslo.credentials.clone());
        let options = plenary_directory_client::FinderOptions {
            fresh: std::time::Duration::ZERO,
            deadline: std::time::Duration::from_secs(5),
            ..plenary_directory_client::FinderOptions::new(None, vec![address])
        };
        one.finder = plenary_directory_client::Finder::open(one.identity.clone(), options);
        one.finds("alice", &["Alice Martin"]).await;
        one.sees(&id(PARIS, "alice"), Presence::Online).await;
    }
    world.stop(0).await;
    paris.put("bob", "Bob Martin");
    let standing = paris.is_told().await;
    assert_eq!(standing.snapshots, 0);
    oslo.finds("martin", &["Alice Martin", "Bob Martin"]).await;
    oslo.sees(&id(PARIS, "alice"), Presence::Online).await;
    world.start(0).await;
    world.stop(1).await;
    paris.put("carol", "Carol Martin");
    paris.is_told().await;
    oslo.finds("martin", &["Alice Martin", "Bob Martin", "Carol Martin"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_comes_later_hears_of_presence_without_another_welcome() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let mut paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.tell_at(vec![world.addresses()[0].clone()]);
    paris.is_told().await;
    paris.store.change(|state| {
        state.presence.insert("alice".into(), Presence::InCall);
    });
    let feeds = "SELECT feed FROM servers";
    let before = world.number(feeds).await;
    world.add_instance().await;
    let mut oslo = Server::new(&world, OSLO, world.invite(OSLO).credentials);
    oslo.tell(&world);
    oslo.is_told().await;
    oslo.finder = plenary_directory_client::Finder::open(
        oslo.identity.clone(),
        plenary_directory_client::FinderOptions {
            fresh: std::time::Duration::ZERO,
            deadline: std::time::Duration::from_secs(5),
            ..plenary_directory_client::FinderOptions::new(None, vec![world.addresses()[1].clone()])
        },
    );
    oslo.sees(&id(PARIS, "alice"), Presence::InCall).await;
    let after = world
        .number("SELECT feed FROM servers WHERE name = 'paris.example.com'")
        .await;
    assert_eq!(before, after, "its feed is still the same");
    assert_eq!(paris.standing().addresses.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_the_database_up_is_given_up_and_said() {
    let Some(world) = World::postgres().await else {
        return;
    };
    let paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    paris.finds("alice", &["Alice Martin"]).await;
    let says = async |text: &str| {
        let what = format!("readyz says {text:?}");
        eventually(&what, LONG, async || {
            world.http(0, "/readyz").contains(text).then_some(())
        })
        .await;
    };
    let (not_read, not_written) = ("the database does not answer", "takes nothing new");
    for (lock, said) in [
        ("LOCK TABLE servers IN ACCESS EXCLUSIVE MODE", not_read),
        ("LOCK TABLE instances IN EXCLUSIVE MODE", not_written),
    ] {
        let mut holder = world.database().await;
        let mut held = holder.begin().await.unwrap();
        sqlx::query(lock).execute(&mut *held).await.unwrap();
        says(said).await;
        paris.finds("alice", &["Alice Martin"]).await;
        held.rollback().await.unwrap();
        says(" 200 ").await;
    }
    // Feeds that wait for the disk do not keep the instance from following.
    let mut holder = world.database().await;
    let mut held = holder.begin().await.unwrap();
    sqlx::query("LOCK TABLE staged IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    let many: Vec<Server> = (0..12)
        .map(|n| Server::connected(&world, &format!("s{n}.example.com")))
        .collect();
    for server in &many {
        server.is_refused(Code::Away).await;
        assert!(!world.http(0, "/readyz").contains(not_read));
    }
    held.rollback().await.unwrap();
    for server in &many {
        server.is_told().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_outlives_a_postgresql_that_is_killed() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    paris.finds("alice", &["Alice Martin"]).await;
    let mut told = 0;
    for round in 0..3 {
        for n in 0..20 {
            paris.put(&format!("u{round}-{n}"), &format!("Person {round} {n}"));
        }
        told = told.max(paris.standing().durable.unwrap_or(0));
        world.postgres.as_mut().unwrap().kill().unwrap();
        eventually("it is said", LONG, async || {
            world
                .http(0, "/readyz")
                .contains("the database does not answer")
                .then_some(())
        })
        .await;
        // What was read before is found.
        paris.finds("alice", &["Alice Martin"]).await;
        world.postgres.as_mut().unwrap().start_again().await.unwrap();
        let standing = paris.is_told().await;
        assert_eq!(standing.snapshots, 1, "nothing that was acknowledged is missing");
        assert!(standing.durable >= Some(told));
    }
    paris.finds_first("person 2 19", "Person 2 19").await;
    let overview = paris.finder.overview().await.unwrap();
    assert_eq!(overview.servers.first().map(|server| server.entries), Some(61));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_data_folder_has_one_instance() {
    let mut world = World::sqlite().await;
    world.stop(0).await;
    world.start(0).await;
    let lock = std::fs::File::open(world.data(0).join("store/lock")).unwrap();
    assert!(lock.try_lock().is_err(), "it is held");
}
