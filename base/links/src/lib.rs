//! Links between the members of a Raft group: TLS, who is calling, what strangers may cost, joining by a token.
//!
//! Does, never decides: who may call what is told by the identity of the certificate. Raft itself is
//! `plenary-replication`; its service is mounted on the same port by the program.

mod join;
mod links;
mod listen;
mod services;
mod shares;
mod watched;

pub use join::{Attempt, ask};
pub use links::{Patience, channel, connect, member_channel, patient_channel, watched_member_channel};
pub use listen::{Arrivals, Bounds, Caller, Connection, Identify, Known, incoming};
pub use plenary_model::network_of;
pub use services::{Node, Services, Who, require_member};
pub use shares::{Share, Shares};
pub use watched::Ended;

use std::time::SystemTime;

/// Milliseconds since 1970 by this machine's clock.
pub fn clock_ms() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
