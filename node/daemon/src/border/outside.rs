//! Clients from outside: the same web server as on this node's own port, behind a filter, with the address that the controller saw.
//!
//! ```text
//!  tunnel ──FromOutside──► place ─► TLS ─► HTTP with narrow bounds ─► admit ─► marked: CameFromOutside ─► the web server
//!                   └─────► partners: the federation's door
//! ```

use super::{body::Bounded, counted::Counted, partners};
use crate::{door::Doors, http::HEAD_WITHIN};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderName, HeaderValue, Version},
    response::Response,
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use hyper::{
    Request, StatusCode,
    body::{Body as _, Incoming},
    header,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use plenary_border::Service;
use plenary_border_client::FromOutside;
use plenary_identity::{ACME_ALPN, WebTls};
use plenary_outside::{
    CameFromOutside, Head, Http, Refused, admit, is_hearsay,
    request::{HEADER_BYTES, HEADERS},
};
use std::{collections::BTreeSet, convert::Infallible, io, net::SocketAddr, num::NonZeroU32, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// Requests of one connection at once, and each second in the long run. A page loads about sixty files.
const BURST: NonZeroU32 = NonZeroU32::new(256).expect("not zero");
const RATE: NonZeroU32 = NonZeroU32::new(100).expect("not zero");
/// Requests of one connection that are under way.
const STREAMS: u32 = 64;
/// Streams that were reset before anybody looked at them, and for a fault of the client: with more the connection ends
/// (CVE-2023-44487, CVE-2025-8671).
const RESET_UNSEEN: usize = 16;
const RESET_FOR_FAULTS: usize = 64;
/// What one stream and one connection of HTTP/2 may have on their way to us.
const STREAM_WINDOW: u32 = 64 << 10;
const WINDOW: u32 = 256 << 10;
/// What waits for one stream to be taken by the client.
const SEND_BUFFER: usize = 64 << 10;

/// What clients from outside get. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Outside(Arc<Inner>);

struct Inner {
    app: Router,
    tls: WebTls,
    doors: Doors,
    /// The hosts that this node is, in lower case.
    names: BTreeSet<String>,
    /// Where this node meets with other servers.
    partners: Option<partners::Door>,
    counted: Arc<Counted>,
}

impl Outside {
    pub(crate) fn new(
        (app, tls, doors): (Router, WebTls, Doors),
        names: BTreeSet<String>,
        partners: Option<partners::Door>,
        counted: Arc<Counted>,
    ) -> Self {
        Self(Arc::new(Inner {
            app,
            tls,
            doors,
            names,
            partners,
            counted,
        }))
    }

    /// In a task of its own, which ends with the client's stream.
    pub(crate) fn serve(&self, client: FromOutside) {
        let address = client.address;
        self.0.counted.came(client.service);
        match client.service {
            Service::Web => {
                let outside = self.clone();
                tokio::spawn(async move {
                    if let Err(error) = outside.web(client).await {
                        tracing::debug!(%error, %address, "a connection from outside ended badly");
                    }
                });
            }
            // They have a connection of their own.
            Service::Media => self.0.counted.refuse(Refused::NoService),
            Service::Federation => {
                let handed = match &self.0.partners {
                    Some(partners) => partners.try_send(client).map_err(|_| Refused::NoPlace),
                    None => Err(Refused::NoService),
                };
                if let Err(why) = handed {
                    tracing::debug!(%why, %address, "a partner from outside was turned away");
                    self.0.counted.refuse(why);
                }
            }
        }
    }

    async fn web(self, client: FromOutside) -> io::Result<()> {
        let FromOutside { address, stream, .. } = client;
        let inner = &self.0;
        let refuse = |why| move |_: &io::Error| inner.counted.refuse(why);
        let place = inner.doors.place_of(address.ip());
        let place = place.inspect_err(refuse(Refused::NoPlace))?;
        let _open = inner.counted.open();
        let accepted = TlsAcceptor::from(inner.tls.server_config()).accept(stream);
        let accepted = tokio::time::timeout(HEAD_WITHIN, accepted).await;
        let stream = accepted
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .inspect_err(refuse(Refused::NoTls))?;
        if stream.get_ref().1.alpn_protocol() == Some(ACME_ALPN) {
            // An authority has seen what it wanted to see (RFC 8737 §3).
            return Ok(());
        }
        let stream = inner.doors.guard(stream, place);
        self.converse(stream, address).await
    }

    /// HTTP inside of TLS.
    async fn converse(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        address: SocketAddr,
    ) -> io::Result<()> {
        let guest = Arc::new(Guest {
            outside: self.clone(),
            address,
            rate: RateLimiter::direct(Quota::per_second(RATE).allow_burst(BURST)),
        });
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let guest = guest.clone();
            async move { Ok::<_, Infallible>(guest.answer(request).await) }
        });
        bounded()
            .serve_connection_with_upgrades(TokioIo::new(stream), service)
            .await
            .map_err(io::Error::other)
    }
}

