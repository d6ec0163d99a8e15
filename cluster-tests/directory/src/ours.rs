//! The Directory as it is started, fed by the clients of fifty servers and asked by theirs.

use crate::rate::{self, Asked, Measured};
use anyhow::{Context as _, bail, ensure};
use plenary_directory_client::{
    Changes, Feed, FeedOptions, Finder, FinderOptions, Key, Place, Presence, Question, Snapshot, Source,
    SourceError,
};
use plenary_identity::{EnterpriseCa, Identity, MACHINE_KEY_FILE, MachineKey, Program};
use plenary_model::{NodeId, ServerName};
use plenary_people::{Change, Share, Viewer};
use plenary_people_index::samples::{Samples, Typed};
use plenary_testkit::{FreePorts, Process, program};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Most changes that a server tells as one position.
const PART: usize = 500;

/// A server with its part of the people.
struct Server {
    name: ServerName,
    source: Arc<People>,
    feed: Feed,
    finder: Finder,
}

#[derive(Clone)]
struct Finders {
    finders: Arc<BTreeMap<ServerName, Finder>>,
    /// Each question is that of somebody else: nobody asks too often.
    asked: Arc<AtomicU64>,
}

pub(crate) struct Ours {
    process: Process,
    pid: u32,
    servers: Vec<Server>,
    finders: Finders,
}

/// The store of a server: people by their numbers, and what changed since.
struct People {
    samples: Samples,
    server: u64,
    people: u64,
    log: Mutex<Vec<Change>>,
    changed: watch::Sender<u64>,
}

impl People {
    fn numbers(&self) -> impl Iterator<Item = u64> + Send + use<> {
        let servers = self.samples.servers().len();
        (self.server..self.people).step_by(servers)
    }

    fn commit(&self, changes: Vec<Change>) -> u64 {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend(changes);
        let position = 1 + log.len() as u64;
        drop(log);
        self.changed.send_replace(position);
        position
    }
}

#[async_trait::async_trait]
impl Source for People {
    fn place(&self) -> Place {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        Place {
            incarnation: [7; 16],
            tells_from: 1,
            position: 1 + log.len() as u64,
        }
    }

    fn share(&self) -> Share {
        Share::default()
    }

