//! Servers of different enterprises over real sockets with certificates of their own: who gets through, and who does not.

use futures::future::BoxFuture;
use plenary_cascade::{Layer, Participant, Room, Track, TrackKind};
use plenary_cascade_io::{
    Bounds, Carrier, Circle, Control, Event, MediaPacket, Partners, PartnersReading, Priority, Side, StreamId,
};
use plenary_identity::{
    Authorities, EnterpriseCa, Identity, MACHINE_KEY_FILE, MachineKey, PartnerTls, Program, WebTls,
};
use plenary_model::{NodeId, ServerName};
use quinn::{ApplicationClose, Connection, ConnectionError, Endpoint, crypto::rustls::QuicClientConfig};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

const LONG: Duration = Duration::from_secs(30);
const PARIS: &str = "paris.example.com";
const OSLO: &str = "oslo.example.net";
const BERGEN: &str = "bergen.example.net";
const ALPN: &[u8] = b"plenary-federation-media/1";

/// A server's certificate, and the authority behind it.
struct Papers {
    name: ServerName,
    web: WebTls,
    root: rustls_pki_types::CertificateDer<'static>,
    _folder: tempfile::TempDir,
}

impl Papers {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let me: ServerName = name.parse().expect("a name");
        let root = EnterpriseCa::create(&folder.path().join("root"), &"Demo".parse().expect("good"));
        let ca = root
            .expect("a root")
            .certify(Program::Node, &me, &[])
            .expect("issuers");
        let home = folder.path().join("node");
        std::fs::create_dir_all(&home).expect("a folder");
        let machine = MachineKey::open_or_create(&home.join(MACHINE_KEY_FILE)).expect("a key");
        let identity = Identity::create(&home, machine, ca, "node-1".parse().expect("good"), NodeId(1))
            .expect("an identity");
        Self {
            name: me,
            web: identity
                .web(&[name.parse().expect("good")])
                .expect("a certificate"),
            root: identity.root_der().clone(),
            _folder: folder,
        }
    }

    /// A certificate of a public authority that ended long ago.
    fn expired(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().expect("a key");
        let root = ca.self_signed(&ca_key).expect("signed").der().clone();
        let mut leaf = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let leaf_key = KeyPair::generate().expect("a key");
        let signed = leaf
            .signed_by(&leaf_key, &Issuer::new(ca, ca_key))
            .expect("signed");
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        std::fs::write(&chain, signed.pem()).expect("written");
        std::fs::write(&key, leaf_key.serialize_pem()).expect("written");
        Self {
            name: name.parse().expect("a name"),
            web: WebTls::from_files(&chain, &key).expect("read"),
            root,
            _folder: folder,
        }
    }

    /// Trusting these.
    fn tls(&self, trusted: &[&Self]) -> PartnerTls {
        let roots = trusted.iter().map(|papers| papers.root.clone());
        self.web.partners(Authorities::new(roots))
    }
}

/// Whom a server meets, and where they are.
struct Town {
    met: watch::Sender<Option<Bounds>>,
    ways: Mutex<BTreeMap<ServerName, Vec<SocketAddr>>>,
}

impl Circle for Town {
    fn meets<'a>(&'a self, _: &'a ServerName) -> BoxFuture<'a, watch::Receiver<Option<Bounds>>> {
        Box::pin(async { self.met.subscribe() })
    }

    fn way<'a>(&'a self, server: &'a ServerName) -> BoxFuture<'a, Result<Vec<SocketAddr>, String>> {
        let way = self.ways.lock().expect("whole").get(server).cloned();
        Box::pin(async move { way.ok_or_else(|| format!("{server} is nowhere")) })
    }
}

struct Server {
    name: ServerName,
    partners: Partners,
    town: Arc<Town>,
    events: mpsc::Receiver<Event>,
}

impl Server {
    fn start(papers: &Papers, trusted: &[&Papers]) -> Self {
        let town = Arc::new(Town {
            met: watch::Sender::new(Some(Bounds::default())),
            ways: Mutex::default(),
        });
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let (events, taken) = mpsc::channel(20_000);
        let tls = papers.tls(trusted);
        let partners = Partners::start(papers.name.clone(), NodeId(1), socket, tls, town.clone(), events)
            .expect("started");
        Self {
            name: papers.name.clone(),
            partners,
            town,
            events: taken,
        }
    }

    fn knows(&self, name: &ServerName, addresses: &[SocketAddr]) {
        let mut ways = self.town.ways.lock().expect("whole");
        ways.insert(name.clone(), addresses.to_vec());
    }

