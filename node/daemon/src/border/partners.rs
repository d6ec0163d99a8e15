//! Servers of partners: at this node's own port, and through Border Controllers.

use plenary_border_client::{FromOutside, Stream};
use plenary_links::Arrivals;
use std::{io, net::SocketAddr};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_util::either::Either;

/// Partners that wait to be taken; more are turned away.
const WAITING: usize = 64;

/// Where partners from outside are handed over.
pub(crate) type Door = mpsc::Sender<FromOutside>;

/// Both ways by which partners come. They share the limits, by the address that the controller saw.
pub(crate) struct BothWays {
    port: TcpListener,
    outside: mpsc::Receiver<FromOutside>,
}

impl BothWays {
    pub(crate) fn new(port: TcpListener) -> (Self, Door) {
        let (door, outside) = mpsc::channel(WAITING);
        (Self { port, outside }, door)
    }
}

impl Arrivals for BothWays {
    type Stream = Either<TcpStream, Stream>;

    async fn arrive(&mut self) -> io::Result<(Self::Stream, SocketAddr)> {
        tokio::select! {
            arrived = self.port.arrive() => arrived.map(|(stream, address)| (Either::Left(stream), address)),
            Some(client) = self.outside.recv() => Ok((Either::Right(client.stream), client.address)),
        }
    }
}
