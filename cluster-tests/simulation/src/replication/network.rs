//! A network that loses, delays, doubles and cuts.
//!
//! Single messages may arrive late, twice, in another order or not at all. Streams keep their order, as
//! those of TCP do, but stall and break, after which nobody knows what arrived.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use plenary_replication::simulation::{Answers, Frames, Header, Kind, Link, LinkError, Links, Serve};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::Instant,
};

use super::{
    journal::Journal,
    mutant::{self, Mutant, Renumber},
};

pub(crate) const GROUP: &str = "simulated";
/// After so long without a sign of life a connection is given up.
const GIVE_UP: Duration = Duration::from_secs(3);

pub(crate) struct Net {
    seed: u64,
    mutant: Option<Mutant>,
    journal: Arc<Journal>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ends: BTreeMap<u64, End>,
    blocked: BTreeSet<(u64, u64)>,
    weather: Weather,
    rngs: BTreeMap<(u64, u64), StdRng>,
    connections: Vec<(u64, u64, Weak<Breaker>)>,
    renumber: BTreeMap<u64, Arc<Mutex<Renumber>>>,
}

#[derive(Clone)]
struct End {
    incarnation: u64,
    serve: Arc<dyn Serve>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    /// Share of single messages that are lost.
    pub(crate) lost: f64,
    /// Share that arrive twice.
    pub(crate) doubled: f64,
    /// Share that are late, by up to a second.
    pub(crate) late: f64,
    /// Share of frames with which their stream breaks.
    pub(crate) broken: f64,
}

/// What happens to one message.
struct Fate {
    delay: Duration,
    lost: bool,
    doubled: bool,
    broken: bool,
}

