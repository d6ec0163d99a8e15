//! Keeps what the Directory has of this server as it is.

mod conversation;
mod fit;

use crate::{Code, Credentials, Source, talk};
use conversation::{Conversation, Course, End};
use plenary_identity::Identity;
use plenary_model::ServerName;
use rand::RngExt as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};

/// Where the Directory is, and how patient the feed is.
#[derive(Debug, Clone)]
pub struct FeedOptions {
    /// Name of the Directory; `None`: the one of the enterprise.
    pub directory: Option<ServerName>,
    /// `host:port` of instances; those that the Directory names are added.
    pub addresses: Vec<String>,
    /// Pause before the next attempt, doubled up to [`Self::most_pause`] while none succeeds.
    pub least_pause: Duration,
    pub most_pause: Duration,
    /// Pause after a refusal that would be the same again: until this server has something else to say.
    pub lasting_pause: Duration,
    /// An instance that does not take the call within this is given up.
    pub answer_within: Duration,
    /// Longest silence: after it presence would be unknown.
    pub breath: Duration,
    /// Presence is told no more often than this.
    pub presence_every: Duration,
}

impl FeedOptions {
    /// The usual ones.
    pub fn new(directory: Option<ServerName>, addresses: Vec<String>) -> Self {
        Self {
            directory,
            addresses,
            least_pause: Duration::from_millis(100),
            most_pause: Duration::from_secs(10),
            lasting_pause: Duration::from_secs(60),
            answer_within: Duration::from_secs(8),
            breath: Duration::from_secs(4),
            presence_every: Duration::from_millis(250),
        }
    }
}

/// Why there is no feed at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Where the Directory itself refused.
    pub code: Option<Code>,
    /// For people.
    pub reason: String,
}

/// How it stands with the feed, for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The instance that is told, while there is one.
    pub connected: Option<String>,
    /// Name of the Directory, as it says.
    pub directory: Option<String>,
    pub trouble: Option<Trouble>,
    /// The Directory has everything up to this position on its disk.
    pub durable: Option<u64>,
    /// Snapshots that were taken since this began.
    pub snapshots: u64,
    /// Entries that break the Directory's limits, and are therefore not found, as far as they came by since this began; the last
    /// of them with the reason.
    pub left_out: u64,
    pub left_out_last: Option<String>,
    /// All instances that are known.
    pub addresses: Vec<String>,
    /// Of these, those that follow another one: they are told of presence alone.
    pub followers: BTreeSet<String>,
}

