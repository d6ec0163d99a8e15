//! Connection IDs of QUIC that say to which node of a server a packet goes, so that what stands in front of the nodes can pass
//! packets on without knowing connections: by address alone it could not, as partners change theirs.
//!
//! ```text
//!  octet  0           1 … 4               5 … 12
//!         0x0c        number of the node  by chance
//!         └ 3 bits: configuration 0; 5 bits: octets that follow
//! ```
//! As the plaintext algorithm of draft-ietf-quic-load-balancers has it. Whoever reads one learns of which node it is, and nothing
//! of which connection.

use plenary_model::NodeId;

/// Octets of each connection ID.
pub const ROUTE_LEN: usize = 13;
/// Octets of it that are by chance.
pub const CHANCE_LEN: usize = 8;

const FIRST: u8 = 12;

/// A connection ID that leads to that node; nodes with numbers that do not fit have none.
pub fn route_to(node: NodeId, chance: [u8; CHANCE_LEN]) -> Option<[u8; ROUTE_LEN]> {
    let node = u32::try_from(node.0).ok()?.to_be_bytes();
    let mut id = [FIRST; ROUTE_LEN];
    let (head, tail) = id.split_at_mut(ROUTE_LEN - CHANCE_LEN);
    head.iter_mut()
        .skip(1)
        .zip(node)
        .for_each(|(to, from)| *to = from);
    tail.copy_from_slice(&chance);
    Some(id)
}

/// Where a connection ID leads; `None`: no node has given it.
pub fn route_of(id: &[u8]) -> Option<NodeId> {
    let [FIRST, a, b, c, d, chance @ ..] = id else {
        return None;
    };
    let node = u32::from_be_bytes([*a, *b, *c, *d]);
    (chance.len() == CHANCE_LEN).then_some(NodeId(node.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_id_leads_to_its_node_and_others_lead_nowhere() {
        let id = route_to(NodeId(258), [7; CHANCE_LEN]).expect("it fits");
        assert_eq!(id, [12, 0, 0, 1, 2, 7, 7, 7, 7, 7, 7, 7, 7]);
        assert_eq!(route_of(&id), Some(NodeId(258)));
        let last = NodeId(u32::MAX.into());
        assert_eq!(
            route_of(&route_to(last, [0; CHANCE_LEN]).expect("it fits")),
            Some(last)
        );
        assert_eq!(route_to(NodeId(1 << 32), [0; CHANCE_LEN]), None);
        for strange in [&[][..], &id[..12], &[0x2c; ROUTE_LEN], &[12; 14]] {
            assert_eq!(route_of(strange), None, "{strange:?}");
        }
    }
}
