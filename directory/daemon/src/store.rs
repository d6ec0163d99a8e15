//! What is on disk: keys, servers, entries, events. SQLite in the data folder, or PostgreSQL by its address, with the same
//! statements.
//!
//! Each server has a `version` that grows in the same transaction as anything of it changes, by a statement that locks its
//! row: so versions become visible in their order, and an instance that knows everything up to one reads what is newer
//! ([`follow`](crate::follow)).

mod feeds;
mod keys;
mod read;

pub(crate) use feeds::{Begun, Hello};
pub(crate) use read::{Row, Server};

use plenary_links::clock_ms;
use sqlx::{
    Any, AnyPool, Executor as _,
    any::AnyPoolOptions,
    migrate::{Migration, MigrationType, Migrator},
};
use std::{path::Path, time::Duration};
use tokio::sync::{Mutex, MutexGuard, Notify};

type Transaction = sqlx::Transaction<'static, Any>;

/// Every change of the layout, once and in this order.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "directory", include_str!("../migrations/0001_directory.sql"))];
/// Rows in one statement; SQLite takes 32,766 values, PostgreSQL 65,535.
const ROWS: usize = 500;
const CONNECTIONS: u32 = 8;
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Events that are kept.
const EVENTS: i64 = 100_000;

/// The database.
pub(crate) struct Store {
    pool: AnyPool,
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
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_WITHIN)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if !is_postgres {
                        // What is acknowledged is on disk.
                        for pragma in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"] {
                            connection.execute(pragma).await?;
                        }
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
            Migration::new(
                *version,
                (*name).into(),
                MigrationType::Simple,
                sqlx::SqlSafeStr::into_sql_str(*sql),
                false,
            )
        });
        Migrator::with_migrations(migrations.collect())
            .run(&pool)
            .await
            .map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
        let store = Self {
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
        self.pool.close().await;
    }

    async fn write(&self) -> Result<Writing<'_>, sqlx::Error> {
        let turn = match self.is_postgres {
            true => None,
            false => Some(self.writing.lock().await),
        };
        Ok(Writing {
            transaction: self.pool.begin().await?,
            _turn: turn,
            changed: &self.changed,
        })
    }
}

/// A transaction that writes; nothing of it counts until it is committed.
struct Writing<'a> {
    transaction: Transaction,
    _turn: Option<MutexGuard<'a, ()>>,
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
