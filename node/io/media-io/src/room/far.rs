//! What a room has to do with other nodes: tracks that go there, and tracks that come from there.
//!
//! Here is only what the room wants and gives; who is told what is decided by [`plenary_cascade::Exchange`].

use super::{
    Room,
    stream::{Arrival, Origin, Packet, Stream},
    track::{Home, Track},
};
use crate::{
    figures::{Figures, add},
    peer::Format,
};
use plenary_cascade::{Layer, MediaPacket, Priority, StreamId as FarId, TrackKind};
use plenary_media::{Kind, ParticipantId, Source, StreamId, room::Show};
use plenary_model::NodeId;
use slab::Slab;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// What a room wants of other nodes, and has for them.
#[derive(Debug)]
pub(crate) enum Wish {
    /// A track of this node, with its layers.
    Track(Source, Vec<Layer>),
    /// A track of another node, with the layers under which it can be passed on.
    Relay(NodeId, Source, Vec<Layer>),
    /// One of this node is over.
    Gone(Source),
    /// What anybody here watches of another node's track: up to this layer, or nothing.
    Watch(Source, Option<u8>),
    KeyFrame(NodeId, FarId),
}

/// A packet for another node.
pub(crate) struct Outgoing {
    pub(crate) node: NodeId,
    pub(crate) stream: FarId,
    pub(crate) priority: Priority,
    pub(crate) packet: MediaPacket,
}

#[derive(Default)]
pub(crate) struct Far {
    pub(crate) wishes: Vec<Wish>,
    pub(crate) packets: Vec<Outgoing>,
    /// What other nodes watch of tracks of this node, each up to this layer; no node without any.
    watched: BTreeMap<NodeId, BTreeMap<Source, u8>>,
    /// Links to partners whose people are guests here: for them the room is open though nobody of this node is in it.
    held: BTreeSet<NodeId>,
}

impl Far {
    pub(super) fn want(&mut self, source: Source, highest: Option<u8>) {
        self.wishes.push(Wish::Watch(source, highest));
    }

    pub(super) fn ask_for_key_frame(&mut self, node: NodeId, stream: FarId) {
        self.wishes.push(Wish::KeyFrame(node, stream));
    }

    pub(super) fn packets(&mut self, id: StreamId, stream: &Stream, packet: &Packet, tracks: &Slab<Track>) {
        if stream.nodes.is_empty() {
            return;
        }
        let Some(track) = tracks.get(stream.track) else {
            return;
        };
        let priority = match track.source.kind {
            Kind::Audio | Kind::ContentAudio => Priority::Audio,
            Kind::Content => Priority::Content,
            Kind::Video => Priority::Video,
        };
        for node in &stream.nodes {
            self.packets.push(Outgoing {
                node: *node,
                stream: FarId(id.0),
                priority,
                packet: packet.far(),
            });
        }
    }
}

/// A node in the rules, where it is somebody who watches. Its highest bit tells it from participants.
fn watcher(node: NodeId) -> ParticipantId {
    ParticipantId(1 << 63 | node.0)
}

impl Room {
    /// Whether nobody is here, and nobody else needs it.
    pub(crate) fn is_over(&self) -> bool {
        self.sessions() == 0 && self.far.held.is_empty()
    }

    /// Keeps the room open for a partner, or no more.
    pub(crate) fn hold(&mut self, link: NodeId, on: bool) {
        if on {
            self.far.held.insert(link);
        } else {
            self.far.held.remove(&link);
        }
    }

    /// Tells others of a track, and of its layers: also of those that pause, so that they can be asked for.
    pub(super) fn announce(&mut self, index: usize) {
        let Some(track) = self.tracks.get(index) else {
            return;
        };
        let layers = track.streams.iter().filter_map(|(layer, id)| {
            let stream = self.streams.get(id)?;
            Some(Layer {
                stream: FarId(id.0),
                layer: *layer,
                format: stream.format.to_text(),
                height: stream.height.unwrap_or(0),
                kbps: stream.rate.kbps().0,
            })
        });
        let layers = layers.collect();
        self.far.wishes.push(match track.home {
            Home::Here(_) => Wish::Track(track.source, layers),
            Home::Node(node) => Wish::Relay(node, track.source, layers),
        });
    }

