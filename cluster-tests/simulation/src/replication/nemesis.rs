//! Makes things go wrong, at moments and in ways that follow from the seed.

use std::{sync::Arc, time::Duration};

use rand::{RngExt, rngs::StdRng};
use tokio::time::Instant;

use super::{
    disk::{Crash, Trap},
    network::Weather,
    world::World,
};

/// What a run is about; a mixture of everything would meet the rare cases too seldom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Mixed,
    /// Short cuts and crashes just when votes are written.
    Elections,
    /// Long absences and a short log.
    Snapshots,
    /// Everybody loses power.
    Blackouts,
}

impl Theme {
    pub(crate) fn choose(rng: &mut StdRng) -> Self {
        match rng.random_range(0..10) {
            0..=3 => Self::Mixed,
            4..=5 => Self::Elections,
            6..=7 => Self::Snapshots,
            _ => Self::Blackouts,
        }
    }
}

fn ms(rng: &mut StdRng, from: u64, to: u64) -> Duration {
    Duration::from_millis(rng.random_range(from..=to))
}

/// A pause before a node is started again.
fn absence(rng: &mut StdRng, theme: Theme) -> Duration {
    match (theme, rng.random_range(0..3)) {
        (Theme::Snapshots, _) => ms(rng, 800, 3000),
        (_, 0) => ms(rng, 0, 20),
        (_, 1) => ms(rng, 50, 500),
        _ => ms(rng, 500, 2500),
    }
}

/// Until `end`.
pub(crate) async fn rage(world: Arc<World>, theme: Theme, end: Instant, mut rng: StdRng) {
    let rng = &mut rng;
    while Instant::now() < end && world.oracle.violation().is_none() {
        let pause = match theme {
            Theme::Elections => ms(rng, 10, 250),
            Theme::Mixed | Theme::Snapshots | Theme::Blackouts => ms(rng, 20, 700),
        };
        tokio::time::sleep(pause).await;
        let Some(node) = world.any_node(rng) else { continue };
        match (theme, rng.random_range(0..100)) {
            (Theme::Elections, 0..40) => elections(&world, rng).await,
            (Theme::Blackouts, 0..40) => blackout(&world, rng),
            (Theme::Snapshots, 0..50) => {
                let pause = absence(rng, theme);
                if rng.random_bool(0.5) {
                    world.crash(node, Crash::Power, pause);
                } else {
                    isolate(&world, node, pause).await;
                }
            }
            (_, 0..25) => {
                let crash = if rng.random_bool(0.7) {
                    Crash::Power
                } else {
                    Crash::Process
                };
                world.crash(node, crash, absence(rng, theme));
            }
            (_, 25..45) => trap(&world, node, rng),
            (_, 45..65) => partition(&world, rng).await,
            (_, 65..80) => weather(&world, rng),
            (_, 80..85) => slow_disk(&world, node, rng),
            (_, 85..92) => {
                let off = rng.random_range(-25_000..=25_000);
                world
                    .journal
                    .say(format!("the clock of node {node} is {off} ms off"));
                world.set_clock(node, off);
            }
            _ => hand_over(&world, node, rng).await,
        }
    }
}

fn trap(world: &World, node: u64, rng: &mut StdRng) {
    let kind = match rng.random_range(0..5) {
        0..2 => Trap::CrashBefore,
        2..4 => Trap::CrashAfter,
        _ => Trap::Fail,
    };
    let skipped = rng.random_range(0..20);
    world
        .journal
        .say(format!("node {node} will meet {kind:?} after {skipped} syncs"));
    world.arm(node, skipped, kind);
}

fn blackout(world: &Arc<World>, rng: &mut StdRng) {
    world.journal.say("everybody loses power");
    for node in world.node_ids() {
        let pause = absence(rng, Theme::Blackouts);
        world.crash(node, Crash::Power, pause);
    }
}

/// The leader is lost, votes are late and doubled, and whoever writes something down crashes right after.
async fn elections(world: &Arc<World>, rng: &mut StdRng) {
    let weather = Weather {
        lost: 0.02,
        doubled: 0.5,
        late: 0.3,
        broken: 0.0,
    };
    world.net.set_weather(weather);
    for node in world.node_ids() {
        if rng.random_bool(0.6) {
            world.set_restart(node, ms(rng, 0, 30));
            world.arm(node, rng.random_range(0..3), Trap::CrashAfter);
        }
    }
    let leader = world.leader();
    if let Some(leader) = leader {
        isolate(world, leader, ms(rng, 100, 700)).await;
    }
    world.net.set_weather(Weather::default());
}

async fn isolate(world: &World, node: u64, time: Duration) {
    world
        .journal
        .say(format!("node {node} is cut off for {} ms", time.as_millis()));
    world.oracle.count(|figures| figures.partitions += 1);
    let others: Vec<u64> = world.node_ids().into_iter().filter(|id| *id != node).collect();
    world
        .net
        .block(others.iter().flat_map(|other| [(node, *other), (*other, node)]));
    tokio::time::sleep(time).await;
    world.net.heal();
}

async fn partition(world: &World, rng: &mut StdRng) {
    let time = ms(rng, 50, 2500);
    let nodes = world.node_ids();
    let left: Vec<bool> = nodes.iter().map(|_| rng.random_bool(0.5)).collect();
    let one_way = rng.random_bool(0.3);
    let sides: Vec<(u64, bool)> = nodes.into_iter().zip(left).collect();
    world.journal.say(format!(
        "the network is cut {}for {} ms: {sides:?}",
        if one_way { "one way " } else { "" },
        time.as_millis()
    ));
    world.oracle.count(|figures| figures.partitions += 1);
    let cut = |(a, left): &(u64, bool), (b, right): &(u64, bool)| {
        (left != right && (!one_way || *left)).then_some((*a, *b))
    };
    let pairs: Vec<(u64, u64)> = sides
        .iter()
        .flat_map(|a| sides.iter().filter_map(move |b| cut(a, b)))
        .collect();
    world.net.block(pairs);
    tokio::time::sleep(time).await;
    world.net.heal();
}

fn weather(world: &World, rng: &mut StdRng) {
    let weather = if rng.random_bool(0.3) {
        Weather::default()
    } else {
        Weather {
            lost: rng.random_range(0.0..0.3),
            doubled: rng.random_range(0.0..0.3),
            late: rng.random_range(0.0..0.2),
            broken: rng.random_range(0.0..0.05),
        }
    };
    world.journal.say(format!("the network: {weather:.2?}"));
    world.net.set_weather(weather);
}

fn slow_disk(world: &World, node: u64, rng: &mut StdRng) {
    let max = ms(rng, 5, 60);
    world
        .journal
        .say(format!("syncs of node {node} take up to {} ms", max.as_millis()));
    world.set_sync_times(node, max / 4, max);
}

async fn hand_over(world: &World, to: u64, rng: &mut StdRng) {
    let Some((_, replica)) = world.any_running(rng) else {
        return;
    };
    let handing = replica.transfer_leader(to);
    if tokio::time::timeout(Duration::from_millis(500), handing)
        .await
        .is_ok_and(|result| result.is_ok())
    {
        world.journal.say(format!("leadership was handed to node {to}"));
    }
}
