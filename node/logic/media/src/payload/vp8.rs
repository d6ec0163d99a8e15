//! The payload descriptor of VP8 (RFC 7741 §4.2) and the first byte of its payload header (§4.3).
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use super::{Codec, Malformed, Summary, picture_id};

/// Where things stand in a payload.
#[derive(Debug, Default)]
struct Fields {
    starts_partition: bool,
    partition: u8,
    /// The first byte of the picture id, and whether it has a second one.
    picture_id: Option<(usize, bool)>,
    tl0_pic_idx: Option<usize>,
    /// TID, Y and KEYIDX.
    layer: Option<usize>,
    has_temporal: bool,
    /// Behind the descriptor.
    header: usize,
}

fn fields(payload: &[u8]) -> Option<Fields> {
    let first = *payload.first()?;
    let mut fields = Fields {
        starts_partition: first & 0x10 != 0,
        partition: first & 0x07,
        header: 1,
        ..Fields::default()
    };
    if first & 0x80 == 0 {
        return Some(fields);
    }
    let extension = *payload.get(1)?;
    let mut at = 2;
    if extension & 0x80 != 0 {
        let wide = payload.get(at)? & 0x80 != 0;
        fields.picture_id = Some((at, wide));
        at += if wide { 2 } else { 1 };
    }
    if extension & 0x40 != 0 {
        fields.tl0_pic_idx = Some(at);
        at += 1;
    }
    if extension & 0x30 != 0 {
        fields.layer = Some(at);
        fields.has_temporal = extension & 0x20 != 0;
        at += 1;
    }
    fields.header = at;
    Some(fields)
}

pub(super) fn read(payload: &[u8]) -> Result<Summary, Malformed> {
    summary(payload).ok_or(Malformed)
}

fn summary(payload: &[u8]) -> Option<Summary> {
    let fields = fields(payload)?;
    let header = *payload.get(fields.header)?;
    let starts_frame = fields.starts_partition && fields.partition == 0;
    let layer = match fields.layer.filter(|_| fields.has_temporal) {
        Some(at) => Some(*payload.get(at)?),
        None => None,
    };
    let picture_id = match fields.picture_id {
        Some(place) => Some(picture_id::read(payload, place)?),
        None => None,
    };
    let tl0_pic_idx = match fields.tl0_pic_idx {
        Some(at) => Some(*payload.get(at)?),
        None => None,
    };
    Some(Summary {
        // P of the payload header is 0 in key frames.
        key_frame: starts_frame && header & 0x01 == 0,
        starts_frame,
        temporal: layer.map(|byte| byte >> 6),
        switch_up: layer.is_some_and(|byte| byte & 0x20 != 0),
        picture_id,
        tl0_pic_idx,
        ..Summary::plain(Codec::Vp8)
    })
}

/// How wide and high the picture is whose key frame begins here, in pixels (RFC 6386 §9.1).
pub(super) fn size(payload: &[u8]) -> Option<(u16, u16)> {
    const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];
    if !summary(payload)?.key_frame {
        return None;
    }
    let header = payload.get(fields(payload)?.header..)?;
    let size = header.get(3..)?.strip_prefix(&START_CODE)?;
    let side = |at: usize| Some(u16::from_le_bytes([*size.get(at)?, *size.get(at + 1)?]) & 0x3fff);
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

    /// X, S, PID 0; I, L, T, K; picture id 0x1234 in 15 bits; TL0PICIDX 7; TID 2, Y, KEYIDX 5; an inter frame.
    const FULL: [u8; 7] = [0x90, 0xf0, 0x92, 0x34, 7, 0b1010_0101, 0x01];

    #[test]
    fn a_full_descriptor_is_read() {
        let summary = read(&FULL).unwrap();
        assert_eq!(summary.picture_id, Some(0x1234));
        assert_eq!(summary.tl0_pic_idx, Some(7));
        assert_eq!(summary.temporal, Some(2));
        assert!(summary.switch_up && summary.starts_frame && !summary.key_frame);
    }

    #[test]
    fn the_size_stands_in_the_key_frame() {
        let key_frame = [0x10, 0x50, 0x42, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x40];
        assert_eq!(size(&key_frame), Some((320, 180)));
        assert_eq!(size(&key_frame[..10]), None);
        assert_eq!(size(&FULL), None);
    }

    #[test]
    fn a_key_frame_begins_only_where_its_first_partition_does() {
        assert!(read(&[0x10, 0x00]).unwrap().key_frame);
        assert!(!read(&[0x10, 0x01]).unwrap().key_frame);
        assert!(
            !read(&[0x00, 0x00]).unwrap().key_frame,
            "the rest of a frame has no header"
        );
        assert!(
            !read(&[0x11, 0x00]).unwrap().key_frame,
            "another partition has no header"
        );
    }

    #[test]
    fn a_short_picture_id_is_read_and_patched() {
        let mut payload = [0x90, 0x80, 0x25, 0x00];
        assert_eq!(read(&payload).unwrap().picture_id, Some(0x25));
        patch(&mut payload, Some(0x1fe), Some(9)).unwrap();
        assert_eq!(payload, [0x90, 0x80, 0x7e, 0x00]);
    }

    #[test]
    fn a_key_index_alone_says_nothing_of_temporal_layers() {
        let summary = read(&[0x90, 0x10, 0b1110_0101, 0x00]).unwrap();
        assert_eq!((summary.temporal, summary.switch_up), (None, false));
    }

    #[test]
    fn what_is_cut_short_is_malformed() {
        for length in 0..FULL.len() {
            assert_eq!(read(&FULL[..length]), Err(Malformed), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn what_was_patched_is_read_again_and_nothing_else_changes(id in 0_u16..0x8000, index: u8) {
            let mut payload = FULL;
            patch(&mut payload, Some(id), Some(index)).unwrap();
            let summary = read(&payload).unwrap();
            let before = read(&FULL).unwrap();
            prop_assert_eq!(summary.picture_id, Some(id));
            prop_assert_eq!(summary.tl0_pic_idx, Some(index));
            let (picture_id, tl0_pic_idx) = (before.picture_id, before.tl0_pic_idx);
            prop_assert_eq!(Summary { picture_id, tl0_pic_idx, ..summary }, before);
        }

        #[test]
        fn garbage_is_read_or_refused(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..40),
            id: u16,
            index: u8,
        ) {
            let summary = read(&bytes);
            let length = bytes.len();
            let patched = patch(&mut bytes, Some(id), Some(index));
            prop_assert_eq!(bytes.len(), length);
            prop_assert!(summary.is_err() || patched.is_ok());
        }
    }
}
