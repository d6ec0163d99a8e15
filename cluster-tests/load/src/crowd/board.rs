//! What all visitors report.

use plenary_signalling::meeting::{ParticipantId, Roster};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Somebody gets a place on the podium, or loses it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    /// Counts from 1.
    pub(super) number: u64,
    pub(super) participant: ParticipantId,
    pub(super) up: bool,
    pub(super) began: Instant,
}

impl Change {
    /// Whether a client that was told this knows of the change.
    fn is_in(&self, roster: &Roster) -> bool {
        let row = roster.participants.iter().find(|one| one.id == self.participant);
        match row {
            Some(row) => row.podium.is_some() == self.up,
            // One of the many again, of whom not all hear.
            None => !self.up && roster.gone.contains(&self.participant),
        }
    }
}

/// What was counted so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    /// From the first try to being in.
    pub(super) joined: Vec<Duration>,
    /// Bytes that came until then.
    pub(super) joined_bytes: Vec<u64>,
    /// Places by the number of the visitor.
    pub(super) places: BTreeMap<usize, ParticipantId>,
    /// Joins that were refused for now and asked again.
    pub(super) retried: u64,
    /// Joins that were refused for good, by the reason.
    pub(super) refused: BTreeMap<String, u64>,
    /// Connections that were lost or did not come about, by the reason.
    pub(super) lost: BTreeMap<String, u64>,
    /// Bytes of all messages but signs of life.
    pub(super) bytes: u64,
    /// Messages about the roster.
    pub(super) rosters: u64,
    /// When the change of now arrived where.
    pub(super) arrived: Vec<Duration>,
}

pub(super) struct Board {
    counted: Mutex<Counted>,
    change: watch::Sender<Option<Change>>,
}

impl Board {
    pub(super) fn new() -> Self {
        Self {
            counted: Mutex::default(),
            change: watch::Sender::new(None),
        }
    }

    pub(super) fn counted(&self) -> Counted {
        self.lock().clone()
    }

    pub(super) fn people_in(&self) -> usize {
        self.lock().joined.len()
    }

    pub(super) fn arrivals(&self) -> usize {
        self.lock().arrived.len()
    }

    /// A change begins; arrivals of the one before are forgotten.
    pub(super) fn begin(&self, change: Change) {
        self.lock().arrived.clear();
        self.change.send_replace(Some(change));
    }

    pub(super) fn joined(&self, visitor: usize, place: ParticipantId, after: Duration, bytes: u64) {
        let mut counted = self.lock();
        if counted.places.insert(visitor, place).is_none() {
            counted.joined.push(after);
            counted.joined_bytes.push(bytes);
        }
    }

    pub(super) fn retried(&self) {
        self.lock().retried += 1;
    }

    pub(super) fn refused(&self, why: String) {
        *self.lock().refused.entry(why).or_default() += 1;
    }

    pub(super) fn lost(&self, why: &anyhow::Error) {
        *self.lock().lost.entry(format!("{why:#}")).or_default() += 1;
    }

    pub(super) fn add_bytes(&self, bytes: u64) {
        self.lock().bytes += bytes;
    }

    /// Somebody was told of the roster. `seen`: the change that they know of already.
    pub(super) fn told(&self, roster: &Roster, seen: &mut u64) {
        let change = *self.change.borrow();
        let mut counted = self.lock();
        counted.rosters += 1;
        if let Some(change) = change.filter(|change| change.number > *seen && change.is_in(roster)) {
            *seen = change.number;
            counted.arrived.push(change.began.elapsed());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
