//! What servers of the enterprise ask over gRPC.

use crate::running::{Running, Unanswered};
use plenary_contracts::leases::v1::{
    self as pb, EnrolRequest, EnrolResponse, FromManager, FromServer, OverseeRequest, OverseeResponse,
    from_manager::What, leases_server::Leases,
};
use plenary_identity::{JoinSecret, Program};
use plenary_licences::{
    Request as Asked,
    manager::{Command, Files},
};
use plenary_license_manager_client::wire;
use plenary_links::{Caller, Who};
use plenary_model::ServerName;
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};

/// Requests of one conversation that may be under way.
const AT_ONCE: usize = 16;
/// How often it is looked whether the caller still counts and this replica still leads.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Clone)]
pub(crate) struct Service(pub(crate) Arc<Running>);

/// The server whose node calls.
#[allow(clippy::result_large_err)] // The error type is tonic's.
fn caller<T>(request: &Request<T>) -> Result<(ServerName, Who), Status> {
    let caller = request.extensions().get::<Caller<Who>>();
    let who = caller.map(|caller| caller.who.clone());
    let server = who.as_ref().and_then(|who| {
        let program = who.program.as_ref()?;
        let is_node = program.program == Program::Node && (who.still_counts)();
        is_node.then(|| program.server.clone())
    });
    server.zip(who).ok_or_else(|| {
        Status::unauthenticated(
            "this service is for nodes of servers of the enterprise; your certificate is missing, foreign or revoked",
        )
    })
}

impl Service {
    #[allow(clippy::result_large_err)] // The error type is tonic's.
    fn must_be_expected(&self, server: &ServerName) -> Result<(), Status> {
        let known = self.0.app.look(|manager| manager.office.servers.contains(server));
        known.unwrap_or(false).then_some(()).ok_or_else(|| {
            Status::permission_denied(format!(
                "{server} is not expected here; an administrator of the License Manager has to invite it"
            ))
        })
    }

    /// What becomes of one request.
    async fn answer(&self, request: pb::Request, server: &ServerName) -> Result<FromManager, Status> {
        let request: Asked =
            wire::request_from(request).map_err(|error| Status::invalid_argument(error.to_string()))?;
        if request.server != *server {
            return Err(Status::permission_denied(format!(
                "your certificate is that of {server}, not of {}",
                request.server
            )));
        }
        let what = match self.0.ask(request).await {
            Ok(answer) => What::Answer(wire::answer_to(&answer)),
            Err(Unanswered::Elsewhere) => What::Elsewhere(self.0.leader_address()),
            Err(error) => return Err(Status::unavailable(error.to_string())),
        };
        Ok(FromManager { what: Some(what) })
    }

    fn pool(&self, files: &Files) -> FromManager {
        let manager = self.0.app.look(|manager| {
            let addresses = manager.office.members.values();
            (
                manager.lessor.pool(),
                addresses.map(|member| member.address.clone()).collect(),
            )
        });
        let (pool, addresses) = manager.map_or((Vec::new(), Vec::new()), |(pool, addresses)| {
            (wire::id_to(pool.0), addresses)
        });
        let extensions = files.pool.extensions.iter().filter_map(|extension| {
            let name = serde_json::to_value(extension).ok()?;
            name.as_str().map(str::to_owned)
        });
        FromManager {
            what: Some(What::Pool(pb::Pool {
                pool,
                extensions: extensions.collect(),
                enterprise: files.pool.edition == plenary_licences::licence::Edition::Enterprise,
                permanent_pro: files.pool.permanent_pro,
                development: files.pool.is_for_development,
                addresses,
            })),
        }
    }

