//! Fresh reads: one question to the leader serves all that wait at that moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use openraft::{
    ReadPolicy,
    async_runtime::WatchReceiver,
    raft::{StreamAppendError, linearizable_read::LinearizerOption},
};
use plenary_contracts::replication::v1 as pb;
use prost::Message;
use tokio::sync::{mpsc, oneshot};

use crate::{
    application::Application,
    link::{Kind, Link},
    options::Member,
    replica::Inner,
    types::Vote,
    wire::{self, AppendRequest},
};

/// Between two tries when nobody can tell.
const PAUSE: Duration = Duration::from_millis(20);
/// A leader that is cut off does not answer for longer than this.
const PATIENCE: Duration = Duration::from_millis(1000);

/// Works until the task is dropped.
pub(crate) async fn run<A: Application>(
    inner: Arc<Inner<A>>,
    mut waiting: mpsc::UnboundedReceiver<oneshot::Sender<u64>>,
) {
    let mut round = Vec::new();
    while waiting.recv_many(&mut round, 4096).await > 0 {
        let index = loop {
            round.retain(|answer| !answer.is_closed());
            if round.is_empty() {
                break 0;
            }
            match ask(&inner).await {
                Some(index) => break index,
                None => tokio::time::sleep(PAUSE).await,
            }
        };
        for answer in round.drain(..) {
            // One that gave up meanwhile does not need it.
            answer.send(index).ok();
        }
    }
}

async fn ask<A: Application>(inner: &Inner<A>) -> Option<u64> {
    let leader = inner.leader.borrow().clone()?;
    if leader.node == inner.options.node_id {
        return inner.confirmed_index().await;
    }
    let link = inner.links.link(leader.node, &leader.address);
    let patience = PATIENCE.max(inner.timing().election_max * 2);
    let answer = tokio::time::timeout(patience, link.call(Kind::ReadIndex, Bytes::new())).await;
    match pb::ReadIndexAnswer::decode(answer.ok()?.ok()?).ok()?.outcome? {
        pb::read_index_answer::Outcome::Index(index) => Some(index),
        pb::read_index_answer::Outcome::Refusal(_) => None,
    }
}

impl<A: Application> Inner<A> {
    /// On the leader: an index that everything acknowledged before this call has, confirmed by a majority
    /// that still follows. `None` if it does not lead or is cut off.
    ///
    /// openraft tells the index, but not who still follows: there, a late answer also counts for requests
    /// that were sent after it was given, so that a leader that was cut off and replaced may believe in
    /// itself for a moment. We ask the voters ourselves, once for all reads of a round.
    pub(crate) async fn confirmed_index(&self) -> Option<u64> {
        let option = LinearizerOption::from(ReadPolicy::LeaseRead);
        let id = match self.core().get_read_log_id(option).await {
            Ok((id, _)) => id,
            Err(error) => {
                tracing::debug!(%error, "no fresh read");
                return None;
            }
        };
        let vote = Vote {
            leader_id: *id.committed_leader_id(),
            committed: true,
        };
        let index = id.index();
        let patience = PATIENCE.max(self.timing().election_max * 2);
        let confirmed = tokio::time::timeout(patience, self.majority_follows(vote)).await;
        confirmed.is_ok_and(|follows| follows).then_some(index)
    }

    /// Whether a majority of the voters, of both sides of a change of members, follows `vote` now.
    async fn majority_follows(&self, vote: Vote) -> bool {
        let (sides, members) = {
            let metrics = self.core().server_metrics();
            let metrics = metrics.borrow_watched();
            let membership = metrics.membership_config.membership();
            let members: BTreeMap<u64, Member> = membership
                .nodes()
                .map(|(id, member)| (*id, member.clone()))
                .collect();
            (membership.get_joint_config().clone(), members)
        };
        let own = self.options.node_id;
        let mut following = BTreeSet::from([own]);
        let voters: BTreeSet<u64> = sides.iter().flatten().copied().filter(|id| *id != own).collect();
        let mut answers: FuturesUnordered<_> = voters
            .into_iter()
            .map(|id| {
                let address = members.get(&id).map_or("", |member| &member.address);
                let link = self.links.link(id, address);
                async move { (id, follows(link.as_ref(), vote).await) }
            })
            .collect();
        loop {
            let majority = |side: &BTreeSet<u64>| side.intersection(&following).count() * 2 > side.len();
            if sides.iter().all(majority) {
                return true;
            }
            match answers.next().await {
                Some((id, Some(true))) => {
                    following.insert(id);
                }
                // Somebody follows a newer leader.
                Some((_, Some(false))) | None => return false,
                Some((_, None)) => {}
            }
        }
    }
}

/// Asks one voter, by a message of the leader without entries; `None` if it does not answer.
async fn follows(link: &dyn Link, vote: Vote) -> Option<bool> {
    let question = wire::append_to(AppendRequest {
        vote,
        prev_log_id: None,
        leader_commit: None,
        entries: Vec::new(),
    });
    let answer = link.call(Kind::Append, question).await.ok()?;
    match wire::append_answer_from(answer).ok()? {
        Ok(_) | Err(StreamAppendError::Conflict(_)) => Some(true),
        Err(StreamAppendError::HigherVote(_)) => Some(false),
    }
}
