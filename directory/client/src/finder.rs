//! Asks the Directory for people, and never waits long for it.

mod cache;

use crate::{Code, Presence, talk, wire};
use cache::Cache;
use plenary_contracts::directory::v1::{
    self as pb, FindRequest, GetRequest, StatusRequest, directory_client::DirectoryClient,
};
use plenary_identity::Identity;
use plenary_model::ServerName;
use plenary_people::{Entry, EntryId, Kind, Share, Viewer};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

/// An instance that did not answer is asked last for so long.
const SHUN: Duration = Duration::from_secs(2);
/// Connections are kept warm by asking how the Directory is; the answer may take longer than anybody would wait.
const WARM_EVERY: Duration = Duration::from_secs(10);
const WARM_WITHIN: Duration = Duration::from_secs(8);

/// Where the Directory is, and how long it may take.
#[derive(Debug, Clone)]
pub struct FinderOptions {
    /// Name of the Directory; `None`: the one of the enterprise.
    pub directory: Option<ServerName>,
    /// `host:port` of instances; those that the Directory names are added.
    pub addresses: Vec<String>,
    /// For an answer, from whichever instance.
    pub deadline: Duration,
    /// The same question is not asked again within this.
    pub fresh: Duration,
    /// While the Directory is away, an answer counts for so long.
    pub stale: Duration,
}

impl FinderOptions {
    /// The usual ones.
    pub fn new(directory: Option<ServerName>, addresses: Vec<String>) -> Self {
        Self {
            directory,
            addresses,
            deadline: Duration::from_millis(300),
            fresh: Duration::from_secs(2),
            stale: Duration::from_secs(60),
        }
    }
}

/// What somebody looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Of this server.
    pub viewer: Viewer,
    pub words: String,
    /// At most 50.
    pub limit: u32,
    /// Of these kinds only; none: all.
    pub kinds: Vec<Kind>,
    /// Up to `limit` of this server beside as many of the others, for whoever shows not all of the own ones.
    pub own_beside: bool,
}

/// Somebody who was found, as the viewer may see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub entry: Entry,
    pub presence: Presence,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The best first.
    pub hits: Vec<Hit>,
    /// The Directory is away: this is what it said some seconds ago.
    pub stale: bool,
}

/// Why nothing was found out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    #[error("the Directory does not answer ({0}); people of this server are found as always")]
    Away(String),
    #[error("{reason}")]
    Refused { code: Code, reason: String },
}

/// The Directory as an instance of it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    pub directory: String,
    pub version: String,
    /// What this server shows.
    pub share: Share,
    pub servers: Vec<ServerState>,
}

/// A server that is connected with the Directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerState {
    pub server: String,
    /// Whether its feed is heard.
    pub connected: bool,
    pub entries: u64,
    /// Milliseconds since 1970; 0: nothing yet.
    pub changed_ms: u64,
    pub position: u64,
    /// It finds people of this server, which finds none of its own.
    pub sees_only: bool,
}

/// Servers of the enterprise, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    pub servers: Vec<String>,
    /// Known by this the next time.
    digest: Vec<u8>,
}

/// The way to the Directory for questions; one for a node, cheap to clone.
#[derive(Clone)]
pub struct Finder(Arc<Inner>);

struct Inner {
    identity: Identity,
    options: FinderOptions,
    state: Mutex<State>,
    cache: Mutex<Cache>,
    warming: Mutex<Option<JoinHandle<()>>>,
}

struct State {
    /// In the order in which they were learnt.
    addresses: Vec<String>,
    clients: BTreeMap<String, DirectoryClient<Channel>>,
    shunned: BTreeMap<String, Instant>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(warming) = lock(&self.warming).take() {
            warming.abort();
        }
    }
}

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finder")
            .field("options", &self.0.options)
            .finish()
    }
}

