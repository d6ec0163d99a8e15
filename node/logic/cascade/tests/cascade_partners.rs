//! A conference of one server that people of others attend: what crosses between them, over several nodes of each.

use plenary_cascade::{
    Control, Effect, Exchange, Layer, Layers, Participant, Refused, Room, See, StreamId, Terms, Track,
    TrackKind, is_partner_link, partner_link,
};
use plenary_model::NodeId;
use proptest::{collection::vec, prelude::*};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A server and one of its nodes.
type Place = (char, u64);
/// The end of a link: who has it, and what they call it.
type End = (Place, NodeId);

const HOME: char = 'h';
const GUESTS: [char; 2] = ['a', 'b'];
const PLACES: [Place; 8] = [
    ('h', 1),
    ('h', 2),
    ('h', 3),
    ('a', 1),
    ('a', 2),
    ('a', 3),
    ('b', 1),
    ('b', 2),
];

fn room() -> Room {
    Room("review".into())
}

/// How often packets of each layer come to a place.
type Reached = BTreeMap<(Place, u8), usize>;
/// How often they cross from server to server.
type Crossed = BTreeMap<(char, char), usize>;

/// The camera of whoever is at a place; there is one at each.
fn camera(at: Place) -> Track {
    let number = PLACES.iter().position(|place| *place == at).expect("a place");
    Track {
        room: room(),
        participant: Participant(number as u64 + 1),
        kind: TrackKind::Video,
    }
}

/// What a room has of a track that comes from elsewhere, and who watches it.
struct Far {
    from: NodeId,
    streams: BTreeMap<StreamId, StreamId>,
}

/// One node: the exchange, and in place of the room the little that it does.
#[derive(Default)]
struct Node {
    exchange: Exchange,
    people: bool,
    held: BTreeSet<NodeId>,
    wants: BTreeMap<Track, u8>,
    watched: BTreeMap<Track, BTreeMap<NodeId, u8>>,
    far: BTreeMap<Track, Far>,
    own: BTreeMap<Track, Vec<Layer>>,
    forwarded: BTreeSet<(StreamId, NodeId)>,
    key_frames: Vec<StreamId>,
    last: u64,
}

impl Node {
    fn number(&mut self) -> StreamId {
        self.last += 1;
        StreamId(self.last)
    }

    fn open_or_shut(&mut self) {
        let here = self.people || !self.held.is_empty();
        self.exchange.handle_here(&room(), here);
    }

    fn want(&mut self, track: &Track) {
        let watching = self.watched.get(track).into_iter().flat_map(BTreeMap::values);
        let most = watching.chain(self.wants.get(track)).max().copied();
        let layers = most.map(|most| Layers::Exact((0..=most).collect()));
        self.exchange.handle_wanted(track, layers);
    }

    fn ended(&mut self, streams: &BTreeSet<StreamId>) {
        self.forwarded.retain(|(stream, _)| !streams.contains(stream));
    }
}

struct World {
    nodes: BTreeMap<Place, Node>,
    /// Both ways.
    links: BTreeMap<End, End>,
    flying: BTreeMap<End, VecDeque<Control>>,
    /// Of each server of guests.
    terms: BTreeMap<char, Option<Terms>>,
    /// Links for which the home was told terms.
    agreed: BTreeSet<End>,
    /// The links of guests that are up, by where their other end is.
    crossings: BTreeMap<Place, End>,
    /// Where a home was told of interest.
    interested: BTreeSet<End>,
    last_link: u32,
}

impl World {
    fn new() -> Self {
        let node = |place: Place| Node {
            exchange: Exchange::new(NodeId(place.1)),
            ..Node::default()
        };
        let mut world = Self {
            nodes: PLACES.into_iter().map(|place| (place, node(place))).collect(),
            links: BTreeMap::new(),
            flying: BTreeMap::new(),
            terms: GUESTS.into_iter().map(|server| (server, None)).collect(),
            agreed: BTreeSet::new(),
            crossings: BTreeMap::new(),
            interested: BTreeSet::new(),
            last_link: 0,
        };
        for (one, other) in pairs() {
            world.connect(one, other);
        }
        for place in PLACES.into_iter().filter(|place| place.0 != HOME) {
            world.cross(place, 1 + place.1 % 3);
        }
        world
    }

