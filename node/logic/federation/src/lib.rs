//! Meeting with servers of other enterprises: which way leads to one, who is answered, and what a trial told.
//!
//! Pure: names are resolved, connections made and certificates checked by `plenary-federation-io`. The protocol is in
//! `docs/protocols/federation.md`.
//!
//! | type | what it is |
//! | --- | --- |
//! | [`Srv`], [`Way`] | where DNS says that a server is (RFC 2782) |
//! | [`Greeting`], [`Unwelcome`] | who may go on after the first words |
//! | [`Step`], [`Trial`] | what was tried to reach a partner, for administrators |

mod greeting;
mod trial;
mod way;

pub use greeting::{Greeting, PROTOCOLS, Unwelcome, Welcome, greet};
pub use trial::{Done, Step, Trial};
pub use way::{PORT, Srv, Target, Way, service_of};
