//! Writers: sessions that create accounts through all nodes and read back what they wrote.

use crate::Server;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// What the writers saw.
#[derive(Debug, Default)]
pub struct Harvest {
    /// Acknowledged accounts with the log index each answer carried.
    pub acknowledged: BTreeMap<String, u64>,
    /// When each was asked for, by the attempt that succeeded, and when it was acknowledged.
    pub times: Vec<(Instant, Instant)>,
    /// Reads that were older than what their session had written or seen, or found nothing; must be empty.
    pub stale: Vec<String>,
    /// Requests that had to be tried again.
    pub retries: u64,
}

/// How long a client waits for a node before it asks another one; a node may stand still and keep its connections.
/// Doubled with each attempt, so that slow disks do not make clients ask for ever.
const PATIENCE: Duration = Duration::from_millis(700);

/// Running writers.
pub struct Writers {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Harvest>,
}

struct Writer {
    number: usize,
    bases: Vec<String>,
    http: reqwest::Client,
    token: String,
    random: StdRng,
    /// The highest index that this session has written or seen.
    seen: u64,
    harvest: Harvest,
}

impl Writers {
    /// Starts `count` writers with their own choice of nodes; `seed` makes the choice repeatable.
    pub fn start(server: &Server, count: usize, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for number in 0..count {
            let writer = Writer {
                number,
                bases: server.bases(),
                http: server.http.clone(),
                token: server.token.clone(),
                random: StdRng::seed_from_u64(seed ^ ((number as u64) << 32)),
                seen: 0,
                harvest: Harvest::default(),
            };
            tasks.spawn(writer.run(stop.clone(), seed));
        }
        Self { stop, tasks }
    }

    /// Lets each writer end what it is doing, and gathers what they saw.
    pub async fn stop(mut self) -> anyhow::Result<Harvest> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Harvest::default();
        while let Some(one) = self.tasks.join_next().await {
            let one = one?;
            all.acknowledged.extend(one.acknowledged);
            all.times.extend(one.times);
            all.stale.extend(one.stale);
            all.retries += one.retries;
        }
        all.times.sort();
        Ok(all)
    }
}

impl Writer {
    async fn run(mut self, stop: Arc<AtomicBool>, seed: u64) -> Harvest {
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) {
            let id = format!("w{seed}-{}-{count}", self.number);
            count += 1;
            self.write(&id, &stop).await;
        }
        self.harvest
    }

    fn any_node(&mut self) -> String {
        let node = self.random.random_range(0..self.bases.len());
        self.bases[node].clone()
    }

    /// Creates one account; asks again with the same key until an answer comes, or the test ends.
    async fn write(&mut self, id: &str, stop: &AtomicBool) {
        let body = json!({ "id": id, "display_name": format!("Writer {}", self.number) });
        let mut patience = PATIENCE;
        loop {
            let base = self.any_node();
            let request = self
                .http
                .post(format!("{base}/users"))
                .bearer_auth(&self.token)
                .header("Idempotency-Key", id)
                .timeout(patience)
                .json(&body);
            patience = (patience * 2).min(Duration::from_secs(5));
            let asked = Instant::now();
            match request.send().await {
                Ok(answer) if answer.status() == 201 => {
                    let index = index_of(&answer);
                    self.seen = self.seen.max(index);
                    self.harvest.acknowledged.insert(id.to_owned(), index);
                    self.harvest.times.push((asked, Instant::now()));
                    return self.read_back(id).await;
                }
                Ok(answer) if answer.status().is_client_error() && answer.status() != 429 => {
                    let status = answer.status();
                    let text = answer.text().await.unwrap_or_default();
                    self.harvest
                        .stale
                        .push(format!("{id}: the write was refused: {status} {text}"));
                    return;
                }
                _ => {}
            }
            self.harvest.retries += 1;
            if stop.load(Ordering::Relaxed) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Reads the account at any node, carrying the index along.
    async fn read_back(&mut self, id: &str) {
        let base = self.any_node();
        let request = self
            .http
            .get(format!("{base}/users/{id}"))
            .bearer_auth(&self.token)
            .header("Plenary-Index", self.seen.to_string())
            .timeout(PATIENCE);
        let Ok(answer) = request.send().await else { return };
        match answer.status().as_u16() {
            200 if index_of(&answer) < self.seen => {
                self.harvest.stale.push(format!(
                    "{id}: read at {} after having seen {}",
                    index_of(&answer),
                    self.seen
                ));
            }
            200 => self.seen = self.seen.max(index_of(&answer)),
            404 => self
                .harvest
                .stale
                .push(format!("{id}: acknowledged at {}, but not found", self.seen)),
            _ => {}
        }
    }
}

fn index_of(answer: &reqwest::Response) -> u64 {
    let header = answer
        .headers()
        .get("plenary-index")
        .and_then(|value| value.to_str().ok());
    header.and_then(|text| text.parse().ok()).unwrap_or(0)
}
