//! Calls of two (CALL-01).
//!
//! Each has a conference of its own, which stands in no list, which only the two may enter, and which goes with the call.
//! No seat is needed in it. Whose device enters it first has answered.
//!
//! ```text
//!  Dial ──► rings ── the one who is called enters ──► answered ── either leaves ──► over: talked
//!            │                                            └─────── Widen ─────────► over: a conference for who is called in
//!            ├── Decline ──────────────► over: declined
//!            ├── the caller leaves ────► over: cancelled
//!            └── 60 s, Sweep ──────────► over: missed
//!  Dial of who is in another call, or signed in nowhere ──► over: busy, unreachable
//! ```

use crate::{
    Access, Away, CalledGroup, Conference, Decision, Effect, Launch, Party, Person, REMOVALS_LEVEL, Ring,
    Settings, View,
    meeting::{MeetingView, Meetings},
};
use plenary_access::{
    Moment, Outcome, Refusal, Topic,
    rules::{exists, invalid, not_found},
};
use plenary_model::{Cid, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// A call, also one that is over. The two are not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Of its conference.
    pub cid: Cid,
    pub caller: Party,
    /// Who is called.
    pub callee: Party,
    pub began_at: Timestamp,
    pub answered_at: Option<Timestamp>,
    pub over: Option<Over>,
    /// The callee is called into something that goes on; then the call has no conference of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring: Option<Ring>,
    /// A group is called: until somebody of it has answered, `callee` is its call ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<CalledGroup>,
    /// Who of the group has answered instead of the callee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<UserName>,
    /// One of the two is of a partner's server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Away>,
}

/// Which calls of a user are wanted; `None`: whichever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallQuery {
    /// Whether the user called, or was called.
    pub outgoing: Option<bool>,
    /// Of those that are over.
    pub answered: Option<bool>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    pub at: Timestamp,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    Talked,
    Declined,
    /// Nobody answered.
    Missed,
    /// The caller gave up first.
    Cancelled,
    /// The callee was in another call.
    Busy,
    /// The callee was signed in on no device.
    Unreachable,
    /// It became a conference.
    Widened,
    /// The callee came into the conference.
    Joined,
    /// Somebody else of the group was first to answer.
    Elsewhere,
    /// There is nobody of that name on the partner's server.
    Nobody,
    /// The partner's server could not be reached.
    Unreached,
    /// One of the two servers does not allow it.
    NotAllowed,
    /// What was called is a conference of the partner's.
    Conference,
}

/// So long it rings.
pub const RING_MS: u64 = 60_000;
/// Calls that a caller's list keeps.
pub const CALLS_KEPT: u32 = 1_000;

impl Call {
    pub fn is_open(&self) -> bool {
        self.over.is_none()
    }

    pub fn rings(&self) -> bool {
        self.is_open() && self.answered_at.is_none()
    }

    pub fn concerns(&self, user: &UserName) -> bool {
        self.caller == *user || (self.callee == *user && !self.is_for_whole_group())
    }

    /// A group is called, and nobody of it has answered.
    pub fn is_for_whole_group(&self) -> bool {
        self.group.is_some() && self.ring.is_none() && self.answered_at.is_none()
    }

    pub(crate) fn put(self, decision: &mut Decision) {
        match &self.ring {
            // Who is in the conference sees it there.
            Some(ring) => decision.notice(Topic::Meetings, ring.cid.as_str()),
            None => decision.notice(Topic::Calls, self.caller.to_string()),
        };
        if !self.is_for_whole_group() {
            decision.notice(Topic::Calls, self.callee.to_string());
        }
        if self.is_from_away() {
            // Whoever tells the partner of it looks.
            decision.notice(Topic::Calls, self.caller.to_string());
        }
        decision.effect(Effect::PutCall(self));
    }

