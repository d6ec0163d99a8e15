//! What a License Manager keeps beside leases: its replicas, licence files, which servers may borrow, invitations.
//!
//! ```text
//!  Entry ──► log ──► Manager::apply ──► Outcome: answer to a server, reply to an administrator, events
//!                      ├─ Office   replicas, invitations, admitted servers, licence files
//!                      └─ Lessor   leases
//! ```
//!
//! Licence files are kept as they came and judged by whoever reads them: two replicas of different builds may believe
//! different keys, and must hold the same state all the same. What the files give goes into the log as
//! [`lessor::Command::Licensed`](crate::lessor::Command::Licensed), proposed by the leader.

mod apply;
mod command;
mod files;
mod state;

pub use command::{Command, Denial, Done, Entry, Event, Happened, Outcome};
pub use files::{Files, Judged, judge};
pub use state::{File, Guest, Invitation, Manager, Member, Office};
