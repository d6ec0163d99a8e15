//! Who hears of which tracks, and which streams go where, over three nodes.

use plenary_cascade::{
    Control, Effect, Exchange, Layer, Layers, Level, Participant, Refused, Room, StreamId, Track, TrackKind,
};
use plenary_model::NodeId;
use proptest::{collection::vec, prelude::*};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const ONE: NodeId = NodeId(1);
const TWO: NodeId = NodeId(2);
const THREE: NodeId = NodeId(3);
const NODES: [NodeId; 3] = [ONE, TWO, THREE];

fn room(name: &str) -> Room {
    Room(name.into())
}

fn track(name: &str, participant: u64, kind: TrackKind) -> Track {
    let (room, participant) = (room(name), Participant(participant));
    Track {
        room,
        participant,
        kind,
    }
}

/// A camera with so many layers; its streams are numbered from ten times `first`.
fn layers(first: u64, count: u8) -> Vec<Layer> {
    let layer = |layer: u8| Layer {
        stream: StreamId(first * 10 + u64::from(layer)),
        layer,
        format: "VP8/90000".into(),
        height: 180 * (u16::from(layer) + 1),
        kbps: 200 * (u32::from(layer) + 1),
    };
    (0..count).map(layer).collect()
}

/// Nodes whose messages reach each other in order, while there is a link.
#[derive(Default)]
struct Server {
    nodes: BTreeMap<NodeId, Exchange>,
    links: BTreeSet<(NodeId, NodeId)>,
    /// Messages on their way.
    flying: BTreeMap<(NodeId, NodeId), VecDeque<Control>>,
    /// What each node forwards, and what it can watch, by its effects.
    forwarded: BTreeSet<(NodeId, StreamId, NodeId)>,
    watchable: BTreeMap<(NodeId, Track), (NodeId, Vec<Layer>)>,
    /// What each node was told that another watches of its tracks.
    watched: BTreeMap<(NodeId, Track, NodeId), Layers>,
    others: Vec<(NodeId, Effect)>,
    /// Where tracks really are.
    homes: BTreeMap<Track, BTreeSet<NodeId>>,
    announcements: usize,
}

impl Server {
    fn new() -> Self {
        let mut server = Self::default();
        for node in NODES {
            server.nodes.insert(node, Exchange::new(node));
        }
        for (a, b) in [(ONE, TWO), (ONE, THREE), (TWO, THREE)] {
            server.connect(a, b);
        }
        server
    }

    fn at(&mut self, node: NodeId) -> &mut Exchange {
        self.nodes.get_mut(&node).expect("one of three")
    }

    fn connect(&mut self, a: NodeId, b: NodeId) {
        self.flying.remove(&(a, b));
        self.flying.remove(&(b, a));
        self.links.extend([(a, b), (b, a)]);
        self.at(a).handle_up(b);
        self.at(b).handle_up(a);
        self.collect();
    }

    fn cut(&mut self, a: NodeId, b: NodeId) {
        self.flying.remove(&(a, b));
        self.flying.remove(&(b, a));
        self.links.remove(&(a, b));
        self.links.remove(&(b, a));
        self.at(a).handle_down(b);
        self.at(b).handle_down(a);
        self.collect();
    }

    fn publish(&mut self, node: NodeId, track: &Track, layers: Vec<Layer>) {
        self.homes.entry(track.clone()).or_default().insert(node);
        self.at(node).handle_track(track, layers);
        self.collect();
    }

    fn unpublish(&mut self, node: NodeId, track: &Track) {
        if let Some(homes) = self.homes.get_mut(track) {
            homes.remove(&node);
        }
        let ended: Vec<StreamId> = self
            .forwarded
            .iter()
            .filter(|(from, ..)| *from == node)
            .map(|one| one.1)
            .collect();
        self.at(node).handle_track_gone(track);
        // Not said for streams and tracks that ended.
        self.watched
            .retain(|(from, one, _), _| (*from, one) != (node, track));
        for stream in ended {
            let still: BTreeSet<NodeId> = self.at(node).targets(stream).collect();
            self.forwarded
                .retain(|(from, one, to)| *from != node || *one != stream || still.contains(to));
        }
        self.collect();
    }

