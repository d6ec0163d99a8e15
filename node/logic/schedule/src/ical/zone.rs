//! The rules of a zone as a VTIMEZONE (RFC 5545 §3.6.5).
//!
//! What is written comes from the changes of the clocks that the database has, one by one. A yearly rule is written
//! only where it is what these changes do for decades, to the last day.

use super::{instant, local, text::Lines};
use crate::{Timetable, Weekday};
use jiff::{
    Span, Timestamp,
    civil::{DateTime, date},
    tz::{Offset, TimeZone},
};

/// How long the changes of the clocks are listed of a conference without an end, where they follow no yearly rule.
const ENDLESS_YEARS: i32 = 10;
/// How much longer the clocks must follow a yearly rule than the conference takes place. In 40 years a weekday falls on
/// each of the days that it can.
const PROOF_YEARS: i32 = 40;

/// A change of the clocks.
struct Change {
    at: Timestamp,
    /// What the clocks showed when it came.
    local: DateTime,
    from: Offset,
    to: Offset,
    /// `STANDARD` or `DAYLIGHT`.
    kind: &'static str,
    name: String,
}

pub(super) fn describe(timetable: &Timetable, lines: &mut Lines) {
    let first = timetable.first();
    let begin = instant(first.start);
    let end = match timetable.last() {
        Some(last) => instant(last.end.unwrap_or(last.start)),
        None => years_later(begin, ENDLESS_YEARS),
    };
    let horizon = years_later(end, PROOF_YEARS);
    let changes = changes(timetable.zone(), begin, horizon);
    lines.push("BEGIN:VTIMEZONE");
    lines.push(&format!("TZID:{}", timetable.schedule().zone()));
    let yearly = Yearly::of(&changes, horizon).filter(|yearly| yearly.begins_by(end));
    let single = yearly.as_ref().map_or(changes.as_slice(), |yearly| yearly.before);
    // The first one is in force when the conference takes place first.
    for (number, change) in single.iter().enumerate() {
        if number == 0 || change.at <= end {
            change.write(None, lines);
        }
    }
    if let Some(yearly) = yearly {
        for (change, rule) in yearly.pair {
            change.write(Some(&rule), lines);
        }
    }
    lines.push("END:VTIMEZONE");
}

/// The change that is in force at `begin`, and all up to `end`.
fn changes(zone: &TimeZone, begin: Timestamp, end: Timestamp) -> Vec<Change> {
    let second = Span::new().seconds(1);
    let past = begin.saturating_add(second).unwrap_or(begin);
    let onset = zone.preceding(past).next();
    let mut found = Vec::new();
    if onset.is_none() {
        let info = zone.to_offset_info(begin);
        found.push(Change {
            at: Timestamp::UNIX_EPOCH,
            local: date(1970, 1, 1).at(0, 0, 0, 0),
            from: info.offset(),
            to: info.offset(),
            kind: kind(info.dst().is_dst()),
            name: info.abbreviation().to_owned(),
        });
    }
    let start = onset.as_ref().map_or(begin, |onset| onset.timestamp());
    let later = zone
        .following(start)
        .take_while(|change| change.timestamp() <= end);
    for change in onset.into_iter().chain(later) {
        let at = change.timestamp();
        let before = at.saturating_sub(second).unwrap_or(at);
        let from = zone.to_offset(before);
        found.push(Change {
            at,
            local: from.to_datetime(at),
            from,
            to: change.offset(),
            kind: kind(change.dst().is_dst()),
            name: change.abbreviation().to_owned(),
        });
    }
    found
}

fn kind(daylight: bool) -> &'static str {
    if daylight { "DAYLIGHT" } else { "STANDARD" }
}

fn years_later(at: Timestamp, years: i32) -> Timestamp {
    let hours = i64::from(years) * 8_766;
    at.saturating_add(Span::new().hours(hours))
        .unwrap_or(Timestamp::MAX)
}

