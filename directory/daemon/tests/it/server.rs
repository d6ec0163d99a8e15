//! A server that is found and finds: the real client over real links, with a store in memory.

use crate::world::{LONG, World, name};
use plenary_directory_client::{
    Answer, Changes, Code, Credentials, Feed, FeedOptions, FindError, Finder, FinderOptions, Place, Presence,
    Question, Snapshot, Source, SourceError, Standing,
};
use plenary_identity::{Identity, SignedRevocations};
use plenary_people::{Change, Digest, Entry, EntryId, Kind, Share, Viewer};
use plenary_testkit::eventually;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::sync::watch;

pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) identity: Identity,
    pub(crate) credentials: Credentials,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) feed: Option<Feed>,
    pub(crate) finder: Finder,
}

#[derive(Default, Clone)]
pub(crate) struct State {
    pub(crate) incarnation: [u8; 16],
    pub(crate) position: u64,
    pub(crate) tells_from: u64,
    pub(crate) entries: BTreeMap<EntryId, Entry>,
    log: Vec<(u64, Change)>,
    pub(crate) share: Share,
    pub(crate) presence: BTreeMap<String, Presence>,
    /// Digests that are said are those of something else.
    pub(crate) lies: bool,
    /// What the node that tells knows last of where its store is, if that is not how it is.
    pub(crate) knows: Option<Place>,
    /// Counts the terms, if that is not the incarnation.
    pub(crate) store: Option<[u8; 16]>,
    pub(crate) leaves: bool,
    /// Of the leadership of the node that tells.
    pub(crate) term: u64,
    pub(crate) revocations: Option<SignedRevocations>,
}

/// The replicated store of a server.
pub(crate) struct MemoryStore {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl MemoryStore {
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            incarnation: rand::random(),
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
        })
    }

    /// That of another node of the same server, which has the same log.
    pub(crate) fn twin(&self) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(self.state().clone()),
            changed: watch::Sender::new(0),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn change(&self, f: impl FnOnce(&mut State)) {
        f(&mut self.state());
        self.changed.send_modify(|changes| *changes += 1);
    }

    pub(crate) fn commit(&self, changes: impl IntoIterator<Item = Change>) {
        self.change(|state| {
            state.position += 1;
            for change in changes {
                match &change {
                    Change::Put(entry) => drop(state.entries.insert(entry.id.clone(), (**entry).clone())),
                    Change::Remove(id) => drop(state.entries.remove(id)),
                    Change::RemoveServer(_) => {}
                }
                state.log.push((state.position, change));
            }
        });
    }
}

#[async_trait::async_trait]
impl Source for MemoryStore {
    fn place(&self) -> Place {
        let state = self.state();
        state.knows.unwrap_or(Place {
            incarnation: state.incarnation,
            tells_from: state.tells_from,
            position: state.position,
        })
    }

    fn store(&self) -> [u8; 16] {
        let state = self.state();
        state.store.unwrap_or(state.incarnation)
    }

    fn leaves(&self) -> bool {
        self.state().leaves
    }

    fn share(&self) -> Share {
        self.state().share.clone()
    }

    async fn changes(&self, incarnation: [u8; 16], from: u64, most: usize) -> Result<Changes, SourceError> {
        let state = self.state();
        if from < state.tells_from || incarnation != state.incarnation {
            return Err(SourceError::Gone);
        }
        let after = state.log.iter().filter(|(position, _)| *position > from);
        let (mut changes, mut to) = (Vec::new(), state.position);
        for (position, change) in after {
            if changes.len() >= most && *position > to {
                break;
            }
            if changes.len() >= most {
                to = *position;
            }
            changes.push(change.clone());
        }
        Ok(Changes { to, changes })
    }

    async fn snapshot(&self, incarnation: [u8; 16]) -> Result<Snapshot, SourceError> {
        let state = self.state();
        if incarnation != state.incarnation {
            return Err(SourceError::Gone);
        }
        let entries: Vec<Entry> = state.entries.values().cloned().collect();
        let parts: Vec<_> = entries.chunks(300).map(|part| Ok(part.to_vec())).collect();
        Ok(Snapshot {
            position: state.position,
            digest: state.lies.then(|| Digest::from_bytes([7; 32])),
            parts: Box::pin(tokio_stream::iter(parts)),
        })
    }

    fn presence(&self) -> BTreeMap<String, Presence> {
        self.state().presence.clone()
    }

    fn term(&self) -> u64 {
        self.state().term
    }

