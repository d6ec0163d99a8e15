//! What a server may use and who of its people uses it: the licences that are installed, the lessor that is embedded in
//! the server's own log or the lease of a License Manager, and the seats that follow (LIC-01 to LIC-14).
//!
//! ```text
//!  licence files ──► pool ──► lessor ──Grown──► held ──► capacity ──► seats ──► who may join, who is put out
//!       ▲   time ──────┘        ▲                │                      ▲
//!  administrators               └────Return──────┘        joins, devices, groups, time
//! ```
//!
//! [`decide`] is asked about commands of its own, [`follow`] about what other parts of the server decided. Both change the
//! [`Desk`] and say what follows; also a refusal may change it: time passed, and who was refused is listed. Time is the
//! leader's stamp; licences begin and end by it, and no command carries a time of its own.
//!
//! A server that is connected to a License Manager has no files: its capacity is what the [`Lease`] holds. Until when it
//! may use that is no matter of the log: each node watches over it (`plenary_licences::lessee::Watch`).
//!
//! Invariant: what is held covers what is in use; nothing is given out while as much is in use as the licences allow.
//!
//! Deliberately not here: who is in which meeting (`plenary_conference`), rows (`plenary_store`), which keys of vendors
//! count (whoever proposes an installation checks that; what is in the log names the key).

mod borrow;
mod command;
mod decide;
mod desk;
mod follow;
mod lease;
mod own;

pub use borrow::{LEASE_CHANGE_IGNORED, Needs};
pub use command::{Change, Command, RulesPatch};
pub use decide::{Decision, Effect, Following, View, decide};
pub use desk::{Desk, Figures, File, Installed, Rules, Stored, Touched};
pub use follow::{Fact, Guest, Who, follow};
pub use lease::{Alarm, Gives, Lease, Stage};
pub use own::Own;

/// From this level of the rules on seats are counted.
pub const SEATS_LEVEL: u32 = 4;

/// From this level of the rules on a server can borrow from a License Manager.
pub const LEASES_LEVEL: u32 = 5;
