//! What follows for seats from what other parts of the server decided.

use crate::{
    Decision, Desk, Following,
    decide::{Case, View, licensing},
};
use plenary_access::{Moment, PARTNERS_LEVEL, PLACES_LEVEL, Topic};
use plenary_model::{NodeId, UserName};
use plenary_seats::{Command as Count, DeviceId, ParticipationId, Why};
use std::collections::BTreeSet;

pub use plenary_model::GuestId as Guest;

/// Who takes a place in a conference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who<'a> {
    User(&'a UserName),
    Guest(&'a Guest),
}

/// Something that another part of the server has decided and that concerns seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact<'a> {
    /// Somebody takes a place, or takes it up again on a node. Refused without a seat, as
    /// [`Fact::DeviceOnline`] is.
    Joined { place: u64, who: Who<'a>, node: NodeId },
    /// The node of a place says that it ended.
    Left { place: u64 },
    DeviceOnline {
        session: &'a str,
        user: &'a UserName,
        node: NodeId,
    },
    /// A node says that a device is not connected to it any more.
    DeviceOffline { session: &'a str, node: NodeId },
    /// The account is deleted or disabled.
    AccountGone(&'a UserName),
    /// The node started anew: nothing of before is used there.
    NodeStarted(NodeId),
    /// The node is silent or removed. What is used there may go on for a while.
    NodeLost(NodeId),
    /// The server was restored from a backup on this node: nothing of before is used anywhere.
    Restored(NodeId),
    /// An administrator lets the server meet with others. Refused where the licence does not (LIC-02).
    Federates,
}

/// What follows from `facts`. If it is refused, what the other part decided must not be done.
pub fn follow<V: View>(view: &V, at: Moment, desk: &mut Desk, facts: &[Fact<'_>]) -> Following {
    // Several who need seats at once get them all, or none does.
    let before = (facts.len() > 1).then(|| desk.clone());
    let mut case = Case::new(view, at, desk);
    let refused = facts.iter().find_map(|fact| case.fact(*fact).err());
    let mut following = case.finish();
    if let (Some(before), true) = (before, refused.is_some()) {
        // But the manager is asked for what was missing.
        let lease = desk.lease.take();
        *desk = Desk { lease, ..before };
        following.decision = Decision::default();
        following.decision.notice(Topic::Licensing, "");
    }
    following.refused = refused;
    following
}

impl<V: View> Case<'_, V> {
    fn fact(&mut self, fact: Fact<'_>) -> Result<(), plenary_access::Refusal> {
        let command = match fact {
            Fact::Federates => return self.check_federation(),
            Fact::Joined { place, who, node } => return self.joined(place, who, node),
            Fact::Left { place } => Count::Left {
                participation: ParticipationId(u128::from(place)),
            },
            Fact::DeviceOnline { session, user, node } => Count::SignIn {
                device: DeviceId(session.to_owned()),
                user: user.clone(),
                node,
            },
            Fact::DeviceOffline { session, node } => Count::SignOut {
                device: DeviceId(session.to_owned()),
                node,
            },
            Fact::AccountGone(user) => Count::Gone { user: user.clone() },
            Fact::NodeStarted(node) => {
                self.node_started(node);
                return Ok(());
            }
            Fact::Restored(node) => {
                for before in self.desk.seats.nodes() {
                    let kept = BTreeSet::new();
                    self.count(&Count::NodeLost { node: before, kept })?;
                }
                self.desk.known = BTreeSet::from([node]);
                self.desk.running = self.desk.known.clone();
                return Ok(());
            }
            Fact::NodeLost(node) => {
                self.desk.running.remove(&node);
                self.start_if_all_did(node, false);
                return Ok(());
            }
        };
        self.count(&command).map(drop)
    }

    fn joined(&mut self, place: u64, who: Who<'_>, node: NodeId) -> Result<(), plenary_access::Refusal> {
        self.hear(node);
        let participation = ParticipationId(u128::from(place));
        let command = match who {
            Who::User(user) => Count::Join {
                participation,
                user: user.clone(),
                node,
            },
            Who::Guest(guest) => Count::GuestJoin {
                participation,
                guest: guest.clone(),
                node,
            },
        };
        self.count(&command)?;
        if let (Who::User(user), true) = (who, self.at.level >= PLACES_LEVEL) {
            self.desk.seats.keep_one(self.at.now, participation, user);
        }
        Ok(())
    }

    fn check_federation(&self) -> Result<(), plenary_access::Refusal> {
        if self.at.level < PARTNERS_LEVEL || self.desk.has_federation() {
            return Ok(());
        }
        let reason = if self.desk.is_lent() {
            "the lease of your License Manager is over, or its licences have no federation; look at the License Manager"
        } else {
            "the free licence has no federation; install a licence first"
        };
        Err(licensing("not_licensed", reason.to_owned()))
    }

    /// What a node did is a sign of life as good as a beat: an entry of the log that it asked for.
    fn hear(&mut self, node: NodeId) {
        *self.desk.beats.entry(node).or_default() += 1;
    }

    fn node_started(&mut self, node: NodeId) {
        let places = self.desk.seats.places_on(node);
        // Their participants are away and may come back.
        let kept: BTreeSet<ParticipationId> = places
            .into_iter()
            .filter(|place| u64::try_from(place.0).is_ok_and(|place| self.view.is_in_roster(place)))
            .collect();
        // It is never refused.
        self.count(&Count::NodeLost { node, kept }).ok();
        if self.desk.known.insert(node) {
            self.desk.running.insert(node);
        } else {
            self.desk.running.remove(&node);
        }
        self.start_if_all_did(node, true);
    }

    /// The server has started when every node has: from then on the 24 hours of permanent PRO count. The view does not show
    /// yet whether `node` runs.
    fn start_if_all_did(&mut self, node: NodeId, runs: bool) {
        if !self.desk.running.is_empty() {
            return;
        }
        let nodes = self.view.nodes();
        self.desk.running = nodes
            .iter()
            .filter(|member| {
                if member.id == node {
                    runs
                } else {
                    member.epoch != 0
                }
            })
            .map(|member| member.id)
            .collect();
        self.desk.known = nodes.into_iter().map(|member| member.id).collect();
        self.recompute(Why::Start);
    }
}
