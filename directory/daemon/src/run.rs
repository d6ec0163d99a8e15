//! `plenary-directory run`: an instance at work, from its start to its end.

use crate::{
    admin,
    config::Config,
    copy,
    data::{self, Facts},
    follow, metrics, options,
    running::Running,
    service::Service,
    store::{self, Store},
};
use anyhow::{Context as _, bail};
use clap::Args;
use nix::fcntl::Flock;
use plenary_contracts::directory::v1::directory_server::DirectoryServer;
use plenary_directory_client::wire::MESSAGE_BYTES;
use plenary_identity::{Expected, Program};
use plenary_links::Bounds;
use plenary_member::port;
use plenary_program::{
    UsageError,
    options::Common,
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
        let config = common.load(Config::load)?;
        data::folder(&config).facts::<Facts>()?;
        let ports = Ports::bind(&config)?;
        config.log.start()?;
        let mut instance = Instance::start(config, ports).await?;
        // It serves; what it has read is said by `/readyz`. Reading takes longer than a system waits for a start.
        sd_notify::notify(&[sd_notify::NotifyState::Ready]).ok();
        let ended = tokio::select! {
            () = self.until.asked_to_stop() => None,
            what = instance.ended() => Some(what),
        };
        sd_notify::notify(&[sd_notify::NotifyState::Stopping]).ok();
        instance.stop().await;
        match ended {
            None => Ok(()),
            Some(what) => bail!("{what}; the instance ends, since it would be of no use without it"),
        }
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
    /// By what they are for.
    tasks: JoinSet<&'static str>,
    port: Option<JoinHandle<()>>,
    stop_port: oneshot::Sender<()>,
    directory: SocketAddr,
    metrics: SocketAddr,
    socket: std::path::PathBuf,
    _lock: Flock<File>,
}

impl Instance {
    /// Opens the database and serves; it is read meanwhile ([`Instance::ready`]).
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
        let health = Health::default();
        metrics::watch_health(&running, &health);
        let measured = Metrics::new("plenary-directory", VERSION);
        metrics::register(&measured, running.clone());
        let (stop_port, port_stopped) = oneshot::channel::<()>();
        let port = serve_port(&running, ports.directory, port_stopped)?;
        let socket = data::socket(&folder);
        let administrators = plenary_member::admin::listen(&socket)?;
        let mut tasks = JoinSet::new();
        let management = serve_management(asynchronous(ports.metrics)?, measured, health.clone());
        spawn(&mut tasks, "the port for metrics", management);
        let administrators = admin::serve(running.clone(), administrators);
        spawn(&mut tasks, "the socket for administrators", administrators);
        spawn(
            &mut tasks,
            "following the database",
            follow::follow(running.clone()),
        );
        spawn(
            &mut tasks,
            "following the first instance",
            copy::copy(running.clone()),
        );
        spawn(
            &mut tasks,
            "telling of this instance",
            follow::beat(running.clone()),
        );
        let renewing = running.identity.clone();
        spawn(&mut tasks, "renewing certificates", async move {
            renewing.keep_fresh(None).await;
        });
        Ok(Self {
            running,
            health,
            tasks,
            port: Some(port),
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

    /// Waits until everything was read: from then on whoever asks finds all.
    pub async fn ready(&self) {
        let mut ready = self.running.ready.subscribe();
        // What it waits for lives as long as this.
        ready.wait_for(|ready| *ready).await.map(drop).unwrap_or_default();
    }

    /// Waits until a part of it ends by itself, which none should; says which.
    async fn ended(&mut self) -> String {
        let port = async {
            match self.port.as_mut() {
                Some(port) => drop(port.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            what = first_ended(&mut self.tasks) => what,
            () = port => {
                self.port = None;
                "the port for servers is not served any more".into()
            }
        }
    }

    /// Sends feeds elsewhere, and ends when they have gone.
    pub async fn stop(mut self) {
        self.health
            .set("stopping", CheckState::Unready("the instance is ending".into()));
        self.running.ending.send_replace(true);
        // The port may have ended by itself.
        self.stop_port.send(()).unwrap_or_default();
        if let Some(mut port) = self.port.take()
            && tokio::time::timeout(DRAIN, &mut port).await.is_err()
        {
            port.abort();
        }
        self.tasks.shutdown().await;
        self.running.store.close().await;
        std::fs::remove_file(&self.socket).ok();
    }
}

fn spawn(
    tasks: &mut JoinSet<&'static str>,
    what: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    tasks.spawn(async move {
        task.await;
        what
    });
}

async fn first_ended(tasks: &mut JoinSet<&'static str>) -> String {
    match tasks.join_next().await {
        Some(Ok(what)) => format!("{what} has ended"),
        Some(Err(error)) => format!("a part of it failed ({error})"),
        None => std::future::pending().await,
    }
}

/// Serves the servers of the enterprise.
fn serve_port(
    running: &Arc<Running>,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
) -> anyhow::Result<JoinHandle<()>> {
    // Nodes of servers, and instances that follow this one.
    let of_ours = Expected::any(Program::Directory).at(&running.facts.directory);
    let expected = vec![Expected::any(Program::Node), of_ours];
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_ends_or_fails_is_noticed() {
        let mut tasks = JoinSet::new();
        spawn(&mut tasks, "waiting", std::future::pending());
        spawn(&mut tasks, "renewing certificates", async {});
        assert_eq!(first_ended(&mut tasks).await, "renewing certificates has ended");
        spawn(&mut tasks, "following", async { panic!("a fault of ours") });
        let failed = first_ended(&mut tasks).await;
        assert!(failed.contains("a fault of ours"), "{failed}");
    }
}
