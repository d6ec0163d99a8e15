use plenary_model::{NodeId, NodeName, ServerName};
use serde::{Deserialize, Serialize};

/// The server as a whole, as the node that is asked sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterReport {
    pub server: ServerName,
    pub enterprise: String,
    /// Version of the rules that all nodes apply.
    pub level: u32,
    pub leader: Option<NodeName>,
    pub term: u64,
    /// Whether more than half of the voting nodes are up.
    pub quorum: bool,
    pub users_online: u64,
    pub users_total: u64,
    pub nodes: Vec<NodeReport>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    pub id: NodeId,
    pub name: NodeName,
    pub role: NodeRole,
    pub state: NodeState,
    pub address: String,
    pub url: String,
    pub version: String,
    /// `None` where the node could not be asked.
    pub vitals: Option<Vitals>,
    /// Milliseconds since the node was last heard; 0 for the node that answers.
    pub last_heard_ms: Option<u64>,
    pub round_trip_ms: Option<f64>,
    /// The node's clock less ours.
    pub clock_offset_ms: Option<i64>,
    pub users_online: u64,
    /// Log entries that the node has yet to apply, compared with the leader or with us.
    pub lag: Option<u64>,
    /// Whether this is the node that answers.
    pub this: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    Leader,
    Follower,
    Learner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    Up,
    Down,
    Draining,
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Vitals {
    pub uptime_s: u64,
    pub applied_index: u64,
    /// Milliseconds since 1970 by the node's clock, when it answered.
    pub clock_ms: u64,
    pub fsync_p99_ms: f64,
    pub disk_free_bytes: u64,
    pub disk_total_bytes: u64,
    pub memory_bytes: u64,
    pub version: String,
    /// What its configuration wants ordered by ACME, as a hash to compare; empty: nothing.
    #[serde(default)]
    pub acme: String,
}

/// Something that needs a person: what it means and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable: `node-down`, `no-quorum`, `no-leader`, `disk-low`, `clock-off`, `versions-differ`, `slow-disk`,
    /// `even-voters`, `acme-differs`, `acme-failed`.
    pub code: String,
    pub severity: Severity,
    /// The node or thing it is about; empty for the whole server.
    pub object: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Warning,
    Critical,
}
