//! Who tells for a server: the node that leads, and what it does when it is refused.

use crate::{
    on_both,
    server::{Server, id, person},
    world::{LONG, OSLO, PARIS, World},
};
use plenary_directory::Limits;
use plenary_directory_client::{Code, Names, Place, Source as _};
use plenary_people::Change;
use plenary_testkit::eventually;
use std::time::{Duration, Instant};

on_both!(
    a_leader_that_was_replaced_does_not_take_the_feed_back,
    a_leader_that_was_replaced_is_known_by_its_term_whatever_is_told_now,
    a_server_that_leaves_takes_its_key_along,
    a_server_that_cannot_be_helped_does_not_come_back_at_once,
);

const FEED: &str = "SELECT feed FROM servers WHERE name = 'paris.example.com'";

async fn a_leader_that_was_replaced_does_not_take_the_feed_back(world: World) {
    let old = Server::connected(&world, PARIS);
    old.store.change(|state| state.term = 1);
    old.put("alice", "Alice Martin");
    old.is_told().await;
    let mut new = Server::new(&world, PARIS, old.credentials.clone());
    new.store = old.store.twin();
    new.store.change(|state| state.term = 2);
    new.tell(&world);
    new.is_told().await;
    old.is_refused(Code::Superseded).await;
    let feed = world.number(FEED).await;
    // The old one does not know it yet, and tries again.
    eventually("it is refused at its first word", LONG, async || {
        (world.figure(0, "plenary_directory_feeds_refused_total") >= 2.0).then_some(())
    })
    .await;
    assert_eq!(
        world.number(FEED).await,
        feed,
        "the feed of the new one counts all the time"
    );
    assert!(new.standing().trouble.is_none());
    new.put("bob", "Bob Martin");
    new.is_told().await;
    new.finds("martin", &["Alice Martin", "Bob Martin"]).await;
    // It leads again, and begins at once.
    old.store.change(|state| {
        state.term = 3;
        state.position = new.store.state().position;
    });
    old.is_told().await;
    new.is_refused(Code::Superseded).await;
}

async fn a_leader_that_was_replaced_is_known_by_its_term_whatever_is_told_now(world: World) {
    let old = Server::connected(&world, PARIS);
    old.store.change(|state| {
        (state.term, state.store) = (1, Some([5; 16]));
    });
    old.put("alice", "Alice Martin");
    old.is_told().await;
    let mut new = Server::new(&world, PARIS, old.credentials.clone());
    new.store = old.store.twin();
    // An administrator changed what is shown, which the old one has not heard.
    new.store.change(|state| {
        (state.term, state.incarnation) = (2, [6; 16]);
        state.entries.clear();
    });
    new.put("bob", "Bob Martin");
    new.tell(&world);
    new.is_told().await;
    old.is_refused(Code::Superseded).await;
    eventually("it is refused at its first word", LONG, async || {
        (world.figure(0, "plenary_directory_feeds_refused_total") >= 1.0).then_some(())
    })
    .await;
    assert!(new.standing().trouble.is_none());
    new.finds("martin", &["Bob Martin"]).await;
}