    fn at(&mut self, place: Place) -> &mut Node {
        self.nodes.get_mut(&place).expect("a place")
    }

    fn connect(&mut self, one: Place, other: Place) {
        self.link((one, NodeId(other.1)), (other, NodeId(one.1)));
    }

    fn link(&mut self, one: End, other: End) {
        self.cut(one);
        self.links.extend([(one, other), (other, one)]);
        for (place, peer) in [one, other] {
            self.at(place).exchange.handle_up(peer);
        }
        self.collect();
    }

    fn cut(&mut self, one: End) {
        let Some(other) = self.links.remove(&one) else {
            return;
        };
        self.links.remove(&other);
        for end in [one, other] {
            self.flying.remove(&end);
            self.interested.remove(&end);
            self.at(end.0).exchange.handle_down(end.1);
            // Not said of what the other end watched of tracks that are over anyway.
            self.at(end.0).forwarded.retain(|(_, to)| *to != end.1);
        }
        self.collect();
    }

    /// A guest's node dials one of the home's.
    fn cross(&mut self, guest: Place, home: u64) {
        self.uncross(guest);
        self.last_link += 1;
        // As in a node: who dials has one number for it, who is dialled a new one each time.
        let ends = [
            (guest, partner_link(0)),
            ((HOME, home), partner_link(self.last_link)),
        ];
        self.crossings.insert(guest, ends[1]);
        self.link(ends[0], ends[1]);
        self.at(guest)
            .exchange
            .handle_terms(&room(), ends[0].1, Some(Terms::Home));
        self.agree(guest.0);
    }

    fn uncross(&mut self, guest: Place) {
        if let Some((home, link)) = self.crossings.remove(&guest) {
            self.cut((home, link));
            self.offer_terms((home, link), None);
        }
    }

    /// The home tells its links with a server's nodes what holds.
    fn agree(&mut self, server: char) {
        let terms = self.terms[&server].clone();
        let links = self.crossings.iter().filter(|(guest, _)| guest.0 == server);
        for link in links.map(|(_, end)| *end).collect::<Vec<_>>() {
            self.offer_terms(link, terms.clone());
        }
    }

    fn offer_terms(&mut self, (place, link): End, terms: Option<Terms>) {
        let is_held = terms.is_some();
        if is_held {
            self.agreed.insert((place, link));
        } else {
            self.agreed.remove(&(place, link));
        }
        let node = self.at(place);
        if is_held {
            node.held.insert(link);
            node.open_or_shut();
        }
        node.exchange.handle_terms(&room(), link, terms);
        self.collect();
        if !is_held {
            let node = self.at(place);
            node.held.remove(&link);
            node.open_or_shut();
        }
        self.collect();
    }

    fn enter(&mut self, place: Place) {
        let node = self.at(place);
        node.people = true;
        node.open_or_shut();
        self.collect();
    }

    fn leave(&mut self, place: Place) {
        self.unpublish(place);
        let node = self.at(place);
        node.people = false;
        let wanted: Vec<Track> = std::mem::take(&mut node.wants).into_keys().collect();
        wanted.iter().for_each(|track| node.want(track));
        node.open_or_shut();
        self.collect();
    }

    fn publish(&mut self, place: Place, count: u8) {
        let track = camera(place);
        let node = self.at(place);
        let before: BTreeSet<StreamId> = streams(node.own.get(&track));
        let layers: Vec<Layer> = (0..count).map(|layer| layer_of(node.number(), layer)).collect();
        node.own.insert(track.clone(), layers.clone());
        node.exchange.handle_track(&track, layers);
        self.collect();
        self.at(place).ended(&before);
    }

    fn unpublish(&mut self, place: Place) {
        let track = camera(place);
        let node = self.at(place);
        if let Some(layers) = node.own.remove(&track) {
            node.watched.remove(&track);
            node.exchange.handle_track_gone(&track);
            node.ended(&streams(Some(&layers)));
        }
        self.collect();
    }

    fn want(&mut self, place: Place, whose: Place, most: Option<u8>) {
        let track = camera(whose);
        let node = self.at(place);
        match most {
            Some(most) => node.wants.insert(track.clone(), most),
            None => node.wants.remove(&track),
        };
        node.want(&track);
        self.collect();
    }

