//! `plenary-node run`: a node at work, from its start to its end.

use crate::{
    UnsafeDisk, UsageError, cascade,
    config::Config,
    data::DataFolder,
    door::Doors,
    http::{self, Serving},
    lease::{self, Lessee},
    links::{Links, LogLinks},
    media::{self, MediaDoor},
    meetings, metrics,
    options::{self, Common},
    roster, seats,
    server::{Server, VERSION},
    signalling, standing, steering,
    turn::Turn,
};
use anyhow::bail;
use clap::Args;
use plenary_cluster_io::{Services, Who, require_member};
use plenary_contracts::cluster::v1::{admission_server::AdmissionServer, cluster_server::ClusterServer};
use plenary_identity::{Expected, Identity, PeerIdentity, WebTls, join::binding};
use plenary_licences::licence::{Build, Trust};
use plenary_program::{
    ports::{bind, bind_udp, nonblocking},
    signals::Until,
};
use plenary_replication::Failure;
use plenary_signalling_io::Hub;
use plenary_store::ServerApp;
use plenary_telemetry::{CheckState, Health, Metrics, management_router};
use std::{
    net::{TcpListener, UdpSocket},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
};
use tonic::service::interceptor::InterceptedService;

/// Time for requests under way when the node is told to end.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// Time for another node to take over leading.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);

/// Longest request of a machine that wants to join: names, a proof and a certificate request.
const ADMISSION_BYTES: usize = 64 << 10;

/// Start a node that has founded or joined a server
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    until: Until,
}

impl Run {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let config = self.common.load()?;
        let folder = DataFolder::new(&config.data);
        folder.facts()?;
        let ports = Ports::bind(&config)?;
        serve(config, folder, ports, self.until).await
    }
}

/// The sockets of a node, bound before anything else is done.
pub(crate) struct Ports {
    cluster: TcpListener,
    /// The same port: for media of other nodes.
    cascade: UdpSocket,
    metrics: TcpListener,
    http: Option<TcpListener>,
    https: Option<TcpListener>,
    media: UdpSocket,
    media_tcp: TcpListener,
}

impl Ports {
    pub(crate) fn bind(config: &Config) -> Result<Self, UsageError> {
        let listen = &config.listen;
        let optional = |key, text: &str| {
            if text.is_empty() {
                Ok(None)
            } else {
                bind(key, text).map(Some)
            }
        };
        let cluster = bind("listen.cluster", &listen.cluster)?;
        let cascade = cluster.local_addr().map_err(UsageError::caused)?.to_string();
        Ok(Self {
            cluster,
            cascade: bind_udp("listen.cluster", &cascade)?,
            metrics: bind("listen.metrics", &listen.metrics)?,
            http: optional("listen.http", &listen.http)?,
            https: optional("listen.https", &listen.https)?,
            media: bind_udp("listen.media", &listen.media)?,
            media_tcp: bind("listen.media", &listen.media)?,
        })
    }
}

