//! The Directory of the enterprise: this node asks it, and tells it of the server while it leads (ENT-03).
//!
//! ```text
//!  log ──► known: key, position, presence ──Source──► feed, on the leader ──► Directory
//!                        │ addresses                                              │
//!                        └──────────────► finder, on each node ◄── people ────────┘
//! ```

mod feed;
mod search;
mod servers;
mod source;

use crate::{options::system, secret::random_bytes, server::Server};
use feed::{credentials, keep_feed};
use plenary_access::{Change, Command, DirectoryLink, DirectorySecret, NewDirectoryLink, Presence};
use plenary_directory_client::{FindError, Finder, FinderOptions, Key, Standing};
use plenary_model::{Buckets, NodeId, UserName};
use plenary_replication::Role;
use plenary_rest_api::backend::{DirectoryServer, DirectoryStanding, DirectoryView, LeftOut, ReadError};
use plenary_store::{
    Changes,
    queries::{self, DirectoryPlace},
};
use servers::note_servers;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{broadcast, watch},
    task::JoinSet,
    time::Instant,
};

/// Changes that come together are read together.
const GATHER: Duration = Duration::from_millis(50);
/// Presence is told no more often than this, and costs more to read.
const PRESENCE_EVERY: Duration = Duration::from_millis(250);
/// It is looked so often whether this node leads.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A page waits for the Directory at most so long.
const OVERVIEW_WITHIN: Duration = Duration::from_secs(2);
/// An answer counts for so long: what is new is found everywhere within two seconds.
const FRESH: Duration = Duration::from_millis(500);
/// What one person may search: at once, and a second.
const SEARCHES: (f64, f64) = (50.0, 10.0);

/// What this node knows for the Directory.
#[derive(Debug, Clone, Default, PartialEq)]
struct Known {
    place: Option<DirectoryPlace>,
    /// While it leads.
    presence: BTreeMap<UserName, Presence>,
}

/// This node's ways to the Directory.
pub(crate) struct Directory {
    finder: Mutex<Option<(Vec<String>, Finder)>>,
    /// Of the feed, while this node leads.
    standing: Mutex<Option<watch::Receiver<Standing>>>,
    /// What was read earlier is not known later.
    reading: tokio::sync::Mutex<()>,
    searches: Buckets<UserName>,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            finder: Mutex::default(),
            standing: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            searches: Buckets::new(SEARCHES.0, SEARCHES.1),
        }
    }
}

/// What other nodes hear of how the leader tells the Directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Word {
    /// Why it is not told: a stable word or none, and a sentence; both empty where it is.
    pub(crate) trouble: (String, String),
    pub(crate) left_out: u64,
    pub(crate) left_out_last: String,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Directory {
    fn finder(&self) -> Option<Finder> {
        lock(&self.finder).as_ref().map(|(_, finder)| finder.clone())
    }

    fn standing(&self) -> Option<Standing> {
        lock(&self.standing)
            .as_ref()
            .map(|standing| standing.borrow().clone())
    }

    /// How this node tells the Directory, as other nodes are told.
    pub(crate) fn word(&self) -> Word {
        let standing = self.standing().unwrap_or_default();
        let code = |code: plenary_directory_client::Code| code.to_string();
        Word {
            trouble: standing.trouble.map_or_else(Default::default, |trouble| {
                (trouble.code.map(code).unwrap_or_default(), trouble.reason)
            }),
            left_out: standing.left_out,
            left_out_last: standing.left_out_last.unwrap_or_default(),
        }
    }
}

/// Sees to the Directory on this node.
pub(crate) fn start(tasks: &mut JoinSet<()>, server: &Arc<Server>, changes: broadcast::Receiver<Changes>) {
    let (known, _) = watch::channel(Known::default());
    let known = Arc::new(known);
    tasks.spawn(follow(server.clone(), known.clone(), changes));
    tasks.spawn(keep_feed(server.clone(), known));
    tasks.spawn(note_servers(server.clone()));
}

/// Keeps what is known as the log has it, and the way to ask.
async fn follow(
    server: Arc<Server>,
    known: Arc<watch::Sender<Known>>,
    mut changes: broadcast::Receiver<Changes>,
) {
    let mut led = false;
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut read_at: Option<Instant> = None;
    let mut presence_at: Option<Instant> = None;
    let mut presence_waits = false;
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = look.tick() => {
                let is_same = server.leading().is_some() == led && read_at.is_some();
                if is_same && !presence_waits { continue }
            }
        }
        if read_at.is_some_and(|at| at.elapsed() < GATHER) {
            tokio::time::sleep(GATHER).await;
        }
        // What came meanwhile is read now.
        while changes.try_recv().is_ok() {}
        led = server.leading().is_some();
        let presence = led && presence_at.is_none_or(|at| at.elapsed() >= PRESENCE_EVERY);
        match renew(&server, &known, led, presence).await {
            Ok(()) => {
                read_at = Some(Instant::now());
                presence_waits = led && !presence;
                if presence {
                    presence_at = read_at;
                }
            }
            Err(error) => {
                read_at = None;
                tracing::debug!(%error, "what the Directory is to be told cannot be read; it is tried again");
            }
        }
    }
}

