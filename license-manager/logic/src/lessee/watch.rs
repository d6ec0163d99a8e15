use crate::{
    Epoch,
    clock::{self, Reading, Span},
    mutant::{self, Mutant},
};
use serde::{Deserialize, Serialize};

/// What tells one life of a data folder from all others: the boot of its machine, and where the folder lies.
/// A copied, moved or restored folder has another home; so has one whose machine booted since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: u128,
    pub device: u64,
    pub inode: u64,
    /// Random, made anew by whatever restores the folder in place.
    pub restore: u128,
}

/// What one node keeps on its disk: until when it may use which lease. Never sent to another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Deadline {
    epoch: Epoch,
    span: Span,
    home: Home,
}

/// A node's own watch over its use of PRO seats.
///
/// Both limits are looked at each time that something is used, with the clocks as they are then; timers alone would
/// miss a machine that was suspended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    deadline: Option<Deadline>,
    /// Since the last answered question was sent. Gone after a start: a node that starts has nobody to cut off.
    #[serde(skip)]
    alive: Option<Span>,
}

/// A node asks its leader, each few seconds, whether it is still part of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alive {
    /// Milliseconds that the leader may use the lease; `None` if it has none.
    pub left_ms: Option<(Epoch, u64)>,
    /// For the planted fault of that name only.
    #[doc(hidden)]
    pub until_boot_ms: u64,
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

impl Watch {
    /// Of a node that has no lease yet.
    pub fn new() -> Self {
        Self {
            deadline: None,
            alive: None,
        }
    }

    /// The lease is renewed by an answer to what this node itself sent at `sent`.
    pub fn renewed(&mut self, epoch: Epoch, ttl_ms: u64, sent: Reading, now: Reading, home: Home) {
        let from = match mutant::planted(Mutant::DeadlineFromAnswer) {
            true => now,
            false => sent,
        };
        self.keep(epoch, Span::new(from, clock::lessee_ms(ttl_ms)), now, home);
    }

    /// The leader answered what this node asked at `asked`.
    pub fn heard(&mut self, answer: Alive, limit_ms: u64, asked: Reading, now: Reading, home: Home) {
        self.alive = Some(Span::new(asked, limit_ms));
        if let Some((epoch, left_ms)) = answer.left_ms {
            let span = match mutant::planted(Mutant::DeadlineSent) {
                true => Span::new(now, answer.until_boot_ms.saturating_sub(now.boot_ms)),
                false => Span::new(asked, clock::asked_ms(left_ms)),
            };
            self.keep(epoch, span, now, home);
        }
    }

    /// Of two deadlines for a lease the later one holds, as both are true.
    fn keep(&mut self, epoch: Epoch, span: Span, now: Reading, home: Home) {
        let known = self.left_ms(epoch, now, home).unwrap_or(0);
        if self.deadline.is_some_and(|known| known.epoch > epoch) || span.left_ms(now) <= known {
            return;
        }
        self.deadline = Some(Deadline { epoch, span, home });
    }

    /// Whether this node vouches that the server is the one that had the lease: it knew the lease at this very home,
    /// even if the time is over.
    pub fn vouches(&self, epoch: Epoch, home: Home) -> bool {
        let kept = mutant::planted(Mutant::IncarnationKept);
        self.deadline
            .is_some_and(|known| known.epoch == epoch && (known.home == home || kept))
    }

    /// The lease for which this node vouches.
    pub fn lease(&self, home: Home) -> Option<Epoch> {
        let known = self.deadline.map(|known| known.epoch);
        known.filter(|epoch| self.vouches(*epoch, home))
    }

    /// Milliseconds that the lease may still be used here; `None` if this node knows of no deadline for it.
    pub fn left_ms(&self, epoch: Epoch, now: Reading, home: Home) -> Option<u64> {
        self.vouches(epoch, home).then_some(())?;
        self.deadline.map(|known| known.span.left_ms(now))
    }

    /// Whether a grant of this lease may be used on this node now.
    pub fn allows(&self, epoch: Epoch, now: Reading, home: Home) -> bool {
        let connected = self.alive.is_some_and(|alive| !alive.is_over(now));
        connected && self.left_ms(epoch, now, home).is_some_and(|left| left > 0)
    }

    /// The lease is no more, by the manager's word.
    pub fn forget(&mut self, epoch: Epoch) {
        if self.deadline.is_some_and(|known| known.epoch == epoch) {
            self.deadline = None;
        }
    }
}
