//! The node around the meetings: one room, `demo`.

// Each of the tests uses a part of it.
#![allow(dead_code)]

pub(crate) mod client;
mod reading;

use async_trait::async_trait;
use plenary_meeting_io::{
    Entered, Flow, History, Hub, Media, Murmur, Opening, Person, Present, ReadLine, Refused, Roster, Session,
    View,
};
use plenary_model::Cid;
use plenary_signalling::meeting::{
    Act, Call, CallOff, CalledPerson, ChatEarlier, DeletedBy, Edit, IceServer, Invited, InvitedPerson,
    Layout, Line, LineNumber, Moderate, Participant, ParticipantId, Place, Refusal, RemovedPeople,
    RemovedPerson, Ringing, Role, Room, Said, Say, State, Tile, Unsay, Via, Watcher, Watchers, Why,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Mutex, OnceLock},
    time::Duration,
};

#[derive(Default)]
struct State_ {
    places: BTreeMap<ParticipantId, (Person, Participant, String, u64)>,
    /// Whose each place is or was.
    persons: BTreeMap<ParticipantId, Person>,
    lines: Vec<ReadLine>,
    changes: u64,
    /// From where places were taken up.
    came_from: Vec<Option<IpAddr>>,
    called: Vec<CalledPerson>,
    invited: Vec<InvitedPerson>,
    watchers: Watchers,
    removed: RemovedPeople,
    layouts: BTreeMap<ParticipantId, Layout>,
    last: u64,
    sessions: u64,
    open: Vec<Session>,
    cut: bool,
    deleted: bool,
    /// It was deleted because its run ended.
    gone_with_its_run: Option<Why>,
    lecture: bool,
    locked: bool,
    /// Newcomers wait.
    waiting_room: bool,
    shown: Vec<Tile>,
    flow: Option<Flow>,
    ended_at: Option<u64>,
    /// What other nodes were told.
    murmurs: Vec<(BTreeSet<String>, Murmur)>,
    /// When the run began that goes on.
    run: u64,
    /// The ID of the room, where that was changed.
    id: Option<Cid>,
}

impl State_ {
    fn change(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }
}

#[derive(Default)]
pub(crate) struct World {
    state: Mutex<State_>,
    hub: OnceLock<Hub>,
}

fn unavailable() -> Refused {
    Refused::new(Refusal::Unavailable, "there is no leader")
}

fn demo() -> Cid {
    "demo".parse().unwrap()
}

impl World {
    pub(crate) fn watched_by(&self, hub: Hub) {
        assert!(self.hub.set(hub).is_ok());
    }

    /// What the nodes of these names were told.
    pub(crate) fn murmurs(&self) -> Vec<(BTreeSet<String>, Murmur)> {
        self.state.lock().unwrap().murmurs.clone()
    }

    /// Whether nothing can be committed.
    pub(crate) fn cut(&self, cut: bool) {
        self.state.lock().unwrap().cut = cut;
    }

    pub(crate) fn moves(&self, of: ParticipantId) -> Option<u64> {
        self.state
            .lock()
            .unwrap()
            .places
            .get(&of)
            .map(|(.., moves)| *moves)
    }

    /// Connections that were begun.
    pub(crate) fn handshakes(&self) -> u64 {
        self.state.lock().unwrap().sessions
    }

    pub(crate) fn is_empty(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.places.is_empty() && state.open.is_empty()
    }

    pub(crate) fn remove(&self, who: ParticipantId) {
        self.state.lock().unwrap().places.remove(&who);
    }

    /// The server takes the node for lost.
    pub(crate) fn lose(&self, who: ParticipantId) {
        if let Some((_, row, ..)) = self.state.lock().unwrap().places.get_mut(&who) {
            row.away = true;
        }
    }

    pub(crate) fn wait_room(&self) {
        self.state.lock().unwrap().waiting_room = true;
    }

    /// Owner and moderators are seen by all, and see all.
    pub(crate) fn lecture(&self) {
        self.state.lock().unwrap().lecture = true;
    }

