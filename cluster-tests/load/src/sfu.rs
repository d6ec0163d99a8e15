//! Forwarding media: what a packet costs, beside Janus and beside what the machine can send at most.
//!
//! The same clients, with the same packets, once with ours and once with Janus in every round; the server has one
//! processor and the clients another.

mod client;
mod janus;
mod limit;
mod picture;
mod plenary;
mod report;
mod soak;
mod socket;
mod swarm;

use crate::machine::{field, run_time};
use anyhow::{Context as _, bail, ensure};
use client::{Client, Counted, Part};
use janus::Janus;
use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};
use plenary::Plenary;
use report::Measured;
pub(crate) use soak::Soak;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use swarm::{FRAMES_A_SECOND, Swarm};
use tokio::time::sleep;

const SERVER_ON: usize = 0;
const CLIENTS_ON: usize = 1;
const CONNECT_WITHIN: Duration = Duration::from_secs(60);

/// Who meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Case {
    /// One publishes, many watch
    Lecture,
    /// Everybody publishes and watches everybody
    Meeting,
    /// As lecture, but those who watch are on another node; ours only
    TwoNodes,
}

#[derive(clap::Args)]
pub(crate) struct Sfu {
    /// Print one line of JSON for each figure
    #[arg(long)]
    json: bool,
    /// The program to measure; without it, plenary-node beside this one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Who meets; all cases if none is named
    #[arg(long)]
    case: Vec<Case>,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each measurement takes
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Who watches in the lecture
    #[arg(long, default_value_t = 200)]
    watchers: usize,
    /// Who meets in the meeting
    #[arg(long, default_value_t = 20)]
    people: usize,
    /// Without the peer
    #[arg(long)]
    alone: bool,
    /// Media threads of ours; they share the one processor, so this shows what more of them cost
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

/// How many publish, how many watch, and what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) case: Case,
    pub(super) publishers: usize,
    pub(super) watchers: usize,
    /// Packets of one frame.
    pub(super) packets: usize,
}

impl Load {
    fn flows(self) -> usize {
        self.publishers * self.watchers
    }

    pub(super) fn sessions(self) -> usize {
        self.publishers + self.watchers
    }

    /// Packets a second that should come to all together.
    fn expected(self) -> f64 {
        self.flows() as f64 * self.packets as f64 * FRAMES_A_SECOND as f64
    }
}

enum Server {
    Plenary(Box<Plenary>),
    Janus(Box<Janus>),
}

impl Server {
    async fn open(&mut self, load: Load, at: usize, part: Part) -> anyhow::Result<Client> {
        match self {
            Self::Plenary(plenary) => {
                let far = load.case == Case::TwoNodes && part != Part::Publishes;
                Ok(plenary.open(usize::from(far), at, part).await?.0)
            }
            Self::Janus(janus) => janus.open(part).await,
        }
    }

    fn pids(&self) -> Vec<u32> {
        match self {
            Self::Plenary(plenary) => plenary.pids(),
            Self::Janus(janus) => vec![janus.pid()],
        }
    }
}

impl Sfu {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        ensure!(
            crate::machine::processors() >= 2.0,
            "the server and the clients need a processor each"
        );
        let binary = prepare(self.binary.as_deref())?;
        let length = Duration::from_secs(self.seconds);
        let cases = match self.case.as_slice() {
            [] => vec![Case::Lecture, Case::Meeting, Case::TwoNodes],
            some => some.to_vec(),
        };
        let mut limits = Vec::new();
        let mut all = Vec::new();
        for case in cases {
            let load = self.load(case);
            let (mut ours, mut peers) = (Vec::new(), Vec::new());
            for round in 1..=self.rounds {
                limits.push(limit::measure(SERVER_ON, CLIENTS_ON, Duration::from_secs(2))?);
                let folder = tempfile::tempdir()?;
                let nodes = if case == Case::TwoNodes { 2 } else { 1 };
                let server =
                    Plenary::start(&binary, folder.path(), nodes, self.threads, Some(SERVER_ON)).await?;
                ours.push(measure(Server::Plenary(Box::new(server)), load, length).await?);
                eprintln!("{case:?} {round}: ours  {}", ours.last().context("a round")?);
                if !self.alone && case != Case::TwoNodes {
                    let server = Janus::start(folder.path(), SERVER_ON).await?;
                    peers.push(measure(Server::Janus(Box::new(server)), load, length).await?);
                    eprintln!("{case:?} {round}: janus {}", peers.last().context("a round")?);
                }
            }
            all.push((load, ours, peers));
        }
        report::print(&all, &limits, self.seconds, self.json)
    }

    fn load(&self, case: Case) -> Load {
        let (publishers, watchers, packets) = match case {
            Case::Lecture | Case::TwoNodes => (1, self.watchers, 7),
            Case::Meeting => (self.people, self.people, 2),
        };
        Load {
            case,
            publishers,
            watchers,
            packets,
        }
    }
}

