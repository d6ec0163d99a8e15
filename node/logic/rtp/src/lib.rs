//! RTP and RTCP as whoever sends media writes and reads them: headers with extensions, repairs, padding, reports of the
//! sender, and what receivers say about all that. Pure bytes: no sockets, clock or keys.
//!
//! Invariant: what strangers send is read within its bounds, and nothing is kept of it.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod feedback;
pub mod header;
pub mod numbers;
pub mod report;

pub use feedback::{Feedback, fuzz};
pub use header::{Extensions, Header, Values};
pub use numbers::{Numbers, extend};
