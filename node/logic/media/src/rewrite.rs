//! What one receive slot does with the numbers of packets, so that a receiver sees one stream without a break while
//! its source changes: another participant, another simulcast layer, fewer temporal layers, a pause.
//!
//! ```text
//!   input  A: 10 11 12 .. 14 15 │           (13 lost, 15 of a dropped layer)
//!          B:                   │ 70k 71 72 (k: key frame)
//!   output     1  2  3 ..  5    │  6   7  8 (4 stays free for 13: the receiver asks for it, Rewriter::origin knows)
//!          ──── epoch of A ─────┴─ epoch of B ──►
//! ```
//!
//! An *epoch* is the time between two switches. In it timestamps, TL0PICIDX and frame numbers are moved by
//! constants; sequence numbers and picture ids by what was dropped so far. Pictures of VP9 name those that they need by
//! how many ids they are behind, so that its ids are moved by a constant, too.

mod layers;
mod ring;

use crate::{
    StreamId,
    payload::{Codec, Summary},
};
use layers::Layers;
use ring::{Entry, Ring};

/// Epochs whose late packets are still mapped.
const EPOCHS: usize = 4;
/// Picture ids have 15 bits.
const PICTURE_IDS: u16 = 0x7fff;
/// A pause longer than this many ticks is shown as this: receivers compare timestamps by half their range.
const LONGEST_PAUSE_TICKS: u64 = 1 << 30;

/// How a slot begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The first number that goes out; below 65,536 because SRTP assumes a rollover counter of 0 (RFC 3711 §3.3.1).
    pub first_seq: u16,
    /// Ticks of the RTP timestamp in a second: 90,000 for video, 48,000 for Opus.
    pub clock_hz: u32,
    /// Numbers that are remembered, at least 16, for late packets and for NACK: 8 bytes each. A gap of more than
    /// half of it is taken for a new beginning of the stream.
    pub window: u16,
}

impl Config {
    /// Video: about a second of 4 Mbit/s.
    pub fn video(first_seq: u16) -> Self {
        Self {
            first_seq,
            clock_hz: 90_000,
            window: 512,
        }
    }

    /// Audio: about a second of packets of 20 ms.
    pub fn audio(first_seq: u16) -> Self {
        Self {
            first_seq,
            clock_hz: 48_000,
            window: 64,
        }
    }
}

/// What a slot should carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub stream: StreamId,
    /// The highest spatial layer inside of the stream; 0 where each layer is a stream of its own.
    pub spatial: u8,
    /// The highest temporal layer.
    pub temporal: u8,
}

/// A packet of a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incoming {
    pub stream: StreamId,
    /// The sequence number, extended over its rollovers.
    pub seq: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub summary: Summary,
}

/// The fields of a packet that goes to the receiver. What is `None` stays as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// Extended; the low 16 bits go on the wire.
    pub seq: u64,
    pub timestamp: u32,
    pub marker: bool,
    /// VP8 and VP9; 15 bits, of which a short field takes the low 7.
    pub picture_id: Option<u16>,
    /// VP8 and VP9.
    pub tl0_pic_idx: Option<u8>,
    /// AV1 with dependency descriptor only.
    pub frame_number: Option<u16>,
}

/// Why a packet is not forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The slot carries nothing.
    Paused,
    /// It belongs to a stream that the slot does not carry.
    NotWanted,
    /// The slot waits for a key frame of this stream.
    AwaitsKeyFrame,
    /// It belongs to a higher layer than is wanted.
    Layer,
    /// It is too old to have a place, or its place was given up on purpose.
    Late,
    /// It was forwarded already.
    Duplicate,
}

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Forward(Outgoing),
    Drop(Why),
}

/// Where an output number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub stream: StreamId,
    pub seq: u64,
}

#[derive(Debug, Clone, Copy)]
struct Epoch {
    stream: StreamId,
    first_out: u64,
    first_in: u64,
    high_in: u64,
    timestamp_offset: u32,
    tl0_offset: u8,
    frame_offset: u16,
}

