use super::*;
use proptest::prelude::*;

/// Writes bits, to build what the reader reads.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    used: usize,
}

impl Writer {
    fn put(&mut self, value: u32, count: u32) -> &mut Self {
        for shift in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = u8::try_from(value >> shift & 1).unwrap();
            *self.bytes.last_mut().unwrap() |= bit << (7 - self.used % 8);
            self.used += 1;
        }
        self
    }
}

/// A key frame with the structure L1T2: templates T0 (key), T0 and T1; targets of both layers and of the base only.
fn key_frame() -> Vec<u8> {
    let mut writer = Writer::default();
    writer.put(0b11, 2).put(5, 6).put(100, 16);
    writer.put(0b10000, 5).put(5, 6).put(1, 5);
    // T0, T0, T1.
    writer.put(0, 2).put(1, 2).put(3, 2);
    // Switch and switch; switch and switch; discardable and not present.
    for pair in [[2, 2], [2, 2], [1, 0]] {
        writer.put(pair[0], 2).put(pair[1], 2);
    }
    // No reference; 2 back; 1 back.
    writer.put(0, 1).put(0b10_0010, 6).put(0b10_0000, 6);
    // One chain (of 0 to 2: two bits), which protects both targets, with a difference for each template.
    writer.put(0b10, 2).put(0, 1).put(0, 1);
    writer.put(0, 4).put(2, 4).put(1, 4);
    writer.put(1, 1).put(639, 16).put(359, 16);
    writer.bytes
}

fn frame(template: u32, number: u32) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.put(0b11, 2).put(template, 6).put(number, 16);
    writer.bytes
}

#[test]
fn a_key_frame_brings_the_structure_that_later_frames_refer_to() {
    let mut known = None;
    let first = read(&key_frame(), &mut known).unwrap();
    assert!(first.key_frame && first.starts_frame && first.ends_frame);
    assert_eq!((first.spatial, first.temporal), (Some(0), Some(0)));
    assert_eq!(first.frame_number, Some(100));
    let later = read(&frame(7, 101), &mut known).unwrap();
    assert!(!later.key_frame);
    assert_eq!(later.temporal, Some(1));
    assert!(!later.opens.contains(0, 1) && !later.opens.contains(0, 0));
    let base = read(&frame(6, 102), &mut known).unwrap();
    assert!(base.opens.contains(0, 1) && base.opens.contains(0, 0));
}

#[test]
fn the_structure_says_how_large_a_layer_is() {
    let mut known = None;
    read(&key_frame(), &mut known).unwrap();
    let structure = known.unwrap();
    assert_eq!(structure.resolution(0), Some((640, 360)));
    assert_eq!(structure.resolution(1), None);
}

#[test]
fn a_frame_of_an_unknown_structure_has_no_layer() {
    let mut known = None;
    assert_eq!(read(&frame(7, 101), &mut known).unwrap().temporal, None);
    read(&key_frame(), &mut known).unwrap();
    assert_eq!(read(&frame(30, 101), &mut known).unwrap().temporal, None);
}

#[test]
fn indications_of_the_frame_itself_come_first() {
    let mut known = None;
    read(&key_frame(), &mut known).unwrap();
    let mut writer = Writer::default();
    writer.put(0b11, 2).put(6, 6).put(102, 16);
    writer.put(0b00100, 5).put(3, 2).put(2, 2);
    let frame = read(&writer.bytes, &mut known).unwrap();
    assert!(!frame.opens.contains(0, 1) && frame.opens.contains(0, 0));
}

#[test]
fn a_structure_that_is_cut_short_is_malformed_and_not_kept() {
    let bytes = key_frame();
    for length in 4..bytes.len() {
        let mut known = None;
        assert_eq!(read(&bytes[..length], &mut known), Err(Malformed), "{length}");
        assert!(known.is_none());
    }
}

#[test]
fn a_frame_number_is_patched_in_place() {
    let mut bytes = key_frame();
    patch_frame_number(&mut bytes, 0xfffe).unwrap();
    assert_eq!(Descriptor::read(&bytes).unwrap().frame_number, 0xfffe);
    assert_eq!(bytes[3..], key_frame()[3..]);
    assert_eq!(patch_frame_number(&mut [0, 0], 1), Err(Malformed));
}

proptest! {
    #[test]
    fn garbage_is_read_or_refused(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 1..6),
    ) {
        let mut known = None;
        for bytes in frames {
            if let Ok(summary) = read(&bytes, &mut known) {
                prop_assert!(summary.spatial.is_none_or(|spatial| spatial < 4));
                prop_assert!(summary.temporal.is_none_or(|temporal| temporal < 8));
            }
        }
    }

    #[test]
    fn a_damaged_structure_is_read_or_refused(at in 0_usize..200, value: u8) {
        let mut bytes = key_frame();
        let length = bytes.len();
        bytes[at % length] = value;
        let mut known = None;
        let read_first = read(&bytes, &mut known).is_ok();
        prop_assert!(read_first || known.is_none());
        prop_assert!(read(&frame(6, 1), &mut known).is_ok());
    }
}
