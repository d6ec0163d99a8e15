//! Clients whose datagrams come by another way than the socket (ENT-04).

#![allow(clippy::unwrap_used)]

mod client;
mod support;

use client::{Client, until};
use plenary_media_io::{Carrier, Engine, Event, Kind, Line, Named, Options, Part, Show, Source};
use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use str0m::media::{Direction, MediaKind};
use support::{engine, id, opening};

/// Stands where a Border Controller does: takes what clients send, and sends what they get.
struct Fence {
    socket: UdpSocket,
    ends: AtomicBool,
}

impl Carrier for Fence {
    fn carry(&self, client: SocketAddr, datagram: &[u8]) -> bool {
        self.socket.send_to(datagram, client).is_ok()
    }
}

impl Fence {
    fn new() -> Arc<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        Arc::new(Self {
            socket,
            ends: AtomicBool::new(false),
        })
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    fn serve(self: &Arc<Self>, engine: &Engine) -> JoinHandle<usize> {
        let (fence, mut arrivals) = (self.clone(), engine.outside().arrivals());
        std::thread::spawn(move || {
            let (mut taken, mut buffer) = (0, [0; 2_000]);
            while !fence.ends.load(Ordering::Relaxed) {
                if let Ok((length, client)) = fence.socket.recv_from(&mut buffer) {
                    taken += usize::from(arrivals.put(client, fence.address(), &buffer[..length]));
                    arrivals.hand_over();
                }
            }
            taken
        })
    }
}

/// The answer with this candidate alone.
fn only(answer: &str, address: SocketAddr) -> String {
    let wanted = format!(" {} {} ", address.ip(), address.port());
    let lines = answer
        .lines()
        .filter(|line| !line.starts_with("a=candidate:") || line.contains(&wanted));
    lines.flat_map(|line| [line, "\r\n"]).collect()
}

async fn meets(options: Options) {
    let (engine, mut events) = engine(options);
    let fence = Fence::new();
    let outside = engine.outside();
    let way = outside.open(fence.address(), fence.clone());
    let (before, mut names) = outside.names();
    assert!(before.is_empty());
    let serving = fence.serve(&engine);

    let mut camera = Client::new(&[
        (MediaKind::Audio, Direction::SendOnly),
        (MediaKind::Video, Direction::SendOnly),
    ]);
    let mut screen = Client::new(&[
        (MediaKind::Audio, Direction::RecvOnly),
        (MediaKind::Video, Direction::RecvOnly),
    ]);
    // One comes over the fence, the other one directly.
    let mut publish = opening(&engine, "r", "ben", Part::Publish(Vec::new()), camera.offer());
    publish.outside = true;
    let opened = engine.open(publish).await.unwrap();
    let reached = only(&opened.answer, fence.address());
    assert_eq!(opened.answer, reached, "the outside is told of nothing else");
    camera.accept(&reached);
    let first = names.recv().await.unwrap();
    assert_eq!(first, Named::Begun(opened.ufrag.clone()));
    let kinds = [Kind::Audio, Kind::Video];
    let lines = screen.mids().into_iter().zip(kinds);
    let lines = lines.map(|(mid, kind)| Line { mid, kind }).collect();
    let receive = opening(&engine, "r", "ann", Part::Receive(lines), screen.offer());
    let received = engine.open(receive).await.unwrap();
    screen.accept(&only(&received.answer, engine.local()));
    let source = Source {
        participant: id("ben"),
        kind: Kind::Video,
    };
    let shown = vec![Show { source, height: 720 }];
    engine.show(received.key, shown).await.unwrap();
    until(&mut [&mut camera, &mut screen], |all| {
        all[1].video(0).len() > 40 && all[1].heard() > 40
    })
    .await;
    assert_eq!(outside.names().0.len(), 2, "both have a name");

    // Who is met where nothing leads to any more is over at once; others stay, and clients are still told of the address.
    way.lose();
    let lost = Event::Ended(opened.key);
    while events.recv().await.unwrap() != lost {}
    assert_eq!(outside.names().0, [received.ufrag], "the other one stays");
    let port = format!(" {} ", fence.address().port());
    let next = Client::new(&[(MediaKind::Audio, Direction::SendOnly)]);
    let mut again = opening(&engine, "r", "ben", Part::Publish(Vec::new()), next.offer());
    again.outside = true;
    let waits = engine.open(again).await.unwrap();
    assert!(waits.answer.contains(&port), "{}", waits.answer);

    // Who could not come meanwhile begins anew once it leads somewhere again.
    let lost = Event::Ended(waits.key);
    loop {
        way.regain();
        let heard = tokio::time::timeout(Duration::from_millis(200), events.recv()).await;
        if heard.is_ok_and(|event| event.unwrap() == lost) {
            break;
        }
    }

    // Without a way nobody is told of it any more.
    drop(way);
    let late = Client::new(&[(MediaKind::Audio, Direction::SendOnly)]);
    let another = opening(&engine, "r", "eve", Part::Publish(Vec::new()), late.offer());
    let answer = engine.open(another).await.unwrap().answer;
    assert!(!answer.contains(&port), "{answer}");

    let ended = Named::Ended(opened.ufrag);
    while names.recv().await.unwrap() != ended {}
    fence.ends.store(true, Ordering::Relaxed);
    assert!(serving.join().unwrap() > 100, "all of it came over the fence");
    engine.stop().await;
}

#[tokio::test]
async fn who_comes_over_the_fence_is_seen_by_who_is_inside() {
    meets(Options {
        threads: 1,
        ..Options::default()
    })
    .await;
}

#[tokio::test]
async fn who_comes_over_the_fence_is_found_by_the_thread_of_the_room() {
    meets(Options {
        threads: 3,
        ..Options::default()
    })
    .await;
}
