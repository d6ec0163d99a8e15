//! The payload descriptor of VP9 (RFC 9628 §4.2).
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use super::{Codec, Malformed, Summary};

pub(super) fn read(payload: &[u8]) -> Result<Summary, Malformed> {
    summary(payload).ok_or(Malformed)
}

fn summary(payload: &[u8]) -> Option<Summary> {
    let mut rest = payload.iter().copied();
    let flags = rest.next()?;
    let has = |bit: u8| flags & bit != 0;
    let (has_picture_id, inter_picture, has_layers) = (has(0x80), has(0x40), has(0x20));
    let (flexible, begins, ends) = (has(0x10), has(0x08), has(0x04));
    let mut summary = Summary::plain(Codec::Vp9);
    if has_picture_id {
        let first = rest.next()?;
        let high = u16::from(first & 0x7f);
        summary.picture_id = Some(if first & 0x80 == 0 {
            high
        } else {
            high << 8 | u16::from(rest.next()?)
        });
    }
    if has_layers {
        let layer = rest.next()?;
        summary.temporal = Some(layer >> 5);
        summary.switch_up = layer & 0x10 != 0;
        summary.spatial = Some(layer >> 1 & 0x07);
        if !flexible {
            summary.tl0_pic_idx = Some(rest.next()?);
        }
    }
    if flexible && inter_picture {
        skip_references(&mut rest)?;
    }
    // Behind the descriptor, and perhaps a scalability structure, there is at least a byte of the frame.
    rest.next()?;
    let base = summary.spatial.unwrap_or(0) == 0;
    summary.starts_frame = begins;
    summary.ends_frame = ends;
    summary.key_frame = begins && !inter_picture && base;
    summary.switch_up_spatial = begins && !inter_picture && !base;
    Some(summary)
}

/// One to three P_DIFF, each of which says whether another follows.
fn skip_references(rest: &mut impl Iterator<Item = u8>) -> Option<()> {
    for _ in 0..3 {
        if rest.next()? & 0x01 == 0 {
            return Some(());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_frame_of_the_base_layer_is_a_beginning() {
        // I, L, B, E; picture id 0x0102; TID 0, SID 0; TL0PICIDX 9.
        let summary = read(&[0xac, 0x81, 0x02, 0x00, 9, 0xff]).unwrap();
        assert!(summary.key_frame && summary.starts_frame && summary.ends_frame);
        assert_eq!(summary.picture_id, Some(0x0102));
        assert_eq!(summary.tl0_pic_idx, Some(9));
        assert_eq!((summary.temporal, summary.spatial), (Some(0), Some(0)));
    }

    #[test]
    fn a_higher_layer_of_the_key_picture_is_only_a_step_up() {
        // SID 1, D.
        let summary = read(&[0xac, 0x81, 0x02, 0x03, 9, 0xff]).unwrap();
        assert!(!summary.key_frame && summary.switch_up_spatial);
        assert_eq!(summary.spatial, Some(1));
    }

    #[test]
    fn a_predicted_frame_in_flexible_mode_is_read_past_its_references() {
        // I, P, L, F, B; picture id 5; TID 2, U, SID 1; two references; a byte of the frame.
        let bytes = [0xf8, 0x05, 0b0101_0010, 0x03, 0x04, 0xff];
        let summary = read(&bytes).unwrap();
        assert_eq!((summary.temporal, summary.spatial), (Some(2), Some(1)));
        assert!(summary.switch_up && !summary.switch_up_spatial && !summary.key_frame);
        assert_eq!(summary.tl0_pic_idx, None);
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), Err(Malformed));
        }
    }

    #[test]
    fn more_than_three_references_are_malformed() {
        assert_eq!(read(&[0x58, 0x03, 0x03, 0x03, 0x02, 0xff]), Err(Malformed));
    }

    proptest! {
        #[test]
        fn garbage_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(summary) = read(&bytes) {
                prop_assert!(summary.starts_frame || !summary.key_frame);
            }
        }
    }
}
