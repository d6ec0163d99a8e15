//! Seats as this node sees to them: what has ended here is told, and the leader has time pass.
//!
//! A join costs one entry of the log, the one that puts somebody into the roster: the seat is taken when that entry is
//! applied. What it costs there is one look into the desk that the store keeps in memory, and the rows of one user.

use crate::{media::MediaDoor, options::system, secret::random_bytes, server::Server};
use plenary_licences::PoolId;
use plenary_licensing::{Change, Command, SEATS_LEVEL};
use plenary_rest_api::backend::{Applied, Backend as _, WriteError};
use plenary_signalling::meeting::ParticipantId;
use plenary_store::{Changes, queries};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::broadcast;

/// How often it is looked what has ended, beside when something changed.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Looked again, while something is to end here that has not.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Changes in meetings come often.
const PACE: Duration = Duration::from_millis(100);

pub(crate) async fn propose(server: &Server, change: Change) -> Result<Applied, WriteError> {
    let command = Command {
        by: system(),
        idempotency: None,
        change,
    };
    server.propose_licensing(command).await
}

/// Has the seats begin, and time pass for them; for the leader.
pub(crate) async fn tend(server: &Server) {
    if server.replica.status().level < SEATS_LEVEL {
        return;
    }
    let change = match server.query(queries::seats_due).await {
        Ok(None) => Change::Open {
            pool: PoolId(u128::from_be_bytes(random_bytes())),
            branch: u64::from_be_bytes(random_bytes()),
        },
        Ok(Some(Some(due))) if due <= server.now_ms() => Change::Tick,
        Ok(Some(_)) => return,
        Err(error) => return tracing::warn!(%error, "seats cannot be read; it is tried again"),
    };
    if let Err(error) = propose(server, change).await {
        tracing::debug!(%error, "time did not pass for seats; it is tried again");
    }
}

/// Says which places have ended here that the server took away: only then somebody else gets the seat. Runs until the
/// task is dropped.
pub(crate) async fn confirm_ends(
    server: Arc<Server>,
    door: Arc<MediaDoor>,
    mut changes: broadcast::Receiver<Changes>,
) {
    loop {
        let wait = match confirm(&server, &door).await {
            true => LOOK_EVERY,
            false => LOOK_AGAIN,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            closed = meetings_changed(&mut changes) => {
                if closed {
                    return;
                }
                tokio::time::sleep(PACE).await;
            }
        }
    }
}

/// Gives whether nothing is left to end.
async fn confirm(server: &Server, door: &MediaDoor) -> bool {
    let me = server.me();
    let orphans = match server.query(move |db| queries::orphans(db, me)).await {
        Ok(orphans) => orphans,
        Err(error) => {
            tracing::warn!(%error, "seats cannot be read; it is tried again");
            return false;
        }
    };
    let meetings = server.meetings.get();
    let is_used = |place: u64| {
        let place = ParticipantId(place);
        meetings.is_some_and(|meetings| meetings.has(place)) || door.has(place)
    };
    let (used, places): (BTreeSet<u64>, BTreeSet<u64>) =
        orphans.into_iter().partition(|place| is_used(*place));
    if places.is_empty() {
        return used.is_empty();
    }
    let ended = Change::Ended {
        node: me,
        epoch: server.epoch,
        places,
    };
    match propose(server, ended).await {
        Ok(_) => used.is_empty(),
        Err(error) => {
            tracing::debug!(%error, "the server does not know yet what has ended here; it is tried again");
            false
        }
    }
}

/// Waits for a change of meetings; true if there will be none any more.
async fn meetings_changed(changes: &mut broadcast::Receiver<Changes>) -> bool {
    loop {
        match changes.recv().await {
            Ok(change) => {
                let concerns = change.notices.as_ref().is_none_or(|notices| {
                    let mut notices = notices.iter();
                    notices.any(|notice| notice.topic == plenary_access::Topic::Meetings)
                });
                if concerns {
                    return false;
                }
            }
            Err(broadcast::error::RecvError::Lagged(_)) => return false,
            Err(broadcast::error::RecvError::Closed) => return true,
        }
    }
}
