//! Datagrams between two nodes, read strictly: one spelling for each meaning, every length bounded.
//!
//! ```text
//!  0x10 media    stream varint · hop sequence u32 · flags u8 · packet, or a half of it
//!  0x11 NACK     stream varint · count u8 · hop sequences u32 …
//!  0x12 message  a control message for which the newest counts
//! ```

use crate::{MediaPacket, packet};
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;
const MEDIA: u8 = VERSION << 4;
const NACK: u8 = VERSION << 4 | 1;
const MESSAGE: u8 = VERSION << 4 | 2;

const PART: u8 = 0b11;
const REPAIR: u8 = 0b100;

/// The largest number that a varint holds (RFC 9000 §16).
pub const VARINT_MAX: u64 = (1 << 62) - 1;
/// The most that stands before the packet in a media datagram.
pub const MEDIA_HEAD: usize = 1 + 8 + 4 + 1;
/// The most hop sequences that one NACK asks for.
pub const NACK_COUNT: usize = 128;
/// The smallest datagram that a link must be able to carry; a packet of any size fits into two of them.
pub const LEAST_DATAGRAM: usize = 1_000;

/// One RTP stream of its home node: a microphone, or one layer of a camera or of content. Given by the home node, at
/// most 2⁶² − 1, and never used again for another stream: one that starts anew has another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub u64);

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("it ends too early")]
    Short,
    #[error("it goes on after its end")]
    Long,
    #[error("version or kind {0:#04x} is not known")]
    Kind(u8),
    #[error("the flags {0:#04x} are not known")]
    Flags(u8),
    #[error("a number is written longer than needed")]
    Varint,
    #[error("a number or length is out of range")]
    Range,
}

/// Whether a media datagram carries a packet or a half of one. The second half has the next hop sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Whole,
    First,
    Second,
}

/// A packet, or a half of one, as it crosses one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Media<'a> {
    pub stream: StreamId,
    /// Counts the datagrams of this stream on this link, from 0, modulo 2³².
    pub hop: u32,
    pub part: Part,
    /// Sent again, because it was asked for.
    pub repair: bool,
    /// The packet ([`MediaPacket::parse`]), or its half.
    pub body: &'a [u8],
}

/// What did not arrive and is wanted again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nack {
    pub stream: StreamId,
    /// 1 to [`NACK_COUNT`].
    pub hops: Vec<u32>,
}

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Datagram<'a> {
    Media(Media<'a>),
    Nack(Nack),
    Message(&'a [u8]),
}

impl<'a> Datagram<'a> {
    /// # Errors
    /// When it is none, of another version, or longer or shorter than it says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        match reader.u8()? {
            MEDIA => {
                let stream = StreamId(reader.varint()?);
                let hop = reader.u32()?;
                let flags = reader.u8()?;
                let part = match flags & PART {
                    0 => Part::Whole,
                    1 => Part::First,
                    2 => Part::Second,
                    _ => return Err(WireError::Flags(flags)),
                };
                if flags & !(PART | REPAIR) != 0 {
                    return Err(WireError::Flags(flags));
                }
                let body = reader.0;
                if body.is_empty() {
                    return Err(WireError::Short);
                }
                if body.len() > packet::MAX_ENCODED {
                    return Err(WireError::Range);
                }
                let repair = flags & REPAIR != 0;
                Ok(Self::Media(Media {
                    stream,
                    hop,
                    part,
                    repair,
                    body,
                }))
            }
            NACK => {
                let stream = StreamId(reader.varint()?);
                let count = usize::from(reader.u8()?);
                if !(1..=NACK_COUNT).contains(&count) {
                    return Err(WireError::Range);
                }
                let hops = (0..count).map(|_| reader.u32()).collect::<Result<_, _>>()?;
                reader.end()?;
                Ok(Self::Nack(Nack { stream, hops }))
            }
            MESSAGE => Ok(Self::Message(reader.0)),
            other => Err(WireError::Kind(other)),
        }
    }

    /// Writes it after what stands in `into`.
    pub fn write(&self, into: &mut Vec<u8>) {
        match self {
            Self::Media(media) => media.write(into),
            Self::Nack(Nack { stream, hops }) => {
                debug_assert!((1..=NACK_COUNT).contains(&hops.len()));
                into.push(NACK);
                write_varint(stream.0, into);
                let hops = hops.get(..NACK_COUNT).unwrap_or(hops);
                into.push(hops.len() as u8);
                for hop in hops {
                    into.extend_from_slice(&hop.to_be_bytes());
                }
            }
            Self::Message(body) => {
                into.push(MESSAGE);
                into.extend_from_slice(body);
            }
        }
    }
}

impl Media<'_> {
    /// As [`Datagram::write`].
    pub fn write(&self, into: &mut Vec<u8>) {
        into.push(MEDIA);
        write_varint(self.stream.0, into);
        into.extend_from_slice(&self.hop.to_be_bytes());
        let part = match self.part {
            Part::Whole => 0,
            Part::First => 1,
            Part::Second => 2,
        };
        into.push(part | if self.repair { REPAIR } else { 0 });
        into.extend_from_slice(self.body);
    }
}

/// Reads from the front of bytes; what is not there is an error, never a panic.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (bytes, rest) = self.0.split_first_chunk::<N>().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, WireError> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        self.bytes().map(u32::from_be_bytes)
    }

    /// RFC 9000 §16, in the shortest form only.
    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        let first = *self.0.first().ok_or(WireError::Short)?;
        let (value, least) = match first >> 6 {
            0 => (u64::from(self.u8()?), 0),
            1 => (u64::from(u16::from_be_bytes(self.bytes()?) & 0x3fff), 1 << 6),
            2 => (
                u64::from(u32::from_be_bytes(self.bytes()?) & 0x3fff_ffff),
                1 << 14,
            ),
            _ => (u64::from_be_bytes(self.bytes()?) & VARINT_MAX, 1 << 30),
        };
        if value < least {
            return Err(WireError::Varint);
        }
        Ok(value)
    }

    fn end(&self) -> Result<(), WireError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(WireError::Long)
        }
    }
}

/// Numbers above [`VARINT_MAX`] do not occur; should they, they are cut.
pub(crate) fn write_varint(value: u64, into: &mut Vec<u8>) {
    debug_assert!(value <= VARINT_MAX);
    let value = value & VARINT_MAX;
    match value {
        0..0x40 => into.push(value as u8),
        0x40..0x4000 => into.extend_from_slice(&(value as u16 | 0x4000).to_be_bytes()),
        0x4000..0x4000_0000 => into.extend_from_slice(&(value as u32 | 0x8000_0000).to_be_bytes()),
        _ => into.extend_from_slice(&(value | 0b11 << 62).to_be_bytes()),
    }
}

/// Gives foreign bytes to the parsers of datagrams and packets; for fuzzers. Never returns anything but normally.
///
/// # Panics
/// When what was read is written in other bytes than it was read from.
pub fn fuzz(bytes: &[u8]) {
    if let Ok(datagram) = Datagram::parse(bytes) {
        let mut again = Vec::new();
        datagram.write(&mut again);
        assert_eq!(again, bytes, "a datagram has one spelling");
    }
    if let Ok(packet) = MediaPacket::parse(bytes) {
        let mut again = Vec::new();
        packet.write(&mut again);
        assert_eq!(again, bytes, "a packet has one spelling");
    }
}
