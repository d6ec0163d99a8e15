//! What a server links to be found in the Directory of its enterprise, and to find others there.
//!
//! ```text
//!  server's store ◄──Source── Feed (on the server's leader) ──changes, snapshots, presence──►┐
//!                                                                                             ├─ gRPC, mutual TLS ─► Directory
//!  user's search ──────────── Finder (on each node) ─────────question, answer ──────────────►┘
//! ```
//!
//! * [`Feed`] keeps what the Directory has of this server as it is: it resumes where the Directory's disk ends, and sends
//!   all anew where that is not possible. What there is to tell is the [`Source`]'s matter.
//! * [`Finder`] asks for people. A Directory that is away costs nobody more than [`FinderOptions::deadline`].
//! * [`Key`] is what a server's administrator gives to the Directory's, so that the two meet.
//! * [`wire`] turns messages into what travels and back; the Directory uses it too.
//!
//! Deliberately not here: what is shown of whom (`plenary-people`), and where a server keeps its key.

mod code;
mod feed;
mod finder;
mod key;
mod presence;
mod source;
mod talk;

pub mod wire;

pub use code::{CODE, Code};
pub use feed::{Feed, FeedOptions, Standing, Trouble};
pub use finder::{Answer, FindError, Finder, FinderOptions, Hit, Names, Overview, Question, ServerState};
pub use key::{Credentials, Key, KeyError};
pub use presence::Presence;
pub use source::{Changes, Place, Snapshot, Source, SourceError};
pub use talk::client;
