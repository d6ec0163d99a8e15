//! Conferences as objects of a server, and the meetings in them: what may be done, by whom, and what follows (CONF-02,
//! CONF-03, AUTH-08).
//!
//! Pure, as `plenary_access` is, whose commands, refusals and events have the same form here: a [`Command`] goes in,
//! either effects come out or a refusal that changes nothing. What is stored is read through the [`View`] trait.
//!
//! ```text
//!  Command ──► decide ──► who asks, by the rules of accounts ──► decide_for(Asker) ──► Decision | Refusal
//!  accounts go, nodes start and are lost ─────────────────────► follow ───────────► Decision
//!  somebody wants to come in ─────────────────────────────────► admit ────────────► yes | Refusal
//! ```
//!
//! Today every conference is a virtual room: it has no schedule, no members and no roles. A [`Run`] of it has
//! [`Participant`]s, who raise hands, show reactions and say [`Line`]s; [`Guest`]s have no account. Media that flow
//! between them are not part of this crate.

mod admit;
mod command;
mod conference;
mod decide;
mod follow;
mod guest;
mod meeting;

pub use admit::{Visitor, admit};
pub use command::{Change, Command, NewConference, Patch};
pub use conference::{Access, Conference};
pub use decide::{Decision, Effect, View, decide, decide_for};
pub use follow::{Fact, follow};
pub use guest::{Guest, GuestId};
pub use meeting::{
    AWAY_MS, Account, Line, MeetingView, Participant, ParticipantId, Person, Reaction, Run, SWEEP,
    SecretHash, StatePatch, Via,
};
