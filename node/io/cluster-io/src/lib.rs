//! The cluster port between the nodes of one server: TLS, gRPC services beside Raft, and links to the others.
//!
//! Does, never decides: who may call what is told by the identity of the certificate, what a status means and
//! which step of membership comes next is `node/logic/cluster`. Raft itself is `base/replication`; its
//! service is mounted on the same port by the daemon.

mod links;
mod listen;
mod peers;
mod services;
mod shares;

pub use links::{channel, connect};
pub use listen::{Bounds, Caller, Connection, Identify, Known, incoming};
pub use peers::{DOWN_AFTER, Heard, Peers, Roster, clock_ms};
pub use services::{Node, Services, Who, require_member};
pub use shares::{Share, Shares};
