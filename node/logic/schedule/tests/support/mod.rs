//! Schedules and instants, short to write. Each test file uses a part of it.
#![allow(dead_code)]

use plenary_model::Timestamp;
use plenary_schedule::{Ends, LocalDate, LocalTime, Occurrence, Once, Schedule, Timetable, Weekday, Weekly};

pub(crate) fn date(text: &str) -> LocalDate {
    text.parse().expect("a date")
}

pub(crate) fn time(text: &str) -> LocalTime {
    text.parse().expect("a time")
}

/// `2026-03-29T09:30` in a zone, an hour long.
pub(crate) fn once(zone: &str, at: &str) -> Schedule {
    let (day, minute) = at.split_once('T').expect("date and time");
    Schedule::Once(Once {
        date: date(day),
        time: time(minute),
        zone: zone.to_owned(),
        duration_minutes: Some(60),
    })
}

/// From a day and time in a zone on, an hour long.
pub(crate) fn weekly(zone: &str, from: &str, days: &[Weekday], ends: Ends) -> Weekly {
    let (day, minute) = from.split_once('T').expect("date and time");
    Weekly {
        days: days.iter().copied().collect(),
        time: time(minute),
        zone: zone.to_owned(),
        from: date(day),
        ends,
        duration_minutes: Some(60),
    }
}

pub(crate) fn timetable(weekly: Weekly) -> Timetable {
    Schedule::Weekly(weekly).timetable().expect("a good schedule")
}

/// `2026-03-29T01:30Z`.
pub(crate) fn utc(text: &str) -> Timestamp {
    let full = text.replace('Z', ":00Z");
    let at: jiff::Timestamp = full.parse().expect("an instant");
    Timestamp(at.as_millisecond().try_into().expect("after 1970"))
}

pub(crate) fn written(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0.try_into().expect("small")).expect("in range");
    at.to_string().replace(":00Z", "Z")
}

pub(crate) fn starts(occurrences: &[Occurrence]) -> Vec<String> {
    occurrences.iter().map(|one| written(one.start)).collect()
}

/// The starts of the first few.
pub(crate) fn first_starts(timetable: &Timetable, at_most: usize) -> Vec<String> {
    starts(&timetable.occurrences_between(Timestamp(0), Timestamp(u64::MAX), at_most))
}
