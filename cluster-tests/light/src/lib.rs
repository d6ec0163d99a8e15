//! Light participants for tests: they meet as a browser does, by the WebSocket and two peer connections of the `webrtc`
//! crate, but send prepared packets and decode nothing.
//!
//! [`Signal`] is the WebSocket alone, [`Attendee`] somebody who joins by it and has no media, [`Program`] publishes by WHIP. [`Person`] joins, publishes, watches all others, and moves to another node when its own is lost. What came is held
//! by [`Watch`]: each packet says who sent it and where it belongs, so that completeness and continuity are exact.

mod attendee;
mod heart;
mod media;
mod peer;
mod person;
mod program;
mod session;
mod signal;
mod watch;

pub use attendee::{Attendance, Attendee, Pass, Return};
pub use media::Tag;
pub use person::{Move, Person, Seen, Ticket};
pub use program::Program;
pub use signal::{Heard, Signal};
pub use watch::{Pictures, Voice, Watch};
