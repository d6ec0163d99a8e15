//! What left a short while ago, to answer NACKs.

use super::{FORGET_US, Priority};
use crate::{MediaPacket, wire::Part};
use std::collections::VecDeque;

/// What is asked for later than this would arrive too late to be shown.
const KEPT_US: u64 = 500_000;
const KEPT: usize = 512;

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) packet: MediaPacket,
    pub(super) part: Part,
    pub(super) priority: Priority,
    pub(super) repaired_us: Option<u64>,
    sent_us: u64,
}

/// One stream on this link. Invariant: `kept` holds what left last, without holes, up to `next`.
#[derive(Debug, Default)]
pub(super) struct Stream {
    next: u32,
    kept: VecDeque<Kept>,
    last_us: u64,
}

impl Stream {
    /// Gives the next hop sequence.
    pub(super) fn keep(&mut self, now_us: u64, priority: Priority, part: Part, packet: MediaPacket) -> u32 {
        self.prune(now_us);
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept {
            packet,
            part,
            priority,
            repaired_us: None,
            sent_us: now_us,
        });
        self.last_us = now_us;
        let hop = self.next;
        self.next = self.next.wrapping_add(1);
        hop
    }

    pub(super) fn kept(&mut self, hop: u32) -> Option<&mut Kept> {
        // 1 for the newest.
        let back = usize::try_from(self.next.wrapping_sub(hop)).ok()?;
        let index = self.kept.len().checked_sub(back)?;
        self.kept.get_mut(index)
    }

    /// Whether it is still to be remembered.
    pub(super) fn tidy(&mut self, now_us: u64) -> bool {
        self.prune(now_us);
        now_us < self.last_us.saturating_add(FORGET_US)
    }

    fn prune(&mut self, now_us: u64) {
        let old = |kept: &Kept| now_us > kept.sent_us.saturating_add(KEPT_US);
        while self.kept.front().is_some_and(old) {
            self.kept.pop_front();
        }
    }
}
