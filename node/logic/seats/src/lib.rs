//! Who of a server's people has a seat: the rules of PRO, online, guest and gateway seats (LIC-03 to LIC-12).
//!
//! Pure and replayable: [`Seats::apply`] takes a [`Command`] with the time that the leader stamped, changes the state and
//! says what follows, or refuses and changes nothing. What of the state was touched, [`Seats::take_touched`] tells a store. How many seats there are comes from a
//! licence or a lease (`plenary_licences`); which of two servers has them is not this crate's matter.
//!
//! ```text
//!             join a group conference, ask for it            picked by groups: start, on demand, every 24 h
//!  nothing ─────────────────────────────────────► temporary ◄─────────────────────────────► permanent
//!     ▲   24 h after the last conference, revoked,   │ ▲              leaves the groups         │
//!     └──────────── taken for a permanent one ───────┘ └──────── if a seat is free ─────────────┤
//!     ▲                                                                                         │
//!     └─────────────────────────────── none is free ────────────────────────────────────────────┘
//! ```
//!
//! Invariant: nobody gets a seat while as many are taken as there are. When there are fewer all of a sudden, nobody is
//! thrown out; seats go back as they fall free.
//!
//! Invariant: a seat that is taken from somebody in a conference is free only when all places of that person ended: a
//! node that is cut off may still let them talk.
//!
//! Deliberately not here: the clock (leaders send [`Command::Tick`]), names and groups of accounts (a proposer hands over
//! the users in order), the deadline of the lease (each node watches it).

mod apply;
mod command;
mod counted;
mod permanent;
mod pro;
mod state;
mod tracked;
mod view;

pub use command::{Command, ConnectionId, DeviceId, Loss, Outcome, ParticipationId, Refusal, Told, Why};
pub use state::{Capacity, Device, Figures, Holder, Holding, Mode, Places, Seats, Settings, Stored, Touched};
pub use view::{Status, Use};
