//! Switching, dropping, losing and mending, as a receiver sees it.

use plenary_media::{
    StreamId,
    payload::{Codec, LayerSet, Summary},
    rewrite::{Config, Incoming, Origin, Outgoing, Rewriter, Target, Verdict, Why},
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const A: StreamId = StreamId(1);
const B: StreamId = StreamId(2);

/// A camera that sends VP8 in three temporal layers, two packets a frame, thirty frames a second.
struct Camera {
    stream: StreamId,
    seq: u64,
    timestamp: u32,
    picture_id: u16,
    tl0_pic_idx: u8,
    frame: u64,
}

impl Camera {
    fn new(stream: StreamId) -> Self {
        let seed = stream.0;
        Self {
            stream,
            seq: 65_530 + seed * 1_000,
            timestamp: if stream == A { u32::MAX - 7_000 } else { 5 },
            picture_id: 0x7ff0,
            tl0_pic_idx: 250,
            frame: 0,
        }
    }

    fn frame(&mut self, key: bool) -> [Incoming; 2] {
        if key {
            self.frame = 0;
        }
        let temporal = match self.frame % 4 {
            0 => 0,
            2 => 1,
            _ => 2,
        };
        self.frame += 1;
        self.timestamp = self.timestamp.wrapping_add(3_000);
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        if temporal == 0 {
            self.tl0_pic_idx = self.tl0_pic_idx.wrapping_add(1);
        }
        let summary = Summary {
            codec: Codec::Vp8,
            key_frame: false,
            starts_frame: false,
            ends_frame: false,
            temporal: Some(temporal),
            spatial: None,
            picture_id: Some(self.picture_id),
            tl0_pic_idx: Some(self.tl0_pic_idx),
            frame_number: None,
            switch_up: temporal == 1,
            switch_up_spatial: false,
            opens: LayerSet::default(),
        };
        let mut packet = |first: bool| {
            self.seq += 1;
            let summary = Summary {
                key_frame: first && key,
                starts_frame: first,
                ..summary
            };
            Incoming {
                stream: self.stream,
                seq: self.seq,
                timestamp: self.timestamp,
                marker: !first,
                summary,
            }
        };
        [packet(true), packet(false)]
    }
}

fn target(stream: StreamId, temporal: u8) -> Option<Target> {
    Some(Target {
        stream,
        spatial: 0,
        temporal,
    })
}

fn forwarded(verdict: Verdict) -> Outgoing {
    match verdict {
        Verdict::Forward(outgoing) => outgoing,
        Verdict::Drop(why) => panic!("dropped: {why:?}"),
    }
}

fn slot() -> Rewriter {
    Rewriter::new(Config::video(65_000))
}

#[test]
fn a_slot_begins_below_the_first_rollover_and_with_a_key_frame() {
    let (mut slot, mut camera) = (slot(), Camera::new(A));
    let [first, _] = camera.frame(false);
    assert_eq!(slot.handle_packet(&first, 0), Verdict::Drop(Why::Paused));
    slot.handle_target(target(A, 2));
    assert_eq!(slot.wants_key_frame(), Some(A));
    assert_eq!(slot.handle_packet(&first, 0), Verdict::Drop(Why::AwaitsKeyFrame));
    let [key, rest] = camera.frame(true);
    assert_eq!(forwarded(slot.handle_packet(&key, 33)).seq, 65_000);
    assert_eq!(forwarded(slot.handle_packet(&rest, 33)).seq, 65_001);
    assert_eq!(slot.wants_key_frame(), None);
}

#[test]
fn the_old_layer_goes_on_until_the_key_frame_of_the_new_one() {
    let (mut slot, mut low, mut high) = (slot(), Camera::new(A), Camera::new(B));
    slot.handle_target(target(A, 2));
    let old = low
        .frame(true)
        .map(|packet| forwarded(slot.handle_packet(&packet, 0)));
    slot.handle_target(target(B, 2));
    assert_eq!(slot.wants_key_frame(), Some(B));
    let still = low
        .frame(false)
        .map(|packet| forwarded(slot.handle_packet(&packet, 33)));
    for packet in high.frame(false) {
        assert_eq!(
            slot.handle_packet(&packet, 33),
            Verdict::Drop(Why::AwaitsKeyFrame)
        );
    }
    let new = high
        .frame(true)
        .map(|packet| forwarded(slot.handle_packet(&packet, 66)));
    assert_eq!(slot.current(), Some(B));
    for packet in low.frame(false) {
        assert_eq!(slot.handle_packet(&packet, 67), Verdict::Drop(Why::NotWanted));
    }
    let id = |outgoing: &Outgoing| outgoing.picture_id.unwrap();
    assert_eq!(still[0].seq, old[1].seq + 1);
    assert_eq!(new[0].seq, still[1].seq + 1);
    assert_eq!(id(&new[0]), (id(&still[1]) + 1) & 0x7fff);
    assert_eq!(
        new[0].tl0_pic_idx,
        still[1].tl0_pic_idx.map(|index| index.wrapping_add(1))
    );
    assert_eq!(new[0].timestamp.wrapping_sub(still[1].timestamp), 33 * 90);
}

#[test]
fn a_switch_within_a_millisecond_still_moves_the_timestamp() {
    let (mut slot, mut low, mut high) = (slot(), Camera::new(A), Camera::new(B));
    slot.handle_target(target(A, 2));
    let old = forwarded(slot.handle_packet(&low.frame(true)[0], 5));
    slot.handle_target(target(B, 2));
    let new = forwarded(slot.handle_packet(&high.frame(true)[0], 5));
    assert_eq!(new.timestamp, old.timestamp.wrapping_add(1));
}

#[test]
fn a_pause_shows_as_time_but_not_as_loss() {
    let (mut slot, mut camera) = (slot(), Camera::new(A));
    slot.handle_target(target(A, 2));
    let [before, _] = camera
        .frame(true)
        .map(|packet| forwarded(slot.handle_packet(&packet, 0)));
    slot.handle_target(None);
    for at in 1..100 {
        for packet in camera.frame(false) {
            assert_eq!(slot.handle_packet(&packet, at * 33), Verdict::Drop(Why::Paused));
        }
    }
    slot.handle_target(target(A, 2));
    let [after, _] = camera
        .frame(true)
        .map(|packet| forwarded(slot.handle_packet(&packet, 3_300)));
    assert_eq!(after.seq, before.seq + 2);
    assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 3_300 * 90);
    assert_eq!(slot.timestamp(camera.timestamp), Some(after.timestamp));
    assert_eq!(after.picture_id, before.picture_id.map(|id| (id + 1) & 0x7fff));
}

