//! Conferences as objects of a server: what may be done with them, by whom, and what follows (CONF-02, CONF-03).
//!
//! Pure, as `plenary_access` is, whose commands, refusals and events have the same form here: a [`Command`] goes in,
//! either effects come out or a refusal that changes nothing. What is stored is read through the [`View`] trait.
//!
//! ```text
//!  Command ──► decide ──► who asks, by the rules of accounts ──► decide_for(Asker) ──► Decision | Refusal
//!  an account is removed ─────────────────────────────────────► account_removed ───► Decision
//!  somebody wants to come in ─────────────────────────────────► admit ─────────────► yes | Refusal
//! ```
//!
//! Today every conference is a virtual room: it has no schedule, no members and no roles. Who is in it, and what flows
//! between them, is not part of this crate yet.

mod admit;
mod command;
mod conference;
mod decide;

pub use admit::{Visitor, admit};
pub use command::{Change, Command, NewConference, Patch};
pub use conference::{Access, Conference};
pub use decide::{Decision, Effect, View, account_removed, decide, decide_for};
