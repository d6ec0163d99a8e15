//! The Directory of the enterprise: this node asks it, and tells it of the server while it leads (ENT-03).
//!
//! ```text
//!  log ──► known: key, position, presence ──Source──► feed, on the leader ──► Directory
//!                        │ addresses                                              │
//!                        └──────────────► finder, on each node ◄── people ────────┘
//! ```

mod search;
mod source;

use crate::{options::system, secret::random_bytes, server::Server};
use plenary_access::{Actor, Change, Command, DirectoryLink, DirectorySecret, NewDirectoryLink, Presence};
use plenary_directory_client::{
    Credentials, Feed, FeedOptions, FindError, Finder, FinderOptions, Key, Overview, Standing,
};
use plenary_identity::JoinSecret;
use plenary_model::{NodeId, ServerName, UserName};
use plenary_rest_api::backend::{
    Applied, Backend as _, DirectoryServer, DirectoryStanding, DirectoryView, ReadError, WriteError,
};
use plenary_store::{
    Changes,
    queries::{self, DirectoryPlace},
};
use source::Told;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{broadcast, watch},
    task::JoinSet,
    time::Instant,
};

/// Changes that come together are read together, and presence no more often than this.
const GATHER: Duration = Duration::from_millis(50);
/// It is looked so often whether this node leads.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often the leader asks which servers there are, and that a page waits for it at most.
const SERVERS_EVERY: Duration = Duration::from_secs(5);
const OVERVIEW_WITHIN: Duration = Duration::from_secs(2);
/// An answer counts for so long: what is new is found everywhere within two seconds.
const FRESH: Duration = Duration::from_millis(500);
/// A new leader that is behind is asked again.
const FRESH_AGAIN: Duration = Duration::from_millis(500);

/// What this node knows for the Directory.
#[derive(Debug, Clone, Default, PartialEq)]
struct Known {
    place: Option<DirectoryPlace>,
    /// While it leads.
    presence: BTreeMap<UserName, Presence>,
}

/// This node's ways to the Directory.
#[derive(Default)]
pub(crate) struct Directory {
    finder: Mutex<Option<(Vec<String>, Finder)>>,
    /// Of the feed, while this node leads.
    standing: Mutex<Option<watch::Receiver<Standing>>>,
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

    /// Why the Directory is not told, as other nodes are told: a stable word or none, and a sentence; both empty where it is.
    pub(crate) fn trouble(&self) -> (String, String) {
        let trouble = self.standing().and_then(|standing| standing.trouble);
        trouble.map_or_else(Default::default, |trouble| {
            (
                trouble.code.map(|code| code.to_string()).unwrap_or_default(),
                trouble.reason,
            )
        })
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
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = look.tick() => if server.leads() == led && read_at.is_some() { continue },
        }
        if read_at.is_some_and(|at| at.elapsed() < GATHER) {
            tokio::time::sleep(GATHER).await;
        }
        // What came meanwhile is read now.
        while changes.try_recv().is_ok() {}
        led = server.leads();
        match read(&server, led).await {
            Ok(now) => {
                read_at = Some(Instant::now());
                keep_finder(&server, now.place.as_ref());
                known.send_if_modified(|known| {
                    let is_other = *known != now;
                    *known = now;
                    is_other
                });
            }
            Err(error) => {
                read_at = None;
                tracing::debug!(%error, "what the Directory is to be told cannot be read; it is tried again");
            }
        }
    }
}

