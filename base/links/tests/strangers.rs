//! What the cluster port bears of those who are no nodes: few connections, for a short time.

use plenary_identity::{
    EnterpriseCa, Expected, Identity, JoinSecret, Joining, MACHINE_KEY_FILE, MachineKey, PeerIdentity,
    Program,
};
use plenary_links::{Arrivals, Bounds, Connection, Known, incoming};
use plenary_model::{NodeId, NodeName, ServerName};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, DuplexStream, duplex},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::transport::server::Connected as _;

const LONG: Duration = Duration::from_secs(20);

/// Whether a node's certificate was shown.
#[derive(Clone, Copy)]
struct IsNode(bool);

impl Known for IsNode {
    async fn is_known(&self) -> bool {
        self.0
    }
}

struct Port {
    address: SocketAddr,
    connections: ReceiverStream<io::Result<Connection<IsNode>>>,
    node: Identity,
    _folder: tempfile::TempDir,
}

fn server() -> ServerName {
    "paris.example.com".parse().expect("good")
}

fn node_name() -> NodeName {
    "node-1".parse().expect("good")
}

impl Port {
    async fn open(bounds: Bounds) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let root = EnterpriseCa::create(&folder.path().join("root"), &"Demo".parse().expect("good"));
        let ca = root
            .and_then(|root| root.certify(Program::Node, &server(), &[]))
            .expect("issuers");
        let home = folder.path().join("node");
        std::fs::create_dir_all(&home).expect("folder");
        let machine = MachineKey::open_or_create(&home.join(MACHINE_KEY_FILE)).expect("key");
        let node = Identity::create(&home, machine, ca, node_name(), NodeId(1)).expect("identity");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let tls = node.server_config(vec![Expected::node_of(&server())]);
        let identify =
            Arc::new(|connection: &rustls::ServerConnection| IsNode(PeerIdentity::of(connection).is_some()));
        Self {
            address,
            connections: incoming(listener, tls, identify, bounds),
            node,
            _folder: folder,
        }
    }

    async fn connect(&self, tls: Arc<rustls::ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
        let name = "node.plenary.internal".try_into().expect("a name");
        let socket = TcpStream::connect(self.address).await?;
        timeout(LONG, TlsConnector::from(tls).connect(name, socket)).await?
    }

    async fn stranger(&self) -> io::Result<TlsStream<TcpStream>> {
        let secret = JoinSecret::random().expect("random");
        let token = self.node.join_token("i".into(), secret, vec!["a:1".into()], 0);
        let joining = Joining::new(token, "node-2".parse().expect("good")).expect("key");
        self.connect(joining.client_config()).await
    }

    async fn a_node(&self) -> io::Result<TlsStream<TcpStream>> {
        self.connect(self.node.client_config(Expected::node_of(&server())))
            .await
    }

    async fn taken(&mut self) -> Connection<IsNode> {
        let next = timeout(LONG, self.connections.next()).await;
        next.expect("in time").expect("still accepting").expect("good")
    }
}

/// Waits until the other side has ended the connection.
async fn is_ended(mut stream: TlsStream<impl AsyncRead + AsyncWrite + Unpin>) -> bool {
    let mut buffer = [0; 16];
    timeout(LONG, stream.read(&mut buffer))
        .await
        .is_ok_and(|read| !matches!(read, Ok(1..)))
}

#[tokio::test]
async fn strangers_have_few_connections_and_nodes_as_many_as_they_like() {
    let bounds = Bounds {
        strangers: (2, 2),
        ..Bounds::default()
    };
    let mut port = Port::open(bounds).await;
    let _first = port.stranger().await.expect("the first");
    let _second = port.stranger().await.expect("the second");
    let served = (port.taken().await, port.taken().await);
    // The handshake itself succeeds: who it is shows only then.
    assert!(
        is_ended(port.stranger().await.expect("a handshake")).await,
        "one too many"
    );
    let node = port.a_node().await.expect("a node");
    let of_node = port.taken().await;
    drop(served);
    let _again = port.stranger().await.expect("there is a place again");
    port.taken().await;
    drop((node, of_node));
}

