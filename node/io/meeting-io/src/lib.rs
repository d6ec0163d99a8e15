//! The meetings of a node: what its clients ask for (`docs/protocols/meeting.md`), done with the replicated roster on one
//! side and the media engine on the other.
//!
//! ```text
//!  client's run ──request──► Hub ──► seat ──► clerk ──► Roster: enter, resume, state, chat, leave (all nodes)
//!        ▲                    │        │ └────────────► Media: offers, what is shown (this node)
//!        └──── ServerBody ────┼────────┘
//!                             └──► room: tells all of a room on this node what is new in roster and chat
//! ```
//!
//! A seat is one client in one meeting, a task with an inbox; its clerk carries what must be committed, in order, so
//! that media never waits for it. A room is a task as long as somebody of this node is in it; it lets clients in who
//! waited, and tells their seats what of them may flow. Who may do what is
//! decided by the rules behind [`Roster`]; who is shown to whom behind [`Media`].

mod abroad;
mod backend;
mod clerk;
mod connections;
mod hub;
mod rates;
mod room;
mod seat;

pub use backend::{
    Abroad, Attendance, Attendee, Entered, Federated, Flow, FromAbroad, Hall, History, Media, MediaEvent,
    Murmur, Newcomer, Opening, Permitted, Person, Present, ReadLine, Reads, Refused, Roster, Session, View,
    Whence,
};
pub use hub::Hub;
