//! Serves the web application: its files, embedded into the program, and its one page.
//!
//! ```text
//! GET /assets/app-Bx1.js  → the file, kept by browsers for a year (its name has a hash)
//! GET /favicon.svg        → the file, asked for again each time (304 if it is the same)
//! GET /assets/gone.js     → 404
//! GET /api/…              → 404 as problem+json, where the API did not take it
//! GET /w/weekly-review    → the widget, the only page that other sites may frame
//! GET anything else       → the page, with a fresh CSP nonce
//! ```
//! The application routes inside the page, so every other path is the page: also `/admin/users/ann.b`.
//!
//! It deliberately knows nothing of sessions, rights or TLS, and does not give out `/ca.pem`.

mod policy;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use memory_serve::{CacheControl, MemoryServe};
use plenary_outside::CameFromOutside;
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt;

/// Whether the application itself is in this program; otherwise a page tells how to build it.
pub const UI_EMBEDDED: bool = matches!(env!("PLENARY_WEB_UI").as_bytes(), b"embedded");

/// The page as it was built; the nonce goes where [`NONCE_MARK`] stands.
const INDEX: &str = include_str!(env!("PLENARY_WEB_INDEX"));
/// What other sites show of a conference (CONF-16, `docs/decisions/0017`).
const WIDGET: &str = include_str!(env!("PLENARY_WEB_WIDGET"));
/// The conference follows.
const WIDGETS: &str = "/w/";
const NONCE_MARK: &str = "__CSP_NONCE__";
/// Where files are whose names carry a hash of what is in them.
const HASHED: &str = "/assets/";

/// What the pages need to know of the server.
#[derive(Clone)]
pub struct WebConfig {
    members: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
}

impl WebConfig {
    /// `members` gives the URLs of the server's current nodes (`https://node-2.example.com:8443`); pages may
    /// connect to them, so that a client can move on to another node. It is called for each page and must
    /// not block. Pages for clients from outside name none: theirs is the Border Controller alone.
    pub fn new(members: impl Fn() -> Vec<String> + Send + Sync + 'static) -> Self {
        Self {
            members: Arc::new(members),
        }
    }
}

impl std::fmt::Debug for WebConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebConfig").finish_non_exhaustive()
    }
}

/// Serves the application as the fallback of the router, so that it can be merged with the API's.
///
/// Call it once: what is embedded is unpacked and stays in memory.
pub fn router(config: WebConfig) -> Router {
    build(config, MemoryServe::index_file(memory_serve::load!(), None))
}

fn build(config: WebConfig, files: MemoryServe) -> Router {
    let files = files
        .cache_control(CacheControl::Long)
        .html_cache_control(CacheControl::NoCache);
    let routes = files
        .manifest()
        .iter()
        .map(|(route, _)| route)
        .filter(|route| !matches!(*route, "/index.html" | "/widget.html"))
        .collect();
    let site = Site {
        config,
        routes,
        files: files.into_router(),
    };
    Router::new().fallback(serve).with_state(Arc::new(site))
}

struct Site {
    config: WebConfig,
    routes: BTreeSet<&'static str>,
    files: Router,
}

async fn serve(State(site): State<Arc<Site>>, request: Request) -> Response {
    let mut response = answer(&site, request).await;
    let framed = response.extensions_mut().remove::<Framed>().is_some();
    policy::harden(response.headers_mut(), framed);
    response
}

/// Marks the answer that other sites may frame.
#[derive(Clone)]
struct Framed;

/// The same for every conference: whether there is one that strangers may know of, it asks the API itself.
fn widget() -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(policy::WIDGET_POLICY),
        ),
    ];
    let mut response = (headers, WIDGET).into_response();
    response.extensions_mut().insert(Framed);
    response
}

fn is_widget(path: &str) -> bool {
    path.strip_prefix(WIDGETS)
        .is_some_and(|cid| !cid.is_empty() && !cid.contains('/'))
}

async fn answer(site: &Site, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return no_such_call();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response();
    }
    if site.routes.contains(path) {
        let hashed = path.starts_with(HASHED);
        return file(site, request, hashed).await;
    }
    if path.starts_with(HASHED) {
        return (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")]).into_response();
    }
    if is_widget(path) {
        return widget();
    }
    page(site, request.extensions().get::<CameFromOutside>().is_some())
}

async fn file(site: &Site, request: Request, hashed: bool) -> Response {
    let Ok(mut response) = site.files.clone().oneshot(request).await;
    if !hashed {
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    response
}

/// The one page of the application, never kept without asking: it names the hashed files.
fn page(site: &Site, outside: bool) -> Response {
    let nonce = match policy::nonce() {
        Ok(nonce) => nonce,
        Err(error) => {
            tracing::error!(%error, "no random bytes for a page");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let members = if outside {
        Vec::new()
    } else {
        (site.config.members)()
    };
    let policy = policy::content_security_policy(&nonce, &members);
    let html = INDEX.replace(NONCE_MARK, &nonce);
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, Body::from(html)).into_response()
}

fn no_such_call() -> Response {
    const PROBLEM: &str = r#"{"type":"https://plenary.invalid/problems/not-found","title":"Not found","status":404,"detail":"there is no such call; /api/v1/openapi.json lists them","code":"not-found"}"#;
    let headers = [
        (CONTENT_TYPE, "application/problem+json"),
        (CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::NOT_FOUND, headers, PROBLEM).into_response()
}

#[cfg(test)]
mod tests;
