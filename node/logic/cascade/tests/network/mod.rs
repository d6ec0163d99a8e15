//! Two links and what lies between them, in virtual time, from a seed.

use plenary_cascade::{Incoming, Link, MediaPacket, Path, Priority, StreamId};
use std::collections::BTreeMap;

/// What the way between two nodes does to datagrams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) delay_us: u64,
    /// Added at random, so that datagrams overtake each other.
    pub(crate) jitter_us: u64,
    pub(crate) lost_percent: u64,
    pub(crate) doubled_percent: u64,
    pub(crate) bytes_per_s: u64,
    pub(crate) max_datagram: usize,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            delay_us: 20_000,
            jitter_us: 0,
            lost_percent: 0,
            doubled_percent: 0,
            bytes_per_s: 12_500_000,
            max_datagram: 1_300,
        }
    }
}

/// A packet that was given out: when, of which stream.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    pub(crate) at_us: u64,
    pub(crate) stream: StreamId,
    pub(crate) packet: MediaPacket,
}

/// Link 0 sends packets to link 1.
pub(crate) struct Network {
    pub(crate) now_us: u64,
    pub(crate) links: [Link; 2],
    pub(crate) delivered: Vec<Delivered>,
    pub(crate) most_queued: usize,
    way: Way,
    free_us: [u64; 2],
    /// By arrival and number: to whom, what.
    flying: BTreeMap<(u64, u64), (usize, Vec<u8>)>,
    count: u64,
    random: u64,
}

impl Network {
    pub(crate) fn new(way: Way, seed: u64) -> Self {
        let mut network = Self {
            now_us: 0,
            links: Default::default(),
            delivered: Vec::new(),
            most_queued: 0,
            way,
            free_us: [0; 2],
            flying: BTreeMap::new(),
            count: 0,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        };
        network.say_path(way.bytes_per_s);
        network
    }

    /// What the transport says of the way's rate.
    pub(crate) fn say_path(&mut self, bytes_per_s: u64) {
        let path = Path {
            rtt_us: 2 * self.way.delay_us + self.way.jitter_us,
            bytes_per_s,
        };
        for link in &mut self.links {
            link.handle_path(self.now_us, path);
        }
    }

    pub(crate) fn send(&mut self, stream: u64, priority: Priority, packet: MediaPacket) {
        let [link, _] = &mut self.links;
        link.handle_packet(self.now_us, StreamId(stream), priority, packet);
        self.most_queued = self.most_queued.max(link.sender().queued_bytes());
        self.transmit();
    }

    /// Lets time pass.
    pub(crate) fn run_until(&mut self, until_us: u64) {
        loop {
            self.transmit();
            let arrival = self.flying.keys().next().map(|(at_us, _)| *at_us);
            let timeouts = self.links.iter().filter_map(Link::poll_timeout);
            let free = self.links.iter().zip(self.free_us);
            let free = free.filter_map(|(link, free_us)| link.is_waiting().then_some(free_us));
            let next = arrival.into_iter().chain(timeouts).chain(free).min();
            match next {
                Some(next_us) if next_us <= until_us => self.now_us = self.now_us.max(next_us),
                _ => break,
            }
            while let Some(entry) = self
                .flying
                .first_entry()
                .filter(|entry| entry.key().0 <= self.now_us)
            {
                let (to, bytes) = entry.remove();
                let incoming = self.links[to].handle_datagram(self.now_us, &bytes);
                if let Incoming::Packet(stream, packet) = incoming {
                    let at_us = self.now_us;
                    self.delivered.push(Delivered {
                        at_us,
                        stream,
                        packet,
                    });
                }
            }
            for link in &mut self.links {
                link.handle_timeout(self.now_us);
            }
        }
        self.now_us = until_us;
    }

    fn transmit(&mut self) {
        for from in [0, 1] {
            while self.free_us[from] <= self.now_us {
                let mut bytes = Vec::new();
                if !self.links[from].poll_transmit(self.now_us, self.way.max_datagram, &mut bytes) {
                    break;
                }
                assert!(bytes.len() <= self.way.max_datagram, "{} bytes", bytes.len());
                let takes_us = bytes.len() as u64 * 1_000_000 / self.way.bytes_per_s;
                self.free_us[from] = self.now_us + takes_us;
                self.fly(1 - from, bytes);
            }
        }
    }

    fn fly(&mut self, to: usize, bytes: Vec<u8>) {
        if self.percent(self.way.lost_percent) {
            return;
        }
        let copies = if self.percent(self.way.doubled_percent) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let jitter_us = self.random() % (self.way.jitter_us + 1);
            let at_us = self.free_us[1 - to] + self.way.delay_us + jitter_us;
            self.count += 1;
            self.flying.insert((at_us, self.count), (to, bytes.clone()));
        }
    }

    fn percent(&mut self, share: u64) -> bool {
        self.random() % 100 < share
    }

    /// xorshift64*
    fn random(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33
    }
}

/// A packet whose payload tells its number.
pub(crate) fn packet(seq: u64, bytes: usize) -> MediaPacket {
    let mut payload = vec![seq as u8; bytes];
    if let Some(head) = payload.first_chunk_mut::<8>() {
        *head = seq.to_be_bytes();
    }
    MediaPacket {
        seq,
        timestamp: (seq * 960) as u32,
        marker: seq.is_multiple_of(7),
        audio_level: seq.is_multiple_of(2).then_some(((seq % 128) as u8, true)),
        orientation: None,
        payload: payload.into(),
    }
}
