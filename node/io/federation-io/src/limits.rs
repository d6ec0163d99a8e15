//! What the port bears of whoever comes.

use plenary_federation::QuarantineRules;
use plenary_links::Bounds;
use std::time::Duration;

/// How much strangers and partners may do. The defaults are for partners with thousands of users each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// TLS handshakes at a time, in all and of one network (one address, of IPv6 64 bits).
    pub handshakes: (usize, usize),
    /// Connections of those who proved nothing, in all and of one network.
    pub strangers: (usize, usize),
    /// Connections at a time, in all and of one network.
    pub connections: (usize, usize),
    /// First words of one network: so many at once, and so many a second in the long run.
    pub greetings: (f64, f64),
    /// Words of one network of whoever did not prove to be the server that they claim to be, likewise.
    pub unproved: (f64, f64),
    /// Messages of one partner, likewise; on each node. All servers below one registered domain have four times as many together.
    pub messages: (f64, f64),
    /// Calls of `Deliver` of the servers of one owner, each with 64 deliveries at most, likewise.
    pub deliveries: (f64, f64),
    /// Calls of `Ring` of the servers of one owner, likewise.
    pub rings: (f64, f64),
    /// The longest message, in bytes.
    pub message_bytes: usize,
    pub quarantine: QuarantineRules,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshakes: (64, 16),
            strangers: (64, 16),
            connections: (1_024, 64),
            greetings: (20.0, 1.0),
            unproved: (20.0, 1.0),
            messages: (1_000.0, 250.0),
            deliveries: (64.0, 4.0),
            rings: (500.0, 60.0),
            message_bytes: 64 * 1024,
            quarantine: QuarantineRules::default(),
        }
    }
}

impl Limits {
    /// What is borne before anything was said.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            handshakes: self.handshakes,
            handshake_within: Duration::from_secs(5),
            strangers: self.strangers,
            stranger_lifetime: Duration::from_secs(30),
            connections: Some(self.connections),
            port: "federation",
        }
    }
}
