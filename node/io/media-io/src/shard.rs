//! A media thread, which has whole rooms: what comes in, what is due, and what goes out because of it.

mod sessions;

use crate::{
    cascade::{Cascade, LinkEvent, Neighbours, Rooms},
    demux::Demux,
    egress::Said,
    engine::{Command, Event, Options, SessionKey},
    exit::{self, Exit},
    figures::{Figures, add},
    ground::Ground,
    intake::Intake,
    outside::{KnownWays, Moved},
    peer::{Happening, Peer},
    steering::{Batch, Outgoing, Place, Seat},
    tcp::{self, Frame, Tcp},
    timers::Timers,
};
use plenary_udp::{Outbox, Received, Socket};
use slab::Slab;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use str0m::net::Protocol;
use tokio::sync::mpsc;

/// A client that did not connect within this is not coming.
const CONNECT_WITHIN: Duration = Duration::from_secs(30);
/// Who is not connected after this has begun while nothing came through.
const WAITS_IN_VAIN: Duration = Duration::from_millis(1_500);
/// Rooms look at what nobody told them this often: who is silent, which key frames did not come.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Where there are none, nothing is due.
const NEVER: Duration = Duration::from_secs(3_600);
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
    _seat: Seat,
}

pub(crate) type Members = Slab<Member>;

/// What a shard is made of.
pub(crate) struct Parts {
    pub(crate) place: Place,
    pub(crate) socket: std::net::UdpSocket,
    pub(crate) tcp: tcp::Source,
    pub(crate) cascade: Option<Cascade>,
    pub(crate) ground: Arc<Ground>,
    pub(crate) options: Options,
    pub(crate) figures: Arc<Figures>,
    pub(crate) events: mpsc::UnboundedSender<Event>,
    /// Held as long as the shard runs.
    pub(crate) runs: mpsc::Sender<Infallible>,
}

pub(crate) struct Shard {
    place: Place,
    socket: Socket,
    tcp: Tcp,
    neighbours: Option<Neighbours>,
    outbox: Outbox,
    ways: KnownWays,
    ground: Arc<Ground>,
    options: Options,
    figures: Arc<Figures>,
    demux: Demux,
    /// What was read for other shards; none where there are none.
    outgoing: Option<Outgoing>,
    /// What others have read for this one, while it is looked at.
    handed: Vec<Batch>,
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
    _runs: mpsc::Sender<Infallible>,
}

impl Shard {
    /// To be called within the runtime of its thread.
    pub(crate) fn new(parts: Parts) -> io::Result<Self> {
        let place = parts.place;
        let socket = Socket::new(parts.socket)?;
        Ok(Self {
            outbox: Outbox::for_socket(&socket, parts.options.marks),
            socket,
            tcp: Tcp::new(parts.tcp)?,
            neighbours: parts.cascade.map(Neighbours::new),
            // The number of a room tells its shard: see [`crate::cascade::Router`].
            last_room: u32::try_from(place.me).unwrap_or(0),
            ways: KnownWays::default(),
            ground: parts.ground,
            options: parts.options,
            figures: parts.figures,
            demux: Demux::new(place.clone()),
            outgoing: (!place.is_alone()).then(|| Outgoing::new(place.clone())),
            handed: Vec::new(),
            timers: Timers::default(),
            members: Slab::new(),
            by_key: BTreeMap::new(),
            rooms: BTreeMap::new(),
            happenings: Vec::new(),
            events: parts.events,
            gone: Vec::new(),
            next_look: Instant::now(),
            _runs: parts.runs,
            place,
        })
    }

