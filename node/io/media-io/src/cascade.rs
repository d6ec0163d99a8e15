//! The other nodes of the server, and other servers, as a shard sees them.

mod router;

pub(crate) use router::{Router, WAITING};

use crate::{
    figures::{Figures, add},
    room::{Outgoing, Room, Wish, far_kind, near_kind},
};
use plenary_cascade::{
    Control, Effect, Exchange, Layers, MediaPacket, Participant, Priority, Room as FarRoom,
    StreamId as FarId, Terms, Track,
};
use plenary_media::{ParticipantId, Source, StreamId};
use plenary_model::NodeId;
use std::{collections::BTreeMap, sync::Arc, time::Instant};
use tokio::sync::mpsc;

/// What happens on the links to other nodes.
#[derive(Debug)]
pub enum LinkEvent {
    /// There is a link, or another one than before.
    Up(NodeId),
    Down(NodeId),
    Message(NodeId, Control),
    Packet(NodeId, FarId, MediaPacket),
}

/// The links to other nodes and to partners. Never blocks; what cannot be sent is lost.
pub trait Links: Send + Sync + 'static {
    fn send(&self, to: NodeId, stream: FarId, priority: Priority, packet: MediaPacket) -> bool;
    fn tell(&self, to: NodeId, message: Control) -> bool;
}

/// The end of the links that the engine holds.
pub struct Cascade {
    /// This node's number.
    pub me: NodeId,
    pub links: Arc<dyn Links>,
    pub events: mpsc::Receiver<LinkEvent>,
}

pub(crate) type Rooms = BTreeMap<Arc<str>, Room>;

/// What is known of other nodes, and which of their streams is which of ours.
pub(crate) struct Neighbours {
    cascade: Cascade,
    exchange: Exchange,
    streams: BTreeMap<(NodeId, FarId), (Arc<str>, StreamId)>,
    /// Rooms by the number in the names of their streams.
    numbers: BTreeMap<u32, Arc<str>>,
}

