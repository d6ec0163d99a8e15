//! The REST interface of a node: JSON over HTTP under `/api/v1`, as `docs/protocols/rest.md` describes it.
//!
//! It reads requests strictly, checks who asks, makes [`plenary_access::Command`]s of writes, and shows what the
//! [`backend::Backend`] behind it gives. It decides nothing that the rules in `plenary_access` decide, keeps
//! nothing but limits of attempts, and does not listen: the daemon serves the [`router`].
//!
//! ```text
//!  request ► name, headers, panics ► bounds ► index ► who? ► body ► handler ► Backend
//!          ◄──────────────── problem+json for everything that goes wrong ◄──┘
//! ```
//!
//! [`openapi`] gives the description that is committed as `base/contracts/openapi/v1.json`.

mod answer;
mod api;
mod auth;
mod avatar;
pub mod backend;
pub mod border;
mod csv_file;
mod doc;
pub mod dto;
mod extract;
mod import;
mod layers;
mod limits;
mod passwords;
mod problem;
mod request_id;
mod routes;
mod unread;

pub use auth::{before_proxies, token_hash};
pub use backend::Backend;
pub use limits::SignInRates;
pub use passwords::{Cost, Passwords};
pub use plenary_access::{BadNetwork, Network};
pub use problem::{Code, FieldError, ProblemBody};

use api::Api;
use axum::{Router, body::Bytes, http::header, middleware, routing};
use plenary_model::ServerName;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

/// What the interface needs to know beside the backend.
pub struct Options {
    pub server: ServerName,
    pub version: String,
    /// Languages of the web pages (BCP 47).
    pub languages: Vec<String>,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Network>,
    pub passwords: Arc<Passwords>,
    pub sign_in_rates: SignInRates,
    /// A wrong sign-in is answered no sooner than this, so that the time does not tell whether the account exists.
    pub failed_sign_in: Duration,
    /// Longest time for a call, but for imports and backups.
    pub request_timeout: Duration,
    /// How many requests may be served at once; one address has half of them.
    pub places: usize,
    /// While true, nobody new signs in here.
    pub draining: watch::Receiver<bool>,
}

impl Options {
    /// What suits most: no proxies, 1,024 requests at once, 30 s for each.
    pub fn new(server: ServerName, version: impl Into<String>, passwords: Arc<Passwords>) -> Self {
        Self {
            server,
            version: version.into(),
            languages: vec!["en".into(), "fr".into()],
            trusted_proxies: Vec::new(),
            passwords,
            sign_in_rates: SignInRates::default(),
            failed_sign_in: Duration::from_millis(400),
            request_timeout: Duration::from_secs(30),
            places: 1_024,
            draining: watch::channel(false).1,
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }
}

fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(doc::Document::openapi()).nest("/api/v1", routes::all())
}

/// The machine-readable description of the interface.
pub fn openapi() -> utoipa::openapi::OpenApi {
    doc::complete(calls().into_openapi())
}

/// Everything under `/api`; it takes the client's address from
/// [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo), without which nobody counts as near enough to administer.
pub fn router(backend: Arc<dyn Backend>, options: Options) -> Router {
    let (router, description) = calls().split_for_parts();
    let api = Api::new(backend, options, doc::queried(&description));
    let description = serde_json::to_vec(&openapi()).expect("a description has string keys only");
    let description = Bytes::from(description);
    let describe = move || async move { ([(header::CONTENT_TYPE, "application/json")], description) };
    router
        .route("/api/v1/openapi.json", routing::get(describe))
        .route("/api", routing::any(layers::unknown))
        .route("/api/", routing::any(layers::unknown))
        .route("/api/{*rest}", routing::any(layers::unknown))
        .layer(middleware::from_fn_with_state(api.clone(), layers::surround))
        .with_state(api)
}