#[test]
fn temporal_layers_go_down_at_once_and_up_where_the_stream_allows_it() {
    let (mut slot, mut camera) = (slot(), Camera::new(A));
    slot.handle_target(target(A, 0));
    let mut passes = |slot: &mut Rewriter, frames: usize, key: bool| -> Vec<u8> {
        (0..frames)
            .filter_map(|frame| {
                let [first, second] = camera.frame(key && frame == 0);
                let passed = matches!(slot.handle_packet(&first, 0), Verdict::Forward(_));
                let rest = matches!(slot.handle_packet(&second, 0), Verdict::Forward(_));
                assert_eq!(passed, rest, "a frame passes whole");
                passed.then_some(first.summary.temporal.unwrap())
            })
            .collect()
    };
    assert_eq!(passes(&mut slot, 8, true), [0, 0]);
    slot.handle_target(target(A, 1));
    assert_eq!(passes(&mut slot, 4, false), [0, 1]);
    slot.handle_target(target(A, 0));
    assert_eq!(passes(&mut slot, 4, false), [0]);
    slot.handle_target(target(A, 2));
    assert_eq!(passes(&mut slot, 4, true), [0, 2, 1, 2]);
}

#[test]
fn temporal_layers_do_not_go_up_where_a_frame_needs_what_was_dropped() {
    let (mut slot, mut camera) = (slot(), Camera::new(A));
    slot.handle_target(target(A, 0));
    forwarded(slot.handle_packet(&camera.frame(true)[0], 0));
    slot.handle_target(target(A, 2));
    for _ in 0..12 {
        let [mut packet, _] = camera.frame(false);
        packet.summary.switch_up = false;
        let passed = matches!(slot.handle_packet(&packet, 0), Verdict::Forward(_));
        assert_eq!(passed, packet.summary.temporal == Some(0));
    }
}

