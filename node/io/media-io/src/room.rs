//! One room on this node: which stream goes into which slot of which receiver.
//!
//! Who is shown where is decided by [`plenary_media::room`], for watchers that cannot say what they show by the order of
//! the speakers. Streams are numbered anew when their SSRC changes; slots keep their track as long as it is there, so
//! that nobody's pictures change places because somebody else came.

mod assign;
mod far;
mod forward;
mod limit;
mod publish;
mod receiver;
mod slot;
mod stream;
mod track;

use crate::{
    egress::Said,
    engine::{Allow, Event, Limits, Line, Part},
    exit::Exit,
    figures::{Figures, add},
    peer::Happening,
    shard::Members,
};
use far::Far;
pub(crate) use far::{Outgoing, Wish, far_kind, near_kind};
use plenary_media::{
    Kbps, Kind, ParticipantId, Slot as Place, Source, StreamId,
    keyframes::KeyFrames,
    room::{Room as Rules, Show, VIDEO_SLOTS},
    speakers::Speakers,
};
use receiver::{Mode, Receiver, Told};
use slab::Slab;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};
use stream::{Origin, Packet, Stream, millis, numbered};
use track::{Home, Track};

/// The highest of the layers that a camera is sent in; the rules take away what nobody watches.
const HIGHEST: u8 = 2;

pub(crate) struct Room {
    name: Arc<str>,
    rules: Rules,
    publishers: BTreeMap<usize, Publisher>,
    receivers: BTreeMap<usize, Receiver>,
    /// The sessions of a participant.
    publishing: BTreeMap<ParticipantId, usize>,
    receiving: BTreeMap<ParticipantId, usize>,
    tracks: Slab<Track>,
    by_source: BTreeMap<Source, usize>,
    streams: BTreeMap<StreamId, Stream>,
    /// What came and is not forwarded yet.
    batch: Vec<Packet>,
    /// Sessions in whose slots pictures begin.
    beginning: BTreeSet<usize>,
    last_stream: u64,
    started: Instant,
    key_frames: KeyFrames,
    speakers: Speakers,
    speaking: Vec<ParticipantId>,
    events: Vec<Event>,
    /// What other nodes are told and given.
    pub(crate) far: Far,
    /// Sessions that are to send other layers.
    layers: Vec<(usize, Kind, Option<u8>)>,
}

struct Publisher {
    participant: ParticipantId,
    /// What watchers call them.
    name: String,
    lines: Vec<Line>,
    allow: Allow,
    limits: Limits,
    /// By the place of the line among those of the session.
    tracks: BTreeMap<usize, usize>,
    /// By place of the peer's inbound streams.
    streams: BTreeMap<usize, StreamId>,
}

impl Room {
    /// `number` is that of no other room while the node runs.
    pub(crate) fn new(name: Arc<str>, number: u32, now: Instant) -> Self {
        Self {
            name,
            rules: Rules::default(),
            publishers: BTreeMap::new(),
            receivers: BTreeMap::new(),
            publishing: BTreeMap::new(),
            receiving: BTreeMap::new(),
            tracks: Slab::new(),
            by_source: BTreeMap::new(),
            streams: BTreeMap::new(),
            batch: Vec::new(),
            beginning: BTreeSet::new(),
            last_stream: u64::from(number) << 32,
            started: now,
            key_frames: KeyFrames::default(),
            speakers: Speakers::default(),
            speaking: Vec::new(),
            events: Vec::new(),
            layers: Vec::new(),
            far: Far::default(),
        }
    }

    pub(crate) fn sessions(&self) -> usize {
        self.publishers.len() + self.receivers.len()
    }

    /// A session begins. Gives the one whose place it takes.
    pub(crate) fn join(
        &mut self,
        at: usize,
        participant: ParticipantId,
        name: String,
        part: Part,
        allow: Allow,
        now: Instant,
    ) -> Option<usize> {
        let is_new =
            !self.publishing.contains_key(&participant) && !self.receiving.contains_key(&participant);
        if is_new {
            self.rules.handle_join(participant, 0, self.now_ms(now));
        }
        let (mode, lines) = match part {
            Part::Publish(lines) => {
                let publisher = Publisher {
                    participant,
                    name,
                    lines,
                    allow,
                    limits: Limits::default(),
                    tracks: BTreeMap::new(),
                    streams: BTreeMap::new(),
                };
                self.publishers.insert(at, publisher);
                for kind in [Kind::Video, Kind::Content] {
                    if !allow.kind(kind) {
                        self.layers.push((at, kind, None));
                    }
                }
                return self.publishing.insert(participant, at);
            }
            Part::Watch(wants) => (Mode::Speakers(wants), Vec::new()),
            Part::Receive(lines) => (Mode::Tiles, lines),
        };
        self.receivers
            .insert(at, Receiver::new(participant, mode, lines, now));
        self.receiving.insert(participant, at)
    }

