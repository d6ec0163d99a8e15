//! Three lanes: the first is emptied first, the last loses first.

use super::Priority;
use crate::{MediaPacket, wire::StreamId};
use std::collections::VecDeque;

#[derive(Debug)]
pub(super) enum What {
    Packet(MediaPacket),
    /// What left with this hop sequence is to go again.
    Repair(u32),
}

#[derive(Debug)]
pub(super) struct Queued {
    pub(super) stream: StreamId,
    pub(super) what: What,
    /// About what it takes on the link.
    pub(super) bytes: usize,
    pub(super) at_us: u64,
}

/// Repairs are older than everything new, so they go first, and are dropped first.
#[derive(Debug, Default)]
struct Lane {
    repairs: VecDeque<Queued>,
    fresh: VecDeque<Queued>,
}

impl Lane {
    fn pop(&mut self) -> Option<Queued> {
        self.repairs.pop_front().or_else(|| self.fresh.pop_front())
    }
}

const PRIORITIES: [Priority; 3] = [Priority::Audio, Priority::Content, Priority::Video];

/// Invariant: `bytes` is the sum over all lanes.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// In the order of [`PRIORITIES`].
    lanes: [Lane; 3],
    bytes: usize,
}

impl Queue {
    pub(super) fn push(&mut self, priority: Priority, queued: Queued) {
        self.bytes += queued.bytes;
        let [audio, content, video] = &mut self.lanes;
        let lane = match priority {
            Priority::Audio => audio,
            Priority::Content => content,
            Priority::Video => video,
        };
        match queued.what {
            What::Packet(_) => lane.fresh.push_back(queued),
            What::Repair(_) => lane.repairs.push_back(queued),
        }
    }

    /// The oldest of the first lane that has one.
    pub(super) fn pop(&mut self) -> Option<(Priority, Queued)> {
        let mut lanes = PRIORITIES.into_iter().zip(&mut self.lanes);
        let (priority, queued) = lanes.find_map(|(priority, lane)| Some((priority, lane.pop()?)))?;
        self.bytes -= queued.bytes;
        Some((priority, queued))
    }

    /// Drops the oldest of the last lane that has one.
    pub(super) fn drop_one(&mut self) -> Option<Priority> {
        let mut lanes = PRIORITIES.into_iter().zip(&mut self.lanes).rev();
        let (priority, queued) = lanes.find_map(|(priority, lane)| Some((priority, lane.pop()?)))?;
        self.bytes -= queued.bytes;
        Some(priority)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes
            .iter()
            .all(|lane| lane.repairs.is_empty() && lane.fresh.is_empty())
    }
}
