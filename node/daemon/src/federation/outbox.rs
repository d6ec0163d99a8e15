//! Tells servers of partners what waits for them, and hears what they tell.
//!
//! ```text
//!  the store says what waits ──► a courier for each partner ── batches, one after the other ──► Deliver
//!            ▲                            │ taken, refused: SettleMessages    │ not answered: a pause, 1 s to 10 min
//!            └────────────────────────────┘◄──────────────────────────────────┘
//! ```
//! The leader does it. A node that does not lead helps with what waits for long: the leader may meet with no others by its
//! configuration, or be cut off from that one. That two tell the same is no harm.

use crate::{options::system, secret, server::Server};
use plenary_access::{Command, Outcome};
use plenary_conference::{Change, Delivery, MESSAGE_MS, Message, Settled};
use plenary_federation::pause_ms;
use plenary_federation_io::{Answer, Undelivered, Unheard, Unhosted};
use plenary_model::{ServerName, Timestamp};
use plenary_replication::Role;
use plenary_rest_api::backend::{self, Backend as _, ReadError, WriteError};
use plenary_signalling_io::{Notification, Topic};
use plenary_store::queries::{self, Waiting};
use plenary_telemetry::Metrics;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, broadcast::error::RecvError},
    task::JoinHandle,
};

/// It is looked so often for what waits, beside each change of a conference.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A change is seldom alone.
const GATHER: Duration = Duration::from_millis(20);
/// Messages that are read at once; what does not fit into one call is told by the next.
const BATCH: u32 = plenary_federation_io::DELIVERIES as u32;
/// Messages that are given up at once.
const GIVEN_UP: u32 = 500;
/// A node that does not lead helps with what waits for so long, the next one after twice that.
const HELPS_AFTER_MS: u64 = 30_000;

/// What this node knows of what waits.
#[derive(Default)]
pub(crate) struct Outbox {
    /// It may be worth trying again at once.
    again: Notify,
    waiting: AtomicU64,
    /// Milliseconds since 1970; 0: nothing waits.
    oldest: AtomicU64,
    delivered: AtomicU64,
    given_up: AtomicU64,
}

/// Sees to it that everything that waits is told, on whichever node that is.
pub(crate) async fn run(server: Arc<Server>) {
    let mut changes = server.notifications.subscribe();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut couriers: BTreeMap<ServerName, JoinHandle<()>> = BTreeMap::new();
    loop {
        tokio::select! {
            _ = look.tick() => {}
            change = changes.recv() => match change {
                Ok(Notification::Changed { topic: Topic::Conferences, .. }) => {
                    tokio::time::sleep(GATHER).await;
                }
                Ok(Notification::Changed { topic: Topic::Settings | Topic::Licensing, .. })
                | Err(RecvError::Lagged(_)) => server.outbox.again.notify_waiters(),
                Ok(_) => continue,
                Err(RecvError::Closed) => return,
            },
        }
        couriers.retain(|_, courier| !courier.is_finished());
        let Ok(waiting) = server.query(queries::waiting).await else {
            continue;
        };
        server.outbox.note(&waiting);
        if waiting.is_empty() {
            continue;
        }
        if leads(&server) {
            give_up_old(&server).await;
        }
        for (partner, found) in waiting {
            if !couriers.contains_key(&partner) && is_ours(&server, found).await {
                let courier = deliver(Desk {
                    server: server.clone(),
                    partner: partner.clone(),
                });
                couriers.insert(partner, tokio::spawn(courier));
            }
        }
    }
}

impl Outbox {
    fn note(&self, waiting: &BTreeMap<ServerName, Waiting>) {
        let messages = waiting.values().map(|found| found.messages).sum();
        let oldest = waiting.values().map(|found| found.since.0).min();
        self.waiting.store(messages, Ordering::Relaxed);
        self.oldest.store(oldest.unwrap_or(0), Ordering::Relaxed);
    }
}

fn leads(server: &Server) -> bool {
    server.replica.status().role == Role::Leader
}