    /// What the lines of a session are for that is negotiated anew.
    pub(crate) fn name_lines(&mut self, at: usize, lines: Vec<Line>) {
        if let Some(publisher) = self.publishers.get_mut(&at) {
            publisher.lines = lines;
        } else if let Some(receiver) = self.receivers.get_mut(&at) {
            receiver.lines = lines;
        }
    }

    pub(crate) fn has_stream(&self, id: StreamId) -> bool {
        self.streams.contains_key(&id)
    }

    fn now_ms(&self, now: Instant) -> u64 {
        millis(now.duration_since(self.started))
    }

    /// A session may have lines that are new.
    pub(crate) fn learn_lines(&mut self, at: usize, now: Instant, members: &Members) {
        let now_ms = self.now_ms(now);
        let (Some(receiver), Some(member)) = (self.receivers.get_mut(&at), members.get(at)) else {
            return;
        };
        let before = receiver.slots.len();
        receiver.learn(member.peer.lines(), member.peer.first_estimate());
        if receiver.slots.len() == before {
            return;
        }
        let who = receiver.participant;
        let pool = match receiver.mode {
            Mode::Tiles => receiver.pool(),
            // Not shared out by the rules; only what somebody watches at all is told to publishers by them.
            Mode::Speakers(_) => VIDEO_SLOTS,
        };
        self.rules.handle_pool(who, pool, now_ms).ok();
        if matches!(receiver.mode, Mode::Tiles) {
            // What the rules know of an earlier session of the participant, which this one takes the place of.
            let filled: Vec<(Place, Source)> = self
                .rules
                .slots(who)
                .map(|(place, source, _)| (place, source))
                .collect();
            for (place, source) in filled {
                self.fill(who, place, Some(source));
            }
        }
        self.settle(now);
        self.follow_speakers(now);
        self.choose_layers(at, now);
    }

    pub(crate) fn leave(&mut self, at: usize, now: Instant) {
        let now_ms = self.now_ms(now);
        let mut who = None;
        self.beginning.remove(&at);
        if let Some(mut receiver) = self.receivers.remove(&at) {
            for place in 0..receiver.slots.len() {
                if let Some((track, carried)) = receiver.assign(place, None) {
                    self.unfilled(receiver.participant, track, carried);
                }
            }
            who = Some(receiver.participant);
            if self.receiving.get(&receiver.participant) == Some(&at) {
                self.receiving.remove(&receiver.participant);
                self.rules.handle_show(receiver.participant, &[], now_ms).ok();
            }
        }
        if let Some(publisher) = self.publishers.remove(&at) {
            who = Some(publisher.participant);
            for id in publisher.streams.values() {
                self.streams.remove(id);
                self.key_frames.handle_end(*id);
            }
            for track in publisher.tracks.values() {
                self.remove_track(*track, now_ms);
            }
            if self.publishing.get(&publisher.participant) == Some(&at) {
                self.publishing.remove(&publisher.participant);
                self.speakers.handle_leave(publisher.participant);
            }
        }
        if let Some(who) = who
            && !self.publishing.contains_key(&who)
            && !self.receiving.contains_key(&who)
        {
            self.rules.handle_leave(who, now_ms);
        }
        self.hear_speakers();
        self.settle(now);
        self.follow_speakers(now);
    }

