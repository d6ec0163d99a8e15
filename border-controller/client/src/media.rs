//! Media in the tunnel: a connection of its own, whose datagrams carry those of clients (`plenary_border::frame`).

use crate::{
    quic::{self, Close, MEDIA, PARTNERS},
    tunnel::{FromOutside, Target, TunnelError, accept, revoked},
    wire::{self, LONGEST, Reached},
};
use bytes::{Bytes, BytesMut};
use plenary_border::{
    FlowId,
    frame::{self, Frame, HEAD, Joiner},
};
use plenary_contracts::border::v1::{
    MediaFromController, MediaFromNode, Names, Proved, media_from_controller, media_from_node,
};
use plenary_identity::{Expected, Identity, Program};
use quinn::{Connection, Endpoint, RecvStream, SendDatagramError, SendStream};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

/// How long a controller may take to say where it is reached.
const PLACE_WITHIN: Duration = Duration::from_secs(5);
/// Datagrams that are taken before others get their turn.
const AT_ONCE: usize = 256;
/// Memory that frames are cut from.
const BLOCK: usize = 64 << 10;
/// Names in one message.
const NAMES: usize = 256;
/// Flows of one controller that a node keeps.
const FLOWS: u32 = 1 << 17;

/// Cuts datagrams for tunnels from larger blocks of memory, one after the other.
#[derive(Debug, Default)]
pub struct Framer {
    block: BytesMut,
    number: u16,
}

impl Framer {
    /// A frame of its own.
    pub fn frame(&mut self, frame: Frame<'_>, length: usize) -> Bytes {
        if self.block.capacity() < HEAD + length {
            self.block = BytesMut::with_capacity(BLOCK.max(HEAD + length));
        }
        frame::write(frame, &mut self.block);
        self.block.split().freeze()
    }

    /// What carries these bytes of a flow through a connection that takes datagrams of `most` bytes: one frame or two.
    pub fn carry(&mut self, flow: FlowId, bytes: &[u8], most: usize) -> [Option<Bytes>; 2] {
        if HEAD + bytes.len() <= most {
            return [Some(self.frame(Frame::Whole { flow, bytes }, bytes.len())), None];
        }
        self.number = self.number.wrapping_add(1);
        frame::halves(flow, self.number, bytes).map(|half| Some(self.frame(half, bytes.len())))
    }
}

/// Sends frames. What there is no room for makes place by the oldest that wait. `false`: the connection is over, or takes no
/// datagrams of this size.
pub fn send(connection: &Connection, frames: impl IntoIterator<Item = Bytes>) -> bool {
    let mut sent = true;
    for frame in frames {
        sent &= match connection.send_datagram(frame) {
            Ok(()) => true,
            Err(SendDatagramError::TooLarge) => {
                tracing::debug!("a datagram of a client is longer than both halves may be");
                false
            }
            Err(_) => false,
        };
    }
    sent
}

/// Waits for datagrams of a connection and gives all that are there to `take`, with an end.
///
/// # Errors
/// The connection is lost.
pub async fn receive(
    connection: &Connection,
    mut take: impl FnMut(Bytes),
) -> Result<(), quinn::ConnectionError> {
    take(connection.read_datagram().await?);
    for _ in 1..AT_ONCE {
        let mut next = std::pin::pin!(connection.read_datagram());
        let ready = std::future::poll_fn(|context| match next.as_mut().poll(context) {
            Poll::Ready(ready) => Poll::Ready(Some(ready)),
            Poll::Pending => Poll::Ready(None),
        });
        match ready.await {
            Some(datagram) => take(datagram?),
            None => break,
        }
    }
    Ok(())
}

/// Which flow is whose, as the controller says.
#[derive(Debug, Default)]
struct Far {
    clients: HashMap<FlowId, SocketAddr>,
    flows: HashMap<SocketAddr, FlowId>,
    framer: Framer,
}

impl Far {
    fn learn(&mut self, flow: FlowId, client: SocketAddr) {
        if self.clients.get(&flow) == Some(&client) {
            return;
        }
        if let Some(before) = self.clients.insert(flow, client)
            && self.flows.get(&before) == Some(&flow)
        {
            self.flows.remove(&before);
        }
        if let Some(before) = self.flows.insert(client, flow)
            && before != flow
        {
            self.clients.remove(&before);
        }
    }
}

/// The node's end of the connection for media.
pub struct MediaTunnel {
    connection: Connection,
    reached: Reached,
    most: u32,
    far: Mutex<Far>,
}

