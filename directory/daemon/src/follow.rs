//! Follows the database: what this instance or another one committed is found, and counts, a moment later.
//!
//! Servers are read by turns, a page of each, so that nobody waits for a large one to be read to its end. What is read goes into
//! the index on threads of their own: requests are answered meanwhile.

use crate::{
    running::{Counts, Running},
    store::{After, Row, Server},
};
use plenary_model::ServerName;
use plenary_people::{Change, EntryId, Kind, Share};
use plenary_people_index::Index;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// How late a change of another instance is noticed at most.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Entries that are read at once.
const PAGE: i64 = 2_000;
/// Most changes that wait to be told to the index.
const WAITING: usize = 200_000;
/// How often the log says how far the first reading is.
const TELL_EVERY: Duration = Duration::from_secs(10);

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
    incarnation: String,
    version: i64,
}

impl Known {
    /// The database has gone back behind what it had: it was restored.
    fn was_set_back(&self, now: &Server) -> bool {
        let is_same = !now.incarnation.is_empty() && self.incarnation == now.incarnation;
        now.version < self.version || is_same && now.position < self.position
    }
}

/// Follows until the task is dropped.
pub(crate) async fn follow(running: Arc<Running>) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut was_good = true;
    let mut follower = Follower::new(&running);
    loop {
        if follower.reading.is_empty() || !was_good {
            tokio::select! {
                () = running.store.changed.notified() => {}
                _ = tick.tick() => {}
            }
        }
        let followed = follower.step(&running).await;
        let is_good = followed.is_ok();
        match followed {
            Err(error) if was_good => {
                tracing::warn!(%error, "the database cannot be read; it is tried again");
            }
            Ok(()) if !was_good => tracing::info!("the database is read again"),
            _ => {}
        }
        was_good = is_good;
        running.followed.send_replace(is_good);
    }
}

/// A server of which something newer is being read.
struct Reading {
    to: Server,
    share: Share,
    after: After,
}

struct Follower {
    reading: BTreeMap<ServerName, Reading>,
    /// What was read, and the index was not told of yet.
    changes: Vec<Change>,
    /// Servers that were read to their end; they are known once the index was told.
    read: Vec<Reading>,
    told: Instant,
}

impl Follower {
    fn new(running: &Running) -> Self {
        running.progress.all.store(0, Ordering::Relaxed);
        Self {
            reading: BTreeMap::new(),
            changes: Vec::new(),
            read: Vec::new(),
            told: Instant::now(),
        }
    }

