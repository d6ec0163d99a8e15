//! Datagrams of the outside, into the tunnels that nodes dialled, and back: media of clients, and QUIC of partners.

use crate::{config, relays::Relays};
use bytes::Bytes;
use plenary_border::{
    Dropped, FlowId, Flows, Links, Policy, Router, TunnelId,
    frame::{self, Frame, HEAD, Joiner},
};
use plenary_border_client::{
    media::{Framer, receive, send},
    quic::Close,
    turn::Turn,
    wire::{self, LONGEST, Reached},
};
use plenary_contracts::border::v1::{
    MediaFromController, MediaFromNode, media_from_controller, media_from_node,
};
use plenary_model::NodeId;
use plenary_telemetry::prometheus::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use plenary_udp::{Class, Marks, Outbox, Socket};
use quinn::{Connection, RecvStream};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Notify, mpsc};

/// How often flows that are silent are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How long a client by TCP waits until the node that gave it its name has told of it: the two come by ways of their own, and a
/// browser that is refused does not try again.
const NAMED_WITHIN: Duration = Duration::from_secs(1);
/// How long a node may take to open its stream.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// Datagrams of one kind at a controller.
pub(crate) struct Media<R> {
    /// Where the outside reaches it; nowhere: it passes none on.
    reached: Reached,
    /// Flows at most.
    most: usize,
    /// What it sends by; another one receives.
    socket: Option<Socket>,
    books: Mutex<Books<R>>,
    /// Nodes have told of names.
    told: Notify,
    began: Instant,
    pub(crate) counts: Counts,
}

struct Books<R> {
    flows: R,
    /// Clients by TURN, by their relayed addresses.
    relays: Relays,
    tunnels: HashMap<TunnelId, Connection>,
    last: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    reason: &'static str,
}

/// Counted since the program began.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// What metrics know of it.
    pub(crate) family: Family<Reason, Counter>,
    /// Datagrams of clients that nodes were given, and of nodes that clients were sent.
    pub(crate) received: AtomicU64,
    pub(crate) sent: AtomicU64,
    pub(crate) received_bytes: AtomicU64,
    pub(crate) sent_bytes: AtomicU64,
    /// For clients, and the system had no room.
    pub(crate) unsent: AtomicU64,
}

impl Counts {
    fn drop(&self, why: Dropped) {
        self.dropped_for(why.as_str()).inc();
    }

    fn dropped_for(&self, reason: &'static str) -> impl std::ops::Deref<Target = Counter> + '_ {
        self.family.get_or_create(&Reason { reason })
    }

    /// How many datagrams went nowhere, for each reason. Each is there from the beginning, so that a rise from nothing is seen.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let reasons = Dropped::ALL.iter().map(|why| why.as_str()).chain([DENIED]);
        reasons.map(|reason| (reason, self.dropped_for(reason).get()))
    }
}

/// A network on the deny list sent it.
const DENIED: &str = "denied";

impl Media<Flows> {
    /// Media of clients. To be called within the runtime. `socket`: where clients come to by UDP; `web`: by TCP.
    pub(crate) fn of_clients(
        config: &config::Media,
        socket: Option<&UdpSocket>,
        web: SocketAddr,
        turn: Option<Turn>,
    ) -> io::Result<Self> {
        let local = socket.map(UdpSocket::local_addr).transpose()?;
        let reached = Reached {
            udp: local.map_or_else(Vec::new, |local| config.reached(local)),
            tcp: if config.tcp {
                config.reached(web)
            } else {
                Vec::new()
            },
            turn,
        };
        let bounds = config.bounds();
        Self::new((reached, bounds.flows), socket, Flows::new(bounds))
    }

    /// Goes by what the inside wants from now on.
    pub(crate) fn apply(&self, policy: &Policy) {
        let each = policy.flows_per_network.map(|wanted| wanted as usize);
        self.books().flows.bound_networks(each);
    }

