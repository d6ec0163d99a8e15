//! The gRPC services beside Raft: thin shells around what the daemon provides.

use crate::{Caller, Known};
use plenary_contracts::cluster::v1::{
    JoinRequest, JoinResponse, MurmurRequest, MurmurResponse, PartnersRequest, PartnersResponse,
    StatusRequest, StatusResponse, SteerRequest, SteerResponse, admission_server::Admission,
    cluster_server::Cluster, steer_request::Act,
};
use plenary_identity::{Identity, PeerIdentity, ProgramName, join::binding};
use plenary_model::{NodeId, NodeName};
use std::sync::Arc;
use tokio_rustls::rustls;
use tonic::{Request, Response, Status};

/// Who is calling, read from the TLS connection.
#[derive(Clone)]
pub struct Who {
    /// The node of this server whose certificate was shown.
    pub node: Option<NodeName>,
    /// The program whose certificate was shown, also one of another group.
    pub program: Option<ProgramName>,
    /// Asked for each request: a node that was removed is refused on connections that it opened before.
    pub still_counts: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Keying material of the connection that join proofs are bound to (RFC 5705).
    pub binding: [u8; 32],
}

impl Who {
    /// Reads from a finished handshake who is calling; a node is whoever is of the same group as `identity`.
    pub fn of(identity: &Identity, connection: &rustls::ServerConnection) -> Self {
        let peer = PeerIdentity::of(connection);
        let program = peer.as_ref().map(|peer| peer.name.clone());
        let me = identity.me();
        let ours = |who: &&ProgramName| (who.program, &who.server) == (me.program, &me.server);
        let node = program.as_ref().filter(ours).map(|who| who.name.clone());
        let revocations = identity.revocations().clone();
        Self {
            node,
            program,
            still_counts: Arc::new(move || peer.as_ref().is_some_and(|peer| !revocations.is_revoked(peer))),
            // Without keying material no proof can be right.
            binding: binding(connection).unwrap_or_default(),
        }
    }
}

impl Known for Who {
    async fn is_known(&self) -> bool {
        self.program.is_some()
    }
}

/// What the services need of the node.
#[tonic::async_trait]
pub trait Node: Send + Sync + 'static {
    /// What this node says of itself now.
    fn status(&self) -> StatusResponse;
    async fn promote(&self, node: NodeId) -> Result<(), String>;
    async fn hand_over(&self, to: NodeId) -> Result<(), String>;
    /// What this node knows of servers of other enterprises, after it did what is asked about them.
    async fn partners(&self, request: PartnersRequest) -> PartnersResponse {
        let _ = request;
        PartnersResponse::default()
    }
    /// Hears what people do at the chat of a conference on another node.
    fn murmur(&self, request: MurmurRequest) {
        let _ = request;
    }
    /// Admits a machine with a join token. The error is a sentence for the person at that machine.
    async fn admit(&self, request: JoinRequest, binding: [u8; 32]) -> Result<JoinResponse, String>;
}

/// Serves [`Cluster`] and [`Admission`] for a [`Node`].
#[derive(Clone)]
pub struct Services {
    node: Arc<dyn Node>,
}

impl Services {
    pub fn new(node: Arc<dyn Node>) -> Self {
        Self { node }
    }
}

/// Refuses callers that are not nodes of this server.
///
/// # Errors
/// `UNAUTHENTICATED` with a sentence for the log of the caller.
#[allow(clippy::result_large_err)] // The error type is tonic's.
pub fn require_member<T>(request: &Request<T>) -> Result<NodeName, Status> {
    let caller = request.extensions().get::<Caller<Who>>();
    let member = caller.filter(|caller| (caller.who.still_counts)());
    member.and_then(|caller| caller.who.node.clone()).ok_or_else(|| {
        Status::unauthenticated(
            "this service is for nodes of this server; your certificate is missing, foreign or revoked",
        )
    })
}

#[tonic::async_trait]
impl Cluster for Services {
    async fn status(&self, request: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        require_member(&request)?;
        Ok(Response::new(self.node.status()))
    }

    async fn steer(&self, request: Request<SteerRequest>) -> Result<Response<SteerResponse>, Status> {
        require_member(&request)?;
        let done = match request.into_inner().act {
            Some(Act::Promote(node)) => self.node.promote(NodeId(node)).await,
            Some(Act::HandOver(node)) => self.node.hand_over(NodeId(node)).await,
            None => return Err(Status::invalid_argument("nothing was asked")),
        };
        done.map(|()| Response::new(SteerResponse {}))
            .map_err(Status::failed_precondition)
    }

    async fn partners(
        &self,
        request: Request<PartnersRequest>,
    ) -> Result<Response<PartnersResponse>, Status> {
        require_member(&request)?;
        Ok(Response::new(self.node.partners(request.into_inner()).await))
    }

    async fn murmur(&self, request: Request<MurmurRequest>) -> Result<Response<MurmurResponse>, Status> {
        require_member(&request)?;
        self.node.murmur(request.into_inner());
        Ok(Response::new(MurmurResponse {}))
    }
}

#[tonic::async_trait]
impl Admission for Services {
    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinResponse>, Status> {
        let caller = request.extensions().get::<Caller<Who>>();
        let caller = caller
            .ok_or_else(|| Status::internal("the connection carries no TLS"))?
            .clone();
        let request = request.into_inner();
        let name = request.node_name.clone();
        match self.node.admit(request, caller.who.binding).await {
            Ok(answer) => {
                tracing::info!(node = %name, address = %caller.address, "a node was admitted");
                Ok(Response::new(answer))
            }
            Err(reason) => {
                tracing::warn!(node = ?name, address = %caller.address, %reason, "a node was refused");
                Err(Status::permission_denied(reason))
            }
        }
    }
}