    /// What of a publisher may flow from now on. What may not is as if it was not sent; what may again begins with the
    /// next packet.
    pub(crate) fn allow(&mut self, at: usize, allow: Allow, now: Instant) {
        let now_ms = self.now_ms(now);
        let Some(publisher) = self.publishers.get_mut(&at) else {
            return;
        };
        let before = std::mem::replace(&mut publisher.allow, allow);
        // Clients need not send what nobody gets.
        for kind in [Kind::Video, Kind::Content] {
            match (before.kind(kind), allow.kind(kind)) {
                (true, false) => self.layers.push((at, kind, None)),
                (false, true) => self.layers.push((at, kind, Some(HIGHEST))),
                _ => {}
            }
        }
        let Some(publisher) = self.publishers.get(&at) else {
            return;
        };
        let of = |index: usize| self.tracks.get(index).map(|track| track.source.kind);
        let stopped = publisher.tracks.iter().map(|(line, track)| (*line, *track));
        let stopped = stopped.filter(|(_, track)| of(*track).is_some_and(|kind| !allow.kind(kind)));
        let stopped: Vec<(usize, usize)> = stopped.collect();
        for (line, track) in stopped {
            if let Some(publisher) = self.publishers.get_mut(&at) {
                publisher.tracks.remove(&line);
                let streams = self.tracks.get(track).map(|track| &track.streams);
                let ids: Vec<StreamId> = streams.into_iter().flatten().map(|(_, id)| *id).collect();
                publisher.streams.retain(|_, id| !ids.contains(id));
            }
            self.remove_track(track, now_ms);
        }
        if !allow.voice
            && let Some(publisher) = self.publishers.get(&at)
        {
            self.speakers.handle_leave(publisher.participant);
        }
        self.hear_speakers();
        self.settle(now);
        self.follow_speakers(now);
    }

    fn remove_track(&mut self, index: usize, now_ms: u64) {
        let Some(track) = self.tracks.get(index) else {
            return;
        };
        let (source, home) = (track.source, track.home);
        for id in track.streams.values() {
            self.streams.remove(id);
            self.key_frames.handle_end(*id);
        }
        if matches!(home, Home::Here(_)) {
            self.far.wishes.push(Wish::Gone(source));
        }
        self.unwatched(source, now_ms);
        self.by_source.remove(&source);
        self.rules
            .handle_unpublish(source.participant, source.kind, now_ms)
            .ok();
        let filled: Vec<usize> = self.receivers.keys().copied().collect();
        for at in filled {
            let Some(receiver) = self.receivers.get_mut(&at) else {
                continue;
            };
            if let Some(place) = receiver.place_of(index)
                && let Some((_, carried)) = receiver.assign(place, None)
            {
                let who = receiver.participant;
                self.unfilled(who, None, carried);
            }
        }
        self.batch.retain(|packet| packet.track != index);
        self.tracks.remove(index);
    }

    pub(crate) fn hear(
        &mut self,
        at: usize,
        happening: Happening,
        now: Instant,
        members: &Members,
        figures: &Figures,
    ) {
        match happening {
            Happening::Lines => self.learn_lines(at, now, members),
            Happening::Packet(inbound, packet) => self.take(at, inbound, packet, now, members, figures),
            Happening::Said(Said::KeyFrameWanted(slot)) => {
                let now_ms = self.now_ms(now);
                if let Some(receiver) = self.receivers.get(&at)
                    && let Some(stream) = receiver.slots.get(slot).and_then(|slot| slot.target)
                {
                    self.key_frames
                        .handle_request(stream, receiver.participant, now_ms);
                }
            }
            Happening::Said(Said::Estimate(kbps)) => self.told(at, Told::Probed(kbps), now),
            Happening::Said(Said::ReceivedEstimate(kbps)) => self.told(at, Told::Received(kbps, now), now),
            // By [`Self::repair`].
            Happening::Said(Said::Missing(..)) => {}
            // Whoever is there from now on is given what began before by [`Self::forward`].
            Happening::Connected | Happening::Ended => {}
        }
    }

    fn told(&mut self, at: usize, told: Told, now: Instant) {
        if let Some(receiver) = self.receivers.get_mut(&at) {
            receiver.told = told;
            self.choose_layers(at, now);
        }
    }

    /// What a client shows from now on.
    pub(crate) fn show(&mut self, at: usize, shows: &[Show], now: Instant) {
        let now_ms = self.now_ms(now);
        let Some(receiver) = self.receivers.get(&at) else {
            return;
        };
        if matches!(receiver.mode, Mode::Tiles) {
            self.rules.handle_show(receiver.participant, shows, now_ms).ok();
            self.settle(now);
            self.choose_layers(at, now);
        }
    }

