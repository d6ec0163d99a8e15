//! The benchmark of the License Manager: one more seat, committed by three replicas, beside a lease of etcd.
//!
//! A `Grow` here and a `LeaseGrant` there are both one commit by a majority. Each client of ours is a server of its own
//! with a certificate of its own, over mutual TLS; etcd's clients speak plain HTTP/2, sixteen to a connection.

mod manager;

use crate::{
    etcd,
    figures::{Line, Spread},
    kv::{LeaseGrantRequest, lease_client::LeaseClient},
    processes::Cluster,
};
use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use manager::{Borrower, Managers};
use std::{path::PathBuf, time::Duration};
use tokio::{task::JoinSet, time::Instant};
use tonic::transport::{Channel, Endpoint};

const CLIENTS_PER_CONNECTION: usize = 16;

#[derive(clap::Args)]
pub(crate) struct Leases {
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
    /// Folder on the disk to measure; both write there. Not in memory, or flushing costs nothing
    #[arg(long, default_value = "/var/tmp")]
    folder: PathBuf,
    /// Leave the peer out
    #[arg(long)]
    alone: bool,
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
struct Measured {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// One figure of a measurement.
struct Figure {
    name: &'static str,
    unit: &'static str,
    more_is_better: bool,
    pick: fn(&Measured) -> f64,
}

const FIGURES: [Figure; 3] = [
    Figure {
        name: "grants",
        unit: "1/s",
        more_is_better: true,
        pick: |measured| measured.per_second,
    },
    Figure {
        name: "latency p50",
        unit: "ms",
        more_is_better: false,
        pick: |measured| measured.p50_ms,
    },
    Figure {
        name: "latency p99",
        unit: "ms",
        more_is_better: false,
        pick: |measured| measured.p99_ms,
    },
];

impl Leases {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        let folder = tempfile::Builder::new()
            .prefix("plenary-load-")
            .tempdir_in(&self.folder)?;
        let most = self.clients.iter().copied().max().unwrap_or(1);
        let managers = Managers::start(&folder.path().join("ours"))
            .await
            .context("our managers do not start")?;
        let mut borrowers = managers.borrowers(most).await.context("servers are not let in")?;
        let peer = match self.alone {
            true => None,
            false => Some(
                etcd::start(&folder.path().join("etcd"))
                    .await
                    .context("etcd does not start")?,
            ),
        };
        if !self.json {
            println!("| clients | figure | ours (least – most) | etcd (least – most) | ratio |");
            println!("| ------: | ------ | ------------------: | ------------------: | ----: |");
        }
        for &clients in &self.clients {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for round in 0..=self.rounds {
                for turn in 0..2 {
                    let is_ours = (round + turn) % 2 == 0;
                    let measured = match (is_ours, &peer) {
                        (true, _) => self.ours(&mut borrowers, clients).await?,
                        (false, Some(peer)) => self.theirs(peer, clients).await?,
                        (false, None) => continue,
                    };
                    // The first round only warms up.
                    if round > 0 {
                        match is_ours {
                            true => ours.push(measured),
                            false => theirs.push(measured),
                        }
                    }
                }
            }
            self.show(clients, &ours, &theirs)?;
        }
        Ok(())
    }

    async fn ours(&self, borrowers: &mut Vec<Borrower>, clients: usize) -> anyhow::Result<Measured> {
        let end = Instant::now() + Duration::from_secs(self.seconds);
        let mut tasks = JoinSet::new();
        let rest = borrowers.split_off(clients.min(borrowers.len()));
        for mut borrower in borrowers.drain(..) {
            tasks.spawn(async move {
                let mut seen = Histogram::<u64>::new(3)?;
                while Instant::now() < end {
                    let asked = Instant::now();
                    borrower.grow().await?;
                    seen.record(u64::try_from(asked.elapsed().as_micros())?)?;
                }
                anyhow::Ok((borrower, seen))
            });
        }
        let start = Instant::now();
        let mut all = Histogram::<u64>::new(3)?;
        while let Some(one) = tasks.join_next().await {
            let (borrower, seen) = one??;
            borrowers.push(borrower);
            all.add(seen)?;
        }
        borrowers.extend(rest);
        Ok(Measured::of(&all, start.elapsed()))
    }

    async fn theirs(&self, peer: &Cluster, clients: usize) -> anyhow::Result<Measured> {
        let leading = peer.leading().await?;
        let count = clients
            .div_ceil(CLIENTS_PER_CONNECTION)
            .max(leading.nodes.len().min(clients));
        let mut channels: Vec<Channel> = Vec::new();
        for node in leading.nodes.iter().cycle().take(count) {
            let endpoint = Endpoint::from_shared(format!("http://{node}"))?.tcp_nodelay(true);
            channels.push(endpoint.connect().await?);
        }
        let start = Instant::now();
        let end = start + Duration::from_secs(self.seconds);
        let mut tasks = JoinSet::new();
        for number in 0..clients {
            let mut client = LeaseClient::new(channels[number % channels.len()].clone());
            tasks.spawn(async move {
                let mut seen = Histogram::<u64>::new(3)?;
                while Instant::now() < end {
                    let asked = Instant::now();
                    let grant = LeaseGrantRequest { ttl: 43_200, id: 0 };
                    let granted = client
                        .lease_grant(grant)
                        .await
                        .context("a lease was refused")?
                        .into_inner();
                    ensure!(granted.error.is_empty(), "a lease was refused: {}", granted.error);
                    seen.record(u64::try_from(asked.elapsed().as_micros())?)?;
                }
                anyhow::Ok(seen)
            });
        }
        let mut all = Histogram::<u64>::new(3)?;
        while let Some(one) = tasks.join_next().await {
            all.add(one??)?;
        }
        Ok(Measured::of(&all, start.elapsed()))
    }

    fn show(&self, clients: usize, ours: &[Measured], theirs: &[Measured]) -> anyhow::Result<()> {
        for figure in &FIGURES {
            let ours = Spread::of(ours.iter().map(figure.pick));
            let peer = (!theirs.is_empty()).then(|| Spread::of(theirs.iter().map(figure.pick)));
            let ratio = peer.map(|peer| match figure.more_is_better {
                true => ours.median / peer.median,
                false => peer.median / ours.median,
            });
            if !self.json {
                let peer = peer.map_or_else(String::new, |peer| peer.to_string());
                let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
                println!(
                    "| {clients} | {}, {} | {ours} | {peer} | {ratio} |",
                    figure.name, figure.unit
                );
                continue;
            }
            let line = Line {
                name: format!("leases: {}, {clients} clients", figure.name),
                unit: figure.unit,
                ours: ours.median,
                peer: peer.map(|peer| peer.median),
                peer_name: peer.map(|_| "etcd"),
                ratio,
                rounds: self.rounds,
                conditions: format!(
                    "three replicas on loopback and one disk, {clients} clients, ours with mutual TLS, {} s a round",
                    self.seconds
                ),
                ours_between: ours.between(),
                peer_between: peer.map(Spread::between),
            };
            println!("{}", serde_json::to_string(&line)?);
        }
        Ok(())
    }
}

impl Measured {
    fn of(seen: &Histogram<u64>, took: Duration) -> Self {
        let ms = |quantile| seen.value_at_quantile(quantile) as f64 / 1000.0;
        Self {
            per_second: seen.len() as f64 / took.as_secs_f64(),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
        }
    }
}
