//! What administrators are told.

use super::Wish;
use crate::{refusal::Refusal, running::Running};
use plenary_directory_client::Key;
use plenary_member::admin::Said;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Instant};

pub(super) async fn answer(running: &Running, by: String, wish: Wish) -> Said {
    match carry_out(running, by, wish).await {
        Ok(value) => Said::Done(value),
        Err(refusal) => Said::Refused {
            code: refusal.code().as_str().to_owned(),
            reason: refusal.to_string(),
        },
    }
}

async fn carry_out(running: &Running, by: String, wish: Wish) -> Result<Value, Refusal> {
    match wish {
        Wish::Status => Ok(status(running)),
        Wish::Servers => servers(running).await,
        Wish::Add { key } => {
            running.must_not_follow()?;
            let key: Key = key.parse().map_err(|error: plenary_directory_client::KeyError| {
                Refusal::BadMessage(error.to_string())
            })?;
            running.store.add_key(&key, by).await?;
            tracing::info!(%key, "a key was added");
            Ok(json!({ "server": key.server, "version": key.version, "nodes": key.nodes }))
        }
        Wish::Remove { server } => {
            running.must_not_follow()?;
            running.store.remove_server(&server, by).await?;
            tracing::info!(%server, "a server was removed");
            Ok(json!({ "server": server }))
        }
        Wish::Events { before, most } => {
            let events = running.store.events(before.as_deref(), most).await?;
            let event = |(id, at, content): (String, u64, String)| {
                let event: Value = serde_json::from_str(&content).unwrap_or(Value::String(content));
                json!({ "id": id, "at": at, "event": event })
            };
            Ok(events.into_iter().map(event).collect())
        }
    }
}

fn status(running: &Running) -> Value {
    let servers = running.servers.borrow();
    let active = servers.values().filter(|known| known.active);
    let entries: u64 = active.clone().map(|known| known.entries).sum();
    json!({
        "directory": running.facts.directory,
        "enterprise": running.facts.enterprise,
        "instance": running.facts.name,
        "address": running.address,
        "instances": *running.instances.borrow(),
        "follows": running.first.as_ref().map(|first| &first.address),
        "first_answers": running.first.as_ref().map(|first| *first.answers.borrow()),
        "database": if running.store.is_postgres() { "PostgreSQL" } else { "SQLite" },
        "database_answers": *running.followed.borrow() && *running.written.borrow(),
        "ready": running.is_ready(),
        "servers": active.count(),
        "servers_heard": running.presences.servers_heard(Instant::now()),
        "entries": entries,
    })
}

async fn servers(running: &Running) -> Result<Value, Refusal> {
    // The newest key of each server.
    let mut keys = BTreeMap::new();
    for (server, nodes, good, used_ms) in running.store.keys().await? {
        let state = match (good, used_ms) {
            (true, 0) => "waits for it",
            (true, _) => "good",
            (false, _) => "revoked",
        };
        keys.insert(server, (state, nodes));
    }
    let known = running.servers.borrow();
    let rows = keys.into_iter().map(|(server, (state, nodes))| {
        let known = known.iter().find(|(name, _)| name.as_str() == server);
        let heard = known.is_some_and(|(name, _)| running.presences.is_heard(name, Instant::now()));
        json!({
            "server": server,
            "key": state,
            "connected": known.is_some_and(|(_, known)| known.active),
            "heard": heard,
            "entries": known.map(|(_, known)| known.entries),
            "changed_ms": known.map(|(_, known)| known.changed_ms).filter(|at| *at > 0),
            "position": known.map(|(_, known)| known.position),
            "nodes": nodes,
        })
    });
    Ok(rows.collect())
}
