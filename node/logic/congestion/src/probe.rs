//! Looking for more than is sent: a few packets faster than before, and how fast they arrive.
//!
//! ```text
//!              next_us, and less than wanted           as many bytes as 15 ms take, 5 packets
//!   Idle ────────────────────────────────► Sending ───────────────────────────────► Waiting
//!    ▲                                        │ takes too long                         │ told of, or too late
//!    └────────────────────────────────────────┴────────────────────────────────────────┘
//!      near what was tried: again at once, twice as much
//!      less: once more, with a longer one; then in 3 s, and each 5 s
//!      read in clumps, or too little arrived: again soon, with a longer one
//! ```
//!
//! There is one probe at a time, each learning from the one before, so that a weak network gets a few packets too many and
//! not all that a strong one bears. The first tries three times the first rate, the next twice what the one before showed.

mod cluster;

use cluster::{Cluster, Verdict};

/// A probe looks for this much of what is desired, so that there is some headroom.
const TRIED: f64 = 1.3;
/// With this much of it there is nothing to look for.
const WANTED: f64 = 1.2;
/// The first probe tries this much of the first rate.
const FIRST_STEP: f64 = 3.0;
/// The next ones try this much of the rate that the one before has shown.
const STEP: f64 = 2.0;
/// Media that is sent meanwhile may make a probe faster than it was to be; no more than this of it is believed.
const MOST_SHOWN: f64 = 1.25;
/// A probe that arrives at this share of what it tried was limited by nothing, so that the next one tries more.
const NEARLY: f64 = 0.7;
/// And if it shows at least this much of what was known.
const PROGRESS: f64 = 1.05;
/// Of the rate before a large drop, what is tried soon after it.
const RECOVERED: f64 = 0.85;
/// A drop to less than this is large.
const LARGE_DROP: f64 = 0.66;
/// One so soon after a probe had raised the estimate shows that what passes for a moment does not pass for long, as where
/// a policer lets bursts through. Then the pause doubles each time, up to this often.
const RELAPSE_US: u64 = 5_000_000;
const MOST_RELAPSES: u32 = 2;
/// Drops within this are one.
const CALM_US: u64 = 3_000_000;

/// Between probes, after two that showed a limit; the second follows the first at once and lasts longer, as jitter and
/// senders that are late limit a short one.
const PAUSE_US: u64 = 3_000_000;
/// After more.
const LONG_PAUSE_US: u64 = 5_000_000;
/// After an overuse.
const AFTER_OVERUSE_US: u64 = 2_000_000;
/// After one that told nothing.
const RETRY_US: u64 = 500_000;
/// After which something else than chance is the reason.
const MOST_RETRIES: u8 = 5;
/// After so many that showed a limit, one that is unsure of it is believed: where the network is weak, each costs it a
/// queue.
const SURE_ENOUGH: u8 = 2;
/// Feedback that tells of later packets may have overtaken what tells of the probe, by this.
const OVERTAKEN_US: u64 = 150_000;
/// A probe is told of within this and a round trip.
const TOLD_US: u64 = 1_000_000;

#[derive(Debug)]
enum Phase {
    Idle,
    Sending(Cluster),
    /// For feedback until then.
    Waiting(Cluster, u64),
}

#[derive(Debug)]
pub(crate) struct Prober {
    desired: f64,
    estimate: f64,
    phase: Phase,
    /// The next probe begins not before this.
    next_us: u64,
    step: f64,
    /// To be tried at least.
    recover: f64,
    in_vain: u8,
    raised_us: Option<u64>,
    relapses: u32,
    retries: u8,
    /// How much longer than usual a cluster lasts.
    longer: usize,
    last_id: u8,
    /// What the estimate was before it fell, or is.
    settled: f64,
    fell_us: u64,
}

