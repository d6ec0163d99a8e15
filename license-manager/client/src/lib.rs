//! What a server links to borrow from a License Manager.
//!
//! ```text
//!  server's log ◄──Change── Lessee (on the server's leader) ◄──Answer, Recall── Line ◄──gRPC, mutual TLS── managers
//!       │ held, in use          │ plenary_licences::lessee::Leader                │ to whichever replica leads
//!       └───────────────────────┴──────────────Request───────────────────────────►┘
//! ```
//!
//! * [`run`] keeps a server registered while its node leads: renews, grows, returns, answers recalls. What it decides
//!   stands in `plenary_licences::lessee`; where it is kept is the [`Log`]'s matter.
//! * [`Line`] is the way to the managers. It goes on at another replica when one is lost.
//! * [`enrol`] shows the token that an administrator of the License Manager made for this server.
//! * [`oversee`] asks how the manager is, for administrators of servers that look after it.
//! * [`wire`] turns messages into what travels and back; the License Manager uses it too.
//!
//! Deliberately not here: `Alive` between the nodes of a server, who gets a seat, and where seats are kept.

mod clock;
mod enrol;
mod lessee;
mod line;
mod oversee;

pub mod wire;

pub use clock::{boot_id, reading};
pub use enrol::{EnrolError, Enrolled, enrol};
pub use lessee::{Leading, Log, run};
pub use line::{FromManager, Gives, Line, LineOptions, Standing};
pub use oversee::{OverseeError, oversee};
