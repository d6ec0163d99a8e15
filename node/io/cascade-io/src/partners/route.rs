//! Connection IDs for the port for partners.

use plenary_border::route::{CHANCE_LEN, ROUTE_LEN, route_to};
use plenary_model::NodeId;
use quinn::{ConnectionId, ConnectionIdGenerator, EndpointConfig};
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// As the quinn crate has it by itself, but that the IDs lead to this node where its number allows that.
pub(super) fn config(node: NodeId) -> EndpointConfig {
    let mut config = EndpointConfig::default();
    if route_to(node, [0; CHANCE_LEN]).is_some() {
        config.cid_generator(move || Box::new(Routes::to(node)));
    }
    config
}

struct Routes {
    node: NodeId,
    /// Where the machine has no random numbers: still never the same twice.
    spare: RandomState,
    given: u64,
}

impl Routes {
    fn to(node: NodeId) -> Self {
        Self {
            node,
            spare: RandomState::new(),
            given: 0,
        }
    }
}

impl ConnectionIdGenerator for Routes {
    fn generate_cid(&mut self) -> ConnectionId {
        self.given = self.given.wrapping_add(1);
        let chance = getrandom::u64().unwrap_or_else(|_| self.spare.hash_one(self.given));
        let id = route_to(self.node, chance.to_be_bytes()).unwrap_or_default();
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ROUTE_LEN
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_border::route::route_of;

    #[test]
    fn ids_of_a_node_lead_to_it_and_are_never_the_same() {
        let mut routes = Routes::to(NodeId(3));
        let (one, two) = (routes.generate_cid(), routes.generate_cid());
        assert_ne!(one, two);
        for id in [one, two] {
            assert_eq!((route_of(&id), id.len()), (Some(NodeId(3)), routes.cid_len()));
        }
    }
}
