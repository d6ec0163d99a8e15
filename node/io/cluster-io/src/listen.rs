//! The cluster port: TLS first, then gRPC, with who is calling attached to every request.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, rustls, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

/// Handshakes at a time: a flood of strangers waits here instead of eating memory.
const HANDSHAKES: usize = 64;
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// Tells from a finished handshake who is calling.
pub type Identify<C> = Arc<dyn Fn(&rustls::ServerConnection) -> C + Send + Sync>;

/// A connection whose handshake is done; `C` is what the identification gave.
pub struct Connection<C> {
    stream: TlsStream<TcpStream>,
    caller: Caller<C>,
}

/// Who is calling, and from where; found in the extensions of each request.
#[derive(Debug, Clone)]
pub struct Caller<C> {
    pub who: C,
    pub address: SocketAddr,
}

impl<C: Clone + Send + Sync + 'static> Connected for Connection<C> {
    type ConnectInfo = Caller<C>;

    fn connect_info(&self) -> Caller<C> {
        self.caller.clone()
    }
}

/// Accepts connections until the stream is dropped. Failed handshakes are logged and do not end it.
pub fn incoming<C: Clone + Send + Sync + 'static>(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    identify: Identify<C>,
) -> ReceiverStream<io::Result<Connection<C>>> {
    let (ready, connections) = mpsc::channel(16);
    tokio::spawn(accept(listener, TlsAcceptor::from(tls), identify, ready));
    ReceiverStream::new(connections)
}

async fn accept<C: Clone + Send + Sync + 'static>(
    listener: TcpListener,
    tls: TlsAcceptor,
    identify: Identify<C>,
    ready: mpsc::Sender<io::Result<Connection<C>>>,
) {
    let slots = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else {
            return;
        };
        let (socket, address) = tokio::select! {
            () = ready.closed() => return,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors or memory: others may be freed meanwhile.
                    tracing::warn!(%error, "a connection to the cluster port was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (tls, identify, ready) = (tls.clone(), identify.clone(), ready.clone());
        tokio::spawn(async move {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, %address, "TCP_NODELAY was not set");
            }
            match tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(socket)).await {
                Ok(Ok(stream)) => {
                    let who = identify(stream.get_ref().1);
                    drop(slot);
                    // Nobody waits any more when the server stops: then the connection just ends.
                    ready
                        .send(Ok(Connection {
                            stream,
                            caller: Caller { who, address },
                        }))
                        .await
                        .ok();
                }
                Ok(Err(error)) => {
                    tracing::info!(%error, %address, "a TLS handshake on the cluster port failed")
                }
                Err(_) => tracing::info!(%address, "a TLS handshake on the cluster port took too long"),
            }
        });
    }
}

impl<C: Unpin> AsyncRead for Connection<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<C: Unpin> AsyncWrite for Connection<C> {
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
