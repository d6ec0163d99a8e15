//! What another node said and gets.

use crate::{Layer, Layers, Room, Track, wire::StreamId};
use std::collections::{BTreeMap, BTreeSet};

/// Invariant: `forwarded` has no empty set, and only tracks of `subscribed`.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// It has people in these.
    pub(super) rooms: BTreeSet<Room>,
    /// Of them, those to whose home it has a link.
    pub(super) ways: BTreeSet<Room>,
    /// Of these, those that it speaks about with their home.
    pub(super) uplinks: BTreeSet<Room>,
    /// Of a partner, those that are spoken of: it was told of our interest.
    pub(super) open: BTreeSet<Room>,
    pub(super) subscribed: BTreeMap<Track, Layers>,
    forwarded: BTreeMap<Track, BTreeSet<StreamId>>,
    /// What was announced to it and not taken back. It may have lost interest, and what was announced before may reach
    /// it when it is interested again: so it hears of the end in any case.
    told: BTreeSet<Track>,
    /// The newest levels that it told.
    ticks: BTreeMap<Room, u64>,
}

impl Peer {
    pub(super) fn forwarded(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.forwarded.values().flatten().copied()
    }

    pub(super) fn is_forwarded(&self, stream: StreamId) -> bool {
        self.forwarded.values().any(|streams| streams.contains(&stream))
    }

    /// What goes to it of a track with these layers: which streams begin, and which end.
    pub(super) fn forward(&mut self, track: &Track, layers: &[Layer]) -> (Vec<StreamId>, Vec<StreamId>) {
        let now = self.subscribed.get(track).map(|wanted| wanted.pick(layers));
        let now = now.unwrap_or_default();
        let before = self.forwarded.remove(track).unwrap_or_default();
        let begin = now.difference(&before).copied().collect();
        let end = before.difference(&now).copied().collect();
        if !now.is_empty() {
            self.forwarded.insert(track.clone(), now);
        }
        (begin, end)
    }

    /// It hears of a track.
    pub(super) fn announce(&mut self, track: &Track) {
        self.told.insert(track.clone());
    }

    /// A track ended. Says whether it has heard of it.
    pub(super) fn forget(&mut self, track: &Track) -> bool {
        self.subscribed.remove(track);
        self.forwarded.remove(track);
        self.told.remove(track)
    }

    /// The rooms of what goes to it.
    pub(super) fn forwarded_rooms(&self) -> impl Iterator<Item = &Room> + '_ {
        self.forwarded.keys().map(|track| &track.room)
    }

    pub(super) fn is_told(&self, track: &Track) -> bool {
        self.told.contains(track)
    }

    /// It has nobody in a room any more. Gives the streams that end, and the tracks that it watched.
    pub(super) fn leave(&mut self, room: &Room) -> (Vec<StreamId>, Vec<Track>) {
        self.rooms.remove(room);
        self.ways.remove(room);
        self.uplinks.remove(room);
        self.ticks.remove(room);
        self.end(room)
    }

    /// Nothing of a room goes to it any more. Gives the streams that end, and the tracks that it watched.
    pub(super) fn end(&mut self, room: &Room) -> (Vec<StreamId>, Vec<Track>) {
        let watched = self.subscribed.extract_if(.., |track, _| track.room == *room);
        let watched = watched.map(|(track, _)| track).collect();
        let mut ended = Vec::new();
        self.forwarded.retain(|track, streams| {
            let stays = track.room != *room;
            if !stays {
                ended.extend(streams.iter().copied());
            }
            stays
        });
        (ended, watched)
    }

    /// What it has heard of in a room is taken back.
    pub(super) fn take_told(&mut self, room: &Room) -> Vec<Track> {
        self.told.extract_if(.., |track| track.room == *room).collect()
    }

    /// A track is not for it any more. Gives the streams that end, whether it watched, and whether it has heard of it.
    pub(super) fn retract(&mut self, track: &Track) -> (BTreeSet<StreamId>, bool, bool) {
        let ended = self.forwarded.remove(track).unwrap_or_default();
        let watched = self.subscribed.remove(track).is_some();
        (ended, watched, self.told.remove(track))
    }

    /// Whether levels with this tick are newer than those before; they count then.
    pub(super) fn is_newer(&mut self, room: &Room, tick: u64) -> bool {
        if self.ticks.get(room).is_some_and(|newest| *newest >= tick) {
            return false;
        }
        self.ticks.insert(room.clone(), tick);
        true
    }
}
