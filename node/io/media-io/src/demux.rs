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

/// What a datagram is (RFC 7983 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Stun,
    Other,
    /// Nothing that is spoken here.
    Foreign,
}

pub(crate) fn kind_of(datagram: &[u8]) -> Kind {
    match datagram.first() {
        Some(0..=3) if datagram.len() >= 20 => Kind::Stun,
        Some(20..=63 | 128..=191) => Kind::Other,
        _ => Kind::Foreign,
    }
}

/// The ufrag of ours that a STUN binding request names: what stands before the colon in USERNAME (RFC 8445 §7.2.2).
/// None for everything else, foreign bytes included.
pub(crate) fn ufrag_of(datagram: &[u8]) -> Option<&str> {
    const BINDING_REQUEST: [u8; 2] = [0, 1];
    const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
    const USERNAME: u16 = 6;
    let (header, mut rest) = datagram.split_at_checked(20)?;
    if header.get(..2)? != BINDING_REQUEST || header.get(4..8)? != MAGIC_COOKIE {
        return None;
    }
    loop {
        let (head, after) = rest.split_first_chunk::<4>()?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = after.get(..length)?;
        if kind == USERNAME {
            return std::str::from_utf8(value)
                .ok()?
                .split_once(':')
                .map(|(ours, _)| ours);
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A binding request with an attribute before the name.
    fn request(name: &str) -> Vec<u8> {
        let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        message.extend([7; 12]);
        message.extend([0x80, 0x22, 0, 3, b'x', b'y', b'z', 0]);
        message.extend([0, 6]);
        message.extend(u16::try_from(name.len()).expect("short").to_be_bytes());
        message.extend(name.as_bytes());
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    #[test]
    fn the_name_of_a_request_is_found() {
        assert_eq!(ufrag_of(&request("ours:theirs")), Some("ours"));
        assert_eq!(
            ufrag_of(&request("ours")),
            None,
            "without a colon it is none of ours"
        );
        let mut answer = request("ours:theirs");
        answer[0] = 1;
        assert_eq!(ufrag_of(&answer), None, "answers name nobody");
    }

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

    proptest! {
        #[test]
        fn foreign_bytes_are_never_a_trouble(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..60) {
            ufrag_of(&bytes);
            kind_of(&bytes);
            let mut whole = request("abc:def");
            whole.truncate(cut);
            ufrag_of(&whole);
        }
    }
}
