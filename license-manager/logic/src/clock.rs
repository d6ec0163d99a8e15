//! Durations that can be trusted although no two clocks agree (`docs/decisions/0009`).
//!
//! Clocks may run up to 1 % too fast or too slow. All margins of the protocol stand here.

use crate::mutant::{self, Mutant};
use serde::{Deserialize, Serialize};

/// What the clocks of a machine say at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// Milliseconds of the clock that also runs while the machine is suspended (`CLOCK_BOOTTIME`).
    pub boot_ms: u64,
    /// Milliseconds since 1970 by the wall clock; it may be set to anything.
    pub wall_ms: u64,
}

/// A duration that began at a moment of one machine. It means nothing on another machine or after it booted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    from: Reading,
    length_ms: u64,
}

impl Span {
    /// Begins at `from` and lasts `length_ms`.
    pub fn new(from: Reading, length_ms: u64) -> Self {
        Self { from, length_ms }
    }

    /// Milliseconds that are left; 0 when it is over.
    ///
    /// Both clocks are asked and the longer time is believed: a virtual machine that was stopped and goes on may have
    /// a boot clock that knows nothing of it. So setting the wall clock can end a span early and never lengthens it.
    pub fn left_ms(&self, now: Reading) -> u64 {
        let Some(by_boot) = now.boot_ms.checked_sub(self.from.boot_ms) else {
            // That clock never goes back: it is the clock of another boot.
            return 0;
        };
        let by_wall = if mutant::planted(Mutant::PauseNotNoticed) {
            0
        } else {
            now.wall_ms.saturating_sub(self.from.wall_ms)
        };
        self.length_ms.saturating_sub(by_boot.max(by_wall))
    }

    /// Whether nothing is left.
    pub fn is_over(&self, now: Reading) -> bool {
        self.left_ms(now) == 0
    }
}

/// How long a lessee uses a lease of `ttl_ms`, counted from when it *sent* the renewal: 1 % and a second less.
pub fn lessee_ms(ttl_ms: u64) -> u64 {
    (u128::from(ttl_ms) * 99 / 100)
        .saturating_sub(1000)
        .try_into()
        .unwrap_or(u64::MAX)
}

/// How long a lessor counts a lease of `ttl_ms`, counted from when it *applied* the renewal: as long as a lessee could
/// use it whose clock is 1 % too slow, measured by a clock that is 1 % too fast.
pub fn lessor_ms(ttl_ms: u64) -> u64 {
    if mutant::planted(Mutant::LessorMarginDropped) {
        return ttl_ms;
    }
    slowest_ms(ttl_ms)
}

/// How long a node uses a lease of which its leader says that `left_ms` are left, counted from when it *asked*.
pub fn asked_ms(left_ms: u64) -> u64 {
    (u128::from(left_ms) * 98 / 100).try_into().unwrap_or(u64::MAX)
}

/// How long a leader keeps the seats of a node that is silent, counted from the last request it *received*.
///
/// Invariant: longer than the node's `limit_ms` even if the node's clock is 1 % slow and this one 1 % fast; 3 s more
/// alone would only do for limits below 2.5 minutes (`docs/decisions/0009`).
pub fn silence_ms(limit_ms: u64) -> u64 {
    if mutant::planted(Mutant::SilenceWithoutDrift) {
        return limit_ms.saturating_add(3000);
    }
    slowest_ms(limit_ms).saturating_add(3000)
}

/// Rounded up.
fn slowest_ms(ms: u64) -> u64 {
    (u128::from(ms) * 101).div_ceil(99).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(boot_ms: u64, wall_ms: u64) -> Reading {
        Reading { boot_ms, wall_ms }
    }

    #[test]
    fn the_longer_of_two_durations_is_believed() {
        let span = Span::new(at(1000, 50_000), 500);
        assert_eq!(span.left_ms(at(1100, 50_100)), 400);
        // A virtual machine was stopped: its boot clock did not run.
        assert!(span.is_over(at(1100, 50_500)));
        // The wall clock was set back a year: nothing is gained.
        assert_eq!(span.left_ms(at(1100, 0)), 400);
        assert!(span.is_over(at(1500, 0)));
    }

    #[test]
    fn a_span_of_another_boot_is_over() {
        assert!(Span::new(at(1000, 0), 500).is_over(at(999, 0)));
    }

    proptest! {
        /// True time: a clock that is 1 % slow shows 0.99 of it, one that is 1 % fast 1.01.
        #[test]
        fn who_lends_always_waits_longer_than_who_borrows(ms in 1_u64..(7 * 86_400_000)) {
            let longest_use = lessee_ms(ms) as f64 / 0.99;
            prop_assert!(longest_use <= lessor_ms(ms) as f64 / 1.01);
            prop_assert!(ms as f64 / 0.99 + 2900.0 < silence_ms(ms) as f64 / 1.01);
            // Leader and node: the leader's clock is fast, the node's slow.
            prop_assert!(asked_ms(ms) as f64 / 0.99 <= ms as f64 / 1.01);
        }
    }
}
