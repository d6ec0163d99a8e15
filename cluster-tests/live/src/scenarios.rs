//! The harm that is done, one function each. All end with [`verify`].

use crate::{Harvest, Place, Server, Writers, disks::Disk, network::Network, verify};
use nix::sys::signal::Signal;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::{fmt, time::Duration};
use tokio::time::{Instant, sleep};

const WRITERS: usize = 20;

/// What a scenario measured.
#[derive(Debug, Default)]
pub struct Figures {
    pub acknowledged: usize,
    pub retries: u64,
    /// From each harm to the first answer to a write that was asked for after it, in milliseconds, sorted.
    pub recovery_ms: Vec<u64>,
    pub notes: Vec<String>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if self.acknowledged > 0 {
            words.push(format!(
                "{} acknowledged, {} retries",
                self.acknowledged, self.retries
            ));
        }
        if let (Some(first), Some(last)) = (self.recovery_ms.first(), self.recovery_ms.last()) {
            let median = self.recovery_ms[self.recovery_ms.len() / 2];
            let times = self.recovery_ms.len();
            words.push(format!(
                "writes again after {median} ms (median of {times}, {first}–{last})"
            ));
        }
        words.extend(self.notes.iter().cloned());
        f.write_str(&words.join("; "))
    }
}

/// Median, 95th percentile and the worst of values.
pub(crate) struct Spread<'a>(pub(crate) &'a [u64]);

impl fmt::Display for Spread<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut values = self.0.to_vec();
        values.sort_unstable();
        let at = |part: usize| {
            values
                .get((values.len() * part).div_ceil(100).saturating_sub(1))
                .copied()
                .unwrap_or(0)
        };
        write!(f, "{}/{}/{}", at(50), at(95), at(100))
    }
}

struct Run {
    server: Server,
    writers: Writers,
    random: StdRng,
    harm: Vec<Instant>,
}

impl Run {
    async fn start(places: Vec<Place>, seed: u64) -> anyhow::Result<Self> {
        let server = Server::start(places).await?;
        let writers = Writers::start(&server, WRITERS, seed);
        Ok(Self {
            server,
            writers,
            random: StdRng::seed_from_u64(seed),
            harm: Vec::new(),
        })
    }

    /// Waits a random while, so that harm comes at any moment of a write.
    async fn some_time(&mut self) {
        let ms = self.random.random_range(500..2_000);
        sleep(Duration::from_millis(ms)).await;
    }

    async fn finish(self) -> anyhow::Result<Figures> {
        let harvest = self.writers.stop().await?;
        verify(&self.server, &harvest).await?;
        Ok(figures(&harvest, &self.harm))
    }
}

fn figures(harvest: &Harvest, harm: &[Instant]) -> Figures {
    // Answers that were under way at the harm do not count: only writes that were asked for after it.
    let next = |at: &Instant| {
        let asked_after = harvest.times.iter().filter(|(asked, _)| asked > at);
        let first = asked_after.map(|(_, answered)| *answered).min();
        first.map(|first| (first - *at).as_millis() as u64)
    };
    let mut recovery_ms: Vec<u64> = harm.iter().filter_map(next).collect();
    recovery_ms.sort_unstable();
    Figures {
        acknowledged: harvest.acknowledged.len(),
        retries: harvest.retries,
        recovery_ms,
        notes: Vec::new(),
    }
}

fn three() -> Vec<Place> {
    vec![Place::local(), Place::local(), Place::local()]
}

/// `kill -9` of the leader `rounds` times at random moments, restarting it each time.
pub async fn kill_leader(rounds: usize, seed: u64) -> anyhow::Result<Figures> {
    let mut run = Run::start(three(), seed).await?;
    for _ in 0..rounds {
        run.some_time().await;
        let leader = run.server.leader().await?;
        run.server.kill(leader)?;
        run.harm.push(Instant::now());
        sleep(Duration::from_secs(2)).await;
        run.server.restart(leader).await?;
    }
    run.some_time().await;
    run.finish().await
}

/// The leader stands still for 5 s and goes on.
pub async fn pause_leader(rounds: usize, seed: u64) -> anyhow::Result<Figures> {
    let mut run = Run::start(three(), seed).await?;
    for _ in 0..rounds {
        run.some_time().await;
        let leader = run.server.leader().await?;
        run.server.signal(leader, Signal::SIGSTOP)?;
        run.harm.push(Instant::now());
        sleep(Duration::from_secs(5)).await;
        run.server.signal(leader, Signal::SIGCONT)?;
        sleep(Duration::from_secs(2)).await;
    }
    run.finish().await
}

/// All nodes are killed at once and started again.
pub async fn kill_all(rounds: usize, seed: u64) -> anyhow::Result<Figures> {
    let mut run = Run::start(three(), seed).await?;
    for _ in 0..rounds {
        run.some_time().await;
        (0..3).try_for_each(|node| run.server.kill(node))?;
        run.harm.push(Instant::now());
        (0..3).try_for_each(|node| run.server.launch(node))?;
        for node in 0..3 {
            run.server.wait_ready(node).await?;
        }
    }
    run.some_time().await;
    run.finish().await
}

/// A node is lost with its disk; it is removed and another joins.
pub async fn replace_node(seed: u64) -> anyhow::Result<Figures> {
    let mut run = Run::start(three(), seed).await?;
    run.some_time().await;
    let lost = run.server.leader().await?;
    run.server.kill(lost)?;
    run.harm.push(Instant::now());
    sleep(Duration::from_secs(5)).await;
    run.server.remove(lost).await?;
    run.server.add(Place::local()).await?;
    run.server.wait_voters(3).await?;
    run.some_time().await;
    run.finish().await
}

