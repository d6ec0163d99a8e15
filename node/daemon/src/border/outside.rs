//! Clients from outside: the same web server as on this node's own port, with the address that the controller saw.

use crate::{door::Doors, http::HEAD_WITHIN};
use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, header};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use plenary_border::Service;
use plenary_border_client::FromOutside;
use plenary_identity::WebTls;
use std::{io, net::SocketAddr, sync::Arc};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// Marks requests that came through a Border Controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CameFromOutside;

/// What clients from outside get. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Outside {
    app: Router,
    tls: Arc<WebTls>,
    doors: Doors,
}

impl Outside {
    pub(crate) fn new(app: Router, tls: WebTls, doors: Doors) -> Self {
        Self {
            app,
            tls: Arc::new(tls),
            doors,
        }
    }

    /// In a task of its own, which ends with the client's stream.
    pub(crate) fn serve(&self, client: FromOutside) {
        let outside = self.clone();
        tokio::spawn(async move {
            let address = client.address;
            if let Err(error) = outside.web(client).await {
                tracing::debug!(%error, %address, "a connection from outside ended badly");
            }
        });
    }

    async fn web(self, client: FromOutside) -> io::Result<()> {
        if client.service != Service::Web {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let address = client.address;
        let place = self.doors.place_of(address.ip())?;
        let accepted = TlsAcceptor::from(self.tls.server_config()).accept(client.stream);
        let stream = tokio::time::timeout(HEAD_WITHIN, accepted)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let stream = TokioIo::new(self.doors.guard(stream, place));
        let app = self.app;
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            app.clone().oneshot(marked(request, address))
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(HEAD_WITHIN);
        builder
            .serve_connection_with_upgrades(stream, service)
            .await
            .map_err(io::Error::other)
    }
}

/// Where it comes from is what the controller saw; what strangers write of that counts for nothing.
fn marked(request: Request<Incoming>, address: SocketAddr) -> Request<Body> {
    let mut request = request.map(Body::new);
    let headers = request.headers_mut();
    headers.remove("x-forwarded-for");
    headers.remove(header::FORWARDED);
    request.extensions_mut().insert(ConnectInfo(address));
    request.extensions_mut().insert(CameFromOutside);
    request
}