    /// Where clients reach it by UDP.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.reached.udp
    }

    /// A client by TURN has a relayed address beside this one of ours until what is given is dropped; `None`: all are taken.
    pub(crate) fn relay(self: &Arc<Self>, beside: IpAddr) -> Option<(Relayed, mpsc::Receiver<Bytes>)> {
        let (address, leaving) = self.books().relays.open(beside)?;
        let relayed = Relayed {
            media: self.clone(),
            address,
        };
        Some((relayed, leaving))
    }

    /// A datagram from a relayed address, which goes on as those by UDP do.
    pub(crate) fn bring(&self, client: SocketAddr, bytes: &[u8], framer: &mut Framer) {
        let mut leaving = Vec::new();
        take(
            self,
            &mut self.books(),
            framer,
            (self.now(), client, bytes),
            &mut leaving,
        );
        for (connection, frame) in leaving {
            send(&connection, [frame]);
        }
    }

    /// Whether media come by TCP, too.
    pub(crate) fn has_tcp(&self) -> bool {
        !self.reached.tcp.is_empty()
    }

    /// The tunnel of the node that has a session of this ICE name, or tells of one soon.
    pub(crate) async fn tunnel_soon(&self, name: &str) -> Option<Connection> {
        let found = async {
            loop {
                // What is told from here on wakes it, even before it waits.
                let mut told = std::pin::pin!(self.told.notified());
                told.as_mut().enable();
                if let Some(connection) = self.tunnel_of(name) {
                    return connection;
                }
                told.await;
            }
        };
        tokio::time::timeout(NAMED_WITHIN, found).await.ok()
    }

    fn tunnel_of(&self, name: &str) -> Option<Connection> {
        let books = self.books();
        let tunnel = books.flows.tunnel_of(name)?;
        books.tunnels.get(&tunnel).cloned()
    }
}

impl Media<Links> {
    /// QUIC of partners. To be called within the runtime. `socket`: where they come to, if they do.
    pub(crate) fn of_partners(socket: Option<&UdpSocket>) -> io::Result<Self> {
        let local = socket.map(UdpSocket::local_addr).transpose()?;
        // Partners find it by DNS: nodes hear only that there is something.
        let reached = Reached {
            udp: local.into_iter().collect(),
            ..Reached::default()
        };
        let bounds = plenary_border::links::Bounds::default();
        Self::new((reached, bounds.flows), socket, Links::new(bounds))
    }
}

