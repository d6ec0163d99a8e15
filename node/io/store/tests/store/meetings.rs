use crate::{gate, home::*};
use plenary_access::*;
use plenary_conference::{
    self as conference, AWAY_MS, Access, Act, Guest, GuestId, Heard, Line, Participant, ParticipantId, Patch,
    Person, SecretHash, StatePatch, Via,
};
use plenary_licences::PoolId;
use plenary_licensing::Change as Counting;
use plenary_model::{Cid, NodeId};
use plenary_store::{AnyCommand, decode_command, encode_command, queries};
use proptest::{prelude::*, sample::select};

type Meeting = conference::Change;

/// Past what SQLite's numbers hold as positive ones.
pub(crate) const LARGE: u64 = u64::MAX - 7;

pub(crate) fn review() -> Cid {
    name("review")
}

pub(crate) fn guest_id() -> GuestId {
    GuestId::of_random([7; 16])
}

pub(crate) fn account(user: &str) -> Person {
    Person::Account(name(user))
}

fn secret(number: u8) -> SecretHash {
    SecretHash([number; 32])
}

pub(crate) fn enter(id: u64, person: Person) -> Meeting {
    Meeting::Enter {
        cid: review(),
        participant: ParticipantId(id),
        person,
        name: None,
        via: Via::Browser,
        node: NodeId(1),
        epoch: 11,
        secret: secret(1),
        muted: true,
        camera: false,
        pin: None,
        screenless_at_home: false,
    }
}

fn set(id: u64, patch: StatePatch) -> Meeting {
    Meeting::Set {
        cid: review(),
        participant: ParticipantId(id),
        moves: 0,
        patch,
    }
}

pub(crate) fn leave(id: u64) -> Meeting {
    Meeting::Leave {
        cid: review(),
        participant: ParticipantId(id),
        moves: 0,
    }
}

fn resume(id: u64) -> Meeting {
    Meeting::Resume {
        cid: review(),
        participant: ParticipantId(id),
        secret: secret(1),
        node: NodeId(1),
        epoch: 11,
    }
}

fn react(id: u64) -> Meeting {
    Meeting::React {
        cid: review(),
        participant: ParticipantId(id),
        moves: 0,
        text: "👍".into(),
    }
}

pub(crate) fn say(id: u64, text: &str) -> Meeting {
    Meeting::Say {
        cid: review(),
        participant: ParticipantId(id),
        text: text.into(),
        reply_to: None,
        mentions: Vec::new(),
        key: None,
    }
}

/// In answer to the first line, with a mention of Alice.
pub(crate) fn answer(id: u64, text: &str) -> Meeting {
    Meeting::Say {
        cid: review(),
        participant: ParticipantId(id),
        text: text.into(),
        reply_to: Some(1),
        mentions: vec![ParticipantId(LARGE)],
        key: None,
    }
}

pub(crate) fn edit(id: u64, line: u64, text: &str) -> Meeting {
    Meeting::EditLine {
        cid: review(),
        participant: ParticipantId(id),
        line,
        text: text.into(),
        mentions: vec![ParticipantId(LARGE)],
    }
}

pub(crate) fn unsay(id: u64, line: u64) -> Meeting {
    Meeting::DeleteLine {
        cid: review(),
        by: Some(ParticipantId(id)),
        line,
    }
}

pub(crate) fn come_as_guest() -> Meeting {
    Meeting::GuestEnter {
        cid: review(),
        guest: guest_id(),
        name: "Ann".into(),
        token: token("ann"),
        before: None,
        source: Some("address:192.0.2.7".into()),
        link: None,
        agreed: Vec::new(),
        returning: None,
        key: None,
    }
}

/// The same by a browser that has the key of this name, and gets another one.
pub(crate) fn come_back(by: &str, next: &str) -> Meeting {
    let mut change = come_as_guest();
    if let Meeting::GuestEnter {
        guest,
        returning,
        key,
        token: hash,
        ..
    } = &mut change
    {
        *guest = GuestId::of_random([8; 16]);
        (*returning, *key) = (Some(token(by)), Some(token(next)));
        *hash = token(&format!("token-{next}"));
    }
    change
}

