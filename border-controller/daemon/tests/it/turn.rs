//! Clients that come by TURN over TLS, with a client of the protocol (`turn-client-proto`).

use crate::{
    media::{Node, SRTP, asking, message},
    world::{Controller, LONG, WEEK, World},
};
use plenary_border_client::turn::Turn;
use plenary_testkit::eventually;
use rustls_pki_types::CertificateDer;
use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use turn_client_proto::{
    api::{Transmit, TurnClientApi as _, TurnConfig, TurnRecvRet},
    tcp::TurnClientTcp,
    types::{Instant as Moment, TransportType, TurnCredentials},
};

const NAME: &str = "turn.example.com";
/// A client of the protocol looks again after this.
const PACE: Duration = Duration::from_millis(20);

/// The files of the certificate of TURN.
struct Papers {
    certificate: PathBuf,
    key: PathBuf,
}

impl Papers {
    fn new(world: &World) -> Self {
        Self {
            certificate: world.folder.path().join("turn.pem"),
            key: world.folder.path().join("turn.key"),
        }
    }

    /// A certificate, which clients trust.
    fn make(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
        fs::write(&self.key, made.signing_key.serialize_pem()).unwrap();
        fs::write(&self.certificate, made.cert.pem()).unwrap();
        made.cert.der().clone()
    }

    fn configuration(&self) -> String {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        format!("[turn]\nname = '{NAME}'\ncertificate = '{certificate}'\nkey = '{key}'\n")
    }
}

