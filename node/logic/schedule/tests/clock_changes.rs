//! Where the clocks change, by tables. The instants were computed by Python's `zoneinfo` with its own copy of the
//! database; those of zones whose rules change often are in the past.

mod support;

use plenary_model::Timestamp;
use plenary_schedule::{Ends, Schedule, Weekday};
use support::{first_starts, once, timetable, utc, weekly, written};

const EVERY_DAY: &[Weekday] = &Weekday::ALL;

fn start_of(zone: &str, local: &str) -> String {
    let timetable = once(zone, local).timetable().expect("a good schedule");
    written(timetable.first().start)
}

#[test]
fn local_times_are_the_instants_of_their_zone() {
    for (zone, local, expected) in [
        ("Europe/Paris", "1970-01-01T01:00", "1970-01-01T00:00Z"),
        ("Europe/Paris", "2026-01-15T09:00", "2026-01-15T08:00Z"),
        ("Europe/Paris", "2026-07-15T09:00", "2026-07-15T07:00Z"),
        ("Europe/Paris", "2199-07-01T09:00", "2199-07-01T07:00Z"),
        ("America/New_York", "2026-12-01T09:00", "2026-12-01T14:00Z"),
        ("America/New_York", "2199-12-31T23:59", "2200-01-01T04:59Z"),
        ("Australia/Lord_Howe", "2026-01-01T09:00", "2025-12-31T22:00Z"),
        ("Australia/Lord_Howe", "2026-07-01T09:00", "2026-06-30T22:30Z"),
        ("Africa/Casablanca", "2025-02-15T09:00", "2025-02-15T08:00Z"),
        ("Africa/Casablanca", "2025-03-15T09:00", "2025-03-15T09:00Z"),
        ("Asia/Kathmandu", "1985-12-31T09:00", "1985-12-31T03:30Z"),
        ("Asia/Kathmandu", "1986-01-01T00:05", "1985-12-31T18:35Z"),
        ("Asia/Kathmandu", "2026-06-01T09:00", "2026-06-01T03:15Z"),
        ("Pacific/Apia", "2011-12-29T09:00", "2011-12-29T19:00Z"),
        ("Pacific/Apia", "2011-12-31T09:00", "2011-12-30T19:00Z"),
        ("Pacific/Apia", "2026-06-01T09:00", "2026-05-31T20:00Z"),
        ("UTC", "2026-06-01T09:00", "2026-06-01T09:00Z"),
        ("Etc/GMT+5", "2026-06-01T09:00", "2026-06-01T14:00Z"),
    ] {
        assert_eq!(start_of(zone, local), expected, "{zone} {local}");
    }
}

#[test]
fn a_time_that_the_clocks_leap_over_moves_forward_by_the_leap() {
    for (zone, local, expected) in [
        // 02:00 to 03:00: 02:30 is 03:30, and 02:00 is 03:00.
        ("Europe/Paris", "2026-03-29T02:30", "2026-03-29T01:30Z"),
        ("Europe/Paris", "2026-03-29T02:00", "2026-03-29T01:00Z"),
        ("Europe/Paris", "2026-03-29T03:00", "2026-03-29T01:00Z"),
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30Z"),
        // By half an hour: 02:15 is 02:45.
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45Z"),
        ("Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30Z"),
        ("Africa/Casablanca", "2025-04-06T02:30", "2025-04-06T02:30Z"),
        // A quarter of an hour, once.
        ("Asia/Kathmandu", "1986-01-01T00:10", "1985-12-31T18:40Z"),
        // A whole day.
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T19:00Z"),
    ] {
        assert_eq!(start_of(zone, local), expected, "{zone} {local}");
    }
}

