//! A meeting over two nodes, whose links are in memory; real ones are tested in `plenary-cascade-io`.

#![allow(clippy::unwrap_used)]

mod client;
mod support;

use client::{Client, KEY_FRAME, until};
use plenary_cascade::{Control, MediaPacket, Priority, StreamId};
use plenary_media_io::{
    Cascade, Engine, Event, Kind, Line, LinkEvent, Links, Options, Part, SessionKey, Show, Source,
};
use plenary_model::NodeId;
use std::sync::Arc;
use str0m::media::{Direction, MediaKind};
use support::{id, open, threads};
use tokio::sync::mpsc;

/// From one node to another.
struct Wire {
    from: NodeId,
    to: mpsc::Sender<LinkEvent>,
}

impl Links for Wire {
    fn send(&self, _: NodeId, stream: StreamId, _: Priority, packet: MediaPacket) -> bool {
        self.to
            .try_send(LinkEvent::Packet(self.from, stream, packet))
            .is_ok()
    }

    fn tell(&self, _: NodeId, message: Control) -> bool {
        self.to.try_send(LinkEvent::Message(self.from, message)).is_ok()
    }
}

struct Node {
    engine: Engine,
    _events: mpsc::UnboundedReceiver<Event>,
    /// What the engine hears of its links.
    link: mpsc::Sender<LinkEvent>,
}

/// Two nodes with a link between them.
async fn nodes() -> [Node; 2] {
    let (to_first, first) = mpsc::channel(4_096);
    let (to_second, second) = mpsc::channel(4_096);
    let start = |me: u64,
                 inbox: mpsc::Receiver<LinkEvent>,
                 to: &mpsc::Sender<LinkEvent>,
                 link: &mpsc::Sender<LinkEvent>| {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let (events, receiver) = mpsc::unbounded_channel();
        let links = Wire {
            from: NodeId(me),
            to: to.clone(),
        };
        let cascade = Cascade {
            me: NodeId(me),
            links: Arc::new(links),
            events: inbox,
        };
        // Nodes need not have as many threads as each other.
        let options = Options {
            threads: threads().saturating_sub(me as usize - 1).max(1),
            ..Options::default()
        };
        let engine = Engine::start(socket, None, Some(cascade), options, events).unwrap();
        Node {
            engine,
            _events: receiver,
            link: link.clone(),
        }
    };
    let one = start(1, first, &to_second, &to_first);
    let other = start(2, second, &to_first, &to_second);
    one.link.send(LinkEvent::Up(NodeId(2))).await.unwrap();
    other.link.send(LinkEvent::Up(NodeId(1))).await.unwrap();
    [one, other]
}

fn lines(client: &Client, kinds: &[Kind]) -> Vec<Line> {
    let lines = client.mids().into_iter().zip(kinds);
    lines.map(|(mid, kind)| Line { mid, kind: *kind }).collect()
}

async fn publish(node: &Node, who: &str) -> (Client, SessionKey) {
    publish_in(node, "r", who).await
}

async fn publish_in(node: &Node, room: &str, who: &str) -> (Client, SessionKey) {
    let mut camera = Client::new(&[
        (MediaKind::Audio, Direction::SendOnly),
        (MediaKind::Video, Direction::SendOnly),
    ]);
    let named = lines(&camera, &[Kind::Audio, Kind::Video]);
    let key = open(&node.engine, &mut camera, room, who, Part::Publish(named)).await;
    (camera, key)
}

async fn watch(node: &Node, who: &str, whom: &str) -> Client {
    watch_in(node, "r", who, whom).await
}

async fn watch_in(node: &Node, room: &str, who: &str, whom: &str) -> Client {
    let mut screen = Client::new(&[
        (MediaKind::Audio, Direction::RecvOnly),
        (MediaKind::Audio, Direction::RecvOnly),
        (MediaKind::Video, Direction::RecvOnly),
    ]);
    let named = lines(&screen, &[Kind::Audio, Kind::Audio, Kind::Video]);
    let key = open(&node.engine, &mut screen, room, who, Part::Receive(named)).await;
    let source = Source {
        participant: id(whom),
        kind: Kind::Video,
    };
    node.engine
        .show(key, vec![Show { source, height: 360 }])
        .await
        .unwrap();
    screen
}

fn in_order(screen: &Client) {
    let numbers: Vec<u64> = screen.video(0).iter().map(|packet| packet.seq).collect();
    assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{numbers:?}");
    assert!(screen.video(0)[0].payload.ends_with(KEY_FRAME));
}

