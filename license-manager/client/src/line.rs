use crate::wire::{self, MESSAGE_BYTES};
use plenary_contracts::leases::v1::{FromServer, from_manager::What, leases_client::LeasesClient};
use plenary_identity::{Expected, Identity, Program};
use plenary_licences::{Answer, PoolId, Recall, Request};
use plenary_links::Patience;
use plenary_model::ServerName;
use rand::RngExt as _;
use std::{collections::VecDeque, time::Duration};
use tokio::sync::{mpsc, watch};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

/// Where the managers are, and how patient the line is.
#[derive(Debug, Clone)]
pub struct LineOptions {
    /// Name of the License Manager.
    pub manager: ServerName,
    /// `host:port` of replicas; those that the manager names are added.
    pub addresses: Vec<String>,
    /// Pause before the next replica is tried, doubled up to [`Self::most_pause`] while none answers.
    pub least_pause: Duration,
    pub most_pause: Duration,
    /// A replica that does not take the call within this is given up. Not short: after an outage all servers come at
    /// once, and whoever gives up makes work that helps nobody.
    pub answer_within: Duration,
    /// Silence after which the line is probed, and how long the answer may take.
    pub keep_alive: Duration,
}

impl LineOptions {
    /// The usual ones.
    pub fn new(manager: ServerName, addresses: Vec<String>) -> Self {
        Self {
            manager,
            addresses,
            least_pause: Duration::from_millis(50),
            most_pause: Duration::from_secs(3),
            answer_within: Duration::from_secs(8),
            keep_alive: Duration::from_secs(5),
        }
    }
}

/// What the licences of a manager give besides seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gives {
    pub pool: PoolId,
    pub extensions: Vec<String>,
    /// PRO and online seats are one pool.
    pub enterprise: bool,
    pub permanent_pro: bool,
    /// The development key signed one of the licences; whoever shows them says so.
    pub development: bool,
}

/// How it stands with the line, for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The replica that leads, while there is a line to it.
    pub connected: Option<String>,
    /// Why there is none.
    pub trouble: Option<String>,
    /// The latest word; kept while there is no line.
    pub gives: Option<Gives>,
}

/// What a manager says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromManager {
    /// A new conversation began; what was not answered is to be asked again.
    Connected,
    Answer(Answer),
    Recall(Recall),
}

/// The way to the leader of a License Manager; ends when it is dropped.
#[derive(Debug)]
pub struct Line {
    requests: mpsc::Sender<Request>,
    messages: mpsc::Receiver<FromManager>,
    standing: watch::Receiver<Standing>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    /// Requests that wait to be sent; more are dropped, and asked again by their owner.
    const WAITING: usize = 64;

    /// Begins to connect.
    pub fn open(identity: Identity, options: LineOptions) -> Self {
        let (requests, outgoing) = mpsc::channel(Self::WAITING);
        let (incoming, messages) = mpsc::channel(Self::WAITING);
        let (told, standing) = watch::channel(Standing::default());
        let caller = Caller {
            identity,
            options,
            outgoing,
            incoming,
            told,
        };
        Self {
            requests,
            messages,
            standing,
            task: tokio::spawn(caller.run()),
        }
    }

    /// Sends a request, or drops it while there is no line; nobody says it again.
    pub fn send(&self, request: Request) {
        if self.requests.try_send(request).is_err() {
            tracing::debug!("a request to the License Manager waits for a line and is asked again later");
        }
    }

    /// The next word of the manager.
    pub async fn next(&mut self) -> Option<FromManager> {
        self.messages.recv().await
    }

    /// Follows how it stands with the line.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }
}

struct Caller {
    identity: Identity,
    options: LineOptions,
    outgoing: mpsc::Receiver<Request>,
    incoming: mpsc::Sender<FromManager>,
    told: watch::Sender<Standing>,
}

/// Why a conversation ended.
enum End {
    /// That replica leads, if one is named.
    Elsewhere(String),
    Broken(String),
    /// Nobody listens any more.
    Dropped,
}

