//! What an instance that follows another one has of it: the same rows, with the same versions.
//!
//! Pages of entries are written as they come; the row of their server says that they are all there, and comes last. So a copy that was
//! broken off is begun again where it was, and until then what there was before is found, with what came already.

use super::{LONG_WITHIN, ROWS, Store, WITHIN, places, signed, within};
use plenary_contracts::directory::v1::{CopiedEntry, CopiedKey, CopiedServer};
use plenary_links::clock_ms;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Row as _};

/// The number of the feed under which it is noted which entries came: no feed of a server has it.
const NO_FEED: i64 = 0;

/// Whether two instances have the same servers, each at the same version.
pub(crate) fn digest_of_servers(servers: &[CopiedServer]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for server in servers {
        digest.update(format!("{} {}\n", server.name, server.version));
    }
    digest.finalize().to_vec()
}

/// Whether two instances have the same keys.
pub(crate) fn digest_of_keys(keys: &[CopiedKey]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for key in keys {
        digest.update(format!("{} {} {}\n", key.client_id, key.state, key.used_ms));
    }
    digest.finalize().to_vec()
}

impl Store {
    /// All rows of servers, by name.
    pub(crate) async fn servers_to_copy(&self) -> Result<Vec<CopiedServer>, sqlx::Error> {
        let sql = "SELECT name, active, feed, incarnation, position, version, floor, entries, changed_ms, \
                   term, term_of, bytes FROM servers ORDER BY name";
        let rows = within(WITHIN, sqlx::query(sql).fetch_all(&self.reads)).await?;
        let server = |row: &sqlx::any::AnyRow| {
            Ok(CopiedServer {
                name: row.try_get(0)?,
                active: row.try_get::<i64, _>(1)? == 1,
                feed: row.try_get(2)?,
                incarnation: row.try_get(3)?,
                position: row.try_get(4)?,
                version: row.try_get(5)?,
                floor: row.try_get(6)?,
                entries: row.try_get(7)?,
                changed_ms: row.try_get(8)?,
                term: row.try_get(9)?,
                term_of: row.try_get(10)?,
                bytes: row.try_get(11)?,
            })
        };
        rows.iter().map(server).collect()
    }

    /// What a server shows, as it is kept; empty: there is no such server.
    pub(crate) async fn share_to_copy(&self, server: &str) -> Result<String, sqlx::Error> {
        let query = sqlx::query("SELECT share FROM servers WHERE name = $1").bind(server);
        let row = within(WITHIN, query.fetch_optional(&self.reads)).await?;
        row.map_or(Ok(String::new()), |row| row.try_get(0))
    }

    /// All keys, with hashes of their secrets.
    pub(crate) async fn keys_to_copy(&self) -> Result<Vec<CopiedKey>, sqlx::Error> {
        let sql =
            "SELECT client_id, server, secret, state, nodes, added_ms, used_ms FROM keys ORDER BY client_id";
        let rows = within(WITHIN, sqlx::query(sql).fetch_all(&self.reads)).await?;
        let key = |row: &sqlx::any::AnyRow| {
            Ok(CopiedKey {
                client_id: row.try_get(0)?,
                server: row.try_get(1)?,
                secret: row.try_get(2)?,
                state: row.try_get(3)?,
                nodes: row.try_get(4)?,
                added_ms: row.try_get(5)?,
                used_ms: row.try_get(6)?,
            })
        };
        rows.iter().map(key).collect()
    }

    /// Has these keys and no others.
    pub(crate) async fn take_keys(&self, keys: &[CopiedKey]) -> Result<(), sqlx::Error> {
        let work = async {
            let mut writing = self.write().await?;
            sqlx::query("DELETE FROM keys")
                .execute(&mut *writing.transaction)
                .await?;
            for chunk in keys.chunks(ROWS) {
                let sql = format!(
                    "INSERT INTO keys (client_id, server, secret, state, nodes, added_ms, used_ms) VALUES {}",
                    places(chunk.len(), 7, 0)
                );
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for key in chunk {
                    for text in [&key.client_id, &key.server, &key.secret, &key.state, &key.nodes] {
                        query = query.bind(text.clone());
                    }
                    query = query.bind(key.added_ms).bind(key.used_ms);
                }
                query.execute(&mut *writing.transaction).await?;
            }
            writing.commit().await
        };
        within(self.patience(), work).await
    }

