//! Clients over real sockets: who publishes is seen and heard by who watches, and strangers have no effect.
//!
//! The clients are str0m too, with full ICE; other stacks are in `cluster-tests/interop`.

#![allow(clippy::unwrap_used)]

mod client;
mod support;

use client::{Client, KEY_FRAME, until};
use plenary_media_io::{EngineError, Event, Options, Part};
use std::time::Duration;
use str0m::media::{Direction, MediaKind};
use support::{engine, engine_on, engine_with_tcp, open, opening};

const PUBLISH: Part = Part::Publish(Vec::new());

fn camera() -> Client {
    Client::new(&[
        (MediaKind::Audio, Direction::SendOnly),
        (MediaKind::Video, Direction::SendOnly),
    ])
}

fn screen(videos: usize) -> Client {
    let mut lines = vec![(MediaKind::Audio, Direction::RecvOnly)];
    lines.extend(vec![(MediaKind::Video, Direction::RecvOnly); videos]);
    Client::new(&lines)
}

#[tokio::test]
async fn who_watches_sees_and_hears_who_publishes_from_a_key_frame_on_and_without_gaps() {
    let (engine, _ended) = engine(Options::default());
    let (mut camera, mut screen) = (camera(), screen(1));
    open(&engine, &mut camera, "r", "alice", PUBLISH).await;
    open(&engine, &mut screen, "r", "bob", Part::Watch(None)).await;
    until(&mut [&mut camera, &mut screen], |clients| {
        clients[1].video(0).len() > 200
    })
    .await;
    let seen = screen.video(0);
    assert!(
        seen[0].payload.ends_with(KEY_FRAME),
        "the first picture can be decoded"
    );
    let numbers: Vec<u64> = seen.iter().map(|packet| packet.seq).collect();
    assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{numbers:?}");
    assert!(seen.windows(2).all(|two| two[1].timestamp >= two[0].timestamp));
    assert!(
        screen.audio().len() > 20,
        "sound came too: {}",
        screen.audio().len()
    );
    assert_eq!(engine.figures().connected, 2);
    assert_eq!(engine.figures().foreign, 0);
}

#[tokio::test]
async fn a_key_frame_is_asked_for_while_who_watches_is_still_connecting() {
    let (engine, _ended) = engine(Options::default());
    let (mut camera, mut screen, mut late) = (camera(), screen(1), screen(1));
    open(&engine, &mut camera, "r", "alice", PUBLISH).await;
    open(&engine, &mut screen, "r", "bob", Part::Watch(None)).await;
    until(&mut [&mut camera, &mut screen], |clients| {
        clients[1].video(0).len() > 50
    })
    .await;
    let key_frames = |client: &Client| {
        let seen = client.video(0);
        seen.iter()
            .filter(|packet| packet.payload.ends_with(KEY_FRAME))
            .count()
    };
    let before = key_frames(&screen);
    // Nothing of who comes late is on the network yet.
    open(&engine, &mut late, "r", "carol", Part::Watch(None)).await;
    until(&mut [&mut camera, &mut screen], |clients| {
        key_frames(clients[1]) > before
    })
    .await;
    until(&mut [&mut camera, &mut screen, &mut late], |clients| {
        clients[2].video(0).len() > 50
    })
    .await;
    let seen = late.video(0);
    assert!(
        seen[0].payload.ends_with(KEY_FRAME),
        "the first picture can be decoded"
    );
    assert!(seen.windows(2).all(|two| two[1].seq == two[0].seq + 1));
    assert!(seen.windows(2).all(|two| two[1].timestamp >= two[0].timestamp));
}

#[tokio::test]
async fn a_socket_of_both_families_serves_ipv4_too() {
    let options = Options {
        addresses: vec![std::net::Ipv4Addr::LOCALHOST.into()],
        ..Options::default()
    };
    let (engine, _ended) = engine_on("[::]:0", options);
    let (mut camera, mut screen) = (camera(), screen(1));
    open(&engine, &mut camera, "r", "alice", PUBLISH).await;
    open(&engine, &mut screen, "r", "bob", Part::Watch(None)).await;
    until(&mut [&mut camera, &mut screen], |clients| {
        clients[1].video(0).len() > 20
    })
    .await;
}

