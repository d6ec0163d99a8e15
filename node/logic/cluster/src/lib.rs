//! What the nodes of a server tell each other, and what follows: is all well, what does it mean if not, and
//! which step of membership comes next.
//!
//! Pure. It does not talk to nodes and knows no Raft: facts come in, [`ClusterReport`]s, [`Problem`]s and
//! [`Step`]s come out.
//!
//! ```text
//!  admitted ──AddLearner──► learner ──caught up, answers──► voter ──removed from the state──► gone
//! ```

mod problems;
mod report;

pub use plenary_model::membership::*;
pub use problems::*;
pub use report::*;
