//! How the delay changes, against a threshold that adapts to how much it changes anyway.

use super::{Usage, groups::Deltas};

/// The line goes through so many samples.
const SAMPLES: usize = 20;
/// Of the smoothed delay, what remains with each sample.
const SMOOTHING: f64 = 0.9;
const GAIN: f64 = 4.0;
/// A trend counts by how many samples it stands on, up to this.
const MOST_COUNTED: u32 = 60;
/// An overuse lasts longer than this.
const OVERUSE_MS: f64 = 10.0;
const FIRST_THRESHOLD: f64 = 12.5;
const LEAST_THRESHOLD: f64 = 6.0;
const MOST_THRESHOLD: f64 = 600.0;
const THRESHOLD_UP: f64 = 0.0087;
const THRESHOLD_DOWN: f64 = 0.039;
/// What exceeds the threshold by more does not change it.
const NO_OUTLIER: f64 = 15.0;
/// The threshold changes as if no more time had passed.
const LONGEST_STEP_MS: f64 = 100.0;

#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    at_ms: f64,
    delay_ms: f64,
}

#[derive(Debug)]
pub(super) struct Trend {
    samples: [Sample; SAMPLES],
    /// All that were seen; the last of them are kept.
    count: u32,
    first_at_us: i64,
    last_at_us: i64,
    delay_ms: f64,
    smoothed_ms: f64,
    threshold: f64,
    previous: f64,
    /// While the threshold is exceeded: for how long, and how often.
    over_ms: Option<f64>,
    over_count: u32,
    usage: Usage,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            samples: [Sample::default(); SAMPLES],
            count: 0,
            first_at_us: 0,
            last_at_us: 0,
            delay_ms: 0.0,
            smoothed_ms: 0.0,
            threshold: FIRST_THRESHOLD,
            previous: 0.0,
            over_ms: None,
            over_count: 0,
            usage: Usage::Normal,
        }
    }
}

impl Trend {
    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    pub(super) fn handle_deltas(&mut self, deltas: Deltas) {
        if self.count == 0 {
            self.first_at_us = deltas.at_us;
            self.last_at_us = deltas.at_us;
        }
        self.delay_ms += deltas.arrived_ms - deltas.sent_ms;
        self.smoothed_ms = SMOOTHING * self.smoothed_ms + (1.0 - SMOOTHING) * self.delay_ms;
        self.samples[self.count as usize % SAMPLES] = Sample {
            at_ms: (deltas.at_us - self.first_at_us) as f64 / 1e3,
            delay_ms: self.smoothed_ms,
        };
        self.count = self.count.saturating_add(1);
        let slope = if self.count as usize >= SAMPLES {
            slope(&self.samples).unwrap_or(self.previous)
        } else {
            0.0
        };
        let weighed = f64::from(self.count.min(MOST_COUNTED)) * slope * GAIN;
        self.detect(weighed, slope, deltas.sent_ms);
        self.adapt(weighed, deltas.at_us);
        self.previous = slope;
    }

    fn detect(&mut self, weighed: f64, slope: f64, sent_ms: f64) {
        if weighed > self.threshold {
            // That it exceeds began somewhere between the two groups.
            let over_ms = self.over_ms.map_or(sent_ms / 2.0, |over_ms| over_ms + sent_ms);
            self.over_ms = Some(over_ms);
            self.over_count += 1;
            if over_ms > OVERUSE_MS && self.over_count > 1 && slope >= self.previous {
                self.over_ms = Some(0.0);
                self.over_count = 0;
                self.usage = Usage::Over;
            }
            return;
        }
        self.over_ms = None;
        self.over_count = 0;
        self.usage = if weighed < -self.threshold {
            Usage::Under
        } else {
            Usage::Normal
        };
    }

    fn adapt(&mut self, weighed: f64, at_us: i64) {
        let step_ms = ((at_us - self.last_at_us) as f64 / 1e3).clamp(0.0, LONGEST_STEP_MS);
        self.last_at_us = at_us;
        let beyond = weighed.abs() - self.threshold;
        if beyond > NO_OUTLIER {
            return;
        }
        let speed = if beyond < 0.0 {
            THRESHOLD_DOWN
        } else {
            THRESHOLD_UP
        };
        self.threshold = (self.threshold + speed * beyond * step_ms).clamp(LEAST_THRESHOLD, MOST_THRESHOLD);
    }
}

/// Of the line with the least squares; `None` if all samples are of one time.
fn slope(samples: &[Sample]) -> Option<f64> {
    let count = samples.len() as f64;
    let mean_at = samples.iter().map(|sample| sample.at_ms).sum::<f64>() / count;
    let mean_delay = samples.iter().map(|sample| sample.delay_ms).sum::<f64>() / count;
    let (mut both, mut square) = (0.0, 0.0);
    for sample in samples {
        let at = sample.at_ms - mean_at;
        both += at * (sample.delay_ms - mean_delay);
        square += at * at;
    }
    (square > 0.0).then(|| both / square)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups are sent each 20 ms; `late_ms` gives by how much each is later than the one before.
    fn usages(late_ms: impl IntoIterator<Item = f64>) -> Vec<Usage> {
        let mut trend = Trend::default();
        let mut at_ms = 0.0;
        late_ms
            .into_iter()
            .map(|late| {
                at_ms += 20.0 + late;
                trend.handle_deltas(Deltas {
                    sent_ms: 20.0,
                    arrived_ms: 20.0 + late,
                    at_us: (at_ms * 1e3) as i64,
                });
                trend.usage()
            })
            .collect()
    }

    #[test]
    fn a_queue_that_grows_is_seen_and_one_that_shrinks_too() {
        let growing = usages(vec![2.0; 40]);
        assert!(growing[..19].iter().all(|usage| *usage == Usage::Normal));
        assert_eq!(growing.last(), Some(&Usage::Over));
        let shrinking = usages(vec![-2.0; 40]);
        assert_eq!(shrinking.last(), Some(&Usage::Under));
    }

    #[test]
    fn a_delay_that_stays_is_none() {
        assert!(usages(vec![0.0; 200]).iter().all(|usage| *usage == Usage::Normal));
    }

    #[test]
    fn jitter_raises_the_threshold() {
        let jitter = (0..1_000).map(|index| [8.0, -5.0, 4.0, -7.0, 3.0, -3.0][index % 6]);
        assert!(usages(jitter).iter().all(|usage| *usage == Usage::Normal));
    }

    #[test]
    fn one_late_group_is_no_overuse() {
        let late = (0..200).map(|index| match index {
            100 => 60.0,
            101 => -60.0,
            _ => 0.0,
        });
        assert!(usages(late).iter().all(|usage| *usage != Usage::Over));
    }
}