#[test]
fn what_the_network_lost_stays_a_gap_that_can_be_asked_for_and_filled() {
    let (mut slot, mut camera) = (slot(), Camera::new(A));
    slot.handle_target(target(A, 2));
    let before = camera
        .frame(true)
        .map(|packet| forwarded(slot.handle_packet(&packet, 0)));
    let lost = camera.frame(false);
    let after = camera
        .frame(false)
        .map(|packet| forwarded(slot.handle_packet(&packet, 66)));
    assert_eq!(after[0].seq, before[1].seq + 3);
    let asked = before[1].seq + 1;
    let origin = Origin {
        stream: A,
        seq: lost[0].seq,
    };
    assert_eq!(slot.origin(asked), Some(origin));
    let late = forwarded(slot.handle_packet(&lost[0], 80));
    assert_eq!(late.seq, asked);
    assert_eq!(late.picture_id, before[1].picture_id.map(|id| (id + 1) & 0x7fff));
    assert_eq!(slot.handle_packet(&lost[0], 81), Verdict::Drop(Why::Duplicate));
    let mended = slot.handle_repair(asked + 1, &lost[1]).unwrap();
    assert_eq!(mended.seq, asked + 1);
    assert_eq!(slot.handle_repair(asked + 1, &lost[0]), None, "another packet");
    assert_eq!(slot.origin(after[1].seq + 1), None, "never given");
    assert_eq!(slot.origin(0), None);
}

#[test]
fn late_packets_of_the_old_source_keep_their_place_after_a_switch() {
    let (mut slot, mut low, mut high) = (slot(), Camera::new(A), Camera::new(B));
    slot.handle_target(target(A, 2));
    let [first, held] = low.frame(true);
    let before = forwarded(slot.handle_packet(&first, 0));
    let next = low
        .frame(false)
        .map(|packet| forwarded(slot.handle_packet(&packet, 33)));
    slot.handle_target(target(B, 2));
    forwarded(slot.handle_packet(&high.frame(true)[0], 66));
    let late = forwarded(slot.handle_packet(&held, 70));
    assert_eq!((late.seq, late.timestamp), (before.seq + 1, before.timestamp));
    assert!(late.seq < next[0].seq);
}

#[test]
fn an_old_key_frame_does_not_make_the_slot_begin_in_the_past() {
    let (mut slot, mut low, mut high) = (slot(), Camera::new(A), Camera::new(B));
    slot.handle_target(target(A, 2));
    let key = low.frame(true);
    forwarded(slot.handle_packet(&key[0], 0));
    forwarded(slot.handle_packet(&low.frame(false)[0], 1));
    slot.handle_target(target(B, 2));
    forwarded(slot.handle_packet(&high.frame(true)[0], 2));
    slot.handle_target(target(A, 2));
    assert_eq!(slot.handle_packet(&key[0], 3), Verdict::Drop(Why::Duplicate));
    assert_eq!(slot.wants_key_frame(), Some(A));
}

