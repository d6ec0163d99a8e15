//! A replica at work: what servers ask, and how what is decided is carried out.

use crate::{
    app::{self, App, Reply},
    data::Facts,
    oversee::History,
};
use plenary_identity::Identity;
use plenary_licences::{
    Answer, Ask, Order, Recall, Request,
    clock::Reading,
    lessor::{self, Desk, Effect, Lessor},
    licence::Trust,
    manager::{Command, Denial, Done, Entry, Files},
};
use plenary_license_manager_client::reading;
use plenary_links::clock_ms;
use plenary_model::{ServerName, Timestamp};
use plenary_replication::{ProposeError, Replica};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// A request for more waits at most so long for its answer; longer than [`Desk::PATIENCE_MS`].
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Conversations with one server; the oldest ends when there are more.
const LINES: usize = 16;

/// Everything of one replica; shared by all its tasks.
pub(crate) struct Running {
    pub(crate) facts: Facts,
    pub(crate) identity: Identity,
    pub(crate) replica: Replica<App>,
    pub(crate) app: Arc<App>,
    pub(crate) trust: Trust,
    /// What the licence files give, as this replica judges them; newest.
    pub(crate) files: watch::Sender<Option<Files>>,
    /// Asks that the desk be looked at.
    pub(crate) wake: Notify,
    pub(crate) counts: Counts,
    /// How the pool was used since this process began.
    pub(crate) history: Mutex<History>,
    /// What it called itself when it began to lead last.
    reign: AtomicU64,
    desk: Mutex<Desk>,
    waiting: Mutex<HashMap<(ServerName, Order), oneshot::Sender<Answer>>>,
    /// By server and number: each node of a server keeps one, whether it leads or not.
    lines: Mutex<BTreeMap<(ServerName, u64), Line>>,
}

/// Since this process began; for metrics.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) asked: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) recalls: AtomicU64,
    pub(crate) leaderships: AtomicU64,
}

/// The conversation with one node of a server.
struct Line {
    recalls: mpsc::Sender<Recall>,
    /// Milliseconds since 1970.
    heard_ms: u64,
}

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("another replica leads")]
    Elsewhere,
    #[error("this replica only begins to lead; ask again")]
    Begins,
    #[error("{0}")]
    Propose(#[from] ProposeError),
    #[error("a later request of the server took its place, or nobody knows what became of it")]
    Overtaken,
    #[error("the log gave no answer: {0}")]
    Defect(String),
}

/// Why an administrator's command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDone {
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error("the replicas did not agree on it: {0}")]
    Propose(#[from] ProposeError),
    #[error("the log gave no answer: {0}")]
    Defect(String),
}

impl Running {
    pub(crate) fn new(
        facts: Facts,
        identity: Identity,
        replica: Replica<App>,
        app: Arc<App>,
        trust: Trust,
    ) -> Self {
        Self {
            facts,
            identity,
            replica,
            app,
            trust,
            files: watch::Sender::new(None),
            wake: Notify::new(),
            counts: Counts::default(),
            history: Mutex::default(),
            reign: AtomicU64::new(0),
            desk: Mutex::default(),
            waiting: Mutex::default(),
            lines: Mutex::default(),
        }
    }

    pub(crate) fn leads(&self) -> bool {
        self.replica.leads()
    }

    /// `host:port` of the replica that leads; empty if none is known or it is this one.
    pub(crate) fn leader_address(&self) -> String {
        let status = self.replica.status();
        let leader = status.leader.filter(|leader| *leader != self.facts.member.0);
        let member = leader.and_then(|leader| status.members.get(&leader));
        member
            .map(|member| member.member.address.clone())
            .unwrap_or_default()
    }

    /// Judges the licence files as of now.
    pub(crate) fn judge_files(&self) -> Option<Files> {
        let now = Timestamp(clock_ms());
        self.app
            .look(|manager| Files::of(&manager.office, manager.lessor.pool(), &self.trust, now))
    }

