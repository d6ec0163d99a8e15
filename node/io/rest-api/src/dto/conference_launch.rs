//! When a conference is open, as the interface shows and takes it.

use super::{ConferenceArrangement, Time, mirror};
use crate::problem::Problem;
use plenary_conference::{self as conference, Launch, Plan, Run};
use plenary_model::Timestamp;
use plenary_schedule::{
    self as schedule, Ends, LocalDate, Occurrence, Once, Schedule, ScheduleError, Weekly,
};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use utoipa::ToSchema;

/// How a conference comes to be open: a virtual room always is; by a moderator; by its schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConferenceLaunch {
    VirtualRoom,
    ByHand,
    Scheduled,
}

mirror! {
    /// A day of the week.
    ConferenceWeekday = schedule::Weekday {
        Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday
    }
}

/// When a conference takes place, by the clocks of a time zone: once, or each week on chosen days.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferenceSchedule {
    /// The day, or the first day on which it may take place.
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    pub date: String,
    #[schema(pattern = "^[0-9]{2}:[0-9]{2}$")]
    pub time: String,
    /// A name of the IANA database, as `Europe/Paris`.
    #[schema(min_length = 1, max_length = 64)]
    pub zone: String,
    /// Null: its end is not planned.
    #[serde(default)]
    #[schema(required, minimum = 1, maximum = 14400)]
    pub duration_minutes: Option<u32>,
    /// The days of each week; none: it takes place once.
    #[serde(default)]
    #[schema(required, max_items = 7)]
    pub weekdays: Vec<ConferenceWeekday>,
    /// The last day on which it may take place.
    #[serde(default)]
    #[schema(required, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    pub until: Option<String>,
    /// How often it takes place.
    #[serde(default)]
    #[schema(required, minimum = 1, maximum = 1000)]
    pub count: Option<u32>,
}

/// One time that a conference takes place.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConferenceTime {
    pub start: Time,
    /// Null: its end is not planned.
    #[schema(required)]
    pub end: Option<Time>,
}

impl From<Occurrence> for ConferenceTime {
    fn from(time: Occurrence) -> Self {
        Self {
            start: Time(time.start),
            end: time.end.map(Time),
        }
    }
}

/// What goes on in a conference now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConferenceMeeting {
    /// Whether others than moderators may come in, as far as the time goes.
    pub open: bool,
    /// How many are in, those who wait included.
    pub participants: u64,
    pub locked: bool,
    /// Null: nothing goes on.
    #[schema(required)]
    pub began_at: Option<Time>,
    /// When it ends by itself, as things are.
    #[schema(required)]
    pub ends_at: Option<Time>,
    /// What a moderator has everybody look at; null: everybody chooses.
    #[schema(required)]
    pub layout: Option<ConferenceMeetingLayout>,
}

/// The layout for everybody in a meeting, without who has which place in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConferenceMeetingLayout {
    pub arrangement: ConferenceArrangement,
    /// Nobody chooses another one.
    pub locked: bool,
    /// The name of the kept one that it is.
    #[schema(required)]
    pub kept: Option<String>,
}

impl ConferenceMeeting {
    pub(crate) fn of(conference: &conference::Conference, run: Option<&Run>) -> Self {
        let run = run.filter(|run| run.is_on());
        let is_opened = run.is_some_and(|run| run.opened.is_some());
        Self {
            open: conference.launch.is_virtual_room() || is_opened,
            participants: run.map_or(0, |run| run.participants),
            locked: run.is_some_and(|run| run.locked_at.is_some()),
            began_at: run.map(|run| Time(run.started_at)),
            ends_at: run.and_then(Run::ends_at).map(Time),
            layout: run
                .and_then(|run| run.layout.as_ref())
                .map(|layout| ConferenceMeetingLayout {
                    arrangement: layout.arrangement.into(),
                    locked: layout.locked,
                    kept: layout.kept.clone(),
                }),
        }
    }
}

pub(crate) fn launch_of(launch: &Launch) -> ConferenceLaunch {
    match launch {
        Launch::VirtualRoom => ConferenceLaunch::VirtualRoom,
        Launch::ByHand => ConferenceLaunch::ByHand,
        Launch::Scheduled(_) => ConferenceLaunch::Scheduled,
    }
}

