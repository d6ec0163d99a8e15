use crate::{
    Allow, Client, Engine, EngineError, Event, Opening, Options, Part, ParticipantId, engine::Command,
    steering::shard_of,
};
use std::time::{Duration, Instant};
use str0m::{
    Rtc,
    media::{Direction, MediaKind},
};
use tokio::sync::mpsc;

fn opening(engine: &Engine, room: &str) -> Opening {
    let mut client = Rtc::new(Instant::now());
    let mut change = client.sdp_api();
    change.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
    let (offer, _) = change.apply().expect("a line was added");
    Opening {
        key: engine.key(),
        room: room.into(),
        participant: ParticipantId(1),
        name: "ann".into(),
        client: Client::Browser,
        part: Part::Publish(Vec::new()),
        allow: Allow::ALL,
        offer: offer.to_sdp_string(),
        outside: false,
    }
}

/// A room of this shard.
fn room_of(shard: usize, shards: usize) -> String {
    let mut names = (0..).map(|at| format!("room{at}"));
    names
        .find(|name| shard_of(name, shards) == shard)
        .expect("each shard has rooms")
}

#[tokio::test]
async fn a_thread_that_fails_takes_its_own_rooms_along_and_no_others() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    let (events, mut told) = mpsc::unbounded_channel();
    let options = Options {
        threads: 2,
        sessions: 2,
        ..Options::default()
    };
    let engine = Engine::start(socket, None, None, options, events).expect("it starts");
    let (lost, kept) = (room_of(1, 2), room_of(0, 2));
    let over = opening(&engine, &lost);
    let key = over.key;
    engine.open(over).await.expect("there is room");
    let stays = opening(&engine, &kept);
    let stays_key = stays.key;
    engine.open(stays).await.expect("there is room");
    assert!(engine.threads.commands[1].send(Command::Fail).await.is_ok());
    let ended = tokio::time::timeout(Duration::from_secs(60), told.recv()).await;
    assert_eq!(ended, Ok(Some(Event::Ended(key))));
    assert_eq!(
        engine.open(opening(&engine, &lost)).await,
        Err(EngineError::Stopped)
    );
    assert_eq!(engine.close(key).await, Err(EngineError::Stopped));
    assert_eq!(engine.show(key, Vec::new()).await, Err(EngineError::Stopped));
    assert_eq!((engine.figures().sessions, engine.figures().rooms), (1, 1));
    // Another one in the place of the one that is over.
    let mut another = opening(&engine, &kept);
    another.participant = ParticipantId(2);
    engine.open(another).await.expect("there is room");
    assert_eq!(engine.close(stays_key).await, Ok(true));
    engine.stop().await;
    assert_eq!(engine.close(stays_key).await, Err(EngineError::Stopped));
}
