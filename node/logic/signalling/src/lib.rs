//! Signalling: what a client and a node say to each other over one WebSocket, decided without sockets or clock.
//!
//! A [`Connection`] is one client's *run*: it begins with a welcome, outlives cuts of the transport, and ends when
//! the client leaves, breaks the rules, loses its session, or stays away too long. Every message has a number and
//! is kept until the other side has acknowledged it, so that a resume neither loses nor doubles one.
//!
//! ```text
//!             Attach                    Lost, silence                 Limits::resume_for_ms
//!   new ─────────────────► attached ───────────────────► detached ───────────────────────────► ended
//!                          │   ▲  ▲                         │                                    ▲
//!                          │   │  └──────── Attach ─────────┘                                    │
//!                          │   └─ Attach (the older transport closes with 4409)                  │
//!                          └──── broken rules, no session, no right, too slow, going away ───────┘
//! ```
//!
//! The JSON of the messages is the subject of this crate and is read and written here; who may sign in, and which
//! addresses exist, is asked by `plenary-signalling-io`. Time is milliseconds of any clock that never runs backwards.
//! The contract is `docs/protocols/signalling.md`.

mod changes;
mod close;
mod connection;
mod frame;
mod fuzz;
mod limits;
mod link;
pub mod meeting;
mod schema;

pub use close::{Close, CloseCode};
pub use connection::{Attach, Connection, Input, Output, Station, Who};
pub use frame::{
    BadFrame, ClientBody, ClientFrame, Hello, Sealed, ServerBody, ServerFrame, Topic, VERSION, Welcome, seal,
};
pub use fuzz::fuzz;
pub use limits::Limits;
pub use link::{BadAck, Full, Gap, Link};
pub use plenary_access::Presence;
pub use schema::schemas;
