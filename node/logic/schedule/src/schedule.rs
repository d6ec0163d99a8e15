use crate::{LocalDate, LocalTime, ScheduleError, Timetable, Weekday};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, ops::RangeInclusive};

/// How long a conference may be planned to take, in minutes: up to 240 hours, as long as a run may be (CONF-02).
pub const DURATION_MINUTES: RangeInclusive<u32> = 1..=14_400;
/// How often a conference that ends by count may take place.
pub const COUNT: RangeInclusive<u32> = 1..=1_000;

/// When a conference is to take place, as somebody asked for it.
///
/// It stands in the replicated log, by names: `{"once": {"date": "2026-03-29", "time": "09:30", "zone": "Europe/Paris",
/// "duration_minutes": 60}}`. Fields that are not known are refused; variants and, with a default, fields may be added,
/// never renamed. Reading one checks its form only. Whether it makes sense and its zone exists, [`Self::timetable`]
/// says: a node that applies the log must not refuse what another one proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    Once(Once),
    Weekly(Weekly),
}

/// A conference that takes place one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Once {
    pub date: LocalDate,
    pub time: LocalTime,
    /// Name of a zone in the IANA database, as `Europe/Paris`.
    pub zone: String,
    /// Real time, [`DURATION_MINUTES`]; none: its end is not planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_minutes: Option<u32>,
}

/// A conference that takes place each week, at the same local time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weekly {
    /// At least one; duplicates count once.
    pub days: BTreeSet<Weekday>,
    pub time: LocalTime,
    /// Name of a zone in the IANA database, as `Europe/Paris`.
    pub zone: String,
    /// The first day on which it may take place; it does if the weekday is chosen.
    pub from: LocalDate,
    #[serde(default)]
    pub ends: Ends,
    /// Real time, [`DURATION_MINUTES`]; none: its end is not planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_minutes: Option<u32>,
}

/// After what a weekly conference does not take place any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// It goes on, up to the end of 2199.
    #[default]
    Never,
    /// The last day on which it may start, in its own zone.
    Until(LocalDate),
    /// How often it takes place in all, [`COUNT`]; this may lead beyond 2199.
    Count(u32),
}

impl Schedule {
    /// What follows from it, with the rules of zones that this program was built with.
    ///
    /// Errors: [`ScheduleError::Duration`], [`ScheduleError::NoWeekday`], [`ScheduleError::Count`],
    /// [`ScheduleError::Empty`], [`ScheduleError::Zone`], and [`ScheduleError::DateRange`] for a first start that is
    /// before 1970-01-01 in UTC. The first use of a zone parses its rules, which are
    /// kept.
    pub fn timetable(&self) -> Result<Timetable, ScheduleError> {
        Timetable::new(self)
    }

    /// The name of its zone, which may not exist.
    pub fn zone(&self) -> &str {
        match self {
            Self::Once(once) => &once.zone,
            Self::Weekly(weekly) => &weekly.zone,
        }
    }

    /// How long it is planned to take.
    pub fn duration_minutes(&self) -> Option<u32> {
        match self {
            Self::Once(once) => once.duration_minutes,
            Self::Weekly(weekly) => weekly.duration_minutes,
        }
    }

    /// Whether it takes place each week.
    pub fn is_weekly(&self) -> bool {
        matches!(self, Self::Weekly(_))
    }

    pub(crate) fn time(&self) -> LocalTime {
        match self {
            Self::Once(once) => once.time,
            Self::Weekly(weekly) => weekly.time,
        }
    }
}
