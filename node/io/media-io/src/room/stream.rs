//! A stream of a publisher and its packets.

use crate::{
    egress::{Media, Numbered},
    peer::Format,
};
use plenary_cascade::{MediaPacket, StreamId as FarId};
use plenary_media::{
    Kbps, StreamId,
    payload::{Codec, Reader, Summary},
    rewrite::{Incoming, Outgoing},
};
use plenary_model::NodeId;
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};
use str0m::{format, media::Pt, rtp::RtpPacket};

/// What a stream needs is measured over this time.
const MEASURED: Duration = Duration::from_secs(1);
/// What a stream is thought to need until it was measured: a sound, and a picture by layer.
const GUESSED_SOUND: Kbps = Kbps(40);
const GUESSED: [Kbps; 4] = [Kbps(150), Kbps(500), Kbps(1_500), Kbps(3_000)];

/// What is kept of a picture for receivers that miss something: what comes later than this comes too late to be shown.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// 4 Mbit/s for as long.
const KEPT_PACKETS: usize = 512;

/// Who begins to watch begins with a key frame that came so recently, if no more packets followed it.
const RECENT: Duration = Duration::from_millis(400);
const RECENT_PACKETS: usize = 64;

/// Longest payload in bytes: more would not fit into a packet of Ethernet, and break those who receive it.
const LONGEST: usize = 1_460;

pub(super) struct Stream {
    pub(super) origin: Origin,
    pub(super) track: usize,
    pub(super) layer: u8,
    /// Other nodes that get its packets.
    pub(super) nodes: Vec<NodeId>,
    pub(super) format: Format,
    pub(super) reader: Reader,
    pub(super) ssrc: u32,
    pub(super) rate: Rate,
    /// Of the last picture that told it, in pixels.
    pub(super) height: Option<u16>,
    /// The shorter side of it, by which limits go.
    shorter: Option<u16>,
    /// The most that this may be; 0: whatever it is.
    pub(super) most: u16,
    /// More than the publisher may send: nothing of it is forwarded.
    pub(super) beyond: bool,
    /// When something came last.
    pub(super) last: Instant,
    /// The newest packets of a picture.
    kept: VecDeque<Packet>,
}

/// Where a stream comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The n-th inbound stream of the session that publishes it.
    Here(usize),
    /// Another node, which calls it so.
    Node(NodeId, FarId),
}

/// What came of a stream, from a session or from another node.
pub(super) struct Arrival {
    pub(super) seq: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) payload: Arc<[u8]>,
    /// The level of sound in -dBov (RFC 6464) and whether it is a voice.
    pub(super) level: Option<(u8, bool)>,
    /// How the camera is held.
    pub(super) orientation: Option<u8>,
    pub(super) at: Instant,
}

impl From<RtpPacket> for Arrival {
    fn from(packet: RtpPacket) -> Self {
        Self {
            seq: *packet.seq_no,
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            level: packet.header.ext_vals.audio_level.map(|level| {
                let voice = packet.header.ext_vals.voice_activity;
                (level.unsigned_abs(), voice.unwrap_or(false))
            }),
            orientation: packet
                .header
                .ext_vals
                .video_orientation
                .map(|turned| turned as u8),
            payload: packet.payload,
            at: packet.timestamp,
        }
    }
}

#[derive(Clone)]
pub(super) struct Packet {
    pub(super) track: usize,
    pub(super) incoming: Incoming,
    pub(super) format: Format,
    payload: Arc<[u8]>,
    level: Option<(u8, bool)>,
    orientation: Option<u8>,
    at: Instant,
}

/// Kilobits in the last whole second.
pub(super) struct Rate {
    /// Since `measured`.
    bytes: u64,
    measured: Instant,
    kbps: Kbps,
}

impl Rate {
    /// `guess` counts until there is a measurement.
    pub(super) fn new(now: Instant, guess: Kbps) -> Self {
        Self {
            bytes: 0,
            measured: now,
            kbps: guess,
        }
    }

    pub(super) fn count(&mut self, bytes: usize, now: Instant) {
        self.bytes += bytes as u64;
        let passed = now.duration_since(self.measured);
        if passed >= MEASURED {
            let kbps = self.bytes * 8 / millis(passed).max(1);
            *self = Self::new(now, Kbps(u32::try_from(kbps).unwrap_or(u32::MAX)));
        }
    }

