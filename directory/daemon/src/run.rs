//! `plenary-directory run`: an instance at work, from its start to its end.

use crate::{
    admin,
    config::Config,
    data::{self, Facts},
    follow, metrics,
    options::{self, Common},
    running::Running,
    service::Service,
    store::{self, Store},
};
use anyhow::Context as _;
use clap::Args;
use plenary_contracts::directory::v1::directory_server::DirectoryServer;
use plenary_directory_client::wire::MESSAGE_BYTES;
use plenary_identity::{Expected, Program};
use plenary_links::Bounds;
use plenary_member::port;
use plenary_program::{
    UsageError,
    ports::{asynchronous, bind},
    signals::Until,
};
use plenary_telemetry::{CheckState, Health, Metrics, serve_management};
use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::oneshot,
    task::{JoinHandle, JoinSet},
};

/// Of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// All nodes of all servers may come back at once after an outage.
const BOUNDS: Bounds = Bounds {
    handshakes: (512, 256),
    handshake_within: Duration::from_secs(5),
    strangers: (32, 8),
    stranger_lifetime: Duration::from_secs(5),
    connections: None,
    port: "Directory",
};
/// Feeds get so long to end what they are at.
const DRAIN: Duration = Duration::from_secs(2);

/// Start an instance that was founded
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    until: Until,
}

impl Run {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let config = common.load()?;
        data::folder(&config).facts::<Facts>()?;
        let ports = Ports::bind(&config)?;
        config.log.start()?;
        let instance = Instance::start(config, ports).await?;
        sd_notify::notify(&[sd_notify::NotifyState::Ready]).ok();
        self.until.asked_to_stop().await;
        sd_notify::notify(&[sd_notify::NotifyState::Stopping]).ok();
        instance.stop().await;
        Ok(())
    }
}

/// The sockets of an instance, bound before anything else is done.
pub struct Ports {
    directory: TcpListener,
    metrics: TcpListener,
}

impl Ports {
    /// # Errors
    /// When one of them cannot be listened on.
    pub fn bind(config: &Config) -> Result<Self, UsageError> {
        Ok(Self {
            directory: bind("listen.directory", &config.listen.directory)?,
            metrics: bind("listen.metrics", &config.listen.metrics)?,
        })
    }
}

/// An instance that runs; [`Instance::stop`] ends it in good order.
pub struct Instance {
    running: Arc<Running>,
    health: Health,
    tasks: JoinSet<()>,
    port: JoinHandle<()>,
    stop_port: oneshot::Sender<()>,
    directory: SocketAddr,
    metrics: SocketAddr,
    socket: std::path::PathBuf,
    _lock: File,
}

impl Instance {
    /// Opens the database, reads it, and serves.
    ///
    /// # Errors
    /// Whatever hinders it.
    pub async fn start(config: Config, ports: Ports) -> anyhow::Result<Self> {
        let folder = data::folder(&config);
        let facts: Facts = folder.facts()?;
        let lock = data::lock(&folder)?;
        let identity = options::open_identity(&config, &folder, &facts)?;
        tracing::info!(version = VERSION, instance = %facts.name, directory = %facts.directory, "starting");
        plenary_program::descriptors();
        let url = config.database_url()?;
        let url = url.unwrap_or_else(|| store::sqlite_url(&data::database(&folder)));
        let store = Store::open(&url).await.context("the database cannot be opened")?;
        let (directory, metrics_at) = (ports.directory.local_addr()?, ports.metrics.local_addr()?);
        let address = options::address(&config, &directory.to_string())?;
        let running = Arc::new(Running::new(&config, facts, identity, store, address));
        // Whoever asks finds everything from the first moment on.
        follow::catch_up(&running)
            .await
            .context("the database cannot be read")?;
        running.followed.send_replace(true);

        let health = Health::default();
        metrics::watch_health(&running, &health);
        let measured = Metrics::new("plenary-directory", VERSION);
        metrics::register(&measured, running.clone());
        let (stop_port, port_stopped) = oneshot::channel::<()>();
        let port = serve_port(&running, ports.directory, port_stopped)?;
        let socket = data::socket(&folder);
        let administrators = admin::listen(&running, &socket)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_management(
            asynchronous(ports.metrics)?,
            measured,
            health.clone(),
        ));
        tasks.spawn(admin::serve(running.clone(), administrators));
        tasks.spawn(follow::follow(running.clone()));
        tasks.spawn(follow::beat(running.clone()));
        let renewing = running.identity.clone();
        tasks.spawn(async move { renewing.keep_fresh(None).await });
        Ok(Self {
            running,
            health,
            tasks,
            port,
            stop_port,
            directory,
            metrics: metrics_at,
            socket,
            _lock: lock,
        })
    }

    /// Where servers reach it.
    pub fn address(&self) -> SocketAddr {
        self.directory
    }

    /// Where metrics and health are.
    pub fn metrics(&self) -> SocketAddr {
        self.metrics
    }

    /// Sends feeds elsewhere, and ends when they have gone.
    pub async fn stop(mut self) {
        self.health
            .set("stopping", CheckState::Unready("the instance is ending".into()));
        self.running.ending.send_replace(true);
        // The port may have ended by itself.
        self.stop_port.send(()).unwrap_or_default();
        if tokio::time::timeout(DRAIN, &mut self.port).await.is_err() {
            self.port.abort();
        }
        self.tasks.shutdown().await;
        self.running.store.close().await;
        std::fs::remove_file(&self.socket).ok();
    }
}

/// Serves the servers of the enterprise.
fn serve_port(
    running: &Arc<Running>,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
) -> anyhow::Result<JoinHandle<()>> {
    let expected = vec![Expected::any(Program::Node)];
    let connections = port::connections(listener, &running.identity, expected, BOUNDS)?;
    let mut server = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .max_concurrent_streams(256)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20);
    let service = DirectoryServer::new(Service(running.clone()))
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    Ok(port::serve(
        server.add_service(service),
        connections,
        stopped,
        "directory",
    ))
}
