//! What searches see, and how it is replaced.

use crate::{
    merge,
    segment::{Number, Segment, ServerNumber},
};
use plenary_model::ServerName;
use plenary_people::{Change, Entry, EntryId, Policy, Share};
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock},
};

/// A segment, and which of its entries are gone.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) segment: Arc<Segment>,
    /// A bit for each entry.
    deleted: Arc<Vec<u64>>,
    pub(crate) live: usize,
}

impl Part {
    pub(crate) fn new(segment: Segment) -> Self {
        Self {
            live: segment.len(),
            deleted: Arc::new(vec![0; segment.len().div_ceil(64)]),
            segment: Arc::new(segment),
        }
    }

    pub(crate) fn is_deleted(&self, number: Number) -> bool {
        let bit = 1 << (number % 64);
        self.deleted
            .get(number as usize / 64)
            .is_some_and(|bits| bits & bit != 0)
    }

    pub(crate) fn delete(&mut self, number: Number) {
        let bits = Arc::make_mut(&mut self.deleted);
        let bit = 1 << (number % 64);
        if let Some(bits) = bits.get_mut(number as usize / 64)
            && *bits & bit == 0
        {
            *bits |= bit;
            self.live -= 1;
        }
    }

    /// Entries that are there.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = Number> + '_ {
        (0..self.segment.len() as Number).filter(|number| !self.is_deleted(*number))
    }

    fn find(&self, id: &EntryId) -> Option<Number> {
        self.segment
            .find_id(id)
            .filter(|number| !self.is_deleted(*number))
    }
}

/// What searches see. Cloned for each change: it has a few dozen segments at most.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// An entry is in one of them at most, but for those where it is gone.
    pub(crate) parts: Vec<Part>,
    /// By their numbers. Those of servers that are gone stay.
    pub(crate) servers: Arc<Vec<ServerName>>,
    pub(crate) numbers: Arc<BTreeMap<ServerName, ServerNumber>>,
    pub(crate) shares: Arc<BTreeMap<ServerName, Share>>,
    pub(crate) policy: Arc<Policy>,
    /// What [`Self::seen_by`] found out; another one wherever servers or the policy are.
    pub(crate) seen: Arc<Mutex<SeenBy>>,
}

/// By who asks: for each server, whether its entries may be seen.
pub(crate) type SeenBy = BTreeMap<ServerName, Arc<[bool]>>;

impl State {
    pub(crate) fn server(&self, name: &ServerName) -> Option<ServerNumber> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn entry(&self, id: &EntryId) -> Option<Entry> {
        let of_part = |part: &Part| part.find(id).map(|number| part.segment.entry(number));
        self.parts.iter().find_map(of_part)
    }

    /// What its server shows of an entry.
    pub(crate) fn shown(&self, entry: Entry) -> Option<Entry> {
        match self.shares.get(&entry.id.server) {
            Some(share) => share.shown(&entry),
            None => Some(entry),
        }
    }

    /// For each server by its number, whether people of another see its entries. Found out once: rules are many, and searches too.
    pub(crate) fn seen_by(&self, viewers: &ServerName) -> Arc<[bool]> {
        let mut known = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = known.get(viewers) {
            return Arc::clone(seen);
        }
        let seen = self
            .servers
            .iter()
            .map(|server| self.policy.allows(viewers, server));
        let seen: Arc<[bool]> = seen.collect();
        known.insert(viewers.clone(), Arc::clone(&seen));
        seen
    }

    fn number_of(&mut self, name: &ServerName) -> ServerNumber {
        if let Some(number) = self.server(name) {
            return number;
        }
        self.seen = Arc::default();
        let number = self.servers.len() as ServerNumber;
        Arc::make_mut(&mut self.servers).push(name.clone());
        Arc::make_mut(&mut self.numbers).insert(name.clone(), number);
        number
    }

    /// Builds a segment of entries that are in none.
    pub(crate) fn add(&mut self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let shares = Arc::clone(&self.shares);
        let segment = Segment::build(entries, &shares, |server| self.number_of(server));
        self.parts.push(Part::new(segment));
    }

    fn remove(&mut self, id: &EntryId) {
        for part in &mut self.parts {
            if let Some(number) = part.find(id) {
                part.delete(number);
            }
        }
    }

    fn remove_server(&mut self, server: &ServerName) {
        let Some(server) = self.server(server) else { return };
        for part in &mut self.parts {
            let own = part
                .numbers()
                .filter(|number| part.segment.server(*number) == server);
            for number in own.collect::<Vec<_>>() {
                part.delete(number);
            }
        }
    }

    fn apply(&mut self, changes: &[Change]) {
        let mut put: BTreeMap<&EntryId, &Entry> = BTreeMap::new();
        for change in changes {
            match change {
                Change::Put(entry) => {
                    put.insert(&entry.id, entry);
                }
                Change::Remove(id) => {
                    put.remove(id);
                    self.remove(id);
                }
                Change::RemoveServer(server) => {
                    put.retain(|id, _| id.server != *server);
                    self.remove_server(server);
                }
            }
        }
        put.keys().for_each(|id| self.remove(id));
        self.add(put.into_values().cloned().collect());
    }

    pub(crate) fn drop_empty(&mut self) {
        self.parts.retain(|part| part.live > 0);
    }
}

/// What all clones of an index share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Locked only to take or to replace what is inside.
    state: RwLock<Arc<State>>,
    /// Held by whoever changes the state.
    pub(crate) writer: Mutex<Writer>,
    pub(crate) merged: Condvar,
}

/// What only those know who change the state.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// Whether a thread merges segments.
    pub(crate) merging: bool,
    /// Counts shares that changed: what is merged meanwhile has to be built anew.
    pub(crate) shares: u64,
}

impl Shared {
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The lock is held for as long as the guard lives.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn replace(&self, state: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
    }

    pub(crate) fn apply(self: &Arc<Self>, changes: &[Change]) {
        let mut writer = self.writer();
        let mut state = State::clone(&self.state());
        state.apply(changes);
        merge::small(&mut state);
        self.replace(state);
        merge::large(self, &mut writer);
    }

    pub(crate) fn set_share(self: &Arc<Self>, server: &ServerName, share: Share) {
        let mut writer = self.writer();
        let mut state = State::clone(&self.state());
        if state.shares.get(server) == Some(&share) {
            return;
        }
        writer.shares += 1;
        Arc::make_mut(&mut state.shares).insert(server.clone(), share);
        let mut own = Vec::new();
        if let Some(number) = state.server(server) {
            for part in &state.parts {
                let numbers = part
                    .numbers()
                    .filter(|entry| part.segment.server(*entry) == number);
                own.extend(numbers.map(|entry| part.segment.entry(entry)));
            }
        }
        state.remove_server(server);
        state.add(own);
        merge::small(&mut state);
        self.replace(state);
        merge::large(self, &mut writer);
    }

    pub(crate) fn set_policy(&self, policy: Policy) {
        let _writer = self.writer();
        let mut state = State::clone(&self.state());
        state.policy = Arc::new(policy);
        state.seen = Arc::default();
        self.replace(state);
    }

    pub(crate) fn settle(&self) {
        let mut writer = self.writer();
        while writer.merging {
            writer = self.merged.wait(writer).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
