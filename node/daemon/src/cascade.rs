//! The links to other nodes that media goes over.

use crate::server::Server;
use plenary_cascade_io::{
    Cascade, Control, Event, Handle, MediaPacket, PartnersHandle, Priority, StreamId, is_partner_link,
};
use plenary_identity::Identity;
use plenary_media_io::{LinkEvent, Links};
use plenary_model::NodeId;
use std::{
    collections::BTreeMap,
    net::UdpSocket,
    sync::{Arc, OnceLock},
};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc, watch,
};

/// Packets and messages that may wait for the media thread: what comes in 50 ms at 400 Mbit/s.
const WAITING: usize = 2_048;

/// What runs of the cascade.
pub(crate) struct Running {
    pub(crate) links: Cascade,
    /// To be told who is a member.
    pub(crate) members: watch::Sender<BTreeMap<NodeId, String>>,
    /// What happens on links, to the media engine.
    pub(crate) to_engine: mpsc::Sender<LinkEvent>,
    partners: Arc<OnceLock<PartnersHandle>>,
}

impl Running {
    /// Links to other servers are these from now on.
    pub(crate) fn meet(&self, partners: PartnersHandle) {
        self.partners.get_or_init(|| partners);
    }
}

struct OverLinks {
    nodes: Handle,
    /// Where this server meets with others.
    partners: Arc<OnceLock<PartnersHandle>>,
}

impl Links for OverLinks {
    fn send(&self, to: NodeId, stream: StreamId, priority: Priority, packet: MediaPacket) -> bool {
        if is_partner_link(to) {
            let partners = self.partners.get();
            return partners.is_some_and(|partners| partners.send(to, stream, priority, packet));
        }
        self.nodes.send(to, stream, priority, packet)
    }

    fn tell(&self, to: NodeId, message: Control) -> bool {
        if is_partner_link(to) {
            let partners = self.partners.get();
            return partners.is_some_and(|partners| partners.tell(to, message));
        }
        self.nodes.tell(to, message)
    }
}

/// Starts the links; gives also the media engine's end of them.
pub(crate) fn start(
    server: &Server,
    socket: UdpSocket,
) -> anyhow::Result<(Running, plenary_media_io::Cascade)> {
    let (running, end) = start_as(&server.identity, socket)?;
    tokio::spawn(doubt(server.links.ended(), running.links.handle()));
    Ok((running, end))
}

/// Where another connection to a node is gone, its link is to show that the node is there: its silence alone would be found
/// out later.
async fn doubt(mut ended: broadcast::Receiver<NodeId>, links: Handle) {
    loop {
        match ended.recv().await {
            Ok(node) => links.doubt(node),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// The same for the node that has this identity.
pub(crate) fn start_as(
    identity: &Identity,
    socket: UdpSocket,
) -> anyhow::Result<(Running, plenary_media_io::Cascade)> {
    socket.set_nonblocking(true)?;
    let (members, told) = watch::channel(BTreeMap::new());
    let (events, mut happened) = mpsc::channel(WAITING);
    let links = Cascade::start(socket, identity.clone(), told, events)?;
    let (to_engine, engine_events) = mpsc::channel(WAITING);
    let from_nodes = to_engine.clone();
    tokio::spawn(async move {
        while let Some(event) = happened.recv().await {
            let event = match event {
                Event::Up(node) => LinkEvent::Up(node),
                Event::Down(node) => LinkEvent::Down(node),
                Event::Message(node, message) => LinkEvent::Message(node, message),
                Event::Packet(node, stream, packet) => LinkEvent::Packet(node, stream, packet),
            };
            if from_nodes.send(event).await.is_err() {
                return;
            }
        }
    });
    let partners = Arc::new(OnceLock::new());
    let over = OverLinks {
        nodes: links.handle(),
        partners: partners.clone(),
    };
    let end = plenary_media_io::Cascade {
        me: identity.me().member,
        links: Arc::new(over),
        events: engine_events,
    };
    let running = Running {
        links,
        members,
        to_engine,
        partners,
    };
    Ok((running, end))
}

/// Tells the links who is a member of the server and where, until the task is dropped.
pub(crate) async fn tell_members(server: Arc<Server>, members: watch::Sender<BTreeMap<NodeId, String>>) {
    let mut status = server.replica.watch_status();
    loop {
        let now: BTreeMap<NodeId, String> = {
            let status = status.borrow_and_update();
            let address = |(id, known): (&u64, &plenary_replication::MemberStatus)| {
                (NodeId(*id), known.member.address.clone())
            };
            status.members.iter().map(address).collect()
        };
        members.send_if_modified(|known| {
            let changed = *known != now;
            *known = now;
            changed
        });
        if status.changed().await.is_err() {
            return;
        }
    }
}
