//! Machines that become replicas.

use crate::running::{NotDone, Running};
use plenary_contracts::cluster::v1::{JoinRequest, JoinResponse, StatusResponse};
use plenary_identity::{
    JoinSecret,
    join::{Side, check_proof, prove},
};
use plenary_licences::manager::{Command, Done, Guest, Member};
use plenary_links::{Node, clock_ms};
use plenary_model::{NodeId, NodeName, Timestamp};

/// Clocks that differ by more than this make times in the log meaningless.
const CLOCK_WITHIN_MS: u64 = 60_000;

impl Running {
    /// Makes a one-time token. Its secret is kept nowhere; the log has its hash.
    pub(crate) async fn invite(
        &self,
        by: String,
        guest: Guest,
        ttl_s: u64,
    ) -> anyhow::Result<(String, Timestamp)> {
        let id = format!("{:016x}", rand::random::<u64>());
        let secret = JoinSecret::random()?;
        let expires = Timestamp(clock_ms()).plus_ms(ttl_s.saturating_mul(1000));
        let command = Command::Invite {
            id: id.clone(),
            secret: secret.hash(),
            expires,
            guest,
        };
        self.command(Some(by), command).await?;
        let members = self
            .app
            .look(|manager| manager.office.members.clone())
            .unwrap_or_default();
        // This replica first: it has the invitation for sure.
        let (mine, others): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|(id, _)| *id == self.facts.member);
        let addresses = mine
            .into_iter()
            .chain(others)
            .map(|(_, member)| member.address)
            .collect();
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
            return Err("its address is not host:port".into());
        }
        // An invitation that was made on another replica a moment ago counts.
        self.replica
            .read_index()
            .await
            .map_err(|error| error.to_string())?;
        let invitation = self
            .app
            .look(|manager| manager.office.invitations.get(&request.invitation).cloned())
            .flatten()
            .ok_or("the join token is unknown or was used already; make a new one")?;
        check_proof(Side::Joiner, &invitation.secret, &binding, &request.proof)
            .map_err(|error| error.to_string())?;
        let command = Command::AdmitMember {
            invitation: request.invitation,
            secret: invitation.secret,
            facts: Member {
                name: name.clone(),
                address,
            },
        };
        let member = match self.command(None, command).await {
            Ok(Done::Admitted(member)) => member,
            Ok(Done::Done) => {
                return Err("an internal error; see the log of the replica that was asked".into());
            }
            Err(NotDone::Denied(denial)) => return Err(denial.to_string()),
            Err(error) => return Err(error.to_string()),
        };
        let parcel = self
            .identity
            .admit(
                name,
                member,
                &request.certificate_request,
                &invitation.secret,
                &binding,
            )
            .map_err(|error| error.to_string())?;
        Ok(JoinResponse {
            node: member.0,
            server: self.facts.manager.to_string(),
            enterprise: self.facts.enterprise.clone(),
            identity: parcel,
            proof: prove(Side::Server, &invitation.secret, &binding).to_vec(),
        })
    }
}

#[tonic::async_trait]
impl Node for Running {
    fn status(&self) -> StatusResponse {
        let status = self.replica.status();
        StatusResponse {
            node: self.facts.member.0,
            name: self.facts.name.to_string(),
            version: crate::run::VERSION.to_owned(),
            clock_ms: clock_ms(),
            applied_index: status.last_applied,
            last_log_index: status.last_log,
            term: status.term,
            leader: status.leader.unwrap_or(0),
            fsync_p99_ms: status.fsync.p99.as_secs_f64() * 1000.0,
            ..StatusResponse::default()
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