async fn a_server_that_leaves_takes_its_key_along(world: World) {
    let mut paris = Server::connected(&world, PARIS);
    let oslo = Server::connected(&world, OSLO);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    oslo.finds("martin", &["Alice Martin"]).await;
    paris.store.change(|state| {
        (state.incarnation, state.leaves) = ([6; 16], true);
        state.entries.clear();
        state.position += 1;
    });
    paris.tell(&world);
    let mut standing = paris.feed.as_ref().unwrap().standing();
    let position = paris.store.state().position;
    let told = standing.wait_for(|now| now.durable >= Some(position));
    tokio::time::timeout(LONG, told).await.unwrap().unwrap();
    oslo.finds("martin", &[]).await;
    assert_eq!(
        world
            .number("SELECT count(*) FROM keys WHERE server = 'paris.example.com' AND state = 'good'")
            .await,
        0
    );
    assert!(world.events().contains("server_left"), "{}", world.events());
    // Nobody comes by that key any more, as the leader that was replaced.
    paris
        .store
        .change(|state| (state.incarnation, state.leaves) = ([7; 16], false));
    paris.tell(&world);
    paris.is_refused(Code::KeyRevoked).await;
    let names = oslo.finder.names(&Names::default()).await.unwrap();
    assert_eq!(names.servers, [OSLO]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_of_what_the_hello_said() {
    let world = World::sqlite().await;
    let mut paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    paris.feed = None;
    // The store shows nobody any more, and the node that tells has not heard of it yet.
    let before = paris.store.place();
    paris.store.change(|state| {
        state.incarnation = [6; 16];
        state.entries.clear();
        state.position += 1;
        state.knows = Some(Place {
            position: state.position,
            ..before
        });
    });
    paris.tell(&world);
    eventually("it tells nothing", LONG, async || {
        let trouble = paris.standing().trouble?;
        trouble
            .reason
            .contains("something else is told now")
            .then_some(())
    })
    .await;
    assert!(paris.standing().durable <= Some(before.position));
    paris.finds("martin", &["Alice Martin"]).await;
    paris.store.change(|state| state.knows = None);
    paris.is_told().await;
    paris.finds("martin", &[]).await;
}

async fn a_server_that_cannot_be_helped_does_not_come_back_at_once(mut world: World) {
    world
        .limit(Limits {
            entries: 100,
            ..Limits::default()
        })
        .await;
    let credentials = world.invite(PARIS).credentials;
    let mut paris = Server::new(&world, PARIS, credentials);
    let people = |range: std::ops::Range<u32>| {
        range.map(|n| Change::put(person(PARIS, &format!("u{n:05}"), "Somebody")))
    };
    paris.store.commit(people(0..20_000));
    paris.tell(&world);
    // It is in the middle of sending when it is refused, and hears why all the same.
    for _ in 0..2 {
        let reason = paris.is_refused(Code::TooManyEntries).await;
        assert!(reason.contains("more than 100"), "{reason}");
        let (feed, refused) = (world.number(FEED).await, Instant::now());
        eventually("it tries again", LONG, async || {
            (world.number(FEED).await > feed).then_some(())
        })
        .await;
        assert!(
            refused.elapsed() >= Duration::from_millis(700),
            "{:?}",
            refused.elapsed()
        );
        paris.is_refused(Code::TooManyEntries).await;
    }
    // Most of them go: that is told without waiting for long.
    paris.store.change(|state| {
        state.position += 1;
        let kept = state.entries.iter().take(50);
        state.entries = kept.map(|(id, entry)| (id.clone(), entry.clone())).collect();
    });
    paris.is_told().await;
    paris.finds_first("somebody", "Somebody").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cannot_be_told_does_not_keep_the_others_from_being_found() {
    let world = World::sqlite().await;
    let mut paris = Server::connected(&world, PARIS);
    let bad = || {
        let mut bad = person(PARIS, "bad", "Bad Martin");
        bad.job_title = "x".repeat(300);
        Change::put(bad)
    };
    paris.put("alice", "Alice Martin");
    paris.store.commit([bad()]);
    paris.put("bob", "Bob \u{202e}Martin");
    let standing = paris.is_told().await;
    paris.finds("martin", &["Alice Martin", "Bob Martin"]).await;
    assert!(standing.left_out >= 1);
    assert!(standing.left_out_last.unwrap().contains("bad@paris.example.com"));
    // One that was good before is not found as it was.
    paris.put("bad", "Good Martin");
    paris.finds("good", &["Good Martin"]).await;
    paris.store.commit([bad()]);
    paris.is_told().await;
    paris.finds("good", &[]).await;
    // And as a snapshot.
    paris.feed = None;
    paris.store.change(|state| state.incarnation = [9; 16]);
    paris.tell(&world);
    let standing = paris.is_told().await;
    assert_eq!((standing.snapshots, standing.left_out), (1, 1));
    paris.finds("martin", &["Alice Martin", "Bob Martin"]).await;
    paris.store.commit([Change::Remove(id(PARIS, "bob"))]);
    paris.is_told().await;
    paris.finds("martin", &["Alice Martin"]).await;
}
