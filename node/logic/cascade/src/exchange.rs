//! Who is told what, and which streams go to which node.
//!
//! ```text
//!        this node                                         another node
//!   somebody enters a room ──► Interest ─────────────────►
//!                          ◄───────────────── Publish ◄──── its tracks in that room
//!   somebody watches one   ──► Subscribe ────────────────► Forward(stream, this node), KeyFrame
//!                          ◄═════════════ packets ◄═══════
//! ```
//! Invariant: only tracks given by [`Exchange::handle_track`] are announced and forwarded, never what was learned
//! from another node. So a packet crosses one link, and there are no loops.
//!
//! What was learned from a node is forgotten when its link is lost; everything is said again on a new one.

mod homes;
mod peer;

use crate::{Control, Layer, Layers, Level, Room, Track, wire::StreamId};
use homes::Homes;
use peer::Peer;
use plenary_model::NodeId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Rooms that one other node may have people in, and tracks that it may announce.
const ROOMS: usize = 65_536;
const TRACKS: usize = 65_536;

/// What to do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Tell {
        node: NodeId,
        message: Control,
    },
    /// A track of another node can be watched, or has other layers than before.
    Announced {
        node: NodeId,
        track: Track,
        layers: Vec<Layer>,
    },
    /// It cannot be watched there any more; it may be announced by another node next.
    Gone {
        node: NodeId,
        track: Track,
    },
    /// Somebody at another node watches these layers of a track of this node, also those that do not come yet; or
    /// nobody does. Not said for a track that ended.
    Wanted {
        node: NodeId,
        track: Track,
        layers: Option<Layers>,
    },
    /// Packets of a stream of this node go to `node` from now on.
    Forward {
        stream: StreamId,
        node: NodeId,
    },
    /// And no more. Not said for a stream that ended.
    Stop {
        stream: StreamId,
        node: NodeId,
    },
    /// Somebody at another node needs a key frame of a stream of this node.
    KeyFrame {
        stream: StreamId,
    },
    /// How loud those at another node are.
    Levels {
        node: NodeId,
        room: Room,
        levels: Vec<Level>,
    },
}

/// Why a message of another node has no effect. Messages that cross each other are none of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("node {0} has no link")]
    NoLink(NodeId),
    #[error("node {0} named more rooms or tracks than are taken")]
    TooMany(NodeId),
    #[error(transparent)]
    Bad(#[from] crate::BadControl),
}

/// What this node knows of the others, and they of it. What happens to a track costs O(nodes), what happens to a
/// room or a node O(its tracks).
#[derive(Debug, Default)]
pub struct Exchange {
    here: BTreeSet<Room>,
    local: BTreeMap<Track, Vec<Layer>>,
    wanted: BTreeMap<Track, Layers>,
    homes: Homes,
    /// Those with a link.
    peers: BTreeMap<NodeId, Peer>,
    effects: VecDeque<Effect>,
}

impl Exchange {
    /// There is a link to a node, or another one than before.
    pub fn handle_up(&mut self, node: NodeId) {
        self.handle_down(node);
        self.peers.insert(node, Peer::default());
        for room in &self.here {
            let message = Control::Interest { room: room.clone() };
            self.effects.push_back(Effect::Tell { node, message });
        }
    }

    /// The link to a node is lost.
    pub fn handle_down(&mut self, node: NodeId) {
        let Some(peer) = self.peers.remove(&node) else {
            return;
        };
        let stop = |stream| Effect::Stop { stream, node };
        self.effects.extend(peer.forwarded().map(stop));
        self.effects
            .extend(peer.subscribed.into_keys().map(|track| unwanted(node, track)));
        for track in self.homes.of(node) {
            self.change_home(&track, |homes| homes.remove(&track, node));
        }
    }

    /// Whether people of that room are on this node.
    pub fn handle_here(&mut self, room: &Room, here: bool) {
        let changed = if here {
            self.here.insert(room.clone())
        } else {
            self.here.remove(room)
        };
        if !changed {
            return;
        }
        if !here {
            // Before the message: there is no need to take back what it ends.
            let wanted = |track: &Track, _: &mut Layers| track.room != *room;
            self.wanted.retain(wanted);
            for (node, track) in self.homes.in_room(room) {
                self.change_home(&track, |homes| homes.remove(&track, node));
            }
        }
        let room = room.clone();
        self.tell_all(if here {
            Control::Interest { room }
        } else {
            Control::NoInterest { room }
        });
    }

