//! What other machines ask of this node on the cluster port.

use crate::{
    options::system,
    server::{Server, VERSION},
};
use plenary_access::{Actor, Change, Command, Outcome, Refusal};
use plenary_cluster_io::{Node, clock_ms};
use plenary_contracts::cluster::v1::{
    JoinRequest, JoinResponse, MurmurRequest, PartnersRequest, PartnersResponse, StatusResponse,
};
use plenary_identity::{Identity, JoinSecret};
use plenary_member::Admission;
use plenary_model::{NodeId, NodeName, Timestamp};
use plenary_replication::Replica;
use plenary_rest_api::backend::WriteError;
use plenary_store::{ServerApp, queries};

impl Server {
    /// Makes a one-time join token. Its secret is kept nowhere; the log has its hash.
    pub(crate) async fn make_invitation(
        &self,
        by: Actor,
        ttl_s: u64,
    ) -> Result<(String, Timestamp), WriteError> {
        let internal = |error: plenary_identity::IdentityError| WriteError::Internal(Box::new(error));
        let id: String = crate::secret::random_bytes::<8>()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let secret = JoinSecret::random().map_err(internal)?;
        let change = Change::InviteNode {
            id: id.clone(),
            secret: secret.hash(),
            ttl_s,
        };
        self.propose_command(&Command {
            by,
            idempotency: None,
            change,
        })
        .await?;
        let expires = Timestamp(clock_ms()).plus_ms(ttl_s.saturating_mul(1000));
        let rows = self
            .node_rows()
            .await
            .map_err(|error| WriteError::Internal(error.into()))?;
        let members = rows.into_iter().map(|row| (row.id, row.address));
        let token = plenary_member::token(&self.identity, id, secret, members, expires);
        Ok((token, expires))
    }
}

#[tonic::async_trait]
impl Admission for Server {
    type App = ServerApp;
    const ADDRESS: &'static str = "its cluster address";

    fn replica(&self) -> &Replica<ServerApp> {
        &self.replica
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn invitation(&self, id: &str) -> Result<Option<[u8; 32]>, String> {
        let id = id.to_owned();
        let found = self.query(move |db| queries::invitation(db, &id)).await;
        let found = found.map_err(|error| error.to_string())?;
        Ok(found.map(|invitation| invitation.secret))
    }

    async fn enter(
        &self,
        invitation: String,
        secret: [u8; 32],
        name: NodeName,
        address: String,
    ) -> Result<NodeId, String> {
        let change = Change::AdmitNode {
            invitation,
            secret,
            name,
            address,
        };
        let command = Command {
            by: system(),
            idempotency: None,
            change,
        };
        match self
            .propose_command(&command)
            .await
            .map(|applied| applied.outcome)
        {
            Ok(Outcome::Admitted { node }) => Ok(node),
            Ok(_) => Err("an internal error; see the log of the node that was asked".into()),
            Err(WriteError::Refused(refusal @ Refusal::BadInvitation(_))) => Err(refusal.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[tonic::async_trait]
impl Node for Server {
    fn status(&self) -> StatusResponse {
        let (status, vitals) = (self.replica.status(), self.vitals());
        let (lease, lease_refusal) = self.lessee.word();
        let word = self.directory.word();
        let (directory_code, directory_trouble) = word.trouble;
        StatusResponse {
            node: self.me().0,
            name: self.facts.name.to_string(),
            version: VERSION.to_owned(),
            clock_ms: vitals.clock_ms,
            uptime_s: vitals.uptime_s,
            applied_index: vitals.applied_index,
            last_log_index: status.last_log,
            term: status.term,
            leader: status.leader.unwrap_or(0),
            fsync_p99_ms: vitals.fsync_p99_ms,
            disk_free_bytes: vitals.disk_free_bytes,
            disk_total_bytes: vitals.disk_total_bytes,
            memory_bytes: vitals.memory_bytes,
            lease,
            lease_refusal,
            directory_code,
            directory_trouble,
            directory_left_out: word.left_out,
            directory_left_out_last: word.left_out_last,
            acme_plan: vitals.acme,
            acme_answers: self.acme.answers(),
        }
    }

    async fn promote(&self, node: NodeId) -> Result<(), String> {
        self.replica
            .promote(node.0)
            .await
            .map_err(|error| error.to_string())
    }

    async fn hand_over(&self, to: NodeId) -> Result<(), String> {
        self.replica
            .transfer_leader(to.0)
            .await
            .map_err(|error| error.to_string())
    }

    async fn partners(&self, request: PartnersRequest) -> PartnersResponse {
        self.answer_of_partners(&request)
    }

    fn murmur(&self, request: MurmurRequest) {
        crate::meetings::murmur::hear(self, request);
    }

    async fn admit(&self, request: JoinRequest, binding: [u8; 32]) -> Result<JoinResponse, String> {
        plenary_member::admit(self, request, binding).await
    }
}