impl Change {
    fn write(&self, rule: Option<&str>, lines: &mut Lines) {
        lines.push(&format!("BEGIN:{}", self.kind));
        lines.push(&format!("DTSTART:{}", local(self.local)));
        lines.push(&format!("TZOFFSETFROM:{}", offset(self.from)));
        lines.push(&format!("TZOFFSETTO:{}", offset(self.to)));
        lines.push(&format!("TZNAME:{}", self.name));
        if let Some(rule) = rule {
            lines.push(&format!("RRULE:{rule}"));
        }
        lines.push(&format!("END:{}", self.kind));
    }

    /// Whether `earlier` is the same change a year before, if the day is left aside.
    fn repeats(&self, earlier: &Self) -> bool {
        let (now, then) = (self.local, earlier.local);
        now.year() == then.year().saturating_add(1)
            && now.month() == then.month()
            && now.weekday() == then.weekday()
            && now.time() == then.time()
            && (self.from, self.to, self.kind) == (earlier.from, earlier.to, earlier.kind)
            && self.name == earlier.name
    }
}

/// Two changes that come each year, from some year on and for good.
struct Yearly<'a> {
    /// What was before.
    before: &'a [Change],
    /// The first of each, with its rule.
    pair: [(&'a Change, String); 2],
}

impl<'a> Yearly<'a> {
    /// None if the last changes up to `horizon` are not two that come each year, or in less than all their days.
    fn of(changes: &'a [Change], horizon: Timestamp) -> Option<Self> {
        let last = changes.last()?;
        let over = years_later(last.at, 1) < horizon;
        if over {
            return None;
        }
        let mut begin = changes.len();
        let mut days = [Days::default(), Days::default()];
        for (number, change) in changes.iter().enumerate().rev() {
            let same = changes
                .get(number.saturating_add(2))
                .is_none_or(|later| later.repeats(change));
            let days = days.get_mut(number % 2)?;
            if !same || !days.take(change.local.day()) {
                break;
            }
            begin = number;
        }
        let (before, tail) = changes.split_at_checked(begin)?;
        let [one, other, ..] = tail else {
            return None;
        };
        let rule = |change: &Change, number: usize| days.get(number % 2)?.rule(change.local);
        let pair = [
            (one, rule(one, begin)?),
            (other, rule(other, begin.saturating_add(1))?),
        ];
        Some(Self { before, pair })
    }

    /// Whether it counts for a conference that takes place up to `end`.
    fn begins_by(&self, end: Timestamp) -> bool {
        self.before.is_empty() || self.pair.iter().any(|(change, _)| change.at <= end)
    }
}

/// The days of the month on which a change came.
#[derive(Clone, Copy)]
struct Days {
    min: i8,
    max: i8,
}

impl Default for Days {
    fn default() -> Self {
        Self { min: i8::MAX, max: 0 }
    }
}

impl Days {
    /// Takes a day among the others; not if they were more than a week then.
    fn take(&mut self, day: i8) -> bool {
        let (min, max) = (self.min.min(day), self.max.max(day));
        let good = max.saturating_sub(min) <= 6;
        if good {
            (self.min, self.max) = (min, max);
        }
        good
    }

    /// The rule of a change that came on all days of a week; none if there are fewer.
    fn rule(self, change: DateTime) -> Option<String> {
        if self.max.saturating_sub(self.min) != 6 {
            return None;
        }
        let day = Weekday::from(change.weekday()).ical();
        let month = change.month();
        let head = format!("FREQ=YEARLY;BYMONTH={month}");
        Some(if month != 2 && self.max == change.days_in_month() {
            format!("{head};BYDAY=-1{day}")
        } else if self.min % 7 == 1 {
            format!("{head};BYDAY={}{day}", self.max / 7)
        } else {
            let days: Vec<String> = (self.min..=self.max).map(|day| day.to_string()).collect();
            format!("{head};BYDAY={day};BYMONTHDAY={}", days.join(","))
        })
    }
}

/// `+0200`, with seconds only where there are some.
fn offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 {
        format!("{sign}{hours:02}{minutes:02}")
    } else {
        format!("{sign}{hours:02}{minutes:02}{rest:02}")
    }
}
