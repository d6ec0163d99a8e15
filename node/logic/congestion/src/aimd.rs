//! The rate that the delay allows: up by little steps, down at once (draft-ietf-rmcat-gcc-02 §5.5).

use crate::{FLOOR, MOST, delay::Usage};

/// Of what arrives, what is left after an overuse.
const BACK_OFF: f64 = 0.85;
/// And at least, where a long queue is to be drained: within about a second.
const DEEP_BACK_OFF: f64 = 0.6;
/// Of the rate, what is left at least after an overuse that what is sent can hardly have caused: less than the rate was
/// sent. It goes on down if the overuse does.
const GENTLE_BACK_OFF: f64 = 0.85;
/// In a second, where the capacity is not known.
const GROWTH: f64 = 1.08;
const LEAST_GROWTH: f64 = 1_000.0;
/// Where it is: a packet in each response time, and at least this in a second.
const LEAST_STEP: f64 = 4_000.0;
/// Until what is done shows in feedback, beyond the round trip.
const RESPONSE_S: f64 = 0.1;
/// The rate grows up to this much of what arrives, and a little.
const AHEAD: f64 = 1.5;
const AHEAD_MORE: f64 = 10_000.0;
/// An overuse is heeded again after a round trip, within these.
const LEAST_PAUSE_US: u64 = 10_000;
const MOST_PAUSE_US: u64 = 200_000;
const FRAMES_PER_S: f64 = 30.0;
const PACKET_BITS: f64 = 1_200.0 * 8.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Hold,
    Increase,
}

/// What arrived when the network was overused: what it bears.
#[derive(Debug, Clone, Copy)]
struct Capacity {
    mean: f64,
    /// Of it, relative to the root of the mean.
    variance: f64,
}

impl Capacity {
    const WEIGHT: f64 = 0.05;

    fn new(rate: f64) -> Self {
        Self {
            mean: rate / 1e3,
            variance: 0.4,
        }
    }

    fn handle(&mut self, rate: f64) {
        let rate = rate / 1e3;
        let error = self.mean - rate;
        self.mean += Self::WEIGHT * (rate - self.mean);
        let norm = self.mean.max(1.0);
        self.variance =
            ((1.0 - Self::WEIGHT) * self.variance + Self::WEIGHT * error * error / norm).clamp(0.4, 2.5);
    }

    fn deviation(&self) -> f64 {
        (self.variance * self.mean).sqrt()
    }

    fn is_below(&self, rate: f64) -> bool {
        rate / 1e3 > self.mean + 3.0 * self.deviation()
    }

    fn is_above(&self, rate: f64) -> bool {
        rate / 1e3 < self.mean - 3.0 * self.deviation()
    }
}

/// What feedback said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signal {
    pub(crate) usage: Usage,
    /// What arrives, in bits per second.
    pub(crate) acked: Option<f64>,
    /// Clearly less than the rate is sent, because there is no more.
    pub(crate) is_limited: bool,
    pub(crate) rtt_us: u64,
    pub(crate) queue_us: i64,
}

#[derive(Debug)]
pub(crate) struct Aimd {
    rate: f64,
    state: State,
    capacity: Option<Capacity>,
    updated_us: u64,
    lowered_us: Option<u64>,
}

impl Aimd {
    pub(crate) fn new(rate: f64, now_us: u64) -> Self {
        Self {
            rate,
            state: State::Hold,
            capacity: None,
            updated_us: now_us,
            lowered_us: None,
        }
    }

    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// By what is known otherwise: a probe, or that nothing comes back.
    pub(crate) fn set(&mut self, rate: f64, now_us: u64) {
        self.rate = rate.clamp(FLOOR, MOST);
        self.updated_us = now_us;
        if self.capacity.is_some_and(|capacity| capacity.is_below(rate)) {
            self.capacity = None;
        }
    }

    /// Gives whether the rate was lowered.
    pub(crate) fn handle(&mut self, signal: Signal, now_us: u64) -> bool {
        let passed_s = (now_us.saturating_sub(self.updated_us) as f64 / 1e6).min(1.0);
        self.updated_us = now_us;
        match signal.usage {
            Usage::Over => return self.is_due(signal, now_us) && self.decrease(signal, now_us),
            Usage::Under => self.state = State::Hold,
            Usage::Normal if self.state == State::Hold => self.state = State::Increase,
            Usage::Normal => self.increase(signal, passed_s),
        }
        false
    }

    fn is_due(&self, signal: Signal, now_us: u64) -> bool {
        let pause_us = signal.rtt_us.clamp(LEAST_PAUSE_US, MOST_PAUSE_US);
        let has_waited = |lowered_us| now_us.saturating_sub(lowered_us) >= pause_us;
        self.lowered_us.is_none_or(has_waited)
            || !signal.is_limited && signal.acked.is_some_and(|acked| acked < self.rate / 2.0)
    }

