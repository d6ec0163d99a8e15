//! Whole servers in virtual time, under faults that follow from a seed.
//!
//! ```text
//!           one thread, one seed, no real clock
//!  ┌───────────────────────────────────────────────────────┐
//!  │ nemesis: crashes, partitions, slow and failing disks  │
//!  │    │            │                    │                │
//!  │ replicas ── faulty network      faulty disks          │
//!  │    │ apply                                            │
//!  │ clients, readers, steward ──────► oracle: invariants  │
//!  └───────────────────────────────────────────────────────┘
//! ```
//!
//! First safety while everything goes wrong, then all faults end and the server must come to one state
//! within a virtual minute. A seed that breaks an invariant breaks it again when it is repeated.
//!
//! A run of many seeds that was stopped goes on where it was ([`progress`]).
//!
//! Mutants are planted faults of the kind that the invariants are there for. A simulation that does not
//! catch them proves nothing.
//!
//! Deliberately not here: real processes and sockets (`cluster-tests/live`), speed (`cluster-tests/load`).

pub mod leases;
pub mod progress;
pub mod replication;
pub mod seeds;
