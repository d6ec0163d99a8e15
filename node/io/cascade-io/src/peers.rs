//! One task for each other node, as long as it is a member: it has a connection, or tries to get one.

use crate::{
    cascade::Event,
    dial::{Backoff, DialError, dial},
    doors::{self, Close},
    driver::{Driver, End},
    outbox::Outbox,
    standing::OwnNode,
    tls::Peer,
};
use plenary_identity::Identity;
use plenary_model::NodeId;
use quinn::{Connection, Endpoint};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};

/// The other nodes and where they are, `host:port`.
pub(crate) type Members = BTreeMap<NodeId, String>;
/// A connection whose other end is known.
pub(crate) type Arrival = (Connection, Peer);

/// A connection that held this long was a good one: after its end the first pause is short again.
const GOOD_AFTER: Duration = Duration::from_secs(1);
/// How long closing words may take to leave.
const FAREWELL: Duration = Duration::from_millis(500);

/// What all tasks share.
pub(crate) struct Ground {
    pub(crate) endpoint: Endpoint,
    pub(crate) identity: Identity,
    pub(crate) me: NodeId,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) routes: Arc<Routes>,
}

/// The members, with where their connections arrive. A member's task ends when its entry goes.
#[derive(Default)]
pub(crate) struct Routes(RwLock<BTreeMap<NodeId, Route>>);

struct Route {
    address: String,
    outbox: Arc<Outbox>,
    arrivals: mpsc::Sender<Arrival>,
}

/// Held by the task of a node, so that the next one for the same node begins when it has told the end of its link.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl Routes {
    pub(crate) fn outbox(&self, node: NodeId) -> Option<Arc<Outbox>> {
        self.read().get(&node).map(|route| route.outbox.clone())
    }

    pub(crate) fn outboxes(&self) -> BTreeMap<NodeId, Arc<Outbox>> {
        let routes = self.read();
        routes
            .iter()
            .map(|(node, route)| (*node, route.outbox.clone()))
            .collect()
    }

    /// Gives a connection to its node's task. `false` if there is none.
    pub(crate) fn arrive(&self, node: NodeId, arrival: Arrival) -> bool {
        let arrivals = self.read().get(&node).map(|route| route.arrivals.clone());
        arrivals.is_some_and(|arrivals| arrivals.try_send(arrival).is_ok())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<NodeId, Route>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<NodeId, Route>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a task for each member until `stop`, then says goodbye to all.
pub(crate) async fn run(
    ground: Arc<Ground>,
    mut members: watch::Receiver<Members>,
    mut stop: oneshot::Receiver<()>,
) {
    let doors = tokio::spawn(doors::accept(ground.clone()));
    let mut tasks = JoinSet::new();
    let mut turns = BTreeMap::new();
    loop {
        let now = members.borrow_and_update().clone();
        take_over(&ground, now, &mut tasks, &mut turns);
        tokio::select! {
            _ = &mut stop => break,
            changed = members.changed() => if changed.is_err() {
                // Who told of members is gone; those of now stay.
                drop((&mut stop).await);
                break;
            },
        }
        // Ended ones need no memory.
        while tasks.try_join_next().is_some() {}
    }
    ground.routes.write().clear();
    // Where nobody takes what they tell, they end without telling it.
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, ended).await.is_err() {
        tasks.shutdown().await;
    }
    ground
        .endpoint
        .close(quinn::VarInt::from_u32(Close::Stopping as u32), b"");
    drop(tokio::time::timeout(FAREWELL, ground.endpoint.wait_idle()).await);
    // It ends with the endpoint.
    drop(doors.await);
}

/// Brings the tasks in line with the members; those that did not move go on.
fn take_over(
    ground: &Arc<Ground>,
    members: Members,
    tasks: &mut JoinSet<()>,
    turns: &mut BTreeMap<NodeId, Turn>,
) {
    let mut routes = ground.routes.write();
    let dials = |node: NodeId| ground.me < node;
    routes.retain(|node, route| {
        members
            .get(node)
            .is_some_and(|address| *address == route.address || !dials(*node))
    });
    for (node, address) in members {
        if node == ground.me || routes.contains_key(&node) {
            continue;
        }
        let (arrivals, arriving) = mpsc::channel(4);
        let outbox = Arc::new(Outbox::default());
        let route = Route {
            address: address.clone(),
            outbox: outbox.clone(),
            arrivals,
        };
        routes.insert(node, route);
        let member = Member {
            ground: ground.clone(),
            node,
            address: dials(node).then_some(address),
            outbox,
            arriving,
        };
        let turn: Turn = turns.entry(node).or_default().clone();
        tasks.spawn(async move {
            let _turn = turn.lock_owned().await;
            member.run().await;
        });
    }
}

struct Member {
    ground: Arc<Ground>,
    node: NodeId,
    /// Where to dial; `None` where the other one does.
    address: Option<String>,
    outbox: Arc<Outbox>,
    arriving: mpsc::Receiver<Arrival>,
}

impl Member {
    async fn run(mut self) {
        let mut backoff = Backoff::default();
        let mut next = None;
        loop {
            let arrival = match next.take() {
                Some(arrival) => Some(arrival),
                None => self.connection(&mut backoff).await,
            };
            let Some((connection, peer)) = arrival else {
                return;
            };
            let since = Instant::now();
            let mut standing = OwnNode::new(&self.ground.identity, peer, &mut self.arriving);
            let events = &self.ground.events;
            let driver = Driver::new(events, self.node, &connection, &mut standing, &self.outbox);
            match driver.run().await {
                End::Stopped => {
                    Close::Stopping.close(&connection);
                    return;
                }
                End::Replaced => {
                    Close::Replaced.close(&connection);
                    next = standing.newer;
                }
                End::Closed(close) => close.close(&connection),
                End::Lost(error) => tracing::info!(node = %self.node, %error, "a link of the cascade ended"),
            }
            if since.elapsed() >= GOOD_AFTER {
                backoff.reset();
            }
        }
    }

    /// The next connection; `None` when this node is no member any more.
    async fn connection(&mut self, backoff: &mut Backoff) -> Option<Arrival> {
        let Some(address) = &self.address else {
            return self.arriving.recv().await;
        };
        let mut said = false;
        loop {
            let dialled = async {
                tokio::time::sleep(backoff.next()).await;
                dial(&self.ground, self.node, address).await
            };
            let dialled = tokio::select! {
                dialled = dialled => dialled,
                // Nothing arrives where we dial.
                _ = self.arriving.recv() => return None,
            };
            match dialled {
                Ok(arrival) => return Some(arrival),
                Err(error) => self.say(&error, &mut said),
            }
        }
    }

    /// The first failure is for people, the others for those who look closely.
    fn say(&self, error: &DialError, said: &mut bool) {
        let Self { node, address, .. } = self;
        if std::mem::replace(said, true) {
            tracing::debug!(%node, ?address, %error, "a node cannot be dialled");
        } else {
            tracing::warn!(%node, ?address, %error, "a node cannot be dialled; media to it waits");
        }
    }
}
