//! What a replica needs to know when it is opened.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    clock::{Clock, SystemClock},
    disk::{Disk, FileDisk},
};

/// Everything a replica needs beside the rules and the links.
#[derive(Clone)]
pub struct Options {
    /// Folder of this replica alone; made if it is not there.
    pub dir: PathBuf,
    /// Name of the group (one server, one License Manager); a folder or a peer of another one is refused.
    pub group: String,
    /// Number of this replica in the group; never given twice.
    pub node_id: u64,
    /// Name for people and the address at which the others reach this replica.
    pub member: Member,
    /// Highest level of the rules that this program knows.
    pub supported_level: u32,
    /// Heartbeats, elections and waits.
    pub timing: Timing,
    /// Bounds of what is kept and sent.
    pub limits: Limits,
    /// The clock, the disk and the threads.
    pub environment: Environment,
}

impl Options {
    /// The usual ones for a folder and a member.
    pub fn new(dir: impl Into<PathBuf>, group: impl Into<String>, node_id: u64, member: Member) -> Self {
        Self {
            dir: dir.into(),
            group: group.into(),
            node_id,
            member,
            supported_level: 1,
            timing: Timing::default(),
            limits: Limits::default(),
            environment: Environment::default(),
        }
    }
}

/// How a member is named and reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Member {
    /// For people.
    pub name: String,
    /// `host:port` of its service, as the others reach it.
    pub address: String,
}

impl std::fmt::Display for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.name, self.address)
    }
}

/// Times of the protocol. Election times grow by themselves to ten times the slowest measured fsync of the
/// members; these are the smallest ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// How often the leader says that it is there.
    pub heartbeat: Duration,
    /// A member that heard nothing for between these two (on top of the lease, which is the larger) starts
    /// an election.
    pub election_min: Duration,
    /// See `election_min`.
    pub election_max: Duration,
    /// How long a fresh read waits for an outcome, and a proposal; see [`Timing::deadline_of`].
    pub deadline: Duration,
}

/// A large command takes its time on every member: to be sent, written and applied. Slow disks and processors do
/// at least this much.
const BYTES_A_SECOND: usize = 64 << 10;

impl Default for Timing {
    /// For members within a few milliseconds of each other.
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(50),
            election_min: Duration::from_millis(150),
            election_max: Duration::from_millis(300),
            deadline: Duration::from_secs(10),
        }
    }
}

impl Timing {
    /// How long a proposal of this size waits: the deadline, and a second more for each 64 KiB.
    pub fn deadline_of(&self, command_bytes: usize) -> Duration {
        self.deadline + Duration::from_secs((command_bytes / BYTES_A_SECOND) as u64)
    }

    /// For members on different continents.
    pub fn wide_area() -> Self {
        Self {
            heartbeat: Duration::from_millis(200),
            election_min: Duration::from_millis(1000),
            election_max: Duration::from_millis(2000),
            deadline: Duration::from_secs(20),
        }
    }
}

/// Bounds in bytes and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest command.
    pub command_bytes: usize,
    /// An entry of the log takes proposals until it has this many bytes.
    pub batch_bytes: usize,
    /// Entries of the leader that may be under way at once.
    pub batches_in_flight: usize,
    /// Proposals that may wait on one node; more are refused as busy.
    pub waiting_proposals: usize,
    /// A file of the log is closed when it is this large.
    pub segment_bytes: u64,
    /// The log is purged behind a checkpoint when it is larger than this.
    pub log_bytes: u64,
    /// How much of the log a purge leaves, for members that are behind.
    pub log_tail_bytes: u64,
    /// Entries kept in memory for members that follow closely.
    pub cache_bytes: usize,
    /// Writes are refused while the file system has less than this.
    pub reserve_bytes: u64,
    /// Read-only connections.
    pub readers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_bytes: 16 << 20,
            batch_bytes: 512 << 10,
            batches_in_flight: 4,
            waiting_proposals: 65_536,
            segment_bytes: 16 << 20,
            log_bytes: 64 << 20,
            log_tail_bytes: 16 << 20,
            cache_bytes: 8 << 20,
            reserve_bytes: 64 << 20,
            readers: 4,
        }
    }
}

/// What is swapped in a simulation.
#[derive(Clone)]
pub struct Environment {
    /// Wall clock, for the stamps of entries.
    pub clock: Arc<dyn Clock>,
    /// Files of the log.
    pub disk: Arc<dyn Disk>,
    /// Where slow work is done.
    pub work: Work,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            disk: Arc::new(FileDisk),
            work: Work::Threads,
        }
    }
}

/// Where writing and applying is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// On threads of their own: the log, the state, and reads.
    Threads,
    /// On the async thread, so that virtual time and the order of events are those of a seed.
    Inline,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_command_may_take_longer() {
        let timing = Timing::default();
        assert_eq!(timing.deadline_of(1000), timing.deadline);
        assert_eq!(
            timing.deadline_of(2 << 20),
            timing.deadline + Duration::from_secs(32)
        );
    }
}