async fn read(server: &Server, leads: bool) -> Result<Known, ReadError> {
    let name = server.facts.server.clone();
    server
        .query(move |db| {
            let place = queries::directory_place(db)?;
            let presence = match &place {
                Some(_) if leads => queries::directory_presence(db, &name)?,
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

/// What another feed is needed for.
type FeedOf = (String, Vec<String>);

/// Tells the Directory while this node leads.
async fn keep_feed(server: Arc<Server>, known: Arc<watch::Sender<Known>>) {
    let mut seen = known.subscribe();
    let mut feed: Option<(FeedOf, Feed)> = None;
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let link = seen
            .borrow_and_update()
            .place
            .as_ref()
            .map(|place| place.link.clone());
        let wanted = link.filter(|_| server.leads());
        let of = wanted
            .as_ref()
            .map(|link| (link.client_id.clone(), link.addresses.clone()));
        if feed.as_ref().map(|(of, _)| of) != of.as_ref() {
            *lock(&server.directory.standing) = None;
            feed = None;
            if let (Some(link), Some(of)) = (&wanted, of) {
                // The new leader may be behind what the old one told.
                if server.fresh().await.is_err() {
                    tokio::time::sleep(FRESH_AGAIN).await;
                    continue;
                }
                let opened = open(&server, &known, link);
                *lock(&server.directory.standing) = Some(opened.standing());
                feed = Some((of, opened));
            }
        }
        if let Some(link) = wanted.filter(|link| !link.is_on())
            && has_left(&server, &link)
        {
            leave(&server, link).await;
        }
        tokio::select! {
            changed = seen.changed() => if changed.is_err() { return },
            _ = look.tick() => {}
        }
    }
}

fn open(server: &Arc<Server>, known: &Arc<watch::Sender<Known>>, link: &DirectoryLink) -> Feed {
    let options = FeedOptions::new(None, link.addresses.clone());
    let source = Told::new(server.clone(), known.subscribe());
    Feed::open(
        server.identity.clone(),
        credentials(link),
        options,
        Arc::new(source),
    )
}

fn credentials(link: &DirectoryLink) -> Credentials {
    Credentials {
        client_id: link.client_id.clone(),
        secret: JoinSecret::from_slice(&link.secret.0).expect("a secret has 32 bytes"),
    }
}

/// Whether the Directory has nobody of this server any more, who leaves.
fn has_left(server: &Server, link: &DirectoryLink) -> bool {
    use plenary_directory_client::Code;
    let Some(standing) = server.directory.standing() else {
        return false;
    };
    let code = standing.trouble.and_then(|trouble| trouble.code);
    let was_told = standing.connected.is_some()
        && standing
            .durable
            .is_some_and(|position| position >= link.tells_from.0);
    was_told || matches!(code, Some(Code::KeyUnknown | Code::KeyRevoked))
}

async fn leave(server: &Server, link: DirectoryLink) {
    let change = Change::DirectoryLeft {
        client_id: link.client_id,
    };
    tell(server, change).await;
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

/// Keeps in the log which servers the enterprise has: rules that count on all nodes go by that.
async fn note_servers(server: Arc<Server>) {
    let mut look = tokio::time::interval(SERVERS_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        if !server.leads() {
            continue;
        }
        let (Some(finder), Ok(Some(link))) =
            (server.directory.finder(), server.query(queries::directory).await)
        else {
            continue;
        };
        // While the Directory is away, what was known stays.
        let Ok(overview) = finder.overview().await else {
            continue;
        };
        let servers = others(&server.facts.server, &overview);
        if link.is_on() && servers != link.servers {
            tell(&server, Change::NoteDirectoryServers { servers }).await;
        }
    }
}

fn others(me: &ServerName, overview: &Overview) -> BTreeSet<ServerName> {
    // One that has left is still known there, with nothing.
    let there = overview
        .servers
        .iter()
        .filter(|row| row.connected || row.entries > 0);
    let names = there.filter_map(|row| row.server.parse().ok());
    names
        .filter(|name| name != me)
        .take(DirectoryLink::SERVERS)
        .collect()
}

impl Server {
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
                standing.servers = overview
                    .servers
                    .into_iter()
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
        let (code, reason) = self.leaders_trouble();
        if !reason.is_empty() && !standing.connected {
            standing.trouble = Some((Some(code).filter(|code| !code.is_empty()), reason));
        }
        Ok(Some(DirectoryView { link, standing }))
    }

    fn leaders_trouble(&self) -> (String, String) {
        if self.leads() {
            return self.directory.trouble();
        }
        let leader = self.replica.status().leader;
        let heard = leader.and_then(|leader| self.peers.heard(NodeId(leader)));
        heard.map_or_else(Default::default, |heard| heard.directory_trouble)
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

    pub(crate) async fn activate(&self, by: Actor, addresses: Vec<String>) -> Result<Applied, WriteError> {
        let id = random_bytes::<16>();
        let change = Change::ActivateDirectory(NewDirectoryLink {
            addresses,
            client_id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            secret: DirectorySecret(random_bytes()),
            incarnation: random_bytes(),
        });
        self.propose(Command {
            by,
            idempotency: None,
            change,
        })
        .await
    }
}