/// The power goes under all three nodes at once: what was not flushed is gone.
pub async fn cut_power(rounds: usize, seed: u64) -> anyhow::Result<Figures> {
    let folder = tempfile::Builder::new().prefix("plenary-disks-").tempdir()?;
    let disks = (1..=3)
        .map(|n| Disk::make(folder.path(), &format!("disk-{n}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let place = |disk: &Disk| Place {
        folder: Some(disk.folder().to_owned()),
        ..Place::local()
    };
    let mut run = Run::start(disks.iter().map(place).collect(), seed).await?;
    for _ in 0..rounds {
        run.some_time().await;
        disks.iter().try_for_each(Disk::cut_power)?;
        run.harm.push(Instant::now());
        (0..3).try_for_each(|node| run.server.kill(node))?;
        disks.iter().try_for_each(Disk::restore_power)?;
        (0..3).try_for_each(|node| run.server.launch(node))?;
        for node in 0..3 {
            run.server.wait_ready(node).await?;
        }
    }
    run.some_time().await;
    let figures = run.finish().await;
    drop(disks);
    figures
}

/// The disks of all nodes fill up: writes are refused with 507, reads go on; with space again all goes on.
pub async fn full_disk(rounds: usize, seed: u64) -> anyhow::Result<Figures> {
    let folder = tempfile::Builder::new().prefix("plenary-disks-").tempdir()?;
    let disks = (1..=3)
        .map(|n| Disk::make(folder.path(), &format!("disk-{n}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let place = |disk: &Disk| Place {
        folder: Some(disk.folder().to_owned()),
        ..Place::local()
    };
    let mut run = Run::start(disks.iter().map(place).collect(), seed).await?;
    let mut figures = Figures::default();
    for round in 0..rounds {
        run.some_time().await;
        disks.iter().try_for_each(Disk::fill)?;
        let full = Instant::now();
        let refused = run.server.wait_refused(&format!("full-{round}"), 507).await?;
        anyhow::ensure!(
            refused["code"] == "disk-full",
            "writes are refused as {refused}, not as disk-full"
        );
        for node in 0..3 {
            run.server.get(node, "/users?limit=1").await?;
        }
        let noticed = full.elapsed().as_millis();
        disks.iter().try_for_each(Disk::empty)?;
        run.harm.push(Instant::now());
        figures.notes.push(format!("full after {noticed} ms"));
    }
    run.some_time().await;
    let notes = figures.notes;
    let figures = run.finish().await;
    drop(disks);
    figures.map(|figures| Figures { notes, ..figures })
}

/// One node's disk refuses to flush: that node stops and says why; the others go on.
pub async fn failing_fsync(seed: u64) -> anyhow::Result<Figures> {
    let mut run = Run::start(three(), seed).await?;
    run.some_time().await;
    let node = run.server.leader().await?;
    run.server.kill(node)?;
    run.server
        .wrap(node, strace("fdatasync,fsync:error=EIO:when=20+"));
    run.server.launch(node)?;
    let deadline = Instant::now() + Duration::from_secs(60);
    let words = loop {
        if let Some(words) = run.server.ended(node) {
            break words;
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "the node went on though its disk does not flush"
        );
        sleep(Duration::from_millis(50)).await;
    };
    anyhow::ensure!(
        words.contains("could not be made safe on the disk"),
        "the node did not say that a flush failed: {words}"
    );
    run.harm.push(Instant::now());
    run.server.wrap(node, Vec::new());
    run.server.restart(node).await?;
    run.some_time().await;
    run.finish().await
}

/// Flushing takes 200 ms on every node for a minute and a half: the leader stays.
pub async fn slow_fsync(seconds: u64, seed: u64) -> anyhow::Result<Figures> {
    let place = || Place {
        wrapper: strace("fdatasync,fsync:delay_exit=200000"),
        ..Place::local()
    };
    let run = Run::start(vec![place(), place(), place()], seed).await?;
    let first = run.server.get(0, "/cluster").await?["term"].clone();
    sleep(Duration::from_secs(seconds)).await;
    let last = run.server.get(0, "/cluster").await?["term"].clone();
    let term = |value: &serde_json::Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let changes = term(&last).saturating_sub(term(&first));
    anyhow::ensure!(
        changes <= seconds.div_ceil(60),
        "{changes} changes of leader in {seconds} s"
    );
    let mut figures = run.finish().await?;
    figures.notes.push(format!("{changes} terms in {seconds} s"));
    Ok(figures)
}

fn strace(inject: &str) -> Vec<String> {
    [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync,fsync",
        "-e",
    ]
    .into_iter()
    .map(String::from)
    .chain([format!("inject={inject}")])
    .collect()
}

/// The leader is cut off from the other nodes for 5 s, but still reached by clients.
pub async fn cut_leader(rounds: usize, seed: u64) -> anyhow::Result<Figures> {
    let network = Network::make()?;
    let mut run = Run::start(network.places(), seed).await?;
    for _ in 0..rounds {
        run.some_time().await;
        let leader = run.server.leader().await?;
        network.cut(leader)?;
        run.harm.push(Instant::now());
        sleep(Duration::from_secs(5)).await;
        network.mend(leader)?;
        sleep(Duration::from_secs(2)).await;
    }
    run.finish().await
}