impl Epoch {
    fn outgoing(&self, packet: &Incoming, entry: Entry, seq: u64) -> Outgoing {
        let summary = &packet.summary;
        let top = summary.spatial == Some(entry.layers().spatial);
        Outgoing {
            seq,
            timestamp: packet.timestamp.wrapping_sub(self.timestamp_offset),
            marker: packet.marker || summary.ends_frame && top,
            picture_id: summary
                .picture_id
                .map(|id| id.wrapping_sub(entry.picture_offset) & PICTURE_IDS),
            tl0_pic_idx: summary
                .tl0_pic_idx
                .map(|index| index.wrapping_sub(self.tl0_offset)),
            frame_number: summary
                .frame_number
                .map(|number| number.wrapping_sub(self.frame_offset)),
        }
    }
}

/// The newest of what went out, or would have in the place of what was dropped.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    /// With the time at which the first packet of that timestamp went out.
    timestamp: Option<(u32, u64)>,
    picture_id: Option<u16>,
    tl0_pic_idx: Option<u8>,
    frame_number: Option<u16>,
}

/// One receive slot of one subscriber.
///
/// Invariant: no two packets get the same number, and no packet gets two. Packets that come in order go out with
/// ascending numbers and timestamps that do not go back.
#[derive(Debug)]
pub struct Rewriter {
    clock_hz: u32,
    wanted: Option<Target>,
    /// Whether the newest epoch goes on; else the slot waits for a key frame.
    live: bool,
    /// The newest first.
    epochs: [Option<Epoch>; EPOCHS],
    layers: Layers,
    picture_offset: u16,
    /// The last picture that was dropped, so that each counts once.
    dropped_picture: Option<u16>,
    ring: Ring,
    last: Last,
}

impl Rewriter {
    /// A slot that carries nothing yet.
    pub fn new(config: Config) -> Self {
        Self {
            clock_hz: config.clock_hz,
            wanted: None,
            live: false,
            epochs: [None; EPOCHS],
            layers: Layers::default(),
            picture_offset: 0,
            dropped_picture: None,
            ring: Ring::new(u64::from(config.first_seq), u64::from(config.window)),
            last: Last::default(),
        }
    }

    /// What the slot should carry from now on. `None` pauses at once. Another stream is taken up with its next key
    /// frame and the present one goes on until then; who does not want that, as when the slot changes to another
    /// participant, pauses first.
    pub fn handle_target(&mut self, target: Option<Target>) {
        self.wanted = target.map(|target| Target {
            spatial: target.spatial.min(7),
            temporal: target.temporal.min(7),
            ..target
        });
        self.live &= target.is_some();
    }

    /// The stream that goes through now.
    pub fn current(&self) -> Option<StreamId> {
        self.epochs[0].filter(|_| self.live).map(|epoch| epoch.stream)
    }

    /// The output timestamp of a timestamp of the current stream, for reports of senders (RFC 3550 §6.4.1).
    pub fn timestamp(&self, input: u32) -> Option<u32> {
        let epoch = self.epochs[0].filter(|_| self.live)?;
        Some(input.wrapping_sub(epoch.timestamp_offset))
    }

    /// The stream that should send a key frame, so that the slot comes to carry what it should.
    pub fn wants_key_frame(&self) -> Option<StreamId> {
        let wanted = self.wanted?;
        let there = self.current() == Some(wanted.stream) && self.layers.spatial >= wanted.spatial;
        (!there).then_some(wanted.stream)
    }