impl Drop for MediaTunnel {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the node says and hears beside datagrams.
pub struct MediaTalk {
    send: SendStream,
    _receive: RecvStream,
}

/// Dials a controller for media and hears where clients reach it.
///
/// # Errors
/// [`TunnelError`].
pub async fn dial(
    endpoint: &Endpoint,
    identity: &Identity,
    target: &Target,
) -> Result<(MediaTunnel, MediaTalk), TunnelError> {
    dial_for(MEDIA, endpoint, identity, target).await
}

/// The same for what servers of partners send: at its end is QUIC of theirs.
///
/// # Errors
/// [`TunnelError`].
pub async fn dial_for_partners(
    endpoint: &Endpoint,
    identity: &Identity,
    target: &Target,
) -> Result<(MediaTunnel, MediaTalk), TunnelError> {
    dial_for(PARTNERS, endpoint, identity, target).await
}

async fn dial_for(
    protocol: &[u8],
    endpoint: &Endpoint,
    identity: &Identity,
    target: &Target,
) -> Result<(MediaTunnel, MediaTalk), TunnelError> {
    let expected = Expected::any(Program::BorderController)
        .at(&identity.me().server)
        .named(&target.name)
        .member(target.member);
    let config = quic::dialling(&identity.client_config(expected), protocol)?;
    let connection = endpoint
        .connect_with(config, target.address, "controller.plenary.internal")?
        .await?;
    let (mut send, mut receive) = connection.open_bi().await?;
    // A stream is there for the other end once something was said.
    wire::write(&mut send, &MediaFromNode { what: None }).await?;
    let place = tokio::time::timeout(PLACE_WITHIN, async {
        loop {
            let said: MediaFromController = wire::read(&mut receive, LONGEST).await?;
            if let Some(media_from_controller::What::Place(place)) = said.what {
                return Ok::<_, TunnelError>(place);
            }
        }
    });
    let place = place.await.map_err(|_| quinn::ConnectionError::TimedOut)??;
    let tunnel = MediaTunnel {
        reached: wire::read_place(&place)?,
        most: place.flows.min(FLOWS),
        connection,
        far: Mutex::default(),
    };
    let talk = MediaTalk {
        send,
        _receive: receive,
    };
    Ok((tunnel, talk))
}

impl MediaTalk {
    /// Tells of names of this node, which clients will ask for.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn tell(&mut self, begun: Vec<String>, ended: Vec<String>) -> Result<(), TunnelError> {
        for begun in begun.chunks(NAMES) {
            self.say(begun.to_vec(), Vec::new()).await?;
        }
        for ended in ended.chunks(NAMES) {
            self.say(Vec::new(), ended.to_vec()).await?;
        }
        Ok(())
    }

    async fn say(&mut self, begun: Vec<String>, ended: Vec<String>) -> Result<(), TunnelError> {
        self.write(media_from_node::What::Names(Names { begun, ended }))
            .await
    }

    /// Tells of flows at whose other ends partners have proved who they are.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn prove(&mut self, flows: &[FlowId]) -> Result<(), TunnelError> {
        let flows = flows.iter().map(|flow| flow.0).collect();
        self.write(media_from_node::What::Proved(Proved { flows })).await
    }

    async fn write(&mut self, what: media_from_node::What) -> Result<(), TunnelError> {
        wire::write(&mut self.send, &MediaFromNode { what: Some(what) }).await?;
        Ok(())
    }
}

impl MediaTunnel {
    /// Where clients reach the controller; nowhere where it passes no media on.
    pub fn reached(&self) -> &Reached {
        &self.reached
    }

    /// The other end hears at once that this one has gone.
    pub fn close(&self) {
        Close::Stopping.close(&self.connection);
    }

    fn far(&self) -> MutexGuard<'_, Far> {
        self.far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The flow of a client that came through this tunnel.
    pub fn flow_of(&self, client: SocketAddr) -> Option<FlowId> {
        self.far().flows.get(&client).copied()
    }

    /// Sends a datagram to a client that came through this tunnel; `false` if it is none, or the tunnel is over.
    pub fn send(&self, client: SocketAddr, bytes: &[u8]) -> bool {
        let Some(most) = self.connection.max_datagram_size() else {
            return false;
        };
        let mut far = self.far();
        let Some(flow) = far.flows.get(&client).copied() else {
            return false;
        };
        let frames = far.framer.carry(flow, bytes, most);
        drop(far);
        send(&self.connection, frames.into_iter().flatten())
    }

    /// Takes what clients sent until the tunnel is lost, or the certificate at its end does not count any more. `take` is
    /// given a client and its datagram, and `None` whenever there is nothing more for the moment; `begin` each client that
    /// comes by TCP.
    ///
    /// # Errors
    /// Why it ended; it always does with one.
    pub async fn serve(
        &self,
        identity: &Identity,
        take: impl FnMut(Option<(SocketAddr, &[u8])>),
        begin: impl FnMut(FromOutside),
    ) -> Result<std::convert::Infallible, TunnelError> {
        tokio::select! {
            ended = self.listen(take) => ended,
            ended = accept(&self.connection, begin) => ended,
            () = revoked(&self.connection, identity) => {
                Close::Revoked.close(&self.connection);
                Err(TunnelError::Revoked)
            }
        }
    }

    async fn listen(
        &self,
        mut take: impl FnMut(Option<(SocketAddr, &[u8])>),
    ) -> Result<std::convert::Infallible, TunnelError> {
        let mut joiner = Joiner::default();
        loop {
            receive(&self.connection, |datagram| {
                self.read(&datagram, &mut joiner, &mut take)
            })
            .await?;
            take(None);
        }
    }

    fn read(&self, datagram: &[u8], joiner: &mut Joiner, take: &mut impl FnMut(Option<(SocketAddr, &[u8])>)) {
        let known = |flow: FlowId| self.far().clients.get(&flow).copied();
        match frame::read(datagram) {
            Some(Frame::Introduced { flow, client, bytes }) if flow.0 < self.most => {
                self.far().learn(flow, client);
                // Nothing: what was sent does not fit beside the address, and comes by itself.
                if !bytes.is_empty() {
                    take(Some((client, bytes)));
                }
            }
            Some(Frame::Whole { flow, bytes }) => {
                if let Some(client) = known(flow) {
                    take(Some((client, bytes)));
                }
            }
            Some(Frame::Half {
                flow,
                number,
                second,
                bytes,
            }) => {
                if let Some(client) = known(flow)
                    && let Some(whole) = joiner.join(flow, number, second, bytes)
                {
                    take(Some((client, &whole)));
                }
            }
            Some(Frame::Introduced { .. }) | None => {}
        }
    }
}
