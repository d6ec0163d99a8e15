//! People come and go for a long time; what a node holds afterwards is what it held before.

use super::{
    client::Part,
    plenary::{Opened, Plenary},
    swarm::{Number, Swarm},
};
use crate::machine::field;
use anyhow::{Context as _, ensure};
use rand::RngExt as _;
use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const NODES: usize = 3;
const PUBLISHERS: usize = 10;
const WATCHERS: usize = 40;
/// Pictures that one watches.
const PICTURES: usize = 5;
/// Somebody goes and somebody else comes this often.
const EVERY: Duration = Duration::from_millis(500);
/// After this the first look is taken: by then, everything has been used.
const FIRST: Duration = Duration::from_secs(5 * 60);
/// How long nobody is there before a look: a session whose client is gone without a word ends in this time.
const QUIET: Duration = Duration::from_secs(60);
/// How often a look is taken, and how far apart: nodes may just then make connections to each other anew.
const LOOKS: usize = 6;
const APART: Duration = Duration::from_secs(2);
/// What memory may have grown by.
const GROWTH: f64 = 0.05;

#[derive(clap::Args)]
pub(crate) struct Soak {
    /// How long it takes in all, at least 13
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(13..))]
    minutes: u64,
    /// The program; without it, plenary-node beside this one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// What a node holds.
#[derive(Debug, Clone)]
struct Held {
    memory_kib: u64,
    /// The fewest and the most of all looks.
    files: (usize, usize),
    /// What was open at the last look: how many of each kind.
    kinds: BTreeMap<String, usize>,
}

struct Person {
    number: Number,
    opened: Opened,
}

impl Soak {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let binary = super::prepare(self.binary.as_deref())?;
        let folder = tempfile::tempdir()?;
        let mut server = Plenary::start(&binary, folder.path(), NODES, 0, None).await?;
        server.sessions_of_user = 1;
        let end = Instant::now() + Duration::from_secs(self.minutes * 60);
        let changed = come_and_go(&mut server, Instant::now() + FIRST).await?;
        let before = look(&server).await?;
        println!("after {changed} changes: {}", all(&before));
        let changed = come_and_go(&mut server, end - QUIET).await?;
        let after = look(&server).await?;
        println!("after {changed} more:    {}", all(&after));
        for (before, after) in before.iter().zip(&after) {
            let grown = after.memory_kib as f64 / before.memory_kib as f64 - 1.0;
            ensure!(grown <= GROWTH, "memory grew by {:.1} %", grown * 100.0);
            ensure!(
                before.files.1 >= after.files.0,
                "{} files were open, now {}: {:?} before, {:?} now",
                before.files.1,
                after.files.0,
                before.kinds,
                after.kinds
            );
        }
        Ok(())
    }
}

/// Until then; then all go. Gives how many came and went.
async fn come_and_go(server: &mut Plenary, until: Instant) -> anyhow::Result<u64> {
    let swarm = Swarm::start(None, 2)?;
    let mut people = Vec::new();
    for at in 0..PUBLISHERS + WATCHERS {
        people.push(come(server, &swarm, at).await?);
    }
    let mut changed = 0;
    let mut came = 0;
    while Instant::now() < until {
        let at = rand::rng().random_range(0..people.len());
        let next = come(server, &swarm, at).await?;
        let gone = std::mem::replace(&mut people[at], next);
        swarm.remove(gone.number)?;
        // Half say goodbye; the others are gone without a word.
        if rand::rng().random_bool(0.5) {
            server.close(&gone.opened).await?;
        }
        changed += 1;
        came += swarm.count().await?.came;
        sleep(EVERY).await;
    }
    ensure!(came > changed, "pictures came: {came} packets");
    for person in people {
        swarm.remove(person.number)?;
        server.close(&person.opened).await?;
    }
    Ok(changed)
}

/// Each place is at its own node.
async fn come(server: &mut Plenary, swarm: &Swarm, at: usize) -> anyhow::Result<Person> {
    let part = if at < PUBLISHERS {
        Part::Publishes
    } else {
        Part::Watches(PICTURES)
    };
    let (client, opened) = server.open(at % NODES, at, part).await?;
    Ok(Person {
        number: swarm.add(client)?,
        opened,
    })
}

async fn look(server: &Plenary) -> anyhow::Result<Vec<Held>> {
    server.stir().await?;
    sleep(QUIET).await;
    let pids = server.pids();
    let mut held: Vec<Held> = pids
        .iter()
        .map(|pid| Held::by(*pid))
        .collect::<anyhow::Result<_>>()?;
    for _ in 1..LOOKS {
        sleep(APART).await;
        for (held, pid) in held.iter_mut().zip(&pids) {
            let (now, (fewest, most)) = (Held::by(*pid)?, held.files);
            held.files = (fewest.min(now.files.0), most.max(now.files.1));
            held.kinds = now.kinds;
        }
    }
    Ok(held)
}

impl Held {
    fn by(pid: u32) -> anyhow::Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for open in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
            // One may be closed meanwhile.
            let Ok(what) = std::fs::read_link(open?.path()) else {
                continue;
            };
            let what = what.to_string_lossy();
            // Sockets and the like are `socket:[number]`.
            let kind = what.split_once(":[").map_or(&*what, |(kind, _)| kind);
            *kinds.entry(kind.to_owned()).or_default() += 1;
        }
        let files = kinds.values().sum();
        Ok(Self {
            memory_kib: field(&status, "VmRSS:").context("the system tells no memory")?,
            files: (files, files),
            kinds,
        })
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} MiB, {} to {} files",
            self.memory_kib as f64 / 1024.0,
            self.files.0,
            self.files.1
        )
    }
}

fn all(held: &[Held]) -> String {
    let texts: Vec<String> = held.iter().map(Held::to_string).collect();
    texts.join("; ")
}