    pub(crate) fn make_moderator(&self, who: ParticipantId) {
        if let Some((_, row, ..)) = self.state.lock().unwrap().places.get_mut(&who) {
            (row.role, row.waiting) = (Role::Moderator, false);
        }
        if let Some(hub) = self.hub.get() {
            hub.changed(&demo());
        }
    }

    pub(crate) fn give_podium(&self, who: ParticipantId) {
        if let Some((_, row, ..)) = self.state.lock().unwrap().places.get_mut(&who) {
            row.podium = Some(1);
        }
        if let Some(hub) = self.hub.get() {
            hub.changed(&demo());
        }
    }

    /// Somebody gets a layout for themselves alone, or it is taken back.
    pub(crate) fn lay_out(&self, who: ParticipantId, layout: Option<Layout>) {
        let mut state = self.state.lock().unwrap();
        match layout {
            Some(layout) => drop(state.layouts.insert(who, layout)),
            None => drop(state.layouts.remove(&who)),
        }
        drop(state);
        if let Some(hub) = self.hub.get() {
            hub.changed(&demo());
        }
    }

    /// A moderator has removed somebody.
    pub(crate) fn remember_removed(&self, person: RemovedPerson) {
        let mut state = self.state.lock().unwrap();
        state.removed.count += 1;
        state.removed.people.insert(0, person);
        drop(state);
        if let Some(hub) = self.hub.get() {
            hub.changed(&demo());
        }
    }

    /// A program watches.
    pub(crate) fn watch(&self, user: &str) -> ParticipantId {
        let mut state = self.state.lock().unwrap();
        state.watchers.count += 1;
        let id = ParticipantId(1 << 63 | state.watchers.count);
        state.watchers.programs.push(Watcher {
            id,
            user: user.into(),
            name: user.to_uppercase(),
            node: "node-1".into(),
            since: 1,
        });
        drop(state);
        if let Some(hub) = self.hub.get() {
            hub.changed(&demo());
        }
        id
    }

    pub(crate) fn invite(&self, who: ParticipantId, state: Invited) {
        self.state.lock().unwrap().invited = vec![InvitedPerson {
            participant: who,
            name: "Somebody".into(),
            state,
            at: 1,
        }];
        if let Some(hub) = self.hub.get() {
            hub.changed(&demo());
        }
    }

    /// From where places were taken up.
    pub(crate) fn came_from(&self) -> Vec<Option<IpAddr>> {
        self.state.lock().unwrap().came_from.clone()
    }

    /// What the media engine was told last: whom to show, and what may flow.
    pub(crate) fn media(&self) -> (Vec<ParticipantId>, Option<Flow>, usize) {
        let state = self.state.lock().unwrap();
        let shown = state.shown.iter().map(|tile| tile.participant).collect();
        (shown, state.flow, state.open.len())
    }

    /// The room is found by another ID from now on.
    pub(crate) fn call_it(&self, id: &str) {
        self.state.lock().unwrap().id = id.parse().ok();
        if let Some(hub) = self.hub.get() {
            hub.changed(&demo());
        }
    }

    pub(crate) fn end_with_room(&self, why: Why) {
        self.delete_room();
        self.state.lock().unwrap().gone_with_its_run = Some(why);
    }

    pub(crate) fn delete_room(&self) {
        let mut state = self.state.lock().unwrap();
        state.deleted = true;
        state.places.clear();
    }

    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let within = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), within)
            .await
            .expect("in time");
    }

    /// Commits a change, if that can be done.
    fn commit<T>(&self, change: impl FnOnce(&mut State_) -> Result<T, Refused>) -> Result<T, Refused> {
        let done = {
            let mut state = self.state.lock().unwrap();
            if state.cut {
                return Err(unavailable());
            }
            change(&mut state)
        };
        if let Some(hub) = self.hub.get() {
            hub.changed(&demo());
        }
        done
    }
}

#[async_trait]
impl Roster for World {
    async fn find(&self, id: &Cid, place: Option<&Place>) -> Result<Option<Cid>, Refused> {
        let state = self.state.lock().unwrap();
        let is_known = place.is_some_and(|place| state.places.contains_key(&place.participant));
        let is_called = state.id.as_ref().unwrap_or(&demo()) == id;
        Ok((is_known || is_called).then(demo))
    }