    /// Does what all nodes say, and as a room what follows from that.
    fn collect(&mut self) {
        for place in PLACES {
            while let Some(effect) = self.at(place).exchange.poll_effect() {
                self.apply(place, effect);
            }
            assert!(self.at(place).exchange.is_sound(), "{place:?}");
        }
    }

    fn apply(&mut self, place: Place, effect: Effect) {
        match effect {
            Effect::Tell { node, message } => self.tell((place, node), message),
            Effect::Announced { node, track, layers } => self.announced(place, node, &track, &layers),
            Effect::Gone { node, track } => {
                let there = self.at(place);
                if there.far.get(&track).is_some_and(|far| far.from == node) {
                    let far = there.far.remove(&track).expect("looked at");
                    there.ended(&far.streams.into_values().collect());
                    there.watched.remove(&track);
                }
            }
            Effect::Wanted { node, track, layers } => {
                let there = self.at(place);
                let watched = there.watched.entry(track.clone()).or_default();
                match layers.and_then(|layers| layers.highest()) {
                    Some(highest) => watched.insert(node, highest),
                    None => watched.remove(&node),
                };
                if !there.own.contains_key(&track) {
                    there.want(&track);
                }
            }
            Effect::Forward { stream, node } => {
                self.at(place).forwarded.insert((stream, node));
            }
            Effect::Stop { stream, node } => {
                self.at(place).forwarded.remove(&(stream, node));
            }
            Effect::KeyFrame { stream } => self.at(place).key_frames.push(stream),
            Effect::Levels { .. } => panic!("nobody told levels"),
        }
    }

    fn tell(&mut self, from: End, message: Control) {
        message.check().expect("nodes send what is in order");
        if is_partner_link(from.1) && from.0.0 == HOME {
            let agreed = self.agreed.contains(&from);
            let ends = matches!(
                message,
                Control::NoInterest { .. } | Control::Unpublish { .. } | Control::Unsubscribe { .. }
            );
            assert!(agreed || ends, "{message:?} without terms");
        }
        if self.links.contains_key(&from) {
            self.flying.entry(from).or_default().push_back(message);
        }
    }

    fn announced(&mut self, place: Place, node: NodeId, track: &Track, layers: &[Layer]) {
        let there = self.at(place);
        let mut far = match there.far.remove(track) {
            Some(far) if far.from == node => far,
            _ => Far {
                from: node,
                streams: BTreeMap::new(),
            },
        };
        let gone: BTreeSet<StreamId> = far
            .streams
            .extract_if(.., |stream, _| {
                !layers.iter().any(|layer| layer.stream == *stream)
            })
            .map(|(_, own)| own)
            .collect();
        for layer in layers {
            let own = there.number();
            far.streams.entry(layer.stream).or_insert(own);
        }
        let passed_on = layers
            .iter()
            .map(|layer| layer_of(far.streams[&layer.stream], layer.layer));
        let passed_on: Vec<Layer> = passed_on.collect();
        there.far.insert(track.clone(), far);
        there.exchange.handle_relay(node, track, passed_on);
        there.want(track);
        there.ended(&gone);
    }

    fn step(&mut self, from: End) -> bool {
        let Some(message) = self.flying.get_mut(&from).and_then(VecDeque::pop_front) else {
            return false;
        };
        let to = self.links[&from];
        match &message {
            Control::Interest { .. } => drop(self.interested.insert(to)),
            Control::NoInterest { .. } => drop(self.interested.remove(&to)),
            _ => {}
        }
        self.at(to.0)
            .exchange
            .handle_message(to.1, message)
            .expect("in order");
        self.collect();
        true
    }

    fn settle(&mut self) {
        for _ in 0..100_000 {
            let ends: Vec<End> = self.flying.keys().copied().collect();
            if !ends.into_iter().any(|end| self.step(end)) {
                return;
            }
        }
        panic!("they talk without end");
    }

