//! Which step of membership comes next in a Raft group.

use crate::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// What the leader knows when it compares the nodes that the server should have with those that Raft has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Membership {
    /// Nodes admitted and not removed, by the replicated state, with their addresses.
    pub wanted: BTreeMap<NodeId, String>,
    pub voters: BTreeSet<NodeId>,
    pub learners: BTreeSet<NodeId>,
    /// Entries each node has yet to store, where the leader knows it.
    pub lag: BTreeMap<NodeId, u64>,
    /// Nodes that answered lately.
    pub up: BTreeSet<NodeId>,
    /// Nodes that people use no more for new work.
    pub draining: BTreeSet<NodeId>,
    pub leader: NodeId,
}

/// One step towards the wanted membership. One at a time: each waits for its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    AddLearner {
        node: NodeId,
        address: String,
    },
    Promote(NodeId),
    Remove(NodeId),
    /// Give leadership to another node, because this one drains.
    HandOver(NodeId),
}

/// A learner this close to the end of the log becomes a voter.
const PROMOTE_LAG: u64 = 256;

/// The next step, or `None` when all is as wanted.
///
/// Invariant: a node is a learner before it is a voter, and a voter only while it answers, so that growing
/// never costs the quorum (ENT-01).
pub fn next_step(now: &Membership) -> Option<Step> {
    let members: BTreeSet<NodeId> = now.voters.union(&now.learners).copied().collect();
    if let Some(gone) = members.iter().find(|node| !now.wanted.contains_key(node)) {
        // The leader removes itself only after somebody else leads.
        return if *gone == now.leader {
            heir(now).map(Step::HandOver)
        } else {
            Some(Step::Remove(*gone))
        };
    }
    if let Some((node, address)) = now.wanted.iter().find(|(node, _)| !members.contains(node)) {
        return Some(Step::AddLearner {
            node: *node,
            address: address.clone(),
        });
    }
    let ready =
        |node: &&NodeId| now.up.contains(node) && now.lag.get(node).is_some_and(|lag| *lag <= PROMOTE_LAG);
    if let Some(node) = now.learners.iter().find(ready) {
        return Some(Step::Promote(*node));
    }
    if now.draining.contains(&now.leader) {
        return heir(now).map(Step::HandOver);
    }
    None
}

fn heir(now: &Membership) -> Option<NodeId> {
    let fit = |node: &&NodeId| {
        **node != now.leader
            && now.up.contains(node)
            && !now.draining.contains(node)
            && now.wanted.contains_key(node)
    };
    now.voters
        .iter()
        .filter(fit)
        .min_by_key(|node| now.lag.get(node).copied().unwrap_or(u64::MAX))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[u64]) -> BTreeSet<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    fn three() -> Membership {
        Membership {
            wanted: (1..=3)
                .map(|id| (NodeId(id), format!("10.0.0.{id}:4308")))
                .collect(),
            voters: ids(&[1, 2, 3]),
            up: ids(&[1, 2, 3]),
            lag: (1..=3).map(|id| (NodeId(id), 0)).collect(),
            leader: NodeId(1),
            ..Membership::default()
        }
    }

    #[test]
    fn a_complete_server_needs_no_step() {
        assert_eq!(next_step(&three()), None);
    }

    #[test]
    fn an_admitted_node_learns_first_and_votes_when_it_has_caught_up() {
        let mut now = three();
        now.wanted.insert(NodeId(4), "10.0.0.4:4308".into());
        assert_eq!(
            next_step(&now),
            Some(Step::AddLearner {
                node: NodeId(4),
                address: "10.0.0.4:4308".into()
            })
        );
        now.learners = ids(&[4]);
        now.up = ids(&[1, 2, 3, 4]);
        now.lag.insert(NodeId(4), 100_000);
        assert_eq!(next_step(&now), None);
        now.lag.insert(NodeId(4), 3);
        assert_eq!(next_step(&now), Some(Step::Promote(NodeId(4))));
        now.up.remove(&NodeId(4));
        assert_eq!(
            next_step(&now),
            None,
            "a node that does not answer must not count for the quorum"
        );
    }

    #[test]
    fn a_removed_node_leaves_and_a_removed_leader_hands_over_first() {
        let mut now = three();
        now.wanted.remove(&NodeId(2));
        assert_eq!(next_step(&now), Some(Step::Remove(NodeId(2))));
        let mut now = three();
        now.wanted.remove(&NodeId(1));
        now.lag.insert(NodeId(2), 9);
        assert_eq!(next_step(&now), Some(Step::HandOver(NodeId(3))));
    }

    #[test]
    fn a_draining_leader_hands_over_to_a_node_that_does_not_drain() {
        let mut now = three();
        now.draining = ids(&[1, 3]);
        assert_eq!(next_step(&now), Some(Step::HandOver(NodeId(2))));
        now.up = ids(&[1, 3]);
        assert_eq!(next_step(&now), None);
    }
}
