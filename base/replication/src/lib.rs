//! A replicated state machine: what a program commits here survives the loss of any minority of its nodes.
//!
//! ```text
//!   program                          this crate                                   other replicas
//!  ┌───────────────┐ propose   ┌──────────────────────────────────────┐
//!  │ Application   │──────────►│ Proposer ─► Courier ─► Batcher       │── proposals ──► leader's Batcher
//!  │  migrate      │◄── reply ─│                          │ one entry │
//!  │  apply        │           │                      openraft ───────│── entries ────► followers
//!  │  committed    │◄──────────│ Machine ◄── committed ───┤           │◄─ answers after their fdatasync
//!  └───────────────┘  notices  │   │ one transaction      ▼           │
//!        │ read                │   ▼                   LogStore       │── copy of the state ─► who is
//!        └────────────────────►│ SQLite (WAL)          one fdatasync  │                        far behind
//!                              │ readers               per group      │
//!                              └──────────────────────────────────────┘
//! ```
//!
//! * **Commands** are bytes to this crate; [`Application::apply`] turns them into rows within the
//!   transaction that also stores how far the log is applied. So a crash applies nothing twice and nothing
//!   never. State is rusqlite: `docs/decisions/0002`.
//! * **An entry of the log is a batch** of everything that waited: `docs/decisions/0004`.
//! * **Any node takes proposals**; they find the leader by themselves and are repeated until they have an
//!   answer. (node, session, number) tells repetitions apart, so nothing happens twice.
//! * **Reads are local**; [`Replica::read_index`] first makes sure that they are not older than anything
//!   acknowledged, [`Replica::wait_applied`] that they hold a session's own writes.
//! * **The log** is files of frames with checksums (`log`); a tail cut short by a loss of power is repaired,
//!   anything else that does not fit is refused by name. It is purged behind a checkpoint of the state only.
//! * **A failed sync ends the replica** ([`Replica::failure`]); a full disk only refuses writes until there is
//!   space again.
//! * **A backup** is a copy of the state; [`restore`] makes a group of one member of it.
//! * **Election times** follow the slowest sync among the members.
//!
//! Deliberately not here: what commands mean, who may connect (the program's mutual TLS), where nodes are
//! found, what is worth replicating.

mod application;
mod clock;
mod core;
mod disk;
mod error;
mod fresh;
mod health;
mod home;
mod link;
mod log;
mod members;
mod network;
mod options;
mod propose;
mod replica;
mod restore;
mod runtime;
mod serve;
mod state;
mod status;
mod tend;
mod transfer;
mod types;
mod watermark;
mod wire;

pub use self::{
    application::{AppError, Application, Reply, Stamp},
    clock::{Clock, SystemClock},
    error::{BackupError, Failure, MembershipError, OpenError, ProposeError, ReadError, RestoreError},
    link::{Connector, Service, tune_client},
    options::{Environment, Limits, Member, Options, Timing, Work},
    propose::Committed,
    replica::{Backup, Replica},
    restore::{Restored, restore},
    status::{Latency, MemberStatus, Role, Status},
};

/// Parts that a simulation exchanges; not for programs.
#[doc(hidden)]
pub mod simulation {
    pub use crate::{
        disk::{Disk, DiskFile, DiskRead, FileDisk},
        link::{Answers, Frames, Header, Kind, Link, LinkError, Links, Serve},
        runtime::seed_this_thread,
    };
}
