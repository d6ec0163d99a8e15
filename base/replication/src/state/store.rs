//! The database that entries are applied to.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use openraft::EntryPayload;
use plenary_contracts::replication::v1 as pb;
use prost::Message;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};

use super::{
    books,
    checkpointer::{Checkpointer, WAL_BYTES},
    session::{Replies, Seen, Sessions},
};
use crate::{
    application::{AppError, Application, Stamp},
    options::Work,
    types::{Entry, Outcome, Outcomes, Payload, SnapshotMeta, StoredMembership},
};

pub(crate) const BUSY: Duration = Duration::from_secs(10);

/// Where the state stands; in the database with every transaction.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Progress {
    pub(crate) applied: Option<crate::types::LogId>,
    pub(crate) membership: StoredMembership,
    pub(crate) level: u32,
    pub(crate) now_ms: u64,
}

impl Progress {
    pub(crate) fn meta(&self) -> SnapshotMeta {
        SnapshotMeta {
            last_log_id: self.applied,
            last_membership: self.membership.clone(),
        }
    }
}

/// Writes; there is one.
pub(crate) struct Store<A: Application> {
    app: Arc<A>,
    connection: Connection,
    /// After `connection`, so that it is dropped after it; none where work is inline.
    checkpointer: Option<Checkpointer>,
    sessions: Sessions,
    pub(crate) progress: Progress,
    pub(crate) path: PathBuf,
}

/// What one entry came to.
pub(crate) struct Applied<N> {
    pub(crate) index: u64,
    pub(crate) outcomes: Outcomes,
    pub(crate) notices: Vec<N>,
}

impl<A: Application> Store<A> {
    pub(crate) fn open(app: Arc<A>, path: &Path, synchronous: &str, work: Work) -> Result<Self, AppError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_size_limit", WAL_BYTES)?;
        connection.set_prepared_statement_cache_capacity(256);
        books::prepare(&mut connection)?;
        app.migrate(&mut connection)?;
        let sessions = Sessions::load(&connection)?;
        let progress = read_progress(&connection)?;
        let checkpointer = match work {
            Work::Threads => Some(Checkpointer::start(path, &connection, synchronous)?),
            // SQLite's own checkpoint after every 1000 pages is part of the commit.
            Work::Inline => None,
        };
        Ok(Self {
            app,
            connection,
            checkpointer,
            sessions,
            progress,
            path: path.to_owned(),
        })
    }

    /// Applies entries in one transaction. After an error nothing of them was applied.
    pub(crate) fn apply(&mut self, entries: &[Entry]) -> Result<Vec<Applied<A::Notice>>, AppError> {
        let before = self.progress.clone();
        let result = self.try_apply(entries);
        if result.is_err() {
            self.progress = before;
            self.sessions = Sessions::load(&self.connection)?;
        }
        result
    }

    fn try_apply(&mut self, entries: &[Entry]) -> Result<Vec<Applied<A::Notice>>, AppError> {
        let Self {
            app,
            connection,
            sessions,
            progress,
            ..
        } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut applied = Vec::with_capacity(entries.len());
        let mut membership_changed = false;
        for entry in entries {
            let mut done = Applied {
                index: entry.log_id.index,
                outcomes: Outcomes::default(),
                notices: Vec::new(),
            };
            match &entry.payload {
                EntryPayload::Blank => {}
                EntryPayload::Membership(membership) => {
                    progress.membership = StoredMembership::new(Some(entry.log_id), membership.clone());
                    membership_changed = true;
                }
                EntryPayload::Normal(Payload(bytes)) => {
                    let batch = pb::Batch::decode(bytes.clone()).map_err(|error| {
                        AppError::Defect(format!("entry {}: {error}", entry.log_id.index))
                    })?;
                    apply_batch(app.as_ref(), &transaction, sessions, progress, batch, &mut done)?;
                }
            }
            progress.applied = Some(entry.log_id);
            applied.push(done);
        }
        sessions.flush(&transaction)?;
        write_progress(&transaction, progress, membership_changed)?;
        transaction.commit()?;
        Ok(applied)
    }

    /// Keeps the write-ahead log of the database small; to be called when all answers are given.
    pub(crate) fn keep_small(&mut self) -> Result<(), AppError> {
        match &mut self.checkpointer {
            Some(checkpointer) => checkpointer.committed(&self.connection),
            None => Ok(()),
        }
    }

    /// Pages that a checkpoint would have to copy; they are already being copied.
    pub(crate) fn behind(&self) -> Result<u32, AppError> {
        self.checkpointer.as_ref().map_or(Ok(0), Checkpointer::behind)
    }

    /// Makes everything that was applied durable in the database file itself. `false` while a reader or a
    /// pass of the checkpointer is in the way.
    pub(crate) fn checkpoint(&self) -> Result<bool, AppError> {
        let busy: i64 = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(busy == 0)
    }
}