#[test]
fn a_jump_of_the_source_is_a_new_beginning_and_not_a_gap() {
    let (mut slot, mut camera) = (slot(), Camera::new(A));
    slot.handle_target(target(A, 2));
    let before = camera
        .frame(true)
        .map(|packet| forwarded(slot.handle_packet(&packet, 0)));
    camera.seq += 1 << 40;
    assert_eq!(
        slot.handle_packet(&camera.frame(false)[0], 33),
        Verdict::Drop(Why::AwaitsKeyFrame)
    );
    assert_eq!(slot.wants_key_frame(), Some(A));
    let after = forwarded(slot.handle_packet(&camera.frame(true)[0], 66));
    assert_eq!(after.seq, before[1].seq + 1);
}

#[test]
fn reordering_within_a_dropped_frame_leaves_no_gap() {
    let (mut slot, mut camera) = (slot(), Camera::new(A));
    slot.handle_target(target(A, 0));
    let before = camera
        .frame(true)
        .map(|packet| forwarded(slot.handle_packet(&packet, 0)));
    let dropped = camera.frame(false);
    assert_eq!(slot.handle_packet(&dropped[1], 33), Verdict::Drop(Why::Layer));
    assert_eq!(slot.handle_packet(&dropped[0], 34), Verdict::Drop(Why::Layer));
    for packet in camera.frame(false) {
        assert_eq!(slot.handle_packet(&packet, 66), Verdict::Drop(Why::Layer));
    }
    for packet in camera.frame(false) {
        assert_eq!(slot.handle_packet(&packet, 99), Verdict::Drop(Why::Layer));
    }
    let after = forwarded(slot.handle_packet(&camera.frame(false)[0], 130));
    assert_eq!(after.seq, before[1].seq + 1);
    assert_eq!(after.picture_id, before[1].picture_id.map(|id| (id + 1) & 0x7fff));
}

#[test]
fn a_picture_held_up_before_a_dropped_one_keeps_its_id_over_a_switch() {
    let (mut slot, mut low, mut high) = (slot(), Camera::new(A), Camera::new(B));
    slot.handle_target(target(A, 1));
    for packet in [low.frame(true), low.frame(false)].concat() {
        slot.handle_packet(&packet, 0);
    }
    let held = low.frame(false);
    for packet in low.frame(false) {
        assert_eq!(slot.handle_packet(&packet, 66), Verdict::Drop(Why::Layer));
    }
    slot.handle_target(target(B, 1));
    let new = forwarded(slot.handle_packet(&high.frame(true)[0], 99));
    let late = forwarded(slot.handle_packet(&held[0], 100));
    assert_eq!(new.picture_id, late.picture_id.map(|id| (id + 1) & 0x7fff));
    assert!(new.timestamp.wrapping_sub(late.timestamp).cast_signed() > 0);
}