    fn revocations(&self) -> Option<SignedRevocations> {
        self.state().revocations.clone()
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// Somebody of a server.
pub(crate) fn person(server: &str, user: &str, display_name: &str) -> Entry {
    let id = id(server, user);
    Entry {
        email: format!("{user}@example.com"),
        ..Entry::new(id, display_name)
    }
}

pub(crate) fn id(server: &str, user: &str) -> EntryId {
    EntryId {
        server: name(server),
        kind: Kind::User,
        id: user.into(),
    }
}

impl Server {
    /// A server whose key the Directory was given, and which tells.
    pub(crate) fn connected(world: &World, name: &str) -> Self {
        let credentials = world.invite(name).credentials;
        let mut server = Self::new(world, name, credentials);
        server.tell(world);
        server
    }

    /// One that tells nothing yet.
    pub(crate) fn new(world: &World, name: &str, credentials: Credentials) -> Self {
        let identity = world.identity(name);
        let options = FinderOptions {
            // Builds for tests are slow, and the machine may be busy.
            deadline: Duration::from_secs(5),
            fresh: Duration::ZERO,
            ..FinderOptions::new(None, world.addresses())
        };
        Self {
            name: name.to_owned(),
            identity: identity.clone(),
            credentials,
            store: MemoryStore::new(),
            feed: None,
            finder: Finder::open(identity, options),
        }
    }

    /// Begins to tell, or begins anew.
    pub(crate) fn tell(&mut self, world: &World) {
        self.tell_at(world.addresses());
    }

    /// The same, where only these instances are known.
    pub(crate) fn tell_at(&mut self, addresses: Vec<String>) {
        let options = FeedOptions {
            most_pause: Duration::from_millis(500),
            lasting_pause: Duration::from_secs(2),
            breath: Duration::from_secs(1),
            presence_every: Duration::from_millis(20),
            ..FeedOptions::new(None, addresses)
        };
        let (identity, credentials) = (self.identity.clone(), self.credentials.clone());
        self.feed = Some(Feed::open(identity, credentials, options, self.store.clone()));
    }

    pub(crate) fn put(&self, user: &str, display_name: &str) {
        let entry = person(&self.name, user, display_name);
        self.store.commit([Change::put(entry)]);
    }

    pub(crate) fn standing(&self) -> Standing {
        self.feed.as_ref().unwrap().standing().borrow().clone()
    }

    /// Waits until the Directory has everything on its disk.
    pub(crate) async fn is_told(&self) -> Standing {
        let mut standing = self.feed.as_ref().unwrap().standing();
        let position = self.store.state().position;
        let told = standing.wait_for(|now| now.connected.is_some() && now.durable >= Some(position));
        tokio::time::timeout(LONG, told).await.unwrap().unwrap().clone()
    }

    /// Waits until the Directory refuses it with this word, and gives the sentence.
    pub(crate) async fn is_refused(&self, code: Code) -> String {
        let mut standing = self.feed.as_ref().unwrap().standing();
        let found = |now: &Standing| now.trouble.as_ref().and_then(|trouble| trouble.code);
        let refused = standing.wait_for(|now| found(now) == Some(code));
        let refused = tokio::time::timeout(LONG, refused).await;
        let Ok(refused) = refused else {
            panic!("not refused with {code}: {:?}", self.standing());
        };
        refused.unwrap().clone().trouble.unwrap().reason
    }

    pub(crate) fn question(&self, user: &str, words: &str) -> Question {
        Question {
            viewer: Viewer::new(name(&self.name), user),
            words: words.into(),
            limit: 50,
            kinds: Vec::new(),
            own_beside: false,
        }
    }

    pub(crate) async fn ask(&self, user: &str, words: &str) -> Result<Answer, FindError> {
        self.finder.find(&self.question(user, words)).await
    }

    /// Names that are found; each question is that of another user, so that nobody asks too often.
    pub(crate) async fn found(&self, words: &str) -> Option<Vec<String>> {
        let user = format!("user-{:08x}", rand::random::<u32>());
        let answer = self.ask(&user, words).await.ok()?;
        Some(
            answer
                .hits
                .into_iter()
                .map(|hit| hit.entry.display_name)
                .collect(),
        )
    }

    /// Waits until exactly these are found, in whatever order.
    pub(crate) async fn finds(&self, words: &str, expected: &[&str]) {
        let what = format!("{} finds {expected:?} by {words:?}", self.name);
        eventually(&what, LONG, async || {
            let mut found = self.found(words).await?;
            found.sort();
            (found == expected).then_some(())
        })
        .await;
    }

    /// Waits until this is the best that is found; there may be more that is alike.
    pub(crate) async fn finds_first(&self, words: &str, expected: &str) {
        let what = format!("{} finds {expected:?} first by {words:?}", self.name);
        eventually(&what, LONG, async || {
            let found = self.found(words).await?;
            found.first().is_some_and(|first| first == expected).then_some(())
        })
        .await;
    }

    /// Waits until somebody is seen like this.
    pub(crate) async fn sees(&self, id: &EntryId, presence: Presence) {
        let what = format!("{} sees {id} as {presence:?}", self.name);
        eventually(&what, LONG, async || {
            let viewer = Viewer::new(name(&self.name), format!("u{:08x}", rand::random::<u32>()));
            let hit = self.finder.get(&viewer, id).await.ok()??;
            (hit.presence == presence).then_some(())
        })
        .await;
    }
}
