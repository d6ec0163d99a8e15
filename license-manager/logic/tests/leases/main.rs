//! Leases in virtual time: one story for each row of the protocol.

mod absence;
mod balancing;
mod copies;
mod orders;
mod recovery;
mod time;
mod world;
