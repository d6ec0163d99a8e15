//! The words that all programs of Plenary share: identifiers, units, rights and limits.
//!
//! Pure: no clock, no sockets, no randomness. Everything here is a value that can be parsed, compared,
//! ordered and written down; parsing never panics and says what is wrong and what would be right.
//!
//! | type | what it is |
//! | --- | --- |
//! | [`UserName`], [`UserId`], [`ServerName`] | `alice`, `alice@paris.example.com`, `paris.example.com` |
//! | [`ServerMask`] | servers that look alike: `*.example.com` |
//! | [`Fingerprint`] | SHA-256 of a certificate |
//! | [`GroupId`], [`AliasName`], [`CallString`] | groups, short names, anything that can be called |
//! | [`Cid`] | conferences: `review` |
//! | [`GuestId`] | guests of public conferences: `guest-q2xf7…` |
//! | [`Right`], [`Rights`] | the twelve rights of a group (USR-05) |
//! | [`NodeId`], [`NodeName`] | one node of a server |
//! | [`Timestamp`], [`Revision`] | milliseconds of log time, position in the replicated log |
//! | [`network_of`] | whose limits an address counts for |
//! | [`Buckets`] | how often somebody may do something |

mod buckets;
mod call;
mod fingerprint;
mod mask;
mod name;
mod network;
mod node;
mod rights;
mod time;

pub mod limits;
pub mod membership;

pub use buckets::Buckets;
pub use call::{AliasName, CallKind, CallString};
pub use fingerprint::Fingerprint;
pub use mask::ServerMask;
pub use name::{Cid, GroupId, GuestId, ServerName, UserId, UserName};
pub use network::network_of;
pub use node::{NodeId, NodeName};
pub use rights::{Right, Rights};
pub use time::{Revision, Timestamp};

/// Why a text is not the value it was given for. The text is a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {reason}")]
pub struct ParseError {
    /// What was being read, as people call it: "user ID", "alias".
    pub what: &'static str,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

impl ParseError {
    pub(crate) fn new(what: &'static str, reason: impl Into<String>) -> Self {
        Self {
            what,
            reason: reason.into(),
        }
    }
}
