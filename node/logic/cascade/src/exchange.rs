//! Who is told what, and which streams go to which node.
//!
//! ```text
//!        this node                                         another node
//!   somebody enters a room ──► Interest ─────────────────►
//!                          ◄───────────────── Publish ◄──── its tracks in that room
//!   somebody watches one   ──► Subscribe ────────────────► Forward(stream, this node), KeyFrame
//!                          ◄═════════════ packets ◄═══════
//! ```
//! Invariant: to nodes of this server only tracks given by [`Exchange::handle_track`] are announced and forwarded, and
//! what came from a partner; never what was learned from another node. So a packet crosses one link of the server, and
//! there are no loops. What has to do with partners is in `crossing`.
//!
//! What was learned from a node is forgotten when its link is lost; everything is said again on a new one.

mod crossing;
mod homes;
mod peer;
mod terms;

pub use terms::{See, Terms, is_partner_link, partner_link};

use crate::{Control, Layer, Layers, Level, Room, Track, wire::StreamId};
use crossing::put;
use homes::Homes;
use peer::Peer;
use plenary_model::NodeId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Rooms that one other node may have people in, and tracks that it may announce.
const ROOMS: usize = 65_536;
const TRACKS: usize = 65_536;
/// The same of a link to a partner.
const PARTNER_ROOMS: usize = 1_024;
const PARTNER_TRACKS: usize = 8_192;
/// The most layers of one track of a partner.
const PARTNER_LAYERS: usize = 4;

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
    me: NodeId,
    here: BTreeSet<Room>,
    local: BTreeMap<Track, Vec<Layer>>,
    /// Tracks of other nodes and partners that can be passed on, and where they come from.
    ///
    /// Invariant: that is where they are watched.
    relayed: BTreeMap<Track, (NodeId, Vec<Layer>)>,
    wanted: BTreeMap<Track, Layers>,
    homes: Homes,
    /// Those with a link.
    peers: BTreeMap<NodeId, Peer>,
    /// What may cross links to partners.
    terms: BTreeMap<Room, BTreeMap<NodeId, Terms>>,
    /// Rooms of partners to whose home this node has a link, with people here.
    ways: BTreeSet<Room>,
    /// Of these, those that this node speaks about with their home.
    uplinks: BTreeSet<Room>,
    effects: VecDeque<Effect>,
}

impl Exchange {
    /// Of the node of this number.
    pub fn new(me: NodeId) -> Self {
        Self {
            me,
            ..Self::default()
        }
    }

    /// There is a link to a node, or another one than before.
    pub fn handle_up(&mut self, node: NodeId) {
        self.handle_down(node);
        self.peers.insert(node, Peer::default());
        if is_partner_link(node) {
            return self.look_at_rooms_of(node);
        }
        for room in &self.here {
            let message = Control::Interest { room: room.clone() };
            self.effects.push_back(Effect::Tell { node, message });
        }
        for room in &self.ways {
            let (room, open) = (room.clone(), true);
            let message = Control::Way { room, open };
            self.effects.push_back(Effect::Tell { node, message });
        }
        for room in &self.uplinks {
            let (room, open) = (room.clone(), true);
            let message = Control::Uplink { room, open };
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
        let subscribed = peer.subscribed.into_keys();
        self.effects.extend(subscribed.map(|track| unwanted(node, track)));
        for track in self.homes.of(node) {
            self.change_home(&track, |homes| homes.remove(&track, node));
        }
        if is_partner_link(node) {
            self.look_at_rooms_of(node);
        }
        for room in peer.ways {
            self.look_at(&room);
        }
    }

    /// Whether people of that room are on this node, or guests of a partner are to be let in.
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
        let told = room.clone();
        self.tell_own(&if here {
            Control::Interest { room: told }
        } else {
            Control::NoInterest { room: told }
        });
        self.look_at(room);
    }

    /// A participant homed here sends a track, or other layers of it than before.
    pub fn handle_track(&mut self, track: &Track, layers: Vec<Layer>) {
        if self.local.get(track) == Some(&layers) {
            return;
        }
        let before = self.shown(track);
        self.local.insert(track.clone(), layers);
        self.shown_changed(track, before);
        self.offer(track);
    }

