//! What holds for every schedule: proptest beside a plain enumeration of days.

mod support;

use jiff::{Span, civil, tz::TimeZoneDatabase};
use plenary_model::Timestamp;
use plenary_schedule::{Ends, LocalDate, LocalTime, Schedule, Timetable, Weekday, Weekly};
use proptest::{prelude::*, sample::subsequence};
use support::timetable;

/// Apia is left out: there a day was skipped, which has tests of its own.
const ZONES: &[&str] = &[
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "UTC",
    "America/Nuuk",
    "Asia/Gaza",
    "Pacific/Chatham",
    "America/St_Johns",
    "Africa/Cairo",
    "Antarctica/Troll",
];

fn schedules(first_year: u16, last_year: u16) -> impl Strategy<Value = Weekly> {
    let days = subsequence(Weekday::ALL.to_vec(), 1..=7);
    let from = (first_year..=last_year, 1..=12_u8, 1..=28_u8);
    let from = from.prop_map(|(year, month, day)| LocalDate::new(year, month, day).expect("a day"));
    let time = (0..24_u8, 0..60_u8).prop_map(|(hour, minute)| LocalTime::new(hour, minute).expect("a time"));
    // Hours of the night are where clocks change.
    let night = (0..4_u8, 0..60_u8).prop_map(|(hour, minute)| LocalTime::new(hour, minute).expect("a time"));
    let ends = prop_oneof![
        Just(Ends::Never),
        (1..=1000_u32).prop_map(Ends::Count),
        (first_year..=last_year, 1..=12_u8, 1..=28_u8)
            .prop_map(|(year, month, day)| Ends::Until(LocalDate::new(year, month, day).expect("a day"))),
    ];
    let zone = proptest::sample::select(ZONES);
    let minutes = proptest::option::of(1..=14_400_u32);
    (days, from, prop_oneof![time, night], zone, ends, minutes).prop_map(
        |(days, from, time, zone, ends, duration_minutes)| Weekly {
            days: days.into_iter().collect(),
            time,
            zone: zone.to_owned(),
            from,
            ends: match ends {
                // A week later there was each weekday.
                Ends::Until(until) if until.to_string() < week_after(from) => Ends::Count(3),
                ends => ends,
            },
            duration_minutes,
        },
    )
}

fn civil(date: LocalDate) -> civil::Date {
    date.to_string().parse().expect("a day")
}

fn week_after(date: LocalDate) -> String {
    civil(date).saturating_add(Span::new().days(7)).to_string()
}

/// Day by day from the first date on.
fn enumerated(weekly: &Weekly, at_most: usize) -> Vec<Timestamp> {
    let zone = TimeZoneDatabase::bundled().get(&weekly.zone).expect("a zone");
    let time: civil::Time = weekly.time.to_string().parse().expect("a time");
    let (at_most, until) = match weekly.ends {
        Ends::Never => (at_most, "2199-12-31".to_owned()),
        Ends::Count(count) => (at_most.min(count as usize), "9000-01-01".to_owned()),
        Ends::Until(until) => (at_most, until.to_string()),
    };
    let days = (0..).map(|days| civil(weekly.from).saturating_add(Span::new().days(days)));
    days.take_while(|day| day.to_string() <= until)
        .filter(|day| weekly.days.contains(&Weekday::from(day.weekday())))
        .take(at_most)
        .map(|day| {
            let zoned = day
                .to_datetime(time)
                .to_zoned_datetime(zone.clone())
                .expect("in range");
            Timestamp(zoned.timestamp().as_millisecond().try_into().expect("after 1970"))
        })
        .collect()
}

