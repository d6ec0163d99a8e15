//! What can go wrong, for people and for programs.

use std::{io, path::PathBuf, time::Duration};

use crate::application::AppError;

/// Why a replica could not be opened. Nothing was changed. Blast radius: node.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the folder.
    #[error("{dir} is in use by a running node; stop that one first")]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder is another replica's.
    #[error(
        "{dir} belongs to node {found_node} of {found_group:?}, not to node {node} of {group:?}; \
         give this node its own data folder"
    )]
    Foreign {
        /// The folder.
        dir: PathBuf,
        /// Whose it is.
        found_group: String,
        /// Whose it is.
        found_node: u64,
        /// Who asked.
        group: String,
        /// Who asked.
        node: u64,
    },
    /// Written by a newer version.
    #[error(
        "{path} was written by a newer version (format {found}, this one knows up to {known}); \
         install that version or newer"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A record does not have the checksum that it was written with.
    #[error(
        "{path} is damaged at byte {offset}: {what}. Nothing was changed. If the server has other nodes, remove \
         this one, empty its data folder and let it join again; otherwise restore a backup"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// The log does not know of a term that the state has entries of. A vote is safe before the first entry of its
    /// term, so records that were safe are gone: a member that forgets its vote can help to elect two leaders.
    #[error(
        "the log in {dir} has lost records that were safe: it ends in term {log_term}, the state holds an entry of \
         term {state_term}. If the server has other nodes, remove this one, empty its data folder and let it join \
         again; otherwise restore a backup"
    )]
    Lost {
        /// The folder of the log.
        dir: PathBuf,
        /// The newest term that the log knows.
        log_term: u64,
        /// Of the newest entry in the state.
        state_term: u64,
    },
    /// The disk said no.
    #[error("cannot {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The state cannot be read.
    #[error("the state in {path} cannot be opened")]
    State {
        /// The database.
        path: PathBuf,
        /// What SQLite or the program's migration said.
        #[source]
        source: AppError,
    },
    /// The state uses rules that this program does not know.
    #[error(
        "the rules of this server are at level {committed}, this version knows up to {supported}; update it"
    )]
    Level {
        /// Level of the state.
        committed: u32,
        /// Ours.
        supported: u32,
    },
    /// The consensus core did not start.
    #[error("the replication core did not start: {0}")]
    Core(String),
}

impl OpenError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            what,
            path: path.into(),
            source,
        }
    }
}

/// Why a proposal has no reply. Blast radius: request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// No outcome within the deadline: it may still be committed later. A repetition with the same
    /// idempotency key is safe.
    #[error("no outcome within {} ms: the server may have no majority; the change may still happen", after.as_millis())]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// Not enough space on this node, the leader or a majority. Nothing was changed.
    #[error("the disk is full on a node of the server; make space, then try again")]
    DiskFull,
    /// This node's clock differs too much from the leader's. Nothing was changed.
    #[error("the clock of this node is {offset_ms} ms off the leader's; set it right (NTP)")]
    ClockOff {
        /// This node's clock minus the leader's.
        offset_ms: i64,
    },
    /// Larger than the limit. Nothing was changed.
    #[error("the change has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Of the command.
        bytes: usize,
        /// See [`crate::Limits::command_bytes`].
        limit: usize,
    },
    /// Too many proposals wait already. Nothing was changed.
    #[error("too many changes are waiting; try again in a moment")]
    Busy,
    /// Another process proposes under this node's number. The change did not happen by this proposal.
    #[error("another process uses this node's number")]
    Stale,
    /// The replica stopped or is stopping.
    #[error("this node is stopping")]
    Stopped,
}

/// Why a fresh read is not possible now. Blast radius: request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No majority answered within the deadline.
    #[error("no majority of the server answered within {} ms", after.as_millis())]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// The state could not be read.
    #[error("the state cannot be read: {0}")]
    Database(String),
    /// The replica stopped or is stopping.
    #[error("this node is stopping")]
    Stopped,
}

/// Why the members or the level were not changed. Blast radius: the administrator's request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    /// Only the leader does this.
    #[error("only the leader does this; ask {}", .leader.map_or("again in a moment".to_owned(), |l| format!("node {l}")))]
    NotLeader {
        /// Who leads, if known.
        leader: Option<u64>,
    },
    /// The node is not a member.
    #[error("node {node} is not a member")]
    Unknown {
        /// Which.
        node: u64,
    },
    /// The node does not answer or knows too few rules.
    #[error("node {node} cannot take part: {reason}")]
    Unfit {
        /// Which.
        node: u64,
        /// Why.
        reason: String,
    },
    /// The last voter cannot go.
    #[error("node {node} is the only voter; add another one first")]
    LastVoter {
        /// Which.
        node: u64,
    },
    /// A change is under way.
    #[error("another change of the members is under way; try again in a moment")]
    InProgress,
    /// It was not done within the deadline; it may still happen.
    #[error("no outcome within {} ms", after.as_millis())]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// The replica stopped or said no for another reason.
    #[error("{0}")]
    Other(String),
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The copy could not be written.
    #[error("cannot write the backup to {path}")]
    Io {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The copy could not be made.
    #[error("cannot copy the state")]
    Database(#[from] rusqlite::Error),
}

/// Why nothing was restored. The folder and the copy are as before. Blast radius: node.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is something that would be lost.
    #[error("{dir} is not empty; restore into a new folder")]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// Damaged, cut short or something else.
    #[error("{path} is not a usable backup: {what}")]
    NotABackup {
        /// The copy.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Another group's.
    #[error("{path} is a backup of {found:?}, not of {group:?}")]
    Foreign {
        /// The copy.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Who asked.
        group: String,
    },
    /// Written by a newer version.
    #[error(
        "{path} was written by a newer version (format {found}, this one knows up to {known}); \
         install that version or newer"
    )]
    Newer {
        /// The copy.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The state uses rules that this program does not know.
    #[error(
        "the rules of this backup are at level {committed}, this version knows up to {supported}; \
         install a newer version"
    )]
    Level {
        /// Level of the copy.
        committed: u32,
        /// Ours.
        supported: u32,
    },
    /// The disk said no.
    #[error("cannot {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The members could not be replaced.
    #[error("the members in {path} cannot be replaced")]
    State {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: AppError,
    },
}

/// Why a replica stopped for good. The program around it ends with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A write to the log is not known to be on the disk; going on would be a lie.
    #[error(
        "the log in {dir} could not be made safe on the disk ({reason}). The node stops: nothing that it confirmed \
         is lost. Check the disk, then start it again; if it does not start, remove it and let it join again"
    )]
    Log {
        /// Folder of the log.
        dir: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The state could not be changed.
    #[error("the state could not be changed ({reason}). The node stops; start it again")]
    State {
        /// What was said.
        reason: String,
    },
    /// The core stopped by itself.
    #[error("the replication core stopped ({reason})")]
    Core {
        /// What it said.
        reason: String,
    },
}
