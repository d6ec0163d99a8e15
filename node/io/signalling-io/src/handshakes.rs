//! Places for connections that have not said who they are.

use plenary_model::network_of;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// So many in all, and half of them for one address, so that a flood from one place leaves the other half.
pub(crate) struct Handshakes {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by: HashMap<IpAddr, usize>,
}

/// One place, free again when this is dropped.
pub(crate) struct Handshake {
    of: Arc<Handshakes>,
    network: IpAddr,
}

impl Handshakes {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            taken: Mutex::default(),
        }
    }

    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Handshake> {
        let network = network_of(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let before = taken.by.get(&network).copied().unwrap_or(0);
        if taken.all >= self.most || before >= self.most.div_ceil(2) {
            return None;
        }
        taken.all += 1;
        taken.by.insert(network, before + 1);
        let of = self.clone();
        Some(Handshake { of, network })
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        match taken.by.get_mut(&self.network) {
            Some(many) if *many > 1 => *many -= 1,
            _ => drop(taken.by.remove(&self.network)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_from_one_address_leaves_places_to_others() {
        let handshakes = Arc::new(Handshakes::new(4));
        let [one, neighbour, other] =
            ["2001:db8::1", "2001:db8::2", "192.0.2.1"].map(|text| text.parse().unwrap());
        let held = (handshakes.take(one).unwrap(), handshakes.take(neighbour).unwrap());
        assert!(handshakes.take(one).is_none(), "its network has its half");
        let others = (handshakes.take(other).unwrap(), handshakes.take(other).unwrap());
        assert!(
            handshakes.take("192.0.2.2".parse().unwrap()).is_none(),
            "all are taken"
        );
        drop((held, others));
        assert!(handshakes.taken.lock().unwrap().by.is_empty());
    }
}
