//! Knows what must hold.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use plenary_replication::Stamp;

use super::journal::Journal;
use crate::seeds::Figures;

/// Watches all replicas and clients of a run.
pub(crate) struct Oracle {
    journal: Arc<Journal>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    violation: Option<String>,
    /// By index and position: the hash after it and the time it was stamped with.
    applied: BTreeMap<(u64, u32), (u64, u64)>,
    /// Where each proposal was applied.
    places: BTreeMap<u64, (u64, u32)>,
    acknowledged: BTreeMap<u64, u64>,
    newest: Acknowledged,
    /// By term and node: which start of the node led.
    leaders: BTreeMap<(u64, u64), u64>,
    figures: Figures,
}

/// A proposal that was acknowledged, and the index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) index: u64,
    pub(crate) attempt: u64,
}

impl Oracle {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self {
            journal,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn violation(&self) -> Option<String> {
        self.state().violation.clone()
    }

    /// The first one counts.
    pub(crate) fn violate(&self, what: impl Into<String>) {
        let what = what.into();
        let mut state = self.state();
        if state.violation.is_none() {
            self.journal.say(format!("VIOLATION: {what}"));
            state.violation = Some(what);
        }
    }

    pub(crate) fn count(&self, f: impl FnOnce(&mut Figures)) {
        f(&mut self.state().figures);
    }

    pub(crate) fn figures(&self) -> Figures {
        let state = self.state();
        Figures {
            acknowledged: state.acknowledged.len() as u64,
            leaders: state.leaders.len() as u64,
            virtual_ms: self.journal.now_ms(),
            ..state.figures
        }
    }

    /// A replica applies a proposal; `times` says how often its own state has it.
    pub(crate) fn applied(&self, node: u64, at: Stamp, attempt: u64, times: i64, hash: u64) {
        let place = (at.index, at.position);
        let mut state = self.state();
        let known = *state.applied.entry(place).or_insert((hash, at.now_ms));
        let first = *state.places.entry(attempt).or_insert(place);
        let later = |((_, _), (_, stamp)): (&(u64, u32), &(u64, u64))| *stamp;
        let before = state.applied.range(..place).next_back().map(later);
        let after = state
            .applied
            .range((at.index, at.position + 1)..)
            .next()
            .map(later);
        drop(state);
        if known != (hash, at.now_ms) {
            self.violate(format!(
                "node {node} applied something else than another one at entry {} position {}",
                at.index, at.position
            ));
        }
        if times != 1 || first != place {
            self.violate(format!(
                "node {node} applied proposal {attempt} twice: at entry {} and at entry {}",
                first.0, at.index
            ));
        }
        if before.is_some_and(|before| before > at.now_ms) || after.is_some_and(|after| after < at.now_ms) {
            self.violate(format!("the time goes back around entry {}", at.index));
        }
    }

    pub(crate) fn acknowledged(&self, node: u64, attempt: u64, index: u64) {
        let mut state = self.state();
        state.acknowledged.insert(attempt, index);
        if index >= state.newest.index {
            state.newest = Acknowledged { index, attempt };
        }
        let place = state.places.get(&attempt).copied();
        drop(state);
        self.journal.say(format!(
            "node {node} acknowledges proposal {attempt} at entry {index}"
        ));
        if place.map(|(index, _)| index) != Some(index) {
            self.violate(format!(
                "node {node} acknowledged proposal {attempt} at entry {index}, but it was applied at {place:?}"
            ));
        }
    }

    /// The acknowledged proposal with the largest index.
    pub(crate) fn newest(&self) -> Acknowledged {
        self.state().newest
    }

    pub(crate) fn all_acknowledged(&self) -> BTreeMap<u64, u64> {
        self.state().acknowledged.clone()
    }

    /// A node leads, in one of its starts. Leaders are told apart by term and node, and so are their
    /// entries: two nodes may lead in one term, but no node may twice.
    pub(crate) fn leads(&self, node: u64, term: u64, start: u64) {
        let mut state = self.state();
        let known = state.leaders.get(&(term, node)).copied();
        state.leaders.entry((term, node)).or_insert(start);
        drop(state);
        match known {
            None => self.journal.say(format!("node {node} leads in term {term}")),
            Some(known) if known != start => {
                self.violate(format!("node {node} leads in term {term} again after a start"));
            }
            Some(_) => {}
        }
    }
}