    /// Takes the effects of all nodes.
    fn collect(&mut self) {
        for node in NODES {
            while let Some(effect) = self.at(node).poll_effect() {
                self.apply(node, effect);
            }
        }
    }

    fn apply(&mut self, node: NodeId, effect: Effect) {
        match effect {
            Effect::Tell { node: to, message } => {
                message.check().expect("nodes send what is in order");
                if let Control::Publish { track, .. } = &message {
                    self.announcements += 1;
                    let homes = self.homes.get(track);
                    assert!(
                        homes.is_some_and(|homes| homes.contains(&node)),
                        "only what is homed here: {track:?}"
                    );
                }
                if self.links.contains(&(node, to)) {
                    self.flying.entry((node, to)).or_default().push_back(message);
                }
            }
            Effect::Forward { stream, node: to } => {
                assert!(self.forwarded.insert((node, stream, to)), "twice")
            }
            Effect::Stop { stream, node: to } => {
                assert!(self.forwarded.remove(&(node, stream, to)), "not begun")
            }
            Effect::Wanted {
                node: to,
                track,
                layers,
            } => {
                let before = match layers.clone() {
                    Some(layers) => self.watched.insert((node, track, to), layers),
                    None => self.watched.remove(&(node, track, to)),
                };
                assert_ne!(before, layers, "nothing new");
            }
            Effect::Announced {
                node: home,
                track,
                layers,
            } => {
                self.watchable.insert((node, track), (home, layers));
            }
            Effect::Gone { node: home, track } => {
                let gone = self.watchable.remove(&(node, track));
                assert_eq!(gone.map(|(home, _)| home), Some(home));
            }
            other => self.others.push((node, other)),
        }
    }

    /// Delivers one message from one node to another.
    fn step(&mut self, from: NodeId, to: NodeId) -> bool {
        let Some(message) = self.flying.get_mut(&(from, to)).and_then(VecDeque::pop_front) else {
            return false;
        };
        self.at(to).handle_message(from, message).expect("in order");
        self.collect();
        true
    }

    fn settle(&mut self) {
        self.collect();
        while NODES
            .into_iter()
            .any(|from| NODES.into_iter().any(|to| self.step(from, to)))
        {}
    }

    fn goes(&self, from: NodeId, to: NodeId) -> Vec<u64> {
        let goes = self.forwarded.iter().filter(|one| one.0 == from && one.2 == to);
        goes.map(|one| one.1.0).collect()
    }

    fn is_watchable(&self, node: NodeId, track: &Track) -> bool {
        self.watchable.contains_key(&(node, track.clone()))
    }
}

#[test]
fn tracks_are_announced_where_people_of_the_room_are_and_nowhere_else() {
    let mut server = Server::new();
    let camera = track("a", 1, TrackKind::Video);
    server.at(ONE).handle_here(&room("a"), true);
    server.at(TWO).handle_here(&room("a"), true);
    server.at(THREE).handle_here(&room("b"), true);
    server.publish(ONE, &camera, layers(1, 3));
    server.settle();
    assert!(server.is_watchable(TWO, &camera));
    assert!(!server.is_watchable(THREE, &camera));
    assert_eq!(server.announcements, 1);
    // Who comes later hears of it then.
    server.at(THREE).handle_here(&room("a"), true);
    server.settle();
    assert!(server.is_watchable(THREE, &camera));
    // Nothing is passed on.
    assert_eq!(server.announcements, 2);
    server.at(TWO).handle_here(&room("a"), false);
    server.settle();
    assert!(!server.is_watchable(TWO, &camera));
}