    /// All entries of a server come; what came of them before that was broken off is not noted any more.
    pub(crate) async fn begin_copy(&self, server: &str) -> Result<(), sqlx::Error> {
        let work = async {
            let mut writing = self.write().await?;
            sqlx::query("DELETE FROM staged WHERE server = $1")
                .bind(server)
                .execute(&mut *writing.transaction)
                .await?;
            writing.transaction.commit().await
        };
        within(self.patience(), work).await
    }

    /// A page of entries of a server. Where all of them come it is noted which did.
    pub(crate) async fn take_page(
        &self,
        server: &str,
        entries: &[CopiedEntry],
        all: bool,
    ) -> Result<(), sqlx::Error> {
        let work = async {
            let mut writing = self.write().await?;
            for chunk in entries.chunks(ROWS) {
                let sql = format!(
                    "INSERT INTO entries (server, id, version, body) VALUES {} ON CONFLICT (server, id) \
                     DO UPDATE SET version = excluded.version, body = excluded.body",
                    places(chunk.len(), 4, 0)
                );
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for entry in chunk {
                    query = query.bind(server.to_owned()).bind(entry.id.clone());
                    query = query.bind(entry.version).bind(entry.body.clone());
                }
                query.execute(&mut *writing.transaction).await?;
                if !all {
                    continue;
                }
                let sql = format!(
                    "INSERT INTO staged (server, feed, id, body, at_ms) VALUES {} ON CONFLICT DO NOTHING",
                    places(chunk.len(), 5, 0)
                );
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for entry in chunk {
                    query = query.bind(server.to_owned()).bind(NO_FEED).bind(entry.id.clone());
                    query = query.bind(String::new()).bind(signed(clock_ms()));
                }
                query.execute(&mut *writing.transaction).await?;
            }
            // Whoever follows this database reads it when the row of the server says so.
            writing.transaction.commit().await
        };
        within(self.patience(), work).await
    }

    /// All that a server has up to its version came. Where that were `all` entries, there are no others.
    pub(crate) async fn end_copy(
        &self,
        server: &CopiedServer,
        share: &str,
        all: bool,
    ) -> Result<(), sqlx::Error> {
        let work = async {
            let mut writing = self.write_long().await?;
            if all {
                for sql in [
                    "DELETE FROM entries WHERE server = $1 AND NOT EXISTS (SELECT 1 FROM staged \
                     WHERE staged.server = entries.server AND staged.id = entries.id)",
                    "DELETE FROM staged WHERE server = $1",
                ] {
                    sqlx::query(sql)
                        .bind(&server.name)
                        .execute(&mut *writing.transaction)
                        .await?;
                }
            }
            sqlx::query(
                "INSERT INTO servers (name, active, feed, incarnation, position, version, floor, entries, \
                 share, changed_ms, term, term_of, bytes) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
                 ON CONFLICT (name) DO UPDATE SET active = excluded.active, feed = excluded.feed, \
                 incarnation = excluded.incarnation, position = excluded.position, \
                 version = excluded.version, floor = excluded.floor, entries = excluded.entries, \
                 share = excluded.share, changed_ms = excluded.changed_ms, term = excluded.term, \
                 term_of = excluded.term_of, bytes = excluded.bytes",
            )
            .bind(&server.name)
            .bind(i64::from(server.active))
            .bind(server.feed)
            .bind(&server.incarnation)
            .bind(server.position)
            .bind(server.version)
            // What is gone was not said one by one: whoever knows less reads the server anew.
            .bind(if all { server.version } else { server.floor })
            .bind(server.entries)
            .bind(share)
            .bind(server.changed_ms)
            .bind(server.term)
            .bind(&server.term_of)
            .bind(server.bytes)
            .execute(&mut *writing.transaction)
            .await?;
            writing.commit().await
        };
        within(LONG_WITHIN, work).await
    }

    /// The instance that is followed does not have the server any more.
    pub(crate) async fn drop_copy(&self, server: &str) -> Result<(), sqlx::Error> {
        let work = async {
            let mut writing = self.write_long().await?;
            for sql in [
                "DELETE FROM entries WHERE server = $1",
                "DELETE FROM staged WHERE server = $1",
                "DELETE FROM servers WHERE name = $1",
            ] {
                sqlx::query(sql)
                    .bind(server)
                    .execute(&mut *writing.transaction)
                    .await?;
            }
            writing.commit().await
        };
        within(LONG_WITHIN, work).await
    }
}
