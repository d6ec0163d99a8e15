//! The rate that losses allow (draft-ietf-rmcat-gcc-02 §6).

use crate::{FLOOR, MOST};

/// Above this share the rate falls, by half of it.
const MUCH: f64 = 0.1;
/// Below this one it grows.
const LITTLE: f64 = 0.02;
const GROWTH: f64 = 1.08;
const GROWTH_MORE: f64 = 1_000.0;
/// A share is of so many packets, so that where one in twenty is lost by chance it seldom looks like one in ten; or of
/// what there is after a second.
const PACKETS: u32 = 50;
const LEAST_PACKETS: u32 = 20;
const LONG_US: u64 = 1_000_000;
/// And of a round trip and this.
const SHORT_US: u64 = 300_000;
/// A limit that is so far above the rate limits nothing.
const FAR: f64 = 2.0;

#[derive(Debug)]
pub(crate) struct Loss {
    limit: f64,
    arrived: u32,
    missing: u32,
    since_us: u64,
    share: f64,
}

impl Loss {
    pub(crate) fn new(now_us: u64) -> Self {
        Self {
            limit: MOST,
            arrived: 0,
            missing: 0,
            since_us: now_us,
            share: 0.0,
        }
    }

    pub(crate) fn limit(&self) -> f64 {
        self.limit
    }

    /// Of the last packets, from 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }

    /// A probe has shown that so much gets through.
    pub(crate) fn handle_shown(&mut self, rate: f64) {
        self.limit = self.limit.max(rate);
    }

    /// What feedback told of packets of no probe; `late` of those that arrived had been told missing. `rate` is what is
    /// sent at most. Gives whether the limit was lowered.
    pub(crate) fn handle(&mut self, told: Told, rate: f64, rtt_us: u64, now_us: u64) -> bool {
        self.arrived += told.arrived;
        self.missing = (self.missing + told.missing).saturating_sub(told.late);
        let passed_us = now_us.saturating_sub(self.since_us);
        let packets = self.arrived + self.missing;
        let is_long = passed_us >= LONG_US && packets >= LEAST_PACKETS;
        if passed_us < SHORT_US + rtt_us || packets < PACKETS && !is_long {
            return false;
        }
        self.share = f64::from(self.missing) / f64::from(packets);
        (self.arrived, self.missing, self.since_us) = (0, 0, now_us);
        if self.share > MUCH {
            self.limit = (self.limit.min(rate) * (1.0 - self.share / 2.0)).max(FLOOR);
            return true;
        }
        if self.share < LITTLE {
            let passed_s = (passed_us as f64 / 1e6).min(1.0);
            self.limit = self.limit * GROWTH.powf(passed_s) + GROWTH_MORE;
            if self.limit > FAR * rate {
                self.limit = MOST;
            }
        }
        false
    }
}

/// How many packets feedback told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    pub(crate) arrived: u32,
    pub(crate) missing: u32,
    pub(crate) late: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit after `count` messages of 30 packets each 100 ms.
    fn limit(loss: &mut Loss, missing: u32, count: u64) -> f64 {
        let told = Told {
            arrived: 30 - missing,
            missing,
            late: 0,
        };
        for message in 1..=count {
            loss.handle(told, 1e6, 50_000, message * 100_000);
        }
        loss.limit()
    }

    #[test]
    fn few_losses_limit_nothing() {
        let mut loss = Loss::new(0);
        assert_eq!(limit(&mut loss, 2, 100), MOST);
        assert!((0.05..0.08).contains(&loss.share()));
    }

    #[test]
    fn many_losses_lower_it_by_half_of_them_and_none_let_it_grow() {
        let mut loss = Loss::new(0);
        assert_eq!(limit(&mut loss, 6, 3), MOST, "not yet a round trip");
        assert_eq!(limit(&mut loss, 6, 4), 0.9e6);
        let lowered = loss.limit();
        let none = Told {
            arrived: 50,
            ..Told::default()
        };
        loss.handle(none, lowered, 50_000, 1_400_000);
        assert!((0.97e6..0.98e6).contains(&loss.limit()), "{}", loss.limit());
        loss.handle_shown(1.5e6);
        assert_eq!(loss.limit(), 1.5e6);
    }

    #[test]
    fn what_arrives_late_was_not_lost() {
        let mut loss = Loss::new(0);
        let missing = Told {
            arrived: 40,
            missing: 20,
            late: 0,
        };
        assert!(!loss.handle(missing, 1e6, 50_000, 100_000));
        let late = Told {
            arrived: 20,
            missing: 0,
            late: 20,
        };
        assert!(!loss.handle(late, 1e6, 50_000, 500_000));
        assert_eq!((loss.limit(), loss.share()), (MOST, 0.0));
    }
}
