//! The transport-wide feedback message, read strictly.
//!
//! ```text
//!  0                   1                   2                   3
//!  base sequence number          | packet status count            packets that are reported on, from the base on
//!  reference time (24 bits, 64 ms each)          | message count  the first arrival is told from here
//!  packet chunk (16 bits) | packet chunk | …                      a status for each: runs, or vectors of 7 or 14
//!  receive delta (8 or 16 bits, 250 µs each) | …                  one for each packet that arrived
//! ```
//!
//! draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1. What follows the last delta is padding. Reading costs what
//! the message is long: packets that did not arrive are told in runs, and each that did takes a byte at least.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

/// A reference time counts this.
const REFERENCE_US: i64 = 64_000;
/// A receive delta counts this.
const DELTA_US: i64 = 250;

const SMALL: u8 = 1;
const LARGE: u8 = 2;
const RESERVED: u8 = 3;

/// Why a message is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("it ends before all packets are told")]
    Short,
    #[error("it tells of no packet")]
    Empty,
    #[error("a packet has the reserved status")]
    Reserved,
}

/// A message whose lengths and statuses were found right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feedback<'a> {
    /// The number of the first packet that is told of.
    pub(crate) base: u16,
    reference: u32,
    count: u16,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> Feedback<'a> {
    /// `fci`: the part of the RTCP packet behind the two SSRCs.
    pub(crate) fn parse(fci: &'a [u8]) -> Result<Self, Malformed> {
        let (head, chunks) = fci.split_first_chunk::<8>().ok_or(Malformed::Short)?;
        // The last byte numbers the messages. What is told twice or out of order is recognised by the packets.
        let [base_high, base_low, count_high, count_low, reference @ .., _] = *head;
        let [first, second, third] = reference;
        let count = u16::from_be_bytes([count_high, count_low]);
        if count == 0 {
            return Err(Malformed::Empty);
        }
        let mut runs = Runs::new(chunks, count);
        let mut delta_bytes = 0;
        while let Some(run) = runs.next()? {
            delta_bytes += match run.status {
                RESERVED => return Err(Malformed::Reserved),
                status => usize::from(status) * usize::from(run.length),
            };
        }
        let deltas = runs.chunks.get(..delta_bytes).ok_or(Malformed::Short)?;
        Ok(Self {
            base: u16::from_be_bytes([base_high, base_low]),
            reference: u32::from_be_bytes([0, first, second, third]),
            count,
            chunks,
            deltas,
        })
    }

    /// In the order of the packets' numbers.
    pub(crate) fn reports(&self) -> Reports<'a> {
        Reports {
            runs: Runs::new(self.chunks, self.count),
            run: Run::default(),
            deltas: self.deltas,
        }
    }
}

/// What is told of the next packet, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// So many did not arrive.
    Missing(u16),
    /// One arrived so many microseconds after the one before it, or after the reference time.
    Arrived(i64),
}

#[derive(Debug)]
pub(crate) struct Reports<'a> {
    runs: Runs<'a>,
    run: Run,
    deltas: &'a [u8],
}

impl Iterator for Reports<'_> {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        while self.run.length == 0 {
            self.run = self.runs.next().ok()??;
        }
        let ticks = match self.run.status {
            SMALL => {
                let (delta, rest) = self.deltas.split_first()?;
                self.deltas = rest;
                i64::from(*delta)
            }
            LARGE => {
                let (delta, rest) = self.deltas.split_first_chunk()?;
                self.deltas = rest;
                i64::from(i16::from_be_bytes(*delta))
            }
            _ => return Some(Report::Missing(std::mem::take(&mut self.run.length))),
        };
        self.run.length -= 1;
        Some(Report::Arrived(ticks * DELTA_US))
    }
}

/// Packets one after another that have the same status.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    /// Of small and large ones this is also the length of the delta.
    status: u8,
    length: u16,
}

#[derive(Debug)]
struct Runs<'a> {
    chunks: &'a [u8],
    /// Packets that are still to come.
    left: u16,
    /// The statuses of a vector that are still to come, at the top.
    vector: u16,
    vector_left: u8,
    bits: u8,
}

impl<'a> Runs<'a> {
    fn new(chunks: &'a [u8], count: u16) -> Self {
        Self {
            chunks,
            left: count,
            vector: 0,
            vector_left: 0,
            bits: 1,
        }
    }

    fn next(&mut self) -> Result<Option<Run>, Malformed> {
        if self.left == 0 {
            return Ok(None);
        }
        if self.vector_left == 0 {
            let (chunk, rest) = self.chunks.split_first_chunk().ok_or(Malformed::Short)?;
            self.chunks = rest;
            let chunk = u16::from_be_bytes(*chunk);
            if chunk & 0x8000 == 0 {
                let length = (chunk & 0x1fff).min(self.left);
                self.left -= length;
                let status = (chunk >> 13) as u8;
                return Ok(Some(Run { status, length }));
            }
            self.vector = chunk << 2;
            (self.bits, self.vector_left) = if chunk & 0x4000 == 0 { (1, 14) } else { (2, 7) };
        }
        let status = (self.vector >> (16 - self.bits)) as u8;
        self.vector <<= self.bits;
        self.vector_left -= 1;
        self.left -= 1;
        Ok(Some(Run { status, length: 1 }))
    }
}

/// The receiver's clock, whose reference times wrap around every twelve days.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last: Option<Told>,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    reference: u32,
    ticks: i64,
    now_us: u64,
}

/// A reference time as this clock would go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    told: Told,
    /// The receiver's clock has jumped: what was measured with it before says nothing.
    pub(crate) jumped: bool,
}

impl Reading {
    /// Since an arbitrary begin.
    pub(crate) fn us(&self) -> i64 {
        self.told.ticks * REFERENCE_US
    }
}

