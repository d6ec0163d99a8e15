//! How long the queue is: how much longer the quickest of the last packets took than the quickest of all.
//!
//! Whatever a receiver reads late, the last packet of what it reads was not late by much: the quickest packet sees the
//! queue of the network and not the receiver. So a queue is told from a receiver that is busy.

/// The last packets are those of one to two of these, by when they were sent.
const RECENT_US: u64 = 200_000;
/// All packets are those of one to two of these. A way that has become longer is a queue for that long.
const BASE_US: u64 = 5_000_000;

/// The lowest value of the last one or two epochs.
#[derive(Debug)]
struct Lowest {
    epoch_us: u64,
    until_us: u64,
    current: i64,
    previous: i64,
}

impl Lowest {
    fn new(epoch_us: u64) -> Self {
        Self {
            epoch_us,
            until_us: 0,
            current: i64::MAX,
            previous: i64::MAX,
        }
    }

    fn handle(&mut self, value: i64, at_us: u64) {
        if at_us >= self.until_us {
            let is_next = at_us < self.until_us + self.epoch_us;
            self.previous = if is_next { self.current } else { i64::MAX };
            self.current = i64::MAX;
            self.until_us = at_us + self.epoch_us;
        }
        self.current = self.current.min(value);
    }

    fn value(&self) -> i64 {
        self.current.min(self.previous)
    }
}

#[derive(Debug)]
pub(super) struct Standing {
    recent: Lowest,
    base: Lowest,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            recent: Lowest::new(RECENT_US),
            base: Lowest::new(BASE_US),
        }
    }
}

impl Standing {
    pub(super) fn handle_arrived(&mut self, sent_us: u64, arrived_us: i64) {
        let took_us = arrived_us - sent_us as i64;
        self.recent.handle(took_us, sent_us);
        self.base.handle(took_us, sent_us);
    }

    /// In microseconds.
    pub(super) fn queue_us(&self) -> i64 {
        self.recent.value().saturating_sub(self.base.value())
    }

    /// What the quickest packet took, by two clocks that have nothing to do with each other.
    pub(super) fn base_us(&self) -> i64 {
        self.base.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_receiver_is_no_queue() {
        let mut standing = Standing::default();
        for sent_us in (0..3_000_000).step_by(5_000) {
            // Read each 100 ms.
            let read_us = (sent_us + 20_000_u64).next_multiple_of(100_000);
            standing.handle_arrived(sent_us, read_us as i64);
            assert!(
                sent_us < 500_000 || standing.queue_us() < 10_000,
                "{}",
                standing.queue_us()
            );
        }
    }

    #[test]
    fn a_queue_is_seen_while_it_stands_and_a_longer_way_is_learned() {
        let mut standing = Standing::default();
        for sent_us in (0..20_000_000_u64).step_by(10_000) {
            let queue_us = if sent_us < 5_000_000 { 0 } else { 80_000 };
            standing.handle_arrived(sent_us, sent_us as i64 - 777 + queue_us);
            if (5_400_000..9_000_000).contains(&sent_us) {
                assert_eq!(standing.queue_us(), 80_000);
            }
        }
        assert_eq!(standing.queue_us(), 0);
    }
}
