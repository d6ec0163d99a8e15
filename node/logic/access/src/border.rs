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

/// What Border Controllers let in, as the inside wants it. A limit that is not here is that of each controller's own configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BorderPolicy {
    /// Address ranges in CIDR notation from which nobody is let in, beside those that a controller denies itself.
    pub deny: Vec<String>,
    /// Connections at a time of one network: an IPv4 address, or the 64 bits of an IPv6 network.
    pub connections_per_network: Option<u32>,
    /// Connections of one network that begin each second.
    pub rate_per_network: Option<u32>,
    /// Clients of one network whose media flow at a time.
    pub flows_per_network: Option<u32>,
    /// When it was changed last: its version. What a patch says of it does not count.
    pub changed_at: Timestamp,
}

impl BorderPolicy {
    /// Most address ranges.
    pub const NETWORKS: usize = 256;
    /// Most of each limit.
    pub const LIMIT: u32 = 100_000;

    /// Without its version.
    pub(crate) fn said(&self) -> Self {
        Self {
            changed_at: Timestamp::default(),
            ..self.clone()
        }
    }
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
