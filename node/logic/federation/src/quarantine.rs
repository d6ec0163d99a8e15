//! Partners that misbehave are not answered for a while, each time for longer.

use plenary_model::Timestamp;

/// When a partner is put into quarantine, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuarantineRules {
    /// So many faults within [`QuarantineRules::window_ms`] begin one.
    pub faults: u32,
    pub window_ms: u64,
    /// How long the first one is; each next one is twice as long.
    pub first_ms: u64,
    /// And none is longer.
    pub longest_ms: u64,
    /// After so long without a fault, the next one is a first one again.
    pub forget_ms: u64,
}

impl Default for QuarantineRules {
    fn default() -> Self {
        const MINUTE: u64 = 60_000;
        Self {
            faults: 20,
            window_ms: MINUTE,
            first_ms: MINUTE,
            longest_ms: 24 * 60 * MINUTE,
            forget_ms: 24 * 60 * MINUTE,
        }
    }
}

/// How a partner behaved. Faults are what it did although it knows better: unreadable messages, or more than it may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quarantine {
    /// Faults since `since`.
    faults: u32,
    since: Timestamp,
    last: Timestamp,
    /// Quarantines since it was well for long.
    times: u32,
    until: Timestamp,
}

impl Quarantine {
    /// One that goes on until then, as another node said.
    pub fn lasting(until: Timestamp) -> Self {
        Self {
            until,
            ..Self::default()
        }
    }

    /// Until when it is not answered; `None` where it is.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        (now < self.until).then_some(self.until)
    }

    /// Counts a fault. Gives until when it is not answered, if that begins now or goes on.
    pub fn fault(&mut self, now: Timestamp, rules: &QuarantineRules) -> Option<Timestamp> {
        // The time in quarantine is not one in which it behaved.
        let since = self.last.max(self.until);
        if now.0.saturating_sub(since.0) >= rules.forget_ms {
            *self = Self::default();
        }
        self.last = now;
        if self.until(now).is_some() {
            return Some(self.until);
        }
        if now.0.saturating_sub(self.since.0) >= rules.window_ms {
            (self.faults, self.since) = (0, now);
        }
        self.faults = self.faults.saturating_add(1);
        if self.faults < rules.faults {
            return None;
        }
        let doubled = rules.first_ms.saturating_mul(1 << self.times.min(32));
        self.until = Timestamp(now.0.saturating_add(doubled.min(rules.longest_ms)));
        self.times = self.times.saturating_add(1);
        self.faults = 0;
        Some(self.until)
    }

    /// Of two nodes' quarantines the one that lasts longer.
    pub(crate) fn or_longer(self, other: Self) -> Self {
        if other.until > self.until { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;
    const MINUTE: u64 = 60_000;
    const DAY: u64 = 24 * 60 * MINUTE;

    /// Faults until a quarantine begins at `at`; gives how long it is.
    fn begin(quarantine: &mut Quarantine, at: u64) -> u64 {
        let rules = QuarantineRules::default();
        for _ in 1..rules.faults {
            assert_eq!(quarantine.fault(Timestamp(at), &rules), None);
        }
        let until = quarantine.fault(Timestamp(at), &rules).expect("it begins");
        assert_eq!(quarantine.until(Timestamp(until.0 - 1)), Some(until));
        assert_eq!(quarantine.until(until), None, "it ends by itself");
        until.0 - at
    }

    #[test]
    fn each_quarantine_is_twice_as_long_as_the_one_before_up_to_a_day() {
        let mut quarantine = Quarantine::default();
        let mut at = START;
        let mut lengths = Vec::new();
        for _ in 0..13 {
            let length = begin(&mut quarantine, at);
            lengths.push(length / MINUTE);
            at += length;
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440]);
        assert_eq!(
            begin(&mut quarantine, at + DAY) / MINUTE,
            1,
            "it was well for a day"
        );
    }

    #[test]
    fn a_fault_now_and_then_begins_none() {
        let (mut quarantine, rules) = (Quarantine::default(), QuarantineRules::default());
        for number in 0..10 * u64::from(rules.faults) {
            let at = Timestamp(START + number * rules.window_ms / 10);
            assert_eq!(quarantine.fault(at, &rules), None);
        }
    }
}
