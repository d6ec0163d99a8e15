//! Seats as this node sees to them: what has ended here is told, and the leader has time pass.
//!
//! A join costs one entry of the log, the one that puts somebody into the roster: the seat is taken when that entry is
//! applied. What it costs there is one look into the desk that the store keeps in memory, and the rows of one user.
//!
//! A node that is cut off goes on for a while with what it was given, and no longer than the others wait before they give
//! it to somebody else:
//!
//! ```text
//!  node    sends Beat ────────── limit ──────────► ends what is used here, sends its clients to other nodes
//!  leader       sees it applied ────── limit, 2 % and 3 s more ──────► Silent: the seats are free
//! ```

use crate::{media::MediaDoor, options::system, secret::random_bytes, server::Server};
use plenary_cluster_io::clock_ms;
use plenary_licences::{
    PoolId,
    clock::{Reading, Span},
    lessee::Quiet,
};
use plenary_licensing::{Change, Command, SEATS_LEVEL};
use plenary_model::NodeId;
use plenary_rest_api::backend::{Applied, Backend as _, WriteError};
use plenary_signalling::meeting::ParticipantId;
use plenary_signalling_io::Hub;
use plenary_store::{Changes, queries};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{broadcast, watch},
    task::JoinSet,
    time::{Instant, interval},
};

/// How often it is looked what has ended, beside when something changed.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Looked again, while something is to end here that has not.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Changes in meetings come often.
const PACE: Duration = Duration::from_millis(100);
/// How often a node looks whether it is cut off; less than the margin that the leader adds.
const CHECK_EVERY: Duration = Duration::from_millis(500);
/// A node says so many times in the limit that it is there.
const BEATS: u64 = 20;
/// How often the leader looks for nodes that are silent.
const LISTEN_EVERY: Duration = Duration::from_secs(1);

/// What the clocks of this machine say now.
pub(crate) fn reading() -> Reading {
    let boot = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)
        .map(Duration::from)
        .unwrap_or_default();
    Reading {
        boot_ms: u64::try_from(boot.as_millis()).unwrap_or(u64::MAX),
        wall_ms: clock_ms(),
    }
}

/// How long this node may use what the server gave it.
#[derive(Default)]
pub(crate) struct Alive {
    limit_ms: AtomicU64,
    /// Since it asked for the last entry of the log that was applied.
    span: Mutex<Option<Span>>,
}

impl Alive {
    pub(crate) fn limit(&self, ms: u64) {
        self.limit_ms.store(ms, Ordering::Relaxed);
    }

    fn limit_ms(&self) -> u64 {
        self.limit_ms.load(Ordering::Relaxed)
    }

    /// What this node asked the log for at `asked` was applied: most of the server was there after that.
    pub(crate) fn heard(&self, asked: Reading) {
        let span = Span::new(asked, self.limit_ms());
        let mut known = self.span.lock().unwrap_or_else(PoisonError::into_inner);
        let now = reading();
        // Answers may overtake each other; the later question counts.
        if known.is_none_or(|known| known.left_ms(now) < span.left_ms(now)) {
            *known = Some(span);
        }
    }

    /// Whether this node has to end what it uses. Not before it was given anything.
    fn is_over(&self) -> bool {
        let known = self.span.lock().unwrap_or_else(PoisonError::into_inner);
        known.is_some_and(|span| span.is_over(reading()))
    }
}

/// Sees to seats on this node.
pub(crate) fn start(
    tasks: &mut JoinSet<()>,
    server: &Arc<Server>,
    hub: &Hub,
    door: &Arc<MediaDoor>,
    changes: broadcast::Receiver<Changes>,
    draining: &watch::Receiver<bool>,
) {
    tasks.spawn(confirm_ends(server.clone(), door.clone(), changes));
    tasks.spawn(crate::ghosts::free_ghosts(server.clone(), door.clone()));
    tasks.spawn(crate::outside::end_without_pro(server.clone()));
    tasks.spawn(beat(server.clone()));
    tasks.spawn(keep_alive(
        server.clone(),
        hub.clone(),
        door.clone(),
        draining.clone(),
    ));
}