/// Whether this node is to tell what waits like that.
async fn is_ours(server: &Server, waiting: Waiting) -> bool {
    if server.federation.get().is_none() {
        return false;
    }
    if leads(server) {
        return true;
    }
    let Ok(nodes) = server.node_rows().await else {
        return false;
    };
    let before_me = nodes.iter().filter(|row| row.id < server.me()).count() as u64;
    server.now_ms().since_ms(waiting.since) > HELPS_AFTER_MS * (before_me + 1)
}

/// What the courier for one partner works with.
#[async_trait::async_trait]
trait Post: Send + Sync {
    fn partner(&self) -> &ServerName;
    /// The oldest messages that wait; none where others are to tell them.
    async fn messages(&self) -> Vec<Message>;
    /// Tells the first of these, and settles what was answered.
    async fn tell(&self, messages: &[Message]) -> Result<(), Undelivered>;
    /// The partner wants none of it. Gives whether that is settled.
    async fn give_up_all(&self, words: &str) -> bool;
    /// It may be worth trying again at once.
    fn again(&self) -> &Notify;
}

/// Tells a partner what waits for it, until nothing does or others are to do it.
async fn deliver(post: impl Post) {
    let mut failures = 0;
    loop {
        let messages = post.messages().await;
        if messages.is_empty() {
            return;
        }
        let Err(Undelivered { is_final, words }) = post.tell(&messages).await else {
            failures = 0;
            continue;
        };
        let partner = post.partner();
        if is_final {
            tracing::info!(server = %partner, reason = words, "a partner does not want to be told of conferences");
            if post.give_up_all(&words).await {
                return;
            }
        }
        failures += 1;
        let random = u32::from_be_bytes(secret::random_bytes());
        let pause = Duration::from_millis(pause_ms(failures, random));
        tracing::debug!(server = %partner, ?pause, reason = words, "a partner was not told; it is tried again");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = post.again().notified() => {}
        }
    }
}

/// What waits in the replicated state for one partner.
struct Desk {
    server: Arc<Server>,
    partner: ServerName,
}

#[async_trait::async_trait]
impl Post for Desk {
    fn partner(&self) -> &ServerName {
        &self.partner
    }

    async fn messages(&self) -> Vec<Message> {
        let to = self.partner.clone();
        let messages = self
            .server
            .query(move |db| queries::messages(db, &to, BATCH))
            .await;
        let messages = messages.unwrap_or_default();
        let Some(since) = messages.iter().map(|message| message.created_at).min() else {
            return messages;
        };
        let waiting = Waiting {
            messages: messages.len() as u64,
            since,
        };
        match is_ours(&self.server, waiting).await {
            true => messages,
            false => Vec::new(),
        }
    }

    async fn tell(&self, messages: &[Message]) -> Result<(), Undelivered> {
        tell(&self.server, &self.partner, messages).await
    }

    async fn give_up_all(&self, words: &str) -> bool {
        give_up_all(&self.server, &self.partner, words).await.is_ok()
    }

    fn again(&self) -> &Notify {
        &self.server.outbox.again
    }
}

/// Tells the first of these, and settles what was answered.
async fn tell(server: &Server, partner: &ServerName, messages: &[Message]) -> Result<(), Undelivered> {
    let not_now = |words: &str| Undelivered {
        is_final: false,
        words: words.into(),
    };
    let reach = server.federation.get();
    let reach = reach.ok_or_else(|| not_now("this node meets with no others"))?;
    let answers = reach.deliver(partner, messages).await?;
    let mut later = None;
    let mut settled = Vec::new();
    for (message, answer) in messages.iter().zip(answers) {
        match answer {
            Answer::Taken => settled.push(settle(message, None)),
            Answer::Refused(why) => settled.push(settle(message, Some(why))),
            Answer::Later(why) => later = Some(why),
        }
    }
    propose(server, settled)
        .await
        .map_err(|error| not_now(&error.to_string()))?;
    later.map_or(Ok(()), |why| Err(not_now(&why)))
}

fn settle(message: &Message, given_up: Option<String>) -> Settled {
    Settled {
        cid: message.cid.clone(),
        user: message.user.clone(),
        revision: message.revision,
        given_up,
    }
}

