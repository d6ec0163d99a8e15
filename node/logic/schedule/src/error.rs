use crate::{COUNT, DURATION_MINUTES, FIRST_YEAR, LAST_YEAR, LocalDate};

/// Why a schedule is not taken. The text is for people: what is wrong, why, and what would be right.
///
/// Blast radius: the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not a day of the calendar, written YYYY-MM-DD.
    #[error("the date {0:?} is not a day of the calendar; write year, month and day, as 2026-03-29")]
    Date(String),
    /// A day of another time than ours.
    #[error(
        "the date {0:?} is out of range: conferences are planned for the years {FIRST_YEAR} to {LAST_YEAR}; choose a day of these"
    )]
    DateRange(String),
    /// Not a minute of the day, written HH:MM.
    #[error("the time {0:?} is not a time of the day; write hours and minutes from 00:00 to 23:59, as 09:30")]
    Time(String),
    /// A name that the database of zones does not have.
    #[error(
        "there is no time zone {name:?}: zones have the names of the IANA database, in this spelling; {}",
        advice(close)
    )]
    Zone {
        /// What was given, cut after 64 characters.
        name: String,
        /// Up to three names that look alike, the closest first.
        close: Vec<String>,
    },
    #[error(
        "a duration of {0} minutes is out of range: a conference takes from {min} minute to {max} (240 hours); choose one of these, or none for an open end",
        min = DURATION_MINUTES.start(), max = DURATION_MINUTES.end()
    )]
    Duration(u32),
    #[error("no weekday is chosen, so the conference would never take place; choose at least one")]
    NoWeekday,
    #[error(
        "{0} repetitions are out of range: a conference repeats from {min} to {max} times; choose as many, or an end by date",
        min = COUNT.start(), max = COUNT.end()
    )]
    Count(u32),
    /// No chosen weekday is between the two, both included.
    #[error(
        "none of the chosen weekdays is between {from} and {until}, so the conference would never take place; choose a later end or other days"
    )]
    Empty { from: LocalDate, until: LocalDate },
}

impl ScheduleError {
    /// What programs know it by. Never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Date(_) => "schedule-date",
            Self::DateRange(_) => "schedule-date-range",
            Self::Time(_) => "schedule-time",
            Self::Zone { .. } => "schedule-zone",
            Self::Duration(_) => "schedule-duration",
            Self::NoWeekday => "schedule-weekdays",
            Self::Count(_) => "schedule-count",
            Self::Empty { .. } => "schedule-empty",
        }
    }
}

fn advice(close: &[String]) -> String {
    match close {
        [] => "write it as Europe/Paris".to_owned(),
        close => format!("did you mean {}?", close.join(" or ")),
    }
}

/// What somebody gave, short enough to be shown again.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}
