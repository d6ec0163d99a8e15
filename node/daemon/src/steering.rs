//! The leader's housekeeping: membership follows the replicated state, lost nodes are marked, old things swept.

use crate::options::{LEVEL, system};
use crate::{lease, seats, server::Server};
use plenary_access::{Change, Command, Refusal};
use plenary_cluster::{Membership, Step, next_step};
use plenary_cluster_io::DOWN_AFTER;
use plenary_contracts::cluster::v1::{SteerRequest, cluster_client::ClusterClient, steer_request::Act};
use plenary_model::{NodeId, Timestamp};
use plenary_replication::{Member, Role};
use plenary_rest_api::backend::{Backend as _, WriteError};
use plenary_store::queries;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether places in meetings were kept long enough.
const SWEEP_MEETINGS_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked for what is to be forgotten of chats (CHAT-03).
const FORGET_LINES_EVERY: Duration = Duration::from_mins(15);
/// How often it is looked for conferences that nobody has used for long (CONF-15).
const DELETE_EVERY: Duration = Duration::from_hours(1);
const DAY_MS: u64 = 24 * 3_600_000;
/// Most scheduled conferences that begin in one turn: the others a second later.
const MOST_BEGIN: u32 = 200;
/// Each of them frees a bounded number of places.
const MOST_SWEEPS: usize = 20;
/// A node that is silent for this long has lost its clients: they are offline or on another node.
const LOST_AFTER: Duration = DOWN_AFTER.saturating_mul(3);

impl Server {
    /// Does `act` here if this node leads, else asks the leader to.
    pub(crate) async fn steer(&self, act: Act) -> Result<(), WriteError> {
        let status = self.replica.status();
        let failed = |text: String| WriteError::Refused(Refusal::Conflict(text));
        if status.role == Role::Leader {
            let done = match act {
                Act::Promote(node) => self.replica.promote(node).await,
                Act::HandOver(node) => self.replica.transfer_leader(node).await,
            };
            return done.map_err(|error| failed(error.to_string()));
        }
        let leader = status.leader.map(NodeId).ok_or(WriteError::NoLeader)?;
        let channel = self.links.channel_to(leader).ok_or(WriteError::NoLeader)?;
        let mut request = tonic::Request::new(SteerRequest { act: Some(act) });
        request.set_timeout(Duration::from_secs(10));
        match ClusterClient::new(channel).steer(request).await {
            Ok(_) => Ok(()),
            Err(status) if status.code() == tonic::Code::FailedPrecondition => {
                Err(failed(status.message().to_owned()))
            }
            Err(_) => Err(WriteError::NoLeader),
        }
    }
}

/// Looks after the server while this node leads; runs until the task is dropped.
pub(crate) async fn steer(server: Arc<Server>) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut swept = Instant::now();
    let mut swept_meetings = Instant::now();
    let mut raised: Option<Instant> = None;
    let mut deleted: Option<Instant> = None;
    let mut forgot_lines: Option<Instant> = None;
    let mut silent: BTreeMap<NodeId, Instant> = BTreeMap::new();
    let mut lost: BTreeSet<NodeId> = BTreeSet::new();
    let mut watchman = None;
    loop {
        tick.tick().await;
        if server.replica.status().role != Role::Leader {
            silent.clear();
            lost.clear();
            watchman = None;
            continue;
        }
        if let Err(error) = step(&server).await {
            tracing::info!(error = %format!("{error:#}"), "a step of membership was not done; it is tried again");
        }
        mark_lost(&server, &mut silent, &mut lost).await;
        if swept.elapsed() >= SWEEP_EVERY {
            swept = Instant::now();
            propose(&server, Change::Sweep).await;
        }
        begin_due(&server).await;
        if swept_meetings.elapsed() >= SWEEP_MEETINGS_EVERY {
            swept_meetings = Instant::now();
            sweep_meetings(&server).await;
        }
        if deleted.is_none_or(|at| at.elapsed() >= DELETE_EVERY) {
            deleted = Some(Instant::now());
            delete_old(&server).await;
            forget_history(&server).await;
        }
        if forgot_lines.is_none_or(|at| at.elapsed() >= FORGET_LINES_EVERY) {
            forgot_lines = Some(Instant::now());
            forget_lines(&server).await;
        }
        seats::tend(&server).await;
        seats::free_silent(&server, &mut watchman).await;
        lease::tend(&server).await;
        // At once too: what the newer rules allow waits for them.
        if raised.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
            raised = Some(Instant::now());
            raise_level(&server).await;
        }
    }
}

