//! Calling people into a conference that goes on (CONF-02, CONF-08).
//!
//! Each who is called has a [`Call`] of their own, which rings on all their devices, leads into the conference and stands in
//! their list afterwards. Whoever comes in by whatever way has answered: they pass the gate as everybody does.
//!
//! ```text
//!  Call, Begin ──► rings ── they come in ──► over: joined
//!                    ├───── Decline ───────► over: declined
//!                    ├───── CallOff ───────► over: cancelled
//!                    ├───── the run ends ──► over: cancelled
//!                    └───── 60 s, Sweep ───► over: missed
//!  Call of who is in a call of two, or signed in nowhere ──► over: busy, unreachable
//! ```
//!
//! Invariant: nobody is rung twice for one conference at once, and nobody who is in it; it rings only while a run goes on.

use crate::{
    Away, CALLERS_LEVEL, CALLING_LEVEL, CALLS_KEPT, Call, Conference, DOORS_LEVEL, Decision, Effect, How,
    MODERATION_LEVEL, OWNERS_LEVEL, Over, Participant, ParticipantId, Party, Person, Run, TERMS_LEVEL, View,
    decide::{MAKES_CALLS, forbidden},
    meeting::{Meetings, conflict, counts_there},
};
use plenary_access::{FieldChange, Moment, Refusal, Topic, ZoneRefusal, rules::invalid};
use plenary_model::{Cid, Right, Timestamp, UserName, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What somebody is called into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// The key of the conference that they enter to answer.
    pub cid: Cid,
    /// The ID by which people find it, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<Cid>,
    /// The name of it, or of the group, when it rang.
    pub name: String,
    pub by: Ringer,
}

impl Ring {
    /// The ID by which people find what they enter to answer.
    pub fn id(&self) -> &Cid {
        self.called.as_ref().unwrap_or(&self.cid)
    }
}

/// Why it rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ringer {
    /// A moderator calls: the caller.
    Moderator,
    /// The conference begins by its schedule; the caller is its owner.
    Schedule,
    /// The caller calls a group.
    Group,
}

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// Everybody whom the conference names: its moderators and who is invited.
    Invited,
    Users(Vec<Party>),
}

impl Whom {
    /// Whether somebody of a partner's server is among them.
    pub(crate) fn is_away(&self) -> bool {
        matches!(self, Self::Users(users) if users.iter().any(|user| user.server().is_some()))
    }
}

impl Call {
    /// Whether somebody is called by a moderator, which is as good as an invitation to this run.
    fn is_by_hand(&self) -> bool {
        let ring = self.ring.as_ref();
        ring.is_some_and(|ring| ring.by == Ringer::Moderator)
    }

    /// Nobody answered before a moderator took it back, or before the run ended.
    fn is_taken_back(&self) -> bool {
        self.over.is_some_and(|over| over.how == How::Cancelled)
    }
}

/// What came of calling one person.
#[derive(PartialEq)]
enum Rung {
    Yes,
    /// They are in, or it rings there.
    NeedsNot,
    TooSoon,
}

