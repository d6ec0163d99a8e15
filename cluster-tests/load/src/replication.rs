//! The benchmark of the replicated log.

use crate::{
    client::{self, Load, Measured},
    etcd,
    figures::{self, Case},
    ours,
    processes::Cluster,
};
use anyhow::Context as _;
use std::{path::PathBuf, time::Duration};

#[derive(clap::Args)]
pub(crate) struct Replication {
    /// Print one line of JSON for each figure
    #[arg(long)]
    json: bool,
    /// Rounds; ours and the peer's take turns, and take turns in being first
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Numbers of clients that wait for their answer before asking again
    #[arg(long, value_delimiter = ',', default_values_t = [1usize, 64, 256])]
    clients: Vec<usize>,
    /// Size of each value
    #[arg(long, default_value_t = 1024)]
    bytes: usize,
    /// Folder on the disk to measure; both write there. Not in memory, or flushing costs nothing
    #[arg(long, default_value = "/var/tmp")]
    folder: PathBuf,
    /// Leave the peer out
    #[arg(long)]
    alone: bool,
}

impl Replication {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let folder = tempfile::Builder::new()
            .prefix("plenary-load-")
            .tempdir_in(&self.folder)?;
        let mut clusters = vec![
            ours::start(&folder.path().join("ours"))
                .await
                .context("our replicas do not start")?,
        ];
        if !self.alone {
            let peer = etcd::start(&folder.path().join("etcd")).await;
            clusters.push(peer.context("etcd does not start")?);
        }
        for cluster in &clusters {
            let warm = Load::new(64, self.bytes, Duration::from_secs(2));
            client::measure(cluster, warm).await?;
        }
        if !self.json {
            println!("{}", figures::HEAD);
        }
        for &clients in &self.clients {
            let load = Load::new(clients, self.bytes, Duration::from_secs(self.seconds));
            let case = self.case(&clusters, load).await?;
            for figure in case.figures() {
                if self.json {
                    println!("{}", serde_json::to_string(&figure.line())?);
                } else {
                    println!("{figure}");
                }
            }
        }
        Ok(())
    }

    /// All rounds of one number of clients.
    async fn case(&self, clusters: &[Cluster], load: Load) -> anyhow::Result<Case> {
        let mut measured: Vec<Vec<Measured>> = vec![Vec::new(); clusters.len()];
        for round in 0..self.rounds {
            for turn in 0..clusters.len() {
                let which = (round + turn) % clusters.len();
                let one = client::measure(&clusters[which], load)
                    .await
                    .with_context(|| format!("{} under {} clients", clusters[which].name, load.clients))?;
                eprintln!(
                    "{:>3} clients, round {} of {}, {:<4}: {one}",
                    load.clients,
                    round + 1,
                    self.rounds,
                    clusters[which].name,
                );
                measured[which].push(one);
            }
        }
        let mut measured = measured.into_iter();
        Ok(Case {
            load,
            ours: measured.next().unwrap_or_default(),
            peer: measured.next(),
        })
    }
}
