//! Which servers may come: keys, and servers that are removed.

use super::{LONG_WITHIN, Store, signed, within};
use crate::{event::Event, refusal::Refusal};
use plenary_directory_client::Key;
use plenary_links::clock_ms;
use plenary_model::ServerName;
use sqlx::Row as _;

/// A hash as it is kept.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// Takes a server's key; an older one of the same server counts no more. The same once more changes nothing.
    pub(crate) async fn add_key(&self, key: &Key, by: String) -> Result<(), Refusal> {
        within(self.patience(), self.add_one_key(key, by)).await
    }

    async fn add_one_key(&self, key: &Key, by: String) -> Result<(), Refusal> {
        let mut writing = self.write().await?;
        let server = key.server.as_str();
        let (client_id, secret) = (&key.credentials.client_id, hex(&key.credentials.secret.hash()));
        let known = sqlx::query("SELECT server, secret, state FROM keys WHERE client_id = $1")
            .bind(client_id)
            .fetch_optional(&mut *writing.transaction)
            .await?;
        if let Some(row) = known {
            let same = row.try_get::<String, _>(0)? == server && row.try_get::<String, _>(1)? == secret;
            let good = row.try_get::<String, _>(2)? == "good";
            return (same && good).then_some(()).ok_or(Refusal::KeyUsed);
        }
        sqlx::query("UPDATE keys SET state = 'revoked' WHERE server = $1")
            .bind(server)
            .execute(&mut *writing.transaction)
            .await?;
        sqlx::query(
            "INSERT INTO keys (client_id, server, secret, state, nodes, added_ms, used_ms) \
             VALUES ($1, $2, $3, 'good', $4, $5, 0)",
        )
        .bind(client_id)
        .bind(server)
        .bind(secret)
        .bind(key.nodes.join(" "))
        .bind(signed(clock_ms()))
        .execute(&mut *writing.transaction)
        .await?;
        // A feed that came with the key before begins anew, with the new one.
        sqlx::query("UPDATE servers SET feed = feed + 1, version = version + 1 WHERE name = $1")
            .bind(server)
            .execute(&mut *writing.transaction)
            .await?;
        let event = Event::KeyAdded {
            server: key.server.clone(),
            client_id: client_id.clone(),
            by,
        };
        writing.event(&event).await?;
        Ok(writing.commit().await?)
    }

    /// Forgets a server: its entries, and all keys with which it could come.
    pub(crate) async fn remove_server(&self, server: &ServerName, by: String) -> Result<(), Refusal> {
        within(LONG_WITHIN, self.remove_one_server(server, by)).await
    }

    async fn remove_one_server(&self, server: &ServerName, by: String) -> Result<(), Refusal> {
        let mut writing = self.write_long().await?;
        // Keys first, then the server, as everywhere: nobody waits for each other.
        let revoked = sqlx::query("UPDATE keys SET state = 'revoked' WHERE server = $1 AND state = 'good'")
            .bind(server.as_str())
            .execute(&mut *writing.transaction)
            .await?;
        let removed = sqlx::query(
            "UPDATE servers SET active = 0, feed = feed + 1, incarnation = '', position = 0, \
             version = version + 1, floor = version + 1, entries = 0, bytes = 0, changed_ms = $2 WHERE name = $1",
        )
        .bind(server.as_str())
        .bind(signed(clock_ms()))
        .execute(&mut *writing.transaction)
        .await?;
        if removed.rows_affected() + revoked.rows_affected() == 0 {
            return Err(Refusal::NoServer(server.clone()));
        }
        for sql in [
            "DELETE FROM entries WHERE server = $1",
            "DELETE FROM staged WHERE server = $1",
        ] {
            sqlx::query(sql)
                .bind(server.as_str())
                .execute(&mut *writing.transaction)
                .await?;
        }
        let server = server.clone();
        writing.event(&Event::ServerRemoved { server, by }).await?;
        Ok(writing.commit().await?)
    }

    /// Writes down what happened beside anything else.
    pub(crate) async fn note(&self, event: &Event) -> Result<(), sqlx::Error> {
        let work = async {
            let mut writing = self.write().await?;
            writing.event(event).await?;
            writing.commit().await
        };
        within(self.patience(), work).await
    }
}
