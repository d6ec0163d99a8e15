//! What comes from publishers: packets, and the streams and tracks that they make.

use super::{
    Room,
    receiver::Receiver,
    stream::{Origin, Packet, Stream},
    track::{Home, Track, usual},
};
use crate::{
    figures::{Figures, add},
    shard::Members,
};
use plenary_media::{Kind, Source, StreamId};
use std::time::Instant;
use str0m::rtp::RtpPacket;

impl Room {
    /// Notes a publisher's packet.
    pub(super) fn take(
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
        let taken = self
            .streams
            .get_mut(&id)
            .and_then(|stream| stream.take(id, packet.into(), now));
        let Some(packet) = taken else {
            return;
        };
        add(&figures.packets_in, 1);
        self.pass_on(id, packet, now);
    }

    /// A packet of a stream goes to other nodes, and waits for those here who are shown it.
    pub(super) fn pass_on(&mut self, id: StreamId, packet: Packet, now: Instant) {
        if let Some(stream) = self.streams.get(&id) {
            self.far.packets(id, stream, &packet, &self.tracks);
        }
        if packet.is_key_frame() {
            self.key_frames.handle_key_frame(id);
        }
        let Some(track) = self.tracks.get(packet.track) else {
            return;
        };
        if let (Kind::Audio, Some((level, voice))) = (track.source.kind, packet.level()) {
            let (who, now_ms) = (track.source.participant, self.now_ms(now));
            self.speakers.handle_level(who, level, voice, now_ms);
            // At once, so that the first syllable is heard.
            self.hear_speakers();
            self.settle(now);
        }
        if self.tracks.get(packet.track).is_some_and(|track| track.slots > 0) {
            self.batch.push(packet);
        }
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
        let track = self.track_of(at, place.track, now, members)?;
        let mut stream = Stream::new(Origin::Here(inbound), track, place.layer, format, ssrc, now)?;
        stream.most = self.most_of(at, track);
        self.last_stream += 1;
        let id = StreamId(self.last_stream);
        self.streams.insert(id, stream);
        if let Some(before) = self.publishers.get_mut(&at)?.streams.insert(inbound, id) {
            self.streams.remove(&before);
            self.key_frames.handle_end(before);
        }
        self.tracks.get_mut(track)?.streams.insert(place.layer, id);
        self.announce(track);
        self.look_at_track(track, now);
        self.settle(now);
        self.follow_speakers(now);
        let shows = |receiver: &Receiver| receiver.place_of(track).is_some();
        let shown = self.receivers.iter().filter(|(_, receiver)| shows(receiver));
        let shown: Vec<usize> = shown.map(|(at, _)| *at).collect();
        for at in shown {
            self.choose_layers(at, now);
        }
        Some(id)
    }

    /// The track of a line; a new one if it is the first time that something comes on it.
    fn track_of(&mut self, at: usize, line: usize, now: Instant, members: &Members) -> Option<usize> {
        let now_ms = self.now_ms(now);
        let publisher = self.publishers.get_mut(&at)?;
        if let Some(known) = publisher.tracks.get(&line) {
            return Some(*known);
        }
        let lines = &members.get(at)?.peer.tracks;
        let this = lines.get(line)?;
        let mid = this.mid.to_string();
        let said = publisher
            .lines
            .iter()
            .find(|said| said.mid == mid)
            .map(|said| said.kind);
        let sound = this.kind.is_audio();
        let nth = lines
            .iter()
            .take(line)
            .filter(|other| other.kind == this.kind)
            .count();
        let kind = said
            .filter(|kind| kind.is_sound() == sound)
            .or_else(|| usual(sound, nth))?;
        if !publisher.allow.kind(kind) {
            return None;
        }
        let source = Source {
            participant: publisher.participant,
            kind,
        };
        let rids = this.rids.len();
        if let Some(known) = self.by_source.get(&source).copied() {
            // Each kind counts once: what else they send is shown to nobody.
            if matches!(self.tracks.get(known)?.home, Home::Here(_)) {
                return None;
            }
            // They came here from another node, which does not know it yet.
            self.remove_track(known, now_ms);
        }
        let publisher = self.publishers.get_mut(&at)?;
        let track = self
            .tracks
            .insert(Track::new(source, Home::Here(at), self.last_stream, rids));
        self.by_source.insert(source, track);
        publisher.tracks.insert(line, track);
        tracing::debug!(room = &*self.name, who = source.participant.0, kind = ?source.kind, "a track begins here");
        Some(track)
    }

    pub(super) fn look_at_track(&mut self, index: usize, now: Instant) {
        let now_ms = self.now_ms(now);
        let Some(track) = self.tracks.get_mut(index) else {
            return;
        };
        let is_new = track.heights.is_empty();
        if track.look(&self.streams, now) || is_new {
            let Source { participant, kind } = track.source;
            let heights = track.heights.clone();
            // Who publishes is in the room.
            self.rules
                .handle_publish(participant, kind, &heights, now_ms)
                .ok();
            self.show_far_again(Source { participant, kind }, now_ms);
        }
    }
}
