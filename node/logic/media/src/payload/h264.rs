//! The units of H.264 in a payload (RFC 6184 §5): single, aggregated (STAP-A) or in fragments (FU-A).
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use super::{Codec, Malformed, Summary};

const SLICE: u8 = 1;
const IDR_SLICE: u8 = 5;
const SEI: u8 = 6;
const SEQUENCE_PARAMETERS: u8 = 7;
const PICTURE_PARAMETERS: u8 = 8;
const DELIMITER: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

pub(super) fn read(payload: &[u8]) -> Result<Summary, Malformed> {
    let mut summary = Summary::plain(Codec::H264);
    let kind = kind(payload).ok_or(Malformed)?;
    match kind {
        1..=23 => unit(payload, kind, &mut summary),
        STAP_A => aggregated(payload, &mut summary).ok_or(Malformed)?,
        FU_A => fragment(payload, &mut summary).ok_or(Malformed)?,
        // STAP-B, MTAPs and FU-B belong to the interleaved mode, which browsers do not offer.
        _ => return Err(Malformed),
    }
    Ok(summary)
}

/// The type of a unit: the low five bits of its header.
fn kind(unit: &[u8]) -> Option<u8> {
    unit.first().map(|header| header & 0x1f)
}

fn unit(unit: &[u8], kind: u8, summary: &mut Summary) {
    // The first field of a slice is first_mb_in_slice, an Exp-Golomb number: its first bit is set if it is 0.
    let first_slice = || unit.get(1).is_some_and(|byte| byte & 0x80 != 0);
    summary.key_frame |= kind == SEQUENCE_PARAMETERS;
    summary.starts_frame |= match kind {
        SEQUENCE_PARAMETERS | PICTURE_PARAMETERS | SEI | DELIMITER => true,
        SLICE | IDR_SLICE => first_slice(),
        _ => false,
    };
}

fn aggregated(payload: &[u8], summary: &mut Summary) -> Option<()> {
    let mut rest = payload.get(1..)?;
    while let Some((size, behind)) = rest.split_first_chunk::<2>() {
        let size = usize::from(u16::from_be_bytes(*size));
        let part = behind.get(..size)?;
        unit(part, kind(part)?, summary);
        rest = behind.get(size..)?;
    }
    rest.is_empty().then_some(())
}

fn fragment(payload: &[u8], summary: &mut Summary) -> Option<()> {
    let header = *payload.get(1)?;
    payload.get(2)?;
    if header & 0x80 != 0 {
        // The fragment header takes the place of the unit's own.
        unit(payload.get(1..)?, header & 0x1f, summary);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameter_sets_in_one_packet_begin_a_key_frame() {
        let summary = read(&[0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce]).unwrap();
        assert!(summary.key_frame && summary.starts_frame);
    }

    #[test]
    fn an_idr_picture_alone_is_no_beginning_for_strangers() {
        let summary = read(&[0x65, 0x88]).unwrap();
        assert!(!summary.key_frame && summary.starts_frame);
    }

    #[test]
    fn only_the_first_fragment_of_the_first_slice_begins_a_frame() {
        assert!(read(&[0x7c, 0x85, 0x88]).unwrap().starts_frame);
        assert!(!read(&[0x7c, 0x05, 0x88]).unwrap().starts_frame);
        assert!(!read(&[0x7c, 0x81, 0x28]).unwrap().starts_frame);
    }

    #[test]
    fn an_aggregate_that_claims_too_much_is_malformed() {
        assert_eq!(read(&[0x78, 0, 9, 0x67]), Err(Malformed));
        assert_eq!(read(&[0x78, 0, 0]), Err(Malformed));
        assert_eq!(read(&[0x78, 0]), Err(Malformed));
        assert_eq!(read(&[0x7c, 0x85]), Err(Malformed));
        assert_eq!(read(&[0x1d, 0x85, 1, 1]), Err(Malformed));
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