fn open(access: Access) -> Meeting {
    Meeting::Update {
        cid: review(),
        expect: None,
        patch: Patch {
            access: Some(access),
            ..Patch::default()
        },
    }
}

fn started(epoch: u64) -> Change {
    Change::NodeStarted {
        node: NodeId(1),
        epoch,
        version: "1".into(),
    }
}

fn active(user: &str, active: bool) -> Change {
    let patch = UserPatch {
        active: Some(active),
        ..UserPatch::default()
    };
    Change::UpdateUser {
        id: name(user),
        expect: None,
        patch,
    }
}

pub(crate) fn roster(home: &Home) -> Vec<Participant> {
    queries::roster(&home.db, &review()).expect("reads")
}

fn ids(home: &Home) -> Vec<u64> {
    roster(home).iter().map(|place| place.id.0).collect()
}

pub(crate) fn lines(home: &Home, after: u64, limit: u32) -> Vec<Line> {
    queries::lines(&home.db, &review(), after, limit).expect("reads")
}

fn guest(home: &Home) -> Option<Guest> {
    queries::guest(&home.db, &token("ann"), home.now()).expect("reads")
}

/// The public room `review` of Bob on node 1, which has started.
pub(crate) fn with_room() -> Home {
    let mut home = Home::with_users([called("alice", "Alice Ann"), new_user("bob")]);
    home.ok(system(), started(11));
    home.ok(by("bob"), room("review", "Review"));
    home.ok(by("bob"), open(Access::Public));
    home
}

/// A meeting with Alice, Bob and a guest, where everything has a value.
pub(crate) fn meeting() -> Home {
    let mut home = with_room();
    home.ok(system(), come_as_guest());
    home.ok(system(), enter(LARGE, account("alice")));
    home.now += 5;
    home.ok(system(), enter(2, account("bob")));
    home.ok(system(), enter(1, Person::Guest(guest_id())));
    let all = StatePatch {
        muted: Some(false),
        camera: Some(true),
        content: Some(true),
        hand: Some(true),
        podium: None,
        invitation: None,
    };
    home.ok(system(), set(LARGE, all));
    home.ok(system(), react(2));
    home.ok(system(), say(1, "One\nTwo"));
    home
}

#[test]
fn a_meeting_is_there_after_a_restart_and_in_a_snapshot() {
    let mut home = meeting();
    home.ok(system(), Change::NodeLost { node: NodeId(1) });
    let (digest, before) = (home.digest(), roster(&home));
    assert_eq!(ids(&home), [LARGE, 1, 2], "who came first is first");
    let first = &before[0];
    assert_eq!(
        (first.person.clone(), first.name.as_str()),
        (account("alice"), "Alice Ann")
    );
    assert_eq!((first.muted, first.camera, first.content), (false, true, true));
    assert_eq!((first.hand, first.joined_at.0), (Some(home.now()), START));
    assert_eq!((first.away, first.away_since), (true, Some(home.now())));
    assert_eq!((first.secret, first.via), (secret(1), Via::Browser));
    assert_eq!(before[1].name, "Ann");
    assert_eq!(before[2].reaction.as_ref().expect("shown").text, "👍");
    home.reopen();
    let copy = home.copied();
    for home in [&home, &copy] {
        assert_eq!((home.digest(), roster(home)), (digest.clone(), before.clone()));
        assert_eq!(lines(home, 0, 10)[0].text, "One\nTwo");
        assert_eq!(guest(home).expect("there").name, "Ann");
    }
    // Both go on alike.
    let mut homes = [home, copy];
    for home in &mut homes {
        home.ok(system(), started(11));
        home.ok(system(), resume(LARGE));
        home.ok(system(), say(LARGE, "Back"));
    }
    assert_eq!(homes[0].digest(), homes[1].digest());
    assert_eq!(roster(&homes[0])[0].moves, 1);
}