    /// Looks at which servers are newer than what is known, and reads a page of each.
    async fn step(&mut self, running: &Arc<Running>) -> Result<(), sqlx::Error> {
        let servers = running.store.servers().await?;
        if !running.is_ready() {
            let all = servers.iter().map(|server| server.entries).sum();
            running.progress.all.store(all, Ordering::Relaxed);
        }
        self.forget(running, &servers).await?;
        for server in servers {
            self.look(running, server).await?;
        }
        for name in self.reading.keys().cloned().collect::<Vec<_>>() {
            self.page(running, &name).await?;
            // At the start large portions: small ones would be merged again and again.
            let most = (running.index.len() / 2).clamp(PAGE as usize, WAITING);
            if self.changes.len() >= most {
                self.flush(running).await?;
            }
        }
        let is_read = self.reading.is_empty();
        if is_read || running.is_ready() {
            self.flush(running).await?;
        }
        if is_read && !running.is_ready() && running.is_settled() {
            tracing::info!(entries = running.index.len(), "all entries were read");
            running.ready.send_replace(true);
        } else if !is_read && self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            tracing::info!(progress = %running.progress, "entries are being read");
        }
        Ok(())
    }

    /// Servers that the database does not have any more.
    async fn forget(&mut self, running: &Running, servers: &[Server]) -> Result<(), sqlx::Error> {
        let names: BTreeSet<&ServerName> = servers.iter().map(|server| &server.name).collect();
        let known: Vec<ServerName> = running.servers.borrow().keys().cloned().collect();
        let being_read = self.reading.keys().cloned();
        let gone: BTreeSet<ServerName> = known.into_iter().chain(being_read).collect();
        for name in gone.into_iter().filter(|name| !names.contains(name)) {
            tracing::warn!(server = %name, "the database does not have the server any more");
            self.drop_read(running, &name).await?;
            running.presences.forget(&name);
            running.servers.send_modify(|servers| drop(servers.remove(&name)));
        }
        Ok(())
    }

    /// All that is known of the entries of a server is of no use.
    async fn drop_read(&mut self, running: &Running, name: &ServerName) -> Result<(), sqlx::Error> {
        self.reading.remove(name);
        self.read.retain(|read| read.to.name != *name);
        self.changes.retain(|change| change.server() != name);
        let removed = vec![Change::RemoveServer(name.clone())];
        on_thread(&running.index, move |index| index.apply(&removed)).await
    }

    /// Begins to read a server that is newer than what is known of it.
    async fn look(&mut self, running: &Running, server: Server) -> Result<(), sqlx::Error> {
        let name = server.name.clone();
        if let Some(reading) = self.reading.get(&name) {
            if server.version >= reading.to.version {
                return Ok(());
            }
            self.drop_read(running, &name).await?;
        }
        let known = running.known(&name);
        let set_back = known.as_ref().is_some_and(|known| known.was_set_back(&server));
        let version = known.as_ref().map_or(0, |known| known.version);
        if !set_back && known.is_some() && version >= server.version {
            return Ok(());
        }
        let share = running.store.share(&name).await?;
        if known.as_ref().is_none_or(|known| known.share != share) {
            let (of, share) = (name.clone(), share.clone());
            on_thread(&running.index, move |index| index.set_share(&of, share)).await?;
        }
        if set_back {
            tracing::warn!(server = %name, "the database was set back; the server is read anew");
        }
        let anew = set_back || version < server.floor;
        if anew && known.is_some() {
            self.drop_read(running, &name).await?;
        }
        let after = match anew || known.is_none() {
            true => After::Id(String::new()),
            // No ID is empty.
            false => After::Version(version + 1, String::new()),
        };
        let to = server;
        self.reading.insert(name, Reading { to, share, after });
        Ok(())
    }

    /// Reads a page of a server.
    async fn page(&mut self, running: &Running, name: &ServerName) -> Result<(), sqlx::Error> {
        let Some(reading) = self.reading.get_mut(name) else {
            return Ok(());
        };
        // What is copied comes before the row that says so: where that was broken off, it is found nevertheless.
        let to = match &running.first {
            Some(_) => i64::MAX,
            None => reading.to.version,
        };
        let rows = running.store.entries(name, &reading.after, to, PAGE).await?;
        let is_last = (rows.len() as i64) < PAGE;
        if let Some(last) = rows.last() {
            match &mut reading.after {
                After::Id(id) => id.clone_from(&last.id),
                After::Version(version, id) => {
                    *version = last.version;
                    id.clone_from(&last.id);
                }
            }
        }
        if !running.is_ready() {
            running
                .progress
                .read
                .fetch_add(rows.len() as u64, Ordering::Relaxed);
        }
        for row in rows {
            match change(name, &row) {
                Ok(change) => self.changes.extend(change),
                Err(error) => {
                    // One that cannot be read must not hide all others.
                    tracing::warn!(server = %name, id = ?row.id, %error, "an entry cannot be read");
                    Counts::add(&running.counts.unreadable, 1);
                }
            }
        }
        if is_last {
            self.read.extend(self.reading.remove(name));
        }
        Ok(())
    }

    /// Tells the index, and then everybody, of what was read.
    async fn flush(&mut self, running: &Running) -> Result<(), sqlx::Error> {
        let changes = std::mem::take(&mut self.changes);
        if !changes.is_empty() {
            on_thread(&running.index, move |index| index.apply(&changes)).await?;
        }
        for Reading { to, share, .. } in self.read.drain(..) {
            if !to.active {
                running.presences.forget(&to.name);
            }
            let known = Known {
                active: to.active,
                feed: to.feed,
                position: to.position,
                entries: to.entries,
                changed_ms: to.changed_ms,
                share,
                incarnation: to.incarnation,
                version: to.version,
            };
            running.servers.send_modify(|servers| {
                servers.insert(to.name, known);
            });
        }
        Ok(())
    }
}

/// Lets the index work without holding up the tasks of others.
async fn on_thread(index: &Index, work: impl FnOnce(&Index) + Send + 'static) -> Result<(), sqlx::Error> {
    let index = index.clone();
    let done = tokio::task::spawn_blocking(move || work(&index)).await;
    done.map_err(|_| sqlx::Error::WorkerCrashed)
}

fn change(server: &ServerName, row: &Row) -> serde_json::Result<Option<Change>> {
    if let Some(entry) = row.entry()? {
        return Ok(Some(Change::put(entry)));
    }
    let removed = || {
        let (kind, id) = row.id.split_once(' ')?;
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind)?;
        Some(Change::Remove(EntryId {
            server: server.clone(),
            kind,
            id: id.to_owned(),
        }))
    };
    Ok(removed())
}

/// Says that this instance is there, learns which others are, and forgets what nobody needs.
pub(crate) async fn beat(running: Arc<Running>) {
    const BEAT_EVERY: Duration = Duration::from_secs(5);
    const TIDY_EVERY: u32 = 12;
    let mut beats = 0_u32;
    loop {
        let beaten = running
            .store
            .beat(running.facts.name.as_str(), &running.address)
            .await;
        running.written.send_replace(beaten.is_ok());
        match beaten {
            Ok(instances) => {
                let addresses: BTreeSet<String> =
                    instances.into_iter().map(|instance| instance.address).collect();
                let addresses: Vec<String> = addresses.into_iter().collect();
                running.instances.send_if_modified(|known| {
                    let is_new = *known != addresses;
                    *known = addresses;
                    is_new
                });
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