impl Prober {
    pub(crate) fn new(estimate: f64, now_us: u64) -> Self {
        Self {
            desired: 0.0,
            estimate,
            phase: Phase::Idle,
            next_us: now_us,
            step: FIRST_STEP,
            recover: 0.0,
            in_vain: 0,
            raised_us: None,
            relapses: 0,
            retries: 0,
            longer: 0,
            last_id: 0,
            settled: estimate,
            fell_us: now_us,
        }
    }

    /// Begins anew; what is desired stays.
    pub(crate) fn reset(&mut self, estimate: f64, now_us: u64) {
        *self = Self {
            desired: self.desired,
            last_id: self.last_id,
            ..Self::new(estimate, now_us)
        };
    }

    pub(crate) fn handle_desired(&mut self, desired: f64) {
        self.desired = desired;
        if !self.is_wanted() && matches!(self.phase, Phase::Sending(_)) {
            self.phase = Phase::Idle;
        }
    }

    /// What the network is taken to bear now, whatever the reason.
    pub(crate) fn handle_estimate(&mut self, estimate: f64, now_us: u64) {
        if estimate < self.estimate {
            if estimate < LARGE_DROP * self.settled {
                self.handle_large_drop(now_us);
                self.settled = estimate;
            }
            self.fell_us = now_us;
        } else if estimate > self.settled || now_us.saturating_sub(self.fell_us) > CALM_US {
            self.settled = estimate;
        }
        self.estimate = estimate;
    }

    fn handle_large_drop(&mut self, now_us: u64) {
        let raised_us = self.raised_us.take();
        if raised_us.is_some_and(|raised_us| now_us.saturating_sub(raised_us) < RELAPSE_US) {
            self.relapses = (self.relapses + 1).min(MOST_RELAPSES);
            self.next_us = now_us + (PAUSE_US << self.relapses);
            return;
        }
        self.relapses = 0;
        self.recover = self.recover.max(RECOVERED * self.settled);
        self.next_us = now_us + AFTER_OVERUSE_US;
    }

    /// Nothing is tried soon: what is sent already is too much.
    pub(crate) fn handle_overuse(&mut self, now_us: u64) {
        self.next_us = self.next_us.max(now_us + AFTER_OVERUSE_US);
    }

    /// Feedback comes again, after nothing came for long.
    pub(crate) fn handle_answer(&mut self, now_us: u64) {
        self.next_us = now_us;
        self.in_vain = 0;
        self.retries = 0;
    }

    fn is_wanted(&self) -> bool {
        self.desired > 0.0 && self.estimate < WANTED * self.desired
    }

