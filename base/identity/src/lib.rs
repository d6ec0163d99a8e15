//! Who is who in an enterprise: its authority, certificates of programs, and how machines join.
//!
//! ```text
//!  root (EnterpriseCa)                 offline; certifies servers, License Managers, Directories
//!   ├─ programs of paris (ServerCa)    plenary://Demo/node/paris.example.com, no DNS names at all
//!   │    ├─ node-1                     plenary://Demo/node/paris.example.com/node-1?member=1, 7 days
//!   │    └─ node-2                     plenary://Demo/node/paris.example.com/node-2?member=2
//!   └─ web of paris (ServerCa)         paris.example.com, private names and addresses only
//!        └─ one certificate for browsers, 30 days
//! ```
//! Every node holds both issuers of its server (keys encrypted by a key of the machine), so certificates renew
//! without an administrator, without quorum and after a long power-off. Every link between programs is TLS 1.3
//! with certificates at both ends; our verifier checks chain, scope, time, kind, name and revocation.
//!
//! | type | what it is |
//! | --- | --- |
//! | [`EnterpriseCa`], [`ServerCa`] | who certifies |
//! | [`Identity`] | what a running program holds: TLS configurations, renewal, admission of others |
//! | [`PeerIdentity`], [`Expected`] | who is at the other end, and who should be |
//! | [`JoinToken`], [`Joining`] | how a machine becomes a node ([`join`]) |
//! | [`Enrolling`], [`Enrolled`] | a program that holds no issuing key, as in a DMZ: how it gets its certificate, and the next one |
//! | [`RevocationList`], [`Revocations`] | who is refused although the certificate is in order |
//! | [`SignedPolicy`] | what a server wants of its programs in the DMZ |
//! | [`WebTls`] | HTTPS for browsers |
//! | [`WebRequest`], [`WebCertificate`] | a certificate for browsers by an authority of others: asked for, and come |
//! | [`PartnerTls`], [`Authorities`], [`Pin`] | servers of others, and what their certificates must prove |
//!
//! Deliberately not here: sockets, and who is a member of a server (that is the replicated state's to say).
//! The layout and its reasons are in `docs/decisions/0005-identity-layout.md`.

mod authority;
mod certificate;
mod enrol;
mod error;
mod identity;
mod issued;
mod key;
mod name;
mod partner;
mod pin;
mod revocation;
mod seal;
mod signed;
mod tls;
mod vault;
mod verify;
mod web;

pub mod join;

pub use authority::{EnterpriseCa, PROGRAM_LIFETIME, ServerCa, WEB_LIFETIME};
pub use certificate::Serial;
pub use enrol::{Enrolled, Enrolling, Renewal};
pub use error::{IdentityError, JoinError, Refusal};
pub use identity::{Identity, MACHINE_KEY_FILE};
pub use issued::{WebCertificate, WebRequest};
pub use join::{JoinSecret, JoinToken, Joining};
pub use name::{EnterpriseName, Expected, Program, ProgramName, Scope};
pub use partner::{Authorities, PartnerCertificate, PartnerError, PartnerRefusal, PartnerTls};
pub use pin::{Pin, PinError, PinnedAuthority, authorities};
pub use revocation::{RevocationList, Revocations, SignedRevocations};
pub use signed::SignedPolicy;
pub use tls::ACME_ALPN;
pub use vault::MachineKey;
pub use verify::{PeerIdentity, explain};
pub use web::{WebName, WebTls};
