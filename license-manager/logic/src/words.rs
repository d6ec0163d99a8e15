//! Names and places of the protocol.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Names a pool for ever: random, made when a License Manager is founded. Restores keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PoolId(pub u128);

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Names one life of a server: random, made anew whenever nothing proves that it is the life of before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub u128);

/// Names a lease: given out once by a pool, rising. `pool` is the pool's epoch when it was given out, so that a number
/// that a restored manager gives out again is another epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Epoch {
    pub pool: u64,
    pub number: u64,
}

/// When a lessee said something, in the order in which it counts. Each order is sent once: who tries again takes the
/// next `seq`, so that an answer always belongs to one moment of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Order {
    pub epoch: Epoch,
    /// Raft term of the server's leader.
    pub term: u64,
    pub seq: u64,
}

/// How far a manager was when it answered.
///
/// `branch` is random and new after each recovery: of two managers that were restored from one backup, both are of the
/// next epoch, but not of one branch. `reign` is random and new whenever a replica begins to lead: of a manager and an
/// old copy of its data, which go on with entries of the same numbers, none knows the reigns of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Position {
    pub epoch: u64,
    pub branch: u64,
    /// Index in the manager's log.
    pub index: u64,
    /// 0: of a manager that named none yet.
    #[serde(default)]
    pub reign: u64,
}

impl Position {
    /// The later one; of two branches the one that was known first.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        let newer = other.epoch > self.epoch
            || other.epoch == self.epoch && other.branch == self.branch && other.index > self.index;
        if newer { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(epoch: u64, branch: u64, index: u64) -> Position {
        Position {
            epoch,
            branch,
            index,
            reign: 0,
        }
    }

    #[test]
    fn positions_only_rise() {
        assert_eq!(at(1, 7, 100).later(at(1, 7, 90)), at(1, 7, 100));
        assert_eq!(at(1, 7, 100).later(at(2, 1, 1)), at(2, 1, 1));
        assert_eq!(at(2, 8, 5).later(at(2, 9, 6)), at(2, 8, 5));
    }

    #[test]
    fn the_term_counts_before_the_number() {
        let order = |term, seq| Order {
            term,
            seq,
            ..Order::default()
        };
        assert!(order(2, 1) > order(1, 99));
    }
}
