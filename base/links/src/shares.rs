//! Places that are shared out fairly: so many in all, and no more than a part of them for one address.

use plenary_model::network_of;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A number of places, of which one address gets only a part, so that one flood leaves places to others.
#[derive(Debug)]
pub struct Shares {
    most: usize,
    most_each: AtomicUsize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by: HashMap<IpAddr, usize>,
}

/// One place, free again when this is dropped.
#[derive(Debug)]
pub struct Share {
    shares: Arc<Shares>,
    of: Option<IpAddr>,
}

impl Shares {
    pub fn new(most: usize, most_each: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_each: AtomicUsize::new(most_each),
            taken: Mutex::default(),
        })
    }

    /// From now on one address gets so many; who has more keeps them.
    pub fn bound_each(&self, most_each: usize) {
        self.most_each.store(most_each, Ordering::Relaxed);
    }

    /// A place, if there is one for this address; without one only the number in all counts.
    pub fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Share> {
        let of = address.map(network_of);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.most {
            return None;
        }
        if let Some(network) = of {
            let before = taken.by.get(&network).copied().unwrap_or(0);
            if before >= self.most_each.load(Ordering::Relaxed) {
                return None;
            }
            taken.by.insert(network, before + 1);
        }
        taken.all += 1;
        let shares = self.clone();
        Some(Share { shares, of })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.shares.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        let Some(network) = self.of else { return };
        match taken.by.get_mut(&network) {
            Some(many) if *many > 1 => *many -= 1,
            _ => drop(taken.by.remove(&network)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_places_to_others_and_places_come_back() {
        let shares = Shares::new(4, 2);
        let one: IpAddr = "2001:db8::1".parse().expect("good");
        let its_neighbour: IpAddr = "2001:db8::2".parse().expect("good");
        let other: IpAddr = "192.0.2.1".parse().expect("good");
        let first = shares.take(Some(one)).expect("the first");
        let second = shares.take(Some(its_neighbour)).expect("the second");
        assert!(shares.take(Some(one)).is_none(), "its network has its part");
        let third = shares.take(Some(other)).expect("there are places for others");
        let fourth = shares.take(None).expect("the last");
        assert!(shares.take(Some(other)).is_none(), "all are taken");
        drop((first, second, third, fourth));
        assert!(shares.taken.lock().expect("not poisoned").by.is_empty());
        assert_eq!(shares.taken.lock().expect("not poisoned").all, 0);
    }
}
