//! One room on one node: who publishes what, and what fills the receive slots of each subscriber.
//!
//! ```text
//!   join, leave, publish, show ──► Room ──► Assign    a slot has another source, or none: a message to the client
//!   heard (from Speakers)      ──►      ──► Layers    nobody watches more than this: a message to the publisher
//!   timeout                    ──►      ──► KeyFrame  a slot has a new source: to KeyFrames
//! ```
//!
//! Nothing here renegotiates. Slots are there from the beginning; what changes is who fills them.

mod places;
mod watch;

use crate::{Kind, ParticipantId, Slot, Source};
use places::arrange;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use watch::Watch;

/// How many are heard at once.
pub const AUDIO_SLOTS: u8 = 3;
/// The largest pool of video slots.
pub const VIDEO_SLOTS: u8 = 49;
/// How many contents are shown at once.
pub const CONTENT_SLOTS: u8 = 1;
/// The longest list that a client may show; what follows is not looked at.
pub const SHOWN: usize = 128;

/// What a client shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Show {
    pub source: Source,
    /// Of the tile, in pixels of the screen; 0 for one that keeps its slot but is out of sight.
    pub height: u16,
}

/// What to do, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A slot of a subscriber is filled by this source from now on, or by none.
    Assign {
        subscriber: ParticipantId,
        slot: Slot,
        source: Option<Source>,
    },
    /// A publisher is to send spatial layers up to this one, or nothing.
    Layers { source: Source, highest: Option<u8> },
    /// A subscriber can begin with a source only at a key frame.
    KeyFrame {
        subscriber: ParticipantId,
        source: Source,
    },
}

/// Somebody who is not in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("participant {} is not in the room", .0.0)]
pub struct NotHere(pub ParticipantId);

#[derive(Debug)]
struct Participant {
    published: BTreeSet<Kind>,
    shows: Vec<Show>,
    /// By kind and index.
    slots: BTreeMap<Kind, Vec<Option<Source>>>,
}

/// A seat of a source in somebody's pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tile {
    slot: Slot,
    height: u16,
}

/// The room. What one participant does costs O(shown × log n), and for those who show them once each; another
/// speaker costs O(n), because everybody is told.
///
/// Invariant: `tiles` has an entry for each video and content slot that is filled, and no other.
#[derive(Debug, Default)]
pub struct Room {
    participants: BTreeMap<ParticipantId, Participant>,
    /// Who would like to see a source, whether it is there or not.
    interested: BTreeMap<Source, BTreeSet<ParticipantId>>,
    tiles: BTreeMap<Source, BTreeMap<ParticipantId, Tile>>,
    heard: [Option<ParticipantId>; AUDIO_SLOTS as usize],
    watch: Watch,
    effects: VecDeque<Effect>,
}

impl Room {
    /// Somebody comes, with a pool of so many video slots (up to [`VIDEO_SLOTS`]). Who is here already begins anew.
    pub fn handle_join(&mut self, who: ParticipantId, video_slots: u8, now_ms: u64) {
        if self.participants.contains_key(&who) {
            self.handle_leave(who, now_ms);
        }
        let empty = |count: u8| vec![None; usize::from(count)];
        let slots = BTreeMap::from([
            (Kind::Audio, empty(AUDIO_SLOTS)),
            (Kind::Video, empty(video_slots.min(VIDEO_SLOTS))),
            (Kind::Content, empty(CONTENT_SLOTS)),
            (Kind::ContentAudio, empty(CONTENT_SLOTS)),
        ]);
        let participant = Participant {
            published: BTreeSet::new(),
            shows: Vec::new(),
            slots,
        };
        self.participants.insert(who, participant);
        self.arrange_audio(who);
    }

    /// The pool has grown to so many video slots; it never shrinks.
    pub fn handle_pool(&mut self, who: ParticipantId, video_slots: u8, now_ms: u64) -> Result<(), NotHere> {
        let participant = self.participants.get_mut(&who).ok_or(NotHere(who))?;
        let video = participant.slots.entry(Kind::Video).or_default();
        let count = usize::from(video_slots.min(VIDEO_SLOTS)).max(video.len());
        video.resize(count, None);
        self.arrange_tiles(who, Kind::Video, now_ms);
        Ok(())
    }

    /// Somebody goes, or is lost. Nothing is said to them any more.
    pub fn handle_leave(&mut self, who: ParticipantId, now_ms: u64) {
        let Some(participant) = self.participants.get(&who) else {
            return;
        };
        let published: Vec<Kind> = participant.published.iter().copied().collect();
        for kind in published {
            self.unpublish(
                Source {
                    participant: who,
                    kind,
                },
                now_ms,
            );
        }
        self.show(who, &[], now_ms);
        self.participants.remove(&who);
        // What was meant for somebody who is gone is of use to nobody.
        self.effects.retain(|effect| match effect {
            Effect::Assign { subscriber, .. } | Effect::KeyFrame { subscriber, .. } => *subscriber != who,
            Effect::Layers { .. } => true,
        });
    }

