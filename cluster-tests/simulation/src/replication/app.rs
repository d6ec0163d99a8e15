//! The program that is replicated: keeps each proposal it was given and a running hash of all.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use plenary_replication::{AppError, Application, Reply, Stamp};
use rusqlite::params;

use super::{journal::mix, oracle::Oracle};

/// One incarnation of it on one node.
pub(crate) struct Ledger {
    pub(crate) node: u64,
    pub(crate) oracle: Arc<Oracle>,
    /// Until the node crashes.
    pub(crate) alive: Arc<AtomicBool>,
    /// The entry that was told last.
    pub(crate) told: AtomicU64,
}

/// A command: the number of the attempt, then anything.
pub(crate) fn command(attempt: u64, filling: usize) -> Vec<u8> {
    let mut bytes = attempt.to_le_bytes().to_vec();
    bytes.resize(bytes.len() + filling, 0x61);
    bytes
}

impl Application for Ledger {
    type Notice = u64;

    fn migrate(&self, database: &mut rusqlite::Connection) -> Result<(), AppError> {
        database.execute_batch(
            "CREATE TABLE IF NOT EXISTS chain (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL) STRICT;
             INSERT OR IGNORE INTO chain (id, hash) VALUES (1, 0);
             CREATE TABLE IF NOT EXISTS attempt (
                 id INTEGER PRIMARY KEY, log_index INTEGER NOT NULL, times INTEGER NOT NULL
             ) STRICT;",
        )?;
        Ok(())
    }

    fn apply(
        &self,
        transaction: &rusqlite::Transaction<'_>,
        at: Stamp,
        command: &[u8],
    ) -> Result<Reply<u64>, AppError> {
        if !self.alive.load(Ordering::SeqCst) {
            return Err(AppError::Defect("the power is gone".into()));
        }
        let number = command.first_chunk::<8>().copied().unwrap_or_default();
        let attempt = u64::from_le_bytes(number);
        let before: i64 = transaction
            .prepare_cached("SELECT hash FROM chain WHERE id = 1")?
            .query_row([], |row| row.get(0))?;
        let mut hash = before.cast_unsigned();
        for part in [at.index, at.position.into(), at.now_ms, at.level.into()] {
            hash = mix(hash, &part.to_le_bytes());
        }
        hash = mix(hash, command);
        transaction
            .prepare_cached("UPDATE chain SET hash = ?1 WHERE id = 1")?
            .execute([hash.cast_signed()])?;
        let times: i64 = transaction
            .prepare_cached(
                "INSERT INTO attempt (id, log_index, times) VALUES (?1, ?2, 1)
                 ON CONFLICT (id) DO UPDATE SET times = times + 1 RETURNING times",
            )?
            .query_row(params![attempt.cast_signed(), at.index.cast_signed()], |row| {
                row.get(0)
            })?;
        self.oracle.applied(self.node, at, attempt, times, hash);
        Ok(Reply {
            bytes: number.to_vec(),
            notices: vec![attempt],
        })
    }

    fn committed(&self, index: u64, _notices: Vec<u64>) {
        if self.told.swap(index, Ordering::SeqCst) >= index {
            self.oracle
                .violate(format!("node {} was told of entry {index} too late", self.node));
        }
    }

    fn reset(&self, index: u64) {
        self.oracle.count(|figures| figures.snapshots += 1);
        if self.told.swap(index, Ordering::SeqCst) > index {
            self.oracle.violate(format!(
                "a snapshot took node {} back to entry {index}",
                self.node
            ));
        }
    }
}
