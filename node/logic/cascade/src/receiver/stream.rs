//! One stream on one link: which hop sequences came, and which are missing.

use std::{collections::BTreeMap, ops::Range};

/// So far back it is known what came.
const WINDOW: u64 = 1_024;
/// So many gaps of a stream are remembered; those before are lost.
const MISSING: usize = 512;
/// A stream that begins later than this was there before, and forgotten.
const BEGINNING: u64 = 64;
/// A step over more than this is another beginning, not a loss.
const RESTART: u64 = 1 << 16;

#[derive(Debug, Clone, Copy)]
struct Missing {
    since_us: u64,
    due_us: u64,
    asked: bool,
}

/// Where a hop sequence stands.
#[derive(Debug)]
pub(super) enum Place {
    /// It came before, or is so old that nobody knows.
    Double,
    /// It was missing.
    Missing { hop: u64, due_us: u64, asked: bool },
    /// It was missing for too long and comes even so.
    GivenUp(u64),
    /// It is newer than all before; `gap` is missing now, and `unseen` before that are lost without being asked for.
    Next { hop: u64, gap: Range<u64>, unseen: u64 },
}

/// Invariant: what is in `missing` is below `next` and not in `seen`.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// One more than the highest that came, counted without wrapping.
    next: u64,
    begun: bool,
    /// A bit for each of the last [`WINDOW`] before `next`: whether it came.
    seen: [u64; (WINDOW / 64) as usize],
    missing: BTreeMap<u64, Missing>,
    last_us: u64,
}

impl Stream {
    pub(super) fn place(&mut self, now_us: u64, hop: u32) -> Place {
        self.last_us = now_us;
        if !self.begun {
            self.begun = true;
            self.next = if u64::from(hop) <= BEGINNING {
                0
            } else {
                u64::from(hop)
            };
        }
        let hop = self.extend(hop);
        if hop >= self.next {
            return self.advance(hop);
        }
        if hop.saturating_add(WINDOW) < self.next || self.mark(hop) {
            return Place::Double;
        }
        match self.missing.remove(&hop) {
            Some(Missing { due_us, asked, .. }) => Place::Missing { hop, due_us, asked },
            None => Place::GivenUp(hop),
        }
    }

    /// Without wrapping: the one nearest to what came last.
    fn extend(&self, hop: u32) -> u64 {
        const TURN: u64 = 1 << 32;
        let near = (self.next & !(TURN - 1)) | u64::from(hop);
        if near > self.next.saturating_add(TURN / 2) {
            near.checked_sub(TURN).unwrap_or(near)
        } else if near.saturating_add(TURN / 2) < self.next {
            near.saturating_add(TURN)
        } else {
            near
        }
    }

    fn advance(&mut self, hop: u64) -> Place {
        let step = hop - self.next;
        let (gap, unseen) = if step > RESTART {
            (hop..hop, 0)
        } else {
            let from = self.next.max(hop.saturating_sub(MISSING as u64));
            (from..hop, from - self.next)
        };
        // What the window slides over is forgotten; more than its length is all of it.
        for passed in self.next.max(hop.saturating_sub(WINDOW))..hop {
            self.clear(passed);
        }
        self.next = hop + 1;
        self.clear(hop);
        self.mark(hop);
        Place::Next { hop, gap, unseen }
    }

    fn clear(&mut self, hop: u64) {
        let index = hop % WINDOW;
        if let Some(word) = self.seen.get_mut((index / 64) as usize) {
            *word &= !(1 << (index % 64));
        }
    }

    /// Says whether it was marked already.
    fn mark(&mut self, hop: u64) -> bool {
        let index = hop % WINDOW;
        let Some(word) = self.seen.get_mut((index / 64) as usize) else {
            return true;
        };
        let bit = 1 << (index % 64);
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    /// `hop` is missing. Gives the oldest one, with its time, where there are too many.
    pub(super) fn miss(&mut self, now_us: u64, hop: u64, due_us: u64) -> Option<(u64, u64)> {
        let missing = Missing {
            since_us: now_us,
            due_us,
            asked: false,
        };
        self.missing.insert(hop, missing);
        if self.missing.len() <= MISSING {
            return None;
        }
        let (hop, missing) = self.missing.pop_first()?;
        Some((missing.due_us, hop))
    }

    /// Those that `reorder` newer ones overtook and that are not due at `now_us` yet, with when they were; they are
    /// due now.
    pub(super) fn overtaken(&mut self, reorder: u64, now_us: u64) -> Vec<(u64, u64)> {
        let Some(limit) = self.next.checked_sub(reorder) else {
            return Vec::new();
        };
        let mut overtaken = Vec::new();
        for (hop, missing) in self.missing.range_mut(..limit) {
            if !missing.asked && missing.due_us > now_us {
                overtaken.push((missing.due_us, *hop));
                missing.due_us = now_us;
            }
        }
        overtaken
    }

    /// It is asked for now: when next? `None` if it is given up.
    pub(super) fn ask(&mut self, hop: u64, now_us: u64, retry_us: u64, give_up_us: u64) -> Option<u64> {
        let missing = self.missing.get_mut(&hop)?;
        let last_us = missing.since_us.saturating_add(give_up_us);
        if now_us >= last_us {
            self.missing.remove(&hop);
            return None;
        }
        missing.asked = true;
        // The last one has its round trip too.
        missing.due_us = now_us.saturating_add(retry_us);
        Some(missing.due_us)
    }

    pub(super) fn missing(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.missing.iter().map(|(hop, missing)| (*hop, missing.due_us))
    }

    pub(super) fn last_us(&self) -> u64 {
        self.last_us
    }
}
