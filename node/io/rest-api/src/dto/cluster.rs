use super::{Time, mirror};
use plenary_cluster as cluster;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mirror! {
    /// What a node is in the consensus of the server.
    NodeRole = cluster::NodeRole { Leader, Follower, Learner }
}
mirror! {
    /// Whether a node does its work.
    NodeState = cluster::NodeState { Up, Down, Draining }
}
mirror! {
    /// How bad a problem is.
    Severity = cluster::Severity { Warning, Critical }
}

/// The server as a whole, as the node that is asked sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cluster {
    pub server: String,
    pub enterprise: String,
    /// Version of the rules that all nodes apply.
    pub level: u32,
    /// Name of the leading node; null if there is none.
    #[schema(required)]
    pub leader: Option<String>,
    #[schema(pattern = "^[0-9]+$")]
    pub term: String,
    /// Whether more than half of the voting nodes are up.
    pub quorum: bool,
    pub users_online: u64,
    pub users_total: u64,
    pub nodes: Vec<Node>,
    /// What needs a person, worst first.
    pub problems: Vec<ClusterProblem>,
}

/// One node; what it could not be asked for is null.
#[derive(Debug, Serialize, ToSchema)]
pub struct Node {
    #[schema(pattern = "^[0-9]+$")]
    pub id: String,
    pub name: String,
    pub role: NodeRole,
    pub state: NodeState,
    /// `host:port` of cluster traffic.
    pub address: String,
    /// Where browsers reach it.
    pub url: String,
    pub version: String,
    #[schema(required)]
    pub uptime_s: Option<u64>,
    #[schema(required, pattern = "^[0-9]+$")]
    pub applied_index: Option<String>,
    /// Entries that it has yet to apply.
    #[schema(required)]
    pub lag: Option<u64>,
    #[schema(required)]
    pub last_heard_ms: Option<u64>,
    /// Its clock less that of the node that is asked.
    #[schema(required)]
    pub clock_offset_ms: Option<i64>,
    #[schema(required)]
    pub round_trip_ms: Option<f64>,
    #[schema(required)]
    pub fsync_p99_ms: Option<f64>,
    #[schema(required)]
    pub disk: Option<Disk>,
    #[schema(required)]
    pub memory_bytes: Option<u64>,
    pub users_online: u64,
    /// Whether this is the node that is asked.
    pub this: bool,
}

/// The disk of the data folder.
#[derive(Debug, Serialize, ToSchema)]
pub struct Disk {
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// Something that needs a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClusterProblem {
    /// Stable, like `node-down`.
    pub code: String,
    pub severity: Severity,
    /// The node or thing it is about; empty for the whole server.
    pub object: String,
}

impl From<cluster::ClusterReport> for Cluster {
    fn from(report: cluster::ClusterReport) -> Self {
        let problems = report.problems.into_iter().map(|problem| ClusterProblem {
            code: problem.code,
            severity: problem.severity.into(),
            object: problem.object,
        });
        Self {
            server: report.server.into(),
            enterprise: report.enterprise,
            level: report.level,
            leader: report.leader.map(String::from),
            term: report.term.to_string(),
            quorum: report.quorum,
            users_online: report.users_online,
            users_total: report.users_total,
            nodes: report.nodes.into_iter().map(Node::from).collect(),
            problems: problems.collect(),
        }
    }
}

impl From<cluster::NodeReport> for Node {
    fn from(node: cluster::NodeReport) -> Self {
        let vitals = node.vitals.as_ref();
        Self {
            id: node.id.to_string(),
            name: node.name.into(),
            role: node.role.into(),
            state: node.state.into(),
            address: node.address,
            url: node.url,
            version: node.version,
            uptime_s: vitals.map(|v| v.uptime_s),
            applied_index: vitals.map(|v| v.applied_index.to_string()),
            lag: node.lag,
            last_heard_ms: node.last_heard_ms,
            clock_offset_ms: node.clock_offset_ms,
            round_trip_ms: node.round_trip_ms.filter(|ms| ms.is_finite()),
            fsync_p99_ms: vitals.map(|v| v.fsync_p99_ms).filter(|ms| ms.is_finite()),
            disk: vitals.map(|v| Disk {
                free_bytes: v.disk_free_bytes,
                total_bytes: v.disk_total_bytes,
            }),
            memory_bytes: vitals.map(|v| v.memory_bytes),
            users_online: node.users_online,
            this: node.this,
        }
    }
}

/// How long the new token can be used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Seconds; 1 minute to 7 days; one hour if missing.
    #[schema(minimum = 60, maximum = 604800)]
    pub ttl_s: Option<u64>,
}

/// A one-time token for a node to join with.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    pub token: String,
    pub expires_at: Time,
}

/// Whether a node is taken out of service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    pub drain: bool,
}

/// The node that should lead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    #[schema(min_length = 1, max_length = 63)]
    pub name: String,
}
