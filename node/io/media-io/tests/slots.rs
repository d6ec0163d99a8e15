//! A meeting: everybody has a connection that sends and one with slots, and says what is shown.

#![allow(clippy::unwrap_used)]

mod client;
mod support;

use client::{Client, KEY_FRAME, until};
use plenary_media_io::{Allow, Engine, Event, Kind, Line, Options, Part, SessionKey, Show, Source};
use std::collections::{BTreeMap, BTreeSet};
use str0m::media::{Direction, MediaKind};
use support::{Events, engine, id, open};

/// Somebody in the meeting `r`.
struct Person {
    camera: Client,
    screen: Client,
    publishing: SessionKey,
    receiving: SessionKey,
}

fn source(who: &str, kind: Kind) -> Source {
    Source {
        participant: id(who),
        kind,
    }
}

fn show(who: &str, height: u16) -> Show {
    let source = source(who, Kind::Video);
    Show { source, height }
}

fn lines(client: &Client, kinds: &[Kind]) -> Vec<Line> {
    let lines = client.mids().into_iter().zip(kinds);
    lines.map(|(mid, kind)| Line { mid, kind: *kind }).collect()
}

async fn come(engine: &Engine, who: &str, videos: usize) -> Person {
    let mut camera = Client::new(&[
        (MediaKind::Audio, Direction::SendOnly),
        (MediaKind::Video, Direction::SendOnly),
    ]);
    let named = lines(&camera, &[Kind::Audio, Kind::Video]);
    let publishing = open(engine, &mut camera, "r", who, Part::Publish(named)).await;
    let mut wanted = vec![(MediaKind::Audio, Direction::RecvOnly); 3];
    wanted.extend(vec![(MediaKind::Video, Direction::RecvOnly); videos]);
    let mut screen = Client::new(&wanted);
    let mut kinds = vec![Kind::Audio; 3];
    kinds.extend(vec![Kind::Video; videos]);
    let named = lines(&screen, &kinds);
    let receiving = open(engine, &mut screen, "r", who, Part::Receive(named)).await;
    Person {
        camera,
        screen,
        publishing,
        receiving,
    }
}

/// Who fills the slots of a session by what was told, by mid.
fn filled(events: &[Event], of: SessionKey) -> BTreeMap<String, Option<u64>> {
    let mut slots = BTreeMap::new();
    for event in events {
        if let Event::Slots(key, told) = event
            && *key == of
        {
            slots.extend(
                told.iter()
                    .map(|slot| (slot.mid.clone(), slot.participant.map(|id| id.0))),
            );
        }
    }
    slots
}

fn drain(events: &mut Events, into: &mut Vec<Event>) {
    while let Ok(event) = events.try_recv() {
        into.push(event);
    }
}