    /// Whether the log says that it leads: what it answered before could not be told from what an old copy of its data
    /// answers.
    pub(crate) fn reigns(&self) -> bool {
        let own = self.reign.load(Ordering::Acquire);
        let now = self.app.look(|manager| manager.lessor.position().reign);
        own != 0 && now == Some(own)
    }

    /// Has the log say so.
    pub(crate) async fn begin_reign(&self) {
        let reign = rand::random::<u64>().max(1);
        self.reign.store(reign, Ordering::Release);
        let command = Command::Lend(lessor::Command::Lead { reign });
        if let Err(error) = self.command(None, command).await {
            tracing::debug!(%error, "that this replica leads was not written; it is tried again");
        }
    }

    /// Answers a request; the caller proved to be that server.
    pub(crate) async fn ask(self: &Arc<Self>, request: Request) -> Result<Answer, Unanswered> {
        if !self.leads() {
            return Err(Unanswered::Elsewhere);
        }
        if !self.reigns() {
            return Err(Unanswered::Begins);
        }
        self.counts.asked.fetch_add(1, Ordering::Relaxed);
        let answer = match request.ask {
            Ask::Grow { order, .. } => self.grow(order, request).await,
            _ => self.lend(lessor::Command::Ask(request)).await,
        }?;
        if matches!(answer.reply, plenary_licences::Reply::Refused { .. }) {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
        Ok(answer)
    }

    async fn grow(self: &Arc<Self>, order: Order, request: Request) -> Result<Answer, Unanswered> {
        let key = (request.server.clone(), order);
        let (tell, told) = oneshot::channel();
        lock(&self.waiting).insert(key.clone(), tell);
        let mut effects = self.at_desk(|desk, lessor, now| desk.handle(lessor, request, now));
        let is_own =
            matches!(&effects[..], [Effect::Propose(command)] if key_of(command).as_ref() == Some(&key));
        // Mostly there is enough, and nobody waits.
        if is_own && let Some(Effect::Propose(command)) = effects.pop() {
            lock(&self.waiting).remove(&key);
            return self.lend(command).await;
        }
        self.act(effects);
        self.wake.notify_one();
        let answer = tokio::time::timeout(ANSWER_WITHIN, told).await;
        lock(&self.waiting).remove(&key);
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(Unanswered::Overtaken),
        }
    }

    /// Lets the desk look at the state.
    pub(crate) fn at_desk(
        &self,
        decide: impl FnOnce(&mut Desk, &Lessor, Reading) -> Vec<Effect>,
    ) -> Vec<Effect> {
        let effects = self
            .app
            .look(|manager| decide(&mut lock(&self.desk), &manager.lessor, reading()));
        effects.unwrap_or_default()
    }

    /// How long until the desk has something to do.
    pub(crate) fn desk_waits_ms(&self) -> Option<u64> {
        lock(&self.desk).next_ms(reading())
    }

    /// What waited for this replica as the leader is asked again elsewhere.
    pub(crate) fn clear_desk(&self) {
        *lock(&self.desk) = Desk::default();
        lock(&self.waiting).clear();
        lock(&self.lines).clear();
    }