/// Reads what the Directory is to know. Without `presence` that of a moment ago stays.
async fn renew(
    server: &Server,
    known: &watch::Sender<Known>,
    leads: bool,
    presence: bool,
) -> Result<(), ReadError> {
    let _turn = server.directory.reading.lock().await;
    let mut now = read(server, leads && presence).await?;
    keep_finder(server, now.place.as_ref());
    known.send_if_modified(|known| {
        if leads && !presence && now.place.is_some() {
            now.presence = std::mem::take(&mut known.presence);
            let is_other = known.place != now.place;
            *known = now;
            return is_other;
        }
        let is_other = *known != now;
        *known = now;
        is_other
    });
    Ok(())
}

async fn read(server: &Server, presence: bool) -> Result<Known, ReadError> {
    let name = server.facts.server.clone();
    server
        .query(move |db| {
            let place = queries::directory_place(db)?;
            let presence = match &place {
                Some(_) if presence => queries::directory_presence(db, &name)?,
                _ => BTreeMap::new(),
            };
            Ok(Known { place, presence })
        })
        .await
}

/// Has a way to ask while the server is in the Directory.
fn keep_finder(server: &Server, place: Option<&DirectoryPlace>) {
    let wanted = place.filter(|place| place.link.is_on());
    let mut finder = lock(&server.directory.finder);
    match wanted {
        None => *finder = None,
        Some(place) if finder.as_ref().is_some_and(|(at, _)| *at == place.link.addresses) => {}
        Some(place) => {
            let addresses = place.link.addresses.clone();
            let options = FinderOptions {
                fresh: FRESH,
                ..FinderOptions::new(None, addresses.clone())
            };
            *finder = Some((addresses, Finder::open(server.identity.clone(), options)));
        }
    }
}

async fn tell(server: &Server, change: Change) {
    let command = Command {
        by: system(),
        idempotency: None,
        change,
    };
    if let Err(error) = server.propose_command(&command).await {
        tracing::debug!(%error, "a word about the Directory was not committed; it is tried again");
    }
}

impl Server {
    /// The term of this node's leadership, while it leads: not where it has lost its majority, and somebody else may lead.
    fn leading(&self) -> Option<u64> {
        let status = self.replica.status();
        let leads = status.role == Role::Leader && status.leader == Some(self.me().0);
        leads.then_some(status.term)
    }

    /// The Directory, as this node knows it.
    pub(crate) async fn directory_view(&self) -> Result<Option<DirectoryView>, ReadError> {
        let Some(link) = self.query(queries::directory).await? else {
            return Ok(None);
        };
        let asked = match self.directory.finder() {
            Some(finder) => {
                let late = |_| Err(FindError::Away("it does not answer".into()));
                let asked = tokio::time::timeout(OVERVIEW_WITHIN, finder.overview()).await;
                Some(asked.unwrap_or_else(late))
            }
            None => None,
        };
        let mut standing = DirectoryStanding::default();
        match asked {
            Some(Ok(overview)) => {
                let me = self.facts.server.as_str();
                standing.connected = overview
                    .servers
                    .iter()
                    .any(|row| row.server == me && row.connected);
                standing.name = Some(overview.directory);
                let rows = overview.servers.into_iter().filter(|row| !row.sees_only);
                standing.servers = rows
                    .map(|row| DirectoryServer {
                        server: row.server,
                        connected: row.connected,
                        entries: row.entries,
                        changed_ms: row.changed_ms,
                    })
                    .collect();
            }
            Some(Err(FindError::Refused { code, reason })) => {
                standing.trouble = Some((Some(code.to_string()), reason));
            }
            Some(Err(FindError::Away(reason))) => standing.trouble = Some((None, reason)),
            None => {}
        }
        if self
            .directory
            .standing()
            .is_some_and(|feed| feed.connected.is_some())
        {
            standing.connected = true;
        }
        // The leader knows best why the server is not let in.
        let Word {
            trouble: (code, reason),
            left_out,
            left_out_last,
        } = self.leaders_word();
        standing.left_out = (left_out > 0).then_some(LeftOut {
            entries: left_out,
            last: left_out_last,
        });
        if !reason.is_empty() && !standing.connected {
            standing.trouble = Some((Some(code).filter(|code| !code.is_empty()), reason));
        }
        Ok(Some(DirectoryView { link, standing }))
    }

    fn leaders_word(&self) -> Word {
        if self.leads() {
            return self.directory.word();
        }
        let leader = self.replica.status().leader;
        let heard = leader.and_then(|leader| self.peers.heard(NodeId(leader)));
        heard.map_or_else(Word::default, |heard| Word {
            trouble: heard.directory_trouble,
            left_out: heard.directory_left_out.0,
            left_out_last: heard.directory_left_out.1,
        })
    }

    /// What an administrator of the Directory needs to let this server in.
    pub(crate) async fn key_for_directory(&self) -> Result<Option<String>, ReadError> {
        let link = self.query(queries::directory).await?.filter(DirectoryLink::is_on);
        let key = |link: DirectoryLink| Key {
            server: self.facts.server.clone(),
            version: crate::server::VERSION.to_owned(),
            nodes: self.known_urls().into_iter().take(16).collect(),
            credentials: credentials(&link),
        };
        Ok(link.map(|link| key(link).encode()))
    }

    /// What a key is made of.
    pub(crate) fn new_directory_link(&self, addresses: Vec<String>) -> NewDirectoryLink {
        let id = random_bytes::<16>();
        NewDirectoryLink {
            addresses,
            client_id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            secret: DirectorySecret(random_bytes()),
            incarnation: random_bytes(),
        }
    }
}
