//! What the Directory of an enterprise knows of people, groups, rooms and conferences of all its servers (ENT-03), and who
//! may see what of it. Decided without clocks, sockets or disks.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`entry`] | what is known of somebody or something: [`Entry`], and how it changes: [`Change`] |
//! | [`share`] | what servers show ([`Share`]), and to whom ([`Policy`]) |
//! | [`fold`], [`phone`] | in which form texts and numbers are compared |
//! | [`query`] | what is looked for ([`Query`]), what an entry is found by, and in which order |
//! | [`meets`](mod@meets), [`words`] | whether one entry is what somebody looks for, without an index of all |
//! | [`digest`] | whether two ends have the same entries: [`Digest`] |
//!
//! ```text
//!  servers ──Change──► entries ──Share──► what is shown of them ──Policy──► what a Viewer sees
//!                         └──► Digest                           └──► index (plenary-people-index)
//! ```
//!
//! Deliberately not here: the index that finds them, transport, storage.

pub mod digest;
pub mod entry;
pub mod fold;
pub mod limits;
pub mod meets;
pub mod phone;
pub mod query;
pub mod share;
pub mod words;

pub use digest::Digest;
pub use entry::{Change, Entry, EntryId, Kind, turns};
pub use meets::meets;
pub use query::{Closeness, Quality, Query};
pub use share::{Field, Policy, Rule, Servers, Share, SharedGroups, Viewer, seen};
