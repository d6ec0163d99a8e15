//! What servers tell: each change is one transaction, and counts only for the feed that is the newest of its server.

use super::{ROWS, Store, Writing, keys::hex, places, signed, unsigned};
use crate::{event::Event, refusal::Refusal};
use plenary_directory_client::Credentials;
use plenary_links::clock_ms;
use plenary_model::ServerName;
use plenary_people::{Change, Entry, EntryId, Share};
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::{BTreeMap, BTreeSet};

/// The first word of a feed; the certificate was looked at before.
pub(crate) struct Hello {
    pub(crate) server: ServerName,
    pub(crate) credentials: Credentials,
    pub(crate) incarnation: [u8; 16],
    pub(crate) tells_from: u64,
    pub(crate) position: u64,
    pub(crate) share: Share,
    pub(crate) presence_only: bool,
}

/// A feed that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Its number; 0 if only presence is told.
    pub(crate) feed: i64,
    /// The Directory has everything up to here, or needs all anew.
    pub(crate) position: Option<u64>,
}

fn id_text(id: &EntryId) -> String {
    format!("{} {}", id.kind, id.id)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

impl Store {
    /// Looks at the key, and makes this the feed that counts.
    pub(crate) async fn begin_feed(&self, hello: &Hello) -> Result<Begun, Refusal> {
        let mut writing = self.write().await?;
        let name = hello.server.as_str();
        let is_first = writing.prove(&hello.server, &hello.credentials).await?;
        if hello.presence_only {
            return Ok(Begun {
                feed: 0,
                position: None,
            });
        }
        let share = json(&hello.share)?;
        sqlx::query(
            "INSERT INTO servers \
             (name, active, feed, incarnation, position, version, floor, entries, share, changed_ms) \
             VALUES ($1, 1, 1, '', 0, 1, 1, 0, $2, 0) \
             ON CONFLICT (name) DO UPDATE SET active = 1, feed = servers.feed + 1, \
             version = servers.version + 1, share = excluded.share",
        )
        .bind(name)
        .bind(&share)
        .execute(&mut *writing.transaction)
        .await?;
        let row = sqlx::query("SELECT feed, incarnation, position FROM servers WHERE name = $1")
            .bind(name)
            .fetch_one(&mut *writing.transaction)
            .await?;
        sqlx::query("DELETE FROM staged WHERE server = $1")
            .bind(name)
            .execute(&mut *writing.transaction)
            .await?;
        if is_first {
            let event = Event::Connected {
                server: hello.server.clone(),
                client_id: hello.credentials.client_id.clone(),
            };
            writing.event(&event).await?;
        }
        let feed = row.try_get(0)?;
        let same = row.try_get::<String, _>(1)? == hex(&hello.incarnation);
        let position = unsigned(row.try_get(2)?);
        // A store that was restored may have fewer positions, under the same incarnation if somebody copied a folder.
        let follows = same && (hello.tells_from..=hello.position).contains(&position);
        writing.commit().await?;
        Ok(Begun {
            feed,
            position: follows.then_some(position),
        })
    }

    /// Takes changes that follow `from`; on disk when this returns.
    pub(crate) async fn put_batch(
        &self,
        server: &ServerName,
        feed: i64,
        (from, to): (u64, u64),
        changes: &[Change],
        most: u64,
    ) -> Result<(), Refusal> {
        let mut writing = self.write().await?;
        let moved = sqlx::query(
            "UPDATE servers SET position = $1, version = version + 1, changed_ms = $2 \
             WHERE name = $3 AND feed = $4 AND position = $5 AND active = 1 AND incarnation <> ''",
        )
        .bind(signed(to))
        .bind(signed(clock_ms()))
        .bind(server.as_str())
        .bind(feed)
        .bind(signed(from))
        .execute(&mut *writing.transaction)
        .await?;
        if moved.rows_affected() == 0 {
            return Err(writing.why_not(server, feed, from).await?);
        }
        let (version, entries) = writing.place(server).await?;
        // Of several changes of one entry the last counts.
        let mut bodies: BTreeMap<String, String> = BTreeMap::new();
        for change in changes {
            match change {
                Change::Put(entry) => bodies.insert(id_text(&entry.id), json(entry)?),
                Change::Remove(id) => bodies.insert(id_text(id), String::new()),
                Change::RemoveServer(_) => None,
            };
        }
        let entries = entries + writing.put(server, version, &bodies).await?;
        if entries > signed(most) {
            let server = server.clone();
            return Err(Refusal::TooManyEntries { server, most });
        }
        sqlx::query("UPDATE servers SET entries = $1 WHERE name = $2")
            .bind(entries)
            .bind(server.as_str())
            .execute(&mut *writing.transaction)
            .await?;
        Ok(writing.commit().await?)
    }

    /// Keeps a part of a snapshot until the rest has come.
    pub(crate) async fn stage(
        &self,
        server: &ServerName,
        feed: i64,
        entries: &[Entry],
    ) -> Result<(), Refusal> {
        let mut writing = self.write().await?;
        for chunk in entries.chunks(ROWS) {
            let sql = format!(
                "INSERT INTO staged (server, feed, id, body) VALUES {} ON CONFLICT DO NOTHING",
                places(chunk.len(), 4, 0)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for entry in chunk {
                let (id, body) = (id_text(&entry.id), json(entry)?);
                query = query
                    .bind(server.as_str().to_owned())
                    .bind(feed)
                    .bind(id)
                    .bind(body);
            }
            query.execute(&mut *writing.transaction).await?;
        }
        // Nobody follows what is staged.
        Ok(writing.transaction.commit().await?)
    }

    /// All parts came, `told` entries with this `digest`: they are what the server has from now on. The caller compared
    /// the digest with that of what came.
    pub(crate) async fn end_snapshot(
        &self,
        server: &ServerName,
        feed: i64,
        incarnation: &[u8; 16],
        position: u64,
        told: u64,
    ) -> Result<(), Refusal> {
        let mut writing = self.write().await?;
        let name = server.as_str();
        let moved = sqlx::query(
            "UPDATE servers SET incarnation = $1, position = $2, version = version + 1, entries = $3, \
             changed_ms = $4 WHERE name = $5 AND feed = $6 AND active = 1",
        )
        .bind(hex(incarnation))
        .bind(signed(position))
        .bind(signed(told))
        .bind(signed(clock_ms()))
        .bind(name)
        .bind(feed)
        .execute(&mut *writing.transaction)
        .await?;
        if moved.rows_affected() == 0 {
            return Err(Refusal::Superseded(server.clone()));
        }
        let kept = sqlx::query("SELECT count(*) FROM staged WHERE server = $1 AND feed = $2")
            .bind(name)
            .bind(feed)
            .fetch_one(&mut *writing.transaction)
            .await?;
        if unsigned(kept.try_get(0)?) != told {
            // An entry came twice: the digest is that of more than what would be kept.
            return Err(Refusal::Digest);
        }
        let (version, _) = writing.place(server).await?;
        // Only what differs changes, so that instances read little, and find everything meanwhile.
        for sql in [
            "UPDATE entries SET body = '', version = $1 WHERE server = $2 AND body <> '' AND NOT EXISTS \
             (SELECT 1 FROM staged WHERE staged.server = entries.server AND staged.feed = $3 \
             AND staged.id = entries.id)",
            "INSERT INTO entries (server, id, version, body) \
             SELECT server, id, $1, body FROM staged WHERE server = $2 AND feed = $3 AND NOT EXISTS \
             (SELECT 1 FROM entries WHERE entries.server = staged.server AND entries.id = staged.id \
             AND entries.body = staged.body) \
             ON CONFLICT (server, id) DO UPDATE SET version = excluded.version, body = excluded.body",
        ] {
            sqlx::query(sql)
                .bind(version)
                .bind(name)
                .bind(feed)
                .execute(&mut *writing.transaction)
                .await?;
        }
        sqlx::query("DELETE FROM staged WHERE server = $1")
            .bind(name)
            .execute(&mut *writing.transaction)
            .await?;
        let server = server.clone();
        writing
            .event(&Event::Snapshot {
                server,
                entries: told,
            })
            .await?;
        Ok(writing.commit().await?)
    }

    /// The parts that came are of no use.
    pub(crate) async fn drop_staged(&self, server: &ServerName, feed: i64) -> Result<(), Refusal> {
        let mut writing = self.write().await?;
        sqlx::query("DELETE FROM staged WHERE server = $1 AND feed = $2")
            .bind(server.as_str())
            .bind(feed)
            .execute(&mut *writing.transaction)
            .await?;
        Ok(writing.transaction.commit().await?)
    }

    /// What the server shows is another.
    pub(crate) async fn put_share(
        &self,
        server: &ServerName,
        feed: i64,
        share: &Share,
    ) -> Result<(), Refusal> {
        let mut writing = self.write().await?;
        let done = sqlx::query(
            "UPDATE servers SET share = $1, version = version + 1 WHERE name = $2 AND feed = $3 AND active = 1",
        )
        .bind(json(share)?)
        .bind(server.as_str())
        .bind(feed)
        .execute(&mut *writing.transaction)
        .await?;
        let server = server.clone();
        if done.rows_affected() == 0 {
            return Err(Refusal::Superseded(server));
        }
        writing.event(&Event::Shared { server }).await?;
        Ok(writing.commit().await?)
    }
}

impl Writing<'_> {
    /// Compares what a server proves itself with; says whether it is for the first time with this key.
    async fn prove(&mut self, server: &ServerName, credentials: &Credentials) -> Result<bool, Refusal> {
        let row = sqlx::query("SELECT server, secret, state, used_ms FROM keys WHERE client_id = $1")
            .bind(&credentials.client_id)
            .fetch_optional(&mut *self.transaction)
            .await?;
        let row = row.ok_or_else(|| Refusal::KeyUnknown(server.clone()))?;
        if row.try_get::<String, _>(0)? != server.as_str() {
            return Err(Refusal::KeyOfAnother(server.clone()));
        }
        // The secret is compared by its hash, so how long that takes tells nothing about it.
        if row.try_get::<String, _>(1)? != hex(&credentials.secret.hash()) {
            return Err(Refusal::KeyWrong(server.clone()));
        }
        if row.try_get::<String, _>(2)? != "good" {
            return Err(Refusal::KeyRevoked(server.clone()));
        }
        let is_first = row.try_get::<i64, _>(3)? == 0;
        if is_first {
            sqlx::query("UPDATE keys SET used_ms = $1 WHERE client_id = $2")
                .bind(signed(clock_ms()))
                .bind(&credentials.client_id)
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(is_first)
    }

    /// Version and number of entries of a server.
    async fn place(&mut self, server: &ServerName) -> Result<(i64, i64), sqlx::Error> {
        let row = sqlx::query("SELECT version, entries FROM servers WHERE name = $1")
            .bind(server.as_str())
            .fetch_one(&mut *self.transaction)
            .await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    async fn why_not(&mut self, server: &ServerName, feed: i64, from: u64) -> Result<Refusal, sqlx::Error> {
        let row = sqlx::query("SELECT active, feed, position FROM servers WHERE name = $1")
            .bind(server.as_str())
            .fetch_optional(&mut *self.transaction)
            .await?;
        let Some(row) = row else {
            return Ok(Refusal::NotConnected(server.clone()));
        };
        let has = unsigned(row.try_get(2)?);
        Ok(match (row.try_get::<i64, _>(0)?, row.try_get::<i64, _>(1)?) {
            (0, _) => Refusal::NotConnected(server.clone()),
            (_, counts) if counts != feed => Refusal::Superseded(server.clone()),
            _ => Refusal::Gap { from, has },
        })
    }

    /// Writes entries, and says how many more there are than before; an empty body removes.
    async fn put(
        &mut self,
        server: &ServerName,
        version: i64,
        bodies: &BTreeMap<String, String>,
    ) -> Result<i64, sqlx::Error> {
        let all: Vec<_> = bodies.iter().collect();
        let mut more = 0;
        for chunk in all.chunks(ROWS) {
            let sql = format!(
                "SELECT id FROM entries WHERE server = $1 AND body <> '' AND id IN {}",
                places(1, chunk.len(), 1)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(server.as_str().to_owned());
            for (id, _) in chunk {
                query = query.bind((*id).clone());
            }
            let there = query.fetch_all(&mut *self.transaction).await?;
            let there: BTreeSet<String> = there.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
            let sql = format!(
                "INSERT INTO entries (server, id, version, body) VALUES {} ON CONFLICT (server, id) \
                 DO UPDATE SET version = excluded.version, body = excluded.body",
                places(chunk.len(), 4, 0)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (id, body) in chunk {
                more += i64::from(!body.is_empty()) - i64::from(there.contains(*id));
                let server = server.as_str().to_owned();
                query = query.bind(server).bind((*id).clone());
                query = query.bind(version).bind((*body).clone());
            }
            query.execute(&mut *self.transaction).await?;
        }
        Ok(more)
    }
}
