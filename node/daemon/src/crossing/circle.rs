//! With whom media are exchanged, and where they are.

use crate::server::Server;
use futures::future::BoxFuture;
use plenary_access::{Topic, policy_for};
use plenary_cascade_io::{Bounds, Circle};
use plenary_federation_io::{Home as _, Names, knows_people};
use plenary_model::ServerName;
use plenary_store::Changes;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::{broadcast, watch},
    time::MissedTickBehavior,
};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who says with whom this server meets.
#[async_trait::async_trait]
pub(crate) trait Policy: Send + Sync + 'static {
    /// How much all links of this node with a server carry; `None` where it is not to be met now.
    async fn bounds(&self, server: &ServerName) -> Option<Bounds>;
}

/// Who says where servers are.
#[async_trait::async_trait]
pub(crate) trait Crowd: Send + Sync + 'static {
    /// In the order in which they are to be tried.
    async fn addresses(&self, server: &ServerName) -> Result<Vec<SocketAddr>, String>;
}

#[async_trait::async_trait]
impl Policy for Server {
    async fn bounds(&self, server: &ServerName) -> Option<Bounds> {
        // Who misbehaved by words exchanges no media either, for as long.
        if self.ledger().quarantined(server).is_some() {
            return None;
        }
        let standing = self.standing(server).await?;
        let terms = policy_for(&standing, server).ok()?;
        // A call has a room, too; what may cross of each is said by its own terms.
        if !knows_people(terms) {
            return None;
        }
        let kbps = match terms.bandwidth_kbps {
            Some(kbps) => Some(self.part_of(server, kbps).await),
            None => None,
        };
        Some(Bounds { kbps })
    }
}

/// The servers that there are links with, and what was told of each.
pub(super) struct Town {
    policy: Arc<dyn Policy>,
    crowd: Arc<dyn Crowd>,
    known: Mutex<BTreeMap<ServerName, watch::Sender<Option<Bounds>>>>,
}

impl Town {
    pub(super) fn new(policy: Arc<dyn Policy>, crowd: Arc<dyn Crowd>) -> Self {
        Self {
            policy,
            crowd,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<ServerName, watch::Sender<Option<Bounds>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks again with whom this server meets, and tells those who ask; `anew` also where it is as before: a certificate may
    /// count no more.
    async fn look(&self, anew: bool) {
        self.known().retain(|_, told| told.receiver_count() > 0);
        let servers: Vec<ServerName> = self.known().keys().cloned().collect();
        for server in servers {
            let bounds = self.policy.bounds(&server).await;
            if let Some(told) = self.known().get(&server) {
                told.send_if_modified(|known| std::mem::replace(known, bounds) != bounds || anew);
            }
        }
    }
}

impl Circle for Town {
    fn meets<'a>(&'a self, server: &'a ServerName) -> BoxFuture<'a, watch::Receiver<Option<Bounds>>> {
        Box::pin(async move {
            let heard = {
                let mut known = self.known();
                known.retain(|known, told| known == server || told.receiver_count() > 0);
                let told = known.entry(server.clone());
                told.or_insert_with(|| watch::Sender::new(None)).subscribe()
            };
            // After it is known, so that nothing that changes meanwhile is missed.
            let bounds = self.policy.bounds(server).await;
            if let Some(told) = self.known().get(server) {
                told.send_if_modified(|now| std::mem::replace(now, bounds) != bounds);
            }
            heard
        })
    }

    fn way<'a>(&'a self, server: &'a ServerName) -> BoxFuture<'a, Result<Vec<SocketAddr>, String>> {
        Box::pin(async move { self.crowd.addresses(server).await })
    }
}

/// By DNS, and first where this node has a connection already: so that the end of one tells of the other.
pub(super) struct Ways {
    server: Weak<Server>,
    names: Names,
}

impl Ways {
    pub(super) fn new(server: &Arc<Server>, names: Names) -> Self {
        Self {
            server: Arc::downgrade(server),
            names,
        }
    }
}

#[async_trait::async_trait]
impl Crowd for Ways {
    async fn addresses(&self, server: &ServerName) -> Result<Vec<SocketAddr>, String> {
        let targets = self.names.targets(server).await?;
        let (mut found, _) = self.names.sockets(&targets).await?;
        let me = self.server.upgrade();
        let there = me.and_then(|me| me.federation.get()?.whereabouts(server));
        // What DNS does not tell of any more is not gone to.
        found.sort_by_key(|address| Some(*address) != there);
        Ok(found)
    }
}

/// Looks again whenever the settings change, and each second, as quarantines begin and end by themselves; until there is nobody to
/// look for.
pub(super) async fn follow(town: Weak<Town>, mut changes: broadcast::Receiver<Changes>) {
    let mut each = tokio::time::interval(LOOK_EVERY);
    each.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let anew = tokio::select! {
            changes = changes.recv() => match changes {
                Ok(changes) if !concerns_partners(&changes) => continue,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => true,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = each.tick() => false,
        };
        let Some(town) = town.upgrade() else {
            return;
        };
        town.look(anew).await;
    }
}

fn concerns_partners(changes: &Changes) -> bool {
    let of_partners = |topic: Topic| matches!(topic, Topic::Settings | Topic::Licensing);
    let notices = changes.notices.as_ref();
    notices.is_none_or(|notices| notices.iter().any(|notice| of_partners(notice.topic)))
}
