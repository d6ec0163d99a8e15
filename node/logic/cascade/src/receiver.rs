//! What came over a link: packets in order of arrival, each once, and what is to be asked for again.
//!
//! ```text
//!             3 newer ones, or 10 ms        a round trip          200 ms
//!   gap ─────────────────────────────► NACK ────────────► NACK ───────────► lost
//!    └── came out of order                └── repaired
//! ```
//! Nothing is held back: what is behind a gap is given out at once, and the gap's packet when it comes.

mod halves;
mod stream;

use crate::{
    MediaPacket,
    wire::{Media, NACK_COUNT, Nack, StreamId},
};
use halves::Halves;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use stream::{Place, Stream};

/// So many newer ones make a missing one a gap.
const REORDER: u64 = 3;
/// Or so much time.
const REORDER_US: u64 = 10_000;
/// Least time between two NACKs for the same; the round trip if that is longer.
const RETRY_LEAST_US: u64 = 10_000;
/// What did not come after this long is not asked for any more, and lost a round trip after it was asked for last.
const GIVE_UP_US: u64 = 200_000;
/// More streams than a link ever carries at once.
const STREAMS: usize = 16_384;
/// Streams without a packet for this long are forgotten.
const FORGET_US: u64 = 10_000_000;
const TIDY_US: u64 = 1_000_000;

/// What a receiver counted since the link is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Received {
    /// Packets that were given out.
    pub packets: u64,
    /// Datagrams with packets or halves, whatever became of them.
    pub datagrams: u64,
    pub bytes: u64,
    /// NACKs made, by hop sequences in them.
    pub asked: u64,
    /// What was asked for and came.
    pub repaired: u64,
    /// Given up.
    pub lost: u64,
    /// What came twice or much too late.
    pub doubles: u64,
    /// What could not be read, and what belongs to more streams than are taken.
    pub refused: u64,
}

/// The receiving half of a link. A datagram costs O(log streams), and O(gaps of its stream) while there are some.
///
/// Invariant: `due` holds each missing hop sequence of each stream with its time, and nothing else.
#[derive(Debug, Default)]
pub struct Receiver {
    streams: BTreeMap<StreamId, Stream>,
    due: BTreeSet<(u64, StreamId, u64)>,
    halves: Halves,
    nacks: VecDeque<Nack>,
    rtt_us: u64,
    tidy_us: Option<u64>,
    received: Received,
}

impl Receiver {
    /// How long the round trip takes.
    pub fn handle_path(&mut self, rtt_us: u64) {
        self.rtt_us = rtt_us;
    }

    /// A datagram came. Gives the packet that is whole with it, if one is.
    pub fn handle_media(&mut self, now_us: u64, media: &Media<'_>) -> Option<MediaPacket> {
        self.received.datagrams += 1;
        self.received.bytes += media.body.len() as u64;
        if self.streams.len() >= STREAMS && !self.streams.contains_key(&media.stream) {
            self.received.refused += 1;
            return None;
        }
        self.tidy_us.get_or_insert(now_us.saturating_add(TIDY_US));
        let stream = self.streams.entry(media.stream).or_default();
        let hop = match stream.place(now_us, media.hop) {
            Place::Double => {
                self.received.doubles += 1;
                return None;
            }
            Place::Missing { hop, due_us, asked } => {
                self.due.remove(&(due_us, media.stream, hop));
                self.received.repaired += u64::from(asked);
                hop
            }
            Place::GivenUp(hop) => hop,
            Place::Next { hop, gap, unseen } => {
                self.received.lost += unseen;
                let due_us = now_us.saturating_add(REORDER_US);
                for missing in gap {
                    if let Some((old_due_us, old)) = stream.miss(now_us, missing, due_us) {
                        self.due.remove(&(old_due_us, media.stream, old));
                        self.received.lost += 1;
                    }
                    self.due.insert((due_us, media.stream, missing));
                }
                hop
            }
        };
        for (due_us, overtaken) in stream.overtaken(REORDER, now_us) {
            self.due.remove(&(due_us, media.stream, overtaken));
            self.due.insert((now_us, media.stream, overtaken));
        }
        self.whole(now_us, hop, media)
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now_us: u64) {
        self.ask(now_us);
        if self.tidy_us.is_none_or(|tidy_us| now_us < tidy_us) {
            return;
        }
        self.halves.tidy(now_us);
        let Self { streams, due, .. } = self;
        streams.retain(|id, stream| {
            let stays = now_us < stream.last_us().saturating_add(FORGET_US);
            if !stays {
                for (hop, due_us) in stream.missing() {
                    due.remove(&(due_us, *id, hop));
                }
            }
            stays
        });
        self.tidy_us = (!self.streams.is_empty()).then_some(now_us.saturating_add(TIDY_US));
    }

    /// The next NACK to send. Call [`Receiver::handle_timeout`] before.
    pub fn poll_nack(&mut self) -> Option<Nack> {
        self.nacks.pop_front()
    }

    /// When [`Receiver::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<u64> {
        let due = self.due.first().map(|(due_us, ..)| *due_us);
        due.into_iter().chain(self.tidy_us).min()
    }

    pub fn received(&self) -> Received {
        self.received
    }

    fn whole(&mut self, now_us: u64, hop: u64, media: &Media<'_>) -> Option<MediaPacket> {
        let packet = match self.halves.join(now_us, hop, media) {
            halves::Joined::Whole(bytes) => MediaPacket::parse(&bytes),
            halves::Joined::Waits => return None,
        };
        match packet {
            Ok(packet) => {
                self.received.packets += 1;
                Some(packet)
            }
            Err(_) => {
                self.received.refused += 1;
                None
            }
        }
    }

    /// Makes NACKs of all that is due, and gives up what is missing for too long.
    fn ask(&mut self, now_us: u64) {
        let retry_us = self.rtt_us.saturating_add(self.rtt_us / 4).max(RETRY_LEAST_US);
        let mut wanted: BTreeMap<StreamId, Vec<u32>> = BTreeMap::new();
        while let Some((_, id, hop)) = self.due.first().copied().filter(|(due_us, ..)| *due_us <= now_us) {
            self.due.pop_first();
            let Some(stream) = self.streams.get_mut(&id) else {
                debug_assert!(false, "due has only what a stream misses");
                continue;
            };
            match stream.ask(hop, now_us, retry_us, GIVE_UP_US) {
                Some(next_us) => {
                    self.due.insert((next_us, id, hop));
                    // Modulo 2³², as on the wire.
                    wanted.entry(id).or_default().push(hop as u32);
                    self.received.asked += 1;
                }
                None => self.received.lost += 1,
            }
        }
        for (stream, hops) in wanted {
            let chunks = hops.chunks(NACK_COUNT).map(<[u32]>::to_vec);
            self.nacks.extend(chunks.map(|hops| Nack { stream, hops }));
        }
    }
}
