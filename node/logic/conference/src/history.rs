//! What is kept of runs that are over, and of calls (CONF-17): who was there, from when to when.
//!
//! It follows from the effects of other decisions, so that no way in or out is forgotten.
//!
//! ```text
//!  a run begins ──► PastRun ── somebody is in, not waiting ──► Visit ── waits again, leaves, is put out ──► left_at
//!                      └────── the run is over, or its conference deleted ──► ended, and all visits with it
//! ```
//!
//! Invariant: of a conference at most one run is not over, and only while people meet, or may.

use crate::{
    Call, Conference, Decision, Effect, End, HISTORY_LEVEL, How, SWEEP, View,
    meeting::{Participant, ParticipantId, Person, Run, Via},
};
use plenary_access::{EventDraft, EventKind, FieldChange, Moment, Topic};
use plenary_model::{Cid, Timestamp, limits};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    num::ParseIntError,
    str::FromStr,
};

/// Number of a run, unique on a server; to clients a decimal number as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// A run, also one that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    pub id: RunId,
    pub cid: Cid,
    /// When the conference was created: another one may have the same ID later, and has nothing to do with this run.
    pub conference_created_at: Timestamp,
    /// Of the conference when it began.
    pub name: String,
    pub started_at: Timestamp,
    pub ended: Option<Ended>,
    /// How many visits there are; from [`limits::VISITS_PER_RUN`] on, no more are kept.
    pub visits: u64,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub at: Timestamp,
    /// `None`: the last one left.
    pub why: Option<End>,
}

/// Somebody was in a run, from when to when. Who comes again pays another visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    pub run: RunId,
    pub participant: ParticipantId,
    /// `None`: an account that is no more.
    pub person: Option<Person>,
    /// As others saw it.
    pub name: String,
    pub via: Via,
    pub came_at: Timestamp,
    /// `None`: is there now.
    pub left_at: Option<Timestamp>,
}

/// Adds to `decisions`, none of which is carried out yet, what is kept of what happens in them.
pub fn keep_history<V: View>(view: &V, at: Moment, decisions: &mut [Decision]) {
    if at.level < HISTORY_LEVEL {
        return;
    }
    let mut next = None;
    for decision in decisions {
        let mut history = History {
            view,
            at,
            next,
            open: BTreeMap::new(),
            over: BTreeSet::new(),
            added: Decision::default(),
        };
        history.begin_runs(decision);
        history.follow_people(decision);
        history.end_runs(decision);
        history.tell_calls(decision);
        next = history.next;
        let History { open, mut added, .. } = history;
        for run in open.into_values().flatten() {
            added.effect(Effect::PutPastRun(run));
        }
        decision.effects.extend(added.effects);
        decision.events.extend(added.events);
        decision.notices.extend(added.notices);
    }
}

/// What is older than this is forgotten, a bounded part of it at once.
pub(crate) fn forget(runs: Timestamp, calls: Timestamp) -> Decision {
    let mut decision = Decision::default();
    decision.effect(Effect::ForgetHistory {
        runs,
        calls,
        most: SWEEP as u32,
    });
    decision
}

struct History<'a, V> {
    view: &'a V,
    at: Moment,
    /// Of the next run, once it was asked for.
    next: Option<u64>,
    /// The runs that go on, as they are after what was found so far; `None`: there is none.
    open: BTreeMap<Cid, Option<PastRun>>,
    over: BTreeSet<Cid>,
    added: Decision,
}

