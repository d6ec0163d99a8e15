//! Whether a program is still there that does not ask.
//!
//! Browsers ask every few seconds whether they may go on sending (RFC 7675); str0m takes it for the end when they did not
//! for 15 s. GStreamer with a libnice before 0.1.22 (Debian 12) asks at the beginning alone. What it sends by SRTP shows as
//! well that it is there, and wants what it gets.

use std::time::{Duration, Instant};

/// So long nothing may come: reports come every five seconds at most (RFC 3550 §6.2).
const SILENCE: Duration = Duration::from_secs(30);

/// What shows that a peer is there.
#[derive(Debug)]
pub(super) struct Life {
    /// Its last packet whose seal was right; before the first one, its beginning.
    heard: Instant,
    /// It is no browser, and ICE has heard no request for a while.
    is_unasked: bool,
}

impl Life {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            heard: now,
            is_unasked: false,
        }
    }

    pub(super) fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    /// ICE has heard requests again.
    pub(super) fn ask(&mut self) {
        self.is_unasked = false;
    }

    /// ICE has heard no request for a while. `true` if the peer is to be believed gone.
    pub(super) fn miss(&mut self, now: Instant) -> bool {
        self.is_unasked = true;
        self.is_over(now)
    }

    /// Whether nothing at all came for too long.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.is_unasked && now.saturating_duration_since(self.heard) >= SILENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_no_more_lives_as_long_as_it_is_heard() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut life = Life::new(start);
        life.hear(at(10));
        assert!(!life.miss(at(25)));
        life.hear(at(30));
        assert!(!life.is_over(at(59)));
        assert!(life.is_over(at(60)));
        life.ask();
        assert!(!life.is_over(at(100)), "ICE answers for it");
        assert!(life.miss(at(115)));
    }
}