async fn propose(server: &Server, settled: Vec<Settled>) -> Result<(), WriteError> {
    if settled.is_empty() {
        return Ok(());
    }
    let given_up = settled.iter().filter(|one| one.given_up.is_some()).count() as u64;
    let taken = settled.len() as u64 - given_up;
    let command = Command {
        by: system(),
        idempotency: None,
        change: Change::SettleMessages { settled },
    };
    server.propose_conference(command).await?;
    server.outbox.delivered.fetch_add(taken, Ordering::Relaxed);
    server.outbox.given_up.fetch_add(given_up, Ordering::Relaxed);
    Ok(())
}

/// The partner wants none of it.
async fn give_up_all(server: &Server, partner: &ServerName, words: &str) -> anyhow::Result<()> {
    loop {
        let to = partner.clone();
        let messages = server
            .query(move |db| queries::messages(db, &to, GIVEN_UP))
            .await?;
        if messages.is_empty() {
            return Ok(());
        }
        let settled = messages
            .iter()
            .map(|message| settle(message, Some(words.to_owned())));
        propose(server, settled.collect()).await?;
    }
}

/// What was to be told then, or before, has waited for long enough.
fn given_up_before(now: Timestamp) -> Timestamp {
    Timestamp(now.0.saturating_sub(MESSAGE_MS))
}

/// What could not be told for 72 hours is given up.
async fn give_up_old(server: &Server) {
    let before = given_up_before(server.now_ms());
    let old = server.query(move |db| queries::old_messages(db, before, GIVEN_UP));
    let old = old.await.unwrap_or_default();
    if old.is_empty() {
        return;
    }
    let seen = server.partners.ledger().all();
    let settled = old.iter().map(|message| {
        let last = seen
            .get(&message.user.server)
            .and_then(|seen| seen.outgoing.as_ref());
        let trouble = last.and_then(|last| last.trouble.as_ref());
        let last = trouble.map_or_else(String::new, |trouble| format!(": {}", trouble.words));
        settle(message, Some(format!("it could not be told within 72 h{last}")))
    });
    if let Err(error) = propose(server, settled.collect()).await {
        tracing::debug!(%error, "old messages to partners were not given up; it is tried again");
    }
}

/// What a partner's server tells of its conferences.
pub(super) async fn hear(
    server: &Server,
    from: &ServerName,
    deliveries: Vec<Delivery>,
) -> Result<Unheard, Unhosted> {
    let partner = from.clone();
    let news = server.query(move |db| {
        let mut news = Vec::new();
        for (place, one) in deliveries.into_iter().enumerate() {
            let known = queries::partner_invitation(db, &partner, &one.cid, &one.user)?;
            if known.is_none_or(|known| known.revision < one.revision) {
                news.push((place, one));
            }
        }
        Ok(news)
    });
    let news = news.await.map_err(|error| {
        tracing::warn!(%error, "what a partner has told before cannot be read");
        super::not_now()
    })?;
    // What is told again is known: nothing is written of it.
    if news.is_empty() {
        return Ok(Unheard::new());
    }
    let (places, deliveries): (Vec<usize>, Vec<Delivery>) = news.into_iter().unzip();
    let command = Command {
        by: system(),
        idempotency: None,
        change: Change::TakeDeliveries {
            server: from.clone(),
            deliveries,
        },
    };
    let applied = server.propose_conference(command).await.map_err(|error| {
        tracing::info!(%error, server = %from, "what a partner tells was not written; it tells it again");
        super::not_now()
    })?;
    let Outcome::Heard { refused } = applied.outcome else {
        return Err(super::not_now());
    };
    let refused = refused.into_iter();
    let refused = refused.filter_map(|(place, code)| Some((*places.get(place as usize)?, code)));
    Ok(refused.collect())
}

impl Server {
    /// What waits to be told to servers of partners.
    pub(crate) async fn waiting_for_partners(
        &self,
    ) -> Result<BTreeMap<ServerName, backend::WaitingMessages>, ReadError> {
        let waiting = self.query(queries::waiting).await?.into_iter();
        let shown = waiting.map(|(server, found)| {
            let shown = backend::WaitingMessages {
                messages: found.messages,
                since: found.since,
            };
            (server, shown)
        });
        Ok(shown.collect())
    }
}