    /// A track of another node can be watched here, or has other layers than before. Gives what is new of its streams.
    pub(crate) fn far_track(
        &mut self,
        node: NodeId,
        source: Source,
        layers: &[Layer],
        now: Instant,
    ) -> Vec<(FarId, StreamId)> {
        let known = self.by_source.get(&source).copied();
        let known = known.filter(|index| {
            self.tracks
                .get(*index)
                .is_some_and(|track| track.home == Home::Node(node))
        });
        let index = match known {
            Some(index) => index,
            None => {
                if let Some(before) = self.by_source.get(&source).copied() {
                    if self
                        .tracks
                        .get(before)
                        .is_some_and(|track| matches!(track.home, Home::Here(_)))
                    {
                        return Vec::new();
                    }
                    self.remove_track(before, self.now_ms(now));
                }
                self.greet(source.participant, now);
                let track = Track::new(source, Home::Node(node), self.last_stream, 1);
                let index = self.tracks.insert(track);
                self.by_source.insert(source, index);
                tracing::debug!(room = &*self.name, who = source.participant.0, kind = ?source.kind, %node, "a track begins at another node");
                // Everything, until the rules say what anybody watches.
                self.far.want(source, Some(u8::MAX));
                index
            }
        };
        let mut new = Vec::new();
        for layer in layers {
            let origin = Origin::Node(node, layer.stream);
            let before = self
                .tracks
                .get(index)
                .and_then(|track| track.streams.get(&layer.layer))
                .copied();
            let is_same = |id: StreamId| {
                self.streams
                    .get(&id)
                    .is_some_and(|stream| stream.origin == origin)
            };
            if before.is_some_and(is_same) {
                continue;
            }
            let Some(format) = Format::from_text(&layer.format) else {
                continue;
            };
            let Some(mut stream) = Stream::new(origin, index, layer.layer, format, 0, now) else {
                continue;
            };
            stream.height = (layer.height > 0).then_some(layer.height);
            self.last_stream += 1;
            let id = StreamId(self.last_stream);
            self.streams.insert(id, stream);
            if let Some(track) = self.tracks.get_mut(index) {
                track.streams.insert(layer.layer, id);
                track.handle_layer(layer.layer);
            }
            if let Some(before) = before {
                self.streams.remove(&before);
                self.key_frames.handle_end(before);
            }
            new.push((layer.stream, id));
        }
        if !new.is_empty() {
            self.announce(index);
        }
        self.look_at_track(index, now);
        self.hear_speakers();
        self.settle(now);
        self.follow_speakers(now);
        new
    }

    /// A track of another node is over, or its node is lost.
    pub(crate) fn far_gone(&mut self, node: NodeId, source: Source, now: Instant) {
        let now_ms = self.now_ms(now);
        let index = self.by_source.get(&source).copied();
        let index = index.filter(|index| {
            self.tracks
                .get(*index)
                .is_some_and(|track| track.home == Home::Node(node))
        });
        let Some(index) = index else { return };
        self.remove_track(index, now_ms);
        tracing::debug!(room = &*self.name, who = source.participant.0, kind = ?source.kind, %node, "a track of another node is over");
        if source.kind == Kind::Audio {
            self.speakers.handle_leave(source.participant);
        }
        self.dismiss(source.participant, now);
        self.hear_speakers();
        self.settle(now);
        self.follow_speakers(now);
    }

    /// A packet of another node's stream.
    pub(crate) fn far_packet(&mut self, id: StreamId, packet: MediaPacket, now: Instant, figures: &Figures) {
        let taken = self
            .streams
            .get_mut(&id)
            .and_then(|stream| stream.take(id, Arrival::from_far(packet, now), now));
        let Some(packet) = taken else { return };
        add(&figures.packets_far, 1);
        self.pass_on(id, packet, now);
    }

    /// Another node gets the packets of a stream from now on, or no more.
    pub(crate) fn far_forward(&mut self, node: NodeId, stream: FarId, on: bool) {
        if let Some(stream) = self.streams.get_mut(&StreamId(stream.0)) {
            stream.nodes.retain(|known| *known != node);
            if on {
                stream.nodes.push(node);
            }
        }
    }