impl<V: View> History<'_, V> {
    fn open(&mut self, cid: &Cid) -> &mut Option<PastRun> {
        let view = self.view;
        self.open.entry(cid.clone()).or_insert_with(|| view.open_run(cid))
    }

    fn begin_runs(&mut self, decision: &Decision) {
        for effect in &decision.effects {
            match effect {
                Effect::PutRun(run) => {
                    let before = self.view.run_of(&run.cid).filter(Run::is_on);
                    if (before.is_none() && !run.is_on()) || self.open(&run.cid).is_some() {
                        continue;
                    }
                    if let Some(conference) = self.conference(&run.cid).filter(|conference| !conference.call)
                    {
                        let since = before.as_ref().map_or(run.started_at, |run| run.started_at);
                        self.begin(&conference, since, before.is_none());
                        self.take_in_those_inside(&run.cid, since);
                    }
                }
                // A call becomes a conference, in which the two are already.
                Effect::Put(after) if !after.call => {
                    let before = self.view.conference(&after.cid);
                    if before.is_some_and(|before| before.call) {
                        self.begin(after, self.at.now, true);
                        self.take_in_those_inside(&after.cid, self.at.now);
                    }
                }
                _ => {}
            }
        }
    }

    fn conference(&self, cid: &Cid) -> Option<Conference> {
        self.view.conference(cid)
    }

    fn begin(&mut self, conference: &Conference, started_at: Timestamp, is_new: bool) {
        let id = self.next.unwrap_or_else(|| self.view.last_run().0 + 1);
        self.next = Some(id + 1);
        let run = PastRun {
            id: RunId(id),
            cid: conference.cid.clone(),
            conference_created_at: conference.created_at,
            name: conference.name.clone(),
            started_at,
            ended: None,
            visits: 0,
        };
        if is_new {
            self.tell(EventKind::ConferenceStart, &conference.cid, "started", Vec::new());
        }
        self.open.insert(conference.cid.clone(), Some(run));
    }

    /// Who came before history was kept, or while it was a call.
    fn take_in_those_inside(&mut self, cid: &Cid, since: Timestamp) {
        for one in self.view.everybody(cid).iter().filter(|one| is_inside(one)) {
            self.comes(one, one.joined_at.max(since));
        }
    }

    fn follow_people(&mut self, decision: &Decision) {
        for effect in &decision.effects {
            match effect {
                Effect::PutParticipant(after) => {
                    let before = self.view.participant(&after.cid, after.id);
                    match (before.as_ref().is_some_and(is_inside), is_inside(after)) {
                        (false, true) => self.comes(after, self.at.now),
                        (true, false) => self.goes(&after.cid, Some(after.id), self.at.now),
                        _ => {}
                    }
                }
                Effect::RemoveParticipant { cid, id } => {
                    let before = self.view.participant(cid, *id);
                    // Whose node was lost was gone from then on.
                    let at = before.and_then(|before| before.away_since);
                    self.goes(cid, Some(*id), at.unwrap_or(self.at.now));
                }
                Effect::RemoveAll(cid) => self.goes(cid, None, self.at.now),
                _ => {}
            }
        }
    }

    fn comes(&mut self, one: &Participant, came_at: Timestamp) {
        let Some(run) = self.open(&one.cid) else { return };
        if run.visits >= limits::VISITS_PER_RUN {
            return;
        }
        run.visits += 1;
        let visit = Visit {
            run: run.id,
            participant: one.id,
            person: Some(one.person.clone()),
            name: one.name.clone(),
            via: one.via,
            came_at,
            left_at: None,
        };
        self.added.effect(Effect::PutVisit(visit));
    }

    fn goes(&mut self, cid: &Cid, participant: Option<ParticipantId>, at: Timestamp) {
        let Some(run) = self.open(cid) else { return };
        let effect = Effect::EndVisits {
            run: run.id,
            participant,
            at,
        };
        self.added.effect(effect);
    }

    fn end_runs(&mut self, decision: &Decision) {
        for effect in &decision.effects {
            let (cid, why) = match effect {
                Effect::PutRun(run) if !run.is_on() => {
                    let now = self.at.now;
                    let ended = run.ended.filter(|(at, _)| *at == now);
                    (&run.cid, ended.map(|(_, why)| why))
                }
                Effect::Remove(cid) => (cid, None),
                _ => continue,
            };
            if self.open(cid).is_none() || !self.over.insert(cid.clone()) {
                continue;
            }
            self.goes(cid, None, self.at.now);
            let now = self.at.now;
            let Some(run) = self.open(cid) else { continue };
            run.ended = Some(Ended { at: now, why });
            let changes = vec![
                fact("duration_s", now.since_ms(run.started_at) / 1_000),
                fact("visits", run.visits),
            ];
            self.tell(EventKind::ConferenceEnd, cid, end_name(why), changes);
        }
    }

    /// Calls that are over become events.
    fn tell_calls(&mut self, decision: &Decision) {
        for effect in &decision.effects {
            let Effect::PutCall(call) = effect else { continue };
            let before = self.view.call(&call.cid);
            // A conference that calls hundreds is one event, of its own.
            if let (Some(over), None) = (&call.over, &call.ring)
                && before.is_none_or(|before| before.is_open())
            {
                let talked = call.answered_at.map(|from| over.at.since_ms(from) / 1_000);
                self.added.event(EventDraft {
                    kind: EventKind::Call,
                    success: talked.is_some(),
                    object_kind: "call",
                    object: format!("{} → {}", call.caller, call.callee),
                    description: how_name(over.how).to_owned(),
                    changes: talked.map(|s| fact("duration_s", s)).into_iter().collect(),
                    actor: call.caller.here().cloned(),
                });
                self.added.notice(Topic::Events, "");
            }
        }
    }

    fn tell(&mut self, kind: EventKind, cid: &Cid, description: &str, changes: Vec<FieldChange>) {
        let conference = self.conference(cid);
        let id = conference.as_ref().map_or(cid, Conference::id);
        self.added
            .event(EventDraft {
                kind,
                success: true,
                object_kind: "conference",
                object: id.to_string(),
                description: description.to_owned(),
                changes,
                actor: None,
            })
            .notice(Topic::Conferences, cid.as_str())
            .notice(Topic::Events, "");
    }
}

fn is_inside(one: &Participant) -> bool {
    one.standing.waiting.is_none()
}

fn fact(field: &str, number: u64) -> FieldChange {
    FieldChange {
        field: field.to_owned(),
        before: None,
        after: Some(number.to_string()),
    }
}

fn end_name(why: Option<End>) -> &'static str {
    match why {
        None => "everybody left",
        Some(End::Moderator) => "ended by a moderator",
        Some(End::Long) => "was as long as it may be",
        Some(End::Alone) => "nobody else came",
        Some(End::Planned) => "ended as planned",
    }
}

fn how_name(how: How) -> &'static str {
    match how {
        How::Talked => "talked",
        How::Declined => "declined",
        How::Missed => "missed",
        How::Cancelled => "cancelled",
        How::Busy => "busy",
        How::Unreachable => "unreachable",
        How::Widened => "became a conference",
        How::Joined => "came in",
        How::Elsewhere => "answered by another one",
        How::Nobody => "nobody of that name",
        How::Unreached => "the other server was not reached",
        How::NotAllowed => "not allowed between the servers",
        How::Conference => "is a conference there",
    }
}

impl Call {
    /// How long the two talked, in milliseconds; `None` if it was not answered, or goes on.
    pub fn talked_ms(&self) -> Option<u64> {
        Some(self.over?.at.since_ms(self.answered_at?))
    }
}
