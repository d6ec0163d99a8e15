//! What a node costs while nobody uses it: time until it is ready, memory, size of the program.

use crate::{
    figures::{Line, Spread},
    machine::{Used, field},
    processes::free_ports,
};
use anyhow::{Context as _, ensure};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

const MIB: f64 = 1024.0 * 1024.0;
const POLL: Duration = Duration::from_millis(5);

#[derive(clap::Args)]
pub(crate) struct NodeFigures {
    /// Print one line of JSON for each figure
    #[arg(long)]
    json: bool,
    /// The program to measure; without it, plenary-node beside this one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Starts to measure
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds at rest, over which the processor is measured and after which memory is read; in the last round only
    #[arg(long, default_value_t = 30)]
    idle_seconds: u64,
    /// Folder on the disk to use
    #[arg(long, default_value = "/var/tmp")]
    folder: PathBuf,
}

struct Figure {
    figure: &'static str,
    unit: &'static str,
    value: Spread,
    aim: Option<f64>,
}

/// Kilobytes, as `/proc/…/status` and `/proc/…/smaps_rollup` tell them.
struct Memory {
    resident: f64,
    /// Its own, not backed by files.
    anonymous: f64,
    /// Shared pages counted in parts.
    proportional: f64,
}

impl NodeFigures {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let beside = std::env::current_exe()?.with_file_name("plenary-node");
        let binary = self.binary.clone().unwrap_or(beside);
        let size = std::fs::metadata(&binary)
            .with_context(|| format!("{}: cargo build --release -p plenary-node", binary.display()))?
            .len();
        let folder = tempfile::Builder::new()
            .prefix("plenary-load-")
            .tempdir_in(&self.folder)?;
        let ports = free_ports(3)?;
        let config = found(&binary, folder.path(), &ports)?;
        let metrics = ports[0];
        let mut ready = Vec::new();
        let mut rest = None;
        for round in 1..=self.rounds {
            let started = Instant::now();
            let node = Node::start(&binary, &config, folder.path())?;
            until_ready(metrics).await?;
            ready.push(started.elapsed().as_secs_f64() * 1000.0);
            if round == self.rounds {
                let idle = Duration::from_secs(self.idle_seconds);
                eprintln!("ready {ready:.0?} ms; the node is left alone for {idle:?}");
                let before = Used::of(node.child.id())?;
                sleep(idle).await;
                let used = Used::of(node.child.id())?.since(before).cpu;
                rest = Some((
                    Memory::of(node.child.id())?,
                    used.as_secs_f64() / idle.as_secs_f64(),
                ));
            }
        }
        let (memory, cpu) = rest.context("there is nothing to measure in no round")?;
        let one = |value: f64| Spread::of([value].into_iter());
        let figure = |figure, unit, value, aim| Figure {
            figure,
            unit,
            value,
            aim,
        };
        let figures = [
            figure(
                "start to ready",
                "ms",
                Spread::of(ready.into_iter()),
                Some(1000.0),
            ),
            figure(
                "idle memory (RSS)",
                "MiB",
                one(memory.resident / 1024.0),
                Some(60.0),
            ),
            figure("of it anonymous", "MiB", one(memory.anonymous / 1024.0), None),
            figure(
                "idle memory (PSS)",
                "MiB",
                one(memory.proportional / 1024.0),
                None,
            ),
            figure("processor at rest", "ms/s", one(cpu * 1000.0), None),
            figure("size of the program", "MiB", one(size as f64 / MIB), None),
        ];
        if !self.json {
            println!("| figure                   |     value (least – most)  |    aim |");
            println!("| ------------------------ | ------------------------: | -----: |");
        }
        for figure in figures {
            if self.json {
                println!(
                    "{}",
                    serde_json::to_string(&figure.line(self.rounds, self.idle_seconds))?
                );
            } else {
                let name = format!("{}, {}", figure.figure, figure.unit);
                let aim = figure.aim.map_or_else(String::new, |aim| format!("< {aim}"));
                println!("| {name:<24} | {:>25} | {aim:>6} |", figure.value);
            }
        }
        Ok(())
    }
}

impl Figure {
    fn line(&self, rounds: usize, idle_seconds: u64) -> Line {
        Line {
            name: format!("node: {}", self.figure),
            unit: self.unit,
            ours: self.value.median,
            peer: None,
            peer_name: None,
            ratio: None,
            rounds,
            conditions: format!("a server of one node without users, at rest for {idle_seconds} s"),
            ours_between: self.value.between(),
            peer_between: None,
        }
    }
}

/// Makes a server of one node; returns its configuration.
fn found(binary: &Path, folder: &Path, ports: &[SocketAddr]) -> anyhow::Result<PathBuf> {
    let config = folder.join("node.toml");
    let [metrics, https, cluster] = ports else {
        anyhow::bail!("three ports are needed");
    };
    let data = folder.join("data");
    let text = format!(
        "data = {data:?}\nname = \"node-1\"\n[listen]\nhttps = \"{https}\"\ncluster = \"{cluster}\"\nmetrics = \"{metrics}\"\n"
    );
    std::fs::write(&config, text)?;
    let output = Command::new(binary)
        .args([
            "found",
            "--server",
            "load.example",
            "--enterprise",
            "Load",
            "--authority",
        ])
        .arg(folder.join("authority"))
        .arg("--config")
        .arg(&config)
        .env("PLENARY_ADMIN_PASSWORD", "not used by anybody")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "no server can be founded: {said}");
    Ok(config)
}

/// Killed when dropped.
struct Node {
    child: Child,
}

impl Node {
    fn start(binary: &Path, config: &Path, folder: &Path) -> anyhow::Result<Self> {
        let log = std::fs::File::create(folder.join("node.log"))?;
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(config);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(Self { child })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Asks every few milliseconds, for half a minute.
async fn until_ready(metrics: SocketAddr) -> anyhow::Result<()> {
    let asking = async {
        while !is_ready(metrics).await.unwrap_or(false) {
            sleep(POLL).await;
        }
    };
    let within = Duration::from_secs(30);
    timeout(within, asking)
        .await
        .with_context(|| format!("not ready after {within:?}"))
}

async fn is_ready(metrics: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(metrics).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = answer.split(|byte| *byte == b' ').nth(1);
    Ok(status == Some(b"200".as_slice()))
}

impl Memory {
    fn of(pid: u32) -> anyhow::Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let kilobytes = |text: &str, name: &str| {
            let value = field(text, name).with_context(|| format!("the system tells no {name}"))?;
            anyhow::Ok(value as f64)
        };
        Ok(Self {
            resident: kilobytes(&status, "VmRSS:")?,
            anonymous: kilobytes(&status, "RssAnon:")?,
            proportional: kilobytes(&rollup, "Pss:")?,
        })
    }
}