#[test]
fn exactly_the_layers_that_are_watched_cross_the_link() {
    let mut server = Server::new();
    let camera = track("a", 1, TrackKind::Video);
    for node in [ONE, TWO] {
        server.at(node).handle_here(&room("a"), true);
    }
    server.publish(ONE, &camera, layers(1, 3));
    server.settle();
    assert!(server.goes(ONE, TWO).is_empty(), "nobody watches yet");
    server.at(TWO).handle_wanted(&camera, Some(Layers::Highest(1)));
    server.settle();
    assert_eq!(server.goes(ONE, TWO), [11]);
    assert_eq!(server.others, [(ONE, Effect::KeyFrame { stream: StreamId(11) })]);
    server
        .at(TWO)
        .handle_wanted(&camera, Some(Layers::Exact([0, 2, 9].into())));
    server.settle();
    assert_eq!(server.goes(ONE, TWO), [10, 12]);
    let watched = &server.watched[&(ONE, camera.clone(), TWO)];
    assert_eq!(watched.highest(), Some(9), "also what does not come yet");
    // The publisher stops its largest layer, and begins it anew.
    server.publish(ONE, &camera, layers(1, 2));
    server.settle();
    assert_eq!(server.goes(ONE, TWO), [10]);
    server.publish(ONE, &camera, layers(2, 3));
    server.settle();
    assert_eq!(server.goes(ONE, TWO), [20, 22]);
    server.at(TWO).handle_wanted(&camera, None);
    server.settle();
    assert!(server.goes(ONE, TWO).is_empty());
}

#[test]
fn the_lowest_layer_is_sent_where_none_is_small_enough() {
    let only_large = &layers(1, 3)[2..];
    let picked = Layers::Highest(0).pick(only_large);
    assert_eq!(picked.into_iter().collect::<Vec<_>>(), [StreamId(12)]);
    assert!(Layers::Highest(0).pick(&[]).is_empty());
}

#[test]
fn a_lost_link_ends_what_came_over_it_and_a_new_one_brings_it_back() {
    let mut server = Server::new();
    let camera = track("a", 1, TrackKind::Video);
    for node in [ONE, TWO] {
        server.at(node).handle_here(&room("a"), true);
    }
    server.publish(ONE, &camera, layers(1, 3));
    server.at(TWO).handle_wanted(&camera, Some(Layers::Highest(2)));
    server.settle();
    assert_eq!(server.goes(ONE, TWO), [12]);
    server.cut(ONE, TWO);
    assert!(server.goes(ONE, TWO).is_empty());
    assert!(!server.is_watchable(TWO, &camera));
    server.connect(ONE, TWO);
    server.settle();
    assert_eq!(server.goes(ONE, TWO), [12], "what is watched is asked for again");
}

#[test]
fn a_connection_that_replaces_another_begins_anew() {
    let mut server = Server::new();
    let voice = track("a", 1, TrackKind::Audio);
    for node in [ONE, TWO] {
        server.at(node).handle_here(&room("a"), true);
    }
    server.publish(ONE, &voice, layers(1, 1));
    server.at(TWO).handle_wanted(&voice, Some(Layers::Highest(0)));
    server.settle();
    // One side notices nothing of the old one's end.
    server.connect(ONE, TWO);
    server.settle();
    assert_eq!(server.goes(ONE, TWO), [10]);
    assert!(server.others.is_empty(), "voices need no key frames");
}

#[test]
fn who_moves_to_another_node_is_watched_there() {
    let mut server = Server::new();
    let camera = track("a", 1, TrackKind::Video);
    for node in NODES {
        server.at(node).handle_here(&room("a"), true);
    }
    server.publish(ONE, &camera, layers(1, 1));
    server.at(THREE).handle_wanted(&camera, Some(Layers::Highest(0)));
    server.settle();
    assert_eq!(server.goes(ONE, THREE), [10]);
    // The old node still holds on to what is there no more.
    server.publish(TWO, &camera, layers(2, 1));
    server.settle();
    assert_eq!(
        (server.goes(ONE, THREE), server.goes(TWO, THREE)),
        (vec![], vec![20])
    );
    server.publish(ONE, &camera, layers(1, 2));
    server.settle();
    assert_eq!(
        server.goes(TWO, THREE),
        [20],
        "what the old one says of it changes nothing"
    );
    server.unpublish(ONE, &camera);
    server.settle();
    assert_eq!(server.goes(TWO, THREE), [20]);
    assert_eq!(server.watchable[&(THREE, camera)].0, TWO);
}

