//! The leases of `plenary_licences`: a License Manager and servers, each a Raft group, in virtual time.
//!
//! ```text
//!  nemesis: cuts, crashes, pauses, clocks, copies, restores ────────────────┐
//!  people ──► nodes ──► log of a server ──► Held, Watch ──► who may use what ─┴─► oracle
//!               │ requests: lost, late, doubled, in another order
//!               ▼
//!  replicas of the manager ──► log ──► Lessor, Timers, Desk
//! ```
//!
//! A Raft group is what Raft promises (`group`): one log that only the leader of the highest term extends, replicas that
//! apply it late, leaders that do not know yet that they are none. Raft itself is `replication`'s to prove.
//!
//! Each seed has a theme (`aims`), as a mixture of everything meets the rare moments too seldom, and ends with one of
//! everything. A seed with fewer than 200 faults, or without one of a kind, counts as broken.
//!
//! Invariants (`docs/decisions/0009`):
//! 1. At every moment of true time no more seats can be used than there are. The oracle sees what each node would let
//!    its people do now, and what each majority could still give away.
//! 2. When the faults have ended and one TTL has passed, demand that the pool can meet is met within seconds.
//! 3. Servers go on without the manager for most of a TTL: people leave and others come.

mod agenda;
mod aims;
mod clock;
mod figures;
mod group;
mod heal;
mod journal;
mod manager;
mod managers;
mod nemesis;
mod nodes;
mod server;
mod users;
mod world;

pub use self::{figures::Figures, heal::run};
pub use plenary_licences::mutant::Mutant;
