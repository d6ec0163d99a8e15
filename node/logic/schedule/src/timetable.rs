use crate::{COUNT, DURATION_MINUTES, Ends, LocalDate, Schedule, ScheduleError, Weekday, zone};
use jiff::{
    Span,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use plenary_model::Timestamp;
use serde::{Deserialize, Serialize};

/// One time that a conference takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Occurrence {
    pub start: Timestamp,
    /// None: its end is not planned.
    pub end: Option<Timestamp>,
}

/// A schedule that was checked, with the rules of its zone.
///
/// Invariant: there is at least one occurrence, and no two start at the same instant.
///
/// Everything costs the same for a schedule of last week and of fifty years ago: which occurrence is near an instant is
/// computed from the number of days, not counted.
#[derive(Debug, Clone)]
pub struct Timetable {
    schedule: Schedule,
    zone: TimeZone,
    days: Days,
    /// How many days there are.
    total: u64,
    first: Occurrence,
    duration_ms: Option<u64>,
}

impl Timetable {
    pub(crate) fn new(schedule: &Schedule) -> Result<Self, ScheduleError> {
        let minutes = schedule.duration_minutes();
        if let Some(minutes) = minutes.filter(|minutes| !DURATION_MINUTES.contains(minutes)) {
            return Err(ScheduleError::Duration(minutes));
        }
        let (from, days, total) = match schedule {
            Schedule::Once(once) => (once.date, Days::once(once.date), 1),
            Schedule::Weekly(weekly) => {
                let days =
                    Days::weekly(weekly.from, weekly.days.iter().copied()).ok_or(ScheduleError::NoWeekday)?;
                (weekly.from, days.clone(), days.total(weekly.from, weekly.ends)?)
            }
        };
        let zone = zone::find(schedule.zone())?;
        let mut timetable = Self {
            schedule: schedule.clone(),
            zone,
            days,
            total,
            first: Occurrence {
                start: Timestamp(0),
                end: None,
            },
            duration_ms: minutes.map(|minutes| u64::from(minutes) * 60_000),
        };
        timetable.first = timetable
            .occurrence(0)
            .ok_or_else(|| ScheduleError::DateRange(from.to_string()))?;
        Ok(timetable)
    }

    /// What it was made from.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The first one. It may be later than the first date of a weekly schedule, whose weekday need not be chosen.
    pub fn first(&self) -> Occurrence {
        self.first
    }

    /// The last one; none if it goes on.
    pub fn last(&self) -> Option<Occurrence> {
        if self.is_endless() {
            return None;
        }
        self.occurrence(self.total.saturating_sub(1))
    }

    /// The next one that starts later than `at`; one that starts at `at` is not it, and one that is under way neither.
    pub fn next_after(&self, at: Timestamp) -> Option<Occurrence> {
        self.from(at.0.checked_add(1)?).next()
    }

    /// Those that start at `from` or later and before `to`, in order, the first `at_most` of them.
    ///
    /// One that is under way at `from` is not among them: ask from as much earlier as it is long.
    pub fn occurrences_between(&self, from: Timestamp, to: Timestamp, at_most: usize) -> Vec<Occurrence> {
        let mut found: Vec<Occurrence> = Vec::new();
        for one in self.from(from.0).take_while(|one| one.start < to) {
            if found.len() >= at_most {
                break;
            }
            // A day that a zone skipped falls on the next one.
            if found.last().is_none_or(|last| last.start < one.start) {
                found.push(one);
            }
        }
        found
    }

    /// Whether nothing of it is left at `at`: the last one has ended, or has started if its end is not planned.
    pub fn is_over(&self, at: Timestamp) -> bool {
        self.last()
            .is_some_and(|last| last.end.unwrap_or(last.start) <= at)
    }

    pub(crate) fn is_endless(&self) -> bool {
        matches!(&self.schedule, Schedule::Weekly(weekly) if weekly.ends == Ends::Never)
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Date and time of the first one as the schedule has them, in a gap too.
    pub(crate) fn first_local(&self) -> Option<DateTime> {
        self.local(0)
    }

    /// All that start at this millisecond or later; two of them may be at the same instant.
    fn from(&self, from_ms: u64) -> impl Iterator<Item = Occurrence> + '_ {
        (self.near(from_ms)..self.total)
            .map_while(|index| self.occurrence(index))
            .skip_while(move |one| one.start.0 < from_ms)
    }

