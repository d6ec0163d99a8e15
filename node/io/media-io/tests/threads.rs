//! Rooms are spread over threads, and nobody notices: whichever socket the system gives a datagram to, it arrives.

#![allow(clippy::unwrap_used)]

mod client;
mod support;

use client::{Client, KEY_FRAME, until};
use plenary_media_io::{Engine, EngineError, Options, Part};
use std::{
    io::{Read as _, Write as _},
    net::{TcpStream, UdpSocket},
};
use str0m::media::{Direction, MediaKind};
use support::{engine, engine_with_tcp, open, opening};

const THREADS: usize = 3;
const PUBLISH: Part = Part::Publish(Vec::new());
const CAMERA: [(MediaKind, Direction); 2] = [
    (MediaKind::Audio, Direction::SendOnly),
    (MediaKind::Video, Direction::SendOnly),
];
const SCREEN: [(MediaKind, Direction); 2] = [
    (MediaKind::Audio, Direction::RecvOnly),
    (MediaKind::Video, Direction::RecvOnly),
];

fn options() -> Options {
    Options {
        threads: THREADS,
        ..Options::default()
    }
}

/// A room of each thread, found by where a session for it is.
async fn rooms(engine: &Engine) -> Vec<String> {
    let mut rooms = vec![None; THREADS];
    for room in (0..1_000).map(|at| format!("room{at}")) {
        if rooms.iter().all(Option::is_some) {
            break;
        }
        let client = Client::new(&CAMERA);
        let opened = engine
            .open(opening(engine, &room, "who", PUBLISH, client.offer()))
            .await
            .unwrap();
        let figures = engine.figures_of_threads();
        let at = figures.iter().position(|figures| figures.sessions == 1).unwrap();
        rooms[at].get_or_insert(room);
        engine.close(opened.key).await.unwrap();
        // What is asked next is answered when it is gone.
        assert!(!engine.close(opened.key).await.unwrap());
    }
    rooms.into_iter().map(Option::unwrap).collect()
}

fn is_whole(screen: &Client) {
    let seen = screen.video(0);
    let numbers: Vec<u64> = seen.iter().map(|packet| packet.seq).collect();
    assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{numbers:?}");
    assert!(seen[0].payload.ends_with(KEY_FRAME));
}

#[tokio::test]
async fn rooms_of_all_threads_are_served_at_once() {
    let (engine, _events) = engine(options());
    let rooms = rooms(&engine).await;
    let (mut cameras, mut screens) = (Vec::new(), Vec::new());
    for (at, room) in rooms.iter().enumerate() {
        let (mut camera, mut screen) = (Client::new(&CAMERA), Client::new(&SCREEN));
        camera.mark(u8::try_from(at + 1).unwrap());
        open(&engine, &mut camera, room, "ann", PUBLISH).await;
        open(&engine, &mut screen, room, "ben", Part::Watch(None)).await;
        cameras.push(camera);
        screens.push(screen);
    }
    let mut all: Vec<&mut Client> = cameras.iter_mut().chain(&mut screens).collect();
    until(&mut all, |all| {
        let mut screens = all[THREADS..].iter();
        screens.all(|screen| screen.video(0).len() > 100 && screen.heard() > 30)
    })
    .await;
    for (at, screen) in screens.iter().enumerate() {
        is_whole(screen);
        let mark = u8::try_from(at + 1).unwrap();
        assert!(
            screen
                .video(0)
                .iter()
                .all(|packet| packet.payload.contains(&mark))
        );
    }
    for figures in engine.figures_of_threads() {
        assert_eq!((figures.sessions, figures.connected, figures.rooms), (2, 2, 1));
        assert!(figures.packets_out > 100, "{figures:?}");
    }
    let figures = engine.figures();
    assert_eq!((figures.sessions, figures.rooms, figures.foreign), (6, 3, 0));
}

#[tokio::test]
async fn what_the_system_gives_to_the_wrong_thread_arrives() {
    let (engine, _events) = engine(options());
    let rooms = rooms(&engine).await;
    // All from one address, so the system gives all of it to one thread. Each room twice, so that this thread has lost
    // the address to others and others to it.
    let place = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (at, room) in rooms.iter().chain(&rooms).enumerate() {
        let mut camera = Client::at(place.try_clone().unwrap(), &CAMERA);
        let mut screen = Client::new(&SCREEN);
        let who = format!("ann{at}");
        open(&engine, &mut camera, room, &who, PUBLISH).await;
        open(
            &engine,
            &mut screen,
            room,
            &format!("ben{at}"),
            Part::Watch(Some(who)),
        )
        .await;
        // The session before speaks no more, and has not ended: the address is that of the newest all the same.
        until(&mut [&mut camera, &mut screen], |clients| {
            clients[1].video(0).len() > 60
        })
        .await;
        is_whole(&screen);
    }
    let figures = engine.figures();
    assert!(figures.handed_over > 100, "{figures:?}");
    assert_eq!((figures.hand_over_dropped, figures.failed), (0, 0));
}

