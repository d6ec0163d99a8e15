//! The media of a node: one port for UDP and TCP, all sessions (MED-01), on all cores (MED-02).
//!
//! ```text
//!  socket ─► whose is it? ─► peer (ICE, DTLS, SRTP: str0m) ─► room: who gets it ─► egress: SRTP ─► socket
//!   many at once   address, ufrag                              plenary-media        beside str0m   many at once
//!                    │  ▲
//!                    ▼  │ handed over: what the system gave to the socket of another shard
//!                   steering
//! ```
//! This line is one shard: a thread with a socket of its own at the port of all. A room lies wholly in one of them, found
//! by the hash of its name; what shards know of each other is in `steering` (docs/decisions/0014).
//!
//! Rooms on several nodes: [`Cascade`] is the engine's end of the links, and each stream crosses a link once (MED-03).
//! Clients that come through a Border Controller: [`Outside`] gives their datagrams to the shards, and has the way back.
//!
//! Servers of other enterprises are links too, over which only what [`Terms`] allow is taken and told
//! (docs/decisions/0019).
//!
//! What is decided (who is shown to whom, which layer, how numbers go on when a source changes) is
//! [`plenary_media`]; here are the socket, the clock and str0m. Nothing of a session is stored or told to other nodes.
//! Garbage, forged and foreign packets have no effect but a count; a peer whose state machine fails ends alone.

mod answer;
mod cascade;
mod demux;
mod dtls;
mod egress;
mod engine;
mod exit;
mod figures;
mod fuzz;
mod gate;
mod ground;
mod intake;
mod offer;
mod outside;
mod peer;
mod room;
mod shard;
mod start;
mod steering;
mod tcp;
mod terms;
mod timers;

pub use answer::limited;
pub use cascade::{Cascade, LinkEvent, Links};
pub use engine::{
    Allow, Carried, Carries, Client, Engine, EngineError, Event, Filled, Limits, Line, Opened, Opening,
    Options, Part, Quality, SessionKey,
};
pub use figures::Reading;
pub use fuzz::{fuzz_datagrams, fuzz_offer};
pub use outside::{Arrivals, Carrier, Named, Outside, TcpWay, Way};
pub use plenary_media::{Kbps, Kind, ParticipantId, Source, allocation::Reason, room::Show};
pub use plenary_udp::Marks;
pub use terms::{See, Terms};
