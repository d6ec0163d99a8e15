//! The rules as a replicated application: the state in memory, and each change of it in SQLite.

use plenary_licences::{
    Answer,
    clock::Reading,
    lessor::{self, Concerns, Lessor, Server, Timers},
    manager::{Command, Denial, Done, Entry, Event, Happened, Manager, Office, Outcome},
};
use plenary_license_manager_client::reading;
use plenary_model::{ServerName, Timestamp};
use plenary_replication::{AppError, Application, Reply as Told, Stamp};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Events that are kept.
const EVENTS: i64 = 100_000;

/// What a proposer is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    Answer(Answer),
    Done(Result<Done, Denial>),
}

/// The state of a License Manager as the replication applies it.
pub(crate) struct App {
    live: Mutex<Live>,
    changed: watch::Sender<u64>,
}

/// The state in memory, with what only this replica knows.
///
/// Invariant: it equals what the tables hold, or `stamp` differs from theirs: a batch that was rolled back.
pub(crate) struct Live {
    manager: Option<Manager>,
    timers: Timers,
    stamp: Place,
}

/// The last command that changed the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Place {
    index: u64,
    position: u32,
}

impl Default for App {
    fn default() -> Self {
        let live = Live {
            manager: None,
            timers: Timers::default(),
            stamp: Place::default(),
        };
        Self {
            live: Mutex::new(live),
            changed: watch::Sender::new(0),
        }
    }
}

impl App {
    /// Lets `f` look at the state; `None` before the first command.
    pub(crate) fn look<T>(&self, f: impl FnOnce(&Manager) -> T) -> Option<T> {
        self.lock().manager.as_ref().map(f)
    }

    /// Lets `f` look at the state, and at what this replica knows of the time of leases.
    pub(crate) fn look_with_timers<T>(&self, f: impl FnOnce(&Manager, &Timers) -> T) -> Option<T> {
        let live = self.lock();
        live.manager.as_ref().map(|manager| f(manager, &live.timers))
    }

    /// What time decides, for the leader to propose.
    pub(crate) fn due(&self, now: Reading) -> Vec<lessor::Command> {
        let Live { manager, timers, .. } = &mut *self.lock();
        manager
            .as_ref()
            .map_or_else(Vec::new, |manager| timers.due(&manager.lessor, now))
    }

    /// Follows what is committed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command as the log has it.
pub(crate) fn encode(entry: &Entry) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    rmp_serde::to_vec_named(entry)
}

/// What was told to a proposer.
pub(crate) fn decode_reply(bytes: &[u8]) -> anyhow::Result<Reply> {
    Ok(rmp_serde::from_slice(bytes)?)
}

fn defect(error: impl std::fmt::Display) -> AppError {
    AppError::Defect(format!("{error}; a newer version may have written it"))
}

/// The state that a database holds.
pub(crate) fn load(db: &Connection) -> Result<Option<Manager>, AppError> {
    let Some(lessor) = get::<Lessor>(db, "lessor")? else {
        return Ok(None);
    };
    let covers: Option<Option<BTreeSet<ServerName>>> = get(db, "covers")?;
    let office: Option<Office> = get(db, "office")?;
    let mut servers = BTreeMap::new();
    let mut query = db.prepare("SELECT name, value FROM servers ORDER BY name")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let server: Server =
            serde_json::from_str(row.get_ref(1)?.as_str().map_err(defect)?).map_err(defect)?;
        servers.insert(name.parse().map_err(defect)?, server);
    }
    Ok(Some(Manager {
        lessor: lessor.with_servers(servers, covers.flatten()),
        office: office.unwrap_or_default(),
    }))
}

fn get<T: DeserializeOwned>(db: &Connection, key: &str) -> Result<Option<T>, AppError> {
    let mut query = db.prepare_cached("SELECT value FROM manager WHERE key = ?")?;
    let text: Option<String> = query.query_row([key], |row| row.get(0)).optional()?;
    text.map(|text| serde_json::from_str(&text).map_err(defect))
        .transpose()
}

fn put(db: &Connection, key: &str, value: &impl Serialize) -> Result<(), AppError> {
    let text = serde_json::to_string(value).map_err(defect)?;
    db.prepare_cached("INSERT OR REPLACE INTO manager (key, value) VALUES (?, ?)")?
        .execute([key, &text])?;
    Ok(())
}

fn put_server(db: &Connection, name: &ServerName, server: Option<&Server>) -> Result<(), AppError> {
    let Some(server) = server else { return Ok(()) };
    let text = serde_json::to_string(server).map_err(defect)?;
    db.prepare_cached("INSERT OR REPLACE INTO servers (name, value) VALUES (?, ?)")?
        .execute([name.as_str(), &text])?;
    Ok(())
}