/// Why a node ends by itself.
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
    let identity = options::open_identity(&folder, &facts)?;
    tracing::info!(version = VERSION, node = %facts.name, server = %facts.server, "starting");
    empty_temp(&folder);
    let links = Arc::new(Links::new(identity.clone(), facts.server.clone(), facts.node));
    let app = Arc::new(ServerApp::default());
    let (changes, for_clients) = (app.changes(), app.changes());
    let (for_seats, for_lease) = (app.changes(), app.changes());
    let replica_options = options::replica_options(&config, &folder, &facts)?;
    let address = replica_options.member.address.clone();
    let replica = options::open_replica(replica_options, app, Arc::new(LogLinks(links.clone()))).await?;
    let epoch = u64::from_be_bytes(crate::secret::random_bytes::<8>()) >> 1;
    let lessee = Lessee::open(&folder, facts.node)?;
    let server = Server::new(facts, folder, identity, replica, links, lessee, epoch.max(1));
    let server = Arc::new(server);

    accept_licences(&server)?;
    server.alive.limit(config.timing.alive_limit_ms);
    let health = Health::default();
    standing::watch_health(&server, &health);
    let measured = Metrics::new("plenary-node", VERSION);
    metrics::register(&measured, server.replica.clone());
    let (draining_tx, draining) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let (stop_cluster, cluster_stopped) = oneshot::channel::<()>();
    let cluster = serve_cluster(&server, ports.cluster, cluster_stopped)?;
    let web = web_tls(&config, &server)?;
    let (cascade, links) = cascade::start(&server, ports.cascade)?;
    let turn = Turn::load(&config.turn).map_err(|error| UsageError::new(format!("{error:#}")))?;
    let turn = Arc::new(turn);
    let (engine, media_events) = media::start(&config, ports.media, ports.media_tcp, links)?;
    metrics::register_media(&measured, engine.clone());
    let door = Arc::new(MediaDoor::new(server.clone(), engine.clone(), turn.clone()));
    let meetings = meetings::start(&server, &engine, turn);
    metrics::register_meetings(&measured, meetings.clone());
    lease::register(&measured, &server);
    let (app, hub) = http::router(&server, &config, draining.clone(), door.clone())?;
    serve_metrics(&mut tasks, ports.metrics, measured, health.clone())?;
    let https = ports.https.zip(web.clone());
    let doors = Doors::new(http::proxies(&config)?, http::HEAD_WITHIN);
    let serving = Serving::start(app, &doors, ports.http, https)?;

    let (removed_tx, removed) = oneshot::channel();
    let following = roster::follow(server.clone(), changes, draining_tx);
    tasks.spawn(async move {
        following.await;
        removed_tx.send(()).ok();
    });
    tasks.spawn(server.peers.clone().watch(server.clone()));
    tasks.spawn(cascade::tell_members(server.clone(), cascade.members));
    tasks.spawn(door.clone().watch(for_seats.resubscribe()));
    tasks.spawn(meetings::watch_media(meetings, door.clone(), media_events));
    tasks.spawn(steering::steer(server.clone()));
    seats::start(&mut tasks, &server, &hub, &door, for_seats, &draining);
    lease::start(&mut tasks, &server, &door, for_lease);
    tasks.spawn(signalling::notify(server.clone(), for_clients));
    tasks.spawn(signalling::watch_nodes(server.clone()));
    tasks.spawn(signalling::tell_presences(server.clone(), hub.clone()));
    tasks.spawn(drain_clients(hub.clone(), draining));
    tasks.spawn(standing::announce(
        server.clone(),
        health.clone(),
        address,
        options::web_url(&config),
    ));
    let renewing = server.identity.clone();
    tasks.spawn(async move { renewing.keep_fresh(web.as_ref()).await });
    sd_notify::notify(&[sd_notify::NotifyState::Ready]).ok();

    let end = wait_for_end(&server, until, removed).await;
    sd_notify::notify(&[sd_notify::NotifyState::Stopping]).ok();
    health.set("stopping", CheckState::Unready("the node is ending".into()));
    if matches!(end, End::Asked) {
        tracing::info!("ending: another node takes over, requests under way are finished");
        hand_over(&server).await;
    }
    hub.shutdown().await;
    engine.stop().await;
    cascade.links.stop().await;
    serving.stop(FINISH_WITHIN).await;
    tasks.shutdown().await;
    stop_cluster.send(()).ok();
    server.replica.shutdown().await;
    // Connections of other nodes do not end by themselves.
    cluster.abort();
    match end {
        End::Asked => Ok(()),
        End::Failed(failure) => {
            tracing::error!(%failure, "the node ends");
            match failure {
                Failure::Log { .. } => Err(UnsafeDisk(failure.to_string()).into()),
                _ => bail!("{failure}"),
            }
        }
        End::Removed => {
            let text = "this node was removed from the server; empty its data folder to let it join again";
            tracing::error!("{text}");
            Err(UsageError::new(text).into())
        }
    }
}

/// Serves what monitoring asks for.
fn serve_metrics(
    tasks: &mut JoinSet<()>,
    listener: TcpListener,
    measured: Metrics,
    health: Health,
) -> anyhow::Result<()> {
    let management = tokio::net::TcpListener::from_std(nonblocking(listener)?)?;
    let management_app = management_router(measured, health);
    tasks.spawn(async move {
        if let Err(error) = axum::serve(management, management_app).await {
            tracing::error!(%error, "metrics are not served any more");
        }
    });
    Ok(())
}

/// Notes whose licences count here.
fn accept_licences(server: &Server) -> Result<(), UsageError> {
    let asked = std::env::var(Trust::VARIABLE).ok();
    let trust = Trust::new(Build::THIS, asked.as_deref()).map_err(UsageError::caused)?;
    if let Some(warning) = trust.warning() {
        tracing::warn!("{warning}");
    }
    server.licence_keys.get_or_init(|| trust.keys().to_vec());
    Ok(())
}

