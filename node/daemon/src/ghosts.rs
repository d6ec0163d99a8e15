//! Places that the roster has on this node and that nobody here has, and programs that it lists as watching here.
//!
//! Whether somebody's entry was committed is not known when the leader is lost before it answers: the client enters again,
//! and the place of the first try stays. Nobody would ever free it, and it would hold a seat.

use crate::{
    media::{MediaDoor, unwatch},
    options::system,
    server::Server,
};
use plenary_conference::{Change, Command, Participant};
use plenary_model::Cid;
use plenary_rest_api::backend::{Backend as _, ReadError, WriteError};
use plenary_signalling::meeting::ParticipantId;
use plenary_store::queries;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Between two looks. A place that nobody has at both is free: who comes in or goes is between roster and node for a
/// moment only.
const LOOK_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ghost {
    Place {
        /// How often it was taken up again.
        moves: u64,
    },
    Watcher,
}

type Ghosts = BTreeMap<(Cid, u64), Ghost>;

/// Frees them, until the task is dropped.
pub(crate) async fn free_ghosts(server: Arc<Server>, door: Arc<MediaDoor>) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut before = Ghosts::new();
    loop {
        tick.tick().await;
        let now = match look(&server, &door).await {
            Ok(now) => now,
            Err(error) => {
                tracing::debug!(%error, "places cannot be read; it is tried again");
                continue;
            }
        };
        for ((cid, id), ghost) in &now {
            if before.get(&(cid.clone(), *id)) == Some(ghost) {
                tracing::info!(%cid, id, "a place that nobody has is freed");
                free(&server, cid, *id, *ghost).await;
            }
        }
        before = now;
    }
}

async fn look(server: &Server, door: &MediaDoor) -> Result<Ghosts, ReadError> {
    let (me, epoch) = (server.me(), server.epoch);
    let (rows, watchers) = server
        .query(move |db| {
            let rows = queries::participants_of_node(db, me, epoch)?;
            Ok((rows, queries::watchers_of_node(db, me, epoch)?))
        })
        .await?;
    let waits = |row: &&Participant| !row.away && row.standing.waiting.is_some();
    server.gate.wait(rows.iter().filter(waits).count());
    let meetings = server.meetings.get();
    let is_here = |place: u64| {
        let place = ParticipantId(place);
        meetings.is_some_and(|meetings| meetings.has(place)) || door.has(place)
    };
    let ghosts = rows.into_iter().filter(|row| !row.away && !is_here(row.id.0));
    let places = ghosts.map(|row| ((row.cid, row.id.0), Ghost::Place { moves: row.moves }));
    let gone = watchers.into_iter().filter(|one| !door.watches(one.id.0));
    let gone = gone.map(|one| ((one.cid, one.id.0), Ghost::Watcher));
    Ok(places.chain(gone).collect())
}

async fn free(server: &Server, cid: &Cid, id: u64, ghost: Ghost) {
    let freed = match ghost {
        Ghost::Place { moves } => leave(server, cid, id, moves).await,
        Ghost::Watcher => unwatch(server, cid.clone(), id).await,
    };
    if let Err(error) = freed {
        tracing::debug!(%error, "a place was not freed; it is tried again");
    }
}

async fn leave(server: &Server, cid: &Cid, participant: u64, moves: u64) -> Result<(), WriteError> {
    let command = Command {
        by: system(),
        idempotency: None,
        change: Change::Leave {
            cid: cid.clone(),
            participant: plenary_conference::ParticipantId(participant),
            moves,
        },
    };
    server.propose_conference(command).await.map(drop)
}
