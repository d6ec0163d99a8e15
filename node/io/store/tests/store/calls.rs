//! Calls of two, their seats and their lists (CALL-01).

use crate::{home::*, licensing::*};
use plenary_conference::{
    Act, AwayCall, AwaySeat, AwayTo, Call, Change, End, How, ParticipantId, PartnerSaid,
};
use plenary_model::Cid;
use plenary_store::queries;

fn dial(cid: &str, to: &str) -> Change {
    Change::Dial {
        cid: name(cid),
        to: name(to),
    }
}

fn into(cid: &str, id: u64, who: &str) -> Change {
    let mut change = enter(id, user(who));
    if let Change::Enter { cid: of, .. } = &mut change {
        *of = name(cid);
    }
    change
}

fn out_of(cid: &str, id: u64) -> Change {
    Change::Leave {
        cid: name(cid),
        participant: ParticipantId(id),
        moves: 0,
    }
}

/// One PRO seat, and Alice, Bob and Carol, who are all there.
fn with_one_seat() -> Home {
    let mut home = counting(&[licence(1, 1, 0)], &["alice", "bob", "carol"]);
    for person in ["alice", "bob", "carol"] {
        online(&mut home, person, person).expect("a seat for each device");
    }
    home
}

fn receive(cid: &str, from: &str, to: &str) -> Change {
    Change::Receive(AwayCall {
        cid: name(cid),
        from: name(from),
        name: "Demo Two".into(),
        enter: name("call-9"),
        into: None,
        to: AwayTo::User(name(to)),
    })
}

#[test]
fn calls_between_servers_are_kept_for_the_one_who_is_here() {
    let mut home = with_one_seat();
    let away = Change::DialAway {
        cid: name("c"),
        to: name("bob@oslo.example.net"),
    };
    home.ok(by("alice"), away);
    let ringing = queries::rings_away(&home.db).expect("reads");
    assert_eq!(ringing.len(), 1);
    // Bob of this server is somebody else, and free.
    assert_eq!(calls_of(&home, "bob"), []);
    home.ok(system(), receive("in", "alice@oslo.example.net", "bob"));
    assert_eq!(calls_of(&home, "bob"), [("in".to_owned(), None)]);
    let (oslo, room) = (name("oslo.example.net"), name("call-9"));
    let found = |home: &Home, who: &str| {
        let found = queries::call_from_away(&home.db, &name(who), &oslo, &room);
        found.expect("reads").map(|call| call.cid.to_string())
    };
    assert_eq!(found(&home, "bob").as_deref(), Some("in"));
    assert_eq!(found(&home, "alice"), None);
    let came = Change::CameAway {
        server: name("oslo.example.net"),
        room: name("call-9"),
        user: name("bob"),
        seat: AwaySeat {
            node: plenary_model::NodeId(1),
            epoch: 1,
            run: 7,
            lost_at: None,
        },
    };
    home.ok(system(), came);
    let [pro, ..] = taken(&home);
    assert_eq!(pro, 0, "a call of two needs no seat");
    // By a start of the node that is none: whoever sweeps finds it.
    assert!(queries::needs_sweep(&home.db, plenary_model::Timestamp(0)).expect("reads"));
    home.ok(system(), Change::Sweep);
    same_everywhere(&mut home);
    home.ok(
        system(),
        Change::PartnerSaid {
            cid: name("c"),
            said: PartnerSaid::Over(How::Nobody),
        },
    );
    assert_eq!(calls_of(&home, "alice"), [("c".to_owned(), Some(How::Nobody))]);
    assert_eq!(queries::rings_away(&home.db).expect("reads"), []);
}

fn calls_of(home: &Home, who: &str) -> Vec<(String, Option<How>)> {
    let calls = queries::calls(&home.db, &name(who), 100).expect("reads");
    let told = |call: Call| (call.cid.to_string(), call.over.map(|over| over.how));
    calls.into_iter().map(told).collect()
}

#[test]
fn a_call_takes_no_seat_until_it_is_a_conference() {
    let mut home = with_one_seat();
    home.ok(by("alice"), dial("c", "bob"));
    home.ok(system(), into("c", 1, "alice"));
    home.ok(system(), into("c", 2, "bob"));
    let [pro, ..] = taken(&home);
    assert_eq!(pro, 0);
    same_everywhere(&mut home);
    let widened = home.run(plain(by("bob"), Change::Widen { cid: name("c") }));
    assert_eq!(code(widened), "no_pro_seat", "there is one seat and two need it");
    let [pro, ..] = taken(&home);
    assert_eq!(pro, 0, "nobody has it for nothing");
    assert_eq!(calls_of(&home, "bob"), [("c".to_owned(), None)]);
    home.ok(system(), out_of("c", 2));
    assert_eq!(calls_of(&home, "alice"), [("c".to_owned(), Some(How::Talked))]);
    let cid: Cid = name("c");
    assert!(queries::conference(&home.db, &cid).expect("reads").is_none());
    assert_eq!(home.count("participants"), 0);
    same_everywhere(&mut home);
}

