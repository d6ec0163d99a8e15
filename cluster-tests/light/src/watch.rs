//! What came from each participant, without decoding it.

use crate::media::{PARTS, Packet, Tag};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// Packets that come later than this many others are taken for lost.
const WINDOW: u64 = 512;
/// Between two requests for a key frame of the same participant, about as browsers pace them.
const REQUESTS: Duration = Duration::from_millis(200);

/// What one participant receives.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    pub pictures: BTreeMap<Tag, Pictures>,
    pub voices: BTreeMap<Tag, Voice>,
    streams: BTreeMap<u32, Stream>,
    /// Packets that are not as they were sent.
    pub spoiled: u64,
}

/// The pictures of one participant that could be shown: whole, and each after the one before it.
#[derive(Debug, Clone, Default)]
pub struct Pictures {
    pub shown: u64,
    /// When the last of them was whole, and the longest time between two since [`Watch::forget_gaps`].
    pub last: Option<Instant>,
    pub longest_gap: Duration,
    number: Option<u32>,
    /// Parts of pictures that are not whole, by number.
    parts: BTreeMap<u32, u8>,
    /// When a key frame was asked for last.
    asked: Option<Instant>,
}

#[derive(Debug, Clone, Default)]
pub struct Voice {
    pub heard: u64,
    pub last: Option<Instant>,
    pub longest_gap: Duration,
}

/// A sequence of RTP packets of one SSRC.
#[derive(Debug, Clone, Default)]
struct Stream {
    /// Unwrapped numbers that are missing.
    missing: BTreeSet<u64>,
    highest: Option<u64>,
    lost: u64,
    doubled: u64,
    picture: Option<(u64, u16)>,
    steps: u64,
}

impl Watch {
    /// One packet of a picture or a voice, as it was read; `packet` is none if it could not be.
    ///
    /// True if nothing more of this stream can be shown until a key frame comes: it has to be asked for now.
    #[must_use]
    pub(crate) fn handle(&mut self, ssrc: u32, sequence: u16, packet: Option<Packet>, now: Instant) -> bool {
        let Some(packet) = packet else {
            self.spoiled += 1;
            return false;
        };
        let stream = self.streams.entry(ssrc).or_default();
        let at = stream.handle(sequence);
        if let (Some(at), Some(picture_id)) = (at, packet.picture_id) {
            stream.follow(at, picture_id, packet.part);
            return self.pictures.entry(packet.tag).or_default().handle(packet, now);
        }
        if at.is_some() {
            let voice = self.voices.entry(packet.tag).or_default();
            voice.heard += 1;
            note(&mut voice.last, &mut voice.longest_gap, now);
        }
        false
    }

    /// Packets that never came, by their numbers.
    pub fn lost(&self) -> u64 {
        self.streams
            .values()
            .map(|stream| stream.lost + stream.missing.len() as u64)
            .sum()
    }

    pub fn doubled(&self) -> u64 {
        self.streams.values().map(|stream| stream.doubled).sum()
    }

    /// Picture IDs that did not follow the one before them.
    pub fn steps(&self) -> u64 {
        self.streams.values().map(|stream| stream.steps).sum()
    }

    /// Packets of pictures that were shown.
    pub fn of_pictures(&self, tag: Tag) -> u64 {
        let pictures = self.pictures.get(&tag);
        pictures.map_or(0, |pictures| pictures.shown * u64::from(PARTS))
    }

    /// Packets of a voice that were heard.
    pub fn of_voice(&self, tag: Tag) -> u64 {
        self.voices.get(&tag).map_or(0, |voice| voice.heard)
    }

    /// When anything came last.
    pub fn last(&self) -> Option<Instant> {
        let pictures = self.pictures.values().filter_map(|pictures| pictures.last);
        pictures
            .chain(self.voices.values().filter_map(|voice| voice.last))
            .max()
    }

    /// Measures gaps anew. One that has begun counts from its begin.
    pub fn forget_gaps(&mut self) {
        for pictures in self.pictures.values_mut() {
            pictures.longest_gap = Duration::ZERO;
        }
        for voice in self.voices.values_mut() {
            voice.longest_gap = Duration::ZERO;
        }
    }

    /// Streams of new connections begin anew; participants go on.
    pub(crate) fn begin_anew(&mut self) {
        self.streams.clear();
        for pictures in self.pictures.values_mut() {
            pictures.number = None;
            pictures.parts.clear();
            pictures.asked = None;
        }
    }
}

