//! What is read: by instances that follow, and for people.

use super::{EVENTS, Store, signed, unsigned};
use plenary_links::clock_ms;
use plenary_model::ServerName;
use plenary_people::{Entry, Share};
use sqlx::Row as _;

/// An instance that was not seen for so long is no address to go on at.
const INSTANCE_COUNTS_MS: u64 = 60_000;
/// Removed entries are forgotten when their server is so many versions further.
const REMEMBERED: i64 = 10_000;

/// A server as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) name: ServerName,
    pub(crate) active: bool,
    pub(crate) feed: i64,
    pub(crate) position: u64,
    pub(crate) version: i64,
    pub(crate) floor: i64,
    pub(crate) entries: u64,
    pub(crate) share: Share,
    pub(crate) changed_ms: u64,
}

/// An entry as the table has it; `None`: it was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) entry: Option<Entry>,
}

/// An instance of the Directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) name: String,
    pub(crate) address: String,
}

fn decoded<T, E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    result: Result<T, E>,
) -> Result<T, sqlx::Error> {
    result.map_err(|error| sqlx::Error::Decode(error.into()))
}

impl Store {
    /// All servers that ever came.
    pub(crate) async fn servers(&self) -> Result<Vec<Server>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT name, active, feed, position, version, floor, entries, share, changed_ms FROM servers",
        )
        .fetch_all(&self.pool)
        .await?;
        let server = |row: &sqlx::any::AnyRow| {
            Ok(Server {
                name: decoded(row.try_get::<String, _>(0)?.parse::<ServerName>())?,
                active: row.try_get::<i64, _>(1)? == 1,
                feed: row.try_get(2)?,
                position: unsigned(row.try_get(3)?),
                version: row.try_get(4)?,
                floor: row.try_get(5)?,
                entries: unsigned(row.try_get(6)?),
                share: decoded(serde_json::from_str(&row.try_get::<String, _>(7)?))?,
                changed_ms: unsigned(row.try_get(8)?),
            })
        };
        rows.iter().map(server).collect()
    }

    /// Entries of a server that changed after one version, up to another; `most` of them, in the order of their IDs, after
    /// the ID `behind`.
    pub(crate) async fn entries(
        &self,
        server: &ServerName,
        (after, to): (i64, i64),
        behind: &str,
        most: i64,
    ) -> Result<Vec<Row>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT id, body FROM entries WHERE server = $1 AND version > $2 AND version <= $3 AND id > $4 \
             ORDER BY id LIMIT $5",
        )
        .bind(server.as_str())
        .bind(after)
        .bind(to)
        .bind(behind)
        .bind(most)
        .fetch_all(&self.pool)
        .await?;
        let row = |row: &sqlx::any::AnyRow| {
            let body: String = row.try_get(1)?;
            let entry = match body.is_empty() {
                true => None,
                false => Some(decoded(serde_json::from_str(&body))?),
            };
            Ok(Row {
                id: row.try_get(0)?,
                entry,
            })
        };
        rows.iter().map(row).collect()
    }

    /// Keys by server: whether they count, and when they were used first (0: not yet).
    pub(crate) async fn keys(&self) -> Result<Vec<(String, String, bool, u64)>, sqlx::Error> {
        let rows = sqlx::query("SELECT server, nodes, state, used_ms FROM keys ORDER BY server, added_ms")
            .fetch_all(&self.pool)
            .await?;
        let key = |row: &sqlx::any::AnyRow| {
            let state: String = row.try_get(2)?;
            let used_ms = unsigned(row.try_get(3)?);
            Ok((row.try_get(0)?, row.try_get(1)?, state == "good", used_ms))
        };
        rows.iter().map(key).collect()
    }

    /// The newest events first, older than `before`: ID, time, content.
    pub(crate) async fn events(
        &self,
        before: Option<&str>,
        most: u32,
    ) -> Result<Vec<(String, u64, String)>, sqlx::Error> {
        let rows =
            sqlx::query("SELECT id, at_ms, content FROM events WHERE id < $1 ORDER BY id DESC LIMIT $2")
                .bind(before.unwrap_or("g"))
                .bind(i64::from(most))
                .fetch_all(&self.pool)
                .await?;
        let event =
            |row: &sqlx::any::AnyRow| Ok((row.try_get(0)?, unsigned(row.try_get(1)?), row.try_get(2)?));
        rows.iter().map(event).collect()
    }

    /// Says that this instance is there, and which others are.
    pub(crate) async fn beat(&self, name: &str, address: &str) -> Result<Vec<Instance>, sqlx::Error> {
        let mut writing = self.write().await?;
        let now = clock_ms();
        sqlx::query(
            "INSERT INTO instances (name, address, seen_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET address = excluded.address, seen_ms = excluded.seen_ms",
        )
        .bind(name)
        .bind(address)
        .bind(signed(now))
        .execute(&mut *writing.transaction)
        .await?;
        let rows = sqlx::query("SELECT name, address FROM instances WHERE seen_ms > $1 ORDER BY name")
            .bind(signed(now.saturating_sub(INSTANCE_COUNTS_MS)))
            .fetch_all(&mut *writing.transaction)
            .await?;
        writing.transaction.commit().await?;
        let instance = |row: &sqlx::any::AnyRow| {
            Ok(Instance {
                name: row.try_get(0)?,
                address: row.try_get(1)?,
            })
        };
        rows.iter().map(instance).collect()
    }

    /// Forgets what nobody needs any more: old events, and entries that were removed long ago.
    pub(crate) async fn tidy(&self) -> Result<(), sqlx::Error> {
        let mut writing = self.write().await?;
        sqlx::query(
            "DELETE FROM events WHERE id < (SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET $1)",
        )
        .bind(EVENTS)
        .execute(&mut *writing.transaction)
        .await?;
        // An instance that knows less than that reads the server anew.
        sqlx::query("UPDATE servers SET floor = version - $1 WHERE floor < version - 2 * $1")
            .bind(REMEMBERED)
            .execute(&mut *writing.transaction)
            .await?;
        sqlx::query(
            "DELETE FROM entries WHERE body = '' AND version <= \
             (SELECT floor FROM servers WHERE servers.name = entries.server)",
        )
        .execute(&mut *writing.transaction)
        .await?;
        writing.transaction.commit().await
    }
}
