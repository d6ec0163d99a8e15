//! Border Controllers, as the API sees them.

use crate::backend::{ReadError, WriteError};
use async_trait::async_trait;
use plenary_access::{Actor, BorderController};
use plenary_model::{NodeName, Timestamp};

/// A Border Controller that was not removed, and what the node that is asked knows of its tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerSeen {
    pub controller: BorderController,
    pub tunnel: TunnelSeen,
}

/// The tunnel of one node to one controller.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TunnelSeen {
    /// Since when it is there; `None`: it is not.
    pub up: Option<Timestamp>,
    /// Why not, as a sentence for administrators; empty where it was not tried yet.
    pub trouble: String,
    /// The rest is what the controller said last.
    pub version: String,
    /// Tunnels that it has, of all nodes.
    pub tunnels: u64,
    pub flows: u64,
    pub flows_begun: u64,
    pub received_bytes: u64,
    pub sent_bytes: u64,
    /// By reason, of connections from outside that were refused.
    pub refused: Vec<(String, u64)>,
    pub certificate_expires: Option<Timestamp>,
    /// When that was changed last which it goes by of what the server wants.
    pub policy: Option<Timestamp>,
    pub media: MediaSeen,
    /// What the path of the tunnel carries in one packet, bytes of UDP, the lesser of both ways; `None`: not known.
    pub mtu: Option<u16>,
    /// What it would have to carry so that no media goes in two halves.
    pub mtu_wanted: u16,
    /// The networks from which most connections came in the last ten to twenty minutes, those first.
    pub sources: Vec<SourceSeen>,
}

/// A network from which connections came, as a controller saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSeen {
    /// As the setting `border.deny` takes it.
    pub network: String,
    /// At least so many.
    pub connections: u64,
    pub refused: u64,
}

/// What a controller said last of media by UDP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MediaSeen {
    pub flows: u64,
    pub received_bytes: u64,
    pub sent_bytes: u64,
    /// By reason, datagrams that went nowhere.
    pub dropped: Vec<(String, u64)>,
}

/// What the API needs to look after them.
#[async_trait]
pub trait Border: Send + Sync {
    /// How many connections and requests from outside the node that is asked refused since it began, by reason; those that there were.
    fn refused_from_outside(&self) -> Vec<(String, u64)>;
    /// Those that were not removed, by name.
    async fn controllers(&self) -> Result<Vec<ControllerSeen>, ReadError>;
    /// Makes a one-time token for one; gives its text and when it ends.
    async fn invite_controller(
        &self,
        by: Actor,
        name: NodeName,
        address: String,
        ttl_s: u64,
    ) -> Result<(String, Timestamp), WriteError>;
    async fn remove_controller(&self, by: Actor, name: NodeName) -> Result<(), WriteError>;
}