    /// The call is over, and its conference is no more, if it had one.
    pub(crate) fn end(self, decision: &mut Decision, how: How, now: Timestamp) {
        if self.ring.is_none() && !self.is_from_away() {
            decision
                .effect(Effect::Remove(self.cid.clone()))
                .notice(Topic::Conferences, self.cid.as_str())
                .notice(Topic::Meetings, self.cid.as_str());
        }
        let over = Some(Over { at: now, how });
        Self { over, ..self }.put(decision);
    }

    /// For a call that somebody of this server makes, the caller.
    pub(crate) fn conference(&self, caller: &UserName, name: String, at: Moment) -> Conference {
        let callee = self.callee.here().cloned();
        Conference {
            cid: self.cid.clone(),
            called: None,
            name,
            description: String::new(),
            owner: caller.clone(),
            access: Access::Internal,
            settings: Settings {
                uninvited: false,
                // Neither of the two is less than the other.
                moderators: callee.map(|callee| (callee, at.now)).into_iter().collect(),
                ..Settings::default()
            },
            launch: Launch::VirtualRoom,
            next: None,
            call: true,
            ad_hoc: false,
            created_at: at.now,
            updated_at: at.now,
            revision: at.revision,
        }
    }
}

/// What follows for a call when places in its conference were given up and so many are left.
pub(crate) fn left<V: MeetingView>(view: &V, decision: &mut Decision, cid: &Cid, left: u64, now: Timestamp) {
    let Some(call) = view.call(cid).filter(Call::is_open) else {
        return;
    };
    match (call.answered_at, left) {
        (Some(_), 0 | 1) => call.end(decision, How::Talked, now),
        (None, 0) => call.end(decision, How::Cancelled, now),
        _ => {}
    }
}