    async fn enter(
        &self,
        room: &Cid,
        person: &Person,
        _: Option<IpAddr>,
        state: State,
        pin: Option<String>,
    ) -> Result<Entered, Refused> {
        if pin.as_deref() == Some("0000") {
            return Err(Refused::new(Refusal::WrongPin, "the PIN is wrong"));
        }
        if *room != demo() {
            return Err(Refused::new(Refusal::NotFound, "there is no such room"));
        }
        self.commit(|world| {
            world.last += 1;
            let participant = ParticipantId(world.last);
            let secret = format!("secret {}", world.last);
            let row = Participant {
                id: participant,
                name: format!("{person:?}"),
                user: None,
                guest: matches!(person, Person::Guest { .. }),
                via: Via::Browser,
                node: "node-1".into(),
                muted: state.muted.unwrap_or(false),
                camera: state.camera.unwrap_or(false),
                content: false,
                hand: None,
                reaction: None,
                joined_at: world.last,
                away: false,
                role: Role::Participant,
                waiting: world.waiting_room,
                podium: None,
                pinned: false,
                remark: false,
                hushed: false,
                dimmed: false,
                covered: false,
                asked: None,
                own_layout: false,
                screenless: false,
                no_chat: None,
            };
            world.persons.insert(participant, person.clone());
            world
                .places
                .insert(participant, (person.clone(), row, secret.clone(), 0));
            Ok(Entered {
                participant,
                secret,
                moves: 0,
            })
        })
    }

    async fn knows(&self, _: &Cid, person: &Person, place: &Place) -> bool {
        let state = self.state.lock().unwrap();
        let found = state.places.get(&place.participant);
        found.is_some_and(|(whose, _, secret, _)| whose == person && *secret == place.secret)
    }

    async fn resume(&self, _: &Cid, place: &Place, from: Option<IpAddr>) -> Result<u64, Refused> {
        self.commit(|world| {
            let gone = || Refused::new(Refusal::NotFound, "the place is gone");
            let (_, row, _, moves) = world.places.get_mut(&place.participant).ok_or_else(gone)?;
            (row.away, *moves) = (false, *moves + 1);
            let moves = *moves;
            world.came_from.push(from);
            Ok(moves)
        })
    }

    async fn leave(&self, _: &Cid, participant: ParticipantId, moves: u64) -> Result<(), Refused> {
        self.commit(|world| {
            world
                .places
                .retain(|id, (.., own)| *id != participant || *own != moves);
            Ok(())
        })
    }

    async fn set(&self, _: &Cid, who: ParticipantId, _: u64, state: State) -> Result<(), Refused> {
        self.commit(|world| {
            if let Some((_, row, ..)) = world.places.get_mut(&who) {
                row.hand = state.hand.and_then(|up| up.then_some(1)).or(row.hand);
            }
            Ok(())
        })
    }

    async fn react(&self, _: &Cid, _: ParticipantId, _: u64, _: String) -> Result<(), Refused> {
        self.commit(|_| Ok(()))
    }

    async fn say(&self, _: &Cid, participant: ParticipantId, say: Say) -> Result<(), Refused> {
        self.commit(|world| {
            // As the rules do.
            let mut known = world.lines.iter().filter_map(|read| read.line.key.as_ref());
            if say.key.is_some() && known.any(|key| Some(key) == say.key.as_ref()) {
                return Ok(());
            }
            let number = world.lines.len() as u64 + 1;
            let line = Said {
                id: number.to_string(),
                participant,
                name: "Somebody".into(),
                text: say.text,
                at: 0,
                reply_to: say.reply_to,
                mentions: Vec::new(),
                edited_at: None,
                deleted: None,
                places: vec![participant],
                run: Some(world.run),
                key: say.key,
            };
            let changed = world.change();
            world.lines.push(ReadLine {
                number,
                changed,
                line,
            });
            Ok(())
        })
    }

