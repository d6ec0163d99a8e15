//! The packets of one probe, and what they show.
//!
//! From how far apart packets arrive nothing follows where whoever sends them, passes them on or reads them is late. But
//! what was sent from a first packet up to another one has all passed when that one arrives, and none of it began to
//! pass before the first was sent. That it passed at this rate at least is true of each packet, so the quickest counts:
//! it needs only one of them to be read in time, which may also be one of those that follow.

use crate::history::MEDIA;

/// A cluster lasts so long at least.
const SHORT_US: u64 = 15_000;
const LONG_US: u64 = 60_000;
/// A burst has what is known to pass in so long: more than whoever is busy is often late by, and where no more passes
/// than that, a queue that a voice bears.
const BURST_US: u64 = 100_000;
const LEAST_PACKETS: u32 = 5;
/// Between packets, unless that makes them too large or too small.
const APART_S: f64 = 0.003;
const LEAST_BYTES: f64 = 64.0;
const MOST_BYTES: f64 = 1_200.0;
/// Who is asked to send and does not is asked again after this.
const AGAIN_US: u64 = 1_000;
/// A cluster that is not sent by so much after its time is given up.
const LATE_US: u64 = 400_000;
/// Of it, what must arrive.
const ARRIVED: f64 = 0.8;
/// A packet that arrives so much faster after the one before than the rate that is tried was waiting for its receiver.
const AT_ONCE: i64 = 4;
/// One of so many packets that did shows that it reads late.
const UNEVEN: u32 = 3;
/// A packet that is sent by so much later than it is to be begins the measure anew: what was before shows less.
const BEHIND_US: u64 = 20_000;
/// What takes no longer than this is measured as if it took so long.
const LEAST_US: i64 = 5_000;
/// Of the packets that follow a cluster, those that are sent within this see the queue that it leaves.
const FOLLOWED_US: u64 = 400_000;

/// How a cluster is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Short,
    Long,
    /// Much at once: it stands out from clumps.
    Burst,
}

impl Shape {
    fn lasts_us(self) -> u64 {
        match self {
            Self::Short | Self::Burst => SHORT_US,
            Self::Long => LONG_US,
        }
    }

