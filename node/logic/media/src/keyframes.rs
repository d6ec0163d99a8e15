//! Key-frame requests (PLI and FIR, RFC 4585 §6.3.1, RFC 5104 §4.3.1): those of all subscribers to one stream
//! become one, at a pace that no subscriber can hasten.
//!
//! ```text
//!            request                      no key frame for `retry_ms`
//!   quiet ───────────► due ──► asked ──────────────────────────────────► asked again, up to `retries` times
//!     ▲                          │                                              │
//!     └───────── key frame ──────┴──────────────── key frame, or given up ──────┘
//! ```

use crate::{ParticipantId, StreamId};
use std::collections::{BTreeMap, BTreeSet};

/// How often a publisher is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Least time between two requests.
    pub every_ms: u64,
    /// The same, if the earlier one was answered and the later one is the first of its subscriber: who comes anew
    /// does not wait for the others' pace. Bounds what many who come at once cost the publisher.
    pub newcomer_ms: u64,
    /// Once in this time one who is known does not wait either: where the way of a stream changes, a picture that was
    /// asked for a moment ago came to nobody by the new one.
    pub spare_ms: u64,
    /// Time without a key frame after which the request is repeated.
    pub retry_ms: u64,
    /// Most repetitions.
    pub retries: u8,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            every_ms: 500,
            newcomer_ms: 100,
            spare_ms: 5_000,
            retry_ms: 1_000,
            retries: 5,
        }
    }
}

#[derive(Debug, Default)]
struct Stream {
    /// When the publisher was asked last.
    asked_ms: Option<u64>,
    /// Whether the last request still waits for its key frame.
    open: bool,
    answered: bool,
    /// When somebody who is known did not wait last.
    spared_ms: Option<u64>,
    repeated: u8,
    /// When it is asked next.
    due_ms: Option<u64>,
    /// Who has asked since they subscribed.
    known: BTreeSet<ParticipantId>,
}

/// The requests for all streams that a node receives. Each input costs O(log n) of streams and subscribers.
///
/// Invariant: `due` holds the due time of each stream that has one, and nothing else.
#[derive(Debug, Default)]
pub struct KeyFrames {
    pace: Pace,
    streams: BTreeMap<StreamId, Stream>,
    due: BTreeSet<(u64, StreamId)>,
}