    /// A participant homed here sends a track, or other layers of it than before.
    pub fn handle_track(&mut self, track: &Track, layers: Vec<Layer>) {
        if self.local.get(track) == Some(&layers) {
            return;
        }
        let before = self.shown(track);
        self.local.insert(track.clone(), layers.clone());
        self.shown_changed(track, before);
        for node in self.nodes() {
            self.announce(node, track, &layers);
            self.forward(node, track);
        }
    }

    /// They stopped, or left.
    pub fn handle_track_gone(&mut self, track: &Track) {
        if self.local.remove(track).is_none() {
            return;
        }
        for (node, peer) in &mut self.peers {
            if peer.forget(track) {
                let message = Control::Unpublish { track: track.clone() };
                self.effects.push_back(Effect::Tell { node: *node, message });
            }
        }
        self.shown_changed(track, None);
    }

    /// Which layers of another node's track somebody here watches: `None` for nobody. Counts also for a track that
    /// is not announced yet, or again, until the room is left.
    pub fn handle_wanted(&mut self, track: &Track, layers: Option<Layers>) {
        let before = match layers.clone() {
            Some(layers) => self.wanted.insert(track.clone(), layers),
            None => self.wanted.remove(track),
        };
        if before == layers {
            return;
        }
        let Some(node) = self.shown(track) else {
            return;
        };
        let track = track.clone();
        let message = match layers {
            Some(layers) => Control::Subscribe { track, layers },
            None => Control::Unsubscribe { track },
        };
        self.effects.push_back(Effect::Tell { node, message });
    }

    /// Somebody here needs a key frame of a stream that `node` sends.
    pub fn handle_key_frame(&mut self, node: NodeId, stream: StreamId) {
        if self.peers.contains_key(&node) {
            let message = Control::KeyFrame { stream };
            self.effects.push_back(Effect::Tell { node, message });
        }
    }

    /// The loudest of those who are homed here; the first [`crate::Control::Levels`] takes count. `tick` grows.
    pub fn handle_levels(&mut self, room: &Room, tick: u64, mut levels: Vec<Level>) {
        levels.truncate(crate::control::LEVELS);
        let message = Control::Levels {
            room: room.clone(),
            tick,
            levels,
        };
        self.tell_interested(room, &message);
    }

    /// Another node said something.
    ///
    /// # Errors
    /// When it says something impossible; it has no effect then.
    pub fn handle_message(&mut self, node: NodeId, message: Control) -> Result<(), Refused> {
        message.check()?;
        let peer = self.peers.get_mut(&node).ok_or(Refused::NoLink(node))?;
        match message {
            Control::Interest { room } => {
                if peer.rooms.len() >= ROOMS && !peer.rooms.contains(&room) {
                    return Err(Refused::TooMany(node));
                }
                if peer.rooms.insert(room.clone()) {
                    self.announce_all(node, &room);
                }
            }
            Control::NoInterest { room } => {
                let (stopped, tracks) = peer.leave(&room);
                let stop = |stream| Effect::Stop { stream, node };
                self.effects.extend(stopped.into_iter().map(stop));
                self.effects
                    .extend(tracks.into_iter().map(|track| unwanted(node, track)));
            }
            Control::Publish { track, layers } => {
                if !self.here.contains(&track.room) {
                    return Ok(());
                }
                if !self.homes.may(&track, node, TRACKS) {
                    return Err(Refused::TooMany(node));
                }
                self.publish(node, &track, layers);
            }
            Control::Unpublish { track } => {
                self.change_home(&track, |homes| homes.remove(&track, node));
            }
            Control::Subscribe { track, layers } => {
                // Who asks for what has just ended will hear of that.
                if self.local.contains_key(&track) && peer.rooms.contains(&track.room) {
                    let before = peer.subscribed.insert(track.clone(), layers.clone());
                    self.forward(node, &track);
                    if before.as_ref() != Some(&layers) {
                        let layers = Some(layers);
                        self.effects.push_back(Effect::Wanted { node, track, layers });
                    }
                }
            }
            Control::Unsubscribe { track } => {
                let was = peer.subscribed.remove(&track);
                self.forward(node, &track);
                if was.is_some() {
                    self.effects.push_back(unwanted(node, track));
                }
            }
            Control::KeyFrame { stream } => {
                if peer.is_forwarded(stream) {
                    self.effects.push_back(Effect::KeyFrame { stream });
                }
            }
            Control::Levels { room, tick, levels } => {
                if self.here.contains(&room) && peer.is_newer(&room, tick) {
                    self.effects.push_back(Effect::Levels { node, room, levels });
                }
            }
            Control::Stats(_) => {}
        }
        Ok(())
    }