    /// At which a cluster is sent that tries `target` where `known` passes.
    fn pace(self, target: f64, known: f64) -> f64 {
        match self {
            Self::Short | Self::Long => target,
            Self::Burst => target.max(known * BURST_US as f64 / SHORT_US as f64),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Cluster {
    id: u8,
    target: f64,
    /// At which it is sent.
    pace: f64,
    lasts_us: u64,
    began_us: u64,
    /// When it was asked last whether to send.
    polled_us: Option<u64>,
    last_number: u64,
    last_sent_us: u64,
    packets: u32,
    bytes: u64,
    arrived: Arrived,
}

/// From a first packet on.
#[derive(Debug, Clone, Default)]
struct Arrived {
    packets: u32,
    /// What has arrived of the cluster.
    bytes: u64,
    first_sent_us: u64,
    /// Of the cluster and of what follows it.
    last_sent_us: u64,
    /// When the last packet of the cluster arrived.
    last_us: i64,
    /// Packets that came at once with the one before.
    at_once: u32,
    /// What has arrived since the first packet, without it.
    passed: u64,
    /// The highest rate at which that has passed.
    rate: f64,
}

impl Cluster {
    /// Tries `target`, in bits per second, where `known` passes.
    pub(super) fn new(id: u8, target: f64, known: f64, shape: Shape, now_us: u64) -> Self {
        Self {
            id,
            target,
            pace: shape.pace(target, known),
            lasts_us: shape.lasts_us(),
            began_us: now_us,
            polled_us: None,
            last_number: 0,
            last_sent_us: now_us,
            packets: 0,
            bytes: 0,
            arrived: Arrived::default(),
        }
    }

    pub(super) fn id(&self) -> u8 {
        self.id
    }

    pub(super) fn target(&self) -> f64 {
        self.target
    }

    pub(super) fn last_number(&self) -> u64 {
        self.last_number
    }

    pub(super) fn has_begun(&self) -> bool {
        self.packets > 0
    }

    fn packet_bytes(&self) -> f64 {
        (self.pace * APART_S / 8.0).clamp(LEAST_BYTES, MOST_BYTES)
    }

    fn takes_us(&self, bytes: u64) -> u64 {
        (bytes as f64 * 8e6 / self.pace) as u64
    }

    /// Bytes to be sent now.
    pub(super) fn poll(&mut self, now_us: u64) -> Option<usize> {
        if now_us < self.began_us + self.takes_us(self.bytes) {
            return None;
        }
        self.polled_us = Some(now_us);
        Some(self.packet_bytes() as usize)
    }

    pub(super) fn due_us(&self) -> u64 {
        let due_us = self.began_us + self.takes_us(self.bytes);
        self.polled_us
            .map_or(due_us, |polled_us| due_us.max(polled_us + AGAIN_US))
    }

    pub(super) fn handle_sent(&mut self, number: u64, bytes: u16, now_us: u64) {
        if self.packets == 0 {
            self.began_us = now_us;
        }
        self.polled_us = None;
        self.packets += 1;
        self.bytes += u64::from(bytes);
        self.last_number = number;
        self.last_sent_us = now_us;
    }

    /// The last packet does not count for the rate: nothing follows it.
    pub(super) fn is_sent(&self) -> bool {
        let counted = self.bytes.saturating_sub(self.packet_bytes() as u64);
        self.packets >= LEAST_PACKETS && self.takes_us(counted) >= self.lasts_us
    }

    /// It is given up then.
    pub(super) fn late_us(&self) -> u64 {
        self.began_us + self.lasts_us + LATE_US
    }

    pub(super) fn is_complete(&self) -> bool {
        self.arrived.packets == self.packets
    }

    /// A packet of the cluster (`is_own`), or one that follows it; without a queue it takes `base_us`. To be called in the
    /// order of sending; a packet out of order makes it only less exact.
    pub(super) fn handle_arrived(
        &mut self,
        is_own: bool,
        sent_us: u64,
        bytes: u16,
        arrived_us: i64,
        base_us: i64,
    ) {
        let bytes = u64::from(bytes);
        let arrived = &mut self.arrived;
        let takes_us = (arrived.passed as f64 * 8e6 / self.target) as u64;
        let is_behind = sent_us > arrived.first_sent_us + 2 * takes_us + BEHIND_US;
        if is_own && (arrived.packets == 0 || is_behind) {
            (arrived.first_sent_us, arrived.passed) = (sent_us, 0);
        } else {
            arrived.passed += bytes;
        }
        if is_own {
            let takes_us = (bytes as f64 * 8e6 / self.target) as i64;
            let is_first = arrived.packets == 0;
            if !is_first && (arrived_us - arrived.last_us) * AT_ONCE < takes_us {
                arrived.at_once += 1;
            }
            arrived.last_us = arrived_us;
            arrived.packets += 1;
            arrived.bytes += bytes;
        }
        arrived.last_sent_us = arrived.last_sent_us.max(sent_us);
        if arrived.passed * 2 >= self.bytes {
            let took_us = (arrived_us - base_us - arrived.first_sent_us as i64).max(LEAST_US);
            arrived.rate = arrived.rate.max(arrived.passed as f64 * 8e6 / took_us as f64);
        }
    }

    /// A packet of no cluster that was sent after it.
    pub(super) fn is_followed_by(&self, id: u8, sent_us: u64) -> bool {
        id == MEDIA && self.has_begun() && sent_us > self.last_sent_us
    }

    /// Whether what is sent still may tell of it.
    pub(super) fn is_followed(&self) -> bool {
        self.arrived.last_sent_us >= self.last_sent_us + FOLLOWED_US
    }

    /// Feedback has told of some of it.
    pub(super) fn is_told(&self) -> bool {
        self.arrived.packets > 0
    }

    /// Its receiver read it when it came, so that a limit that it shows is one of the network.
    pub(super) fn is_read_at_once(&self) -> bool {
        self.arrived.at_once * UNEVEN < self.arrived.packets
    }

    /// So much gets through at least, in bits per second; `None` if too little arrived.
    pub(super) fn shown(&self) -> Option<f64> {
        let is_enough = f64::from(self.arrived.packets) >= ARRIVED * f64::from(self.packets)
            && self.arrived.bytes as f64 >= ARRIVED * self.bytes as f64;
        is_enough.then_some(self.arrived.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cluster of 2 Mbit/s where 1 Mbit/s passes, sent when it is to be, and when its packets were sent.
    fn sent(shape: Shape) -> (Cluster, Vec<(u64, u16)>) {
        let mut cluster = Cluster::new(1, 2e6, 1e6, shape, 0);
        let mut packets = Vec::new();
        let mut now_us = 0;
        while !cluster.is_sent() {
            while let Some(bytes) = cluster.poll(now_us) {
                cluster.handle_sent(packets.len() as u64, bytes as u16, now_us);
                packets.push((now_us, bytes as u16));
                if cluster.is_sent() {
                    break;
                }
            }
            now_us = cluster.due_us();
        }
        (cluster, packets)
    }

    /// After a cluster and ten packets that follow it each 20 ms.
    fn told(shape: Shape, arrival: impl Fn(u64) -> i64, lost: &[usize]) -> Cluster {
        let (mut cluster, mut packets) = sent(shape);
        let own = packets.len();
        let end_us = packets.last().map_or(0, |(at_us, _)| *at_us);
        packets.extend((1..=10).map(|index| (end_us + 20_000 * index, 100)));
        for (index, (at_us, bytes)) in packets.into_iter().enumerate() {
            if !lost.contains(&index) {
                cluster.handle_arrived(index < own, at_us, bytes, arrival(at_us), 0);
            }
        }
        cluster
    }

    fn shown_kbps(cluster: &Cluster) -> i64 {
        cluster.shown().map_or(-1, |rate| (rate / 1e3).round() as i64)
    }

    #[test]
    fn a_short_cluster_has_five_packets_and_fifteen_milliseconds_and_a_burst_more_packets() {
        let (_, packets) = sent(Shape::Short);
        assert_eq!(packets.len(), 6);
        assert_eq!(packets.last(), Some(&(15_000, 750)));
        let (_, long) = sent(Shape::Long);
        assert_eq!(long.last().map(|(at_us, _)| *at_us), Some(60_000));
        let (_, burst) = sent(Shape::Burst);
        let bytes: u64 = burst.iter().map(|(_, bytes)| u64::from(*bytes)).sum();
        assert!((12_500..=14_400).contains(&bytes), "{bytes}");
        assert!(
            burst.last().is_some_and(|(at_us, _)| *at_us <= 16_500),
            "{burst:?}"
        );
    }

    #[test]
    fn what_arrives_as_it_was_sent_shows_its_rate_and_a_queue_shows_less() {
        let all = told(Shape::Short, |at_us| at_us as i64, &[]);
        assert_eq!((shown_kbps(&all), all.is_read_at_once()), (2_000, true));
        let half = told(Shape::Short, |at_us| at_us as i64 * 2, &[]);
        assert_eq!((shown_kbps(&half), half.is_read_at_once()), (1_000, true));
    }

    #[test]
    fn a_clump_shows_what_its_last_packet_does() {
        let clump = told(Shape::Long, |at_us| at_us.max(60_000) as i64, &[]);
        assert_eq!((shown_kbps(&clump), clump.is_read_at_once()), (2_000, false));
    }

    #[test]
    fn one_that_follows_and_is_read_in_time_shows_more_than_those_that_were_not() {
        let late = told(Shape::Burst, |at_us| at_us.max(200_000) as i64, &[]);
        assert!((540..=580).contains(&shown_kbps(&late)), "{}", shown_kbps(&late));
        let sooner = told(Shape::Burst, |at_us| at_us.max(60_000) as i64, &[]);
        assert!(
            (1_750..=1_850).contains(&shown_kbps(&sooner)),
            "{}",
            shown_kbps(&sooner)
        );
        assert!(!late.is_read_at_once());
    }

    #[test]
    fn a_sender_that_stops_in_between_begins_anew() {
        let (mut cluster, packets) = sent(Shape::Short);
        for (index, (at_us, bytes)) in packets.into_iter().enumerate() {
            let at_us = if index < 2 { at_us } else { at_us + 200_000 };
            cluster.handle_arrived(true, at_us, bytes, at_us as i64, 0);
        }
        assert_eq!(shown_kbps(&cluster), 2_000);
    }

    #[test]
    fn too_little_shows_nothing() {
        let cluster = told(Shape::Short, |at_us| at_us as i64, &[2, 3]);
        assert_eq!((cluster.shown(), cluster.is_complete()), (None, false));
    }

    #[test]
    fn who_is_asked_and_does_not_send_is_asked_again() {
        let mut cluster = Cluster::new(1, 2e6, 1e6, Shape::Short, 0);
        assert_eq!(cluster.due_us(), 0);
        assert_eq!(cluster.poll(0), Some(750));
        assert_eq!(cluster.due_us(), 1_000);
        assert_eq!(cluster.late_us(), 415_000);
    }
}