#[tokio::test]
async fn strangers_who_say_nothing_are_put_out_and_nodes_stay() {
    let bounds = Bounds {
        stranger_lifetime: Duration::from_millis(200),
        ..Bounds::default()
    };
    let mut port = Port::open(bounds).await;
    let mut buffer = [0; 16];
    let stranger = port.stranger().await.expect("a handshake");
    let mut served = port.taken().await;
    let ended = timeout(LONG, served.read(&mut buffer))
        .await
        .expect("ended in time");
    assert_eq!(ended.expect_err("put out").kind(), io::ErrorKind::TimedOut);
    drop(served);
    assert!(is_ended(stranger).await);

    let _node = port.a_node().await.expect("a handshake");
    let mut served = port.taken().await;
    let waited = timeout(Duration::from_millis(600), served.read(&mut buffer)).await;
    assert!(waited.is_err(), "a node may be silent: {waited:?}");
}

#[tokio::test]
async fn where_connections_are_counted_those_who_are_known_count_too() {
    let bounds = Bounds {
        connections: Some((8, 2)),
        ..Bounds::default()
    };
    let mut port = Port::open(bounds).await;
    let first = port.a_node().await.expect("a node");
    let served = port.taken().await;
    let _second = port.stranger().await.expect("somebody");
    let _of_second = port.taken().await;
    assert!(
        is_ended(port.a_node().await.expect("a handshake")).await,
        "one too many of this address"
    );
    drop((first, served));
    let _again = port.a_node().await.expect("a handshake");
    port.taken().await;
}

#[tokio::test]
async fn sockets_that_never_begin_do_not_keep_others_out() {
    let bounds = Bounds {
        handshakes: (8, 4),
        handshake_within: LONG,
        ..Bounds::default()
    };
    let mut port = Port::open(bounds).await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(port.address).await.expect("connected"));
    }
    // From another address of this machine: the flood has no more than its part.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.2:0".parse().expect("good")).expect("bound");
    let socket = socket.connect(port.address).await.expect("connected");
    let tls = port.node.client_config(Expected::node_of(&server()));
    let name = "node.plenary.internal".try_into().expect("a name");
    let met = timeout(
        Duration::from_secs(5),
        TlsConnector::from(tls).connect(name, socket),
    )
    .await;
    met.expect("while the flood lasts").expect("a handshake");
    port.taken().await;
}

/// Connections by no socket of this machine, each with the address that somebody else saw.
struct Handed(mpsc::Receiver<(DuplexStream, SocketAddr)>);

impl Arrivals for Handed {
    type Stream = DuplexStream;

    async fn arrive(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.recv().await {
            Some(arrived) => Ok(arrived),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn who_was_handed_over_counts_by_the_address_from_which_they_come() {
    let node = Port::open(Bounds::default()).await.node;
    let bounds = Bounds {
        connections: Some((8, 1)),
        ..Bounds::default()
    };
    let identify =
        Arc::new(|connection: &rustls::ServerConnection| IsNode(PeerIdentity::of(connection).is_some()));
    let expected = Expected::node_of(&server());
    let tls = node.server_config(vec![expected.clone()]);
    let (hand, handed) = mpsc::channel(4);
    let mut connections = incoming(Handed(handed), tls, identify, bounds);
    let come = async |from: &str| {
        let (near, far) = duplex(16 << 10);
        let from: SocketAddr = from.parse().expect("an address");
        hand.send((far, from)).await.expect("taken");
        let connector = TlsConnector::from(node.client_config(expected.clone()));
        let name = "node.plenary.internal".try_into().expect("a name");
        timeout(LONG, connector.connect(name, near))
            .await
            .expect("in time")
            .expect("a handshake")
    };
    let first = come("198.51.100.1:9").await;
    let served = timeout(LONG, connections.next()).await.expect("in time");
    let served = served.expect("still accepting").expect("good");
    assert_eq!(served.connect_info().address.to_string(), "198.51.100.1:9");
    assert!(is_ended(come("198.51.100.1:10").await).await, "its part is taken");
    let _other = come("198.51.100.2:9").await;
    let other = timeout(LONG, connections.next()).await.expect("in time");
    let other = other.expect("still accepting").expect("good");
    assert_eq!(other.connect_info().address.to_string(), "198.51.100.2:9");
    drop((first, served));
}
