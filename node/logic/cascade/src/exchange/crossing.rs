//! Links to servers of other enterprises: which rooms are spoken of over them, and what is passed on.
//!
//! ```text
//!   guest side                                       home
//!   node 1 ──┐                                     ┌── node 1
//!   node 2 ══╪══► uplink ═══ one link ═══► node 2 ═╪══
//!   node 3 ──┘                                     └── node 3
//! ```
//! Between the nodes of one server nothing is passed on; between them and a partner, and between two partners, all is
//! that terms allow. A track never goes back over the link that it came from. So home and its guests are a tree.
//!
//! Of the guests' nodes only one speaks with the home about a room, its *uplink*: where there is none yet, the lowest of
//! those that have people in the room and a link becomes it, and stays it as long as it has both. Each tells the others
//! whether it has a link ([`Control::Way`]), and whether it speaks ([`Control::Uplink`]); of two that do the lower goes on.

use super::{
    Effect, Exchange,
    terms::{OWN, Terms, is_partner_link},
    unwanted,
};
use crate::{Control, Layer, Room, Track};
use plenary_model::NodeId;
use std::collections::BTreeSet;

/// Has a room in a set, or not. Whether that is new.
pub(super) fn put(rooms: &mut BTreeSet<Room>, room: &Room, is_in: bool) -> bool {
    if is_in {
        rooms.insert(room.clone())
    } else {
        rooms.remove(room)
    }
}

impl Exchange {
    /// What may cross a link to a partner of a room from now on; `None`: nothing. To be said of a link whether it is up
    /// or not: it holds until something else is said.
    pub fn handle_terms(&mut self, room: &Room, link: NodeId, terms: Option<Terms>) {
        let known = self.terms.get(room).and_then(|links| links.get(&link));
        if known == terms.as_ref() {
            return;
        }
        let before = self.homes.of_in(link, room).into_iter();
        let before: Vec<_> = before
            .map(|track| {
                let shown = self.shown(&track);
                (track, shown)
            })
            .collect();
        match terms {
            Some(terms) => {
                self.terms.entry(room.clone()).or_default().insert(link, terms);
            }
            None => {
                let links = self.terms.entry(room.clone()).or_default();
                links.remove(&link);
                if links.is_empty() {
                    self.terms.remove(room);
                }
            }
        }
        for (track, shown) in before {
            self.shown_changed(&track, shown);
        }
        self.look_at(room);
        self.show_again(room, link);
    }

    /// A track of `from` can be passed on under these streams of this node. Without effect if it is not watched there
    /// any more.
    pub fn handle_relay(&mut self, from: NodeId, track: &Track, layers: Vec<Layer>) {
        if layers.is_empty() || self.shown(track) != Some(from) {
            return;
        }
        let relay = (from, layers);
        if self.relayed.get(track) == Some(&relay) {
            return;
        }
        self.relayed.insert(track.clone(), relay);
        self.offer(track);
    }

    /// A room may be spoken of with other partners than before.
    pub(super) fn look_at(&mut self, room: &Room) {
        // Who hears that nobody is here knows the rest.
        let tells = self.here.contains(room);
        let way = self.has_way(room);
        if put(&mut self.ways, room, way) && tells {
            let room = room.clone();
            self.tell_own(&Control::Way { room, open: way });
        }
        let speaks = self.is_to_speak(room);
        if put(&mut self.uplinks, room, speaks) && tells {
            let room = room.clone();
            self.tell_own(&Control::Uplink { room, open: speaks });
        }
        let links = self.peers.keys().copied().filter(|node| is_partner_link(*node));
        for link in links.collect::<Vec<_>>() {
            self.open_or_close(link, room);
        }
    }

    /// All rooms for which there are terms with a link.
    pub(super) fn look_at_rooms_of(&mut self, link: NodeId) {
        let rooms = self.terms.iter();
        let rooms = rooms.filter(|(_, links)| links.contains_key(&link));
        for room in rooms.map(|(room, _)| room.clone()).collect::<Vec<_>>() {
            self.look_at(&room);
        }
    }

    /// Whether there is a link to the home of a room that people of this node are in.
    fn has_way(&self, room: &Room) -> bool {
        let links = self.terms.get(room).into_iter().flatten();
        let mut up = links.filter(|(link, terms)| **terms == Terms::Home && self.peers.contains_key(link));
        self.here.contains(room) && up.next().is_some()
    }

    /// Whoever speaks goes on, so that pictures move to another link only where they must.
    fn is_to_speak(&self, room: &Room) -> bool {
        if !self.ways.contains(room) {
            return false;
        }
        let mut lower = self.peers.range(..self.me).map(|(_, peer)| peer);
        if self.uplinks.contains(room) {
            return !lower.any(|peer| peer.uplinks.contains(room));
        }
        let mut all = self.peers.values();
        !all.any(|peer| peer.uplinks.contains(room)) && !lower.any(|peer| peer.ways.contains(room))
    }

