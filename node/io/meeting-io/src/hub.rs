//! Who sits where on this node.

use crate::{
    Abroad, Media, MediaEvent, Murmur, Newcomer, Refused, Roster, Session, Whence, abroad,
    rates::Rates,
    room::{self, Tidings},
    seat::{self, Told},
};
use plenary_model::{Cid, ServerName, UserName};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{Join, ParticipantId, Refusal, Why},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How long the place of a client is kept that went without saying so: pages are loaded again.
const KEPT: Duration = Duration::from_secs(10);

/// The handle of all meetings of this node; clones are of the same.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    roster: Arc<dyn Roster>,
    media: Arc<dyn Media>,
    kept: Duration,
    rates: Rates,
    /// Where this node meets with other servers.
    abroad: OnceLock<Arc<dyn Abroad>>,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    /// Each client that wants to be in a meeting, by its run.
    seats: HashMap<u64, mpsc::UnboundedSender<Told>>,
    /// Of those, who has which place.
    places: BTreeMap<ParticipantId, u64>,
    /// Places of those who went without saying so, and how often they did while it is kept.
    kept: BTreeMap<ParticipantId, usize>,
    sessions: HashMap<Session, u64>,
    rooms: BTreeMap<Cid, mpsc::UnboundedSender<Tidings>>,
    /// Who of this node is in which conference of other servers, by the names of the engine's rooms.
    halls: BTreeMap<String, BTreeSet<u64>>,
    /// Who attends conferences of other servers, by their runs.
    travellers: BTreeMap<u64, Traveller>,
}

/// Somebody of this node in a conference of another server.
struct Traveller {
    user: UserName,
    server: ServerName,
    /// Whether it is that of a call of two; none before that server has said it.
    is_call: Option<bool>,
}

impl Hub {
    pub fn new(roster: Arc<dyn Roster>, media: Arc<dyn Media>) -> Self {
        Self::keeping(roster, media, KEPT)
    }

    /// As [`Hub::new`]; places of clients that went without saying so are kept for so long.
    pub fn keeping(roster: Arc<dyn Roster>, media: Arc<dyn Media>, kept: Duration) -> Self {
        Self(Arc::new(Inner {
            roster,
            media,
            kept,
            rates: Rates::default(),
            abroad: OnceLock::new(),
            tables: Mutex::default(),
        }))
    }

    /// A client asks for something. What it asks is done in order, and answered by [`Newcomer::tell`].
    pub fn request(&self, newcomer: &Newcomer, request: ClientBody) {
        let taken = self.0.rates.take(&newcomer.person, &request, Instant::now());
        if let Err(seconds) = taken {
            // Nobody waits for an answer to what is of the moment.
            if matches!(request, ClientBody::Writing {} | ClientBody::Read(_)) {
                return;
            }
            let words = format!("that was asked for too often; try again in {seconds} s");
            let why = Refused::new(Refusal::TooFast, words);
            newcomer.tell.send(why.answers(&request)).ok();
            return;
        }
        let mut tables = self.tables();
        let known = tables.seats.get(&newcomer.run).cloned();
        if let ClientBody::Join(join) = request {
            if let Some(before) = known {
                before.send(Told::Leave).ok();
            }
            let (inbox, told) = mpsc::unbounded_channel();
            tables.seats.insert(newcomer.run, inbox.clone());
            drop(tables);
            self.seat(newcomer.clone(), join, inbox, told);
            return;
        }
        let sent = known.is_some_and(|seat| seat.send(Told::Request(request.clone())).is_ok());
        if !sent && !matches!(request, ClientBody::Leave {}) {
            let why = Refused::new(Refusal::NotJoined, "you are in no meeting; join one first");
            newcomer.tell.send(why.answers(&request)).ok();
        }
    }

