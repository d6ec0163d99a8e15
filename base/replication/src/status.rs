//! How a replica is doing.

use std::{collections::BTreeMap, time::Duration};

use crate::options::Member;

/// What a replica knows of itself and the group; a snapshot of a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// This replica.
    pub node: u64,
    /// What it is now.
    pub role: Role,
    /// Who leads, as far as it knows. `None` too on a leader that lost its majority, and on another replica that
    /// heard nothing of the leader for longer than an election takes.
    pub leader: Option<u64>,
    /// Raft's term.
    pub term: u64,
    /// Members by number.
    pub members: BTreeMap<u64, MemberStatus>,
    /// Last entry in the log.
    pub last_log: u64,
    /// Last entry known to be committed.
    pub committed: u64,
    /// Last entry in the state.
    pub last_applied: u64,
    /// Entries up to here are no longer in the log.
    pub purged: u64,
    /// Bytes of the log on disk.
    pub log_bytes: u64,
    /// Committed level of the rules.
    pub level: u32,
    /// How long syncs of the log take.
    pub fsync: Latency,
    /// Election times in force, after what was measured.
    pub election_min: Duration,
    /// Whether writes are refused for want of space on this node.
    pub disk_full: bool,
}

/// What a replica is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Not a voter (yet).
    Learner,
    /// Follows a leader.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Leads.
    Leader,
}

/// One member as this replica sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberStatus {
    /// Name and address.
    pub member: Member,
    /// Whether it votes; else it learns.
    pub voter: bool,
    /// On the leader: the last entry known to be in its log.
    pub matched: Option<u64>,
    /// On the leader: entries that it is behind.
    pub lag: Option<u64>,
}

/// Of the last few thousand syncs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Latency {
    /// Half of them were faster.
    pub p50: Duration,
    /// 99 of 100 were faster.
    pub p99: Duration,
}
