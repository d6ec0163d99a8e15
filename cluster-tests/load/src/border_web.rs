//! TLS passed on by the name that is asked for: a Border Controller beside HAProxy and nginx, in the same run.
//!
//! ```text
//!  clients ──TCP──► relay on a processor of its own ──► who repeats what is said ──► back the same way
//!     (both ends share the other processor; ours goes through the tunnel, which is encrypted, the peers' by plain TCP)
//! ```
//! Each client says a real ClientHello and then whatever it likes: TLS itself is between the ends and costs the relay nothing.

mod clients;
mod peers;

use crate::{
    border::ours::Ours,
    figures::{Line, Spread},
    machine::run_time,
    sfu::{resident, stay_on},
};
use anyhow::Context as _;
use clients::{Clients, Echo};
use peers::Peer;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

const RELAY_ON: usize = 0;
const CLIENTS_ON: usize = 1;
/// The name that clients ask for.
const NAME: &str = "meet.example.com";

#[derive(clap::Args)]
pub(crate) struct BorderWeb {
    /// Print one line of JSON for each figure
    #[arg(long)]
    json: bool,
    /// The program to measure; without it, plenary-border-controller beside this one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each measurement takes
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections that are opened at a time
    #[arg(long, default_value_t = 16)]
    opening: usize,
    /// Connections by which bytes flow
    #[arg(long, default_value_t = 8)]
    flowing: usize,
    /// Connections that do nothing, whose memory is told
    #[arg(long, default_value_t = 2_000)]
    idle: usize,
    /// Without the peers
    #[arg(long)]
    alone: bool,
}

/// Of one round.
#[derive(Debug, Clone, Copy)]
struct Measured {
    opened: f64,
    opening_cpu_us: f64,
    opening_p50_ms: f64,
    opening_p99_ms: f64,
    /// Both ways together.
    bytes_mb: f64,
    cpu_ms_a_mb: f64,
    /// There and back on a connection that is open.
    trip_p50_us: f64,
    trip_p99_us: f64,
    memory_kb: f64,
}

/// A figure: its name, its unit, whether less is better, and where it stands.
type Row = (&'static str, &'static str, bool, fn(&Measured) -> f64);

const ROWS: [Row; 9] = [
    ("connections opened", "1/s", false, |m| m.opened),
    ("processor time a connection", "µs", true, |m| m.opening_cpu_us),
    ("opening p50", "ms", true, |m| m.opening_p50_ms),
    ("opening p99", "ms", true, |m| m.opening_p99_ms),
    ("bytes passed on", "MB/s", false, |m| m.bytes_mb),
    ("processor time a megabyte", "ms", true, |m| m.cpu_ms_a_mb),
    ("64 bytes there and back, p50", "µs", true, |m| m.trip_p50_us),
    ("64 bytes there and back, p99", "µs", true, |m| m.trip_p99_us),
    ("memory of an idle connection", "KiB", true, |m| m.memory_kb),
];

