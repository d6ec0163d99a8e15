use super::{SeatNumbers, Time};
use crate::{backend as inner, problem::Problem};
use plenary_licences::{Seats, lessor::Standing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

super::mirror! {
    /// `behind`: the manager was restored and lends nothing until somebody runs recover; `recovering`: servers tell what
    /// they hold, and nobody gets more.
    ManagerStanding = Standing { Serving, Behind, Recovering }
}
super::mirror! {
    /// Of a replica; `joining`: the others do not count it yet.
    ReplicaRole = inner::ReplicaRole { Leader, Voter, Learner, Joining }
}

/// The License Manager, for administrators of servers that look after it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManagerOverview {
    pub manager: String,
    /// Names the pool to the vendor.
    pub pool: String,
    pub standing: ManagerStanding,
    /// What the licences give.
    pub capacity: SeatNumbers,
    pub leased: SeatNumbers,
    /// How long a server goes on without the manager.
    pub ttl_s: u64,
    /// A licence that counts is signed with the development key: for trying out only.
    pub development: bool,
    pub replicas: Vec<ManagerReplica>,
    pub servers: Vec<Borrower>,
    /// Oldest first, at most a day, since the leading replica has started.
    pub history: Vec<PoolSample>,
}

/// A replica of the License Manager.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManagerReplica {
    pub name: String,
    pub address: String,
    pub role: ReplicaRole,
}

/// A server that borrows, or may.
#[derive(Debug, Serialize, ToSchema)]
pub struct Borrower {
    pub server: String,
    pub leased: SeatNumbers,
    pub used: SeatNumbers,
    pub wanted: SeatNumbers,
    pub guaranteed: SeatNumbers,
    /// Null: the whole pool.
    #[schema(required)]
    pub most: Option<SeatNumbers>,
    /// Until its seats are back in the pool if it stays silent; null: it holds no lease.
    #[schema(required)]
    pub left_s: Option<u64>,
    /// Since the last word of one of its nodes; null: none is connected.
    #[schema(required)]
    pub silent_s: Option<u64>,
    /// Whether it may borrow.
    pub expected: bool,
    /// Whether a licence is for it.
    pub covered: bool,
}

/// How the pool was used at a moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct PoolSample {
    pub at: Time,
    pub capacity: SeatNumbers,
    pub leased: SeatNumbers,
    pub used: SeatNumbers,
}

impl From<inner::ManagerOverview> for ManagerOverview {
    fn from(overview: inner::ManagerOverview) -> Self {
        let replica = |replica: inner::ManagerReplica| ManagerReplica {
            name: replica.name,
            address: replica.address,
            role: replica.role.into(),
        };
        let sample = |sample: inner::PoolSample| PoolSample {
            at: Time(sample.at),
            capacity: sample.capacity.into(),
            leased: sample.leased.into(),
            used: sample.used.into(),
        };
        Self {
            manager: overview.manager,
            pool: overview.pool,
            standing: overview.standing.into(),
            capacity: overview.capacity.into(),
            leased: overview.leased.into(),
            ttl_s: overview.ttl_ms / 1000,
            development: overview.development,
            replicas: overview.replicas.into_iter().map(replica).collect(),
            servers: overview.servers.into_iter().map(Into::into).collect(),
            history: overview.history.into_iter().map(sample).collect(),
        }
    }
}

impl From<inner::Borrower> for Borrower {
    fn from(server: inner::Borrower) -> Self {
        Self {
            server: server.server,
            leased: server.leased.into(),
            used: server.used.into(),
            wanted: server.wanted.into(),
            guaranteed: server.guaranteed.into(),
            most: server.most.map(Into::into),
            left_s: server.left_ms.map(|ms| ms / 1000),
            silent_s: server.silent_ms.map(|ms| ms / 1000),
            expected: server.expected,
            covered: server.covered,
        }
    }
}

/// How many seats that nobody holds are asked back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeatsBack {
    #[serde(default)]
    pub pro: u32,
    #[serde(default)]
    pub online: u32,
    #[serde(default)]
    pub guest: u32,
    #[serde(default)]
    pub gateway: u32,
}

impl SeatsBack {
    pub(crate) fn read(self) -> Result<Seats, Problem> {
        let seats = Seats {
            pro: self.pro,
            online: self.online,
            guest: self.guest,
            gateway: self.gateway,
        };
        match seats.is_none() {
            true => Err(Problem::field("pro", "say how many seats of which kind")),
            false => Ok(seats),
        }
    }
}

/// Declares a server dead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareDead {
    /// Its name again: if it is not off, its seats are used twice.
    #[schema(min_length = 1, max_length = 253)]
    pub off: String,
}
