//! Meeting with servers of other enterprises: names, TLS, and the service on port 4307.
//!
//! Does, never decides: which way is tried first and who is answered is `node/logic/federation`; whose certificate counts is
//! `base/identity`. The protocol is in `docs/protocols/federation.md`.

mod attend;
mod deliver;
mod dns;
mod door;
mod host;
mod ledger;
mod limits;
mod line;
mod look;
mod met;
mod names;
mod owner;
mod race;
mod reach;
mod ring;
mod service;
mod visit;
mod watch;

pub use attend::{Attending, Hosted, Permit, SAID, TOLD, Told, Visit};
pub use deliver::{Answer, DELIVERIES, Undelivered, Unheard};
pub use dns::{Dns, Names, NamesError};
pub use door::{Door, Guest, Proved, identify};
pub use host::Unhosted;
pub use ledger::{Figures, Ledger, shown};
pub use limits::Limits;
pub use look::{NAMES, People, Seen, Stir, knows_people};
pub use met::{Met, while_met};
pub use reach::{Reach, Tried, unmet};
pub use ring::{RingAnswer, RingEnd, Ringing, Rung};
pub use service::{Home, service};
pub use visit::Unreached;
pub use watch::{Asking, Heard, Watching};
