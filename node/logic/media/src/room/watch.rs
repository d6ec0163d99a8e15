//! Which layers of which publisher somebody watches.

use crate::Source;
use std::collections::{BTreeMap, BTreeSet};

/// How long a layer is still sent after the last one has stopped watching it, so that scrolling through pages of
/// tiles does not cost a key frame each time.
const LINGER_MS: u64 = 4_000;

#[derive(Debug)]
struct Track {
    /// Heights in pixels by spatial index.
    layers: Vec<u16>,
    /// How many tiles there are of each height in pixels.
    tiles: BTreeMap<u16, u32>,
    /// The highest layer that the publisher was told to send.
    told: Option<u8>,
    due_ms: Option<u64>,
}

impl Track {
    /// The highest layer that any tile needs: the smallest that is as high as the tile, or the largest.
    fn needed(&self) -> Option<u8> {
        let tile = *self.tiles.keys().next_back()?;
        if tile == 0 {
            return None;
        }
        let by_height = |index: &usize| (self.layers.get(*index), *index);
        let all = 0..self.layers.len();
        let enough = all
            .clone()
            .filter(|index| self.layers.get(*index).is_some_and(|height| *height >= tile));
        let layer = enough
            .min_by_key(by_height)
            .or_else(|| all.max_by_key(by_height))?;
        u8::try_from(layer).ok()
    }
}

/// What publishers are to send.
///
/// Invariant: `due` holds the due time of each track that has one, and nothing else.
#[derive(Debug, Default)]
pub(super) struct Watch {
    tracks: BTreeMap<Source, Track>,
    due: BTreeSet<(u64, Source)>,
}

impl Watch {
    /// A publisher begins to send all of these layers, or its layers turn out to be others than it was taken for:
    /// then what it was told is still in force. Returns what it is to be told at once.
    pub(super) fn publish(&mut self, source: Source, layers: &[u16], now_ms: u64) -> Option<Option<u8>> {
        let all = u8::try_from(layers.len().saturating_sub(1)).ok();
        self.tracks
            .entry(source)
            .or_insert_with(|| Track {
                layers: Vec::new(),
                tiles: BTreeMap::new(),
                told: all,
                due_ms: None,
            })
            .layers = layers.to_vec();
        self.settle(source, now_ms)
    }

    pub(super) fn unpublish(&mut self, source: Source) {
        self.schedule(source, None);
        self.tracks.remove(&source);
    }

    /// One tile changes its height in pixels; `None` is no tile. Returns what the publisher is to be told at once.
    pub(super) fn tile(
        &mut self,
        source: Source,
        before: Option<u16>,
        after: Option<u16>,
        now_ms: u64,
    ) -> Option<Option<u8>> {
        let track = self.tracks.get_mut(&source)?;
        if let Some(height) = before
            && let Some(count) = track.tiles.get_mut(&height)
        {
            *count -= 1;
            if *count == 0 {
                track.tiles.remove(&height);
            }
        }
        if let Some(height) = after {
            *track.tiles.entry(height).or_default() += 1;
        }
        self.settle(source, now_ms)
    }

    /// A publisher who is to send less now.
    pub(super) fn poll(&mut self, now_ms: u64) -> Option<(Source, Option<u8>)> {
        let (due, source) = *self.due.first()?;
        if due > now_ms {
            return None;
        }
        self.schedule(source, None);
        let track = self.tracks.get_mut(&source)?;
        track.told = track.needed();
        Some((source, track.told))
    }

    pub(super) fn poll_timeout(&self) -> Option<u64> {
        self.due.first().map(|(due, _)| *due)
    }

    /// More is told at once, less after a while.
    fn settle(&mut self, source: Source, now_ms: u64) -> Option<Option<u8>> {
        let track = self.tracks.get_mut(&source)?;
        let needed = track.needed();
        if needed > track.told {
            track.told = needed;
            self.schedule(source, None);
            return Some(needed);
        }
        let due = (needed < track.told).then(|| track.due_ms.unwrap_or(now_ms.saturating_add(LINGER_MS)));
        self.schedule(source, due);
        None
    }

    fn schedule(&mut self, source: Source, due_ms: Option<u64>) {
        let Some(track) = self.tracks.get_mut(&source) else {
            return;
        };
        if let Some(before) = track.due_ms {
            self.due.remove(&(before, source));
        }
        track.due_ms = due_ms;
        self.due.extend(due_ms.map(|due| (due, source)));
    }
}
