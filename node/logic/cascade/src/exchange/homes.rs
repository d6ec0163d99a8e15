//! Which nodes announced which tracks.

use crate::{Layer, Room, Track};
use plenary_model::NodeId;
use std::collections::BTreeMap;

/// Who moves from node to node is announced by two of them for a while: of those that count most the one that came last
/// is the best, and another again should that one take it back.
///
/// Invariant: no list is empty, and `counts` says in how many lists a node is.
#[derive(Debug, Default)]
pub(super) struct Homes {
    tracks: BTreeMap<Track, Vec<(NodeId, Vec<Layer>)>>,
    counts: BTreeMap<NodeId, usize>,
}

impl Homes {
    /// The best home of a track by how much each counts; `None` for one that does not.
    pub(super) fn best(&self, track: &Track, counts: impl Fn(NodeId) -> Option<u8>) -> Option<NodeId> {
        let homes = self.tracks.get(track)?.iter();
        let ranked = homes.filter_map(|(node, _)| Some((counts(*node)?, *node)));
        // Of equals the last.
        ranked.max_by_key(|(rank, _)| *rank).map(|(_, node)| node)
    }

    pub(super) fn layers(&self, track: &Track, node: NodeId) -> Option<&[Layer]> {
        let mut homes = self.tracks.get(track)?.iter();
        homes
            .find(|(home, _)| *home == node)
            .map(|(_, layers)| layers.as_slice())
    }

    /// Whether a node may announce a track.
    pub(super) fn may(&self, track: &Track, node: NodeId, most: usize) -> bool {
        let known = |homes: &Vec<(NodeId, Vec<Layer>)>| homes.iter().any(|(home, _)| *home == node);
        self.tracks.get(track).is_some_and(known) || self.counts.get(&node).is_none_or(|count| *count < most)
    }

    /// Who announced it before keeps their place. Says whether anything changed.
    pub(super) fn insert(&mut self, track: &Track, node: NodeId, layers: Vec<Layer>) -> bool {
        let homes = self.tracks.entry(track.clone()).or_default();
        if let Some((_, known)) = homes.iter_mut().find(|(home, _)| *home == node) {
            let changed = *known != layers;
            *known = layers;
            return changed;
        }
        homes.push((node, layers));
        *self.counts.entry(node).or_default() += 1;
        true
    }

    pub(super) fn remove(&mut self, track: &Track, node: NodeId) {
        let Some(homes) = self.tracks.get_mut(track) else {
            return;
        };
        let before = homes.len();
        homes.retain(|(home, _)| *home != node);
        if homes.len() < before
            && let Some(count) = self.counts.get_mut(&node)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&node);
            }
        }
        if homes.is_empty() {
            self.tracks.remove(track);
        }
    }

    /// The tracks that a node announced.
    pub(super) fn of(&self, node: NodeId) -> Vec<Track> {
        let tracks = self.tracks.iter();
        tracks
            .filter(|(_, homes)| homes.iter().any(|(home, _)| *home == node))
            .map(|(track, _)| track.clone())
            .collect()
    }

    /// The tracks of a room that a node announced.
    pub(super) fn of_in(&self, node: NodeId, room: &Room) -> Vec<Track> {
        let tracks = self.tracks.iter().filter(|(track, _)| track.room == *room);
        tracks
            .filter(|(_, homes)| homes.iter().any(|(home, _)| *home == node))
            .map(|(track, _)| track.clone())
            .collect()
    }

    /// All tracks of a room, with each node that announced them.
    pub(super) fn in_room(&self, room: &Room) -> Vec<(NodeId, Track)> {
        let tracks = self.tracks.iter().filter(|(track, _)| track.room == *room);
        tracks
            .flat_map(|(track, homes)| homes.iter().map(|(node, _)| (*node, track.clone())))
            .collect()
    }
}