    /// Another node watches a track up to this layer, or not at all: that layer need not be there yet.
    pub(crate) fn far_wanted(&mut self, node: NodeId, source: Source, highest: Option<u8>, now: Instant) {
        let watched = self.far.watched.entry(node).or_default();
        match highest {
            Some(highest) => watched.insert(source, highest),
            None => watched.remove(&source),
        };
        self.show_far(node, self.now_ms(now));
        self.settle(now);
    }

    /// What a node watches is taken for tiles as high as what it wants: publishers are asked for that.
    fn show_far(&mut self, node: NodeId, now_ms: u64) {
        let watched = self.far.watched.get(&node);
        let shows = watched.into_iter().flatten().filter_map(|(source, highest)| {
            let track = self.tracks.get(*self.by_source.get(source)?)?;
            let last = track.heights.len().checked_sub(1)?;
            let height = *track.heights.get(last.min((*highest).into()))?;
            let source = *source;
            Some(Show { source, height })
        });
        let shows: Vec<Show> = shows.collect();
        if watched.is_some_and(BTreeMap::is_empty) {
            self.far.watched.remove(&node);
        }
        let who = watcher(node);
        if shows.is_empty() {
            self.rules.handle_leave(who, now_ms);
        } else if self.rules.handle_show(who, &shows, now_ms).is_err() {
            self.rules
                .handle_join(who, plenary_media::room::VIDEO_SLOTS, now_ms);
            self.rules.handle_show(who, &shows, now_ms).ok();
        }
    }

    /// The heights of a track are others now: so are the tiles of nodes that watch it.
    pub(super) fn show_far_again(&mut self, source: Source, now_ms: u64) {
        let watching = self.far.watched.iter();
        let watching = watching.filter(|(_, watched)| watched.contains_key(&source));
        let watching: Vec<NodeId> = watching.map(|(node, _)| *node).collect();
        for node in watching {
            self.show_far(node, now_ms);
        }
    }

    /// A track is over, and with it what others watched of it.
    pub(super) fn unwatched(&mut self, source: Source, now_ms: u64) {
        let watching = self.far.watched.iter_mut();
        let watching = watching.filter_map(|(node, watched)| watched.remove(&source).map(|_| *node));
        let watching: Vec<NodeId> = watching.collect();
        for node in watching {
            self.show_far(node, now_ms);
        }
    }

    /// Somebody at another node needs a key frame of a stream that goes there.
    pub(crate) fn far_key_frame(&mut self, stream: FarId, now: Instant) {
        let now_ms = self.now_ms(now);
        self.key_frames
            .handle_request(StreamId(stream.0), watcher(NodeId(0)), now_ms);
    }

    /// Somebody of another node begins to send.
    fn greet(&mut self, who: ParticipantId, now: Instant) {
        let is_known = self.publishing.contains_key(&who) || self.receiving.contains_key(&who);
        let sends = |track: &Track| track.source.participant == who;
        if !is_known && !self.tracks.iter().any(|(_, track)| sends(track)) {
            self.rules.handle_join(who, 0, self.now_ms(now));
        }
    }

    /// The same the other way round.
    fn dismiss(&mut self, who: ParticipantId, now: Instant) {
        let is_known = self.publishing.contains_key(&who) || self.receiving.contains_key(&who);
        let sends = |track: &Track| track.source.participant == who;
        if !is_known && !self.tracks.iter().any(|(_, track)| sends(track)) {
            self.rules.handle_leave(who, self.now_ms(now));
        }
    }
}

/// As other nodes call it.
pub(crate) fn far_kind(kind: Kind) -> TrackKind {
    match kind {
        Kind::Audio => TrackKind::Audio,
        Kind::Video => TrackKind::Video,
        Kind::Content => TrackKind::Content,
        Kind::ContentAudio => TrackKind::ContentAudio,
    }
}

pub(crate) fn near_kind(kind: TrackKind) -> Kind {
    match kind {
        TrackKind::Audio => Kind::Audio,
        TrackKind::Video => Kind::Video,
        TrackKind::Content => Kind::Content,
        TrackKind::ContentAudio => Kind::ContentAudio,
    }
}
