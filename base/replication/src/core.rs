//! The consensus core and what the rest needs of it.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use openraft::{Config, Raft, SnapshotPolicy, errors::Fatal, raft::ClientWriteResult};

use crate::{
    application::Application,
    error::OpenError,
    link::Links,
    log::LogStore,
    network::Network,
    options::Timing,
    state::{Machine, StateView},
    types::{Answer, Payload, Types},
};

/// openraft with our parts.
pub(crate) type Core<A> = Raft<Types, Machine<A>>;

/// Who leads, and since which term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) node: u64,
    pub(crate) term: u64,
    pub(crate) address: String,
}

/// Takes entries, whatever the program is.
pub(crate) type CoreHandle = Arc<dyn Write>;

#[async_trait]
pub(crate) trait Write: Send + Sync {
    async fn write(
        &self,
        payload: Payload,
        answer: Answer<ClientWriteResult<Types>>,
    ) -> Result<(), Fatal<Types>>;
}

/// The core that runs now; it is exchanged when its times change.
pub(crate) struct CoreSlot<A: Application>(RwLock<Core<A>>);

impl<A: Application> CoreSlot<A> {
    pub(crate) fn new(core: Core<A>) -> Self {
        Self(RwLock::new(core))
    }

    pub(crate) fn current(&self) -> Core<A> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn exchange(&self, core: Core<A>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = core;
    }
}

#[async_trait]
impl<A: Application> Write for CoreSlot<A> {
    async fn write(
        &self,
        payload: Payload,
        answer: Answer<ClientWriteResult<Types>>,
    ) -> Result<(), Fatal<Types>> {
        let core = self.current();
        core.client_write_ff(payload, Some(answer)).await
    }
}

/// What a core is made of.
pub(crate) struct Parts<A: Application> {
    pub(crate) node: u64,
    pub(crate) group: String,
    pub(crate) links: Arc<dyn Links>,
    pub(crate) view: Arc<StateView>,
    pub(crate) log: LogStore,
    pub(crate) machine: Machine<A>,
}

/// Starts a core over what the log and the state hold.
pub(crate) async fn start<A: Application>(parts: &Parts<A>, timing: &Timing) -> Result<Core<A>, OpenError> {
    let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let config = Config {
        cluster_name: parts.group.clone(),
        heartbeat_interval: ms(timing.heartbeat),
        election_timeout_min: ms(timing.election_min),
        election_timeout_max: ms(timing.election_max),
        // A snapshot is a checkpoint here; our housekeeping asks for it by the size of the log.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        replication_lag_threshold: u64::MAX,
        // An entry is a batch of up to half a megabyte; the reader of the log bounds the bytes.
        max_payload_entries: 64,
        enable_pre_vote: Some(true),
        // Only where a core follows another one in a process; see `Memory::step_down`.
        enable_leader_restore: Some(true),
        install_snapshot_timeout: 600_000,
        ..Config::default()
    };
    let config = config
        .validate()
        .map_err(|error| OpenError::Core(error.to_string()))?;
    let network = Network {
        links: parts.links.clone(),
        view: parts.view.clone(),
        log: parts.log.clone(),
    };
    Raft::new(
        parts.node,
        Arc::new(config),
        network,
        parts.log.clone(),
        parts.machine.clone(),
    )
    .await
    .map_err(|error| OpenError::Core(error.to_string()))
}
