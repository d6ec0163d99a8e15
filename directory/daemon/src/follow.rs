//! Follows the database: what this instance or another one committed is found, and counts, a moment later.

use crate::{
    running::Running,
    store::{Row, Server},
};
use plenary_model::ServerName;
use plenary_people::{Change, EntryId, Kind, Share};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// How late a change of another instance is noticed at most.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Entries that are read at once.
const PAGE: i64 = 2_000;

/// What this instance knows of the servers.
pub(crate) type Servers = BTreeMap<ServerName, Known>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) active: bool,
    /// The feed that counts.
    pub(crate) feed: i64,
    pub(crate) position: u64,
    pub(crate) entries: u64,
    pub(crate) changed_ms: u64,
    pub(crate) share: Share,
    version: i64,
}

/// Follows until the task is dropped.
pub(crate) async fn follow(running: Arc<Running>) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut was_good = true;
    loop {
        tokio::select! {
            () = running.store.changed.notified() => {}
            _ = tick.tick() => {}
        }
        let followed = catch_up(&running).await;
        let is_good = followed.is_ok();
        match followed {
            Err(error) if was_good => {
                tracing::warn!(%error, "the database cannot be read; it is tried again")
            }
            Ok(()) if !was_good => tracing::info!("the database is read again"),
            _ => {}
        }
        was_good = is_good;
        running.followed.send_replace(is_good);
    }
}

/// Reads everything that is newer than what is known.
pub(crate) async fn catch_up(running: &Running) -> Result<(), sqlx::Error> {
    for server in running.store.servers().await? {
        let before = running.servers.borrow().get(&server.name).cloned();
        if before
            .as_ref()
            .is_some_and(|known| known.version >= server.version)
        {
            continue;
        }
        read(running, before.as_ref(), &server).await?;
        if !server.active {
            running.presences.forget(&server.name);
        }
        let known = Known {
            active: server.active,
            feed: server.feed,
            position: server.position,
            entries: server.entries,
            changed_ms: server.changed_ms,
            share: server.share,
            version: server.version,
        };
        running.servers.send_modify(|servers| {
            servers.insert(server.name, known);
        });
    }
    Ok(())
}

async fn read(running: &Running, before: Option<&Known>, server: &Server) -> Result<(), sqlx::Error> {
    if before.is_none_or(|known| known.share != server.share) {
        running.index.set_share(&server.name, server.share.clone());
    }
    let after = before.map_or(0, |known| known.version);
    let anew = after < server.floor;
    if anew {
        running.index.apply(&[Change::RemoveServer(server.name.clone())]);
    }
    let versions = (if anew { 0 } else { after }, server.version);
    let mut behind = String::new();
    loop {
        let rows = running
            .store
            .entries(&server.name, versions, &behind, PAGE)
            .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        behind.clone_from(&last.id);
        let is_last = (rows.len() as i64) < PAGE;
        let changes: Vec<Change> = rows
            .into_iter()
            .filter_map(|row| change(&server.name, row))
            .collect();
        running.index.apply(&changes);
        if is_last {
            return Ok(());
        }
    }
}

fn change(server: &ServerName, Row { id, entry }: Row) -> Option<Change> {
    match entry {
        Some(entry) => Some(Change::put(entry)),
        None => {
            let (kind, id) = id.split_once(' ')?;
            let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind)?;
            Some(Change::Remove(EntryId {
                server: server.clone(),
                kind,
                id: id.to_owned(),
            }))
        }
    }
}

/// Says that this instance is there, learns which others are, and forgets what nobody needs.
pub(crate) async fn beat(running: Arc<Running>) {
    const BEAT_EVERY: Duration = Duration::from_secs(5);
    const TIDY_EVERY: u32 = 120;
    let mut beats = 0_u32;
    loop {
        match running
            .store
            .beat(running.facts.name.as_str(), &running.address)
            .await
        {
            Ok(instances) => {
                let addresses: BTreeSet<String> =
                    instances.into_iter().map(|instance| instance.address).collect();
                running.instances.send_replace(addresses.into_iter().collect());
            }
            Err(error) => tracing::debug!(%error, "the other instances do not know that this one is there"),
        }
        if beats.is_multiple_of(TIDY_EVERY)
            && let Err(error) = running.store.tidy().await
        {
            tracing::debug!(%error, "what nobody needs is kept for now");
        }
        beats = beats.wrapping_add(1);
        tokio::time::sleep(BEAT_EVERY).await;
    }
}