impl Clock {
    /// By so much more than time has passed a clock may go on or back.
    const JUMP_TICKS: i64 = 60_000_000 / REFERENCE_US;

    pub(crate) fn read(&self, feedback: &Feedback<'_>, now_us: u64) -> Reading {
        let reference = feedback.reference;
        let restarted = Told {
            reference,
            ticks: i64::from(reference),
            now_us,
        };
        let Some(last) = self.last else {
            return Reading {
                told: restarted,
                jumped: false,
            };
        };
        // The difference has 24 bits and a sign: shifted up and down again.
        let ticks = i64::from((reference.wrapping_sub(last.reference) << 8) as i32 >> 8);
        let passed = i64::try_from(now_us.saturating_sub(last.now_us)).unwrap_or(i64::MAX) / REFERENCE_US;
        if ticks < -Self::JUMP_TICKS || ticks > passed.saturating_add(Self::JUMP_TICKS) {
            return Reading {
                told: restarted,
                jumped: true,
            };
        }
        let told = Told {
            ticks: last.ticks + ticks,
            ..restarted
        };
        Reading { told, jumped: false }
    }

    /// Goes on from `reading`. Not to be called for what may be made up altogether.
    pub(crate) fn set(&mut self, reading: Reading) {
        self.last = Some(reading.told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [u8; 8] = [0xff, 0xfe, 0, 9, 0x01, 0x02, 0x03, 7];

    fn message(tail: &[u8]) -> Vec<u8> {
        [&HEAD, tail].concat()
    }

    fn reports(fci: &[u8]) -> Vec<Report> {
        Feedback::parse(fci).expect("well made").reports().collect()
    }

    #[test]
    fn runs_and_vectors_are_read() {
        // Two small; then of seven: missing, small, large, three missing, small.
        let [high, low] = 0b1100_0110_0000_0001_u16.to_be_bytes();
        let fci = message(&[0x20, 2, high, low, 4, 0, 8, 0xff, 0xfc, 12]);
        let feedback = Feedback::parse(&fci).expect("well made");
        assert_eq!((feedback.base, feedback.reference), (0xfffe, 0x0001_0203));
        use Report::{Arrived, Missing};
        assert_eq!(
            reports(&fci),
            [
                Arrived(1_000),
                Arrived(0),
                Missing(1),
                Arrived(2_000),
                Arrived(-1_000),
                Missing(1),
                Missing(1),
                Missing(1),
                Arrived(3_000),
            ]
        );
    }

    #[test]
    fn a_vector_of_single_bits_ends_with_the_count() {
        let vector: u16 = 0b1010_0000_0011_1111;
        let [high, low] = vector.to_be_bytes();
        assert_eq!(
            reports(&message(&[high, low, 4, 8, 0, 0, 0])),
            [
                Report::Arrived(1_000),
                Report::Missing(1),
                Report::Missing(1),
                Report::Missing(1),
                Report::Missing(1),
                Report::Missing(1),
                Report::Missing(1),
                Report::Missing(1),
                Report::Arrived(2_000),
            ]
        );
    }

    #[test]
    fn long_runs_of_missing_packets_are_one_report() {
        let fci = [
            0, 0, 0xff, 0xff, 0, 0, 0, 0, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff,
        ];
        assert_eq!(Feedback::parse(&fci).err(), Some(Malformed::Short));
        let fci = [0, 0, 0x1f, 0xff, 0, 0, 0, 0, 0x1f, 0xff];
        assert_eq!(reports(&fci), [Report::Missing(0x1fff)]);
    }

    #[test]
    fn what_is_not_well_made_is_refused() {
        for length in 0..8 {
            assert_eq!(Feedback::parse(&HEAD[..length]).err(), Some(Malformed::Short));
        }
        let refused = |tail: &[u8]| Feedback::parse(&message(tail)).err();
        assert_eq!(refused(&[]), Some(Malformed::Short), "no chunk");
        assert_eq!(refused(&[0x20, 8]), Some(Malformed::Short), "8 of 9");
        assert_eq!(
            refused(&[0x20, 9, 1, 2, 3, 4, 5, 6, 7, 8]),
            Some(Malformed::Short),
            "8 deltas"
        );
        assert_eq!(
            refused(&[0x40, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
            Some(Malformed::Short),
            "small"
        );
        assert_eq!(refused(&[0x60, 9]), Some(Malformed::Reserved));
        assert_eq!(Feedback::parse(&[0; 20]).err(), Some(Malformed::Empty));
    }

    fn told(reference: u32) -> Feedback<'static> {
        Feedback {
            base: 0,
            reference,
            count: 1,
            chunks: &[],
            deltas: &[],
        }
    }

    #[test]
    fn reference_times_wrap_around() {
        let mut clock = Clock::default();
        clock.set(clock.read(&told(0x00ff_ffff), 0));
        let wrapped = clock.read(&told(1), 128_000);
        assert_eq!((wrapped.us(), wrapped.jumped), (0x0100_0001 * 64_000, false));
        clock.set(wrapped);
        let late = clock.read(&told(0x00ff_fffe), 130_000);
        assert_eq!((late.us(), late.jumped), (0x00ff_fffe * 64_000, false));
    }

    #[test]
    fn a_clock_that_jumps_begins_anew() {
        let mut clock = Clock::default();
        clock.set(clock.read(&told(1_000), 0));
        assert!(!clock.read(&told(1_900), 0).jumped);
        let jumped = clock.read(&told(2_000), 0);
        assert_eq!((jumped.us(), jumped.jumped), (2_000 * 64_000, true));
        assert!(
            !clock.read(&told(2_000), 64_000_000).jumped,
            "a minute has passed"
        );
        assert!(clock.read(&told(0), 64_000_000).jumped);
    }
}
