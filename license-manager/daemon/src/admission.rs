//! Machines that become replicas.

use crate::{app::App, running::Running};
use plenary_contracts::cluster::v1::{JoinRequest, JoinResponse, StatusResponse};
use plenary_identity::{Identity, JoinSecret};
use plenary_licences::manager::{Command, Done, Guest, Manager, Member};
use plenary_links::{Node, clock_ms};
use plenary_member::Admission;
use plenary_model::{NodeId, NodeName, Timestamp};
use plenary_replication::Replica;

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
        let members = members.into_iter().map(|(id, member)| (id, member.address));
        let token = plenary_member::token(&self.identity, id, secret, members, expires);
        Ok((token, expires))
    }
}

#[tonic::async_trait]
impl Admission for Running {
    type App = App;
    const ADDRESS: &'static str = "its address";

    fn replica(&self) -> &Replica<App> {
        &self.replica
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn invitation(&self, id: &str) -> Result<Option<[u8; 32]>, String> {
        let secret = |manager: &Manager| Some(manager.office.invitations.get(id)?.secret);
        Ok(self.app.look(secret).flatten())
    }

    async fn enter(
        &self,
        invitation: String,
        secret: [u8; 32],
        name: NodeName,
        address: String,
    ) -> Result<NodeId, String> {
        let command = Command::AdmitMember {
            invitation,
            secret,
            facts: Member { name, address },
        };
        match self.command(None, command).await {
            Ok(Done::Admitted(member)) => Ok(member),
            Ok(Done::Done) => Err("an internal error; see the log of the replica that was asked".into()),
            Err(error) => Err(error.to_string()),
        }
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
        plenary_member::admit(self, request, binding).await
    }
}
