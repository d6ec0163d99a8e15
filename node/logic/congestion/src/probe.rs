//! Looking for more than is sent: a few packets faster than before, and how fast they arrive.
//!
//! ```text
//!              next_us, and less than wanted           as many bytes as 15 ms take, 5 packets
//!   Idle ────────────────────────────────► Sending ───────────────────────────────► Waiting
//!    ▲                                        │ takes too long                         │ told of, and of what followed
//!    │                                        │                                        │ if it showed little; or too late
//!    └────────────────────────────────────────┴────────────────────────────────────────┘
//!      near what was tried: again at once, twice as much
//!      less: once more, with a longer one; then in 3 s, and each 5 s
//!      read in clumps: again soon, with a burst, up to 5 times; then the same pauses
//!      too little arrived: again soon, with a short one, as often
//! ```
//!
//! There is one probe at a time, each learning from the one before, so that a weak network gets a few packets too many and
//! not all that a strong one bears. The first tries three times the first rate, the next twice what the one before showed.
//!
//! What a probe shows is a lower bound, whoever was late (`cluster`): machines that are busy hide what a network bears,
//! but make nothing up. So a burst is tried until it meets a moment in which all on the way are awake.

mod cluster;

use cluster::{Cluster, Shape};

/// A probe looks for this much of what is desired, so that there is some headroom.
const TRIED: f64 = 1.3;
/// With this much of it there is nothing to look for.
const WANTED: f64 = 1.2;
/// The first probe tries this much of the first rate.
const FIRST_STEP: f64 = 3.0;
/// The next ones try this much of the rate that the one before has shown.
const STEP: f64 = 2.0;
/// A burst tries this much: it costs what it costs, whatever it shows.
const BURST_STEP: f64 = 3.0;
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

/// Between probes, after two that showed a limit; the second follows the first at once and lasts longer, as jitter limits
/// a short one.
const PAUSE_US: u64 = 3_000_000;
/// After more.
const LONG_PAUSE_US: u64 = 5_000_000;
/// After an overuse.
const AFTER_OVERUSE_US: u64 = 2_000_000;
/// After one of which too little arrived.
const RETRY_US: u64 = 500_000;
/// After one that was read in clumps: bursts take no more than a tenth of the estimate or so.
const BURST_PAUSE_US: u64 = 250_000;
/// After so many that told nothing something else than chance is the reason.
const MOST_RETRIES: u8 = 5;
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
    /// What arrives now, whatever the estimate.
    acked: f64,
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
    shape: Shape,
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
            acked: 0.0,
            phase: Phase::Idle,
            next_us: now_us,
            step: FIRST_STEP,
            recover: 0.0,
            in_vain: 0,
            raised_us: None,
            relapses: 0,
            retries: 0,
            shape: Shape::Short,
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
    pub(crate) fn handle_estimate(&mut self, estimate: f64, acked: f64, now_us: u64) {
        self.acked = acked;
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
        if matches!(self.phase, Phase::Idle) && self.is_wanted() && now_us >= self.next_us {
            let known = self.estimate.max(self.acked);
            let step = if self.shape == Shape::Burst {
                BURST_STEP
            } else {
                self.step
            };
            let rate = (step * known).max(self.recover).min(TRIED * self.desired);
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            self.phase = Phase::Sending(Cluster::new(self.last_id, rate, known, self.shape, now_us));
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
            Phase::Waiting(..) => self.gives_up_us(),
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

    /// A packet of the probe `id`, or of none, has arrived; without a queue it takes `base_us`.
    pub(crate) fn handle_arrived(&mut self, id: u8, sent_us: u64, bytes: u16, arrived_us: i64, base_us: i64) {
        if let Phase::Sending(cluster) | Phase::Waiting(cluster, _) = &mut self.phase
            && (cluster.id() == id || cluster.is_followed_by(id, sent_us))
        {
            cluster.handle_arrived(cluster.id() == id, sent_us, bytes, arrived_us, base_us);
        }
    }

    /// Feedback has told of everything before the packet `told`. Gives what the probe has shown, in bits per second.
    pub(crate) fn handle_told(&mut self, told: u64, now_us: u64) -> Option<f64> {
        let Phase::Waiting(cluster, until_us) = &mut self.phase else {
            return None;
        };
        if told <= cluster.last_number() {
            return None;
        }
        if now_us < *until_us {
            if !cluster.is_complete() {
                *until_us = (*until_us).min(now_us + OVERTAKEN_US);
                return None;
            }
            if is_limited(cluster) && !cluster.is_followed() {
                return None;
            }
        }
        let cluster = cluster.clone();
        self.conclude(&cluster, now_us)
    }

    /// Gives what a probe has shown that nothing follows.
    pub(crate) fn handle_timeout(&mut self, now_us: u64) -> Option<f64> {
        if now_us < self.gives_up_us()? {
            return None;
        }
        match &self.phase {
            Phase::Waiting(cluster, _) if cluster.is_complete() => {
                let cluster = cluster.clone();
                return self.conclude(&cluster, now_us);
            }
            Phase::Waiting(..) => self.handle_nothing(0, now_us),
            Phase::Idle | Phase::Sending(_) => self.handle_nothing(RETRY_US, now_us),
        }
        None
    }

    fn gives_up_us(&self) -> Option<u64> {
        match &self.phase {
            Phase::Idle => None,
            Phase::Sending(cluster) => Some(cluster.late_us()),
            Phase::Waiting(cluster, until_us) if cluster.is_complete() => Some(*until_us),
            // The next feedback may still conclude it.
            Phase::Waiting(_, until_us) => Some(until_us + TOLD_US),
        }
    }

    fn conclude(&mut self, cluster: &Cluster, now_us: u64) -> Option<f64> {
        let Some(rate) = cluster.shown() else {
            let pause_us = if cluster.is_told() {
                // A burst may be more than a queue takes.
                self.shape = Shape::Short;
                RETRY_US
            } else {
                0
            };
            self.handle_nothing(pause_us, now_us);
            return None;
        };
        // Media that is sent meanwhile may make it faster than it was to be.
        let rate = rate.min(cluster.target());
        self.step = STEP;
        self.recover = 0.0;
        if rate > self.estimate {
            self.raised_us = Some(now_us);
        }
        let is_sure = cluster.is_read_at_once();
        if rate > PROGRESS * self.estimate && !(is_sure && is_limited(cluster)) {
            self.phase = Phase::Idle;
            self.in_vain = 0;
            self.retries = 0;
            self.next_us = self.next_us.max(now_us);
        } else if is_sure {
            self.handle_limit(now_us);
        } else {
            self.shape = Shape::Burst;
            self.handle_nothing(BURST_PAUSE_US, now_us);
        }
        Some(rate)
    }

    /// The probe has met what the network bears.
    fn handle_limit(&mut self, now_us: u64) {
        self.phase = Phase::Idle;
        self.retries = 0;
        self.shape = if self.in_vain == 0 {
            Shape::Long
        } else {
            Shape::Short
        };
        self.handle_vain(now_us);
    }

    fn handle_vain(&mut self, now_us: u64) {
        self.in_vain = self.in_vain.saturating_add(1);
        let pause_us = match self.in_vain {
            1 => 0,
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

/// It arrived clearly slower than it was to.
fn is_limited(cluster: &Cluster) -> bool {
    cluster
        .shown()
        .is_some_and(|rate| rate < NEARLY * cluster.target())
}
