//! Calls between this server and a partner's (FED-02).
//!
//! A call lives on the caller's server, its *home*, with the conference in which the two meet; so does calling somebody into
//! a conference. The server of who is called has a call of its own, which rings there and stands in their list.
//!
//! ```text
//!  home                                        the server of who is called
//!   DialAway ──► rings ════ ring, by the key ═══► Receive ──► rings ── Decline ──► over: declined
//!     ◄── PartnerSaid: rings at, over, is a conference ══        │
//!   Enter ──► answered ◄══════════ attends ════ CameAway ────────┴──► answered
//!   leaves ──► over ══════════════ ended ══════ LeftAway ───────────► over: talked
//!   gives up ──► over ════ over ════════════════► AwayEnds ─────────► over: cancelled
//! ```
//!
//! Both sides are told everything at least once: what comes again, or too late, changes nothing.
//!
//! Invariant: a partner moves only calls that are with it, and names only people of its own.

use crate::{
    CALLS_KEPT, Call, Called, CalledGroup, Change, Decision, Effect, How, Over, Ring, Ringer, TERMS_LEVEL,
    View,
    decide::forbidden,
    meeting::{AWAY_MS, Meetings},
    ring::ring_id,
};
use plenary_access::{
    Outcome, Refusal, Topic,
    rules::{check_text, exists, invalid, not_found},
};
use plenary_model::{Cid, GroupId, NodeId, ServerName, Timestamp, UserId, UserName, limits};
use serde::{Deserialize, Serialize};

/// What a call has because one of the two is of a partner's server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Away {
    /// What the other one is called, as their server says; empty as long as it has not said.
    pub name: String,
    /// Of who calls somebody there: their server has said at whom it rings.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
    /// The name of the group that was called there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The conference there: of who is called from there, what one enters to answer; of who called, what was called instead
    /// of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enter: Option<Cid>,
    /// Of who is called from there and has answered: where they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat: Option<AwaySeat>,
}

/// The connection by which somebody of this server is in a conference of a partner's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaySeat {
    pub node: NodeId,
    /// The node's start.
    pub epoch: u64,
    /// Of this start, the number of the connection.
    pub run: u64,
    /// When it was found that the node is lost; whoever does not come back by another one has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_at: Option<Timestamp>,
}

/// A call that a partner makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwayCall {
    /// What it is called here: the same for the same call, however often it comes.
    pub cid: Cid,
    pub from: UserId,
    /// What they are called, as their server says.
    pub name: String,
    /// The conference there that one enters to answer.
    pub enter: Cid,
    /// The name of the conference that one is called into; none for a call of two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    pub to: AwayTo,
}

/// Whom a partner calls here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwayTo {
    User(UserName),
    Group(GroupId),
}

/// What a partner says of a call that it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartnerSaid {
    /// It rings.
    Rings {
        /// At whom; none for a group.
        user: Option<UserId>,
        /// What they or the group are called.
        name: String,
        group: bool,
    },
    /// It rings no more, or never did.
    Over(How),
    /// What was called is a conference there.
    Conference { enter: Cid, name: String },
}

impl Call {
    /// Whether somebody of a partner's server called somebody here.
    pub fn is_from_away(&self) -> bool {
        self.caller.server().is_some()
    }

    /// Where one enters to answer, or to be where one called: `cid` here or `cid@server` there.
    pub fn enter(&self) -> String {
        let away = self.away.as_ref().and_then(|away| away.enter.as_ref());
        let server = self.caller.server().or(self.callee.server());
        match (away, server) {
            (Some(cid), Some(server)) => format!("{cid}@{server}"),
            _ => self.ring.as_ref().map_or(&self.cid, Ring::id).to_string(),
        }
    }

    /// Whether nobody is called into a conference by it.
    pub fn is_of_two(&self) -> bool {
        !self.is_into_conference()
    }

    fn seat(&self) -> Option<&AwaySeat> {
        self.away.as_ref()?.seat.as_ref()
    }

    fn with_seat(mut self, seat: AwaySeat) -> Self {
        self.away.get_or_insert_default().seat = Some(seat);
        self
    }

    /// Whether it is to be called into something.
    fn is_into_conference(&self) -> bool {
        self.ring.as_ref().is_some_and(|ring| ring.by != Ringer::Group)
    }
}

