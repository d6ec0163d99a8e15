//! One binary for all tests over the public API: linking is what takes time.

mod acme;
mod at_rest;
mod browsers;
mod common;
mod enrolling;
mod handshakes;
mod joining;
mod partners;
