//! What a client may hear and do, and what happens to one that has no manners.

mod support;

use plenary_signalling::{
    ClientBody, CloseCode, Connection, Input, Limits, Output, Presence, ServerBody, ServerFrame, Station,
    Topic, Who,
    meeting::{Act, Ended, Moderate, NewPin, Why},
};
use proptest::prelude::*;
use std::sync::Arc;
use support::{attach, bodies, changed, codes, connection, watch, who};

fn only_code(outputs: &[Output]) -> CloseCode {
    let codes = codes(outputs);
    assert_eq!(codes.len(), 1, "{outputs:?}");
    codes[0]
}

#[test]
fn nothing_is_told_that_was_not_asked_for() {
    let mut run = connection(true, Limits::default());
    run.handle(attach(0), 0);
    assert_eq!(run.handle(changed("bob", 1), 1), []);
    run.handle(Input::Text(&watch(1, 0, &[Topic::Users])), 2);
    assert_eq!(bodies(&run.handle(changed("bob", 2), 3)).len(), 1);
    run.handle(Input::Text(&watch(2, 0, &[Topic::Groups])), 4);
    assert_eq!(run.handle(changed("bob", 3), 5), []);
}

#[test]
fn a_watch_is_acknowledged_at_once() {
    let mut run = connection(true, Limits::default());
    run.handle(attach(0), 0);
    let out = run.handle(Input::Text(&watch(1, 0, &[Topic::Users])), 2);
    assert_eq!(out, [Output::Send(ServerFrame::Pong { ack: 1 }.to_json())]);
}

#[test]
fn users_hear_of_their_own_sessions_and_contacts_only() {
    let mut run = connection(false, Limits::default());
    run.handle(attach(0), 0);
    run.handle(Input::Text(&watch(1, 0, &[Topic::Sessions, Topic::Contacts])), 0);
    for topic in [Topic::Sessions, Topic::Contacts] {
        assert_eq!(
            run.handle(
                Input::Changed {
                    topic,
                    object: "bob",
                    index: 1
                },
                1
            ),
            []
        );
        for object in ["alice", ""] {
            let out = run.handle(
                Input::Changed {
                    topic,
                    object,
                    index: 2,
                },
                1,
            );
            assert_eq!(
                bodies(&out),
                [ServerBody::Changed {
                    topic,
                    object: object.into(),
                    index: 2
                }]
            );
        }
    }
}

#[test]
fn everybody_hears_of_all_conferences() {
    let mut run = connection(false, Limits::default());
    run.handle(attach(0), 0);
    run.handle(Input::Text(&watch(1, 0, &[Topic::Conferences])), 0);
    let changed = Input::Changed {
        topic: Topic::Conferences,
        object: "review",
        index: 2,
    };
    let expected = ServerBody::Changed {
        topic: Topic::Conferences,
        object: "review".into(),
        index: 2,
    };
    assert_eq!(bodies(&run.handle(changed, 1)), [expected]);
}

#[test]
fn the_topics_of_administrators_are_refused_to_users() {
    for topic in Topic::ALL {
        let mut run = connection(false, Limits::default());
        run.handle(attach(0), 0);
        let out = run.handle(Input::Text(&watch(1, 0, &[topic])), 0);
        let expected: &[CloseCode] = if topic.is_for_all() {
            &[]
        } else {
            &[CloseCode::Forbidden]
        };
        assert_eq!(codes(&out), expected, "{topic}");
        let mut run = connection(true, Limits::default());
        run.handle(attach(0), 0);
        assert_eq!(codes(&run.handle(Input::Text(&watch(1, 0, &[topic])), 0)), []);
    }
}

#[test]
fn presence_is_told_to_who_watches_contacts() {
    let bob = || Input::Presence {
        user: "bob".parse().unwrap(),
        presence: Presence::Online,
    };
    let mut run = connection(false, Limits::default());
    run.handle(attach(0), 0);
    assert_eq!(run.handle(bob(), 0), []);
    run.handle(Input::Text(&watch(1, 0, &[Topic::Contacts])), 0);
    let told = ServerBody::Presence {
        user: "bob".parse().unwrap(),
        presence: Presence::Online,
    };
    assert_eq!(bodies(&run.handle(bob(), 1)), [told]);
}

#[test]
fn what_was_missed_is_told_as_anything() {
    let mut run = connection(true, Limits::default());
    run.handle(attach(0), 0);
    run.handle(Input::Text(&watch(1, 0, &[Topic::Users, Topic::Contacts])), 0);
    let told = bodies(&run.handle(Input::Missed { index: 9 }, 1));
    let any = |topic| ServerBody::Changed {
        topic,
        object: String::new(),
        index: 9,
    };
    assert_eq!(told, [any(Topic::Users), any(Topic::Contacts)]);
}

