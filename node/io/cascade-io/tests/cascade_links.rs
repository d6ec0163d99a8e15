//! Nodes over real sockets with real certificates: packets, halves, a node that comes back, strangers, garbage.

use plenary_cascade::Room;
use plenary_cascade_io::{Cascade, Control, Event, Handle, MediaPacket, Priority, Reading, StreamId};
use plenary_identity::{EnterpriseCa, Identity, MACHINE_KEY_FILE, MachineKey, Program};
use plenary_model::NodeId;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

const LONG: Duration = Duration::from_secs(30);
const ONE: NodeId = NodeId(1);
const TWO: NodeId = NodeId(2);
const PARIS: &str = "paris.example.com";

struct Enterprise {
    root: EnterpriseCa,
    folder: tempfile::TempDir,
}

impl Enterprise {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let root = EnterpriseCa::create(&folder.path().join("root"), &"Demo".parse().expect("good"));
        let root = root.expect("root");
        Self { root, folder }
    }

    fn identity(&self, program: Program, at: &str, member: NodeId) -> Identity {
        let name = format!("node-{member}");
        let folder = self.folder.path().join(format!("{program}-{at}-{name}"));
        std::fs::create_dir_all(&folder).expect("folder");
        let machine = MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE)).expect("key");
        let ca = self
            .root
            .certify(program, &at.parse().expect("good"), &[])
            .expect("issuers");
        Identity::create(&folder, machine, ca, name.parse().expect("good"), member).expect("identity")
    }

    fn node(&self, member: NodeId) -> Identity {
        self.identity(Program::Node, PARIS, member)
    }
}

type Members = BTreeMap<NodeId, String>;

struct Node {
    cascade: Cascade,
    events: mpsc::Receiver<Event>,
    members: watch::Sender<Members>,
}

fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").expect("a port")
}

impl Node {
    fn start(socket: UdpSocket, identity: Identity, members: &[(NodeId, SocketAddr)]) -> Self {
        let members = members.iter().map(|(node, address)| (*node, address.to_string()));
        let (members, told) = watch::channel(members.collect());
        let (events, taken) = mpsc::channel(20_000);
        let cascade = Cascade::start(socket, identity, told, events).expect("started");
        Self {
            cascade,
            events: taken,
            members,
        }
    }

    fn handle(&self) -> Handle {
        self.cascade.handle()
    }

    fn figures(&self, of: NodeId) -> Reading {
        self.handle().figures().get(&of).copied().unwrap_or_default()
    }

    /// The next event that is neither statistics nor filling.
    async fn next(&mut self) -> Event {
        let next = timeout(LONG, async {
            loop {
                let event = self.events.recv().await.expect("runs");
                match event {
                    Event::Message(_, Control::Stats(_)) => {}
                    Event::Packet(_, _, packet) if packet.seq >= FILLING => {}
                    event => return event,
                }
            }
        });
        next.await.expect("in time")
    }

    async fn up(&mut self, node: NodeId) {
        let event = self.next().await;
        assert!(matches!(event, Event::Up(up) if up == node), "{event:?}");
    }
}

/// Two nodes of one server that know each other and are connected.
async fn pair(enterprise: &Enterprise) -> (Node, Node) {
    let (a, b) = (socket(), socket());
    let members = [
        (ONE, a.local_addr().expect("bound")),
        (TWO, b.local_addr().expect("bound")),
    ];
    let mut one = Node::start(a, enterprise.node(ONE), &members);
    let mut two = Node::start(b, enterprise.node(TWO), &members);
    one.up(TWO).await;
    two.up(ONE).await;
    (one, two)
}

fn packet(seq: u64, bytes: usize) -> MediaPacket {
    MediaPacket {
        seq,
        timestamp: seq as u32,
        marker: seq.is_multiple_of(3),
        audio_level: Some((17, true)),
        orientation: Some(1),
        payload: vec![seq as u8; bytes].into(),
    }
}

