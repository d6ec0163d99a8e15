//! Links to servers of other enterprises: who may be at their other end, and the handle that the rest of the node has.
//!
//! ```text
//!  dialler ── QUIC, certificates ──► door          anybody gets through the handshake
//!    checks: is it the wanted domain?
//!          ── {server, wanted} ────►  checks: may it speak for `server`? am I `wanted`? do we meet?
//!          ◄── {ok}, or closed with a code and a sentence
//!          ◄══ control streams and datagrams as between nodes ══►
//! ```
//! Who has people in a conference of another server dials it, once for each domain and node. Who is dialled has a link of
//! its own for each connection. Rooms are called `key@domain` on the way: a link that was dialled is about rooms of that
//! domain only, one that was accepted about rooms of this server only, which are called `key` here.

mod bounds;
mod cap;
mod dial;
mod doors;
mod hello;
mod names;
mod partner;
mod route;
mod table;
mod ways;

use crate::{
    cascade::{CascadeError, Event, enlarge_buffers},
    doors::Close,
    figures::Reading,
    tls,
};
pub use bounds::Bounds;
use cap::Caps;
use dial::Attended;
pub use dial::Attending;
use futures::future::BoxFuture;
use names::Names;
use plenary_cascade::{Control, MediaPacket, Priority, StreamId};
use plenary_identity::PartnerTls;
use plenary_model::{NodeId, ServerName};
use quinn::Runtime as _;
use std::{
    collections::BTreeMap,
    fmt,
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};
use table::Table;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use ways::Crossroads;
pub use ways::{Carrier, Way, Ways};

/// How long closing words may take to leave.
const FAREWELL: Duration = Duration::from_millis(500);

/// With whom this server meets, and where they are.
pub trait Circle: Send + Sync + 'static {
    /// Whether a server may be met and how much all links of this node with it carry, now and from when on that is another. Where
    /// nobody tells any more, what was told last holds.
    /// Whoever tells the same again has the certificates of those who are there looked at anew.
    fn meets<'a>(&'a self, server: &'a ServerName) -> BoxFuture<'a, watch::Receiver<Option<Bounds>>>;

    /// Where a server may be, in the order in which it is to be tried.
    ///
    /// # Errors
    /// A sentence for administrators.
    fn way<'a>(&'a self, server: &'a ServerName) -> BoxFuture<'a, Result<Vec<SocketAddr>, String>>;
}

/// On which side of a link the other server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// We dialled: the rooms are theirs.
    Home,
    /// They dialled: the rooms are ours.
    Guest,
}

/// What the links to one server counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartnersReading {
    /// Links that are up.
    pub links: u64,
    /// Of all links, those that are over too; gauges of those that are up: the longest round trip, the largest
    /// datagram, the sum of the others.
    pub all: Reading,
}

/// What all tasks share.
pub(crate) struct Hall {
    endpoint: quinn::Endpoint,
    me: ServerName,
    tls: PartnerTls,
    client: quinn::ClientConfig,
    circle: Arc<dyn Circle>,
    events: mpsc::Sender<Event>,
    table: Table,
    ways: Ways,
    caps: Caps,
    attended: Attended,
    stopping: watch::Sender<bool>,
    runtime: tokio::runtime::Handle,
}

/// The links to other servers. Ends when it is dropped; [`Partners::stop`] also says goodbye.
pub struct Partners {
    handle: PartnersHandle,
    local: SocketAddr,
    doors: JoinHandle<()>,
}