    /// The next event that is not statistics.
    async fn next(&mut self) -> Event {
        let next = timeout(LONG, async {
            loop {
                match self.events.recv().await.expect("runs") {
                    Event::Message(_, Control::Stats(_)) => {}
                    event => return event,
                }
            }
        });
        next.await.expect("in time")
    }

    async fn up(&mut self) -> NodeId {
        match self.next().await {
            Event::Up(link) => link,
            other => panic!("{other:?}"),
        }
    }

    fn figures(&self, of: &ServerName) -> PartnersReading {
        let figures = self.partners.handle().figures();
        figures.get(of).copied().unwrap_or_default()
    }
}

/// Oslo, whose people are guests of Paris.
fn two() -> (Server, Server) {
    let (paris, oslo) = (Papers::of(PARIS), Papers::of(OSLO));
    let home = Server::start(&paris, &[&oslo]);
    let guest = Server::start(&oslo, &[&paris]);
    guest.knows(&home.name, &[home.partners.local()]);
    (home, guest)
}

fn interest(name: &str) -> Control {
    let room = Room(name.to_owned());
    Control::Interest { room }
}

fn packet(seq: u64, bytes: usize) -> MediaPacket {
    MediaPacket {
        seq,
        timestamp: seq as u32,
        marker: true,
        audio_level: Some((17, true)),
        orientation: None,
        payload: vec![seq as u8; bytes].into(),
    }
}

/// Somebody who speaks QUIC, and for whom these papers are.
struct Raw {
    endpoint: Endpoint,
    client: quinn::ClientConfig,
}

