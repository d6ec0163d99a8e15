//! The media cascade's connections: QUIC over mutual TLS, one between each two nodes of a server.
//!
//! ```text
//!  Handle::send, tell ──► outbox ──► plenary_cascade::Link ──► QUIC datagrams ──►  other node
//!                                            ▲                 control stream
//!                          clock, path ──────┘
//!  Event::{Up, Message, Packet, Down} ◄── Link ◄── datagrams, control stream
//! ```
//! Does, never decides: order, queue, repairs are [`plenary_cascade::Link`]; who is told what is
//! [`plenary_cascade::Exchange`], which the consumer of the events runs.
//!
//! The node with the lower number dials; the other one waits. So a pair never has two connections, and a lost one is
//! made again by who made it before. When a node dials again before the other noticed that the old connection is
//! dead, the newer one counts.
//!
//! Links to servers of other enterprises ([`Partners`]) are driven alike; who may be at their other end, how much they
//! carry and how rooms are called there is another matter (`docs/protocols/federation.md`).
//!
//! Everything of a connection is soft state. After [`Event::Up`] nothing of an earlier one is left: both sides tell
//! again what they want.

mod cascade;
mod codec;
mod dial;
mod doors;
mod driver;
mod figures;
mod outbox;
mod partners;
mod peers;
mod proof;
mod standing;
mod tls;

pub use cascade::{Cascade, CascadeError, Event, Handle};
pub use codec::fuzz_control;
pub use figures::Reading;
pub use partners::{
    Attending, Bounds, Carrier, Circle, Partners, PartnersHandle, PartnersReading, Side, Way, Ways,
};
pub use plenary_cascade::{Control, MediaPacket, Priority, Room, StreamId, is_partner_link};
