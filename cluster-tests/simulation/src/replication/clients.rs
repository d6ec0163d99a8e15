//! Those who use the server: clients that write, readers that must not see the past, a steward who
//! changes the members.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use plenary_replication::{Member, ProposeError, Replica};
use rand::{RngExt, rngs::StdRng};
use rusqlite::OptionalExtension;

use super::{
    app::{Ledger, command},
    oracle::Acknowledged,
    world::World,
};

/// Between two tries when no node is there.
const PAUSE: Duration = Duration::from_millis(50);

/// Writes until the run ends; what has no outcome is tried again as something new.
pub(crate) async fn write(world: Arc<World>, mut rng: StdRng) {
    while !world.is_over() {
        let Some((node, replica)) = world.any_running(&mut rng) else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let count = if rng.random_bool(0.2) {
            rng.random_range(2..=8)
        } else {
            1
        };
        let proposals = (0..count).map(|_| {
            let filling = if rng.random_bool(0.05) {
                rng.random_range(1000..3000)
            } else {
                rng.random_range(0..100)
            };
            propose(&world, node, &replica, filling)
        });
        join_all(proposals).await;
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..80))).await;
    }
}

/// `true` if it was acknowledged.
pub(crate) async fn propose(world: &World, node: u64, replica: &Replica<Ledger>, filling: usize) -> bool {
    let attempt = world.next_attempt();
    match replica.propose(command(attempt, filling)).await {
        Ok(committed) => {
            world.oracle.acknowledged(node, attempt, committed.index);
            if committed.reply != attempt.to_le_bytes() {
                world
                    .oracle
                    .violate(format!("proposal {attempt} got the reply to another one"));
            }
            true
        }
        Err(ProposeError::Timeout { .. } | ProposeError::Stopped | ProposeError::Busy) => false,
        Err(error) => {
            world
                .oracle
                .violate(format!("proposal {attempt} on node {node}: {error}"));
            false
        }
    }
}

/// Reads until the run ends, on any node, after a fresh read index.
pub(crate) async fn read(world: Arc<World>, mut rng: StdRng) {
    while !world.is_over() {
        if let Some((node, replica)) = world.any_running(&mut rng) {
            let newest = world.oracle.newest();
            if let Ok(index) = replica.read_index().await {
                check(&world, node, &replica, newest, index).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..100))).await;
    }
}

async fn check(world: &World, node: u64, replica: &Replica<Ledger>, newest: Acknowledged, index: u64) {
    let Acknowledged { index: due, attempt } = newest;
    world.oracle.count(|figures| figures.reads += 1);
    world.journal.say(format!(
        "node {node} reads at entry {index} or later, {due} is due"
    ));
    if index < due || replica.applied() < due {
        world.oracle.violate(format!(
            "a fresh read on node {node} is of entry {index}, but entry {due} was acknowledged before"
        ));
    }
    let found = replica.read(move |database| {
        database
            .query_row(
                "SELECT log_index FROM attempt WHERE id = ?1",
                [attempt.cast_signed()],
                |row| row.get::<_, i64>(0),
            )
            .optional()
    });
    if let Ok(Ok(None)) = found.await
        && attempt > 0
    {
        world.oracle.violate(format!(
            "a fresh read on node {node} does not see proposal {attempt}, acknowledged at entry {due}"
        ));
    }
}

/// The node that believes that it leads, if any.
fn leader(world: &World) -> Option<Replica<Ledger>> {
    let leading = |(_, replica): &(u64, Replica<Ledger>)| replica.leads();
    world
        .running()
        .into_iter()
        .find(leading)
        .map(|(_, replica)| replica)
}

/// Adds a node as a voter, trying until it works or the faults end.
pub(crate) async fn join(world: &Arc<World>, node: u64) -> bool {
    while !world.is_over() {
        if let Some(leader) = leader(world) {
            let member = Member {
                name: format!("node {node}"),
                address: String::new(),
            };
            let known = leader.status().members.get(&node).map(|member| member.voter);
            let result = match known {
                Some(true) => return true,
                Some(false) => leader.promote(node).await,
                None => leader.add_learner(node, member).await,
            };
            if result.is_ok() {
                world.oracle.count(|figures| figures.changes += 1);
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// Exchanges nodes now and then.
pub(crate) async fn change_members(world: Arc<World>, mut rng: StdRng) {
    loop {
        tokio::time::sleep(Duration::from_millis(rng.random_range(300..2500))).await;
        if world.is_over() {
            return;
        }
        let new = world.add_node().await;
        world.journal.say(format!("node {new} is to join"));
        if !join(&world, new).await {
            return;
        }
        let Some(leader) = leader(&world) else { continue };
        let voters: Vec<u64> = leader
            .status()
            .members
            .iter()
            .filter(|(id, member)| member.voter && **id != new)
            .map(|(id, _)| *id)
            .collect();
        if voters.len() < 3 || world.is_over() {
            continue;
        }
        let old = voters[rng.random_range(0..voters.len())];
        world.journal.say(format!("node {old} is to go"));
        if leader.remove(old).await.is_ok() {
            world.oracle.count(|figures| figures.changes += 1);
        }
    }
}