    async fn edit(&self, _: &Cid, who: ParticipantId, edit: Edit) -> Result<(), Refused> {
        self.commit(|world| {
            let changed = world.change();
            let read = world.lines.iter_mut().find(|read| read.number == edit.line.0);
            let read = read.filter(|read| read.line.participant == who);
            let read = read.ok_or_else(|| Refused::new(Refusal::Forbidden, "not yours"))?;
            read.changed = changed;
            read.line.text = edit.text;
            read.line.edited_at = Some(1);
            Ok(())
        })
    }

    async fn unsay(&self, _: &Cid, _: ParticipantId, unsay: Unsay) -> Result<(), Refused> {
        self.commit(|world| {
            let changed = world.change();
            let mut lines = world.lines.iter_mut();
            if let Some(read) = lines.find(|read| read.number == unsay.line.0) {
                read.changed = changed;
                read.line.text.clear();
                read.line.deleted = Some(DeletedBy::Writer);
            }
            Ok(())
        })
    }

    async fn moderate(&self, _: &Cid, by: ParticipantId, what: Moderate) -> Result<(), Refused> {
        self.commit(|world| {
            let moderates = world
                .places
                .get(&by)
                .is_some_and(|(_, row, ..)| row.role > Role::Participant);
            if !moderates {
                return Err(Refused::new(Refusal::Forbidden, "a moderator is needed"));
            }
            match (
                what.act,
                what.participant.and_then(|id| world.places.get_mut(&id)),
            ) {
                (Act::Admit, Some((_, row, ..))) => row.waiting = false,
                (Act::SendBack, Some((_, row, ..))) => row.waiting = true,
                (Act::Mute, Some((_, row, ..))) => row.muted = true,
                (Act::Remove, Some((_, row, ..))) => {
                    let id = row.id;
                    world.places.remove(&id);
                }
                (Act::Lock, None) => world.locked = true,
                (Act::End, None) => {
                    world.places.clear();
                    world.ended_at = Some(world.last);
                }
                _ => return Err(Refused::new(Refusal::BadRequest, "not here")),
            }
            Ok(())
        })
    }

    async fn call(&self, _: &Cid, by: ParticipantId, call: Call) -> Result<(), Refused> {
        self.commit(|world| {
            let row = world.places.get(&by).map(|(_, row, ..)| row);
            if row.is_none_or(|row| row.role == Role::Participant) {
                return Err(Refused::new(Refusal::Forbidden, "a moderator is needed"));
            }
            let rung = call.users.into_iter().map(|user| CalledPerson {
                name: user.to_uppercase(),
                user,
                state: Ringing::Ringing,
                at: 1,
            });
            world.called.extend(rung);
            Ok(())
        })
    }

    async fn call_off(&self, _: &Cid, by: ParticipantId, calls: CallOff) -> Result<(), Refused> {
        self.commit(|world| {
            let row = world.places.get(&by).map(|(_, row, ..)| row);
            if row.is_none_or(|row| row.role == Role::Participant) {
                return Err(Refused::new(Refusal::Forbidden, "a moderator is needed"));
            }
            for person in &mut world.called {
                if calls.all || calls.users.contains(&person.user) {
                    person.state = Ringing::Cancelled;
                }
            }
            Ok(())
        })
    }

    async fn spoke(&self, _: &Cid, _: Vec<(ParticipantId, u64)>) -> Result<(), Refused> {
        Ok(())
    }

    async fn why_gone(&self, _: &Cid) -> Why {
        let state = self.state.lock().unwrap();
        state.gone_with_its_run.unwrap_or(Why::RoomDeleted)
    }

    async fn view(&self, room: &Cid) -> Result<Option<View>, Refused> {
        let state = self.state.lock().unwrap();
        if state.deleted || *room != demo() {
            return Ok(None);
        }
        let rows = state.places.values();
        let present = |(_, row, _, moves): &(Person, Participant, String, u64)| Present {
            participant: row.clone(),
            moves: *moves,
            flow: Flow {
                voice: !row.muted,
                camera: true,
                content: true,
            },
            sees_all: row.role > Role::Participant,
            // As in a lecture.
            shown_to_all: row.role > Role::Participant || !state.lecture,
            layout: state.layouts.get(&row.id).cloned(),
        };
        Ok(Some(View {
            room: Room {
                cid: state.id.clone().unwrap_or_else(demo).to_string(),
                name: "Demo".into(),
                locked: state.locked,
                ..Room::default()
            },
            participants: rows.map(present).collect(),
            ended: state.ended_at.map(|at| (at, Why::EndedForAll)),
            lost: std::collections::BTreeMap::new(),
            called: state.called.clone(),
            invitations: state.invited.clone(),
            watchers: state.watchers.clone(),
            removed: state.removed.clone(),
        }))
    }

