//! Packets of AV1 that have no dependency descriptor: the aggregation header and the first units ("RTP Payload
//! Format For AV1" §4.4).
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use super::{Codec, Malformed, Summary};

/// Units looked at for a layer; sequence and temporal headers stand before the first frame.
const UNITS: usize = 4;

pub(super) fn read(payload: &[u8]) -> Result<Summary, Malformed> {
    let (&header, units) = payload.split_first().ok_or(Malformed)?;
    if units.is_empty() {
        return Err(Malformed);
    }
    let continues = header & 0x80 != 0;
    let first_of_sequence = header & 0x08 != 0;
    if continues && first_of_sequence {
        return Err(Malformed);
    }
    let layer = if continues {
        None
    } else {
        layer(units, header >> 4 & 0x03).ok_or(Malformed)?
    };
    Ok(Summary {
        key_frame: first_of_sequence,
        // A unit begins; whether it is the first one of its frame is not said.
        starts_frame: !continues,
        temporal: layer.map(|(_, temporal)| temporal),
        spatial: layer.map(|(spatial, _)| spatial),
        ..Summary::plain(Codec::Av1)
    })
}

/// The spatial and temporal layer of the first unit that names one. `count` is W: 0 if each unit has its length
/// before it, else the number of units, of which the last has none.
fn layer(mut rest: &[u8], count: u8) -> Option<Option<(u8, u8)>> {
    for number in 1..=UNITS {
        if rest.is_empty() {
            return Some(None);
        }
        let last = usize::from(count) == number;
        let unit = if last {
            std::mem::take(&mut rest)
        } else {
            let (length, behind) = leb128(rest)?;
            // The last unit of a packet may go on in the next one; its length is that of the part here.
            let unit = behind.get(..length)?;
            rest = behind.get(length..)?;
            unit
        };
        // An empty unit is allowed, if pointless.
        let Some(header) = unit.first() else { continue };
        if header & 0x04 != 0 {
            let extension = unit.get(1)?;
            return Some(Some((extension >> 3 & 0x03, extension >> 5)));
        }
    }
    Some(None)
}

/// A number in groups of seven bits, the lowest first (AV1 specification §4.10.5); up to four groups are read, as
/// no packet is longer.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for group in 0..4 {
        let byte = *bytes.get(group)?;
        value |= usize::from(byte & 0x7f) << (group * 7);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(group + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_packet_of_a_sequence_is_a_beginning() {
        // N, W = 2: a sequence header of 2 bytes, then a frame with temporal 1 and spatial 2.
        let summary = read(&[0b0010_1000, 2, 0x08, 0xff, 0x34, 0b0011_0000, 0xff]).unwrap();
        assert!(summary.key_frame && summary.starts_frame);
        assert_eq!((summary.temporal, summary.spatial), (Some(1), Some(2)));
    }

    #[test]
    fn the_rest_of_a_unit_says_nothing() {
        let summary = read(&[0b1001_0000, 0xff]).unwrap();
        assert!(!summary.key_frame && !summary.starts_frame);
        assert_eq!(summary.temporal, None);
    }

    #[test]
    fn lengths_beyond_the_packet_are_malformed() {
        assert_eq!(read(&[0x00, 0x05, 0x30]), Err(Malformed));
        assert_eq!(read(&[0x00, 0xff, 0xff, 0xff, 0xff, 0x01]), Err(Malformed));
        assert_eq!(read(&[0b1000_1000, 0x00]), Err(Malformed));
        assert_eq!(read(&[0x10]), Err(Malformed));
        assert_eq!(read(&[]), Err(Malformed));
    }

    proptest! {
        #[test]
        fn garbage_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(summary) = read(&bytes) {
                prop_assert!(summary.starts_frame || !summary.key_frame);
            }
        }
    }
}
