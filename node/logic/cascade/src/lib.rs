//! The media cascade between the nodes of one server: what goes over a link, and which links get what.
//!
//! ```text
//!  SFU ── local tracks, who is here, who watches what ──► Exchange ──► Tell(node, Control), Forward(stream, node)
//!      ◄── tracks of other nodes, key frames, levels ────            ◄── Control of other nodes
//!
//!             handle_packet                          poll_transmit
//!  SFU ──► Sender: audio, content, video ──► numbers, halves ──► datagram ──►  wire
//!             ≤ 20 ms queued                   kept 500 ms ◄── NACK ◄───────┐
//!                                                                           │
//!  SFU ◄── Receiver: in order of arrival ◄── halves joined, doubles dropped, gaps noticed ◄── datagram
//! ```
//!
//! A stream crosses a link once. Each hop numbers what it sends and repairs its own gaps; gaps from upstream stay
//! gaps. To the other nodes of its server a node announces only tracks of participants who are homed on it, and what
//! comes from partners, so there are no loops.
//!
//! | type | what it is |
//! | --- | --- |
//! | [`MediaPacket`], [`wire`] | a packet, and how it is written down |
//! | [`Link`] | both directions of one connection: a [`Sender`] and a [`Receiver`] |
//! | [`Control`] | what nodes tell each other |
//! | [`Exchange`] | who is told what, and which streams go where |
//!
//! Time is microseconds of any clock that never runs backwards. Each part says when it wants to be asked again
//! (`poll_timeout`); the same inputs give the same outputs.
//!
//! What is deliberately not here: QUIC, sockets, MessagePack (`cascade-io`), which layers are worth watching
//! (`plenary-media`), and trees over many nodes: each home node sends to each node that asks.
//! The formats are described in `docs/protocols/cascade.md`.

mod control;
mod exchange;
mod link;
mod packet;
mod receiver;
mod sender;
pub mod wire;

pub use control::{BadControl, Control, Layer, Layers, Level, Participant, Room, Stats, Track, TrackKind};
pub use exchange::{Effect, Exchange, Refused, See, Terms, is_partner_link, partner_link};
pub use link::{Figures, Incoming, Link, Path};
pub use packet::{MAX_PAYLOAD, MAX_SEQ, MediaPacket};
pub use receiver::{Received, Receiver};
pub use sender::{Priority, Sender, Sent};
pub use wire::{StreamId, WireError, fuzz};
