//! `plenary-border-controller run`: a controller at work, from its start to its end.

use crate::{
    config::Config, counts, data, door, media, media::Media, options, running::Running, tunnels, turn::Turn,
};
use anyhow::Context as _;
use clap::Args;
use plenary_border::{Router, Service};
use plenary_border_client::quic::{self, MEDIA, PARTNERS, TUNNEL};
use plenary_program::{
    UsageError,
    ports::{asynchronous, bind, bind_udp},
    signals::Until,
};
use plenary_telemetry::{CheckState, Health, Metrics, serve_management};
use quinn::{Endpoint, VarInt};
use std::{
    net::{TcpListener, UdpSocket},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::task::JoinSet;

/// How often networks that were quiet are forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Start a controller that was enrolled
#[derive(Debug, Default, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    until: Until,
}

impl Run {
    pub(crate) async fn run(self, common: &options::Common) -> anyhow::Result<()> {
        let config = common.load()?;
        data::enrolled(&config)?;
        let ports = Ports::bind(&config)?;
        config.log.start()?;
        serve(config, ports, self.until).await
    }
}

/// The sockets of a controller, bound before anything else is done.
pub(crate) struct Ports {
    web: TcpListener,
    federation: Option<TcpListener>,
    /// At the same port, by UDP.
    partners: Option<UdpSocket>,
    pub(crate) tunnel: UdpSocket,
    media: Option<UdpSocket>,
    metrics: TcpListener,
}

impl Ports {
    pub(crate) fn bind(config: &Config) -> Result<Self, UsageError> {
        let listen = &config.listen;
        let federation = match listen.federation.as_str() {
            "" => None,
            text => Some(bind("listen.federation", text)?),
        };
        let partners = federation.as_ref().map(|tcp| {
            let address = tcp.local_addr().map_err(UsageError::caused)?.to_string();
            bind_udp("listen.federation", &address)
        });
        let media = match listen.media.as_str() {
            "" => None,
            text => Some(bind_udp("listen.media", text)?),
        };
        Ok(Self {
            web: bind("listen.web", &listen.web)?,
            federation,
            partners: partners.transpose()?,
            tunnel: bind_udp("listen.tunnel", &listen.tunnel)?,
            media,
            metrics: bind("listen.metrics", &listen.metrics)?,
        })
    }
}

/// Serves until told to stop.
pub(crate) async fn serve(config: Config, ports: Ports, until: Until) -> anyhow::Result<()> {
    let (identity, machine) = data::enrolled(&config)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), me = %identity.me(), "starting");
    if let Some(warning) = options::too_few_descriptors(&config) {
        tracing::warn!("{warning}");
    }
    let server = quic::listening(&identity.server_config(), &[TUNNEL, MEDIA, PARTNERS])?;
    let runtime = Arc::new(quinn::TokioRuntime);
    let endpoint = Endpoint::new(
        quinn::EndpointConfig::default(),
        Some(server),
        ports.tunnel,
        runtime,
    )
    .context("the tunnel's socket cannot be used")?;
    let web = ports.web.local_addr()?;
    // Everybody else is served on without it.
    let turn = Turn::load(&config.turn, web).unwrap_or_else(|error| {
        tracing::error!(error = format!("{error:#}"), "clients are not served by TURN");
        None
    });
    let offered = turn.as_ref().map(|turn| turn.offer().clone());
    let media = Media::of_clients(&config.media, ports.media.as_ref(), web, offered);
    let media = media.context("the socket for media cannot be used")?;
    let partners = Media::of_partners(ports.partners.as_ref());
    let partners = partners.context("the socket for media of partners cannot be used")?;
    let running = Running::new(identity, machine, &config.limits, (media, partners), turn);
    let running = Arc::new(running);
    let health = Health::default();
    watch_health(&running, &health);
    if config.turn.is_on() && running.turn.is_none() {
        let state =
            "the certificate of [turn] could not be read at the start; clients are not served by TURN";
        health.set("turn", CheckState::Degraded(state.into()));
    }
    let metrics = Metrics::new("plenary-border-controller", env!("CARGO_PKG_VERSION"));
    counts::register(&metrics, &running);
    let mut tasks = JoinSet::new();
    tasks.spawn(serve_management(asynchronous(ports.metrics)?, metrics, health));
    tasks.spawn(tunnels::accept(running.clone(), endpoint.clone()));
    let federation = ports.federation.map(|listener| (Service::Federation, listener));
    for (service, listener) in [(Service::Web, ports.web)].into_iter().chain(federation) {
        tasks.spawn(door::accept(running.clone(), service, asynchronous(listener)?));
    }
    carry(&mut tasks, &running, running.media.clone(), ports.media);
    carry(&mut tasks, &running, running.partners.clone(), ports.partners);
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(TIDY_EVERY).await;
            running.gate.tidy();
            running.turn.iter().for_each(|turn| turn.look_at_files());
        }
    });
    sd_notify::notify(&[sd_notify::NotifyState::Ready]).ok();
    until.asked_to_stop().await;
    sd_notify::notify(&[sd_notify::NotifyState::Stopping]).ok();
    tracing::info!("ending: clients go to another controller");
    tasks.shutdown().await;
    endpoint.close(VarInt::from_u32(0), b"the controller ends");
    tokio::time::timeout(Duration::from_secs(2), endpoint.wait_idle())
        .await
        .ok();
    Ok(())
}

/// Carries datagrams of one kind.
fn carry<R: Router>(
    tasks: &mut JoinSet<()>,
    running: &Arc<Running>,
    media: Arc<Media<R>>,
    socket: Option<UdpSocket>,
) {
    tasks.spawn(media::sweep(media.clone()));
    let Some(socket) = socket else { return };
    let running = running.clone();
    tasks.spawn(async move {
        let is_denied = |address| running.gate.is_denied(address);
        if let Err(error) = media::outside(media, is_denied, socket).await {
            tracing::error!(%error, "a socket for datagrams failed");
        }
    });
}

/// Checks that `/readyz` asks.
fn watch_health(running: &Arc<Running>, health: &Health) {
    let tunnels = running.clone();
    health.watch("tunnels", move || {
        match tunnels.with_desk(|desk| desk.tunnels()) {
            0 => CheckState::Unready(
                "no node has dialled this controller; clients from outside are refused".into(),
            ),
            _ => CheckState::Ready,
        }
    });
    let running = running.clone();
    health.watch("certificate", move || {
        let left = running.identity.expires().duration_since(SystemTime::now());
        match left {
            Err(_) => {
                CheckState::Unready("the certificate has expired; this controller must join again".into())
            }
            Ok(left) if left < options::EXPIRES_SOON => {
                CheckState::Degraded("the certificate ends within a day, and no node has renewed it".into())
            }
            Ok(_) => CheckState::Ready,
        }
    });
}
