//! The License Manager, as administrators of this server look after it.

use crate::server::Server;
use plenary_access::{Actor, ActorKind, Refusal};
use plenary_contracts::leases::v1::{self as pb, OverseeRequest, RecallFrom, oversee_request::Act};
use plenary_licences::{Seats, lessor::Standing};
use plenary_license_manager_client::{OverseeError, oversee, wire};
use plenary_model::Timestamp;
use plenary_rest_api::backend::{
    Borrower, ManagerOverview, ManagerReplica, OverseeAct, PoolSample, ReplicaRole, WriteError,
};

fn refused(code: &str, reason: impl ToString) -> WriteError {
    WriteError::Refused(Refusal::Licensing {
        code: code.to_owned(),
        reason: reason.to_string(),
    })
}

impl Server {
    /// Asks the License Manager how it is, after it did what an administrator wants.
    pub(crate) async fn oversee_manager(
        &self,
        by: &Actor,
        act: OverseeAct,
    ) -> Result<ManagerOverview, WriteError> {
        self.look_at_lease().await;
        let needs = self.lessee.needs().ok_or_else(|| {
            let reason = "the server is not connected to a License Manager";
            refused("licence_manager_not_connected", reason)
        })?;
        let act = match act {
            OverseeAct::Look => None,
            OverseeAct::Recall { server, seats } => Some(Act::Recall(RecallFrom {
                server: server.to_string(),
                seats: Some(wire::seats_to(seats)),
            })),
            OverseeAct::DeclareDead { server } => Some(Act::DeclareDead(server.to_string())),
        };
        let by = match &by.kind {
            ActorKind::User(user) => user.to_string(),
            ActorKind::System | ActorKind::Anonymous => "the server".to_owned(),
        };
        let request = OverseeRequest { by, act };
        let (manager, addresses) = (&needs.lease.manager, &needs.lease.addresses);
        match oversee(&self.identity, manager, addresses, request).await {
            Ok(overview) => Ok(read(overview)),
            Err(error @ OverseeError::NotAllowed(_)) => Err(refused("forbidden", error)),
            Err(error @ OverseeError::Refused(_)) => Err(refused("conflict", error)),
            Err(error @ OverseeError::Unreachable(_)) => Err(refused("licence_manager_unreachable", error)),
        }
    }
}

fn seats(seats: Option<pb::Seats>) -> Seats {
    wire::seats_from(seats)
}

fn read(overview: pb::Overview) -> ManagerOverview {
    let pool = wire::id_from(&overview.pool, "pool");
    ManagerOverview {
        manager: overview.manager,
        pool: pool
            .map(|id| plenary_licences::PoolId(id).to_string())
            .unwrap_or_default(),
        standing: match overview.standing.as_str() {
            "serving" => Standing::Serving,
            "recovering" => Standing::Recovering,
            _ => Standing::Behind,
        },
        capacity: seats(overview.capacity),
        leased: seats(overview.leased),
        ttl_ms: overview.ttl_ms,
        development: overview.development,
        replicas: overview.replicas.into_iter().map(replica).collect(),
        servers: overview.servers.into_iter().map(borrower).collect(),
        history: overview
            .history
            .into_iter()
            .map(|sample| PoolSample {
                at: Timestamp(sample.at_ms),
                capacity: seats(sample.capacity),
                leased: seats(sample.leased),
                used: seats(sample.used),
            })
            .collect(),
    }
}

fn replica(replica: pb::Replica) -> ManagerReplica {
    ManagerReplica {
        name: replica.name,
        address: replica.address,
        role: match replica.role.as_str() {
            "leader" => ReplicaRole::Leader,
            "voter" => ReplicaRole::Voter,
            "learner" => ReplicaRole::Learner,
            _ => ReplicaRole::Joining,
        },
    }
}

fn borrower(server: pb::Borrower) -> Borrower {
    Borrower {
        server: server.server,
        leased: seats(server.leased),
        used: seats(server.used),
        wanted: seats(server.wanted),
        guaranteed: seats(server.guaranteed),
        most: server.most.map(|most| seats(Some(most))),
        left_ms: server.left_ms,
        silent_ms: server.silent_ms,
        expected: server.expected,
        covered: server.covered,
    }
}
