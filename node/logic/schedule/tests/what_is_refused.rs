//! Bounds, each at its edge, and what people are told.

mod support;

use plenary_schedule::{Ends, LocalDate, LocalTime, Once, Schedule, ScheduleError, Weekday};
use support::{date, once, weekly};

fn code(schedule: &Schedule) -> Option<&'static str> {
    schedule.timetable().err().map(|error| error.code())
}

fn lasting(minutes: u32) -> Schedule {
    let Schedule::Once(once) = once("Europe/Paris", "2026-06-01T09:00") else {
        unreachable!("it was made so")
    };
    Schedule::Once(Once {
        duration_minutes: Some(minutes),
        ..once
    })
}

fn mondays(ends: Ends) -> Schedule {
    Schedule::Weekly(weekly(
        "Europe/Paris",
        "2026-06-02T09:00",
        &[Weekday::Monday],
        ends,
    ))
}

#[test]
fn durations_are_a_minute_to_240_hours() {
    assert_eq!(code(&lasting(1)), None);
    assert_eq!(code(&lasting(240 * 60)), None);
    assert_eq!(code(&lasting(0)), Some("schedule-duration"));
    assert_eq!(code(&lasting(240 * 60 + 1)), Some("schedule-duration"));
    assert_eq!(code(&lasting(u32::MAX)), Some("schedule-duration"));
}

#[test]
fn counts_are_one_to_a_thousand() {
    assert_eq!(code(&mondays(Ends::Count(1))), None);
    assert_eq!(code(&mondays(Ends::Count(1000))), None);
    assert_eq!(code(&mondays(Ends::Count(0))), Some("schedule-count"));
    assert_eq!(code(&mondays(Ends::Count(1001))), Some("schedule-count"));
}

#[test]
fn a_weekly_conference_takes_place_at_least_once() {
    let none = weekly("Europe/Paris", "2026-06-02T09:00", &[], Ends::Never);
    assert_eq!(code(&Schedule::Weekly(none)), Some("schedule-weekdays"));
    // The first Monday is the 8th.
    assert_eq!(code(&mondays(Ends::Until(date("2026-06-08")))), None);
    for until in ["2026-06-07", "2026-06-02", "2026-06-01", "1970-01-01"] {
        assert_eq!(
            code(&mondays(Ends::Until(date(until)))),
            Some("schedule-empty"),
            "{until}"
        );
    }
    let late = weekly(
        "Europe/Paris",
        "2199-12-31T09:00",
        &[Weekday::Monday],
        Ends::Never,
    );
    assert_eq!(code(&Schedule::Weekly(late.clone())), Some("schedule-empty"));
    let counted = weekly(
        "Europe/Paris",
        "2199-12-31T09:00",
        &[Weekday::Monday],
        Ends::Count(1000),
    );
    assert_eq!(code(&Schedule::Weekly(counted)), None);
}

#[test]
fn dates_are_days_of_the_calendar_from_1970_to_2199() {
    for good in ["1970-01-01", "2199-12-31", "2028-02-29"] {
        assert_eq!(date(good).to_string(), good);
    }
    for bad in [
        "",
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-6-1",
        "20260601",
        "2026-06-01T09:00",
        "2026-06-01 ",
        "+026-06-01",
        "２０２６-06-01",
        "tomorrow",
        "2026-06-01-01",
    ] {
        let error = bad.parse::<LocalDate>().expect_err(bad);
        assert_eq!(error.code(), "schedule-date", "{bad}");
    }
    for bad in ["1969-12-31", "2200-01-01", "0000-01-01", "9999-12-31"] {
        let error = bad.parse::<LocalDate>().expect_err(bad);
        assert_eq!(error.code(), "schedule-date-range", "{bad}");
    }
    assert!(LocalDate::new(u16::MAX, 255, 255).is_err());
    // The day is in range, the instant is not.
    assert_eq!(
        code(&once("Asia/Kathmandu", "1970-01-01T00:00")),
        Some("schedule-date-range")
    );
}

#[test]
fn times_are_minutes_of_the_day() {
    for good in ["00:00", "09:05", "23:59"] {
        assert_eq!(support::time(good).to_string(), good);
    }
    for bad in [
        "", "24:00", "23:60", "9:00", "09:00:00", "0900", "09.00", "-1:00", "09:00 ",
    ] {
        let error = bad.parse::<LocalTime>().expect_err(bad);
        assert_eq!(error.code(), "schedule-time", "{bad}");
    }
    assert!(LocalTime::new(24, 0).is_err() && LocalTime::new(255, 255).is_err());
}

#[test]
fn an_unknown_zone_is_answered_with_names_that_look_alike() {
    for (given, expected) in [
        ("Europe/Pariss", "Europe/Paris"),
        ("europe/paris", "Europe/Paris"),
        ("Paris", "Europe/Paris"),
        ("Europe/Kathmandu", "Asia/Kathmandu"),
        ("America/New York", "America/New_York"),
        ("utc", "UTC"),
    ] {
        let error = once(given, "2026-06-01T09:00").timetable().expect_err(given);
        let ScheduleError::Zone { name, close } = &error else {
            unreachable!("{error}")
        };
        assert_eq!(name, given);
        assert_eq!(close.first().map(String::as_str), Some(expected), "{given}");
        assert!(close.len() <= 3);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_zone_like_no_other_is_answered_without_a_guess() {
    let long = "x".repeat(1_000_000);
    for given in [
        "",
        " ",
        "Etc/Unknown",
        "Middle Earth Standard Time",
        "../../etc/passwd",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        &long,
    ] {
        let error = once(given, "2026-06-01T09:00").timetable().expect_err("no zone");
        assert_eq!(error.code(), "schedule-zone");
        assert!(error.to_string().len() < 400, "{error}");
    }
    let error = once("Middle Earth", "2026-06-01T09:00")
        .timetable()
        .expect_err("no zone");
    assert_eq!(
        error.to_string(),
        "there is no time zone \"Middle Earth\": zones have the names of the IANA database, in this spelling; \
         write it as Europe/Paris"
    );
}

#[test]
fn people_are_told_what_why_and_what_to_do() {
    for (error, text) in [
        (
            lasting(0).timetable().expect_err("too short"),
            "a duration of 0 minutes is out of range: a conference takes from 1 minute to 14400 (240 hours); \
             choose one of these, or none for an open end",
        ),
        (
            mondays(Ends::Count(0)).timetable().expect_err("never"),
            "0 repetitions are out of range: a conference repeats from 1 to 1000 times; choose as many, or an end by date",
        ),
        (
            mondays(Ends::Until(date("2026-06-07")))
                .timetable()
                .expect_err("never"),
            "none of the chosen weekdays is between 2026-06-02 and 2026-06-07, so the conference would never take place; \
             choose a later end or other days",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
