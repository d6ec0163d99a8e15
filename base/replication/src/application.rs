//! What a program gives to be replicated.

/// The program's rules: how one command changes the state, which lives in SQLite.
///
/// Invariant: `apply` is a function of the database, the stamp and the command, of nothing else. Two
/// replicas that applied the same entries hold the same rows.
pub trait Application: Send + Sync + 'static {
    /// What `apply` wants to be told to the living after the commit (live updates).
    type Notice: Send + 'static;

    /// Brings an opened database to the schema; called on open and after a snapshot was installed.
    ///
    /// Tables whose names begin with `replication_` belong to this crate.
    fn migrate(&self, database: &mut rusqlite::Connection) -> Result<(), AppError>;

    /// Applies one command inside the transaction of its batch.
    ///
    /// A refusal is a reply. An error is a defect or the disk's: the node stops, except when the disk is
    /// full, where the batch is rolled back and tried again until there is space.
    fn apply(
        &self,
        transaction: &rusqlite::Transaction<'_>,
        at: Stamp,
        command: &[u8],
    ) -> Result<Reply<Self::Notice>, AppError>;

    /// Called after the commit, in the order of the log, off the async threads. Entries that came by a
    /// snapshot are not told: `reset` is called instead.
    fn committed(&self, index: u64, notices: Vec<Self::Notice>);

    /// The state was replaced by a snapshot that holds everything up to `index`.
    fn reset(&self, index: u64);
}

/// Where in the log and when a command is applied; the same on every replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Index of the entry in the log.
    pub index: u64,
    /// Position of the command in its entry.
    pub position: u32,
    /// Milliseconds since 1970 as the leader stamped them; never goes back from entry to entry.
    pub now_ms: u64,
    /// The committed level of the rules.
    pub level: u32,
}

/// What came of a command.
#[derive(Debug)]
pub struct Reply<N> {
    /// For the proposer. Kept until the proposer has it, so that a repeated proposal gets the same.
    pub bytes: Vec<u8>,
    /// For [`Application::committed`].
    pub notices: Vec<N>,
}

/// Why a command could not be applied: not a refusal, but a defect or the disk's.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// SQLite said no.
    #[error("the state database failed")]
    Database(#[from] rusqlite::Error),
    /// What must never happen; the text says what.
    #[error("{0}")]
    Defect(String),
}

impl AppError {
    /// Whether space on the disk would help.
    pub(crate) fn is_disk_full(&self) -> bool {
        matches!(self, Self::Database(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }
}