/// Whether the sweep has something to do for a call that was answered there.
pub fn is_adrift<V: View>(view: &V, call: &Call, now: Timestamp) -> bool {
    call.seat().is_some_and(|seat| match seat.lost_at {
        None => !is_running(view, seat),
        Some(at) => is_running(view, seat) || now.since_ms(at) >= AWAY_MS,
    })
}

fn is_running<V: View>(view: &V, seat: &AwaySeat) -> bool {
    seat.epoch != 0 && view.start_of(seat.node) == Some(seat.epoch)
}

impl<V: View> Meetings<'_, V> {
    /// What follows of what is told between the servers; nothing of any other change.
    pub(crate) fn away(&self, change: &Change) -> Result<Decision, Refusal> {
        Ok(match change {
            Change::PartnerSaid { cid, said } => self.partner_said(cid, said),
            Change::Receive(new) => return self.receive(new),
            Change::CameAway {
                server,
                room,
                user,
                seat,
            } => self.came_away(server, room, user, seat),
            Change::LeftAway {
                server,
                room,
                user,
                seat,
            } => self.left_away(server, room, user, seat),
            Change::AwayEnds { cid, server, how } => self.away_ends(cid, server, *how),
            _ => Decision::default(),
        })
    }

    /// Somebody of this server calls somebody, or whatever has this name, on a partner's.
    pub(crate) fn dial_away(&self, cid: &Cid, caller: &UserName, to: &UserId) -> Result<Decision, Refusal> {
        let own = self.view.account(caller);
        let own = own.ok_or_else(|| not_found("user", caller))?;
        self.check_free(cid, caller)?;
        let call = Call {
            cid: cid.clone(),
            caller: caller.clone().into(),
            callee: to.clone().into(),
            began_at: self.at.now,
            answered_at: None,
            over: None,
            ring: None,
            group: None,
            answered_by: None,
            away: Some(Away::default()),
        };
        let mut decision = Decision::giving(Outcome::Revision(self.at.revision));
        let name = format!("{}, {to}", own.display_name);
        let name = name.chars().take(limits::CONFERENCE_NAME).collect();
        decision.effect(Effect::Put(call.conference(caller, name, self.at)));
        call.put(&mut decision);
        decision.effect(Effect::ForgetCalls {
            caller: caller.clone().into(),
            but: CALLS_KEPT,
        });
        Ok(decision)
    }

    /// The server of who is called has said something. What it says of somebody else's, or too late, counts for nothing.
    fn partner_said(&self, cid: &Cid, said: &PartnerSaid) -> Decision {
        let mut decision = Decision::default();
        let rings = self.view.call(cid).filter(Call::rings);
        let Some((call, server)) =
            rings.and_then(|call| call.callee.server().cloned().map(|server| (call, server)))
        else {
            return decision;
        };
        match said {
            PartnerSaid::Rings { user, name, group } => {
                if user.as_ref().is_none_or(|user| user.server == server) {
                    self.rings_there(&mut decision, call, user.as_ref(), name, *group);
                }
            }
            PartnerSaid::Over(how) => {
                let how = match how {
                    // The others are for home to find.
                    How::Declined | How::Missed | How::Busy | How::Unreachable | How::Nobody => *how,
                    How::Unreached | How::NotAllowed => *how,
                    _ => How::Missed,
                };
                call.end(&mut decision, how, self.at.now);
            }
            PartnerSaid::Conference { enter, name } => {
                let away = call.away.clone().unwrap_or_default();
                let away = Away {
                    name: shortened(name),
                    enter: Some(enter.clone()),
                    ..away
                };
                let away = Some(away);
                Call { away, ..call }.end(&mut decision, How::Conference, self.at.now);
            }
        }
        decision
    }

    fn rings_there(
        &self,
        decision: &mut Decision,
        call: Call,
        user: Option<&UserId>,
        name: &str,
        is_group: bool,
    ) {
        let before = call.away.clone().unwrap_or_default();
        let away = Away {
            told: true,
            group: is_group.then(|| shortened(name)),
            name: shortened(name),
            ..before
        };
        let callee = user.map_or(call.callee.clone(), |user| user.clone().into());
        let after = Call {
            callee,
            away: Some(away),
            ..call.clone()
        };
        if after != call {
            after.put(decision);
        }
    }

    /// Whether somebody of a partner's server comes into the conference of a call: who is called, and as long as that one
    /// is not known, or it is a group, whoever their server lets answer.
    pub(crate) fn call_gate(&self, cid: &Cid, user: &UserId) -> Called {
        let call = self.view.call(cid).filter(Call::is_open);
        let Some(call) = call.filter(|call| call.callee.server() == Some(&user.server)) else {
            return Called::No;
        };
        let away = call.away.as_ref();
        let is_open = away.is_some_and(|away| !away.told || away.group.is_some());
        let is_called = call.callee.there() == Some(user);
        match (is_called, call.answered_at) {
            (true, _) => Called::Yes,
            (false, None) if is_open => Called::Yes,
            (false, Some(_)) if is_open => Called::Elsewhere,
            (false, _) => Called::No,
        }
    }

    /// A partner calls somebody of this server. The same call may come again.
    fn receive(&self, new: &AwayCall) -> Result<Decision, Refusal> {
        if let Some(known) = self.view.call(&new.cid) {
            if known.caller.there() == Some(&new.from) {
                return Ok(Decision::default());
            }
            return Err(exists("call", &new.cid));
        }
        if self.view.conference(&new.cid).is_some() || self.view.conference_called(&new.cid).is_some() {
            return Err(exists("call", &new.cid));
        }
        check_text("name", &new.name, 1, limits::PARTICIPANT_NAME)?;
        if let Some(into) = &new.into {
            check_text("into", into, 1, limits::CONFERENCE_NAME)?;
        }
        if new.into.is_none() && self.at.level >= TERMS_LEVEL && !self.view.federated_call() {
            return Err(forbidden("the right of people of other servers to call here"));
        }
        match &new.to {
            AwayTo::User(user) => self.receive_for(new, user),
            AwayTo::Group(_) if new.into.is_some() => {
                Err(invalid("to", "is a group, which is called by itself"))
            }
            AwayTo::Group(group) => self.receive_for_group(new, group),
        }
    }

    fn call_from_away(&self, new: &AwayCall, callee: &UserName) -> Call {
        Call {
            cid: new.cid.clone(),
            caller: new.from.clone().into(),
            callee: callee.clone().into(),
            began_at: self.at.now,
            answered_at: None,
            over: None,
            ring: None,
            group: None,
            answered_by: None,
            away: Some(Away {
                name: new.name.trim().to_owned(),
                enter: Some(new.enter.clone()),
                ..Away::default()
            }),
        }
    }

    fn receive_for(&self, new: &AwayCall, user: &UserName) -> Result<Decision, Refusal> {
        let account = self.view.account(user).filter(|account| account.active);
        account.ok_or_else(|| not_found("user", user))?;
        let rings_often = new.into.is_some() && self.view.rings_at(user) >= limits::RINGS_PER_PERSON;
        let nobody = if self.view.open_call_of(user).is_some() || rings_often {
            Some(How::Busy)
        } else {
            (!self.view.is_online(user)).then_some(How::Unreachable)
        };
        let call = Call {
            over: nobody.map(|how| Over { at: self.at.now, how }),
            ring: new.into.as_ref().map(|name| Ring {
                // Of itself: conferences of this server have nothing to do with it, whatever they are called.
                cid: new.cid.clone(),
                called: None,
                name: name.trim().to_owned(),
                by: Ringer::Moderator,
            }),
            ..self.call_from_away(new, user)
        };
        let mut decision = Decision::default();
        call.put(&mut decision);
        decision.effect(Effect::ForgetAway {
            callee: user.clone(),
            but: CALLS_KEPT,
        });
        Ok(decision)
    }

    fn receive_for_group(&self, new: &AwayCall, group: &GroupId) -> Result<Decision, Refusal> {
        let (call_id, name) = self
            .view
            .callable_group(group)
            .ok_or_else(|| not_found("group", group))?;
        let (members, nobody) = self.who_rings(group, None);
        let mut call = self.call_from_away(new, &call_id);
        call.over = nobody.map(|how| Over { at: self.at.now, how });
        call.group = Some(CalledGroup {
            id: group.clone(),
            name: name.clone(),
        });
        let mut decision = Decision::default();
        call.clone().put(&mut decision);
        if self.at.level >= crate::DECLINES_LEVEL {
            decision.effect(Effect::ForgetAway {
                callee: call_id.clone(),
                but: CALLS_KEPT,
            });
        }
        for user in members {
            let ring = Call {
                cid: ring_id(self.at, &decision),
                callee: user.clone().into(),
                ring: Some(Ring {
                    cid: new.cid.clone(),
                    called: None,
                    name: name.clone(),
                    by: Ringer::Group,
                }),
                ..call.clone()
            };
            ring.put(&mut decision);
            decision.effect(Effect::ForgetAway {
                callee: user,
                but: CALLS_KEPT,
            });
        }
        Ok(decision)
    }

    /// Somebody of this server is in a conference of a partner's: whatever called them there has been answered.
    fn came_away(&self, server: &ServerName, room: &Cid, user: &UserName, seat: &AwaySeat) -> Decision {
        let mut decision = Decision::default();
        for call in self.calls_there(server, room, user) {
            if call.is_of_group() {
                self.take_away(&mut decision, &call, user, seat);
            } else if call.is_into_conference() {
                let answered_at = Some(self.at.now);
                Call { answered_at, ..call }.end(&mut decision, How::Joined, self.at.now);
            } else {
                let answered_at = call.answered_at.or(Some(self.at.now));
                let call = Call { answered_at, ..call };
                call.with_seat(seat.clone()).put(&mut decision);
            }
        }
        decision
    }

    /// One of a group was first: the call is theirs.
    fn take_away(&self, decision: &mut Decision, own: &Call, user: &UserName, seat: &AwaySeat) {
        let Some(ring) = &own.ring else { return };
        let Some(call) = self.view.call(&ring.cid).filter(Call::rings) else {
            return;
        };
        decision
            .notice(Topic::Calls, user.as_str())
            .effect(Effect::RemoveCall(own.cid.clone()));
        for other in self.view.rings_into(&call.cid) {
            if other.cid != own.cid {
                let answered_by = Some(user.clone());
                Call { answered_by, ..other }.end(decision, How::Elsewhere, self.at.now);
            }
        }
        let taken = Call {
            callee: user.clone().into(),
            answered_at: Some(self.at.now),
            ..call
        };
        taken.with_seat(seat.clone()).put(decision);
    }

    /// Somebody of this server is in a conference of a partner's no more; nothing follows if they came back by another
    /// connection.
    fn left_away(&self, server: &ServerName, room: &Cid, user: &UserName, seat: &AwaySeat) -> Decision {
        let mut decision = Decision::default();
        for call in self.calls_there(server, room, user) {
            let is_it = call
                .seat()
                .is_some_and(|own| (own.node, own.epoch, own.run) == (seat.node, seat.epoch, seat.run));
            if is_it && call.answered_at.is_some() {
                call.end(&mut decision, How::Talked, self.at.now);
            }
        }
        decision
    }

    fn calls_there(&self, server: &ServerName, room: &Cid, user: &UserName) -> Vec<Call> {
        let mut calls = self.view.calls_from_away(user);
        calls.retain(|call| {
            let enter = call.away.as_ref().and_then(|away| away.enter.as_ref());
            call.caller.server() == Some(server) && enter == Some(room)
        });
        calls
    }

    /// The server of who calls says that it is over.
    fn away_ends(&self, cid: &Cid, server: &ServerName, how: How) -> Decision {
        let mut decision = Decision::default();
        let call = self.view.call(cid).filter(Call::is_open);
        let Some(call) = call.filter(|call| call.caller.server() == Some(server)) else {
            return decision;
        };
        let how = match (call.answered_at, how) {
            (Some(_), How::Widened) => How::Widened,
            (Some(_), _) => How::Talked,
            (None, How::Missed | How::Joined) => how,
            (None, _) => How::Cancelled,
        };
        call.end(&mut decision, how, self.at.now);
        decision
    }

    /// Calls of those whose node was lost, and who did not come back.
    pub(crate) fn sweep_away(&self, decision: &mut Decision) {
        let now = self.at.now;
        for call in self.view.answered_from_away() {
            let Some(seat) = call.seat().cloned() else {
                continue;
            };
            if !is_adrift(self.view, &call, now) {
                continue;
            }
            let runs = is_running(self.view, &seat);
            match seat.lost_at {
                Some(_) if !runs => call.end(decision, How::Talked, now),
                _ => {
                    let lost_at = (!runs).then_some(now);
                    call.with_seat(AwaySeat { lost_at, ..seat }).put(decision);
                }
            }
        }
    }
}

/// What a partner calls somebody is kept as far as names go here.
fn shortened(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    name.trim().chars().take(limits::CONFERENCE_NAME).collect()
}
