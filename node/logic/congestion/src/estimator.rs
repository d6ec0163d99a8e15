//! All parts together.

use crate::{
    Bitrate, FLOOR, MOST, Malformed,
    aimd::{Aimd, Signal},
    delay::Detector,
    feedback::{Clock, Feedback, Report},
    history::{History, MEDIA, Packet},
    loss::{Loss, Told},
    probe::Prober,
    rate::Window,
};
use std::time::Duration;

/// Until a round trip was measured.
const FIRST_RTT_US: u64 = 200_000;
/// Of each new round trip, what counts.
const RTT_WEIGHT: f64 = 0.125;
/// Who is sent packets and says nothing of them for this is not reached.
const SILENCE_US: u64 = 2_000_000;
/// Then the estimate falls, each time after this, and to this much.
const SILENCE_STEP_US: u64 = 1_000_000;
const SILENCE_BACK_OFF: f64 = 0.7;
/// Who sends less than this of the estimate is limited by what there is to send.
const LIMITED: f64 = 0.8;
/// So long after the begin, and until a probe got through, the estimate is but a guess, which a probe also lowers.
const GUESS_US: u64 = 3_000_000;

/// How much one receiver's network bears.
#[derive(Debug)]
pub struct Estimator {
    history: History,
    clock: Clock,
    detector: Detector,
    /// What was sent, by when it was sent.
    sent: Window,
    /// What arrived, by when it was sent and by when it arrived.
    acked_sent: Window,
    acked: Window,
    aimd: Aimd,
    loss: Loss,
    prober: Prober,
    rtt_us: Option<f64>,
    estimate: f64,
    /// What [`Estimator::poll_estimate`] gave last.
    given: Option<Bitrate>,
    began_us: u64,
    /// A probe got through since.
    is_probed: bool,
    /// While something was sent since feedback came: when to lower the estimate for silence.
    silence_us: Option<u64>,
    is_silent: bool,
}

/// What one message changes.
#[derive(Default)]
struct Change {
    told: Told,
    newest: Option<Packet>,
}

impl Estimator {
    /// `first`: what is sent at most until something is known.
    pub fn new(first: Bitrate, now_us: u64) -> Self {
        let first = limited(first);
        Self {
            history: History::new(),
            clock: Clock::default(),
            detector: Detector::default(),
            sent: Window::default(),
            acked_sent: Window::default(),
            acked: Window::default(),
            aimd: Aimd::new(first, now_us),
            loss: Loss::new(now_us),
            prober: Prober::new(first, now_us),
            rtt_us: None,
            estimate: first,
            given: None,
            began_us: now_us,
            is_probed: false,
            silence_us: None,
            is_silent: false,
        }
    }

    /// Forgets what was learned of the network, begins at `first` and probes from there. Numbers go on; feedback on what
    /// was sent before says nothing any longer. What is desired, and the round trip, stay.
    pub fn reset(&mut self, first: Bitrate, now_us: u64) {
        let first = limited(first);
        self.history.forget();
        self.detector.reset();
        self.sent.reset();
        self.acked_sent.reset();
        self.acked.reset();
        self.aimd = Aimd::new(first, now_us);
        self.loss = Loss::new(now_us);
        self.prober.reset(first, now_us);
        self.estimate = first;
        self.began_us = now_us;
        self.is_probed = false;
        self.silence_us = None;
        self.is_silent = false;
    }

    /// A packet leaves now. `bytes`: all of it above UDP, up to 65,535. Gives the number for its transport-wide
    /// extension, which wraps around. Every packet that carries such a number is to be told of here.
    pub fn handle_sent(&mut self, bytes: usize, now_us: u64) -> u16 {
        self.handle_packet(bytes, false, now_us)
    }

    /// As [`Estimator::handle_sent`], for a packet that is sent because of [`Estimator::poll_probe`]: padding, or media
    /// once more.
    pub fn handle_sent_probe(&mut self, bytes: usize, now_us: u64) -> u16 {
        self.handle_packet(bytes, true, now_us)
    }

