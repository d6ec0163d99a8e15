//! What sessions may be sent, and send (USR-07, CONF-10).

#![allow(clippy::unwrap_used)]

mod client;
mod support;

use client::{Client, KEY_FRAME, until};
use plenary_media_io::{Engine, Event, Kbps, Kind, Limits, Line, Options, Part, SessionKey, Show, Source};
use str0m::media::{Direction, MediaKind};
use support::{Events, engine, id, open};

const LIMITLESS: Limits = Limits {
    receive: None,
    send: None,
    camera_height: None,
    content_height: None,
};

/// One sends sound and pictures of this size, and another one is shown them.
struct Pair {
    engine: Engine,
    events: Events,
    camera: Client,
    screen: Client,
    publishing: SessionKey,
    receiving: SessionKey,
}

impl Pair {
    async fn meet(width: u16, height: u16) -> Self {
        let (engine, events) = engine(Options::default());
        let mut camera = Client::new(&[
            (MediaKind::Audio, Direction::SendOnly),
            (MediaKind::Video, Direction::SendOnly),
        ]);
        camera.resize(width, height);
        let publishing = open(&engine, &mut camera, "r", "ben", Part::Publish(Vec::new())).await;
        let mut screen = Client::new(&[
            (MediaKind::Audio, Direction::RecvOnly),
            (MediaKind::Video, Direction::RecvOnly),
        ]);
        let kinds = [Kind::Audio, Kind::Video];
        let lines = screen
            .mids()
            .into_iter()
            .zip(kinds)
            .map(|(mid, kind)| Line { mid, kind });
        let lines = lines.collect();
        let receiving = open(&engine, &mut screen, "r", "ann", Part::Receive(lines)).await;
        let source = Source {
            participant: id("ben"),
            kind: Kind::Video,
        };
        let shown = vec![Show { source, height: 720 }];
        engine.show(receiving, shown).await.unwrap();
        let mut pair = Self {
            engine,
            events,
            camera,
            screen,
            publishing,
            receiving,
        };
        pair.flows().await;
        pair
    }

    /// Pictures and sound come.
    async fn flows(&mut self) {
        let (seen, heard) = (self.screen.video(0).len(), self.screen.heard());
        until(&mut [&mut self.camera, &mut self.screen], |all| {
            all[1].video(0).len() > seen + 20 && all[1].heard() > heard + 20
        })
        .await;
    }

    /// Sound comes, and no pictures once those are there that were on their way.
    async fn is_dark(&mut self) {
        let mut all = [&mut self.camera, &mut self.screen];
        let heard = all[1].heard();
        until(&mut all, |all| all[1].heard() > heard + 70).await;
        let (seen, heard) = (all[1].video(0).len(), all[1].heard());
        until(&mut all, |all| all[1].heard() > heard + 50).await;
        assert_eq!(all[1].video(0).len(), seen, "pictures come beyond the limit");
    }

    async fn limit_sender(&self, limits: Limits) {
        self.engine.limit(self.publishing, limits).await.unwrap();
    }
}

#[tokio::test]
async fn pictures_larger_than_the_conference_has_are_not_forwarded() {
    let mut pair = Pair::meet(1280, 720).await;
    let at_most = |height| Limits {
        camera_height: Some(height),
        ..LIMITLESS
    };
    pair.limit_sender(at_most(360)).await;
    pair.is_dark().await;
    // The sender obeys: the next key frame tells a size that is good, also of a camera that is held upright.
    pair.camera.resize(360, 640);
    pair.flows().await;
    pair.camera.resize(640, 480);
    pair.is_dark().await;
    pair.limit_sender(at_most(480)).await;
    let before = pair.screen.video(0).len();
    pair.flows().await;
    let first = &pair.screen.video(0)[before];
    assert!(
        first.payload.ends_with(KEY_FRAME),
        "pictures begin with a key frame"
    );
    pair.limit_sender(at_most(90)).await;
    pair.is_dark().await;
    pair.limit_sender(LIMITLESS).await;
    pair.flows().await;
}

#[tokio::test]
async fn who_sends_more_than_they_may_is_heard_and_not_seen() {
    let mut pair = Pair::meet(320, 180).await;
    // Its sound alone needs more.
    pair.limit_sender(Limits {
        send: Some(Kbps(5)),
        ..LIMITLESS
    })
    .await;
    pair.is_dark().await;
    pair.limit_sender(Limits {
        send: Some(Kbps(200)),
        ..LIMITLESS
    })
    .await;
    pair.flows().await;
}

#[tokio::test]
async fn who_may_be_sent_little_is_sent_no_more() {
    let mut pair = Pair::meet(320, 180).await;
    let little = Limits {
        receive: Some(Kbps(5)),
        ..LIMITLESS
    };
    pair.engine.limit(pair.receiving, little).await.unwrap();
    pair.is_dark().await;
    let mut told = Vec::new();
    while let Ok(event) = pair.events.try_recv() {
        told.push(event);
    }
    let last = told.iter().rev().find_map(|event| match event {
        Event::Quality(key, quality) if *key == pair.receiving => Some(quality.estimate),
        _ => None,
    });
    assert_eq!(last, Some(Kbps(5)), "the limit is told: {told:?}");
    pair.engine.limit(pair.receiving, LIMITLESS).await.unwrap();
    pair.flows().await;
}
