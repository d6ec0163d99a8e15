//! The real program, with real tunnels, real TLS and clients on real sockets. The inside is nodes with identities of an
//! enterprise, with a web server behind their tunnels.
#![allow(clippy::unwrap_used)] // tests

mod attacks;
mod enrolling;
mod links;
mod losing;
mod media;
mod sandbox;
mod serving;
mod sources;
mod turn;
mod unit;
mod world;
