//! What waits for a link, in which order it goes, and what is kept to be sent again.
//!
//! ```text
//!  packet ─► audio   ─┐ repairs first                        ┌─► datagram
//!         ─► content ─┼───────────────► number, cut in two ──┤
//!         ─► video   ─┘ oldest dropped                       └─► kept 500 ms ─► (NACK) ─► repairs
//! ```
//! Hop sequences are given when a packet leaves, so what is dropped here is no gap for the other side.

mod kept;
mod queue;
mod rate;

use crate::{
    MediaPacket,
    wire::{LEAST_DATAGRAM, MEDIA_HEAD, Media, Nack, Part, StreamId},
};
use kept::Stream;
use queue::{Queue, Queued, What};
use rate::Rate;
use std::collections::BTreeMap;

/// The longest queue, as time at the link's rate.
pub(crate) const QUEUE_US: u64 = 20_000;
/// So much may wait however slow the link is: a packet of each kind.
pub(crate) const QUEUE_LEAST: usize = 4_500;
/// What has waited so long although the rate promised otherwise is of no use any more.
const AGE_US: u64 = 100_000;
/// Streams without a packet for this long are forgotten. Invariant: longer than the receiver remembers them, who
/// would otherwise take the new numbers for old ones.
pub(crate) const FORGET_US: u64 = 60_000_000;
const TIDY_US: u64 = 1_000_000;

/// Which packets go first, and which are dropped last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    Audio,
    /// A screen, a window or a document.
    Content,
    /// A camera.
    Video,
}

/// What a sender counted since the link is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Packets that left, repairs not counted.
    pub packets: u64,
    /// Datagrams with packets or halves, repairs too.
    pub datagrams: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Datagrams that left again because they were asked for.
    pub repairs: u64,
    /// Asked for and not kept any more.
    pub too_late: u64,
    /// Dropped because the link is slower than what was to be sent, by priority: audio, content, video.
    pub dropped: [u64; 3],
    /// Not taken because nothing can carry them ([`MediaPacket::fits`]).
    pub unfit: u64,
}

/// The sending half of a link. A packet costs O(log streams).
#[derive(Debug, Default)]
pub struct Sender {
    queue: Queue,
    rate: Rate,
    streams: BTreeMap<StreamId, Stream>,
    /// The second half of what left last.
    second: Option<(StreamId, u32)>,
    rtt_us: u64,
    tidy_us: Option<u64>,
    scratch: Vec<u8>,
    sent: Sent,
}

impl Sender {
    /// A packet is to go. Whatever is too much for the link is dropped at once: the oldest video, else the oldest
    /// content, else the oldest audio.
    pub fn handle_packet(&mut self, now_us: u64, stream: StreamId, priority: Priority, packet: MediaPacket) {
        if !packet.fits() {
            self.sent.unfit += 1;
            return;
        }
        self.tidy_us.get_or_insert(now_us.saturating_add(TIDY_US));
        let bytes = MEDIA_HEAD + packet.payload.len();
        let what = What::Packet(packet);
        self.queue.push(
            priority,
            Queued {
                stream,
                what,
                bytes,
                at_us: now_us,
            },
        );
        self.trim(now_us);
    }

    /// The other side misses these. Those that are still kept go again, before new ones of their priority; what was
    /// repaired within the last round trip does not.
    pub fn handle_nack(&mut self, now_us: u64, nack: &Nack) {
        let Some(stream) = self.streams.get_mut(&nack.stream) else {
            self.sent.too_late += nack.hops.len() as u64;
            return;
        };
        let spacing_us = self.rtt_us / 2;
        for hop in &nack.hops {
            let Some(kept) = stream.kept(*hop) else {
                self.sent.too_late += 1;
                continue;
            };
            if kept
                .repaired_us
                .is_some_and(|at_us| now_us < at_us.saturating_add(spacing_us))
            {
                continue;
            }
            kept.repaired_us = Some(now_us);
            let queued = Queued {
                stream: nack.stream,
                what: What::Repair(*hop),
                bytes: MEDIA_HEAD + kept.packet.payload.len(),
                at_us: now_us,
            };
            self.queue.push(kept.priority, queued);
        }
        self.trim(now_us);
    }

    /// How fast the link is, in bytes a second, and how long its round trip takes.
    pub fn handle_path(&mut self, now_us: u64, bytes_per_s: u64, rtt_us: u64) {
        self.rtt_us = rtt_us;
        self.rate.set(bytes_per_s);
        self.trim(now_us);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now_us: u64) {
        if self.tidy_us.is_none_or(|tidy_us| now_us < tidy_us) {
            return;
        }
        self.streams.retain(|_, stream| stream.tidy(now_us));
        self.tidy_us =
            (!self.streams.is_empty() || !self.queue.is_empty()).then_some(now_us.saturating_add(TIDY_US));
    }

