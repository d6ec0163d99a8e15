//! A part of the index that never changes.

use crate::dictionary::{Dictionary, spell};
use plenary_model::ServerName;
use plenary_people::{
    Entry, EntryId, Share, fold,
    query::{self, Sort, Term},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    ops::Range,
};

/// The number of an entry in its segment. They follow the order of names, so that among equals the smaller is the first.
pub(crate) type Number = u32;

/// The number of a server in all segments.
pub(crate) type ServerNumber = u32;

/// Entries with all that finds them. All of it lies in a few large pieces, in the order in which it is read.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    pub(crate) dictionary: Dictionary,
    /// Where the entries of each term begin in `postings`, and where the last ends.
    starts: Vec<u32>,
    /// [`Number`]s of entries, each shifted to the left by one; the lowest bit says that the term is only about it.
    postings: Vec<u32>,
    servers: Vec<ServerNumber>,
    /// Where the groups of each entry begin in `groups`, and where the last ends.
    group_starts: Vec<u32>,
    /// Places in `group_names`.
    groups: Vec<u32>,
    /// Sorted.
    group_names: Vec<(ServerNumber, String)>,
    /// Hashes of IDs, sorted.
    ids: Vec<(u64, Number)>,
    entry_starts: Vec<u64>,
    /// As servers sent them, in MessagePack.
    entries: Vec<u8>,
}

impl Segment {
    /// Of entries with different IDs. Costs about 20 µs for each.
    pub(crate) fn build(
        mut entries: Vec<Entry>,
        shares: &BTreeMap<ServerName, Share>,
        mut number_of: impl FnMut(&ServerName) -> ServerNumber,
    ) -> Self {
        entries.sort_by_cached_key(|entry| (fold::fold(&entry.display_name), entry.id.clone()));
        let mut segment = Self::default();
        let mut terms = Terms::default();
        let mut groups = Vec::new();
        segment.entry_starts.push(0);
        for (number, entry) in (0..).zip(&entries) {
            let server = number_of(&entry.id.server);
            segment.servers.push(server);
            segment.ids.push((hash(&entry.id), number));
            segment.entries.extend(encode(entry));
            segment.entry_starts.push(segment.entries.len() as u64);
            let share = shares.get(&entry.id.server);
            let shown = match share {
                None => Some(Cow::Borrowed(entry)),
                Some(share) => share.shown(entry).map(Cow::Owned),
            };
            if let Some(shown) = &shown {
                terms.add(shown, number);
            }
            groups.push(shown.map(|shown| shown.groups.clone()).unwrap_or_default());
        }
        drop(entries);
        segment.ids.sort_unstable();
        segment.entries.shrink_to_fit();
        segment.set_groups(&groups);
        terms.into_segment(&mut segment);
        segment
    }

    fn set_groups(&mut self, groups: &[Vec<String>]) {
        let of = |(server, groups): (&ServerNumber, &Vec<String>)| -> Vec<(ServerNumber, String)> {
            groups.iter().map(|group| (*server, group.clone())).collect()
        };
        let mut names: Vec<_> = self.servers.iter().zip(groups).flat_map(of).collect();
        names.sort_unstable();
        names.dedup();
        self.group_names = names;
        self.group_starts.push(0);
        for (server, groups) in self.servers.iter().zip(groups) {
            let known = groups.iter().filter_map(|group| {
                self.group_names
                    .binary_search_by(|(of, name)| (of, name).cmp(&(server, group)))
                    .ok()
            });
            self.groups.extend(known.map(|place| place as u32));
            self.group_starts.push(self.groups.len() as u32);
        }
    }

    /// How many entries it has.
    pub(crate) fn len(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.dictionary.bytes()
            + 4 * (self.starts.len() + self.postings.len() + self.groups.len())
            + 4 * self.servers.len()
            + 4 * self.group_starts.len()
            + 16 * self.ids.len()
            + 8 * self.entry_starts.len()
            + self.entries.len()
    }

    pub(crate) fn server(&self, number: Number) -> ServerNumber {
        self.servers[number as usize]
    }

    /// Places of groups, sorted, of which [`Self::is_in`] is asked.
    pub(crate) fn groups_of(&self, server: ServerNumber, names: &[String]) -> Vec<u32> {
        let place = |name: &String| {
            self.group_names
                .binary_search_by(|(of, known)| (of, known).cmp(&(&server, name)))
                .ok()
        };
        let mut places: Vec<u32> = names.iter().filter_map(place).map(|place| place as u32).collect();
        places.sort_unstable();
        places
    }

    pub(crate) fn is_in(&self, number: Number, groups: &[u32]) -> bool {
        let at = number as usize;
        let own = &self.groups[self.group_starts[at] as usize..self.group_starts[at + 1] as usize];
        own.iter().any(|group| groups.binary_search(group).is_ok())
    }

