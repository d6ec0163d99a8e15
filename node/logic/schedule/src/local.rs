//! Days and minutes of a wall clock, wherever it hangs.

use crate::{ScheduleError, error::shown};
use jiff::civil;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The first year of schedules.
pub const FIRST_YEAR: i16 = 1970;
/// The last year of schedules.
pub const LAST_YEAR: i16 = 2199;

/// A day of the calendar from 1970-01-01 to 2199-12-31; as text `2026-03-29`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalDate(civil::Date);

impl LocalDate {
    /// The last day on which something may be planned.
    pub(crate) const LAST: Self = Self(civil::Date::constant(LAST_YEAR, 12, 31));

    /// The day, with months and days counted from 1.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, ScheduleError> {
        let text = || format!("{year:04}-{month:02}-{day:02}");
        let parts = (i16::try_from(year), i8::try_from(month), i8::try_from(day));
        let (Ok(year), Ok(month), Ok(day)) = parts else {
            return Err(ScheduleError::Date(text()));
        };
        let date = civil::Date::new(year, month, day).map_err(|_| ScheduleError::Date(text()))?;
        if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
            return Err(ScheduleError::DateRange(text()));
        }
        Ok(Self(date))
    }

    pub fn weekday(self) -> Weekday {
        self.0.weekday().into()
    }

    pub(crate) fn date(self) -> civil::Date {
        self.0
    }
}

impl FromStr for LocalDate {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let bad = || ScheduleError::Date(shown(text));
        let [year, month, day] = numbers(text, '-', [4, 2, 2]).ok_or_else(bad)?;
        let (Ok(month), Ok(day)) = (u8::try_from(month), u8::try_from(day)) else {
            return Err(bad());
        };
        Self::new(year, month, day)
    }
}

impl fmt::Display for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}",
            self.0.year(),
            self.0.month(),
            self.0.day()
        )
    }
}

/// A minute of the day; as text `09:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalTime(civil::Time);

impl LocalTime {
    /// Hours up to 23, minutes up to 59.
    pub fn new(hour: u8, minute: u8) -> Result<Self, ScheduleError> {
        let bad = || ScheduleError::Time(format!("{hour:02}:{minute:02}"));
        let (Ok(h), Ok(m)) = (i8::try_from(hour), i8::try_from(minute)) else {
            return Err(bad());
        };
        civil::Time::new(h, m, 0, 0).map(Self).map_err(|_| bad())
    }

    pub(crate) fn time(self) -> civil::Time {
        self.0
    }
}

impl FromStr for LocalTime {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let bad = || ScheduleError::Time(shown(text));
        let [hour, minute] = numbers(text, ':', [2, 2]).ok_or_else(bad)?;
        let (Ok(hour), Ok(minute)) = (u8::try_from(hour), u8::try_from(minute)) else {
            return Err(bad());
        };
        Self::new(hour, minute)
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

/// Numbers of exactly so many digits, with a sign between them and nothing else.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[u16; N]> {
    let mut parts = text.split(between);
    let mut found = [0; N];
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        let good = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = good.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(found)
}

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl TryFrom<String> for $type {
            type Error = ScheduleError;
            fn try_from(text: String) -> Result<Self, ScheduleError> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    )*};
}
as_text!(LocalDate, LocalTime);

/// A day of the week; weeks begin on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// In the order of the week.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Days since Monday.
    pub(crate) fn offset(self) -> i64 {
        match self {
            Self::Monday => 0,
            Self::Tuesday => 1,
            Self::Wednesday => 2,
            Self::Thursday => 3,
            Self::Friday => 4,
            Self::Saturday => 5,
            Self::Sunday => 6,
        }
    }

    /// As RFC 5545 §3.3.10 writes it.
    pub(crate) fn ical(self) -> &'static str {
        match self {
            Self::Monday => "MO",
            Self::Tuesday => "TU",
            Self::Wednesday => "WE",
            Self::Thursday => "TH",
            Self::Friday => "FR",
            Self::Saturday => "SA",
            Self::Sunday => "SU",
        }
    }
}

impl From<civil::Weekday> for Weekday {
    fn from(day: civil::Weekday) -> Self {
        match day {
            civil::Weekday::Monday => Self::Monday,
            civil::Weekday::Tuesday => Self::Tuesday,
            civil::Weekday::Wednesday => Self::Wednesday,
            civil::Weekday::Thursday => Self::Thursday,
            civil::Weekday::Friday => Self::Friday,
            civil::Weekday::Saturday => Self::Saturday,
            civil::Weekday::Sunday => Self::Sunday,
        }
    }
}
