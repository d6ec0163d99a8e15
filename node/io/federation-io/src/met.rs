//! Connections of partners, as long as those are met.

use crate::Guest;
use plenary_links::{Caller, Connection};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::server::Connected;

/// A connection that ends once nobody is at its other end any more whom this server meets with: each call is refused from
/// the moment on at which that is so, and this is for what would only stay.
pub struct Met<S> {
    connection: Connection<Guest, S>,
    /// None once it is over.
    estranged: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// These connections; of each it is looked so often whether who is there is met still.
pub fn while_met<S>(
    connections: impl Stream<Item = io::Result<Connection<Guest, S>>>,
    every: Duration,
) -> impl Stream<Item = io::Result<Met<S>>> {
    connections.map(move |connection| {
        connection.map(|connection| {
            let who = connection.connect_info().who;
            Met {
                connection,
                estranged: Some(Box::pin(estranged(who, every))),
            }
        })
    })
}

async fn estranged(who: Guest, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        // Where it cannot be read it is as it was.
        if who.meets().await == Some(false) {
            return;
        }
    }
}

impl<S> Connected for Met<S> {
    type ConnectInfo = Caller<Guest>;

    fn connect_info(&self) -> Caller<Guest> {
        self.connection.connect_info()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Met<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let estranged = self
            .estranged
            .as_mut()
            .map(|estranged| estranged.as_mut().poll(cx));
        if estranged.is_none_or(|estranged| estranged.is_ready()) {
            self.estranged = None;
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.connection).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Met<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }
}
