//! Meeting with servers of other enterprises: which way leads to one, who is answered, and what a trial told.
//!
//! Pure: names are resolved, connections made and certificates checked by `plenary-federation-io`. The protocol is in
//! `docs/protocols/federation.md`.
//!
//! | type | what it is |
//! | --- | --- |
//! | [`Srv`], [`Way`] | where DNS says that a server is (RFC 2782) |
//! | [`Greeting`], [`Unwelcome`] | who may go on after the first words |
//! | [`Capability`], [`Common`] | what both can do |
//! | [`Pages`] | where a server's pages are for browsers |
//! | [`Step`], [`Trial`] | what was tried to reach a partner, for administrators |
//! | [`Book`], [`Seen`], [`PartnerState`] | what a node knows of partners from the last attempts |
//! | [`pause_ms`] | when one that was not reached is told again |
//! | [`Quarantine`] | those that misbehave are not answered for a while |
//! | [`Found`], [`Faces`] | what names of partners stand for, and what of it is remembered |
//! | [`Sight`] | what people of a partner do whom somebody here has in view |
//!
//! What may be done with a partner is said by [`policy_for`](plenary_access::policy_for).

mod book;
mod capability;
mod greeting;
mod pages;
mod pause;
mod people;
mod quarantine;
mod trial;
mod way;

pub use book::{
    Attempt, Book, Concern, EXPIRES_SOON_MS, PartnerState, Seen, Shown, Tried, Trouble, Usage, concerns,
};
pub use capability::{Capability, Common};
pub use greeting::{Greeting, PROTOCOLS, Unwelcome, Welcome, greet};
pub use pages::Pages;
pub use pause::pause_ms;
pub use people::{Faces, Found, LocalName, Sight, Sighting, Viewers};
pub use quarantine::{Quarantine, QuarantineRules};
pub use trial::{Done, Step, Trial};
pub use way::{PORT, Srv, Target, Way, head_start, may_lead_to, service_of};
