//! What programs say to each other: messages and services generated from `proto/`.
//!
//! A file `proto/plenary/<service>/v1/<name>.proto` appears here as `plenary_contracts::<service>::v1`;
//! nothing else has to be registered. Field numbers are never reused and meanings never change: a new
//! meaning is a new field, an incompatible service is a new `v2` beside `v1`.
//!
//! Deliberately nothing but generated code: who may call what is decided by the callers.

#[allow(
    clippy::all,
    clippy::too_many_lines,
    clippy::unwrap_used,
    clippy::let_underscore_must_use,
    missing_docs,
    unreachable_pub
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/contracts.rs"));
}

pub use generated::plenary::*;
