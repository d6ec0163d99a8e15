//! The replicated state of a server in SQLite: carries out what the rules in `plenary_access`, `plenary_conference` and
//! `plenary_licensing` decide, and answers queries about it.
//!
//! ```text
//!  replication ── command ──► ServerApp ── View ──► decide, of the part that the command changes
//!                                 ▲                         │ effects, events
//!                     rows ◄──────┴──── carry out ◄─────────┘
//!  REST, signalling ── queries ──► rows          notices ──► [`ServerApp::changes`]
//! ```
//!
//! It decides nothing, knows no network, and reads no clock: what is stored follows from the log alone.

mod app;
mod codec;
mod desk;
mod directory_link;
mod effects;
mod facts;
mod found_by;
mod guest_page;
mod history;
mod lines;
mod meetings;
mod outbox;
mod partners;
pub mod queries;
mod registrations;
mod schema;
mod templates;
mod view;
mod watchers;

pub use app::{Changes, ServerApp, rehearse};
pub use codec::{AnyCommand, CodecError, Part, Reply, decode_command, decode_reply, encode_command};
pub use queries::QueryError;
