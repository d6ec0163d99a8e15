//! Media of clients outside: what goes through, what does not, and how it survives losses.

use crate::world::{Controller, LONG, PARIS, WEEK, World, endpoint};
use plenary_border::Service;
use plenary_border_client::{
    FromOutside, Target,
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
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    task::JoinHandle,
    time::timeout,
};

pub(crate) const SRTP: &[u8] = &[128, 1, 2, 3];
const BY_TCP: &[u8] = b"by TCP";
/// Nothing came within this.
const QUIET: Duration = Duration::from_millis(300);

pub(crate) fn message(kind: [u8; 2], number: u8) -> Vec<u8> {
    let mut message = vec![kind[0], kind[1], 0, 0, 0x21, 0x12, 0xA4, 0x42];
    message.extend([number; 12]);
    message
}

/// A binding request with a name of four letters.
pub(crate) fn asking(name: &str, number: u8) -> Vec<u8> {
    let mut message = message([0, 1], number);
    message.extend([0, 6, 0, 8]);
    message.extend(format!("{name}:ann").into_bytes());
    message
}

/// Says again what a client of media says by TCP, until that ends.
async fn repeat(client: FromOutside) {
    assert_eq!(client.service, Service::Media);
    let (mut hear, mut say) = tokio::io::split(client.stream);
    tokio::io::copy(&mut hear, &mut say).await.ok();
}

/// What came, and from whom.
type Seen = Arc<Mutex<Vec<(SocketAddr, Vec<u8>)>>>;

/// A node that answers every request as an ICE agent that believes it, and repeats media.
pub(crate) struct Node {
    seen: Seen,
    pub(crate) tunnel: Arc<MediaTunnel>,
    talk: MediaTalk,
    task: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Node {
    pub(crate) async fn dial(identity: &Identity, controller: &Controller, names: &[&str]) -> Self {
        let target = Target {
            name: "dmz-1".parse().unwrap(),
            member: NodeId(1),
            address: controller.tunnel,
        };
        let endpoint = endpoint();
        let (tunnel, mut talk) = eventually("the controller is there", LONG, async || {
            media::dial(&endpoint, identity, &target).await.ok()
        })
        .await;
        let names = names.iter().map(ToString::to_string).collect();
        talk.tell(names, Vec::new()).await.unwrap();
        let tunnel = Arc::new(tunnel);
        let seen = Seen::default();
        let (serving, noted, identity) = (tunnel.clone(), seen.clone(), identity.clone());
        let task = tokio::spawn(async move {
            let take = |come: Option<(SocketAddr, &[u8])>| {
                let Some((client, bytes)) = come else { return };
                noted.lock().unwrap().push((client, bytes.to_vec()));
                if bytes.starts_with(&[0, 1]) {
                    serving.send(client, &message([1, 1], bytes[8]));
                } else {
                    serving.send(client, bytes);
                }
            };
            let begin = |client: FromOutside| {
                noted.lock().unwrap().push((client.address, BY_TCP.to_vec()));
                tokio::spawn(repeat(client));
            };
            drop(serving.serve(&identity, take, begin).await);
        });
        Self {
            seen,
            tunnel,
            talk,
            task,
        }
    }

    pub(crate) fn saw(&self, client: SocketAddr, bytes: &[u8]) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.iter().any(|(from, what)| *from == client && what == bytes)
    }
}

struct Client {
    socket: UdpSocket,
    at: SocketAddr,
}

impl Client {
    async fn new(at: SocketAddr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self { socket, at }
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    async fn say(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.at).await.unwrap();
    }

    async fn hear(&self) -> Option<Vec<u8>> {
        let mut buffer = [0; 4_096];
        let heard = timeout(QUIET, self.socket.recv_from(&mut buffer)).await.ok()?;
        let (length, from) = heard.unwrap();
        assert_eq!(from, self.at, "answers come from where it was asked");
        Some(buffer[..length].to_vec())
    }

    /// Asks until it is answered, as ICE does.
    async fn connect(&self, name: &str, number: u8) {
        eventually("the node answers", LONG, async || {
            self.say(&asking(name, number)).await;
            (self.hear().await? == message([1, 1], number)).then_some(())
        })
        .await;
    }

    /// Whether this comes back.
    async fn echoes(&self, bytes: &[u8]) -> bool {
        self.say(bytes).await;
        while let Some(heard) = self.hear().await {
            if heard == bytes {
                return true;
            }
        }
        false
    }
}

