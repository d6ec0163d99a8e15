//! The tunnel between nodes of a server and a Border Controller: what both ends have in common, and the node's end.
//!
//! ```text
//!  node                                                     Border Controller
//!  ────                                                     ─────────────────
//!  enrol()  ──QUIC, any certificate──────────────────────►  token, proofs, its certificate
//!  Tunnel   ──QUIC, mutual TLS of the enterprise─────────►
//!     first stream: Announcement, Revocations, Certified ►  ◄ Hello, renewal, Figures
//!     ◄── one stream for each client from outside: Flow, then its bytes both ways
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | [`wire`] | messages on streams, and how they become types of `plenary-border` |
//! | [`quic`] | how QUIC is set up, with which bounds |
//! | [`mod@enrol`] | the node's side of enrolment |
//! | [`tunnel`] | the node's side of the tunnel |
//! | [`turn`] | TURN over TLS at a controller, and its credentials |
//! | [`media`] | datagrams of clients, in a connection of their own; the node's side of it |
//!
//! Deliberately not here: what a node does with a client from outside, and which controllers there are.

pub mod enrol;
mod fuzz;
pub mod media;
pub mod quic;
pub mod tunnel;
pub mod turn;
pub mod wire;

pub use enrol::{EnrolError, Enrolments, enrol};
pub use fuzz::fuzz_messages;
pub use tunnel::{FromOutside, Inside, Stream, Target, TunnelError};

/// The port that nodes dial.
pub const PORT: u16 = 4312;