async fn propose(server: &Server, change: Change) {
    let command = Command {
        by: system(),
        idempotency: None,
        change,
    };
    if let Err(error) = server.propose_command(&command).await {
        tracing::debug!(%error, "housekeeping was not done; it is tried again");
    }
}

/// Frees places whose participants did not come back, if there are any.
async fn sweep_meetings(server: &Server) {
    for _ in 0..MOST_SWEEPS {
        let now = server.now_ms();
        match server.query(move |db| queries::needs_sweep(db, now)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::warn!(%error, "meetings were not swept; it is tried again"),
        }
        let command = Command {
            by: system(),
            idempotency: None,
            change: plenary_conference::Change::Sweep,
        };
        if let Err(error) = server.propose_conference(command).await {
            return tracing::debug!(%error, "meetings were not swept; it is tried again");
        }
    }
}

/// Deletes conferences that nobody has used for long, if the settings say so.
async fn delete_old(server: &Server) {
    for _ in 0..MOST_SWEEPS {
        let now = server.now_ms();
        let found = server.query(move |db| queries::old_conferences(db, now));
        let (past, unused) = match found.await {
            Ok(Some(old)) => old,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "old conferences were not looked for"),
        };
        let command = Command {
            by: system(),
            idempotency: None,
            change: plenary_conference::Change::DeleteOld { past, unused },
        };
        if let Err(error) = server.propose_conference(command).await {
            return tracing::warn!(%error, "old conferences were not deleted; it is tried again");
        }
    }
}

/// Forgets runs and calls that are older than the settings say, or more than a server keeps.
async fn forget_history(server: &Server) {
    for _ in 0..MOST_SWEEPS {
        let now = server.now_ms();
        let found = server.query(move |db| {
            let days = u64::from(queries::settings(db)?.conferences.keep_history_days);
            let calls = Timestamp(now.0.saturating_sub(days * DAY_MS));
            Ok((queries::old_history(db, calls)?, calls))
        });
        let (runs, calls) = match found.await {
            Ok((Some(runs), calls)) => (runs, calls),
            Ok((None, _)) => return,
            Err(error) => return tracing::warn!(%error, "old history was not looked for"),
        };
        let change = plenary_conference::Change::ForgetHistory { runs, calls };
        // Until the newer rules are in force there is nothing to forget but calls, which can wait.
        if server.replica.status().level < change.level() {
            return;
        }
        let command = Command {
            by: system(),
            idempotency: None,
            change,
        };
        if let Err(error) = server.propose_conference(command).await {
            return tracing::warn!(%error, "old history was not forgotten; it is tried again");
        }
    }
}

/// Forgets what was said in conferences longer ago than the settings say.
async fn forget_lines(server: &Server) {
    for _ in 0..MOST_SWEEPS {
        let now = server.now_ms();
        let found = server.query(move |db| {
            let days = u64::from(queries::settings(db)?.conferences.keep_chat_days);
            let before = Timestamp(now.0.saturating_sub(days * DAY_MS));
            Ok(queries::has_lines_before(db, before)?.then_some(before))
        });
        let before = match found.await {
            Ok(Some(before)) => before,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "old lines of chats were not looked for"),
        };
        let change = plenary_conference::Change::ForgetLines { before };
        if server.replica.status().level < change.level() {
            return;
        }
        let command = Command {
            by: system(),
            idempotency: None,
            change,
        };
        if let Err(error) = server.propose_conference(command).await {
            return tracing::warn!(%error, "old lines of chats were not forgotten; it is tried again");
        }
    }
}

