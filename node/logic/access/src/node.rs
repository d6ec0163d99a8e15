use plenary_model::{NodeId, NodeName, Timestamp};
use serde::{Deserialize, Serialize};

/// A node that was admitted and not removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: NodeId,
    pub name: NodeName,
    pub address: String,
    pub url: String,
    pub version: String,
    pub draining: bool,
    pub joined_at: Timestamp,
    /// Random number of the node's last start; words of an earlier one change nothing.
    pub epoch: u64,
}

/// A one-time token for a node to join with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    pub id: String,
    /// SHA-256 of the secret.
    pub secret: [u8; 32],
    pub expires_at: Timestamp,
}