impl Caller {
    async fn run(mut self) {
        let mut next: VecDeque<String> = self.options.addresses.clone().into();
        let mut pause = self.options.least_pause;
        loop {
            let Some(address) = next.pop_front() else {
                next = self.options.addresses.clone().into();
                // Each replica was tried: wait, and not in step with all other servers.
                let jitter = rand::rng().random_range(0.5..1.5);
                tokio::time::sleep(pause.mul_f64(jitter)).await;
                pause = (pause * 2).min(self.options.most_pause);
                continue;
            };
            let mut answered = false;
            match self.converse(&address, &mut answered).await {
                End::Dropped => return,
                End::Elsewhere(leader) => {
                    self.lost(format!("{address} does not lead"));
                    // It knows who does, or will in a moment; the others would say the same.
                    if !leader.is_empty() && !next.contains(&leader) && leader != address {
                        next.push_front(leader);
                    }
                }
                End::Broken(reason) => {
                    tracing::debug!(%address, %reason, "no line to the License Manager");
                    self.lost(format!("{address}: {reason}"));
                }
            }
            if answered {
                pause = self.options.least_pause;
            }
        }
    }

    fn lost(&self, reason: String) {
        self.told.send_modify(|standing| {
            standing.connected = None;
            standing.trouble = Some(reason);
        });
    }

    async fn converse(&mut self, address: &str, answered: &mut bool) -> End {
        let expected = Expected::any(Program::LicenseManager).at(&self.options.manager);
        let patience = Patience {
            connect: self.options.answer_within,
            keep_alive: self.options.keep_alive,
        };
        let tls = self.identity.client_config(expected);
        let channel = match plenary_links::patient_channel(address, tls, patience) {
            Ok(channel) => channel,
            Err(error) => return End::Broken(error.to_string()),
        };
        let mut client = LeasesClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
        let (say, said) = mpsc::channel(Line::WAITING);
        let calling = client.converse(ReceiverStream::new(said));
        let mut hear = match tokio::time::timeout(self.options.answer_within, calling).await {
            Ok(Ok(answer)) => answer.into_inner(),
            Ok(Err(status)) => return End::Broken(status.message().to_owned()),
            Err(_) => return End::Broken("it does not answer".into()),
        };
        loop {
            tokio::select! {
                request = self.outgoing.recv() => {
                    let Some(request) = request else { return End::Dropped };
                    let request = Some(wire::request_to(&request));
                    if say.send(FromServer { request }).await.is_err() {
                        return End::Broken("the conversation ended".into());
                    }
                }
                heard = hear.next() => {
                    let what = match heard {
                        Some(Ok(message)) => message.what,
                        Some(Err(status)) => return End::Broken(status.message().to_owned()),
                        None => return End::Broken("the conversation ended".into()),
                    };
                    match self.take(address, what, answered).await {
                        Ok(()) => {}
                        Err(end) => return end,
                    }
                }
            }
        }
    }

    async fn take(&mut self, address: &str, what: Option<What>, answered: &mut bool) -> Result<(), End> {
        let message = match what {
            Some(What::Elsewhere(leader)) => return Err(End::Elsewhere(leader)),
            Some(What::Pool(pool)) => {
                *answered = true;
                return self.pool(address, pool).await;
            }
            Some(What::Answer(answer)) => wire::answer_from(answer).map(FromManager::Answer),
            Some(What::Recall(recall)) => wire::recall_from(recall).map(FromManager::Recall),
            None => return Ok(()),
        };
        match message {
            Ok(message) => self.incoming.send(message).await.map_err(|_| End::Dropped),
            Err(error) => {
                tracing::warn!(%error, "the License Manager said something that this version does not know");
                Ok(())
            }
        }
    }

    /// The first word of each conversation.
    async fn pool(&mut self, address: &str, pool: plenary_contracts::leases::v1::Pool) -> Result<(), End> {
        for known in pool.addresses {
            if !self.options.addresses.contains(&known) && self.options.addresses.len() < 16 {
                self.options.addresses.push(known);
            }
        }
        let id = wire::id_from(&pool.pool, "pool").map_err(|error| End::Broken(error.to_string()))?;
        let fresh = self.told.borrow().connected.as_deref() != Some(address);
        self.told.send_modify(|standing| {
            standing.connected = Some(address.to_owned());
            standing.trouble = None;
            standing.gives = Some(Gives {
                pool: PoolId(id),
                extensions: pool.extensions,
                enterprise: pool.enterprise,
                permanent_pro: pool.permanent_pro,
                development: pool.development,
            });
        });
        if fresh {
            self.incoming
                .send(FromManager::Connected)
                .await
                .map_err(|_| End::Dropped)?;
        }
        Ok(())
    }
}
