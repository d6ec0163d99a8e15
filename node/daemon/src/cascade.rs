//! The links to other nodes that media goes over.

use crate::server::Server;
use plenary_cascade_io::{Cascade, Control, Event, Handle, MediaPacket, Priority, StreamId};
use plenary_media_io::{LinkEvent, Links};
use plenary_model::NodeId;
use std::{collections::BTreeMap, net::UdpSocket, sync::Arc};
use tokio::sync::{mpsc, watch};

/// Packets and messages that may wait for the media thread: what comes in 50 ms at 400 Mbit/s.
const WAITING: usize = 2_048;

/// What runs of the cascade.
pub(crate) struct Running {
    pub(crate) links: Cascade,
    /// To be told who is a member.
    pub(crate) members: watch::Sender<BTreeMap<NodeId, String>>,
}

struct OverLinks(Handle);

impl Links for OverLinks {
    fn send(&self, to: NodeId, stream: StreamId, priority: Priority, packet: MediaPacket) -> bool {
        self.0.send(to, stream, priority, packet)
    }

    fn tell(&self, to: NodeId, message: Control) -> bool {
        self.0.tell(to, message)
    }
}

/// Starts the links; gives also the media engine's end of them.
pub(crate) fn start(
    server: &Server,
    socket: UdpSocket,
) -> anyhow::Result<(Running, plenary_media_io::Cascade)> {
    socket.set_nonblocking(true)?;
    let (members, told) = watch::channel(BTreeMap::new());
    let (events, mut happened) = mpsc::channel(WAITING);
    let links = Cascade::start(socket, server.identity.clone(), told, events)?;
    let (to_engine, engine_events) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while let Some(event) = happened.recv().await {
            let event = match event {
                Event::Up(node) => LinkEvent::Up(node),
                Event::Down(node) => LinkEvent::Down(node),
                Event::Message(node, message) => LinkEvent::Message(node, message),
                Event::Packet(node, stream, packet) => LinkEvent::Packet(node, stream, packet),
            };
            if to_engine.send(event).await.is_err() {
                return;
            }
        }
    });
    let end = plenary_media_io::Cascade {
        links: Arc::new(OverLinks(links.handle())),
        events: engine_events,
    };
    Ok((Running { links, members }, end))
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
