//! What ends a replica or makes it refuse writes, and how long syncs take.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use crate::{error::Failure, status::Latency};

/// Shared by everything in a replica.
pub(crate) struct Health {
    failure: watch::Sender<Option<Failure>>,
    disk_full: AtomicBool,
    log_waits: AtomicBool,
    state_waits: AtomicBool,
    syncs: Mutex<Samples>,
    heard_leader: Mutex<Option<Instant>>,
}

impl Health {
    pub(crate) fn new() -> Self {
        Self {
            failure: watch::Sender::new(None),
            disk_full: AtomicBool::new(false),
            log_waits: AtomicBool::new(false),
            state_waits: AtomicBool::new(false),
            syncs: Mutex::new(Samples::default()),
            heard_leader: Mutex::new(None),
        }
    }

    /// The leader said something that this replica took.
    pub(crate) fn heard_leader(&self) {
        *self.heard_leader.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the leader said anything for so long.
    pub(crate) fn hears_leader(&self, within: Duration) -> bool {
        let heard = *self.heard_leader.lock().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|at| at.elapsed() <= within)
    }

    /// The first failure stays.
    pub(crate) fn fail(&self, failure: Failure) {
        self.failure.send_if_modified(|current| {
            if current.is_some() {
                return false;
            }
            tracing::error!(%failure, "the replica stops");
            *current = Some(failure);
            true
        });
    }

    pub(crate) fn failure(&self) -> watch::Receiver<Option<Failure>> {
        self.failure.subscribe()
    }

    /// Less space is left than the reserve, or a write found none.
    pub(crate) fn is_disk_full(&self) -> bool {
        [&self.disk_full, &self.log_waits, &self.state_waits]
            .iter()
            .any(|full| full.load(Ordering::Relaxed))
    }

    pub(crate) fn set_low_space(&self, low: bool) {
        if self.disk_full.swap(low, Ordering::Relaxed) != low {
            tracing::warn!(full = low, "space on the disk of the log");
        }
    }

    /// A write to the log waits for space, or no longer does.
    pub(crate) fn set_log_waits(&self, waits: bool) {
        self.log_waits.store(waits, Ordering::Relaxed);
    }

    /// The same of the state.
    pub(crate) fn set_state_waits(&self, waits: bool) {
        self.state_waits.store(waits, Ordering::Relaxed);
    }

    pub(crate) fn synced(&self, took: Duration) {
        self.syncs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(took);
    }

    pub(crate) fn sync_latency(&self) -> Latency {
        self.syncs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .latency()
    }
}

/// The last few hundred durations.
#[derive(Default)]
struct Samples {
    ring: Vec<Duration>,
    next: usize,
}

const KEPT: usize = 512;

impl Samples {
    fn add(&mut self, took: Duration) {
        match self.ring.get_mut(self.next) {
            Some(slot) => *slot = took,
            None => self.ring.push(took),
        }
        self.next = (self.next + 1) % KEPT;
    }

    fn latency(&self) -> Latency {
        let mut sorted = self.ring.clone();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let position = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
            sorted.get(position).copied().unwrap_or_default()
        };
        Latency {
            p50: at(50),
            p99: at(99),
        }
    }
}
