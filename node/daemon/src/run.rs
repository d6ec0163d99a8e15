//! `plenary-node run`: a node at work, from its start to its end.

use crate::{
    UsageError, acme, border, cascade,
    config::Config,
    crossing, data, directory,
    door::Doors,
    federation,
    http::{self, Serving},
    lease::{self, Lessee},
    limits::Limiter,
    links::Links,
    media::{self, MediaDoor},
    meetings, metrics,
    options::{self, Common},
    roster, seats,
    server::{Server, VERSION},
    signalling, standing, steering,
    turn::Turn,
};
use clap::Args;
use futures::FutureExt as _;
use plenary_identity::{Expected, WebName, WebTls};
use plenary_licences::licence::{Build, Trust};
use plenary_links::Bounds;
use plenary_member::{End, Folder, port};
use plenary_program::{
    ports::{asynchronous, bind, bind_udp},
    signals::Until,
};
use plenary_signalling_io::Hub;
use plenary_store::{Changes, ServerApp};
use plenary_telemetry::{CheckState, Health, Metrics, serve_management};
use std::{
    net::{TcpListener, UdpSocket},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{broadcast, oneshot, watch},
    task::JoinSet,
};

/// Time for requests under way when the node is told to end.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

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
        let folder = data::folder(&config.data);
        data::facts(&folder)?;
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
    federation: Option<TcpListener>,
    /// The same port: for media of other servers.
    crossing: Option<UdpSocket>,
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
        let federation = optional("listen.federation", &listen.federation)?;
        let crossing = federation.as_ref().map(|tcp| {
            let address = tcp.local_addr().map_err(UsageError::caused)?.to_string();
            bind_udp("listen.federation", &address)
        });
        Ok(Self {
            cluster,
            cascade: bind_udp("listen.cluster", &cascade)?,
            metrics: bind("listen.metrics", &listen.metrics)?,
            http: optional("listen.http", &listen.http)?,
            https: optional("listen.https", &listen.https)?,
            federation,
            crossing: crossing.transpose()?,
            media: bind_udp("listen.media", &listen.media)?,
            media_tcp: bind("listen.media", &listen.media)?,
        })
    }
}

/// Serves until told to stop or until it cannot go on.
pub(crate) async fn serve(config: Config, folder: Folder, ports: Ports, until: Until) -> anyhow::Result<()> {
    config.log.start()?;
    let facts = data::facts(&folder)?;
    let identity = options::open_identity(&folder, &facts)?;
    tracing::info!(version = VERSION, node = %facts.name, server = %facts.server, "starting");
    empty_temp(&folder);
    let links = Arc::new(Links::new(identity.clone()));
    let app = Arc::new(ServerApp::default());
    let (changes, for_clients, for_acme) = (app.changes(), app.changes(), app.changes());
    let (for_seats, for_lease, for_media) = (app.changes(), app.changes(), app.changes());
    let replica_options = options::replica_options(&config, &folder, &facts)?;
    let address = replica_options.member.address.clone();
    let replica = plenary_member::open(replica_options, app, identity.clone()).await?;
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
    let partners = (ports.federation.zip(web.as_ref()), for_seats.resubscribe());
    let partners = serve_partners(&mut tasks, &server, &config, partners, &measured).await?;
    let (cascade, links) = cascade::start(&server, ports.cascade)?;
    let turn = Turn::load(&config.turn).map(Arc::new);
    let turn = turn.map_err(|error| UsageError::new(format!("{error:#}")))?;
    let (engine, media_events) = media::start(&config, ports.media, ports.media_tcp, links)?;
    metrics::register_media(&measured, engine.clone());
    let crossing = crossing::open(&server, &config, ports.crossing, &engine, &cascade, for_media)?;
    crossing::register(&measured, crossing.as_ref());
    let limiter = Arc::new(Limiter::new(server.clone(), engine.clone()));
    let door = MediaDoor::new(server.clone(), engine.clone(), turn.clone(), limiter.clone());
    let door = Arc::new(door);
    let meetings = meetings::start(&server, &engine, turn.clone(), limiter.clone());
    metrics::register_meetings(&measured, meetings.clone());
    register_server(&measured, &server);
    acme::register(&measured, &server, web.as_ref());
    let (app, hub) = http::router(&server, &config, draining.clone(), door.clone())?;
    tasks.spawn(serve_management(
        asynchronous(ports.metrics)?,
        measured,
        health.clone(),
    ));
    let https = ports.https.zip(web.clone());
    let doors = Doors::new(http::proxies(&config)?, http::HEAD_WITHIN);
    let border = border::work(
        &server,
        &config,
        (&app, web.as_ref(), &doors),
        (engine.outside(), turn),
        partners,
        for_lease.resubscribe(),
        &draining,
    );
    tasks.spawn(border);
    let serving = Serving::start(app, &doors, ports.http, https)?;

    let (removed_tx, removed) = oneshot::channel();
    let following = roster::follow(server.clone(), changes, draining_tx);
    tasks.spawn(following.map(|()| removed_tx.send(()).unwrap_or(())));
    tasks.spawn(server.peers.clone().watch(server.clone()));
    tasks.spawn(cascade::tell_members(server.clone(), cascade.members));
    tasks.spawn(door.clone().watch(for_seats.resubscribe()));
    tasks.spawn(limiter.clone().watch(for_seats.resubscribe()));
    tasks.spawn(meetings::watch_media(
        meetings,
        door.clone(),
        limiter,
        media_events,
    ));
    tasks.spawn(steering::steer(server.clone()));
    federation::work(&mut tasks, &server, &hub);
    seats::start(&mut tasks, &server, &hub, &door, for_seats, &draining);
    acme::start(&mut tasks, &server, &config, web.as_ref(), for_acme);
    directory::start(&mut tasks, &server, for_lease.resubscribe());
    lease::start(&mut tasks, &server, &door, for_lease);
    signal(&mut tasks, &server, &hub, for_clients, draining);
    let announced = (address, options::web_url(&config));
    stand(&mut tasks, &server, &health, announced, web);
    sd_notify::notify(&[sd_notify::NotifyState::Ready]).ok();

    let end = End::of(&server.replica, until, removed).await;
    sd_notify::notify(&[sd_notify::NotifyState::Stopping]).ok();
    health.set("stopping", CheckState::Unready("the node is ending".into()));
    hand_over(&server, &end).await;
    hub.shutdown().await;
    engine.stop().await;
    tokio::join!(crossing::stop(crossing), cascade.links.stop());
    serving.stop(FINISH_WITHIN).await;
    tasks.shutdown().await;
    stop_cluster.send(()).ok();
    server.replica.shutdown().await;
    // Connections of other nodes do not end by themselves.
    cluster.abort();
    end.outcome(&data::KIND)
}

