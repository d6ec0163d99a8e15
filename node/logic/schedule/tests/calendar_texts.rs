//! Whatever stands in a text stays in it: lines are folded and texts escaped so that a reader finds what was given, and
//! no line of its own.

mod support;

use plenary_model::Timestamp;
use plenary_schedule::{
    Timetable,
    ical::{Event, Organiser, State, calendar},
};
use proptest::prelude::*;
use support::once;

const NAMES: &[&str] = &[
    "BEGIN",
    "VERSION",
    "PRODID",
    "CALSCALE",
    "METHOD",
    "TZID",
    "DTSTART",
    "TZOFFSETFROM",
    "TZOFFSETTO",
    "TZNAME",
    "RRULE",
    "UID",
    "SEQUENCE",
    "DTSTAMP",
    "DURATION",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "URL",
    "ORGANIZER",
    "STATUS",
    "TRANSP",
    "END",
];

/// In a zone without changes of the clocks, which are quick to describe.
fn timetable() -> Timetable {
    once("Asia/Kathmandu", "2026-06-01T09:30")
        .timetable()
        .expect("a good schedule")
}

fn event() -> Event<'static> {
    Event {
        uid: "a@b",
        sequence: 0,
        stamp: Timestamp(0),
        state: State::Confirmed,
        summary: "",
        description: "",
        location: "",
        url: "",
        organiser: None,
    }
}

/// The content lines of a file (RFC 5545 §3.1), after all that its bytes promise was checked.
fn unfolded(text: &str) -> Vec<String> {
    let body = text.strip_suffix("\r\n").expect("the last line has an end");
    let lines: Vec<&str> = body.split("\r\n").collect();
    for line in &lines {
        assert!(line.len() <= 75, "{} octets: {line}", line.len());
        assert!(!line.is_empty());
        assert!(
            line.chars().all(|char| char == '\t' || !char.is_control()),
            "{line:?}"
        );
    }
    let mut found: Vec<String> = Vec::new();
    for line in lines {
        match (line.strip_prefix(' '), found.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            _ => found.push(line.to_owned()),
        }
    }
    for line in &found {
        let name = line.split([':', ';']).next().unwrap_or_default();
        assert!(NAMES.contains(&name), "{name} is none of our lines");
    }
    found
}

/// What a property of a kind says; each is there once at most.
fn value(lines: &[String], name: &str) -> Option<String> {
    let event = lines.iter().skip_while(|line| *line != "BEGIN:VEVENT");
    let mut values = event.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = values.next().map(str::to_owned);
    assert_eq!(values.next(), None, "{name} is there once");
    value
}

/// RFC 5545 §3.3.11, backwards.
fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut found = String::new();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('n' | 'N') => found.push('\n'),
                Some(escaped @ ('\\' | ';' | ',')) => found.push(escaped),
                other => unreachable!("{other:?} after a backslash"),
            },
            ';' | ',' => unreachable!("{char} without a backslash"),
            char => found.push(char),
        }
    }
    found
}

/// What of a text of many lines is to be found again.
fn kept(text: &str) -> String {
    let breaks = ['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    let text = text.replace("\r\n", "\n").replace(breaks, "\n");
    text.chars()
        .filter(|char| ['\n', '\t'].contains(char) || !char.is_control())
        .collect()
}

fn structure(lines: &[String]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line.split([':', ';']).next().unwrap_or_default())
        .collect()
}