impl Neighbours {
    pub(crate) fn new(cascade: Cascade) -> Self {
        Self {
            exchange: Exchange::new(cascade.me),
            cascade,
            streams: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    pub(crate) async fn receive(&mut self) -> Option<LinkEvent> {
        self.cascade.events.recv().await
    }

    pub(crate) fn try_receive(&mut self) -> Option<LinkEvent> {
        self.cascade.events.try_recv().ok()
    }

    /// Somebody is in a room of this node now.
    pub(crate) fn opened(&mut self, room: &Arc<str>, number: u32) {
        self.numbers.insert(number, room.clone());
        self.exchange.handle_here(&FarRoom(room.to_string()), true);
    }

    /// Nobody is any more.
    pub(crate) fn closed(&mut self, room: &Arc<str>) {
        self.numbers.retain(|_, name| name != room);
        self.streams.retain(|_, (name, _)| name != room);
        self.exchange.handle_here(&FarRoom(room.to_string()), false);
    }

    /// What may cross a link to a partner of a room from now on.
    pub(crate) fn agree(&mut self, room: &Arc<str>, link: NodeId, terms: Option<Terms>) {
        self.exchange
            .handle_terms(&FarRoom(room.to_string()), link, terms);
    }

    pub(crate) fn hear(&mut self, event: LinkEvent, rooms: &mut Rooms, figures: &Figures, now: Instant) {
        match event {
            LinkEvent::Up(node) => {
                tracing::debug!(%node, "there is a link");
                self.exchange.handle_up(node);
            }
            LinkEvent::Down(node) => {
                tracing::debug!(%node, "a link is lost");
                self.exchange.handle_down(node);
            }
            LinkEvent::Message(node, message) => {
                if let Err(error) = self.exchange.handle_message(node, message) {
                    tracing::warn!(%error, "a node says what has no effect");
                }
            }
            LinkEvent::Packet(node, stream, packet) => {
                if let Some((room, id)) = self.streams.get(&(node, stream))
                    && let Some(room) = rooms.get_mut(room)
                {
                    room.far_packet(*id, packet, now, figures);
                }
            }
        }
    }

    /// Carries what rooms want to other nodes, and what follows back into rooms, until there is nothing.
    pub(crate) fn carry(&mut self, rooms: &mut Rooms, figures: &Figures, now: Instant) {
        // What follows may be wanted otherwise again, but not without end.
        for _ in 0..8 {
            let mut quiet = true;
            for (name, room) in rooms.iter_mut() {
                for wish in std::mem::take(&mut room.far.wishes) {
                    quiet = false;
                    self.wish(name, wish);
                }
                for outgoing in std::mem::take(&mut room.far.packets) {
                    self.send(outgoing, figures);
                }
            }
            while let Some(effect) = self.exchange.poll_effect() {
                quiet = false;
                self.act(effect, rooms, now);
            }
            if quiet {
                return;
            }
        }
    }

    fn wish(&mut self, room: &Arc<str>, wish: Wish) {
        let track = |source: Source| Track {
            room: FarRoom(room.to_string()),
            participant: Participant(source.participant.0),
            kind: far_kind(source.kind),
        };
        match wish {
            Wish::Track(source, layers) => self.exchange.handle_track(&track(source), layers),
            Wish::Relay(node, source, layers) => self.exchange.handle_relay(node, &track(source), layers),
            Wish::Gone(source) => self.exchange.handle_track_gone(&track(source)),
            Wish::Watch(source, highest) => {
                // With those below: whoever has less room here falls back at once.
                let layers = highest.map(|highest| Layers::Exact((0..=highest.min(15)).collect()));
                self.exchange.handle_wanted(&track(source), layers);
            }
            Wish::KeyFrame(node, stream) => self.exchange.handle_key_frame(node, stream),
        }
    }

    fn send(&self, outgoing: Outgoing, figures: &Figures) {
        let Outgoing {
            node,
            stream,
            priority,
            packet,
        } = outgoing;
        if self.cascade.links.send(node, stream, priority, packet) {
            add(&figures.packets_to_nodes, 1);
        }
    }

    fn act(&mut self, effect: Effect, rooms: &mut Rooms, now: Instant) {
        match effect {
            Effect::Tell { node, message } => {
                self.cascade.links.tell(node, message);
            }
            Effect::Announced { node, track, layers } => {
                let source = source_of(&track);
                let Some((name, room)) = rooms
                    .get_key_value(track.room.0.as_str())
                    .map(|(name, _)| name.clone())
                    .and_then(|name| {
                        let room = rooms.get_mut(&name)?;
                        Some((name, room))
                    })
                else {
                    return;
                };
                for (far, id) in room.far_track(node, source, &layers, now) {
                    self.streams.insert((node, far), (name.clone(), id));
                }
            }
            Effect::Gone { node, track } => {
                if let Some(room) = rooms.get_mut(track.room.0.as_str()) {
                    room.far_gone(node, source_of(&track), now);
                    self.streams
                        .retain(|_, (name, id)| **name != *track.room.0 || room.has_stream(*id));
                }
            }
            Effect::Wanted { node, track, layers } => {
                if let Some(room) = rooms.get_mut(track.room.0.as_str()) {
                    let highest = layers.and_then(|layers| layers.highest());
                    room.far_wanted(node, source_of(&track), highest, now);
                }
            }
            Effect::Forward { stream, node } => self.forward(rooms, stream, node, true),
            Effect::Stop { stream, node } => self.forward(rooms, stream, node, false),
            Effect::KeyFrame { stream } => {
                if let Some(room) = self.room_of(rooms, stream) {
                    room.far_key_frame(stream, now);
                }
            }
            // Levels travel with the packets.
            Effect::Levels { .. } => {}
        }
    }

    fn forward(&self, rooms: &mut Rooms, stream: FarId, node: NodeId, on: bool) {
        if let Some(room) = self.room_of(rooms, stream) {
            room.far_forward(node, stream, on);
        }
    }

    fn room_of<'a>(&self, rooms: &'a mut Rooms, stream: FarId) -> Option<&'a mut Room> {
        let number = u32::try_from(stream.0 >> 32).ok()?;
        rooms.get_mut(self.numbers.get(&number)?)
    }
}

fn source_of(track: &Track) -> Source {
    Source {
        participant: ParticipantId(track.participant.0),
        kind: near_kind(track.kind),
    }
}
