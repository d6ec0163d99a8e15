//! Accounts, groups, rights, address books, aliases, passwords, sessions, and the settings that rule them:
//! what may be done, by whom, and what follows.
//!
//! Pure: a [`Command`] goes in, either effects come out or a [`Refusal`] that changes nothing. Time is the stamp
//! of the replicated log, random values are in the command. What is stored is read through the [`View`]
//! trait, so that every node that applies the same commands decides the same (`docs/architecture.md`).
//!
//! This crate does not hash passwords, speak HTTP or know SQL.

mod account;
mod acme;
mod border;
mod command;
mod decide;
mod diff;
mod directory_link;
mod effect;
mod event;
mod fold;
mod group;
mod guest_page;
mod lockout;
mod network;
mod node;
mod partner;
mod query;
mod refusal;
mod rights;
pub mod rules;
mod session;
mod settings;
mod view;
mod visibility;
mod zone;

pub use account::*;
pub use acme::*;
pub use border::*;
pub use command::*;
pub use decide::{MEETINGS_LEVEL, Moment, actor_key, decide};
pub use directory_link::*;
pub use effect::*;
pub use event::*;
pub use fold::fold;
pub use group::*;
pub use guest_page::*;
pub use lockout::*;
pub use network::*;
pub use node::*;
pub use partner::*;
pub use query::*;
pub use refusal::*;
pub use rights::*;
pub use session::*;
pub use settings::*;
pub use view::View;
pub use visibility::*;
pub use zone::*;