    /// How often packets of each layer of a camera reach each place, and how often they cross from server to server.
    fn flow(&self, whose: Place) -> (Reached, Crossed) {
        let (mut reached, mut crossed) = (BTreeMap::new(), BTreeMap::new());
        let layers = self.nodes[&whose].own.get(&camera(whose));
        for layer in layers.into_iter().flatten() {
            let mut on_the_way = VecDeque::from([(whose, layer.stream)]);
            while let Some((place, stream)) = on_the_way.pop_front() {
                for (_, to) in self.nodes[&place]
                    .forwarded
                    .iter()
                    .filter(|(one, _)| *one == stream)
                {
                    let Some((there, from)) = self.links.get(&(place, *to)).copied() else {
                        continue;
                    };
                    if there.0 != place.0 {
                        *crossed.entry((place.0, there.0)).or_insert(0) += 1;
                    }
                    let far = self.nodes[&there].far.get(&camera(whose));
                    let own = far
                        .filter(|far| far.from == from)
                        .and_then(|far| far.streams.get(&stream));
                    if let Some(own) = own {
                        let times = reached.entry((there, layer.layer)).or_insert(0);
                        *times += 1;
                        assert!(*times < 10, "it goes round in circles");
                        on_the_way.push_back((there, *own));
                    }
                }
            }
        }
        (reached, crossed)
    }

    fn sees(&self, place: Place, whose: Place) -> bool {
        self.flow(whose).0.contains_key(&(place, 0))
    }

    /// Over which links a server of guests speaks of the room.
    fn uplinks(&self, server: char) -> Vec<Place> {
        let spoken = self
            .crossings
            .iter()
            .filter(|(_, end)| self.interested.contains(*end));
        let guests = spoken.map(|(guest, _)| *guest);
        guests.filter(|guest| guest.0 == server).collect()
    }
}

fn layer_of(stream: StreamId, layer: u8) -> Layer {
    Layer {
        stream,
        layer,
        format: "VP8/90000".into(),
        height: 0,
        kbps: 200,
    }
}

fn streams(layers: Option<&Vec<Layer>>) -> BTreeSet<StreamId> {
    let layers = layers.into_iter().flatten();
    layers.map(|layer| layer.stream).collect()
}

/// The nodes of each server among themselves.
fn pairs() -> Vec<(Place, Place)> {
    let all = PLACES
        .iter()
        .flat_map(|one| PLACES.iter().map(move |other| (*one, *other)));
    all.filter(|(one, other)| one.0 == other.0 && one.1 < other.1)
        .collect()
}

fn all_may(server: char) -> Terms {
    let guests = PLACES.iter().filter(|place| place.0 == server);
    let may = guests.map(|place| (camera(*place).participant, [TrackKind::Video].into()));
    Terms::Guests {
        speak: may.collect(),
        see: See::all(),
    }
}

/// All are in the room and watch everybody; the camera of one is on.
fn meeting(whose: Place) -> World {
    let mut world = World::new();
    for server in GUESTS {
        world.terms.insert(server, Some(all_may(server)));
        world.agree(server);
    }
    PLACES.into_iter().for_each(|place| world.enter(place));
    world.publish(whose, 3);
    for place in PLACES.into_iter().filter(|place| *place != whose) {
        world.want(place, whose, Some(2));
    }
    world.settle();
    world
}

#[test]
fn each_stream_crosses_to_each_partner_once_wherever_people_are() {
    for whose in PLACES {
        let world = meeting(whose);
        let (reached, crossed) = world.flow(whose);
        assert_eq!(reached.len(), 7 * 3, "{whose:?}");
        assert!(
            reached.values().all(|times| *times == 1),
            "{whose:?}: {reached:?}"
        );
        assert_eq!(crossed.len(), 2, "{crossed:?}");
        assert!(
            crossed.values().all(|times| *times == 3),
            "a layer each: {crossed:?}"
        );
        assert_eq!(world.uplinks('a'), [('a', 1)]);
        assert_eq!(world.uplinks('b'), [('b', 1)]);
    }
}