    /// Here, or in a conference of another server.
    fn seat(
        &self,
        newcomer: Newcomer,
        mut join: Join,
        inbox: mpsc::UnboundedSender<Told>,
        told: mpsc::UnboundedReceiver<Told>,
    ) {
        if let Some((cid, server)) = abroad::elsewhere(&join.room) {
            join.room = cid.to_owned();
            if self.abroad().is_none_or(|abroad| *abroad.me() != server) {
                tokio::spawn(abroad::sit(self.clone(), newcomer, server, join, inbox, told));
                return;
            }
        }
        tokio::spawn(seat::sit(self.clone(), newcomer, join, inbox, told));
    }

    /// From now on people of this node come into conferences of other servers.
    pub fn meet(&self, abroad: Arc<dyn Abroad>) {
        // Said once, when the node starts.
        self.0.abroad.set(abroad).ok();
    }

    /// A client came back from elsewhere: what it may do there can be something else.
    pub fn moved(&self, run: u64, whence: Whence) {
        if let Some(seat) = self.tables().seats.get(&run) {
            seat.send(Told::Moved(whence)).ok();
        }
    }

    /// The connection of a client is over.
    pub fn ended(&self, run: u64) {
        if let Some(seat) = self.tables().seats.get(&run) {
            seat.send(Told::Gone).ok();
        }
    }

    /// The roster, the chat or the settings of a room have changed.
    pub fn changed(&self, room: &Cid) {
        if let Some(room) = self.tables().rooms.get(room) {
            room.send(Tidings::Changed).ok();
        }
    }

    /// Everybody on this node goes out of their meetings and is told why, but for those who are in one of these rooms.
    pub fn end_all_but(&self, why: Why, rooms: BTreeSet<Cid>) {
        let rooms = Arc::new(rooms);
        for seat in self.tables().seats.values() {
            seat.send(Told::End(why, rooms.clone())).ok();
        }
    }

    /// What another node tells of its people in a room.
    pub fn hear_murmur(&self, room: &Cid, murmur: Murmur) {
        self.tell_room(room, Tidings::Murmur(murmur));
    }

    /// Anything may have changed.
    pub fn all_changed(&self) {
        for room in self.tables().rooms.values() {
            room.send(Tidings::Changed).ok();
        }
    }

    /// The media engine tells something.
    pub fn media(&self, event: MediaEvent) {
        let tables = self.tables();
        let session = match &event {
            MediaEvent::Ended(session)
            | MediaEvent::Slots(session, _)
            | MediaEvent::Layers(session, _)
            | MediaEvent::Quality(session, _) => *session,
            MediaEvent::Speaking(room, speaking) => {
                for run in tables.halls.get(room).into_iter().flatten() {
                    if let Some(seat) = tables.seats.get(run) {
                        seat.send(Told::Media(event.clone())).ok();
                    }
                }
                let room = room.parse::<Cid>().ok().and_then(|cid| tables.rooms.get(&cid));
                if let Some(room) = room {
                    room.send(Tidings::Speaking(speaking.clone())).ok();
                }
                return;
            }
        };
        let seat = tables
            .sessions
            .get(&session)
            .and_then(|run| tables.seats.get(run));
        if let Some(seat) = seat {
            seat.send(Told::Media(event)).ok();
        }
    }

    /// Clients in meetings on this node.
    pub fn seats(&self) -> usize {
        self.tables().places.len()
    }

    /// Whether a client of this node has this place, or is just going out of it.
    pub fn has(&self, participant: ParticipantId) -> bool {
        let tables = self.tables();
        tables.places.contains_key(&participant) || tables.kept.contains_key(&participant)
    }

    /// Somebody went without saying so: this node has their place as long as this is held.
    pub(crate) fn keep(&self, participant: ParticipantId) -> Keeping {
        *self.tables().kept.entry(participant).or_default() += 1;
        Keeping(self.clone(), participant)
    }

    /// Whether anybody of this node is in another room than these, or in a conference of another server.
    pub fn is_used_beside(&self, rooms: &BTreeSet<Cid>) -> bool {
        let tables = self.tables();
        !tables.halls.is_empty() || tables.rooms.keys().any(|cid| !rooms.contains(cid))
    }

