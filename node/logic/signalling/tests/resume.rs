//! A resume neither loses nor doubles a message, wherever the wire was cut.

mod support;

use plenary_signalling::{Connection, Input, Limits, Output, ServerBody, Topic};
use proptest::prelude::*;
use support::{Client, attach, bodies, changed, codes, connection, watch, who};

#[derive(Debug, Clone)]
enum Step {
    /// Something changes; longer apart than changes are merged.
    Change,
    Watch,
    Ping,
    ToClient(usize),
    ToServer(usize),
    /// `seen`: the server notices before the client is back.
    Cut {
        seen: bool,
        gone_ms: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Change),
        1 => Just(Step::Watch),
        1 => Just(Step::Ping),
        3 => (1usize..6).prop_map(Step::ToClient),
        2 => (1usize..6).prop_map(Step::ToServer),
        1 => (any::<bool>(), 0u64..20_000).prop_map(|(seen, gone_ms)| Step::Cut { seen, gone_ms }),
    ]
}

struct World {
    connection: Connection,
    client: Client,
    now_ms: u64,
    changes: u64,
}

impl World {
    fn new() -> Self {
        let mut connection = connection(true, Limits::default());
        let mut client = Client::new();
        client.wire(connection.handle(attach(0), 0));
        client.hear();
        client.say(&[Topic::Users]);
        let mut world = Self {
            connection,
            client,
            now_ms: 0,
            changes: 0,
        };
        world.deliver(1);
        world
    }

    fn feed(&mut self, input: Input<'_>) {
        let outputs = self.connection.handle(input, self.now_ms);
        self.client.wire(outputs);
    }

    fn deliver(&mut self, count: usize) {
        for _ in 0..count {
            let Some(text) = self.client.up.pop_front() else {
                return;
            };
            self.feed(Input::Text(&text));
        }
    }

    fn cut(&mut self, seen: bool, gone_ms: u64) {
        self.client.cut();
        if seen {
            self.feed(Input::Lost { left: false });
        }
        self.now_ms += gone_ms;
        self.feed(Input::Tick);
        // Whatever the server wrote in the meantime went nowhere.
        self.client.cut();
        let last_seq = self.client.link.received();
        assert!(self.connection.can_resume(&who(true), last_seq));
        self.feed(attach(last_seq));
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Change => {
                self.now_ms += 300;
                self.changes += 1;
                let object = self.changes.to_string();
                self.feed(changed(&object, self.changes));
            }
            Step::Watch => self.client.say(&[Topic::Users, Topic::Groups]),
            Step::Ping => self.client.ping(),
            Step::ToClient(count) => (0..count).for_each(|_| self.client.hear()),
            Step::ToServer(count) => self.deliver(count),
            Step::Cut { seen, gone_ms } => self.cut(seen, gone_ms),
        }
    }

    fn settle(&mut self) {
        while !self.client.down.is_empty() || !self.client.up.is_empty() {
            self.client.hear();
            self.deliver(1);
        }
    }
}

proptest! {
    #[test]
    fn the_client_hears_every_change_once_and_in_order(steps in prop::collection::vec(step(), 0..80)) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
        }
        world.cut(true, 0);
        world.settle();
        let expected: Vec<_> = (1..=world.changes).map(|index| {
            ServerBody::Changed { topic: Topic::Users, object: index.to_string(), index }
        }).collect();
        prop_assert_eq!(&world.client.heard, &expected);
        // And the server has handled all that the client said.
        prop_assert_eq!(world.client.link.kept().count(), 0);
        prop_assert!(world.client.welcome.is_some_and(|welcome| welcome.resumed));
    }
}