    /// A participant begins to send a track, or sends other layers than before: their heights in pixels by spatial
    /// index, of which the first eight count. Not looked at for audio.
    pub fn handle_publish(
        &mut self,
        who: ParticipantId,
        kind: Kind,
        layer_heights: &[u16],
        now_ms: u64,
    ) -> Result<(), NotHere> {
        let participant = self.participants.get_mut(&who).ok_or(NotHere(who))?;
        participant.published.insert(kind);
        if kind == Kind::Audio {
            self.arrange_all_audio(who);
            return Ok(());
        }
        let source = Source {
            participant: who,
            kind,
        };
        if !kind.is_sound() {
            let layers = layer_heights.get(..8).unwrap_or(layer_heights);
            if let Some(highest) = self.watch.publish(source, layers, now_ms) {
                self.effects.push_back(Effect::Layers { source, highest });
            }
        }
        self.arrange_interested(source, now_ms);
        Ok(())
    }

    /// A participant stops sending a track.
    pub fn handle_unpublish(&mut self, who: ParticipantId, kind: Kind, now_ms: u64) -> Result<(), NotHere> {
        if !self.participants.contains_key(&who) {
            return Err(NotHere(who));
        }
        self.unpublish(
            Source {
                participant: who,
                kind,
            },
            now_ms,
        );
        Ok(())
    }

    /// A client shows these tiles now, the most important first; it replaces what it showed before. Tracks that
    /// are not there get a slot when they come. Own tracks and voices are not looked at, and of doubles the first
    /// counts.
    pub fn handle_show(&mut self, who: ParticipantId, shows: &[Show], now_ms: u64) -> Result<(), NotHere> {
        if !self.participants.contains_key(&who) {
            return Err(NotHere(who));
        }
        self.show(who, shows, now_ms);
        Ok(())
    }

    /// These are heard now, by slot ([`crate::speakers::Speakers::heard`]); more than [`AUDIO_SLOTS`] are not
    /// looked at.
    pub fn handle_heard(&mut self, heard: &[Option<ParticipantId>]) {
        let mut now = [None; AUDIO_SLOTS as usize];
        for (place, who) in now.iter_mut().zip(heard) {
            *place = *who;
        }
        if std::mem::replace(&mut self.heard, now) != now {
            self.arrange_everybodys_audio();
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now_ms: u64) {
        while let Some((source, highest)) = self.watch.poll(now_ms) {
            self.effects.push_back(Effect::Layers { source, highest });
        }
    }

    /// What to do next; to be called until there is nothing.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Room::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.watch.poll_timeout()
    }

