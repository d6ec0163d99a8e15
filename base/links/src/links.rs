//! Channels to the other nodes: gRPC over mTLS, one connection a node, made again when it breaks.

use crate::watched::{Ended, Watched};
use hyper_util::rt::TokioIo;
use plenary_identity::{Expected, Identity};
use plenary_model::NodeId;
use std::{io, sync::Arc, time::Duration};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{self, pki_types::ServerName},
};
use tonic::transport::{Channel, Endpoint, Uri};

/// How long a channel waits before it gives a connection up.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For TCP and TLS together.
    pub connect: Duration,
    /// Silence after which a connection is probed, and how long the answer may take.
    pub keep_alive: Duration,
}

impl Default for Patience {
    /// Of members of a group among themselves: a link that a firewall swallowed is given up within two seconds.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            keep_alive: Duration::from_secs(1),
        }
    }
}

/// A channel to `address` (`host:port`) that accepts only the program that `tls` expects there.
///
/// Nothing is connected yet; the channel connects with its first request, and again after it broke.
///
/// # Errors
/// When `address` is not `host:port`.
pub fn channel(address: &str, tls: Arc<rustls::ClientConfig>) -> Result<Channel, tonic::transport::Error> {
    patient_channel(address, tls, Patience::default())
}

/// The same with another patience: where thousands connect at once, who gives up early only comes again.
///
/// # Errors
/// As [`channel`].
pub fn patient_channel(
    address: &str,
    tls: Arc<rustls::ClientConfig>,
    patience: Patience,
) -> Result<Channel, tonic::transport::Error> {
    watched_channel(address, tls, patience, Arc::new(|| {}))
}

fn watched_channel(
    address: &str,
    tls: Arc<rustls::ClientConfig>,
    patience: Patience,
    ended: Ended,
) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?
        .connect_timeout(patience.connect)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(patience.keep_alive)
        .keep_alive_timeout(patience.keep_alive)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20);
    let address: Arc<str> = address.into();
    Ok(
        endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let (address, tls, ended) = (address.clone(), tls.clone(), ended.clone());
            async move {
                let stream = connect(&address, tls).await?;
                Ok::<_, io::Error>(TokioIo::new(Watched::new(stream, ended)))
            }
        })),
    )
}

/// A channel to the member of our own group with this number: nobody else can be at the other end.
///
/// # Errors
/// As [`channel`].
pub fn member_channel(
    identity: &Identity,
    member: NodeId,
    address: &str,
) -> Result<Channel, tonic::transport::Error> {
    watched_member_channel(identity, member, address, Arc::new(|| {}))
}

/// The same; `ended` is called whenever a connection to it is gone, which is at once where its process has ended.
///
/// # Errors
/// As [`channel`].
pub fn watched_member_channel(
    identity: &Identity,
    member: NodeId,
    address: &str,
    ended: Ended,
) -> Result<Channel, tonic::transport::Error> {
    let me = identity.me();
    let expected = Expected::any(me.program).at(&me.server).member(member);
    let tls = identity.client_config(expected);
    watched_channel(address, tls, Patience::default(), ended)
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
