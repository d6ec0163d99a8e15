//! Media.

mod id;
pub mod payload;
pub mod rewrite;

pub use id::{Kbps, ParticipantId, StreamId};