impl ConferenceSchedule {
    pub(crate) fn of(schedule: &Schedule) -> Self {
        let mut shown = Self {
            date: String::new(),
            time: String::new(),
            zone: schedule.zone().to_owned(),
            duration_minutes: schedule.duration_minutes(),
            weekdays: Vec::new(),
            until: None,
            count: None,
        };
        match schedule {
            Schedule::Once(once) => {
                (shown.date, shown.time) = (once.date.to_string(), once.time.to_string());
            }
            Schedule::Weekly(weekly) => {
                (shown.date, shown.time) = (weekly.from.to_string(), weekly.time.to_string());
                shown.weekdays = weekly.days.iter().copied().map(Into::into).collect();
                match weekly.ends {
                    Ends::Never => {}
                    Ends::Until(until) => shown.until = Some(until.to_string()),
                    Ends::Count(count) => shown.count = Some(count),
                }
            }
        }
        shown
    }

    fn read(self) -> Result<Schedule, Problem> {
        let date: LocalDate = read("schedule.date", &self.date)?;
        let time = read("schedule.time", &self.time)?;
        let until = self.until.as_deref().map(|text| read("schedule.until", text));
        let ends = match (until.transpose()?, self.count) {
            (None, None) => Ends::Never,
            (Some(until), None) => Ends::Until(until),
            (None, Some(count)) => Ends::Count(count),
            (Some(_), Some(_)) => {
                let text = "cannot be given together with until; choose one of them";
                return Err(Problem::field("schedule.count", text));
            }
        };
        let (zone, duration_minutes) = (self.zone, self.duration_minutes);
        if self.weekdays.is_empty() {
            if ends != Ends::Never {
                let text = "is missing: what takes place once needs no until and no count";
                return Err(Problem::field("schedule.weekdays", text));
            }
            return Ok(Schedule::Once(Once {
                date,
                time,
                zone,
                duration_minutes,
            }));
        }
        Ok(Schedule::Weekly(Weekly {
            days: self.weekdays.into_iter().map(Into::into).collect(),
            time,
            zone,
            from: date,
            ends,
            duration_minutes,
        }))
    }
}

fn read<T: FromStr<Err = ScheduleError>>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|error: ScheduleError| Problem::field(field, error.to_string()))
}

/// The plan that a request asks for, if it asks for one.
pub(crate) fn plan(
    launch: Option<ConferenceLaunch>,
    schedule: Option<ConferenceSchedule>,
    now: Timestamp,
) -> Result<Option<Plan>, Problem> {
    let launch = asked(launch, schedule)?;
    let plan = launch.map(|launch| Plan::make(launch, now)).transpose();
    plan.map_err(Into::into)
}

/// The same for a conference that is there, of which the rules say whether the schedule may lie in the past.
pub(crate) fn changed_plan(
    launch: Option<ConferenceLaunch>,
    schedule: Option<ConferenceSchedule>,
    now: Timestamp,
) -> Result<Option<Plan>, Problem> {
    let launch = asked(launch, schedule)?;
    let plan = launch.map(|launch| Plan::change(launch, now)).transpose();
    plan.map_err(Into::into)
}

fn asked(
    launch: Option<ConferenceLaunch>,
    schedule: Option<ConferenceSchedule>,
) -> Result<Option<Launch>, Problem> {
    let launch = match (launch, schedule) {
        (None, None) => return Ok(None),
        (None | Some(ConferenceLaunch::Scheduled), Some(schedule)) => Launch::Scheduled(schedule.read()?),
        (Some(ConferenceLaunch::VirtualRoom), None) => Launch::VirtualRoom,
        (Some(ConferenceLaunch::ByHand), None) => Launch::ByHand,
        (Some(ConferenceLaunch::Scheduled), None) => {
            return Err(Problem::field("schedule", "is missing; say when it takes place"));
        }
        (Some(_), Some(_)) => {
            let text = "must be left out, or launch be scheduled";
            return Err(Problem::field("schedule", text));
        }
    };
    Ok(Some(launch))
}
