//! Licence files: signed by the vendor, read and judged without a network (LIC-01, LIC-02, LIC-13).
//!
//! ```text
//!  -----BEGIN PLENARY LICENCE-----
//!  Base64 of:  "PLENARY\0" · kind of document · version · key ID · length · canonical body · Ed25519 signature
//!  -----END PLENARY LICENCE-----
//! ```
//!
//! The signature (RFC 8032) covers everything before it, so neither the kind of document nor the key can be exchanged.
//! Equal licences are equal bytes, and bytes that are not the canonical form of what they say are refused.
//!
//! | | from | to | says |
//! | --- | --- | --- | --- |
//! | licence | vendor | enterprise | what was bought |
//! | request | License Manager | vendor | which pool wants to use a licence |
//! | confirmation | vendor | License Manager | this licence belongs to that pool |
//!
//! A licence that covers several servers counts only in a License Manager, and only with a confirmation for its pool:
//! else each of two servers would use all of it.

mod bought;
mod confirm;
mod document;
mod error;
mod key;
mod pool;
mod trust;
mod wire;

pub use bought::{Covers, Edition, Extension, Licence, LicenceId, Support, Term};
pub use confirm::{Confirmation, Request};
pub use error::LicenceError;
pub use key::{DEVELOPMENT_KEY, KeyId, PublicKey, Signer};
pub use pool::{Holder, Pool, Signed, Warning, free};
pub use trust::{Build, Trust, TrustError};

/// Largest file that is read, in bytes.
pub const LARGEST: usize = 64 * 1024;
