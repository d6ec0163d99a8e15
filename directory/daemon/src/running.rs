//! An instance at work.

use crate::{
    config::Config,
    copy::{Beaten, First},
    data::Facts,
    event::Event,
    follow::{Known, Servers},
    limits::{Gate, Searches},
    presence::Presences,
    refusal::Refusal,
    store::{Most, Store},
};
use plenary_directory_client::Code;
use plenary_identity::Identity;
use plenary_model::ServerName;
use plenary_people::Policy;
use plenary_people_index::Index;
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// That the same server is refused for the same reason is written down once within this.
const REFUSAL_EVERY: Duration = Duration::from_secs(600);
/// Refusals that are remembered.
const REFUSALS: usize = 1_000;

/// Everything of one instance; shared by all its tasks.
pub(crate) struct Running {
    pub(crate) facts: Facts,
    pub(crate) identity: Identity,
    pub(crate) store: Store,
    pub(crate) index: Index,
    pub(crate) policy: Policy,
    pub(crate) most: Most,
    pub(crate) changes_per_second: u32,
    pub(crate) gate: Gate,
    pub(crate) searches: Searches,
    pub(crate) presences: Presences,
    /// `host:port` at which servers reach this instance, and those of all.
    pub(crate) address: String,
    pub(crate) instances: watch::Sender<Vec<String>>,
    /// Where this instance follows another one.
    pub(crate) first: Option<First>,
    pub(crate) beaten: Beaten,
    /// As the database had it a moment ago.
    pub(crate) servers: watch::Sender<Servers>,
    /// Whether the database could be read at the last attempt.
    pub(crate) followed: watch::Sender<bool>,
    /// Whether something could be written at the last attempt.
    pub(crate) written: watch::Sender<bool>,
    /// Everything was read once: whoever asks finds all.
    pub(crate) ready: watch::Sender<bool>,
    pub(crate) progress: Progress,
    /// Set when the instance ends: feeds go elsewhere.
    pub(crate) ending: watch::Sender<bool>,
    pub(crate) counts: Counts,
    refusals: Mutex<HashMap<(ServerName, Code), Instant>>,
}

/// How far the first reading is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) read: AtomicU64,
    pub(crate) all: AtomicU64,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (read, all) = (
            self.read.load(Ordering::Relaxed),
            self.all.load(Ordering::Relaxed),
        );
        write!(f, "{read} of {all} entries")
    }
}

/// Since this process began; for metrics.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) batches: AtomicU64,
    pub(crate) changes: AtomicU64,
    pub(crate) snapshots: AtomicU64,
    pub(crate) snapshots_refused: AtomicU64,
    pub(crate) feeds_refused: AtomicU64,
    pub(crate) queries: AtomicU64,
    pub(crate) queries_held: AtomicU64,
    pub(crate) walks: AtomicU64,
    pub(crate) searches_shed: AtomicU64,
    pub(crate) unreadable: AtomicU64,
}

impl Counts {
    pub(crate) fn add(count: &AtomicU64, more: usize) {
        count.fetch_add(more as u64, Ordering::Relaxed);
    }
}

impl Running {
    pub(crate) fn new(
        config: &Config,
        facts: Facts,
        identity: Identity,
        store: Store,
        address: String,
    ) -> Self {
        let policy = match config.policy.rules.clone() {
            rules if rules.is_empty() => Policy::All,
            rules => Policy::Rules(rules),
        };
        let index = Index::in_memory();
        index.set_policy(policy.clone());
        Self {
            facts,
            identity,
            store,
            index,
            policy,
            most: Most {
                entries: config.limits.entries,
                bytes: config.limits.megabytes << 20,
            },
            changes_per_second: config.limits.changes_per_second,
            gate: Gate::new(&config.limits),
            searches: Searches::new(),
            presences: Presences::default(),
            instances: watch::Sender::new(vec![address.clone()]),
            address,
            first: config.follow.first.clone().map(First::at),
            beaten: Beaten::default(),
            servers: watch::Sender::default(),
            followed: watch::Sender::new(false),
            written: watch::Sender::new(true),
            ready: watch::Sender::new(false),
            progress: Progress::default(),
            ending: watch::Sender::new(false),
            counts: Counts::default(),
            refusals: Mutex::default(),
        }
    }

    pub(crate) fn known(&self, server: &ServerName) -> Option<Known> {
        self.servers.borrow().get(server).cloned()
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Refuses what only the instance takes that this one follows.
    pub(crate) fn must_not_follow(&self) -> Result<(), Refusal> {
        let first = self.first.as_ref();
        first.map_or(Ok(()), |first| Err(Refusal::Follows(first.address.clone())))
    }

    /// Whether all that there is to read is here, as far as it can be.
    pub(crate) fn is_settled(&self) -> bool {
        self.first.as_ref().is_none_or(|first| *first.settled.borrow())
    }

    /// Refuses a question that would not find everything yet.
    pub(crate) fn must_be_ready(&self) -> Result<(), Refusal> {
        match self.is_ready() {
            true => Ok(()),
            false => {
                let text = format!("this instance has read {} since it started", self.progress);
                Err(Refusal::Away(text))
            }
        }
    }

    pub(crate) fn is_active(&self, server: &ServerName) -> bool {
        self.servers
            .borrow()
            .get(server)
            .is_some_and(|known| known.active)
    }

    /// Writes down that a server was refused, now and then.
    pub(crate) async fn note_refusal(&self, server: &ServerName, refusal: &Refusal) {
        let code = refusal.code();
        if matches!(code, Code::Away | Code::Follows) {
            // It is our own fault, or nobody's.
            return;
        }
        Counts::add(&self.counts.feeds_refused, 1);
        {
            let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            if refusals.len() >= REFUSALS {
                refusals.retain(|_, at| at.elapsed() < REFUSAL_EVERY);
            }
            let known = refusals.get(&(server.clone(), code));
            if known.is_some_and(|at| at.elapsed() < REFUSAL_EVERY) {
                return;
            }
            refusals.insert((server.clone(), code), Instant::now());
        }
        tracing::warn!(%server, reason = %refusal, "a feed was refused");
        self.note(Event::Refused {
            server: server.clone(),
            code: code.as_str().to_owned(),
        })
        .await;
    }

    /// Writes down what happened; where that fails the log has it.
    pub(crate) async fn note(&self, event: Event) {
        tracing::info!(event = ?event, "it happened");
        if let Err(error) = self.store.note(&event).await {
            tracing::warn!(%error, "an event was not written down");
        }
    }
}
