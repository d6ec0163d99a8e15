//! What participants send: packets that say they are VP8 (RFC 7741) or Opus, and of whom they are.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Names a participant in what it sends.
pub type Tag = u32;

/// Packets of a picture.
pub(crate) const PARTS: u8 = 2;
/// Bytes of a packet of a picture.
const PAYLOAD: usize = 700;
/// Bytes of a packet of a voice, as of Opus at 32 kbit/s.
const VOICE: usize = 80;
const WIDTH: u16 = 320;
const HEIGHT: u16 = 180;
/// A receiver knows by it that the bytes are ours.
const MARK: &[u8; 4] = b"plny";
/// Descriptor: X, then I, then a picture ID of 15 bits.
const DESCRIPTOR: usize = 4;
/// RFC 6386 §9.1: frame tag, start code and size.
const HEADER: usize = 10;

/// A packet, as a receiver finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) tag: Tag,
    /// Counts pictures or sounds of this participant.
    pub(crate) number: u32,
    pub(crate) part: u8,
    pub(crate) key_frame: bool,
    /// Of VP8, which the SFU writes anew.
    pub(crate) picture_id: Option<u16>,
}

/// The packets of a picture.
pub(crate) fn picture(tag: Tag, number: u32, key_frame: bool) -> impl Iterator<Item = Bytes> {
    let [high, low] = ((number & 0x7fff) as u16 | 0x8000).to_be_bytes();
    (0..PARTS).map(move |part| {
        let mut bytes = BytesMut::with_capacity(PAYLOAD);
        // S on the first packet.
        bytes.put_slice(&[0x80 | if part == 0 { 0x10 } else { 0 }, 0x80, high, low]);
        let mut header = [0; HEADER];
        // Bit 0: not a key frame; bit 4: shown.
        header[0] = 0x10 | u8::from(!key_frame);
        if part == 0 && key_frame {
            header[3..6].copy_from_slice(&[0x9d, 0x01, 0x2a]);
            header[6..8].copy_from_slice(&WIDTH.to_le_bytes());
            header[8..10].copy_from_slice(&HEIGHT.to_le_bytes());
        }
        bytes.put_slice(&header);
        put_mark(&mut bytes, tag, number, part, key_frame);
        bytes.resize(PAYLOAD, 0x55);
        bytes.freeze()
    })
}

/// A packet of a voice.
pub(crate) fn sound(tag: Tag, number: u32) -> Bytes {
    let mut bytes = BytesMut::with_capacity(VOICE);
    // TOC: 20 ms, one frame (RFC 6716 §3.1).
    bytes.put_u8(0x78);
    put_mark(&mut bytes, tag, number, 0, false);
    bytes.resize(VOICE, 0x55);
    bytes.freeze()
}

fn put_mark(bytes: &mut BytesMut, tag: Tag, number: u32, part: u8, key_frame: bool) {
    bytes.put_slice(MARK);
    bytes.put_u32(tag);
    bytes.put_u32(number);
    bytes.put_u8(part);
    bytes.put_u8(u8::from(key_frame));
}

/// Reads a packet of a picture; none if it is not one of ours, or its descriptor is another.
pub(crate) fn read_picture(payload: &[u8]) -> Option<Packet> {
    let &[first, extension, high, low] = payload.first_chunk::<DESCRIPTOR>()?;
    if first & 0x80 == 0 || extension & 0x80 == 0 || high & 0x80 == 0 {
        return None;
    }
    let picture_id = u16::from_be_bytes([high & 0x7f, low]);
    Some(Packet {
        picture_id: Some(picture_id),
        ..read_mark(payload.get(DESCRIPTOR + HEADER..)?)?
    })
}

/// Reads a packet of a voice; none if it is not one of ours.
pub(crate) fn read_sound(payload: &[u8]) -> Option<Packet> {
    read_mark(payload.get(1..)?)
}

fn read_mark(bytes: &[u8]) -> Option<Packet> {
    let (tag, bytes) = bytes.strip_prefix(MARK)?.split_first_chunk::<4>()?;
    let (number, bytes) = bytes.split_first_chunk::<4>()?;
    let [part, key_frame] = *bytes.first_chunk()?;
    Some(Packet {
        tag: Tag::from_be_bytes(*tag),
        number: u32::from_be_bytes(*number),
        part,
        key_frame: key_frame != 0,
        picture_id: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let packets: Vec<_> = picture(7, 40_000, true)
            .filter_map(|bytes| read_picture(&bytes))
            .collect();
        assert_eq!(packets.len(), usize::from(PARTS));
        for (part, packet) in packets.iter().enumerate() {
            assert_eq!(
                (packet.tag, packet.number, usize::from(packet.part)),
                (7, 40_000, part)
            );
            assert_eq!(packet.picture_id, Some(40_000 & 0x7fff));
            assert!(packet.key_frame);
        }
        let heard = read_sound(&sound(7, 9)).unwrap();
        assert_eq!((heard.tag, heard.number, heard.picture_id), (7, 9, None));
        assert_eq!(read_picture(&[0x55; PAYLOAD]), None);
        assert_eq!(read_sound(b"plny"), None);
    }
}