/// Gives the program that is measured: this one, or plenary-node beside the own one.
pub(crate) fn prepare(binary: Option<&Path>) -> anyhow::Result<PathBuf> {
    str0m::crypto::from_feature_flags().install_process_default();
    // Only fails if somebody else installed one.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    let beside = std::env::current_exe()?.with_file_name("plenary-node");
    let binary = binary.map_or(beside, Path::to_owned);
    let missing = || {
        format!(
            "{}: cargo build --release --workspace --bin plenary-node",
            binary.display()
        )
    };
    ensure!(binary.exists(), missing());
    Ok(binary)
}

async fn measure(mut server: Server, load: Load, length: Duration) -> anyhow::Result<Measured> {
    let pids = server.pids();
    let before = resident(&pids)?;
    let swarm = Swarm::start(Some(CLIENTS_ON), load.packets)?;
    for at in 0..load.sessions() {
        let part = if at < load.publishers {
            Part::Publishes
        } else {
            Part::Watches(load.publishers)
        };
        swarm.add(server.open(load, at, part).await?)?;
        // Those who watch find the picture there.
        if at + 1 == load.publishers {
            connected(&swarm, load.publishers).await?;
        }
    }
    connected(&swarm, load.sessions()).await?;
    warm(&swarm, load).await?;
    let cpu: Vec<Duration> = pids.iter().map(|pid| run_time(*pid)).collect::<Result<_, _>>()?;
    let clients = run_time(std::process::id())?;
    swarm.count().await?;
    let start = Instant::now();
    sleep(length).await;
    let counted = swarm.count().await?;
    let took = start.elapsed();
    let mut used = Vec::new();
    for (pid, before) in pids.iter().zip(cpu) {
        used.push(run_time(*pid)?.saturating_sub(before));
    }
    let clients = run_time(std::process::id())?.saturating_sub(clients);
    let memory = resident(&pids)?.saturating_sub(before);
    Ok(Measured::new(load, &counted, took, &used, clients, memory))
}

async fn connected(swarm: &Swarm, count: usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + CONNECT_WITHIN;
    loop {
        let connected = swarm.count().await?.connected;
        if connected >= count {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("{connected} of {count} clients connected within {CONNECT_WITHIN:?}");
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until everybody gets everything: estimates begin small.
async fn warm(swarm: &Swarm, load: Load) -> anyhow::Result<()> {
    let deadline = Instant::now() + CONNECT_WITHIN;
    swarm.count().await?;
    loop {
        let start = Instant::now();
        sleep(Duration::from_secs(1)).await;
        let Counted { flows, came, .. } = swarm.count().await?;
        let share = came as f64 / start.elapsed().as_secs_f64() / load.expected();
        if flows == load.flows() && share > 0.98 {
            return Ok(());
        }
        if Instant::now() > deadline {
            eprintln!(
                "not all comes: {flows} of {} pictures, {:.1} %",
                load.flows(),
                share * 100.0
            );
            return Ok(());
        }
    }
}

/// Kilobytes that these processes hold.
pub(crate) fn resident(pids: &[u32]) -> anyhow::Result<u64> {
    let mut sum = 0;
    for pid in pids {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        sum += field(&status, "VmRSS:").context("the system tells no memory")?;
    }
    Ok(sum)
}

/// A command that runs on this processor only, if one is named, with all that it starts.
pub(crate) fn pinned(program: &Path, processor: Option<usize>) -> Command {
    let Some(processor) = processor else {
        return Command::new(program);
    };
    let mut command = Command::new("taskset");
    command.args(["-c", &processor.to_string()]).arg(program);
    command
}

pub(crate) fn stay_on(processor: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(processor)?;
    sched_setaffinity(Pid::from_raw(0), &set)?;
    Ok(())
}