#[test]
fn what_changed_while_the_client_was_away_is_replayed_with_its_numbers() {
    let mut run = connection(true, Limits::default());
    run.handle(attach(0), 0);
    run.handle(Input::Text(&watch(1, 0, &[Topic::Users])), 0);
    run.handle(changed("a", 1), 10);
    assert_eq!(run.handle(Input::Lost { left: false }, 20), []);
    assert_eq!(run.handle(changed("b", 2), 30), []);
    assert!(run.can_resume(&who(true), 1));
    let out = run.handle(attach(1), 40);
    assert_eq!(
        bodies(&out),
        [ServerBody::Changed {
            topic: Topic::Users,
            object: "b".into(),
            index: 2
        }]
    );
    let Output::Send(welcome) = &out[2] else {
        panic!("{out:?}")
    };
    assert!(welcome.contains(r#""resumed":true,"last_seq":1"#), "{welcome}");
}

#[test]
fn a_second_connection_replaces_the_first() {
    let mut run = connection(false, Limits::default());
    run.handle(attach(0), 0);
    let out = run.handle(attach(0), 10);
    assert!(matches!(&out[..2], [Output::Close(close), Output::Attached] if close.code().number() == 4409));
    assert!(run.is_attached());
}

#[test]
fn a_run_is_for_its_own_session_and_rights() {
    let mut run = connection(true, Limits::default());
    run.handle(attach(0), 0);
    let mut other = who(true);
    assert!(run.can_resume(&other, 0));
    assert!(!run.can_resume(&who(false), 0));
    other.session = "s-2".into();
    assert!(!run.can_resume(&other, 0));
    assert!(!run.can_resume(&who(true), 1), "a message that was never sent");
}

#[test]
fn a_run_waits_for_its_client_and_then_ends() {
    let limits = Limits::default();
    let mut run = connection(false, limits.clone());
    assert!(run.handle(attach(0), 1_000).contains(&Output::Present));
    run.handle(Input::Lost { left: false }, 2_000);
    assert_eq!(run.next_deadline(), Some(2_000 + limits.absent_after_ms));
    assert_eq!(
        run.handle(Input::Tick, 2_000 + limits.absent_after_ms),
        [Output::Absent]
    );
    assert_eq!(run.next_deadline(), Some(2_000 + limits.resume_for_ms));
    assert!(run.can_resume(&who(false), 0));
    assert_eq!(
        run.handle(Input::Tick, 2_000 + limits.resume_for_ms),
        [Output::Ended]
    );
    assert!(!run.can_resume(&who(false), 0));
    assert_eq!(run.next_deadline(), None);
    assert_eq!(run.handle(attach(0), 90_000), []);
}

#[test]
fn a_short_cut_is_not_shown_to_others() {
    let mut run = connection(false, Limits::default());
    run.handle(attach(0), 0);
    run.handle(Input::Lost { left: false }, 100);
    let out = run.handle(attach(0), 4_000);
    assert!(!out.contains(&Output::Absent));
}

#[test]
fn a_client_that_says_goodbye_leaves_nothing_behind() {
    let mut run = connection(false, Limits::default());
    run.handle(attach(0), 0);
    assert_eq!(
        run.handle(Input::Lost { left: true }, 1),
        [Output::Absent, Output::Ended]
    );
}

#[test]
fn a_client_that_acknowledges_nothing_is_asked_and_then_closed() {
    let limits = Limits {
        kept_messages: 10,
        ..Limits::default()
    };
    let mut run = connection(true, limits);
    run.handle(attach(0), 0);
    run.handle(Input::Text(&watch(1, 0, &[Topic::Users])), 0);
    let mut pings = 0;
    for index in 1..=11 {
        let object = index.to_string();
        let out = run.handle(changed(&object, index), index * 300);
        pings += out
            .iter()
            .filter(|out| matches!(out, Output::Send(text) if text.contains("ping")))
            .count();
        let expected = if index <= 10 { vec![] } else { vec![4408] };
        assert_eq!(
            codes(&out)
                .into_iter()
                .map(|code| code.number())
                .collect::<Vec<_>>(),
            expected
        );
    }
    assert_eq!(pings, 1);
    assert!(run.is_ended());
}

#[test]
fn so_is_a_client_that_stays_away_too_long_for_what_happens() {
    let limits = Limits {
        kept_bytes: 300,
        ..Limits::default()
    };
    let mut run = connection(true, limits);
    run.handle(attach(0), 0);
    run.handle(Input::Text(&watch(1, 0, &[Topic::Users])), 0);
    run.handle(Input::Lost { left: false }, 0);
    for index in 1..=4 {
        run.handle(changed("some-user", index), index * 300);
    }
    assert!(!run.can_resume(&who(true), 0));
}