    pub(super) fn kbps(&self) -> Kbps {
        self.kbps
    }
}

impl Stream {
    /// `None` for what is not forwarded: comfort noise, telephone events.
    pub(super) fn new(
        origin: Origin,
        track: usize,
        layer: u8,
        format: Format,
        ssrc: u32,
        now: Instant,
    ) -> Option<Self> {
        let guess = match format.codec.is_audio() {
            true => Some(&GUESSED_SOUND),
            false => GUESSED.get(usize::from(layer)).or(GUESSED.last()),
        };
        Some(Self {
            origin,
            track,
            layer,
            nodes: Vec::new(),
            format,
            reader: Reader::new(codec_of(format.codec)?),
            ssrc,
            rate: Rate::new(now, guess.copied().unwrap_or_default()),
            height: None,
            shorter: None,
            most: 0,
            beyond: false,
            last: now,
            kept: VecDeque::new(),
        })
    }

    /// A packet of it with what it is; `None` if it cannot be read or is too long, and so not shown either.
    pub(super) fn take(&mut self, id: StreamId, packet: Arrival, now: Instant) -> Option<Packet> {
        if packet.payload.len() > LONGEST {
            return None;
        }
        self.last = now;
        self.rate.count(packet.payload.len(), now);
        let summary = self.reader.read(&packet.payload, None).ok()?;
        if summary.key_frame
            && let Some((width, height)) = self.reader.picture_size(&packet.payload)
        {
            (self.height, self.shorter) = (Some(height), Some(width.min(height)));
        }
        if self.is_beyond() {
            return None;
        }
        let packet = Packet::new(self, id, summary, packet);
        if !self.format.codec.is_audio() {
            self.keep(&packet, now);
        }
        Some(packet)
    }

    /// Whether it is larger, or more, than its publisher may send.
    pub(super) fn is_beyond(&self) -> bool {
        self.beyond || (self.most > 0 && self.shorter.is_some_and(|side| side > self.most))
    }

    fn keep(&mut self, packet: &Packet, now: Instant) {
        let is_old = |kept: &Packet| now.saturating_duration_since(kept.at) > KEPT_FOR;
        while self.kept.len() >= KEPT_PACKETS || self.kept.front().is_some_and(is_old) {
            self.kept.pop_front();
        }
        self.kept.push_back(packet.clone());
    }

    /// The newest key frame and what came since, if that is little: who begins with it sees the past pass by quickly.
    pub(super) fn since_key_frame(&self, now: Instant) -> Option<impl Iterator<Item = &Packet>> {
        let mut newest = self.kept.iter().rev().take(RECENT_PACKETS);
        let behind = newest.position(Packet::is_key_frame)?;
        let first = self.kept.len().checked_sub(behind + 1)?;
        let came = self.kept.get(first)?.at;
        (now.saturating_duration_since(came) <= RECENT).then(|| self.kept.range(first..))
    }

    /// A packet of it that came not long ago.
    pub(super) fn kept(&self, seq: u64) -> Option<&Packet> {
        self.kept.iter().rev().find(|packet| packet.incoming.seq == seq)
    }
}

impl Packet {
    fn new(stream: &Stream, id: StreamId, summary: Summary, packet: Arrival) -> Self {
        Self {
            track: stream.track,
            incoming: Incoming {
                stream: id,
                seq: packet.seq,
                timestamp: packet.timestamp,
                marker: packet.marker,
                summary,
            },
            format: stream.format,
            payload: packet.payload,
            level: packet.level,
            orientation: packet.orientation,
            at: packet.at,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.payload.len()
    }

    /// The level of sound (RFC 6464) and whether it is a voice.
    pub(super) fn level(&self) -> Option<(u8, bool)> {
        self.level
    }

    /// As it goes to other nodes.
    pub(super) fn far(&self) -> MediaPacket {
        MediaPacket {
            seq: self.incoming.seq,
            timestamp: self.incoming.timestamp,
            marker: self.incoming.marker,
            audio_level: self.level(),
            orientation: self.orientation,
            payload: self.payload.clone(),
        }
    }

    /// Whether a picture begins here that needs no other.
    pub(super) fn is_key_frame(&self) -> bool {
        let summary = &self.incoming.summary;
        summary.key_frame && summary.codec != Codec::Opus
    }

    pub(super) fn media(&self) -> Media<'_> {
        Media {
            payload: &self.payload,
            audio_level: self.level,
            orientation: self.orientation,
            at: self.at,
        }
    }
}

