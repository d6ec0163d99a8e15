//! The replica of a member.

use crate::{
    Folder,
    config::{Limits, Timing},
};
use plenary_identity::Identity;
use plenary_model::{NodeId, NodeName, ServerName};
use plenary_program::UsageError;
use plenary_replication::{Application, Connector, Member, Options, Replica};
use std::{error::Error, sync::Arc, time::Duration};
use tonic::transport::Channel;

/// Time for another member to take over leading.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);

/// How the replica of a member is opened; others reach it at `address` (`host:port`).
pub fn replica_options(
    folder: &Folder,
    group: &ServerName,
    (name, member): (&NodeName, NodeId),
    address: String,
    timing: &Timing,
    limits: &Limits,
) -> Options {
    let about = Member {
        name: name.to_string(),
        address,
    };
    let mut options = Options::new(folder.replica(), group.to_string(), member.0, about);
    options.timing = timing.of_replica();
    options.limits.reserve_bytes = limits.disk_reserve_bytes;
    options
}

/// Opens the replica. Its log has connections of its own to the other members, so that nothing else delays it.
///
/// # Errors
/// Whatever hinders it; all of that is for the operator to change.
pub async fn open<A: Application>(
    options: Options,
    app: Arc<A>,
    identity: Identity,
) -> Result<Replica<A>, UsageError> {
    Replica::open(options, app, Arc::new(LogLinks(identity)))
        .await
        .map_err(UsageError::caused)
}

struct LogLinks(Identity);

#[tonic::async_trait]
impl Connector for LogLinks {
    async fn channel(&self, node: u64, address: &str) -> Result<Channel, Box<dyn Error + Send + Sync>> {
        Ok(plenary_links::member_channel(&self.0, NodeId(node), address)?)
    }
}

/// Gives leading to the most up-to-date voter that `is_up` before this member ends, so that writes hardly wait. Waits at
/// most 2 s; what fails is only logged.
pub async fn hand_over<A: Application>(replica: &Replica<A>, is_up: impl Fn(NodeId) -> bool) {
    if !replica.leads() {
        return;
    }
    let status = replica.status();
    let others = status
        .members
        .iter()
        .filter(|(id, member)| **id != status.node && member.voter && is_up(NodeId(**id)));
    let Some((next, _)) = others.max_by_key(|(_, member)| member.matched) else {
        return;
    };
    match tokio::time::timeout(HAND_OVER_WITHIN, replica.transfer_leader(*next)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::info!(%error, "leading was not handed over"),
        Err(_) => tracing::info!("leading was not handed over in time"),
    }
}
