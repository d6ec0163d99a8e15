use plenary_model::{NodeId, NodeName, Revision, Timestamp};
use serde::{Deserialize, Serialize};

/// A Border Controller of this server (ENT-04).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BorderController {
    /// Given out once, never again.
    pub id: NodeId,
    pub name: NodeName,
    /// `host:port` that nodes dial.
    pub address: String,
    pub stage: BorderStage,
    /// When it came into this stage.
    pub since: Timestamp,
    pub revision: Revision,
}

/// How far a Border Controller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BorderStage {
    /// There is a token that nobody used yet.
    Invited {
        /// SHA-256 of its secret.
        secret: [u8; 32],
        expires_at: Timestamp,
    },
    /// It has a certificate, and nodes dial it.
    Enrolled,
    /// Its certificate counts no more. Kept, because its number is refused for good.
    Removed,
}

impl BorderController {
    /// Most that a server has at a time.
    pub const MOST: usize = 16;
    /// Most that it ever had: each is refused for good.
    pub const EVER: usize = 10_000;

    pub fn is_there(&self) -> bool {
        self.stage != BorderStage::Removed
    }
}
