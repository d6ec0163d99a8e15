//! Who the nodes are, followed in the replicated state: links, refused certificates, addresses for the pages.

use crate::server::Server;
use plenary_access::{NodeRow, Topic};
use plenary_identity::{Program, RevocationList};
use plenary_model::NodeId;
use plenary_store::{Changes, queries};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{broadcast, watch};

/// How long a removed node goes on answering, so that the server can count to its majority without it.
const LINGER: Duration = Duration::from_secs(15);

/// Follows the nodes until this one is removed and no longer needed; says so by returning.
pub(crate) async fn follow(
    server: Arc<Server>,
    mut changes: broadcast::Receiver<Changes>,
    draining: watch::Sender<bool>,
) {
    let mut was_member = false;
    let mut removed_at = None;
    let mut status = server.replica.watch_status();
    loop {
        let members: BTreeSet<NodeId> = status
            .borrow_and_update()
            .members
            .keys()
            .map(|id| NodeId(*id))
            .collect();
        let read = server.query(|db| {
            Ok((
                queries::nodes(db)?,
                queries::last_node(db)?,
                queries::border_controllers(db)?,
            ))
        });
        match read.await {
            Ok((rows, last, controllers)) => {
                let mine = rows.iter().find(|row| row.id == server.me());
                was_member |= mine.is_some();
                let drains = mine.is_some_and(|row| row.draining);
                draining.send_if_modified(|now| std::mem::replace(now, drains) != drains);
                if was_member && mine.is_none() {
                    let removed_at = *removed_at.get_or_insert_with(Instant::now);
                    if !members.contains(&server.me()) || removed_at.elapsed() >= LINGER {
                        return;
                    }
                }
                let gone = controllers.iter().filter(|one| !one.is_there());
                let gone = gone.map(|one| (Program::BorderController, one.id));
                take_over(&server, &rows, last, &members, gone);
            }
            Err(error) => tracing::error!(%error, "the nodes of the server cannot be read"),
        }
        let members_changed = status.wait_for(|status| {
            status.members.len() != members.len()
                || status.members.keys().any(|id| !members.contains(&NodeId(*id)))
        });
        tokio::select! {
            closed = concerning(&mut changes) => if closed { return },
            changed = members_changed => if changed.is_err() { return },
            () = tokio::time::sleep(LINGER), if removed_at.is_some() => {}
        }
    }
}

/// Waits for a change of the nodes; true if there will be none any more.
pub(crate) async fn concerning(changes: &mut broadcast::Receiver<Changes>) -> bool {
    loop {
        match changes.recv().await {
            Ok(change) if concerns_nodes(&change) => return false,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return false,
            Err(broadcast::error::RecvError::Closed) => return true,
        }
    }
}

fn concerns_nodes(change: &Changes) -> bool {
    change
        .notices
        .as_ref()
        .is_none_or(|notices| notices.iter().any(|notice| notice.topic == Topic::Cluster))
}

fn take_over(
    server: &Server,
    rows: &[NodeRow],
    last: NodeId,
    members: &BTreeSet<NodeId>,
    controllers: impl Iterator<Item = (Program, NodeId)>,
) {
    server.links.update(rows);
    server.set_urls(rows);
    let present: BTreeSet<NodeId> = rows.iter().map(|row| row.id).collect();
    // While the majority still counts a removed node, it must be heard: two nodes become one only with both.
    let members: BTreeSet<(Program, NodeId)> = (1..=last.0)
        .map(NodeId)
        .filter(|id| !present.contains(id) && !members.contains(id))
        .map(|id| (Program::Node, id))
        .chain(controllers)
        .collect();
    // Numbers are never given twice, so the list only grows and its length counts its versions.
    let list = RevocationList {
        version: members.len() as u64,
        members,
        ..RevocationList::empty(server.identity.ca().scope().clone())
    };
    let accepted = server
        .identity
        .sign_revocations(&list)
        .and_then(|signed| server.identity.accept_revocations(&signed));
    if let Err(error) = accepted {
        tracing::error!(%error, "certificates of removed nodes cannot be refused");
    }
}
