//! What servers tell: each change is one transaction, and counts only for the feed that is the newest of its server.

use super::{LONG_WITHIN, ROWS, Store, Writing, keys::hex, places, signed, unsigned, within};
use crate::{event::Event, refusal::Refusal};
use plenary_directory_client::Credentials;
use plenary_links::clock_ms;
use plenary_model::ServerName;
use plenary_people::{Change, Entry, EntryId, Share};
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeMap;

/// The first word of a feed; the certificate was looked at before.
pub(crate) struct Hello {
    pub(crate) server: ServerName,
    pub(crate) credentials: Credentials,
    pub(crate) incarnation: [u8; 16],
    /// Which counts the terms.
    pub(crate) store: [u8; 16],
    pub(crate) tells_from: u64,
    pub(crate) position: u64,
    pub(crate) share: Share,
    pub(crate) presence_only: bool,
    /// Of the leadership of who says it.
    pub(crate) term: u64,
}

/// All parts of a snapshot came.
pub(crate) struct Ended {
    pub(crate) incarnation: [u8; 16],
    pub(crate) position: u64,
    /// So many entries.
    pub(crate) told: u64,
    /// The server leaves: with nothing on disk its key counts no more.
    pub(crate) last_key: Option<String>,
}

/// How much a server may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// A feed that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Its number; 0 if only presence is told.
    pub(crate) feed: i64,
    /// The Directory has everything up to here, or needs all anew.
    pub(crate) position: Option<u64>,
    /// How many entries the server has.
    pub(crate) entries: u64,
}

/// How much a server has, or has more.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    entries: i64,
    bytes: i64,
}

impl Size {
    fn and(self, more: Self) -> Self {
        Self {
            entries: self.entries + more.entries,
            bytes: self.bytes + more.bytes,
        }
    }
}

