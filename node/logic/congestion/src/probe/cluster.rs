//! The packets of one probe.

/// A cluster lasts so long at least; longer ones see more of a receiver that reads late.
const LASTS_US: [u64; 3] = [15_000, 60_000, 90_000];
/// From this on a cluster can be judged by its delay.
const LONG_US: u64 = 60_000;
const LEAST_PACKETS: u32 = 5;
/// Between packets, unless that makes them too large or too small.
const APART_S: f64 = 0.003;
const LEAST_BYTES: f64 = 64.0;
const MOST_BYTES: f64 = 1_200.0;
/// Who is asked to send and does not is asked again after this.
const AGAIN_US: u64 = 1_000;
/// A cluster that is not sent by so much after its time is given up.
const LATE_US: u64 = 150_000;
/// Of it, what must arrive.
const ARRIVED: f64 = 0.8;
/// What arrives so much faster than it was sent was waiting for its receiver: a packet after another one, and all.
const AT_ONCE: i64 = 4;
const CLUMPED: f64 = 2.0;
/// One of so many packets that came at once, or before the one before, makes a clump, or jitter.
const UNEVEN: u32 = 3;
/// What arrives slower than at this share of the rate at which it was sent has found the limit of the network.
const LIMITED: f64 = 0.9;
/// Of that limit, what is used.
const USED: f64 = 0.95;

#[derive(Debug, Clone)]
pub(super) struct Cluster {
    id: u8,
    target: f64,
    lasts_us: u64,
    began_us: u64,
    /// When it was asked last whether to send.
    polled_us: Option<u64>,
    last_number: u64,
    last_sent_us: u64,
    packets: u32,
    bytes: u64,
    arrived: Option<Arrived>,
}

#[derive(Debug, Clone)]
struct Arrived {
    packets: u32,
    bytes: u64,
    first_sent_us: u64,
    last_sent_us: u64,
    last_sent_bytes: u64,
    first_us: i64,
    first_bytes: u64,
    last_us: i64,
    /// Packets that came at once with the one before.
    at_once: u32,
    /// The least that the packets of the latter half took.
    took_us: i64,
}

/// What a cluster has shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// So much gets through, in bits per second.
    Shown(f64),
    /// The receiver read it in a clump: a longer one shows more.
    Clumped,
    /// It read it in clumps, one of which was late: so much gets through at least.
    Unsure(f64),
    /// Too little was sent or arrived.
    Nothing,
}

impl Cluster {
    pub(super) const LONGEST: usize = LASTS_US.len() - 1;

