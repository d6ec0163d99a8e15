//! Licences and the seats that they give: who may use how many, decided without clocks, sockets or disks.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`licence`] | what a signed licence file says, whether it counts, and what several of them give together |
//! | [`lessor`] | what a License Manager lends to which server, and when it has it back |
//! | [`manager`] | what a License Manager keeps beside leases: replicas, licence files, who may borrow |
//! | [`lessee`] | what a server holds, and until when each of its nodes may use it |
//!
//! ```text
//!  licence files ──► pool ──► lessor ◄──Request── lessee (a server's leader) ──► held, in the server's log
//!                               └────Answer─────►                           └──► watch, on each node
//! ```
//!
//! Time comes in as [`clock::Reading`] values and random numbers as arguments. No deadline crosses machines; amounts
//! are absolute. What must always hold, and against what, is said in `docs/decisions/0009`; the simulation
//! (`cargo xtask simulate leases`) tries to break it.
//!
//! Deliberately not here: who of a server's users gets a seat (`plenary_seats`), transport, storage.

pub mod clock;
pub mod lessee;
pub mod lessor;
pub mod licence;
pub mod manager;
pub mod message;
pub mod mutant;

mod fuzz;
mod pairs;
mod seats;
mod words;

#[doc(hidden)]
pub use fuzz::fuzz;
pub use message::{Answer, Ask, Recall, Refusal, Reply, Request};
pub use seats::{Kind, Seats};
pub use words::{Epoch, Incarnation, Order, PoolId, Position};