    fn open_or_close(&mut self, link: NodeId, room: &Room) {
        let terms = self.terms.get(room).and_then(|links| links.get(&link));
        let open = match terms {
            Some(Terms::Home) => self.uplinks.contains(room),
            Some(Terms::Guests { .. }) => self.here.contains(room),
            None => false,
        };
        let Some(peer) = self.peers.get_mut(&link) else {
            return;
        };
        let changed = if open {
            peer.open.insert(room.clone())
        } else {
            peer.open.remove(room)
        };
        if changed && open {
            let room = room.clone();
            let message = Control::Interest { room: room.clone() };
            self.effects.push_back(Effect::Tell { node: link, message });
            self.announce_all(link, &room);
        } else if changed {
            self.close(link, room);
        }
    }

    /// Nothing of a room crosses a link any more, either way.
    fn close(&mut self, link: NodeId, room: &Room) {
        if let Some(peer) = self.peers.get_mut(&link) {
            let (stopped, watched) = peer.end(room);
            let told = peer.take_told(room);
            let stop = |stream| Effect::Stop { stream, node: link };
            self.effects.extend(stopped.into_iter().map(stop));
            let tracks = watched.into_iter();
            self.effects.extend(tracks.map(|track| unwanted(link, track)));
            let end = |track| Effect::Tell {
                node: link,
                message: Control::Unpublish { track },
            };
            self.effects.extend(told.into_iter().map(end));
        }
        self.forget_room(link, room);
        let message = Control::NoInterest { room: room.clone() };
        self.effects.push_back(Effect::Tell { node: link, message });
    }

    /// What a node announced of a room is over.
    pub(super) fn forget_room(&mut self, node: NodeId, room: &Room) {
        for track in self.homes.of_in(node, room) {
            self.change_home(&track, |homes| homes.remove(&track, node));
        }
    }

    /// Brings what a partner knows of a room in line with whom it may watch.
    fn show_again(&mut self, room: &Room, link: NodeId) {
        for track in self.offered_in(room) {
            let Some(peer) = self.peers.get_mut(&link) else {
                return;
            };
            let told = peer.is_told(&track);
            if self.may_have(link, &track) {
                if !told {
                    self.announce(link, &track);
                }
                continue;
            }
            let Some(peer) = self.peers.get_mut(&link) else {
                return;
            };
            let (ended, watched, told) = peer.retract(&track);
            let stop = |stream| Effect::Stop { stream, node: link };
            self.effects.extend(ended.into_iter().map(stop));
            if watched {
                self.effects.push_back(unwanted(link, track.clone()));
            }
            if told {
                let message = Control::Unpublish { track };
                self.effects.push_back(Effect::Tell { node: link, message });
            }
        }
    }

    /// What is offered of a track: where it comes from (`None`: its participant is homed here), and its layers.
    pub(super) fn offered(&self, track: &Track) -> Option<(Option<NodeId>, &[Layer])> {
        let local = self.local.get(track).map(|layers| (None, layers.as_slice()));
        local.or_else(|| {
            let (from, layers) = self.relayed.get(track)?;
            Some((Some(*from), layers.as_slice()))
        })
    }

    pub(super) fn offered_in(&self, room: &Room) -> Vec<Track> {
        let all = self.local.keys().chain(self.relayed.keys());
        all.filter(|track| track.room == *room).cloned().collect()
    }

    /// Whether a node hears of what is offered of a track, and may have it.
    pub(super) fn may_have(&self, node: NodeId, track: &Track) -> bool {
        let Some((peer, (from, _))) = self.peers.get(&node).zip(self.offered(track)) else {
            return false;
        };
        let passes = match from {
            None => true,
            Some(from) => from != node && (is_partner_link(from) || is_partner_link(node)),
        };
        let spoken_of = !is_partner_link(node) || {
            let terms = self.terms.get(&track.room).and_then(|links| links.get(&node));
            peer.open.contains(&track.room) && terms.is_some_and(|terms| terms.shows(track))
        };
        passes && spoken_of && peer.rooms.contains(&track.room)
    }

    /// How much it counts that a node announces a track.
    pub(super) fn rank(&self, track: &Track, node: NodeId) -> Option<u8> {
        if !is_partner_link(node) {
            return Some(OWN);
        }
        self.terms.get(&track.room)?.get(&node)?.rank(track)
    }

    /// A track is not watched where it was passed on from.
    pub(super) fn relay_gone(&mut self, track: &Track) {
        if self.relayed.remove(track).is_some() {
            self.unpublish(track);
        }
    }

    /// Invariants, for tests: what is passed on is watched where it comes from, and nothing of a room is open that
    /// there are no terms for.
    #[doc(hidden)]
    pub fn is_sound(&self) -> bool {
        let mut relayed = self.relayed.iter();
        let mut partners = self.peers.iter().filter(|(node, _)| is_partner_link(**node));
        let agreed =
            |link: &NodeId, room: &Room| self.terms.get(room).is_some_and(|all| all.contains_key(link));
        relayed.all(|(track, (from, _))| self.shown(track) == Some(*from))
            && partners.all(|(link, peer)| {
                let told = peer.open.iter().chain(peer.forwarded_rooms());
                told.into_iter().all(|room| agreed(link, room))
            })
    }
}
