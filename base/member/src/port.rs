//! The port on which a member serves the others of its group, machines that join, and whoever else the program expects.

use plenary_contracts::cluster::v1::{admission_server::AdmissionServer, cluster_server::ClusterServer};
use plenary_identity::{Expected, Identity};
use plenary_links::{Bounds, Connection, Node, Services, Who, require_member};
use plenary_replication::{Application, Replica};
use std::{io, net::TcpListener, sync::Arc};
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Status,
    service::interceptor::InterceptedService,
    transport::{Server, server::Router},
};

/// Longest request of a machine that wants to join: names, a proof and a certificate request.
const ADMISSION_BYTES: usize = 64 << 10;

/// Connections of those who are `expected`, and of machines without a certificate.
pub type Connections = ReceiverStream<io::Result<Connection<Who>>>;

/// Accepts connections. Each request carries who is calling ([`Who::of`]).
///
/// # Errors
/// When the system refuses.
pub fn connections(
    listener: TcpListener,
    identity: &Identity,
    expected: Vec<Expected>,
    bounds: Bounds,
) -> io::Result<Connections> {
    let listener = plenary_program::ports::asynchronous(listener)?;
    let (tls, identity) = (identity.server_config(expected), identity.clone());
    let identify = Arc::new(move |connection: &_| Who::of(&identity, connection));
    Ok(plenary_links::incoming(listener, tls, identify, bounds))
}

/// What every member serves: its log and what members say beside it, to members only; and admission.
pub fn services<A: Application>(mut server: Server, replica: &Replica<A>, node: Arc<dyn Node>) -> Router {
    let services = Services::new(node);
    server
        .add_service(InterceptedService::new(replica.service(), members_only))
        .add_service(ClusterServer::new(services.clone()))
        .add_service(AdmissionServer::new(services).max_decoding_message_size(ADMISSION_BYTES))
}

#[allow(clippy::result_large_err)] // The error type is tonic's.
fn members_only(request: Request<()>) -> Result<Request<()>, Status> {
    require_member(&request)?;
    Ok(request)
}

/// Serves until `stopped` is told or dropped, in a task; `port` is what the log calls it.
pub fn serve(
    router: Router,
    connections: Connections,
    stopped: oneshot::Receiver<()>,
    port: &'static str,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let ended = router
            .serve_with_incoming_shutdown(connections, async { drop(stopped.await) })
            .await;
        if let Err(error) = ended {
            tracing::error!(%error, "the {port} port is not served any more");
        }
    })
}
