//! Which shard is meant by what another node sends.
//!
//! A room is known by its name, a stream of ours by its number, a stream of another node by what announced it: how that
//! node numbers its streams is its own affair.

use super::LinkEvent;
use crate::{
    figures::{Figures, add},
    steering::shard_of,
};
use plenary_cascade::{Control, Layer, StreamId as FarId, Track, is_partner_link};
use plenary_model::NodeId;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio::sync::mpsc;

/// Packets and messages that may wait for a shard.
pub(crate) const WAITING: usize = 2_048;
/// Of them, those that only messages may be.
const FOR_MESSAGES: usize = 256;
/// Events that are sorted before the others get their turn.
const AT_ONCE: usize = 256;
/// Tracks of one other node that are kept in mind: as many as [`plenary_cascade::Exchange`] takes.
const TRACKS: usize = 65_536;
/// The same of a link to a partner.
const PARTNER_TRACKS: usize = 8_192;

pub(crate) struct Router {
    events: mpsc::Receiver<LinkEvent>,
    shards: Vec<(mpsc::Sender<LinkEvent>, Arc<Figures>)>,
    streams: Streams,
}

impl Router {
    /// Each shard with what counts the packets that it has no room for.
    pub(crate) fn new(
        events: mpsc::Receiver<LinkEvent>,
        shards: Vec<(mpsc::Sender<LinkEvent>, Arc<Figures>)>,
    ) -> Self {
        Self {
            events,
            shards,
            streams: Streams::default(),
        }
    }

    /// Until there are no links any more.
    pub(crate) async fn run(mut self) {
        let mut events = Vec::with_capacity(AT_ONCE);
        while self.events.recv_many(&mut events, AT_ONCE).await > 0 {
            for event in events.drain(..) {
                self.pass(event).await;
            }
        }
    }

    async fn pass(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Up(node) => {
                self.streams.forget(node);
                self.tell_all(|| LinkEvent::Up(node)).await;
            }
            LinkEvent::Down(node) => {
                self.streams.forget(node);
                self.tell_all(|| LinkEvent::Down(node)).await;
            }
            LinkEvent::Message(node, message) => {
                let shards = self.shards.len();
                self.streams.learn(node, &message, shards);
                let shard = shard_of_message(&message, shards);
                if let Some((shard, _)) = shard.and_then(|shard| self.shards.get(shard)) {
                    // One that has ended hears nothing.
                    shard.send(LinkEvent::Message(node, message)).await.ok();
                }
            }
            LinkEvent::Packet(node, stream, packet) => {
                let Some(shard) = self.streams.shard(node, stream) else {
                    return;
                };
                if let Some((shard, figures)) = self.shards.get(shard)
                    && (shard.capacity() <= FOR_MESSAGES
                        || shard.try_send(LinkEvent::Packet(node, stream, packet)).is_err())
                {
                    add(&figures.packets_far_dropped, 1);
                }
            }
        }
    }

    async fn tell_all(&self, event: impl Fn() -> LinkEvent) {
        for (shard, _) in &self.shards {
            shard.send(event()).await.ok();
        }
    }
}

/// None for what concerns no shard.
fn shard_of_message(message: &Control, shards: usize) -> Option<usize> {
    match message {
        Control::Interest { room }
        | Control::NoInterest { room }
        | Control::Way { room, .. }
        | Control::Uplink { room, .. }
        | Control::Levels { room, .. } => Some(shard_of(&room.0, shards)),
        Control::Publish { track, .. }
        | Control::Unpublish { track }
        | Control::Subscribe { track, .. }
        | Control::Unsubscribe { track } => Some(shard_of(&track.room.0, shards)),
        Control::KeyFrame { stream } => usize::try_from(stream.0 >> 32)
            .ok()
            .map(|room| room % shards.max(1)),
        Control::Stats(_) => None,
    }
}

/// The shards of other nodes' streams, by what announced them.
///
/// Invariant: for each node, `shards` has the streams of `tracks` and no others.
#[derive(Default)]
struct Streams(BTreeMap<NodeId, Known>);

#[derive(Default)]
struct Known {
    tracks: BTreeMap<Track, Vec<FarId>>,
    shards: HashMap<FarId, usize>,
}

