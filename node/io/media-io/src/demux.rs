//! Whose a datagram is: by the address it came from, or by the name in a STUN request (RFC 8489).
//!
//! Invariant: strangers make no entries. Only a STUN request that names a peer of ours is handed to it, and only
//! when that peer's ICE agent believed it (its password signed it) the address becomes the peer's.

use crate::steering::Place;
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
};
use str0m::net::Protocol;

/// Where a peer speaks from.
pub(crate) type Address = (Protocol, SocketAddr);

/// Addresses of one peer that are remembered: a device has Wi-Fi, LTE and a VPN at once, and changes them.
const ADDRESSES: usize = 8;

/// The tables of one shard. What is in them is told to the other shards.
pub(crate) struct Demux {
    place: Place,
    by_address: HashMap<Address, usize>,
    by_ufrag: HashMap<String, usize>,
    /// The addresses of a peer in the order in which they became known.
    addresses: HashMap<usize, VecDeque<Address>>,
}

impl Demux {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            by_address: HashMap::new(),
            by_ufrag: HashMap::new(),
            addresses: HashMap::new(),
        }
    }

    pub(crate) fn add(&mut self, ufrag: String, peer: usize) {
        self.place.name(&ufrag);
        self.by_ufrag.insert(ufrag, peer);
    }

    pub(crate) fn by_address(&self, source: Address) -> Option<usize> {
        self.by_address.get(&source).copied()
    }

    pub(crate) fn by_ufrag(&self, ufrag: &str) -> Option<usize> {
        self.by_ufrag.get(ufrag).copied()
    }

    /// The peer's ICE agent has answered this address.
    pub(crate) fn learn(&mut self, source: Address, peer: usize) {
        if self.by_address.insert(source, peer) == Some(peer) {
            return;
        }
        if let (Protocol::Udp, address) = source {
            self.place.learn(address);
        }
        let known = self.addresses.entry(peer).or_default();
        known.push_back(source);
        if known.len() > ADDRESSES
            && let Some(oldest) = known.pop_front()
            && self.by_address.get(&oldest) == Some(&peer)
        {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, address: Address) {
        self.by_address.remove(&address);
        if let (Protocol::Udp, address) = address {
            self.place.forget(address);
        }
    }

    /// A peer of another shard speaks from there now.
    pub(crate) fn lose(&mut self, address: SocketAddr) {
        self.by_address.remove(&(Protocol::Udp, address));
    }

    /// The peer began its ICE anew.
    pub(crate) fn rename(&mut self, before: &str, ufrag: String, peer: usize) {
        self.place.unname(before);
        self.by_ufrag.remove(before);
        self.add(ufrag, peer);
    }

    pub(crate) fn remove(&mut self, peer: usize, ufrag: &str) {
        if self.by_ufrag.get(ufrag) == Some(&peer) {
            self.place.unname(ufrag);
            self.by_ufrag.remove(ufrag);
        }
        for address in self.addresses.remove(&peer).unwrap_or_default() {
            if self.by_address.get(&address) == Some(&peer) {
                self.forget(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_keeps_its_newest_addresses_and_leaves_nothing_behind() {
        let mut demux = Demux::new(Place::alone());
        demux.add("ours".into(), 3);
        let address = |port: u16| (Protocol::Udp, SocketAddr::from(([192, 0, 2, 1], port)));
        for port in 0..20 {
            demux.learn(address(port), 3);
            demux.learn(address(port), 3);
        }
        assert_eq!(demux.by_address(address(11)), None);
        assert_eq!(demux.by_address(address(12)), Some(3));
        demux.learn(address(15), 4);
        demux.remove(3, "ours");
        assert_eq!(demux.by_ufrag("ours"), None);
        assert_eq!(demux.by_address(address(19)), None);
        assert_eq!(
            demux.by_address(address(15)),
            Some(4),
            "it had moved on to another peer"
        );
    }
}