impl<V: View> Meetings<'_, V> {
    /// Somebody in the meeting calls; they must be a moderator with an account.
    pub(crate) fn call_by(&self, cid: &Cid, by: ParticipantId, whom: &Whom) -> Result<Decision, Refusal> {
        let conference = self.conference(cid)?;
        let by = self.moderator(&conference, by)?;
        match &by.person {
            Person::Account(caller) => {
                self.check_calls(&by, caller)?;
                self.call_in(&conference, caller, whom)
            }
            Person::Guest(_) | Person::Federated(_) => Err(forbidden("an account of this server")),
        }
    }

    /// Calling people in is making calls, whose right somebody has from where they are in the meeting.
    fn check_calls(&self, by: &Participant, caller: &UserName) -> Result<(), Refusal> {
        // Nodes of before ask nothing of the kind, and all must do the same.
        if self.at.level < CALLERS_LEVEL {
            return Ok(());
        }
        if !self.view.may_call(caller) {
            return Err(forbidden(MAKES_CALLS));
        }
        if !counts_there(&self.view.zones(), &by.person, by.address, Right::MakeCalls) {
            return Err(ZoneRefusal::Right(MAKES_CALLS.into()).into());
        }
        Ok(())
    }

    /// Who calls has been found to be allowed.
    pub(crate) fn call_in(
        &self,
        conference: &Conference,
        caller: &UserName,
        whom: &Whom,
    ) -> Result<Decision, Refusal> {
        if conference.call {
            return Err(conflict(
                "this is a call; make it a conference first, to call others in",
            ));
        }
        let run = self.view.run_of(&conference.cid).filter(Run::is_on);
        let run = run.ok_or_else(|| {
            conflict("nobody is in the meeting and it has not begun: start it or come in, then call others")
        })?;
        let mut users = self.whom(conference, caller, whom)?;
        let ringing = self.view.rings_into(&conference.cid);
        let ringing: BTreeSet<Party> = ringing.into_iter().map(|call| call.callee).collect();
        users.retain(|user| !ringing.contains(user));
        if ringing.len() + users.len() > limits::RINGS {
            return Err(conflict(
                "2,000 people are being called; call more when some of them have answered",
            ));
        }
        let mut decision = Decision::default();
        let (mut rung, mut too_soon) = (0, 0);
        for user in users {
            match self.ring(&mut decision, conference, &run, caller, user, Ringer::Moderator) {
                Rung::Yes => rung += 1,
                Rung::TooSoon => too_soon += 1,
                Rung::NeedsNot => {}
            }
        }
        if rung == 0 && too_soon > 0 {
            return Err(conflict(
                "they were called a moment ago, or many times already; wait a little before you call again",
            ));
        }
        tell(&mut decision, conference, "called people", rung);
        Ok(decision)
    }

    /// Somebody in the meeting takes calls back, also as a guest: nobody learns of anybody by it.
    pub(crate) fn call_off_by(
        &self,
        cid: &Cid,
        by: ParticipantId,
        users: Option<&[Party]>,
    ) -> Result<Decision, Refusal> {
        let conference = self.conference(cid)?;
        self.moderator(&conference, by)?;
        self.call_off(&conference, users)
    }

    /// Who takes back has been found to be allowed. Those who have answered or declined meanwhile stay as they are.
    pub(crate) fn call_off(
        &self,
        conference: &Conference,
        users: Option<&[Party]>,
    ) -> Result<Decision, Refusal> {
        if conference.call {
            return Err(conflict("this is a call; leave it to end it"));
        }
        let mut decision = Decision::default();
        let mut stopped = 0;
        for call in self.view.rings_into(&conference.cid) {
            if users.is_none_or(|users| users.contains(&call.callee)) {
                call.end(&mut decision, How::Cancelled, self.at.now);
                stopped += 1;
            }
        }
        tell(&mut decision, conference, "took calls back", stopped);
        Ok(decision)
    }

    /// The time of a scheduled conference has come in this decision: it calls those whom it names; where it was opened before
    /// (`was_open`), those of them whom nobody has called or removed.
    pub(crate) fn call_at_start(&self, decision: &mut Decision, conference: &Conference, was_open: bool) {
        if self.at.level < CALLING_LEVEL || !conference.settings.call_at_start {
            return;
        }
        let begins = decision.effects.iter().find_map(|effect| match effect {
            Effect::PutRun(run) if run.cid == conference.cid => Some(run.clone()),
            _ => None,
        });
        let Some(run) = begins else { return };
        let owner = &conference.owner;
        // Whose schedule it is knows; nodes of before ring them too, and all must do the same.
        let spares = |user: &Party| self.at.level >= OWNERS_LEVEL && *user == *owner;
        let knows = |user: &Party| {
            let removed = self.view.removed(&conference.cid);
            let person = user.person();
            !self
                .view
                .rings_of(&conference.cid, user, run.started_at)
                .is_empty()
                || removed.iter().any(|one| one.person == person)
        };
        let users = self.named(conference).into_iter();
        let users = users.filter(|user| !(spares(user) || was_open && knows(user)));
        let mut rung = 0;
        for user in users.take(limits::RINGS).collect::<Vec<_>>() {
            let called = self.ring(decision, conference, &run, owner, user, Ringer::Schedule);
            rung += u64::from(called == Rung::Yes);
        }
        tell(decision, conference, "called people", rung);
    }

    /// When a moderator, or the conference as it began, called somebody into a run, the last time.
    pub(crate) fn called_at(&self, run: &Run, user: &Party) -> Option<Timestamp> {
        if self.at.level < CALLING_LEVEL {
            return None;
        }
        let rings = self.view.rings_of(&run.cid, user, run.started_at);
        // What was taken back invites nobody any more; nodes of before know nothing of it, and all must have the same.
        let by_somebody = |call: &Call| call.is_by_hand() || self.at.level >= DOORS_LEVEL;
        let counts =
            |call: &Call| by_somebody(call) && (self.at.level < MODERATION_LEVEL || !call.is_taken_back());
        let last = rings.into_iter().find(counts)?;
        Some(last.began_at)
    }

    /// What rings leads to where the conference is found by now.
    pub(crate) fn follow_id(&self, decision: &mut Decision, conference: &Conference) {
        for call in self.view.rings_into(&conference.cid) {
            let ring = call.ring.clone().map(|ring| Ring {
                called: conference.called.clone(),
                ..ring
            });
            Call { ring, ..call }.put(decision);
        }
    }

    /// Those of a conference whom it names and who can be called.
    fn named(&self, conference: &Conference) -> Vec<Party> {
        let active = |user: &&UserName| self.view.account(user).is_some_and(|account| account.active);
        let here = conference.settings.named().filter(active);
        let mut named: Vec<Party> = here.cloned().map(Party::Here).collect();
        // Nodes of before call those of partners by hand only, and all must do the same.
        if self.at.level >= TERMS_LEVEL {
            named.extend(conference.settings.named_abroad().into_keys().map(Party::There));
        }
        named
    }

    fn whom(&self, conference: &Conference, caller: &UserName, whom: &Whom) -> Result<Vec<Party>, Refusal> {
        let users = match whom {
            Whom::Invited => {
                let mut all = self.named(conference);
                all.retain(|user| *user != *caller);
                return Ok(all);
            }
            Whom::Users(users) => users,
        };
        if users.is_empty() || users.len() > limits::RINGS {
            return Err(invalid("users", "must be 1 to 2,000"));
        }
        for user in users {
            let Party::Here(user) = user else { continue };
            if !self.view.account(user).is_some_and(|account| account.active) {
                return Err(invalid(
                    "users",
                    format!("there is no user {:?} who could be called", user.as_str()),
                ));
            }
        }
        let each: BTreeSet<&Party> = users.iter().collect();
        Ok(each.into_iter().cloned().collect())
    }

    fn ring(
        &self,
        decision: &mut Decision,
        conference: &Conference,
        run: &Run,
        caller: &UserName,
        user: Party,
        by: Ringer,
    ) -> Rung {
        let cid = &conference.cid;
        if !self.view.places(cid, &user.person()).is_empty() {
            return Rung::NeedsNot;
        }
        let now = self.at.now;
        let before = self.view.rings_of(cid, &user, run.started_at);
        let rests = |over: Over| now.since_ms(over.at) < limits::RING_PAUSE_MS && over.how != How::Joined;
        match before.first().map(|last| last.over) {
            Some(None) => return Rung::NeedsNot,
            Some(Some(over)) if rests(over) => return Rung::TooSoon,
            _ if before.len() >= limits::RINGS_PER_RUN => return Rung::TooSoon,
            _ => {}
        }
        let nobody = match &user {
            // Their own server says.
            Party::There(_) => None,
            Party::Here(user) => self.why_not_rung(user),
        };
        let call = Call {
            cid: ring_id(self.at, decision),
            caller: caller.clone().into(),
            callee: user.clone(),
            began_at: now,
            answered_at: None,
            over: nobody.map(|how| Over { at: now, how }),
            ring: Some(Ring {
                cid: cid.clone(),
                called: conference.called.clone(),
                name: conference.name.clone(),
                by,
            }),
            group: None,
            answered_by: None,
            away: user.server().map(|_| Away::default()),
        };
        call.put(decision);
        decision.effect(Effect::ForgetRings {
            callee: user,
            but: CALLS_KEPT,
        });
        Rung::Yes
    }

    fn why_not_rung(&self, user: &UserName) -> Option<How> {
        if self.view.open_call_of(user).is_some() || self.view.rings_at(user) >= limits::RINGS_PER_PERSON {
            return Some(How::Busy);
        }
        (!self.view.is_online(user)).then_some(How::Unreachable)
    }
}

