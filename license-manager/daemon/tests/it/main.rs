//! Real managers and servers that borrow from them (LIC-13, LIC-14, ENT-02).
#![allow(clippy::unwrap_used)] // tests

mod lending;
mod many;
mod pausing;
mod refusing;
mod restoring;
mod server;
mod world;
