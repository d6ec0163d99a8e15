//! What the rest of the node wants of a shard: sessions that begin, change and end.

use super::{Member, Shard};
use crate::{
    engine::{Command, EngineError, Event, Line, Opened, Opening, SessionKey},
    peer::Peer,
    room::Room,
    terms::Terms,
};
use plenary_model::NodeId;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

impl Shard {
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Open(opening, answer) => {
                let opened = self.open(opening);
                answer.send(opened).ok();
            }
            Command::Restart {
                key,
                ufrag,
                pwd,
                answer,
            } => {
                let restarted = self.restart(key, &ufrag, &pwd);
                answer.send(restarted).ok();
            }
            Command::Negotiate {
                key,
                offer,
                lines,
                answer,
            } => {
                let negotiated = self.negotiate(key, offer, lines);
                answer.send(negotiated).ok();
            }
            Command::Show(key, shows) => {
                if let Some(at) = self.by_key.get(&key)
                    && let Some(member) = self.members.get(*at)
                    && let Some(room) = self.rooms.get_mut(&member.room)
                {
                    room.show(*at, &shows, Instant::now());
                }
            }
            Command::Allow(key, allow) => {
                if let Some(at) = self.by_key.get(&key)
                    && let Some(member) = self.members.get(*at)
                    && let Some(room) = self.rooms.get_mut(&member.room)
                {
                    room.allow(*at, allow, Instant::now());
                    self.carry();
                }
            }
            Command::Limit(key, limits) => {
                if let Some(at) = self.by_key.get(&key)
                    && let Some(member) = self.members.get(*at)
                    && let Some(room) = self.rooms.get_mut(&member.room)
                {
                    room.limit(*at, limits, Instant::now());
                    self.carry();
                }
            }
            Command::Terms(room, link, terms) => self.agree(room.into(), link, terms),
            Command::Close(key, answer) => {
                let found = self.by_key.get(&key).copied();
                if let Some(at) = found {
                    self.gone.push(at);
                }
                answer.send(found.is_some()).ok();
            }
            Command::Stop(done) => drop(done),
            #[cfg(test)]
            Command::Fail => panic!("it was told to"),
        }
    }

    fn open(&mut self, opening: Opening) -> Result<Opened, EngineError> {
        let Opening {
            key,
            room,
            participant,
            name,
            client,
            part,
            allow,
            offer,
            outside,
        } = opening;
        let in_room = self.rooms.get(room.as_str()).map_or(0, Room::sessions);
        if in_room >= self.options.sessions_of_room {
            return Err(EngineError::Full);
        }
        let seat = self.place.steering.seat(self.options.sessions);
        let seat = seat.ok_or(EngineError::Full)?;
        let now = Instant::now();
        let answered = Peer::answer(&self.ground, (client, outside), offer, now);
        let (peer, answer) = answered.map_err(EngineError::BadOffer)?;
        let ufrag = peer.ufrag.clone();
        let room: Arc<str> = room.into();
        let at = self.members.insert(Member {
            peer,
            key,
            room: room.clone(),
            opened: now,
            _seat: seat,
        });
        self.by_key.insert(key, at);
        self.place.begin(key);
        self.demux.add(ufrag.clone(), at);
        self.drain(at);
        let replaced = self
            .room(room.clone(), now)
            .join(at, participant, name, part, allow, now);
        if let Some(room) = self.rooms.get_mut(&room) {
            room.learn_lines(at, now, &self.members);
        }
        let figures = &self.figures;
        figures
            .sessions
            .store(self.members.len() as u64, Ordering::Relaxed);
        figures.rooms.store(self.rooms.len() as u64, Ordering::Relaxed);
        self.carry();
        self.gone.extend(replaced);
        self.bury();
        Ok(Opened { key, answer, ufrag })
    }

    /// The room of this name; a new one if there is none.
    fn room(&mut self, name: Arc<str>, now: Instant) -> &mut Room {
        let Self {
            rooms,
            neighbours,
            last_room,
            place,
            ..
        } = self;
        rooms.entry(name.clone()).or_insert_with(|| {
            let shards = u32::try_from(place.steering.shards()).unwrap_or(1);
            *last_room = last_room.wrapping_add(shards);
            if let Some(neighbours) = neighbours {
                neighbours.opened(&name, *last_room);
            }
            Room::new(name, *last_room, now)
        })
    }

    /// Nobody needs a room any more.
    fn close(&mut self, room: &Arc<str>) {
        self.rooms.remove(room);
        if let Some(neighbours) = &mut self.neighbours {
            neighbours.closed(room);
        }
        self.carry();
    }

    /// What may cross a link to a partner of a room from now on.
    fn agree(&mut self, room: Arc<str>, link: NodeId, terms: Option<Terms>) {
        if self.neighbours.is_none() {
            return;
        }
        let holds = terms.as_ref().is_some_and(Terms::holds_room);
        if holds {
            self.room(room.clone(), Instant::now()).hold(link, true);
        }
        if let Some(neighbours) = &mut self.neighbours {
            neighbours.agree(&room, link, terms.map(Into::into));
        }
        self.carry();
        if !holds && let Some(known) = self.rooms.get_mut(&room) {
            known.hold(link, false);
            if known.is_over() {
                self.close(&room);
            }
        }
        let rooms = self.rooms.len() as u64;
        self.figures.rooms.store(rooms, Ordering::Relaxed);
    }

    fn restart(&mut self, key: SessionKey, ufrag: &str, pwd: &str) -> Result<Option<Opened>, EngineError> {
        let at = self.by_key.get(&key).copied().ok_or(EngineError::Gone)?;
        let member = self.members.get_mut(at).ok_or(EngineError::Gone)?;
        if member.peer.has_credentials(ufrag) {
            return Ok(None);
        }
        let before = member.peer.ufrag.clone();
        let answer = member.peer.restart(ufrag, pwd).map_err(EngineError::BadOffer)?;
        let ufrag = member.peer.ufrag.clone();
        self.demux.rename(&before, ufrag.clone(), at);
        self.drain(at);
        Ok(Some(Opened { key, answer, ufrag }))
    }

    fn negotiate(&mut self, key: SessionKey, offer: String, lines: Vec<Line>) -> Result<Opened, EngineError> {
        let at = self.by_key.get(&key).copied().ok_or(EngineError::Gone)?;
        let member = self.members.get_mut(at).ok_or(EngineError::Gone)?;
        let room = member.room.clone();
        if let Some(room) = self.rooms.get_mut(&room) {
            room.name_lines(at, lines);
        }
        let before = member.peer.ufrag.clone();
        let answer = member.peer.negotiate(offer).map_err(EngineError::BadOffer)?;
        let ufrag = member.peer.ufrag.clone();
        self.demux.rename(&before, ufrag.clone(), at);
        if let Some(room) = self.rooms.get_mut(&room) {
            room.learn_lines(at, Instant::now(), &self.members);
        }
        self.drain(at);
        self.settle();
        Ok(Opened { key, answer, ufrag })
    }

    /// Ends the sessions that are over.
    pub(super) fn bury(&mut self) {
        let mut gone = std::mem::take(&mut self.gone);
        gone.sort_unstable();
        gone.dedup();
        for at in gone {
            let Some(member) = self.members.get_mut(at) else {
                continue;
            };
            member.peer.close();
            self.drain(at);
            self.happenings.retain(|(of, _)| *of != at);
            let member = self.members.remove(at);
            self.by_key.remove(&member.key);
            self.place.end(member.key);
            // Nobody has to listen.
            self.events.send(Event::Ended(member.key)).ok();
            self.demux.remove(at, &member.peer.ufrag);
            if let Some(room) = self.rooms.get_mut(&member.room) {
                room.leave(at, Instant::now());
                let is_over = room.is_over();
                // Other nodes hear that its tracks are gone, before nobody is there who would say it.
                self.carry();
                if is_over {
                    self.close(&member.room);
                }
            }
            if member.peer.is_connected {
                self.figures.connected.fetch_sub(1, Ordering::Relaxed);
            }
        }
        // Failures of those that were just told goodbye are none.
        self.gone.clear();
        self.figures
            .sessions
            .store(self.members.len() as u64, Ordering::Relaxed);
        self.figures
            .rooms
            .store(self.rooms.len() as u64, Ordering::Relaxed);
    }

    pub(super) fn say_goodbye(&mut self) {
        self.gone = self.members.iter().map(|(at, _)| at).collect();
        self.bury();
        self.flush();
    }
}
