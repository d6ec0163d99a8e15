//! What goes on beside proposals: following the core, space, purging, adapting the times.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
    time::Duration,
};

use openraft::{Instant, ServerState, async_runtime::WatchReceiver, metrics::RaftMetrics};
use tokio::task::AbortHandle;

use crate::{
    application::Application,
    core::{self, Core, Leader},
    error::Failure,
    options::{Options, Timing},
    replica::Inner,
    status::{MemberStatus, Role, Status},
    types::{Types, index_of},
};

/// Between two looks at what changes with every entry.
const STATUS_PAUSE: Duration = Duration::from_millis(50);
const HOUSEKEEPING: Duration = Duration::from_millis(500);

pub(crate) fn first_status(options: &Options) -> Status {
    Status {
        node: options.node_id,
        role: Role::Learner,
        leader: None,
        term: 0,
        members: BTreeMap::new(),
        last_log: 0,
        committed: 0,
        last_applied: 0,
        purged: 0,
        log_bytes: 0,
        level: 0,
        fsync: Default::default(),
        election_min: options.timing.election_min,
        disk_full: false,
    }
}

/// Follows the core that runs now.
pub(crate) fn watch_core<A: Application>(inner: &Arc<Inner<A>>) -> Vec<AbortHandle> {
    let core = inner.core();
    vec![
        tokio::spawn(follow_leader(inner.clone(), core.clone())).abort_handle(),
        tokio::spawn(follow_status(inner.clone(), core)).abort_handle(),
    ]
}

async fn follow_leader<A: Application>(inner: Arc<Inner<A>>, core: Core<A>) {
    let mut metrics = core.server_metrics();
    loop {
        let leader = {
            let metrics = metrics.borrow_watched();
            let membership = metrics.membership_config.membership();
            metrics.current_leader.map(|node| Leader {
                node,
                term: metrics.vote.leader_id.term,
                address: membership
                    .get_node(&node)
                    .map(|member| member.address.clone())
                    .unwrap_or_default(),
            })
        };
        inner.leader.send_if_modified(|current| {
            let changed = *current != leader;
            if changed {
                tracing::info!(leader = ?leader.as_ref().map(|leader| leader.node), "leader");
                *current = leader;
            }
            changed
        });
        if metrics.changed().await.is_err() {
            return;
        }
    }
}

async fn follow_status<A: Application>(inner: Arc<Inner<A>>, core: Core<A>) {
    let mut metrics = core.metrics();
    loop {
        let (status, stopped) = {
            let metrics = metrics.borrow_watched();
            let stopped = metrics.running_state.as_ref().err().map(ToString::to_string);
            (status_of(&inner, &metrics), stopped)
        };
        inner.status.send_if_modified(|current| {
            let changed = *current != status;
            *current = status;
            changed
        });
        if let Some(reason) = stopped {
            inner.health.fail(Failure::Core { reason });
            return;
        }
        // Also without a change: syncs, space and the majority's last sign of life are part of it.
        tokio::time::sleep(STATUS_PAUSE).await;
        if tokio::time::timeout(HOUSEKEEPING, metrics.changed())
            .await
            .is_ok_and(|changed| changed.is_err())
        {
            // Who stops or exchanges a core ends this task first.
            inner.health.fail(Failure::Core {
                reason: "it ended without a reason; it may have panicked, the log says where".into(),
            });
            return;
        }
    }
}

fn status_of<A: Application>(inner: &Inner<A>, metrics: &RaftMetrics<Types>) -> Status {
    let membership = metrics.membership_config.membership();
    let voters: BTreeSet<u64> = membership.voter_ids().collect();
    let last_log = metrics.last_log_index.unwrap_or(0);
    let members = membership.nodes().map(|(id, member)| {
        let matched = if *id == metrics.id && metrics.state == ServerState::Leader {
            Some(last_log)
        } else {
            let replication = metrics.replication.as_ref().and_then(|progress| progress.get(id));
            replication.map(|matched| index_of(matched.as_ref()))
        };
        let lag = matched.map(|matched| last_log.saturating_sub(matched));
        (
            *id,
            MemberStatus {
                member: member.clone(),
                voter: voters.contains(id),
                matched,
                lag,
            },
        )
    });
    let timing = inner.timing();
    let silence = timing.election_max * 2 + timing.heartbeat;
    let alone = voters.len() == 1 && voters.contains(&metrics.id);
    let cut_off = match metrics.state {
        // Its own word is the majority.
        ServerState::Leader if alone => false,
        ServerState::Leader => metrics
            .last_quorum_acked
            .is_some_and(|acked| acked.elapsed() > silence),
        _ => !inner.health.hears_leader(silence),
    };
    let progress = inner.view.progress();
    Status {
        node: metrics.id,
        role: match metrics.state {
            ServerState::Leader => Role::Leader,
            ServerState::Candidate => Role::Candidate,
            ServerState::Follower => Role::Follower,
            ServerState::Learner | ServerState::Shutdown => Role::Learner,
        },
        leader: metrics.current_leader.filter(|_| !cut_off),
        term: metrics.current_term,
        members: members.collect(),
        last_log,
        committed: index_of(metrics.cluster_committed.as_ref()),
        last_applied: index_of(progress.applied.as_ref()),
        purged: index_of(metrics.purged.as_ref()),
        log_bytes: inner.log.bytes(),
        level: progress.level,
        fsync: inner.health.sync_latency(),
        election_min: timing.election_min,
        disk_full: inner.health.is_disk_full(),
    }
}

