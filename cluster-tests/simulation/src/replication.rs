//! The replicated state machine of `plenary_replication`.
//!
//! Invariants:
//! * Two replicas that applied entry `i` hold the same state there (a running hash).
//! * What was acknowledged is there at the end, at the index that was acknowledged.
//! * No proposal is applied twice.
//! * A fresh read is not older than what was acknowledged anywhere before it began.
//! * No node leads in one term twice, before and after a start; the time of entries never goes back.
//! * No replica stops or fails to start unless its disk failed.
//! * When all faults have ended, everything comes to one state and takes writes again.

mod app;
mod clients;
mod disk;
mod journal;
mod mutant;
mod nemesis;
mod network;
mod oracle;
mod world;

pub use self::{mutant::Mutant, world::run};
