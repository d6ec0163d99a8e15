//! What a Border Controller decides of connections from outside (ENT-04), without clocks or sockets.
//!
//! ```text
//!  first bytes ──hello::read──► HostName ──Desk::choose──► which node's tunnel takes it, or why it is Refused
//!                                             ▲
//!                           Offer of each node┘
//! ```
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`first`] | whether a connection begins as TLS or as media by TCP |
//! | [`hello`] | which name a ClientHello asks for, and whether it is one at all |
//! | [`name`] | what a host name is: [`HostName`] |
//! | [`desk`] | which node takes a connection: [`Desk`] |
//! | [`media`] | which datagrams of clients go to which node, and back: [`Flows`] |
//! | [`links`] | the same of datagrams of partners: [`Links`] |
//! | [`router`] | what both have in common: [`Router`] |
//! | [`route`] | connection IDs that lead to nodes |
//! | [`frame`] | how they travel in the tunnel |
//! | [`turn`] | what a client by TURN over TLS may, and what of it is media |
//! | [`policy`] | what the inside wants it to let in: [`Policy`] |
//! | [`refused`] | the reasons for which connections are refused: [`Refused`] |
//! | [`sources`] | from which networks most of them come: [`Sources`] |
//!
//! Deliberately not here: sockets, tunnels, rates (they count by a clock), and what is inside of TLS: nothing of it is ever
//! read here.

pub mod desk;
pub mod first;
pub mod frame;
mod fuzz;
pub mod hello;
pub mod links;
pub mod media;
pub mod name;
pub mod policy;
pub mod refused;
pub mod route;
pub mod router;
mod slots;
pub mod sources;
pub mod turn;

pub use desk::{Desk, Offer, Service, TunnelId};
pub use first::First;
pub use fuzz::{fuzz, fuzz_halves, fuzz_links, fuzz_media, fuzz_policy, fuzz_turn};
pub use hello::{Hello, HelloFault};
pub use links::Links;
pub use media::{Bounds, Dropped, FlowId, Flows, Passed};
pub use name::HostName;
pub use policy::Policy;
pub use refused::Refused;
pub use router::Router;
pub use sources::{Source, Sources};
