//! What it costs to find people among a million of fifty servers: the Directory beside OpenLDAP and PostgreSQL, which have the
//! same people and are asked the same in the same run.
//!
//! The Directory is asked as nodes ask it, over mutual TLS; the other two over plain connections on loopback. What exactly is
//! compared stands in `docs/performance.md`.

#![allow(clippy::print_stdout)] // Printing is what this program is for.

mod ldap;
mod ours;
mod postgres;
mod rate;

use anyhow::Context as _;
use clap::Parser;
use ours::Ours;
use plenary_people_index::samples::{INSIDE, Samples, Typed};
use rate::Measured;
use serde_json::json;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Servers of the enterprise.
const SERVERS: usize = 50;
/// Fewest searches of one measurement: the 99th of a hundred is a figure of more than one.
const FEWEST: f64 = 200.0;
/// Different things that are looked for.
const QUESTIONS: u64 = 2_000;

/// Measure the Directory beside OpenLDAP and PostgreSQL
#[derive(Parser)]
#[command(name = "plenary-directory-load", version)]
struct Cli {
    /// How many people all servers have together
    #[arg(long, default_value_t = 1_000_000)]
    people: u64,
    /// Seconds of each measurement, and more where these would be fewer than 200 searches
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Searches a second
    #[arg(long, value_delimiter = ',', default_values_t = [1.0, 200.0])]
    per_second: Vec<f64>,
    /// Changes that all servers tell at once
    #[arg(long, default_value_t = 50_000)]
    changes: u64,
    /// Folder on the disk to measure; all write there
    #[arg(long, default_value = "/var/tmp")]
    folder: PathBuf,
    /// Print one line of JSON for each figure
    #[arg(long)]
    json: bool,
    /// Leave the peers out
    #[arg(long)]
    alone: bool,
}

/// A figure of what was measured.
type Pick = fn(&Measured) -> f64;

/// The peers, as far as they were asked for.
struct Peers {
    ldap: ldap::Slapd,
    postgres: postgres::Table,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    Cli::parse().run().await
}

impl Cli {
    async fn run(self) -> anyhow::Result<()> {
        let folder = tempfile::Builder::new()
            .prefix("plenary-load-")
            .tempdir_in(&self.folder)?;
        let samples = Samples::new(SERVERS);
        let typed = (0..QUESTIONS).filter_map(|number| samples.typed(self.people, number));
        let typed: Arc<Vec<Typed>> = Arc::new(typed.collect());
        if !self.json {
            println!("| figure | ours | slapd | ratio | PostgreSQL | ratio |");
            println!("| ------ | ---: | ----: | ----: | ---------: | ----: |");
        }
        let (ours, synced) = Ours::start(&folder.path().join("ours"), &samples, self.people)
            .await
            .context("the Directory does not start")?;
        let peers = match self.alone {
            true => None,
            false => Some(self.peers(&folder.path().join("slapd"), &samples).await?),
        };
        let filled = |of: fn(&Peers) -> Duration| peers.as_ref().map(|peers| of(peers).as_secs_f64());
        self.show(
            "until all people are found for the first time, s",
            synced.as_secs_f64(),
            filled(|peers| peers.ldap.filled),
            filled(|peers| peers.postgres.filled),
        );
        for &per_second in &self.per_second {
            let during = Duration::from_secs_f64((FEWEST / per_second).max(self.seconds as f64));
            let rate = (per_second, during);
            let mine = ours.measure(&typed, rate).await?;
            let (mut slapd, mut postgres) = (None, None);
            if let Some(peers) = &peers {
                slapd = Some(rate::measure(&peers.ldap, &typed, rate).await?);
                postgres = Some(rate::measure(&peers.postgres, &typed, rate).await?);
            }
            self.show_rate(per_second, &mine, slapd.as_ref(), postgres.as_ref());
        }
        let (told, late) = ours.change(&samples, self.people, self.changes).await?;
        let changes = format!("{} changes of {SERVERS} servers", self.changes);
        self.show(&format!("{changes}, a second"), told, None, None);
        self.show(
            "one change while nothing else happens, until it is found, ms",
            late.as_secs_f64() * 1_000.0,
            None,
            None,
        );
        let (mut slapd, mut postgres) = (None, None);
        if let Some(peers) = &peers {
            slapd = Some(peers.ldap.megabytes()?);
            postgres = Some(peers.postgres.megabytes().await?);
        }
        self.show(
            "memory, MB (PostgreSQL: size of table and index)",
            ours.megabytes()?,
            slapd,
            postgres,
        );
        self.show(
            "most memory that it ever had, MB",
            ours.most_megabytes()?,
            None,
            None,
        );
        ours.stop().await;
        Ok(())
    }