    /// `longer`: from 0 to [`Cluster::LONGEST`].
    pub(super) fn new(id: u8, target: f64, longer: usize, now_us: u64) -> Self {
        let [.., longest] = LASTS_US;
        Self {
            id,
            target,
            lasts_us: LASTS_US.get(longer).copied().unwrap_or(longest),
            began_us: now_us,
            polled_us: None,
            last_number: 0,
            last_sent_us: now_us,
            packets: 0,
            bytes: 0,
            arrived: None,
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
        (self.target * APART_S / 8.0).clamp(LEAST_BYTES, MOST_BYTES)
    }

    fn takes_us(&self, bytes: u64) -> u64 {
        (bytes as f64 * 8e6 / self.target) as u64
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

    pub(super) fn is_late(&self, now_us: u64) -> bool {
        now_us > self.began_us + self.lasts_us + LATE_US
    }

    pub(super) fn is_complete(&self) -> bool {
        self.arrived
            .as_ref()
            .is_some_and(|arrived| arrived.packets == self.packets)
    }

    /// To be called in the order of sending; a packet out of order makes it only less exact.
    pub(super) fn handle_arrived(&mut self, sent_us: u64, bytes: u16, arrived_us: i64) {
        let bytes = u64::from(bytes);
        let is_latter = sent_us.saturating_sub(self.began_us) * 2 >= self.lasts_us;
        let took_us = if is_latter {
            arrived_us - sent_us as i64
        } else {
            i64::MAX
        };
        let Some(arrived) = &mut self.arrived else {
            self.arrived = Some(Arrived {
                packets: 1,
                bytes,
                first_sent_us: sent_us,
                last_sent_us: sent_us,
                last_sent_bytes: bytes,
                first_us: arrived_us,
                first_bytes: bytes,
                last_us: arrived_us,
                at_once: 0,
                took_us,
            });
            return;
        };
        let sent_apart_us = sent_us.saturating_sub(arrived.last_sent_us) as i64;
        if sent_apart_us > 0 && (arrived_us - arrived.last_us) * AT_ONCE < sent_apart_us {
            arrived.at_once += 1;
        }
        arrived.packets += 1;
        arrived.bytes += bytes;
        arrived.first_sent_us = arrived.first_sent_us.min(sent_us);
        if sent_us >= arrived.last_sent_us {
            (arrived.last_sent_us, arrived.last_sent_bytes) = (sent_us, bytes);
        }
        if arrived_us < arrived.first_us {
            (arrived.first_us, arrived.first_bytes) = (arrived_us, bytes);
        }
        arrived.last_us = arrived.last_us.max(arrived_us);
        arrived.took_us = arrived.took_us.min(took_us);
    }

    /// `base_us`: what a packet takes without a queue.
    pub(super) fn verdict(&self, base_us: i64) -> Verdict {
        let Some(arrived) = &self.arrived else {
            return Verdict::Nothing;
        };
        let is_enough = f64::from(arrived.packets) >= ARRIVED * f64::from(self.packets)
            && arrived.bytes as f64 >= ARRIVED * self.bytes as f64;
        let sent_us = arrived.last_sent_us.saturating_sub(arrived.first_sent_us);
        if !is_enough || sent_us == 0 {
            return Verdict::Nothing;
        }
        let rate = |bytes: u64, us: f64| bytes as f64 * 8e6 / us;
        let sent = rate(arrived.bytes - arrived.last_sent_bytes, sent_us as f64);
        let arrived_us = (arrived.last_us - arrived.first_us).max(1);
        let received = rate(arrived.bytes - arrived.first_bytes, arrived_us as f64);
        if received > CLUMPED * sent || arrived.at_once * UNEVEN >= arrived.packets {
            if sent_us < LONG_US / 2 || arrived.took_us == i64::MAX {
                return Verdict::Clumped;
            }
            // What is sent faster than the network bears makes a queue, half of which is there by half of the time.
            let queue_us = 2.0 * arrived.took_us.saturating_sub(base_us).max(0) as f64;
            let rate = sent * sent_us as f64 / (sent_us as f64 + queue_us);
            return if rate < LIMITED * sent {
                Verdict::Unsure(rate)
            } else {
                Verdict::Shown(rate)
            };
        }
        let used = if received < LIMITED * sent { USED } else { 1.0 };
        Verdict::Shown((used * received).min(sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cluster of 2 Mbit/s, sent when it is to be, and when its packets were sent.
    fn sent(longer: usize) -> (Cluster, Vec<(u64, u16)>) {
        let mut cluster = Cluster::new(1, 2e6, longer, 0);
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

    fn shown(longer: usize, arrival: impl Fn(u64) -> i64, lost: &[usize]) -> Verdict {
        let (mut cluster, packets) = sent(longer);
        for (index, (at_us, bytes)) in packets.into_iter().enumerate() {
            if !lost.contains(&index) {
                cluster.handle_arrived(at_us, bytes, arrival(at_us));
            }
        }
        cluster.verdict(0)
    }

    #[test]
    fn a_cluster_has_five_packets_and_fifteen_milliseconds() {
        let (_, packets) = sent(0);
        assert_eq!(packets.len(), 6);
        assert_eq!(packets.last(), Some(&(15_000, 750)));
        let (_, longer) = sent(1);
        assert_eq!(longer.last().map(|(at_us, _)| *at_us), Some(60_000));
    }

    #[test]
    fn the_slower_of_both_rates_is_shown() {
        assert_eq!(shown(0, |at_us| at_us as i64 + 50_000, &[]), Verdict::Shown(2e6));
        assert_eq!(shown(0, |at_us| at_us as i64 * 2, &[]), Verdict::Shown(0.95e6));
        assert_eq!(shown(0, |at_us| at_us as i64 * 2 / 3, &[]), Verdict::Shown(2e6));
    }

    #[test]
    fn too_little_shows_nothing() {
        assert_eq!(shown(0, |at_us| at_us as i64, &[2, 3]), Verdict::Nothing);
    }

    #[test]
    fn a_clump_shows_nothing_and_several_show_what_the_network_bears() {
        assert_eq!(shown(0, |_| 20_000, &[]), Verdict::Clumped);
        // Read each 20 ms.
        let read = |at_us: u64| at_us.next_multiple_of(20_000) as i64;
        assert_eq!(shown(0, read, &[]), Verdict::Clumped);
        assert_eq!(shown(1, read, &[]), Verdict::Shown(2e6));
        let half = |at_us: u64| read(2 * at_us);
        let Verdict::Unsure(rate) = shown(1, half, &[]) else {
            panic!("several clumps");
        };
        assert!((0.8e6..1.1e6).contains(&rate), "{rate}");
    }

    #[test]
    fn who_is_asked_and_does_not_send_is_asked_again_and_the_cluster_is_given_up() {
        let mut cluster = Cluster::new(1, 2e6, 0, 0);
        assert_eq!(cluster.due_us(), 0);
        assert_eq!(cluster.poll(0), Some(750));
        assert_eq!(cluster.due_us(), 1_000);
        assert!(!cluster.is_late(100_000));
        assert!(cluster.is_late(170_000));
    }
}