/// A packet's new numbers for a receiver that calls its format so.
pub(super) fn numbered(pt: Pt, codec: Codec, outgoing: &Outgoing) -> Numbered {
    Numbered {
        payload_type: *pt,
        codec,
        sequence: outgoing.seq,
        timestamp: outgoing.timestamp,
        marker: outgoing.marker,
        picture_id: outgoing.picture_id,
        tl0_pic_idx: outgoing.tl0_pic_idx,
    }
}

impl Arrival {
    /// What came from another node.
    pub(super) fn from_far(packet: MediaPacket, now: Instant) -> Self {
        Self {
            seq: packet.seq,
            timestamp: packet.timestamp,
            marker: packet.marker,
            level: packet.audio_level.map(|(level, voice)| (level.min(127), voice)),
            orientation: packet.orientation.map(|turned| turned & 3),
            payload: packet.payload,
            at: now,
        }
    }
}

fn codec_of(codec: format::Codec) -> Option<Codec> {
    match codec {
        format::Codec::Opus => Some(Codec::Opus),
        format::Codec::Vp8 => Some(Codec::Vp8),
        format::Codec::Vp9 => Some(Codec::Vp9),
        format::Codec::H264 => Some(Codec::H264),
        format::Codec::Av1 => Some(Codec::Av1),
        _ => None,
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_no_network_carries_are_not_passed_on() {
        let now = Instant::now();
        let format = Format::from_text("opus;").expect("a format");
        let mut stream = Stream::new(Origin::Here(0), 0, 0, format, 1, now).expect("it is forwarded");
        let mut taken = |length: usize| {
            let arrival = Arrival {
                seq: 1,
                timestamp: 1,
                marker: false,
                payload: vec![1; length].into(),
                level: None,
                orientation: None,
                at: now,
            };
            stream.take(StreamId(1), arrival, now).is_some()
        };
        assert!(taken(LONGEST));
        assert!(!taken(LONGEST + 1));
        assert!(!taken(65_000));
    }
    #[test]
    fn who_begins_gets_the_newest_key_frame_and_what_followed_if_that_is_little() {
        let start = Instant::now();
        let format = Format::from_text("VP8;").expect("a format");
        let mut stream = Stream::new(Origin::Here(0), 0, 0, format, 1, start).expect("it is forwarded");
        let mut take = |seq: u64, is_key: bool, at: Instant| {
            // A partition begins; the lowest bit of the frame's first byte is 0 in a key frame (RFC 7741 §4).
            let payload = vec![
                0x10,
                if is_key { 0 } else { 1 },
                0,
                0,
                0x9d,
                0x01,
                0x2a,
                64,
                1,
                180,
                0,
            ];
            let arrival = Arrival {
                seq,
                timestamp: seq as u32 * 3_000,
                marker: true,
                payload: payload.into(),
                level: None,
                orientation: None,
                at,
            };
            stream.take(StreamId(1), arrival, at).expect("it can be read");
            let numbers = |from: Instant| -> Option<Vec<u64>> {
                let packets = stream.since_key_frame(from)?;
                Some(packets.map(|packet| packet.incoming.seq).collect())
            };
            (numbers(at), numbers(at + RECENT))
        };
        let later = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(take(1, false, start).0, None, "nothing to begin with");
        assert_eq!(take(2, true, later(10)).0, Some(vec![2]));
        assert_eq!(take(3, false, later(20)), (Some(vec![2, 3]), None));
        assert_eq!(take(4, true, later(30)), (Some(vec![4]), Some(vec![4])));
        for seq in 5..5 + RECENT_PACKETS as u64 - 1 {
            assert!(take(seq, false, later(30)).0.is_some());
        }
        assert_eq!(
            take(4 + RECENT_PACKETS as u64, false, later(30)).0,
            None,
            "too many"
        );
    }
}
