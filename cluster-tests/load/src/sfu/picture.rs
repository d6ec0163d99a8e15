//! What publishers send: packets that say they are VP8, with the time at which each was sent.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Payload of one packet in bytes. With headers of RTP, its extensions, SRTP's tag and UDP it is about 1,200.
pub(super) const PAYLOAD: usize = 1_150;
/// Where the time stands; before it are the headers of VP8.
const TIME_AT: usize = 16;
/// A receiver knows by it that the bytes are ours.
const MARK: [u8; 4] = *b"plny";
const WIDTH: u16 = 1_280;
const HEIGHT: u16 = 720;

/// Frames of one publisher, all of one size.
#[derive(Default)]
pub(super) struct Pictures {
    id: u16,
}

impl Pictures {
    /// The packets of the next frame (RFC 7741 §4); each says that it is sent now.
    pub(super) fn next(&mut self, packets: usize, key_frame: bool) -> impl Iterator<Item = Vec<u8>> {
        self.id = (self.id + 1) & 0x7fff;
        let [high, low] = (self.id | 0x8000).to_be_bytes();
        (0..packets).map(move |at| {
            let mut bytes = vec![0x55; PAYLOAD];
            let start = if at == 0 { 0x10 } else { 0 };
            // X; S on the first packet; I with 15 bits.
            let descriptor = [0x80 | start, 0x80, high, low];
            bytes[..4].copy_from_slice(&descriptor);
            if at == 0 {
                bytes[4..14].copy_from_slice(&frame_header(key_frame));
            }
            let (nanos, mark) = bytes[TIME_AT..TIME_AT + 12].split_at_mut(8);
            nanos.copy_from_slice(&now().to_be_bytes());
            mark.copy_from_slice(&MARK);
            bytes
        })
    }
}

/// When a payload of ours was sent.
pub(super) fn sent_at(payload: &[u8]) -> Option<Duration> {
    let (time, rest) = payload.get(TIME_AT..)?.split_first_chunk::<8>()?;
    rest.starts_with(&MARK)
        .then(|| Duration::from_nanos(u64::from_be_bytes(*time)))
}

/// RFC 6386 §9.1: frame tag, and for key frames start code and size.
fn frame_header(key_frame: bool) -> [u8; 10] {
    let mut header = [0; 10];
    // Bit 0: not a key frame; bit 4: shown.
    header[0] = 0x10 | u8::from(!key_frame);
    if key_frame {
        header[3..6].copy_from_slice(&[0x9d, 0x01, 0x2a]);
        header[6..8].copy_from_slice(&WIDTH.to_le_bytes());
        header[8..10].copy_from_slice(&HEIGHT.to_le_bytes());
    }
    header
}

/// Nanoseconds since 1970, the clock of the kernel's timestamps.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_says_when_it_was_sent() {
        let before = now();
        let packets: Vec<_> = Pictures::default().next(3, true).collect();
        assert_eq!(packets.len(), 3);
        for packet in &packets {
            assert_eq!(packet.len(), PAYLOAD);
            let at = sent_at(packet).unwrap();
            assert!(at >= Duration::from_nanos(before) && at <= Duration::from_nanos(now()));
        }
        assert_eq!(sent_at(&[0; PAYLOAD]), None);
        assert_eq!(sent_at(&[0; 20]), None);
    }
}
