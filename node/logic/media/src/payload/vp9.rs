//! The payload descriptor of VP9 (RFC 9628 §4.2).
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use super::{Codec, Malformed, Summary, picture_id};

/// Where things stand in a payload.
#[derive(Debug, Default)]
struct Fields {
    flags: u8,
    /// The first byte of the picture id, and whether it has a second one.
    picture_id: Option<(usize, bool)>,
    /// TID, U, SID and D.
    layer: Option<usize>,
    tl0_pic_idx: Option<usize>,
    /// Behind all that is there in each packet: the scalability structure, or the frame.
    rest: usize,
}

impl Fields {
    fn has(&self, bit: u8) -> bool {
        self.flags & bit != 0
    }
}

const PICTURE_ID: u8 = 0x80;
const INTER_PICTURE: u8 = 0x40;
const LAYERS: u8 = 0x20;
const FLEXIBLE: u8 = 0x10;
const BEGINS: u8 = 0x08;
const ENDS: u8 = 0x04;
const STRUCTURE: u8 = 0x02;

fn fields(payload: &[u8]) -> Option<Fields> {
    let mut fields = Fields {
        flags: *payload.first()?,
        ..Fields::default()
    };
    let mut at = 1;
    if fields.has(PICTURE_ID) {
        let wide = payload.get(at)? & 0x80 != 0;
        fields.picture_id = Some((at, wide));
        at += if wide { 2 } else { 1 };
    }
    if fields.has(LAYERS) {
        fields.layer = Some(at);
        at += 1;
        if !fields.has(FLEXIBLE) {
            fields.tl0_pic_idx = Some(at);
            at += 1;
        }
    }
    if fields.has(FLEXIBLE) && fields.has(INTER_PICTURE) {
        at = behind_references(payload, at)?;
    }
    fields.rest = at;
    Some(fields)
}

/// Behind one to three P_DIFF, each of which says whether another follows.
fn behind_references(payload: &[u8], from: usize) -> Option<usize> {
    for at in from..from + 3 {
        if payload.get(at)? & 0x01 == 0 {
            return Some(at + 1);
        }
    }
    None
}

pub(super) fn read(payload: &[u8]) -> Result<Summary, Malformed> {
    summary(payload).ok_or(Malformed)
}

fn summary(payload: &[u8]) -> Option<Summary> {
    let fields = fields(payload)?;
    let layer = match fields.layer {
        Some(at) => Some(*payload.get(at)?),
        None => None,
    };
    let tl0_pic_idx = match fields.tl0_pic_idx {
        Some(at) => Some(*payload.get(at)?),
        None => None,
    };
    let picture_id = match fields.picture_id {
        Some(place) => Some(picture_id::read(payload, place)?),
        None => None,
    };
    // Behind the descriptor, and perhaps a scalability structure, there is at least a byte of the frame.
    payload.get(fields.rest)?;
    let spatial = layer.map(|layer| layer >> 1 & 0x07);
    let base = spatial.unwrap_or(0) == 0;
    let begins = fields.has(BEGINS);
    let intra = !fields.has(INTER_PICTURE);
    Some(Summary {
        key_frame: begins && intra && base,
        starts_frame: begins,
        ends_frame: fields.has(ENDS),
        temporal: layer.map(|layer| layer >> 5),
        spatial,
        picture_id,
        tl0_pic_idx,
        switch_up: layer.is_some_and(|layer| layer & 0x10 != 0),
        switch_up_spatial: begins && intra && !base,
        ..Summary::plain(Codec::Vp9)
    })
}

/// How wide and high the picture is, in pixels, with all its layers: the last that the scalability structure names (§4.2.1).
pub(super) fn size(payload: &[u8]) -> Option<(u16, u16)> {
    let fields = fields(payload)?;
    if !fields.has(STRUCTURE) || !summary(payload)?.key_frame {
        return None;
    }
    let structure = payload.get(fields.rest..)?;
    let (first, sizes) = structure.split_first()?;
    let has_sizes = first & 0x10 != 0;
    let last = usize::from(first >> 5) * 4;
    let size = sizes.get(last..last + 4).filter(|_| has_sizes)?;
    let side = |at: usize| Some(u16::from_be_bytes([*size.get(at)?, *size.get(at + 1)?]));
    Some((side(0)?, side(2)?))
}

/// Puts a picture id and TL0PICIDX in the place of those that the payload has.
pub(super) fn patch(
    payload: &mut [u8],
    picture_id: Option<u16>,
    tl0_pic_idx: Option<u8>,
) -> Result<(), Malformed> {
    let fields = fields(payload).ok_or(Malformed)?;
    picture_id::patch(
        payload,
        fields.picture_id.zip(picture_id),
        fields.tl0_pic_idx.zip(tl0_pic_idx),
    )
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

    /// I, L, B, E, V; picture id 0x0102; TID 0, SID 0; TL0PICIDX 9; a structure of two layers with their sizes.
    const WITH_STRUCTURE: [u8; 15] = [
        0xae, 0x81, 0x02, 0x00, 9, 0x30, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 0xff,
    ];

    #[test]
    fn the_size_is_that_of_the_largest_layer() {
        assert_eq!(size(&WITH_STRUCTURE), Some((640, 360)));
        assert_eq!(size(&WITH_STRUCTURE[..13]), None, "cut short");
        let mut without = WITH_STRUCTURE;
        without[5] = 0x20;
        assert_eq!(size(&without), None, "no sizes");
        assert_eq!(size(&[0xac, 0x81, 0x02, 0x00, 9, 0xff]), None, "no structure");
    }

    #[test]
    fn picture_ids_are_patched_in_their_place() {
        let mut payload = WITH_STRUCTURE;
        patch(&mut payload, Some(0x1234), Some(17)).unwrap();
        let mut expected = WITH_STRUCTURE;
        expected[1..3].copy_from_slice(&[0x92, 0x34]);
        expected[4] = 17;
        assert_eq!(payload, expected);
    }

    proptest! {
        #[test]
        fn garbage_is_read_or_refused(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..40),
            id: u16,
            index: u8,
        ) {
            let summary = read(&bytes);
            let _size = size(&bytes);
            let patched = patch(&mut bytes, Some(id), Some(index));
            if let Ok(before) = summary {
                prop_assert!(before.starts_frame || !before.key_frame);
                prop_assert!(patched.is_ok());
                let (picture_id, tl0_pic_idx) = (before.picture_id, before.tl0_pic_idx);
                let after = read(&bytes).unwrap();
                prop_assert_eq!(Summary { picture_id, tl0_pic_idx, ..after }, before);
            }
        }
    }
}
