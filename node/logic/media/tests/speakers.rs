//! Who is heard and who is the speaker, over stories in virtual time.

use plenary_media::{
    ParticipantId,
    speakers::{Event, Speakers, Tuning},
};
use proptest::prelude::*;

const ANN: ParticipantId = ParticipantId(1);
const BEN: ParticipantId = ParticipantId(2);
const CAT: ParticipantId = ParticipantId(3);
const DAN: ParticipantId = ParticipantId(4);

const LOUD: u8 = 25;
const NORMAL: u8 = 35;
const QUIET: u8 = 45;

struct Room {
    speakers: Speakers,
    now_ms: u64,
    /// Each speaker in turn.
    turns: Vec<ParticipantId>,
    heard_changes: usize,
}

impl Room {
    fn new() -> Self {
        Self {
            speakers: Speakers::default(),
            now_ms: 1_000,
            turns: Vec::new(),
            heard_changes: 0,
        }
    }

    /// These talk for a while, each with a packet every 20 ms.
    fn talk(&mut self, who: &[(ParticipantId, u8)], for_ms: u64) -> &mut Self {
        let end = self.now_ms + for_ms;
        while self.now_ms < end {
            for (who, level) in who {
                self.speakers.handle_level(*who, *level, true, self.now_ms);
            }
            self.settle();
            self.now_ms += 20;
        }
        self
    }

    fn settle(&mut self) {
        while let Some(event) = self.speakers.poll_event() {
            self.heard_changes += usize::from(event == Event::Heard);
        }
        let speaker = self.speakers.ranking().first().copied();
        if speaker != self.turns.last().copied() {
            self.turns.extend(speaker);
        }
    }

    /// Nobody sends anything.
    fn silence(&mut self, for_ms: u64) -> &mut Self {
        self.now_ms += for_ms;
        self
    }
}

#[test]
fn whoever_talks_is_heard_with_the_first_packet_and_the_speaker_soon() {
    let mut room = Room::new();
    room.talk(&[(ANN, NORMAL)], 20);
    assert_eq!(room.speakers.heard(), [Some(ANN), None, None]);
    assert!(room.speakers.ranking().is_empty());
    room.talk(&[(ANN, NORMAL)], 500);
    assert_eq!(room.speakers.ranking(), [ANN]);
}

#[test]
fn a_cough_does_not_take_the_floor() {
    let mut room = Room::new();
    room.talk(&[(ANN, NORMAL)], 2_000)
        .talk(&[(ANN, NORMAL), (BEN, 5)], 240);
    room.talk(&[(ANN, NORMAL), (BEN, 127)], 2_000);
    assert_eq!(room.turns, [ANN]);
    assert_eq!(room.speakers.ranking(), [ANN]);
    // Nor into silence.
    room.silence(3_000).talk(&[(CAT, 5)], 240).silence(3_000);
    assert_eq!(room.turns, [ANN]);
}

#[test]
fn a_brief_overlap_does_not_take_the_floor() {
    let mut room = Room::new();
    room.talk(&[(ANN, NORMAL)], 2_000);
    room.talk(&[(ANN, NORMAL), (BEN, NORMAL)], 5_000);
    room.talk(&[(ANN, NORMAL), (BEN, LOUD)], 500);
    room.talk(&[(ANN, NORMAL)], 2_000);
    assert_eq!(room.turns, [ANN]);
}

#[test]
fn the_floor_passes_on_when_the_speaker_stops() {
    let mut room = Room::new();
    room.talk(&[(ANN, LOUD)], 2_000)
        .talk(&[(BEN, QUIET)], 1_500)
        .talk(&[(ANN, LOUD)], 1_500);
    assert_eq!(room.turns, [ANN, BEN, ANN]);
    assert_eq!(room.speakers.ranking(), [ANN, BEN]);
}

#[test]
fn who_is_clearly_louder_for_long_takes_the_floor() {
    let mut room = Room::new();
    room.talk(&[(ANN, QUIET)], 2_000)
        .talk(&[(ANN, QUIET), (BEN, LOUD)], 2_000);
    assert_eq!(room.turns, [ANN, BEN]);
}