impl Streams {
    fn shard(&self, node: NodeId, stream: FarId) -> Option<usize> {
        self.0.get(&node)?.shards.get(&stream).copied()
    }

    fn forget(&mut self, node: NodeId) {
        self.0.remove(&node);
    }

    fn learn(&mut self, node: NodeId, message: &Control, shards: usize) {
        match message {
            // What is refused by the shard has no packets.
            Control::Publish { track, layers } if message.check().is_ok() => {
                let most = if is_partner_link(node) {
                    PARTNER_TRACKS
                } else {
                    TRACKS
                };
                let known = self.0.entry(node).or_default();
                known.insert(track, layers, shard_of(&track.room.0, shards), most);
            }
            Control::Unpublish { track } => {
                if let Some(known) = self.0.get_mut(&node) {
                    known.remove(track);
                }
            }
            Control::NoInterest { room } => {
                if let Some(known) = self.0.get_mut(&node) {
                    let over = known.tracks.keys().filter(|track| track.room == *room);
                    for track in over.cloned().collect::<Vec<_>>() {
                        known.remove(&track);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Known {
    fn insert(&mut self, track: &Track, layers: &[Layer], shard: usize, most: usize) {
        self.remove(track);
        if self.tracks.len() >= most {
            return;
        }
        // Nobody else's: a number that is told twice is that of the track that told it first.
        let new = layers
            .iter()
            .map(|layer| layer.stream)
            .filter(|stream| !self.shards.contains_key(stream));
        let streams: Vec<FarId> = new.collect();
        self.shards.extend(streams.iter().map(|stream| (*stream, shard)));
        self.tracks.insert(track.clone(), streams);
    }

    fn remove(&mut self, track: &Track) {
        for stream in self.tracks.remove(track).unwrap_or_default() {
            self.shards.remove(&stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_cascade::{MediaPacket, Participant, Room, TrackKind};

    const NODE: NodeId = NodeId(2);
    const SHARDS: usize = 3;

    fn track(room: &str, participant: u64) -> Track {
        Track {
            room: Room(room.into()),
            participant: Participant(participant),
            kind: TrackKind::Video,
        }
    }

    fn publish(track: Track, streams: &[u64]) -> Control {
        let layer = |(layer, stream): (u8, &u64)| Layer {
            stream: FarId(*stream),
            layer,
            format: "VP8;".into(),
            height: 180,
            kbps: 100,
        };
        Control::Publish {
            track,
            layers: (0..).zip(streams).map(layer).collect(),
        }
    }

    fn of(streams: &Streams, stream: u64) -> Option<usize> {
        streams.shard(NODE, FarId(stream))
    }

    #[test]
    fn streams_are_known_from_their_announcement_to_their_end() {
        let mut streams = Streams::default();
        let (ann, ben, elsewhere) = (track("r", 1), track("r", 2), track("other", 3));
        for (track, ids) in [(&ann, [1, 2]), (&ben, [3, 4]), (&elsewhere, [5, 6])] {
            streams.learn(NODE, &publish(track.clone(), &ids), SHARDS);
        }
        assert_eq!(of(&streams, 1), Some(shard_of("r", SHARDS)));
        assert_eq!(of(&streams, 6), Some(shard_of("other", SHARDS)));
        assert_eq!(streams.shard(NodeId(9), FarId(1)), None, "another node's");
        streams.learn(NODE, &publish(ann.clone(), &[1, 7]), SHARDS);
        assert_eq!(
            (of(&streams, 2), of(&streams, 7)),
            (None, Some(shard_of("r", SHARDS)))
        );
        streams.learn(NODE, &Control::Unpublish { track: ann }, SHARDS);
        assert_eq!((of(&streams, 1), of(&streams, 7)), (None, None));
        let over = Control::NoInterest {
            room: Room("r".into()),
        };
        streams.learn(NODE, &over, SHARDS);
        assert_eq!(of(&streams, 3), None);
        assert!(of(&streams, 5).is_some());
        streams.forget(NODE);
        assert_eq!(of(&streams, 5), None);
    }

    #[test]
    fn a_node_that_announces_without_end_is_not_followed_and_numbers_are_not_taken_from_others() {
        let mut streams = Streams::default();
        for participant in 0..TRACKS as u64 + 10 {
            streams.learn(NODE, &publish(track("r", participant), &[participant]), SHARDS);
        }
        let known = &streams.0[&NODE];
        assert_eq!((known.tracks.len(), known.shards.len()), (TRACKS, TRACKS));
        streams.forget(NODE);
        streams.learn(NODE, &publish(track("r", 1), &[1]), SHARDS);
        streams.learn(NODE, &publish(track("r", 2), &[1, 2]), SHARDS);
        streams.learn(NODE, &Control::Unpublish { track: track("r", 2) }, SHARDS);
        assert_eq!((of(&streams, 1).is_some(), of(&streams, 2)), (true, None));
        streams.learn(NODE, &publish(track("r", 1), &[]), SHARDS);
        assert!(of(&streams, 1).is_some(), "what says nothing has no effect");
    }

    #[tokio::test]
    async fn each_shard_hears_of_links_and_of_its_own_rooms() {
        let (links, events) = mpsc::channel(64);
        let (shards, mut inboxes): (Vec<_>, Vec<_>) = (0..SHARDS).map(|_| mpsc::channel(WAITING)).unzip();
        let figures: Arc<Figures> = Arc::default();
        let shards = shards.into_iter().map(|shard| (shard, figures.clone())).collect();
        let router = tokio::spawn(Router::new(events, shards).run());
        links.send(LinkEvent::Up(NODE)).await.expect("it listens");
        let message = publish(track("r", 1), &[1]);
        links
            .send(LinkEvent::Message(NODE, message))
            .await
            .expect("it listens");
        let stream = FarId((4 << 32) + 17);
        links
            .send(LinkEvent::Message(NODE, Control::KeyFrame { stream }))
            .await
            .expect("it listens");
        drop(links);
        router.await.expect("it ends");
        for (shard, inbox) in inboxes.iter_mut().enumerate() {
            let mut heard = Vec::new();
            while let Ok(event) = inbox.try_recv() {
                heard.push(match event {
                    LinkEvent::Up(_) => "up",
                    LinkEvent::Message(_, Control::Publish { .. }) => "publish",
                    LinkEvent::Message(_, Control::KeyFrame { .. }) => "key frame",
                    _ => "?",
                });
            }
            let mut expected = vec!["up"];
            expected.extend((shard == shard_of("r", SHARDS)).then_some("publish"));
            expected.extend((shard == 4 % SHARDS).then_some("key frame"));
            assert_eq!(heard, expected);
        }
    }

    #[tokio::test]
    async fn a_shard_that_does_not_keep_up_loses_packets_and_no_messages() {
        let (links, events) = mpsc::channel(2 * WAITING);
        let (shard, mut inbox) = mpsc::channel(WAITING);
        let figures: Arc<Figures> = Arc::default();
        let packet = MediaPacket {
            seq: 1,
            timestamp: 1,
            marker: true,
            audio_level: None,
            orientation: None,
            payload: vec![1].into(),
        };
        let send = |event| links.try_send(event).expect("there is room");
        send(LinkEvent::Message(NODE, publish(track("r", 1), &[1])));
        for _ in 0..WAITING {
            send(LinkEvent::Packet(NODE, FarId(1), packet.clone()));
        }
        let last = Control::Unpublish { track: track("r", 1) };
        send(LinkEvent::Message(NODE, last.clone()));
        send(LinkEvent::Packet(NODE, FarId(1), packet));
        drop(links);
        Router::new(events, vec![(shard, figures.clone())]).run().await;
        let mut heard = Vec::new();
        while let Ok(event) = inbox.try_recv() {
            heard.push(event);
        }
        assert!(matches!(heard.pop(), Some(LinkEvent::Message(_, message)) if message == last));
        let packets = heard.len() as u64 - 1;
        assert_eq!(packets, (WAITING - FOR_MESSAGES) as u64 - 1);
        assert_eq!(figures.read().packets_far_dropped, WAITING as u64 - packets);
    }
}