#[test]
fn every_table_of_meetings_is_part_of_the_digest() {
    for table in ["runs", "participants", "lines", "guests"] {
        let home = meeting();
        let before = home.digest();
        let deleted = home
            .db
            .execute(&format!("DELETE FROM {table}"), [])
            .expect("writes");
        assert!(deleted > 0, "{table} holds something");
        assert_ne!(home.digest(), before, "{table}");
    }
}

#[test]
fn changes_of_meetings_are_told() {
    let mut home = with_room();
    let mut changes = home.app.changes();
    let mut tells = |home: &mut Home, change: Meeting| {
        home.ok(system(), change);
        Home::told(&mut changes)
    };
    let review = Notice {
        topic: Topic::Meetings,
        object: "review".into(),
    };
    for change in [enter(1, account("alice")), say(1, "Hello"), react(1), leave(1)] {
        let moves = matches!(change, Meeting::Enter { .. } | Meeting::Leave { .. });
        let told = tells(&mut home, change);
        assert!(told.contains(&review));
        let mut presences = told.iter().filter(|notice| notice.topic == Topic::Presence);
        assert_eq!(
            presences.any(|notice| notice.object == "alice"),
            moves,
            "{told:?}"
        );
    }
    assert!(
        tells(
            &mut home,
            Meeting::Delete {
                cid: name("review"),
                expect: None
            }
        )
        .contains(&review)
    );
}

#[test]
fn who_is_on_a_node_is_found_and_away_when_it_starts_anew() {
    let mut home = meeting();
    let on = |home: &Home, epoch| {
        let found = queries::participants_of_node(&home.db, NodeId(1), epoch).expect("reads");
        found.iter().filter(|place| !place.away).count()
    };
    assert_eq!((on(&home, 11), on(&home, 12)), (3, 0));
    home.ok(system(), started(12));
    assert_eq!(on(&home, 11), 0);
    let late = home.run(plain(system(), enter(10, account("alice"))));
    assert!(matches!(late, Err(Refusal::Conflict(_))));
    let swept = |home: &Home| queries::needs_sweep(&home.db, home.now()).expect("reads");
    home.now += AWAY_MS;
    assert!(!swept(&home));
    home.now += 1;
    assert!(swept(&home));
    home.ok(system(), Meeting::Sweep);
    assert!(!swept(&home));
    assert!(ids(&home).is_empty());
    assert_eq!(home.count("lines"), 1, "which outlast their run");
    home.now += 12 * 3_600_000;
    assert!(swept(&home), "the guest");
    home.ok(system(), Meeting::Sweep);
    assert_eq!(home.count("guests"), 0);
}

#[test]
fn accounts_and_rooms_take_their_places_along() {
    let mut home = meeting();
    home.ok(by("root"), active("alice", false));
    assert_eq!(ids(&home), [1, 2]);
    let refused = home.run(plain(system(), enter(5, account("alice"))));
    assert_eq!(refused, Err(Refusal::AccountDisabled));
    home.ok(by("bob"), open(Access::Internal));
    assert_eq!((ids(&home), guest(&home)), (vec![2], None));
    home.ok(by("bob"), open(Access::Public));
    home.ok(system(), come_as_guest());
    let delete = Change::DeleteUser {
        id: name("bob"),
        expect: None,
    };
    home.ok(by("root"), delete);
    for table in ["conferences", "runs", "participants", "lines", "guests"] {
        assert_eq!(home.count(table), 0, "{table}");
    }
}