    pub(crate) fn act(self: &Arc<Self>, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Propose(command) => {
                    let this = self.clone();
                    tokio::spawn(async move { this.carry(command).await });
                }
                Effect::Recall { server, recall } => {
                    self.recall(&server, recall);
                }
            }
        }
    }

    /// Asks a server for seats, on all its lines: its leader answers. Whether there is one.
    pub(crate) fn recall(&self, server: &ServerName, recall: Recall) -> bool {
        self.counts.recalls.fetch_add(1, Ordering::Relaxed);
        let lines = lock(&self.lines);
        let sent = lines
            .range(of(server))
            .map(|(_, line)| line.recalls.try_send(recall).is_ok());
        sent.fold(false, |any, sent| any | sent)
    }

    async fn carry(&self, command: lessor::Command) {
        let key = key_of(&command);
        match self.lend(command).await {
            Ok(answer) => {
                let told = key.and_then(|key| lock(&self.waiting).remove(&key));
                // Whoever asked may have gone.
                told.and_then(|told| told.send(answer).ok());
            }
            Err(error) => tracing::debug!(%error, "a request was not answered; the server asks again"),
        }
    }

    async fn lend(&self, command: lessor::Command) -> Result<Answer, Unanswered> {
        let entry = Entry {
            by: None,
            command: Command::Lend(command),
        };
        match self.propose(&entry).await? {
            Reply::Answer(answer) => Ok(answer),
            Reply::Done(done) => Err(Unanswered::Defect(format!("{done:?}"))),
        }
    }

    async fn propose(&self, entry: &Entry) -> Result<Reply, ProposeOrDefect> {
        let bytes = app::encode(entry).map_err(|error| ProposeOrDefect::Defect(error.to_string()))?;
        let committed = self.replica.propose(bytes).await?;
        app::decode_reply(&committed.reply).map_err(|error| ProposeOrDefect::Defect(format!("{error:#}")))
    }

    /// Carries out what an administrator wants, or the manager itself; on any replica.
    pub(crate) async fn command(&self, by: Option<String>, command: Command) -> Result<Done, NotDone> {
        match self.propose(&Entry { by, command }).await? {
            Reply::Done(done) => Ok(done?),
            Reply::Answer(answer) => Err(NotDone::Defect(format!("{answer:?}"))),
        }
    }

    /// A conversation with a node of a server begins: what is to be asked back comes out of the channel, which ends when
    /// there are too many or this replica leads no more.
    pub(crate) fn open_line(&self, server: &ServerName) -> (u64, mpsc::Receiver<Recall>) {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let (recalls, asked) = mpsc::channel(8);
        let line = Line {
            recalls,
            heard_ms: clock_ms(),
        };
        let mut lines = lock(&self.lines);
        lines.insert((server.clone(), number), line);
        if lines.range(of(server)).count() > LINES
            && let Some(oldest) = lines.range(of(server)).next().map(|(key, _)| key.clone())
        {
            lines.remove(&oldest);
        }
        (number, asked)
    }

    pub(crate) fn close_line(&self, server: &ServerName, number: u64) {
        lock(&self.lines).remove(&(server.clone(), number));
    }

    pub(crate) fn heard(&self, server: &ServerName, number: u64) {
        if let Some(line) = lock(&self.lines).get_mut(&(server.clone(), number)) {
            line.heard_ms = clock_ms();
        }
    }

    /// When each server that has a line was heard last, in milliseconds since 1970.
    pub(crate) fn heard_ms(&self) -> BTreeMap<ServerName, u64> {
        let mut heard = BTreeMap::new();
        for ((name, _), line) in &*lock(&self.lines) {
            let last = heard.entry(name.clone()).or_insert(0);
            *last = line.heard_ms.max(*last);
        }
        heard
    }
}

/// Whose request a command answers.
fn key_of(command: &lessor::Command) -> Option<(ServerName, Order)> {
    match command {
        lessor::Command::Ask(request) => Some((request.server.clone(), request.ask.order()?)),
        _ => None,
    }
}

/// All lines of a server.
fn of(server: &ServerName) -> std::ops::RangeInclusive<(ServerName, u64)> {
    (server.clone(), 0)..=(server.clone(), u64::MAX)
}

enum ProposeOrDefect {
    Propose(ProposeError),
    Defect(String),
}

impl From<ProposeError> for ProposeOrDefect {
    fn from(error: ProposeError) -> Self {
        Self::Propose(error)
    }
}

impl From<ProposeOrDefect> for Unanswered {
    fn from(error: ProposeOrDefect) -> Self {
        match error {
            ProposeOrDefect::Propose(error) => Self::Propose(error),
            ProposeOrDefect::Defect(text) => Self::Defect(text),
        }
    }
}

impl From<ProposeOrDefect> for NotDone {
    fn from(error: ProposeOrDefect) -> Self {
        match error {
            ProposeOrDefect::Propose(error) => Self::Propose(error),
            ProposeOrDefect::Defect(text) => Self::Defect(text),
        }
    }
}

/// What these locks guard is whole after every operation, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
