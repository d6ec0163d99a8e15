//! A sender and a receiver with a network between them, in virtual time, from a seed.
//!
//! The sender sends what the estimate allows; the network has a capacity, a queue that drops what does not fit, a delay,
//! jitter and losses; the receiver tells of what it read, when it comes to it.

// Each test file uses another part of it.
#![allow(dead_code)]

mod writer;

use plenary_congestion::{Bitrate, Estimator};
use std::collections::{BTreeMap, VecDeque};
pub(crate) use writer::write;

pub(crate) const MS: u64 = 1_000;
const STEP_US: u64 = 1_000;

/// What the sender has to send.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Media {
    Nothing,
    /// A packet of 120 bytes each 20 ms, whatever the estimate.
    Voice,
    /// Packets of up to 1,200 bytes, evenly, at what the estimate allows and up to this.
    Even {
        most_kbps: u64,
    },
    /// Frames, each 33 ms, all their packets at once; each 100th is eight times as large. As much as the estimate allows
    /// and up to this.
    Frames {
        most_kbps: u64,
    },
}

/// When the receiver reads what came.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading {
    AtOnce,
    /// Each 20 to 40 ms, and now and then not for 100 to 200 ms; feedback is sent as late.
    Late,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) kbps: u64,
    /// In bytes; what does not fit is dropped.
    pub(crate) queue: u64,
    pub(crate) delay_us: u64,
    pub(crate) jitter_us: u64,
    pub(crate) lost_percent: u64,
    pub(crate) feedback_us: u64,
    pub(crate) feedback_lost_percent: u64,
    pub(crate) feedback_doubled_percent: u64,
    /// Added at random to a message, so that messages overtake each other.
    pub(crate) feedback_jitter_us: u64,
    pub(crate) reading: Reading,
    /// The sender comes to it only each so many milliseconds, and sends and reads feedback then.
    pub(crate) sender_ms: u64,
    /// Drops what is faster than this for longer than a bucket of 20,000 bytes lasts, in kbit/s.
    pub(crate) policed_kbps: Option<u64>,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            kbps: 100_000,
            queue: 60_000,
            delay_us: 25 * MS,
            jitter_us: 0,
            lost_percent: 0,
            feedback_us: 100 * MS,
            feedback_lost_percent: 0,
            feedback_doubled_percent: 0,
            feedback_jitter_us: 0,
            reading: Reading::AtOnce,
            sender_ms: 1,
            policed_kbps: None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Flying {
    number: u64,
    bytes: u64,
    sent_us: u64,
}

pub(crate) struct Network {
    pub(crate) now_us: u64,
    pub(crate) estimator: Estimator,
    pub(crate) way: Way,
    pub(crate) media: Media,
    /// The estimate at each millisecond.
    pub(crate) estimates: Vec<u64>,
    /// When a packet arrived, and how long it took beyond the delay, in microseconds.
    pub(crate) queued: Vec<(u64, u64)>,
    pub(crate) media_bytes: u64,
    pub(crate) probe_bytes: u64,
    pub(crate) lost_bytes: u64,
    /// Added to the receiver's clock.
    pub(crate) clock_us: i64,
    sent: u64,
    queue: VecDeque<Flying>,
    queue_bytes: u64,
    free_us: u64,
    /// What a policer lets through at once, in bits; and when the sender worked last.
    bucket: u64,
    sender_us: u64,
    /// By when they come.
    coming: BTreeMap<(u64, u64), Flying>,
    reads_us: u64,
    /// By number: when it was read.
    read: BTreeMap<u64, u64>,
    next_base: u64,
    feedback_due_us: u64,
    messages: u8,
    feedback: BTreeMap<(u64, u64), Vec<u8>>,
    feedback_count: u64,
    due_us: u64,
    credit: u64,
    frames: u64,
    random: u64,
}

