use crate::home::*;
use plenary_access::*;
use plenary_conference::{self as conference, Conference, Patch};
use plenary_model::Revision;
use plenary_replication::{Application as _, Stamp};
use plenary_store::{AnyCommand, decode_command, decode_reply, encode_command, queries, rehearse};

fn stored(home: &Home, cid: &str) -> Option<Conference> {
    queries::conference(&home.db, &name(cid)).expect("reads")
}

fn listed(home: &Home, list: &ListQuery) -> Vec<String> {
    let page = queries::conferences(&home.db, &list.clone().into()).expect("reads");
    let rows = page.items.iter();
    rows.map(|row| row.cid.to_string()).collect()
}

fn with_rooms() -> Home {
    let mut home = Home::with_users([new_user("alice"), new_user("bob")]);
    home.ok(by("alice"), room("review", "Weekly review"));
    home.ok(by("bob"), room("обзор", "Ärzte"));
    home.ok(by("alice"), room("b.2", "Zoo"));
    home
}

#[test]
fn conferences_are_there_after_a_restart() {
    let mut home = with_rooms();
    home.now += 1_000;
    let patch = Patch {
        description: Some("One\nTwo".into()),
        access: Some(conference::Access::Public),
        ..Patch::default()
    };
    let update = conference::Change::Update {
        cid: name("review"),
        expect: stored(&home, "review").map(|room| room.revision),
        patch,
    };
    let changed = home.ok(by("alice"), update);
    home.ok(by("bob"), close("обзор"));
    let digest = home.digest();
    home.reopen();
    assert_eq!(home.digest(), digest);
    let room = stored(&home, "review").expect("there");
    assert_eq!(
        (room.name.as_str(), room.description.as_str()),
        ("Weekly review", "One\nTwo")
    );
    assert_eq!(
        (room.owner, room.access),
        (name("alice"), conference::Access::Public)
    );
    assert_eq!((room.created_at.0, room.updated_at.0), (START, START + 1_000));
    assert_eq!(Outcome::Revision(room.revision), changed);
    assert_eq!(stored(&home, "обзор"), None);
}

#[test]
fn conferences_are_found_and_sorted() {
    let mut home = with_rooms();
    home.now += 1;
    home.ok(by("bob"), room("late", "Late"));
    assert_eq!(listed(&home, &list(50)), ["обзор", "late", "review", "b.2"]);
    let sorted = |sort: &str, descending| {
        let list = ListQuery {
            sort: Some(sort.into()),
            descending,
            ..list(50)
        };
        listed(&home, &list)
    };
    assert_eq!(sorted("cid", false), ["b.2", "late", "review", "обзор"]);
    assert_eq!(sorted("owner", true), ["обзор", "late", "review", "b.2"]);
    assert_eq!(sorted("created_at", true)[0], "late");
    assert_eq!(sorted("updated_at", true)[0], "late");
    assert_eq!(listed(&home, &search("weekly REV")), ["review"]);
    assert_eq!(listed(&home, &search("arzte")), ["обзор"]);
    assert_eq!(listed(&home, &search("alice")), ["review", "b.2"]);
    let mut seen = Vec::new();
    let mut next = list(1);
    loop {
        let page = queries::conferences(&home.db, &next.clone().into()).expect("reads");
        assert_eq!(page.total, 4);
        seen.extend(page.items.into_iter().map(|row| row.cid.to_string()));
        match page.next {
            Some(cursor) => next.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen, ["обзор", "late", "review", "b.2"]);
}

#[test]
fn rights_are_those_of_the_groups_at_that_place_of_the_log() {
    let mut home = Home::with_users([new_user("alice")]);
    home.ok(by("alice"), room("one", "One"));
    let rights = |rights: &[plenary_model::Right]| Change::UpdateGroup {
        id: name("ungrouped"),
        expect: None,
        name: None,
        rights: Some(plenary_model::Rights(rights.iter().copied().collect())),
        address_book: None,
        bandwidth: None,
        call_id: None,
    };
    home.ok(by("root"), rights(&[]));
    let digest = home.digest();
    let refused = home.run(plain(by("alice"), room("two", "Two")));
    assert!(matches!(refused, Err(Refusal::Forbidden { .. })));
    assert_eq!(home.digest(), digest);
    home.ok(by("root"), create_group("g-1", "Hosts"));
    home.ok(by("root"), join("g-1", &["alice"]));
    home.ok(by("alice"), room("two", "Two"));
    let patch = UserPatch {
        active: Some(false),
        ..UserPatch::default()
    };
    let disable = Change::UpdateUser {
        id: name("alice"),
        expect: None,
        patch,
    };
    home.ok(by("root"), disable);
    let refused = home.run(plain(by("alice"), close("two")));
    assert_eq!(refused, Err(Refusal::AccountDisabled));
    let stranger = Actor {
        kind: ActorKind::Anonymous,
        ..system()
    };
    let refused = home.run(plain(stranger, close("two")));
    assert!(matches!(refused, Err(Refusal::Forbidden { .. })));
}

#[test]
fn a_key_answers_for_conferences_too() {
    let mut home = Home::with_users([new_user("alice")]);
    let create = || keyed(by("alice"), "k", room("review", "Review"));
    let first = home.run(create()).expect("good");
    home.ok(by("alice"), close("review"));
    let digest = home.digest();
    home.reopen();
    assert_eq!(home.run(create()), Ok(first), "nothing is made once more");
    let other = Command {
        idempotency: Some(Idempotency {
            key: "k".into(),
            request: [2; 32],
        }),
        ..create()
    };
    assert_eq!(home.run(other), Err(Refusal::IdempotencyMismatch));
    let elsewhere = Command {
        idempotency: Some(Idempotency {
            key: "k".into(),
            request: [2; 32],
        }),
        ..plain(by("alice"), contact("root", "", &[]))
    };
    assert_eq!(home.run(elsewhere), Err(Refusal::IdempotencyMismatch));
    assert_eq!(home.digest(), digest);
}

#[test]
fn rehearsing_a_conference_changes_nothing() {
    let home = with_rooms();
    let before = home.digest();
    let at = Stamp {
        index: home.index + 1,
        position: 0,
        now_ms: home.now,
        level: 1,
    };
    let told = |change| rehearse(&home.db, at, plain(by("alice"), change)).expect("reads");
    assert!(told(room("new-one", "New")).is_ok());
    assert!(matches!(
        told(room("review", "Again")),
        Err(Refusal::Exists { .. })
    ));
    assert!(matches!(told(close("обзор")), Err(Refusal::Forbidden { .. })));
    assert_eq!(home.digest(), before);
}

#[test]
fn conferences_are_told_and_stand_in_the_events() {
    let mut home = Home::with_users([new_user("alice")]);
    let mut changes = home.app.changes();
    home.ok(by("alice"), room("review", "Review"));
    let told = Home::told(&mut changes);
    let notice = |topic, object: &str| Notice {
        topic,
        object: object.into(),
    };
    assert_eq!(
        told,
        [notice(Topic::Events, ""), notice(Topic::Conferences, "review")]
    );
    let query = EventQuery {
        list: list(10),
        object_kind: Some("conference".into()),
        ..EventQuery::default()
    };
    let events = queries::events(&home.db, &query).expect("reads").items;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0].actor, events[0].object.as_str()),
        (&Some(name("alice")), "review")
    );
}