    /// The rooms of this server that have a client of this node.
    pub fn cids(&self) -> BTreeSet<Cid> {
        self.tables().rooms.keys().cloned().collect()
    }

    /// Rooms with a client of this node.
    pub fn rooms(&self) -> usize {
        self.tables().rooms.len()
    }

    pub(crate) fn roster(&self) -> &Arc<dyn Roster> {
        &self.0.roster
    }

    pub(crate) fn media_engine(&self) -> &Arc<dyn Media> {
        &self.0.media
    }

    pub(crate) fn abroad(&self) -> Option<&Arc<dyn Abroad>> {
        self.0.abroad.get()
    }

    pub(crate) fn enter_hall(&self, hall: &str, run: u64) {
        let mut tables = self.tables();
        tables.halls.entry(hall.to_owned()).or_default().insert(run);
    }

    pub(crate) fn leave_hall(&self, hall: &str, run: u64) {
        let mut tables = self.tables();
        if let Some(runs) = tables.halls.get_mut(hall) {
            runs.remove(&run);
            if runs.is_empty() {
                tables.halls.remove(hall);
            }
        }
    }

    /// Who of this node is in conferences of other servers.
    pub fn abroad_people(&self) -> BTreeSet<UserName> {
        let tables = self.tables();
        let travellers = tables.travellers.values();
        travellers.map(|traveller| traveller.user.clone()).collect()
    }

    /// How many of this node are in conferences of each other server, or in the waiting rooms of those.
    pub fn abroad_counts(&self) -> BTreeMap<ServerName, u64> {
        let tables = self.tables();
        let mut counts = BTreeMap::new();
        // Whom that server has not answered yet is nowhere.
        for one in tables.travellers.values().filter(|one| one.is_call.is_some()) {
            *counts.entry(one.server.clone()).or_default() += 1;
        }
        counts
    }

    /// In conferences of which servers they are, and whether those are of calls of two.
    pub fn abroad_meetings(&self) -> BTreeSet<(ServerName, bool)> {
        let tables = self.tables();
        let travellers = tables.travellers.values();
        travellers
            .filter_map(|traveller| Some((traveller.server.clone(), traveller.is_call?)))
            .collect()
    }

    /// All who are in such ones of that server go out, and are told why.
    pub fn end_meetings(&self, server: &ServerName, is_call: bool, why: Why) {
        let is_it = |traveller: &Traveller| traveller.server == *server && traveller.is_call == Some(is_call);
        self.end_those(is_it, why);
    }

    /// They go out of all conferences of other servers, and are told why.
    pub fn end_abroad(&self, user: &UserName, why: Why) {
        self.end_those(|traveller| traveller.user == *user, why);
    }

    fn end_those(&self, is_it: impl Fn(&Traveller) -> bool, why: Why) {
        let tables = self.tables();
        let theirs = tables.travellers.iter().filter(|(_, one)| is_it(one));
        for seat in theirs.filter_map(|(run, _)| tables.seats.get(run)) {
            seat.send(Told::End(why, Arc::default())).ok();
        }
    }

    pub(crate) fn note_traveller(&self, run: u64, user: UserName, server: ServerName) {
        let is_call = None;
        let traveller = Traveller {
            user,
            server,
            is_call,
        };
        self.tables().travellers.insert(run, traveller);
    }

    /// What they are in has turned out to be that of a call, or not.
    pub(crate) fn note_call(&self, run: u64, is_call: bool) {
        if let Some(traveller) = self.tables().travellers.get_mut(&run) {
            traveller.is_call = Some(is_call);
        }
    }

    pub(crate) fn kept(&self) -> Duration {
        self.0.kept
    }