/// A name that no other call has: of the command, and how many it has called before.
pub(crate) fn ring_id(at: Moment, decision: &Decision) -> Cid {
    let before = decision.effects.iter();
    let before = before
        .filter(|effect| matches!(effect, Effect::PutCall(_)))
        .count();
    let name = format!("ring-{:x}-{before}", at.revision.0);
    name.parse().expect("letters, digits and `-`, and not long")
}

/// `people`: how many the event is about; none, no event.
fn tell(decision: &mut Decision, conference: &Conference, verb: &str, people: u64) {
    if people == 0 {
        return;
    }
    let people = FieldChange {
        field: "people".into(),
        before: None,
        after: Some(people.to_string()),
    };
    decision
        .changed("conference", conference.id().as_str(), verb, vec![people])
        .notice(Topic::Events, "");
}

/// Adds to `decisions`, none of which is carried out yet, what becomes of those who ring: who comes in has answered, and
/// where a run is over nobody needs to. It follows from the effects, so that no way in and no end is forgotten.
pub fn settle_rings<V: View>(view: &V, at: Moment, decisions: &mut [Decision]) {
    if at.level < CALLING_LEVEL {
        return;
    }
    let mut settled = BTreeSet::new();
    for decision in decisions {
        let mut added = Decision::default();
        // Of whom no call is kept.
        let mut gone = BTreeSet::new();
        let mut over = BTreeSet::new();
        let mut come = Vec::new();
        for effect in &decision.effects {
            match effect {
                Effect::PutCall(call) => {
                    settled.insert(call.cid.clone());
                    // It has no conference here whose end would say it.
                    if call.over.is_some()
                        && call.is_from_away()
                        && call.group.is_some()
                        && call.ring.is_none()
                    {
                        over.insert(call.cid.clone());
                    }
                }
                Effect::RemoveCalls(user) => drop(gone.insert(user.clone())),
                Effect::PutRun(run) if !run.is_on() => drop(over.insert(run.cid.clone())),
                Effect::Remove(cid) => drop(over.insert(cid.clone())),
                Effect::PutParticipant(one) if view.participant(&one.cid, one.id).is_none() => {
                    if let Some(user) = Party::of(&one.person) {
                        come.push((one.cid.clone(), user));
                    }
                }
                _ => {}
            }
        }
        let how_ended = |cid: &Cid| {
            let of = decision.effects.iter().find_map(|effect| match effect {
                Effect::PutCall(call) if call.cid == *cid => call.over,
                _ => None,
            });
            // The group has missed the call as a whole.
            match of.map(|over| over.how) {
                Some(How::Missed) => How::Missed,
                _ => How::Cancelled,
            }
        };
        let ended: Vec<_> = over
            .iter()
            .flat_map(|cid| {
                view.rings_into(cid)
                    .into_iter()
                    .map(|call| (call, how_ended(cid)))
            })
            .collect();
        for (cid, user) in &come {
            take_from_others(view, at, &mut added, &mut settled, cid, user);
        }
        for (call, how) in ended {
            let stays = ![&call.caller, &call.callee]
                .iter()
                .any(|party| party.here().is_some_and(|user| gone.contains(user)));
            if stays && settled.insert(call.cid.clone()) {
                call.end(&mut added, how, at.now);
            }
        }
        // It rings no more where an account that called is no more.
        for call in gone.iter().flat_map(|user| view.rings_by(user)) {
            added.notice(Topic::Calls, call.callee.to_string());
        }
        decision.effects.extend(added.effects);
        decision.notices.extend(added.notices);
    }
}

/// Somebody has come in: it rings no more there, and where a group was called, nowhere.
fn take_from_others<V: View>(
    view: &V,
    at: Moment,
    added: &mut Decision,
    settled: &mut BTreeSet<Cid>,
    cid: &Cid,
    user: &Party,
) {
    let rings = view.rings_into(cid);
    let Some(own) = rings.iter().find(|call| call.callee == *user).cloned() else {
        return;
    };
    if !settled.insert(own.cid.clone()) {
        return;
    }
    if !own.is_of_group() {
        let answered_at = Some(at.now);
        Call { answered_at, ..own }.end(added, How::Joined, at.now);
        return;
    }
    // The call of the caller is theirs now.
    added
        .notice(Topic::Calls, user.to_string())
        .effect(Effect::RemoveCall(own.cid));
    for other in rings.into_iter().filter(|call| call.callee != *user) {
        if settled.insert(other.cid.clone()) {
            let answered_by = user.here().cloned();
            Call { answered_by, ..other }.end(added, How::Elsewhere, at.now);
        }
    }
}
