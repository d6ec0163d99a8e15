//! What is on disk: keys, servers, entries, events. SQLite in the data folder, or PostgreSQL by its address, with the same
//! statements.
//!
//! Each server has a `version` that grows in the same transaction as anything of it changes, by a statement that locks its
//! row: so versions become visible in their order, and an instance that knows everything up to one reads what is newer
//! ([`follow`](crate::follow)).
//!
//! Nobody waits for the database for ever: it gives up statements and locks by itself, and whoever waits gives up a little
//! later, also where the database does not answer at all. What is read has connections of its own, so that nothing that is
//! written, however large, keeps this instance from following.

mod copy;
mod feeds;
mod keys;
mod read;

pub(crate) use copy::{digest_of_keys, digest_of_servers};
pub(crate) use feeds::{Begun, Ended, Hello, Most};
pub(crate) use read::{After, Row, Server};

use plenary_links::clock_ms;
use sqlx::{
    Any, AnyPool, AssertSqlSafe, Executor as _,
    any::AnyPoolOptions,
    migrate::{Migration, MigrationType, Migrator},
};
use std::{path::Path, time::Duration};
use tokio::sync::{Mutex, MutexGuard, Notify, Semaphore, SemaphorePermit};

type Transaction = sqlx::Transaction<'static, Any>;

/// Every change of the layout, once and in this order.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "directory", include_str!("../migrations/0001_directory.sql")),
    (2, "hardening", include_str!("../migrations/0002_hardening.sql")),
];
/// Rows in one statement; SQLite takes 32,766 values, PostgreSQL 65,535.
const ROWS: usize = 500;
const WRITING: u32 = 8;
const READING: u32 = 3;
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Snapshots that end at the same time; each takes a connection for long.
const SNAPSHOTS: usize = 2;
/// A statement of PostgreSQL takes no longer, but for the two that are long by nature.
const STATEMENT_MS: u32 = 10_000;
const LONG_STATEMENT_MS: u32 = 15 * 60_000;
const LOCK_MS: u32 = 5_000;
/// Then nobody waits any more for a PostgreSQL, whatever it does.
const WITHIN: Duration = Duration::from_secs(20);
const LONG_WITHIN: Duration = Duration::from_secs(16 * 60);
/// Events that are kept.
const EVENTS: i64 = 100_000;

/// The database.
pub(crate) struct Store {
    pool: AnyPool,
    /// Only for reading.
    reads: AnyPool,
    snapshots: Semaphore,
    /// SQLite has one writer at a time; whoever waits here does not time out there.
    writing: Mutex<()>,
    is_postgres: bool,
    /// Something was committed.
    pub(crate) changed: Notify,
}

/// Where the database of a data folder is, if none is configured.
pub(crate) fn sqlite_url(file: &Path) -> String {
    let path = file.to_string_lossy();
    let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("sqlite://{path}?mode=rwc")
}

pub(crate) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

