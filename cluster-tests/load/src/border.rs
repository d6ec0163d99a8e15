//! Media through a Border Controller beside coturn, in the same run: what a packet costs the relay, how much later it comes, and what
//! many flows cost in memory.
//!
//! ```text
//!  clients ──UDP──► relay on a processor of its own ──► who answers ──► back the same way
//!     (both ends share the other processor; `nothing between` is the same without a relay)
//! ```

mod clients;
mod coturn;
pub(crate) mod ours;

use crate::{
    figures::{Line, Spread},
    machine::run_time,
    sfu::{resident, stay_on},
};
use anyhow::{Context as _, ensure};
use clients::{Clients, Told, Way};
use coturn::Coturn;
use ours::Ours;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

const RELAY_ON: usize = 0;
const CLIENTS_ON: usize = 1;

#[derive(clap::Args)]
pub(crate) struct Border {
    /// Print one line of JSON for each figure
    #[arg(long)]
    json: bool,
    /// The program to measure; without it, plenary-border-controller beside this one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each measurement takes
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Clients whose media flow
    #[arg(long, default_value_t = 100)]
    flows: usize,
    /// Packets that each of them sends a second; as many come back
    #[arg(long, default_value_t = 50)]
    packets: u32,
    /// Bytes of each
    #[arg(long, default_value_t = 1_200)]
    bytes: usize,
    /// Flows that do nothing, whose memory is told
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Without the peer
    #[arg(long)]
    alone: bool,
}

type Pick = Box<dyn Fn(&Measured) -> f64>;

/// What stands between clients and who answers them.
enum Relay {
    Ours(Box<Ours>),
    Coturn(Coturn),
}

impl Relay {
    fn pid(&self) -> u32 {
        match self {
            Self::Ours(ours) => ours.pid(),
            Self::Coturn(coturn) => coturn.pid(),
        }
    }

    fn at(&self) -> SocketAddr {
        match self {
            Self::Ours(ours) => ours.at,
            Self::Coturn(coturn) => coturn.at,
        }
    }

    fn way(&self) -> Way {
        match self {
            Self::Ours(_) => Way::Plain,
            Self::Coturn(_) => Way::Channel,
        }
    }

    fn open(&self, clients: &mut Clients, flows: usize) -> anyhow::Result<()> {
        match self {
            Self::Ours(_) => clients.open(flows, ours::open),
            Self::Coturn(coturn) => clients.open(flows, |socket| coturn.open(socket)),
        }
    }
}

/// Of one round.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// Processor time of the relay for each packet that it passed on, either way.
    cpu_us: f64,
    p50_us: f64,
    p99_us: f64,
    lost: f64,
    /// Of each flow that does nothing.
    memory_kb: f64,
}

