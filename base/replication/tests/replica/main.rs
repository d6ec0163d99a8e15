//! Behaviour of real replicas: proposing, leader loss, restart, fresh reads.
#![allow(clippy::unwrap_used)] // tests

mod cluster;
mod disk;
mod links;
mod members;
mod restore;

use std::time::{Duration, Instant};

use cluster::Cluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_takes_proposals_and_all_hold_them() {
    let cluster = Cluster::of(3).await;
    for id in 1..=3 {
        let committed = cluster
            .node(id)
            .replica
            .propose(format!("from={id}"))
            .await
            .unwrap();
        assert_eq!(committed.reply, id.to_string().into_bytes());
    }
    cluster.wait_for_same_state("from", "3").await;
    for node in cluster.running() {
        let told = node.app.told.lock().unwrap();
        assert_eq!(told.iter().filter(|(_, name)| name == "from").count(), 3);
        assert!(told.is_sorted_by_key(|(index, _)| *index));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_proposals_at_once_share_entries() {
    let cluster = Cluster::of(3).await;
    let before = cluster.node(1).replica.applied();
    let mut proposals = Vec::new();
    for number in 0..300 {
        let replica = cluster.node(number % 3 + 1).replica.clone();
        proposals.push(tokio::spawn(async move {
            replica.propose(format!("k{number}=x")).await.unwrap()
        }));
    }
    for proposal in proposals {
        assert_eq!(proposal.await.unwrap().reply, b"1");
    }
    let entries = cluster.node(1).replica.applied() - before;
    assert!(entries < 250, "{entries} entries for 300 proposals");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_succeed_again_soon_after_the_leader_is_lost() {
    let mut cluster = Cluster::of(3).await;
    cluster.node(1).replica.propose("a=1").await.unwrap();
    let leader = cluster.wait_for_leader().await;
    let address = cluster.stop(leader).await;
    let lost = Instant::now();
    let survivor = cluster.running().next().unwrap();
    survivor.replica.propose("a=2").await.unwrap();
    let took = lost.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    println!("writes again after {took:?}");
    cluster.restart(leader, address).await;
    cluster.wait_for_same_state("a", "2").await;
    assert_eq!(cluster.node(leader).value("a").await.unwrap().1, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_acknowledged_survives_a_restart_of_all() {
    let mut cluster = Cluster::of(3).await;
    for number in 0..50 {
        cluster
            .node(number % 3 + 1)
            .replica
            .propose(format!("k{number}=v{number}"))
            .await
            .unwrap();
    }
    let mut addresses = Vec::new();
    for id in 1..=3 {
        addresses.push(cluster.stop(id).await);
    }
    for (id, address) in (1..).zip(addresses) {
        cluster.restart(id, address).await;
    }
    cluster.wait_for_leader().await;
    for number in 0..50 {
        let node = cluster.node(number % 3 + 1);
        node.replica.read_index().await.unwrap();
        assert_eq!(
            node.value(&format!("k{number}")).await,
            Some((format!("v{number}"), 1))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_read_on_any_node_sees_what_was_acknowledged_on_another() {
    let cluster = Cluster::of(3).await;
    for number in 0_u64..60 {
        let (writer, reader) = (cluster.node(number % 3 + 1), cluster.node((number + 1) % 3 + 1));
        let committed = writer.replica.propose(format!("n={number}")).await.unwrap();
        let index = reader.replica.read_index().await.unwrap();
        assert!(index >= committed.index);
        assert_eq!(reader.value("n").await.unwrap().0, number.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_majority_answers_no_fresh_read_and_takes_no_write() {
    let mut cluster =
        Cluster::shaped(3, |options| options.timing.deadline = Duration::from_millis(800)).await;
    cluster.stop(2).await;
    cluster.stop(3).await;
    let alone = &cluster.node(1).replica;
    alone.read_index().await.unwrap_err();
    alone.propose("a=1").await.unwrap_err();
}
