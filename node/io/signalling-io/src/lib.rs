//! The WebSocket of a node, as `docs/protocols/signalling.md` describes it: `/api/v1/signal`.
//!
//! What is said is decided by [`plenary_signalling`]; here are the sockets, the clock, and the register of runs. Who
//! may sign in and what changes is asked of a [`Source`], which the daemon implements. State itself is read by REST:
//! only "this changed" goes over the socket.
//!
//! ```text
//!  request ► origin ► upgrade ► hello ► Source::authenticate ─┬─ known run ──► its task takes the socket over
//!                                                             └─ none ───────► a new task
//!  Source::subscribe ──► dispatch ──► the runs that it concerns
//!  task of a run: socket, its mail, clock ──Input──► Connection ──Output──► socket, Hub
//! ```
//!
//! A task lives as long as its run: over cuts, until the client leaves or stays away too long. Nothing here is stored
//! or told to other nodes; a client that comes back to another node begins a new run.

mod dispatch;
mod endpoint;
mod handshakes;
mod hub;
mod options;
mod origin;
mod run;
mod source;
mod transport;

pub use hub::{Figures, Hub, Seen};
pub use options::{AddressOf, Options, Origins};
pub use plenary_signalling::{ClientBody, Limits, Presence, ServerBody, Topic, Who};
pub use source::{Caller, Client, Notification, PartnerNews, Source, Unavailable};

use axum::{Router, routing};
use std::sync::Arc;

/// Where the endpoint stands.
pub const PATH: &str = "/api/v1/signal";

/// The endpoint, to be merged into what the node serves, and the handle by which the daemon asks who is here and
/// takes leave. Addresses come from [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo) or [`Options::address_of`].
pub fn router<B: Source>(source: Arc<B>, options: Options) -> (Router, Hub) {
    let hub = Hub::new(source, options);
    // WebSockets over HTTP/2 come as CONNECT.
    let router = Router::new()
        .route(PATH, routing::any(endpoint::signal))
        .with_state(hub.clone());
    (router, hub)
}
