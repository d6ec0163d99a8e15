//! Seats that are borrowed from the enterprise's License Manager, as this node sees to them.
//!
//! ```text
//!  managers ◄──line── lessee, while this node leads ──Change──► log ──► what is held (on each node)
//!                         │ deadline                                        │
//!   other nodes ◄──left── watch on this node's disk ◄──left── leader        ▼
//!                             └──────────► guard: what is used here ends in time, and begins only in time
//! ```

mod asking;
mod figures;
mod lessee;
mod log;
mod oversee;

pub(crate) use figures::register;
pub(crate) use lessee::{Lessee, Usable};

use crate::{media::MediaDoor, seats::propose, server::Server};
use lessee::lock;
use log::ServerLog;
use plenary_access::{Refusal, Topic};
use plenary_licences::{Epoch, PoolId, lessee::Options};
use plenary_license_manager_client::{Line, LineOptions};
use plenary_licensing::{Alarm, Change as Counting, Gives, Stage};
use plenary_model::{Cid, ServerName};
use plenary_rest_api::backend::{Applied, WriteError};
use plenary_signalling::meeting::Why;
use plenary_store::{Changes, queries};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{sync::broadcast, task::JoinSet, time::Instant};

/// How often it is looked whether the lease is over; less than the second by which a lessee's deadline is early.
const GUARD_EVERY: Duration = Duration::from_millis(500);
/// Word of what is used reaches the manager soon, so that it asks those for seats who have some.
const OPTIONS: Options = Options {
    change_ms: 1_000,
    ..Options::USUAL
};
/// Administrators are warned when less than this is left.
const SHORT_MS: u64 = 2 * 3_600_000;
/// A leader without any deadline waits so long before it says that the lease is over.
const UNKNOWN_FOR: Duration = Duration::from_secs(30);

/// Sees to the lease on this node.
pub(crate) fn start(
    tasks: &mut JoinSet<()>,
    server: &Arc<Server>,
    door: &Arc<MediaDoor>,
    changes: broadcast::Receiver<Changes>,
) {
    tasks.spawn(follow(server.clone(), changes));
    tasks.spawn(keep_line(server.clone()));
    tasks.spawn(guard(server.clone(), door.clone()));
}

/// Keeps what is known of the lease as the log has it.
async fn follow(server: Arc<Server>, mut changes: broadcast::Receiver<Changes>) {
    loop {
        server.look_at_lease().await;
        loop {
            let concerns = match changes.recv().await {
                Ok(change) => change.notices.is_none_or(|notices| {
                    let mut topics = notices.iter().map(|notice| notice.topic);
                    topics.any(|topic| matches!(topic, Topic::Licensing))
                }),
                Err(broadcast::error::RecvError::Lagged(_)) => true,
                Err(broadcast::error::RecvError::Closed) => return,
            };
            if concerns {
                break;
            }
        }
    }
}

type Manager = (ServerName, PoolId, Vec<String>);

/// Keeps a line to the managers while the server is connected to some.
async fn keep_line(server: Arc<Server>) {
    let mut needs = server.lessee.needs.subscribe();
    let mut line: Option<(Manager, JoinSet<()>)> = None;
    loop {
        let wanted: Option<Manager> = needs.borrow_and_update().as_ref().map(|needs| {
            let lease = &needs.lease;
            (lease.manager.clone(), lease.pool, lease.addresses.clone())
        });
        if line.as_ref().map(|(manager, _)| manager) != wanted.as_ref() {
            line = None;
            *lock(&server.lessee.line) = None;
            *lock(&server.lessee.refusal) = None;
            server.lessee.belong_to(wanted.as_ref().map(|(_, pool, _)| *pool));
            if let Some(manager) = wanted {
                let options = LineOptions::new(manager.0.clone(), manager.2.clone());
                let to_managers = Line::open(server.identity.clone(), options);
                *lock(&server.lessee.line) = Some(to_managers.standing());
                let log = Arc::new(ServerLog(server.clone()));
                let name = server.facts.server.clone();
                let mut task = JoinSet::new();
                task.spawn(plenary_license_manager_client::run(
                    name,
                    OPTIONS,
                    log,
                    to_managers,
                ));
                line = Some((manager, task));
            }
        }
        if needs.changed().await.is_err() {
            return;
        }
    }
}

