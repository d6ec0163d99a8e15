//! A controller at work.

use crate::{config::Limits, counts::Counts, gate::Gate, media::Media, turn::Turn};
use plenary_border::{Desk, Flows, HostName, Links, Policy, Refused, Service, TunnelId};
use plenary_border_client::quic;
use plenary_identity::{Enrolled, MachineKey, Renewal, SignedPolicy};
use plenary_model::NodeId;
use quinn::Connection;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Everything of one controller; shared by all its tasks.
pub(crate) struct Running {
    pub(crate) identity: Enrolled,
    pub(crate) machine: MachineKey,
    pub(crate) limits: Limits,
    pub(crate) gate: Gate,
    pub(crate) counts: Counts,
    pub(crate) media: Arc<Media<Flows>>,
    pub(crate) partners: Arc<Media<Links>>,
    pub(crate) turn: Option<Arc<Turn>>,
    tunnels: Mutex<Tunnels>,
    /// The version of what the inside wants that it goes by.
    policy: Mutex<u64>,
    /// The request for the next certificate that a node is answering, and since when.
    pub(crate) renewal: Mutex<Option<(Renewal, Instant)>>,
}

#[derive(Default)]
struct Tunnels {
    desk: Desk,
    connections: BTreeMap<TunnelId, Connection>,
    last: u64,
}

impl Running {
    pub(crate) fn new(
        identity: Enrolled,
        machine: MachineKey,
        limits: &Limits,
        (media, partners): (Media<Flows>, Media<Links>),
        turn: Option<Turn>,
    ) -> Self {
        let kept = identity.kept_policy().and_then(|text| Policy::read(&text));
        let running = Self {
            identity,
            machine,
            gate: Gate::new(limits),
            limits: limits.clone(),
            counts: Counts::default(),
            media: Arc::new(media),
            partners: Arc::new(partners),
            turn: turn.map(Arc::new),
            tunnels: Mutex::default(),
            policy: Mutex::default(),
            renewal: Mutex::default(),
        };
        if let Some(policy) = kept {
            let mut version = running.policy.lock().unwrap_or_else(PoisonError::into_inner);
            running.go_by(&mut version, &policy);
            drop(version);
        }
        running
    }

    fn go_by(&self, version: &mut u64, policy: &Policy) {
        self.gate.apply(policy);
        self.media.apply(policy);
        *version = policy.version;
        tracing::info!(version = policy.version, ?policy, "goes by what the inside wants");
    }

    /// A node says what its server wants. An older one than that which counts changes nothing.
    pub(crate) fn hear_policy(&self, signed: &SignedPolicy) -> anyhow::Result<()> {
        let mut version = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let is_newer = |text: &str| Policy::read(text).is_some_and(|policy| policy.version > *version);
        let accepted = self.identity.accept_policy(signed, is_newer)?;
        if let Some(policy) = accepted.and_then(|text| Policy::read(&text)) {
            self.go_by(&mut version, &policy);
        }
        Ok(())
    }

    /// The version of what the inside wants that it goes by; 0: none.
    pub(crate) fn policy_version(&self) -> u64 {
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tunnels(&self) -> MutexGuard<'_, Tunnels> {
        self.tunnels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with_desk<T>(&self, act: impl FnOnce(&mut Desk) -> T) -> T {
        act(&mut self.tunnels().desk)
    }

    /// A tunnel is there; gone again when what this gives is dropped.
    pub(crate) fn up(self: &Arc<Self>, node: NodeId, connection: Connection) -> Up {
        let mut tunnels = self.tunnels();
        tunnels.last += 1;
        let id = TunnelId(tunnels.last);
        tunnels.desk.up(id, node);
        tunnels.connections.insert(id, connection);
        Up {
            running: self.clone(),
            id,
        }
    }

    /// What the narrowest path of all tunnels carries in one packet towards its node; `None` where there is no tunnel.
    pub(crate) fn mtu(&self) -> Option<u16> {
        self.tunnels().connections.values().map(quic::mtu).min()
    }

    /// A tunnel for a client that asks for this name.
    pub(crate) fn choose(
        self: &Arc<Self>,
        service: Service,
        name: &HostName,
        tried: &BTreeSet<TunnelId>,
    ) -> Result<(Place, Connection), Refused> {
        let mut tunnels = self.tunnels();
        let id = tunnels.desk.choose(service, name, tried)?;
        let place = Place {
            running: self.clone(),
            id,
        };
        let connection = tunnels.connections.get(&id).cloned();
        drop(tunnels);
        connection
            .map(|connection| (place, connection))
            .ok_or(Refused::NoNode)
    }
}

/// A tunnel that is up.
pub(crate) struct Up {
    running: Arc<Running>,
    pub(crate) id: TunnelId,
}

impl Drop for Up {
    fn drop(&mut self) {
        let mut tunnels = self.running.tunnels();
        tunnels.desk.down(self.id);
        tunnels.connections.remove(&self.id);
    }
}

/// A client's place in a tunnel, free again when this is dropped.
pub(crate) struct Place {
    running: Arc<Running>,
    pub(crate) id: TunnelId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.with_desk(|desk| desk.ended(self.id));
    }
}
