//! Load: figures of the hot paths beside a named peer in the same run, as ratios; and what a node costs idle.
//!
//! `replication` starts three processes of ours and three of etcd on the same disk and lets the same client ask
//! them in turns. `leases` has License Managers grant seats beside etcd's leases. `sfu` lets the same clients publish and
//! watch by ours and by Janus. `border` lets media pass a Border Controller and coturn, `border-web` TLS pass it, HAProxy and nginx. `crowd` has thousands join one conference. What exactly is compared stands in `docs/performance.md`.

#![allow(clippy::print_stdout)] // Printing is what this program is for.

mod border;
mod border_web;
mod client;
mod crowd;
mod etcd;
mod figures;
mod leases;
mod machine;
mod node_figures;
mod ours;
mod processes;
mod quickstart;
mod replication;
mod sfu;

/// etcd's messages, as far as the benchmark speaks them.
#[allow(clippy::all, clippy::too_many_lines, unreachable_pub)]
mod kv {
    tonic::include_proto!("etcdserverpb");
}

use anyhow::bail;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// Measure the hot paths of Plenary beside a named peer
#[derive(Parser)]
#[command(name = "plenary-load", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Proposals a second and their latency, three nodes, beside a three-node etcd
    Replication(replication::Replication),
    /// Seats granted a second and their latency, three License Managers, beside leases of a three-node etcd
    Leases(leases::Leases),
    /// Start time, idle memory and size of plenary-node
    NodeFigures(node_figures::NodeFigures),
    /// Forwarding media: processor time a packet, latency, memory, beside Janus and the machine's limit
    Sfu(sfu::Sfu),
    /// Media through a Border Controller: processor time a packet, latency, memory, beside coturn
    Border(border::Border),
    /// TLS through a Border Controller: connections, bytes, latency, memory, beside HAProxy and nginx
    BorderWeb(border_web::BorderWeb),
    /// Thousands join one conference: how long it takes, what it costs, and how soon all hear of a change
    Crowd(crowd::Crowd),
    /// People come and go; then memory and open files are what they were
    Soak(sfu::Soak),
    /// One replica of the benchmark; started by it
    #[command(hide = true)]
    Node(ours::Host),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let work = async {
        match Cli::parse().command {
            Command::Replication(bench) => bench.run().await,
            Command::Leases(bench) => bench.run().await,
            Command::NodeFigures(figures) => figures.run().await,
            Command::Sfu(bench) => bench.run().await,
            Command::Border(bench) => bench.run().await,
            Command::BorderWeb(bench) => bench.run().await,
            Command::Crowd(crowd) => crowd.run().await,
            Command::Soak(soak) => soak.run().await,
            Command::Node(host) => host.run().await,
        }
    };
    // What was started is stopped when `work` is dropped.
    tokio::select! {
        done = work => done,
        _ = terminate.recv() => bail!("told to end"),
        _ = interrupt.recv() => bail!("interrupted"),
    }
}