    fn handle_packet(&mut self, bytes: usize, is_probe: bool, now_us: u64) -> u16 {
        let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
        let cluster = self.prober.cluster(is_probe);
        let number = self.history.push(bytes, cluster.unwrap_or(MEDIA), now_us);
        if cluster.is_some() {
            self.prober.handle_sent(number, bytes, now_us);
        }
        self.sent.add(signed(now_us), bytes);
        self.silence_us.get_or_insert(now_us + SILENCE_US);
        number as u16
    }

    /// `fci`: the feedback control information of an RTCP packet of type 205 and format 15, which is what follows its two
    /// SSRCs; padding of the RTCP packet may be left behind it. Costs what it is long; allocates nothing.
    ///
    /// # Errors
    /// If it is not well made; then nothing changes. What is well made and tells of what was not sent, or again of what
    /// was told, changes nothing either.
    pub fn handle_feedback(&mut self, fci: &[u8], now_us: u64) -> Result<(), Malformed> {
        let feedback = Feedback::parse(fci)?;
        let change = self.handle_reports(&feedback, now_us);
        if change.newest.is_none() && change.told.missing == 0 {
            return Ok(());
        }
        if let Some(packet) = change.newest {
            self.handle_round_trip(now_us.saturating_sub(packet.sent_us));
            self.handle_answer(now_us);
        }
        self.decide(change.told, now_us);
        Ok(())
    }

    fn handle_reports(&mut self, feedback: &Feedback<'_>, now_us: u64) -> Change {
        let reading = self.clock.read(feedback, now_us);
        let mut arrived_us = reading.us();
        let mut number = self.history.extend(feedback.base);
        let mut change = Change::default();
        for report in feedback.reports() {
            if number >= self.history.next() {
                break;
            }
            let delta_us = match report {
                Report::Missing(count) => {
                    change.told.missing += self.history.handle_missing(number, count);
                    number += u64::from(count);
                    continue;
                }
                Report::Arrived(delta_us) => delta_us,
            };
            arrived_us += delta_us;
            number += 1;
            let Some(packet) = self.history.handle_arrived(number - 1, now_us) else {
                continue;
            };
            if change.newest.is_none() {
                if reading.jumped {
                    self.detector.reset();
                    self.acked.reset();
                    self.acked_sent.reset();
                }
                self.clock.set(reading);
            }
            change.newest = Some(packet);
            self.handle_arrived(packet, arrived_us, now_us);
            if packet.cluster == MEDIA {
                change.told.arrived += 1;
                change.told.late += u32::from(packet.was_missing);
            }
        }
        change
    }

    fn handle_arrived(&mut self, packet: Packet, arrived_us: i64, now_us: u64) {
        self.detector.handle_arrived(packet.sent_us, arrived_us, now_us);
        self.acked.add(arrived_us, packet.bytes);
        self.acked_sent.add(signed(packet.sent_us), packet.bytes);
        if packet.cluster != MEDIA {
            self.prober
                .handle_arrived(packet.cluster, packet.sent_us, packet.bytes, arrived_us);
        }
    }

    /// Includes what the receiver waits before it tells of its last packet.
    fn handle_round_trip(&mut self, rtt_us: u64) {
        let rtt_us = rtt_us as f64;
        let smoothed_us = self.rtt_us.get_or_insert(rtt_us);
        *smoothed_us += RTT_WEIGHT * (rtt_us - *smoothed_us);
    }

    fn rtt_us(&self) -> u64 {
        self.rtt_us.map_or(FIRST_RTT_US, |rtt_us| rtt_us as u64)
    }

    fn handle_answer(&mut self, now_us: u64) {
        self.silence_us = None;
        if self.is_silent {
            self.is_silent = false;
            self.prober.handle_answer(now_us);
        }
    }

    /// What arrives, in bits per second: no more than was sent, however short a time it claims to have taken.
    fn acked(&self) -> Option<f64> {
        Some(self.acked.last_rate()?.min(self.acked_sent.last_rate()?))
    }