#[test]
fn a_session_that_is_over_closes_and_ends_the_run() {
    let gone = [
        None,
        Some(Who {
            session: "s-2".into(),
            ..who(true)
        }),
    ];
    for now in gone {
        let mut run = connection(true, Limits::default());
        run.handle(attach(0), 0);
        let out = run.handle(Input::Checked(now), 1);
        assert_eq!(only_code(&out), CloseCode::NotSignedIn);
        assert_eq!(out[1..], [Output::Absent, Output::Ended]);
    }
}

#[test]
fn a_lost_right_closes_only_who_used_it() {
    let mut run = connection(true, Limits::default());
    run.handle(attach(0), 0);
    run.handle(Input::Text(&watch(1, 0, &[Topic::Contacts])), 0);
    assert_eq!(run.handle(Input::Checked(Some(who(false))), 1), []);
    assert_eq!(
        run.handle(
            Input::Changed {
                topic: Topic::Contacts,
                object: "bob",
                index: 1
            },
            2
        ),
        []
    );
    run.handle(Input::Checked(Some(who(true))), 3);
    run.handle(Input::Text(&watch(2, 0, &[Topic::Users])), 4);
    assert_eq!(
        only_code(&run.handle(Input::Checked(Some(who(false))), 5)),
        CloseCode::Forbidden
    );
}