    /// When [`Sender::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.tidy_us
    }

    /// The next datagram, of at most `max` bytes, after what stands in `into`. `false` if nothing waits.
    ///
    /// `max` below [`LEAST_DATAGRAM`] counts as that.
    pub fn poll_transmit(&mut self, now_us: u64, max: usize, into: &mut Vec<u8>) -> bool {
        let before = into.len();
        let max = max.max(LEAST_DATAGRAM);
        let wrote = self.second(into) || self.next(now_us, max, into);
        if wrote {
            let bytes = into.len() - before;
            self.sent.datagrams += 1;
            self.sent.bytes += bytes as u64;
            self.rate.left(now_us, bytes);
        }
        if self.is_empty() {
            self.rate.idle();
        }
        wrote
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.second.is_none() && self.queue.is_empty()
    }

    /// Bytes that wait.
    pub fn queued_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// How many bytes may wait now.
    pub fn limit_bytes(&self) -> usize {
        let limit = self.rate.bytes_per_s().saturating_mul(QUEUE_US) / 1_000_000;
        usize::try_from(limit).unwrap_or(usize::MAX).max(QUEUE_LEAST)
    }

    pub fn sent(&self) -> Sent {
        self.sent
    }

    fn second(&mut self, into: &mut Vec<u8>) -> bool {
        let Some((stream, hop)) = self.second.take() else {
            return false;
        };
        // The first half fitted, and this one is not longer.
        self.write_kept(stream, hop, false, usize::MAX, into)
    }

    fn next(&mut self, now_us: u64, max: usize, into: &mut Vec<u8>) -> bool {
        while let Some((priority, queued)) = self.queue.pop() {
            if now_us > queued.at_us.saturating_add(AGE_US) {
                self.count_dropped(priority);
                continue;
            }
            match queued.what {
                What::Repair(hop) => {
                    if self.write_kept(queued.stream, hop, true, max, into) {
                        self.sent.repairs += 1;
                        return true;
                    }
                    self.sent.too_late += 1;
                }
                What::Packet(packet) => {
                    self.sent.packets += 1;
                    self.first(now_us, queued.stream, priority, packet, max, into);
                    return true;
                }
            }
        }
        false
    }

    /// Numbers a packet, and writes it or its first half.
    fn first(
        &mut self,
        now_us: u64,
        id: StreamId,
        priority: Priority,
        packet: MediaPacket,
        max: usize,
        into: &mut Vec<u8>,
    ) {
        self.scratch.clear();
        packet.write(&mut self.scratch);
        let stream = self.streams.entry(id).or_default();
        let whole = MEDIA_HEAD + self.scratch.len() <= max;
        let (part, body) = if whole {
            (Part::Whole, self.scratch.as_slice())
        } else {
            (Part::First, halves(&self.scratch).0)
        };
        let hop = stream.keep(now_us, priority, part, packet.clone());
        if !whole {
            let second = stream.keep(now_us, priority, Part::Second, packet);
            self.second = Some((id, second));
        }
        let media = Media {
            stream: id,
            hop,
            part,
            repair: false,
            body,
        };
        media.write(into);
    }

    /// `false` if it is not kept, or does not fit any more because the path carries less than before.
    fn write_kept(&mut self, id: StreamId, hop: u32, repair: bool, max: usize, into: &mut Vec<u8>) -> bool {
        let before = into.len();
        let Some(kept) = self.streams.get_mut(&id).and_then(|stream| stream.kept(hop)) else {
            return false;
        };
        self.scratch.clear();
        kept.packet.write(&mut self.scratch);
        let body = match kept.part {
            Part::Whole => self.scratch.as_slice(),
            Part::First => halves(&self.scratch).0,
            Part::Second => halves(&self.scratch).1,
        };
        let media = Media {
            stream: id,
            hop,
            part: kept.part,
            repair,
            body,
        };
        media.write(into);
        let fits = into.len() - before <= max;
        if !fits {
            into.truncate(before);
        }
        fits
    }

    fn trim(&mut self, now_us: u64) {
        self.rate.look(now_us);
        let limit = self.limit_bytes();
        while self.queue.bytes() > limit {
            let Some(priority) = self.queue.drop_one() else {
                return;
            };
            self.count_dropped(priority);
        }
    }

    fn count_dropped(&mut self, priority: Priority) {
        let [audio, content, video] = &mut self.sent.dropped;
        *match priority {
            Priority::Audio => audio,
            Priority::Content => content,
            Priority::Video => video,
        } += 1;
    }
}

fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.len().div_ceil(2))
}