impl Finder {
    /// Begins to connect.
    pub fn open(identity: Identity, options: FinderOptions) -> Self {
        let state = State {
            addresses: options.addresses.clone(),
            clients: BTreeMap::new(),
            shunned: BTreeMap::new(),
        };
        let inner = Arc::new(Inner {
            identity,
            options,
            state: Mutex::new(state),
            cache: Mutex::default(),
            warming: Mutex::default(),
        });
        let weak = Arc::downgrade(&inner);
        let warming = tokio::spawn(async move {
            let mut tick = tokio::time::interval(WARM_EVERY);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                let Some(inner) = weak.upgrade() else { return };
                Self(inner).warm().await;
            }
        });
        *lock(&inner.warming) = Some(warming);
        Self(inner)
    }

    /// Whom the words mean.
    ///
    /// # Errors
    /// [`FindError::Away`] within the deadline, else what the Directory has against the question.
    pub async fn find(&self, question: &Question) -> Result<Answer, FindError> {
        let (fresh, stale) = (self.0.options.fresh, self.0.options.stale);
        if let Some(hits) = lock(&self.0.cache).get(question, fresh, Instant::now()) {
            return Ok(Answer { hits, stale: false });
        }
        let request = FindRequest {
            viewer: Some(wire::viewer_to(&question.viewer)),
            words: question.words.clone(),
            limit: question.limit,
            kinds: question
                .kinds
                .iter()
                .map(|kind| kind.as_str().to_owned())
                .collect(),
            own_beside: question.own_beside,
        };
        let asked = self.ask(self.0.options.deadline, async move |mut client| {
            client.find(request.clone()).await
        });
        match asked.await {
            Ok(answer) => {
                let hits: Vec<Hit> = answer.hits.into_iter().filter_map(hit_from).collect();
                lock(&self.0.cache).put(question, hits.clone(), stale, Instant::now());
                Ok(Answer { hits, stale: false })
            }
            Err(FindError::Away(reason)) => {
                let kept = lock(&self.0.cache).get(question, stale, Instant::now());
                let kept = kept.map(|hits| Answer { hits, stale: true });
                kept.ok_or(FindError::Away(reason))
            }
            Err(refused) => Err(refused),
        }
    }

    /// One entry, as the viewer may see it; `None` where there is none, or it may not be seen.
    ///
    /// # Errors
    /// As [`Finder::find`].
    pub async fn get(&self, viewer: &Viewer, id: &EntryId) -> Result<Option<Hit>, FindError> {
        let request = GetRequest {
            viewer: Some(wire::viewer_to(viewer)),
            id: Some(wire::id_to(id)),
        };
        let asked = self.ask(self.0.options.deadline, async move |mut client| {
            client.get(request.clone()).await
        });
        match asked.await {
            Ok(answer) => Ok(answer.hit.and_then(hit_from)),
            Err(FindError::Refused {
                code: Code::NotFound, ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How the Directory is, for administrators.
    ///
    /// # Errors
    /// As [`Finder::find`], only later.
    pub async fn overview(&self) -> Result<Overview, FindError> {
        let asked = self.ask(WARM_WITHIN, async |mut client| {
            client.status(StatusRequest::default()).await
        });
        let answer = asked.await?;
        let servers = answer.servers.into_iter().map(|server| ServerState {
            server: server.server,
            connected: server.connected,
            entries: server.entries,
            changed_ms: server.changed_ms,
            position: server.position,
            sees_only: server.sees_only,
        });
        Ok(Overview {
            directory: answer.directory,
            version: answer.version,
            share: wire::share_from(answer.share).unwrap_or_else(|_| Share::nothing()),
            servers: servers.collect(),
        })
    }

    /// Which servers this one may meet: those that it sees, and those that see it. Costs little while they are the same.
    ///
    /// # Errors
    /// As [`Finder::overview`].
    pub async fn names(&self, known: &Names) -> Result<Names, FindError> {
        let names = known.digest.clone();
        let asked = self.ask(WARM_WITHIN, async move |mut client| {
            let request = StatusRequest {
                names: names.clone(),
                without_servers: false,
            };
            client.status(request).await
        });
        let answer = asked.await?;
        if !answer.names.is_empty() && answer.names == known.digest {
            return Ok(known.clone());
        }
        Ok(Names {
            servers: answer.servers.into_iter().map(|row| row.server).collect(),
            digest: answer.names,
        })
    }

    /// Asks one instance after the other, those that answered last first, until the time is over.
    async fn ask<T>(
        &self,
        within: Duration,
        call: impl AsyncFn(DirectoryClient<Channel>) -> Result<tonic::Response<T>, tonic::Status>,
    ) -> Result<T, FindError> {
        let until = Instant::now() + within;
        let clients = self.clients();
        let mut reasons = Vec::new();
        let mut left = clients.len();
        for (address, client) in clients {
            let now = Instant::now();
            // The first gets half of the time where there is another one.
            let part = (until.saturating_duration_since(now)) / left.clamp(1, 2) as u32;
            left -= 1;
            if part.is_zero() {
                break;
            }
            let reason = match tokio::time::timeout(part, call(client)).await {
                Ok(Ok(answer)) => {
                    lock(&self.0.state).shunned.remove(&address);
                    return Ok(answer.into_inner());
                }
                Ok(Err(status)) => match Code::of(&status) {
                    None | Some(Code::Away | Code::Follows) => status.message().to_owned(),
                    Some(code) => {
                        let reason = status.message().to_owned();
                        return Err(FindError::Refused { code, reason });
                    }
                },
                Err(_) => format!("nothing within {} ms", part.as_millis()),
            };
            lock(&self.0.state)
                .shunned
                .insert(address.clone(), Instant::now() + SHUN);
            reasons.push(format!("{address}: {reason}"));
        }
        if reasons.is_empty() {
            reasons.push("no address of it is known".to_owned());
        }
        Err(FindError::Away(reasons.join("; ")))
    }

    /// All instances, those that are shunned last.
    fn clients(&self) -> Vec<(String, DirectoryClient<Channel>)> {
        let options = &self.0.options;
        let mut state = lock(&self.0.state);
        let now = Instant::now();
        state.shunned.retain(|_, until| *until > now);
        let mut addresses = state.addresses.clone();
        addresses.sort_by_key(|address| state.shunned.contains_key(address));
        let client = |address: String| {
            if let Some(client) = state.clients.get(&address) {
                return Some((address, client.clone()));
            }
            match talk::client(
                &self.0.identity,
                options.directory.as_ref(),
                &address,
                WARM_WITHIN,
            ) {
                Ok(client) => {
                    state.clients.insert(address.clone(), client.clone());
                    Some((address, client))
                }
                Err(error) => {
                    tracing::warn!(%address, %error, "this is no address of a Directory");
                    None
                }
            }
        };
        addresses.into_iter().filter_map(client).collect()
    }

    /// Makes connections before somebody waits for them, and learns of other instances.
    async fn warm(&self) {
        for (address, mut client) in self.clients() {
            let request = StatusRequest {
                without_servers: true,
                ..StatusRequest::default()
            };
            let asked = tokio::time::timeout(WARM_WITHIN, client.status(request)).await;
            let mut state = lock(&self.0.state);
            match asked {
                Ok(Ok(answer)) => {
                    state.shunned.remove(&address);
                    state.addresses = talk::known(&self.0.options.addresses, answer.into_inner().addresses);
                    let State {
                        addresses, clients, ..
                    } = &mut *state;
                    clients.retain(|address, _| addresses.contains(address));
                }
                // It answers, if only that it does not serve us.
                Ok(Err(status)) if Code::of(&status).is_some() => {}
                Ok(Err(_)) | Err(_) => {
                    state.shunned.insert(address, Instant::now() + SHUN);
                }
            }
        }
    }
}

fn hit_from(hit: pb::Hit) -> Option<Hit> {
    Some(Hit {
        entry: wire::entry_from(hit.entry?).ok()?,
        presence: wire::presence_from(hit.presence),
    })
}

/// What these locks guard is whole after every operation, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