/// Serves partners where this node is to; gives the door for those who come from outside.
async fn serve_partners(
    tasks: &mut JoinSet<()>,
    server: &Arc<Server>,
    config: &Config,
    (at, changes): (Option<(TcpListener, &WebTls)>, broadcast::Receiver<Changes>),
    measured: &Metrics,
) -> anyhow::Result<Option<border::partners::Door>> {
    let Some(at) = at else { return Ok(None) };
    let (serving, door) = federation::start(server, config, at, measured, changes).await?;
    tasks.spawn(serving);
    Ok(Some(door))
}

/// What is measured of conferences, clients from outside, the lease and messages to partners.
fn register_server(measured: &Metrics, server: &Arc<Server>) {
    server.gate.register(measured);
    border::counted::register(measured, server);
    lease::register(measured, server);
    federation::outbox::register(measured, server);
}

/// What clients that are connected are told.
fn signal(
    tasks: &mut JoinSet<()>,
    server: &Arc<Server>,
    hub: &Hub,
    changes: broadcast::Receiver<Changes>,
    draining: watch::Receiver<bool>,
) {
    tasks.spawn(signalling::notify(server.clone(), changes));
    tasks.spawn(signalling::watch_nodes(server.clone()));
    tasks.spawn(signalling::tell_presences(server.clone(), hub.clone()));
    tasks.spawn(drain_clients(hub.clone(), draining));
}

/// Tells the server where this node is reached, and keeps its certificates fresh.
fn stand(
    tasks: &mut JoinSet<()>,
    server: &Arc<Server>,
    health: &Health,
    (address, url): (String, String),
    web: Option<WebTls>,
) {
    tasks.spawn(standing::announce(server.clone(), health.clone(), address, url));
    let renewing = server.identity.clone();
    tasks.spawn(async move { renewing.keep_fresh(web.as_ref()).await });
}

/// Another node leads, if this one does and is to end.
async fn hand_over(server: &Server, end: &End) {
    if matches!(end, End::Asked) {
        tracing::info!("ending: another node takes over, requests under way are finished");
        plenary_member::hand_over(&server.replica, |node| server.peers.is_up(node)).await;
    }
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

/// What an earlier run left of backups that were being made.
fn empty_temp(folder: &Folder) {
    let temp = data::temp(folder);
    let emptied = std::fs::remove_dir_all(&temp).and_then(|()| std::fs::create_dir_all(&temp));
    if let Err(error) = emptied {
        tracing::warn!(%error, folder = %temp.display(), "the folder for temporary files cannot be emptied");
    }
}

fn web_tls(config: &Config, server: &Server) -> anyhow::Result<Option<WebTls>> {
    if config.listen.https.is_empty() && config.listen.federation.is_empty() {
        return Ok(None);
    }
    let tls = match (&config.web.certificate, &config.web.key) {
        (Some(chain), Some(key)) => WebTls::from_files(chain, key).map_err(UsageError::caused)?,
        _ => server
            .identity
            .web(&options::web_names(config, &server.facts))
            .map_err(UsageError::caused)?,
    };
    let by_acme = config
        .web
        .acme
        .as_ref()
        .map(|acme| acme.plan(&server.facts.server));
    let is_ordered = |name: &WebName| {
        by_acme
            .as_ref()
            .is_some_and(|plan| plan.names.contains(&name.to_string()))
    };
    for name in tls.left_out().into_iter().filter(|name| !is_ordered(name)) {
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
    let expected = vec![Expected::node_of(&server.facts.server)];
    let connections = port::connections(listener, &server.identity, expected, Bounds::default())?;
    let builder = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(1)))
        .http2_keepalive_timeout(Some(Duration::from_secs(2)))
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20);
    let router = port::services(builder, &server.replica, server.clone());
    Ok(port::serve(router, connections, stopped, "cluster"))
}
