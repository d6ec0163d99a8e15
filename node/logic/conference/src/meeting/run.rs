use super::{Layout, Participant, ParticipantId};
use crate::{CALLS_LEVEL, CONFERENCES_LEVEL, Decision, Effect, LINES_LEVEL, View, call, decide};
use plenary_access::{Moment, Topic};
use plenary_model::{Cid, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is counted of a conference's run. It stays after the run, so that the numbers of lines go on.
///
/// Invariant: `participants` is how many have a place; it is over if there are none and it is not `opened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub cid: Cid,
    /// When the first one entered.
    pub started_at: Timestamp,
    pub participants: u64,
    /// Number of the newest line, of this run or an earlier one.
    pub last_line: u64,
    /// Number of the newest change of a line; as many as lines until one is changed.
    #[serde(default)]
    pub last_change: u64,
    /// The time that the last hand got.
    pub last_hand: Timestamp,
    /// Nobody new is let in, since when; lifted at the end.
    #[serde(default)]
    pub locked_at: Option<Timestamp>,
    /// Open by hand or by its schedule; a virtual room never is.
    #[serde(default)]
    pub opened: Option<Opened>,
    /// What a moderator has everybody look at.
    #[serde(default)]
    pub layout: Option<Layout>,
    /// Since when only one is left of those who were in; or nobody, where it is open all the same.
    #[serde(default)]
    pub alone_since: Option<Timestamp>,
    /// When the last one left, or it was shut.
    #[serde(default)]
    pub left_at: Option<Timestamp>,
    /// When it was last ended for all who were in, and why.
    #[serde(default)]
    pub ended: Option<(Timestamp, End)>,
}

/// A run that is open whether anybody is in or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub at: Timestamp,
    /// Its planned end.
    pub until: Option<Timestamp>,
}

/// Why a run ended for all who were in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// A moderator ended it.
    Moderator,
    /// It was as long as a run may be: [`RUN_MS`].
    Long,
    /// Nobody came to the last one for [`ALONE_MS`].
    Alone,
    /// Its planned end has come.
    Planned,
}

/// How long a run may be (CONF-02).
pub const RUN_MS: u64 = 240 * 3_600_000;
/// How long the last one may be alone (CONF-15).
pub const ALONE_MS: u64 = 15 * 60_000;

impl Run {
    /// When it ends by itself, as things are.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.end().map(|(at, _)| at)
    }

    /// Whether it goes on.
    pub fn is_on(&self) -> bool {
        self.participants > 0 || self.opened.is_some()
    }

    /// When it ends by itself, and why.
    pub(crate) fn end(&self) -> Option<(Timestamp, End)> {
        if !self.is_on() {
            return None;
        }
        let planned = self.opened.and_then(|opened| opened.until);
        let long = (self.started_at.plus_ms(RUN_MS), End::Long);
        // Whoever comes late to a meeting of a planned length finds it open.
        let waits = self.participants == 0 && planned.is_some();
        let alone = self.alone_since.filter(|_| !waits);
        let alone = alone.map(|since| (since.plus_ms(ALONE_MS), End::Alone));
        let planned = planned.map(|until| (until, End::Planned));
        [Some(long), alone, planned].into_iter().flatten().min()
    }
}

/// The runs that one decision changes, as they are after what it has changed so far.
pub(crate) struct Runs<'a, V> {
    view: &'a V,
    at: Moment,
    changed: BTreeMap<Cid, Run>,
    /// Where places were given up.
    left: BTreeSet<Cid>,
}

impl<'a, V: View> Runs<'a, V> {
    pub(crate) fn new(view: &'a V, at: Moment) -> Self {
        Self {
            view,
            at,
            changed: BTreeMap::new(),
            left: BTreeSet::new(),
        }
    }

    /// The run of a conference, to be changed.
    pub(crate) fn of(&mut self, cid: &Cid) -> &mut Run {
        let (view, now) = (self.view, self.at.now);
        self.changed.entry(cid.clone()).or_insert_with(|| {
            view.run_of(cid).unwrap_or_else(|| Run {
                cid: cid.clone(),
                started_at: now,
                participants: 0,
                last_line: 0,
                last_change: 0,
                last_hand: Timestamp(0),
                locked_at: None,
                opened: None,
                layout: None,
                alone_since: None,
                left_at: None,
                ended: None,
            })
        })
    }

    pub(crate) fn add(&mut self, decision: &mut Decision, participant: Participant) {
        let now = self.at.now;
        let run = self.of(&participant.cid);
        if !run.is_on() {
            run.started_at = now;
        }
        run.participants += 1;
        run.alone_since = None;
        decision.effect(Effect::PutParticipant(participant));
    }

    pub(crate) fn remove(&mut self, decision: &mut Decision, cid: &Cid, id: ParticipantId) {
        let at = self.at;
        let run = self.of(cid);
        run.participants = run.participants.saturating_sub(1);
        // Nodes of before know nothing of it, and all must have the same.
        let is_left = run.participants == 1 || (run.participants == 0 && run.opened.is_some());
        let is_alone = is_left && at.level >= CONFERENCES_LEVEL;
        run.alone_since = is_alone.then_some(at.now);
        self.left.insert(cid.clone());
        decision.effect(Effect::RemoveParticipant { cid: cid.clone(), id });
    }

    /// Everybody goes at once.
    pub(crate) fn end(&mut self, decision: &mut Decision, cid: &Cid, why: End) {
        let now = self.at.now;
        let run = self.of(cid);
        run.participants = 0;
        run.opened = None;
        run.alone_since = None;
        run.ended = Some((now, why));
        self.left.insert(cid.clone());
        decision.effect(Effect::RemoveAll(cid.clone()));
    }

    /// Writes the runs, with the end of those that nobody is in any more.
    pub(crate) fn finish(self, decision: &mut Decision) {
        for (cid, mut run) in self.changed {
            decision.notice(Topic::Meetings, cid.as_str());
            if !run.is_on() {
                (run.locked_at, run.layout) = (None, None);
                // Nodes of before know nothing of it, and all must have the same.
                run.left_at = (self.at.level >= CALLS_LEVEL).then_some(self.at.now);
                if self.at.level < LINES_LEVEL {
                    decision.effect(Effect::RemoveLines(cid.clone()));
                }
                decision.effect(Effect::ForgetRemoved(cid.clone()));
            }
            let (left, is_over) = (run.participants, !run.is_on());
            decision.effect(Effect::PutRun(run));
            if self.left.contains(&cid) && self.at.level >= CALLS_LEVEL {
                call::left(self.view, decision, &cid, left, self.at.now);
            }
            let ended = is_over.then(|| self.view.conference(&cid)).flatten();
            if let Some(ended) = ended.filter(|ended| ended.ad_hoc) {
                decide::remove(decision, &ended);
            }
        }
    }
}
