//! Layers inside of one stream, and what the bytes of a packet become on their way to a receiver.

use plenary_media::{
    StreamId,
    payload::{Codec, Reader, Summary, patch},
    rewrite::{Config, Incoming, Outgoing, Rewriter, Target, Verdict, Why},
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const A: StreamId = StreamId(1);
const B: StreamId = StreamId(2);

fn target(stream: StreamId, spatial: u8, temporal: u8) -> Option<Target> {
    Some(Target {
        stream,
        spatial,
        temporal,
    })
}

fn forwarded(verdict: Verdict) -> Option<Outgoing> {
    match verdict {
        Verdict::Forward(outgoing) => Some(outgoing),
        Verdict::Drop(_) => None,
    }
}

/// A packet of VP9 that is a whole frame of one spatial layer.
fn vp9(seq: u64, spatial: u8, temporal: u8, predicted: bool, up: bool) -> Incoming {
    // I, P, L, B, E; a picture id of 7 bits; TID, U, SID; TL0PICIDX.
    let flags = 0b1010_1100 | u8::from(predicted) << 6;
    let layer = temporal << 5 | u8::from(up) << 4 | spatial << 1;
    let summary = Reader::new(Codec::Vp9).read(&[flags, 1, layer, 0, 0xff], None);
    Incoming {
        stream: A,
        seq,
        timestamp: 1_000 + u32::try_from(seq).expect("the tests are short") / 3 * 3_000,
        marker: spatial == 2,
        summary: summary.expect("it is well-formed"),
    }
}

#[test]
fn a_picture_ends_with_the_highest_spatial_layer_that_goes_out() {
    let mut slot = Rewriter::new(Config::video(7));
    slot.handle_target(target(A, 1, 2));
    let key: Vec<_> = (0..3)
        .map(|spatial| slot.handle_packet(&vp9(u64::from(spatial), spatial, 0, false, false), 0))
        .collect();
    assert_eq!(key[2], Verdict::Drop(Why::Layer));
    let markers: Vec<bool> = key
        .into_iter()
        .filter_map(forwarded)
        .map(|outgoing| outgoing.marker)
        .collect();
    assert_eq!(markers, [false, true]);
}

#[test]
fn spatial_layers_go_down_with_the_next_picture_and_up_without_prediction() {
    let mut slot = Rewriter::new(Config::video(7));
    let mut seq = 0;
    let mut picture = |slot: &mut Rewriter, predicted: [bool; 3]| -> Vec<bool> {
        let packets = (0..3).zip(predicted).map(|(spatial, predicted)| {
            seq += 1;
            vp9(seq - 1, spatial, 0, predicted, false)
        });
        packets
            .map(|packet| forwarded(slot.handle_packet(&packet, 0)).is_some())
            .collect()
    };
    slot.handle_target(target(A, 2, 0));
    assert_eq!(picture(&mut slot, [false; 3]), [true, true, true]);
    slot.handle_target(target(A, 0, 0));
    assert_eq!(picture(&mut slot, [true; 3]), [true, false, false]);
    slot.handle_target(target(A, 2, 0));
    assert_eq!(slot.wants_key_frame(), Some(A));
    assert_eq!(picture(&mut slot, [true; 3]), [true, false, false]);
    assert_eq!(picture(&mut slot, [true, false, true]), [true, true, false]);
    assert_eq!(picture(&mut slot, [false; 3]), [true, true, true]);
    assert_eq!(slot.wants_key_frame(), None);
}

#[test]
fn av1_goes_up_where_the_descriptor_indicates_a_switch_and_its_frame_numbers_go_on() {
    let mut slot = Rewriter::new(Config::video(7));
    // Structure L1T2 as in the unit tests of the reader: template 5 and 6 in the base layer, of which 6 allows to
    // switch to both; 7 in the higher one.
    let structure = [0xc5, 0x00, 0x64, 0x80, 0xa1, 0x1e, 0xa9, 0x11, 0x41, 0x00, 0x42];
    let mut reader = Reader::new(Codec::Av1);
    let key = reader.read(&[], Some(&structure));
    let Ok(key) = key else {
        panic!("the structure is well-formed");
    };
    let sizes = reader.structure().map(|structure| structure.resolution(0));
    assert_eq!(sizes, Some(None), "it is kept, and says nothing of sizes");
    let mut frame = |stream: StreamId, number: u16, template: u8| {
        let [high, low] = number.to_be_bytes();
        let summary = if template == 5 {
            Ok(Summary {
                frame_number: Some(number),
                ..key
            })
        } else {
            reader.read(&[], Some(&[0xc0 | template, high, low]))
        };
        Incoming {
            stream,
            seq: u64::from(number),
            timestamp: u32::from(number) * 3_000,
            marker: true,
            summary: summary.expect("it is well-formed"),
        }
    };
    slot.handle_target(target(A, 0, 0));
    let mut passes = |slot: &mut Rewriter, stream, number, template| {
        forwarded(slot.handle_packet(&frame(stream, number, template), 0))
            .map(|outgoing| outgoing.frame_number)
    };
    assert_eq!(passes(&mut slot, A, 100, 5), Some(Some(100)));
    assert_eq!(passes(&mut slot, A, 101, 7), None);
    slot.handle_target(target(A, 0, 1));
    assert_eq!(passes(&mut slot, A, 102, 7), None, "nothing was indicated yet");
    assert_eq!(passes(&mut slot, A, 103, 6), Some(Some(103)));
    assert_eq!(passes(&mut slot, A, 104, 7), Some(Some(104)));
    slot.handle_target(target(B, 0, 1));
    assert_eq!(passes(&mut slot, B, 9, 5), Some(Some(105)));
    assert_eq!(passes(&mut slot, B, 10, 7), Some(Some(106)));
}

#[test]
fn voices_change_with_any_packet() {
    let mut slot = Rewriter::new(Config::audio(9));
    let packet = |stream: StreamId, seq: u64| Incoming {
        stream,
        seq,
        timestamp: 960 * u32::try_from(seq).expect("the tests are short"),
        marker: false,
        summary: Summary::audio(),
    };
    slot.handle_target(target(A, 0, 0));
    let first = forwarded(slot.handle_packet(&packet(A, 70_000), 0));
    slot.handle_target(target(B, 0, 0));
    let second = forwarded(slot.handle_packet(&packet(B, 5), 20));
    let place = |outgoing: Option<Outgoing>| {
        outgoing.map(|outgoing| (outgoing.seq, outgoing.timestamp.wrapping_sub(67_200_000)))
    };
    assert_eq!(place(first), Some((9, 0)));
    assert_eq!(place(second), Some((10, 960)));
}

#[test]
fn bytes_of_two_cameras_become_one_stream_of_pictures() {
    let mut slot = Rewriter::new(Config::video(0));
    let mut ids = Vec::new();
    for (stream, id, index) in [
        (A, 0x7ffe_u16, 3),
        (A, 0x7fff, 4),
        (A, 0, 5),
        (B, 77, 200),
        (B, 78, 201),
    ] {
        let [high, low] = id.to_be_bytes();
        let mut payload = [0x90, 0xe0, 0x80 | high, low, index, 0x00, 0x00, 0xab];
        let summary = Reader::new(Codec::Vp8)
            .read(&payload, None)
            .expect("it is well-formed");
        let packet = Incoming {
            stream,
            seq: u64::from(index),
            timestamp: 0,
            marker: true,
            summary,
        };
        slot.handle_target(target(stream, 0, 0));
        let outgoing = forwarded(slot.handle_packet(&packet, 0)).expect("all are key frames");
        patch(
            Codec::Vp8,
            &mut payload,
            outgoing.picture_id,
            outgoing.tl0_pic_idx,
        )
        .expect("it was read");
        let again = Reader::new(Codec::Vp8)
            .read(&payload, None)
            .expect("it is still well-formed");
        ids.push((again.picture_id, again.tl0_pic_idx));
    }
    let expected = [(0x7ffe, 3), (0x7fff, 4), (0, 5), (1, 6), (2, 7)];
    assert_eq!(ids, expected.map(|(id, index)| (Some(id), Some(index))));
}

proptest! {
    #[test]
    fn a_publisher_who_lies_gets_no_number_twice_and_makes_no_wide_gap(
        packets in proptest::collection::vec(
            (
                0_u64..3,
                prop_oneof![0_u64..40, any::<u64>()],
                any::<u32>(),
                proptest::collection::vec(any::<u8>(), 1..12),
                0_u8..4,
                any::<u16>(),
            ),
            1..300,
        ),
        window in 0_u16..100,
    ) {
        let codecs = [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Opus];
        let mut slot = Rewriter::new(Config { first_seq: u16::MAX, clock_hz: u32::MAX, window });
        let mut numbers = BTreeSet::new();
        let mut highest = u64::from(u16::MAX);
        let mut now = 0;
        for (stream, seq, timestamp, payload, kind, noise) in packets {
            now += u64::from(noise % 50);
            if noise % 9 == 0 {
                slot.handle_target((noise % 2 == 0).then_some(Target {
                    stream: StreamId(u64::from(noise) % 3),
                    spatial: (noise >> 8) as u8,
                    temporal: noise as u8,
                }));
            }
            let Ok(summary) = Reader::new(codecs[usize::from(kind)]).read(&payload, None) else {
                continue;
            };
            let packet = Incoming { stream: StreamId(stream), seq, timestamp, marker: false, summary };
            if let Some(outgoing) = forwarded(slot.handle_packet(&packet, now)) {
                prop_assert!(numbers.insert(outgoing.seq), "{} is given twice", outgoing.seq);
                prop_assert!(outgoing.seq <= highest + u64::from(window.max(16)) / 2 + 1);
                highest = highest.max(outgoing.seq);
            }
            let asked = highest.wrapping_add(u64::from(noise) % 200).wrapping_sub(100);
            if let Some(origin) = slot.origin(asked) {
                let kept = Incoming { stream: origin.stream, seq: origin.seq, ..packet };
                if let Some(repaired) = slot.handle_repair(asked, &kept) {
                    prop_assert_eq!(repaired.seq, asked);
                    numbers.insert(asked);
                }
            }
        }
    }
}
