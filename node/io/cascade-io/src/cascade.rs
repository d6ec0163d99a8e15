//! Start, stop, and the handle that the rest of the node has.

use crate::{
    figures::Reading,
    peers::{self, Ground, Routes},
    tls,
};
use plenary_cascade::{Control, MediaPacket, Priority, StreamId};
use plenary_identity::Identity;
use plenary_model::NodeId;
use std::{
    collections::BTreeMap,
    fmt, io,
    net::{SocketAddr, UdpSocket},
    sync::Arc,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

/// What the kernel is asked to keep for us in each direction. It gives what it may.
const KERNEL_BUFFER: usize = 4 << 20;

/// What happens on the links, for each node in order: `Up`, messages and packets, `Down`.
#[derive(Debug)]
pub enum Event {
    /// There is a connection to a node. Nothing of an earlier one counts any more.
    Up(NodeId),
    /// It is lost, or replaced: then `Up` follows.
    Down(NodeId),
    /// It is within bounds ([`Control::check`]).
    Message(NodeId, Control),
    /// Given out in order of arrival, each once.
    Packet(NodeId, StreamId, MediaPacket),
}

/// Why the cascade does not start.
#[derive(Debug, thiserror::Error)]
pub enum CascadeError {
    #[error("the cascade's socket cannot be used")]
    Socket(#[from] io::Error),
    #[error("the TLS configuration has no suite that QUIC can begin with")]
    Tls,
}

/// The links to all other nodes. Ends when it is dropped; [`Cascade::stop`] also says goodbye.
pub struct Cascade {
    handle: Handle,
    local: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Cascade {
    /// Starts on this socket, in the runtime of the caller, as the program that `identity` is. `members` are the nodes
    /// of the server with their `host:port`; this node may be among them. New certificates of `identity` are shown from
    /// the next connection on, and connections of who is revoked end at once.
    ///
    /// A consumer that does not take its events loses packets (counted), and in the end holds up the links.
    ///
    /// # Errors
    /// When the socket cannot be used.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(
        socket: UdpSocket,
        identity: Identity,
        members: watch::Receiver<BTreeMap<NodeId, String>>,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, CascadeError> {
        enlarge_buffers(&socket);
        let me = identity.me().member;
        let endpoint = quinn::Endpoint::new(
            quinn::EndpointConfig::default(),
            Some(tls::server(&identity)?),
            socket,
            Arc::new(quinn::TokioRuntime),
        )?;
        let local = endpoint.local_addr()?;
        let routes = Arc::new(Routes::default());
        let ground = Ground {
            endpoint,
            identity,
            me,
            events,
            routes: routes.clone(),
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(peers::run(Arc::new(ground), members, stopped));
        Ok(Self {
            handle: Handle(routes),
            local,
            stop,
            task,
        })
    }

    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where it listens.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Closes all connections, so that the others know at once.
    pub async fn stop(self) {
        // An error means that the task has ended already.
        self.stop.send(()).ok();
        drop(self.task.await);
    }
}

impl fmt::Debug for Cascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cascade")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

pub(crate) fn enlarge_buffers(socket: &UdpSocket) {
    let enlarged = quinn_udp::UdpSocketState::new(socket.into()).and_then(|state| {
        state.set_recv_buffer_size(socket.into(), KERNEL_BUFFER)?;
        state.set_send_buffer_size(socket.into(), KERNEL_BUFFER)
    });
    if let Err(error) = enlarged {
        tracing::warn!(%error, "the cascade's socket keeps the buffers that the system gives");
    }
}

/// Sends to other nodes. Cheap to clone, never blocks, from any thread.
#[derive(Clone)]
pub struct Handle(Arc<Routes>);

impl Handle {
    /// A packet goes to a node; its payload is shared, not copied, until it is encrypted. `false` if it certainly does
    /// not arrive, because there is no connection or too much waits.
    pub fn send(&self, to: NodeId, stream: StreamId, priority: Priority, packet: MediaPacket) -> bool {
        let outbox = self.0.outbox(to);
        outbox.is_some_and(|outbox| outbox.send(stream, priority, packet))
    }

    /// A message goes to a node, in order and repeated until it arrives, or of [`Control::Levels`] the newest. `false`
    /// if there is no connection, or the message is out of bounds ([`Control::check`]). [`Control::Stats`] are told by
    /// the link itself.
    pub fn tell(&self, to: NodeId, message: Control) -> bool {
        let outbox = self.0.outbox(to);
        let good = message.check().is_ok() && !matches!(message, Control::Stats(_));
        outbox.is_some_and(|outbox| good && outbox.tell(message))
    }

    /// There is reason to believe that a node is gone: its link ends soon unless something is heard of it.
    pub fn doubt(&self, node: NodeId) {
        if let Some(outbox) = self.0.outbox(node) {
            outbox.doubt();
        }
    }

    /// What was counted for each member.
    pub fn figures(&self) -> BTreeMap<NodeId, Reading> {
        let outboxes = self.0.outboxes().into_iter();
        outboxes
            .map(|(node, outbox)| (node, outbox.figures.read()))
            .collect()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle(cascade)")
    }
}
