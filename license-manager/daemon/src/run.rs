//! `plenary-license-manager run`: a replica at work, from its start to its end.

use crate::{
    admin,
    app::App,
    config::Config,
    data::DataFolder,
    links::Links,
    metrics,
    options::{self, Common},
    running::Running,
    service::Service,
    tend,
};
use anyhow::bail;
use clap::Args;
use plenary_contracts::{
    cluster::v1::{admission_server::AdmissionServer, cluster_server::ClusterServer},
    leases::v1::leases_server::LeasesServer,
};
use plenary_identity::{Expected, Identity, PeerIdentity, Program, join::binding};
use plenary_licences::manager::Command;
use plenary_license_manager_client::wire::MESSAGE_BYTES;
use plenary_links::{Bounds, Services, Who, require_member};
use plenary_model::{NodeId, ServerName};
use plenary_program::{
    UnsafeDisk, UsageError,
    ports::{bind, nonblocking},
    signals::Until,
};
use plenary_replication::Failure;
use plenary_telemetry::{CheckState, Health, Metrics, management_router};
use std::{net::TcpListener, sync::Arc, time::Duration};
use tokio::{sync::oneshot, task::JoinSet};
use tonic::service::interceptor::InterceptedService;

/// Of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Time for another replica to take over leading.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);
/// Longest request of a machine that wants to join.
const ADMISSION_BYTES: usize = 64 << 10;
/// All servers of a branch may stand behind one address, and come back at once after an outage.
const BOUNDS: Bounds = Bounds {
    handshakes: (512, 256),
    handshake_within: Duration::from_secs(5),
    strangers: (32, 8),
    stranger_lifetime: Duration::from_secs(30),
};
const ANNOUNCE_EVERY: Duration = Duration::from_millis(500);

/// Start a replica that has founded or joined a License Manager
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    until: Until,
}

impl Run {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let config = common.load()?;
        let folder = DataFolder::new(&config.data);
        folder.facts()?;
        let ports = Ports::bind(&config)?;
        serve(config, folder, ports, self.until).await
    }
}

/// The sockets of a replica, bound before anything else is done.
pub(crate) struct Ports {
    leases: TcpListener,
    metrics: TcpListener,
}

impl Ports {
    pub(crate) fn bind(config: &Config) -> Result<Self, UsageError> {
        Ok(Self {
            leases: bind("listen.leases", &config.listen.leases)?,
            metrics: bind("listen.metrics", &config.listen.metrics)?,
        })
    }
}

/// Why a replica ends by itself.
enum End {
    Asked,
    Failed(Failure),
    Removed,
}

/// Serves until told to stop or until it cannot go on.
pub(crate) async fn serve(
    config: Config,
    folder: DataFolder,
    ports: Ports,
    until: Until,
) -> anyhow::Result<()> {
    options::start_logs(&config)?;
    let facts = folder.facts()?;
    let identity = options::open_identity(&config, &folder, &facts)?;
    let trust = options::trust()?;
    tracing::info!(version = VERSION, replica = %facts.name, manager = %facts.manager, "starting");
    tracing::debug!(
        descriptors = plenary_program::descriptors(),
        "each server keeps a connection"
    );
    if let Some(warning) = trust.warning() {
        tracing::warn!("{warning}");
    }
    let links = Arc::new(Links::new(identity.clone(), facts.manager.clone()));
    let app = Arc::new(App::default());
    let replica_options = options::replica_options(&config, &folder, &facts)?;
    let address = replica_options.member.address.clone();
    let replica = options::open_replica(replica_options, app.clone(), links).await?;
    let running = Arc::new(Running::new(facts, identity, replica, app, trust));

    let health = Health::default();
    metrics::watch_health(&running, &health);
    let measured = Metrics::new("plenary-license-manager", VERSION);
    metrics::register(&measured, running.clone());
    let (stop_port, port_stopped) = oneshot::channel::<()>();
    let port = serve_port(&running, ports.leases, port_stopped)?;
    let management = tokio::net::TcpListener::from_std(nonblocking(ports.metrics)?)?;
    let management_app = management_router(measured, health.clone());
    let socket = admin::listen(&running, &folder.socket())?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        if let Err(error) = axum::serve(management, management_app).await {
            tracing::error!(%error, "metrics are not served any more");
        }
    });
    tasks.spawn(admin::serve(running.clone(), socket));
    tasks.spawn(tend::tend(running.clone()));
    tasks.spawn(tend::members(running.clone()));
    let renewing = running.identity.clone();
    tasks.spawn(async move { renewing.keep_fresh(None).await });
    let (removed_tx, removed) = oneshot::channel();
    let following = follow(running.clone(), address);
    tasks.spawn(async move {
        following.await;
        // The end of the program may have come first.
        removed_tx.send(()).unwrap_or_default();
    });
    sd_notify::notify(&[sd_notify::NotifyState::Ready]).ok();

    let end = wait_for_end(&running, until, removed).await;
    sd_notify::notify(&[sd_notify::NotifyState::Stopping]).ok();
    health.set("stopping", CheckState::Unready("the replica is ending".into()));
    if matches!(end, End::Asked) {
        tracing::info!("ending: another replica takes over");
        hand_over(&running).await;
    }
    tasks.shutdown().await;
    // The port may have ended by itself.
    stop_port.send(()).unwrap_or_default();
    running.replica.shutdown().await;
    port.abort();
    std::fs::remove_file(folder.socket()).ok();
    finish(end)
}