fn one_by_one(timetable: &Timetable, mut at: Timestamp, at_most: usize) -> Vec<Timestamp> {
    let mut found = Vec::new();
    while found.len() < at_most
        && let Some(next) = timetable.next_after(at)
    {
        assert!(next.start > at, "the next is later");
        at = next.start;
        found.push(at);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_ones_are_those_of_a_plain_enumeration(weekly in schedules(1971, 2060)) {
        let timetable = timetable(weekly.clone());
        let expected = enumerated(&weekly, 300);
        prop_assert_eq!(&one_by_one(&timetable, Timestamp(0), 300), &expected);
        let between = timetable.occurrences_between(Timestamp(0), Timestamp(u64::MAX), 300);
        let between: Vec<Timestamp> = between.iter().map(|one| one.start).collect();
        prop_assert_eq!(&between, &expected);
        prop_assert_eq!(Some(&timetable.first().start), expected.first());
    }

    #[test]
    fn from_any_instant_on_they_are_the_same(weekly in schedules(1971, 2060), index in any::<prop::sample::Index>(), shift in -1..=1_i64) {
        let timetable = timetable(weekly.clone());
        let all = enumerated(&weekly, 300);
        // What comes after these is among all that were enumerated, if it comes at all.
        let (near, _) = all.split_at(all.len().min(250));
        let at = Timestamp(index.get(near).0.saturating_add_signed(shift));
        let expected = all.iter().find(|start| **start > at).copied();
        prop_assert_eq!(timetable.next_after(at).map(|next| next.start), expected);
        let from = timetable.occurrences_between(at, Timestamp(at.0.saturating_add(30 * 86_400_000)), 1);
        let expected = all.iter().find(|start| **start >= at).filter(|start| start.0 < at.0.saturating_add(30 * 86_400_000));
        prop_assert_eq!(from.first().map(|one| one.start), expected.copied());
    }

    #[test]
    fn they_are_on_chosen_days_at_the_chosen_time(weekly in schedules(1971, 2190)) {
        let zone = TimeZoneDatabase::bundled().get(&weekly.zone).expect("a zone");
        let timetable = timetable(weekly.clone());
        for one in timetable.occurrences_between(Timestamp(0), Timestamp(u64::MAX), 200) {
            let at = jiff::Timestamp::from_millisecond(one.start.0.try_into().expect("small")).expect("in range");
            let local = zone.to_datetime(at);
            let clock = weekly.time.to_string().parse().expect("a time");
            // A leap may lead beyond midnight.
            let days = [local.date(), local.date().saturating_sub(Span::new().days(1))];
            let planned = days.map(|day| day.to_datetime(clock)).into_iter().find(|planned| {
                let start = zone.to_ambiguous_timestamp(*planned).compatible();
                weekly.days.contains(&Weekday::from(planned.weekday())) && start.is_ok_and(|start| start == at)
            });
            let planned = planned.ok_or_else(|| TestCaseError::fail(format!("{local} was not chosen")))?;
            let is_in_gap = zone.to_ambiguous_timestamp(planned).offset();
            let is_in_gap = matches!(is_in_gap, jiff::tz::AmbiguousOffset::Gap { .. });
            prop_assert!(planned == local || is_in_gap, "{} is not {}", local, planned);
            let length = one.end.map(|end| end.since_ms(one.start));
            prop_assert_eq!(length, weekly.duration_minutes.map(|minutes| u64::from(minutes) * 60_000));
        }
    }

    #[test]
    fn the_last_is_the_last(weekly in schedules(1971, 2030)) {
        let timetable = timetable(weekly.clone());
        let Some(last) = timetable.last() else {
            prop_assert_eq!(weekly.ends, Ends::Never);
            return Ok(());
        };
        prop_assert_eq!(timetable.next_after(last.start), None);
        let before = Timestamp(last.start.0 - 1);
        prop_assert_eq!(timetable.next_after(before), Some(last));
        let end = last.end.unwrap_or(last.start);
        prop_assert!(timetable.is_over(end) && !timetable.is_over(Timestamp(end.0 - 1)));
    }

    #[test]
    fn it_is_written_and_read_again(weekly in schedules(1971, 2190)) {
        let schedule = Schedule::Weekly(weekly);
        let json = serde_json::to_string(&schedule).expect("it can be written");
        prop_assert_eq!(&serde_json::from_str::<Schedule>(&json).expect("readable"), &schedule);
        let packed = rmp_serde::to_vec_named(&schedule).expect("it can be written");
        prop_assert_eq!(&rmp_serde::from_slice::<Schedule>(&packed).expect("readable"), &schedule);
    }

    #[test]
    fn no_instant_is_too_far(weekly in schedules(1971, 2199), at in any::<u64>(), to in any::<u64>()) {
        if let Ok(timetable) = Schedule::Weekly(weekly).timetable() {
            let next = timetable.next_after(Timestamp(at));
            prop_assert!(next.is_none_or(|next| next.start.0 > at));
            let some = timetable.occurrences_between(Timestamp(at), Timestamp(to), 3);
            prop_assert!(some.iter().all(|one| (at..to).contains(&one.start.0)));
        }
    }
}