#[test]
fn conferences_go_with_the_account_of_their_owner() {
    let mut home = with_rooms();
    let mut changes = home.app.changes();
    let delete = Change::DeleteUser {
        id: name("alice"),
        expect: None,
    };
    home.ok(by("root"), delete);
    assert_eq!(listed(&home, &list(50)), ["обзор"]);
    let told = Home::told(&mut changes);
    let rooms = told.iter().filter(|notice| notice.topic == Topic::Conferences);
    assert_eq!(rooms.count(), 2);
    home.ok(by("root"), Change::CreateUser(new_user("alice")));
    assert_eq!(
        stored(&home, "review"),
        None,
        "a new account of that name owns nothing"
    );
}

#[test]
fn a_state_from_before_lists_left_out_what_concerns_others_is_opened() {
    let mut home = with_rooms();
    let shut = conference::SettingsPatch {
        uninvited: Some(false),
        ..conference::SettingsPatch::default()
    };
    let patch = Patch {
        settings: shut,
        ..Patch::default()
    };
    let update = conference::Change::Update {
        cid: name("b.2"),
        expect: None,
        patch,
    };
    home.ok(by("alice"), update);
    let digest = home.digest();
    before_uninvited(&home.db);
    home.db.pragma_update(None, "user_version", 23).expect("writes");
    home.reopen();
    assert_eq!(home.digest(), digest);
    let seen_by = |user: &str| {
        let query = conference::ConferenceQuery {
            seen_by: Some(name(user)),
            ..list(50).into()
        };
        queries::conferences(&home.db, &query).expect("reads").items.len()
    };
    assert_eq!((seen_by("alice"), seen_by("bob")), (3, 2));
}

#[test]
fn nodes_agree_on_conferences() {
    let story = || {
        let rooms = ["a", "b", "a", "new"].map(|cid| plain(by("alice"), room(cid, cid)));
        let closed = ["b", "c"].map(|cid| plain(by("root"), close(cid)));
        rooms.into_iter().chain(closed).collect::<Vec<_>>()
    };
    let mut homes = [(); 2].map(|()| Home::with_users([new_user("alice")]));
    let [one, other] = &mut homes;
    for command in story().chunks(2) {
        assert_eq!(one.batch(command), other.batch(command));
        other.reopen();
    }
    assert_eq!(one.digest(), other.digest());
    let before = one.digest();
    one.db
        .execute("DELETE FROM conferences WHERE cid = 'a'", [])
        .expect("writes");
    assert_ne!(one.digest(), before, "conferences are part of the state");
}