    /// Bytes to be sent now.
    pub(crate) fn poll(&mut self, now_us: u64) -> Option<usize> {
        self.handle_timeout(now_us);
        if matches!(self.phase, Phase::Idle) && self.is_wanted() && now_us >= self.next_us {
            let rate = (self.step * self.estimate)
                .max(self.recover)
                .min(TRIED * self.desired);
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            self.phase = Phase::Sending(Cluster::new(self.last_id, rate, self.longer, now_us));
        }
        match &mut self.phase {
            Phase::Sending(cluster) => cluster.poll(now_us),
            Phase::Idle | Phase::Waiting(..) => None,
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        match &self.phase {
            Phase::Idle => self.is_wanted().then_some(self.next_us),
            Phase::Sending(cluster) => Some(cluster.due_us()),
            Phase::Waiting(_, until_us) => Some(until_us + TOLD_US),
        }
    }

    /// The probe that the next packet belongs to. Media that is sent while a probe is counts for it, as it takes its
    /// share of the way.
    pub(crate) fn cluster(&self, is_probe: bool) -> Option<u8> {
        match &self.phase {
            Phase::Sending(cluster) if is_probe || cluster.has_begun() => Some(cluster.id()),
            _ => None,
        }
    }

    /// A packet of the probe that [`Prober::cluster`] gave is sent.
    pub(crate) fn handle_sent(&mut self, number: u64, bytes: u16, now_us: u64) {
        if let Phase::Sending(cluster) = &mut self.phase {
            cluster.handle_sent(number, bytes, now_us);
            if cluster.is_sent() {
                self.phase = Phase::Waiting(cluster.clone(), now_us + TOLD_US);
            }
        }
    }

    pub(crate) fn handle_arrived(&mut self, id: u8, sent_us: u64, bytes: u16, arrived_us: i64) {
        if let Phase::Sending(cluster) | Phase::Waiting(cluster, _) = &mut self.phase
            && cluster.id() == id
        {
            cluster.handle_arrived(sent_us, bytes, arrived_us);
        }
    }

    /// Feedback has told of everything before the packet `told`; without a queue a packet takes `base_us`. Gives what the
    /// probe has shown, in bits per second.
    pub(crate) fn handle_told(&mut self, told: u64, base_us: i64, now_us: u64) -> Option<f64> {
        let Phase::Waiting(cluster, until_us) = &mut self.phase else {
            return None;
        };
        if told <= cluster.last_number() {
            return None;
        }
        if !cluster.is_complete() && now_us < *until_us {
            *until_us = (*until_us).min(now_us + OVERTAKEN_US);
            return None;
        }
        let cluster = cluster.clone();
        self.conclude(&cluster, base_us, now_us)
    }

    pub(crate) fn handle_timeout(&mut self, now_us: u64) {
        match &self.phase {
            Phase::Sending(cluster) if cluster.is_late(now_us) => self.handle_nothing(RETRY_US, now_us),
            // The next feedback may still conclude it.
            Phase::Waiting(_, until_us) if now_us >= until_us + TOLD_US => self.handle_nothing(0, now_us),
            _ => {}
        }
    }

    fn conclude(&mut self, cluster: &Cluster, base_us: i64, now_us: u64) -> Option<f64> {
        let most = MOST_SHOWN * cluster.target();
        let rate = match cluster.verdict(base_us) {
            Verdict::Shown(rate) => rate,
            Verdict::Clumped => {
                self.longer = (self.longer + 1).min(Cluster::LONGEST);
                self.handle_nothing(0, now_us);
                return None;
            }
            Verdict::Unsure(rate) => {
                self.step = STEP;
                self.longer = (self.longer + 1).min(Cluster::LONGEST);
                if self.in_vain >= SURE_ENOUGH {
                    self.retries = MOST_RETRIES;
                }
                self.handle_nothing(0, now_us);
                return (rate > self.estimate).then_some(rate.min(most));
            }
            Verdict::Nothing => {
                self.handle_nothing(RETRY_US, now_us);
                return None;
            }
        };
        self.phase = Phase::Idle;
        self.step = STEP;
        self.recover = 0.0;
        self.retries = 0;
        if rate > self.estimate {
            self.raised_us = Some(now_us);
        }
        if rate >= NEARLY * cluster.target() && rate > PROGRESS * self.estimate {
            self.in_vain = 0;
            self.next_us = self.next_us.max(now_us);
        } else {
            self.handle_vain(now_us);
        }
        Some(rate.min(most))
    }

    fn handle_vain(&mut self, now_us: u64) {
        self.in_vain = self.in_vain.saturating_add(1);
        self.longer = 0;
        let pause_us = match self.in_vain {
            1 => {
                self.longer = 1;
                0
            }
            2 => PAUSE_US,
            _ => LONG_PAUSE_US,
        };
        self.next_us = self.next_us.max(now_us + pause_us);
    }

    /// The probe tells nothing; the next one may.
    fn handle_nothing(&mut self, pause_us: u64, now_us: u64) {
        self.phase = Phase::Idle;
        self.retries += 1;
        if self.retries <= MOST_RETRIES {
            self.next_us = self.next_us.max(now_us + pause_us);
            return;
        }
        self.retries = 0;
        self.recover = 0.0;
        self.in_vain = self.in_vain.max(1);
        self.handle_vain(now_us);
    }
}