    /// Decides about a packet. Costs O(1) in order and O(log window) out of order; allocates only for the first one
    /// that is forwarded.
    pub fn handle_packet(&mut self, packet: &Incoming, now_ms: u64) -> Verdict {
        let Some(wanted) = self.wanted else {
            return Verdict::Drop(Why::Paused);
        };
        if let Some(epoch) = self.epochs[0].filter(|epoch| self.live && epoch.stream == packet.stream)
            && packet.seq > epoch.high_in
        {
            let lost = packet.seq - epoch.high_in - 1;
            if lost <= self.ring.window() / 2 {
                return self.in_order(packet, epoch, &wanted, now_ms);
            }
            self.live = false;
        }
        let seen = self
            .epochs
            .iter()
            .flatten()
            .any(|epoch| epoch.stream == packet.stream && packet.seq <= epoch.high_in);
        if seen {
            return self.out_of_order(packet);
        }
        if packet.stream != wanted.stream {
            return Verdict::Drop(Why::NotWanted);
        }
        if !packet.summary.key_frame {
            return Verdict::Drop(Why::AwaitsKeyFrame);
        }
        self.begin(packet, &wanted, now_ms)
    }

    /// The packet that a receiver asks for by an output number (NACK, RFC 4585 §6.2.1), whether it went out or was
    /// lost before it came here. `None` outside of the window, and for numbers that were never given.
    pub fn origin(&self, seq: u64) -> Option<Origin> {
        let (epoch, _) = self.epoch_of(seq)?;
        let entry = self.ring.entry(seq)?;
        let behind = (epoch.high_in as u32).wrapping_sub(entry.input);
        Some(Origin {
            stream: epoch.stream,
            seq: epoch.high_in.checked_sub(u64::from(behind))?,
        })
    }

    /// The fields of a packet that goes out (again) under a number which a receiver asked for. `None` if the packet
    /// is not the one of [`Rewriter::origin`], or belongs to a layer that is not for this receiver.
    pub fn handle_repair(&mut self, seq: u64, packet: &Incoming) -> Option<Outgoing> {
        let origin = self.origin(seq)?;
        let (epoch, _) = self.epoch_of(seq)?;
        let entry = self.ring.entry_mut(seq)?;
        if (origin.stream, origin.seq) != (packet.stream, packet.seq)
            || !entry.layers().admit(&packet.summary)
        {
            return None;
        }
        entry.sent = true;
        Some(epoch.outgoing(packet, *entry, seq))
    }

    /// The epoch of an output number, and where the next one begins.
    fn epoch_of(&self, seq: u64) -> Option<(Epoch, u64)> {
        let mut end = self.ring.next();
        for epoch in self.epochs.iter().flatten() {
            if epoch.first_out <= seq {
                return (seq < end).then_some((*epoch, end));
            }
            end = epoch.first_out;
        }
        None
    }

    fn begin(&mut self, packet: &Incoming, wanted: &Target, now_ms: u64) -> Verdict {
        let summary = &packet.summary;
        let timestamp = match self.last.timestamp {
            None => packet.timestamp,
            Some((last, at_ms)) => last.wrapping_add(self.ticks(now_ms.saturating_sub(at_ms))),
        };
        let after = |last: Option<u16>, own: Option<u16>| match (last, own) {
            (Some(last), Some(own)) => own.wrapping_sub(last.wrapping_add(1)),
            _ => 0,
        };
        let tl0_offset = match (self.last.tl0_pic_idx, summary.tl0_pic_idx) {
            (Some(last), Some(own)) => own.wrapping_sub(last.wrapping_add(1)),
            _ => 0,
        };
        self.picture_offset = after(self.last.picture_id, summary.picture_id);
        self.dropped_picture = None;
        self.layers = self.layers.step(summary, wanted);
        let epoch = Epoch {
            stream: packet.stream,
            first_out: self.ring.next(),
            first_in: packet.seq,
            high_in: packet.seq,
            timestamp_offset: packet.timestamp.wrapping_sub(timestamp),
            tl0_offset,
            frame_offset: after(self.last.frame_number, summary.frame_number),
        };
        self.epochs.rotate_right(1);
        self.epochs[0] = Some(epoch);
        self.live = true;
        self.send(packet, &epoch, now_ms)
    }