/// Sends clients to other nodes while this one is drained.
async fn drain_clients(hub: Hub, mut draining: watch::Receiver<bool>) {
    loop {
        let drains = *draining.borrow_and_update();
        hub.drain(drains);
        if draining.changed().await.is_err() {
            return;
        }
    }
}

async fn wait_for_end(server: &Server, until: Until, removed: oneshot::Receiver<()>) -> End {
    let mut failure = server.replica.failure();
    tokio::select! {
        () = until.asked_to_stop() => End::Asked,
        failed = failure.wait_for(Option::is_some) => match failed.ok().and_then(|failed| failed.clone()) {
            Some(failure) => End::Failed(failure),
            None => End::Asked,
        },
        told = removed => if told.is_ok() { End::Removed } else { End::Asked },
    }
}

/// What an earlier run left of backups that were being made.
fn empty_temp(folder: &DataFolder) {
    let temp = folder.temp();
    let emptied = std::fs::remove_dir_all(&temp).and_then(|()| std::fs::create_dir_all(&temp));
    if let Err(error) = emptied {
        tracing::warn!(%error, folder = %temp.display(), "the folder for temporary files cannot be emptied");
    }
}

fn web_tls(config: &Config, server: &Server) -> anyhow::Result<Option<WebTls>> {
    if config.listen.https.is_empty() {
        return Ok(None);
    }
    let tls = match (&config.web.certificate, &config.web.key) {
        (Some(chain), Some(key)) => WebTls::from_files(chain, key).map_err(UsageError::caused)?,
        _ => server
            .identity
            .web(&options::web_names(config, &server.facts))
            .map_err(UsageError::caused)?,
    };
    for name in tls.left_out() {
        tracing::warn!(%name, "browsers that use this name get a warning: the server may not certify it by itself");
    }
    Ok(Some(tls))
}

/// Serves the other nodes.
fn serve_cluster(
    server: &Arc<Server>,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let listener = tokio::net::TcpListener::from_std(nonblocking(listener)?)?;
    let tls = server
        .identity
        .server_config(vec![Expected::node_of(&server.facts.server)]);
    let identity = server.identity.clone();
    let connections = plenary_cluster_io::incoming(
        listener,
        tls,
        Arc::new(move |connection| who(&identity, connection)),
        plenary_cluster_io::Bounds::default(),
    );
    let services = Services::new(server.clone());
    let log = InterceptedService::new(server.replica.service(), |request: tonic::Request<()>| {
        require_member(&request)?;
        Ok(request)
    });
    let router = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(1)))
        .http2_keepalive_timeout(Some(Duration::from_secs(2)))
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20)
        .add_service(log)
        .add_service(ClusterServer::new(services.clone()))
        .add_service(AdmissionServer::new(services).max_decoding_message_size(ADMISSION_BYTES));
    Ok(tokio::spawn(async move {
        let ended = router
            .serve_with_incoming_shutdown(connections, async { drop(stopped.await) })
            .await;
        if let Err(error) = ended {
            tracing::error!(%error, "the cluster port is not served any more");
        }
    }))
}

/// Reads from a finished handshake who is calling.
fn who(identity: &Identity, connection: &rustls::ServerConnection) -> Who {
    let peer = PeerIdentity::of(connection);
    let revocations = identity.revocations().clone();
    Who {
        node: peer.as_ref().map(|peer| peer.name.name.clone()),
        program: peer.as_ref().map(|peer| peer.name.clone()),
        still_counts: Arc::new(move || peer.as_ref().is_some_and(|peer| !revocations.is_revoked(peer))),
        // Without keying material no proof can be right.
        binding: binding(connection).unwrap_or_default(),
    }
}

/// Gives leading to another node before this one ends, so that writes hardly wait.
async fn hand_over(server: &Server) {
    let status = server.replica.status();
    if !server.leads() {
        return;
    }
    let others = status
        .members
        .iter()
        .filter(|(id, member)| **id != server.me().0 && member.voter);
    let up = others.filter(|(id, _)| server.peers.is_up(plenary_model::NodeId(**id)));
    let Some((next, _)) = up.max_by_key(|(_, member)| member.matched) else {
        return;
    };
    match tokio::time::timeout(HAND_OVER_WITHIN, server.replica.transfer_leader(*next)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::info!(%error, "leading was not handed over"),
        Err(_) => tracing::info!("leading was not handed over in time"),
    }
}