/// Texts that tempt: separators, ends of lines of all kinds, control characters, long words of many bytes.
fn texts() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        "[ -~]{0,40}",
        "\\PC{0,40}",
        any::<String>(),
        proptest::sample::select(vec![
            "\r\n",
            "\r",
            "\n",
            "\n ",
            "\u{85}",
            "\u{2028}",
            "\u{2029}",
            "\u{b}",
            "\u{c}",
            "\0",
            "\u{1b}",
            "\u{7f}",
            "\u{9b}",
            "\\n",
            "\\",
            ";",
            ",",
            "\"",
            "^n",
            "^",
            ":",
            "\t",
            " ",
            "END:VEVENT",
            "\r\nATTENDEE:mailto:x@example.com",
            "👩‍👩‍👧",
            "é",
            "漢字",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(parts, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn texts_are_found_as_they_were_given(summary in texts(), description in texts(), location in texts()) {
        let event = Event { summary: &summary, description: &description, location: &location, ..event() };
        let lines = unfolded(&calendar(&timetable(), &event));
        let found = |name| unescaped(&value(&lines, name).unwrap_or_default());
        prop_assert_eq!(found("DESCRIPTION"), kept(&description));
        prop_assert_eq!(found("SUMMARY"), kept(&summary).replace('\n', " "));
        prop_assert_eq!(found("LOCATION"), kept(&location).replace('\n', " "));
    }

    #[test]
    fn no_text_begins_a_line_of_its_own(
        uid in texts(), summary in texts(), description in texts(), location in texts(), url in texts(), name in texts(),
        email in proptest::option::of(texts()),
    ) {
        let organiser = Some(Organiser { name: "Alice", email: None });
        let harmless = Event { summary: "a", description: "b", location: "c", url: "d", organiser, ..event() };
        let harmless = unfolded(&calendar(&timetable(), &harmless));
        // What is empty has no line, so nothing is.
        let [summary, description, location, url] = [summary, description, location, url].map(|text| format!("x{text}"));
        let organiser = Some(Organiser { name: &name, email: email.as_deref() });
        let event = Event {
            uid: &uid, summary: &summary, description: &description, location: &location, url: &url, organiser, ..event()
        };
        let lines = unfolded(&calendar(&timetable(), &event));
        prop_assert_eq!(structure(&lines), structure(&harmless));

        let url = value(&lines, "URL").unwrap_or_default();
        let is_of_addresses = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        prop_assert!(url.bytes().all(is_of_addresses), "{}", url);
        let organiser = lines.iter().find_map(|line| line.strip_prefix("ORGANIZER;CN=\"")).unwrap_or_default();
        let (name, address) = organiser.split_once("\":").unwrap_or_default();
        prop_assert!(!name.contains('"'));
        prop_assert!(address.starts_with("mailto:") || address == "invalid:nomail");
        prop_assert!(address.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}

#[test]
fn a_title_with_line_ends_cannot_add_properties() {
    for end in [
        "\r\n", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}", "\r\n\r\n", "\\n\r\n",
    ] {
        let title = format!("Review{end}ATTENDEE:mailto:eve@example.com{end}END:VEVENT{end}BEGIN:VALARM");
        let event = Event {
            uid: &title,
            summary: &title,
            description: &title,
            location: &title,
            url: &title,
            organiser: Some(Organiser {
                name: &title,
                email: Some(&title),
            }),
            ..event()
        };
        let lines = unfolded(&calendar(&timetable(), &event));
        for evil in ["ATTENDEE", "BEGIN:VALARM"] {
            assert!(
                !lines.iter().any(|line| line.starts_with(evil)),
                "{evil} after {end:?}"
            );
        }
        assert_eq!(lines.iter().filter(|line| *line == "END:VEVENT").count(), 1);
    }
}

#[test]
fn lines_are_cut_at_75_octets_and_between_characters() {
    // SUMMARY: has 8 octets, so that one of four would be cut in two.
    for padding in 0..8 {
        let title = "x".repeat(padding) + &"𝄞".repeat(60);
        let event = Event {
            summary: &title,
            ..event()
        };
        let text = calendar(&timetable(), &event);
        let lines = unfolded(&text);
        assert_eq!(value(&lines, "SUMMARY"), Some(title));
        assert!(
            text.split("\r\n")
                .any(|line| line.starts_with("SUMMARY") && line.len() > 71)
        );
    }
    let exact = "x".repeat(75 - "SUMMARY:".len());
    for (title, folds) in [(exact.clone(), 0), (exact + "x", 1)] {
        let event = Event {
            summary: &title,
            ..event()
        };
        let text = calendar(&timetable(), &event);
        assert_eq!(text.matches("\r\n ").count(), folds);
    }
}

#[test]
fn what_is_empty_is_left_out() {
    let lines = unfolded(&calendar(&timetable(), &event()));
    for name in ["SUMMARY", "DESCRIPTION", "LOCATION", "URL", "ORGANIZER"] {
        assert!(!structure(&lines).contains(&name), "{name}");
    }
}

#[test]
fn numbers_stay_in_their_range() {
    let event = Event {
        sequence: u32::MAX,
        stamp: Timestamp(u64::MAX),
        ..event()
    };
    let lines = unfolded(&calendar(&timetable(), &event));
    assert_eq!(value(&lines, "SEQUENCE").as_deref(), Some("2147483647"));
    let stamp = value(&lines, "DTSTAMP").expect("it has one");
    assert!(stamp.len() == 16 && stamp.starts_with("9999"), "{stamp}");
}
