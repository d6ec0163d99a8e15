//! The media thread: what comes in, what is due, and what goes out because of it.

use crate::{
    cascade::{Cascade, LinkEvent, Neighbours, Rooms},
    demux::Demux,
    egress::Said,
    engine::{Command, EngineError, Event, Line, Opened, Opening, Options, SessionKey},
    exit::{self, Exit},
    figures::Figures,
    intake::Intake,
    peer::{Ground, Happening, Peer},
    room::Room,
    socket::{Outbox, Received, Socket},
    tcp::{Frame, Tcp},
    timers::Timers,
};
use slab::Slab;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use str0m::net::Protocol;
use tokio::sync::mpsc;

/// A client that did not connect within this is not coming.
const CONNECT_WITHIN: Duration = Duration::from_secs(30);
/// Rooms look at what nobody told them this often: who is silent, which key frames did not come.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Frames of TCP read before the rest of the work gets its turn.
const FRAMES: usize = 256;
/// Batches read before the rest of the work gets its turn.
const BATCHES: usize = 4;

/// One session.
pub(crate) struct Member {
    pub(crate) peer: Peer,
    pub(crate) key: SessionKey,
    room: Arc<str>,
    opened: Instant,
}

pub(crate) type Members = Slab<Member>;

pub(crate) struct Shard {
    socket: Socket,
    tcp: Option<Tcp>,
    neighbours: Option<Neighbours>,
    outbox: Outbox,
    ground: Ground,
    options: Options,
    figures: Arc<Figures>,
    demux: Demux,
    timers: Timers,
    members: Members,
    by_key: BTreeMap<SessionKey, usize>,
    rooms: Rooms,
    last_room: u32,
    /// What peers told and nobody has heard yet.
    happenings: Vec<(usize, Happening)>,
    events: mpsc::UnboundedSender<Event>,
    /// Peers that have failed or ended.
    gone: Vec<usize>,
    next_look: Instant,
}

impl Shard {
    pub(crate) fn new(
        socket: std::net::UdpSocket,
        listener: Option<std::net::TcpListener>,
        cascade: Option<Cascade>,
        ground: Ground,
        options: Options,
        figures: Arc<Figures>,
        events: mpsc::UnboundedSender<Event>,
    ) -> io::Result<Self> {
        let socket = Socket::new(socket)?;
        Ok(Self {
            outbox: Outbox::for_socket(&socket),
            socket,
            tcp: listener.map(Tcp::new).transpose()?,
            neighbours: cascade.map(Neighbours::new),
            last_room: 0,
            ground,
            options,
            figures,
            demux: Demux::default(),
            timers: Timers::default(),
            members: Slab::new(),
            by_key: BTreeMap::new(),
            rooms: BTreeMap::new(),
            happenings: Vec::new(),
            events,
            gone: Vec::new(),
            next_look: Instant::now(),
        })
    }