#[test]
fn a_lost_uplink_is_followed_by_the_next_which_goes_on_when_it_comes_back() {
    let mut world = meeting(('h', 2));
    world.uncross(('a', 1));
    world.settle();
    assert_eq!(world.uplinks('a'), [('a', 2)]);
    let (reached, crossed) = world.flow(('h', 2));
    assert_eq!(reached.len(), 7 * 3);
    assert_eq!(crossed[&('h', 'a')], 3);
    world.leave(('a', 2));
    world.settle();
    assert_eq!(
        world.uplinks('a'),
        [('a', 3)],
        "who has nobody there is no uplink"
    );
    world.cross(('a', 1), 3);
    world.settle();
    assert_eq!(world.uplinks('a'), [('a', 3)], "no picture moves without need");
    let (reached, _) = world.flow(('h', 2));
    assert_eq!(reached.len(), 6 * 3);
    assert!(reached.values().all(|times| *times == 1), "{reached:?}");
}

#[test]
fn a_link_that_is_lost_between_two_words_leaves_nobody_without_an_uplink() {
    let mut world = meeting(('h', 2));
    world.uncross(('a', 1));
    // It has said that it has no way, and not yet that it does not speak.
    for end in [2, 3].map(|node| (('a', 1), NodeId(node))) {
        while world.flying[&end].len() > 1 {
            world.step(end);
        }
        assert!(matches!(
            world.flying[&end][0],
            Control::Uplink { open: false, .. }
        ));
        world.cut(end);
    }
    world.settle();
    assert_eq!(world.uplinks('a'), [('a', 2)]);
}

#[test]
fn who_may_not_speak_is_not_watched_from_that_moment_on() {
    let (muted, other) = (('a', 3), ('h', 3));
    let mut world = meeting(muted);
    assert!(world.sees(other, muted) && world.sees(('b', 2), muted));
    let Some(Terms::Guests { speak, see }) = world.terms[&'a'].clone() else {
        panic!("guests");
    };
    let quiet = speak.keys().map(|who| (*who, BTreeSet::new())).collect();
    world.terms.insert(
        'a',
        Some(Terms::Guests {
            speak: quiet,
            see: see.clone(),
        }),
    );
    world.agree('a');
    // Before any message arrived anywhere.
    assert!(!world.sees(other, muted) && !world.sees(('b', 2), muted));
    assert!(
        world.sees(('a', 1), muted),
        "their own server is their own affair"
    );
    world.settle();
    assert!(world.flow(muted).1.is_empty(), "nor does it cross");
    world.terms.insert('a', Some(Terms::Guests { speak, see }));
    world.agree('a');
    world.settle();
    assert!(world.sees(other, muted) && world.sees(('b', 2), muted));
}

#[test]
fn a_partner_watches_only_whom_it_is_shown() {
    let whose = ('h', 1);
    let mut world = meeting(whose);
    let Some(Terms::Guests { speak, .. }) = world.terms[&'b'].clone() else {
        panic!("guests");
    };
    let see = See::only([camera(('h', 2)).participant]);
    world.terms.insert('b', Some(Terms::Guests { speak, see }));
    world.agree('b');
    assert!(!world.sees(('b', 1), whose) && world.sees(('a', 1), whose));
    world.settle();
    world.publish(('h', 2), 1);
    world.want(('b', 2), ('h', 2), Some(0));
    world.settle();
    assert!(world.sees(('b', 2), ('h', 2)));
    assert!(!world.sees(('b', 2), whose));
    // What it asks for all the same, it does not get.
    let end = world.crossings[&('b', 1)];
    let asked = Control::Subscribe {
        track: camera(whose),
        layers: Layers::Highest(2),
    };
    world
        .at(end.0)
        .exchange
        .handle_message(end.1, asked)
        .expect("in order");
    world.collect();
    assert!(!world.sees(('b', 1), whose));
}

#[test]
fn without_terms_nothing_is_told_or_taken() {
    let mut exchange = Exchange::new(NodeId(1));
    let link = partner_link(7);
    assert!(is_partner_link(link) && !is_partner_link(NodeId(7)));
    exchange.handle_here(&room(), true);
    exchange.handle_track(&camera(('h', 1)), vec![layer_of(StreamId(1), 0)]);
    exchange.handle_up(link);
    let track = camera(('a', 1));
    for message in [
        Control::Interest { room: room() },
        Control::Publish {
            track: track.clone(),
            layers: vec![layer_of(StreamId(1), 0)],
        },
        Control::Subscribe {
            track: camera(('h', 1)),
            layers: Layers::Highest(0),
        },
        Control::KeyFrame { stream: StreamId(1) },
        Control::Way {
            room: room(),
            open: true,
        },
        Control::Uplink {
            room: room(),
            open: true,
        },
        Control::Levels {
            room: room(),
            tick: 1,
            levels: Vec::new(),
        },
    ] {
        exchange.handle_message(link, message).expect("in order");
    }
    assert_eq!(exchange.poll_effect(), None);
    // Its interest was remembered.
    exchange.handle_terms(&room(), link, Some(all_may('a')));
    let told: Vec<Effect> = std::iter::from_fn(|| exchange.poll_effect()).collect();
    let [
        Effect::Tell { message: first, .. },
        Effect::Tell { message: second, .. },
    ] = told.as_slice()
    else {
        panic!("{told:?}");
    };
    assert!(matches!(first, Control::Interest { .. }) && matches!(second, Control::Publish { .. }));
}

