//! How a conference comes to be open: by its schedule, by hand, or always (CONF-02).
//!
//! ```text
//!  virtual room:           always open; a run is from the first who enters to the last who leaves
//!  by hand, scheduled:     shut ── Start, or Begin when `next` is due ──► open until its planned end, 15 minutes of
//!                          nobody, or a moderator ends it ──► shut. Moderators come in while it is shut, too.
//! ```
//!
//! Which instants a schedule means depends on the rules of time zones, and those on the version of a node. So whoever
//! proposes a command computes the next [`Occurrence`], and the rules only compare instants.

use crate::{
    Conference, Decision, Effect, REMOVALS_LEVEL, View,
    meeting::{Meetings, Opened, Runs},
};
use plenary_access::{Refusal, Topic, rules::invalid};
use plenary_model::{Cid, Timestamp};
use plenary_schedule::{Occurrence, Schedule};
use serde::{Deserialize, Serialize};

/// How a conference comes to be open.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Launch {
    /// Always open.
    #[default]
    VirtualRoom,
    /// A moderator starts it.
    ByHand,
    /// It starts by itself; a moderator may start it earlier.
    Scheduled(Schedule),
}

impl Launch {
    pub fn is_virtual_room(&self) -> bool {
        matches!(self, Self::VirtualRoom)
    }

    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Self::Scheduled(schedule) => Some(schedule),
            Self::VirtualRoom | Self::ByHand => None,
        }
    }

    /// When a run that begins at `start` is planned to end.
    fn planned_end(&self, start: Timestamp) -> Option<Timestamp> {
        let minutes = self.schedule()?.duration_minutes()?;
        Some(start.plus_ms(ms(minutes)))
    }
}

/// A launch with what the proposer has computed of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub launch: Launch,
    /// The next time, of a schedule that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Occurrence>,
}

/// How far the clock of who computed the next time may be behind that of the leader.
const CLOCKS_MS: u64 = 300_000;

impl Plan {
    /// `launch` as it stands after `now`; for whoever proposes, as it needs the rules of time zones.
    ///
    /// # Errors
    /// What is wrong with the schedule; one that lies in the past altogether is refused too.
    pub fn make(launch: Launch, now: Timestamp) -> Result<Self, Refusal> {
        let plan = Self::change(launch, now)?;
        if plan.launch.schedule().is_some() && plan.next.is_none() {
            let text = "lies in the past; choose a time that is to come";
            return Err(invalid("schedule", text));
        }
        Ok(plan)
    }

    /// The same for a conference that is there: whether a schedule may lie in the past is for the rules to say.
    ///
    /// # Errors
    /// What is wrong with the schedule.
    pub fn change(launch: Launch, now: Timestamp) -> Result<Self, Refusal> {
        let timetable = launch.schedule().map(Schedule::timetable).transpose();
        let timetable = timetable.map_err(|error| invalid("schedule", error.to_string()))?;
        let next = timetable.and_then(|timetable| timetable.next_after(now));
        Ok(Self { launch, next })
    }

    pub(crate) fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        match (&self.launch, self.next) {
            (Launch::Scheduled(_), Some(next)) if next.start.plus_ms(CLOCKS_MS) > now => Ok(()),
            (Launch::Scheduled(_), _) => Err(invalid(
                "schedule",
                "lies in the past; choose a time that is to come",
            )),
            (_, None) => Ok(()),
            (_, Some(_)) => Err(invalid("schedule", "is missing")),
        }
    }
}

/// The time after `after` at which a conference begins by its schedule; for whoever proposes.
pub fn next_of(conference: &Conference, after: Timestamp) -> Option<Occurrence> {
    conference.launch.schedule()?.timetable().ok()?.next_after(after)
}

fn ms(minutes: u32) -> u64 {
    u64::from(minutes) * 60_000
}

/// Longest that a moderator adds to a run at once, in minutes.
pub const EXTENSION_MINUTES: u16 = 24 * 60;

