//! Calling a group (USR-08): it rings at all of its members who are there and free, and whoever is first has it.
//!
//! ```text
//!  DialGroup ──► rings at each ── one of them enters ──► answered: a call of two from now on; elsewhere for the others
//!                    ├─────────── all have declined ───► over: declined
//!                    ├─────────── the caller leaves ───► over: cancelled
//!                    └─────────── 60 s, Sweep ─────────► over: missed, once for each
//! ```
//!
//! The call is the caller's; each who rings has a [`Call`] of their own with a [`Ring`], and the first to answer
//! gives it up for that of the caller. Which of two was first is decided by the order of the log.

use crate::{
    CALLS_KEPT, Call, Decision, Effect, How, Over, Person, Ring, Ringer, View, meeting::Meetings,
    ring::ring_id,
};
use plenary_access::{Outcome, Refusal, Topic, rules::not_found};
use plenary_model::{Cid, GroupId, UserName, limits};
use serde::{Deserialize, Serialize};

/// The group that was called, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledGroup {
    pub id: GroupId,
    pub name: String,
}

impl Call {
    /// Whether it rings because a group is called.
    pub(crate) fn is_of_group(&self) -> bool {
        let ring = self.ring.as_ref();
        ring.is_some_and(|ring| ring.by == Ringer::Group)
    }
}

impl<V: View> Meetings<'_, V> {
    pub(crate) fn dial_group(
        &self,
        cid: &Cid,
        caller: &UserName,
        group: &GroupId,
    ) -> Result<Decision, Refusal> {
        let (call_id, name) = self
            .view
            .callable_group(group)
            .ok_or_else(|| not_found("group", group))?;
        let own = self
            .view
            .account(caller)
            .ok_or_else(|| not_found("user", caller))?;
        self.check_free(cid, caller)?;
        let now = self.at.now;
        let (members, nobody) = self.who_rings(group, Some(caller));
        let call = Call {
            cid: cid.clone(),
            caller: caller.clone().into(),
            callee: call_id.into(),
            began_at: now,
            answered_at: None,
            over: nobody.map(|how| Over { at: now, how }),
            ring: None,
            group: Some(CalledGroup {
                id: group.clone(),
                name: name.clone(),
            }),
            answered_by: None,
            away: None,
        };
        let mut decision = Decision::giving(Outcome::Revision(self.at.revision));
        if nobody.is_none() {
            let mut conference = call.conference(caller, format!("{}, {name}", own.display_name), self.at);
            conference.settings.moderators = members.iter().map(|user| (user.clone(), now)).collect();
            decision.effect(Effect::Put(conference));
        }
        let group = call.group.clone();
        call.put(&mut decision);
        for user in members {
            let ring = Call {
                cid: ring_id(self.at, &decision),
                caller: caller.clone().into(),
                callee: user.clone().into(),
                began_at: now,
                answered_at: None,
                over: None,
                ring: Some(Ring {
                    cid: cid.clone(),
                    called: None,
                    name: name.clone(),
                    by: Ringer::Group,
                }),
                group: group.clone(),
                answered_by: None,
                away: None,
            };
            ring.put(&mut decision);
            decision.effect(Effect::ForgetRings {
                callee: user.into(),
                but: CALLS_KEPT,
            });
        }
        decision.effect(Effect::ForgetCalls {
            caller: caller.clone().into(),
            but: CALLS_KEPT,
        });
        Ok(decision)
    }

    /// The members of a group at whom it rings when somebody else calls it; where there are none, why.
    pub(crate) fn who_rings(
        &self,
        group: &GroupId,
        caller: Option<&UserName>,
    ) -> (Vec<UserName>, Option<How>) {
        let mut members = self.view.members_there(group);
        members.retain(|user| Some(user) != caller);
        let is_anybody_there = !members.is_empty();
        members.retain(|user| self.is_free(user));
        members.truncate(limits::GROUP_RINGS);
        let nobody = match (members.is_empty(), is_anybody_there) {
            (false, _) => None,
            (true, true) => Some(How::Busy),
            (true, false) => Some(How::Unreachable),
        };
        (members, nobody)
    }

    /// Whether somebody is in no call and no conference, and does not ring too often already.
    fn is_free(&self, user: &UserName) -> bool {
        self.view.open_call_of(user).is_none()
            && self.view.places_of(&Person::Account(user.clone())).is_empty()
            && self.view.rings_at(user) < limits::RINGS_PER_PERSON
    }

    /// Somebody of the group has come: it is their call, and nobody else enters.
    pub(crate) fn take(&self, decision: &mut Decision, call: Call, who: &UserName) {
        if let Some(mut conference) = self.view.conference(&call.cid) {
            conference.settings.moderators.retain(|user, _| user == who);
            decision
                .notice(Topic::Conferences, call.cid.as_str())
                .effect(Effect::Put(conference));
        }
        let taken = Call {
            callee: who.clone().into(),
            answered_at: Some(self.at.now),
            ..call
        };
        taken.put(decision);
    }

    /// Whether everybody of a group has declined when this one does; then the caller is told.
    pub(crate) fn last_declines(&self, decision: &mut Decision, own: &Call) {
        let Some(ring) = own.ring.as_ref().filter(|_| own.is_of_group()) else {
            return;
        };
        let others = self.view.rings_into(&ring.cid);
        if others.iter().all(|other| other.cid == own.cid)
            && let Some(call) = self.view.call(&ring.cid).filter(Call::rings)
        {
            call.end(decision, How::Declined, self.at.now);
        }
    }

    /// Whether it rang at somebody, and another one of the group was first.
    pub(crate) fn is_lost_to_another(&self, cid: &Cid, user: &UserName) -> bool {
        let rang = |call: &Call| call.is_of_group() && call.callee == *user;
        let began = plenary_model::Timestamp(0);
        self.view
            .rings_of(cid, &user.clone().into(), began)
            .iter()
            .any(rang)
    }
}
