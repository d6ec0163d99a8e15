//! What is read: by instances that follow, and for people.

use super::{EVENTS, LONG_WITHIN, Store, WITHIN, Writing, signed, unsigned, within};
use plenary_model::ServerName;
use plenary_people::{Entry, Share};
use sqlx::Row as _;

/// An instance that was not seen for so long is no address to go on at.
const INSTANCE_COUNTS_MS: u64 = 60_000;
/// Removed entries are forgotten when their server is so many versions further.
const REMEMBERED: i64 = 10_000;
/// More removed entries of one server are not remembered but for the last changes: instances that know less read it anew.
const GONE: i64 = 100_000;
const REMEMBERED_OF_MANY: i64 = 100;
/// Parts of snapshots that did not end within this never will.
const STAGED_MS: u64 = 6 * 3_600_000;

/// A page of all entries of a server.
const ALL: &str = "SELECT id, version, body FROM entries WHERE server = $1 AND id > $2 AND version <= $3 \
                   ORDER BY id LIMIT $4";
/// A page of those that are newer.
const NEWER: &str = "SELECT id, version, body FROM entries WHERE server = $1 AND (version, id) > ($2, $3) \
                     AND version <= $4 ORDER BY version, id LIMIT $5";

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
    pub(crate) incarnation: String,
    pub(crate) changed_ms: u64,
}

/// Where a page of entries begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum After {
    /// All entries are read, in the order of their IDs.
    Id(String),
    /// Those that are newer, in the order in which they changed.
    Version(i64, String),
}

/// An entry as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) version: i64,
    /// JSON; empty: it was removed.
    pub(crate) body: String,
}

impl Row {
    /// `None`: it was removed.
    pub(crate) fn entry(&self) -> serde_json::Result<Option<Entry>> {
        match self.body.is_empty() {
            true => Ok(None),
            false => serde_json::from_str(&self.body).map(Some),
        }
    }
}

/// An instance of the Directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) name: String,
    pub(crate) address: String,
}