impl Network {
    pub(crate) fn new(first_kbps: u64, way: Way, media: Media, seed: u64) -> Self {
        Self {
            now_us: 0,
            estimator: Estimator::new(Bitrate::from_kbps(first_kbps), 0),
            way,
            media,
            estimates: Vec::new(),
            queued: Vec::new(),
            media_bytes: 0,
            probe_bytes: 0,
            lost_bytes: 0,
            bucket: 0,
            sender_us: 0,
            clock_us: 77_777_777,
            sent: 0,
            queue: VecDeque::new(),
            queue_bytes: 0,
            free_us: 0,
            coming: BTreeMap::new(),
            reads_us: 0,
            read: BTreeMap::new(),
            next_base: 0,
            feedback_due_us: 0,
            messages: 0,
            feedback: BTreeMap::new(),
            feedback_count: 0,
            due_us: 0,
            credit: 0,
            frames: 0,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    pub(crate) fn desire(&mut self, kbps: u64) {
        self.estimator
            .handle_desired(Bitrate::from_kbps(kbps), self.now_us);
    }

    pub(crate) fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % below.max(1)
    }

    pub(crate) fn kbps(&self) -> u64 {
        self.estimator.estimate().as_kbps()
    }

    /// What probes took, over all the time.
    pub(crate) fn probe_kbps(&self) -> u64 {
        self.probe_bytes * 8 * MS / self.now_us
    }

    pub(crate) fn run(&mut self, ms: u64) {
        for _ in 0..ms * MS / STEP_US {
            self.step();
        }
    }

    /// Runs until the estimate is at least this; gives after how many milliseconds, or `None` if not within `ms`.
    pub(crate) fn run_until(&mut self, kbps: u64, ms: u64) -> Option<u64> {
        (0..ms).find(|_| {
            self.run(1);
            self.kbps() >= kbps
        })
    }

    /// Runs and gives the lowest estimate, the mean and the highest.
    pub(crate) fn range(&mut self, ms: u64) -> (u64, u64, u64) {
        let from = self.estimates.len();
        self.run(ms);
        let seen = &self.estimates[from..];
        let mean = seen.iter().sum::<u64>() / seen.len() as u64;
        let least = seen.iter().min().copied().unwrap_or(0);
        (least, mean, seen.iter().max().copied().unwrap_or(0))
    }

    /// How long the packets took that arrived from then on, beyond the delay, in milliseconds: of 100, 95 took no longer.
    pub(crate) fn queued_ms(&self, from_ms: u64) -> u64 {
        let late = |(at_us, _): &&(u64, u64)| *at_us >= from_ms * MS;
        let mut queued: Vec<_> = self
            .queued
            .iter()
            .filter(late)
            .map(|(_, queued)| *queued)
            .collect();
        queued.sort_unstable();
        queued.get(queued.len() * 95 / 100).copied().unwrap_or(0) / MS
    }

    fn step(&mut self) {
        self.now_us += STEP_US;
        self.bucket = (self.bucket + self.way.policed_kbps.unwrap_or(0) * STEP_US / MS).min(160_000);
        if self.now_us >= self.sender_us + self.way.sender_ms * MS {
            self.work();
            self.sender_us = self.now_us;
        }
        self.forward();
        self.receive();
        self.estimates.push(self.kbps());
    }

    fn work(&mut self) {
        self.take_feedback();
        if self
            .estimator
            .poll_timeout()
            .is_some_and(|due_us| due_us <= self.now_us)
        {
            self.estimator.handle_timeout(self.now_us);
        }
        self.send_media();
        while let Some(bytes) = self.estimator.poll_probe(self.now_us) {
            let number = self.estimator.handle_sent_probe(bytes, self.now_us);
            self.probe_bytes += bytes as u64;
            self.enqueue(number, bytes as u64);
        }
        let due_us = self.estimator.poll_timeout();
        assert!(
            due_us.is_none_or(|due_us| due_us > self.now_us),
            "{due_us:?} at {}",
            self.now_us
        );
    }

    fn send_media(&mut self) {
        let allowed = |most_kbps: u64| self.estimator.estimate().0.min(most_kbps * 1_000);
        match self.media {
            Media::Nothing => {}
            Media::Voice => {
                while self.due_us <= self.now_us {
                    self.due_us = (self.due_us + 20 * MS).max(self.now_us);
                    self.send(120);
                }
            }
            Media::Even { most_kbps } => {
                let passed_us = (self.now_us - self.sender_us).min(100 * MS);
                self.credit += allowed(most_kbps) * passed_us / 8_000;
                while self.credit >= 1_200_000 {
                    self.credit -= 1_200_000;
                    self.send(1_200);
                }
            }
            Media::Frames { most_kbps } => {
                // A key frame each 3.3 s takes 7 % of the whole; what it takes beyond is not made up for.
                let frame = allowed(most_kbps) / 30 / 8;
                while self.due_us <= self.now_us {
                    self.due_us = (self.due_us + 33_333).max(self.now_us);
                    self.frames += 1;
                    let mut left = frame * if self.frames % 100 == 50 { 8 } else { 1 };
                    while left > 0 {
                        let bytes = left.min(1_200);
                        left -= bytes;
                        self.send(bytes);
                    }
                }
            }
        }
    }

    fn send(&mut self, bytes: u64) {
        let number = self.estimator.handle_sent(bytes as usize, self.now_us);
        self.media_bytes += bytes;
        self.enqueue(number, bytes);
    }

    fn enqueue(&mut self, number: u16, bytes: u64) {
        assert_eq!(number, self.sent as u16);
        let number = self.sent;
        self.sent += 1;
        let is_policed = self.way.policed_kbps.is_some() && self.bucket < bytes * 8;
        if is_policed || self.queue_bytes + bytes > self.way.queue || self.random(100) < self.way.lost_percent
        {
            self.lost_bytes += bytes;
            return;
        }
        self.bucket = self.bucket.saturating_sub(bytes * 8);
        self.queue_bytes += bytes;
        self.queue.push_back(Flying {
            number,
            bytes,
            sent_us: self.now_us,
        });
    }

    fn forward(&mut self) {
        while let Some(packet) = self.queue.front().copied() {
            if self.way.kbps == 0 {
                return;
            }
            let free_us = self.free_us.max(packet.sent_us) + packet.bytes * 8_000 / self.way.kbps;
            if free_us > self.now_us + STEP_US {
                return;
            }
            self.free_us = free_us;
            self.queue.pop_front();
            self.queue_bytes -= packet.bytes;
            let jitter_us = self.random(self.way.jitter_us);
            let comes_us = free_us + self.way.delay_us + jitter_us;
            self.queued.push((comes_us, free_us - packet.sent_us));
            self.coming.insert((comes_us, packet.number), packet);
        }
    }

    fn receive(&mut self) {
        if self.now_us < self.reads_us {
            return;
        }
        let is_late = matches!(self.way.reading, Reading::Late);
        while let Some(entry) = self.coming.first_entry() {
            let (comes_us, number) = *entry.key();
            if comes_us > self.now_us {
                break;
            }
            entry.remove();
            // What waited is read within fractions of a millisecond.
            let at_us = if is_late {
                self.now_us + self.random(900)
            } else {
                comes_us
            };
            self.read.entry(number).or_insert(at_us);
        }
        self.send_feedback();
        if is_late {
            let wait_us = if self.random(20) == 0 {
                100 * MS + self.random(100 * MS)
            } else {
                20 * MS + self.random(20 * MS)
            };
            self.reads_us = self.now_us + wait_us;
        }
    }

    fn send_feedback(&mut self) {
        if self.now_us < self.feedback_due_us {
            return;
        }
        let Some((last, _)) = self.read.last_key_value() else {
            return;
        };
        self.feedback_due_us = self.now_us + self.way.feedback_us;
        let (last, base) = (
            *last,
            self.next_base
                .min(*self.read.first_key_value().expect("not empty").0),
        );
        let clock_us = |at_us: &u64| *at_us as i64 + self.clock_us;
        let arrivals: Vec<_> = (base..=last)
            .map(|number| self.read.get(&number).map(clock_us))
            .collect();
        self.read.clear();
        self.next_base = last + 1;
        for (index, part) in arrivals.chunks(400).enumerate() {
            self.messages = self.messages.wrapping_add(1);
            let message = write((base + 400 * index as u64) as u16, self.messages, part);
            let copies = 1 + u64::from(self.random(100) < self.way.feedback_doubled_percent);
            for _ in 0..copies {
                let comes_us = self.now_us + self.way.delay_us + self.random(self.way.feedback_jitter_us);
                self.feedback_count += 1;
                if self.random(100) >= self.way.feedback_lost_percent && self.way.kbps > 0 {
                    self.feedback
                        .insert((comes_us, self.feedback_count), message.clone());
                }
            }
        }
    }

    fn take_feedback(&mut self) {
        while let Some(entry) = self.feedback.first_entry() {
            if entry.key().0 > self.now_us {
                return;
            }
            let message = entry.remove();
            self.estimator
                .handle_feedback(&message, self.now_us)
                .expect("well made");
        }
    }
}
