//! Addresses of clients by TURN: numbers at the controller's own address, by which the router of media knows them. No socket has one.

use bytes::Bytes;
use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, SocketAddr},
};
use tokio::sync::mpsc;

/// Datagrams that wait for a client whose stream takes none.
const WAITING: usize = 256;
const FIRST: u16 = 1_024;

/// All that are given.
#[derive(Default)]
pub(crate) struct Relays {
    all: HashMap<SocketAddr, mpsc::Sender<Bytes>>,
    last: u16,
}

impl Relays {
    /// Where what is for this address goes; `None`: nobody has it.
    pub(crate) fn get(&self, address: SocketAddr) -> Option<&mpsc::Sender<Bytes>> {
        // Most controllers have none.
        if self.all.is_empty() {
            return None;
        }
        self.all.get(&address)
    }

    /// One that nobody has, used again as late as can be; `None`: all are given.
    pub(crate) fn open(&mut self, beside: IpAddr) -> Option<(SocketAddr, mpsc::Receiver<Bytes>)> {
        for _ in FIRST..=u16::MAX {
            self.last = self.last.wrapping_add(1).max(FIRST);
            let address = SocketAddr::new(beside, self.last);
            if let Entry::Vacant(free) = self.all.entry(address) {
                let (sender, receiver) = mpsc::channel(WAITING);
                free.insert(sender);
                return Some((address, receiver));
            }
        }
        None
    }

    pub(crate) fn close(&mut self, address: SocketAddr) {
        self.all.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_given_once_and_late_again() {
        let mut relays = Relays::default();
        let beside = IpAddr::from([198, 51, 100, 2]);
        let mut kept = Vec::new();
        for _ in FIRST..=u16::MAX {
            kept.push(relays.open(beside).expect("free"));
        }
        assert!(relays.open(beside).is_none(), "all are given");
        let (address, _) = kept.pop().expect("one");
        relays.close(address);
        assert!(relays.get(address).is_none());
        assert_eq!(relays.open(beside).map(|(address, _)| address), Some(address));
    }
}