    /// Until the engine is told to stop or its last handle is gone.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            let look = if self.rooms.is_empty() && self.members.is_empty() {
                Instant::now() + NEVER
            } else {
                self.next_look
            };
            let wake = self.timers.next().map_or(look, |due| due.min(look));
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
                () = self.place.wait() => {}
                Some(frame) = self.tcp.receive() => self.take_frame(frame),
                event = receive_far(&mut self.neighbours) => self.hear_far(event),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            self.look_for_ways();
            self.read();
            self.read_handed();
            self.read_frames();
            self.read_far();
            self.wake_due();
            self.settle();
            self.bury();
            self.tell();
            self.flush();
        }
    }

    /// Who is met at an address that leads nowhere any more has to come anew, and who could not come while it led nowhere.
    fn look_for_ways(&mut self) {
        let Moved { lost, back } = self.ways.look(&self.ground.ways);
        if lost.is_empty() && !back {
            return;
        }
        let now = Instant::now();
        for (at, member) in &self.members {
            let waits = !member.peer.is_connected && now.duration_since(member.opened) > WAITS_IN_VAIN;
            if lost.iter().any(|address| member.peer.is_met_at(*address)) || back && waits {
                // Programs are not told of what happens, and keep their place.
                if member.peer.is_browser() {
                    self.gone.push(at);
                }
            }
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
                outgoing,
                figures,
                ..
            } = self;
            let mut intake = Intake {
                demux,
                members,
                timers: &mut self.timers,
                exit: Exit {
                    outbox: &mut self.outbox,
                    socket: None,
                    tcp: &self.tcp,
                    ways: &self.ways.all,
                    figures,
                },
                happenings: &mut self.happenings,
                gone: &mut self.gone,
                now,
            };
            let received = socket.receive(|datagram| {
                add(&figures.received, 1);
                intake.take(Protocol::Udp, &datagram, outgoing.as_mut());
            });
            if let Some(outgoing) = outgoing {
                let (given, dropped) = outgoing.hand_over();
                add(&figures.handed_over, given);
                add(&figures.hand_over_dropped, dropped);
            }
            match received {
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

    /// What came to other shards and is for this one.
    fn read_handed(&mut self) {
        let mut handed = std::mem::take(&mut self.handed);
        for address in self.place.take(&mut handed) {
            self.demux.lose(address);
        }
        for batch in &handed {
            let mut intake = self.intake();
            for datagram in batch.datagrams() {
                intake.take(Protocol::Udp, &datagram, None);
            }
            self.settle();
            if self.outbox.is_full() {
                self.flush();
            }
        }
        self.place.give_back(&mut handed);
        self.handed = handed;
    }

    /// Frames that came over TCP meanwhile, as many as one turn of the others may wait for.
    fn read_frames(&mut self) {
        for _ in 0..FRAMES {
            let Some(frame) = self.tcp.try_receive() else {
                break;
            };
            self.take_frame(frame);
        }
        self.settle();
    }

    fn take_frame(&mut self, frame: Frame) {
        add(&self.figures.received, 1);
        let received = Received {
            source: frame.source,
            destination: frame.destination,
            bytes: &frame.bytes,
        };
        let is_ours = self.intake().take(Protocol::Tcp, &received, None);
        if is_ours {
            self.tcp.welcome(frame.source);
        } else {
            self.tcp.turn_away(frame.source);
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
            tcp: &self.tcp,
            ways: &self.ways.all,
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
                                tcp: &self.tcp,
                                ways: &self.ways.all,
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
        self.intake().drain(at, None);
    }

    fn intake(&mut self) -> Intake<'_> {
        Intake {
            demux: &mut self.demux,
            members: &mut self.members,
            timers: &mut self.timers,
            exit: Exit {
                outbox: &mut self.outbox,
                socket: None,
                tcp: &self.tcp,
                ways: &self.ways.all,
                figures: &self.figures,
            },
            happenings: &mut self.happenings,
            gone: &mut self.gone,
            now: Instant::now(),
        }
    }

    fn flush(&mut self) {
        exit::flush(&mut self.outbox, &self.socket, &self.figures);
    }
}

/// Who is still there when a shard ends has ended with it: it failed.
impl Drop for Shard {
    fn drop(&mut self) {
        let over: Vec<SessionKey> = self.members.iter().map(|(_, member)| member.key).collect();
        self.members.clear();
        self.place.leave();
        let Figures {
            sessions,
            connected,
            rooms,
            ..
        } = &*self.figures;
        for gauge in [sessions, connected, rooms] {
            gauge.store(0, Ordering::Relaxed);
        }
        for key in over {
            // Nobody has to listen.
            self.events.send(Event::Ended(key)).ok();
        }
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