    pub(crate) fn entry(&self, number: Number) -> Entry {
        let at = number as usize;
        let bytes = &self.entries[self.entry_starts[at] as usize..self.entry_starts[at + 1] as usize];
        rmp_serde::from_slice(bytes).expect("it was written here")
    }

    /// Entries whose ID has this hash: one, but for an accident.
    pub(crate) fn by_hash(&self, hash: u64) -> impl Iterator<Item = Number> + '_ {
        let from = self.ids.partition_point(|(other, _)| *other < hash);
        self.ids[from..]
            .iter()
            .take_while(move |(other, _)| *other == hash)
            .map(|(_, number)| *number)
    }

    pub(crate) fn find_id(&self, id: &EntryId) -> Option<Number> {
        self.by_hash(hash(id))
            .find(|number| self.entry(*number).id == *id)
    }

    /// Where the entries of some terms stand, for [`Self::postings`].
    pub(crate) fn span(&self, terms: Range<usize>) -> Range<usize> {
        self.starts[terms.start] as usize..self.starts[terms.end] as usize
    }

    /// Entries with one of some terms, and whether that is only about them.
    pub(crate) fn postings(&self, span: Range<usize>) -> impl Iterator<Item = (Number, bool)> + '_ {
        self.postings[span]
            .iter()
            .map(|posting| (posting >> 1, posting & 1 == 1))
    }
}

/// Terms while a segment is built.
#[derive(Default)]
struct Terms {
    numbers: HashMap<String, u32>,
    /// Those of texts that many entries have, so that they are taken apart once.
    known: HashMap<(Sort, String), Vec<u32>>,
    /// Term and posting.
    pairs: Vec<(u32, u32)>,
    spelled: String,
}

impl Terms {
    fn add(&mut self, entry: &Entry, number: Number) {
        let mut own: Vec<(u32, bool)> = Vec::new();
        query::texts(entry, |sort, text| match sort {
            Sort::Name | Sort::About | Sort::Domain => {
                let is_about = sort == Sort::About;
                own.extend(self.of_common(sort, text).iter().map(|term| (*term, is_about)));
            }
            Sort::Phone => query::terms(sort, text, |term| own.push((self.number(term), false))),
            Sort::Id => query::terms(sort, text, |term| {
                // IDs are mostly made of names; what these find they need not find again.
                let of_name = match term {
                    Term::Id(text) => self.numbers.get(text).copied(),
                    _ => None,
                };
                if !of_name.is_some_and(|term| own.contains(&(term, false))) {
                    own.push((self.number(term), false));
                }
            }),
        });
        own.sort_unstable();
        // Where a term is of the name, too, that counts.
        own.dedup_by_key(|(term, _)| *term);
        let posting = |about: bool| number << 1 | u32::from(about);
        self.pairs
            .extend(own.iter().map(|(term, about)| (*term, posting(*about))));
    }

    fn of_common(&mut self, sort: Sort, text: &str) -> &[u32] {
        let key = (sort, text.to_owned());
        if !self.known.contains_key(&key) {
            let mut terms = Vec::new();
            query::terms(sort, text, |term| terms.push(self.number(term)));
            self.known.insert(key.clone(), terms);
        }
        self.known.get(&key).map(Vec::as_slice).unwrap_or_default()
    }

    fn number(&mut self, term: Term<'_>) -> u32 {
        spell(term, &mut self.spelled);
        let next = self.numbers.len() as u32;
        match self.numbers.get(self.spelled.as_str()) {
            Some(number) => *number,
            None => *self.numbers.entry(self.spelled.clone()).or_insert(next),
        }
    }

    fn into_segment(self, segment: &mut Segment) {
        let mut sorted: Vec<(String, u32)> = self.numbers.into_iter().collect();
        sorted.sort_unstable();
        let mut ranks = vec![0_usize; sorted.len()];
        for (rank, (_, term)) in sorted.iter().enumerate() {
            ranks[*term as usize] = rank;
        }
        segment.dictionary = Dictionary::of(sorted.iter().map(|(term, _)| term.as_str()));
        let mut starts = vec![0_u32; sorted.len() + 1];
        drop(sorted);
        for (term, _) in &self.pairs {
            starts[ranks[*term as usize] + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut postings = vec![0; self.pairs.len()];
        for (term, posting) in self.pairs {
            let place = &mut next[ranks[term as usize]];
            postings[*place as usize] = posting;
            *place += 1;
        }
        segment.starts = starts;
        segment.postings = postings;
    }
}

fn encode(entry: &Entry) -> Vec<u8> {
    rmp_serde::to_vec(entry).expect("texts and lists can be written into memory")
}

pub(crate) fn hash(id: &EntryId) -> u64 {
    // Without a key: the same in all segments of a process, and of no matter elsewhere.
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