/// Ends in time what is used here. Runs until the task is dropped.
async fn guard(server: Arc<Server>, door: Arc<MediaDoor>) {
    let mut look = tokio::time::interval(GUARD_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut warned = false;
    let mut was_over = false;
    let mut ends = None;
    loop {
        look.tick().await;
        let over = match server.lessee.usable() {
            Usable::Yes => false,
            // Nothing is used under a lease of which nothing is known.
            Usable::Unknown | Usable::Over => true,
        };
        let meetings = server.meetings.get();
        let soon = server.lessee.ends_soon();
        if std::mem::replace(&mut ends, soon) != soon
            && let Some(meetings) = meetings
        {
            // Who is in a meeting learns of its end in time.
            meetings.all_changed();
        }
        if std::mem::replace(&mut was_over, over) != over {
            server.note_use();
        }
        if !over {
            warned = false;
            continue;
        }
        let calls = match meetings {
            Some(meetings) => calls_among(&server, meetings.cids()).await,
            None => BTreeSet::new(),
        };
        let used = meetings.is_some_and(|meetings| meetings.is_used_beside(&calls)) || door.sessions() > 0;
        if used && !warned {
            warned = true;
            tracing::warn!(
                "the lease of seats is over; meetings on this node end until the License Manager is back"
            );
        }
        if used {
            door.end_all().await;
            if let Some(meetings) = meetings {
                meetings.end_all_but(Why::SeatsEnded, calls);
            }
        }
    }
}

impl Server {
    /// A call becomes a conference, which takes seats from now on.
    pub(crate) async fn widen(&self, command: plenary_conference::Command) -> Result<Applied, WriteError> {
        if let Err(over) = self.lessee.may_use().await {
            let (code, reason) = ("no_pro_seat".into(), over.to_owned());
            return Err(Refusal::Licensing { code, reason }.into());
        }
        // A refusal is not the last word.
        let again = plenary_conference::Command {
            idempotency: None,
            ..command
        };
        self.with_a_seat(|| self.propose_command(&again)).await
    }
}

/// Which of these rooms are calls of two: they need no seats, and go on.
async fn calls_among(server: &Server, rooms: BTreeSet<Cid>) -> BTreeSet<Cid> {
    let read = server.query(move |db| {
        let mut calls = BTreeSet::new();
        for cid in rooms {
            if queries::conference(db, &cid)?.is_some_and(|conference| conference.call) {
                calls.insert(cid);
            }
        }
        Ok(calls)
    });
    // What cannot be read is taken for what needs seats.
    read.await.unwrap_or_default()
}

/// What the leader does beside the lessee; asked about twice a second.
pub(crate) async fn tend(server: &Server) {
    let Some(needs) = server.lessee.needs() else {
        return;
    };
    let lease = &needs.lease;
    if let Some(gives) = server.lessee.standing().and_then(|standing| standing.gives)
        && gives.pool == lease.pool
    {
        let extensions = gives.extensions.into_iter().filter_map(|name| {
            // One that this version does not know gives it nothing.
            serde_json::from_value(serde_json::Value::String(name)).ok()
        });
        let gives = Gives {
            extensions: extensions.collect(),
            enterprise: gives.enterprise,
            permanent_pro: gives.permanent_pro,
            development: gives.development,
        };
        if lease.gives.as_ref() != Some(&gives) {
            say(server, Counting::Gives(gives)).await;
        }
    }
    let Some(epoch) = lease.held.epoch() else { return };
    if lease.stage == Stage::Waiting
        && lease.gives.is_some()
        && lease.held.seats.covers(needs.taken)
        && all_know(server, epoch).await
    {
        say(server, Counting::Begin { epoch }).await;
    }
    if lease.is_lent()
        && let Some(alarm) = alarm(&server.lessee, epoch)
        && alarm != lease.alarm
    {
        say(server, Counting::Alarm { epoch, alarm }).await;
    }
}

async fn say(server: &Server, change: Counting) {
    if let Err(error) = propose(server, change).await {
        tracing::debug!(%error, "a word about the lease was not committed; it is tried again");
    }
}

/// Whether every node that is there, or on which seats are used, knows until when it may use them.
async fn all_know(server: &Server, epoch: Epoch) -> bool {
    let used = server.query(queries::nodes_with_seats).await;
    let (Ok(used), Ok(rows)) = (used, server.node_rows().await) else {
        return false;
    };
    let me = server.me();
    let mut must = rows
        .iter()
        .map(|row| row.id)
        .filter(|id| *id != me && (used.contains(id) || server.peers.is_up(*id)));
    let mine = server.lessee.left_ms(epoch).is_some_and(|left| left > 0);
    mine && must.all(|id| {
        let heard = server.peers.heard(id);
        heard.is_some_and(|heard| heard.lease == Some(epoch))
    })
}

/// How administrators should be told that it stands; `None` while nothing is known.
fn alarm(lessee: &Lessee, epoch: Epoch) -> Option<Alarm> {
    let mut unknown_since = lock(&lessee.unknown_since);
    let Some(left) = lessee.left_ms(epoch) else {
        let since = *unknown_since.get_or_insert_with(Instant::now);
        return (since.elapsed() >= UNKNOWN_FOR).then_some(Alarm::Over);
    };
    *unknown_since = None;
    let mut longest = lock(&lessee.longest_ms);
    *longest = (*longest).max(left);
    Some(match left {
        0 => Alarm::Over,
        _ if left < SHORT_MS.min(*longest / 2) => Alarm::Short,
        _ => Alarm::None,
    })
}