#[tokio::test]
async fn connections_are_those_of_the_thread_that_their_first_frame_names() {
    let (engine, _events, address) = engine_with_tcp(options());
    let rooms = rooms(&engine).await;
    let (mut cameras, mut screens) = (Vec::new(), Vec::new());
    for room in &rooms {
        let mut camera = Client::over_tcp(address, &CAMERA);
        open(&engine, &mut camera, room, "ann", PUBLISH).await;
        cameras.push(camera);
        // One who watches by each way.
        for mut screen in [Client::over_tcp(address, &SCREEN), Client::new(&SCREEN)] {
            let who = format!("ben{}", screens.len());
            open(&engine, &mut screen, room, &who, Part::Watch(None)).await;
            screens.push(screen);
        }
    }
    let mut all: Vec<&mut Client> = cameras.iter_mut().chain(&mut screens).collect();
    until(&mut all, |all| {
        let mut screens = all[THREADS..].iter();
        screens.all(|screen| screen.video(0).len() > 60 && screen.heard() > 20)
    })
    .await;
    screens.iter().for_each(is_whole);
    for figures in engine.figures_of_threads() {
        assert_eq!((figures.connected, figures.foreign), (3, 0), "{figures:?}");
    }
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.write_all(&[0, 3, 22, 1, 2]).unwrap();
    assert!(
        matches!(stranger.read(&mut [0; 8]), Ok(0) | Err(_)),
        "it is closed"
    );
    assert_eq!(engine.figures().foreign, 1);
    let of_threads = engine.figures_of_threads();
    assert!(of_threads.iter().all(|figures| figures.foreign == 0));
}

#[tokio::test]
async fn strangers_cost_nothing_in_any_thread() {
    let (engine, _events) = engine(options());
    let mut camera = Client::new(&CAMERA);
    open(&engine, &mut camera, "r", "ann", PUBLISH).await;
    let before = engine.figures();
    let mut request = vec![0, 1, 0, 16, 0x21, 0x12, 0xA4, 0x42];
    request.extend([7; 12]);
    request.extend([0, 6, 0, 9]);
    request.extend(b"some:body\0\0\0");
    let kinds = [request, vec![0x80; 1_200], vec![22; 100], vec![255; 30]];
    // From so many addresses that each thread gets some.
    let strangers: Vec<UdpSocket> = (0..64).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let mut sent = 0;
    for stranger in &strangers {
        for datagram in &kinds {
            stranger.send_to(datagram, engine.local()).unwrap();
            sent += 1;
        }
    }
    until(&mut [], |_| engine.figures().foreign >= before.foreign + sent).await;
    for figures in engine.figures_of_threads() {
        assert!(figures.foreign > 0, "{figures:?}");
        assert_eq!((figures.handed_over, figures.hand_over_dropped), (0, 0));
    }
    let after = engine.figures();
    assert_eq!(after.foreign, before.foreign + sent, "each counts once");
    assert_eq!((after.sessions, after.failed, after.sent), (1, 0, before.sent));
}

#[tokio::test]
async fn who_goes_on_from_another_address_is_found_again() {
    let (engine, _events) = engine(options());
    for room in rooms(&engine).await {
        let (mut camera, mut screen) = (Client::new(&CAMERA), Client::new(&SCREEN));
        // Programs alone begin anew with credentials.
        let mut program = opening(&engine, &room, "ann", PUBLISH, camera.offer());
        program.client = plenary_media_io::Client::Program;
        let opened = engine.open(program).await.unwrap();
        camera.accept(&opened.answer);
        let key = opened.key;
        open(&engine, &mut screen, &room, "ben", Part::Watch(None)).await;
        until(&mut [&mut camera, &mut screen], |clients| {
            clients[1].video(0).len() > 20
        })
        .await;
        // Several times, so that some of the addresses are those of other threads.
        for anew in [true, false, true, false] {
            let (from, name) = (camera.local(), camera.server_ufrag().to_owned());
            let offer = camera.move_elsewhere();
            let opened = if anew {
                engine.negotiate(key, offer, Vec::new()).await.unwrap()
            } else {
                let of = |line: &str| {
                    offer
                        .lines()
                        .find_map(|one| one.strip_prefix(line))
                        .unwrap()
                        .to_owned()
                };
                let restarted = engine.restart(key, of("a=ice-ufrag:"), of("a=ice-pwd:")).await;
                restarted.unwrap().unwrap()
            };
            camera.accept(&opened.answer);
            assert!(from != camera.local() && name != camera.server_ufrag());
            let before = screen.video(0).len();
            until(&mut [&mut camera, &mut screen], |clients| {
                clients[1].video(0).len() > before + 40
            })
            .await;
        }
    }
    assert_eq!(engine.figures().failed, 0);
}

#[tokio::test]
async fn the_limit_of_sessions_is_one_for_all_threads() {
    let (engine, _events) = engine(Options {
        sessions: 5,
        ..options()
    });
    // At once, and in rooms of all threads.
    let mut opening_all = Vec::new();
    for at in 0..20 {
        let room = format!("room{at}");
        let opening = opening(&engine, &room, "ann", PUBLISH, Client::new(&CAMERA).offer());
        let engine = engine.clone();
        opening_all.push(tokio::spawn(async move { engine.open(opening).await }));
    }
    let mut opened = Vec::new();
    for one in opening_all {
        match one.await.unwrap() {
            Ok(one) => opened.push(one.key),
            Err(error) => assert_eq!(error, EngineError::Full),
        }
    }
    assert_eq!(opened.len(), 5);
    assert_eq!(engine.figures().sessions, 5);
    assert!(engine.close(opened[0]).await.unwrap());
    // Closed when what is asked next is answered.
    assert!(!engine.close(opened[0]).await.unwrap());
    for expected in [true, false] {
        let opening = opening(&engine, "one more", "ann", PUBLISH, Client::new(&CAMERA).offer());
        assert_eq!(engine.open(opening).await.is_ok(), expected);
    }
    assert_eq!(engine.figures().sessions, 5);
    engine.stop().await;
    assert_eq!(engine.figures().sessions, 0);
}
