//! Days, ends, and what is asked of a timetable.

mod support;

use plenary_model::Timestamp;
use plenary_schedule::{Ends, Schedule, Weekday::*, Weekly};
use support::{date, first_starts, once, starts, timetable, utc, weekly, written};

fn paris(from: &str, days: &[plenary_schedule::Weekday], ends: Ends) -> Weekly {
    weekly("Europe/Paris", from, days, ends)
}

#[test]
fn the_first_is_the_first_chosen_day_from_the_first_date_on() {
    // 2026-06-03 is a Wednesday.
    let timetable = timetable(paris("2026-06-03T09:00", &[Tuesday, Friday], Ends::Count(3)));
    assert_eq!(written(timetable.first().start), "2026-06-05T07:00Z");
    let expected = ["2026-06-05T07:00Z", "2026-06-09T07:00Z", "2026-06-12T07:00Z"];
    assert_eq!(first_starts(&timetable, 9), expected);
}

#[test]
fn an_end_by_date_includes_that_day() {
    let until = |day| timetable(paris("2026-06-01T23:30", &[Monday], Ends::Until(date(day))));
    assert_eq!(first_starts(&until("2026-06-15"), 9).len(), 3);
    assert_eq!(first_starts(&until("2026-06-14"), 9).len(), 2);
    // It starts on the evening of its only day, which is another day in UTC.
    let tokyo = timetable(weekly(
        "Asia/Tokyo",
        "2026-06-01T01:00",
        &[Monday],
        Ends::Until(date("2026-06-01")),
    ));
    assert_eq!(first_starts(&tokyo, 9), ["2026-05-31T16:00Z"]);
    assert_eq!(tokyo.last(), Some(tokyo.first()));
}

#[test]
fn an_end_by_count_is_how_often_it_takes_place() {
    let timetable = timetable(paris("2026-06-03T09:00", &[Monday, Wednesday], Ends::Count(1000)));
    let all = timetable.occurrences_between(Timestamp(0), Timestamp(u64::MAX), usize::MAX);
    assert_eq!(all.len(), 1000);
    assert_eq!(timetable.last().as_ref(), all.last());
    // 499 weeks and 5 days later.
    assert_eq!(written(all[999].start), "2035-12-31T08:00Z");
    assert_eq!(timetable.next_after(all[999].start), None);
}

#[test]
fn without_an_end_it_goes_on_to_the_last_year() {
    let timetable = timetable(paris("2026-06-01T09:00", &[Monday], Ends::Never));
    assert_eq!(timetable.last(), None);
    assert!(!timetable.is_over(utc("2199-12-31T23:00Z")));
    let last = timetable.next_after(utc("2199-12-25T00:00Z")).expect("one more");
    assert_eq!(written(last.start), "2199-12-30T08:00Z");
    assert_eq!(timetable.next_after(last.start), None);
    assert_eq!(timetable.next_after(Timestamp(u64::MAX)), None);
    assert_eq!(timetable.next_after(Timestamp(u64::MAX / 2)), None);
}

#[test]
fn the_next_starts_later_than_asked() {
    let timetable = timetable(paris("2026-06-01T09:00", &[Monday], Ends::Count(2)));
    let next = |at| timetable.next_after(at).map(|next| written(next.start));
    let (first, second) = (utc("2026-06-01T07:00Z"), utc("2026-06-08T07:00Z"));
    assert_eq!(next(Timestamp(0)).as_deref(), Some("2026-06-01T07:00Z"));
    assert_eq!(next(Timestamp(first.0 - 1)).as_deref(), Some("2026-06-01T07:00Z"));
    assert_eq!(next(first).as_deref(), Some("2026-06-08T07:00Z"));
    assert_eq!(
        next(Timestamp(second.0 - 1)).as_deref(),
        Some("2026-06-08T07:00Z")
    );
    assert_eq!(next(second), None);
}

#[test]
fn a_stretch_has_those_that_start_in_it() {
    let timetable = timetable(paris("2026-06-01T09:00", &[Monday, Thursday], Ends::Never));
    let between = |from, to, at_most| starts(&timetable.occurrences_between(utc(from), utc(to), at_most));
    let (monday, thursday, next) = ("2026-06-01T07:00Z", "2026-06-04T07:00Z", "2026-06-08T07:00Z");
    assert_eq!(between(monday, next, 9), [monday, thursday]);
    assert_eq!(
        between("2026-06-01T07:01Z", "2026-06-08T07:01Z", 9),
        [thursday, next]
    );
    assert_eq!(between(monday, next, 1), [monday]);
    assert!(between(monday, next, 0).is_empty());
    assert!(between(monday, monday, 9).is_empty());
    assert!(between(next, monday, 9).is_empty());
    assert!(between("2020-01-01T00:00Z", "2021-01-01T00:00Z", 9).is_empty());
}

#[test]
fn it_is_over_when_the_last_one_has_ended() {
    let timetable = timetable(paris("2026-06-01T09:00", &[Monday], Ends::Count(2)));
    assert!(!timetable.is_over(utc("2026-06-01T09:00Z")));
    assert!(!timetable.is_over(Timestamp(utc("2026-06-08T08:00Z").0 - 1)));
    assert!(timetable.is_over(utc("2026-06-08T08:00Z")));
}

#[test]
fn without_a_planned_end_it_is_over_when_the_last_one_has_started() {
    let Schedule::Once(mut open) = once("Europe/Paris", "2026-06-01T09:00") else {
        unreachable!("it was made so")
    };
    open.duration_minutes = None;
    let timetable = Schedule::Once(open).timetable().expect("a good schedule");
    assert_eq!(timetable.first().end, None);
    assert!(!timetable.is_over(Timestamp(utc("2026-06-01T07:00Z").0 - 1)));
    assert!(timetable.is_over(utc("2026-06-01T07:00Z")));
}

#[test]
fn what_takes_place_once_is_first_and_last() {
    let timetable = once("Europe/Paris", "2026-06-01T09:00")
        .timetable()
        .expect("a good schedule");
    assert_eq!(timetable.last(), Some(timetable.first()));
    assert_eq!(first_starts(&timetable, 9), ["2026-06-01T07:00Z"]);
    assert_eq!(timetable.next_after(timetable.first().start), None);
}