    /// Until the engine is told to stop or its last handle is gone.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            let wake = self
                .timers
                .next()
                .map_or(self.next_look, |due| due.min(self.next_look));
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(Command::Stop(done)) => {
                        self.say_goodbye();
                        done.send(()).ok();
                        return;
                    }
                    Some(command) => self.obey(command),
                    None => return self.say_goodbye(),
                },
                ready = self.socket.readable() => if let Err(error) = ready {
                    tracing::error!(%error, "the media socket failed");
                    return;
                },
                frame = receive_frame(&mut self.tcp) => self.take_frame(frame),
                event = receive_far(&mut self.neighbours) => self.hear_far(event),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            self.read();
            self.read_frames();
            self.read_far();
            self.wake_due();
            self.settle();
            self.bury();
            self.tell();
            self.flush();
        }
    }

    /// Tells what changed in the rooms. Nobody has to listen.
    fn tell(&mut self) {
        let now = Instant::now();
        for room in self.rooms.values_mut() {
            room.tell(now, &self.members, |event| drop(self.events.send(event)));
        }
    }

    fn read(&mut self) {
        for _ in 0..BATCHES {
            let now = Instant::now();
            let Self {
                socket,
                demux,
                members,
                ..
            } = self;
            let mut intake = Intake {
                demux,
                members,
                timers: &mut self.timers,
                exit: Exit {
                    outbox: &mut self.outbox,
                    socket: None,
                    tcp: self.tcp.as_ref(),
                    figures: &self.figures,
                },
                happenings: &mut self.happenings,
                gone: &mut self.gone,
                now,
            };
            match socket.receive(|datagram| {
                intake.take(Protocol::Udp, &datagram);
            }) {
                Ok(true) => self.settle(),
                Ok(false) => return,
                // An address that cannot be reached is told by the next call.
                Err(error) => return tracing::debug!(%error, "receiving failed"),
            }
            if self.outbox.is_full() {
                self.flush();
            }
        }
    }

    /// Frames that came over TCP meanwhile, as many as one turn of the others may wait for.
    fn read_frames(&mut self) {
        for _ in 0..FRAMES {
            let Some(frame) = self.tcp.as_mut().and_then(Tcp::try_receive) else {
                break;
            };
            self.take_frame(frame);
        }
        self.settle();
    }

    fn take_frame(&mut self, frame: Frame) {
        let Some(tcp) = &self.tcp else { return };
        let mut intake = Intake {
            demux: &mut self.demux,
            members: &mut self.members,
            timers: &mut self.timers,
            exit: Exit {
                outbox: &mut self.outbox,
                socket: None,
                tcp: Some(tcp),
                figures: &self.figures,
            },
            happenings: &mut self.happenings,
            gone: &mut self.gone,
            now: Instant::now(),
        };
        let received = Received {
            source: frame.source,
            destination: frame.destination,
            bytes: &frame.bytes,
        };
        if intake.take(Protocol::Tcp, &received) {
            tcp.welcome(frame.source);
        } else {
            tcp.turn_away(frame.source);
        }
    }

    /// What other nodes sent meanwhile, as much as one turn of the others may wait for.
    fn read_far(&mut self) {
        for _ in 0..FRAMES {
            let Some(event) = self.neighbours.as_mut().and_then(Neighbours::try_receive) else {
                break;
            };
            self.hear_far(event);
        }
        self.forward();
    }

    fn hear_far(&mut self, event: LinkEvent) {
        let now = Instant::now();
        if let Some(neighbours) = &mut self.neighbours {
            neighbours.hear(event, &mut self.rooms, &self.figures, now);
            neighbours.carry(&mut self.rooms, &self.figures, now);
        }
    }

    /// Carries what rooms want of other nodes, and have for them.
    fn carry(&mut self) {
        if let Some(neighbours) = &mut self.neighbours {
            neighbours.carry(&mut self.rooms, &self.figures, Instant::now());
        } else {
            for room in self.rooms.values_mut() {
                room.far.wishes.clear();
            }
        }
    }

    /// Gives what came to those who are shown it.
    fn forward(&mut self) {
        let now = Instant::now();
        let mut touched = Vec::new();
        let mut exit = Exit {
            outbox: &mut self.outbox,
            socket: Some(&self.socket),
            tcp: self.tcp.as_ref(),
            figures: &self.figures,
        };
        for room in self.rooms.values_mut() {
            room.forward(now, &mut self.members, &mut exit, &mut touched);
        }
        self.carry();
        touched.sort_unstable();
        touched.dedup();
        for at in touched {
            self.drain(at);
        }
    }

    fn wake_due(&mut self) {
        let now = Instant::now();
        while let Some((at, noted)) = self.timers.due(now) {
            let Some(member) = self.members.get_mut(at) else {
                continue;
            };
            if !member.peer.noted.taken(noted) {
                continue;
            }
            if member.peer.wake(now) {
                self.drain(at);
            } else {
                self.gone.push(at);
            }
        }
        if now >= self.next_look {
            self.next_look = now + LOOK_EVERY;
            self.look(now);
        }
    }

    fn look(&mut self, now: Instant) {
        for (at, member) in &self.members {
            let late = !member.peer.is_connected && now.duration_since(member.opened) > CONNECT_WITHIN;
            if late || !member.peer.is_alive() {
                self.gone.push(at);
            }
        }
        let mut touched = Vec::new();
        for room in self.rooms.values_mut() {
            room.look(now, &mut self.members, &self.figures, &mut touched);
        }
        self.carry();
        for at in touched {
            self.drain(at);
        }
    }

    /// Lets rooms act on what peers told, until nobody has anything to tell.
    fn settle(&mut self) {
        let now = Instant::now();
        // What one peer is given may make it ask for something, but not without end.
        for _ in 0..8 {
            if self.happenings.is_empty() {
                return;
            }
            for (at, happening) in std::mem::take(&mut self.happenings) {
                match happening {
                    Happening::Ended => self.gone.push(at),
                    happening => {
                        let Some(member) = self.members.get(at) else {
                            continue;
                        };
                        let Some(room) = self.rooms.get_mut(&member.room) else {
                            continue;
                        };
                        if let Happening::Said(Said::Missing(place, numbers)) = &happening {
                            let mut exit = Exit {
                                outbox: &mut self.outbox,
                                socket: Some(&self.socket),
                                tcp: self.tcp.as_ref(),
                                figures: &self.figures,
                            };
                            room.repair(at, *place, numbers, now, &mut self.members, &mut exit);
                        } else {
                            room.hear(at, happening, now, &self.members, &self.figures);
                        }
                    }
                }
            }
            self.forward();
        }
    }

    /// Sends what a peer has to send and hears what it tells.
    fn drain(&mut self, at: usize) {
        let mut intake = Intake {
            demux: &mut self.demux,
            members: &mut self.members,
            timers: &mut self.timers,
            exit: Exit {
                outbox: &mut self.outbox,
                socket: None,
                tcp: self.tcp.as_ref(),
                figures: &self.figures,
            },
            happenings: &mut self.happenings,
            gone: &mut self.gone,
            now: Instant::now(),
        };
        intake.drain(at, None);
    }

    fn flush(&mut self) {
        exit::flush(&mut self.outbox, &self.socket, &self.figures);
    }

    fn obey(&mut self, command: Command) {
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
            Command::Close(key, answer) => {
                let found = self.by_key.get(&key).copied();
                if let Some(at) = found {
                    self.gone.push(at);
                }
                answer.send(found.is_some()).ok();
            }
            Command::Stop(done) => drop(done),
        }
    }

    fn open(&mut self, opening: Opening) -> Result<Opened, EngineError> {
        let Opening {
            key,
            room,
            participant,
            name,
            part,
            allow,
            offer,
        } = opening;
        let in_room = self.rooms.get(room.as_str()).map_or(0, Room::sessions);
        if self.members.len() >= self.options.sessions || in_room >= self.options.sessions_of_room {
            return Err(EngineError::Full);
        }
        let now = Instant::now();
        let (peer, answer) = Peer::answer(&self.ground, offer, now).map_err(EngineError::BadOffer)?;
        let ufrag = peer.ufrag.clone();
        let room: Arc<str> = room.into();
        let at = self.members.insert(Member {
            peer,
            key,
            room: room.clone(),
            opened: now,
        });
        self.by_key.insert(key, at);
        self.demux.add(ufrag.clone(), at);
        // Learns the lines of the offer.
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
            ..
        } = self;
        rooms.entry(name.clone()).or_insert_with(|| {
            *last_room = last_room.wrapping_add(1);
            if let Some(neighbours) = neighbours {
                neighbours.opened(&name, *last_room);
            }
            Room::new(name, *last_room, now)
        })
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
        if let Some(room) = self.rooms.get_mut(&member.room) {
            room.name_lines(at, lines);
        }
        let before = member.peer.ufrag.clone();
        let answer = member.peer.negotiate(offer).map_err(EngineError::BadOffer)?;
        let ufrag = member.peer.ufrag.clone();
        self.demux.rename(&before, ufrag.clone(), at);
        self.drain(at);
        self.settle();
        Ok(Opened { key, answer, ufrag })
    }

    /// Ends the sessions that are over.
    fn bury(&mut self) {
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
            // Nobody has to listen.
            self.events.send(Event::Ended(member.key)).ok();
            self.demux.remove(at, &member.peer.ufrag);
            if let Some(room) = self.rooms.get_mut(&member.room) {
                room.leave(at, Instant::now());
                let is_empty = room.sessions() == 0;
                // Other nodes hear that its tracks are gone, before nobody is there who would say it.
                self.carry();
                if is_empty {
                    self.rooms.remove(&member.room);
                    if let Some(neighbours) = &mut self.neighbours {
                        neighbours.closed(&member.room);
                    }
                    self.carry();
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

    fn say_goodbye(&mut self) {
        self.gone = self.members.iter().map(|(at, _)| at).collect();
        self.bury();
        self.flush();
    }
}

async fn receive_far(neighbours: &mut Option<Neighbours>) -> LinkEvent {
    match neighbours {
        Some(neighbours) => match neighbours.receive().await {
            Some(event) => event,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

async fn receive_frame(tcp: &mut Option<Tcp>) -> Frame {
    match tcp {
        Some(tcp) => match tcp.receive().await {
            Some(frame) => frame,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}