#[test]
fn the_own_track_counts_more_than_what_another_node_says_of_it() {
    let mut server = Server::new();
    let camera = track("a", 1, TrackKind::Video);
    for node in [ONE, TWO] {
        server.at(node).handle_here(&room("a"), true);
    }
    server.publish(ONE, &camera, layers(1, 1));
    server.settle();
    assert!(server.is_watchable(TWO, &camera));
    server.publish(TWO, &camera, layers(2, 1));
    server.settle();
    assert!(!server.is_watchable(TWO, &camera) && !server.is_watchable(ONE, &camera));
    server.unpublish(TWO, &camera);
    server.settle();
    assert!(server.is_watchable(TWO, &camera), "the other one is still there");
}

#[test]
fn key_frames_are_asked_only_for_what_is_sent() {
    let mut server = Server::new();
    let camera = track("a", 1, TrackKind::Video);
    for node in [ONE, TWO] {
        server.at(node).handle_here(&room("a"), true);
    }
    server.publish(ONE, &camera, layers(1, 3));
    server.at(TWO).handle_wanted(&camera, Some(Layers::Highest(2)));
    server.settle();
    server.others.clear();
    server.at(TWO).handle_key_frame(ONE, StreamId(12));
    server.at(TWO).handle_key_frame(ONE, StreamId(10));
    server.at(THREE).handle_key_frame(ONE, StreamId(12));
    server.settle();
    assert_eq!(server.others, [(ONE, Effect::KeyFrame { stream: StreamId(12) })]);
}

#[test]
fn of_levels_the_newest_count() {
    let mut server = Server::new();
    for node in [ONE, TWO] {
        server.at(node).handle_here(&room("a"), true);
    }
    server.settle();
    let level = |level| Level {
        participant: Participant(1),
        level,
        voice: true,
    };
    server.at(ONE).handle_levels(&room("a"), 5, vec![level(20); 40]);
    server.settle();
    let told = server.others.pop();
    let Some((
        TWO,
        Effect::Levels {
            node: ONE, levels, ..
        },
    )) = told
    else {
        panic!("{told:?}");
    };
    assert_eq!(levels.len(), 16, "as many as fit");
    // Datagrams overtake each other.
    let late = Control::Levels {
        room: room("a"),
        tick: 4,
        levels: vec![level(30)],
    };
    server.at(TWO).handle_message(ONE, late).expect("in order");
    let elsewhere = Control::Levels {
        room: room("b"),
        tick: 9,
        levels: vec![level(30)],
    };
    server.at(TWO).handle_message(ONE, elsewhere).expect("in order");
    server.settle();
    assert!(server.others.is_empty(), "{:?}", server.others);
}

#[test]
fn impossible_messages_are_refused() {
    let mut exchange = Exchange::default();
    let interest = Control::Interest { room: room("a") };
    assert_eq!(exchange.handle_message(ONE, interest), Err(Refused::NoLink(ONE)));
    exchange.handle_up(ONE);
    exchange.handle_here(&room("a"), true);
    let camera = track("a", 1, TrackKind::Video);
    let mut twice = layers(1, 1);
    twice.extend(layers(2, 1));
    for message in [
        Control::Interest { room: room("") },
        Control::Interest {
            room: room(&"a".repeat(385)),
        },
        Control::Publish {
            track: camera.clone(),
            layers: Vec::new(),
        },
        Control::Publish {
            track: camera.clone(),
            layers: layers(1, 17),
        },
        Control::Publish {
            track: camera.clone(),
            layers: twice,
        },
        Control::Subscribe {
            track: camera,
            layers: Layers::Exact((0..17).collect()),
        },
        Control::KeyFrame {
            stream: StreamId(1 << 62),
        },
        Control::Levels {
            room: room("a"),
            tick: 1,
            levels: vec![Level {
                participant: Participant(1),
                level: 128,
                voice: false,
            }],
        },
    ] {
        let refused = exchange.handle_message(ONE, message.clone());
        assert!(matches!(refused, Err(Refused::Bad(_))), "{message:?}");
    }
}

