//! What calendars get, compared with files. Two independent programs find in each of them the occurrences that stand in the
//! `.txt` beside it: `ical.js` (npm), the parser of Thunderbird, in each run of the tests
//! (`web-ui/src/conferences/calendarFiles.test.ts`), and `icalendar` with `recurring-ical-events` (PyPI) by `check.py`. After a
//! wanted change, `UPDATE_CALENDARS=1 cargo test -p plenary-schedule` writes the files anew; then let both read them.

mod support;

use plenary_model::Timestamp;
use plenary_schedule::{
    Ends, Schedule, Weekday,
    Weekday::*,
    Weekly,
    ical::{Event, Organiser, State, calendar},
};
use std::{env, fmt::Write as _, fs, path::Path};
use support::{date, once, utc, weekly, written};

fn event() -> Event<'static> {
    Event {
        uid: "review@paris.example.com",
        sequence: 0,
        stamp: utc("2026-01-02T03:04Z"),
        state: State::Confirmed,
        summary: "Weekly review",
        description: "What was done, what comes next.\n\nJoin: https://paris.example.com/c/review",
        location: "Room 4",
        url: "https://paris.example.com/c/review",
        organiser: Some(Organiser {
            name: "Alice Martin",
            email: Some("alice@example.com"),
        }),
    }
}

/// The first occurrences, as a program would find them that reads the file.
fn listed(schedule: &Schedule) -> String {
    let timetable = schedule.timetable().expect("a good schedule");
    let mut text = String::new();
    for one in timetable.occurrences_between(Timestamp(0), Timestamp(u64::MAX), 120) {
        let end = one.end.unwrap_or(one.start);
        writeln!(text, "{} {}", written(one.start), written(end)).expect("memory");
    }
    text
}

fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/calendars")
        .join(name);
    if env::var_os("UPDATE_CALENDARS").is_some() {
        fs::write(&path, text).expect("the folder of calendars can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name} is not as it was");
}

fn check(name: &str, schedule: &Schedule, event: &Event<'_>) {
    let timetable = schedule.timetable().expect("a good schedule");
    compare(&format!("{name}.ics"), &calendar(&timetable, event));
    compare(&format!("{name}.txt"), &listed(schedule));
}

fn check_weekly(name: &str, zone: &str, from: &str, days: &[Weekday], ends: Ends) {
    check(name, &Schedule::Weekly(weekly(zone, from, days, ends)), &event());
}

#[test]
fn a_conference_that_takes_place_once() {
    check("once", &once("Europe/Paris", "2026-06-01T09:30"), &event());
    check("once-utc", &once("UTC", "2026-06-01T09:30"), &event());
}

#[test]
fn once_where_the_clocks_change() {
    check(
        "once-leapt-over",
        &once("Europe/Paris", "2026-03-29T02:30"),
        &event(),
    );
    check(
        "once-twice",
        &once("America/New_York", "2026-11-01T01:30"),
        &event(),
    );
    let Schedule::Once(mut night) = once("Europe/Paris", "2026-10-24T23:00") else {
        unreachable!("it was made so")
    };
    night.duration_minutes = Some(36 * 60 + 30);
    check("once-a-long-night", &Schedule::Once(night), &event());
}

#[test]
fn a_conference_without_a_planned_end() {
    let open = Weekly {
        duration_minutes: None,
        ..weekly("Europe/Paris", "2026-06-01T09:30", &[Monday], Ends::Count(3))
    };
    check("open-end", &Schedule::Weekly(open), &event());
}

#[test]
fn a_conference_that_is_called_off() {
    let cancelled = Event {
        sequence: 7,
        state: State::Cancelled,
        ..event()
    };
    check("cancelled", &once("Europe/Paris", "2026-06-01T09:30"), &cancelled);
}

#[test]
fn weekly_with_each_kind_of_end() {
    let days = [Monday, Thursday];
    check_weekly(
        "count",
        "Europe/Paris",
        "2026-09-30T09:00",
        &days,
        Ends::Count(20),
    );
    check_weekly(
        "until",
        "America/New_York",
        "2026-01-01T18:30",
        &days,
        Ends::Until(date("2026-12-31")),
    );
    check_weekly("never", "Europe/Paris", "2026-06-03T09:00", &days, Ends::Never);
    check_weekly("far", "Europe/Paris", "2150-06-03T09:00", &days, Ends::Never);
}

#[test]
fn weekly_in_zones_of_many_kinds() {
    // Half an hour, south of the equator.
    check_weekly(
        "lord-howe",
        "Australia/Lord_Howe",
        "2026-01-01T09:00",
        &[Sunday],
        Ends::Never,
    );
    // Changes that follow the moon, and no more of them later: each is listed.
    let until = Ends::Until(date("2025-12-31"));
    check_weekly(
        "casablanca",
        "Africa/Casablanca",
        "2023-01-01T09:00",
        &[Monday, Sunday],
        until,
    );
    // No changes.
    check_weekly(
        "kathmandu",
        "Asia/Kathmandu",
        "2026-01-01T09:00",
        &[Friday],
        Ends::Never,
    );
    // Before a last Sunday, and after a fourth Thursday: days that no ordinal names.
    check_weekly(
        "nuuk",
        "America/Nuuk",
        "2026-01-01T09:00",
        &[Saturday, Sunday],
        Ends::Never,
    );
    check_weekly(
        "jerusalem",
        "Asia/Jerusalem",
        "2026-01-01T09:00",
        &[Friday],
        Ends::Count(150),
    );
    // Rules that were others before, and were given up.
    let until = Ends::Until(date("1982-12-31"));
    check_weekly(
        "paris-then",
        "Europe/Paris",
        "1975-01-01T09:00",
        &[Wednesday],
        until,
    );
    let until = Ends::Until(date("2020-12-31"));
    check_weekly(
        "sao-paulo",
        "America/Sao_Paulo",
        "2017-01-01T09:00",
        &[Sunday],
        until,
    );
}

#[test]
fn texts_of_all_kinds() {
    let long = "Überprüfung der Fortschritte 🎉 — ".repeat(8) + "Ende";
    let texts = Event {
        uid: "a;b,c\\d@example.com",
        summary: &long,
        description: "a, b; c\\d \"e\" :f\r\nBEGIN:VALARM\r\nEND:VEVENT\n\tg\r",
        location: "Room\r\n4, floor\u{2028}2",
        url: "https://paris.example.com/c/é è?x=1&y=<2>\r\nX-EVIL:1",
        organiser: Some(Organiser {
            name: "Alice \"Al\" O'Hara; CEO: 100%, ^n\r\nX-EVIL:1",
            email: None,
        }),
        ..event()
    };
    check("texts", &once("Europe/Paris", "2026-06-01T09:30"), &texts);
}