/// Copies what no reader stands in the way of from the write-ahead log. Says how many of its pages are copied.
pub(crate) fn passive(connection: &Connection) -> Result<u32, AppError> {
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(2))?;
    Ok(u32::try_from(copied).unwrap_or(0))
}

fn apply_batch<A: Application>(
    app: &A,
    transaction: &Transaction<'_>,
    sessions: &mut Sessions,
    progress: &mut Progress,
    batch: pb::Batch,
    done: &mut Applied<A::Notice>,
) -> Result<(), AppError> {
    // A new leader's clock may be behind the old one's.
    progress.now_ms = progress.now_ms.max(batch.stamp_ms);
    // What this entry answers, by node and session; the sessions learn it at the end.
    let mut kept: BTreeMap<(u64, u64), Replies> = BTreeMap::new();
    for (position, proposal) in batch.proposals.into_iter().enumerate() {
        let pb::Proposal {
            node,
            session,
            sequence,
            low_water,
            command,
            raise_level,
        } = proposal;
        if let Seen::Before(outcome) = sessions.look_up(node, session, sequence, low_water) {
            done.outcomes.0.push(outcome);
            continue;
        }
        let own = kept.entry((node, session)).or_default();
        if let Some((_, reply)) = own.iter().find(|(known, _)| *known == sequence) {
            done.outcomes.0.push(Outcome::Done {
                index: done.index,
                reply: reply.clone(),
            });
            continue;
        }
        let reply = if raise_level > 0 {
            progress.level = progress.level.max(raise_level);
            Vec::new()
        } else {
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            let stamp = Stamp {
                index: done.index,
                position,
                now_ms: progress.now_ms,
                level: progress.level,
            };
            let reply = app.apply(transaction, stamp, &command)?;
            done.notices.extend(reply.notices);
            reply.bytes
        };
        own.push((sequence, reply.clone()));
        done.outcomes.0.push(Outcome::Done {
            index: done.index,
            reply,
        });
    }
    for ((node, session), replies) in kept {
        sessions.remember(transaction, (node, session), done.index, replies)?;
    }
    Ok(())
}

pub(crate) fn write_progress(
    transaction: &Transaction<'_>,
    progress: &Progress,
    membership: bool,
) -> Result<(), AppError> {
    let defect = |error: serde_json::Error| AppError::Defect(error.to_string());
    let applied = (&progress.applied, progress.level, progress.now_ms);
    let applied = serde_json::to_string(&applied).map_err(defect)?;
    books::put(transaction, books::OWN, books::HEAD, applied)?;
    if membership {
        let membership = serde_json::to_string(&progress.membership).map_err(defect)?;
        let put = "INSERT OR REPLACE INTO replication_progress (key, value) VALUES ('membership', ?1)";
        transaction.execute(put, [membership])?;
    }
    Ok(())
}

/// What a database says of itself.
pub(crate) fn read_progress(connection: &Connection) -> Result<Progress, AppError> {
    let membership = "SELECT value FROM replication_progress WHERE key = 'membership'";
    let membership: Option<String> = connection
        .query_row(membership, [], |row| row.get(0))
        .optional()?;
    let defect = |error: serde_json::Error| AppError::Defect(format!("what the replica wrote: {error}"));
    let mut progress = Progress::default();
    if let Some(text) = books::applied(connection)? {
        (progress.applied, progress.level, progress.now_ms) = serde_json::from_str(&text).map_err(defect)?;
    }
    if let Some(text) = membership {
        progress.membership = serde_json::from_str(&text).map_err(defect)?;
    }
    Ok(progress)
}

/// Opens a database only to look.
pub(crate) fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Writes a consistent copy of the database at `from` to the new file `to`.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<Progress, AppError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy().as_ref()])?;
    read_progress(&open_read_only(to)?)
}
