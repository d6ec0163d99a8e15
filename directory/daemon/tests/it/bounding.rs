//! What a server may tell has bounds, and costs it something.

use crate::{
    on_both,
    refusing::{batch, end, feed, hello},
    server::{Server, id, person},
    world::{LONG, PARIS, World},
};
use plenary_contracts::directory::v1::{self as pb, Hello, from_server::What};
use plenary_directory::Limits;
use plenary_directory_client::{Code, wire};
use plenary_people::{Change, Entry};
use plenary_testkit::eventually;
use std::time::{Duration, Instant};

on_both!(
    what_was_never_there_leaves_no_row_behind,
    a_server_with_too_much_can_have_less,
    a_server_has_no_more_bytes_than_it_may,
);

const GONE: &str = "SELECT count(*) FROM entries WHERE body = ''";

/// About 16 KB.
fn large(user: &str) -> Entry {
    let mut entry = person(PARIS, user, "Somebody Large");
    entry.groups = (0..250).map(|n| format!("{n:064}")).collect();
    entry
}

async fn what_was_never_there_leaves_no_row_behind(world: World) {
    let paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    for n in 0..3 {
        paris
            .store
            .commit((0..400).map(|m| Change::Remove(id(PARIS, &format!("nobody-{n}-{m}")))));
    }
    paris.is_told().await;
    assert_eq!(world.number(GONE).await, 0);
    paris.store.commit([Change::Remove(id(PARIS, "alice"))]);
    paris.store.commit([Change::Remove(id(PARIS, "alice"))]);
    paris.is_told().await;
    assert_eq!(world.number(GONE).await, 1);
    paris.finds("alice", &[]).await;
}

async fn a_server_with_too_much_can_have_less(mut world: World) {
    let paris = Server::connected(&world, PARIS);
    for user in ["a1", "a2", "a3", "a4"] {
        paris.put(user, "Alice");
    }
    paris.is_told().await;
    world
        .limit(Limits {
            entries: 2,
            ..Limits::default()
        })
        .await;
    paris.store.commit([Change::Remove(id(PARIS, "a1"))]);
    paris.is_told().await;
    paris.put("a2", "Alice Two");
    paris.is_told().await;
    paris.finds("alice", &["Alice", "Alice", "Alice Two"]).await;
    paris.put("a5", "Alice Five");
    paris.is_refused(Code::TooManyEntries).await;
}

async fn a_server_has_no_more_bytes_than_it_may(mut world: World) {
    world
        .limit(Limits {
            megabytes: 1,
            ..Limits::default()
        })
        .await;
    let mut paris = Server::connected(&world, PARIS);
    paris
        .store
        .commit((0..40).map(|n| Change::put(large(&format!("u{n}")))));
    paris.is_told().await;
    paris
        .store
        .commit((30..40).map(|n| Change::put(person(PARIS, &format!("u{n}"), "Somebody Ü"))));
    paris
        .store
        .commit((0..5).map(|n| Change::Remove(id(PARIS, &format!("u{n}")))));
    paris.is_told().await;
    let kept = "SELECT CAST(bytes AS BIGINT) FROM servers";
    let all = "SELECT CAST(SUM(octet_length(body)) AS BIGINT) FROM entries";
    assert_eq!(world.number(kept).await, world.number(all).await);
    // As a snapshot it is counted alike.
    paris.feed = None;
    paris.store.change(|state| state.incarnation = [9; 16]);
    paris.tell(&world);
    assert_eq!(paris.is_told().await.snapshots, 1);
    assert_eq!(world.number(kept).await, world.number(all).await);
    paris
        .store
        .commit((100..180).map(|n| Change::put(large(&format!("u{n}")))));
    let reason = paris.is_refused(Code::TooManyEntries).await;
    assert!(
        reason.contains("1 MB") && reason.contains("limits.megabytes"),
        "{reason}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn large_entries_are_told_in_messages_that_are_small_enough() {
    let world = World::sqlite().await;
    let mut paris = Server::connected(&world, PARIS);
    paris
        .store
        .commit((0..400).map(|n| Change::put(large(&format!("u{n}")))));
    paris.is_told().await;
    paris.feed = None;
    paris.store.change(|state| state.incarnation = [9; 16]);
    paris.tell(&world);
    assert_eq!(paris.is_told().await.snapshots, 1);
    assert_eq!(world.number("SELECT count(*) FROM entries").await, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_said_costs_and_is_said_again_in_short() {
    let mut world = World::sqlite().await;
    world
        .limit(Limits {
            changes_per_second: 100,
            ..Limits::default()
        })
        .await;
    let paris = Server::new(&world, PARIS, world.invite(PARIS).credentials);
    // Batches of nothing, snapshots of nothing.
    let mut words = vec![What::Hello(hello(&paris)), end()];
    words.extend((1..10).map(|n| batch(n, n + 1, Vec::new())));
    let started = Instant::now();
    words.push(What::Hello(hello(&paris)));
    let told = feed(&world, &paris, words).await;
    assert_eq!(told.durable.len(), 10);
    assert!(
        started.elapsed() >= Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    // What is removed has a name.
    let what = Some(pb::change::What::Removed(wire::id_to(&id(
        PARIS,
        &"x".repeat(65),
    ))));
    let words = vec![
        What::Hello(Hello {
            position: 10,
            ..hello(&paris)
        }),
        batch(10, 11, vec![pb::Change { what }]),
    ];
    assert_eq!(feed(&world, &paris, words).await.code, "bad_entry");
    // Long words come back short, and whoever is refused each time waits.
    let long = || Hello {
        server: "x\n".repeat(1 << 20),
        ..hello(&paris)
    };
    let refused = feed(&world, &paris, vec![What::Hello(long())]).await;
    assert_eq!(refused.code, "other_server");
    assert!(refused.reason.len() < 500 && !refused.reason.contains('\n'));
    let mut codes = Vec::new();
    for _ in 0..120 {
        let old = Hello {
            version: 9,
            ..hello(&paris)
        };
        codes.push(feed(&world, &paris, vec![What::Hello(old)]).await.code);
    }
    assert!(codes.contains(&"slow_down".to_owned()), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_snapshot_go_with_the_feed_that_told_them() {
    let world = World::sqlite().await;
    let paris = Server::new(&world, PARIS, world.invite(PARIS).credentials);
    let part = pb::SnapshotPart {
        entries: vec![wire::entry_to(person(PARIS, "alice", "Alice"))],
    };
    let words = vec![
        What::Hello(hello(&paris)),
        What::Part(part),
        What::Hello(hello(&paris)),
    ];
    assert_eq!(feed(&world, &paris, words).await.code, "bad_message");
    eventually("nothing is left", LONG, async || {
        (world.number("SELECT count(*) FROM staged").await == 0).then_some(())
    })
    .await;
}