#[test]
fn a_node_that_takes_leave_names_the_others() {
    let mut run = connection(true, Limits::default());
    run.handle(attach(0), 0);
    let out = run.handle(
        Input::GoAway {
            nodes: &["https://b".into()],
        },
        1,
    );
    assert!(matches!(&out[0], Output::Close(close) if close.to_string() == r#"4503 ["https://b"]"#));
    assert!(run.is_ended());
}

#[test]
fn silence_is_answered_by_a_ping_and_then_by_a_close_that_can_be_resumed() {
    let mut run = connection(true, Limits::default());
    run.handle(attach(0), 0);
    for beat in [10_000, 20_000] {
        assert_eq!(run.next_deadline(), Some(beat));
        assert_eq!(
            run.handle(Input::Tick, beat),
            [Output::Send(ServerFrame::Ping { ack: 0 }.to_json())]
        );
    }
    assert_eq!(run.next_deadline(), Some(30_000));
    assert_eq!(only_code(&run.handle(Input::Tick, 30_000)), CloseCode::TooSlow);
    assert!(run.can_resume(&who(true), 0));
}

#[test]
fn whatever_is_heard_puts_off_the_ping() {
    let mut run = connection(true, Limits::default());
    run.handle(attach(0), 0);
    assert_eq!(run.handle(Input::Text(r#"{"type":"pong","ack":0}"#), 9_000), []);
    assert_eq!(run.next_deadline(), Some(19_000));
    let out = run.handle(Input::Text(r#"{"type":"ping","ack":0}"#), 12_000);
    assert_eq!(out, [Output::Send(ServerFrame::Pong { ack: 0 }.to_json())]);
    assert_eq!(run.next_deadline(), Some(22_000));
}

#[test]
fn a_flood_is_closed() {
    let limits = Limits {
        burst_messages: 5,
        messages_per_s: 1,
        ..Limits::default()
    };
    let mut run = connection(true, limits);
    run.handle(attach(0), 0);
    for _ in 0..5 {
        assert_eq!(run.handle(Input::Control(10), 0), []);
    }
    assert_eq!(
        only_code(&run.handle(Input::Text(r#"{"type":"pong","ack":0}"#), 999)),
        CloseCode::NotUnderstood
    );
    assert!(run.is_ended());
}

#[test]
fn so_are_too_many_bytes_and_messages_that_are_too_long() {
    let limits = Limits {
        message_bytes: 100,
        burst_bytes: 150,
        ..Limits::default()
    };
    let long = format!(r#"{{"type":"pong","ack":0,"pad":"{}"}}"#, "x".repeat(60));
    for inputs in [
        vec![Input::Text(&long), Input::Text(&long)],
        vec![Input::Oversize],
        vec![Input::Binary(1)],
    ] {
        let mut run = connection(true, limits.clone());
        run.handle(attach(0), 0);
        let out: Vec<_> = inputs
            .into_iter()
            .flat_map(|input| run.handle(input, 0))
            .collect();
        assert_eq!(only_code(&out), CloseCode::NotUnderstood);
    }
    let mut run = connection(true, limits);
    run.handle(attach(0), 0);
    let out = run.handle(Input::Text(&"x".repeat(101)), 0);
    assert!(matches!(&out[0], Output::Close(close) if close.reason().contains("longer than 100")));
}

#[test]
fn numbers_that_cannot_be_are_not_understood() {
    let bad = [
        watch(2, 0, &[]),
        watch(0, 0, &[]),
        watch(1, 1, &[]),
        r#"{"type":"ping","ack":1}"#.into(),
    ];
    for text in bad {
        let mut run = connection(true, Limits::default());
        run.handle(attach(0), 0);
        assert_eq!(
            only_code(&run.handle(Input::Text(&text), 0)),
            CloseCode::NotUnderstood,
            "{text}"
        );
    }
}

#[derive(Debug, Clone)]
enum Garbage {
    Text(String),
    Nearly { kind: &'static str, seq: u64, ack: u64 },
    Binary(usize),
    Lost(bool),
    Attach,
    Changed(String, u64),
    Wait(u64),
}

fn garbage() -> impl Strategy<Value = Garbage> {
    let kinds = prop::sample::select(vec!["watch", "ping", "pong", "hello", "changed"]);
    prop_oneof![
        1 => ".*".prop_map(Garbage::Text),
        6 => (kinds, 0u64..4, 0u64..4).prop_map(|(kind, seq, ack)| Garbage::Nearly { kind, seq, ack }),
        1 => any::<usize>().prop_map(Garbage::Binary),
        1 => any::<bool>().prop_map(Garbage::Lost),
        3 => Just(Garbage::Attach),
        6 => (".{0,3}", any::<u64>()).prop_map(|(object, index)| Garbage::Changed(object, index)),
        3 => prop_oneof![0u64..5_000, any::<u64>()].prop_map(Garbage::Wait),
    ]
}

proptest! {
    #[test]
    fn garbage_never_panics_and_an_ended_run_is_silent(steps in prop::collection::vec(garbage(), 0..40)) {
        let mut run = connection(true, Limits::default());
        run.handle(attach(0), 0);
        let mut now_ms = 0u64;
        for step in steps {
            let ended = run.is_ended();
            let out = match step {
                Garbage::Text(text) => run.handle(Input::Text(&text), now_ms),
                Garbage::Nearly { kind, seq, ack } => {
                    let body = r#"{"topics":["users"]}"#;
                    let text = format!(r#"{{"type":"{kind}","seq":{seq},"ack":{ack},"body":{body}}}"#);
                    run.handle(Input::Text(&text), now_ms)
                }
                Garbage::Binary(bytes) => run.handle(Input::Binary(bytes), now_ms),
                Garbage::Lost(left) => run.handle(Input::Lost { left }, now_ms),
                Garbage::Attach if run.can_resume(&who(true), 0) => run.handle(attach(0), now_ms),
                Garbage::Attach => Vec::new(),
                Garbage::Changed(object, index) => run.handle(changed(&object, index), now_ms),
                Garbage::Wait(ms) => {
                    now_ms = now_ms.saturating_add(ms);
                    run.handle(Input::Tick, now_ms)
                }
            };
            prop_assert!(!ended || out.is_empty());
            // All that is sent can be read again by a client.
            for output in &out {
                if let Output::Send(text) = output && !text.contains("welcome") {
                    prop_assert!(ServerFrame::parse(text).is_ok());
                }
            }
            prop_assert_eq!(run.is_ended(), run.next_deadline().is_none());
        }
    }
}

#[test]
fn what_is_asked_about_meetings_is_passed_on_and_answers_are_kept_as_all_messages() {
    let mut run = connection(false, Limits::default());
    run.handle(attach(0), 0);
    let say = r#"{"seq":1,"ack":0,"type":"say","body":{"text":"hello"}}"#;
    let out = run.handle(Input::Text(say), 1);
    assert!(matches!(&out[0], Output::Request(ClientBody::Say(said)) if said.text == "hello"));
    assert!(
        run.handle(Input::Text(say), 2)
            .iter()
            .all(|out| !matches!(out, Output::Request(_))),
        "once"
    );
    let ended = ServerBody::Ended(Ended { reason: Why::Removed });
    run.handle(Input::Lost { left: false }, 3);
    assert_eq!(run.handle(Input::Tell(Box::new(ended)), 4), []);
    let out = run.handle(attach(0), 5);
    assert!(
        matches!(out.last(), Some(Output::Send(text)) if text.contains(r#""type":"ended","body":{"reason":"removed"}"#)),
        "{out:?}"
    );
}

#[test]
fn guests_watch_nothing() {
    let guest = Who {
        guest_of: Some("demo".parse().unwrap()),
        ..who(false)
    };
    let station = Station {
        server: "paris.example.com".parse().unwrap(),
        node: "node-1".parse().unwrap(),
    };
    let mut run = Connection::new(
        guest,
        Arc::new(station),
        Arc::new(Limits::default()),
        "run-1".into(),
    );
    run.handle(attach(0), 0);
    let out = run.handle(Input::Text(&watch(1, 0, &[Topic::Conferences])), 1);
    assert_eq!(only_code(&out), CloseCode::Forbidden);
}

#[test]
fn a_pin_that_a_moderator_sets_stands_in_no_log() {
    let said = Moderate {
        pin: Some(NewPin("471108".into())),
        ..Moderate::from(Act::SetPin)
    };
    assert!(!format!("{:?}", ClientBody::Moderate(said)).contains("471108"));
}
