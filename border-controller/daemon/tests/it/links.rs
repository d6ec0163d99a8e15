//! Media of partners: to which node QUIC goes, and what strangers get.

use crate::world::{Controller, LONG, WEEK, World, endpoint};
use plenary_border::route::route_to;
use plenary_border_client::{
    Target,
    media::{self, MediaTalk, MediaTunnel},
};
use plenary_identity::Identity;
use plenary_model::NodeId;
use plenary_testkit::eventually;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::UdpSocket, task::JoinHandle, time::timeout};

const QUIET: Duration = Duration::from_millis(300);
/// What a node says back.
const ANSWER: &[u8] = &[0x40; 700];

/// The beginning of a connection (RFC 9000 §17.2.2), by what the partner calls it.
fn initial(id: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0xC0, 0, 0, 0, 1, u8::try_from(id.len()).unwrap()];
    datagram.extend(id);
    datagram.resize(1_200, 0);
    datagram
}

/// A packet of a connection of that node.
fn short(node: u64, number: u8) -> Vec<u8> {
    let id = route_to(NodeId(node), [number; 8]).unwrap();
    [&[0x40], &id[..], &[number; 40]].concat()
}

type Seen = Arc<Mutex<Vec<(SocketAddr, Vec<u8>)>>>;

/// A node that answers whatever comes.
struct Node {
    seen: Seen,
    tunnel: Arc<MediaTunnel>,
    talk: MediaTalk,
    task: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Node {
    async fn dial(identity: &Identity, controller: &Controller) -> Self {
        let target = Target {
            name: "dmz-1".parse().unwrap(),
            member: NodeId(1),
            address: controller.tunnel,
        };
        let endpoint = endpoint();
        let (tunnel, talk) = eventually("the controller is there", LONG, async || {
            media::dial_for_partners(&endpoint, identity, &target).await.ok()
        })
        .await;
        let (tunnel, seen) = (Arc::new(tunnel), Seen::default());
        let (serving, noted, identity) = (tunnel.clone(), seen.clone(), identity.clone());
        let task = tokio::spawn(async move {
            let take = |come: Option<(SocketAddr, &[u8])>| {
                let Some((partner, bytes)) = come else { return };
                noted.lock().unwrap().push((partner, bytes.to_vec()));
                serving.send(partner, ANSWER);
            };
            drop(serving.serve(&identity, take, drop).await);
        });
        Self {
            seen,
            tunnel,
            talk,
            task,
        }
    }

    fn saw(&self, partner: SocketAddr, bytes: &[u8]) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.iter().any(|(from, what)| *from == partner && what == bytes)
    }

    async fn sees(&self, partner: SocketAddr, bytes: &[u8]) {
        eventually("the node gets it", LONG, async || {
            self.saw(partner, bytes).then_some(())
        })
        .await;
    }
}

async fn partner() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

async fn hear(socket: &UdpSocket) -> Option<Vec<u8>> {
    let mut buffer = [0; 4_096];
    let (length, _) = timeout(QUIET, socket.recv_from(&mut buffer)).await.ok()?.unwrap();
    Some(buffer[..length].to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_reach_the_node_that_their_connection_is_with() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node(2));
    let controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let at = controller.federation;
    let mut nodes = [
        Node::dial(&one, &controller).await,
        Node::dial(&two, &controller).await,
    ];
    eventually("both are there", LONG, async || {
        (controller.figure("plenary_border_partners_tunnels").await == 2.0).then_some(())
    })
    .await;

    let (oslo, from) = partner().await;
    let beginning = initial(&[7; 8]);
    let taken = eventually("a node gets it", LONG, async || {
        oslo.send_to(&beginning, at).await.unwrap();
        hear(&oslo).await.filter(|told| told == ANSWER)?;
        nodes.iter().position(|node| node.saw(from, &beginning))
    })
    .await;
    let other = 1 - taken;
    let number = taken as u64 + 1;
    assert_eq!(
        controller.figure("plenary_border_partners_flows").await,
        0.0,
        "not yet"
    );
    let flow = nodes[taken].tunnel.flow_of(from).unwrap();
    nodes[taken].talk.prove(&[flow]).await.unwrap();
    eventually("it is up", LONG, async || {
        (controller.figure("plenary_border_partners_flows").await == 1.0).then_some(())
    })
    .await;
    oslo.send_to(&short(number, 1), at).await.unwrap();
    nodes[taken].sees(from, &short(number, 1)).await;
    assert!(
        !nodes[other].saw(from, &beginning),
        "one beginning goes to one node"
    );

    // From another address, as behind a router that forgot it: by what the packet calls its connection.
    let (moved, from) = partner().await;
    moved.send_to(&short(number, 2), at).await.unwrap();
    nodes[taken].sees(from, &short(number, 2)).await;

    // Whoever belongs to nobody reaches nobody.
    let (eve, from) = partner().await;
    for foreign in [
        vec![0x40; 60],
        vec![0xE0; 1_200],
        short(9, 3),
        vec![1; 10],
        initial(&[1; 3]),
    ] {
        eve.send_to(&foreign, at).await.unwrap();
    }
    eventually("they are dropped", LONG, async || {
        let why = "plenary_border_partners_dropped_total{reason=\"no_flow\"}";
        (controller.figure(why).await >= 3.0).then_some(())
    })
    .await;
    assert_eq!(hear(&eve).await, None);
    assert!(
        nodes
            .iter()
            .all(|node| node.seen.lock().unwrap().iter().all(|(who, _)| *who != from))
    );

    // With its node a link is gone, and the next one begins with the other.
    let seen = nodes[other].seen.clone();
    let [first, second] = nodes;
    drop(if taken == 0 { first } else { second });
    eventually("the other one gets it", LONG, async || {
        oslo.send_to(&initial(&[8; 8]), at).await.unwrap();
        hear(&oslo).await.filter(|told| told == ANSWER)?;
        let seen = seen.lock().unwrap();
        seen.iter()
            .any(|(_, what)| *what == initial(&[8; 8]))
            .then_some(())
    })
    .await;
}