    fn decrease(&mut self, signal: Signal, now_us: u64) -> bool {
        self.state = State::Hold;
        self.lowered_us = Some(now_us);
        let acked = signal.acked.unwrap_or(self.rate);
        // While a queue drains, what was lowered for it is not lowered for it again.
        let is_draining = self.rate <= BACK_OFF * acked;
        let depth = 1.0 - signal.queue_us as f64 / 1e6;
        let back_off = if is_draining {
            BACK_OFF
        } else {
            depth.clamp(DEEP_BACK_OFF, BACK_OFF)
        };
        let mut rate = back_off * acked;
        if let Some(capacity) = self.capacity {
            if rate > self.rate {
                rate = back_off * capacity.mean * 1e3;
            }
            if capacity.is_above(acked) {
                self.capacity = None;
            }
        }
        if signal.is_limited {
            rate = rate.max(GENTLE_BACK_OFF * self.rate);
        } else if signal.acked.is_some() {
            self.capacity
                .get_or_insert_with(|| Capacity::new(acked))
                .handle(acked);
        }
        let is_lower = rate < self.rate;
        self.rate = self.rate.min(rate).max(FLOOR);
        is_lower
    }

    fn increase(&mut self, signal: Signal, passed_s: f64) {
        let Some(acked) = signal.acked else {
            return;
        };
        if self.capacity.is_some_and(|capacity| capacity.is_below(acked)) {
            self.capacity = None;
        }
        let most = (AHEAD * acked + AHEAD_MORE).min(MOST);
        if self.rate >= most {
            return;
        }
        let step = if self.capacity.is_some() {
            self.step_near_capacity(signal.rtt_us) * passed_s
        } else {
            (self.rate * (GROWTH.powf(passed_s) - 1.0)).max(LEAST_GROWTH * passed_s)
        };
        self.rate = (self.rate + step).min(most);
    }

    /// In a second.
    fn step_near_capacity(&self, rtt_us: u64) -> f64 {
        let frame = self.rate / FRAMES_PER_S;
        let packet = frame / (frame / PACKET_BITS).ceil().max(1.0);
        let response_s = 2.0 * (rtt_us as f64 / 1e6 + RESPONSE_S);
        (packet / response_s).max(LEAST_STEP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNAL: Signal = Signal {
        usage: Usage::Normal,
        acked: Some(1e6),
        is_limited: false,
        rtt_us: 50_000,
        queue_us: 20_000,
    };

    /// Feedback each 100 ms.
    fn run(aimd: &mut Aimd, signal: Signal, from_s: u64, seconds: u64) {
        for step in 0..seconds * 10 {
            aimd.handle(signal, from_s * 1_000_000 + step * 100_000);
        }
    }

    #[test]
    fn it_grows_by_eight_percent_a_second_up_to_half_more_than_arrives() {
        let mut aimd = Aimd::new(1e6, 0);
        run(&mut aimd, SIGNAL, 0, 3);
        assert!((1.2e6..1.26e6).contains(&aimd.rate()), "{}", aimd.rate());
        run(&mut aimd, SIGNAL, 3, 10);
        assert_eq!(aimd.rate(), 1.51e6);
    }

    #[test]
    fn an_overuse_leaves_less_than_arrives_and_then_it_grows_slowly() {
        let mut aimd = Aimd::new(1.2e6, 0);
        let over = Signal {
            usage: Usage::Over,
            ..SIGNAL
        };
        assert!(aimd.handle(over, 100_000));
        assert_eq!(aimd.rate(), 0.85e6);
        run(&mut aimd, SIGNAL, 1, 5);
        assert!((0.9e6..1.0e6).contains(&aimd.rate()), "{}", aimd.rate());
        let more = Signal {
            acked: Some(1.4e6),
            ..SIGNAL
        };
        run(&mut aimd, more, 6, 5);
        assert!(aimd.rate() > 1.3e6, "the capacity is another: {}", aimd.rate());
    }

    #[test]
    fn who_sends_little_keeps_the_rate_and_loses_it_slowly() {
        let mut aimd = Aimd::new(2e6, 0);
        let limited = Signal {
            acked: Some(4e4),
            is_limited: true,
            ..SIGNAL
        };
        run(&mut aimd, limited, 0, 60);
        assert_eq!(aimd.rate(), 2e6);
        let over = Signal {
            usage: Usage::Over,
            ..limited
        };
        assert!(aimd.handle(over, 60_000_000));
        assert_eq!(aimd.rate(), 1.7e6);
        assert!(!aimd.handle(over, 60_020_000), "not before a round trip");
        run(&mut aimd, over, 61, 10);
        assert_eq!(aimd.rate(), 34_000.0);
    }
}
