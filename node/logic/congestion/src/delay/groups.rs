//! Packets that were sent or arrived in one burst, taken together.
//!
//! What a busy receiver reads late arrives in a clump: the first packet of it is late, and all that follow come at
//! once although they were sent one after another. Those belong to the burst of the first one, so that only the last
//! of them counts, which was not late at all.

/// Packets that were sent within this belong together.
const SENT_TOGETHER_US: u64 = 5_000;
/// What arrives so shortly after another packet, and sooner than it was sent after it, belongs to its burst.
const ARRIVED_TOGETHER_US: i64 = 5_000;
/// No burst lasts longer.
const LONGEST_BURST_US: i64 = 100_000;
/// A group whose packets are so far apart at their arrival counts as a burst from there on.
const APART_US: i64 = 20_000;
/// So many groups one after another that arrive before the one before them: the receiver's clock was set back.
const MOST_SET_BACK: u8 = 3;
/// Arrivals that are apart by so much more than feedback is: the receiver's clock was set forth.
const SET_FORTH_US: i64 = 3_000_000;

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent_us: u64,
    last_sent_us: u64,
    /// Of the burst.
    first_arrived_us: i64,
    last_arrived_us: i64,
    /// When feedback told of its last packet.
    told_us: u64,
}

/// From the last packet of a group to the last one of the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Deltas {
    pub(super) sent_ms: f64,
    pub(super) arrived_ms: f64,
    /// When the second one arrived, by the receiver's clock.
    pub(super) at_us: i64,
}

#[derive(Debug, Default)]
pub(super) struct Groups {
    previous: Option<Group>,
    current: Option<Group>,
    set_back: u8,
}

impl Group {
    fn new(sent_us: u64, arrived_us: i64, now_us: u64) -> Self {
        Self {
            first_sent_us: sent_us,
            last_sent_us: sent_us,
            first_arrived_us: arrived_us,
            last_arrived_us: arrived_us,
            told_us: now_us,
        }
    }

    fn is_joined_by(&self, sent_us: u64, arrived_us: i64) -> bool {
        if sent_us - self.first_sent_us <= SENT_TOGETHER_US {
            return true;
        }
        let after_us = arrived_us - self.last_arrived_us;
        (-LONGEST_BURST_US..=ARRIVED_TOGETHER_US).contains(&after_us)
            && after_us < sent_us.saturating_sub(self.last_sent_us) as i64
            && arrived_us - self.first_arrived_us < LONGEST_BURST_US
    }

    fn join(&mut self, sent_us: u64, arrived_us: i64, now_us: u64) {
        if arrived_us - self.last_arrived_us > APART_US {
            self.first_arrived_us = arrived_us;
        }
        self.last_sent_us = self.last_sent_us.max(sent_us);
        self.last_arrived_us = self.last_arrived_us.max(arrived_us);
        self.told_us = now_us;
    }
}

impl Groups {
    /// Gives the distances of the last two groups once the next one begins.
    pub(super) fn handle_arrived(&mut self, sent_us: u64, arrived_us: i64, now_us: u64) -> Option<Deltas> {
        let Some(current) = &mut self.current else {
            self.current = Some(Group::new(sent_us, arrived_us, now_us));
            return None;
        };
        if sent_us < current.first_sent_us {
            return None;
        }
        if current.is_joined_by(sent_us, arrived_us) {
            current.join(sent_us, arrived_us, now_us);
            return None;
        }
        let complete = *current;
        *current = Group::new(sent_us, arrived_us, now_us);
        let previous = self.previous.replace(complete)?;
        let arrived_delta_us = complete.last_arrived_us - previous.last_arrived_us;
        let told_delta_us = complete.told_us.saturating_sub(previous.told_us) as i64;
        if arrived_delta_us - told_delta_us >= SET_FORTH_US {
            *self = Self::default();
            return None;
        }
        if arrived_delta_us < 0 {
            self.set_back += 1;
            if self.set_back >= MOST_SET_BACK {
                *self = Self::default();
            }
            return None;
        }
        self.set_back = 0;
        Some(Deltas {
            sent_ms: complete.last_sent_us.saturating_sub(previous.last_sent_us) as f64 / 1e3,
            arrived_ms: arrived_delta_us as f64 / 1e3,
            at_us: complete.last_arrived_us,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets as milliseconds of sending and arrival; gives distances in milliseconds.
    fn deltas(packets: &[(u64, i64)]) -> Vec<(i64, i64)> {
        let mut groups = Groups::default();
        packets
            .iter()
            .filter_map(|(sent, arrived)| groups.handle_arrived(sent * 1_000, arrived * 1_000, sent * 1_000))
            .map(|deltas| (deltas.sent_ms as i64, deltas.arrived_ms as i64))
            .collect()
    }

    #[test]
    fn packets_of_a_frame_are_one_group() {
        let packets = [(0, 10), (1, 12), (5, 15), (33, 43), (34, 46), (66, 76), (99, 109)];
        assert_eq!(deltas(&packets), [(29, 31), (32, 30)]);
    }

    #[test]
    fn a_clump_is_one_group_that_was_not_late() {
        // Nothing is read from 30 to 120.
        let sent = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140];
        let packets: Vec<_> = sent
            .iter()
            .map(|sent| {
                (
                    *sent,
                    if (20..115).contains(sent) {
                        125
                    } else {
                        *sent as i64 + 10
                    },
                )
            })
            .collect();
        let deltas = deltas(&packets);
        assert_eq!(deltas, [(10, 10), (110, 110), (10, 10)]);
    }

    #[test]
    fn a_clump_that_begins_in_a_frame_is_one_group() {
        let packets = [
            (0, 10),
            (10, 20),
            (20, 30),
            (24, 150),
            (40, 150),
            (80, 151),
            (130, 151),
            (150, 160),
            (160, 170),
        ];
        assert_eq!(deltas(&packets), [(10, 10), (120, 131), (20, 9)]);
    }

    #[test]
    fn a_slow_link_is_no_clump() {
        let packets: Vec<_> = (0..20)
            .map(|index| (index * 10, 10 + 15 * index as i64))
            .collect();
        assert!(deltas(&packets).iter().all(|deltas| *deltas == (10, 15)));
    }

    #[test]
    fn a_clock_that_is_set_back_begins_anew() {
        let mut packets: Vec<_> = (0..10)
            .map(|index| (index * 10, 1_000 + 10 * index as i64))
            .collect();
        packets.extend((10..20).map(|index| (index * 10, 10 * index as i64)));
        let deltas = deltas(&packets);
        assert!(deltas.iter().all(|deltas| *deltas == (10, 10)), "{deltas:?}");
        assert!(deltas.len() >= 10, "{deltas:?}");
    }
}