impl<R: Router> Media<R> {
    fn new((reached, most): (Reached, usize), socket: Option<&UdpSocket>, flows: R) -> io::Result<Self> {
        let socket = socket.map(UdpSocket::try_clone).transpose()?;
        Ok(Self {
            reached,
            most,
            socket: socket.map(Socket::new).transpose()?,
            books: Mutex::new(Books {
                flows,
                relays: Relays::default(),
                tunnels: HashMap::new(),
                last: 0,
            }),
            told: Notify::new(),
            began: Instant::now(),
            counts: Counts::default(),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Flows that are up, and that are tried.
    pub(crate) fn flows(&self) -> (usize, usize) {
        let books = self.books();
        (books.flows.up(), books.flows.tried())
    }

    /// Tunnels for media.
    pub(crate) fn tunnels(&self) -> usize {
        self.books().tunnels.len()
    }
}

impl<R> Media<R> {
    fn books(&self) -> MutexGuard<'_, Books<R>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives what comes from outside to the tunnels.
///
/// # Errors
/// The socket cannot be used.
pub(crate) async fn outside<R: Router>(
    media: Arc<Media<R>>,
    is_denied: impl Fn(IpAddr) -> bool,
    socket: UdpSocket,
) -> io::Result<()> {
    let mut socket = Socket::new(socket)?;
    let mut framer = Framer::default();
    let mut leaving: Vec<(Connection, Bytes)> = Vec::new();
    loop {
        socket.readable().await?;
        let received = hear(&media, &is_denied, &mut socket, &mut framer, &mut leaving);
        for (connection, frame) in leaving.drain(..) {
            send(&connection, [frame]);
        }
        if let Err(error) = received {
            // An address that cannot be reached is told by the next call.
            tracing::debug!(%error, "receiving failed");
        }
        // Whoever floods this socket does not keep the runtime from everything else.
        tokio::task::yield_now().await;
    }
}

/// Takes what is there, at once.
fn hear<R: Router>(
    media: &Media<R>,
    is_denied: &impl Fn(IpAddr) -> bool,
    socket: &mut Socket,
    framer: &mut Framer,
    leaving: &mut Vec<(Connection, Bytes)>,
) -> io::Result<()> {
    let (now, mut books) = (media.now(), media.books());
    let received = socket.receive(|datagram| {
        let (client, bytes) = (datagram.source, datagram.bytes);
        if is_denied(client.ip()) {
            media.counts.dropped_for(DENIED).inc();
            return;
        }
        take(media, &mut books, framer, (now, client, bytes), leaving);
    });
    received.map(drop)
}

fn take<R: Router>(
    media: &Media<R>,
    books: &mut Books<R>,
    framer: &mut Framer,
    (now, client, bytes): (u64, SocketAddr, &[u8]),
    leaving: &mut Vec<(Connection, Bytes)>,
) {
    if bytes.len() > frame::LONGEST {
        return media.counts.drop(Dropped::Foreign);
    }
    let passed = match books.flows.inbound(now, client, bytes) {
        Ok(passed) => passed,
        Err(why) => return media.counts.drop(why),
    };
    let Some(connection) = books.tunnels.get(&passed.tunnel) else {
        return;
    };
    let Some(most) = connection.max_datagram_size() else {
        return;
    };
    media.counts.received.fetch_add(1, Ordering::Relaxed);
    media
        .counts
        .received_bytes
        .fetch_add(bytes.len() as u64, Ordering::Relaxed);
    let fits = HEAD + bytes.len() <= most;
    let introduced = passed.introduces.then(|| {
        let (flow, bytes) = (passed.flow, if fits { bytes } else { &[] });
        framer.frame(Frame::Introduced { flow, client, bytes }, bytes.len())
    });
    let carried = if introduced.is_some() && fits {
        [None, None]
    } else {
        framer.carry(passed.flow, bytes, most)
    };
    let frames = introduced.into_iter().chain(carried.into_iter().flatten());
    leaving.extend(frames.map(|frame| (connection.clone(), frame)));
}

/// Forgets flows that are silent, without end.
pub(crate) async fn sweep<R: Router>(media: Arc<Media<R>>) {
    let mut pace = tokio::time::interval(SWEEP_EVERY);
    loop {
        pace.tick().await;
        let now = media.now();
        media.books().flows.sweep(now);
    }
}

/// The address of a client by TURN, until this is dropped.
pub(crate) struct Relayed {
    media: Arc<Media<Flows>>,
    pub(crate) address: SocketAddr,
}

impl Drop for Relayed {
    fn drop(&mut self) {
        self.media.books().relays.close(self.address);
    }
}

/// What a node says beside datagrams.
pub(crate) trait Hears: Router {
    /// Of this node is a tunnel now.
    fn begin_tunnel(&mut self, tunnel: TunnelId, node: NodeId);

    /// What is for others is passed over.
    fn hear(&mut self, now: u64, tunnel: TunnelId, said: media_from_node::What);
}

impl Hears for Flows {
    fn begin_tunnel(&mut self, _: TunnelId, _: NodeId) {}

    fn hear(&mut self, _: u64, tunnel: TunnelId, said: media_from_node::What) {
        if let media_from_node::What::Names(names) = said {
            names.begun.iter().for_each(|name| self.begin(tunnel, name));
            names.ended.iter().for_each(|name| self.end(tunnel, name));
        }
    }
}

impl Hears for Links {
    fn begin_tunnel(&mut self, tunnel: TunnelId, node: NodeId) {
        self.begin(tunnel, node);
    }

    fn hear(&mut self, now: u64, tunnel: TunnelId, said: media_from_node::What) {
        if let media_from_node::What::Proved(proved) = said {
            let flows = proved.flows.into_iter().map(FlowId);
            flows.for_each(|flow| self.prove(now, tunnel, flow));
        }
    }
}

/// A tunnel for datagrams, until this is dropped.
struct Up<R: Router> {
    media: Arc<Media<R>>,
    id: TunnelId,
}

impl<R: Hears> Up<R> {
    fn new(media: &Arc<Media<R>>, connection: Connection, node: NodeId) -> Self {
        let mut books = media.books();
        books.last += 1;
        let id = TunnelId(books.last);
        books.tunnels.insert(id, connection);
        books.flows.begin_tunnel(id, node);
        drop(books);
        Self {
            media: media.clone(),
            id,
        }
    }
}

impl<R: Router> Drop for Up<R> {
    fn drop(&mut self) {
        let mut books = self.media.books();
        books.tunnels.remove(&self.id);
        books.flows.down(self.id);
    }
}

/// Serves a node's connection for datagrams until it is lost, or is to be closed.
///
/// # Errors
/// The connection is lost, or what was said is not of this protocol.
pub(crate) async fn serve<R: Hears>(
    media: &Arc<Media<R>>,
    connection: &Connection,
    node: NodeId,
) -> anyhow::Result<Close> {
    let stream = tokio::time::timeout(BEGIN_WITHIN, connection.accept_bi()).await;
    let (mut say, hear) = stream.map_err(|_| quinn::ConnectionError::TimedOut)??;
    let place = wire::place(&media.reached, media.most);
    let what = Some(media_from_controller::What::Place(place));
    wire::write(&mut say, &MediaFromController { what }).await?;
    let up = Up::new(media, connection.clone(), node);
    tokio::select! {
        ended = listen(&up, hear) => ended,
        ended = inside(&up, connection) => ended,
    }
}

async fn listen<R: Hears>(up: &Up<R>, mut hear: RecvStream) -> anyhow::Result<Close> {
    loop {
        let said: MediaFromNode = wire::read(&mut hear, LONGEST).await?;
        // A newer version says more than we know.
        let Some(what) = said.what else { continue };
        let now = up.media.now();
        up.media.books().flows.hear(now, up.id, what);
        up.media.told.notify_waiters();
    }
}

/// Gives what a node sends to its clients.
async fn inside<R: Router>(up: &Up<R>, connection: &Connection) -> anyhow::Result<Close> {
    let media = &up.media;
    let Some(socket) = &media.socket else {
        return Err(connection.closed().await.into());
    };
    let mut outbox = Outbox::for_socket(socket, Marks::default());
    let mut joiner = Joiner::default();
    let mut came: Vec<Bytes> = Vec::new();
    loop {
        receive(connection, |datagram| came.push(datagram)).await?;
        let now = media.now();
        let mut books = media.books();
        let mut bytes = 0;
        for datagram in came.drain(..) {
            bytes += give(&mut books, (now, up.id), &datagram, &mut joiner, &mut outbox);
        }
        drop(books);
        let sent = outbox.flush(socket);
        let counts = &media.counts;
        counts.sent.fetch_add(sent.datagrams, Ordering::Relaxed);
        counts.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        counts.unsent.fetch_add(sent.dropped, Ordering::Relaxed);
    }
}

/// Gives how many bytes go out.
fn give(
    books: &mut Books<impl Router>,
    (now, tunnel): (u64, TunnelId),
    datagram: &[u8],
    joiner: &mut Joiner,
    outbox: &mut Outbox,
) -> u64 {
    let whole;
    let (flow, bytes) = match frame::read(datagram) {
        Some(Frame::Whole { flow, bytes }) => (flow, bytes),
        Some(Frame::Half {
            flow,
            number,
            second,
            bytes,
        }) => match joiner.join(flow, number, second, bytes) {
            Some(joined) => {
                whole = joined;
                (flow, &*whole)
            }
            None => return 0,
        },
        Some(Frame::Introduced { .. }) | None => return 0,
    };
    let Some(client) = books.flows.outbound(now, tunnel, flow, bytes) else {
        return 0;
    };
    if let Some(relay) = books.relays.get(client) {
        // What does not fit is lost, as datagrams are.
        let taken = relay.try_send(Bytes::copy_from_slice(bytes)).is_ok();
        return if taken { bytes.len() as u64 } else { 0 };
    }
    let any: IpAddr = match client {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    outbox.write(Class::Pictures, any, client, |out| {
        out.extend_from_slice(bytes);
        true
    });
    bytes.len() as u64
}
