//! Schedules for calendars: iCalendar (RFC 5545), `text/calendar; charset=utf-8; method=PUBLISH`.
//!
//! One calendar with one event and its zone. The zone is described for all the time that the conference takes place:
//! by yearly rules where its rules are yearly, else by each change of the clocks, for ten years where the conference has
//! no end. Programs that know the zone by its name (Google does) use their own rules.
//!
//! A program may differ from this crate where a weekly conference falls into the hour that the clocks leap over or show
//! twice: RFC 5545 says what is meant, and not all follow it.
//!
//! Whatever stands in names and descriptions stays in them: line ends become `\n` or a blank, other control characters
//! go, and what is not allowed in an address is percent-encoded. No text can begin a line of its own.

mod text;
mod zone;

use crate::{Ends, Schedule, Timetable};
use jiff::civil::DateTime;
use plenary_model::Timestamp;
use text::{Lines, address, multi_line, one_line, parameter};

/// What a calendar shows of a conference. Empty texts are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The same for all versions of one conference, and for no other in the world (RFC 7986 §5.3).
    pub uid: &'a str,
    /// Rises with each version; a calendar ignores what is older than it has. At most 2,147,483,647.
    pub sequence: u32,
    /// When this version was made.
    pub stamp: Timestamp,
    pub state: State,
    /// The name of the conference; one line.
    pub summary: &'a str,
    /// Any lines. Not all calendars show `url`: write the address here too.
    pub description: &'a str,
    /// One line.
    pub location: &'a str,
    /// The page of the conference, an absolute address.
    pub url: &'a str,
    pub organiser: Option<Organiser<'a>>,
}

/// Who invites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Organiser<'a> {
    /// One line.
    pub name: &'a str,
    /// None: the address is `invalid:nomail`, which no program writes to; the form asks for one.
    pub email: Option<&'a str>,
}

/// Whether the conference takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Confirmed,
    /// All of it is called off. Needs a higher sequence than what was published before.
    Cancelled,
}

/// The calendar file of one conference, with CRLF at the end of each line.
///
/// The duration is written as `DURATION` in hours and minutes, which is real time (RFC 5545 §3.3.6). Without one the
/// event has a start only.
pub fn calendar(timetable: &Timetable, event: &Event<'_>) -> String {
    let mut lines = Lines::default();
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Plenary//Plenary//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
    ] {
        lines.push(line);
    }
    if !is_in_utc(timetable) {
        zone::describe(timetable, &mut lines);
    }
    lines.push("BEGIN:VEVENT");
    lines.push(&format!("UID:{}", one_line(event.uid)));
    lines.push(&format!("SEQUENCE:{}", event.sequence.min(0x7fff_ffff)));
    lines.push(&format!("DTSTAMP:{}", utc(event.stamp)));
    times(timetable, &mut lines);
    texts(event, &mut lines);
    lines.push(match event.state {
        State::Confirmed => "STATUS:CONFIRMED",
        State::Cancelled => "STATUS:CANCELLED",
    });
    lines.push("TRANSP:OPAQUE");
    lines.push("END:VEVENT");
    lines.push("END:VCALENDAR");
    lines.finish()
}

fn times(timetable: &Timetable, lines: &mut Lines) {
    let first = timetable.first();
    let start = match timetable.schedule() {
        // What a reader makes of a time in a gap differs; where the clocks really stand is clear.
        Schedule::Once(_) => Some(here(timetable, first.start)),
        // Its time of the day is that of all the others.
        Schedule::Weekly(_) => timetable.first_local(),
    };
    let start = start.map(local).unwrap_or_default();
    lines.push(&if is_in_utc(timetable) {
        format!("DTSTART:{}", utc(first.start))
    } else {
        format!("DTSTART;TZID={}:{start}", timetable.schedule().zone())
    });
    if let Some(minutes) = timetable.schedule().duration_minutes() {
        lines.push(&format!("DURATION:{}", duration(minutes)));
    }
    let Schedule::Weekly(weekly) = timetable.schedule() else {
        return;
    };
    let days: Vec<&str> = weekly.days.iter().map(|day| day.ical()).collect();
    let end = match (weekly.ends, timetable.last()) {
        (Ends::Count(count), _) => format!(";COUNT={count}"),
        (Ends::Until(_), Some(last)) => format!(";UNTIL={}", utc(last.start)),
        (Ends::Until(_), None) | (Ends::Never, _) => String::new(),
    };
    lines.push(&format!("RRULE:FREQ=WEEKLY;BYDAY={}{end}", days.join(",")));
}

/// Whether its times are written in UTC: that is its zone, or its only time comes twice there. RFC 5545 takes the first
/// then, but not all programs do (ical.js 2.2 takes the second).
fn is_in_utc(timetable: &Timetable) -> bool {
    let twice = || {
        let start = here(timetable, timetable.first().start);
        timetable.zone().to_ambiguous_timestamp(start).is_ambiguous()
    };
    let schedule = timetable.schedule();
    schedule.zone() == "UTC" || (!schedule.is_weekly() && twice())
}

fn texts(event: &Event<'_>, lines: &mut Lines) {
    for (name, text) in [
        ("SUMMARY", one_line(event.summary)),
        ("DESCRIPTION", multi_line(event.description)),
        ("LOCATION", one_line(event.location)),
        ("URL", address(event.url)),
    ] {
        if !text.is_empty() {
            lines.push(&format!("{name}:{text}"));
        }
    }
    if let Some(Organiser { name, email }) = event.organiser {
        let email = email.map(|email| format!("mailto:{}", address(email)));
        let email = email.as_deref().unwrap_or("invalid:nomail");
        lines.push(&format!("ORGANIZER;CN=\"{}\":{email}", parameter(name)));
    }
}

/// `PT1H30M`: hours, not days, whose length the clocks would change.
fn duration(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("PT{minutes}M"),
        (hours, 0) => format!("PT{hours}H"),
        (hours, minutes) => format!("PT{hours}H{minutes}M"),
    }
}

fn here(timetable: &Timetable, at: Timestamp) -> DateTime {
    timetable.zone().to_datetime(instant(at))
}

/// Times from 1970 to 9999; later ones become the last of these.
fn instant(at: Timestamp) -> jiff::Timestamp {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
}

fn utc(at: Timestamp) -> String {
    format!("{}Z", local(jiff::tz::Offset::UTC.to_datetime(instant(at))))
}

fn local(at: DateTime) -> String {
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}
