//! Addresses of clients with numbers, within bounds.

use crate::FlowId;
use plenary_model::network_of;
use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
};

/// Something for each address, found by it or by its number. Numbers are below the most there may be, and are used again as late as
/// can be, so that what is on its way still is of nobody.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    by_client: HashMap<SocketAddr, FlowId>,
    places: Vec<Option<(SocketAddr, T)>>,
    /// Those that are not in use, the one that has been longest first.
    free: VecDeque<FlowId>,
    networks: HashMap<IpAddr, usize>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            by_client: HashMap::new(),
            places: Vec::new(),
            free: VecDeque::new(),
            networks: HashMap::new(),
        }
    }
}

impl<T> Slots<T> {
    pub(crate) fn len(&self) -> usize {
        self.by_client.len()
    }

    pub(crate) fn id_of(&self, client: SocketAddr) -> Option<FlowId> {
        self.by_client.get(&client).copied()
    }

    pub(crate) fn get(&self, id: FlowId) -> Option<&T> {
        let (_, what) = self.places.get(id.0 as usize)?.as_ref()?;
        Some(what)
    }

    pub(crate) fn get_mut(&mut self, id: FlowId) -> Option<(SocketAddr, &mut T)> {
        let (client, what) = self.places.get_mut(id.0 as usize)?.as_mut()?;
        Some((*client, what))
    }

    /// Whether one more of that network fits, where there are so many at most in all and of one network.
    pub(crate) fn fits(&self, client: SocketAddr, (most, most_of_network): (usize, usize)) -> bool {
        let of_network = self.networks.get(&network_of(client.ip()));
        self.by_client.len() < most && of_network.copied().unwrap_or(0) < most_of_network
    }

    /// Keeps something for an address that has nothing yet; `None`: there are `most`.
    pub(crate) fn insert(&mut self, client: SocketAddr, what: T, most: usize) -> Option<FlowId> {
        let id = if self.places.len() < most {
            let id = FlowId(u32::try_from(self.places.len()).ok()?);
            self.places.push(None);
            id
        } else {
            self.free.pop_front()?
        };
        *self.places.get_mut(id.0 as usize)? = Some((client, what));
        self.by_client.insert(client, id);
        *self.networks.entry(network_of(client.ip())).or_default() += 1;
        Some(id)
    }

    pub(crate) fn remove(&mut self, id: FlowId) -> Option<T> {
        let (client, what) = self.places.get_mut(id.0 as usize)?.take()?;
        self.by_client.remove(&client);
        self.free.push_back(id);
        let network = network_of(client.ip());
        match self.networks.get_mut(&network) {
            Some(many) if *many > 1 => *many -= 1,
            _ => drop(self.networks.remove(&network)),
        }
        Some(what)
    }

    /// Numbers of those for which this holds.
    pub(crate) fn which(&self, holds: impl Fn(&T) -> bool) -> Vec<FlowId> {
        let all = self.by_client.values().copied();
        all.filter(|id| self.get(*id).is_some_and(&holds)).collect()
    }
}

#[cfg(test)]
impl<T> Slots<T> {
    /// All that is there, once the books are found to be right and within these bounds.
    pub(crate) fn checked(&self, (most, most_of_network): (usize, usize)) -> Vec<&T> {
        let all: Vec<_> = self.places.iter().flatten().collect();
        assert_eq!(all.len(), self.by_client.len());
        assert!(all.len() <= most);
        assert_eq!(self.places.len(), all.len() + self.free.len());
        assert_eq!(self.networks.values().sum::<usize>(), all.len());
        assert!(self.networks.values().all(|many| *many <= most_of_network));
        for (client, id) in &self.by_client {
            let place = self.places[id.0 as usize].as_ref();
            assert_eq!(place.map(|(there, _)| there), Some(client));
        }
        all.into_iter().map(|(_, what)| what).collect()
    }
}
