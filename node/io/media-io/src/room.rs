//! One room on this node: which stream goes into which slot of which watcher.
//!
//! Streams are numbered anew when their SSRC changes; slots keep their source as long as it is there, so that nobody's
//! pictures change places because somebody else came.

mod slot;
mod stream;

use crate::{
    Part,
    figures::{Figures, add},
    peer::Happening,
    shard::Members,
};
use plenary_media::{
    Kbps, ParticipantId, Slot as Place, StreamId,
    allocation::{Allocator, Choice, Class, Demand, Layer},
    keyframes::KeyFrames,
    rewrite::Verdict,
    speakers::Speakers,
};
use slot::{Slot, fill, place};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use str0m::{media::MediaKind, rtp::RtpPacket};
use stream::{Packet, Rate, Source, Stream, millis};

/// What a watcher gets until its network has told how much it bears: some never tell.
const UNTOLD: Kbps = Kbps(10_000);
/// Watchers that cannot say how large they show a picture get the largest.
const TALLEST: u16 = 4_320;

#[derive(Default)]
pub(crate) struct Room {
    publishers: BTreeMap<usize, Publisher>,
    watchers: BTreeMap<usize, Watcher>,
    streams: BTreeMap<StreamId, Stream>,
    /// What came and is not forwarded yet.
    batch: Vec<Packet>,
    last_stream: u64,
    started: Option<Instant>,
    key_frames: KeyFrames,
    speakers: Speakers,
}

struct Publisher {
    participant: String,
    /// By place of the peer's inbound streams.
    streams: BTreeMap<usize, StreamId>,
}

struct Watcher {
    wants: Option<String>,
    slots: Vec<Slot>,
    told: Told,
    allocator: Allocator,
    sent: Rate,
}

/// What is known of the network to a watcher.
#[derive(Clone, Copy)]
enum Told {
    Nothing,
    /// Found by probing: what it bears.
    Probed(Kbps),
    /// By the receiver itself, when.
    Received(Kbps, Instant),
}

/// A receiver tells what it thinks only while pictures come; for so long it counts.
const RECEIVED_COUNTS: Duration = Duration::from_secs(2);

impl Watcher {
    /// What may be sent. Receivers that estimate by themselves (REMB) tell little more than what they are sent, and
    /// nothing at all when they are sent no picture: theirs keeps larger layers away, but never all pictures.
    fn estimate(&self, smallest: Kbps, now: Instant) -> Kbps {
        match self.told {
            Told::Probed(kbps) => kbps,
            Told::Received(kbps, at)
                if now.duration_since(at) < RECEIVED_COUNTS
                    && u64::from(kbps.0) * 100 < u64::from(self.sent.kbps().0) * 85 =>
            {
                kbps.max(Kbps(smallest.0.saturating_mul(5) / 4))
            }
            _ => UNTOLD,
        }
    }
}

/// A slot that has a source, its layers, and what the smallest of them needs.
type Filled = (Place, MediaKind, Source, Vec<Layer>, Option<Kbps>);

impl Room {
    pub(crate) fn sessions(&self) -> usize {
        self.publishers.len() + self.watchers.len()
    }

    pub(crate) fn join(
        &mut self,
        at: usize,
        participant: String,
        part: Part,
        now: Instant,
        members: &Members,
    ) {
        self.started.get_or_insert(now);
        match part {
            Part::Publish => {
                let publisher = Publisher {
                    participant,
                    streams: BTreeMap::new(),
                };
                self.publishers.insert(at, publisher);
            }
            Part::Watch(wants) => {
                let watcher = Watcher {
                    wants,
                    slots: Vec::new(),
                    told: Told::Nothing,
                    allocator: Allocator::default(),
                    sent: Rate::new(now, Kbps(0)),
                };
                self.watchers.insert(at, watcher);
            }
        }
        self.learn_lines(at, now, members);
    }

    fn now_ms(&self, now: Instant) -> u64 {
        self.started
            .map_or(0, |started| millis(now.duration_since(started)))
    }

    fn learn_lines(&mut self, at: usize, now: Instant, members: &Members) {
        if let (Some(watcher), Some(member)) = (self.watchers.get_mut(&at), members.get(at)) {
            let new = member.peer.outbound.iter().skip(watcher.slots.len());
            watcher.slots.extend(new.map(|slot| Slot::new(slot.kind)));
        }
        self.assign(now, members);
    }