#[test]
fn who_is_heard_keeps_the_slot() {
    let mut room = Room::new();
    room.talk(&[(ANN, NORMAL), (BEN, NORMAL), (CAT, NORMAL)], 2_000);
    let before = room.heard_changes;
    room.talk(
        &[(ANN, NORMAL), (BEN, NORMAL), (CAT, NORMAL), (DAN, NORMAL)],
        5_000,
    );
    assert_eq!(room.speakers.heard(), [Some(ANN), Some(BEN), Some(CAT)]);
    assert_eq!(room.heard_changes, before);
    room.talk(&[(ANN, NORMAL), (CAT, NORMAL), (DAN, NORMAL)], 1_000);
    assert_eq!(room.speakers.heard(), [Some(ANN), Some(DAN), Some(CAT)]);
}

#[test]
fn who_is_heard_is_displaced_by_a_long_loud_speech_only() {
    let mut room = Room::new();
    let three = [(ANN, QUIET), (BEN, NORMAL), (CAT, NORMAL)];
    let four = [three[0], three[1], three[2], (DAN, LOUD)];
    room.talk(&three, 2_000).talk(&four, 1_000);
    assert_eq!(room.speakers.heard(), [Some(ANN), Some(BEN), Some(CAT)]);
    room.talk(&three, 2_000).talk(&four, 1_500);
    assert_eq!(room.speakers.heard(), [Some(DAN), Some(BEN), Some(CAT)]);
}

#[test]
fn gaps_of_discontinuous_transmission_do_not_end_a_speech() {
    let mut room = Room::new();
    for _ in 0..10 {
        room.talk(&[(ANN, NORMAL)], 1_000).silence(400);
        // Comfort noise of somebody else meanwhile.
        room.talk(&[(BEN, 127)], 20);
    }
    assert_eq!(room.turns, [ANN]);
    assert_eq!(room.heard_changes, 1);
}

#[test]
fn noise_that_its_client_knows_to_be_noise_is_not_speech() {
    let mut room = Room::new();
    room.talk(&[(BEN, NORMAL)], 1_000);
    for _ in 0..100 {
        room.speakers.handle_level(BEN, 10, false, room.now_ms);
        room.talk(&[(ANN, QUIET)], 20);
    }
    assert_eq!(room.turns, [BEN, ANN]);
}

#[test]
fn a_client_without_voice_bit_is_judged_by_its_level() {
    let mut room = Room::new();
    for _ in 0..100 {
        room.speakers.handle_level(ANN, NORMAL, false, room.now_ms);
        room.now_ms += 20;
        room.settle();
    }
    assert_eq!(room.turns, [ANN]);
}

#[test]
fn who_leaves_is_neither_heard_nor_ranked() {
    let mut room = Room::new();
    room.talk(&[(ANN, NORMAL), (BEN, NORMAL)], 2_000);
    room.speakers.handle_leave(ANN);
    assert_eq!(room.speakers.heard(), [None, Some(BEN), None]);
    assert_eq!(room.speakers.ranking(), [BEN]);
    assert_eq!(room.speakers.poll_event(), Some(Event::Heard));
    assert_eq!(room.speakers.poll_event(), Some(Event::Ranking));
    assert_eq!(room.speakers.poll_event(), None);
}

proptest! {
    #[test]
    fn nobody_is_heard_twice_and_slots_do_not_flap(
        packets in proptest::collection::vec((0_u64..2_000, any::<u8>(), any::<bool>(), 0_u64..30), 1..2_000),
    ) {
        let mut speakers = Speakers::default();
        let (mut now, mut first_three) = (0, 0);
        for (who, level, voice, passed) in packets {
            now += passed;
            let who = ParticipantId(who % 40);
            let before = speakers.heard().to_vec();
            speakers.handle_level(who, level, voice, now);
            let after = speakers.heard();
            let moved = before.iter().zip(after).filter(|(before, after)| before != after).count();
            prop_assert!(moved <= 1);
            first_three += usize::from(before.iter().flatten().count() < after.iter().flatten().count());
            let mut heard: Vec<_> = after.iter().flatten().collect();
            heard.sort_unstable();
            heard.dedup();
            prop_assert_eq!(heard.len(), after.iter().flatten().count());
            let mut ranked = speakers.ranking().to_vec();
            prop_assert!(ranked.len() <= Tuning::default().ranked);
            ranked.sort_unstable();
            ranked.dedup();
            prop_assert_eq!(ranked.len(), speakers.ranking().len());
        }
        prop_assert!(first_three <= 3, "a slot that was given is not left empty");
    }
}