    async fn peers(&self, folder: &std::path::Path, samples: &Samples) -> anyhow::Result<Peers> {
        Ok(Peers {
            ldap: ldap::Slapd::start(folder, samples, self.people)
                .await
                .context("slapd does not start")?,
            postgres: postgres::Table::fill(samples, self.people)
                .await
                .context("PostgreSQL does not start")?,
        })
    }

    fn show_rate(
        &self,
        per_second: f64,
        ours: &Measured,
        slapd: Option<&Measured>,
        postgres: Option<&Measured>,
    ) {
        let figures: [(&str, Pick); 3] = [
            ("p50, ms", |measured| measured.at(50.0)),
            ("p99, ms", |measured| measured.at(99.0)),
            ("searches that found somebody, %", Measured::found_percent),
        ];
        for (name, pick) in figures {
            let name = format!(
                "{per_second} searches a second ({} of them), {name}",
                ours.count()
            );
            self.show(&name, pick(ours), slapd.map(pick), postgres.map(pick));
        }
        let inside = |measured: &Measured, percent| measured.of(INSIDE).at(percent);
        for percent in [50.0, 99.0] {
            let name = format!("{per_second} searches a second, {INSIDE}, p{percent}, ms");
            self.show(
                &name,
                inside(ours, percent),
                slapd.map(|measured| inside(measured, percent)),
                postgres.map(|measured| inside(measured, percent)),
            );
        }
        for (who, measured) in [("ours", Some(ours)), ("slapd", slapd), ("PostgreSQL", postgres)] {
            if let Some(measured) = measured.filter(|measured| measured.failed > 0) {
                eprintln!(
                    "{who}: {} of {} were not answered",
                    measured.failed,
                    measured.count()
                );
            }
        }
    }

    /// Ratios are of the peer's figure to ours: above 1 ours is less.
    fn show(&self, name: &str, ours: f64, slapd: Option<f64>, postgres: Option<f64>) {
        let ratio = |peer: Option<f64>| peer.map(|peer| peer / ours);
        if self.json {
            let line = json!({
                "name": name, "ours": ours, "people": self.people,
                "slapd": slapd, "slapd_ratio": ratio(slapd),
                "postgresql": postgres, "postgresql_ratio": ratio(postgres),
            });
            println!("{line}");
            return;
        }
        let cell = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
        println!(
            "| {name} | {ours:.2} | {} | {} | {} | {} |",
            cell(slapd),
            cell(ratio(slapd)),
            cell(postgres),
            cell(ratio(postgres)),
        );
    }
}

/// The most that was in memory since the process began, with what it shares.
fn most_megabytes(pid: u32) -> anyhow::Result<f64> {
    kilobytes(&format!("/proc/{pid}/status"), "VmHWM:")
}

/// So much of memory is only this process's, or its part of what it shares.
fn memory_megabytes(pid: u32) -> anyhow::Result<f64> {
    kilobytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// A line of kilobytes, in megabytes.
fn kilobytes(path: &str, name: &str) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(path).with_context(|| path.to_owned())?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes
        .map(|kilobytes| kilobytes / 1024.0)
        .with_context(|| format!("{path} has no {name}"))
}
