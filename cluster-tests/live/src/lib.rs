//! Live tests: real processes of one server, writers through all nodes, and faults.
//!
//! Each scenario of [`scenarios`] starts a server of three nodes, lets writers create accounts through all of them,
//! does harm, and then checks with [`verify`] what the product promises: no acknowledged write is lost, none is
//! doubled, no session reads older than what it wrote or saw.
//!
//! A shortened scenario runs with `cargo test`; the full ones with `cargo run -p plenary-live-tests -- NAME`.

pub mod accounts;
pub mod acme;
pub mod border;
pub mod border_attacks;
pub mod border_changes;
pub mod border_firewall;
pub mod border_media;
pub mod border_pages;
pub mod border_partners;
mod border_tricks;
pub mod borrowing;
pub mod directory;
pub mod directory_meets;
mod disks;
mod enterprise;
pub mod federation;
pub mod federation_calls;
mod federation_calls_end;
pub mod federation_faults;
pub mod federation_outbox;
pub mod federation_people;
pub mod federation_terms;
pub mod federation_trust;
mod federation_world;
pub mod full_managers;
mod impostor;
mod leaseless_calls;
mod ledger;
pub mod lending;
pub mod lost_nodes;
pub mod lost_podium;
mod meeting;
pub mod meetings;
mod network;
pub mod people;
mod phone;
pub mod remote_seats;
pub mod scenarios;
pub mod seats;
mod server;
mod steady;
mod verify;
mod writers;

pub use server::{Place, Server};
pub use verify::verify;
pub use writers::{Harvest, Writers};
