//! Channels to the other nodes: gRPC over mTLS, one connection a node, made again when it breaks.

use hyper_util::rt::TokioIo;
use std::{io, sync::Arc, time::Duration};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{self, pki_types::ServerName},
};
use tonic::transport::{Channel, Endpoint, Uri};

/// How long connecting may take before it counts as failed.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Silence after which a link is probed, and how long the answer may take: a link that a firewall swallowed
/// is given up within two seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// A channel to `address` (`host:port`) that accepts only the program that `tls` expects there.
///
/// Nothing is connected yet; the channel connects with its first request, and again after it broke.
///
/// # Errors
/// When `address` is not `host:port`.
pub fn channel(address: &str, tls: Arc<rustls::ClientConfig>) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?
        .connect_timeout(CONNECT_WITHIN)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20);
    let address: Arc<str> = address.into();
    Ok(
        endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let (address, tls) = (address.clone(), tls.clone());
            async move { connect(&address, tls).await.map(TokioIo::new) }
        })),
    )
}

/// Opens TCP and TLS to `address`. The name sent is only for the handshake's form: who must answer is in `tls`.
///
/// # Errors
/// What the network or the handshake said.
pub async fn connect(
    address: &str,
    tls: Arc<rustls::ClientConfig>,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let name = ServerName::try_from("node.plenary.internal").map_err(io::Error::other)?;
    TlsConnector::from(tls).connect(name, socket).await
}