/// `DeleteContact` by the system as nodes wrote it before there were conferences.
const OLD_ENTRY: &str = "83a2627984a46b696e64a673797374656da773657373696f6ea0a761646472657373a0aa757365725f6167656e74a0\
     ab6964656d706f74656e6379c0a66368616e676581ae64656c6574655f636f6e7461637481a463616c6ca3626f62";

#[test]
fn entries_from_before_there_were_conferences_are_read_and_written_as_they_were() {
    let bytes: Vec<u8> = (0..OLD_ENTRY.len() / 2)
        .map(|at| u8::from_str_radix(&OLD_ENTRY[at * 2..at * 2 + 2], 16).expect("hexadecimal"))
        .collect();
    let by = Actor {
        address: String::new(),
        user_agent: String::new(),
        ..system()
    };
    let command = plain(by, Change::DeleteContact { call: name("bob") });
    assert_eq!(encode_command(&command).expect("encodes"), bytes);
    assert_eq!(
        decode_command(&bytes).expect("decodes"),
        AnyCommand::Access(command.clone())
    );
    let mut home = Home::founded();
    let transaction = home.db.transaction().expect("begins");
    let at = Stamp {
        index: 9,
        position: 0,
        now_ms: START,
        level: 1,
    };
    let reply = home.app.apply(&transaction, at, &bytes).expect("applies");
    assert!(decode_reply(&reply.bytes).expect("decodes").is_err());
}

#[test]
fn what_is_written_of_a_conference_is_read_again() {
    let update = conference::Change::Update {
        cid: name("review"),
        expect: Some(Revision(7)),
        patch: Patch {
            owner: Some(name("bob")),
            ..Patch::default()
        },
    };
    for change in [room("review", "Review"), update, close("review")] {
        let command = keyed(by("alice"), "k", change);
        let bytes = encode_command(&command).expect("encodes");
        assert_eq!(
            decode_command(&bytes).expect("decodes"),
            AnyCommand::Conference(command)
        );
    }
}

#[test]
fn a_state_from_before_there_were_conferences_is_opened() {
    let mut home = Home::with_users([new_user("alice")]);
    // As the version before left it.
    before_schedules(&home.db);
    home.db
        .execute_batch(
            "DROP TABLE licensing; DROP TABLE licences; DROP TABLE pro_seats; DROP TABLE seat_places;
             DROP TABLE online_seats; DROP TABLE without_pro; DROP TABLE conference_people; DROP TABLE pin_attempts; DROP TABLE conferences; DROP TABLE runs; DROP TABLE participants; DROP TABLE lines; DROP TABLE guests;
             PRAGMA user_version = 1",
        )
        .expect("writes");
    home.reopen();
    assert_eq!(home.count("users"), 2);
    home.ok(by("alice"), room("review", "Review"));
    home.reopen();
    assert!(stored(&home, "review").is_some());
}

/// In these milliseconds, for so many minutes.
pub(crate) fn scheduled_in(home: &Home, ms: u64, minutes: u32) -> conference::Change {
    use plenary_schedule::{LocalDate, LocalTime, Occurrence, Once, Schedule};
    let start = home.now().plus_ms(ms);
    let once = Once {
        date: LocalDate::new(2027, 3, 1).expect("a day"),
        time: LocalTime::new(9, 30).expect("a time"),
        zone: "Europe/Paris".into(),
        duration_minutes: Some(minutes),
    };
    let plan = conference::Plan {
        launch: conference::Launch::Scheduled(Schedule::Once(once)),
        next: Some(Occurrence {
            start,
            end: Some(start.plus_ms(u64::from(minutes) * 60_000)),
        }),
    };
    conference::Change::Update {
        cid: name("review"),
        expect: None,
        patch: Patch {
            plan: Some(plan),
            ..Patch::default()
        },
    }
}

#[test]
fn what_is_due_is_found_begins_and_ends_and_all_of_it_survives_a_restart() {
    let mut home = with_rooms();
    let plan = scheduled_in(&home, 60_000, 30);
    home.ok(by("alice"), plan);
    let due = |home: &Home| queries::due(&home.db, home.now(), 10).expect("reads");
    let ends = |home: &Home| queries::needs_sweep(&home.db, home.now()).expect("reads");
    assert!(due(&home).is_empty());
    home.now += 60_000;
    let [review] = &due(&home)[..] else {
        panic!("one is due")
    };
    let begin = conference::Change::Begin {
        cid: review.cid.clone(),
        start: review.next.expect("it has one").start,
        next: None,
    };
    home.ok(system(), begin);
    assert!(due(&home).is_empty());
    let digest = home.digest();
    home.reopen();
    assert_eq!(home.digest(), digest);
    let runs = queries::runs_of(&home.db, &[name("review"), name("b.2")]).expect("reads");
    assert!(runs.len() == 1 && runs[0].is_on() && runs[0].ends_at().is_some());
    home.now += 30 * 60_000 - 1;
    assert!(!ends(&home));
    home.now += 1;
    assert!(ends(&home));
    home.ok(system(), conference::Change::Sweep);
    assert!(!ends(&home));
    let runs = queries::runs_of(&home.db, &[name("review")]).expect("reads");
    assert!(!runs[0].is_on());
}