    async fn changes(&self, _: [u8; 16], from: u64, most: usize) -> Result<Changes, SourceError> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let changes: Vec<Change> = log.iter().skip(from as usize - 1).take(most).cloned().collect();
        let to = from + changes.len() as u64;
        Ok(Changes { to, changes })
    }

    async fn snapshot(&self, _: [u8; 16]) -> Result<Snapshot, SourceError> {
        let (samples, numbers) = (self.samples.clone(), self.numbers());
        let numbers: Vec<u64> = numbers.collect();
        let parts: Vec<Vec<u64>> = numbers.chunks(PART).map(<[u64]>::to_vec).collect();
        let parts = parts
            .into_iter()
            .map(move |part| Ok(part.into_iter().map(|number| samples.person(number)).collect()));
        Ok(Snapshot {
            position: 1,
            digest: None,
            parts: Box::pin(tokio_stream::iter(parts)),
        })
    }

    fn presence(&self) -> BTreeMap<String, Presence> {
        BTreeMap::new()
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

impl Asked for Finders {
    async fn ask(&self, typed: &Typed) -> anyhow::Result<usize> {
        let finder = self
            .finders
            .get(&typed.viewer.server)
            .context("a server that asks")?;
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let question = Question {
            viewer: Viewer {
                user: format!("u{number}"),
                ..typed.viewer.clone()
            },
            words: typed.words.join(" "),
            limit: 10,
            kinds: Vec::new(),
            own_beside: false,
        };
        let answer = finder.find(&question).await?;
        ensure!(!answer.stale, "it was not answered now");
        Ok(answer.hits.len())
    }
}

impl Ours {
    /// Says, too, how long it took until everybody was found.
    pub(crate) async fn start(
        folder: &Path,
        samples: &Samples,
        people: u64,
    ) -> anyhow::Result<(Self, Duration)> {
        std::fs::create_dir_all(folder)?;
        let program = program("plenary-directory")?;
        let mut ports = FreePorts::default();
        let (port, metrics) = (
            ports.next([127, 0, 0, 1].into())?,
            ports.next([127, 0, 0, 1].into())?,
        );
        drop(ports);
        let config = folder.join("directory.toml");
        let text = format!(
            "data = '{}'\n[listen]\ndirectory = '{port}'\nmetrics = '{metrics}'\n\
             [limits]\nchanges_per_second = 1000000\nqueries_per_second = 100000\n",
            folder.join("data").display()
        );
        std::fs::write(&config, text)?;
        let authority = folder.join("authority");
        let told = |arguments: &[&str]| told(&program, &config, arguments);
        let at = authority.to_string_lossy();
        let found = [
            "found",
            "--directory",
            "directory.example.com",
            "--enterprise",
            "Demo",
        ];
        told(&[&found[..], &["--authority", &at]].concat())?;
        let arguments = ["--config", &config.to_string_lossy(), "run"];
        let process = Process::start(&[], &program, &arguments, &folder.join("log"))?;
        until("the Directory answers", async || told(&["status"]).ok()).await?;
        let pid = pid_of(&folder.join("data"))?;
        let mut keys = Vec::new();
        for name in samples.servers() {
            let key = Key::make(name.clone(), "0.1.0", Vec::new())?;
            told(&["add", &key.encode()])?;
            keys.push((key, identity(&authority, folder, name)?));
        }
        let start = Instant::now();
        let servers = keys.into_iter().enumerate().map(|(number, (key, identity))| {
            let source = Arc::new(People {
                samples: samples.clone(),
                server: number as u64,
                people,
                log: Mutex::default(),
                changed: watch::Sender::new(1),
            });
            let addresses = vec![port.to_string()];
            let options = FinderOptions {
                deadline: Duration::from_secs(10),
                fresh: Duration::ZERO,
                ..FinderOptions::new(None, addresses.clone())
            };
            let feeding = FeedOptions::new(None, addresses);
            Server {
                name: key.server.clone(),
                feed: Feed::open(identity.clone(), key.credentials, feeding, source.clone()),
                source,
                finder: Finder::open(identity, options),
            }
        });
        let servers: Vec<Server> = servers.collect();
        let finders = servers
            .iter()
            .map(|server| (server.name.clone(), server.finder.clone()));
        let finders = Finders {
            finders: Arc::new(finders.collect()),
            asked: Arc::default(),
        };
        let ours = Self {
            process,
            pid,
            servers,
            finders,
        };
        ours.are_told(people).await?;
        Ok((ours, start.elapsed()))
    }

    /// Waits until what the servers tell is on the disk, and until so many are found.
    async fn are_told(&self, people: u64) -> anyhow::Result<()> {
        for Server {
            name, source, feed, ..
        } in &self.servers
        {
            let position = source.place().position;
            let mut standing = feed.standing();
            let told = standing.wait_for(|now| now.connected.is_some() && now.durable >= Some(position));
            let told = tokio::time::timeout(Duration::from_secs(3_600), told).await;
            told.with_context(|| format!("{name} is not told"))??;
        }
        let first = self.servers.first().context("there are servers")?;
        until("all are found", async || {
            let overview = first.finder.overview().await.ok()?;
            let found: u64 = overview.servers.iter().map(|server| server.entries).sum();
            (found == people).then_some(())
        })
        .await
    }

    pub(crate) async fn measure(
        &self,
        typed: &Arc<Vec<Typed>>,
        rate: (f64, Duration),
    ) -> anyhow::Result<Measured> {
        rate::measure(&self.finders, typed, rate).await
    }

    /// All servers tell changes at once: so many a second are on the disk and found. Then one alone, until it is found.
    pub(crate) async fn change(
        &self,
        samples: &Samples,
        people: u64,
        changes: u64,
    ) -> anyhow::Result<(f64, Duration)> {
        let title = |mut person: plenary_people::Entry, title: &str| {
            person.job_title = title.to_owned();
            Change::put(person)
        };
        let of_each = (changes / self.servers.len() as u64).max(1);
        let start = Instant::now();
        for Server { source, .. } in &self.servers {
            let numbers = source.numbers().take(of_each as usize);
            source.commit(
                numbers
                    .map(|number| title(samples.person(number), "Trombonist"))
                    .collect(),
            );
        }
        self.are_told(people).await?;
        let last = samples.person(self.servers.len() as u64 * (of_each.min(people / 50) - 1));
        self.finds(samples, &format!("{} trombonist", last.id.id)).await?;
        let all = (of_each * self.servers.len() as u64) as f64;
        let rate = all / start.elapsed().as_secs_f64();
        let server = self.servers.first().context("there are servers")?;
        let start = Instant::now();
        server
            .source
            .commit(vec![title(samples.person(0), "Xylophonist")]);
        self.finds(samples, "xylophonist").await?;
        Ok((rate, start.elapsed()))
    }

    async fn finds(&self, samples: &Samples, words: &str) -> anyhow::Result<()> {
        let server = samples.servers().first().context("there are servers")?;
        let typed = Typed {
            class: "a change",
            words: words.split(' ').map(str::to_owned).collect(),
            viewer: Viewer::new(server.clone(), "somebody"),
        };
        let mut wait = tokio::time::interval(Duration::from_millis(2));
        let deadline = Instant::now() + Duration::from_secs(600);
        while self.finders.ask(&typed).await.unwrap_or(0) == 0 {
            ensure!(Instant::now() < deadline, "{words} is not found");
            wait.tick().await;
        }
        Ok(())
    }

    pub(crate) fn megabytes(&self) -> anyhow::Result<f64> {
        crate::memory_megabytes(self.pid)
    }

    pub(crate) fn most_megabytes(&self) -> anyhow::Result<f64> {
        crate::most_megabytes(self.pid)
    }

    pub(crate) async fn stop(mut self) {
        self.servers.clear();
        if let Err(error) = self.process.kill() {
            eprintln!("the Directory did not end: {error}");
        }
    }
}

fn told(program: &Path, config: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program)
        .arg("--config")
        .arg(config)
        .args(arguments)
        .output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Of the process that holds the lock of a data folder.
fn pid_of(data: &Path) -> anyhow::Result<u32> {
    let lock = data.join("store/lock");
    for process in std::fs::read_dir("/proc")? {
        let process = process?;
        let Ok(pid) = process.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let files = std::fs::read_dir(process.path().join("fd")).into_iter().flatten();
        let mut files = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        if pid != std::process::id() && files.any(|file| file == lock) {
            return Ok(pid);
        }
    }
    bail!("nobody holds {}", lock.display())
}

async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> anyhow::Result<T> {
    let deadline = Instant::now() + Duration::from_secs(3_600);
    loop {
        if let Some(done) = ask().await {
            return Ok(done);
        }
        ensure!(Instant::now() < deadline, "it does not come about that {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn identity(authority: &Path, folder: &Path, server: &ServerName) -> anyhow::Result<Identity> {
    let folder: PathBuf = folder.join(server.as_str());
    let ca = EnterpriseCa::open(authority)?.certify(Program::Node, server, &[])?;
    std::fs::create_dir_all(&folder)?;
    let machine = MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE))?;
    Ok(Identity::create(
        &folder.join("identity"),
        machine,
        ca,
        "node-1".parse()?,
        NodeId(1),
    )?)
}