    /// Ticks of a pause, at least one.
    fn ticks(&self, passed_ms: u64) -> u32 {
        let ticks = passed_ms.saturating_mul(u64::from(self.clock_hz)) / 1_000;
        u32::try_from(ticks.clamp(1, LONGEST_PAUSE_TICKS)).unwrap_or(1)
    }

    fn in_order(&mut self, packet: &Incoming, mut epoch: Epoch, wanted: &Target, now_ms: u64) -> Verdict {
        for lost in epoch.high_in + 1..packet.seq {
            self.ring.push(self.entry(lost, false));
        }
        epoch.high_in = packet.seq;
        self.epochs[0] = Some(epoch);
        let summary = &packet.summary;
        if summary.starts_frame && wanted.stream == epoch.stream {
            self.layers = self.layers.step(summary, wanted);
        }
        if self.layers.admit(summary) {
            return self.send(packet, &epoch, now_ms);
        }
        let counted = summary.picture_id == self.dropped_picture;
        if summary.codec == Codec::Vp8 && !counted {
            self.dropped_picture = summary.picture_id;
            self.picture_offset = self.picture_offset.wrapping_add(1);
        }
        // What the next epoch goes on from: packets before this one may still come late and need their numbers.
        let place = self.entry(packet.seq, false);
        self.note(&epoch.outgoing(packet, place, self.ring.next()), now_ms);
        Verdict::Drop(Why::Layer)
    }

    fn entry(&self, input: u64, sent: bool) -> Entry {
        Entry {
            input: input as u32,
            picture_offset: self.picture_offset,
            packed_layers: self.layers.pack(),
            sent,
        }
    }

    fn send(&mut self, packet: &Incoming, epoch: &Epoch, now_ms: u64) -> Verdict {
        let entry = self.entry(packet.seq, true);
        let seq = self.ring.push(entry);
        let outgoing = epoch.outgoing(packet, entry, seq);
        self.note(&outgoing, now_ms);
        Verdict::Forward(outgoing)
    }

    fn note(&mut self, outgoing: &Outgoing, now_ms: u64) {
        let newer = |last: u32| outgoing.timestamp.wrapping_sub(last).cast_signed() > 0;
        if self.last.timestamp.is_none_or(|(last, _)| newer(last)) {
            self.last.timestamp = Some((outgoing.timestamp, now_ms));
        }
        self.last.picture_id = outgoing.picture_id.or(self.last.picture_id);
        self.last.tl0_pic_idx = outgoing.tl0_pic_idx.or(self.last.tl0_pic_idx);
        self.last.frame_number = outgoing.frame_number.or(self.last.frame_number);
    }

    /// A packet from before the newest one of its stream: it has a place only where one was left free for it.
    fn out_of_order(&mut self, packet: &Incoming) -> Verdict {
        let mut end = self.ring.next();
        for epoch in self.epochs.iter().flatten() {
            if epoch.stream == packet.stream && (epoch.first_in..=epoch.high_in).contains(&packet.seq) {
                let epoch = *epoch;
                return match self.ring.find(epoch.first_out, end, packet.seq) {
                    Some(seq) => self.fill(packet, &epoch, seq),
                    None => Verdict::Drop(Why::Late),
                };
            }
            end = epoch.first_out;
        }
        Verdict::Drop(Why::Late)
    }

    fn fill(&mut self, packet: &Incoming, epoch: &Epoch, seq: u64) -> Verdict {
        let newest = seq + 1 == self.ring.next();
        let Some(entry) = self.ring.entry_mut(seq) else {
            return Verdict::Drop(Why::Late);
        };
        if entry.sent {
            return Verdict::Drop(Why::Duplicate);
        }
        if !entry.layers().admit(&packet.summary) {
            if newest {
                // Nothing went out behind it, so the receiver need not see a gap.
                self.ring.pop();
            }
            return Verdict::Drop(Why::Layer);
        }
        entry.sent = true;
        Verdict::Forward(epoch.outgoing(packet, *entry, seq))
    }
}
