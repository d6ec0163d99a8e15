use crate::clock::{self, Reading};
use plenary_model::NodeId;
use std::collections::BTreeMap;

/// How long nodes have been silent, by the clock of the server's leader: when a seat in use on a node that is cut off
/// can go to somebody else.
///
/// Only the boot clock counts, as with a lessor: a wall clock that is set ahead must not give seats away.
#[derive(Debug, Clone)]
pub struct Quiet {
    limit_ms: u64,
    elected: Reading,
    heard: BTreeMap<NodeId, Reading>,
}

impl Quiet {
    /// A leader was elected. A question that an earlier leader answered was received before: that leader asked a
    /// majority afterwards, and a member of it has voted since.
    pub fn new(limit_ms: u64, elected: Reading) -> Self {
        Self {
            limit_ms,
            elected,
            heard: BTreeMap::new(),
        }
    }

    /// A node asks. Counted from here whether it is answered or not.
    pub fn asked(&mut self, node: NodeId, now: Reading) {
        self.heard.insert(node, now);
    }

    /// Whether nothing is used on this node any more, whatever it is that keeps it silent.
    pub fn is_over(&self, node: NodeId, now: Reading) -> bool {
        let since = self.heard.get(&node).unwrap_or(&self.elected);
        now.boot_ms.saturating_sub(since.boot_ms) >= clock::silence_ms(self.limit_ms)
    }
}