/// Ends the use of seats here when nobody can have heard of this node for too long. Runs until the task is dropped.
async fn keep_alive(server: Arc<Server>, hub: Hub, door: Arc<MediaDoor>, draining: watch::Receiver<bool>) {
    let mut cut_off = false;
    let mut look = interval(CHECK_EVERY);
    loop {
        look.tick().await;
        let over = server.alive.is_over() && uses_seats(&server).await;
        if over == cut_off {
            continue;
        }
        cut_off = over;
        if over {
            tracing::warn!(
                "this node is cut off from the others for too long; its meetings end, clients go elsewhere"
            );
            hub.drain(true);
            door.end_all().await;
        } else {
            tracing::info!("this node is with the others again");
            hub.drain(*draining.borrow());
        }
    }
}

/// Says that this node is there while it uses seats, until the task is dropped.
async fn beat(server: Arc<Server>) {
    let every = Duration::from_millis(server.alive.limit_ms() / BEATS);
    loop {
        tokio::time::sleep(every).await;
        if !uses_seats(&server).await {
            continue;
        }
        let asked = reading();
        let beat = Change::Beat {
            node: server.me(),
            epoch: server.epoch,
        };
        match propose(&server, beat).await {
            Ok(_) => server.alive.heard(asked),
            Err(error) => tracing::debug!(%error, "the others do not hear this node; it is tried again"),
        }
    }
}

async fn uses_seats(server: &Server) -> bool {
    let me = server.me();
    let uses = server.query(move |db| queries::uses_seats(db, me)).await;
    uses.unwrap_or(true)
}

/// Which nodes the leader has heard of, and when.
pub(crate) struct Watchman {
    quiet: Quiet,
    beats: BTreeMap<NodeId, u64>,
    looked: Option<Instant>,
}

/// Frees the seats of lost nodes once nothing can be used there any more; for the leader, whose watchman begins with its
/// election.
pub(crate) async fn free_silent(server: &Server, watchman: &mut Option<Watchman>) {
    let watchman = watchman.get_or_insert_with(|| Watchman {
        quiet: Quiet::new(server.alive.limit_ms(), reading()),
        beats: BTreeMap::new(),
        looked: None,
    });
    if watchman
        .looked
        .is_some_and(|looked| looked.elapsed() < LISTEN_EVERY)
    {
        return;
    }
    watchman.looked = Some(Instant::now());
    let read = server.query(|db| {
        let Some(figures) = queries::figures(db)? else {
            return Ok(None);
        };
        let mut lost = BTreeSet::new();
        for node in queries::nodes_with_seats(db)? {
            if queries::epoch_of(db, node)?.unwrap_or(0) == 0 {
                lost.insert(node);
            }
        }
        Ok(Some((figures.beats, lost)))
    });
    let (beats, lost) = match read.await {
        Ok(Some(read)) => read,
        Ok(None) => return,
        Err(error) => return tracing::warn!(%error, "seats cannot be read; it is tried again"),
    };
    let now = reading();
    for (node, beat) in &beats {
        if watchman.beats.insert(*node, *beat) != Some(*beat) {
            watchman.quiet.asked(*node, now);
        }
    }
    for node in lost.into_iter().filter(|node| watchman.quiet.is_over(*node, now)) {
        let beat = beats.get(&node).copied().unwrap_or(0);
        tracing::info!(%node, "nothing is used on a lost node any more; its seats are free");
        if let Err(error) = propose(server, Change::Silent { node, beat }).await {
            tracing::debug!(%error, "the seats of a lost node were not freed; it is tried again");
        }
    }
}

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
async fn confirm_ends(server: Arc<Server>, door: Arc<MediaDoor>, mut changes: broadcast::Receiver<Changes>) {
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