impl Border {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let binary = prepare(self.binary.as_deref(), self.idle)?;
        let (mut nothing, mut ours, mut peers) = (Vec::new(), Vec::new(), Vec::new());
        for round in 1..=self.rounds {
            nothing.push(self.without()?);
            let folder = tempfile::tempdir()?;
            let server = Ours::for_media(&binary, folder.path(), self.idle + self.flows, RELAY_ON).await?;
            ours.push(self.measure(Relay::Ours(Box::new(server)))?);
            eprintln!("{round}: ours   {:?}", ours.last().context("a round")?);
            if !self.alone {
                let server = Coturn::start(folder.path(), RELAY_ON)?;
                peers.push(self.measure(Relay::Coturn(server))?);
                eprintln!("{round}: coturn {:?}", peers.last().context("a round")?);
            }
        }
        self.print(&nothing, &ours, &peers)
    }

    /// The same clients and the same who answers, with nothing between them.
    fn without(&self) -> anyhow::Result<Told> {
        let answers = clients::Echo::start(CLIENTS_ON)?;
        let mut clients = Clients::new(answers.at, Way::Plain, self.bytes, CLIENTS_ON);
        clients.open(self.flows, |_| Ok(()))?;
        clients.send(self.packets, Duration::from_secs(2))
    }

    fn measure(&self, relay: Relay) -> anyhow::Result<Measured> {
        let pid = relay.pid();
        let mut clients = Clients::new(relay.at(), relay.way(), self.bytes, CLIENTS_ON);
        relay.open(&mut clients, self.flows)?;
        clients.send(self.packets, Duration::from_secs(1))?;
        let before = run_time(pid)?;
        let told = clients.send(self.packets, Duration::from_secs(self.seconds))?;
        let used = run_time(pid)?.saturating_sub(before);
        let memory = resident(&[pid])?;
        let mut idle = Clients::new(relay.at(), relay.way(), self.bytes, CLIENTS_ON);
        relay.open(&mut idle, self.idle)?;
        let more = resident(&[pid])?.saturating_sub(memory);
        Ok(Measured {
            cpu_us: used.as_secs_f64() * 1e6 / (told.sent + told.came).max(1) as f64,
            p50_us: told.p50_us,
            p99_us: told.p99_us,
            lost: 100.0 * told.sent.saturating_sub(told.came) as f64 / told.sent.max(1) as f64,
            memory_kb: more as f64 / self.idle.max(1) as f64,
        })
    }

    fn print(&self, nothing: &[Told], ours: &[Measured], peers: &[Measured]) -> anyhow::Result<()> {
        let direct = |pick: fn(&Told) -> f64| Spread::of(nothing.iter().map(pick)).median;
        let (p50, p99) = (direct(|told| told.p50_us), direct(|told| told.p99_us));
        let figures: [(&str, &'static str, Pick); 5] = [
            ("processor time a packet", "µs", Box::new(|m| m.cpu_us)),
            (
                "added there and back, p50",
                "µs",
                Box::new(move |m| (m.p50_us - p50).max(0.0)),
            ),
            (
                "added there and back, p99",
                "µs",
                Box::new(move |m| (m.p99_us - p99).max(0.0)),
            ),
            ("memory of a flow", "KiB", Box::new(|m| m.memory_kb)),
            ("lost", "%", Box::new(|m| m.lost)),
        ];
        if !self.json {
            println!("| figure | ours (least – most) | coturn (least – most) | ratio |");
            println!("| --- | ---: | ---: | ---: |");
        }
        for (name, unit, pick) in figures {
            let own = Spread::of(ours.iter().map(&pick));
            let peer = (!peers.is_empty()).then(|| Spread::of(peers.iter().map(&pick)));
            let ratio = peer.map(|peer| peer.median / own.median);
            let ratio = ratio.filter(|ratio| ratio.is_finite() && name != "lost");
            if self.json {
                let line = Line {
                    name: format!("border: {name}"),
                    unit,
                    ours: own.median,
                    peer: peer.map(|peer| peer.median),
                    peer_name: peer.map(|_| "coturn"),
                    ratio,
                    rounds: ours.len(),
                    conditions: format!(
                        "{} flows of {} packets of {} bytes a second each way, {} s a round, the relay on one processor",
                        self.flows, self.packets, self.bytes, self.seconds
                    ),
                    ours_between: own.between(),
                    peer_between: peer.map(Spread::between),
                };
                println!("{}", serde_json::to_string(&line)?);
            } else {
                let peer = peer.map_or_else(String::new, |peer| peer.to_string());
                let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
                println!("| {name}, {unit} | {own} | {peer} | {ratio} |");
            }
        }
        Ok(())
    }
}

/// The controller to measure, on a machine that can bear so many clients at once.
pub(crate) fn prepare(binary: Option<&Path>, clients: usize) -> anyhow::Result<PathBuf> {
    ensure!(
        crate::machine::processors() >= 2.0,
        "the relay and its clients need a processor each"
    );
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    raise_descriptors(clients)?;
    let beside = std::env::current_exe()?.with_file_name("plenary-border-controller");
    let binary = binary.map_or(beside, Path::to_owned);
    ensure!(
        binary.exists(),
        "{}: cargo build --release --workspace --bin plenary-border-controller",
        binary.display()
    );
    Ok(binary)
}

/// Each flow has a socket here, and relays may have more for each; what is started has as many as this.
fn raise_descriptors(flows: usize) -> anyhow::Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let wanted = flows as u64 * 3 + 1_000;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted))
            .context("more open files are not allowed; use --idle with a smaller number")?;
    }
    Ok(())
}

/// A thread that stays on the clients' processor.
pub(crate) fn on_clients(
    processor: usize,
    work: impl FnOnce() + Send + 'static,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        stay_on(processor).ok();
        work();
    })
}