#[test]
fn lines_are_read_from_the_newest_or_from_where_one_was() {
    let mut home = meeting();
    for number in 2..=10 {
        home.ok(system(), say(2, &number.to_string()));
    }
    let numbers = |after, limit| {
        lines(&home, after, limit)
            .iter()
            .map(|line| line.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(0, 3), [8, 9, 10]);
    assert_eq!(numbers(7, 2), [8, 9]);
    assert!(numbers(10, 5).is_empty());
    let line = &lines(&home, 9, 1)[0];
    assert_eq!(
        (line.participant, line.name.as_str(), line.text.as_str()),
        (ParticipantId(2), "bob", "10")
    );
}

#[test]
fn tokens_of_guests_end_after_twelve_hours() {
    let mut home = meeting();
    assert_eq!(guest(&home).expect("there").id, guest_id());
    assert_eq!(
        queries::guest(&home.db, &token("other"), home.now()).expect("reads"),
        None
    );
    home.now += 12 * 3_600_000;
    assert_eq!(guest(&home), None);
}

#[test]
fn one_participant_is_found_by_its_place() {
    let home = meeting();
    let find = |cid: &str, id| queries::participant(&home.db, &name(cid), ParticipantId(id)).expect("reads");
    assert_eq!(find("review", LARGE).expect("there").name, "Alice Ann");
    assert_eq!((find("review", 77), find("other", 2)), (None, None));
}

#[test]
fn what_is_written_of_a_meeting_is_read_again() {
    let patch = StatePatch {
        hand: Some(true),
        ..StatePatch::default()
    };
    for change in [
        come_as_guest(),
        enter(LARGE, account("alice")),
        enter(1, Person::Guest(guest_id())),
        resume(1),
        leave(1),
        set(1, patch),
        react(1),
        say(1, "Hello"),
        answer(1, "@Alice Ann, hello"),
        edit(1, 1, "Hello"),
        unsay(1, 1),
        come_back("one", "two"),
        Meeting::ForgetGuest {
            cid: review(),
            key: token("one"),
        },
        gate::act(Act::SendBack(ParticipantId(LARGE))),
        gate::act(Act::End),
        gate::run_as(gate::strict()),
        Meeting::Spoke {
            cid: review(),
            heard: vec![Heard {
                participant: ParticipantId(1),
                ago_ms: 5,
            }],
        },
        Meeting::Sweep,
    ] {
        let command = plain(system(), change);
        let bytes = encode_command(&command).expect("encodes");
        let read = decode_command(&bytes).expect("decodes");
        assert_eq!(read, AnyCommand::Conference(command));
    }
}

#[test]
fn a_state_from_before_there_were_meetings_is_opened() {
    let mut home = Home::with_users([new_user("alice")]);
    home.ok(by("alice"), room("review", "Review"));
    home.ok(system(), started(11));
    // As the version before left it.
    before_schedules(&home.db);
    home.db
        .execute_batch(
            "DROP TABLE licensing; DROP TABLE licences; DROP TABLE pro_seats; DROP TABLE seat_places;
             DROP TABLE online_seats; DROP TABLE without_pro; DROP TABLE conference_people; DROP TABLE pin_attempts; DROP TABLE runs; DROP TABLE participants; DROP TABLE lines; DROP TABLE guests; PRAGMA user_version = 2",
        )
        .expect("writes");
    home.reopen();
    home.ok(system(), enter(1, account("alice")));
    assert_eq!(ids(&home), [1]);
}

#[test]
fn the_oldest_of_many_lines_are_forgotten() {
    let mut home = with_room();
    home.ok(system(), enter(1, account("alice")));
    let commands: Vec<_> = (0..2_005).map(|_| plain(system(), say(1, "x"))).collect();
    home.batch(&commands);
    assert_eq!((home.count("lines"), lines(&home, 0, 1)[0].id), (2_000, 2_005));
}

fn random() -> impl Strategy<Value = AnyCommand> {
    let person = || {
        prop_oneof![
            select(vec!["alice", "bob", "root"]).prop_map(account),
            Just(Person::Guest(guest_id())),
        ]
    };
    let id = || select(vec![1, 2, 3, LARGE]);
    let access = select(vec![Access::Public, Access::Internal]);
    let patch = StatePatch {
        hand: Some(true),
        ..StatePatch::default()
    };
    prop_oneof![
        4 => (id(), person()).prop_map(|(id, person)| plain(system(), enter(id, person)).into()),
        2 => id().prop_map(|id| plain(system(), leave(id)).into()),
        1 => id().prop_map(|id| plain(system(), resume(id)).into()),
        2 => id().prop_map(move |id| plain(system(), set(id, patch)).into()),
        1 => id().prop_map(|id| plain(system(), react(id)).into()),
        2 => id().prop_map(|id| plain(system(), say(id, "Hello")).into()),
        1 => id().prop_map(|id| plain(system(), answer(id, "@Alice Ann, hello")).into()),
        2 => (id(), 1u64..5).prop_map(|(id, line)| plain(system(), edit(id, line, "@Alice Ann")).into()),
        1 => (id(), 1u64..5).prop_map(|(id, line)| plain(system(), unsay(id, line)).into()),
        1 => Just(plain(system(), come_as_guest()).into()),
        2 => (select(vec!["a", "b"]), select(vec!["a", "b"]))
            .prop_map(|(from, next)| plain(system(), come_back(from, next)).into()),
        1 => access.prop_map(|access| plain(by("bob"), open(access)).into()),
        1 => select(vec![gate::strict(), gate::podium()])
            .prop_map(|settings| plain(by("bob"), gate::run_as(settings)).into()),
        3 => select(gate::acts()).prop_map(|act| plain(by("bob"), gate::act_by_owner(act)).into()),
        1 => id().prop_map(|id| plain(system(), gate::speaks(id)).into()),
        1 => Just(plain(system(), Meeting::Sweep).into()),
        1 => select(vec![11, 12]).prop_map(|epoch| plain(system(), started(epoch)).into()),
        1 => Just(plain(system(), Change::NodeLost { node: NodeId(1) }).into()),
        3 => counting().prop_map(|change| plain(system(), change).into()),
        1 => (select(vec!["alice", "bob"]), any::<bool>())
            .prop_map(|(user, is)| plain(system(), active(user, is)).into()),
    ]
}

/// Seats are counted from somewhere on, and taken away.
fn counting() -> impl Strategy<Value = Counting> {
    let user = || select(vec!["alice", "bob", "root"]).prop_map(name::<plenary_model::UserName>);
    let places = prop::collection::btree_set(select(vec![1, 2, 3, LARGE]), 0..4);
    prop_oneof![
        2 => Just(Counting::Open { pool: PoolId(7), branch: 1 }),
        1 => Just(Counting::Tick),
        1 => Just(Counting::Recompute),
        2 => user().prop_map(|user| Counting::Revoke { user }),
        1 => user().prop_map(|user| Counting::Watch { user }),
        2 => places.prop_map(|places| Counting::Ended { node: NodeId(1), epoch: 11, places }),
        1 => Just(Counting::Silent { node: NodeId(1), beat: 0 }),
    ]
}

fn apply(home: &mut Home, command: &AnyCommand) -> plenary_store::Reply {
    match command.clone() {
        AnyCommand::Access(command) => home.run(command),
        AnyCommand::Conference(command) => home.run(command),
        AnyCommand::Licensing(command) => home.run(command),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nodes_agree_on_meetings(commands in prop::collection::vec(random(), 1..50)) {
        let (mut one, mut other) = (with_room(), with_room());
        for command in &commands {
            prop_assert_eq!(apply(&mut one, command), apply(&mut other, command));
            one.now += 7_000;
            other.now += 7_000;
        }
        other.reopen();
        prop_assert_eq!(one.digest(), other.digest());
        prop_assert_eq!(one.digest(), one.copied().digest());
        // The run counts who is there.
        let counted: i64 = one
            .db
            .query_row("SELECT coalesce(sum(participants), 0) FROM runs", [], |row| row.get(0))
            .expect("counts");
        prop_assert_eq!(counted.cast_unsigned(), one.count("participants"));
        // A seat stays with who left until the node has said that the place ended: no seat is left once it has. Whoever was
        // there goes when the node starts anew and they do not come back; it says that their places ended.
        one.ok(system(), started(13));
        one.now += conference::AWAY_MS + 1;
        one.ok(system(), Meeting::Sweep);
        let places = [1, 2, 3, LARGE].into();
        one.run(plain(system(), Counting::Ended { node: NodeId(1), epoch: 13, places })).ok();
        prop_assert_eq!((one.count("participants"), one.count("seat_places")), (0, 0));
    }
}
