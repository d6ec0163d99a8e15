//! This node tells the server that it is there, and finds out whether it may serve.

use crate::{options::system, server::Server};
use plenary_access::{Change, Command};
use plenary_store::queries;
use plenary_telemetry::{CheckState, Health};
use std::{sync::Arc, time::Duration};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The first attempts come quickly: a node should be ready in less than a second.
const FIRST_EVERY: Duration = Duration::from_millis(25);

/// Checks that `/readyz` asks.
pub(crate) fn watch_health(server: &Arc<Server>, health: &Health) {
    health.set(
        "announced",
        CheckState::Unready("the server does not know yet that this node has started".into()),
    );
    let replica = server.replica.clone();
    health.watch("leader", move || match replica.status().leader {
        Some(_) => CheckState::Ready,
        None => CheckState::Unready("no leader is known; more than half of the nodes must run".into()),
    });
    let replica = server.replica.clone();
    health.watch("disk", move || {
        if replica.status().disk_full {
            CheckState::Degraded("the disk is full: writes are refused, reads go on".into())
        } else {
            CheckState::Ready
        }
    });
}

/// Announces this start of the node, again whenever the server counted the node as lost meanwhile.
pub(crate) async fn announce(server: Arc<Server>, health: Health, address: String, url: String) {
    let mut announced = false;
    loop {
        match is_known(&server).await {
            Some(true) if announced => {}
            Some(true) => {
                let described = Change::DescribeNode {
                    node: server.me(),
                    address: address.clone(),
                    url: url.clone(),
                    version: crate::server::VERSION.to_owned(),
                };
                if propose(&server, described).await {
                    announced = true;
                    health.set("announced", CheckState::Ready);
                }
            }
            Some(false) => {
                let version = crate::server::VERSION.to_owned();
                let started = Change::NodeStarted {
                    node: server.me(),
                    epoch: server.epoch,
                    version,
                };
                if propose(&server, started).await {
                    server.presence_lost();
                }
                continue;
            }
            None => {}
        }
        tokio::time::sleep(if announced { LOOK_EVERY } else { FIRST_EVERY }).await;
    }
}

/// Whether the state has this node with this start; `None` while it has not the node at all.
async fn is_known(server: &Server) -> Option<bool> {
    let me = server.me();
    let epoch = server.query(move |db| queries::epoch_of(db, me)).await.ok()??;
    Some(epoch == server.epoch)
}

async fn propose(server: &Server, change: Change) -> bool {
    let command = Command {
        by: system(),
        idempotency: None,
        change,
    };
    match server.propose_command(&command).await {
        Ok(_) => true,
        Err(error) => {
            tracing::debug!(%error, "the server does not know yet that this node has started");
            tokio::time::sleep(FIRST_EVERY).await;
            false
        }
    }
}
