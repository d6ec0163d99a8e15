//! Meeting with servers of other enterprises: names, TLS, and the service on port 4307.
//!
//! Does, never decides: which way is tried first and who is answered is `node/logic/federation`; whose certificate counts is
//! `base/identity`. The protocol is in `docs/protocols/federation.md`.

mod dns;
mod reach;
mod service;

pub use dns::{Dns, Names, NamesError};
pub use reach::{Reach, Tried};
pub use service::{BOUNDS, Guest, Home, identify, service};
