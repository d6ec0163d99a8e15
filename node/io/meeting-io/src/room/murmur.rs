//! What people do at the chat without saying anything: who is writing, and how far each has read.
//!
//! No log has it. Rooms tell the nodes that have others of the meeting, and what is lost with a node is said anew by its people.

use super::{Keeper, Seated};
use crate::{Murmur, ReadLine, View};
use plenary_signalling::{
    ServerBody,
    meeting::{LineNumber, Participant, ParticipantId, People, Readers, Writer, Writing},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;

/// What is new is told at most this often, to clients and to nodes.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Who says that they are writing is heard at most this often: a little less than the three seconds that clients wait.
const HEAR_EVERY: Duration = Duration::from_millis(2_500);
/// Who has not said it again for so long does not write any more.
const WRITES_FOR: Duration = Duration::from_secs(6);
/// Most who are told by name; all others are "more".
const NAMED: usize = 4;

struct Writes {
    since: Instant,
    heard: Instant,
}

/// Who writes and who has read what, as far as this room knows.
#[derive(Default)]
pub(super) struct Murmurs {
    writes: BTreeMap<ParticipantId, Writes>,
    read: BTreeMap<ParticipantId, u64>,
    /// Who has said something that is kept: they hear who has read it.
    writers: BTreeSet<ParticipantId>,
    /// Not told to other nodes yet.
    news: Murmur,
    /// Nodes that know what people of this one have read.
    nodes: BTreeSet<String>,
    told: Writing,
    is_read_anew: bool,
    next: Option<Instant>,
    last: Option<Instant>,
}

impl Murmurs {
    pub(super) fn due(&self) -> Option<Instant> {
        self.next
    }

    fn soon(&mut self) {
        let at = self.last.map_or_else(Instant::now, |last| last + TELL_EVERY);
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// Gives whether it is heard.
    fn write(&mut self, who: ParticipantId, now: Instant) -> bool {
        let before = self.writes.get(&who);
        if before.is_some_and(|before| now.duration_since(before.heard) < HEAR_EVERY) {
            return false;
        }
        let since = before.map_or(now, |before| before.since);
        self.writes.insert(who, Writes { since, heard: now });
        self.soon();
        true
    }

    /// Gives whether that is further than before.
    fn read(&mut self, who: ParticipantId, line: u64) -> bool {
        if self.read.get(&who).is_some_and(|before| *before >= line) {
            return false;
        }
        self.read.insert(who, line);
        self.is_read_anew = true;
        self.soon();
        true
    }

    /// Who has said something does not write any more, and is to know who reads it.
    pub(super) fn said(&mut self, lines: &[ReadLine]) {
        for read in lines {
            if self.writes.remove(&read.line.participant).is_some() {
                self.soon();
            }
            self.writers.insert(read.line.participant);
            self.writers.extend(&read.line.places);
        }
    }

    /// Who comes back hears anew who has read what.
    pub(super) fn came(&mut self) {
        self.is_read_anew = true;
        self.soon();
    }

    fn writing(&mut self, people: &People, now: Instant) -> Writing {
        self.writes
            .retain(|id, one| now.duration_since(one.heard) < WRITES_FOR && people.inside(*id).is_some());
        let mut order: Vec<_> = self.writes.iter().map(|(id, one)| (one.since, *id)).collect();
        order.sort_unstable();
        let named = order.iter().take(NAMED).filter_map(|(_, id)| {
            Some(Writer {
                participant: *id,
                name: people.inside(*id)?.name.clone(),
            })
        });
        Writing {
            people: named.collect(),
            more: order.len() > NAMED,
        }
    }

    /// How far each person has read, however many places they have.
    fn readers(&self, people: &People) -> BTreeMap<String, u64> {
        let mut readers = BTreeMap::new();
        for (id, line) in &self.read {
            if let Some(one) = people.inside(*id) {
                let most: &mut u64 = readers.entry(key(one)).or_default();
                *most = (*most).max(*line);
            }
        }
        readers
    }
}

/// Who a participant is.
fn key(one: &Participant) -> String {
    one.user.clone().unwrap_or_else(|| one.id.0.to_string())
}

impl Keeper {
    /// Somebody of this node is writing.
    pub(super) fn writes(&mut self, run: u64) {
        let Some(who) = self.inside(run).map(|seated| seated.place.participant) else {
            return;
        };
        let may = self.people.inside(who).is_some_and(|one| one.no_chat.is_none());
        if may && self.murmurs.write(who, Instant::now()) {
            self.murmurs.news.writing.insert(who);
        }
    }

    /// Somebody of this node has read the chat up to a line.
    pub(super) fn reads(&mut self, run: u64, line: LineNumber) {
        let Some(who) = self.inside(run).map(|seated| seated.place.participant) else {
            return;
        };
        // In a large meeting nobody is told.
        if self.people.is_whole() && self.murmurs.read(who, line.0.min(self.last_line)) {
            let read = self.murmurs.read.get(&who).copied().unwrap_or_default();
            self.murmurs.news.read.insert(who, read);
        }
    }

    /// Another node tells of its people.
    pub(super) fn hear_murmur(&mut self, murmur: &Murmur) {
        let now = Instant::now();
        for who in &murmur.writing {
            let one = self.people.inside(*who);
            if one.is_some_and(|one| one.no_chat.is_none()) {
                self.murmurs.write(*who, now);
            }
        }
        for (who, line) in &murmur.read {
            // It may know of a line that this one has not applied yet.
            if self.people.is_whole() {
                self.murmurs.read(*who, *line);
            }
        }
    }

    fn inside(&self, run: u64) -> Option<&Seated> {
        self.seated.get(&run).filter(|seated| seated.is_inside())
    }

    /// A node that has come by now does not know what people of this one have read.
    pub(super) fn note_nodes(&mut self, view: &View) {
        let inside = view.participants.iter().filter(|one| !one.participant.waiting);
        let nodes: BTreeSet<_> = inside.map(|one| one.participant.node.clone()).collect();
        if !nodes.is_subset(&self.murmurs.nodes) {
            for seated in self.seated.values() {
                let who = seated.place.participant;
                if let Some(line) = self.murmurs.read.get(&who) {
                    self.murmurs.news.read.insert(who, *line);
                    self.murmurs.soon();
                }
            }
        }
        self.murmurs.nodes = nodes;
    }

    /// Tells clients and nodes what is new.
    pub(super) fn tell_murmurs(&mut self) {
        let now = Instant::now();
        (self.murmurs.next, self.murmurs.last) = (None, Some(now));
        let news = std::mem::take(&mut self.murmurs.news);
        if news != Murmur::default() {
            let roster = self.hub.roster();
            roster.murmur(&self.cid, self.murmurs.nodes.clone(), news);
        }
        let writing = self.murmurs.writing(&self.people, now);
        if writing != self.murmurs.told {
            self.murmurs.told = writing.clone();
            self.tell_inside(&ServerBody::Writing(writing));
        }
        if std::mem::take(&mut self.murmurs.is_read_anew) {
            self.tell_readers();
        }
        if !self.murmurs.writes.is_empty() {
            self.murmurs.soon();
        }
    }

    fn tell_readers(&mut self) {
        if !self.people.is_whole() {
            return;
        }
        let people = &self.people;
        self.murmurs.read.retain(|id, _| people.inside(*id).is_some());
        let readers = self.murmurs.readers(people);
        let writers = self.seated.values().filter(|seated| seated.is_inside());
        for seated in writers.filter(|seated| self.murmurs.writers.contains(&seated.place.participant)) {
            let own = people.inside(seated.place.participant).map(key);
            let others = readers.iter().filter(|(who, _)| Some(*who) != own.as_ref());
            let mut up_to: Vec<_> = others.map(|(_, line)| LineNumber(*line)).collect();
            up_to.sort_unstable();
            seated.tell.send(ServerBody::Readers(Readers { up_to })).ok();
        }
    }
}