    fn decide(&mut self, told: Told, now_us: u64) {
        let usage = self.detector.usage();
        let sent = self.sent.rate(signed(now_us));
        let signal = Signal {
            usage,
            acked: self.acked(),
            is_limited: sent.is_some_and(|sent| sent < LIMITED * self.estimate),
            rtt_us: self.rtt_us(),
            queue_us: self.detector.queue_us(),
        };
        if self.aimd.handle(signal, now_us) || self.detector.is_long() {
            self.prober.handle_overuse(now_us);
        }
        self.loss.handle(told, self.estimate, signal.rtt_us, now_us);
        if let Some(rate) = self
            .prober
            .handle_told(self.history.told(), self.detector.base_us(), now_us)
        {
            self.handle_shown(rate, signal, now_us);
        }
        self.settle(now_us);
    }

    /// A probe got through at this rate.
    fn handle_shown(&mut self, rate: f64, signal: Signal, now_us: u64) {
        let is_guess = !self.is_probed || now_us.saturating_sub(self.began_us) < GUESS_US;
        self.is_probed = true;
        if rate > self.estimate {
            self.aimd.set(rate.max(self.aimd.rate()), now_us);
            self.loss.handle_shown(rate);
        } else if is_guess {
            self.aimd.set(
                rate.max(signal.acked.unwrap_or(0.0)).min(self.aimd.rate()),
                now_us,
            );
        }
    }

    fn settle(&mut self, now_us: u64) {
        self.estimate = self.aimd.rate().min(self.loss.limit());
        self.prober.handle_estimate(self.estimate, now_us);
    }

    /// What would be sent if the network let it. Probes look for this much with some headroom, and not for more.
    /// 0: no probes at all.
    pub fn handle_desired(&mut self, desired: Bitrate, now_us: u64) {
        self.prober.handle_desired(desired.0 as f64);
        self.prober.handle_timeout(now_us);
    }

    /// What the network is taken to bear, once it is another than was given last: first the first rate, then after most
    /// feedback, often by little.
    pub fn poll_estimate(&mut self) -> Option<Bitrate> {
        let estimate = self.estimate();
        (self.given.replace(estimate) != Some(estimate)).then_some(estimate)
    }

    /// What the network is taken to bear, from 10 kbit/s on.
    pub fn estimate(&self) -> Bitrate {
        Bitrate(self.estimate as u64)
    }

    /// Smoothed; includes what the receiver waits before it sends feedback.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt_us.map(|rtt_us| Duration::from_micros(rtt_us as u64))
    }

    /// Which share of the last packets (about 50, or a second) was lost, from 0 to 1.
    pub fn loss(&self) -> f32 {
        self.loss.share() as f32
    }

    /// How many bytes are to be sent now for a probe, in a packet, or in several of padding. To be asked at
    /// [`Estimator::poll_timeout`] and again after each packet. `None`: nothing now.
    pub fn poll_probe(&mut self, now_us: u64) -> Option<usize> {
        self.prober.poll(now_us)
    }

    /// When [`Estimator::handle_timeout`] and then [`Estimator::poll_probe`] want to be called; `None`: not before
    /// something else happens.
    pub fn poll_timeout(&self) -> Option<u64> {
        [self.prober.poll_timeout(), self.silence_us]
            .into_iter()
            .flatten()
            .min()
    }

    /// To be called at [`Estimator::poll_timeout`].
    pub fn handle_timeout(&mut self, now_us: u64) {
        self.prober.handle_timeout(now_us);
        if self.silence_us.is_some_and(|silence_us| now_us >= silence_us) {
            self.silence_us = Some(now_us + SILENCE_STEP_US);
            self.is_silent = true;
            self.aimd.set(SILENCE_BACK_OFF * self.estimate, now_us);
            self.settle(now_us);
        }
    }
}

fn limited(first: Bitrate) -> f64 {
    (first.0 as f64).clamp(FLOOR, MOST)
}

fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}