/// Space, the size of the log, and the times.
pub(crate) async fn keep_house<A: Application>(inner: Arc<Inner<A>>) {
    let mut patience = 0;
    loop {
        watch_space(&inner);
        if inner.log.bytes() > inner.options.limits.log_bytes {
            purge(&inner).await;
        }
        adapt_times(&inner, &mut patience).await;
        tokio::time::sleep(HOUSEKEEPING).await;
    }
}

fn watch_space<A: Application>(inner: &Inner<A>) {
    let environment = &inner.options.environment;
    match environment.disk.free_bytes(&inner.options.dir) {
        Ok(free) => inner
            .health
            .set_low_space(free < inner.options.limits.reserve_bytes),
        Err(error) => tracing::warn!(%error, "cannot tell how much space is left"),
    }
}

/// Makes the state durable, then lets the log before it go, but for a tail.
async fn purge<A: Application>(inner: &Inner<A>) {
    let Some(upto) = inner.log.purge_point(inner.options.limits.log_tail_bytes) else {
        return;
    };
    let core = inner.core();
    let before = core.data_metrics().borrow_watched().snapshot.map(|id| id.index);
    if core.trigger().snapshot().await.is_err() {
        return;
    }
    let mut metrics = core.data_metrics();
    let built = async {
        loop {
            let built = metrics.borrow_watched().snapshot.map(|id| id.index);
            if built > before || built >= Some(upto) {
                return built;
            }
            if metrics.changed().await.is_err() {
                return None;
            }
        }
    };
    if let Ok(Some(built)) = tokio::time::timeout(Duration::from_secs(30), built).await {
        let upto = upto.min(built);
        tracing::info!(upto, bytes = inner.log.bytes(), "purging the log");
        if let Err(error) = core.trigger().purge_log(upto).await {
            tracing::debug!(%error, "the core stopped");
        }
    }
}

/// Rounds of housekeeping after which shorter times are taken again.
const CALM_ROUNDS: u32 = 600;

/// Keeps the election times at ten times the slowest sync of the members.
async fn adapt_times<A: Application>(inner: &Arc<Inner<A>>, calm: &mut u32) {
    let wanted = wanted_timing(&inner.options.timing, slowest_sync(inner).await);
    let current = inner.timing();
    let longer = wanted.election_min > current.election_min * 3 / 2;
    let shorter = wanted.election_min * 3 < current.election_min;
    *calm = if shorter { *calm + 1 } else { 0 };
    if !longer && *calm < CALM_ROUNDS {
        return;
    }
    *calm = 0;
    tracing::warn!(from = ?current.election_min, to = ?wanted.election_min, "syncs of the log set new election times");
    if let Err(error) = restart_core(inner, wanted).await {
        inner.health.fail(Failure::Core {
            reason: error.to_string(),
        });
    }
}

async fn slowest_sync<A: Application>(inner: &Inner<A>) -> Duration {
    let mut slowest = inner.health.sync_latency().p99;
    for (node, member) in inner.members() {
        if node != inner.options.node_id
            && let Ok(Ok(answer)) =
                tokio::time::timeout(Duration::from_millis(500), inner.probe(node, &member.address)).await
        {
            slowest = slowest.max(Duration::from_millis(answer.fsync_p99_ms.into()));
        }
    }
    slowest
}

/// The configured times, stretched so that an election is ten times a sync.
pub(crate) fn wanted_timing(base: &Timing, sync: Duration) -> Timing {
    const LONGEST: Duration = Duration::from_secs(30);
    let wanted = (sync * 10).min(LONGEST);
    if wanted <= base.election_min {
        return base.clone();
    }
    Timing {
        // Answers to heartbeats wait for syncs that are under way.
        heartbeat: base.heartbeat.max(sync * 2),
        election_min: wanted,
        election_max: wanted * 2,
        deadline: base.deadline,
    }
}

/// Exchanges the core for one with other times, over the same log and state. A leader stays leader.
async fn restart_core<A: Application>(
    inner: &Arc<Inner<A>>,
    timing: Timing,
) -> Result<(), crate::error::OpenError> {
    {
        let mut tasks = inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for task in tasks.watching.drain(..) {
            task.abort();
        }
    }
    let stopping = |error: &dyn std::fmt::Display| crate::error::OpenError::Core(error.to_string());
    inner.core().shutdown().await.map_err(|error| stopping(&error))?;
    inner.log.barrier().await.map_err(|error| stopping(&error))?;
    let core = core::start(&inner.parts, &timing).await?;
    inner.core.exchange(core);
    *inner.timing.lock().unwrap_or_else(PoisonError::into_inner) = timing;
    let watching = watch_core(inner);
    let mut tasks = inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
    if tasks.stopped {
        watching.iter().for_each(AbortHandle::abort);
    } else {
        tasks.watching = watching;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_disks_keep_the_configured_times() {
        let base = Timing::default();
        assert_eq!(wanted_timing(&base, Duration::from_millis(10)), base);
    }

    #[test]
    fn slow_syncs_stretch_elections_tenfold() {
        let wanted = wanted_timing(&Timing::default(), Duration::from_millis(200));
        assert_eq!(wanted.election_min, Duration::from_secs(2));
        assert!(wanted.heartbeat * 4 <= wanted.election_min);
    }
}
