//! How fast the link is: what the transport says, or less where what leaves shows it.

/// Until the transport has said something: 20 Mbit/s.
const GUESS: u64 = 2_500_000;
/// What leaves is measured over this time, while something waits.
const MEASURED_US: u64 = 50_000;

#[derive(Debug)]
pub(super) struct Rate {
    path: u64,
    measured: Option<u64>,
    /// Since when something waits, and how many bytes left since.
    busy: Option<(u64, u64)>,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            path: GUESS,
            measured: None,
            busy: None,
        }
    }
}

impl Rate {
    pub(super) fn set(&mut self, bytes_per_s: u64) {
        self.path = bytes_per_s;
    }

    pub(super) fn bytes_per_s(&self) -> u64 {
        self.measured
            .map_or(self.path, |measured| measured.min(self.path))
    }

    pub(super) fn left(&mut self, now_us: u64, bytes: usize) {
        let (_, left) = self.busy.get_or_insert((now_us, 0));
        *left += bytes as u64;
        self.look(now_us);
    }

    /// Something waits: has it for long enough to be measured?
    pub(super) fn look(&mut self, now_us: u64) {
        let (since_us, left) = *self.busy.get_or_insert((now_us, 0));
        let passed_us = now_us.saturating_sub(since_us);
        if passed_us >= MEASURED_US {
            self.measured = Some(left.saturating_mul(1_000_000) / passed_us);
            self.busy = Some((now_us, 0));
        }
    }

    /// Nothing waits: the link is as fast as the transport says.
    pub(super) fn idle(&mut self) {
        self.busy = None;
        self.measured = None;
    }
}
