//! Proposals from the caller to the log and their replies back.
//!
//! ```text
//!  propose() ─► Proposer (numbers, pending) ─► Courier ─┬─ this node leads ──► Batcher ─► one entry of the log
//!                     ▲                                 └─ another one ─ one stream ─► its Batcher
//!                     └────────────── answers by number, in any order ◄──────────────────────┘
//! ```
//! The courier sends everything that is pending again when the leader changes or a stream breaks; the
//! numbers make that safe.

mod batcher;
mod courier;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use plenary_contracts::replication::v1 as pb;
use tokio::sync::{Notify, oneshot};

pub(crate) use self::{
    batcher::{Batcher, ReplyTo},
    courier::Courier,
};
use crate::{clock::Clock, error::ProposeError};

/// A command that is committed and applied on this majority; this node may still be behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Index of its entry.
    pub index: u64,
    /// What the program answered.
    pub reply: Vec<u8>,
}

type Answered = Result<Committed, ProposeError>;

/// What one node has proposed and not heard of.
pub(crate) struct Proposer {
    node: u64,
    session: u64,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Something became unsent.
    wake: Notify,
}

#[derive(Default)]
struct State {
    last: u64,
    pending: BTreeMap<u64, Pending>,
    unsent: BTreeSet<u64>,
    /// Not taken by this node's own batcher; unsent again after a pause.
    refused: BTreeSet<u64>,
    stopped: bool,
}

struct Pending {
    command: Bytes,
    raise_level: u32,
    answer: oneshot::Sender<Answered>,
}

/// Gives a proposal up when its caller does.
struct Ticket<'a> {
    proposer: &'a Proposer,
    sequence: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.proposer.state();
        state.pending.remove(&self.sequence);
        state.unsent.remove(&self.sequence);
    }
}

impl Proposer {
    pub(crate) fn new(node: u64, session: u64, clock: Arc<dyn Clock>) -> Self {
        Self {
            node,
            session,
            clock,
            state: Mutex::default(),
            wake: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the outcome of a command, or of raising the level where `raise_level` is not 0.
    pub(crate) async fn propose(
        &self,
        command: Bytes,
        raise_level: u32,
        waiting_limit: usize,
        deadline: Duration,
    ) -> Answered {
        let (answer, waiting) = oneshot::channel();
        let ticket = {
            let mut state = self.state();
            if state.stopped {
                return Err(ProposeError::Stopped);
            }
            if state.pending.len() >= waiting_limit {
                return Err(ProposeError::Busy);
            }
            state.last += 1;
            let sequence = state.last;
            state.pending.insert(
                sequence,
                Pending {
                    command,
                    raise_level,
                    answer,
                },
            );
            state.unsent.insert(sequence);
            Ticket {
                proposer: self,
                sequence,
            }
        };
        self.wake.notify_one();
        let outcome = tokio::time::timeout(deadline, waiting).await;
        drop(ticket);
        match outcome {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => Err(ProposeError::Stopped),
            Err(_) => Err(ProposeError::Timeout { after: deadline }),
        }
    }

    /// Proposals that are to be sent now, up to `limit` bytes (at least one).
    fn take_unsent(&self, limit: usize) -> Vec<pb::Proposal> {
        let mut state = self.state();
        let low_water = state.pending.keys().next().copied().unwrap_or(state.last + 1);
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(sequence) = state.unsent.first().copied() {
            if let Some(pending) = state.pending.get(&sequence) {
                let size = pending.command.len() + 48;
                if !taken.is_empty() && bytes + size > limit {
                    break;
                }
                bytes += size;
                taken.push(pb::Proposal {
                    node: self.node,
                    session: self.session,
                    sequence,
                    low_water,
                    command: pending.command.clone(),
                    raise_level: pending.raise_level,
                });
            }
            state.unsent.remove(&sequence);
        }
        taken
    }

    /// One proposal is to be sent again, if it still waits.
    fn again(&self, sequence: u64) {
        let mut state = self.state();
        if state.pending.contains_key(&sequence) {
            state.unsent.insert(sequence);
            self.wake.notify_one();
        }
    }

    /// One proposal was refused by this node itself: to be sent again after a pause.
    fn again_later(&self, sequence: u64) {
        let mut state = self.state();
        if state.pending.contains_key(&sequence) {
            state.refused.insert(sequence);
            self.wake.notify_one();
        }
    }

    fn has_refused(&self) -> bool {
        !self.state().refused.is_empty()
    }

    fn resend_refused(&self) {
        let mut state = self.state();
        let refused = std::mem::take(&mut state.refused);
        state.unsent.extend(refused);
    }

    /// Everything without an answer is to be sent again.
    fn resend_all(&self) {
        let mut state = self.state();
        state.unsent = state.pending.keys().copied().collect();
        state.refused.clear();
        if !state.unsent.is_empty() {
            self.wake.notify_one();
        }
    }

    /// Takes an answer. `false` if the proposal is to be sent again.
    pub(crate) fn answered(&self, answer: pb::ProposeAnswer) -> bool {
        use pb::{propose_answer::Outcome, refusal::Reason};
        if answer.session != self.session {
            return true;
        }
        let result = match answer.outcome {
            Some(Outcome::Committed(done)) => Ok(Committed {
                index: done.index,
                reply: done.reply.into(),
            }),
            Some(Outcome::Refusal(refusal)) => match refusal.reason() {
                Reason::DiskFull => Err(ProposeError::DiskFull),
                Reason::ClockOff => Err(ProposeError::ClockOff {
                    offset_ms: refusal.clock_offset_ms,
                }),
                Reason::Stale => Err(ProposeError::Stale),
                Reason::NotLeader | Reason::Stopped | Reason::TooLarge | Reason::Unspecified => return false,
            },
            None => return false,
        };
        let pending = self.state().pending.remove(&answer.sequence);
        if let Some(pending) = pending {
            // The caller may have given up meanwhile.
            drop(pending.answer.send(result));
        }
        true
    }

    /// No proposal is taken any more; those that wait are told.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        state.unsent.clear();
        for (_, pending) in std::mem::take(&mut state.pending) {
            drop(pending.answer.send(Err(ProposeError::Stopped)));
        }
    }
}

/// An answer that the proposal was not taken.
pub(crate) fn refusal(proposal: &pb::Proposal, reason: pb::refusal::Reason) -> pb::ProposeAnswer {
    refusal_of(proposal.session, proposal.sequence, reason)
}

fn refusal_of(session: u64, sequence: u64, reason: pb::refusal::Reason) -> pb::ProposeAnswer {
    let refusal = pb::Refusal {
        reason: reason.into(),
        leader: 0,
        clock_offset_ms: 0,
    };
    pb::ProposeAnswer {
        session,
        sequence,
        outcome: Some(pb::propose_answer::Outcome::Refusal(refusal)),
    }
}