/// Registers what is counted of it.
pub(crate) fn register(metrics: &Metrics, server: &Arc<Server>) {
    let server = server.clone();
    metrics.figures(move |figures| {
        let outbox = &server.outbox;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let oldest = read(&outbox.oldest);
        let age_ms = match oldest {
            0 => 0,
            oldest => server.now_ms().since_ms(Timestamp(oldest)),
        };
        figures.gauge(
            "federation_outbox_waiting",
            "Messages that wait to be told to servers of other enterprises, on all nodes alike",
            read(&outbox.waiting) as f64,
        )?;
        figures.gauge(
            "federation_outbox_oldest_seconds",
            "For how long the oldest of them has waited",
            age_ms as f64 / 1_000.0,
        )?;
        figures.counter(
            "federation_outbox_delivered",
            "Messages that this node has told",
            read(&outbox.delivered),
        )?;
        figures.counter(
            "federation_outbox_given_up",
            "Messages that this node has given up, because a partner refused them or for their age",
            read(&outbox.given_up),
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_model::Revision;
    use std::sync::Mutex;
    use tokio::time::Instant;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// One message to a partner that does not answer, at the time of the test.
    struct Silent {
        partner: ServerName,
        begin: Instant,
        again: Arc<Notify>,
        /// How long after the beginning it was tried.
        tried: Arc<Mutex<Vec<Duration>>>,
    }

    #[async_trait::async_trait]
    impl Post for Silent {
        fn partner(&self) -> &ServerName {
            &self.partner
        }

        /// The leader has given up what is old.
        async fn messages(&self) -> Vec<Message> {
            let passed = u64::try_from(self.begin.elapsed().as_millis()).expect("it is not for ever");
            let message = Message {
                cid: "review".parse().expect("good"),
                user: "kari@oslo.example.net".parse().expect("good"),
                revision: Revision(1),
                created_at: Timestamp(1),
                bidding: None,
            };
            let now = message.created_at.plus_ms(passed);
            let is_old = message.created_at <= given_up_before(now);
            if is_old { Vec::new() } else { vec![message] }
        }

        async fn tell(&self, _: &[Message]) -> Result<(), Undelivered> {
            self.tried.lock().expect("whole").push(self.begin.elapsed());
            Err(Undelivered {
                is_final: false,
                words: "it is away".into(),
            })
        }

        async fn give_up_all(&self, _: &str) -> bool {
            panic!("the partner has refused nothing")
        }

        fn again(&self) -> &Notify {
            &self.again
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_partner_that_is_away_is_told_again_ever_more_seldom_and_for_72_hours() {
        let (again, tried) = (Arc::new(Notify::new()), Arc::<Mutex<Vec<Duration>>>::default());
        let courier = tokio::spawn(deliver(Silent {
            partner: "oslo.example.net".parse().expect("a name"),
            begin: Instant::now(),
            again: again.clone(),
            tried: tried.clone(),
        }));
        // Lists have changed after a day: at once once more.
        let changed = 24 * HOUR + Duration::from_secs(1);
        tokio::time::sleep(changed).await;
        again.notify_waiters();
        courier.await.expect("it ends");
        let tried = tried.lock().expect("whole").clone();
        let gaps: Vec<_> = tried.windows(2).map(|two| two[1] - two[0]).collect();
        assert_eq!(tried[0], Duration::ZERO, "it is tried at once");
        for (number, gap) in gaps.iter().enumerate().take(11) {
            let full = Duration::from_millis(pause_ms(number as u32 + 1, 0));
            assert!(
                (full / 2..=full + Duration::from_millis(2)).contains(gap),
                "{gap:?} of {full:?}"
            );
        }
        let longest = *gaps.iter().max().expect("more than one");
        assert!(longest <= HOUR / 6 + Duration::from_millis(2), "{longest:?}");
        assert!(
            tried
                .iter()
                .any(|at| *at >= changed && *at < changed + Duration::from_secs(1))
        );
        let last = *tried.last().expect("tried");
        assert!(
            last < 72 * HOUR && last > 72 * HOUR - HOUR / 6 - HOUR / 60,
            "{last:?}"
        );
        assert!((430..=900).contains(&tried.len()), "{} times", tried.len());
    }
}