#[test]
fn a_time_that_comes_twice_is_the_first() {
    for (zone, local, expected) in [
        ("Europe/Paris", "2026-10-25T02:00", "2026-10-25T00:00Z"),
        ("Europe/Paris", "2026-10-25T02:30", "2026-10-25T00:30Z"),
        ("Europe/Paris", "2026-10-25T03:00", "2026-10-25T02:00Z"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30Z"),
        ("America/New_York", "2026-11-01T01:59", "2026-11-01T05:59Z"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45Z"),
        ("Africa/Casablanca", "2025-02-23T02:30", "2025-02-23T01:30Z"),
    ] {
        assert_eq!(start_of(zone, local), expected, "{zone} {local}");
    }
}

#[test]
fn nine_stays_nine_when_the_clocks_change() {
    let days = [Weekday::Sunday, Weekday::Monday];
    let spring = timetable(weekly("Europe/Paris", "2026-03-23T09:00", &days, Ends::Count(4)));
    let expected = [
        "2026-03-23T08:00Z",
        "2026-03-29T07:00Z",
        "2026-03-30T07:00Z",
        "2026-04-05T07:00Z",
    ];
    assert_eq!(first_starts(&spring, 10), expected);

    let autumn = timetable(weekly(
        "America/New_York",
        "2026-10-26T09:00",
        &days,
        Ends::Count(4),
    ));
    let expected = [
        "2026-10-26T13:00Z",
        "2026-11-01T14:00Z",
        "2026-11-02T14:00Z",
        "2026-11-08T14:00Z",
    ];
    assert_eq!(first_starts(&autumn, 10), expected);
}

#[test]
fn a_weekly_time_in_a_gap_takes_place_and_counts() {
    let days = [Weekday::Sunday];
    let nights = timetable(weekly("Europe/Paris", "2026-03-22T02:30", &days, Ends::Count(3)));
    let expected = ["2026-03-22T01:30Z", "2026-03-29T01:30Z", "2026-04-05T00:30Z"];
    assert_eq!(first_starts(&nights, 10), expected);
    assert_eq!(
        nights.last().map(|last| written(last.start)).as_deref(),
        Some("2026-04-05T00:30Z")
    );
}

#[test]
fn an_hour_is_an_hour_when_the_clocks_change() {
    for (local, end) in [
        ("2026-03-29T01:30", "2026-03-29T01:30Z"),
        ("2026-10-25T02:30", "2026-10-25T01:30Z"),
    ] {
        let timetable = once("Europe/Paris", local).timetable().expect("a good schedule");
        assert_eq!(timetable.first().end, Some(utc(end)), "{local}");
    }
}

#[test]
fn a_day_that_a_zone_skipped_is_one_with_the_next() {
    let daily = timetable(weekly(
        "Pacific/Apia",
        "2011-12-28T09:00",
        EVERY_DAY,
        Ends::Until(support::date("2012-01-01")),
    ));
    let expected = [
        "2011-12-28T19:00Z",
        "2011-12-29T19:00Z",
        "2011-12-30T19:00Z",
        "2011-12-31T19:00Z",
    ];
    assert_eq!(first_starts(&daily, 10), expected);

    // One by one it is the same.
    let mut at = Timestamp(0);
    let mut found = Vec::new();
    while let Some(next) = daily.next_after(at) {
        at = next.start;
        found.push(written(at));
    }
    assert_eq!(found, expected);

    let fridays = timetable(weekly(
        "Pacific/Apia",
        "2011-12-23T09:00",
        &[Weekday::Friday],
        Ends::Count(3),
    ));
    let expected = ["2011-12-23T19:00Z", "2011-12-30T19:00Z", "2012-01-05T19:00Z"];
    assert_eq!(first_starts(&fridays, 10), expected);
}

#[test]
fn all_zones_that_are_listed_have_a_timetable() {
    let zones = plenary_schedule::zones();
    assert!(zones.len() > 400 && zones.is_sorted());
    for zone in [
        "Europe/Paris",
        "UTC",
        "Asia/Kathmandu",
        "America/Argentina/Buenos_Aires",
    ] {
        assert!(zones.iter().any(|known| known == zone), "{zone}");
    }
    for zone in zones {
        let Schedule::Once(once) = once(&zone, "2026-03-29T02:30") else {
            unreachable!("it was made so")
        };
        assert!(Schedule::Once(once).timetable().is_ok(), "{zone}");
    }
}