    pub(crate) fn leave(&mut self, at: usize, now: Instant, members: &Members) {
        if let Some(watcher) = self.watchers.remove(&at) {
            for stream in watcher.slots.iter().filter_map(|slot| slot.target) {
                self.key_frames.handle_unsubscribe(stream, participant(at));
            }
        }
        self.speakers.handle_leave(participant(at));
        if let Some(publisher) = self.publishers.remove(&at) {
            for stream in publisher.streams.values() {
                self.streams.remove(stream);
                self.key_frames.handle_end(*stream);
            }
            self.batch.retain(|packet| packet.source.peer != at);
            self.assign(now, members);
        }
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
            Happening::KeyFrameWanted(slot) => {
                let wanted = self
                    .watchers
                    .get(&at)
                    .and_then(|watcher| watcher.slots.get(slot)?.target);
                if let Some(stream) = wanted {
                    let now_ms = self.now_ms(now);
                    self.key_frames.handle_request(stream, participant(at), now_ms);
                }
            }
            Happening::Estimate(kbps) => {
                if let Some(watcher) = self.watchers.get_mut(&at) {
                    watcher.told = Told::Probed(kbps);
                    self.choose_layers(at, now);
                }
            }
            Happening::ReceivedEstimate(kbps) => {
                if let Some(watcher) = self.watchers.get_mut(&at) {
                    watcher.told = Told::Received(kbps, now);
                    self.choose_layers(at, now);
                }
            }
            // Whoever can decode from now on asks by [`Rewriter::wants_key_frame`].
            Happening::Connected | Happening::Ended => {}
        }
    }

    /// Notes a publisher's packet.
    fn take(
        &mut self,
        at: usize,
        inbound: usize,
        packet: RtpPacket,
        now: Instant,
        members: &Members,
        figures: &Figures,
    ) {
        let Some(id) = self.stream_of(at, inbound, &packet, now, members) else {
            return;
        };
        let Some(packet) = self
            .streams
            .get_mut(&id)
            .and_then(|stream| stream.take(id, packet, now))
        else {
            return;
        };
        if packet.is_key_frame() {
            self.key_frames.handle_key_frame(id);
        }
        if let Some((level, voice)) = packet.level() {
            let now_ms = self.now_ms(now);
            self.speakers.handle_level(participant(at), level, voice, now_ms);
        }
        add(&figures.packets_in, 1);
        self.batch.push(packet);
    }

    /// The stream of a packet; a new one if its SSRC or format is new.
    fn stream_of(
        &mut self,
        at: usize,
        inbound: usize,
        packet: &RtpPacket,
        now: Instant,
        members: &Members,
    ) -> Option<StreamId> {
        let publisher = self.publishers.get(&at)?;
        let ssrc = *packet.header.ssrc;
        let peer = &members.get(at)?.peer;
        let format = peer.format(packet.header.payload_type)?;
        if let Some(known) = publisher.streams.get(&inbound)
            && let Some(stream) = self.streams.get(known)
            && stream.ssrc == ssrc
            && stream.format == format
        {
            return Some(*known);
        }
        let place = *peer.inbound.get(inbound)?;
        let stream = Stream::new(at, inbound, place, format, ssrc, now)?;
        self.last_stream += 1;
        let id = StreamId(self.last_stream);
        self.streams.insert(id, stream);
        if let Some(before) = self.publishers.get_mut(&at)?.streams.insert(inbound, id) {
            self.streams.remove(&before);
            self.key_frames.handle_end(before);
        }
        self.assign(now, members);
        Some(id)
    }

    /// Fills the slots of all watchers, the speakers first, and chooses their layers.
    fn assign(&mut self, now: Instant, members: &Members) {
        let ranking = self.speakers.ranking();
        let rank = |at: usize| {
            ranking
                .iter()
                .position(|who| *who == participant(at))
                .unwrap_or(usize::MAX)
        };
        let mut sources: Vec<(usize, Source, MediaKind, &str)> = Vec::new();
        for (at, publisher) in &self.publishers {
            let tracks = members.get(*at).map_or(&[][..], |member| &member.peer.tracks);
            for (track, line) in tracks.iter().enumerate() {
                let source = Source { peer: *at, track };
                sources.push((rank(*at), source, line.kind, &publisher.participant));
            }
        }
        sources.sort_unstable_by_key(|(rank, source, ..)| (*rank, *source));
        for watcher in self.watchers.values_mut() {
            for kind in [MediaKind::Audio, MediaKind::Video] {
                let wanted = sources.iter().filter(|(_, _, of, who)| {
                    *of == kind && watcher.wants.as_deref().is_none_or(|wants| wants == *who)
                });
                let wanted: Vec<Source> = wanted.map(|(_, source, ..)| *source).collect();
                fill(&mut watcher.slots, kind, &wanted);
            }
        }
        let watchers: Vec<usize> = self.watchers.keys().copied().collect();
        for at in watchers {
            self.choose_layers(at, now);
        }
    }

    /// Chooses for each slot of a watcher which layer of its source it carries. Gives what all that it could show
    /// would need.
    fn choose_layers(&mut self, at: usize, now: Instant) -> Kbps {
        let now_ms = self.now_ms(now);
        let Some(watcher) = self.watchers.get_mut(&at) else {
            return Kbps(0);
        };
        let streams = &self.streams;
        let of = |source: Source| streams.iter().filter(move |(_, stream)| stream.source == source);
        let filled: Vec<Filled> = watcher
            .slots
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| {
                let source = slot.source?;
                let layers = of(source).map(|(_, stream)| stream.as_layer()).collect();
                let smallest = of(source).min_by_key(|(_, stream)| stream.layer);
                let smallest = smallest.map(|(_, stream)| stream.rate.kbps());
                Some((place(index, slot.kind), slot.kind, source, layers, smallest))
            })
            .collect();
        let class = if watcher.wants.is_some() {
            Class::Large
        } else {
            Class::Rest
        };
        let demands: Vec<Demand<'_>> = filled
            .iter()
            .map(|(place, kind, source, layers, _)| Demand {
                slot: *place,
                source: participant(source.peer),
                class: if kind.is_audio() { Class::Audio } else { class },
                height: TALLEST,
                layers,
            })
            .collect();
        let smallest = filled
            .iter()
            .filter_map(|(.., smallest)| *smallest)
            .map(|Kbps(kbps)| kbps)
            .sum();
        let estimate = watcher.estimate(Kbps(smallest), now);
        let allocation = watcher.allocator.allocate(&demands, estimate, now_ms);
        for (index, slot) in watcher.slots.iter_mut().enumerate() {
            let choice = allocation.choices.get(&place(index, slot.kind));
            let stream = match (slot.source, choice) {
                (Some(source), Some(Choice::Layer { spatial, .. })) => of(source)
                    .find(|(_, stream)| stream.layer == *spatial)
                    .map(|(id, _)| *id),
                _ => None,
            };
            if let (Some(before), true) = (slot.target, slot.target != stream) {
                self.key_frames.handle_unsubscribe(before, participant(at));
            }
            slot.carry(stream);
        }
        allocation.desired
    }

    /// Gives what came to those who are shown it. `touched` gets whoever was given something.
    pub(crate) fn forward(
        &mut self,
        now: Instant,
        members: &mut Members,
        figures: &Figures,
        touched: &mut Vec<usize>,
    ) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        let now_ms = self.now_ms(now);
        let mut given = 0;
        let mut wanted = Vec::new();
        for (at, watcher) in &mut self.watchers {
            let Some(member) = members.get_mut(*at) else {
                continue;
            };
            if !member.peer.is_connected {
                continue;
            }
            let before = given;
            for packet in &batch {
                for (place, slot) in watcher.slots.iter_mut().enumerate() {
                    if slot.source != Some(packet.source) {
                        continue;
                    }
                    if let Verdict::Forward(outgoing) = slot.rewriter.handle_packet(&packet.incoming, now_ms)
                        && let Some(pt) = member.peer.payload_type(&packet.format)
                    {
                        member.peer.write(place, packet.write(pt, &outgoing, slot.kind));
                        watcher.sent.count(packet.bytes(), now);
                        given += 1;
                    }
                    if slot.kind.is_video()
                        && let Some(stream) = slot.rewriter.wants_key_frame()
                    {
                        wanted.push((stream, *at));
                    }
                }
            }
            if given > before {
                touched.push(*at);
            }
        }
        add(&figures.packets_out, given);
        self.batch = batch;
        self.batch.clear();
        wanted.dedup();
        for (stream, at) in wanted {
            self.key_frames.handle_request(stream, participant(at), now_ms);
        }
        self.ask_for_key_frames(now, members, figures, touched);
    }

    /// What nobody told: layers are chosen anew by what they need now, and key frames that did not come are asked for.
    pub(crate) fn look(
        &mut self,
        now: Instant,
        members: &mut Members,
        figures: &Figures,
        touched: &mut Vec<usize>,
    ) {
        let mut changed = false;
        while self.speakers.poll_event().is_some() {
            changed = true;
        }
        if changed {
            self.assign(now, members);
        }
        let watchers: Vec<usize> = self.watchers.keys().copied().collect();
        for at in watchers {
            let desired = self.choose_layers(at, now);
            if let Some(member) = members.get_mut(at) {
                member.peer.desire_kbps(u64::from(desired.0) * 5 / 4);
            }
        }
        self.ask_for_key_frames(now, members, figures, touched);
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
            let Some(member) = members.get_mut(stream.source.peer) else {
                continue;
            };
            member.peer.ask_for_key_frame(stream.inbound);
            touched.push(stream.source.peer);
            add(&figures.key_frames_asked, 1);
        }
    }
}

/// A session's name in the rules. Numbers are used again only after the rules were told that it left.
fn participant(at: usize) -> ParticipantId {
    ParticipantId(at as u64)
}
