//! The register of runs, and what the daemon sees of it.

use crate::{
    Caller, Options, Source,
    dispatch::{self, Letterbox, Mail, dispatch},
    handshakes::Handshakes,
    run::{self, Command, Newcomer},
    transport::turn_away,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use plenary_model::UserName;
use plenary_signalling::{Close, CloseCode, Connection, Limits, Station, Topic, Who};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::Instant,
};
use tokio_util::task::TaskTracker;

/// Changes of presence that a slow reader may be behind before it has to look at all.
const SEEN: usize = 1_024;

/// Somebody's first connection to this node opened, or the last one closed and did not come back for a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub user: UserName,
    pub online: bool,
}

/// How much there is on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Runs with a connection.
    pub connected: usize,
    /// Runs, those whose client is away for a moment included.
    pub runs: usize,
    /// Users with a run.
    pub users: usize,
}

/// The handle of signalling on this node; clones are of the same.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    source: Arc<dyn Source>,
    options: Options,
    limits: Arc<Limits>,
    station: Arc<Station>,
    started: Instant,
    register: Mutex<Register>,
    seen: broadcast::Sender<Seen>,
    draining: watch::Sender<bool>,
    handshakes: Arc<Handshakes>,
    tasks: TaskTracker,
    last_run: AtomicU64,
}

/// Invariant: `users` names exactly the keys of `runs`, by their user.
#[derive(Default)]
struct Register {
    runs: HashMap<String, Entry>,
    users: BTreeMap<UserName, BTreeSet<String>>,
}

struct Entry {
    who: Who,
    commands: mpsc::Sender<Command>,
    letters: Letterbox,
    present: bool,
    /// When the connection was lost; `None` while there is one.
    detached: Option<Instant>,
}

impl Register {
    fn is_online(&self, user: &UserName) -> bool {
        let mut runs = self.users.get(user).into_iter().flatten();
        runs.any(|key| self.runs.get(key).is_some_and(|entry| entry.present))
    }

    fn remove(&mut self, key: &str) -> Option<Entry> {
        let entry = self.runs.remove(key)?;
        if let Some(keys) = self.users.get_mut(&entry.who.user) {
            keys.remove(key);
            if keys.is_empty() {
                self.users.remove(&entry.who.user);
            }
        }
        Some(entry)
    }

    /// The one of `keys` whose client has been away for the longest.
    fn longest_away<'a>(&self, keys: impl Iterator<Item = &'a String>) -> Option<String> {
        let away = keys.filter_map(|key| Some((self.runs.get(key)?.detached?, key)));
        away.min().map(|(_, key)| key.clone())
    }
}

impl Hub {
    pub(crate) fn new(source: Arc<dyn Source>, options: Options) -> Self {
        let station = Station {
            server: options.server.clone(),
            node: options.node.clone(),
        };
        let notifications = source.subscribe();
        let hub = Self(Arc::new(Inner {
            source,
            limits: Arc::new(options.limits.clone()),
            station: Arc::new(station),
            started: Instant::now(),
            register: Mutex::default(),
            seen: broadcast::channel(SEEN).0,
            draining: watch::channel(false).0,
            handshakes: Arc::new(Handshakes::new(options.handshakes)),
            tasks: TaskTracker::new(),
            last_run: AtomicU64::new(0),
            options,
        }));
        let weak = Arc::downgrade(&hub.0);
        tokio::spawn(dispatch(notifications, move || weak.upgrade().map(Self)));
        hub
    }

    /// Does something with where each run is told.
    pub(crate) fn each(&self, act: impl Fn(&Letterbox)) {
        self.register()
            .runs
            .values()
            .for_each(|entry| act(&entry.letters));
    }

    /// What the client of a run watches from now on.
    pub(crate) fn watch(&self, key: &str, topics: BTreeSet<Topic>) {
        if let Some(entry) = self.register().runs.get_mut(key) {
            entry.letters.watch(topics);
        }
    }

