//! Congestion control: how much the network of one receiver bears, decided where it is sent from.
//!
//! Each packet carries a transport-wide number. The receiver tells which arrived, and when; from that follows what may be
//! sent, as Google Congestion Control has it (draft-ietf-rmcat-gcc-02, and what libwebrtc does today).
//!
//! ```text
//!   packet ──► handle_sent ──► number          feedback (RTCP 205/15) ──► handle_feedback
//!                  │                                                            │
//!                  ▼                                                            ▼
//!               history ◄────────────── which packets, sent when ────────── feedback
//!                  │ arrived                                  missing │
//!        ┌─────────┼──────────────┬─────────────┐                     ▼
//!        ▼         ▼              ▼             ▼                   loss: limit
//!      delay     rate           probe         (rtt)                   │
//!     over, under  what arrives   what got through                    │
//!        └────────►┴──► aimd ◄────┘                                   │
//!                        └───────────────────► the lower of both ◄────┘──► poll_estimate
//!
//!   poll_timeout ──► handle_timeout, poll_probe ──► bytes to send ──► handle_sent_probe
//! ```
//!
//! | module | what it decides |
//! | --- | --- |
//! | `feedback` | what a message tells |
//! | `history` | which packets are meant; each counts once |
//! | `delay` | whether a queue grows |
//! | `rate` | how much was sent and arrives |
//! | `aimd` | the rate that the delay allows |
//! | `loss` | the rate that losses allow |
//! | `probe` | when to try more, and what came of it |
//!
//! A receiver that reads late because its machine is busy is not one whose network is weak. What it reads at once counts
//! as one burst (`delay::groups`); what arrives is measured over windows that are longer than gaps (`rate`); and while less
//! is sent than the estimate, one overuse takes 15 % of it at most (`aimd`).
//!
//! Time is microseconds of any clock that never runs backwards. The same calls give the same answers. A receiver takes
//! 10.1 KiB, which [`Estimator::new`] allocates; nothing is allocated after that. A receiver that lies has no more than
//! probes could justify: what arrives is counted no faster than it was sent.
//!
//! What is deliberately not here: RTCP but for this one message, the pacing of media, what padding is made of, and what
//! to leave out when less fits (`plenary-media`). Who never sends such feedback is not to be given an [`Estimator`]: it
//! takes silence for a network that is gone.

mod aimd;
mod delay;
mod estimator;
mod feedback;
mod fuzz;
mod history;
mod loss;
mod probe;
mod rate;

pub use estimator::Estimator;
pub use feedback::Malformed;
pub use fuzz::fuzz_feedback;

/// No estimate is lower, in bits per second.
const FLOOR: f64 = 10_000.0;
/// No estimate is higher.
const MOST: f64 = 1e9;

/// Bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Bitrate(pub u64);

impl Bitrate {
    pub const fn from_kbps(kbps: u64) -> Self {
        Self(kbps.saturating_mul(1_000))
    }

    /// Rounded down.
    pub const fn as_kbps(self) -> u64 {
        self.0 / 1_000
    }
}