impl KeyFrames {
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            ..Self::default()
        }
    }

    /// A subscriber needs a key frame of a stream.
    pub fn handle_request(&mut self, stream: StreamId, subscriber: ParticipantId, now_ms: u64) {
        let pace = self.pace;
        let state = self.streams.entry(stream).or_default();
        let newcomer = state.known.insert(subscriber);
        if state.open {
            return;
        }
        let after = |wait_ms| state.asked_ms.map_or(0, |at: u64| at.saturating_add(wait_ms));
        let in_turn = after(pace.every_ms);
        let spare = state
            .spared_ms
            .is_none_or(|at| at.saturating_add(pace.spare_ms) <= now_ms);
        let earliest = if in_turn <= now_ms || !state.answered {
            in_turn
        } else if newcomer {
            after(pace.newcomer_ms)
        } else if spare {
            state.spared_ms = Some(now_ms);
            after(pace.newcomer_ms)
        } else {
            in_turn
        };
        let due = earliest.max(now_ms);
        let due = state.due_ms.map_or(due, |earlier| earlier.min(due));
        self.schedule(stream, Some(due));
    }

    /// A key frame of a stream begins to come in.
    pub fn handle_key_frame(&mut self, stream: StreamId) {
        if let Some(state) = self.streams.get_mut(&stream) {
            state.open = false;
            state.answered = true;
            state.repeated = 0;
            self.schedule(stream, None);
        }
    }

    /// A subscriber does not need the stream any more.
    pub fn handle_unsubscribe(&mut self, stream: StreamId, subscriber: ParticipantId) {
        let Some(state) = self.streams.get_mut(&stream) else {
            return;
        };
        state.known.remove(&subscriber);
        if state.known.is_empty() {
            // Nobody is left for whom a key frame would be of use; the pace stays.
            state.open = false;
            state.repeated = 0;
            self.schedule(stream, None);
        }
    }

    /// The stream has ended.
    pub fn handle_end(&mut self, stream: StreamId) {
        self.schedule(stream, None);
        self.streams.remove(&stream);
    }

    /// A stream whose publisher is to be asked now; to be called until there is none.
    pub fn poll_request(&mut self, now_ms: u64) -> Option<StreamId> {
        let (due, stream) = *self.due.first()?;
        if due > now_ms {
            return None;
        }
        let pace = self.pace;
        let state = self.streams.get_mut(&stream)?;
        state.repeated = if state.open { state.repeated + 1 } else { 0 };
        state.asked_ms = Some(now_ms);
        state.answered = false;
        state.open = state.repeated < pace.retries;
        let next = state.open.then(|| now_ms.saturating_add(pace.retry_ms));
        self.schedule(stream, next);
        Some(stream)
    }

    /// When [`KeyFrames::poll_request`] has something next.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.due.first().map(|(due, _)| *due)
    }

    fn schedule(&mut self, stream: StreamId, due_ms: Option<u64>) {
        let Some(state) = self.streams.get_mut(&stream) else {
            return;
        };
        if let Some(before) = state.due_ms {
            self.due.remove(&(before, stream));
        }
        state.due_ms = due_ms;
        self.due.extend(due_ms.map(|due| (due, stream)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CAMERA: StreamId = StreamId(7);

    /// The times at which the publisher is asked up to `until_ms`.
    fn asked(requests: &mut KeyFrames, until_ms: u64) -> Vec<u64> {
        let mut times = Vec::new();
        while let Some(now) = requests.poll_timeout().filter(|at| *at <= until_ms) {
            while let Some(stream) = requests.poll_request(now) {
                assert_eq!(stream, CAMERA);
                times.push(now);
            }
        }
        times
    }

    #[test]
    fn requests_of_many_become_one() {
        let mut requests = KeyFrames::default();
        for subscriber in 0..2_000 {
            requests.handle_request(CAMERA, ParticipantId(subscriber), 10);
        }
        assert_eq!(asked(&mut requests, 10), [10]);
        requests.handle_key_frame(CAMERA);
        assert_eq!(asked(&mut requests, 60_000), []);
    }

    #[test]
    fn who_asks_a_thousand_times_a_second_gets_no_more_than_the_pace_and_one_to_spare() {
        let mut requests = KeyFrames::default();
        let mut times = Vec::new();
        for now in 0..3_000 {
            requests.handle_request(CAMERA, ParticipantId(1), now);
            while requests.poll_request(now).is_some() {
                times.push(now);
                requests.handle_key_frame(CAMERA);
            }
        }
        assert_eq!(times, [0, 100, 600, 1_100, 1_600, 2_100, 2_600]);
    }

    #[test]
    fn who_asks_on_and_on_does_not_hasten_the_repetition() {
        let mut requests = KeyFrames::default();
        let mut times = Vec::new();
        for now in 0..3_500 {
            requests.handle_request(CAMERA, ParticipantId(now % 2), now);
            times.extend(requests.poll_request(now).map(|_| now));
        }
        assert_eq!(times, [0, 1_000, 2_000, 3_000]);
    }

    #[test]
    fn who_comes_after_the_answer_does_not_wait_for_the_pace() {
        let mut requests = KeyFrames::default();
        requests.handle_request(CAMERA, ParticipantId(1), 0);
        assert_eq!(asked(&mut requests, 0), [0]);
        requests.handle_key_frame(CAMERA);
        requests.handle_request(CAMERA, ParticipantId(2), 150);
        assert_eq!(asked(&mut requests, 150), [150]);
        requests.handle_key_frame(CAMERA);
        requests.handle_request(CAMERA, ParticipantId(3), 160);
        requests.handle_request(CAMERA, ParticipantId(2), 161);
        assert_eq!(asked(&mut requests, 700), [250]);
        requests.handle_key_frame(CAMERA);
        requests.handle_request(CAMERA, ParticipantId(3), 710);
        requests.handle_request(CAMERA, ParticipantId(2), 711);
        assert_eq!(asked(&mut requests, 1_300), [750], "the spare one is used");
    }

    #[test]
    fn a_request_without_answer_is_repeated_and_then_given_up() {
        let mut requests = KeyFrames::default();
        requests.handle_request(CAMERA, ParticipantId(1), 0);
        assert_eq!(
            asked(&mut requests, 60_000),
            [0, 1_000, 2_000, 3_000, 4_000, 5_000]
        );
        requests.handle_request(CAMERA, ParticipantId(1), 60_000);
        assert_eq!(asked(&mut requests, 60_000), [60_000]);
    }

    #[test]
    fn nobody_is_asked_for_those_who_went() {
        let mut requests = KeyFrames::default();
        requests.handle_request(CAMERA, ParticipantId(1), 0);
        requests.handle_unsubscribe(CAMERA, ParticipantId(1));
        assert_eq!(asked(&mut requests, 60_000), []);
        requests.handle_request(CAMERA, ParticipantId(2), 60_000);
        requests.handle_end(CAMERA);
        assert_eq!(asked(&mut requests, 120_000), []);
    }

    proptest! {
        #[test]
        fn no_order_of_events_breaks_the_pace(
            events in proptest::collection::vec((0_u64..80, 0_u64..4, 0_u8..4), 1..300),
        ) {
            let mut requests = KeyFrames::default();
            let (mut now, mut last) = (0, None);
            for (passed, subscriber, kind) in events {
                now += passed;
                match kind {
                    0 => requests.handle_key_frame(CAMERA),
                    1 => requests.handle_unsubscribe(CAMERA, ParticipantId(subscriber)),
                    _ => requests.handle_request(CAMERA, ParticipantId(subscriber), now),
                }
                while requests.poll_request(now).is_some() {
                    prop_assert!(last.is_none_or(|last| now - last >= Pace::default().newcomer_ms));
                    last = Some(now);
                }
                prop_assert!(requests.poll_timeout().is_none_or(|at| at > now));
            }
        }
    }
}
