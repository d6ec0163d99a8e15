//! A database that is not as it was: restored, damaged, or read for long.

use crate::{
    on_both,
    server::{Server, id, person},
    world::{LONG, OSLO, PARIS, World},
};
use plenary_directory_client::FindError;
use plenary_people::Change;
use plenary_testkit::eventually;
use sqlx::Connection as _;

on_both!(
    a_database_that_was_restored_is_read_anew,
    a_row_that_cannot_be_read_hides_no_others,
);

async fn carry_out(world: &World, statements: &[&'static str]) {
    let mut database = world.database().await;
    let mut transaction = database.begin().await.unwrap();
    for sql in statements {
        sqlx::query(*sql).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    database.close().await.unwrap();
}

async fn a_database_that_was_restored_is_read_anew(world: World) {
    let mut paris = Server::connected(&world, PARIS);
    let oslo = Server::connected(&world, OSLO);
    oslo.is_told().await;
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    carry_out(
        &world,
        &[
            "CREATE TABLE kept_servers AS SELECT * FROM servers",
            "CREATE TABLE kept_entries AS SELECT * FROM entries",
        ],
    )
    .await;
    paris.put("bob", "Bob Martin");
    paris.store.commit([Change::Remove(id(PARIS, "alice"))]);
    let mut rome = Server::connected(&world, "rome.example.com");
    rome.put("carol", "Carol Martin");
    rome.is_told().await;
    paris.is_told().await;
    oslo.finds("martin", &["Bob Martin", "Carol Martin"]).await;
    paris.feed = None;
    rome.feed = None;
    carry_out(
        &world,
        &[
            "DELETE FROM entries",
            "DELETE FROM servers",
            "INSERT INTO servers SELECT * FROM kept_servers",
            "INSERT INTO entries SELECT * FROM kept_entries",
        ],
    )
    .await;
    // Rome came after the copy was made: it is not there any more.
    oslo.finds("martin", &["Alice Martin"]).await;
    assert_eq!(oslo.finder.overview().await.unwrap().servers.len(), 2);
    // Both tell what is missing.
    paris.tell(&world);
    assert_eq!(paris.is_told().await.snapshots, 0);
    rome.tell(&world);
    assert_eq!(rome.is_told().await.snapshots, 1);
    oslo.finds("martin", &["Bob Martin", "Carol Martin"]).await;
    // A feed that goes on all the time goes on.
    carry_out(&world, &["UPDATE servers SET feed = 1, version = version + 1"]).await;
    paris.put("dave", "Dave Martin");
    paris.is_told().await;
    oslo.finds("dave", &["Dave Martin"]).await;
}

async fn a_row_that_cannot_be_read_hides_no_others(mut world: World) {
    let paris = Server::connected(&world, PARIS);
    for user in ["alice", "bob", "carol"] {
        paris.put(user, &format!("{user} Martin"));
    }
    paris.is_told().await;
    carry_out(
        &world,
        &[
            "UPDATE entries SET body = '{' WHERE id = 'user bob'",
            "INSERT INTO servers (name, active, feed, incarnation, position, version, floor, entries, share, changed_ms) \
             VALUES ('not a name', 1, 1, '', 0, 1, 1, 0, '{}', 0)",
        ],
    )
    .await;
    world.stop(0).await;
    world.start(0).await;
    paris.is_told().await;
    paris.finds("martin", &["alice Martin", "carol Martin"]).await;
    assert!(world.figure(0, "plenary_directory_entries_unreadable_total") >= 1.0);
    paris.put("bob", "bob Martin");
    paris
        .finds("martin", &["alice Martin", "bob Martin", "carol Martin"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_reads_still_says_so_and_how_far_it_is() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let paris = Server::connected(&world, PARIS);
    paris
        .store
        .commit((0..3_000).map(|n| Change::put(person(PARIS, &format!("u{n}"), "Somebody"))));
    paris.is_told().await;
    world.stop(0).await;
    let mut holder = world.database().await;
    let mut held = holder.begin().await.unwrap();
    sqlx::query("LOCK TABLE entries IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    world.start_reading(0).await;
    eventually("it says that it reads", LONG, async || {
        let text = world.http(0, "/readyz");
        text.contains("entries are being read: 0 of 3000").then_some(())
    })
    .await;
    let refused = eventually("it answers nobody", LONG, async || {
        match paris.ask("bob", "somebody").await {
            Err(FindError::Away(reason)) if reason.contains("has read") => Some(reason),
            _ => None,
        }
    })
    .await;
    assert!(refused.contains("0 of 3000 entries"), "{refused}");
    held.rollback().await.unwrap();
    paris.finds_first("somebody", "Somebody").await;
    assert!(world.http(0, "/readyz").contains(" 200 "));
}