/// HTTP as far as browsers need it.
fn bounded() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_headers(HEADERS)
        .max_buf_size(2 * HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD_WITHIN)
        .keep_alive_timeout(HEAD_WITHIN)
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESET_UNSEEN)
        .max_local_error_reset_streams(RESET_FOR_FAULTS)
        // Of this also follows how many CONTINUATION frames one head may have.
        .max_header_list_size(HEADER_BYTES as u32)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buf_size(SEND_BUFFER);
    builder
}

/// One connection from outside.
struct Guest {
    outside: Outside,
    address: SocketAddr,
    rate: DefaultDirectRateLimiter,
}

impl Guest {
    async fn answer(&self, request: Request<Incoming>) -> Response {
        let http = match request.version() {
            Version::HTTP_2 => Http::Two,
            _ => Http::One,
        };
        let told = match self.rate.check() {
            Ok(()) => admit(&head(&request, http), &self.outside.0.names),
            Err(_) => Err(Refused::TooFast),
        };
        if let Err(why) = told {
            self.outside.0.counted.refuse(why);
            tracing::debug!(%why, address = %self.address, "a request from outside was refused");
            return refusal(why, http);
        }
        let Ok(response) = self.outside.0.app.clone().oneshot(self.marked(request)).await;
        response
    }

    /// Where it comes from is what the controller saw; what strangers write of that counts for nothing.
    fn marked(&self, request: Request<Incoming>) -> Request<Body> {
        let mut request = request.map(|body| {
            if body.is_end_stream() {
                Body::empty()
            } else {
                Body::new(Bounded::new(body, self.outside.0.counted.clone()))
            }
        });
        let headers = request.headers_mut();
        let hearsay: Vec<HeaderName> = headers
            .keys()
            .filter(|name| is_hearsay(name.as_str()))
            .cloned()
            .collect();
        for name in hearsay {
            headers.remove(name);
        }
        request.extensions_mut().insert(ConnectInfo(self.address));
        request.extensions_mut().insert(CameFromOutside);
        request
    }
}

fn head(request: &Request<Incoming>, http: Http) -> Head<'_> {
    let uri = request.uri();
    let headers = request.headers().iter();
    Head {
        http,
        method: request.method().as_str(),
        scheme: uri.scheme_str(),
        authority: uri.authority().map(|authority| authority.as_str()),
        path: uri.path(),
        query: uri.query(),
        headers: headers
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect(),
    }
}

/// It says no more than its status: what is not open looks as what is not there.
fn refusal(why: Refused, http: Http) -> Response {
    let mut response = Response::new(Body::empty());
    let status = why.status().and_then(|status| StatusCode::from_u16(status).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if why == Refused::TooFast {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if http == Http::One && why.ends_connection() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

#[cfg(test)]
mod tests;