impl BorderWeb {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let binary = crate::border::prepare(self.binary.as_deref(), self.idle)?;
        let hello = clients::hello(NAME)?;
        let (mut ours, mut peers) = (Vec::new(), [Vec::new(), Vec::new()]);
        for round in 1..=self.rounds {
            let folder = tempfile::tempdir()?;
            let server = Ours::for_web(&binary, folder.path(), NAME, RELAY_ON).await?;
            ours.push(self.measure(server.pid(), server.at, &hello).await?);
            drop(server);
            eprintln!("{round}: ours    {:?}", ours.last().context("a round")?);
            if self.alone {
                continue;
            }
            let echo = Echo::start(CLIENTS_ON)?;
            for (which, rounds) in Peer::ALL.into_iter().zip(&mut peers) {
                let peer = which.start(folder.path(), NAME, echo.at, RELAY_ON)?;
                rounds.push(self.measure(peer.pid(), peer.at, &hello).await?);
                eprintln!(
                    "{round}: {:<7} {:?}",
                    which.name(),
                    rounds.last().context("a round")?
                );
            }
        }
        self.print(&ours, &peers)
    }

    async fn measure(&self, pid: u32, at: SocketAddr, hello: &[u8]) -> anyhow::Result<Measured> {
        let clients = Clients::new(at, hello.to_vec());
        let length = Duration::from_secs(self.seconds);
        let (opening, flowing, idle) = (self.opening, self.flowing, self.idle);
        let on_their_own = move || {
            stay_on(CLIENTS_ON)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let used = |before: Duration| Ok::<_, anyhow::Error>(run_time(pid)?.saturating_sub(before));
                clients.until_ready().await?;
                clients.open(opening, Duration::from_secs(1)).await?;
                let before = run_time(pid)?;
                let opened = clients.open(opening, length).await?;
                let opening_cpu = used(before)?;
                let before = run_time(pid)?;
                let bytes = clients.flow(flowing, length).await?;
                let flowing_cpu = used(before)?;
                let trips = clients.trips(length).await?;
                let memory = resident(&[pid])?;
                let kept = clients.keep(idle).await?;
                let more = resident(&[pid])?.saturating_sub(memory);
                drop(kept);
                let seconds = length.as_secs_f64();
                let (count, megabytes) = (opened.len().max(1) as f64, bytes as f64 / 1e6);
                Ok(Measured {
                    opened: count / seconds,
                    opening_cpu_us: opening_cpu.as_secs_f64() * 1e6 / count,
                    opening_p50_ms: opened.value_at_quantile(0.5) as f64 / 1e6,
                    opening_p99_ms: opened.value_at_quantile(0.99) as f64 / 1e6,
                    bytes_mb: megabytes / seconds,
                    cpu_ms_a_mb: flowing_cpu.as_secs_f64() * 1e3 / megabytes.max(1.0),
                    trip_p50_us: trips.value_at_quantile(0.5) as f64 / 1e3,
                    trip_p99_us: trips.value_at_quantile(0.99) as f64 / 1e3,
                    memory_kb: more as f64 / idle.max(1) as f64,
                })
            })
        };
        // A thread that stays on the clients' processor.
        let (tell, told) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || tell.send(on_their_own()).ok());
        told.await.context("a thread failed")?
    }

    fn print(&self, ours: &[Measured], peers: &[Vec<Measured>; 2]) -> anyhow::Result<()> {
        if !self.json {
            println!(
                "| figure | ours (least – most) | HAProxy (least – most) | ratio | nginx (least – most) | ratio |"
            );
            println!("| --- | ---: | ---: | ---: | ---: | ---: |");
        }
        for (name, unit, less, pick) in ROWS {
            let own = Spread::of(ours.iter().map(pick));
            let mut cells = format!("| {name}, {unit} | {own} |");
            for (which, rounds) in Peer::ALL.into_iter().zip(peers) {
                let peer = (!rounds.is_empty()).then(|| Spread::of(rounds.iter().map(pick)));
                let ratio = peer.map(|peer| {
                    if less {
                        peer.median / own.median
                    } else {
                        own.median / peer.median
                    }
                });
                let ratio = ratio.filter(|ratio| ratio.is_finite());
                if self.json {
                    let line = Line {
                        name: format!("border-web: {name}"),
                        unit,
                        ours: own.median,
                        peer: peer.map(|peer| peer.median),
                        peer_name: peer.map(|_| which.name()),
                        ratio,
                        rounds: ours.len(),
                        conditions: format!(
                            "{} opened at a time, {} with bytes, {} idle, {} s a measurement, the relay on one processor",
                            self.opening, self.flowing, self.idle, self.seconds
                        ),
                        ours_between: own.between(),
                        peer_between: peer.map(Spread::between),
                    };
                    println!("{}", serde_json::to_string(&line)?);
                }
                let peer = peer.map_or_else(String::new, |peer| peer.to_string());
                let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
                cells += &format!(" {peer} | {ratio} |");
            }
            if !self.json {
                println!("{cells}");
            }
        }
        Ok(())
    }
}