    /// What to do next; to be called until there is nothing.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Where packets of a stream of this node go. Costs O(nodes × subscriptions): who forwards packets keeps a table of
    /// its own by [`Effect::Forward`] and [`Effect::Stop`].
    pub fn targets(&self, stream: StreamId) -> impl Iterator<Item = NodeId> + '_ {
        let peers = self.peers.iter();
        peers
            .filter(move |(_, peer)| peer.is_forwarded(stream))
            .map(|(node, _)| *node)
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.peers.keys().copied().collect()
    }

    fn tell_all(&mut self, message: Control) {
        for node in self.peers.keys() {
            let message = message.clone();
            self.effects.push_back(Effect::Tell { node: *node, message });
        }
    }

    fn tell_interested(&mut self, room: &Room, message: &Control) {
        for (node, peer) in &self.peers {
            if peer.rooms.contains(room) {
                let message = message.clone();
                self.effects.push_back(Effect::Tell { node: *node, message });
            }
        }
    }

    /// A node has people in a room now: it hears of the tracks here.
    fn announce_all(&mut self, node: NodeId, room: &Room) {
        let tracks = self.local.iter().filter(|(track, _)| track.room == *room);
        let tracks: Vec<_> = tracks
            .map(|(track, layers)| (track.clone(), layers.clone()))
            .collect();
        for (track, layers) in tracks {
            self.announce(node, &track, &layers);
        }
    }

    fn announce(&mut self, node: NodeId, track: &Track, layers: &[Layer]) {
        let interested = self
            .peers
            .get_mut(&node)
            .filter(|peer| peer.rooms.contains(&track.room));
        let Some(peer) = interested else {
            return;
        };
        peer.announce(track);
        let message = Control::Publish {
            track: track.clone(),
            layers: layers.to_vec(),
        };
        self.effects.push_back(Effect::Tell { node, message });
    }

    /// Brings what goes to a node in line with what it subscribed to.
    fn forward(&mut self, node: NodeId, track: &Track) {
        let Some(peer) = self.peers.get_mut(&node) else {
            return;
        };
        let layers = self.local.get(track).map(Vec::as_slice).unwrap_or_default();
        let (begin, end) = peer.forward(track, layers);
        for stream in begin {
            self.effects.push_back(Effect::Forward { stream, node });
            if !track.kind.is_sound() {
                self.effects.push_back(Effect::KeyFrame { stream });
            }
        }
        self.effects
            .extend(end.into_iter().map(|stream| Effect::Stop { stream, node }));
    }

    /// At which other node a track is watched; who is homed here is not watched elsewhere.
    fn shown(&self, track: &Track) -> Option<NodeId> {
        if self.local.contains_key(track) {
            return None;
        }
        self.homes.newest(track).map(|(node, _)| node)
    }

    fn publish(&mut self, node: NodeId, track: &Track, layers: Vec<Layer>) {
        let before = self.shown(track);
        let changed = self.homes.insert(track, node, layers);
        if before == self.shown(track) {
            if changed && before == Some(node) {
                self.announced(track);
            }
            return;
        }
        self.shown_changed(track, before);
    }

    fn change_home(&mut self, track: &Track, change: impl FnOnce(&mut Homes)) {
        let before = self.shown(track);
        change(&mut self.homes);
        self.shown_changed(track, before);
    }

    fn shown_changed(&mut self, track: &Track, before: Option<NodeId>) {
        let after = self.shown(track);
        if before == after {
            return;
        }
        if let Some(node) = before {
            if self.wanted.contains_key(track) && self.peers.contains_key(&node) {
                let message = Control::Unsubscribe { track: track.clone() };
                self.effects.push_back(Effect::Tell { node, message });
            }
            let track = track.clone();
            self.effects.push_back(Effect::Gone { node, track });
        }
        self.announced(track);
    }

    /// A track is there, or changed: the consumer hears of it, and its home what is wanted.
    fn announced(&mut self, track: &Track) {
        let Some(node) = self.shown(track) else {
            return;
        };
        let layers = self.homes.newest(track).map(|(_, layers)| layers.to_vec());
        let effect = Effect::Announced {
            node,
            track: track.clone(),
            layers: layers.unwrap_or_default(),
        };
        self.effects.push_back(effect);
        if let Some(layers) = self.wanted.get(track) {
            let message = Control::Subscribe {
                track: track.clone(),
                layers: layers.clone(),
            };
            self.effects.push_back(Effect::Tell { node, message });
        }
    }
}

fn unwanted(node: NodeId, track: Track) -> Effect {
    let layers = None;
    Effect::Wanted { node, track, layers }
}