/// A step of a story: what the slot should carry, or a frame of both cameras.
#[derive(Debug, Clone)]
enum Step {
    Target(Option<(bool, u8)>),
    /// Which camera makes a key frame, and how the network treats the packets of both.
    Frames {
        keys: (bool, bool),
        fates: [Fate; 4],
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrives,
    Lost,
    /// Comes so many frames later.
    Late(u8),
    Twice,
}

fn steps(fate: impl Strategy<Value = Fate> + Clone + 'static) -> impl Strategy<Value = Vec<Step>> {
    let target = proptest::option::weighted(0.9, (any::<bool>(), 0_u8..3)).prop_map(Step::Target);
    let key = || proptest::bool::weighted(0.15);
    let fates = [fate.clone(), fate.clone(), fate.clone(), fate];
    let frames = ((key(), key()), fates).prop_map(|(keys, fates)| Step::Frames { keys, fates });
    proptest::collection::vec(prop_oneof![1 => target, 6 => frames], 1..200)
}

/// Everything that a slot forwarded over a story, in the order in which it did.
fn run(steps: &[Step]) -> Vec<(Incoming, Outgoing)> {
    let mut slot = slot();
    let mut cameras = [Camera::new(A), Camera::new(B)];
    let mut held: BTreeMap<u64, Vec<Incoming>> = BTreeMap::new();
    let mut sent = Vec::new();
    for (frame, step) in (0_u64..).zip(steps) {
        let mut arriving = held.remove(&frame).unwrap_or_default();
        match step {
            Step::Target(to) => {
                slot.handle_target(to.and_then(|(b, temporal)| target(if b { B } else { A }, temporal)))
            }
            Step::Frames { keys, fates } => {
                let keys = [keys.0, keys.1];
                let packets = cameras
                    .iter_mut()
                    .zip(keys)
                    .flat_map(|(camera, key)| camera.frame(key));
                for (packet, fate) in packets.zip(fates) {
                    match fate {
                        Fate::Arrives => arriving.push(packet),
                        Fate::Twice => arriving.extend([packet, packet]),
                        Fate::Lost => {}
                        Fate::Late(frames) => {
                            held.entry(frame + u64::from(*frames)).or_default().push(packet)
                        }
                    }
                }
            }
        }
        for packet in arriving {
            if let Verdict::Forward(outgoing) = slot.handle_packet(&packet, frame * 33) {
                let origin = Origin {
                    stream: packet.stream,
                    seq: packet.seq,
                };
                assert_eq!(
                    slot.origin(outgoing.seq),
                    Some(origin),
                    "NACK leads back to the packet"
                );
                sent.push((packet, outgoing));
            }
        }
    }
    sent
}

fn any_fate() -> impl Strategy<Value = Fate> + Clone {
    let late = (1_u8..6).prop_map(Fate::Late);
    prop_oneof![8 => Just(Fate::Arrives), 1 => Just(Fate::Lost), 1 => late, 1 => Just(Fate::Twice)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_number_is_given_twice_and_no_packet_goes_out_twice(steps in steps(any_fate())) {
        let sent = run(&steps);
        let numbers: BTreeSet<u64> = sent.iter().map(|(_, outgoing)| outgoing.seq).collect();
        let packets: BTreeSet<(StreamId, u64)> = sent.iter().map(|(packet, _)| (packet.stream, packet.seq)).collect();
        prop_assert_eq!(numbers.len(), sent.len());
        prop_assert_eq!(packets.len(), sent.len());
    }

    #[test]
    fn a_frame_has_one_picture_id_and_different_frames_have_different_ones(steps in steps(any_fate())) {
        let sent = run(&steps);
        let mut ids: BTreeMap<u16, (StreamId, u16)> = BTreeMap::new();
        for (packet, outgoing) in sent {
            let frame = (packet.stream, packet.summary.picture_id.unwrap());
            let known = *ids.entry(outgoing.picture_id.unwrap()).or_insert(frame);
            prop_assert_eq!(known, frame, "picture {:?}", outgoing.picture_id);
        }
    }

    #[test]
    fn what_comes_in_order_goes_out_in_order(
        steps in steps(prop_oneof![9 => Just(Fate::Arrives), 1 => Just(Fate::Lost)]),
    ) {
        let sent = run(&steps);
        for pair in sent.windows(2) {
            let ((_, before), (_, after)) = (&pair[0], &pair[1]);
            prop_assert!(before.seq < after.seq);
            prop_assert!(after.timestamp.wrapping_sub(before.timestamp).cast_signed() >= 0);
        }
    }

    #[test]
    fn without_loss_there_is_no_gap_in_any_number(steps in steps(Just(Fate::Arrives))) {
        let sent = run(&steps);
        for pair in sent.windows(2) {
            let ((from, before), (to, after)) = (&pair[0], &pair[1]);
            prop_assert_eq!(before.seq + 1, after.seq);
            let same = (from.stream, from.timestamp) == (to.stream, to.timestamp);
            let moved = after.picture_id.unwrap().wrapping_sub(before.picture_id.unwrap()) & 0x7fff;
            prop_assert_eq!(moved, u16::from(!same));
            let base = after.tl0_pic_idx.unwrap().wrapping_sub(before.tl0_pic_idx.unwrap());
            prop_assert_eq!(base, u8::from(!same && to.summary.temporal == Some(0)));
            prop_assert!(same || after.timestamp != before.timestamp);
        }
    }
}