impl Most {
    /// `entries`: it has too many of them, else too many bytes.
    pub(crate) fn refused(self, server: &ServerName, entries: bool) -> Refusal {
        let server = server.clone();
        match entries {
            true => Refusal::TooManyEntries {
                server,
                most: self.entries,
            },
            false => Refusal::TooLarge {
                server,
                megabytes: self.bytes >> 20,
            },
        }
    }
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
        within(self.patience(), self.begin_one_feed(hello)).await
    }

    async fn begin_one_feed(&self, hello: &Hello) -> Result<Begun, Refusal> {
        let mut writing = self.write().await?;
        let name = hello.server.as_str();
        let is_first = writing.prove(&hello.server, &hello.credentials).await?;
        if hello.presence_only {
            writing.must_lead(hello).await?;
            return Ok(Begun {
                feed: 0,
                position: None,
                entries: 0,
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
        // The row is ours now: who led before is known, and stays so until this is committed.
        writing.must_lead(hello).await?;
        sqlx::query("UPDATE servers SET term = $1, term_of = $2 WHERE name = $3")
            .bind(signed(hello.term))
            .bind(hex(&hello.store))
            .bind(name)
            .execute(&mut *writing.transaction)
            .await?;
        let row = sqlx::query("SELECT feed, incarnation, position, entries FROM servers WHERE name = $1")
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
            entries: unsigned(row.try_get(3)?),
        })
    }

    /// Takes changes that follow `from`; on disk when this returns.
    pub(crate) async fn put_batch(
        &self,
        server: &ServerName,
        feed: i64,
        (from, to): (u64, u64),
        changes: &[Change],
        most: Most,
    ) -> Result<(), Refusal> {
        within(
            self.patience(),
            self.put_one_batch(server, feed, (from, to), changes, most),
        )
        .await
    }

    async fn put_one_batch(
        &self,
        server: &ServerName,
        feed: i64,
        (from, to): (u64, u64),
        changes: &[Change],
        most: Most,
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
        let (version, before) = writing.place(server).await?;
        // Of several changes of one entry the last counts.
        let mut bodies: BTreeMap<String, String> = BTreeMap::new();
        for change in changes {
            match change {
                Change::Put(entry) => bodies.insert(id_text(&entry.id), json(entry)?),
                Change::Remove(id) => bodies.insert(id_text(id), String::new()),
                Change::RemoveServer(_) => None,
            };
        }
        let more = writing.put(server, version, &bodies).await?;
        let now = before.and(more);
        // A server that has too much, since it may have less than before, must be able to have less.
        let over = |now: i64, more: i64, most: u64| more > 0 && now > signed(most);
        if over(now.entries, more.entries, most.entries) || over(now.bytes, more.bytes, most.bytes) {
            return Err(most.refused(server, now.entries > signed(most.entries)));
        }
        sqlx::query("UPDATE servers SET entries = $1, bytes = $2 WHERE name = $3")
            .bind(now.entries)
            .bind(now.bytes)
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
        within(self.patience(), self.stage_some(server, feed, entries)).await
    }

    async fn stage_some(&self, server: &ServerName, feed: i64, entries: &[Entry]) -> Result<(), Refusal> {
        let mut writing = self.write().await?;
        for chunk in entries.chunks(ROWS) {
            let sql = format!(
                "INSERT INTO staged (server, feed, id, body, at_ms) VALUES {} ON CONFLICT DO NOTHING",
                places(chunk.len(), 5, 0)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for entry in chunk {
                let (id, body) = (id_text(&entry.id), json(entry)?);
                query = query
                    .bind(server.as_str().to_owned())
                    .bind(feed)
                    .bind(id)
                    .bind(body)
                    .bind(signed(clock_ms()));
            }
            query.execute(&mut *writing.transaction).await?;
        }
        // Nobody follows what is staged.
        Ok(writing.transaction.commit().await?)
    }

    /// All parts came: they are what the server has from now on. The caller compared the digest with that of what came.
    pub(crate) async fn end_snapshot(
        &self,
        server: &ServerName,
        feed: i64,
        ended: &Ended,
    ) -> Result<(), Refusal> {
        within(LONG_WITHIN, self.end_one_snapshot(server, feed, ended)).await
    }

    async fn end_one_snapshot(&self, server: &ServerName, feed: i64, ended: &Ended) -> Result<(), Refusal> {
        let Ended {
            incarnation,
            position,
            told,
            last_key,
        } = ended;
        let (position, told) = (*position, *told);
        let mut writing = self.write_long().await?;
        let name = server.as_str();
        let last_key = last_key.as_ref().filter(|_| told == 0);
        if let Some(client_id) = last_key {
            // Keys first, as everywhere. If this feed does not count any more, nothing of it does.
            sqlx::query("UPDATE keys SET state = 'revoked' WHERE client_id = $1")
                .bind(client_id)
                .execute(&mut *writing.transaction)
                .await?;
        }
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
        let kept = sqlx::query(
            "SELECT count(*), CAST(COALESCE(SUM(octet_length(body)), 0) AS BIGINT) FROM staged \
             WHERE server = $1 AND feed = $2",
        )
        .bind(name)
        .bind(feed)
        .fetch_one(&mut *writing.transaction)
        .await?;
        if unsigned(kept.try_get(0)?) != told {
            // An entry came twice: the digest is that of more than what would be kept.
            return Err(Refusal::Digest);
        }
        sqlx::query("UPDATE servers SET bytes = $1 WHERE name = $2")
            .bind(kept.try_get::<i64, _>(1)?)
            .bind(name)
            .execute(&mut *writing.transaction)
            .await?;
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
        if last_key.is_some() {
            sqlx::query("UPDATE servers SET active = 0 WHERE name = $1")
                .bind(name)
                .execute(&mut *writing.transaction)
                .await?;
        }
        let server = server.clone();
        let event = match last_key {
            Some(_) => Event::ServerLeft { server },
            None => Event::Snapshot {
                server,
                entries: told,
            },
        };
        writing.event(&event).await?;
        Ok(writing.commit().await?)
    }

    /// The parts that came are of no use.
    pub(crate) async fn drop_staged(&self, server: &ServerName, feed: i64) -> Result<(), Refusal> {
        let work = async {
            let mut writing = self.write_long().await?;
            sqlx::query("DELETE FROM staged WHERE server = $1 AND feed = $2")
                .bind(server.as_str())
                .bind(feed)
                .execute(&mut *writing.transaction)
                .await?;
            Ok(writing.transaction.commit().await?)
        };
        within(LONG_WITHIN, work).await
    }

    /// What the server shows is another.
    pub(crate) async fn put_share(
        &self,
        server: &ServerName,
        feed: i64,
        share: &Share,
    ) -> Result<(), Refusal> {
        within(self.patience(), self.put_one_share(server, feed, share)).await
    }

    async fn put_one_share(&self, server: &ServerName, feed: i64, share: &Share) -> Result<(), Refusal> {
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
        // Somebody may be revoking it at this moment: the row is locked until this is committed, and asked once more.
        let kept = sqlx::query("UPDATE keys SET used_ms = used_ms WHERE client_id = $1 AND state = 'good'")
            .bind(&credentials.client_id)
            .execute(&mut *self.transaction)
            .await?;
        if kept.rows_affected() == 0 {
            return Err(Refusal::KeyRevoked(server.clone()));
        }
        let first = sqlx::query("UPDATE keys SET used_ms = $1 WHERE client_id = $2 AND used_ms = 0")
            .bind(signed(clock_ms()))
            .bind(&credentials.client_id)
            .execute(&mut *self.transaction)
            .await?;
        Ok(first.rows_affected() > 0)
    }

    /// Refuses a leader that another one followed, by what the store of the server itself says of its leaders.
    async fn must_lead(&mut self, hello: &Hello) -> Result<(), Refusal> {
        let row = sqlx::query("SELECT term, term_of FROM servers WHERE name = $1")
            .bind(hello.server.as_str())
            .fetch_optional(&mut *self.transaction)
            .await?;
        let Some(row) = row else { return Ok(()) };
        // Terms of another store mean nothing.
        let is_same = row.try_get::<String, _>(1)? == hex(&hello.store);
        match is_same && signed(hello.term) < row.try_get::<i64, _>(0)? {
            true => Err(Refusal::Superseded(hello.server.clone())),
            false => Ok(()),
        }
    }

    /// Version and size of a server.
    async fn place(&mut self, server: &ServerName) -> Result<(i64, Size), sqlx::Error> {
        let row = sqlx::query("SELECT version, entries, bytes FROM servers WHERE name = $1")
            .bind(server.as_str())
            .fetch_one(&mut *self.transaction)
            .await?;
        let size = Size {
            entries: row.try_get(1)?,
            bytes: row.try_get(2)?,
        };
        Ok((row.try_get(0)?, size))
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
            (_, counts) if counts > feed => Refusal::Superseded(server.clone()),
            // A feed that is older than this one counts: the database was restored, and another feed begins where it ends.
            _ => Refusal::Gap { from, has },
        })
    }

    /// Writes entries, and says how much more there is than before; an empty body removes. What is not there is not removed:
    /// it would leave a row behind.
    async fn put(
        &mut self,
        server: &ServerName,
        version: i64,
        bodies: &BTreeMap<String, String>,
    ) -> Result<Size, sqlx::Error> {
        let all: Vec<_> = bodies.iter().collect();
        let mut more = Size::default();
        for chunk in all.chunks(ROWS) {
            let sql = format!(
                "SELECT id, CAST(octet_length(body) AS BIGINT) FROM entries WHERE server = $1 AND body <> '' AND id IN {}",
                places(1, chunk.len(), 1)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(server.as_str().to_owned());
            for (id, _) in chunk {
                query = query.bind((*id).clone());
            }
            let there = query.fetch_all(&mut *self.transaction).await?;
            let there: BTreeMap<String, i64> = there
                .iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                .collect::<Result<_, sqlx::Error>>()?;
            let is_change = |(id, body): &&(&String, &String)| !body.is_empty() || there.contains_key(*id);
            let chunk: Vec<_> = chunk.iter().filter(is_change).collect();
            if chunk.is_empty() {
                continue;
            }
            let sql = format!(
                "INSERT INTO entries (server, id, version, body) VALUES {} ON CONFLICT (server, id) \
                 DO UPDATE SET version = excluded.version, body = excluded.body",
                places(chunk.len(), 4, 0)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (id, body) in chunk {
                let before = there.get(*id);
                more.entries += i64::from(!body.is_empty()) - i64::from(before.is_some());
                more.bytes += body.len() as i64 - before.copied().unwrap_or(0);
                let server = server.as_str().to_owned();
                query = query.bind(server).bind((*id).clone());
                query = query.bind(version).bind((*body).clone());
            }
            query.execute(&mut *self.transaction).await?;
        }
        Ok(more)
    }
}
