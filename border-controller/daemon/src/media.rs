//! Media of clients, by UDP: from the outside into the tunnels that nodes dialled, and back.

use crate::{config, gate::Gate, running::Running};
use bytes::Bytes;
use plenary_border::{
    Bounds, Dropped, Flows, TunnelId,
    frame::{self, Frame, HEAD, Joiner},
};
use plenary_border_client::{
    media::{Framer, receive, send},
    quic::Close,
    wire::{self, LONGEST, Reached},
};
use plenary_contracts::border::v1::{
    MediaFromController, MediaFromNode, media_from_controller, media_from_node,
};
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
use tokio::sync::Notify;

/// How often flows that are silent are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How long a client by TCP waits until the node that gave it its name has told of it: the two come by ways of their own, and a
/// browser that is refused does not try again.
const NAMED_WITHIN: Duration = Duration::from_secs(1);
/// How long a node may take to open its stream.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// Media of one controller.
pub(crate) struct Media {
    /// Where the outside reaches it; nowhere: it passes no media on.
    reached: Reached,
    bounds: Bounds,
    /// What it sends by; another one receives.
    socket: Option<Socket>,
    books: Mutex<Books>,
    /// Nodes have told of names.
    told: Notify,
    began: Instant,
    pub(crate) counts: Counts,
}

struct Books {
    flows: Flows,
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

impl Media {
    /// To be called within the runtime. `socket`: where clients come to by UDP; `web`: by TCP.
    pub(crate) fn new(
        config: &config::Media,
        socket: Option<&UdpSocket>,
        web: SocketAddr,
    ) -> io::Result<Self> {
        let local = socket.map(UdpSocket::local_addr).transpose()?;
        let reached = Reached {
            udp: local.map_or_else(Vec::new, |local| config.reached(local)),
            tcp: if config.tcp {
                config.reached(web)
            } else {
                Vec::new()
            },
        };
        Ok(Self {
            reached,
            bounds: config.bounds(),
            socket: socket
                .map(UdpSocket::try_clone)
                .transpose()?
                .map(Socket::new)
                .transpose()?,
            books: Mutex::new(Books {
                flows: Flows::new(config.bounds()),
                tunnels: HashMap::new(),
                last: 0,
            }),
            told: Notify::new(),
            began: Instant::now(),
            counts: Counts::default(),
        })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Gives what comes from outside to the tunnels.
///
/// # Errors
/// The socket cannot be used.
pub(crate) async fn outside(running: Arc<Running>, socket: UdpSocket) -> io::Result<()> {
    let mut socket = Socket::new(socket)?;
    let mut framer = Framer::default();
    let mut leaving: Vec<(Connection, Bytes)> = Vec::new();
    loop {
        socket.readable().await?;
        let received = hear(&running, &mut socket, &mut framer, &mut leaving);
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
fn hear(
    running: &Running,
    socket: &mut Socket,
    framer: &mut Framer,
    leaving: &mut Vec<(Connection, Bytes)>,
) -> io::Result<()> {
    let media = &running.media;
    let (now, mut books) = (media.now(), media.books());
    let received = socket.receive(|datagram| {
        let (client, bytes) = (datagram.source, datagram.bytes);
        take(
            &running.gate,
            media,
            &mut books,
            framer,
            (now, client, bytes),
            leaving,
        );
    });
    received.map(drop)
}

fn take(
    gate: &Gate,
    media: &Media,
    books: &mut Books,
    framer: &mut Framer,
    (now, client, bytes): (u64, SocketAddr, &[u8]),
    leaving: &mut Vec<(Connection, Bytes)>,
) {
    if gate.is_denied(client.ip()) {
        media.counts.dropped_for(DENIED).inc();
        return;
    }
    if bytes.len() > frame::LONGEST {
        return media.counts.drop(Dropped::Foreign);
    }
    let passed = match books.flows.from_outside(now, client, bytes) {
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
    let frames = if passed.introduces && HEAD + bytes.len() <= most {
        let introduced = Frame::Introduced {
            flow: passed.flow,
            client,
            bytes,
        };
        [Some(framer.frame(introduced, bytes.len())), None]
    } else {
        framer.carry(passed.flow, bytes, most)
    };
    leaving.extend(
        frames
            .into_iter()
            .flatten()
            .map(|frame| (connection.clone(), frame)),
    );
}

/// Forgets flows that are silent, without end.
pub(crate) async fn sweep(running: Arc<Running>) {
    let mut pace = tokio::time::interval(SWEEP_EVERY);
    loop {
        pace.tick().await;
        let now = running.media.now();
        running.media.books().flows.sweep(now);
    }
}

/// A tunnel for media, until this is dropped.
struct Up {
    running: Arc<Running>,
    id: TunnelId,
}

impl Up {
    fn new(running: &Arc<Running>, connection: Connection) -> Self {
        let mut books = running.media.books();
        books.last += 1;
        let id = TunnelId(books.last);
        books.tunnels.insert(id, connection);
        Self {
            running: running.clone(),
            id,
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let mut books = self.running.media.books();
        books.tunnels.remove(&self.id);
        books.flows.down(self.id);
    }
}

/// Serves a node's connection for media until it is lost, or is to be closed.
///
/// # Errors
/// The connection is lost, or what was said is not of this protocol.
pub(crate) async fn serve(running: &Arc<Running>, connection: &Connection) -> anyhow::Result<Close> {
    let stream = tokio::time::timeout(BEGIN_WITHIN, connection.accept_bi()).await;
    let (mut say, hear) = stream.map_err(|_| quinn::ConnectionError::TimedOut)??;
    let media = &running.media;
    let place = wire::place(&media.reached, media.bounds.flows);
    let what = Some(media_from_controller::What::Place(place));
    wire::write(&mut say, &MediaFromController { what }).await?;
    let up = Up::new(running, connection.clone());
    tokio::select! {
        ended = listen(&up, hear) => ended,
        ended = inside(&up, connection) => ended,
    }
}

async fn listen(up: &Up, mut hear: RecvStream) -> anyhow::Result<Close> {
    loop {
        let said: MediaFromNode = wire::read(&mut hear, LONGEST).await?;
        // A newer version says more than we know.
        let Some(media_from_node::What::Names(names)) = said.what else {
            continue;
        };
        let mut books = up.running.media.books();
        for name in &names.begun {
            books.flows.begin(up.id, name);
        }
        for name in &names.ended {
            books.flows.end(up.id, name);
        }
        drop(books);
        up.running.media.told.notify_waiters();
    }
}

/// Gives what a node sends to its clients.
async fn inside(up: &Up, connection: &Connection) -> anyhow::Result<Close> {
    let media = &up.running.media;
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
            bytes += give(
                &mut books.flows,
                (now, up.id),
                &datagram,
                &mut joiner,
                &mut outbox,
            );
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
    flows: &mut Flows,
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
    let Some(client) = flows.from_inside(now, tunnel, flow, bytes) else {
        return 0;
    };
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