impl Pictures {
    /// True if a key frame has to be asked for.
    fn handle(&mut self, packet: Packet, now: Instant) -> bool {
        let parts = self.parts.entry(packet.number).or_default();
        *parts |= 1 << packet.part;
        if *parts != (1 << PARTS) - 1 {
            return false;
        }
        // None can be shown any more that is older.
        self.parts = self.parts.split_off(&packet.number);
        self.parts.remove(&packet.number);
        if packet.key_frame || self.number.is_some_and(|number| number + 1 == packet.number) {
            self.number = Some(packet.number);
            self.shown += 1;
            note(&mut self.last, &mut self.longest_gap, now);
            self.asked = None;
            return false;
        }
        let due = self.asked.is_none_or(|asked| now >= asked + REQUESTS);
        if due {
            self.asked = Some(now);
        }
        due
    }
}

impl Stream {
    /// Gives the unwrapped number; none if it came before.
    fn handle(&mut self, sequence: u16) -> Option<u64> {
        let Some(highest) = self.highest else {
            self.highest = Some(u64::from(sequence) + (1 << 16));
            return self.highest;
        };
        let ahead = sequence.wrapping_sub(highest as u16).cast_signed();
        let at = highest.saturating_add_signed(i64::from(ahead));
        if ahead > 0 {
            self.missing.extend(highest + 1..at);
            self.highest = Some(at);
            let kept = self.missing.split_off(&at.saturating_sub(WINDOW));
            self.lost += self.missing.len() as u64;
            self.missing = kept;
            Some(at)
        } else if self.missing.remove(&at) {
            Some(at)
        } else {
            self.doubled += 1;
            None
        }
    }

    /// First packets of pictures follow each other.
    fn follow(&mut self, at: u64, picture_id: u16, part: u8) {
        if part != 0 || self.picture.is_some_and(|(before, _)| at < before) {
            return;
        }
        if let Some((_, before)) = self.picture
            && (before + 1) & 0x7fff != picture_id
        {
            self.steps += 1;
        }
        self.picture = Some((at, picture_id));
    }
}

fn note(last: &mut Option<Instant>, longest_gap: &mut Duration, now: Instant) {
    if let Some(last) = *last {
        *longest_gap = (*longest_gap).max(now.saturating_duration_since(last));
    }
    *last = Some(now);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{picture, read_picture};

    /// These pictures, `lost` of the packets left out; gives what was seen and whether a key frame was asked for.
    fn seen(numbers: &[(u32, bool)], lost: &[usize]) -> (Watch, bool) {
        let (mut watch, mut asked) = (Watch::default(), false);
        let now = Instant::now();
        let packets = numbers.iter().flat_map(|(number, key)| picture(1, *number, *key));
        for (at, bytes) in packets.enumerate().filter(|(at, _)| !lost.contains(at)) {
            let sequence = 65_530_u16.wrapping_add(at as u16);
            asked |= watch.handle(5, sequence, read_picture(&bytes), now);
        }
        (watch, asked)
    }

    #[test]
    fn whole_pictures_are_shown_from_a_key_frame_on() {
        let (watch, asked) = seen(&[(4, true), (5, false), (6, false)], &[]);
        assert!(!asked);
        assert_eq!(watch.pictures[&1].shown, 3);
        assert_eq!(
            (watch.lost(), watch.doubled(), watch.steps(), watch.spoiled),
            (0, 0, 0, 0)
        );
    }

    #[test]
    fn after_a_lost_part_nothing_is_shown_until_the_next_key_frame() {
        let (watch, asked) = seen(&[(1, true), (2, false), (3, false), (4, true)], &[3]);
        assert!(asked);
        assert_eq!(watch.pictures[&1].shown, 2);
        assert_eq!(watch.lost(), 1);
    }

    #[test]
    fn a_missed_first_key_frame_is_asked_for_and_not_with_each_picture() {
        let (mut watch, asked) = seen(&[(3, false)], &[]);
        assert!(asked);
        let again = picture(1, 4, false).zip(65_532..);
        let asked = again.map(|(bytes, at)| watch.handle(5, at, read_picture(&bytes), Instant::now()));
        assert_eq!(asked.filter(|asked| *asked).count(), 0);
    }

    #[test]
    fn a_picture_id_that_does_not_follow_is_counted() {
        assert_eq!(seen(&[(1, true), (3, true)], &[]).0.steps(), 1);
        assert_eq!(seen(&[(0x7fff, true), (0x8000, true)], &[]).0.steps(), 0);
    }

    #[test]
    fn late_packets_are_not_lost_and_double_ones_are_counted() {
        let mut stream = Stream::default();
        for sequence in [65_534, 1, 65_535, 0, 0, 2] {
            stream.handle(sequence);
        }
        assert_eq!((stream.missing.len(), stream.lost, stream.doubled), (0, 0, 1));
    }
}
