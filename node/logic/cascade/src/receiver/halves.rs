//! Joins the halves of packets that were too large for one datagram.

use crate::wire::{Media, Part, StreamId};
use std::{borrow::Cow, collections::BTreeMap};

/// So many halves wait for their others, over all streams.
const HALVES: usize = 1_024;
/// Longer than a repair takes.
const WAIT_US: u64 = 500_000;

pub(super) enum Joined<'a> {
    Whole(Cow<'a, [u8]>),
    Waits,
}

#[derive(Debug)]
struct Half {
    bytes: Vec<u8>,
    part: Part,
    at_us: u64,
}

/// Invariant: holds at most [`HALVES`].
#[derive(Debug, Default)]
pub(super) struct Halves {
    /// By the stream and the hop sequence of the first half.
    waiting: BTreeMap<(StreamId, u64), Half>,
}

impl Halves {
    pub(super) fn join<'a>(&mut self, now_us: u64, hop: u64, media: &Media<'a>) -> Joined<'a> {
        let first = match media.part {
            Part::Whole => return Joined::Whole(Cow::Borrowed(media.body)),
            Part::First => hop,
            Part::Second => match hop.checked_sub(1) {
                Some(first) => first,
                // Whose other half never was: it cannot be a packet.
                None => return Joined::Whole(Cow::Borrowed(&[])),
            },
        };
        let key = (media.stream, first);
        if self
            .waiting
            .get(&key)
            .is_some_and(|other| other.part != media.part)
            && let Some(other) = self.waiting.remove(&key)
        {
            let (one, two) = if media.part == Part::First {
                (media.body, other.bytes.as_slice())
            } else {
                (other.bytes.as_slice(), media.body)
            };
            return Joined::Whole(Cow::Owned([one, two].concat()));
        }
        if self.waiting.len() >= HALVES {
            let oldest = self.waiting.iter().min_by_key(|(_, half)| half.at_us);
            if let Some(key) = oldest.map(|(key, _)| *key) {
                self.waiting.remove(&key);
            }
        }
        let half = Half {
            bytes: media.body.to_vec(),
            part: media.part,
            at_us: now_us,
        };
        self.waiting.insert(key, half);
        Joined::Waits
    }

    pub(super) fn tidy(&mut self, now_us: u64) {
        self.waiting
            .retain(|_, half| now_us < half.at_us.saturating_add(WAIT_US));
    }
}
