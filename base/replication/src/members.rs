//! Who belongs to the group.

use std::{collections::BTreeMap, collections::BTreeSet, time::Duration};

use bytes::Bytes;
use openraft::{
    ChangeMembers,
    errors::{ChangeMembershipError, ClientWriteError, InitializeError, RaftError},
};
use plenary_contracts::replication::v1 as pb;
use prost::Message;
use tokio::time::Instant;

use crate::{
    application::Application,
    core::Core,
    error::{MembershipError, ProposeError},
    link::Kind,
    options::Member,
    replica::{Inner, Replica},
    status::Role,
    types::Types,
};

const PROBE: Duration = Duration::from_secs(2);
/// Between two tries of a change.
const AGAIN: Duration = Duration::from_millis(20);

impl<A: Application> Replica<A> {
    /// On the leader: lets `node` learn, in the background, from a snapshot or the log. It must be running.
    pub async fn add_learner(&self, node: u64, member: Member) -> Result<(), MembershipError> {
        let inner = &self.inner;
        inner.must_lead()?;
        let answer = inner.probe(node, &member.address).await?;
        let level = inner.view.progress().level;
        if answer.supported_level < level {
            let knows = answer.supported_level;
            let reason =
                format!("it knows rules up to level {knows}, this server is at {level}; update it first");
            return Err(MembershipError::Unfit { node, reason });
        }
        inner
            .finish(|core| {
                let member = member.clone();
                async move { core.add_learner(node, member, false).await.map(|_| ()) }
            })
            .await
    }

    /// On the leader: makes a learner that has caught up a voter.
    pub async fn promote(&self, node: u64) -> Result<(), MembershipError> {
        let inner = &self.inner;
        inner.must_lead()?;
        let members = inner.member_ids();
        let voter = *members.get(&node).ok_or(MembershipError::Unknown { node })?;
        if voter {
            return Ok(());
        }
        inner.wait_until_close(node).await?;
        let change = ChangeMembers::AddVoterIds(BTreeSet::from([node]));
        inner
            .finish(|core| {
                let change = change.clone();
                async move { core.change_membership(change, true).await.map(|_| ()) }
            })
            .await
    }

    /// On the leader: takes a member out for good, whether it runs or not. A leader that removes itself
    /// leads until that is committed.
    pub async fn remove(&self, node: u64) -> Result<(), MembershipError> {
        let inner = &self.inner;
        inner.must_lead()?;
        let members = inner.member_ids();
        let voter = *members.get(&node).ok_or(MembershipError::Unknown { node })?;
        if voter && members.values().filter(|voter| **voter).count() == 1 {
            return Err(MembershipError::LastVoter { node });
        }
        let change = if voter {
            ChangeMembers::RemoveVoters(BTreeSet::from([node]))
        } else {
            ChangeMembers::RemoveNodes(BTreeSet::from([node]))
        };
        inner
            .finish(|core| {
                let change = change.clone();
                async move { core.change_membership(change, false).await.map(|_| ()) }
            })
            .await
    }

    /// On the leader: hands leadership to a voter and waits until it leads.
    pub async fn transfer_leader(&self, to: u64) -> Result<(), MembershipError> {
        let inner = &self.inner;
        inner.must_lead()?;
        if !*inner.member_ids().get(&to).unwrap_or(&false) {
            return Err(MembershipError::Unknown { node: to });
        }
        if to == inner.options.node_id {
            return Ok(());
        }
        let mut leader = inner.leader.subscribe();
        let other = |error: &dyn std::fmt::Display| MembershipError::Other(error.to_string());
        inner
            .core()
            .trigger()
            .transfer_leader(to)
            .await
            .map_err(|error| other(&error))?;
        let after = inner.options.timing.deadline;
        let waited = leader.wait_for(|leader| leader.as_ref().is_some_and(|leader| leader.node == to));
        match tokio::time::timeout(after, waited).await {
            Ok(_) => Ok(()),
            Err(_) => Err(MembershipError::Timeout { after }),
        }
    }

    /// On the leader: raises the committed level of the rules, if every member knows it.
    pub async fn raise_level(&self, level: u32) -> Result<(), MembershipError> {
        let inner = &self.inner;
        inner.must_lead()?;
        for (node, member) in inner.members() {
            let answer = inner.probe(node, &member.address).await?;
            if answer.supported_level < level {
                let reason = format!("it knows rules up to level {}", answer.supported_level);
                return Err(MembershipError::Unfit { node, reason });
            }
        }
        let limits = &inner.options.limits;
        let proposed = inner.proposer.propose(
            Bytes::new(),
            level,
            limits.waiting_proposals,
            inner.options.timing.deadline,
        );
        match proposed.await {
            Ok(_) => Ok(()),
            Err(ProposeError::Timeout { after }) => Err(MembershipError::Timeout { after }),
            Err(error) => Err(MembershipError::Other(error.to_string())),
        }
    }
}