#[derive(Debug, Clone)]
enum Act {
    Here(usize, bool),
    Publish(usize, u8),
    Unpublish(usize),
    Want(usize, usize, Option<u8>),
    Cut(usize),
    Connect(usize),
    Step(usize, usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0_usize..3, any::<bool>()).prop_map(|(node, here)| Act::Here(node, here)),
        (0_usize..3, 1_u8..4).prop_map(|(node, count)| Act::Publish(node, count)),
        (0_usize..3).prop_map(Act::Unpublish),
        (0_usize..3, 0_usize..3, prop::option::of(0_u8..3))
            .prop_map(|(node, whose, want)| Act::Want(node, whose, want)),
        (0_usize..3).prop_map(Act::Cut),
        (0_usize..3).prop_map(Act::Connect),
        (0_usize..3, 0_usize..3).prop_map(|(from, to)| Act::Step(from, to)),
        (0_usize..3, 0_usize..3).prop_map(|(from, to)| Act::Step(from, to)),
    ]
}

const PAIRS: [(NodeId, NodeId); 3] = [(ONE, TWO), (ONE, THREE), (TWO, THREE)];

proptest! {
    /// One room; participant n is homed at node n.
    #[test]
    fn whatever_happened_in_the_end_exactly_what_is_wanted_is_sent(acts in vec(act(), 1..120)) {
        let mut server = Server::new();
        let cameras: Vec<Track> = NODES.iter().map(|node| track("a", node.0, TrackKind::Video)).collect();
        let mut here = [false; 3];
        let mut sent: [Option<Vec<Layer>>; 3] = Default::default();
        let mut wanted: BTreeMap<(usize, usize), u8> = BTreeMap::new();
        for (number, act) in (1_u64..).zip(acts) {
            match act {
                Act::Here(node, now) => {
                    here[node] = now;
                    if !now {
                        wanted.retain(|(who, _), _| *who != node);
                    }
                    server.at(NODES[node]).handle_here(&room("a"), now);
                }
                Act::Publish(node, count) => {
                    // Streams that begin anew have new numbers.
                    let layers = layers(number, count);
                    sent[node] = Some(layers.clone());
                    server.publish(NODES[node], &cameras[node], layers);
                }
                Act::Unpublish(node) => {
                    sent[node] = None;
                    server.unpublish(NODES[node], &cameras[node]);
                }
                Act::Want(node, whose, highest) => {
                    if node == whose || !here[node] {
                        continue;
                    }
                    match highest {
                        Some(highest) => wanted.insert((node, whose), highest),
                        None => wanted.remove(&(node, whose)),
                    };
                    server.at(NODES[node]).handle_wanted(&cameras[whose], highest.map(Layers::Highest));
                }
                Act::Cut(pair) => server.cut(PAIRS[pair].0, PAIRS[pair].1),
                Act::Connect(pair) => server.connect(PAIRS[pair].0, PAIRS[pair].1),
                Act::Step(from, to) => drop(server.step(NODES[from], NODES[to])),
            }
            server.collect();
        }
        for (a, b) in PAIRS {
            if !server.links.contains(&(a, b)) {
                server.connect(a, b);
            }
        }
        server.settle();
        let mut expected = BTreeSet::new();
        let mut watched = BTreeMap::new();
        for ((node, whose), highest) in &wanted {
            if let Some(layers) = &sent[*whose] {
                let who = (NODES[*whose], cameras[*whose].clone(), NODES[*node]);
                watched.insert(who, Layers::Highest(*highest));
                let picked = Layers::Highest(*highest).pick(layers);
                expected.extend(picked.into_iter().map(|stream| (NODES[*whose], stream, NODES[*node])));
            }
        }
        prop_assert_eq!(&server.forwarded, &expected);
        prop_assert_eq!(&server.watched, &watched);
        for (node, here) in NODES.into_iter().zip(here) {
            for (whose, camera) in cameras.iter().enumerate() {
                let there = here && NODES[whose] != node && sent[whose].is_some();
                prop_assert_eq!(server.is_watchable(node, camera), there);
            }
        }
    }
}