    /// Sends again what a receiver misses, as far as it is kept.
    pub(crate) fn repair(
        &mut self,
        at: usize,
        place: usize,
        numbers: &[u64],
        now: Instant,
        members: &mut Members,
        exit: &mut Exit<'_>,
    ) {
        let slot = self
            .receivers
            .get_mut(&at)
            .and_then(|receiver| receiver.slots.get_mut(place));
        let (Some(slot), Some(member)) = (slot, members.get_mut(at)) else {
            return;
        };
        for number in numbers {
            let packet = slot.rewriter.origin(*number).and_then(|origin| {
                let stream = self.streams.get(&origin.stream)?;
                stream.kept(origin.seq)
            });
            let Some(packet) = packet else { continue };
            let Some(outgoing) = slot.rewriter.handle_repair(*number, &packet.incoming) else {
                continue;
            };
            if let Some(pt) = member.peer.payload_type(&packet.format) {
                let numbered = numbered(pt, packet.incoming.summary.codec, &outgoing);
                let sent = member.peer.repair(place, &packet.media(), &numbered, exit, now);
                add(&exit.figures.repairs, u64::from(sent));
            }
        }
    }

    /// What nobody told: layers are chosen anew by what they need now, and key frames that did not come are asked for.
    pub(crate) fn look(
        &mut self,
        now: Instant,
        members: &mut Members,
        figures: &Figures,
        touched: &mut Vec<usize>,
    ) {
        let now_ms = self.now_ms(now);
        self.rules.handle_timeout(now_ms);
        self.keep_to_limits();
        let tracks: Vec<usize> = self.tracks.iter().map(|(index, _)| index).collect();
        for track in tracks {
            self.look_at_track(track, now);
        }
        self.hear_speakers();
        self.settle(now);
        self.follow_speakers(now);
        let speaking = self.speakers.speaking(now_ms);
        if speaking != self.speaking {
            self.speaking.clone_from(&speaking);
            self.events.push(Event::Speaking(self.name.clone(), speaking));
        }
        let receivers: Vec<usize> = self.receivers.keys().copied().collect();
        for at in receivers {
            let desired = self.choose_layers(at, now);
            let anew = self.receivers.get_mut(&at).and_then(Receiver::take_anew);
            if let Some(member) = members.get_mut(at) {
                if let Some(kbps) = anew {
                    member.peer.estimate_anew(kbps, now);
                }
                member.peer.desire(Kbps(desired.0.saturating_mul(5) / 4), now);
            }
        }
        self.ask_for_key_frames(now, members, figures, touched);
    }

    /// What is to be told to the world since this was asked last.
    pub(crate) fn tell(&mut self, now: Instant, members: &Members, mut tell: impl FnMut(Event)) {
        self.events.drain(..).for_each(&mut tell);
        for (at, kind, highest) in self.layers.drain(..) {
            if let Some(member) = members.get(at) {
                tell(Event::Layers(member.key, kind, highest));
            }
        }
        for (at, receiver) in &mut self.receivers {
            let Some(member) = members.get(*at) else { continue };
            let filled = receiver.take_refilled(&self.tracks);
            if !filled.is_empty() && matches!(receiver.mode, Mode::Tiles) {
                tell(Event::Slots(member.key, filled));
            }
            if let Some(quality) = receiver.take_quality(now) {
                tell(Event::Quality(member.key, quality));
            }
        }
    }

    fn ask_for_key_frames(
        &mut self,
        now: Instant,
        members: &mut Members,
        figures: &Figures,
        touched: &mut Vec<usize>,
    ) {
        let now_ms = self.now_ms(now);
        while let Some(stream) = self.key_frames.poll_request(now_ms) {
            let Some(stream) = self.streams.get(&stream) else {
                continue;
            };
            let home = self.tracks.get(stream.track).map(|track| track.home);
            match (stream.origin, home) {
                (Origin::Here(inbound), Some(Home::Here(publisher))) => {
                    let Some(member) = members.get_mut(publisher) else {
                        continue;
                    };
                    member.peer.ask_for_key_frame(inbound);
                    touched.push(publisher);
                }
                (Origin::Node(node, id), _) => self.far.ask_for_key_frame(node, id),
                _ => continue,
            }
            tracing::debug!(
                room = &*self.name,
                track = stream.track,
                layer = stream.layer,
                "a key frame is asked for"
            );
            add(&figures.key_frames_asked, 1);
        }
    }
}