/// The system gives a port back a moment after its last user let go.
async fn bind_again(address: SocketAddr) -> UdpSocket {
    let bound = timeout(LONG, async {
        loop {
            if let Ok(socket) = UdpSocket::bind(address) {
                return socket;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    bound.await.expect("free again")
}

/// Numbers from here on are not looked at.
const FILLING: u64 = 1 << 40;

/// Sends packets in bursts of ten each 5 ms, and takes them at the other side until all have come. Some more follow,
/// because a gap at the end shows only by what is behind it.
async fn exchange(one: &Node, two: &mut Node, numbers: std::ops::Range<u64>, bytes: usize) {
    let sender = one.handle();
    let count = numbers.end - numbers.start;
    let sending = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        for seq in numbers {
            if seq.is_multiple_of(10) {
                tick.tick().await;
            }
            assert!(sender.send(TWO, StreamId(seq % 4), Priority::Audio, packet(seq, bytes)));
        }
        for seq in FILLING.. {
            tick.tick().await;
            sender.send(TWO, StreamId(seq % 4), Priority::Audio, packet(seq, bytes));
        }
    });
    let mut seen = BTreeSet::new();
    while (seen.len() as u64) < count {
        match two.next().await {
            Event::Packet(ONE, stream, came) => {
                assert_eq!(stream, StreamId(came.seq % 4));
                assert_eq!(came, packet(came.seq, bytes));
                assert!(seen.insert(came.seq), "{} came twice", came.seq);
            }
            other => panic!("{other:?}"),
        }
    }
    sending.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_packets_cross_and_large_ones_too() {
    let enterprise = Enterprise::new();
    let (mut one, mut two) = pair(&enterprise).await;
    exchange(&one, &mut two, 0..10_000, 200).await;
    exchange(&one, &mut two, 10_000..11_000, 1_500).await;
    let (sent, received) = (one.figures(TWO), two.figures(ONE));
    assert!(sent.sent >= 10_500 && sent.up == 1, "{sent:?}");
    assert_eq!(sent.overflowed + sent.dropped_audio, 0, "{sent:?}");
    // 1,500 bytes fit into no datagram that Ethernet carries.
    assert!(received.received_datagrams > received.received, "{received:?}");
    assert!(sent.rtt_us > 0 && sent.max_datagram > 1_100, "{sent:?}");

    let interest = Control::Interest {
        room: plenary_cascade::Room("review".into()),
    };
    assert!(two.handle().tell(ONE, interest.clone()));
    let event = one.next().await;
    assert!(
        matches!(&event, Event::Message(TWO, told) if *told == interest),
        "{event:?}"
    );
    let levels = Control::Levels {
        room: plenary_cascade::Room("review".into()),
        tick: 1,
        levels: Vec::new(),
    };
    assert!(one.handle().tell(TWO, levels.clone()));
    let event = two.next().await;
    assert!(
        matches!(&event, Event::Message(ONE, told) if *told == levels),
        "{event:?}"
    );
    assert!(!one.handle().tell(NodeId(9), interest), "there is no such node");
    one.cascade.stop().await;
    assert!(matches!(two.next().await, Event::Down(ONE)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_back_is_up_again_whoever_dials() {
    let enterprise = Enterprise::new();
    let (a, b) = (socket(), socket());
    let (at_one, at_two) = (a.local_addr().expect("bound"), b.local_addr().expect("bound"));
    let members = [(ONE, at_one), (TWO, at_two)];
    let (first, second) = (enterprise.node(ONE), enterprise.node(TWO));
    let mut one = Node::start(a, first.clone(), &members);
    let mut two = Node::start(b, second.clone(), &members);
    one.up(TWO).await;
    two.up(ONE).await;

    // The one that is dialled.
    two.cascade.stop().await;
    assert!(matches!(one.next().await, Event::Down(TWO)));
    assert!(
        !one.handle()
            .send(TWO, StreamId(1), Priority::Audio, packet(1, 10))
    );
    let b = bind_again(at_two).await;
    let mut two = Node::start(b, second, &members);
    one.up(TWO).await;
    two.up(ONE).await;
    exchange(&one, &mut two, 0..10, 100).await;

    // The one that dials; this time without a word.
    drop(one);
    let started = std::time::Instant::now();
    assert!(matches!(two.next().await, Event::Down(ONE)));
    assert!(started.elapsed() < Duration::from_secs(10));
    let mut one = Node::start(socket(), first, &members);
    one.up(TWO).await;
    two.up(ONE).await;
    exchange(&one, &mut two, 0..10, 100).await;
    assert_eq!(two.figures(ONE).connections, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_address_changes_is_down_before_it_is_up_again() {
    let enterprise = Enterprise::new();
    let (a, b) = (socket(), socket());
    let (at_one, at_two) = (a.local_addr().expect("bound"), b.local_addr().expect("bound"));
    let (first, second) = (enterprise.node(ONE), enterprise.node(TWO));
    let mut one = Node::start(a, first, &[(ONE, at_one), (TWO, at_two)]);
    let _before = Node::start(b, second.clone(), &[(ONE, at_one), (TWO, at_two)]);
    one.up(TWO).await;
    for _ in 0..5 {
        let elsewhere = socket();
        let there = elsewhere.local_addr().expect("bound");
        let members = [(ONE, at_one), (TWO, there)];
        let mut two = Node::start(elsewhere, second.clone(), &members);
        let told = members.map(|(node, address)| (node, address.to_string()));
        one.members.send(told.into()).expect("it runs");
        assert!(matches!(one.next().await, Event::Down(TWO)));
        one.up(TWO).await;
        two.up(ONE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_though_nobody_takes_its_events() {
    let enterprise = Enterprise::new();
    let (a, b) = (socket(), socket());
    let members = [&a, &b].map(|socket| socket.local_addr().expect("bound").to_string());
    let (_told, watched) = watch::channel([ONE, TWO].into_iter().zip(members.clone()).collect());
    let (events, _unread) = mpsc::channel(1);
    let one = Cascade::start(a, enterprise.node(ONE), watched, events).expect("started");
    let addresses = members.map(|address| address.parse().expect("an address"));
    let mut two = Node::start(
        b,
        enterprise.node(TWO),
        &[(ONE, addresses[0]), (TWO, addresses[1])],
    );
    two.up(ONE).await;
    for room in 0..10 {
        let room = Room(format!("room-{room}"));
        two.handle().tell(ONE, Control::Interest { room });
    }
    timeout(LONG, one.stop()).await.expect("it ends");
}

/// Carries datagrams between who dials it and `to`, until it is cut.
async fn relay(to: SocketAddr) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let bind = || tokio::net::UdpSocket::bind("127.0.0.1:0");
    let (near, far) = (bind().await.expect("a port"), bind().await.expect("a port"));
    let address = near.local_addr().expect("bound");
    far.connect(to).await.expect("an address");
    let carry = tokio::spawn(async move {
        let (mut out, mut back) = ([0; 2_048], [0; 2_048]);
        let mut who = to;
        loop {
            tokio::select! {
                Ok((bytes, from)) = near.recv_from(&mut out) => {
                    who = from;
                    far.send(&out[..bytes]).await.ok();
                }
                Ok(bytes) = far.recv(&mut back) => drop(near.send_to(&back[..bytes], who).await),
            }
        }
    });
    (address, carry)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_falls_silent_is_down_at_both_ends() {
    let enterprise = Enterprise::new();
    let (a, b) = (socket(), socket());
    let (at_one, at_two) = (a.local_addr().expect("bound"), b.local_addr().expect("bound"));
    let (between, carry) = relay(at_two).await;
    let mut one = Node::start(a, enterprise.node(ONE), &[(ONE, at_one), (TWO, between)]);
    let mut two = Node::start(b, enterprise.node(TWO), &[(ONE, at_one), (TWO, at_two)]);
    one.up(TWO).await;
    two.up(ONE).await;
    carry.abort();
    // Nothing says that the way is cut: silence does.
    assert!(matches!(one.next().await, Event::Down(TWO)));
    assert!(matches!(two.next().await, Event::Down(ONE)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_doubted_stays_when_it_answers_and_is_down_soon_when_it_does_not() {
    let enterprise = Enterprise::new();
    let (a, b) = (socket(), socket());
    let (at_one, at_two) = (a.local_addr().expect("bound"), b.local_addr().expect("bound"));
    let (between, carry) = relay(at_two).await;
    let mut one = Node::start(a, enterprise.node(ONE), &[(ONE, at_one), (TWO, between)]);
    let mut two = Node::start(b, enterprise.node(TWO), &[(ONE, at_one), (TWO, at_two)]);
    one.up(TWO).await;
    two.up(ONE).await;
    for _ in 0..3 {
        one.handle().doubt(TWO);
        two.handle().doubt(ONE);
        exchange(&one, &mut two, 0..20, 1_200).await;
    }
    carry.abort();
    one.handle().doubt(TWO);
    // The other end notices only the silence: that takes longer.
    let (one_down, two_down) = tokio::join!(async { (one.next().await, Instant::now()) }, async {
        (two.next().await, Instant::now())
    },);
    assert!(matches!(one_down.0, Event::Down(TWO)), "{one_down:?}");
    assert!(matches!(two_down.0, Event::Down(ONE)), "{two_down:?}");
    assert!(one_down.1 < two_down.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_than_nodes_of_this_server_are_refused() {
    let (demo, other) = (Enterprise::new(), Enterprise::new());
    let strangers = [
        other.node(ONE),
        demo.identity(Program::Node, "oslo.example.com", ONE),
        demo.identity(Program::LicenseManager, PARIS, ONE),
        // Of this server, but no member.
        demo.node(NodeId(0)),
    ];
    let known = demo.node(TWO);
    for stranger in strangers {
        let me = stranger.me().member;
        let name = stranger.me().to_string();
        let (a, b) = (socket(), socket());
        let members = [
            (ONE, a.local_addr().expect("bound")),
            (TWO, b.local_addr().expect("bound")),
        ];
        let mut victim = Node::start(b, known.clone(), &members);
        let mut intruder = Node::start(a, stranger, &[(me, members[0].1), members[1]]);
        let seen = timeout(Duration::from_secs(2), async {
            tokio::select! {
                event = victim.events.recv() => event,
                event = intruder.events.recv() => event,
            }
        });
        assert!(seen.await.is_err(), "{name} got in");
        assert_eq!(victim.figures(ONE).connections, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_revoked_or_removed_is_put_out_at_once() {
    let enterprise = Enterprise::new();
    let (a, b) = (socket(), socket());
    let members = [
        (ONE, a.local_addr().expect("bound")),
        (TWO, b.local_addr().expect("bound")),
    ];
    let second = enterprise.node(TWO);
    let mut one = Node::start(a, enterprise.node(ONE), &members);
    let mut two = Node::start(b, second.clone(), &members);
    one.up(TWO).await;
    two.up(ONE).await;
    // Not known as a member any more, and then again.
    two.members.send_modify(|members| drop(members.remove(&ONE)));
    assert!(matches!(two.next().await, Event::Down(ONE)));
    assert!(matches!(one.next().await, Event::Down(TWO)));
    two.members
        .send_modify(|known| drop(known.insert(ONE, members[0].1.to_string())));
    one.up(TWO).await;
    two.up(ONE).await;

    let mut list = plenary_identity::RevocationList::empty(second.ca().scope().clone());
    list.version = 1;
    list.members.insert((Program::Node, ONE));
    let signed = second.sign_revocations(&list).expect("signed");
    second.accept_revocations(&signed).expect("taken");
    assert!(matches!(two.next().await, Event::Down(ONE)));
    assert!(matches!(one.next().await, Event::Down(TWO)));
    let again = timeout(Duration::from_millis(1_500), two.events.recv()).await;
    assert!(again.is_err(), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_garbage_has_no_effect() {
    let enterprise = Enterprise::new();
    let (one, mut two) = pair(&enterprise).await;
    let target = two.cascade.local();
    let flood = std::thread::spawn(move || {
        let socket = socket();
        let mut random = 1_u64;
        for round in 0..20_000_usize {
            let mut bytes = vec![0_u8; round % 1_400];
            for byte in &mut bytes {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (random >> 56) as u8;
            }
            // Also what looks like the beginning of a connection.
            if let Some(first) = bytes.first_mut().filter(|_| round.is_multiple_of(2)) {
                *first |= 0xc0;
            }
            if let Some(version) = bytes.get_mut(1..5) {
                version.copy_from_slice(&1_u32.to_be_bytes());
            }
            drop(socket.send_to(&bytes, target));
            if round.is_multiple_of(20) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    exchange(&one, &mut two, 0..1_000, 1_000).await;
    flood.join().expect("sent");
    exchange(&one, &mut two, 1_000..1_100, 1_000).await;
    assert_eq!(two.figures(ONE).connections, 1, "the link has held");
    assert_eq!(two.figures(ONE).garbage, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let enterprise = Enterprise::new();
    let (a, b) = (socket(), socket());
    let members = [
        (ONE, a.local_addr().expect("bound")),
        (TWO, b.local_addr().expect("bound")),
    ];
    let first = enterprise.node(ONE);
    let first = first.with_lifetime(Duration::from_secs(120)).expect("made");
    let mut one = Node::start(a, first.clone(), &members);
    let mut two = Node::start(b, enterprise.node(TWO), &members);
    one.up(TWO).await;
    two.up(ONE).await;
    let before = first.certificate();
    let later = std::time::SystemTime::now() + Duration::from_secs(90);
    assert!(first.renew_if_due(later).expect("made"));
    assert_ne!(first.certificate(), before);
    exchange(&one, &mut two, 0..10, 100).await;
    // The connection is made anew, with the certificate of now.
    two.members.send_modify(|members| drop(members.remove(&ONE)));
    assert!(matches!(two.next().await, Event::Down(ONE)));
    assert!(matches!(one.next().await, Event::Down(TWO)));
    two.members
        .send_modify(|known| drop(known.insert(ONE, members[0].1.to_string())));
    one.up(TWO).await;
    two.up(ONE).await;
}
