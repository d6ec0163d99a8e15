//! What was sent: packets by their transport-wide numbers, until feedback tells of them.

/// Packets that are remembered: 1.8 s of 5 Mbit/s. A power of two.
const PACKETS: usize = 1_024;
/// Times are kept in these, in 32 bits: they wrap around after 19 hours, by when `FORGET_US` has emptied the ring.
const TICK_US: u64 = 16;
/// Older packets are not remembered; nor is anything after a pause so long.
const FORGET_US: u64 = 60_000_000;
/// The number before the first, so that none needs to be negative.
const BEFORE: u64 = 0xffff;

/// A packet of no probe.
pub(crate) const MEDIA: u8 = 0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Flying,
    Missing,
    Arrived,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    sent_ticks: u32,
    bytes: u16,
    cluster: u8,
    state: State,
}

/// A packet that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) sent_us: u64,
    pub(crate) bytes: u16,
    /// The probe to which it belongs, or [`MEDIA`].
    pub(crate) cluster: u8,
    /// It had been told missing.
    pub(crate) was_missing: bool,
}

/// Eight bytes for each packet.
#[derive(Debug)]
pub(crate) struct History {
    entries: Box<[Entry; PACKETS]>,
    /// The number of the next packet; its lower 16 bits go on the wire.
    next: u64,
    oldest: u64,
    /// What precedes this was told of, or is not going to be.
    told: u64,
    last_us: u64,
}

impl History {
    pub(crate) fn new() -> Self {
        Self {
            entries: Box::new([Entry::default(); PACKETS]),
            next: BEFORE + 1,
            oldest: BEFORE + 1,
            told: BEFORE + 1,
            last_us: 0,
        }
    }

    fn entry(&mut self, number: u64) -> &mut Entry {
        &mut self.entries[number as usize % PACKETS]
    }

    /// Gives the packet's number; its lower 16 bits go on the wire.
    pub(crate) fn push(&mut self, bytes: u16, cluster: u8, now_us: u64) -> u64 {
        if now_us.saturating_sub(self.last_us) > FORGET_US {
            self.forget();
        }
        self.last_us = now_us;
        let number = self.next;
        *self.entry(number) = Entry {
            sent_ticks: (now_us / TICK_US) as u32,
            bytes,
            cluster,
            state: State::Flying,
        };
        self.next += 1;
        self.oldest = self.oldest.max(self.next.saturating_sub(PACKETS as u64));
        number
    }

    /// Feedback on what was sent until now changes nothing any longer.
    pub(crate) fn forget(&mut self) {
        self.oldest = self.next;
        self.told = self.next;
    }

    /// The newest number sent that has these lower bits. May be one that is forgotten, or was never sent.
    pub(crate) fn extend(&self, low: u16) -> u64 {
        let last = self.next - 1;
        last - u64::from((last as u16).wrapping_sub(low))
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Feedback has told of everything before this.
    pub(crate) fn told(&self) -> u64 {
        self.told
    }

    /// Gives the packet, once. None for one that is unknown, forgotten or doubled.
    pub(crate) fn handle_arrived(&mut self, number: u64, now_us: u64) -> Option<Packet> {
        if number < self.oldest || number >= self.next {
            return None;
        }
        self.told = self.told.max(number + 1);
        let entry = self.entry(number);
        let now_ticks = now_us / TICK_US;
        let age_ticks = u64::from((now_ticks as u32).wrapping_sub(entry.sent_ticks));
        if entry.state == State::Arrived || age_ticks > FORGET_US / TICK_US {
            return None;
        }
        let was_missing = entry.state == State::Missing;
        entry.state = State::Arrived;
        Some(Packet {
            sent_us: now_ticks.saturating_sub(age_ticks) * TICK_US,
            bytes: entry.bytes,
            cluster: entry.cluster,
            was_missing,
        })
    }

    /// Gives how many packets of no probe are told missing for the first time. Costs at most one step for each packet
    /// sent, however often it is told.
    pub(crate) fn handle_missing(&mut self, first: u64, count: u16) -> u32 {
        let end = (first + u64::from(count)).min(self.next);
        let mut missing = 0;
        for number in first.max(self.told).max(self.oldest)..end {
            let entry = self.entry(number);
            entry.state = State::Missing;
            missing += u32::from(entry.cluster == MEDIA);
        }
        self.told = self.told.max(end);
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(count: u64) -> History {
        let mut history = History::new();
        for index in 0..count {
            history.push(100, MEDIA, 1_000 * index);
        }
        history
    }

    #[test]
    fn an_entry_is_eight_bytes() {
        assert_eq!(size_of::<Entry>(), 8);
    }

    #[test]
    fn a_packet_arrives_once() {
        let mut history = sent(10);
        let number = history.extend(3);
        let packet = history.handle_arrived(number, 50_000).expect("sent");
        assert_eq!(
            (packet.sent_us, packet.bytes, packet.was_missing),
            (2_992, 100, false)
        );
        assert_eq!(history.handle_arrived(number, 50_000), None);
    }

    #[test]
    fn numbers_wrap_around_and_old_ones_are_forgotten() {
        let mut history = sent(70_000);
        assert_eq!(history.extend((70_000_u64 - 1) as u16), BEFORE + 70_000);
        assert!(history.handle_arrived(BEFORE + 70_000, 70_000_000).is_some());
        assert_eq!(history.handle_arrived(BEFORE + 70_001 - 1_025, 70_000_000), None);
        assert!(
            history
                .handle_arrived(BEFORE + 70_001 - 1_024, 70_000_000)
                .is_some()
        );
    }

    #[test]
    fn what_was_never_sent_is_unknown() {
        let mut history = sent(5);
        for low in 5..=u16::MAX {
            let number = history.extend(low);
            assert_eq!(history.handle_arrived(number, 10_000), None);
        }
        assert_eq!(history.handle_missing(BEFORE + 1, u16::MAX), 5);
        assert_eq!(History::new().handle_missing(BEFORE, u16::MAX), 0);
    }

    #[test]
    fn missing_packets_count_once_and_may_still_arrive() {
        let mut history = sent(10);
        assert_eq!(history.handle_missing(BEFORE + 1, 4), 4);
        assert_eq!(history.handle_missing(BEFORE + 1, 6), 2);
        let packet = history.handle_arrived(BEFORE + 2, 20_000).expect("late");
        assert!(packet.was_missing);
        assert_eq!(history.handle_missing(BEFORE + 1, 6), 0);
    }

    #[test]
    fn a_pause_empties_it_before_times_wrap_around() {
        let mut history = sent(1);
        history.push(100, MEDIA, 1 << 40);
        assert_eq!(history.handle_arrived(BEFORE + 1, 1 << 40), None);
        assert!(history.handle_arrived(BEFORE + 2, (1 << 40) + 5).is_some());
        history.push(100, MEDIA, (1 << 40) + 50_000_000);
        assert_eq!(
            history.handle_arrived(BEFORE + 3, (1 << 40) + 120_000_000),
            None,
            "too old"
        );
    }
}
