//! Who borrows: what a server keeps in its own log, what its leader does, and what each node watches.
//!
//! ```text
//!  License Manager ──Answer──► Leader ──Change──► server's log ──► Held::apply ──► each node
//!        ▲                       │ ▲                                                  │
//!        └──────Request──────────┘ └── applied: only now a Return is told             ▼
//!                                                                      Watch: deadline, alive limit
//!  node ──alive?──► Leader ──majority asked after that──► answer: alive, so much of the lease is left
//! ```
//!
//! Invariant: a lessor counts at least [`Held::seats`] for the epoch of [`Held::order`] until after the last deadline
//! that a node of the server may have for that epoch. Only a return lowers both, the server first.

mod held;
mod leader;
mod quiet;
mod watch;

pub use held::{Applied, Change, Held};
pub use leader::{Asked, Effect, Leader, Options};
pub use quiet::Quiet;
pub use watch::{Alive, Home, Watch};