impl<V: View> Meetings<'_, V> {
    pub(crate) fn dial(&self, cid: &Cid, caller: &UserName, callee: &UserName) -> Result<Decision, Refusal> {
        if caller == callee {
            return Err(invalid("to", "is yourself; call somebody else"));
        }
        let account = self.view.account(callee).filter(|account| account.active);
        let called = account.ok_or_else(|| not_found("user", callee))?;
        let own = self
            .view
            .account(caller)
            .ok_or_else(|| not_found("user", caller))?;
        self.check_free(cid, caller)?;
        let now = self.at.now;
        let mut call = Call {
            cid: cid.clone(),
            caller: caller.clone().into(),
            callee: callee.clone().into(),
            began_at: now,
            answered_at: None,
            over: None,
            ring: None,
            group: None,
            answered_by: None,
            away: None,
        };
        let mut decision = Decision::giving(Outcome::Revision(self.at.revision));
        let nobody = match self.view.open_call_of(callee) {
            Some(_) => Some(How::Busy),
            None => (!self.view.is_online(callee)).then_some(How::Unreachable),
        };
        match nobody {
            Some(how) => call.over = Some(Over { at: now, how }),
            None => {
                let name = format!("{}, {}", own.display_name, called.display_name);
                decision.effect(Effect::Put(call.conference(caller, name, self.at)));
            }
        }
        call.put(&mut decision);
        decision.effect(Effect::ForgetCalls {
            caller: caller.clone().into(),
            but: CALLS_KEPT,
        });
        Ok(decision)
    }

    /// Whether a call of this name can begin, by somebody who is in none.
    pub(crate) fn check_free(&self, cid: &Cid, caller: &UserName) -> Result<(), Refusal> {
        let is_taken = self.view.conference(cid).is_some() || self.view.conference_called(cid).is_some();
        if is_taken || self.view.call(cid).is_some() {
            return Err(exists("call", cid));
        }
        if self.view.open_call_of(caller).is_some() {
            return Err(Refusal::Conflict(
                "you are in a call already; end it before you begin another one".into(),
            ));
        }
        Ok(())
    }

    pub(crate) fn decline(&self, cid: &Cid, by: &UserName) -> Result<Decision, Refusal> {
        let call = self.call_of(cid, by)?;
        if call.callee != *by {
            return Err(Refusal::Conflict(
                "this call is your own; leave it to end it".into(),
            ));
        }
        let mut decision = Decision::default();
        // Answered or given up meanwhile, or declined on another device: there is nothing to decline.
        if call.rings() {
            self.last_declines(&mut decision, &call);
            call.end(&mut decision, How::Declined, self.at.now);
        }
        Ok(decision)
    }

    /// The call becomes a conference of its caller, into which others are called; all need a seat from now on. It ends with its
    /// run.
    pub(crate) fn widen(&self, cid: &Cid, by: &UserName) -> Result<Decision, Refusal> {
        let call = self.call_of(cid, by)?;
        let before = self.view.conference(cid).filter(|conference| conference.call);
        let (Some(before), Some(_), true) = (before, call.answered_at, call.is_open()) else {
            return Err(Refusal::Conflict(
                "only a call that goes on can become a conference".into(),
            ));
        };
        let now = self.at.now;
        // Nodes of before let everybody come, for ever, and all must have the same.
        let ad_hoc = self.at.level >= REMOVALS_LEVEL;
        let mut settings = before.settings.clone();
        settings.uninvited = !ad_hoc;
        if ad_hoc {
            self.check_room_for_conference(&before.owner)?;
            self.invite_those_inside(&mut settings, &before);
        }
        let after = Conference {
            call: false,
            ad_hoc,
            settings,
            updated_at: now,
            revision: self.at.revision,
            ..before
        };
        let mut decision = Decision::giving(Outcome::Revision(self.at.revision));
        let name = after.cid.to_string();
        decision
            .changed(
                "conference",
                &name,
                "created",
                crate::conference::differences(None, Some(&after)),
            )
            .notice(Topic::Conferences, &name)
            .notice(Topic::Meetings, &name)
            .notice(Topic::Events, "")
            .effect(Effect::Put(after));
        let over = Some(Over {
            at: now,
            how: How::Widened,
        });
        Call { over, ..call }.put(&mut decision);
        Ok(decision)
    }

    /// Who was called comes in again as well.
    fn invite_those_inside(&self, settings: &mut Settings, conference: &Conference) {
        let now = self.at.now;
        for one in self.view.everybody(&conference.cid) {
            match one.person {
                Person::Account(user) if !conference.is_of(&user) => {
                    settings.invited.entry(user).or_insert(now);
                }
                Person::Federated(user) if !settings.moderators_abroad.contains_key(&user) => {
                    settings.invited_abroad.entry(user).or_insert(now);
                }
                Person::Account(_) | Person::Federated(_) | Person::Guest(_) => {}
            }
        }
    }

    /// Somebody has come into the conference of a call.
    pub(crate) fn answer(&self, decision: &mut Decision, cid: &Cid, who: &Party) {
        let Some(call) = self.view.call(cid).filter(Call::rings) else {
            return;
        };
        let answered_at = Some(self.at.now);
        if let (Some(_), Party::Here(user)) = (&call.group, who)
            && call.caller != *who
        {
            self.take(decision, call, user);
        } else if call.callee == *who || (who.server().is_some() && call.callee.server() == who.server()) {
            // Of those of a partner's server the gate lets in only who may answer.
            let callee = who.clone();
            Call {
                answered_at,
                callee,
                ..call
            }
            .put(decision);
        }
    }

    /// Ends calls that nobody answered.
    pub(crate) fn miss(&self, decision: &mut Decision) {
        let now = self.at.now;
        let missed = self.view.rang_since(Timestamp(now.0.saturating_sub(RING_MS)));
        // Those of a group end with the call that they are for.
        for call in missed.into_iter().filter(|call| !call.is_of_group()) {
            call.end(decision, How::Missed, now);
        }
    }

    pub(crate) fn call_of(&self, cid: &Cid, by: &UserName) -> Result<Call, Refusal> {
        let call = self.view.call(cid).filter(|call| call.concerns(by));
        call.ok_or_else(|| not_found("call", cid))
    }
}
