//! Clocks of one machine, none of which shows the true time.

use plenary_licences::clock::Reading;
use rand::{RngExt, rngs::StdRng};

/// Parts per million of the true rate.
const RATES: [u64; 5] = [990_000, 990_000, 1_000_000, 1_010_000, 1_010_000];
/// The wall clock shows this when the true time is 0, unless it was set.
const YEAR_2026_MS: i64 = 1_767_225_600_000;

#[derive(Debug, Clone)]
pub(crate) struct Clock {
    rate: u64,
    /// True time of the boot, less what the machine was suspended for since.
    booted_ms: u64,
    /// What the boot clock showed then.
    base_ms: u64,
    wall_off_ms: i64,
    pub(crate) boot_id: u128,
}

impl Clock {
    pub(crate) fn new(rng: &mut StdRng, now: u64) -> Self {
        let rate = RATES[rng.random_range(0..RATES.len())];
        let mut clock = Self {
            rate,
            booted_ms: 0,
            base_ms: 0,
            wall_off_ms: 0,
            boot_id: 0,
        };
        clock.boot(rng, now);
        clock
    }

    pub(crate) fn boot(&mut self, rng: &mut StdRng, now: u64) {
        self.booted_ms = now;
        self.base_ms = rng.random_range(0..2_000_000);
        self.boot_id = rng.random();
    }

    /// A hypervisor held the machine for so long: its boot clock stood still, its wall clock is set right.
    pub(crate) fn held(&mut self, ms: u64) {
        self.booted_ms += ms;
    }

    pub(crate) fn jump(&mut self, ms: i64) {
        self.wall_off_ms += ms;
    }

    /// It runs as slow as it may, or as fast.
    pub(crate) fn set_rate(&mut self, is_slow: bool) {
        self.rate = if is_slow { RATES[0] } else { RATES[4] };
    }

    /// True milliseconds in which this clock shows so many.
    pub(crate) fn true_ms(&self, ms: u64) -> u64 {
        ms * 1_000_000 / self.rate
    }

    pub(crate) fn read(&self, now: u64) -> Reading {
        let boot_ms = self.base_ms + now.saturating_sub(self.booted_ms) * self.rate / 1_000_000;
        let wall = YEAR_2026_MS + i64::try_from(now * self.rate / 1_000_000).unwrap_or(i64::MAX);
        Reading {
            boot_ms,
            wall_ms: u64::try_from(wall + self.wall_off_ms).unwrap_or(0),
        }
    }
}