/// Opens the conferences whose time has come by their schedules.
async fn begin_due(server: &Server) {
    let now = server.now_ms();
    let due = match server.query(move |db| queries::due(db, now, MOST_BEGIN)).await {
        Ok(due) => due,
        Err(error) => {
            return tracing::warn!(%error, "scheduled conferences were not looked for; it is tried again");
        }
    };
    for conference in due {
        let Some(due) = conference.next else { continue };
        let command = Command {
            by: system(),
            idempotency: None,
            change: plenary_conference::Change::Begin {
                start: due.start,
                next: plenary_conference::next_of(&conference, due.start),
                cid: conference.cid,
            },
        };
        if let Err(error) = server.propose_conference(command).await {
            return tracing::warn!(%error, "a scheduled conference did not begin; it is tried again");
        }
    }
}

/// After the last node of a rolling upgrade, the newer rules come into force.
async fn raise_level(server: &Server) {
    if server.replica.status().level < LEVEL {
        match server.replica.raise_level(LEVEL).await {
            Ok(()) => tracing::info!(level = LEVEL, "newer rules are in force"),
            Err(error) => tracing::info!(%error, "newer rules wait until every node knows them"),
        }
    }
}

async fn step(server: &Server) -> anyhow::Result<()> {
    let status = server.replica.status();
    let nodes = server.node_rows().await?;
    let now = Membership {
        wanted: nodes.iter().map(|node| (node.id, node.address.clone())).collect(),
        voters: status
            .members
            .iter()
            .filter(|(_, member)| member.voter)
            .map(|(id, _)| NodeId(*id))
            .collect(),
        learners: status
            .members
            .iter()
            .filter(|(_, member)| !member.voter)
            .map(|(id, _)| NodeId(*id))
            .collect(),
        lag: status
            .members
            .iter()
            .filter_map(|(id, member)| Some((NodeId(*id), member.lag?)))
            .collect(),
        up: nodes
            .iter()
            .map(|node| node.id)
            .filter(|id| *id == server.me() || server.peers.is_up(*id))
            .collect(),
        draining: nodes
            .iter()
            .filter(|node| node.draining)
            .map(|node| node.id)
            .collect(),
        leader: server.me(),
    };
    if now.wanted.is_empty() {
        // A server that is just being founded.
        return Ok(());
    }
    match next_step(&now) {
        None => Ok(()),
        Some(Step::AddLearner { node, address }) => {
            let row = nodes.iter().find(|row| row.id == node);
            let name = row.map(|row| row.name.to_string()).unwrap_or_default();
            tracing::info!(%node, %name, %address, "adding a node");
            Ok(server
                .replica
                .add_learner(node.0, Member { name, address })
                .await?)
        }
        Some(Step::Promote(node)) => {
            tracing::info!(%node, "a node has caught up: it votes from now on");
            Ok(server.replica.promote(node.0).await?)
        }
        Some(Step::Remove(node)) => {
            tracing::info!(%node, "removing a node");
            Ok(server.replica.remove(node.0).await?)
        }
        Some(Step::HandOver(node)) => {
            tracing::info!(%node, "handing leadership over");
            Ok(server.replica.transfer_leader(node.0).await?)
        }
    }
}

/// Proposes once for each silent node that its devices are offline and its participants away.
async fn mark_lost(server: &Server, silent: &mut BTreeMap<NodeId, Instant>, lost: &mut BTreeSet<NodeId>) {
    let Ok(nodes) = server.node_rows().await else {
        return;
    };
    for node in nodes.iter().map(|row| row.id).filter(|id| *id != server.me()) {
        if server.peers.is_up(node) {
            silent.remove(&node);
            lost.remove(&node);
        } else if silent.entry(node).or_insert_with(Instant::now).elapsed() >= LOST_AFTER && lost.insert(node)
        {
            tracing::warn!(%node, "a node is silent; its devices count as offline");
            propose(server, Change::NodeLost { node }).await;
        }
    }
}