impl Store {
    /// Opens the database and brings it up to this version.
    pub(crate) async fn open(url: &str) -> Result<Self, sqlx::Error> {
        // Once for the process; more change nothing.
        sqlx::any::install_default_drivers();
        let is_postgres = is_postgres(url);
        let pool = pool(url, is_postgres, WRITING).await?;
        let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
            Migration::new(
                *version,
                (*name).into(),
                MigrationType::Simple,
                sqlx::SqlSafeStr::into_sql_str(*sql),
                false,
            )
        });
        let mut connection = pool.acquire().await?;
        if is_postgres {
            let text = format!("SET statement_timeout = {LONG_STATEMENT_MS}");
            connection.execute(AssertSqlSafe(text)).await?;
        }
        Migrator::with_migrations(migrations.collect())
            .run(&mut *connection)
            .await
            .map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
        // With its patience it is of no use to others.
        connection.close().await?;
        let store = Self {
            reads: self::pool(url, is_postgres, READING).await?,
            snapshots: Semaphore::new(SNAPSHOTS),
            pool,
            writing: Mutex::default(),
            is_postgres,
            changed: Notify::new(),
        };
        Ok(store)
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.is_postgres
    }

    pub(crate) async fn close(&self) {
        self.reads.close().await;
        self.pool.close().await;
    }

    /// How long something may take that writes. With SQLite it waits for whoever writes before it, as the end of a snapshot.
    fn patience(&self) -> Duration {
        match self.is_postgres {
            true => WITHIN,
            false => 6 * WITHIN,
        }
    }

    async fn write(&self) -> Result<Writing<'_>, sqlx::Error> {
        let turn = match self.is_postgres {
            true => None,
            false => Some(self.writing.lock().await),
        };
        Ok(Writing {
            transaction: self.pool.begin().await?,
            _turn: turn,
            _place: None,
            changed: &self.changed,
        })
    }

    /// For a transaction that is long by nature.
    async fn write_long(&self) -> Result<Writing<'_>, sqlx::Error> {
        let place = self.snapshots.acquire().await.ok();
        let mut writing = self.write().await?;
        writing._place = place;
        if self.is_postgres {
            let text = format!("SET LOCAL statement_timeout = {LONG_STATEMENT_MS}");
            writing.transaction.execute(AssertSqlSafe(text)).await?;
        }
        Ok(writing)
    }
}

async fn pool(url: &str, is_postgres: bool, connections: u32) -> Result<AnyPool, sqlx::Error> {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECT_WITHIN)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                let settings = match is_postgres {
                    true => vec![
                        format!("SET statement_timeout = {STATEMENT_MS}"),
                        format!("SET lock_timeout = {LOCK_MS}"),
                        format!("SET idle_in_transaction_session_timeout = {STATEMENT_MS}"),
                    ],
                    // What is acknowledged is on disk.
                    false => vec![
                        "PRAGMA journal_mode = WAL".to_owned(),
                        "PRAGMA synchronous = FULL".to_owned(),
                    ],
                };
                for setting in settings {
                    connection.execute(AssertSqlSafe(setting)).await?;
                }
                Ok(())
            })
        })
        .connect(url)
        .await
}

/// Ends what takes too long: a database that does not answer at all must not hold up whoever asks it.
async fn within<T, E: From<sqlx::Error>>(
    most: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(most, work).await {
        Ok(done) => done,
        Err(_) => {
            let text = format!("the database took longer than {} s", most.as_secs());
            Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, text)).into())
        }
    }
}

/// A transaction that writes; nothing of it counts until it is committed.
struct Writing<'a> {
    transaction: Transaction,
    _turn: Option<MutexGuard<'a, ()>>,
    _place: Option<SemaphorePermit<'a>>,
    changed: &'a Notify,
}

impl Writing<'_> {
    async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await?;
        self.changed.notify_one();
        Ok(())
    }

    async fn event(&mut self, event: &crate::event::Event) -> Result<(), sqlx::Error> {
        let at_ms = clock_ms();
        let id = format!("{at_ms:013x}{:016x}", rand::random::<u64>());
        let content = serde_json::to_string(event).map_err(|error| sqlx::Error::Encode(error.into()))?;
        sqlx::query("INSERT INTO events (id, at_ms, content) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(at_ms as i64)
            .bind(content)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}

/// `($1, $2), ($3, $4)`: places for so many rows, after `before` values.
fn places(rows: usize, columns: usize, before: usize) -> String {
    let row = |row: usize| {
        let places = (1..=columns).map(|column| format!("${}", before + row * columns + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// What is counted, as the database has it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn places_are_numbered_through() {
        assert_eq!(super::places(2, 2, 1), "($2, $3), ($4, $5)");
        let url = super::sqlite_url(std::path::Path::new("/a b/100%?.db"));
        assert_eq!(url, "sqlite:///a b/100%25%3f.db?mode=rwc");
    }
}