    async fn lines_of(&self, _: &Cid, places: &[ParticipantId]) -> Result<Vec<ReadLine>, Refused> {
        let state = self.state.lock().unwrap();
        let person = |id: &ParticipantId| state.persons.get(id);
        let persons: Vec<_> = places.iter().filter_map(person).collect();
        let of_them =
            |read: &&ReadLine| person(&read.line.participant).is_some_and(|writer| persons.contains(&writer));
        let lines = state.lines.iter().filter(of_them).cloned();
        Ok(lines
            .map(|read| ReadLine {
                line: Said {
                    places: places.to_vec(),
                    ..read.line
                },
                ..read
            })
            .collect())
    }

    async fn history(&self, _: &Cid, of: &[ParticipantId]) -> Result<Vec<History>, Refused> {
        let state = self.state.lock().unwrap();
        let histories = of.iter().map(|id| {
            let reads = state.reads(*id);
            let lines = state.lines.iter().map(|read| &read.line);
            History {
                of: [*id].into(),
                lines: lines.filter(|line| reading::has(&reads, line)).cloned().collect(),
                reads,
                run: Some(state.run),
            }
        });
        Ok(histories.collect())
    }

    async fn earlier(&self, _: &Cid, of: ParticipantId, before: LineNumber) -> Result<ChatEarlier, Refused> {
        let state = self.state.lock().unwrap();
        let reads = state.reads(of);
        let earlier = state.lines.iter().filter(|read| read.number < before.0);
        let earlier = earlier.filter(|read| reading::has(&reads, &read.line));
        Ok(ChatEarlier {
            lines: earlier.map(|read| read.line.clone()).collect(),
            more: false,
        })
    }

    fn murmur(&self, _: &Cid, to: BTreeSet<String>, murmur: Murmur) {
        self.state.lock().unwrap().murmurs.push((to, murmur));
    }

    async fn lines(&self, _: &Cid, after: u64) -> Result<Vec<ReadLine>, Refused> {
        let state = self.state.lock().unwrap();
        let mut found: Vec<_> = state
            .lines
            .iter()
            .filter(|read| read.changed > after)
            .cloned()
            .collect();
        if after > 0 {
            found.sort_by_key(|read| read.changed);
        }
        Ok(found)
    }
}

#[async_trait]
impl Media for World {
    fn session(&self) -> Session {
        let mut state = self.state.lock().unwrap();
        state.sessions += 1;
        Session(state.sessions)
    }

    async fn open(&self, session: Session, opening: Opening) -> Result<String, Refused> {
        let mut state = self.state.lock().unwrap();
        // One publishing connection each, and the tests have one person with one.
        state.open = vec![session];
        state.flow = Some(opening.flow);
        Ok(format!("opened {}", opening.sdp))
    }

    async fn negotiate(
        &self,
        session: Session,
        sdp: String,
        _: Vec<Line>,
    ) -> Result<Option<String>, Refused> {
        let is_open = self.state.lock().unwrap().open.contains(&session);
        Ok(is_open.then(|| format!("negotiated {sdp}")))
    }

    async fn show(&self, _: Session, tiles: Vec<Tile>) {
        self.state.lock().unwrap().shown = tiles;
    }

    async fn allow(&self, _: Session, flow: Flow) {
        self.state.lock().unwrap().flow = Some(flow);
    }

    async fn close(&self, session: Session) {
        self.state.lock().unwrap().open.retain(|open| *open != session);
    }

    fn ice_servers(&self, _: ParticipantId, _: bool) -> Vec<IceServer> {
        Vec::new()
    }
}
