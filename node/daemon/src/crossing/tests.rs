#[path = "../../../io/media-io/tests/client/mod.rs"]
mod client;

use super::*;
use client::{Client, KEY_FRAME, until as go_on_until};
use plenary_cascade_io::{Bounds, Control};
use plenary_identity::{Authorities, EnterpriseCa, Identity, MACHINE_KEY_FILE, MachineKey, Program, WebTls};
use plenary_media_io::{Allow, Kind, Line, Opening, Options, Part, ParticipantId, See, Show, Source};
use plenary_model::NodeId;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use str0m::media::{Direction, MediaKind};

const LONG: Duration = Duration::from_secs(30);

/// A server's certificates.
struct Papers {
    name: ServerName,
    identity: Identity,
    web: WebTls,
    _folder: tempfile::TempDir,
}

impl Papers {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let me: ServerName = name.parse().expect("a name");
        let root = EnterpriseCa::create(&folder.path().join("root"), &"Demo".parse().expect("good"));
        let root = root.expect("a root");
        let ca = root.certify(Program::Node, &me, &[]).expect("issuers");
        let home = folder.path().join("node");
        std::fs::create_dir_all(&home).expect("a folder");
        let machine = MachineKey::open_or_create(&home.join(MACHINE_KEY_FILE)).expect("a key");
        let identity = Identity::create(&home, machine, ca, "node-1".parse().expect("good"), NodeId(1));
        let identity = identity.expect("an identity");
        let web = identity.web(&[name.parse().expect("good")]).expect("made");
        Self {
            name: me,
            identity,
            web,
            _folder: folder,
        }
    }

    fn tls(&self, trusted: &Self) -> PartnerTls {
        let root = trusted.identity.root_der().clone();
        self.web.partners(Authorities::new([root]))
    }
}

/// What a test lets happen.
struct World {
    bounds: Mutex<Option<Bounds>>,
    terms: watch::Sender<Option<Terms>>,
    asked: watch::Sender<Vec<(Cid, ServerName)>>,
    address: SocketAddr,
}

#[async_trait::async_trait]
impl Policy for World {
    async fn bounds(&self, _: &ServerName) -> Option<Bounds> {
        *self.bounds.lock().expect("whole")
    }
}

#[async_trait::async_trait]
impl Crowd for World {
    async fn addresses(&self, _: &ServerName) -> Result<Vec<SocketAddr>, String> {
        Ok(vec![self.address])
    }
}

#[async_trait::async_trait]
impl Halls for World {
    async fn terms(&self, key: &Cid, partner: &ServerName) -> watch::Receiver<Option<Terms>> {
        let asked = (key.clone(), partner.clone());
        self.asked.send_modify(|all| all.push(asked));
        self.terms.subscribe()
    }
}

fn world(address: SocketAddr) -> Arc<World> {
    Arc::new(World {
        bounds: Mutex::new(Some(Bounds::default())),
        terms: watch::Sender::new(None),
        asked: watch::Sender::default(),
        address,
    })
}

fn udp() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").expect("a port")
}

/// A node with the media engine, whose people are nobody.
struct Node {
    crossing: Arc<Crossing>,
    engine: Engine,
    /// Says that settings changed.
    changes: broadcast::Sender<Changes>,
    _running: Running,
    _events: mpsc::UnboundedReceiver<plenary_media_io::Event>,
}

fn node(papers: &Papers, trusted: &Papers, world: &Arc<World>) -> Node {
    let (running, cascade) = crate::cascade::start_as(&papers.identity, udp()).expect("started");
    let (events, heard) = mpsc::unbounded_channel();
    let options = Options {
        threads: 1,
        ..Options::default()
    };
    let engine = Engine::start(udp(), None, Some(cascade), options, events).expect("started");
    let ground = Ground {
        me: papers.name.clone(),
        node: plenary_model::NodeId(1),
        policy: world.clone(),
        halls: world.clone(),
        crowd: world.clone(),
        engine: engine.clone(),
        cascade: &running,
    };
    let changes = broadcast::Sender::new(16);
    let crossing = Crossing::start(ground, udp(), papers.tls(trusted), changes.subscribe());
    Node {
        crossing: crossing.expect("started"),
        engine,
        changes,
        _running: running,
        _events: heard,
    }
}

/// A server without anything but links.
fn bare(papers: &Papers, trusted: &Papers, world: &Arc<World>) -> (Partners, mpsc::Receiver<Event>) {
    let (events, heard) = mpsc::channel(1_000);
    let town = Arc::new(Town::new(world.clone(), world.clone()));
    let partners = Partners::start(
        papers.name.clone(),
        plenary_model::NodeId(1),
        udp(),
        papers.tls(trusted),
        town,
        events,
    );
    (partners.expect("started"), heard)
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.expect(what);
}