impl<A: Application> Inner<A> {
    pub(crate) async fn found(&self) -> Result<(), MembershipError> {
        let members = BTreeMap::from([(self.options.node_id, self.options.member.clone())]);
        match self.core().initialize(members).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {}
            Err(error) => return Err(MembershipError::Other(error.to_string())),
        }
        Ok(())
    }

    fn must_lead(&self) -> Result<(), MembershipError> {
        let leader = self.leader.borrow().as_ref().map(|leader| leader.node);
        if leader == Some(self.options.node_id) {
            return Ok(());
        }
        Err(MembershipError::NotLeader { leader })
    }

    /// Members and whether they vote, as of the newest entry.
    fn member_ids(&self) -> BTreeMap<u64, bool> {
        use openraft::async_runtime::WatchReceiver;
        let metrics = self.core().server_metrics();
        let metrics = metrics.borrow_watched();
        let membership = metrics.membership_config.membership();
        let voters: BTreeSet<u64> = membership.voter_ids().collect();
        membership
            .nodes()
            .map(|(id, _)| (*id, voters.contains(id)))
            .collect()
    }

    /// Members and where they are.
    pub(crate) fn members(&self) -> BTreeMap<u64, Member> {
        use openraft::async_runtime::WatchReceiver;
        let metrics = self.core().server_metrics();
        let metrics = metrics.borrow_watched();
        metrics
            .membership_config
            .membership()
            .nodes()
            .map(|(id, node)| (*id, node.clone()))
            .collect()
    }

    pub(crate) async fn probe(&self, node: u64, address: &str) -> Result<pb::ProbeAnswer, MembershipError> {
        if node == self.options.node_id {
            return Ok(self.probe_answer());
        }
        let unfit = |reason: String| MembershipError::Unfit { node, reason };
        let link = self.links.link(node, address);
        let answer = tokio::time::timeout(PROBE, link.call(Kind::Probe, Bytes::new()))
            .await
            .map_err(|_| unfit("it does not answer".into()))?
            .map_err(|error| unfit(error.to_string()))?;
        pb::ProbeAnswer::decode(answer).map_err(|error| unfit(error.to_string()))
    }

    /// A voter that is far behind would slow every commit down.
    async fn wait_until_close(&self, node: u64) -> Result<(), MembershipError> {
        const CLOSE: u64 = 64;
        let mut status = self.status.subscribe();
        let close = status.wait_for(|status| {
            let lag = status.members.get(&node).and_then(|member| member.lag);
            status.role != Role::Leader || lag.is_some_and(|lag| lag <= CLOSE)
        });
        let after = self.options.timing.deadline;
        match tokio::time::timeout(after, close).await {
            Ok(Ok(_)) => self.must_lead(),
            Ok(Err(_)) => Err(MembershipError::Other("this node is stopping".into())),
            Err(_) => Err(MembershipError::Unfit {
                node,
                reason: "it has not caught up yet; try again later".into(),
            }),
        }
    }

    /// Makes a change of members and waits for it. Where the core is exchanged meanwhile, as slow syncs set other
    /// times, or an earlier change is not through, it is asked for again: a change that was made changes nothing.
    async fn finish<F>(&self, change: impl Fn(Core<A>) -> F) -> Result<(), MembershipError>
    where
        F: Future<Output = Result<(), RaftError<Types, ClientWriteError<Types>>>>,
    {
        let after = self.options.timing.deadline;
        let deadline = Instant::now() + after;
        loop {
            let Ok(done) = tokio::time::timeout_at(deadline, change(self.core())).await else {
                return Err(MembershipError::Timeout { after });
            };
            let error = match done {
                Ok(()) => return Ok(()),
                Err(RaftError::Fatal(error)) => {
                    let error = MembershipError::Other(error.to_string());
                    if self.is_stopped() {
                        return Err(error);
                    }
                    error
                }
                Err(RaftError::APIError(ClientWriteError::ChangeMembershipError(
                    ChangeMembershipError::InProgress(_),
                ))) => MembershipError::InProgress,
                Err(RaftError::APIError(ClientWriteError::ForwardToLeader(forward))) => {
                    let leader = forward.leader_id;
                    if leader.is_some() {
                        return Err(MembershipError::NotLeader { leader });
                    }
                    MembershipError::NotLeader { leader }
                }
                Err(RaftError::APIError(other)) => return Err(MembershipError::Other(other.to_string())),
            };
            if Instant::now() + AGAIN >= deadline {
                return Err(error);
            }
            tracing::debug!(%error, "a change of members is tried again");
            tokio::time::sleep(AGAIN).await;
        }
    }
}
