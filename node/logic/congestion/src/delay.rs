//! Whether a queue grows on the way: from how the distances between packets change (draft-ietf-rmcat-gcc-02 §5.2 to
//! §5.4; a line through the last samples instead of the Kalman filter, as libwebrtc does today).

mod groups;
mod standing;
mod trend;

use groups::Groups;
use standing::Standing;
use trend::Trend;

/// After a pause so long nothing of before counts.
const PAUSE_US: u64 = 2_000_000;
/// A queue that is said to grow and is shorter than this is a receiver that reads late.
const GROWN_US: i64 = 25_000;
/// While the queue is longer than this, it is to become shorter before more is sent.
const LONG_US: i64 = 100_000;

/// What becomes of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Usage {
    #[default]
    Normal,
    /// It grows.
    Over,
    /// It shrinks, or is to shrink.
    Under,
}

#[derive(Debug, Default)]
pub(crate) struct Detector {
    groups: Groups,
    trend: Trend,
    standing: Standing,
    last_us: u64,
}

impl Detector {
    pub(crate) fn reset(&mut self) {
        self.groups = Groups::default();
        self.trend = Trend::default();
        self.standing = Standing::default();
    }

    /// To be called in the order of the packets' numbers. `arrived_us` is of the receiver's clock.
    pub(crate) fn handle_arrived(&mut self, sent_us: u64, arrived_us: i64, now_us: u64) {
        if now_us.saturating_sub(self.last_us) > PAUSE_US {
            self.reset();
        }
        self.last_us = now_us;
        self.standing.handle_arrived(sent_us, arrived_us);
        if let Some(deltas) = self.groups.handle_arrived(sent_us, arrived_us, now_us) {
            self.trend.handle_deltas(deltas);
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        match self.trend.usage() {
            Usage::Over if self.standing.queue_us() < GROWN_US => Usage::Normal,
            Usage::Normal if self.is_long() => Usage::Under,
            usage => usage,
        }
    }

    /// Whether a long queue stands.
    pub(crate) fn is_long(&self) -> bool {
        self.queue_us() > LONG_US
    }

    /// How long the quickest of the last packets took beyond what it takes without a queue.
    pub(crate) fn queue_us(&self) -> i64 {
        self.standing.queue_us()
    }

    /// What a packet takes without a queue, from our clock to the receiver's, which have nothing to do with each other.
    pub(crate) fn base_us(&self) -> i64 {
        self.standing.base_us()
    }
}