    /// Talks with a node of a server until it goes, the server has too many, or this replica leads no more.
    async fn talk(
        self,
        server: ServerName,
        who: Who,
        mut said: Streaming<FromServer>,
        say: mpsc::Sender<Result<FromManager, Status>>,
    ) {
        let (number, mut recalls) = self.0.open_line(&server);
        let mut files = self.0.files.subscribe();
        files.mark_changed();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let places = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            tokio::select! {
                message = said.next() => {
                    let Some(Ok(message)) = message else { break };
                    self.0.heard(&server, number);
                    let Some(request) = message.request else { continue };
                    let Ok(place) = places.clone().acquire_owned().await else { break };
                    let (this, server, say) = (self.clone(), server.clone(), say.clone());
                    tokio::spawn(async move {
                        // What could not be answered now is asked again; only a liar's conversation ends.
                        match this.answer(request, &server).await {
                            Err(status) if status.code() == tonic::Code::Unavailable => {
                                tracing::debug!(%server, %status, "a request was not answered");
                            }
                            // It may have gone meanwhile.
                            answer => say.send(answer).await.unwrap_or_default(),
                        }
                        drop(place);
                    });
                }
                recall = recalls.recv() => {
                    let Some(recall) = recall else { break };
                    let what = Some(What::Recall(wire::recall_to(recall)));
                    if say.send(Ok(FromManager { what })).await.is_err() {
                        break;
                    }
                }
                changed = files.changed() => {
                    let now = files.borrow_and_update().clone();
                    let gone = match now {
                        Some(files) => say.send(Ok(self.pool(&files))).await.is_err(),
                        None => false,
                    };
                    if changed.is_err() || gone {
                        break;
                    }
                }
                _ = look.tick() => {
                    if !self.0.leads() || !(who.still_counts)() || say.is_closed() {
                        break;
                    }
                }
            }
        }
        self.0.close_line(&server, number);
        if !self.0.leads() {
            let what = Some(What::Elsewhere(self.0.leader_address()));
            // It may have gone already.
            say.send(Ok(FromManager { what })).await.unwrap_or_default();
        }
    }
}

#[tonic::async_trait]
impl Leases for Service {
    type ConverseStream = Pin<Box<dyn Stream<Item = Result<FromManager, Status>> + Send>>;

    async fn converse(
        &self,
        request: Request<Streaming<FromServer>>,
    ) -> Result<Response<Self::ConverseStream>, Status> {
        let (server, who) = caller(&request)?;
        let (say, heard) = mpsc::channel(64);
        if self.0.leads() {
            self.must_be_expected(&server)?;
            tokio::spawn(self.clone().talk(server, who, request.into_inner(), say));
        } else {
            let what = Some(What::Elsewhere(self.0.leader_address()));
            say.send(Ok(FromManager { what })).await.unwrap_or_default();
        }
        Ok(Response::new(Box::pin(ReceiverStream::new(heard))))
    }

    async fn ask(&self, request: Request<pb::Request>) -> Result<Response<FromManager>, Status> {
        let (server, _) = caller(&request)?;
        Ok(Response::new(self.answer(request.into_inner(), &server).await?))
    }

    async fn enrol(&self, request: Request<EnrolRequest>) -> Result<Response<EnrolResponse>, Status> {
        let (server, _) = caller(&request)?;
        let EnrolRequest { invitation, secret } = request.into_inner();
        let refused = |reason: &dyn std::fmt::Display| Status::permission_denied(reason.to_string());
        let secret = JoinSecret::from_slice(&secret).ok_or_else(|| refused(&"the token is damaged"))?;
        // The secret is compared by its hash, so how long that takes tells nothing about it.
        let command = Command::AdmitServer {
            invitation,
            secret: secret.hash(),
            server: server.clone(),
        };
        match self.0.command(Some(format!("server {server}")), command).await {
            Ok(_) => {}
            Err(crate::running::NotDone::Denied(denial)) => {
                tracing::warn!(%server, reason = %denial, "a server was refused");
                return Err(refused(&denial));
            }
            Err(error) => return Err(Status::unavailable(error.to_string())),
        }
        tracing::info!(%server, "a server was admitted");
        let known = self.0.app.look(|manager| {
            let addresses = manager.office.members.values();
            (
                manager.lessor.pool(),
                addresses.map(|member| member.address.clone()).collect(),
            )
        });
        let (pool, addresses) = known.ok_or_else(|| Status::unavailable("this replica has no state yet"))?;
        Ok(Response::new(EnrolResponse {
            pool: wire::id_to(pool.0),
            addresses,
        }))
    }

    async fn oversee(&self, request: Request<OverseeRequest>) -> Result<Response<OverseeResponse>, Status> {
        let (server, _) = caller(&request)?;
        let overseer = self
            .0
            .app
            .look(|manager| manager.office.overseers.contains(&server));
        if overseer != Some(true) {
            return Err(Status::permission_denied(format!(
                "administrators of {server} do not look after the License Manager; allow it there with: \
                 plenary-license-manager server oversee {server}"
            )));
        }
        let what = self.0.oversee(&server, request.into_inner()).await?;
        Ok(Response::new(OverseeResponse { what: Some(what) }))
    }
}