async fn dial(at: SocketAddr, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(at).await?;
    let name = NAME.try_into().unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// A client that has, or wants, a relayed address.
struct Client {
    stream: TlsStream<TcpStream>,
    ends: (SocketAddr, SocketAddr),
    turn: TurnClientTcp,
    began: Instant,
    heard: Vec<Vec<u8>>,
}

impl Client {
    fn new(stream: TlsStream<TcpStream>, (user, password): (String, String)) -> Self {
        let (socket, _) = stream.get_ref();
        let ends = (socket.local_addr().unwrap(), socket.peer_addr().unwrap());
        let config = TurnConfig::new(TurnCredentials::new(&user, &password));
        Self {
            turn: TurnClientTcp::allocate(ends.0, ends.1, config),
            stream,
            ends,
            began: Instant::now(),
            heard: Vec::new(),
        }
    }

    fn now(&self) -> Moment {
        Moment::from_nanos(i64::try_from(self.began.elapsed().as_nanos()).unwrap())
    }

    /// Says what it has to say, and hears what comes within a moment; `false`: the stream is over.
    async fn go_on(&mut self) -> bool {
        self.turn.poll(self.now());
        while let Some(sent) = self.turn.poll_transmit(self.now()) {
            if self.stream.write_all(sent.data.as_ref()).await.is_err() {
                return false;
            }
        }
        let mut buffer = vec![0; 4_096];
        let Ok(read) = timeout(PACE, self.stream.read(&mut buffer)).await else {
            return true;
        };
        let length = read.unwrap_or(0);
        buffer.truncate(length);
        let come = Transmit::new(buffer, TransportType::Tcp, self.ends.1, self.ends.0);
        let now = self.now();
        if let TurnRecvRet::PeerData(data) = self.turn.recv(come, now) {
            self.heard.push(data.data().to_vec());
        }
        while let Some(data) = self.turn.poll_recv(now) {
            self.heard.push(data.data().to_vec());
        }
        length > 0
    }

    fn relayed(&self) -> Option<SocketAddr> {
        let mut all = self.turn.relayed_addresses();
        all.next().map(|(_, address)| address)
    }

    async fn allocated(&mut self) -> SocketAddr {
        let deadline = Instant::now() + LONG;
        loop {
            assert!(self.go_on().await && Instant::now() < deadline, "no address");
            if let Some(address) = self.relayed() {
                return address;
            }
        }
    }

    async fn may_reach(&mut self, peer: SocketAddr) {
        let now = self.now();
        self.turn
            .create_permission(TransportType::Udp, peer.ip(), now)
            .unwrap();
        let deadline = Instant::now() + LONG;
        while !self.turn.have_permission(TransportType::Udp, peer.ip()) {
            assert!(self.go_on().await && Instant::now() < deadline, "no permission");
        }
    }

    async fn say(&mut self, to: SocketAddr, bytes: &[u8]) {
        let now = self.now();
        let sent = self
            .turn
            .send_to(TransportType::Udp, to, bytes.to_vec(), now)
            .unwrap();
        if let Some(sent) = sent {
            self.stream.write_all(&sent.build().data).await.unwrap();
        }
    }

    async fn hears(&mut self, bytes: &[u8]) {
        let deadline = Instant::now() + LONG;
        while !self.heard.iter().any(|heard| heard == bytes) {
            assert!(
                self.go_on().await && Instant::now() < deadline,
                "nothing comes back"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_come_by_turn_where_nothing_but_tls_gets_out() {
    let world = World::new();
    let one = world.node(1);
    let papers = Papers::new(&world);
    let trusted = papers.make();
    let controller = Controller::enrolled(&world, &one, WEEK, &papers.configuration()).await;
    let node = Node::dial(&one, &controller, &["anna"]).await;
    let offered: Turn = node.tunnel.reached().turn.clone().unwrap();
    assert_eq!(
        (offered.name.as_str(), offered.port),
        (NAME, controller.web.port())
    );

    let credentials = offered.credentials(SystemTime::now());
    let mut ann = Client::new(dial(controller.web, &trusted).await.unwrap(), credentials.clone());
    let relayed = ann.allocated().await;
    assert_eq!(relayed.ip(), controller.media.ip());
    ann.may_reach(controller.media).await;
    // Nothing goes in before the node has answered, as by UDP.
    ann.say(controller.media, SRTP).await;
    ann.say(controller.media, &asking("anna", 1)).await;
    ann.hears(&message([1, 1], 1)).await;
    assert!(node.saw(relayed, &asking("anna", 1)), "from its relayed address");
    assert!(!node.saw(relayed, SRTP));
    for length in [4, 1_200, 2_000] {
        let picture: Vec<u8> = std::iter::once(128)
            .chain((0..=255).cycle())
            .take(length)
            .collect();
        ann.say(controller.media, &picture).await;
        ann.hears(&picture).await;
    }
    assert_eq!(controller.figure("plenary_border_turn_allocations").await, 1.0);

    // Nobody else is reached by it.
    let elsewhere = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let there = elsewhere.local_addr().unwrap();
    ann.say(there, b"what is inside?").await;
    eventually("it goes nowhere", LONG, async || {
        (controller.figure("plenary_border_turn_elsewhere_total").await == 1.0).then_some(())
    })
    .await;
    let mut buffer = [0; 64];
    assert!(elsewhere.try_recv_from(&mut buffer).is_err());

    let mut eve = Client::new(
        dial(controller.web, &trusted).await.unwrap(),
        (credentials.0, "guessed".to_owned()),
    );
    let deadline = Instant::now() + LONG;
    while eve.go_on().await {
        assert!(eve.relayed().is_none() && Instant::now() < deadline);
    }
    assert_eq!(controller.figure("plenary_border_turn_refused_total").await, 1.0);
    drop(ann);
    eventually("the address is free again", LONG, async || {
        (controller.figure("plenary_border_turn_allocations").await == 0.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_turn_ends_the_connection() {
    let world = World::new();
    let one = world.node(1);
    let papers = Papers::new(&world);
    let trusted = papers.make();
    let controller = Controller::enrolled(&world, &one, WEEK, &papers.configuration()).await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0, 3, 0xff, 0xfc]] {
        let mut stream = dial(controller.web, &trusted).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let told = timeout(LONG, stream.read(&mut [0; 8])).await.unwrap();
        assert!(matches!(told, Ok(0) | Err(_)), "it is told nothing");
    }
    eventually("nobody is left", LONG, async || {
        (controller.figure("plenary_border_turn_clients").await == 0.0).then_some(())
    })
    .await;
}