    /// The number of one that is not later than the first one from this millisecond on, and at most a few days earlier.
    fn near(&self, from_ms: u64) -> u64 {
        let instant = i64::try_from(from_ms).ok();
        let Some(instant) = instant.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) else {
            return self.total;
        };
        // A local time in a gap starts up to a day later than it says.
        let day = self.zone.to_datetime(instant).date();
        self.days.from(day.saturating_sub(Span::new().days(2)))
    }

    /// The one with this number, from 0 on; none before 1970 and after 9999.
    fn occurrence(&self, index: u64) -> Option<Occurrence> {
        let instant = self.zone.to_ambiguous_timestamp(self.local(index)?);
        let start = Timestamp(instant.compatible().ok()?.as_millisecond().try_into().ok()?);
        Some(Occurrence {
            start,
            end: self.duration_ms.map(|ms| start.plus_ms(ms)),
        })
    }

    fn local(&self, index: u64) -> Option<DateTime> {
        let date = self.days.date(index)?;
        Some(date.to_datetime(self.schedule.time().time()))
    }
}

/// Numbered days of the calendar: chosen weekdays of all weeks from a first day on.
#[derive(Debug, Clone)]
struct Days {
    /// Monday of the week of the first day.
    monday: Date,
    /// Days since Monday, rising; at least one.
    offsets: Vec<i64>,
    /// How many of them are before the first day.
    skipped: u64,
}

impl Days {
    fn once(date: LocalDate) -> Self {
        Self::of(date, vec![date.weekday().offset()])
    }

    /// None without weekdays.
    fn weekly(from: LocalDate, days: impl Iterator<Item = Weekday>) -> Option<Self> {
        let offsets: Vec<i64> = days.map(Weekday::offset).collect();
        (!offsets.is_empty()).then(|| Self::of(from, offsets))
    }

    fn of(from: LocalDate, offsets: Vec<i64>) -> Self {
        let since_monday = from.weekday().offset();
        Self {
            monday: from.date().saturating_sub(Span::new().days(since_monday)),
            skipped: count(&offsets, since_monday),
            offsets,
        }
    }

    fn total(&self, from: LocalDate, ends: Ends) -> Result<u64, ScheduleError> {
        let until = match ends {
            Ends::Count(count) if COUNT.contains(&count) => return Ok(u64::from(count)),
            Ends::Count(count) => return Err(ScheduleError::Count(count)),
            Ends::Until(until) => until,
            Ends::Never => LocalDate::LAST,
        };
        let total = self.from(until.date().saturating_add(Span::new().days(1)));
        if until < from || total == 0 {
            return Err(ScheduleError::Empty { from, until });
        }
        Ok(total)
    }

    /// Number of the first one on this day or later.
    fn from(&self, day: Date) -> u64 {
        let days = day.duration_since(self.monday).as_hours() / 24;
        let Ok(week) = u64::try_from(days.div_euclid(7)) else {
            return 0;
        };
        let before = week.saturating_mul(self.offsets.len() as u64);
        before
            .saturating_add(count(&self.offsets, days.rem_euclid(7)))
            .saturating_sub(self.skipped)
    }

    fn date(&self, index: u64) -> Option<Date> {
        let number = index.checked_add(self.skipped)?;
        let length = self.offsets.len() as u64;
        let week = i64::try_from(number.checked_div(length)?).ok()?;
        let offset = self
            .offsets
            .get(usize::try_from(number.checked_rem(length)?).ok()?)?;
        let days = week.checked_mul(7)?.checked_add(*offset)?;
        self.monday.checked_add(Span::new().try_days(days).ok()?).ok()
    }
}

fn count(offsets: &[i64], before: i64) -> u64 {
    offsets.iter().filter(|offset| **offset < before).count() as u64
}
