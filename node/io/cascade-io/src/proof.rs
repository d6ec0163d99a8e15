//! Whether the other side is there, where somebody has reason to believe that it is not.
//!
//! ```text
//!  doubt ── one round trip: what was under way arrives ──► ask ── a round trip and some time ──► heard: there
//!                                                                                           └──► silent: gone
//! ```

/// How much longer than a round trip an answer may take: QUIC acknowledges within 25 ms, and machines are busy.
const ANSWER_US: u64 = 100_000;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    /// Something is to be sent that is acknowledged.
    Ask,
    /// Nothing was heard since.
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Sure,
    Doubted {
        ask_us: u64,
    },
    Asked {
        heard: u64,
        until_us: u64,
    },
}

#[derive(Debug, Default)]
pub(crate) struct Proof {
    state: State,
    rtt_us: u64,
}

impl Proof {
    /// Begins, where none is under way.
    pub(crate) fn doubt(&mut self, now_us: u64, rtt_us: u64) {
        if self.state == State::Sure {
            self.rtt_us = rtt_us;
            let ask_us = now_us.saturating_add(rtt_us);
            self.state = State::Doubted { ask_us };
        }
    }

    /// When it is to be looked at again; `None` where nothing is in doubt.
    pub(crate) fn due(&self) -> Option<u64> {
        match self.state {
            State::Sure => None,
            State::Doubted { ask_us } => Some(ask_us),
            State::Asked { until_us, .. } => Some(until_us),
        }
    }

    /// `heard` counts what came of the other side. Once it is gone, it is again to be looked at.
    pub(crate) fn look(&mut self, now_us: u64, heard: u64) -> Step {
        match self.state {
            State::Doubted { ask_us } if now_us >= ask_us => {
                let until_us = now_us.saturating_add(self.rtt_us + ANSWER_US);
                self.state = State::Asked { heard, until_us };
                Step::Ask
            }
            State::Asked { heard: before, .. } if heard != before => {
                self.state = State::Sure;
                Step::Nothing
            }
            State::Asked { until_us, .. } if now_us >= until_us => Step::Gone,
            State::Sure | State::Doubted { .. } | State::Asked { .. } => Step::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT_US: u64 = 40_000;

    #[test]
    fn who_is_silent_after_it_was_asked_is_gone() {
        let mut proof = Proof::default();
        assert_eq!(proof.due(), None);
        proof.doubt(1_000, RTT_US);
        assert_eq!(proof.due(), Some(41_000));
        assert_eq!(proof.look(20_000, 7), Step::Nothing);
        // What was under way when it went does not count.
        assert_eq!(proof.look(41_000, 9), Step::Ask);
        assert_eq!(proof.due(), Some(41_000 + RTT_US + ANSWER_US));
        let until_us = 41_000 + RTT_US + ANSWER_US;
        assert_eq!(proof.look(until_us - 1, 9), Step::Nothing);
        assert_eq!(proof.look(until_us, 9), Step::Gone);
    }

    #[test]
    fn who_is_heard_is_there_and_can_be_doubted_again() {
        let mut proof = Proof::default();
        proof.doubt(0, RTT_US);
        assert_eq!(proof.look(RTT_US, 1), Step::Ask);
        // It is asked once, however many doubt it.
        proof.doubt(50_000, RTT_US);
        assert_eq!(proof.look(60_000, 2), Step::Nothing);
        assert_eq!(proof.due(), None);
        assert_eq!(proof.look(10_000_000, 2), Step::Nothing);
        proof.doubt(10_000_000, RTT_US);
        assert_eq!(proof.look(10_040_000, 2), Step::Ask);
    }
}
