//! An engine on a port of its own.
#![allow(dead_code, reason = "each test file uses its part")]

use super::client::Client;
use plenary_media_io::{Allow, Engine, Event, Opening, Options, Part, ParticipantId, SessionKey};
use std::net::SocketAddr;
use tokio::sync::mpsc;

pub(crate) type Events = mpsc::UnboundedReceiver<Event>;

/// Threads of an engine that does not say it: what is part of `three_threads.rs` has three, everything else one.
pub(crate) fn threads() -> usize {
    if module_path!().starts_with("three_threads") {
        3
    } else {
        1
    }
}

pub(crate) fn with_threads(options: Options) -> Options {
    let threads = match options.threads {
        0 => threads(),
        some => some,
    };
    Options { threads, ..options }
}

pub(crate) fn engine(options: Options) -> (Engine, Events) {
    engine_on("127.0.0.1:0", options)
}

pub(crate) fn engine_on(address: &str, options: Options) -> (Engine, Events) {
    let socket = std::net::UdpSocket::bind(address).unwrap();
    let (events, receiver) = mpsc::unbounded_channel();
    (
        Engine::start(socket, None, None, with_threads(options), events).unwrap(),
        receiver,
    )
}

/// One that listens for TCP too, and where.
pub(crate) fn engine_with_tcp(options: Options) -> (Engine, Events, SocketAddr) {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (events, receiver) = mpsc::unbounded_channel();
    let engine = Engine::start(socket, Some(listener), None, with_threads(options), events).unwrap();
    (engine, receiver, address)
}

/// The participant of this name.
pub(crate) fn id(who: &str) -> ParticipantId {
    ParticipantId(who.bytes().fold(7, |id, byte| id * 31 + u64::from(byte)))
}

pub(crate) fn opening(engine: &Engine, room: &str, who: &str, part: Part, offer: String) -> Opening {
    Opening {
        key: engine.key(),
        room: room.into(),
        participant: id(who),
        name: who.into(),
        client: plenary_media_io::Client::Browser,
        part,
        allow: Allow::ALL,
        offer,
        outside: false,
    }
}

pub(crate) async fn open(
    engine: &Engine,
    client: &mut Client,
    room: &str,
    who: &str,
    part: Part,
) -> SessionKey {
    let opening = opening(engine, room, who, part, client.offer());
    let opened = engine.open(opening).await.unwrap();
    client.accept(&opened.answer);
    opened.key
}