#[tokio::test]
async fn where_no_udp_gets_through_media_goes_over_tcp() {
    let (engine, _events, address) = engine_with_tcp(Options::default());
    let mut camera = Client::over_tcp(address, &[(MediaKind::Video, Direction::SendOnly)]);
    let mut screen = Client::over_tcp(address, &[(MediaKind::Video, Direction::RecvOnly)]);
    open(&engine, &mut camera, "r", "alice", PUBLISH).await;
    open(&engine, &mut screen, "r", "bob", Part::Watch(None)).await;
    until(&mut [&mut camera, &mut screen], |clients| {
        clients[1].video(0).len() > 100
    })
    .await;
    let numbers: Vec<u64> = screen.video(0).iter().map(|packet| packet.seq).collect();
    assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{numbers:?}");
}

/// Their DTLS is another, which takes RSA certificates too: its own tests and those with GStreamer show that.
#[tokio::test]
async fn programs_and_browsers_see_each_other() {
    let (engine, mut events) = engine(Options::default());
    let (mut camera, mut screen, mut tile) = (camera(), screen(1), screen(1));
    for (client, who, part) in [
        (&mut camera, "alice", PUBLISH),
        (&mut screen, "bob", Part::Watch(None)),
    ] {
        let mut opening = opening(&engine, "r", who, part, client.offer());
        opening.client = plenary_media_io::Client::Program;
        client.accept(&engine.open(opening).await.unwrap().answer);
    }
    open(&engine, &mut tile, "r", "carol", Part::Watch(None)).await;
    until(&mut [&mut camera, &mut screen, &mut tile], |clients| {
        clients[1..].iter().all(|client| client.video(0).len() > 100)
    })
    .await;
    let numbers: Vec<u64> = screen.video(0).iter().map(|packet| packet.seq).collect();
    assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{numbers:?}");
    assert!(screen.audio().len() > 20);
    for client in [&mut screen, &mut camera] {
        client.say_goodbye().await;
        loop {
            let event = tokio::time::timeout(Duration::from_secs(20), events.recv());
            if let Event::Ended(_) = event.await.unwrap().unwrap() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn slots_are_filled_and_freed_as_publishers_come_and_go() {
    let (engine, _ended) = engine(Options::default());
    let mut screen = screen(2);
    open(&engine, &mut screen, "r", "eve", Part::Watch(None)).await;
    let (mut first, mut second) = (camera(), camera());
    let first_key = open(&engine, &mut first, "r", "alice", PUBLISH).await;
    open(&engine, &mut second, "r", "bob", PUBLISH).await;
    until(&mut [&mut first, &mut second, &mut screen], |clients| {
        clients[2].video(0).len() > 50 && clients[2].video(1).len() > 50
    })
    .await;
    assert!(engine.close(first_key).await.unwrap());
    assert!(!engine.close(first_key).await.unwrap(), "it is over");
    let mut third = camera();
    open(&engine, &mut third, "r", "carol", PUBLISH).await;
    let before = (screen.video(0).len(), screen.video(1).len());
    until(&mut [&mut second, &mut third, &mut screen], |clients| {
        clients[2].video(0).len() > before.0 + 50 && clients[2].video(1).len() > before.1 + 50
    })
    .await;
    let first_slot = screen.video(0);
    let numbers: Vec<u64> = first_slot.iter().map(|packet| packet.seq).collect();
    assert!(
        numbers.windows(2).all(|two| two[1] == two[0] + 1),
        "numbers go on over the change: {numbers:?}"
    );
}

#[tokio::test]
async fn rooms_do_not_hear_each_other_and_a_watcher_may_want_one_participant() {
    let (engine, _ended) = engine(Options::default());
    let (mut alice, mut bob, mut elsewhere) = (camera(), camera(), camera());
    open(&engine, &mut alice, "r", "alice", PUBLISH).await;
    open(&engine, &mut bob, "r", "bob", PUBLISH).await;
    open(&engine, &mut elsewhere, "other", "bob", PUBLISH).await;
    bob.mark(7);
    elsewhere.mark(9);
    let mut screen = screen(3);
    open(&engine, &mut screen, "r", "eve", Part::Watch(Some("bob".into()))).await;
    until(
        &mut [&mut alice, &mut bob, &mut elsewhere, &mut screen],
        |clients| clients[3].video(0).len() > 50,
    )
    .await;
    assert!(screen.video(0).iter().all(|packet| packet.payload.contains(&7)));
    assert!(screen.video(1).is_empty() && screen.video(2).is_empty());
}

#[tokio::test]
async fn strangers_and_garbage_change_nothing_and_are_counted() {
    let (engine, _ended) = engine(Options::default());
    let (mut camera, mut screen) = (camera(), screen(1));
    open(&engine, &mut camera, "r", "alice", PUBLISH).await;
    open(&engine, &mut screen, "r", "bob", Part::Watch(None)).await;
    until(&mut [&mut camera, &mut screen], |clients| {
        clients[1].video(0).len() > 20
    })
    .await;
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut sent = 0;
    for first in [0_u8, 1, 22, 63, 64, 128, 200, 255] {
        for length in [1, 12, 20, 100, 1400] {
            let mut datagram = vec![first; length];
            datagram[0] = first;
            stranger.send_to(&datagram, engine.local()).unwrap();
            sent += 1;
        }
    }
    // A request in the name of a peer, without its password.
    let mut forged = vec![0, 1, 0, 12, 0x21, 0x12, 0xA4, 0x42];
    forged.extend([7; 12]);
    let name = format!("{}:xxxx", camera.server_ufrag());
    forged.extend([0, 6, 0, u8::try_from(name.len()).unwrap()]);
    forged.extend(name.as_bytes());
    forged.resize(forged.len().next_multiple_of(4), 0);
    stranger.send_to(&forged, engine.local()).unwrap();
    let before = screen.video(0).len();
    until(&mut [&mut camera, &mut screen], |clients| {
        clients[1].video(0).len() > before + 50
    })
    .await;
    assert!(engine.figures().foreign >= sent, "{:?}", engine.figures());
    stranger.set_nonblocking(true).unwrap();
    let mut answer = [0; 100];
    assert!(stranger.recv(&mut answer).is_err(), "a stranger gets no answer");
    assert_eq!(engine.figures().failed, 0);
}

#[tokio::test]
async fn a_client_that_says_goodbye_or_never_comes_is_forgotten() {
    let (engine, mut ended) = engine(Options::default());
    let mut camera = camera();
    let key = open(&engine, &mut camera, "r", "alice", PUBLISH).await;
    until(&mut [&mut camera], |clients| clients[0].is_connected()).await;
    camera.say_goodbye().await;
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(20), ended.recv())
            .await
            .unwrap(),
        Some(Event::Ended(key))
    );
    assert_eq!((engine.figures().sessions, engine.figures().rooms), (0, 0));
    engine.stop().await;
    let opening = opening(&engine, "r", "bob", PUBLISH, camera.offer());
    assert_eq!(engine.open(opening).await, Err(EngineError::Stopped));
}

#[tokio::test]
async fn offers_that_cannot_be_answered_are_refused_and_rooms_are_bounded() {
    let (engine, _ended) = engine(Options {
        sessions_of_room: 1,
        ..Options::default()
    });
    let opening = |offer: &str| opening(&engine, "r", "x", PUBLISH, offer.into());
    for bad in [
        "",
        "garbage",
        "v=0\r\n",
        &"m=video 9 X 96\r\n".repeat(100),
        &"x".repeat(1 << 20),
    ] {
        let refused = engine.open(opening(bad)).await;
        assert!(matches!(refused, Err(EngineError::BadOffer(_))), "{refused:?}");
    }
    assert_eq!(engine.figures().sessions, 0);
    engine.open(opening(&camera().offer())).await.unwrap();
    assert_eq!(
        engine.open(opening(&camera().offer())).await,
        Err(EngineError::Full)
    );
}

#[tokio::test]
async fn who_comes_later_is_not_shown_in_place_of_another_who_has_not_spoken_either() {
    let (engine, _events) = engine(Options::default());
    let silent = || Client::new(&[(MediaKind::Video, Direction::SendOnly)]);
    let mut screen = screen(1);
    open(&engine, &mut screen, "r", "eve", Part::Watch(None)).await;
    let (mut first, mut second, mut third) = (silent(), silent(), silent());
    first.mark(1);
    open(&engine, &mut first, "r", "zoe", PUBLISH).await;
    until(&mut [&mut first, &mut screen], |clients| {
        clients[1].video(0).len() > 20
    })
    .await;
    // One of them has a lower number than the first, the other a higher one.
    for (client, who) in [(&mut second, "a"), (&mut third, "zzz")] {
        client.mark(9);
        open(&engine, client, "r", who, PUBLISH).await;
    }
    let before = screen.video(0).len();
    let seen = engine.figures().packets_in + 300;
    until(
        &mut [&mut first, &mut second, &mut third, &mut screen],
        |clients| engine.figures().packets_in > seen && clients[3].video(0).len() > before + 50,
    )
    .await;
    assert!(screen.video(0).iter().all(|packet| packet.payload.contains(&1)));
}