/// The newest events first, older than number `before`.
pub(crate) fn events(
    db: &Connection,
    before: Option<i64>,
    most: u32,
) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut query =
        db.prepare("SELECT number, content FROM events WHERE number < ? ORDER BY number DESC LIMIT ?")?;
    let rows = query.query_map(params![before.unwrap_or(i64::MAX), most], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect()
}

fn put_events(db: &Connection, events: &[Happened]) -> Result<(), AppError> {
    for event in events {
        let text = serde_json::to_string(event).map_err(defect)?;
        db.prepare_cached(
            "INSERT INTO events (number, content) SELECT coalesce(max(number), 0) + 1, ? FROM events",
        )?
        .execute([&text])?;
    }
    if !events.is_empty() {
        db.prepare_cached("DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - ?")?
            .execute([EVENTS])?;
    }
    Ok(())
}

/// Writes what a command changed.
fn save(db: &Connection, manager: &Manager, entry: &Entry, outcome: &Outcome) -> Result<(), AppError> {
    put(db, "lessor", &manager.lessor.without_servers())?;
    let servers = manager.lessor.servers();
    match &entry.command {
        Command::Lend(command) => {
            match command.concerns() {
                Concerns::Nobody => {}
                Concerns::One(name) => put_server(db, name, servers.get(name))?,
                Concerns::All => {
                    for (name, server) in servers {
                        put_server(db, name, Some(server))?;
                    }
                }
            }
            if matches!(command, lessor::Command::Licensed { .. }) {
                put(db, "covers", &manager.lessor.covered())?;
            }
        }
        _ => put(db, "office", &manager.office)?,
    }
    put_events(db, &outcome.events)
}

impl Application for App {
    type Notice = ();

    fn migrate(&self, database: &mut Connection) -> Result<(), AppError> {
        database.execute_batch(
            "CREATE TABLE IF NOT EXISTS manager (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS servers (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT;",
        )?;
        self.lock().load(database)
    }

    fn apply(&self, transaction: &Transaction<'_>, at: Stamp, command: &[u8]) -> Result<Told<()>, AppError> {
        let entry: Entry = rmp_serde::from_slice(command).map_err(defect)?;
        let mut live = self.lock();
        let stamp: Place = get(transaction, "stamp")?.unwrap_or_default();
        if live.stamp != stamp {
            live.load(transaction)?;
        }
        let reply = live.apply(at, &entry, transaction)?;
        Ok(Told {
            bytes: rmp_serde::to_vec_named(&reply).map_err(defect)?,
            notices: vec![()],
        })
    }

    fn committed(&self, index: u64, _: Vec<()>) {
        self.changed.send_replace(index);
    }

    fn reset(&self, index: u64) {
        self.changed.send_replace(index);
    }
}

impl Live {
    fn load(&mut self, db: &Connection) -> Result<(), AppError> {
        self.stamp = get(db, "stamp")?.unwrap_or_default();
        self.manager = load(db)?;
        // Leases count from here: what this replica knew of their time is gone.
        self.timers = match &self.manager {
            Some(manager) => Timers::new(&manager.lessor, reading()),
            None => Timers::default(),
        };
        Ok(())
    }

    fn apply(&mut self, at: Stamp, entry: &Entry, db: &Connection) -> Result<Reply, AppError> {
        // Told apart from what the tables hold until they hold all of it.
        self.stamp = Place {
            index: u64::MAX,
            position: 0,
        };
        if self.manager.is_none() {
            self.manager = Manager::begin(entry);
        }
        let manager = self
            .manager
            .as_mut()
            .ok_or_else(|| defect("the log does not begin with the beginning of a License Manager"))?;
        let outcome = manager.apply(at.index, Timestamp(at.now_ms), entry);
        if let Command::Lend(command) = &entry.command {
            self.timers
                .applied(&manager.lessor, command, &lent(&outcome), reading());
        }
        save(db, manager, entry, &outcome)?;
        let stamp = Place {
            index: at.index,
            position: at.position,
        };
        put(db, "stamp", &stamp)?;
        self.stamp = stamp;
        Ok(match outcome.answer {
            Some(answer) => Reply::Answer(answer),
            None => Reply::Done(outcome.done),
        })
    }
}

/// What the timers are told of an outcome.
fn lent(outcome: &Outcome) -> lessor::Outcome {
    let events = outcome
        .events
        .iter()
        .filter_map(|happened| match &happened.event {
            Event::Lease(event) => Some(event.clone()),
            _ => None,
        });
    lessor::Outcome {
        answer: None,
        events: events.collect(),
        touched: outcome.touched.clone(),
    }
}