#[tokio::test]
async fn people_on_two_nodes_see_and_hear_each_other_and_each_stream_crosses_once() {
    let [one, other] = nodes().await;
    let (mut ann, _) = publish(&one, "ann").await;
    let (mut ben, _) = publish(&other, "ben").await;
    ann.mark(1);
    ben.mark(2);
    let mut ann_sees = watch(&one, "ann", "ben").await;
    let mut ben_sees = watch(&other, "ben", "ann").await;
    // Two more at the other node: that costs the link nothing.
    let mut cat_sees = watch(&other, "cat", "ann").await;
    let mut dan_sees = watch(&other, "dan", "ann").await;
    until(
        &mut [
            &mut ann,
            &mut ben,
            &mut ann_sees,
            &mut ben_sees,
            &mut cat_sees,
            &mut dan_sees,
        ],
        |all| {
            all[2..]
                .iter()
                .all(|screen| screen.video(0).len() > 100 && screen.heard() > 30)
        },
    )
    .await;
    in_order(&ann_sees);
    in_order(&cat_sees);
    assert!(ann_sees.video(0).iter().all(|packet| packet.payload.contains(&2)));
    assert!(dan_sees.video(0).iter().all(|packet| packet.payload.contains(&1)));
    let (sent, came) = (one.engine.figures(), other.engine.figures());
    assert!(came.packets_far <= sent.packets_to_nodes, "{came:?}");
    assert!(sent.packets_to_nodes <= sent.packets_in, "once: {sent:?}");
}

#[tokio::test]
async fn rooms_over_two_nodes_do_not_mix_whichever_thread_has_them() {
    let [one, other] = nodes().await;
    let rooms = ["a", "b", "c", "d"];
    let (mut cameras, mut screens) = (Vec::new(), Vec::new());
    for (at, room) in rooms.iter().enumerate() {
        let mut camera = publish_in(&one, room, "ann").await.0;
        camera.mark(u8::try_from(at + 1).unwrap());
        cameras.push(camera);
        screens.push(watch_in(&other, room, "ben", "ann").await);
    }
    let mut all: Vec<&mut Client> = cameras.iter_mut().chain(&mut screens).collect();
    until(&mut all, |all| {
        let mut screens = all[rooms.len()..].iter();
        screens.all(|screen| screen.video(0).len() > 50 && screen.heard() > 20)
    })
    .await;
    for (at, screen) in screens.iter().enumerate() {
        in_order(screen);
        let mark = u8::try_from(at + 1).unwrap();
        assert!(
            screen
                .video(0)
                .iter()
                .all(|packet| packet.payload.contains(&mark))
        );
    }
    assert_eq!(other.engine.figures().packets_far_dropped, 0);
}

#[tokio::test]
async fn a_link_that_is_lost_takes_pictures_away_and_a_new_one_brings_them_back() {
    let [one, other] = nodes().await;
    let (mut ann, _) = publish(&one, "ann").await;
    let mut ben_sees = watch(&other, "ben", "ann").await;
    until(&mut [&mut ann, &mut ben_sees], |all| all[1].video(0).len() > 50).await;
    for (node, lost) in [(&one, 2), (&other, 1)] {
        node.link.send(LinkEvent::Down(NodeId(lost))).await.unwrap();
    }
    for (node, found) in [(&one, 2), (&other, 1)] {
        node.link.send(LinkEvent::Up(NodeId(found))).await.unwrap();
    }
    let before = ben_sees.video(0).len();
    until(&mut [&mut ann, &mut ben_sees], |all| {
        all[1].video(0).len() > before + 100
    })
    .await;
    in_order(&ben_sees);
}

#[tokio::test]
async fn who_moves_to_another_node_is_seen_from_there() {
    let [one, other] = nodes().await;
    let (mut ann, key) = publish(&one, "ann").await;
    ann.mark(1);
    let mut ben_sees = watch(&one, "ben", "ann").await;
    let mut cat_sees = watch(&other, "cat", "ann").await;
    until(&mut [&mut ann, &mut ben_sees, &mut cat_sees], |all| {
        all[1].video(0).len() > 50 && all[2].video(0).len() > 50
    })
    .await;
    let (mut again, _) = publish(&other, "ann").await;
    again.mark(9);
    assert!(one.engine.close(key).await.unwrap());
    until(&mut [&mut again, &mut ben_sees, &mut cat_sees], |all| {
        let from_there = |screen: &Client| {
            screen
                .video(0)
                .iter()
                .filter(|packet| packet.payload.contains(&9))
                .count()
        };
        from_there(all[1]) > 50 && from_there(all[2]) > 50
    })
    .await;
}

#[tokio::test]
async fn nothing_crosses_while_nobody_is_at_the_other_node() {
    let [one, other] = nodes().await;
    let (mut ann, _) = publish(&one, "ann").await;
    let mut ben_sees = watch(&one, "ben", "ann").await;
    until(&mut [&mut ann, &mut ben_sees], |all| all[1].video(0).len() > 100).await;
    assert_eq!(one.engine.figures().packets_to_nodes, 0);
    assert_eq!(other.engine.figures().packets_far, 0);
}
