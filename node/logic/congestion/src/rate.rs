//! How much passed a point in the last moments.

/// What is counted together.
const BUCKET_US: i64 = 25_000;
/// The longest window: a second.
const BUCKETS: usize = 40;
/// The shortest window: 300 ms. Shorter ones see the gaps between clumps rather than the rate.
const LEAST_BUCKETS: usize = 12;
/// A window grows until it has so many packets, or is the longest.
const ENOUGH_PACKETS: u32 = 15;
/// Less says nothing of a rate.
const LEAST_US: i64 = 100_000;
/// What comes more than this before what came last is of a clock that was set back.
const SET_BACK: i64 = 10 * BUCKETS as i64;

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    bytes: u32,
    packets: u16,
}

/// A window over the last 300 to 1,000 ms, longer where there are few packets.
#[derive(Debug)]
pub(crate) struct Window {
    buckets: [Bucket; BUCKETS],
    seen: Option<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    first_us: i64,
    last_us: i64,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            buckets: [Bucket::default(); BUCKETS],
            seen: None,
        }
    }
}

fn bucket(at_us: i64) -> i64 {
    at_us.div_euclid(BUCKET_US)
}

fn index(bucket: i64) -> usize {
    bucket.rem_euclid(BUCKETS as i64) as usize
}

impl Window {
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Times may come out of order by less than the longest window; what is older is left out.
    pub(crate) fn add(&mut self, at_us: i64, bytes: u16) {
        let Some(seen) = &mut self.seen else {
            self.seen = Some(Seen {
                first_us: at_us,
                last_us: at_us,
            });
            return self.count(at_us, bytes);
        };
        let ahead = bucket(at_us) - bucket(seen.last_us);
        if ahead < -SET_BACK {
            self.reset();
            return self.add(at_us, bytes);
        }
        if ahead <= -(BUCKETS as i64) {
            return;
        }
        let cleared = bucket(seen.last_us) + 1;
        seen.last_us = seen.last_us.max(at_us);
        for ahead in 0..ahead.min(BUCKETS as i64) {
            self.buckets[index(cleared + ahead)] = Bucket::default();
        }
        self.count(at_us, bytes);
    }

    fn count(&mut self, at_us: i64, bytes: u16) {
        let bucket = &mut self.buckets[index(bucket(at_us))];
        bucket.bytes = bucket.bytes.saturating_add(u32::from(bytes));
        bucket.packets = bucket.packets.saturating_add(1);
    }

    /// Bits per second until `end_us`, or until what came last if that is later. `None` in the first 100 ms.
    pub(crate) fn rate(&self, end_us: i64) -> Option<f64> {
        let seen = self.seen?;
        let end_us = end_us.max(seen.last_us);
        let (newest, first) = (bucket(seen.last_us), bucket(seen.first_us));
        let mut from = bucket(end_us) + 1;
        let (mut bytes, mut packets) = (0_u64, 0);
        for count in 1..=BUCKETS {
            from -= 1;
            if from < first {
                break;
            }
            if from <= newest && from > newest - BUCKETS as i64 {
                let bucket = self.buckets[index(from)];
                bytes += u64::from(bucket.bytes);
                packets += u32::from(bucket.packets);
            }
            if count >= LEAST_BUCKETS && packets >= ENOUGH_PACKETS {
                break;
            }
        }
        let from_us = (from * BUCKET_US).max(seen.first_us);
        let window_us = end_us - from_us;
        (window_us >= LEAST_US).then(|| bytes as f64 * 8e6 / window_us as f64)
    }

    /// As [`Window::rate`], until what came last.
    pub(crate) fn last_rate(&self) -> Option<f64> {
        self.rate(i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(packets: impl IntoIterator<Item = (i64, u16)>) -> Window {
        let mut window = Window::default();
        for (at_ms, bytes) in packets {
            window.add(at_ms * 1_000, bytes);
        }
        window
    }

    fn kbps(rate: Option<f64>) -> i64 {
        rate.map_or(-1, |rate| (rate / 1e3).round() as i64)
    }

    #[test]
    fn a_steady_rate_is_found() {
        let steady = window((0..1_000).map(|at| (at * 2, 250)));
        assert!(
            (980..=1_040).contains(&kbps(steady.last_rate())),
            "{}",
            kbps(steady.last_rate())
        );
        assert_eq!(window([(0, 100), (99, 100)]).last_rate(), None);
    }

    #[test]
    fn clumps_with_gaps_have_the_same_rate() {
        let mut window = Window::default();
        for clump in 0..20 {
            for _ in 0..40 {
                window.add(clump * 80_000, 250);
            }
            if clump > 5 {
                let rate = kbps(window.last_rate());
                assert!((750..=1_350).contains(&rate), "{rate}");
            }
        }
    }

    #[test]
    fn voice_is_measured_over_a_second() {
        let mut voice = window((0..100).map(|at| (at * 20, 120)));
        assert!(
            (44..=52).contains(&kbps(voice.last_rate())),
            "{}",
            kbps(voice.last_rate())
        );
        assert_eq!(kbps(voice.rate(10_000_000)), 0);
        voice.add(10_000_000, 120);
        assert_eq!(kbps(voice.last_rate()), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_begins_anew() {
        let mut window = window((0..1_000).map(|at| (1_000_000 + at, 125)));
        window.add(0, 125);
        assert_eq!(window.last_rate(), None);
        window.add(200_000, 125);
        assert_eq!(kbps(window.last_rate()), 10);
        window.add(i64::from(i32::MIN), 125);
        assert!(window.last_rate().is_none());
    }
}
