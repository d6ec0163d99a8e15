//! Media.

mod id;
pub mod keyframes;
pub mod payload;
pub mod rewrite;
pub mod speakers;

pub use id::{Kbps, ParticipantId, StreamId};
