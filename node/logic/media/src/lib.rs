//! Media: the decisions of a selective forwarding unit, without sockets, clock or threads.
//!
//! Packets go from publishers to subscribers as they are: nothing is decoded, mixed or encoded. What is decided
//! is who gets which packets, and under which numbers.
//!
//! ```text
//!  publisher                       room                                        subscriber
//!  ─────────                       ────                                        ──────────
//!  packet ──► payload::Reader ─────────────────────────────┐
//!     │        key frame? layer?                           ▼
//!     │                                          rewrite::Rewriter, one a slot ──► packet
//!     │                                              ▲            ▲    ▲
//!     │                              who fills a slot│      Target│    └── NACK: origin, repair
//!     │ level   speakers::Speakers ──► room::Room ───┘            │
//!     └────────► heard, ranking        ▲  │  │  slots, tiles   allocation::Allocator ◄── estimate in kbit/s
//!                           join, show ┘  │  └──────────────────► layer or pause
//!                                         │
//!  ◄── layers nobody watches ─────────────┤
//!  ◄── PLI ◄── keyframes::KeyFrames ◄─────┴── new source; Rewriter::wants_key_frame; PLI of subscribers
//! ```
//!
//! Time is milliseconds of any clock that never runs backwards. Each part says when it wants to be asked again
//! (`poll_timeout`) and what is to be done (`poll_*`); the same inputs give the same outputs. On the path of
//! packets ([`payload::Reader::read`], [`rewrite::Rewriter::handle_packet`],
//! [`speakers::Speakers::handle_level`]) nothing is allocated, but for what the first packet of a stream or slot
//! sets up.
//!
//! What is deliberately not here: ICE, DTLS, SRTP, RTCP and the estimation of bandwidth (the WebRTC stack has
//! them), the buffer that answers NACK (the shell keeps packets, [`rewrite::Rewriter::origin`] says which),
//! reports of senders for rewritten timestamps, the wire between nodes, roles and rights (who may publish is
//! decided before), and the client's messages.

pub mod allocation;
mod id;
pub mod keyframes;
pub mod payload;
pub mod resume;
pub mod rewrite;
pub mod room;
pub mod speakers;

pub use id::{Kbps, Kind, ParticipantId, Slot, Source, StreamId};
