//! How much the links to a partner carry.

/// What all links of this node with a partner may carry, each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// None: what the way carries.
    pub kbps: Option<u32>,
}

impl Bounds {
    pub(crate) fn bytes_per_s(self) -> Option<u64> {
        self.kbps.map(|kbps| u64::from(kbps) * 1_000 / 8)
    }
}

/// So much a second in the long run, and no more than `most` at once.
#[derive(Debug)]
pub(crate) struct Meter {
    per_s: u64,
    most: u64,
    /// In millionths; less than nothing where more was taken than was left.
    left: i128,
    at_us: u64,
}

const MILLION: i128 = 1_000_000;

impl Meter {
    pub(crate) fn new(per_s: u64, most: u64) -> Self {
        Self {
            per_s,
            most,
            left: i128::from(most) * MILLION,
            at_us: 0,
        }
    }

    /// Other limits from now on.
    pub(crate) fn set(&mut self, per_s: u64, most: u64) {
        (self.per_s, self.most) = (per_s, most);
    }

    /// Whether anything is left.
    pub(crate) fn has(&mut self, now_us: u64) -> bool {
        let passed = i128::from(now_us.saturating_sub(self.at_us));
        self.at_us = self.at_us.max(now_us);
        let filled = self.left.saturating_add(passed.saturating_mul(self.per_s.into()));
        self.left = filled.min(i128::from(self.most) * MILLION);
        self.left > 0
    }

    /// Takes what was used, if need be more than is left: that is waited for.
    pub(crate) fn take(&mut self, count: u64) {
        self.left = self.left.saturating_sub(i128::from(count) * MILLION);
    }

    /// Takes so much if something is left.
    pub(crate) fn try_take(&mut self, now_us: u64, count: u64) -> bool {
        let has = self.has(now_us);
        if has {
            self.take(count);
        }
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_long_run_it_is_so_much_a_second_and_never_more_than_the_most_at_once() {
        let mut meter = Meter::new(1_000, 100);
        let taken =
            |meter: &mut Meter, now_us: u64| (0..10_000).filter(|_| meter.try_take(now_us, 1)).count();
        assert_eq!(taken(&mut meter, 0), 100);
        assert_eq!(taken(&mut meter, 50_000), 50);
        assert_eq!(taken(&mut meter, 10_000_000), 100);
        assert_eq!(
            taken(&mut meter, 9_000_000),
            0,
            "a clock that goes back gives nothing"
        );
        let long = (0..1_000).map(|ms| taken(&mut meter, 10_000_000 + ms * 1_000));
        assert_eq!(long.sum::<usize>(), 999);
        let mut meter = Meter::new(1_000, 100);
        let large = (0..1_000).filter(|ms| meter.try_take(ms * 1_000, 50)).count();
        assert!((20..=23).contains(&large), "{large} times 50 in a second");
    }
}