    /// Notes who has a place; whoever had it on this node before has it no more.
    pub(crate) fn place(&self, participant: ParticipantId, run: u64) {
        let mut tables = self.tables();
        let before = tables
            .places
            .insert(participant, run)
            .filter(|before| *before != run);
        if let Some(seat) = before.and_then(|before| tables.seats.get(&before)) {
            seat.send(Told::Elsewhere).ok();
        }
    }

    pub(crate) fn note_session(&self, session: Session, run: u64) {
        self.tables().sessions.insert(session, run);
    }

    pub(crate) fn forget_session(&self, session: Session) {
        self.tables().sessions.remove(&session);
    }

    /// A seat is free. `inbox` tells it from one that its client took since.
    pub(crate) fn stand_up(
        &self,
        run: u64,
        participant: Option<ParticipantId>,
        inbox: &mpsc::UnboundedSender<Told>,
    ) {
        let mut tables = self.tables();
        if tables
            .seats
            .get(&run)
            .is_some_and(|seat| seat.same_channel(inbox))
        {
            tables.seats.remove(&run);
            tables.travellers.remove(&run);
        }
        if let Some(participant) = participant
            && tables.places.get(&participant) == Some(&run)
        {
            tables.places.remove(&participant);
        }
    }

    /// Tells the room's task something; begins it for who comes in.
    pub(crate) fn tell_room(&self, room: &Cid, tidings: Tidings) {
        let mut tables = self.tables();
        if !tables.rooms.contains_key(room) && matches!(tidings, Tidings::Came(_)) {
            let (inbox, told) = mpsc::unbounded_channel();
            tables.rooms.insert(room.clone(), inbox);
            tokio::spawn(room::keep(self.clone(), room.clone(), told));
        }
        if let Some(inbox) = tables.rooms.get(room) {
            inbox.send(tidings).ok();
        }
    }

    /// Ends the room's task if nobody has told it anything.
    pub(crate) fn close_room(&self, room: &Cid, told: &mpsc::UnboundedReceiver<Tidings>) -> bool {
        let mut tables = self.tables();
        let idle = told.is_empty();
        if idle {
            tables.rooms.remove(room);
        }
        idle
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn refused(request: &str, why: Refused) -> ServerBody {
    refused_by(request, why, None)
}

/// What was said by that key is no line.
pub(crate) fn refused_by(request: &str, why: Refused, key: Option<String>) -> ServerBody {
    ServerBody::Refused(plenary_signalling::meeting::Refused {
        request: request.to_owned(),
        code: why.code,
        detail: why.detail,
        key,
        facts: why.facts,
    })
}

/// The key of what a client says.
pub(crate) fn key_of(request: &ClientBody) -> Option<String> {
    match request {
        ClientBody::Say(say) => say.key.clone(),
        _ => None,
    }
}

pub(crate) fn request_name(request: &ClientBody) -> &'static str {
    match request {
        ClientBody::Watch { .. } => "watch",
        ClientBody::Join(_) => "join",
        ClientBody::Offer(_) => "offer",
        ClientBody::Show(_) => "show",
        ClientBody::State(_) => "state",
        ClientBody::React(_) => "react",
        ClientBody::Say(_) => "say",
        ClientBody::Edit(_) => "edit",
        ClientBody::Unsay(_) => "unsay",
        ClientBody::Earlier(_) => "earlier",
        ClientBody::Writing {} => "writing",
        ClientBody::Read(_) => "read",
        ClientBody::Moderate(_) => "moderate",
        ClientBody::Call(_) => "call",
        ClientBody::CallOff(_) => "call_off",
        ClientBody::List(_) => "list",
        ClientBody::Follow(_) => "follow",
        ClientBody::Leave {} => "leave",
    }
}

/// A place that is kept for somebody who may come back.
pub(crate) struct Keeping(Hub, ParticipantId);

impl Drop for Keeping {
    fn drop(&mut self) {
        let mut tables = self.0.tables();
        if let Some(times) = tables.kept.get_mut(&self.1) {
            *times -= 1;
            if *times == 0 {
                tables.kept.remove(&self.1);
            }
        }
    }
}