impl Raw {
    fn new(papers: &Papers) -> Self {
        let endpoint = Endpoint::client("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let tls = papers.tls(&[]).client_config_for(ALPN);
        let crypto = QuicClientConfig::try_from(tls).expect("TLS 1.3");
        let client = quinn::ClientConfig::new(Arc::new(crypto));
        Self { endpoint, client }
    }

    async fn dial(&self, server: &Server) -> Connection {
        let connecting =
            self.endpoint
                .connect_with(self.client.clone(), server.partners.local(), server.name.as_str());
        connecting.expect("fit").await.expect("a handshake")
    }

    /// Says these words first.
    async fn say(&self, server: &Server, words: &[u8]) -> Connection {
        let connection = self.dial(server).await;
        let mut stream = connection.open_uni().await.expect("a stream");
        stream.write_all(words).await.expect("written");
        stream.finish().expect("open");
        // What was written arrives before what may follow.
        drop(stream);
        connection
    }
}

fn hello(server: &str, wanted: &str) -> Vec<u8> {
    let words = BTreeMap::from([("server", server), ("wanted", wanted)]);
    rmp_serde::to_vec_named(&words).expect("written")
}

/// With which code, and which words, the other end closes.
async fn closed(connection: &Connection) -> (u64, String) {
    let reason = timeout(LONG, connection.closed()).await.expect("in time");
    match reason {
        ConnectionError::ApplicationClosed(ApplicationClose { error_code, reason }) => {
            let words = String::from_utf8_lossy(&reason).into_owned();
            (error_code.into_inner(), words)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_have_the_homes_domain_on_the_way_and_packets_cross() {
    let (mut home, mut guest) = two();
    let attending = guest.partners.handle().attend(&home.name);
    let again = guest.partners.handle().attend(&home.name);
    assert_eq!(attending.link(), again.link(), "one link for all");
    let (there, here) = (guest.up().await, home.up().await);
    assert_eq!(there, attending.link());
    let who = guest.partners.handle().who(there);
    assert_eq!(who, Some((home.name.clone(), Side::Home)));
    let who = home.partners.handle().who(here);
    assert_eq!(who, Some((guest.name.clone(), Side::Guest)));

    let said = "review@paris.example.com";
    assert!(guest.partners.handle().tell(there, interest(said)));
    let heard = home.next().await;
    assert!(
        matches!(&heard, Event::Message(link, told) if *link == here && *told == interest("review")),
        "{heard:?}"
    );
    let track = |room: &str| Track {
        room: Room(room.to_owned()),
        participant: Participant(7),
        kind: TrackKind::Video,
    };
    let layers = vec![Layer {
        stream: StreamId(5),
        layer: 0,
        format: "VP8/90000".into(),
        height: 180,
        kbps: 200,
    }];
    let publish = |room: &str| Control::Publish {
        track: track(room),
        layers: layers.clone(),
    };
    assert!(home.partners.handle().tell(here, publish("review")));
    let heard = guest.next().await;
    assert!(
        matches!(&heard, Event::Message(_, told) if *told == publish(said)),
        "{heard:?}"
    );
    // Rooms that the link is not about are not spoken of.
    for room in ["review", "review@oslo.example.net", "review@bergen.example.net"] {
        assert!(!guest.partners.handle().tell(there, interest(room)), "{room}");
    }
    assert!(
        !home
            .partners
            .handle()
            .tell(here, interest("review@bergen.example.net"))
    );

    let sender = home.partners.handle();
    let sending = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        for seq in 0.. {
            tick.tick().await;
            sender.send(here, StreamId(5), Priority::Video, packet(seq, 1_000));
        }
    });
    let mut seen = BTreeSet::new();
    while seen.len() < 200 {
        match guest.next().await {
            Event::Packet(link, StreamId(5), came) if link == there => {
                assert_eq!(came, packet(came.seq, 1_000));
                assert!(seen.insert(came.seq), "{} came twice", came.seq);
            }
            other => panic!("{other:?}"),
        }
    }
    sending.abort();
    // Counted a moment after they came.
    let counted = async {
        loop {
            let figures = guest.figures(&home.name);
            if figures.links == 1 && figures.all.received >= 200 && figures.all.rtt_us > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, counted).await.expect("in time");
    drop(attending);
    assert!(
        guest.partners.handle().who(there).is_some(),
        "somebody holds it still"
    );
    drop(again);
    // Packets that were on their way come first.
    while !matches!(guest.next().await, Event::Down(link) if link == there) {}
    while !matches!(home.next().await, Event::Down(link) if link == here) {}
    let figures = home.figures(&guest.name);
    assert!(figures.links == 0 && figures.all.sent >= 200, "{figures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_prove_who_they_are_is_told_why_and_gets_no_further() {
    let (paris, oslo, bergen) = (Papers::of(PARIS), Papers::of(OSLO), Papers::of(BERGEN));
    let old = Papers::expired(OSLO);
    let mut home = Server::start(&paris, &[&paris, &oslo, &old]);
    for (papers, words, code, said) in [
        (
            &oslo,
            hello(BERGEN, PARIS),
            7,
            "is for oslo.example.net, not for bergen.example.net",
        ),
        (&bergen, hello(BERGEN, PARIS), 7, "does not trust"),
        (&old, hello(OSLO, PARIS), 7, "expired"),
        (&oslo, hello(OSLO, BERGEN), 6, "another server"),
        (&paris, hello(PARIS, PARIS), 8, "does not meet"),
        (&oslo, b"what?".to_vec(), 5, "cannot be read"),
        (&oslo, hello("no name!", PARIS), 5, "cannot be read"),
        (&oslo, vec![0x81; 4_000], 5, "cannot be read"),
    ] {
        let raw = Raw::new(papers);
        let connection = raw.say(&home, &words).await;
        let (was, told) = closed(&connection).await;
        assert_eq!(was, code, "{told}");
        assert!(told.contains(said), "{told}");
    }
    home.town.met.send_replace(None);
    let raw = Raw::new(&oslo);
    let connection = raw.say(&home, &hello(OSLO, PARIS)).await;
    assert_eq!(
        closed(&connection).await.0,
        8,
        "with whom this server does not meet"
    );
    home.town.met.send_replace(Some(Bounds::default()));
    let connection = raw.say(&home, &hello(OSLO, PARIS)).await;
    let mut answer = connection.accept_uni().await.expect("an answer");
    let answer = answer.read_to_end(1_024).await.expect("whole");
    assert!(!answer.is_empty());
    connection.close(0_u8.into(), b"");
    assert!(home.events.try_recv().is_err(), "nobody got through");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_dials_says_nothing_to_somebody_else() {
    let (paris, oslo) = (Papers::of(PARIS), Papers::of(OSLO));
    // Whoever may write the zone of bergen leads us to oslo.
    let tls = oslo.tls(&[]).server_config_for(ALPN);
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(tls).expect("TLS 1.3");
    let config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let trap = Endpoint::server(config, "127.0.0.1:0".parse().expect("an address")).expect("a port");
    let guest = Server::start(&paris, &[&oslo]);
    let bergen: ServerName = BERGEN.parse().expect("a name");
    guest.knows(&bergen, &[trap.local_addr().expect("bound")]);
    let _attending = guest.partners.handle().attend(&bergen);
    let incoming = timeout(LONG, trap.accept())
        .await
        .expect("in time")
        .expect("it dials");
    let connection = incoming.await.expect("a handshake");
    let heard = timeout(LONG, connection.accept_uni()).await.expect("in time");
    assert!(heard.is_err(), "no word");
    let (code, words) = closed(&connection).await;
    assert_eq!(code, 7);
    assert!(words.contains("not for bergen.example.net"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_end_when_servers_do_not_meet_any_more_and_come_back() {
    let (mut home, mut guest) = two();
    let _attending = guest.partners.handle().attend(&home.name);
    let (there, here) = (guest.up().await, home.up().await);
    home.town.met.send_replace(None);
    assert!(matches!(home.next().await, Event::Down(link) if link == here));
    assert!(matches!(guest.next().await, Event::Down(link) if link == there));
    home.town.met.send_replace(Some(Bounds::default()));
    assert_eq!(guest.up().await, there, "whoever dials keeps its number");
    let again = home.up().await;
    assert_ne!(again, here, "whoever is dialled gives a new one");
    guest.town.met.send_replace(None);
    assert!(matches!(guest.next().await, Event::Down(link) if link == there));
    assert!(matches!(home.next().await, Event::Down(link) if link == again));
    guest.town.met.send_replace(Some(Bounds::default()));
    guest.up().await;
    let last = home.up().await;
    home.partners.stop().await;
    assert!(matches!(guest.next().await, Event::Down(link) if link == there));
    assert!(matches!(home.events.recv().await, Some(Event::Down(link)) if link == last));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_first_address_is_dead_the_next_one_answers() {
    let (mut home, mut guest) = two();
    // Bound, and silent.
    let dead = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let addresses = [dead.local_addr().expect("bound"), home.partners.local()];
    guest.knows(&home.name, &addresses);
    let _attending = guest.partners.handle().attend(&home.name);
    guest.up().await;
    home.up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_handshakes_leaves_room_for_others() {
    let (mut home, mut guest) = two();
    let stranger = Papers::of(BERGEN);
    let target = home.partners.local();
    // They shake hands and say nothing: from one address no more than 16 at a time get so far.
    let flood: Vec<_> = (0..60)
        .map(|_| {
            let raw = Raw::new(&stranger);
            tokio::spawn(async move {
                let connecting = raw.endpoint.connect_with(raw.client.clone(), target, PARIS);
                let shaken = timeout(Duration::from_secs(2), connecting.expect("fit")).await;
                let connection = shaken.ok().and_then(Result::ok);
                // Kept until the other end has had enough.
                if let Some(connection) = &connection {
                    connection.closed().await;
                }
                connection.is_some()
            })
        })
        .collect();
    let started = Instant::now();
    let _attending = guest.partners.handle().attend(&home.name);
    guest.up().await;
    home.up().await;
    assert!(started.elapsed() < LONG);
    let mut through = 0;
    for one in flood {
        through += usize::from(timeout(LONG, one).await.expect("in time").expect("no panic"));
    }
    assert!((1..=32).contains(&through), "{through}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_talks_too_much_is_put_out_and_other_rooms_are_not_heard_of() {
    let (paris, oslo) = (Papers::of(PARIS), Papers::of(OSLO));
    let mut home = Server::start(&paris, &[&oslo]);
    let raw = Raw::new(&oslo);
    let connection = raw.say(&home, &hello(OSLO, PARIS)).await;
    connection.accept_uni().await.expect("the answer");
    let mut control = connection.open_uni().await.expect("a stream");
    control.write_all(&[1]).await.expect("written");
    let link = home.up().await;
    let frame = |message: &Control| {
        let bytes = rmp_serde::to_vec_named(message).expect("written");
        let length = u32::try_from(bytes.len()).expect("short");
        [&length.to_be_bytes()[..], &bytes].concat()
    };
    for room in [
        "review",
        "review@bergen.example.net",
        "x@oslo.example.net@paris.example.com",
    ] {
        control.write_all(&frame(&interest(room))).await.expect("written");
    }
    control
        .write_all(&frame(&interest("review@paris.example.com")))
        .await
        .expect("written");
    let heard = home.next().await;
    assert!(
        matches!(&heard, Event::Message(from, told) if *from == link && *told == interest("review")),
        "{heard:?}"
    );
    let one = frame(&Control::KeyFrame { stream: StreamId(1) });
    let many = one.repeat(1_000);
    let talking = tokio::spawn(async move { while control.write_all(&many).await.is_ok() {} });
    let mut heard = 0;
    loop {
        match home.next().await {
            Event::Message(..) => heard += 1,
            Event::Down(gone) => {
                assert_eq!(gone, link);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((10_000..30_000).contains(&heard), "{heard}");
    assert_eq!(closed(&connection).await.0, 10);
    talking.await.expect("it ends");
    assert_eq!(
        home.figures(&"oslo.example.net".parse().expect("a name"))
            .all
            .garbage,
        3
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_carries_no_more_than_was_agreed() {
    let (mut home, mut guest) = two();
    let kbps = Some(800);
    home.town.met.send_replace(Some(Bounds { kbps }));
    let _attending = guest.partners.handle().attend(&home.name);
    let (_, here) = (guest.up().await, home.up().await);
    let sender = home.partners.handle();
    // 8 Mbit/s are to go for so long.
    let asked = Duration::from_secs(3);
    let started = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut seq = 0;
    while started.elapsed() < asked {
        tick.tick().await;
        seq += 1;
        sender.send(here, StreamId(5), Priority::Video, packet(seq, 1_000));
        if seq.is_multiple_of(20) {
            sender.send(here, StreamId(6), Priority::Audio, packet(seq / 20, 80));
        }
    }
    let took = started.elapsed().as_secs_f64();
    let sent = home.figures(&guest.name).all;
    let carried = sent.sent_bytes as f64 * 8.0 / 1_000.0 / took;
    assert!((400.0..900.0).contains(&carried), "{carried} kbit/s");
    assert!(sent.dropped_video > 1_000 && sent.dropped_audio == 0, "{sent:?}");
}

/// Something in front of a server: a socket whose datagrams go in by a way.
struct Front {
    socket: Arc<tokio::net::UdpSocket>,
    proved: mpsc::UnboundedSender<SocketAddr>,
}

impl Carrier for Front {
    fn carry(&self, partner: SocketAddr, datagram: &[u8]) {
        self.socket.try_send_to(datagram, partner).ok();
    }

    fn prove(&self, partner: SocketAddr) {
        self.proved.send(partner).ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_by_another_way_has_a_link_like_everybody() {
    let (mut home, mut guest) = two();
    let socket = Arc::new(tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port"));
    let (proved, mut proves) = mpsc::unbounded_channel();
    let front = Front {
        socket: socket.clone(),
        proved,
    };
    let way = home.partners.handle().ways().open(Arc::new(front));
    let at = socket.local_addr().expect("an address");
    let carrying = tokio::spawn(async move {
        let mut buffer = [0; 2_048];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.expect("open");
            way.arrive(from, &buffer[..length]);
        }
    });
    guest.knows(&home.name, &[at]);
    let attending = guest.partners.handle().attend(&home.name);
    let (there, here) = (guest.up().await, home.up().await);
    assert_eq!(there, attending.link());
    let proved = timeout(LONG, proves.recv()).await.expect("in time");
    assert_eq!(proved, Some(guest.partners.local()), "and nobody else");
    let said = "review@paris.example.com";
    assert!(guest.partners.handle().tell(there, interest(said)));
    let heard = home.next().await;
    assert!(
        matches!(&heard, Event::Message(link, said) if *link == here && *said == interest("review")),
        "{heard:?}"
    );
    assert!(
        home.partners
            .handle()
            .send(here, StreamId(7), Priority::Audio, packet(1, 1_100))
    );
    assert!(matches!(guest.next().await, Event::Packet(link, StreamId(7), _) if link == there));

    // A stranger gets a handshake and is not vouched for.
    let strangers = Raw::new(&Papers::of(BERGEN));
    let connecting = strangers
        .endpoint
        .connect_with(strangers.client.clone(), at, PARIS);
    let connection = connecting.expect("fit").await.expect("a handshake");
    let mut stream = connection.open_uni().await.expect("a stream");
    stream.write_all(&hello(BERGEN, PARIS)).await.expect("written");
    stream.finish().expect("open");
    assert_eq!(closed(&connection).await.0, 7);
    assert!(proves.try_recv().is_err());

    // The way is cut: the link is lost, and comes up by another one.
    carrying.abort();
    assert!(carrying.await.is_err());
    guest.knows(&home.name, &[home.partners.local()]);
    while !matches!(guest.next().await, Event::Down(link) if link == there) {}
    assert_eq!(guest.up().await, there);
}
