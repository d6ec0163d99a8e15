//! Finds people, groups, rooms and conferences of all servers of an enterprise in the time of a key stroke (ENT-03).
//!
//! [`Index::apply`] takes changes, [`Index::find`] answers what somebody types. What servers share and which servers see which
//! counts inside of the search: what may not be seen takes no place from what may. What is a match, and which comes first, is
//! decided in `plenary_people::query`; why this is no search library, and its figures, stand in `docs/decisions/0021`.
//!
//! ```text
//!  apply ──► small segment ──► merged with others, the large ones on a thread of their own
//!                 │
//!  find ──────────┴──► each segment: terms (sorted) ──► entries of each term (in the order of names) ──► the best few
//! ```
//!
//! A segment never changes; entries that are gone are marked beside it. So searches never wait for changes, nor for each
//! other.
//!
//! The index lives in memory, about a third of a kilobyte for each person, and more while large segments are merged. It keeps
//! nothing: whoever owns it tells it all entries when it starts, best in one call of `apply`.

mod dictionary;
mod merge;
mod search;
mod segment;
mod state;

#[cfg(any(test, feature = "samples"))]
pub mod samples;

use plenary_model::ServerName;
use plenary_people::{
    Change, Closeness, Entry, EntryId, Policy, Quality, Query, Share, Viewer, fold, limits,
};
pub use search::Whose;
use search::{Ask, Depth, Found};
use state::{Part, Shared, State};
use std::{cmp::Ordering, sync::Arc};

/// Somebody or something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What is shown of it.
    pub entry: Entry,
    /// How well the worst-met word is met.
    pub quality: Quality,
    pub closeness: Closeness,
}

/// Entries of all servers, and who may see them. Cheap to clone: all clones are the same index.
///
/// Entries of a server without a [`Share`] are shown whole, those of a server are seen by all until there is a [`Policy`].
#[derive(Debug, Clone, Default)]
pub struct Index {
    shared: Arc<Shared>,
}

impl Index {
    /// One without entries.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Takes changes, in order. Whoever searches after it returned finds them; who searches meanwhile finds all or none of
    /// them. Entries that break the [`limits`] are taken as well: to refuse them is the matter of who receives them.
    ///
    /// Costs about 20 µs for each entry, and some more now and then, when small segments are merged.
    pub fn apply(&self, changes: &[Change]) {
        self.shared.apply(changes);
    }

    /// What a server shows from now on. Costs as much as to put all its entries.
    pub fn set_share(&self, server: &ServerName, share: Share) {
        self.shared.set_share(server, share);
    }

    /// Which servers see which from now on.
    pub fn set_policy(&self, policy: Policy) {
        self.shared.set_policy(policy);
    }

    /// How many entries there are, shown or not.
    pub fn len(&self) -> usize {
        self.shared.state().parts.iter().map(|part| part.live).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much memory its segments take.
    pub fn bytes(&self) -> usize {
        let state = self.shared.state();
        state.parts.iter().map(|part| part.segment.bytes()).sum()
    }

    /// An entry as its server sent it, whoever may see it.
    pub fn entry(&self, id: &EntryId) -> Option<Entry> {
        self.shared.state().entry(id)
    }

    /// What somebody sees of an entry whose ID they have.
    pub fn view(&self, id: &EntryId, viewer: &Viewer) -> Option<Entry> {
        let state = self.shared.state();
        if !state.policy.allows(&viewer.server, &id.server) {
            return None;
        }
        state.shown(state.entry(id)?)
    }

    /// The first entries that meet a query, among those that somebody may see; at most [`limits::HITS`]. The order is the
    /// same each time, and does not depend on what happened to the index before.
    pub fn find(&self, query: &Query, viewer: &Viewer, limit: usize) -> Vec<Hit> {
        self.find_of(Whose::All, query, viewer, limit)
    }

    /// The same among the entries of the viewer's server, or of the others.
    pub fn find_of(&self, whose: Whose, query: &Query, viewer: &Viewer, limit: usize) -> Vec<Hit> {
        let limit = limit.min(limits::HITS);
        if query.is_empty() || limit == 0 {
            return Vec::new();
        }
        let state = self.shared.state();
        let seen = state.seen_by(&viewer.server);
        let recent = viewer.recent.iter().take(limits::RECENT).map(segment::hash);
        let recent: Vec<u64> = recent.collect();
        let ask = Ask {
            query,
            seen: &seen,
            whose,
            server: state.server(&viewer.server),
            groups: &viewer.groups,
            recent: &recent,
            limit,
        };
        let mut depth = Depth::Words;
        let found = loop {
            let found = search_all(&state, &ask, depth);
            match depth.next(found.len(), limit) {
                Some(next) => depth = next,
                None => break found,
            }
        };
        first(found, limit)
            .into_iter()
            .filter_map(|(found, entry)| {
                Some(Hit {
                    entry: state.shown(entry)?,
                    quality: found.worst,
                    closeness: found.closeness,
                })
            })
            .collect()
    }

    /// Waits until no segments are being merged.
    pub fn settle(&self) {
        self.shared.settle();
    }
}

fn search_all<'a>(state: &'a State, ask: &Ask<'_>, depth: Depth) -> Vec<(&'a Part, Found)> {
    let in_part = |part: &'a Part| {
        let found = search::search(&part.segment, ask, depth, |number| part.is_deleted(number));
        found.into_iter().map(move |found| (part, found))
    };
    state.parts.iter().flat_map(in_part).collect()
}

/// The first of what was found in several segments. Each has its own in order already; among equals names decide, then IDs.
fn first(found: Vec<(&Part, Found)>, limit: usize) -> Vec<(Found, Entry)> {
    let with_name = |(part, found): (&Part, Found)| {
        let entry = part.segment.entry(found.number);
        (found, fold::fold(&entry.display_name), entry)
    };
    let mut found: Vec<(Found, String, Entry)> = found.into_iter().map(with_name).collect();
    found.sort_by(|(a, name, entry), (b, other_name, other)| {
        let by_place = (a.place, a.sum).cmp(&(b.place, b.sum));
        by_place
            .then_with(|| name.cmp(other_name))
            .then_with(|| match entry.id.cmp(&other.id) {
                // An entry is in one segment.
                Ordering::Equal => a.number.cmp(&b.number),
                order => order,
            })
    });
    found.truncate(limit);
    found
        .into_iter()
        .map(|(found, _, entry)| (found, entry))
        .collect()
}