impl Net {
    pub(crate) fn new(seed: u64, mutant: Option<Mutant>, journal: Arc<Journal>) -> Arc<Self> {
        Arc::new(Self {
            seed,
            mutant,
            journal,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `node` sends with, in one start of it.
    pub(crate) fn links(self: &Arc<Self>, node: u64, incarnation: u64) -> Arc<dyn Links> {
        Arc::new(Plug {
            net: self.clone(),
            node,
            incarnation,
        })
    }

    pub(crate) fn connect(&self, node: u64, incarnation: u64, serve: Arc<dyn Serve>) {
        self.state().ends.insert(node, End { incarnation, serve });
    }

    /// The node is gone; its connections break.
    pub(crate) fn disconnect(&self, node: u64) {
        let mut state = self.state();
        state.ends.remove(&node);
        state.connections.retain(|(from, to, breaker)| {
            let Some(breaker) = breaker.upgrade() else {
                return false;
            };
            if *from == node || *to == node {
                breaker.trip();
            }
            true
        });
    }

    /// Lets go of all replicas, which hold this network.
    pub(crate) fn close(&self) {
        *self.state() = State::default();
    }

    pub(crate) fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    pub(crate) fn block(&self, pairs: impl IntoIterator<Item = (u64, u64)>) {
        self.state().blocked.extend(pairs);
    }

    pub(crate) fn heal(&self) {
        self.state().blocked.clear();
    }

    fn fate(&self, from: u64, to: u64) -> Fate {
        let seed = self.seed ^ (from << 32 | to).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut state = self.state();
        let Weather {
            lost,
            doubled,
            late,
            broken,
        } = state.weather;
        // One source of chance for each direction: what goes on elsewhere does not change it.
        let rng = state
            .rngs
            .entry((from, to))
            .or_insert_with(|| StdRng::seed_from_u64(seed));
        let delay = if rng.random_bool(late) {
            rng.random_range(5..=1000)
        } else {
            rng.random_range(0..=3)
        };
        Fate {
            delay: Duration::from_millis(delay),
            lost: rng.random_bool(lost),
            doubled: rng.random_bool(doubled),
            broken: rng.random_bool(broken),
        }
    }

    fn is_blocked(&self, from: u64, to: u64) -> bool {
        self.state().blocked.contains(&(from, to))
    }

    fn is_alive(&self, (node, incarnation): (u64, u64)) -> bool {
        self.state()
            .ends
            .get(&node)
            .is_some_and(|end| end.incarnation == incarnation)
    }

    fn end(&self, node: u64) -> Option<End> {
        self.state().ends.get(&node).cloned()
    }

    /// Waits until the way is open. `false` if that took too long.
    async fn wait_open(&self, from: u64, to: u64) -> bool {
        let started = Instant::now();
        while self.is_blocked(from, to) {
            if started.elapsed() >= GIVE_UP {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    fn renumber(&self, from: u64) -> Option<Arc<Mutex<Renumber>>> {
        (self.mutant == Some(Mutant::ApplyTwice))
            .then(|| self.state().renumber.entry(from).or_default().clone())
    }
}

struct Plug {
    net: Arc<Net>,
    node: u64,
    incarnation: u64,
}

impl Links for Plug {
    fn link(&self, node: u64, _address: &str) -> Arc<dyn Link> {
        Arc::new(Wire {
            net: self.net.clone(),
            from: self.node,
            incarnation: self.incarnation,
            to: node,
        })
    }
}

#[derive(Clone)]
struct Wire {
    net: Arc<Net>,
    from: u64,
    incarnation: u64,
    to: u64,
}

fn unreachable(what: &str) -> LinkError {
    LinkError::Unreachable(what.to_owned())
}

impl Wire {
    fn header(&self, kind: Kind) -> Header {
        Header {
            group: GROUP.to_owned(),
            from: self.from,
            to: self.to,
            kind,
        }
    }

    fn sender_is_alive(&self) -> bool {
        self.net.is_alive((self.from, self.incarnation))
    }

    /// Brings one question there and its answer back, or never answers.
    async fn deliver(
        self,
        kind: Kind,
        body: Bytes,
        fate: Fate,
        answer: oneshot::Sender<Result<Bytes, LinkError>>,
    ) {
        let silence = || tokio::time::sleep(GIVE_UP);
        tokio::time::sleep(fate.delay).await;
        if fate.lost || self.net.is_blocked(self.from, self.to) || !self.sender_is_alive() {
            return silence().await;
        }
        let Some(end) = self.net.end(self.to) else {
            answer.send(Err(unreachable("nobody listens"))).ok();
            return;
        };
        self.net
            .journal
            .note(&[2, self.from, self.to, kind as u64, body.len() as u64]);
        let result = end.serve.call(self.header(kind), body).await;
        let back = self.net.fate(self.to, self.from);
        tokio::time::sleep(back.delay).await;
        if back.lost
            || self.net.is_blocked(self.to, self.from)
            || !self.net.is_alive((self.to, end.incarnation))
        {
            return silence().await;
        }
        answer.send(result).ok();
    }

    /// A connection to whoever is there now.
    async fn open(&self) -> Result<(End, Arc<Breaker>), LinkError> {
        let fate = self.net.fate(self.from, self.to);
        tokio::time::sleep(fate.delay).await;
        if !self.net.wait_open(self.from, self.to).await || !self.net.wait_open(self.to, self.from).await {
            return Err(unreachable("no answer"));
        }
        if !self.sender_is_alive() {
            return Err(unreachable("this node is down"));
        }
        let end = self
            .net
            .end(self.to)
            .ok_or_else(|| unreachable("nobody listens"))?;
        let breaker = Arc::new(Breaker::default());
        let known = (self.from, self.to, Arc::downgrade(&breaker));
        self.net.state().connections.push(known);
        Ok((end, breaker))
    }

    /// Frames as they arrive at the other end of a connection.
    fn carry<T: Send + 'static>(
        &self,
        mut frames: BoxStream<'static, T>,
        (from, to): (u64, u64),
        breaker: &Arc<Breaker>,
        length: impl Fn(&T) -> usize + Send + 'static,
    ) -> BoxStream<'static, Result<T, LinkError>> {
        let (sender, receiver) = mpsc::unbounded_channel::<(Instant, T)>();
        let (net, sending) = (self.net.clone(), breaker.clone());
        tokio::spawn(async move {
            let mut last = Instant::now();
            loop {
                let frame = tokio::select! {
                    biased;
                    () = sending.broken() => return,
                    () = sender.closed() => return,
                    frame = frames.next() => frame,
                };
                let Some(frame) = frame else { return };
                let fate = net.fate(from, to);
                if fate.broken {
                    sending.trip();
                    return;
                }
                last = last.max(Instant::now() + fate.delay);
                net.journal.note(&[3, from, to, length(&frame) as u64]);
                if sender.send((last, frame)).is_err() {
                    return;
                }
            }
        });
        let net = self.net.clone();
        let arriving = Arriving {
            net,
            from,
            to,
            breaker: breaker.clone(),
            receiver,
            ended: false,
        };
        futures::stream::unfold(arriving, |mut arriving| async move {
            let next = arriving.next().await?;
            Some((next, arriving))
        })
        .boxed()
    }
}

struct Arriving<T> {
    net: Arc<Net>,
    from: u64,
    to: u64,
    breaker: Arc<Breaker>,
    receiver: mpsc::UnboundedReceiver<(Instant, T)>,
    ended: bool,
}

impl<T> Arriving<T> {
    async fn next(&mut self) -> Option<Result<T, LinkError>> {
        if self.ended {
            return None;
        }
        let breaker = self.breaker.clone();
        let next = tokio::select! {
            biased;
            () = breaker.broken() => Some(Err(())),
            arrived = self.arrived() => arrived,
        };
        match next {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(())) => {
                self.ended = true;
                self.breaker.trip();
                Some(Err(unreachable("the connection broke")))
            }
            None => None,
        }
    }

    async fn arrived(&mut self) -> Option<Result<T, ()>> {
        let (at, frame) = self.receiver.recv().await?;
        tokio::time::sleep_until(at).await;
        Some(if self.net.wait_open(self.from, self.to).await {
            Ok(frame)
        } else {
            Err(())
        })
    }
}

/// Whether a connection still holds.
#[derive(Default)]
struct Breaker {
    tripped: AtomicBool,
    changed: Notify,
}

impl Breaker {
    fn trip(&self) {
        self.tripped.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    async fn broken(&self) {
        loop {
            let changed = self.changed.notified();
            if self.tripped.load(Ordering::SeqCst) {
                return;
            }
            changed.await;
        }
    }
}

#[async_trait]
impl Link for Wire {
    async fn call(&self, kind: Kind, body: Bytes) -> Result<Bytes, LinkError> {
        let fate = self.net.fate(self.from, self.to);
        if fate.doubled {
            let again = self.net.fate(self.from, self.to);
            let (nobody, _) = oneshot::channel();
            tokio::spawn(self.clone().deliver(kind, body.clone(), again, nobody));
        }
        let (answer, waiting) = oneshot::channel();
        tokio::spawn(self.clone().deliver(kind, body, fate, answer));
        match tokio::time::timeout(GIVE_UP, waiting).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(unreachable("no answer")),
        }
    }

    async fn exchange(&self, kind: Kind, frames: Frames) -> Result<Answers, LinkError> {
        let (end, breaker) = self.open().await?;
        let renumber = self.net.renumber(self.from).filter(|_| kind == Kind::Propose);
        let frames = match renumber.clone() {
            None => frames,
            Some(renumber) => frames
                .map(move |body| {
                    renumber
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .proposals(&body)
                })
                .boxed(),
        };
        let there = self.carry(frames, (self.from, self.to), &breaker, Bytes::len);
        let answers = end.serve.exchange(self.header(kind), there).await?;
        let length = |answer: &Result<Bytes, LinkError>| answer.as_ref().map_or(0, Bytes::len);
        let back = self.carry(answers, (self.to, self.from), &breaker, length);
        Ok(back
            .map(move |answer| {
                let answer = answer??;
                Ok(match &renumber {
                    None => answer,
                    Some(_) => Renumber::answers(&answer),
                })
            })
            .boxed())
    }

    async fn install(&self, frames: Frames) -> Result<Bytes, LinkError> {
        let (end, breaker) = self.open().await?;
        let stale = self.net.mutant == Some(Mutant::StaleMembershipAfterSnapshot);
        let frames = frames
            .enumerate()
            .map(move |(number, body)| {
                if stale && number == 0 {
                    mutant::stale_members(&body)
                } else {
                    body
                }
            })
            .boxed();
        let there = self.carry(frames, (self.from, self.to), &breaker, Bytes::len);
        let result = tokio::select! {
            biased;
            () = breaker.broken() => return Err(unreachable("the connection broke")),
            result = end.serve.install(self.header(Kind::Snapshot), there) => result,
        };
        let back = self.net.fate(self.to, self.from);
        tokio::time::sleep(back.delay).await;
        if !self.net.wait_open(self.to, self.from).await {
            return Err(unreachable("no answer"));
        }
        result
    }
}