async fn next(events: &mut mpsc::Receiver<Event>) -> Event {
    let next = async {
        loop {
            match events.recv().await.expect("runs") {
                Event::Message(_, Control::Stats(_)) => {}
                event => return event,
            }
        }
    };
    tokio::time::timeout(LONG, next).await.expect("in time")
}

/// That anything may be another now.
fn everything() -> Changes {
    let (index, notices) = (1, None);
    Changes { index, notices }
}

fn room(name: &str) -> plenary_cascade_io::Room {
    plenary_cascade_io::Room(name.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_open_for_guests_as_long_as_they_want_it_and_terms_hold() {
    let (paris, oslo) = (Papers::of("paris.example.com"), Papers::of("oslo.example.net"));
    let nowhere = udp().local_addr().expect("bound");
    let at_home = world(nowhere);
    let home = node(&paris, &oslo, &at_home);
    let guests = world(home.crossing.partners.local());
    let (links, mut heard) = bare(&oslo, &paris, &guests);
    let attending = links.handle().attend(&paris.name);
    let link = attending.link();
    assert!(matches!(next(&mut heard).await, Event::Up(up) if up == link));
    let said = "review@paris.example.com";
    let interest = || Control::Interest { room: room(said) };
    assert!(links.handle().tell(link, interest()));
    let mut asked = at_home.asked.subscribe();
    let all = asked
        .wait_for(|asked| !asked.is_empty())
        .await
        .expect("lives")
        .clone();
    assert_eq!(all, [("review".parse().expect("a key"), oslo.name.clone())]);
    assert_eq!(home.engine.figures().rooms, 0, "no terms yet");
    let terms = || {
        let (speak, see) = (BTreeMap::new(), See::all());
        Some(Terms::Guests { speak, see })
    };
    at_home.terms.send_replace(terms());
    until("open", || home.engine.figures().rooms == 1).await;
    assert!(matches!(next(&mut heard).await, Event::Message(_, told) if told == interest()));
    at_home.terms.send_replace(None);
    until("closed with the terms", || home.engine.figures().rooms == 0).await;
    let over = Control::NoInterest { room: room(said) };
    assert!(matches!(next(&mut heard).await, Event::Message(_, told) if told == over));
    at_home.terms.send_replace(terms());
    until("open again", || home.engine.figures().rooms == 1).await;
    assert!(links.handle().tell(link, over));
    until("nobody wants it", || home.engine.figures().rooms == 0).await;
    assert!(links.handle().tell(link, interest()));
    until("asked for again", || home.engine.figures().rooms == 1).await;
    drop(attending);
    until("closed with the link", || home.engine.figures().rooms == 0).await;
    assert_eq!(home.crossing.figures()[&oslo.name].links, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_rooms_in_which_nobody_is_only_a_few_are_asked_for_at_a_time() {
    let (paris, oslo) = (Papers::of("paris.example.com"), Papers::of("oslo.example.net"));
    let at_home = world(udp().local_addr().expect("bound"));
    let home = node(&paris, &oslo, &at_home);
    let guests = world(home.crossing.partners.local());
    let (links, mut heard) = bare(&oslo, &paris, &guests);
    let attending = links.handle().attend(&paris.name);
    let link = attending.link();
    assert!(matches!(next(&mut heard).await, Event::Up(up) if up == link));
    let asked = || at_home.asked.borrow().len();
    for number in 0..100 {
        let room = room(&format!("none-{number}@paris.example.com"));
        assert!(links.handle().tell(link, Control::Interest { room }));
    }
    until("the first are asked for", || asked() == 32).await;
    let over = room("none-0@paris.example.com");
    assert!(links.handle().tell(link, Control::NoInterest { room: over }));
    until("the next one is", || asked() == 33).await;
    assert_eq!(asked(), 33);
    // Somebody of the partner is in all of them.
    let (speak, see) = (BTreeMap::new(), See::all());
    at_home.terms.send_replace(Some(Terms::Guests { speak, see }));
    until("all are asked for", || asked() == 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_there_as_long_as_anybody_attends_and_the_lists_allow_it() {
    let (paris, oslo) = (Papers::of("paris.example.com"), Papers::of("oslo.example.net"));
    let nowhere = udp().local_addr().expect("bound");
    let at_home = world(nowhere);
    let (links, mut heard) = bare(&paris, &oslo, &at_home);
    let guests = world(links.local());
    let guest = node(&oslo, &paris, &guests);
    let key: Cid = "review".parse().expect("a key");
    let ann = guest.crossing.attend(&key, &paris.name);
    let ben = guest.crossing.attend(&key, &paris.name);
    let other = guest
        .crossing
        .attend(&"weekly".parse().expect("a key"), &paris.name);
    assert!(matches!(next(&mut heard).await, Event::Up(_)));
    until("up", || {
        guest
            .crossing
            .figures()
            .get(&paris.name)
            .is_some_and(|one| one.links == 1)
    })
    .await;
    drop((ann, other));
    // Settings of this server change: it is not to be met any more.
    *guests.bounds.lock().expect("whole") = None;
    guest.changes.send(everything()).expect("followed");
    assert!(matches!(next(&mut heard).await, Event::Down(_)));
    *guests.bounds.lock().expect("whole") = Some(Bounds::default());
    guest.changes.send(everything()).expect("followed");
    assert!(
        matches!(next(&mut heard).await, Event::Up(_)),
        "somebody attends still"
    );
    drop(ben);
    assert!(matches!(next(&mut heard).await, Event::Down(_)));
    stop(Some(guest.crossing.clone())).await;
}

async fn open(node: &Node, room: &str, who: u64, client: &mut Client, part: fn(Vec<Line>) -> Part) {
    let kinds = [Kind::Video, Kind::Audio, Kind::Audio];
    let lines = client.mids().into_iter().zip(kinds);
    let lines = lines.map(|(mid, kind)| Line { mid, kind }).collect();
    let key = node.engine.key();
    let opening = Opening {
        key,
        room: room.into(),
        participant: ParticipantId(who),
        name: String::new(),
        client: plenary_media_io::Client::Browser,
        part: part(lines),
        allow: Allow::ALL,
        offer: client.offer(),
        outside: false,
    };
    let opened = node.engine.open(opening).await.expect("opened");
    client.accept(&opened.answer);
    let other = Source {
        participant: ParticipantId(3 - who),
        kind: Kind::Video,
    };
    let shows = vec![Show {
        source: other,
        height: 360,
    }];
    node.engine.show(key, shows).await.expect("runs");
}

/// Ann (1) is at home and Ben (2) a guest; each publishes and watches the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_two_servers_see_and_hear_each_other() {
    let (paris, oslo) = (Papers::of("paris.example.com"), Papers::of("oslo.example.net"));
    let nowhere = udp().local_addr().expect("bound");
    let at_home = world(nowhere);
    let home = node(&paris, &oslo, &at_home);
    let guests = world(home.crossing.partners.local());
    let guest = node(&oslo, &paris, &guests);
    at_home.terms.send_replace(Some(Terms::Guests {
        speak: [(ParticipantId(2), Allow::ALL)].into(),
        see: See::all(),
    }));
    let _attends = guest
        .crossing
        .attend(&"review".parse().expect("a key"), &paris.name);
    // Of two voices one is their own.
    let lines = [MediaKind::Video, MediaKind::Audio, MediaKind::Audio];
    let places = [(&home, "review", 1), (&guest, "review@paris.example.com", 2)];
    let mut clients = Vec::new();
    for (direction, count, part) in [
        (Direction::SendOnly, 2, Part::Publish as fn(Vec<Line>) -> Part),
        (Direction::RecvOnly, 3, Part::Receive),
    ] {
        for (node, room, who) in places {
            let lines: Vec<_> = lines.iter().take(count).map(|kind| (*kind, direction)).collect();
            let mut client = Client::new(&lines);
            client.mark(u8::try_from(who).expect("small"));
            open(node, room, who, &mut client, part).await;
            clients.push(client);
        }
    }
    let mut all: Vec<&mut Client> = clients.iter_mut().collect();
    go_on_until(&mut all, |all| {
        let mut screens = all[2..].iter();
        screens.all(|screen| screen.video(0).len() > 100 && screen.heard() > 30)
    })
    .await;
    for (screen, mark) in clients[2..].iter().zip([2, 1]) {
        let seen = screen.video(0);
        assert!(seen[0].payload.ends_with(KEY_FRAME));
        assert!(seen.iter().all(|packet| packet.payload.contains(&mark)));
        assert!(seen.windows(2).all(|two| two[1].seq == two[0].seq + 1));
    }
    let figures = guest.crossing.figures()[&paris.name].all;
    assert!(figures.sent > 130 && figures.received > 130, "{figures:?}");
    // It is in quarantine, of which no change of the settings tells.
    *at_home.bounds.lock().expect("whole") = None;
    let deadline = Instant::now() + Duration::from_secs(20);
    while home
        .crossing
        .figures()
        .get(&oslo.name)
        .is_some_and(|all| all.links > 0)
    {
        assert!(Instant::now() < deadline, "the link is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
