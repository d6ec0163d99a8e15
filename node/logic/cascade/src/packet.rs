//! A media packet, decrypted, as it goes from its home node to others.

use crate::wire::{Reader, VARINT_MAX, WireError, write_varint};
use std::sync::Arc;

/// The longest payload, in bytes. Browsers send about 1,200; Ethernet carries 1,500 with all headers.
pub const MAX_PAYLOAD: usize = 1_500;
/// The longest packet as it is written down.
pub(crate) const MAX_ENCODED: usize = 1 + 8 + 4 + 1 + 1 + MAX_PAYLOAD;
/// The largest sequence number.
pub const MAX_SEQ: u64 = VARINT_MAX;

const MARKER: u8 = 1;
const LEVEL: u8 = 1 << 1;
const ORIENTATION: u8 = 1 << 2;
const KNOWN: u8 = MARKER | LEVEL | ORIENTATION;
const VOICE: u8 = 0x80;

/// A packet of RTP without what each subscriber gets anew (SSRC, payload type, numbers of extensions). What the
/// payload is was said when the track was announced ([`crate::Layer::format`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPacket {
    /// The publisher's sequence number without wrapping, up to [`MAX_SEQ`].
    pub seq: u64,
    pub timestamp: u32,
    pub marker: bool,
    /// Loudness (RFC 6464): −dBov from 0 (loudest) to 127, and whether it is a voice.
    pub audio_level: Option<(u8, bool)>,
    /// How the picture is turned: the byte of 3GPP TS 26.114 §7.4.5.
    pub orientation: Option<u8>,
    /// Up to [`MAX_PAYLOAD`] bytes; links share it.
    pub payload: Arc<[u8]>,
}

impl MediaPacket {
    /// # Errors
    /// When bytes are missing, flags are unknown, or the payload is too long.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        let flags = reader.u8()?;
        if flags & !KNOWN != 0 {
            return Err(WireError::Flags(flags));
        }
        let seq = reader.varint()?;
        let timestamp = reader.u32()?;
        let level = (flags & LEVEL != 0).then(|| reader.u8()).transpose()?;
        let orientation = (flags & ORIENTATION != 0).then(|| reader.u8()).transpose()?;
        if reader.0.len() > MAX_PAYLOAD {
            return Err(WireError::Range);
        }
        Ok(Self {
            seq,
            timestamp,
            marker: flags & MARKER != 0,
            audio_level: level.map(|byte| (byte & !VOICE, byte & VOICE != 0)),
            orientation,
            payload: reader.0.into(),
        })
    }

    /// Writes it after what stands in `into`. Levels above 127 are written as 127.
    pub fn write(&self, into: &mut Vec<u8>) {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        into.push(
            flag(self.marker, MARKER)
                | flag(self.audio_level.is_some(), LEVEL)
                | flag(self.orientation.is_some(), ORIENTATION),
        );
        write_varint(self.seq, into);
        into.extend_from_slice(&self.timestamp.to_be_bytes());
        if let Some((level, voice)) = self.audio_level {
            into.push(level.min(127) | flag(voice, VOICE));
        }
        into.extend(self.orientation);
        into.extend_from_slice(&self.payload);
    }

    /// Whether it can be written down.
    pub fn fits(&self) -> bool {
        self.payload.len() <= MAX_PAYLOAD && self.seq <= MAX_SEQ
    }
}
