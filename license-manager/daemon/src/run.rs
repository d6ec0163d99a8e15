//! `plenary-license-manager run`: a replica at work, from its start to its end.

use crate::{
    admin,
    app::App,
    config::Config,
    data::{self, Facts},
    metrics, options,
    running::Running,
    service::Service,
    tend,
};
use clap::Args;
use plenary_contracts::leases::v1::leases_server::LeasesServer;
use plenary_identity::{Expected, Program};
use plenary_licences::manager::Command;
use plenary_license_manager_client::wire::MESSAGE_BYTES;
use plenary_links::Bounds;
use plenary_member::{End, Folder, port};
use plenary_model::NodeId;
use plenary_program::{
    UsageError,
    options::Common,
    ports::{asynchronous, bind},
    signals::Until,
};
use plenary_telemetry::{CheckState, Health, Metrics, serve_management};
use std::{net::TcpListener, sync::Arc, time::Duration};
use tokio::{sync::oneshot, task::JoinSet};

/// Of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// All servers of a branch may stand behind one address, and come back at once after an outage.
const BOUNDS: Bounds = Bounds {
    handshakes: (512, 256),
    handshake_within: Duration::from_secs(5),
    strangers: (32, 8),
    stranger_lifetime: Duration::from_secs(30),
    connections: None,
    port: "License Manager",
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
        let config = common.load(Config::load)?;
        let folder = data::folder(&config);
        folder.facts::<Facts>()?;
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

/// Serves until told to stop or until it cannot go on.
pub(crate) async fn serve(config: Config, folder: Folder, ports: Ports, until: Until) -> anyhow::Result<()> {
    config.log.start()?;
    let facts: Facts = folder.facts()?;
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
    let app = Arc::new(App::default());
    let replica_options = options::replica_options(&config, &folder, &facts)?;
    let address = replica_options.member.address.clone();
    let replica = plenary_member::open(replica_options, app.clone(), identity.clone()).await?;
    let running = Arc::new(Running::new(facts, identity, replica, app, trust));

    let health = Health::default();
    metrics::watch_health(&running, &health);
    let measured = Metrics::new("plenary-license-manager", VERSION);
    metrics::register(&measured, running.clone());
    let (stop_port, port_stopped) = oneshot::channel::<()>();
    let port = serve_port(&running, ports.leases, port_stopped)?;
    let management = asynchronous(ports.metrics)?;
    let socket = plenary_member::admin::listen(&data::socket(&folder))?;
    let mut tasks = JoinSet::new();
    tasks.spawn(serve_management(management, measured, health.clone()));
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

    let end = End::of(&running.replica, until, removed).await;
    sd_notify::notify(&[sd_notify::NotifyState::Stopping]).ok();
    health.set("stopping", CheckState::Unready("the replica is ending".into()));
    if matches!(end, End::Asked) {
        tracing::info!("ending: another replica takes over");
        plenary_member::hand_over(&running.replica, |_| true).await;
    }
    tasks.shutdown().await;
    // The port may have ended by itself.
    stop_port.send(()).unwrap_or_default();
    running.replica.shutdown().await;
    port.abort();
    std::fs::remove_file(data::socket(&folder)).ok();
    end.outcome(&data::KIND)
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
    let expected = vec![
        Expected::any(Program::LicenseManager).at(&running.facts.manager),
        Expected::any(Program::Node),
    ];
    let connections = port::connections(listener, &running.identity, expected, BOUNDS)?;
    // Replicas probe each other themselves; a thousand servers need not be asked each second.
    let server = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .max_concurrent_streams(64);
    let leases = LeasesServer::new(Service(running.clone())).max_decoding_message_size(MESSAGE_BYTES);
    let router = port::services(server, &running.replica, running.clone()).add_service(leases);
    Ok(port::serve(router, connections, stopped, "lease"))
}