#[test]
fn a_partner_names_fewer_rooms_tracks_and_layers_than_a_node() {
    let mut exchange = Exchange::new(NodeId(1));
    let link = partner_link(1);
    exchange.handle_up(link);
    exchange.handle_here(&room(), true);
    exchange.handle_terms(&room(), link, Some(all_may('a')));
    let many = (0..2_000).map(|number| Control::Interest {
        room: Room(format!("room-{number}")),
    });
    let taken = many.filter(|message| exchange.handle_message(link, message.clone()).is_ok());
    assert_eq!(taken.count(), 1_024);
    let layers = (0..5)
        .map(|layer| layer_of(StreamId(layer.into()), layer))
        .collect();
    let track = camera(('a', 1));
    let refused = exchange.handle_message(link, Control::Publish { track, layers });
    assert_eq!(refused, Err(Refused::TooMany(link)));
    // Those of a node would be taken for watchers in the room.
    let track = Track {
        participant: Participant(1 << 63),
        ..camera(('a', 1))
    };
    let layers = vec![layer_of(StreamId(1), 0)];
    exchange.handle_terms(&room(), link, Some(Terms::Home));
    while exchange.poll_effect().is_some() {}
    exchange
        .handle_message(link, Control::Publish { track, layers })
        .expect("in order");
    assert_eq!(exchange.poll_effect(), None);
}

#[derive(Debug, Clone)]
enum Act {
    Enter(usize),
    Leave(usize),
    Publish(usize, u8),
    Unpublish(usize),
    Want(usize, usize, Option<u8>),
    Terms(usize, Option<(u8, Option<u8>)>),
    Cut(usize),
    Connect(usize),
    Cross(usize, u64),
    Uncross(usize),
    Step(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let place = || 0..PLACES.len();
    prop_oneof![
        3 => place().prop_map(Act::Enter),
        1 => place().prop_map(Act::Leave),
        2 => (place(), 1_u8..4).prop_map(|(at, count)| Act::Publish(at, count)),
        1 => place().prop_map(Act::Unpublish),
        4 => (place(), place(), prop::option::weighted(0.8, 0_u8..3))
            .prop_map(|(at, whose, most)| Act::Want(at, whose, most)),
        2 => (0_usize..2, prop::option::weighted(0.8, (any::<u8>(), prop::option::of(any::<u8>()))))
            .prop_map(|(server, terms)| Act::Terms(server, terms)),
        1 => (0_usize..7).prop_map(Act::Cut),
        1 => (0_usize..7).prop_map(Act::Connect),
        2 => (3..PLACES.len(), 1_u64..4).prop_map(|(guest, home)| Act::Cross(guest, home)),
        1 => (3..PLACES.len()).prop_map(Act::Uncross),
        8 => any::<usize>().prop_map(Act::Step),
    ]
}

/// Of the bits of a number, those who may speak or are seen.
fn those(bits: u8) -> impl Iterator<Item = Participant> {
    let all = PLACES.iter().enumerate();
    all.filter(move |(number, _)| bits & (1 << number) != 0)
        .map(|(_, place)| camera(*place).participant)
}

fn terms_of(server: char, (speak, see): (u8, Option<u8>)) -> Terms {
    let guests = those(speak).filter(|who| PLACES[who.0 as usize - 1].0 == server);
    Terms::Guests {
        speak: guests.map(|who| (who, [TrackKind::Video].into())).collect(),
        see: see.map_or_else(See::all, |bits| See::only(those(bits))),
    }
}

impl World {
    fn act(&mut self, act: Act) {
        match act {
            Act::Enter(at) => self.enter(PLACES[at]),
            Act::Leave(at) => self.leave(PLACES[at]),
            Act::Publish(at, count) if self.at(PLACES[at]).people => self.publish(PLACES[at], count),
            Act::Publish(..) => {}
            Act::Unpublish(at) => self.unpublish(PLACES[at]),
            Act::Want(at, whose, most) => {
                if at != whose && self.at(PLACES[at]).people {
                    self.want(PLACES[at], PLACES[whose], most);
                }
            }
            Act::Terms(server, terms) => {
                let server = GUESTS[server];
                self.terms
                    .insert(server, terms.map(|terms| terms_of(server, terms)));
                self.agree(server);
            }
            Act::Cut(pair) => {
                let (one, other) = pairs()[pair];
                self.cut((one, NodeId(other.1)));
            }
            Act::Connect(pair) => {
                let (one, other) = pairs()[pair];
                self.connect(one, other);
            }
            Act::Cross(guest, home) => self.cross(PLACES[guest], home),
            Act::Uncross(guest) => self.uncross(PLACES[guest]),
            Act::Step(which) => {
                let ends: Vec<End> = self.flying.keys().copied().collect();
                if let Some(end) = which.checked_rem(ends.len()).map(|at| ends[at]) {
                    self.step(end);
                }
            }
        }
    }