#[tokio::test]
async fn everybody_sees_what_they_show_and_hears_who_speaks() {
    let (engine, mut events) = engine(Options::default());
    let mut told = Vec::new();
    let mut ann = come(&engine, "ann", 2).await;
    let mut ben = come(&engine, "ben", 2).await;
    let mut cat = come(&engine, "cat", 2).await;
    ann.camera.mark(1);
    ben.camera.mark(2);
    cat.camera.mark(3);
    engine
        .show(ann.receiving, vec![show("ben", 360), show("cat", 360)])
        .await
        .unwrap();
    engine.show(ben.receiving, vec![show("ann", 360)]).await.unwrap();
    let mut all = [
        &mut ann.camera,
        &mut ann.screen,
        &mut ben.camera,
        &mut ben.screen,
        &mut cat.camera,
        &mut cat.screen,
    ];
    until(&mut all, |all| {
        all[1].video(0).len() > 50
            && all[1].video(1).len() > 50
            && all[3].video(0).len() > 50
            && all[5].heard() > 50
            && all[1].heard() > 50
    })
    .await;
    for place in 0..2 {
        let video = ann.screen.video(place);
        assert!(video[0].payload.ends_with(KEY_FRAME));
        let numbers: Vec<u64> = video.iter().map(|packet| packet.seq).collect();
        assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{numbers:?}");
    }
    assert!(
        cat.screen.video(0).is_empty(),
        "who shows nothing gets no pictures"
    );
    drain(&mut events, &mut told);
    let slots = filled(&told, ann.receiving);
    let mids = ann.screen.mids();
    // In the order in which their pictures began to come.
    let videos: BTreeSet<_> = mids[3..]
        .iter()
        .filter_map(|mid| slots.get(mid).copied().flatten())
        .collect();
    assert_eq!(videos, [id("ben").0, id("cat").0].into(), "{slots:?}");
    let voices: Vec<_> = mids[..3]
        .iter()
        .filter_map(|mid| slots.get(mid).copied().flatten())
        .collect();
    assert!(
        !voices.contains(&id("ann").0) && !voices.is_empty(),
        "nobody hears themselves"
    );
    assert!(
        told.iter()
            .any(|event| matches!(event, Event::Speaking(room, who) if &**room == "r" && !who.is_empty()))
    );
    let is_told = |told: &[Event]| {
        told.iter().any(|event| {
            matches!(event, Event::Quality(key, quality) if *key == ann.receiving
                && quality.slots.iter().any(|slot| slot.carries.is_ok()))
        })
    };
    let heard = std::cell::RefCell::new((&mut events, &mut told));
    until(&mut [&mut ann.camera, &mut ann.screen, &mut ben.camera], |_| {
        let mut both = heard.borrow_mut();
        let (events, told) = &mut *both;
        drain(events, told);
        is_told(told)
    })
    .await;
}

#[tokio::test]
async fn what_nobody_watches_is_told_to_who_sends_it() {
    let (engine, mut events) = engine(Options::default());
    let mut told = Vec::new();
    let mut ann = come(&engine, "ann", 1).await;
    let mut ben = come(&engine, "ben", 1).await;
    engine.show(ann.receiving, vec![show("ben", 360)]).await.unwrap();
    let publishing = ben.publishing;
    let is_told = |told: &[Event], highest| told.contains(&Event::Layers(publishing, Kind::Video, highest));
    until(&mut [&mut ann.screen, &mut ben.camera], |all| {
        all[0].video(0).len() > 50
    })
    .await;
    engine.show(ann.receiving, Vec::new()).await.unwrap();
    let told_cell = std::cell::RefCell::new((&mut events, &mut told));
    until(&mut [&mut ann.screen, &mut ben.camera], |_| {
        let mut both = told_cell.borrow_mut();
        let (events, told) = &mut *both;
        drain(events, told);
        is_told(told, None)
    })
    .await;
    engine.show(ann.receiving, vec![show("ben", 360)]).await.unwrap();
    until(&mut [&mut ann.screen, &mut ben.camera], |_| {
        let mut both = told_cell.borrow_mut();
        let (events, told) = &mut *both;
        drain(events, told);
        is_told(told, Some(0))
    })
    .await;
}

#[tokio::test]
async fn a_new_connection_takes_the_place_of_the_one_before() {
    let (engine, mut events) = engine(Options::default());
    let mut told = Vec::new();
    let mut ann = come(&engine, "ann", 1).await;
    let mut ben = come(&engine, "ben", 1).await;
    engine.show(ann.receiving, vec![show("ben", 360)]).await.unwrap();
    until(&mut [&mut ann.screen, &mut ben.camera], |all| {
        all[0].video(0).len() > 50
    })
    .await;
    let before = ann.screen.video(0).len();
    let (publishing, receiving) = (ben.publishing, ben.receiving);
    let mut ben = come(&engine, "ben", 1).await;
    until(&mut [&mut ann.screen, &mut ben.camera], |all| {
        all[0].video(0).len() > before + 50
    })
    .await;
    drain(&mut events, &mut told);
    for over in [publishing, receiving] {
        assert!(told.contains(&Event::Ended(over)), "{told:?}");
    }
    // The same for who receives: what was shown is shown again.
    let mut wanted = vec![(MediaKind::Audio, Direction::RecvOnly); 3];
    wanted.push((MediaKind::Video, Direction::RecvOnly));
    let mut screen = Client::new(&wanted);
    let named = lines(&screen, &[Kind::Audio, Kind::Audio, Kind::Audio, Kind::Video]);
    open(&engine, &mut screen, "r", "ann", Part::Receive(named)).await;
    engine.show(ann.receiving, Vec::new()).await.unwrap();
    let key = engine.figures().sessions;
    assert_eq!(key, 4, "ann and ben have two each");
    until(&mut [&mut screen, &mut ben.camera], |all| {
        all[0].video(0).len() > 50
    })
    .await;
    assert!(screen.video(0)[0].payload.ends_with(KEY_FRAME));
}