impl Partners {
    /// Starts on this socket, in the runtime of the caller, as this node of the server `me`. What `events` tell of links is as
    /// between nodes; [`PartnersHandle::who`] says whose they are.
    ///
    /// # Errors
    /// When the socket cannot be used.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(
        me: ServerName,
        node: NodeId,
        socket: UdpSocket,
        tls: PartnerTls,
        circle: Arc<dyn Circle>,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, CascadeError> {
        enlarge_buffers(&socket);
        let runtime = Arc::new(quinn::TokioRuntime);
        let (crossroads, ways) = Crossroads::new(runtime.wrap_udp_socket(socket)?);
        let endpoint = quinn::Endpoint::new_with_abstract_socket(
            route::config(node),
            Some(tls::partner_server(&tls)?),
            crossroads,
            runtime,
        )?;
        let local = endpoint.local_addr()?;
        let hall = Arc::new(Hall {
            endpoint,
            me,
            client: tls::partner_client(&tls)?,
            tls,
            circle,
            events,
            table: Table::default(),
            ways,
            caps: Caps::default(),
            attended: Attended::default(),
            stopping: watch::Sender::new(false),
            runtime: tokio::runtime::Handle::current(),
        });
        let doors = tokio::spawn(doors::accept(hall.clone()));
        let handle = PartnersHandle(hall);
        Ok(Self { handle, local, doors })
    }

    pub fn handle(&self) -> PartnersHandle {
        self.handle.clone()
    }

    /// Where it listens.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Closes all connections, so that the others know at once.
    pub async fn stop(&self) {
        let hall = &self.handle.0;
        hall.stopping.send_replace(true);
        let quiet = hall.table.wait_empty();
        // Where nobody takes what they tell, they end without telling it.
        drop(tokio::time::timeout(FAREWELL, quiet).await);
        hall.endpoint
            .close(quinn::VarInt::from_u32(Close::Stopping as u32), b"");
        drop(tokio::time::timeout(FAREWELL, hall.endpoint.wait_idle()).await);
    }
}

impl Drop for Partners {
    fn drop(&mut self) {
        self.doors.abort();
        self.handle.0.stopping.send_replace(true);
    }
}

impl fmt::Debug for Partners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partners")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

/// Sends to other servers. Cheap to clone, never blocks, from any thread.
#[derive(Clone)]
pub struct PartnersHandle(Arc<Hall>);

impl PartnersHandle {
    /// As [`crate::Handle::send`].
    pub fn send(&self, link: NodeId, stream: StreamId, priority: Priority, packet: MediaPacket) -> bool {
        let known = self.0.table.link(link);
        known.is_some_and(|known| known.outbox.send(stream, priority, packet))
    }

    /// As [`crate::Handle::tell`]; also `false` for a room that the link is not about.
    pub fn tell(&self, link: NodeId, mut message: Control) -> bool {
        let Some(known) = self.0.table.link(link) else {
            return false;
        };
        let names = Names::new(known.side, &self.0.me, &known.server);
        let good =
            names.give(&mut message) && message.check().is_ok() && !matches!(message, Control::Stats(_));
        good && known.outbox.tell(message)
    }

    /// Who is at the other end of a link, from before it is told to be up until after it is told to be down.
    pub fn who(&self, link: NodeId) -> Option<(ServerName, Side)> {
        let known = self.0.table.link(link)?;
        Some((known.server.clone(), known.side))
    }

    /// Keeps a link with the server of a conference that people of this node attend, as long as what this gives is held:
    /// it is dialled again whenever it ends. All who hold one for a server share the link.
    pub fn attend(&self, server: &ServerName) -> Attending {
        dial::attend(&self.0, server)
    }

    /// Other ways than the socket by which partners come.
    pub fn ways(&self) -> &Ways {
        &self.0.ways
    }

    /// There is reason to believe that a node of a server is gone: of the links with it those end soon of which nothing
    /// is heard.
    pub fn doubt(&self, server: &ServerName) {
        for known in self.0.table.links_of(server) {
            known.outbox.doubt();
        }
    }

    /// What was counted for each server.
    pub fn figures(&self) -> BTreeMap<ServerName, PartnersReading> {
        self.0.table.figures()
    }
}

impl fmt::Debug for PartnersHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartnersHandle")
    }
}