    /// All links are there that should be.
    fn heal(&mut self) {
        for (one, other) in pairs() {
            if !self.links.contains_key(&(one, NodeId(other.1))) {
                self.connect(one, other);
            }
        }
        for guest in PLACES.into_iter().filter(|place| place.0 != HOME) {
            if !self.crossings.contains_key(&guest) {
                self.cross(guest, 1);
            }
        }
        self.settle();
    }

    /// Whether the terms let somebody's camera reach another place.
    fn lets(&self, whose: Place, place: Place) -> bool {
        let who = camera(whose).participant;
        let speaks = |server: char| match &self.terms[&server] {
            Some(Terms::Guests { speak, .. }) => speak.contains_key(&who),
            _ => false,
        };
        let seen = |server: char| match &self.terms[&server] {
            Some(Terms::Guests { see, .. }) => see.people.as_ref().is_none_or(|seen| seen.contains(&who)),
            Some(Terms::Home) => true,
            None => false,
        };
        whose.0 == place.0 || (whose.0 == HOME || speaks(whose.0)) && (place.0 == HOME || seen(place.0))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// One room, one camera at each place, two servers of guests.
    #[test]
    fn whatever_happened_in_the_end_each_gets_what_it_wants_and_may_have_once(acts in vec(act(), 1..160)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
            world.collect();
        }
        world.heal();
        for server in GUESTS {
            let mut people = PLACES.iter().filter(|place| place.0 == server && world.nodes[*place].people);
            let uplinks = world.uplinks(server);
            prop_assert!(uplinks.iter().all(|place| world.nodes[place].people), "{:?}", uplinks);
            prop_assert_eq!(uplinks.len(), usize::from(people.next().is_some()));
        }
        for whose in PLACES {
            let (reached, crossed) = world.flow(whose);
            prop_assert!(reached.values().all(|times| *times == 1), "{:?} comes twice: {:?}", whose, reached);
            let sent = world.nodes[&whose].own.get(&camera(whose));
            let count = sent.map_or(0, Vec::len);
            prop_assert!(crossed.values().all(|times| *times <= count), "{:?} crosses twice: {:?}", whose, crossed);
            for place in PLACES.into_iter().filter(|place| *place != whose) {
                let wants = world.nodes[&place].wants.get(&camera(whose)).copied();
                let lets = world.lets(whose, place);
                prop_assert!(lets || !reached.keys().any(|(there, _)| *there == place), "{:?} must not get {:?}", place, whose);
                for layer in 0..count as u8 {
                    let wanted = lets && wants.is_some_and(|most| layer <= most);
                    if wanted {
                        prop_assert!(reached.contains_key(&(place, layer)), "{:?} misses {} of {:?}", place, layer, whose);
                    }
                }
            }
        }
    }
}
