//! What the nodes of one server say to each other beside Raft, over `base/links`.
//!
//! Does, never decides: what a status means and which step of membership comes next is `node/logic/cluster`.

mod peers;

pub use peers::{DOWN_AFTER, Heard, Peers, Roster};
pub use plenary_links::{Node, Share, Shares, clock_ms};
