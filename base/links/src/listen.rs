//! The cluster port: TLS first, then gRPC, with who is calling attached to every request.

use crate::shares::{Share, Shares};
use plenary_model::{Buckets, network_of};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::Sleep,
};
use tokio_rustls::{TlsAcceptor, rustls, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

/// How much the cluster port bears of those who are no nodes.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Handshakes at a time, in all and for one address: a flood of strangers ends here instead of eating memory,
    /// and leaves room for the nodes.
    pub handshakes: (usize, usize),
    pub handshake_within: Duration,
    /// Connections of strangers at a time, in all and for one address. Machines that join come one by one.
    pub strangers: (usize, usize),
    /// Long enough to join, and not to stay.
    pub stranger_lifetime: Duration,
    /// Connections of all at a time, in all and for one address; `None`: not counted.
    pub connections: Option<(usize, usize)>,
    /// What the log calls the port.
    pub port: &'static str,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            handshakes: (256, 64),
            handshake_within: Duration::from_secs(5),
            strangers: (32, 8),
            stranger_lifetime: Duration::from_secs(30),
            connections: None,
            port: "cluster",
        }
    }
}

/// What an identification gave: somebody who is known may stay.
pub trait Known {
    /// Asked once, after the handshake, which holds its place until that is answered.
    fn is_known(&self) -> impl Future<Output = bool> + Send;
}

/// Tells from a finished handshake who is calling.
pub type Identify<C> = Arc<dyn Fn(&rustls::ServerConnection) -> C + Send + Sync>;

/// Where connections come from: a port, or something else that knows from where each comes.
pub trait Arrivals: Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next one, and its address as limits count it. To be cancelled at any time.
    ///
    /// # Errors
    /// Why this one did not arrive; there may be more.
    fn arrive(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

impl Arrivals for TcpListener {
    type Stream = TcpStream;

    async fn arrive(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, address) = self.accept().await?;
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, %address, "TCP_NODELAY was not set");
        }
        Ok((socket, address))
    }
}

/// A connection whose handshake is done; `C` is what the identification gave.
pub struct Connection<C, S = TcpStream> {
    stream: TlsStream<S>,
    caller: Caller<C>,
    stranger: Option<Stranger>,
    /// Free again when the connection is gone.
    _place: Option<Share>,
}

/// What a connection of somebody unknown has beside others: a place, and an end.
struct Stranger {
    _place: Share,
    leaves: Pin<Box<Sleep>>,
}

/// Who is calling, and from where; found in the extensions of each request.
#[derive(Debug, Clone)]
pub struct Caller<C> {
    pub who: C,
    pub address: SocketAddr,
}

impl<C: Clone + Send + Sync + 'static, S> Connected for Connection<C, S> {
    type ConnectInfo = Caller<C>;

    fn connect_info(&self) -> Caller<C> {
        self.caller.clone()
    }
}

/// Accepts connections until the stream is dropped. Failed handshakes are logged and do not end it.
///
/// All that arrive share the limits, by whichever way they came.
pub fn incoming<C: Known + Clone + Send + Sync + 'static, A: Arrivals>(
    arrivals: A,
    tls: Arc<rustls::ServerConfig>,
    identify: Identify<C>,
    bounds: Bounds,
) -> ReceiverStream<io::Result<Connection<C, A::Stream>>> {
    let (ready, connections) = mpsc::channel(16);
    let door = Arc::new(Door {
        tls: TlsAcceptor::from(tls),
        identify,
        handshakes: Shares::new(bounds.handshakes.0, bounds.handshakes.1),
        strangers: Shares::new(bounds.strangers.0, bounds.strangers.1),
        connections: bounds.connections.map(|(all, each)| Shares::new(all, each)),
        notes: Buckets::new(NOTES.0, NOTES.1),
        bounds,
        ready,
    });
    tokio::spawn(accept(arrivals, door));
    ReceiverStream::new(connections)
}

/// Lines of a log about those of one network who are turned away: at once, and a second in the long run.
const NOTES: (f64, f64) = (5.0, 0.05);

struct Door<C, S> {
    tls: TlsAcceptor,
    identify: Identify<C>,
    handshakes: Arc<Shares>,
    strangers: Arc<Shares>,
    connections: Option<Arc<Shares>>,
    /// Who was turned away, as far as it is written of.
    notes: Buckets<IpAddr>,
    bounds: Bounds,
    ready: mpsc::Sender<io::Result<Connection<C, S>>>,
}

async fn accept<C: Known + Clone + Send + Sync + 'static, A: Arrivals>(
    mut arrivals: A,
    door: Arc<Door<C, A::Stream>>,
) {
    loop {
        let (socket, address) = tokio::select! {
            () = door.ready.closed() => return,
            arrived = arrivals.arrive() => match arrived {
                Ok(arrived) => arrived,
                Err(error) => {
                    // Out of descriptors or memory: others may be freed meanwhile.
                    tracing::warn!(%error, "a connection to the {} port was not accepted", door.bounds.port);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        // Nodes that are turned away in a flood try again.
        let Some(place) = door.handshakes.take(Some(address.ip())) else {
            tracing::debug!(%address, "too many handshakes on the {} port at this moment", door.bounds.port);
            continue;
        };
        let door = door.clone();
        tokio::spawn(async move {
            match tokio::time::timeout(door.bounds.handshake_within, door.tls.accept(socket)).await {
                Ok(Ok(stream)) => door.let_in(stream, address, place).await,
                Ok(Err(error)) => {
                    let reason = plenary_identity::explain(&error);
                    door.turned_away(address, &format!("a TLS handshake failed: {reason}"));
                }
                Err(_) => door.turned_away(address, "a TLS handshake took too long"),
            }
        });
    }
}

impl<C: Known, S> Door<C, S> {
    /// Writes of a few of each network: strangers fill no logs.
    fn turned_away(&self, address: SocketAddr, reason: &str) {
        let port = self.bounds.port;
        if self.notes.take(network_of(address.ip()), Instant::now()).is_ok() {
            tracing::info!(%address, reason, "somebody was turned away at the {port} port");
        } else {
            tracing::debug!(%address, reason, "somebody was turned away at the {port} port");
        }
    }

    async fn let_in(&self, stream: TlsStream<S>, address: SocketAddr, shaking: Share) {
        let place = match &self.connections {
            None => None,
            Some(places) => {
                let Some(place) = places.take(Some(address.ip())) else {
                    self.turned_away(address, "there are too many connections");
                    return;
                };
                Some(place)
            }
        };
        let who = (self.identify)(stream.get_ref().1);
        let stranger = if who.is_known().await {
            None
        } else {
            let Some(place) = self.strangers.take(Some(address.ip())) else {
                self.turned_away(address, "there are too many connections of strangers");
                return;
            };
            Some(Stranger {
                _place: place,
                leaves: Box::pin(tokio::time::sleep(self.bounds.stranger_lifetime)),
            })
        };
        drop(shaking);
        let connection = Connection {
            stream,
            caller: Caller { who, address },
            stranger,
            _place: place,
        };
        // Nobody waits any more when the server stops: then the connection just ends.
        self.ready.send(Ok(connection)).await.ok();
    }
}

impl<C: Unpin, S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Connection<C, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let leaves = self.stranger.as_mut().map(|stranger| stranger.leaves.as_mut());
        if leaves.is_some_and(|leaves| leaves.poll(cx).is_ready()) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<C: Unpin, S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<C, S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
