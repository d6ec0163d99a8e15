//! Who lends: the replicated state of a License Manager, and what its leader does beside.
//!
//! ```text
//!  requests ──► Desk (leader): waits for recalls ──► Command ──► log ──► Lessor::apply ──► answer, events
//!  clocks   ──► Timers (each replica) ─────────────► Expire ──►   │            │
//!                                                              no clock    touched lease
//!                                                               in here     └──► Timers
//!  standing:  Serving ──echo of a later position, or a restore──► Behind ──recover──► Recovering ──one TTL──► Serving
//! ```
//!
//! Invariant: the seats of all leases together are at most max(capacity, what they were before).

mod apply;
mod balance;
mod desk;
mod state;
mod timers;

pub use balance::{recalls, share};
pub use desk::{Desk, Effect};
pub use state::{Command, Concerns, Event, Lease, Lessor, Limits, Outcome, Server, Standing};
pub use timers::Timers;