fn finish(end: End) -> anyhow::Result<()> {
    match end {
        End::Asked => Ok(()),
        End::Failed(failure) => {
            tracing::error!(%failure, "the replica ends");
            match failure {
                Failure::Log { .. } => Err(UnsafeDisk(failure.to_string()).into()),
                _ => bail!("{failure}"),
            }
        }
        End::Removed => {
            let text = "this replica was removed from the License Manager; empty its data folder to let it join again";
            tracing::error!("{text}");
            Err(UsageError::new(text).into())
        }
    }
}

async fn wait_for_end(running: &Running, until: Until, removed: oneshot::Receiver<()>) -> End {
    let mut failure = running.replica.failure();
    tokio::select! {
        () = until.asked_to_stop() => End::Asked,
        failed = failure.wait_for(Option::is_some) => match failed.ok().and_then(|failed| failed.clone()) {
            Some(failure) => End::Failed(failure),
            None => End::Asked,
        },
        told = removed => if told.is_ok() { End::Removed } else { End::Asked },
    }
}

/// Tells the others where this replica is, and returns when it was removed and is no longer needed.
async fn follow(running: Arc<Running>, address: String) {
    let me: NodeId = running.facts.member;
    let mut was_member = false;
    loop {
        let mine = running
            .app
            .look(|manager| manager.office.members.get(&me).cloned())
            .flatten();
        was_member |= mine.is_some();
        match mine {
            Some(mine) if mine.address != address => {
                let command = Command::MoveMember {
                    member: me,
                    address: address.clone(),
                };
                if let Err(error) = running.command(None, command).await {
                    tracing::debug!(%error, "the others do not know yet where this replica is");
                }
            }
            None if was_member && !running.replica.status().members.contains_key(&me.0) => return,
            _ => {}
        }
        tokio::time::sleep(ANNOUNCE_EVERY).await;
    }
}

/// Serves the other replicas and the servers of the enterprise.
fn serve_port(
    running: &Arc<Running>,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let listener = tokio::net::TcpListener::from_std(nonblocking(listener)?)?;
    let expected = vec![
        Expected::any(Program::LicenseManager).at(&running.facts.manager),
        Expected::any(Program::Node),
    ];
    let tls = running.identity.server_config(expected);
    let (identity, manager) = (running.identity.clone(), running.facts.manager.clone());
    let connections = plenary_links::incoming(
        listener,
        tls,
        Arc::new(move |connection| who(&identity, &manager, connection)),
        BOUNDS,
    );
    let services = Services::new(running.clone());
    let log = InterceptedService::new(running.replica.service(), |request: tonic::Request<()>| {
        require_member(&request)?;
        Ok(request)
    });
    let leases = LeasesServer::new(Service(running.clone())).max_decoding_message_size(MESSAGE_BYTES);
    let router = tonic::transport::Server::builder()
        // Replicas probe each other themselves; a thousand servers need not be asked each second.
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .max_concurrent_streams(64)
        .add_service(log)
        .add_service(leases)
        .add_service(ClusterServer::new(services.clone()))
        .add_service(AdmissionServer::new(services).max_decoding_message_size(ADMISSION_BYTES));
    Ok(tokio::spawn(async move {
        let ended = router
            .serve_with_incoming_shutdown(connections, async { drop(stopped.await) })
            .await;
        if let Err(error) = ended {
            tracing::error!(%error, "the lease port is not served any more");
        }
    }))
}

/// Reads from a finished handshake who is calling.
fn who(identity: &Identity, manager: &ServerName, connection: &rustls::ServerConnection) -> Who {
    let peer = PeerIdentity::of(connection);
    let program = peer.as_ref().map(|peer| peer.name.clone());
    let replica = program
        .as_ref()
        .filter(|who| who.program == Program::LicenseManager && who.server == *manager);
    let revocations = identity.revocations().clone();
    Who {
        node: replica.map(|who| who.name.clone()),
        program: program.clone(),
        still_counts: Arc::new(move || peer.as_ref().is_some_and(|peer| !revocations.is_revoked(peer))),
        // Without keying material no proof can be right.
        binding: binding(connection).unwrap_or_default(),
    }
}

/// Gives leading to another replica before this one ends, so that servers hardly wait.
async fn hand_over(running: &Running) {
    if !running.leads() {
        return;
    }
    let status = running.replica.status();
    let others = status
        .members
        .iter()
        .filter(|(id, member)| **id != running.facts.member.0 && member.voter);
    let Some((next, _)) = others.max_by_key(|(_, member)| member.matched) else {
        return;
    };
    match tokio::time::timeout(HAND_OVER_WITHIN, running.replica.transfer_leader(*next)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::info!(%error, "leading was not handed over"),
        Err(_) => tracing::info!("leading was not handed over in time"),
    }
}