/// Feeds the Directory until it is dropped; for the node that leads. When two do at once, the Directory hears the newer.
#[derive(Debug)]
pub struct Feed {
    standing: watch::Receiver<Standing>,
    task: JoinHandle<()>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Feed {
    /// Begins to connect.
    pub fn open(
        identity: Identity,
        credentials: Credentials,
        options: FeedOptions,
        source: Arc<dyn Source>,
    ) -> Self {
        let (told, standing) = watch::channel(Standing::default());
        let feeder = Arc::new(Feeder {
            identity,
            credentials,
            options,
            source,
            told,
        });
        Self {
            standing,
            task: tokio::spawn(feeder.run()),
        }
    }

    /// Follows how it stands.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }
}

struct Feeder {
    identity: Identity,
    credentials: Credentials,
    options: FeedOptions,
    source: Arc<dyn Source>,
    told: watch::Sender<Standing>,
}

/// Tasks that end with whoever has this.
#[derive(Default)]
struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Feeder {
    async fn run(self: Arc<Self>) {
        let addresses = self.options.addresses.clone();
        self.told.send_modify(|standing| standing.addresses = addresses);
        let _beside = Tasks(vec![tokio::spawn(self.clone().tell_all_of_presence())]);
        let mut pause = self.options.least_pause;
        let mut next = 0_usize;
        loop {
            let addresses = self.told.borrow().addresses.clone();
            let Some(address) = addresses.get(next % addresses.len().max(1)) else {
                // Nothing is configured, and nothing will be.
                return;
            };
            let term = self.source.term();
            let mut course = Course::default();
            let end = Conversation::new(&self, address, false).run(&mut course).await;
            self.lost(address, &end);
            if !course.welcomed {
                next += 1;
            }
            let is_another = || {
                let standing = self.told.borrow();
                addresses
                    .iter()
                    .any(|address| !standing.followers.contains(address))
            };
            if end.code == Some(Code::Follows) && is_another() {
                // Nothing is wrong there; the next one is tried at once, and pauses where it is away.
                continue;
            }
            pause = self.rest(pause, &course, end.code, term).await;
        }
    }

    /// Waits until another attempt makes sense, and says how long to wait the next time. To be welcomed is no success: a server
    /// that is refused each time for what it tells would come back for ever without a pause.
    async fn rest(&self, pause: Duration, course: &Course, code: Option<Code>, term: u64) -> Duration {
        let options = &self.options;
        let pause = match course.succeeded {
            true => options.least_pause,
            false => pause,
        };
        // Not in step with all other servers.
        let jitter = rand::rng().random_range(0.5..1.5);
        match code.filter(|code| code.is_lasting()) {
            Some(code) => self.rest_long(code, term, jitter).await,
            None => tokio::time::sleep(pause.mul_f64(jitter)).await,
        }
        match course.succeeded {
            true => pause,
            false => (pause * 2).min(options.most_pause),
        }
    }

    /// Waits until something is different, or for long.
    async fn rest_long(&self, code: Code, term: u64, jitter: f64) {
        let (lasting, most) = (self.options.lasting_pause, self.options.most_pause);
        let until = tokio::time::sleep(lasting.mul_f64(jitter));
        tokio::pin!(until);
        let place = self.source.place();
        if code != Code::Superseded {
            // What is different may be refused for the same reason.
            tokio::time::sleep(most.min(lasting).mul_f64(jitter)).await;
        }
        let mut watch = self.source.watch();
        loop {
            let is_another = match code {
                Code::Superseded => self.source.term() != term,
                _ => self.source.place() != place,
            };
            if is_another {
                return;
            }
            tokio::select! {
                () = &mut until => return,
                changed = watch.changed() => {
                    if changed.is_err() {
                        until.as_mut().await;
                        return;
                    }
                }
            }
        }
    }

    /// Has a task for each instance that is known.
    async fn tell_all_of_presence(self: Arc<Self>) {
        let mut told = self.told.subscribe();
        let mut tasks: BTreeMap<String, Tasks> = BTreeMap::new();
        loop {
            let addresses = told.borrow_and_update().addresses.clone();
            tasks.retain(|address, _| addresses.contains(address));
            for address in addresses {
                tasks
                    .entry(address.clone())
                    .or_insert_with(|| Tasks(vec![tokio::spawn(self.clone().tell_presence(address))]));
            }
            if told.changed().await.is_err() {
                return;
            }
        }
    }

    /// Tells one instance of presence while another one is told of changes: presence lies in memory, of each.
    async fn tell_presence(self: Arc<Self>, address: String) {
        let mut told = self.told.subscribe();
        let mut pause = self.options.least_pause;
        loop {
            // Whoever follows another instance hears of presence while that one is away, too.
            let elsewhere = |standing: &Standing| match &standing.connected {
                Some(at) => *at != address,
                None => standing.followers.contains(&address),
            };
            if told.wait_for(elsewhere).await.is_err() {
                return;
            }
            let term = self.source.term();
            let mut course = Course::default();
            let conversation = Conversation::new(&self, &address, true);
            let end = tokio::select! {
                end = conversation.run(&mut course) => end,
                _ = told.wait_for(|standing| standing.connected.as_deref() == Some(&address)) => continue,
            };
            tracing::debug!(%address, reason = %end.reason, "the instance is not told of presence");
            // Also where it was superseded: by the other feed of this node, which may go elsewhere again at any moment.
            pause = self.rest(pause, &course, None, term).await;
        }
    }

    fn lost(&self, address: &str, End { code, reason }: &End) {
        let code = *code;
        tracing::debug!(%address, %reason, "the Directory is not told");
        if code == Some(Code::Follows) {
            self.told.send_modify(|standing| {
                standing.connected = None;
                standing.followers.insert(address.to_owned());
                // Why the one that it follows is not told says more.
                standing.trouble.get_or_insert_with(|| Trouble {
                    code,
                    reason: format!("{address}: {reason}"),
                });
            });
            return;
        }
        let before = self
            .told
            .borrow()
            .trouble
            .as_ref()
            .and_then(|trouble| trouble.code);
        if let Some(code) = code.filter(|code| Some(*code) != before && *code != Code::Away) {
            tracing::warn!(%code, %reason, "the Directory refuses this server");
        }
        self.told.send_modify(|standing| {
            standing.connected = None;
            standing.trouble = Some(Trouble {
                code,
                reason: format!("{address}: {reason}"),
            });
        });
    }

    fn welcomed(&self, address: &str, directory: String, addresses: Vec<String>) {
        self.told.send_modify(|standing| {
            standing.connected = Some(address.to_owned());
            standing.followers.remove(address);
            standing.directory = Some(directory);
            standing.trouble = None;
            standing.addresses = talk::known(&self.options.addresses, addresses);
        });
    }

    /// The instances are others now.
    fn learnt(&self, addresses: Vec<String>) {
        let addresses = talk::known(&self.options.addresses, addresses);
        self.told.send_if_modified(|standing| {
            let is_new = standing.addresses != addresses;
            standing.addresses = addresses;
            is_new
        });
    }
}
