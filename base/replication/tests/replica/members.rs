//! Members come and go; who is far behind gets a copy of the state.

use std::{sync::atomic::Ordering, time::Duration};

use super::cluster::{Cluster, Node, eventually};

fn small_log(options: &mut plenary_replication::Options) {
    options.limits.segment_bytes = 16 << 10;
    options.limits.log_bytes = 64 << 10;
    options.limits.log_tail_bytes = 16 << 10;
    options.limits.cache_bytes = 8 << 10;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_member_gets_a_snapshot_when_the_log_before_it_is_purged() {
    let mut cluster = Cluster::shaped(1, small_log).await;
    let leader = cluster.node(1).replica.clone();
    let text = "x".repeat(1000);
    for number in 0..200 {
        leader.propose(format!("k{number}={text}")).await.unwrap();
    }
    eventually("a purged log", async || {
        let status = leader.status();
        (status.purged > 100 && status.log_bytes < 100 << 10).then_some(())
    })
    .await;

    let node = Node::start(cluster.options(2), None).await.unwrap();
    let member = node.member();
    cluster.nodes.push(Some(node));
    leader.add_learner(2, member).await.unwrap();
    leader.promote(2).await.unwrap();
    leader.propose("last=1").await.unwrap();
    cluster.wait_for_same_state("last", "1").await;
    let new = cluster.node(2);
    assert_eq!(new.app.resets.load(Ordering::SeqCst), 1);
    assert_eq!(new.value("k0").await, Some((text.clone(), 1)));

    // What came by a snapshot is still there after a restart, and the log goes on behind it.
    let address = cluster.stop(2).await;
    cluster.restart(2, address).await;
    leader.propose("last=2").await.unwrap();
    cluster.wait_for_same_state("last", "2").await;
    assert_eq!(cluster.node(2).value("k0").await, Some((text, 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_member_alone_takes_writes_and_has_them_after_a_restart() {
    let mut cluster = Cluster::of(1).await;
    let replica = &cluster.node(1).replica;
    assert_eq!(replica.propose("a=1").await.unwrap().reply, b"1");
    replica.read_index().await.unwrap();
    let address = cluster.stop(1).await;
    cluster.restart(1, address).await;
    let node = cluster.node(1);
    assert_eq!(node.replica.propose("a=2").await.unwrap().reply, b"2");
    assert_eq!(node.value("a").await, Some(("2".into(), 2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_member_is_not_waited_for() {
    let mut cluster = Cluster::shaped(3, |options| options.timing.deadline = Duration::from_secs(2)).await;
    cluster.stop(3).await;
    let leader = cluster.node(1).replica.clone();
    leader.remove(3).await.unwrap();
    cluster.stop(2).await;
    // Two of three are gone, but one of them is no member any more: the other one is still needed.
    leader.remove(2).await.unwrap_err();
}