#[test]
fn what_was_a_call_is_known_by_its_last_run_once_it_is_gone() {
    let mut home = counting(&[licence(1, 2, 0)], &["alice", "bob"]);
    for person in ["alice", "bob"] {
        online(&mut home, person, person).expect("a seat for each device");
    }
    let ends = Change::Act {
        cid: name("ended"),
        by: Some(ParticipantId(1)),
        act: Act::End,
    };
    let deletes = Change::Delete {
        cid: name("deleted"),
        expect: None,
    };
    for (id, over, why) in [("ended", ends, Some(End::Moderator)), ("deleted", deletes, None)] {
        home.now += 60_000;
        home.ok(by("alice"), dial(id, "bob"));
        home.ok(system(), into(id, 1, "alice"));
        home.ok(system(), into(id, 2, "bob"));
        home.ok(by("alice"), Change::Widen { cid: name(id) });
        home.ok(system(), over);
        let cid: Cid = name(id);
        assert!(queries::conference(&home.db, &cid).expect("reads").is_none());
        let last = queries::last_run(&home.db, &cid).expect("reads");
        let ended = last.and_then(|run| run.ended).map(|ended| ended.why);
        assert_eq!(ended, Some(why));
        same_everywhere(&mut home);
    }
}

#[test]
fn a_call_goes_on_when_pro_ends_or_is_taken_back() {
    let mut home = with_one_seat();
    home.ok(system(), enter(1, user("alice")));
    home.ok(system(), leave(1));
    home.now += DAY - 1;
    home.ok(by("alice"), dial("c", "bob"));
    home.ok(system(), into("c", 2, "alice"));
    home.ok(system(), into("c", 3, "bob"));
    home.now += 1;
    home.ok(system(), plenary_licensing::Change::Tick);
    assert_eq!(taken(&home)[0], 0, "it was a day ago");
    assert_eq!(home.count("participants"), 2, "they talk");

    home.ok(by("alice"), plenary_licensing::Change::AskForPro);
    let revoke = plenary_licensing::Change::Revoke { user: name("alice") };
    home.ok(by("root"), revoke);
    assert_eq!(calls_of(&home, "alice"), [("c".to_owned(), None)]);
    same_everywhere(&mut home);
}

#[test]
fn both_take_seats_when_a_call_becomes_a_conference() {
    let mut home = counting(&[licence(1, 2, 0)], &["alice", "bob"]);
    for person in ["alice", "bob"] {
        online(&mut home, person, person).expect("a seat for each device");
    }
    home.ok(by("alice"), dial("c", "bob"));
    home.ok(system(), into("c", 1, "alice"));
    home.ok(system(), into("c", 2, "bob"));
    home.ok(by("alice"), Change::Widen { cid: name("c") });
    let [pro, ..] = taken(&home);
    assert_eq!(pro, 2);
    home.ok(system(), out_of("c", 1));
    same_everywhere(&mut home);
    let page = queries::conferences(&home.db, &list(50).into()).expect("reads");
    let listed: Vec<String> = page.items.iter().map(|found| found.cid.to_string()).collect();
    assert!(listed.contains(&"c".to_owned()), "{listed:?}");
}

#[test]
fn calls_stand_in_no_list_of_conferences_and_in_those_of_the_two() {
    let mut home = with_one_seat();
    let before = queries::conferences(&home.db, &list(50).into())
        .expect("reads")
        .total;
    home.ok(by("alice"), dial("c", "bob"));
    let page = queries::conferences(&home.db, &list(50).into()).expect("reads");
    assert_eq!(page.total, before);
    home.now += 1;
    home.ok(by("carol"), dial("d", "bob"));
    assert_eq!(
        calls_of(&home, "bob"),
        [("d".to_owned(), Some(How::Busy)), ("c".to_owned(), None)]
    );
    assert_eq!(calls_of(&home, "alice"), [("c".to_owned(), None)]);
}

#[test]
fn who_does_not_answer_has_missed_it() {
    let mut home = with_one_seat();
    home.ok(by("alice"), dial("c", "bob"));
    assert!(!queries::needs_sweep(&home.db, home.now()).expect("reads"));
    home.now += plenary_conference::RING_MS + 1;
    assert!(queries::needs_sweep(&home.db, home.now()).expect("reads"));
    home.ok(system(), Change::Sweep);
    assert_eq!(calls_of(&home, "bob"), [("c".to_owned(), Some(How::Missed))]);
    assert!(!queries::needs_sweep(&home.db, home.now()).expect("reads"));
}

#[test]
fn a_state_from_before_there_were_calls_is_opened() {
    let mut home = with_one_seat();
    before_calls(&home.db);
    home.db.pragma_update(None, "user_version", 6).expect("writes");
    home.reopen();
    home.ok(by("alice"), dial("c", "bob"));
    assert_eq!(calls_of(&home, "bob"), [("c".to_owned(), None)]);
}