    /// They stopped, or left.
    pub fn handle_track_gone(&mut self, track: &Track) {
        if self.local.remove(track).is_none() {
            return;
        }
        self.unpublish(track);
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

    /// The loudest of those who are homed here; the first [`crate::Control::Levels`] takes count. `tick` grows. Not told
    /// to partners: what they may know comes with the packets.
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
        let partner = is_partner_link(node);
        let (rooms, tracks) = if partner {
            (PARTNER_ROOMS, PARTNER_TRACKS)
        } else {
            (ROOMS, TRACKS)
        };
        let peer = self.peers.get_mut(&node).ok_or(Refused::NoLink(node))?;
        match message {
            Control::Interest { room } => {
                if peer.rooms.len() >= rooms && !peer.rooms.contains(&room) {
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
                if partner {
                    // Its people are there still, and another node of theirs speaks for them.
                    self.forget_room(node, &room);
                } else {
                    self.look_at(&room);
                }
            }
            Control::Way { room, open } => {
                if partner || !peer.rooms.contains(&room) {
                    return Ok(());
                }
                put(&mut peer.ways, &room, open);
                if !open {
                    // It will say so, unless its link is lost before.
                    peer.uplinks.remove(&room);
                }
                self.look_at(&room);
            }
            Control::Uplink { room, open } => {
                if partner || !peer.rooms.contains(&room) {
                    return Ok(());
                }
                put(&mut peer.uplinks, &room, open);
                self.look_at(&room);
            }
            Control::Publish { track, layers } => {
                if !self.here.contains(&track.room) || partner && !peer.open.contains(&track.room) {
                    return Ok(());
                }
                if !self.homes.may(&track, node, tracks) || partner && layers.len() > PARTNER_LAYERS {
                    return Err(Refused::TooMany(node));
                }
                self.publish(node, &track, layers);
            }
            Control::Unpublish { track } => {
                self.change_home(&track, |homes| homes.remove(&track, node));
            }
            Control::Subscribe { track, layers } => {
                // Who asks for what has just ended will hear of that.
                if !self.may_have(node, &track) {
                    return Ok(());
                }
                let Some(peer) = self.peers.get_mut(&node) else {
                    return Err(Refused::NoLink(node));
                };
                let before = peer.subscribed.insert(track.clone(), layers.clone());
                self.forward(node, &track);
                if before.as_ref() != Some(&layers) {
                    let layers = Some(layers);
                    self.effects.push_back(Effect::Wanted { node, track, layers });
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
                if !partner && self.here.contains(&room) && peer.is_newer(&room, tick) {
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

    /// Tells all nodes of this server.
    fn tell_own(&mut self, message: &Control) {
        let nodes = self.peers.keys().filter(|node| !is_partner_link(**node));
        let tell = |node: &NodeId| Effect::Tell {
            node: *node,
            message: message.clone(),
        };
        self.effects.extend(nodes.map(tell));
    }

    fn tell_interested(&mut self, room: &Room, message: &Control) {
        for (node, peer) in &self.peers {
            if !is_partner_link(*node) && peer.rooms.contains(room) {
                let message = message.clone();
                self.effects.push_back(Effect::Tell { node: *node, message });
            }
        }
    }

    /// A node has people in a room now: it hears of the tracks here.
    fn announce_all(&mut self, node: NodeId, room: &Room) {
        for track in self.offered_in(room) {
            self.announce(node, &track);
        }
    }

    /// Those who may have a track hear of its layers.
    fn offer(&mut self, track: &Track) {
        for node in self.nodes() {
            self.announce(node, track);
            self.forward(node, track);
        }
    }

    fn announce(&mut self, node: NodeId, track: &Track) {
        if !self.may_have(node, track) {
            return;
        }
        let layers = self.offered(track).map(|(_, layers)| layers.to_vec());
        if let Some((peer, layers)) = self.peers.get_mut(&node).zip(layers) {
            peer.announce(track);
            let track = track.clone();
            let message = Control::Publish { track, layers };
            self.effects.push_back(Effect::Tell { node, message });
        }
    }

    /// Those who have heard of a track hear that it is over.
    fn unpublish(&mut self, track: &Track) {
        for (node, peer) in &mut self.peers {
            if peer.forget(track) {
                let message = Control::Unpublish { track: track.clone() };
                self.effects.push_back(Effect::Tell { node: *node, message });
            }
        }
    }

    /// Brings what goes to a node in line with what it subscribed to.
    fn forward(&mut self, node: NodeId, track: &Track) {
        let layers = self.offered(track).map(|(_, layers)| layers.to_vec());
        let layers = layers.filter(|_| self.may_have(node, track)).unwrap_or_default();
        let Some(peer) = self.peers.get_mut(&node) else {
            return;
        };
        let (begin, end) = peer.forward(track, &layers);
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
        self.homes.best(track, |node| self.rank(track, node))
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
            self.relay_gone(track);
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
        let layers = self.homes.layers(track, node).map(<[Layer]>::to_vec);
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