impl Store {
    /// All servers that ever came. A row that cannot be read is left out: it must not hide all others.
    pub(crate) async fn servers(&self) -> Result<Vec<Server>, sqlx::Error> {
        let sql = "SELECT name, active, feed, position, version, floor, entries, incarnation, changed_ms FROM servers";
        let rows = within(WITHIN, sqlx::query(sql).fetch_all(&self.reads)).await?;
        let mut servers = Vec::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get(0)?;
            let Ok(name) = name.parse::<ServerName>() else {
                tracing::debug!(name = ?name, "the row of a server cannot be read");
                continue;
            };
            servers.push(Server {
                name,
                active: row.try_get::<i64, _>(1)? == 1,
                feed: row.try_get(2)?,
                position: unsigned(row.try_get(3)?),
                version: row.try_get(4)?,
                floor: row.try_get(5)?,
                entries: unsigned(row.try_get(6)?),
                incarnation: row.try_get(7)?,
                changed_ms: unsigned(row.try_get(8)?),
            });
        }
        Ok(servers)
    }

    /// What a server shows; nothing, where that cannot be read.
    pub(crate) async fn share(&self, server: &ServerName) -> Result<Share, sqlx::Error> {
        let query = sqlx::query("SELECT share FROM servers WHERE name = $1").bind(server.as_str());
        let row = within(WITHIN, query.fetch_optional(&self.reads)).await?;
        let Some(row) = row else {
            return Ok(Share::nothing());
        };
        let share = serde_json::from_str(&row.try_get::<String, _>(0)?);
        Ok(share.unwrap_or_else(|error| {
            tracing::error!(%server, %error, "what the server shows cannot be read; nothing of it is shown");
            Share::nothing()
        }))
    }

    /// A page of a server's entries that changed up to a version.
    pub(crate) async fn entries(
        &self,
        server: &ServerName,
        after: &After,
        to: i64,
        most: i64,
    ) -> Result<Vec<Row>, sqlx::Error> {
        // Two statements for two ways through the table: each follows one index from where it is to the end of the page.
        let query = match after {
            After::Id(id) => sqlx::query(ALL).bind(server.as_str()).bind(id.as_str()),
            After::Version(version, id) => sqlx::query(NEWER)
                .bind(server.as_str())
                .bind(*version)
                .bind(id.as_str()),
        };
        let rows = within(WITHIN, query.bind(to).bind(most).fetch_all(&self.reads)).await?;
        let row = |row: &sqlx::any::AnyRow| {
            Ok(Row {
                id: row.try_get(0)?,
                version: row.try_get(1)?,
                body: row.try_get(2)?,
            })
        };
        rows.iter().map(row).collect()
    }

    /// Keys by server: whether they count, and when they were used first (0: not yet).
    pub(crate) async fn keys(&self) -> Result<Vec<(String, String, bool, u64)>, sqlx::Error> {
        // The one that counts comes last, whichever clock said when they were added.
        let sql = "SELECT server, nodes, state, used_ms FROM keys ORDER BY server, state DESC, added_ms";
        let rows = within(WITHIN, sqlx::query(sql).fetch_all(&self.reads)).await?;
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
        let query =
            sqlx::query("SELECT id, at_ms, content FROM events WHERE id < $1 ORDER BY id DESC LIMIT $2")
                .bind(before.unwrap_or("g"))
                .bind(i64::from(most));
        let rows = within(WITHIN, query.fetch_all(&self.reads)).await?;
        let event =
            |row: &sqlx::any::AnyRow| Ok((row.try_get(0)?, unsigned(row.try_get(1)?), row.try_get(2)?));
        rows.iter().map(event).collect()
    }

    /// Says that this instance is there, and which others are.
    pub(crate) async fn beat(&self, name: &str, address: &str) -> Result<Vec<Instance>, sqlx::Error> {
        within(self.patience(), self.beat_once(name, address)).await
    }

    /// The clock of the database, by which all instances are compared.
    async fn clock(&self, writing: &mut Writing<'_>) -> Result<u64, sqlx::Error> {
        let sql = match self.is_postgres() {
            true => "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
            false => "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        };
        let row = sqlx::query(sql).fetch_one(&mut *writing.transaction).await?;
        Ok(unsigned(row.try_get(0)?))
    }

    async fn beat_once(&self, name: &str, address: &str) -> Result<Vec<Instance>, sqlx::Error> {
        let mut writing = self.write().await?;
        let now = self.clock(&mut writing).await?;
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

    /// Forgets what nobody needs any more: old events, entries that were removed long ago, parts of snapshots that never ended.
    pub(crate) async fn tidy(&self) -> Result<(), sqlx::Error> {
        within(LONG_WITHIN, self.tidy_once()).await
    }

    async fn tidy_once(&self) -> Result<(), sqlx::Error> {
        let mut writing = self.write_long().await?;
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
            "UPDATE servers SET floor = version - $1 WHERE floor < version - $1 AND $2 < \
             (SELECT count(*) FROM entries WHERE entries.server = servers.name AND entries.body = '')",
        )
        .bind(REMEMBERED_OF_MANY)
        .bind(GONE)
        .execute(&mut *writing.transaction)
        .await?;
        sqlx::query(
            "DELETE FROM entries WHERE body = '' AND version <= \
             (SELECT floor FROM servers WHERE servers.name = entries.server)",
        )
        .execute(&mut *writing.transaction)
        .await?;
        let now = self.clock(&mut writing).await?;
        sqlx::query("DELETE FROM staged WHERE at_ms < $1")
            .bind(signed(now.saturating_sub(STAGED_MS)))
            .execute(&mut *writing.transaction)
            .await?;
        writing.transaction.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::AssertSqlSafe;

    #[tokio::test]
    async fn each_page_is_read_by_the_index_that_has_its_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = super::super::sqlite_url(&folder.path().join("directory.db"));
        let store = Store::open(&url).await.expect("opened");
        for (sql, index) in [(ALL, "sqlite_autoindex_entries"), (NEWER, "entries_by_version")] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let query = sqlx::query(explain).bind("s").bind("a").bind("b").bind(1_i64);
            let rows = query.fetch_all(&store.reads).await.expect("explained");
            let steps: Vec<String> = rows.iter().map(|row| row.get(3)).collect();
            let plan = steps.join("; ");
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
