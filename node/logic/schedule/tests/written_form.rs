//! What stands in requests and in the log.

mod support;

use plenary_schedule::{Ends, Schedule, Weekday};
use support::{date, once, weekly};

fn json(schedule: &Schedule) -> String {
    serde_json::to_string(schedule).expect("it can be written")
}

fn samples() -> Vec<(Schedule, &'static str)> {
    let Schedule::Once(mut open) = once("Europe/Paris", "2026-03-29T09:30") else {
        unreachable!("it was made so")
    };
    open.duration_minutes = None;
    let days = [Weekday::Friday, Weekday::Tuesday];
    let weekly = |ends| Schedule::Weekly(weekly("Asia/Kathmandu", "2026-06-01T09:00", &days, ends));
    vec![
        (
            once("Europe/Paris", "2026-03-29T09:30"),
            r#"{"once":{"date":"2026-03-29","time":"09:30","zone":"Europe/Paris","duration_minutes":60}}"#,
        ),
        (
            Schedule::Once(open),
            r#"{"once":{"date":"2026-03-29","time":"09:30","zone":"Europe/Paris"}}"#,
        ),
        (
            weekly(Ends::Never),
            r#"{"weekly":{"days":["tuesday","friday"],"time":"09:00","zone":"Asia/Kathmandu","from":"2026-06-01","ends":"never","duration_minutes":60}}"#,
        ),
        (
            weekly(Ends::Until(date("2026-12-31"))),
            r#"{"weekly":{"days":["tuesday","friday"],"time":"09:00","zone":"Asia/Kathmandu","from":"2026-06-01","ends":{"until":"2026-12-31"},"duration_minutes":60}}"#,
        ),
        (
            weekly(Ends::Count(10)),
            r#"{"weekly":{"days":["tuesday","friday"],"time":"09:00","zone":"Asia/Kathmandu","from":"2026-06-01","ends":{"count":10},"duration_minutes":60}}"#,
        ),
    ]
}

#[test]
fn it_has_names_and_is_read_as_it_was_written() {
    for (schedule, text) in samples() {
        assert_eq!(json(&schedule), text);
        assert_eq!(
            serde_json::from_str::<Schedule>(text).expect("readable"),
            schedule
        );
        let packed = rmp_serde::to_vec_named(&schedule).expect("it can be written");
        assert_eq!(
            rmp_serde::from_slice::<Schedule>(&packed).expect("readable"),
            schedule
        );
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    let text = r#"{"weekly":{"days":["monday"],"time":"09:00","zone":"UTC","from":"2026-06-01"}}"#;
    let schedule: Schedule = serde_json::from_str(text).expect("readable");
    let Schedule::Weekly(weekly) = schedule else {
        unreachable!("it says weekly")
    };
    assert_eq!((weekly.ends, weekly.duration_minutes), (Ends::Never, None));
}

#[test]
fn what_is_not_known_is_refused() {
    for text in [
        r#"{"once":{"date":"2026-03-29","time":"09:30","zone":"UTC","color":"red"}}"#,
        r#"{"weekly":{"days":["monday"],"time":"09:00","zone":"UTC","from":"2026-06-01","every":2}}"#,
        r#"{"weekly":{"days":["monday"],"time":"09:00","zone":"UTC","from":"2026-06-01","ends":{"later":1}}}"#,
        r#"{"weekly":{"days":["moonday"],"time":"09:00","zone":"UTC","from":"2026-06-01"}}"#,
        r#"{"yearly":{"date":"2026-03-29","time":"09:30","zone":"UTC"}}"#,
        r#"{"once":{"date":"2026-03-29","zone":"UTC"}}"#,
        r#"{"once":{"date":"2026-02-30","time":"09:30","zone":"UTC"}}"#,
        r#"{"once":{"date":"2026-03-29","time":"25:00","zone":"UTC"}}"#,
    ] {
        assert!(serde_json::from_str::<Schedule>(text).is_err(), "{text}");
    }
    let error =
        serde_json::from_str::<Schedule>(r#"{"once":{"date":"2026-02-30","time":"09:30","zone":"UTC"}}"#);
    let error = error.expect_err("no such day").to_string();
    assert!(
        error.contains("the date \"2026-02-30\" is not a day of the calendar"),
        "{error}"
    );
}

#[test]
fn a_zone_that_this_node_does_not_know_is_read_from_the_log_all_the_same() {
    let text = r#"{"once":{"date":"2026-03-29","time":"09:30","zone":"Mars/Olympus_Mons"}}"#;
    let schedule: Schedule = serde_json::from_str(text).expect("readable");
    assert_eq!(json(&schedule), text);
    assert!(schedule.timetable().is_err());
}
