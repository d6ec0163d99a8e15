//! HTTP and HTTPS for browsers and programs: the REST API, live updates, the pages.

use crate::{config::Config, door::Doors, media::MediaDoor, server::Server};
use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderName, Method, header},
    response::IntoResponse as _,
    routing,
};
use axum_server::{
    Handle,
    accept::DefaultAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::rt::TokioTimer;
use plenary_identity::WebTls;
use plenary_rest_api::{Cost, Network, Options, Passwords, before_proxies};
use plenary_signalling_io::Hub;
use plenary_web::WebConfig;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// A client that is slower than this to send the head of a request is no client.
pub(crate) const HEAD_WITHIN: Duration = Duration::from_secs(15);

/// All that browsers may ask of this node.
pub(crate) fn router(
    server: &Arc<Server>,
    config: &Config,
    draining: watch::Receiver<bool>,
    media: Arc<MediaDoor>,
) -> anyhow::Result<(Router, Hub)> {
    let passwords = Arc::new(Passwords::new(Cost::measured()));
    let mut options = Options::new(server.facts.server.clone(), crate::server::VERSION, passwords);
    options.draining = draining;
    options.trusted_proxies = proxies(config)?;
    let mut signalling =
        plenary_signalling_io::Options::new(server.facts.server.clone(), server.facts.name.clone());
    signalling.url = Some(crate::options::web_url(config)).filter(|url| !url.is_empty());
    let members = server.clone();
    signalling.origins = Arc::new(move || members.known_urls());
    let proxies = options.trusted_proxies.clone();
    let address_of: plenary_whip::AddressOf = Arc::new(move |parts| {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| {
            info.0.ip().to_canonical()
        });
        before_proxies(peer, &parts.headers, &proxies)
    });
    signalling.address_of = address_of.clone();
    let (signalling, hub) = plenary_signalling_io::router(server.clone(), signalling);
    let root = server.identity.root_pem();
    let root = move || async move {
        let name = "attachment; filename=\"plenary-ca.pem\"";
        (
            [
                (header::CONTENT_TYPE, "application/x-pem-file"),
                (header::CONTENT_DISPOSITION, name),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ],
            root,
        )
            .into_response()
    };
    let for_pages = server.clone();
    let app = Router::new()
        .route("/ca.pem", routing::get(root))
        .merge(signalling)
        .merge(plenary_whip::router(media, address_of))
        .merge(plenary_rest_api::router(server.clone(), options).layer(cors(server)))
        .merge(plenary_web::router(WebConfig::new(move || {
            for_pages.known_urls()
        })));
    Ok((app, hub))
}

/// The proxies whose word is believed.
pub(crate) fn proxies(config: &Config) -> Result<Vec<Network>, crate::UsageError> {
    let texts = config.web.trusted_proxies.iter();
    let networks = texts.map(|text| {
        let bad = |error| crate::UsageError::new(format!("web.trusted_proxies = {text:?}: {error}"));
        text.parse::<Network>().map_err(bad)
    });
    networks.collect()
}

/// Pages that came from another node of this server may call this one: theirs may be gone.
fn cors(server: &Arc<Server>) -> CorsLayer {
    let server = server.clone();
    let header = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| {
            let origin = origin.to_str().unwrap_or_default();
            server
                .known_urls()
                .iter()
                .any(|url| url.eq_ignore_ascii_case(origin))
        }))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header("idempotency-key"),
            header("plenary-index"),
            header("plenary-request-id"),
        ])
        .expose_headers([
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            header::CONTENT_DISPOSITION,
            header("plenary-index"),
            header("plenary-request-id"),
        ])
        .max_age(Duration::from_secs(600))
}

/// The sockets that are served, and how to end that.
pub(crate) struct Serving {
    handles: Vec<Handle<SocketAddr>>,
    tasks: Vec<JoinHandle<std::io::Result<()>>>,
}

impl Serving {
    pub(crate) fn start(
        app: Router,
        doors: &Doors,
        http: Option<TcpListener>,
        https: Option<(TcpListener, WebTls)>,
    ) -> std::io::Result<Self> {
        let mut serving = Self {
            handles: Vec::new(),
            tasks: Vec::new(),
        };
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        if let Some(listener) = http {
            let handle = serving.handle();
            let mut plain = axum_server::from_tcp(listener)?
                .acceptor(doors.before(DefaultAcceptor::new()))
                .handle(handle);
            plain
                .http_builder()
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_WITHIN);
            plain
                .http_builder()
                .http2()
                .timer(TokioTimer::new())
                .keep_alive_interval(HEAD_WITHIN);
            serving.tasks.push(tokio::spawn(plain.serve(service.clone())));
        }
        if let Some((listener, tls)) = https {
            let handle = serving.handle();
            let tls = RustlsAcceptor::new(RustlsConfig::from_config(tls.server_config()));
            let mut secure = axum_server::from_tcp(listener)?
                .acceptor(doors.before(tls))
                .handle(handle);
            secure
                .http_builder()
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_WITHIN);
            secure
                .http_builder()
                .http2()
                .timer(TokioTimer::new())
                .keep_alive_interval(HEAD_WITHIN);
            serving.tasks.push(tokio::spawn(secure.serve(service)));
        }
        Ok(serving)
    }

    fn handle(&mut self) -> Handle<SocketAddr> {
        let handle = Handle::new();
        self.handles.push(handle.clone());
        handle
    }

    /// Takes no new connections, and waits for requests under way, at most so long.
    pub(crate) async fn stop(self, within: Duration) {
        for handle in &self.handles {
            handle.graceful_shutdown(Some(within));
        }
        for task in self.tasks {
            match task.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "serving browsers ended badly"),
                Err(error) => tracing::warn!(%error, "serving browsers ended badly"),
            }
        }
    }
}