async fn dropped(controller: &Controller, why: &str) -> f64 {
    controller
        .figure(&format!("plenary_border_media_dropped_total{{reason=\"{why}\"}}"))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn media_go_to_the_node_that_answered_and_back_whatever_their_size() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node(2));
    let controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let mut first = Node::dial(&one, &controller, &["anna"]).await;
    let second = Node::dial(&two, &controller, &["olav"]).await;
    assert_eq!(first.tunnel.reached().udp, [controller.media]);
    assert_eq!(first.tunnel.reached().tcp, [controller.web]);
    let (ann, bob) = (
        Client::new(controller.media).await,
        Client::new(controller.media).await,
    );
    ann.connect("anna", 1).await;
    bob.connect("olav", 2).await;
    assert!(first.saw(ann.address(), &asking("anna", 1)), "with its address");
    for length in [4, 200, 1_200, 1_450, 2_000] {
        let picture: Vec<u8> = std::iter::once(128)
            .chain((0..=255).cycle())
            .take(length)
            .collect();
        assert!(ann.echoes(&picture).await, "{length} bytes");
        assert!(first.saw(ann.address(), &picture) && !second.saw(ann.address(), &picture));
    }
    assert!(bob.echoes(SRTP).await);
    assert!(second.saw(bob.address(), SRTP) && !first.saw(bob.address(), SRTP));
    assert!(controller.figure("plenary_border_media_flows").await == 2.0);

    // A name that has ended lets nobody new in, and nobody out.
    first.talk.tell(Vec::new(), vec!["anna".into()]).await.unwrap();
    let eve = Client::new(controller.media).await;
    eventually("the name has ended", LONG, async || {
        eve.say(&asking("anna", 3)).await;
        (dropped(&controller, "unknown_name").await > 0.0).then_some(())
    })
    .await;
    assert!(ann.echoes(SRTP).await, "who is in goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_reach_no_node_and_are_sent_nothing() {
    let world = World::new();
    let one = world.node(1);
    let controller = Controller::enrolled(&world, &one, WEEK, "deny = ['127.0.0.9/32']").await;
    let node = Node::dial(&one, &controller, &["anna"]).await;
    let ann = Client::new(controller.media).await;
    ann.connect("anna", 1).await;
    let before = node.seen.lock().unwrap().len();
    let eve = Client::new(controller.media).await;
    for bytes in [
        SRTP,
        &asking("eve_", 1),
        &message([1, 1], 1),
        b"\xffgarbage",
        &[128; 3_000],
    ] {
        eve.say(bytes).await;
    }
    for why in ["no_flow", "unknown_name", "foreign"] {
        eventually(why, LONG, async || {
            (dropped(&controller, why).await > 0.0).then_some(())
        })
        .await;
    }
    assert_eq!(eve.hear().await, None, "strangers are told nothing");
    let denied = UdpSocket::bind("127.0.0.9:0").await.unwrap();
    denied
        .send_to(&asking("anna", 1), controller.media)
        .await
        .unwrap();
    eventually("denied", LONG, async || {
        (dropped(&controller, "denied").await > 0.0).then_some(())
    })
    .await;
    assert_eq!(node.seen.lock().unwrap().len(), before);
    assert!(ann.echoes(SRTP).await, "who meets notices nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_is_started_again_lets_clients_in_as_they_are() {
    let world = World::new();
    let one = world.node(1);
    let mut controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let ann = Client::new(controller.media).await;
    {
        let _node = Node::dial(&one, &controller, &["anna"]).await;
        ann.connect("anna", 1).await;
    }
    eventually("what went through a tunnel goes with it", LONG, async || {
        (controller.figure("plenary_border_media_flows").await == 0.0).then_some(())
    })
    .await;
    controller.process().kill().unwrap();
    controller.start(&["run"]);
    let _node = Node::dial(&one, &controller, &["anna"]).await;
    ann.connect("anna", 2).await;
    assert!(ann.echoes(SRTP).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_node_of_the_server_carries_no_media() {
    let world = World::new();
    let one = world.node(1);
    let controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let other = World::new();
    let stranger = other.node(1);
    let target = Target {
        name: "dmz-1".parse().unwrap(),
        member: NodeId(1),
        address: controller.tunnel,
    };
    media::dial(&endpoint(), &stranger, &target)
        .await
        .map(drop)
        .expect_err("of another enterprise");
    assert_eq!(
        controller.figure("plenary_border_media_tunnels").await,
        0.0,
        "{PARIS}"
    );
}

/// As media by TCP are written (RFC 4571).
fn framed(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn media_come_by_tcp_where_nothing_else_gets_out() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node(2));
    let controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let first = Node::dial(&one, &controller, &["anna"]).await;
    // A client may be faster than what the node says of it.
    let mut second = Node::dial(&two, &controller, &[]).await;
    let mut olav = TcpStream::connect(controller.web).await.unwrap();
    let from = olav.local_addr().unwrap();
    let whole = framed(&asking("olav", 1));
    let (begin, end) = whole.split_at(7);
    // The request comes in pieces, and media are behind it already.
    olav.write_all(begin).await.unwrap();
    olav.write_all(&[end, &framed(SRTP)].concat()).await.unwrap();
    second
        .talk
        .tell(vec!["olav".to_owned()], Vec::new())
        .await
        .unwrap();
    let mut heard = vec![0; whole.len() + 2 + SRTP.len()];
    timeout(LONG, olav.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, [whole, framed(SRTP)].concat());
    assert!(second.saw(from, BY_TCP) && !first.saw(from, BY_TCP));

    for stranger in [
        framed(&asking("eve_", 1)),
        framed(&message([1, 1], 1)),
        vec![0, 0],
    ] {
        let mut eve = TcpStream::connect(controller.web).await.unwrap();
        eve.write_all(&stranger).await.unwrap();
        let told = timeout(LONG, eve.read(&mut [0; 8])).await.unwrap();
        assert!(matches!(told, Ok(0) | Err(_)), "strangers are told nothing");
    }
    let refused = async |why: &str| {
        controller
            .figure(&format!("plenary_border_refused_total{{reason=\"{why}\"}}"))
            .await
    };
    assert_eq!(
        (refused("unknown_name").await, refused("bad_hello").await),
        (1.0, 2.0)
    );
    drop(second);
    eventually("who has gone is asked for no more", LONG, async || {
        let mut late = TcpStream::connect(controller.web).await.unwrap();
        late.write_all(&framed(&asking("olav", 2))).await.unwrap();
        let told = timeout(LONG, late.read(&mut [0; 8])).await.unwrap();
        matches!(told, Ok(0) | Err(_)).then_some(())
    })
    .await;
}