    pub(crate) fn next_run(&self) -> u64 {
        self.0.last_run.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Which accounts are connected to this node, and with which sessions (their IDs).
    pub fn online(&self) -> BTreeMap<UserName, BTreeSet<String>> {
        let register = self.register();
        let mut online = BTreeMap::<_, BTreeSet<_>>::new();
        for Entry { who, .. } in register
            .runs
            .values()
            .filter(|entry| entry.present && entry.who.guest_of.is_none())
        {
            online
                .entry(who.user.clone())
                .or_default()
                .insert(who.session.clone());
        }
        online
    }

    /// Whether somebody is connected to this node.
    pub fn is_online(&self, user: &UserName) -> bool {
        self.register().is_online(user)
    }

    /// Who comes and goes from now on. A receiver that has fallen behind looks at [`Hub::online`].
    pub fn presence(&self) -> broadcast::Receiver<Seen> {
        self.0.seen.subscribe()
    }

    /// How much there is.
    pub fn figures(&self) -> Figures {
        let register = self.register();
        Figures {
            connected: register
                .runs
                .values()
                .filter(|entry| entry.detached.is_none())
                .count(),
            runs: register.runs.len(),
            users: register.users.len(),
        }
    }

    /// While true, whoever is here or comes is sent to the other nodes (4503), and runs end.
    pub fn drain(&self, drain: bool) {
        self.0.draining.send_replace(drain);
    }

    /// Sends all to the other nodes and waits until they have heard: at most [`Options::close_wait`] twice. Call it
    /// before the HTTP server is told to stop, which does not wait for WebSockets.
    pub async fn shutdown(&self) {
        self.drain(true);
        self.0.tasks.close();
        tokio::time::timeout(self.options().close_wait * 2, self.0.tasks.wait())
            .await
            .ok();
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn source(&self) -> &dyn Source {
        &*self.0.source
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    pub(crate) fn handshakes(&self) -> &Arc<Handshakes> {
        &self.0.handshakes
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.0.draining.borrow()
    }

    /// Ends when the node takes leave; at once if it does already.
    pub(crate) async fn drained(&self) {
        let mut draining = self.0.draining.subscribe();
        // The sender lives as long as this hub.
        draining.wait_for(|draining| *draining).await.ok();
    }

    /// Milliseconds of the clock of all runs.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The moment that is `ms` on the clock of all runs; none if that is not in this life.
    pub(crate) fn moment(&self, ms: u64) -> Option<Instant> {
        self.0.started.checked_add(std::time::Duration::from_millis(ms))
    }

    /// Where a client can go when it cannot stay.
    pub(crate) async fn others(&self) -> Vec<String> {
        let mut nodes = self.source().nodes().await;
        nodes.retain(|url| Some(url) != self.options().url.as_ref());
        nodes
    }

    /// What of that a client is told: to one from outside it is the controller that finds another node.
    pub(crate) async fn others_for(&self, caller: &Caller) -> Vec<String> {
        if caller.from_outside {
            return Vec::new();
        }
        self.others().await
    }

    /// Where there is no other node, the client has to wait: sent to no node at all, it would be back at once.
    async fn full(&self, caller: &Caller) -> Close {
        let others = self.others_for(caller).await;
        if others.is_empty() {
            Close::new(CloseCode::TooSlow, "this node is full")
        } else {
            Close::elsewhere(others)
        }
    }

    /// Gives a client a connection: the run it asks for, or a new one.
    pub(crate) async fn welcome(&self, newcomer: Newcomer) {
        let Some(newcomer) = self.resume(newcomer).await else {
            return;
        };
        match self.admit(&newcomer.who) {
            Ok((key, inbox, mail)) => {
                let inner = &self.0;
                let (limits, station) = (Arc::clone(&inner.limits), Arc::clone(&inner.station));
                let connection = Connection::new(newcomer.who.clone(), station, limits, key.clone());
                self.tasks()
                    .spawn(run::run(self.clone(), key, connection, inbox, mail, newcomer));
            }
            Err(full) => {
                let close = match full {
                    Full::User => Close::new(CloseCode::Forbidden, "too many connections of this user"),
                    Full::Node => self.full(&newcomer.caller).await,
                };
                turn_away(newcomer.socket, close, self.options().close_wait).await;
            }
        }
    }

    /// Hands the socket to the run that is asked for; gives it back if there is none that takes it.
    async fn resume(&self, newcomer: Newcomer) -> Option<Newcomer> {
        let Some(key) = &newcomer.resume else {
            return Some(newcomer);
        };
        let Some(commands) = self.register().runs.get(key).map(|entry| entry.commands.clone()) else {
            return Some(newcomer);
        };
        let (back, refused) = tokio::sync::oneshot::channel();
        let command = Command::Attach {
            newcomer: Box::new(newcomer),
            back,
        };
        match commands.send(command).await {
            Ok(()) => refused.await.ok().map(|newcomer| *newcomer),
            Err(mpsc::error::SendError(Command::Attach { newcomer, .. })) => Some(*newcomer),
            Err(mpsc::error::SendError(Command::Evict)) => None,
        }
    }

    /// Registers a new run. What is noted from then on it is told.
    fn admit(&self, who: &Who) -> Result<Admitted, Full> {
        let mut random = [0; 32];
        if let Err(error) = getrandom::fill(&mut random) {
            tracing::error!(%error, "no random numbers for a new run");
            return Err(Full::Node);
        }
        let key = URL_SAFE_NO_PAD.encode(random);
        let (commands, inbox) = mpsc::channel(4);
        let (letters, mail) = dispatch::mail(who);
        let options = self.options();
        let mut register = self.register();
        let register = &mut *register;
        if let Some(keys) = register
            .users
            .get(&who.user)
            .filter(|keys| keys.len() >= options.runs_of_user)
        {
            let evicted = register.longest_away(keys.iter()).ok_or(Full::User)?;
            self.evict(register, &evicted);
        }
        if register.runs.len() >= options.runs {
            let evicted = register.longest_away(register.runs.keys()).ok_or(Full::Node)?;
            self.evict(register, &evicted);
        }
        let entry = Entry {
            who: who.clone(),
            commands,
            letters,
            present: false,
            detached: None,
        };
        register.runs.insert(key.clone(), entry);
        register
            .users
            .entry(who.user.clone())
            .or_default()
            .insert(key.clone());
        Ok((key, inbox, mail))
    }

    fn evict(&self, register: &mut Register, key: &str) {
        let Some(entry) = register.runs.get(key) else {
            return;
        };
        let user = entry.who.user.clone();
        let before = register.is_online(&user);
        if let Some(entry) = register.remove(key) {
            // A run that does not take it has just ended, or has its client back and commands waiting: it is no longer
            // found, and ends with its connection.
            entry.commands.try_send(Command::Evict).ok();
        }
        self.tell(&user, before, register.is_online(&user));
    }

    /// Notes whether a run has a connection and whether its user counts as here.
    pub(crate) fn note(&self, key: &str, attached: bool, present: bool) {
        let mut register = self.register();
        let Some(user) = register.runs.get(key).map(|entry| entry.who.user.clone()) else {
            return;
        };
        let before = register.is_online(&user);
        if let Some(entry) = register.runs.get_mut(key) {
            entry.present = present;
            entry.detached = match (attached, entry.detached) {
                (true, _) => None,
                (false, None) => Some(Instant::now()),
                (false, since) => since,
            };
        }
        self.tell(&user, before, register.is_online(&user));
    }

    /// Forgets a run.
    pub(crate) fn forget(&self, key: &str) {
        let mut register = self.register();
        let Some(user) = register.runs.get(key).map(|entry| entry.who.user.clone()) else {
            return;
        };
        let before = register.is_online(&user);
        register.remove(key);
        self.tell(&user, before, register.is_online(&user));
    }

    /// Tells whoever listens; under the lock, so that it is told in the order in which it happened.
    fn tell(&self, user: &UserName, before: bool, online: bool) {
        if before != online {
            // Nobody has to listen.
            self.0
                .seen
                .send(Seen {
                    user: user.clone(),
                    online,
                })
                .ok();
        }
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Admitted = (String, mpsc::Receiver<Command>, Mail);

/// What there are too many of.
enum Full {
    User,
    Node,
}
