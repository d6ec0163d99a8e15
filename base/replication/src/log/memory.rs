//! What the log holds, as the living see it: ids and places of all entries, the newest ones whole.

use std::collections::VecDeque;

use openraft::EntryPayload;

use crate::types::{Entry, LogId, Payload, Vote};

/// Where an entry's record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

#[derive(Debug)]
struct Slot {
    id: LogId,
    bytes: usize,
    /// Known once it was written.
    place: Option<Place>,
    /// There while it is new; always while `place` is unknown.
    entry: Option<Entry>,
}

/// An entry or where to read it.
#[derive(Debug)]
pub(crate) enum Held {
    Whole(Entry),
    At(Place),
}

/// Invariant: the indexes of `slots` follow each other without a gap, the first one follows `purged`.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) vote: Option<Vote>,
    pub(crate) committed: Option<LogId>,
    pub(crate) purged: Option<LogId>,
    slots: VecDeque<Slot>,
    cached: usize,
    cache_limit: usize,
    /// Slots before this one were given up already.
    evicted: usize,
}

impl Memory {
    pub(crate) fn new(cache_limit: usize) -> Self {
        Self {
            cache_limit,
            ..Self::default()
        }
    }

    pub(crate) fn last(&self) -> Option<&LogId> {
        self.slots.back().map(|slot| &slot.id).or(self.purged.as_ref())
    }

    /// Makes of a leader's vote the one that it stood with, so that it has to be elected again.
    ///
    /// A leader that starts again must not lead in its old term: followers may hold and have acknowledged
    /// entries of that term that it lost with the power before its own sync, and it would give their
    /// numbers to other ones. Its files keep the vote, which never goes back.
    pub(crate) fn step_down(&mut self, node: u64) {
        if let Some(vote) = self.vote.as_mut().filter(|vote| vote.leader_id.node_id == node) {
            vote.committed = false;
        }
    }

    /// Index of the first entry that is held, or would be next.
    pub(crate) fn first_index(&self) -> u64 {
        match self.slots.front() {
            Some(slot) => slot.id.index,
            None => self.purged.as_ref().map_or(0, |id| id.index + 1),
        }
    }

    pub(crate) fn next_index(&self) -> u64 {
        self.last().map_or(0, |id| id.index + 1)
    }

    fn position(&self, index: u64) -> Option<usize> {
        let first = self.slots.front()?.id.index;
        usize::try_from(index.checked_sub(first)?).ok()
    }

    /// Adds an entry. `false` if it does not follow the last one; the first one may leave a gap, which the
    /// caller answers for.
    pub(crate) fn append(&mut self, entry: Entry, place: Option<Place>) -> bool {
        let index = entry.log_id.index;
        let follows = index == self.next_index() || self.slots.is_empty() && index > self.next_index();
        if !follows {
            return false;
        }
        let bytes = weight(&entry);
        self.cached += bytes;
        self.slots.push_back(Slot {
            id: entry.log_id,
            bytes,
            place,
            entry: Some(entry),
        });
        self.evict();
        true
    }

    /// Forgets entries from `from` on.
    pub(crate) fn truncate(&mut self, from: u64) {
        while self.slots.back().is_some_and(|slot| slot.id.index >= from) {
            if let Some(slot) = self.slots.pop_back()
                && slot.entry.is_some()
            {
                self.cached -= slot.bytes;
            }
        }
        self.evicted = self.evicted.min(self.slots.len());
    }

    /// Forgets entries up to `id`.
    pub(crate) fn purge(&mut self, id: LogId) {
        while self.slots.front().is_some_and(|slot| slot.id.index <= id.index) {
            if let Some(slot) = self.slots.pop_front()
                && slot.entry.is_some()
            {
                self.cached -= slot.bytes;
            }
            self.evicted = self.evicted.saturating_sub(1);
        }
        if self.purged.as_ref() < Some(&id) {
            self.purged = Some(id);
        }
    }

    /// An entry was written; it may have been truncated meanwhile.
    pub(crate) fn placed(&mut self, id: LogId, place: Place) {
        let Some(position) = self.position(id.index) else {
            return;
        };
        if let Some(slot) = self.slots.get_mut(position).filter(|slot| slot.id == id) {
            slot.place = Some(place);
        }
    }

    /// Gives up the oldest entries that can be read from disk, down to the limit.
    pub(crate) fn evict(&mut self) {
        while self.cached > self.cache_limit {
            let Some(slot) = self
                .slots
                .get_mut(self.evicted)
                .filter(|slot| slot.place.is_some())
            else {
                return;
            };
            if slot.entry.take().is_some() {
                self.cached -= slot.bytes;
            }
            self.evicted += 1;
        }
    }

    /// Entries from `from` to before `to`, as far as they are there, at least one, then up to `bytes`.
    pub(crate) fn range(&self, from: u64, to: u64, bytes: usize) -> Vec<Held> {
        let mut found = Vec::new();
        let mut size = 0;
        let start = from.max(self.first_index());
        let Some(position) = self.position(start) else {
            return found;
        };
        for slot in self
            .slots
            .iter()
            .skip(position)
            .take_while(|slot| slot.id.index < to)
        {
            if !found.is_empty() && size + slot.bytes > bytes {
                break;
            }
            size += slot.bytes;
            match (&slot.entry, slot.place) {
                (Some(entry), _) => found.push(Held::Whole(entry.clone())),
                (None, Some(place)) => found.push(Held::At(place)),
                (None, None) => unreachable!("an entry is given up only once its place is known"),
            }
        }
        found
    }

    /// The last entry that can go so that at most `keep` bytes stay.
    pub(crate) fn purge_point(&self, keep: u64) -> Option<u64> {
        let mut kept = 0_u64;
        self.slots.iter().rev().find_map(|slot| {
            kept += slot.bytes as u64;
            (kept > keep).then_some(slot.id.index)
        })
    }
}

fn weight(entry: &Entry) -> usize {
    const FIXED: usize = 64;
    match &entry.payload {
        EntryPayload::Normal(Payload(bytes)) => bytes.len() + FIXED,
        EntryPayload::Blank | EntryPayload::Membership(_) => FIXED,
    }
}
