//! What other machines ask of this node on the cluster port.

use crate::{
    options::system,
    server::{Server, VERSION},
};
use plenary_access::{Actor, Change, Command, Outcome, Refusal};
use plenary_cluster_io::{Node, clock_ms};
use plenary_contracts::cluster::v1::{JoinRequest, JoinResponse, StatusResponse};
use plenary_identity::{
    JoinSecret,
    join::{Side, check_proof, prove},
};
use plenary_model::{NodeId, NodeName, Timestamp};
use plenary_rest_api::backend::WriteError;
use plenary_store::queries;

/// Clocks that differ by more than this make times in the log meaningless.
const CLOCK_WITHIN_MS: u64 = 60_000;

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
        // This node first: it has the invitation for sure.
        let (mine, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.id == self.me());
        let addresses = mine.into_iter().chain(others).map(|row| row.address).collect();
        let token = self.identity.join_token(id, secret, addresses, expires.0);
        Ok((token.encode(), expires))
    }

    async fn try_admit(&self, request: JoinRequest, binding: [u8; 32]) -> Result<JoinResponse, String> {
        let off = clock_ms().abs_diff(request.clock_ms);
        if off > CLOCK_WITHIN_MS {
            let seconds = off / 1000;
            return Err(format!(
                "its clock and ours differ by {seconds} s; synchronise both machines (NTP), then retry"
            ));
        }
        let name: NodeName = request
            .node_name
            .parse()
            .map_err(|error: plenary_model::ParseError| error.to_string())?;
        let address = request.cluster_address;
        let port = address
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse::<u16>().ok());
        if address.len() > 256 || !address.is_ascii() || port.is_none_or(|port| port == 0) {
            return Err("its cluster address is not host:port".into());
        }
        // An invitation that was made on another node a moment ago counts.
        self.replica
            .read_index()
            .await
            .map_err(|error| error.to_string())?;
        let id = request.invitation.clone();
        let found = self
            .query(move |db| queries::invitation(db, &id))
            .await
            .map_err(|error| error.to_string())?;
        let unknown = "the join token is unknown or was used already; make a new one";
        let invitation = found.ok_or(unknown)?;
        check_proof(Side::Joiner, &invitation.secret, &binding, &request.proof)
            .map_err(|error| error.to_string())?;
        let change = Change::AdmitNode {
            invitation: request.invitation,
            secret: invitation.secret,
            name: name.clone(),
            address,
        };
        let applied = self
            .propose_command(&Command {
                by: system(),
                idempotency: None,
                change,
            })
            .await;
        let node = match applied {
            Ok(applied) => match applied.outcome {
                Outcome::Admitted { node } => node,
                _ => return Err("an internal error; see the log of the node that was asked".into()),
            },
            Err(WriteError::Refused(refusal @ Refusal::BadInvitation(_))) => return Err(refusal.to_string()),
            Err(error) => return Err(error.to_string()),
        };
        let parcel = self
            .identity
            .admit(
                name,
                node,
                &request.certificate_request,
                &invitation.secret,
                &binding,
            )
            .map_err(|error| error.to_string())?;
        Ok(JoinResponse {
            node: node.0,
            server: self.facts.server.to_string(),
            enterprise: self.facts.enterprise.clone(),
            identity: parcel,
            proof: prove(Side::Server, &invitation.secret, &binding).to_vec(),
        })
    }
}

#[tonic::async_trait]
impl Node for Server {
    fn status(&self) -> StatusResponse {
        let (status, vitals) = (self.replica.status(), self.vitals());
        let (lease, lease_refusal) = self.lessee.word();
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

    async fn admit(&self, request: JoinRequest, binding: [u8; 32]) -> Result<JoinResponse, String> {
        self.try_admit(request, binding).await
    }
}
