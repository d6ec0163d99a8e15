//! The benchmark of the License Manager: one more seat, committed by three replicas, beside a lease of etcd.
//!
//! A `Grow` here and a `LeaseGrant` there are both one commit by a majority. A renewal is one here too; there the leader
//! answers it alone. Each client of ours is a server of its own with a certificate of its own, over mutual TLS; etcd's
//! clients speak plain HTTP/2, sixteen to a connection.

mod manager;
mod peer;

use crate::{
    etcd,
    figures::{Line, Spread},
};
use anyhow::Context as _;
use hdrhistogram::Histogram;
use manager::{Borrower, Managers};
use std::{path::PathBuf, time::Duration};
use tokio::{task::JoinSet, time::Instant};

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

/// What all clients ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Grants,
    Renewals,
}

impl Asked {
    fn name(self) -> &'static str {
        match self {
            Self::Grants => "grants",
            Self::Renewals => "renewals",
        }
    }
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
        name: "rate",
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
        for asked in [Asked::Grants, Asked::Renewals] {
            for &clients in &self.clients {
                let (mut ours, mut theirs) = (Vec::new(), Vec::new());
                for round in 0..=self.rounds {
                    for turn in 0..2 {
                        let is_ours = (round + turn) % 2 == 0;
                        let measured = match (is_ours, &peer) {
                            (true, _) => self.ours(&mut borrowers, asked, clients).await?,
                            (false, Some(peer)) => peer::measure(peer, asked, clients, self.seconds).await?,
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
                self.show(asked, clients, &ours, &theirs)?;
            }
        }
        Ok(())
    }

    async fn ours(
        &self,
        borrowers: &mut Vec<Borrower>,
        asked: Asked,
        clients: usize,
    ) -> anyhow::Result<Measured> {
        let mut seen = Watch::start(self.seconds)?;
        let mut tasks = JoinSet::new();
        let rest = borrowers.split_off(clients.min(borrowers.len()));
        for mut borrower in borrowers.drain(..) {
            let mut watch = seen.clone();
            tasks.spawn(async move {
                while watch.runs() {
                    let began = Instant::now();
                    match asked {
                        Asked::Grants => borrower.grow().await?,
                        Asked::Renewals => borrower.renew().await?,
                    }
                    watch.note(began)?;
                }
                anyhow::Ok((borrower, watch))
            });
        }
        while let Some(one) = tasks.join_next().await {
            let (borrower, watch) = one??;
            borrowers.push(borrower);
            seen.add(&watch)?;
        }
        borrowers.extend(rest);
        Ok(seen.measured())
    }

    fn show(
        &self,
        asked: Asked,
        clients: usize,
        ours: &[Measured],
        theirs: &[Measured],
    ) -> anyhow::Result<()> {
        for figure in &FIGURES {
            let name = format!("{}, {}", asked.name(), figure.name);
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
                    "| {clients} | {name}, {} | {ours} | {peer} | {ratio} |",
                    figure.unit
                );
                continue;
            }
            let line = Line {
                name: format!("leases: {name}, {clients} clients"),
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

/// How long to measure, and what was seen.
#[derive(Clone)]
struct Watch {
    start: Instant,
    end: Instant,
    seen: Histogram<u64>,
}

impl Watch {
    fn start(seconds: u64) -> anyhow::Result<Self> {
        let start = Instant::now();
        Ok(Self {
            start,
            end: start + Duration::from_secs(seconds),
            seen: Histogram::new(3)?,
        })
    }

    fn runs(&self) -> bool {
        Instant::now() < self.end
    }

    fn note(&mut self, began: Instant) -> anyhow::Result<()> {
        Ok(self.seen.record(u64::try_from(began.elapsed().as_micros())?)?)
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        Ok(self.seen.add(&other.seen)?)
    }

    fn measured(&self) -> Measured {
        let ms = |quantile| self.seen.value_at_quantile(quantile) as f64 / 1000.0;
        Measured {
            per_second: self.seen.len() as f64 / self.start.elapsed().as_secs_f64(),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
        }
    }
}
