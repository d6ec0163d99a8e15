//! Meeting with servers of other enterprises: names, TLS, and the service on port 4307.
//!
//! Does, never decides: which way is tried first and who is answered is `node/logic/federation`; whose certificate counts is
//! `base/identity`. The protocol is in `docs/protocols/federation.md`.

mod attend;
mod dns;
mod host;
mod reach;
mod service;
mod visit;

pub use attend::{Attending, Permit, SAID, TOLD, Told, Visit};
pub use dns::{Dns, Names, NamesError};
pub use host::Unhosted;
pub use reach::{Reach, Tried};
pub use service::{BOUNDS, Guest, Home, identify, service};
pub use visit::Unreached;