    /// The filled slots of a subscriber, with the heights of their tiles in pixels (0 for audio): what the
    /// bandwidth is shared among.
    pub fn slots(&self, subscriber: ParticipantId) -> impl Iterator<Item = (Slot, Source, u16)> + '_ {
        let kinds = self
            .participants
            .get(&subscriber)
            .into_iter()
            .flat_map(|participant| &participant.slots);
        let slots = kinds.flat_map(|(kind, places)| {
            (0..)
                .zip(places)
                .map(move |(index, source)| (*kind, index, source))
        });
        slots.filter_map(move |(kind, index, source)| {
            let source = (*source)?;
            let tile = self.tiles.get(&source).and_then(|tiles| tiles.get(&subscriber));
            Some((Slot { kind, index }, source, tile.map_or(0, |tile| tile.height)))
        })
    }

    /// Who gets a camera or content, and in which slot. Voices go to everybody: see [`Room::handle_heard`].
    pub fn subscribers(&self, source: Source) -> impl Iterator<Item = (ParticipantId, Slot)> + '_ {
        let tiles = self.tiles.get(&source).into_iter().flatten();
        tiles.map(|(subscriber, tile)| (*subscriber, tile.slot))
    }

    fn is_published(&self, source: Source) -> bool {
        let published = |participant: &Participant| participant.published.contains(&source.kind);
        self.participants.get(&source.participant).is_some_and(published)
    }

    fn unpublish(&mut self, source: Source, now_ms: u64) {
        let Some(participant) = self.participants.get_mut(&source.participant) else {
            return;
        };
        if !participant.published.remove(&source.kind) {
            return;
        }
        if source.kind == Kind::Audio {
            self.arrange_all_audio(source.participant);
            return;
        }
        self.watch.unpublish(source);
        self.effects
            .retain(|effect| !matches!(effect, Effect::Layers { source: other, .. } if *other == source));
        self.arrange_interested(source, now_ms);
    }

    fn show(&mut self, who: ParticipantId, shows: &[Show], now_ms: u64) {
        let Some(participant) = self.participants.get_mut(&who) else {
            return;
        };
        let mut seen = BTreeSet::new();
        let shows = shows.iter().take(SHOWN).copied().filter(|show| {
            let Source { participant, kind } = show.source;
            participant != who && kind != Kind::Audio && seen.insert(show.source)
        });
        let before = std::mem::replace(&mut participant.shows, shows.collect());
        let after: Vec<Source> = participant.shows.iter().map(|show| show.source).collect();
        for show in before {
            if let Some(interested) = self.interested.get_mut(&show.source) {
                interested.remove(&who);
                if interested.is_empty() {
                    self.interested.remove(&show.source);
                }
            }
        }
        for source in after {
            self.interested.entry(source).or_default().insert(who);
        }
        self.arrange_tiles(who, Kind::Video, now_ms);
        self.arrange_tiles(who, Kind::Content, now_ms);
        self.arrange_tiles(who, Kind::ContentAudio, now_ms);
    }

    fn arrange_interested(&mut self, source: Source, now_ms: u64) {
        let interested: Vec<ParticipantId> = self
            .interested
            .get(&source)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        for who in interested {
            self.arrange_tiles(who, source.kind, now_ms);
        }
    }

    fn arrange_tiles(&mut self, who: ParticipantId, kind: Kind, now_ms: u64) {
        let Some(participant) = self.participants.get(&who) else {
            return;
        };
        let before = participant.slots.get(&kind).cloned().unwrap_or_default();
        let there = |show: &&Show| show.source.kind == kind && self.is_published(show.source);
        let shown: Vec<Show> = participant
            .shows
            .iter()
            .filter(there)
            .take(before.len())
            .copied()
            .collect();
        let wanted: Vec<Source> = shown.iter().map(|show| show.source).collect();
        let after = arrange(&before, &wanted);
        let gone = before.iter().flatten().filter(|source| !wanted.contains(source));
        for source in gone {
            self.set_tile(*source, who, None, now_ms);
        }
        for show in shown {
            let place = after.iter().position(|source| *source == Some(show.source));
            let Some(index) = place.and_then(|place| u8::try_from(place).ok()) else {
                continue;
            };
            let slot = Slot { kind, index };
            let height = show.height;
            self.set_tile(show.source, who, Some(Tile { slot, height }), now_ms);
        }
        self.assign(who, kind, &before, after);
    }

    fn set_tile(&mut self, source: Source, who: ParticipantId, tile: Option<Tile>, now_ms: u64) {
        let tiles = self.tiles.entry(source).or_default();
        let before = match tile {
            Some(tile) => tiles.insert(who, tile),
            None => tiles.remove(&who),
        };
        if tiles.is_empty() {
            self.tiles.remove(&source);
        }
        let height = |tile: Option<Tile>| tile.map(|tile| tile.height);
        if height(before) == height(tile) {
            return;
        }
        if let Some(highest) = self.watch.tile(source, height(before), height(tile), now_ms) {
            self.effects.push_back(Effect::Layers { source, highest });
        }
    }

    fn assign(
        &mut self,
        subscriber: ParticipantId,
        kind: Kind,
        before: &[Option<Source>],
        after: Vec<Option<Source>>,
    ) {
        for (index, (old, new)) in (0..).zip(before.iter().zip(&after)) {
            if old == new {
                continue;
            }
            let slot = Slot { kind, index };
            let source = *new;
            self.effects.push_back(Effect::Assign {
                subscriber,
                slot,
                source,
            });
            if let Some(source) = source.filter(|_| !kind.is_sound()) {
                self.effects.push_back(Effect::KeyFrame { subscriber, source });
            }
        }
        if let Some(participant) = self.participants.get_mut(&subscriber) {
            participant.slots.insert(kind, after);
        }
    }

    /// After a voice came or went; most are not heard.
    fn arrange_all_audio(&mut self, who: ParticipantId) {
        if self.heard.contains(&Some(who)) {
            self.arrange_everybodys_audio();
        }
    }

    fn arrange_everybodys_audio(&mut self) {
        let everybody: Vec<ParticipantId> = self.participants.keys().copied().collect();
        for who in everybody {
            self.arrange_audio(who);
        }
    }

    /// Slots of audio are the same for all, but nobody hears themselves.
    fn arrange_audio(&mut self, who: ParticipantId) {
        let voices = self.heard.map(|heard| {
            let participant = heard.filter(|heard| *heard != who)?;
            let voice = Source {
                participant,
                kind: Kind::Audio,
            };
            self.is_published(voice).then_some(voice)
        });
        let slots = self
            .participants
            .get(&who)
            .and_then(|participant| participant.slots.get(&Kind::Audio));
        if let Some(before) = slots.filter(|before| ***before != voices).cloned() {
            self.assign(who, Kind::Audio, &before, voices.to_vec());
        }
    }
}