#[tokio::test]
async fn content_and_its_sound_go_to_who_shows_it() {
    let (engine, _events) = engine(Options::default());
    let mut presenter = Client::new(&[
        (MediaKind::Audio, Direction::SendOnly),
        (MediaKind::Video, Direction::SendOnly),
    ]);
    let named = lines(&presenter, &[Kind::ContentAudio, Kind::Content]);
    open(&engine, &mut presenter, "r", "pat", Part::Publish(named)).await;
    let mut screen = Client::new(&[
        (MediaKind::Audio, Direction::RecvOnly),
        (MediaKind::Video, Direction::RecvOnly),
        (MediaKind::Video, Direction::RecvOnly),
    ]);
    let named = lines(&screen, &[Kind::ContentAudio, Kind::Video, Kind::Content]);
    let key = open(&engine, &mut screen, "r", "ann", Part::Receive(named)).await;
    let shown = [Kind::Content, Kind::ContentAudio].map(|kind| Show {
        source: source("pat", kind),
        height: 720,
    });
    engine.show(key, shown.to_vec()).await.unwrap();
    until(&mut [&mut presenter, &mut screen], |all| {
        all[1].video(1).len() > 50 && all[1].audio().len() > 50
    })
    .await;
    assert!(screen.video(0).is_empty());
}

#[tokio::test]
async fn what_may_not_flow_is_as_if_it_was_not_sent() {
    let (engine, mut events) = engine(Options::default());
    let mut told = Vec::new();
    let mut ann = come(&engine, "ann", 1).await;
    let mut ben = come(&engine, "ben", 1).await;
    ben.camera.mark(2);
    engine.show(ann.receiving, vec![show("ben", 360)]).await.unwrap();
    let mut all = [&mut ann.camera, &mut ann.screen, &mut ben.camera, &mut ben.screen];
    until(&mut all, |all| all[1].video(0).len() > 20 && all[1].heard() > 20).await;
    let nothing = Allow {
        voice: false,
        camera: false,
        content: false,
    };
    engine.allow(ben.publishing, nothing).await.unwrap();
    // Ann speaks on, so that time has passed for those whom ben could be heard by.
    let heard = all[3].heard();
    until(&mut all, |all| all[3].heard() > heard + 20).await;
    drain(&mut events, &mut told);
    assert!(
        told.contains(&Event::Layers(ben.publishing, Kind::Video, None)),
        "ben need not send it: {told:?}"
    );
    let ben_id = Some(source("ben", Kind::Video).participant.0);
    let slots = filled(&told, ann.receiving);
    assert!(
        slots.values().all(|who| *who != ben_id),
        "his slots are free: {slots:?}"
    );
    let (seen, voice) = (all[1].video(0).len(), all[1].heard());
    let heard = all[3].heard();
    until(&mut all, |all| all[3].heard() > heard + 50).await;
    assert_eq!(
        (all[1].video(0).len(), all[1].heard()),
        (seen, voice),
        "nothing of ben flows"
    );
    engine.allow(ben.publishing, Allow::ALL).await.unwrap();
    until(&mut all, |all| {
        all[1].video(0).len() > seen + 20 && all[1].heard() > voice + 20
    })
    .await;
}