impl<V: View> Meetings<'_, V> {
    /// A scheduled conference begins, because its time has come. Nothing follows if it has begun already.
    pub(crate) fn begin(
        &self,
        cid: &Cid,
        start: Timestamp,
        next: Option<Occurrence>,
    ) -> Result<Decision, Refusal> {
        let before = self.conference(cid)?;
        let mut decision = Decision::default();
        let Some(due) = before.next.filter(|due| due.start == start) else {
            return Ok(decision);
        };
        if due.start > self.at.now {
            return Err(Refusal::Conflict("its time has not come yet".into()));
        }
        if next.is_some_and(|next| next.start <= due.start) {
            return Err(invalid("next", "must come after this one"));
        }
        let after = Conference { next, ..before };
        let named = after.clone();
        decision
            .notice(Topic::Conferences, cid.as_str())
            .effect(Effect::Put(after));
        // A server that was off over the whole time does not make up for it.
        let late = due.end.map_or(due.start.plus_ms(crate::ALONE_MS), |end| end);
        if late > self.at.now {
            let opened = self.view.run_of(cid).and_then(|run| run.opened);
            let is_new = self.at.level >= REMOVALS_LEVEL;
            let given = opened.and_then(|opened| opened.until).filter(|_| is_new);
            // More time that a moderator gave before it began stays.
            self.open(
                &mut decision,
                &named,
                due.end.map(|end| end.max(given.unwrap_or(end))),
            );
            if opened.is_none() || is_new {
                self.call_at_start(&mut decision, &named, opened.is_some());
            }
        }
        Ok(decision)
    }

    /// A moderator starts it.
    pub(crate) fn start(&self, conference: &Conference) -> Result<Decision, Refusal> {
        let mut decision = Decision::default();
        if conference.launch.is_virtual_room() {
            return Err(Refusal::Conflict(
                "a virtual room is always open; just enter it".into(),
            ));
        }
        let run = self.view.run_of(&conference.cid);
        if run.is_some_and(|run| run.opened.is_some()) {
            return Ok(decision);
        }
        let end = conference.launch.planned_end(self.at.now);
        self.open(&mut decision, conference, end);
        decision
            .changed("conference", conference.id().as_str(), "started", Vec::new())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    fn open(&self, decision: &mut Decision, conference: &Conference, until: Option<Timestamp>) {
        let now = self.at.now;
        let mut runs = Runs::new(self.view, self.at);
        self.lock_at_start(&mut runs, conference);
        let run = runs.of(&conference.cid);
        if run.opened.is_none() && run.participants == 0 {
            run.started_at = now;
        }
        // Whoever was there before it began is not left alone yet.
        run.alone_since = (run.participants < 2).then_some(now);
        let at = run.opened.map_or(now, |opened| opened.at);
        run.opened = Some(Opened { at, until });
        runs.finish(decision);
    }

    /// A run that is about to begin is locked, where the conference says so. The lock is from the moment before: whom the
    /// conference calls as it begins is called after it.
    pub(crate) fn lock_at_start(&self, runs: &mut Runs<'_, V>, conference: &Conference) {
        let run = runs.of(&conference.cid);
        if conference.settings.begins_locked && !run.is_on() {
            run.locked_at = Some(Timestamp(self.at.now.0.saturating_sub(1)));
        }
    }

    /// People meet while it becomes a virtual room, or is none any more: they go on.
    pub(crate) fn fit_launch(&self, decision: &mut Decision, after: &Conference) {
        let mut runs = Runs::new(self.view, self.at);
        let run = runs.of(&after.cid);
        if !run.is_on() {
            return;
        }
        let at = run.started_at;
        let stays_open = !after.launch.is_virtual_room();
        run.opened = stays_open.then_some(Opened { at, until: None });
        runs.finish(decision);
    }

    /// Whether it may get this plan. Of one that takes place once and goes on its length may change, though its beginning lies in
    /// the past.
    pub(crate) fn check_plan(&self, before: &Conference, plan: &Plan) -> Result<(), Refusal> {
        let is_same = match (before.launch.schedule(), plan.launch.schedule()) {
            (Some(Schedule::Once(before)), Some(Schedule::Once(after))) => {
                (&before.date, &before.time, &before.zone) == (&after.date, &after.time, &after.zone)
            }
            _ => false,
        };
        let run = self.view.run_of(&before.cid);
        let goes_on = run.is_some_and(|run| run.opened.is_some());
        if self.at.level >= REMOVALS_LEVEL && plan.next.is_none() && is_same && goes_on {
            return Ok(());
        }
        plan.check(self.at.now)
    }

    /// A schedule has another length while people meet by it: they meet so much longer or shorter, and what a moderator added
    /// stays added.
    pub(crate) fn fit_end(&self, decision: &mut Decision, before: &Conference, after: &Conference) {
        let (Some(old), Some(new)) = (before.launch.schedule(), after.launch.schedule()) else {
            return;
        };
        let (old, new) = (old.duration_minutes(), new.duration_minutes());
        if old == new || self.at.level < REMOVALS_LEVEL {
            return;
        }
        let mut runs = Runs::new(self.view, self.at);
        let run = runs.of(&after.cid);
        let Some(opened) = run.opened else { return };
        let until = new.map(|new| match (old, opened.until) {
            (Some(old), Some(until)) => Timestamp(until.0.saturating_sub(ms(old))).plus_ms(ms(new)),
            _ => opened.at.plus_ms(ms(new)),
        });
        run.opened = Some(Opened { until, ..opened });
        runs.finish(decision);
    }

    /// A moderator gives it more time.
    pub(crate) fn extend(&self, conference: &Conference, minutes: u16) -> Result<Decision, Refusal> {
        if !(1..=EXTENSION_MINUTES).contains(&minutes) {
            return Err(invalid("minutes", "must be 1 to 1,440"));
        }
        let mut decision = Decision::default();
        let mut runs = Runs::new(self.view, self.at);
        let run = runs.of(&conference.cid);
        let planned = run.opened.and_then(|opened| Some((opened, opened.until?)));
        let Some((opened, until)) = planned else {
            return Err(Refusal::Conflict(
                "this meeting has no planned end that could be later".into(),
            ));
        };
        let until = Some(until.plus_ms(u64::from(minutes) * 60_000));
        run.opened = Some(Opened { until, ..opened });
        runs.finish(&mut decision);
        decision
            .changed("conference", conference.id().as_str(), "extended", Vec::new())
            .notice(Topic::Events, "");
        Ok(decision)
    }
}
