//! Runs that are over, filters of the list of conferences, and what is forgotten (CONF-17).

use crate::{home::*, licensing::*};
use plenary_access::{AdminRole, ListQuery, NewUser};
use plenary_conference::{
    Act, CallQuery, Change, ConferenceQuery, Mode, Part, ParticipantId, Patch, RunId, SettingsPatch, Stage,
};
use plenary_model::Timestamp;
use plenary_store::queries;

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

/// Alice, Bob and Carol are there; two have met in Alice's room `team` twice, and Bob was in the first run only.
fn met() -> Home {
    let mut home = counting(&[licence(1, 9, 9)], &["alice", "bob", "carol"]);
    home.ok(by("alice"), room("team", "Team"));
    home.ok(system(), into("team", 1, "alice"));
    home.now += 1_000;
    home.ok(system(), into("team", 2, "bob"));
    home.now += 60_000;
    home.ok(system(), out_of("team", 2));
    home.ok(system(), out_of("team", 1));
    home.now += 1_000;
    home.ok(system(), into("team", 3, "alice"));
    home
}

fn runs_for(home: &Home, who: Option<&str>) -> Vec<(u64, u64, bool)> {
    let team = queries::conference(&home.db, &name("team"))
        .expect("reads")
        .expect("there");
    let who = who.map(name);
    let page = queries::runs_over(&home.db, &team, who.as_ref(), &list(50)).expect("reads");
    let told = page.items.into_iter();
    told.map(|(run, people)| (run.id.0, people, run.ended.is_some()))
        .collect()
}

#[test]
fn runs_are_listed_the_newest_first_and_each_user_finds_their_own() {
    let mut home = met();
    assert_eq!(runs_for(&home, None), [(2, 1, false), (1, 2, true)]);
    assert_eq!(runs_for(&home, Some("bob")), [(1, 2, true)]);
    assert!(runs_for(&home, Some("carol")).is_empty());
    let visits = |who: Option<&str>| {
        let who = who.map(name);
        let page = queries::visits(&home.db, RunId(1), who.as_ref(), &list(50)).expect("reads");
        let told = page.items.into_iter();
        told.map(|visit| (visit.name, visit.left_at.map(|at| at.since_ms(visit.came_at))))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        visits(None),
        [
            ("alice".to_owned(), Some(61_000)),
            ("bob".to_owned(), Some(60_000))
        ]
    );
    assert_eq!(visits(Some("bob")).len(), 1);
    same_everywhere(&mut home);
    home.reopen();
    assert_eq!(runs_for(&home, None).len(), 2);
}

#[test]
fn a_new_conference_of_the_same_id_has_no_history_and_people_keep_theirs() {
    let mut home = met();
    home.ok(by("alice"), close("team"));
    home.now += 1;
    home.ok(by("carol"), room("team", "Mine"));
    assert!(runs_for(&home, None).is_empty());
    let own = queries::runs_with(&home.db, &name("bob"), &list(50)).expect("reads");
    let names: Vec<&str> = own.items.iter().map(|(run, ..)| run.name.as_str()).collect();
    assert_eq!(names, ["Team"]);
    assert!(own.items[0].0.ended.is_some());
}

#[test]
fn pages_of_visits_hold_each_once() {
    let mut home = met();
    for id in 10..15 {
        home.ok(system(), into("team", id, "bob"));
        home.ok(system(), out_of("team", id));
    }
    let mut query = list(2);
    let mut seen = Vec::new();
    loop {
        let page = queries::visits(&home.db, RunId(2), None, &query).expect("reads");
        assert_eq!(page.total, 6);
        seen.extend(page.items.iter().map(|visit| visit.participant.0));
        let Some(next) = page.next else { break };
        query.cursor = Some(next);
    }
    assert_eq!(seen, [3, 10, 11, 12, 13, 14]);
}

#[test]
fn old_history_is_found_and_forgotten_the_oldest_first() {
    let mut home = met();
    let before = |home: &Home, days: u64| Timestamp(home.now - days * DAY);
    assert_eq!(
        queries::old_history(&home.db, before(&home, 1)).expect("reads"),
        None
    );
    home.now += 2 * DAY;
    let found = queries::old_history(&home.db, before(&home, 1)).expect("reads");
    let until = found.expect("the first run ended before");
    assert_eq!(until, before(&home, 1));
    let forget = Change::ForgetHistory {
        runs: until,
        calls: until,
    };
    home.ok(system(), forget);
    assert_eq!(runs_for(&home, None), [(2, 1, false)], "what goes on stays");
    assert_eq!(home.count("visits"), 1);
    assert_eq!(
        queries::old_history(&home.db, before(&home, 1)).expect("reads"),
        None
    );
    same_everywhere(&mut home);
}

fn planned_in(home: &Home, ms: u64) -> Option<plenary_conference::Plan> {
    match crate::conferences::scheduled_in(home, ms, 30) {
        Change::Update { patch, .. } => patch.plan,
        _ => None,
    }
}

fn found(home: &Home, query: ConferenceQuery) -> String {
    let list = ListQuery {
        sort: Some("stage".into()),
        ..list(50)
    };
    let query = ConferenceQuery { list, ..query };
    let page = queries::conferences(&home.db, &query).expect("reads");
    assert_eq!(page.total, page.items.len() as u64);
    let cids: Vec<&str> = page.items.iter().map(|found| found.cid.as_str()).collect();
    cids.join(" ")
}

/// Beside those of [`met`] and the public room `review`: `late` and `soon` are planned, `over` was, `talk` is a lecture of Bob's that names Carol.
fn with_all_kinds() -> Home {
    let mut home = met();
    for (cid, ms) in [("late", 9 * DAY), ("soon", DAY), ("over", 3_600_000)] {
        let plan = planned_in(&home, ms);
        let Change::Create(new) = room(cid, cid) else {
            unreachable!("that is what it makes");
        };
        let new = plenary_conference::NewConference { plan, ..new };
        home.ok(by("alice"), Change::Create(new));
    }
    home.ok(by("bob"), room("talk", "Talk"));
    let patch = Patch {
        access: Some(plenary_conference::Access::Public),
        settings: SettingsPatch {
            mode: Some(Mode::Lecture),
            invited: Some([name("carol")].into()),
            ..SettingsPatch::default()
        },
        ..Patch::default()
    };
    let patched = Change::Update {
        cid: name("talk"),
        expect: None,
        patch,
    };
    home.ok(by("bob"), patched);
    home.now += 7_200_000;
    let over = queries::conference(&home.db, &name("over"))
        .expect("reads")
        .expect("there");
    let begin = Change::Begin {
        cid: name("over"),
        start: over.next.expect("planned").start,
        next: None,
    };
    home.ok(system(), begin);
    home
}

#[test]
fn conferences_are_found_by_what_they_are_those_that_are_on_first() {
    let mut home = with_all_kinds();
    let query = ConferenceQuery::default;
    let stage = |stage| ConferenceQuery {
        stage: Some(stage),
        ..query()
    };
    assert_eq!(found(&home, query()), "team soon late over review talk");
    assert_eq!(found(&home, stage(Stage::Now)), "team");
    assert_eq!(found(&home, stage(Stage::Planned)), "soon late");
    assert_eq!(found(&home, stage(Stage::Past)), "over");
    assert_eq!(found(&home, stage(Stage::Unscheduled)), "review talk");
    let lectures = ConferenceQuery {
        mode: Some(Mode::Lecture),
        ..query()
    };
    assert_eq!(found(&home, lectures), "talk");
    let public = ConferenceQuery {
        access: Some(plenary_conference::Access::Public),
        ..query()
    };
    assert_eq!(found(&home, public), "review talk");
    let part = |part| ConferenceQuery {
        part: Some(part),
        ..query()
    };
    assert_eq!(found(&home, part(Part::Owner(name("bob")))), "talk");
    assert_eq!(found(&home, part(Part::Named(name("carol")))), "talk");
    assert_eq!(found(&home, part(Part::Named(name("bob")))), "");
    let by_owner = ConferenceQuery {
        owner: Some(name("alice")),
        ..stage(Stage::Planned)
    };
    assert_eq!(found(&home, by_owner), "soon late");
    same_everywhere(&mut home);
}

#[test]
fn calls_are_listed_by_direction_answer_and_name() {
    let root = NewUser {
        admin: AdminRole::Full,
        ..called("carl", "Carl Orff")
    };
    let mut home = counting(&[], &["alice", "bob"]);
    home.ok(by("root"), plenary_access::Change::CreateUser(root));
    for (cid, to) in [("c1", "bob"), ("c2", "carl")] {
        home.now += 1;
        home.ok(
            by("alice"),
            Change::Dial {
                cid: name(cid),
                to: name(to),
            },
        );
    }
    let calls = |who: &str, query: CallQuery, text: &str| {
        let page = queries::calls_of(&home.db, &name(who), &query, &search(text)).expect("reads");
        let cids: Vec<String> = page.items.iter().map(|call| call.cid.to_string()).collect();
        cids.join(" ")
    };
    let any = CallQuery::default();
    assert_eq!(calls("alice", any, ""), "c2 c1");
    assert_eq!(calls("bob", any, ""), "c1");
    assert_eq!(calls("alice", any, "orff"), "c2");
    let incoming = CallQuery {
        outgoing: Some(false),
        ..any
    };
    assert_eq!(calls("alice", incoming, ""), "");
    assert_eq!(calls("carl", incoming, "ALICE"), "c2");
    let missed = CallQuery {
        answered: Some(false),
        ..any
    };
    assert_eq!(calls("carl", missed, ""), "c2");
    let talked = CallQuery {
        answered: Some(true),
        ..any
    };
    assert_eq!(calls("carl", talked, ""), "");
}

#[test]
fn a_state_from_before_there_was_history_is_opened_and_its_conferences_are_found() {
    let mut home = with_all_kinds();
    before_history(&home.db);
    home.db.pragma_update(None, "user_version", 8).expect("writes");
    home.reopen();
    let lectures = ConferenceQuery {
        mode: Some(Mode::Lecture),
        access: Some(plenary_conference::Access::Public),
        ..ConferenceQuery::default()
    };
    assert_eq!(found(&home, lectures), "talk");
    // Who is in now is in the history once somebody comes or goes.
    let end = Change::Act {
        cid: name("team"),
        by: Some(ParticipantId(3)),
        act: Act::End,
    };
    home.ok(system(), end);
    assert_eq!(runs_for(&home, None), [(1, 1, true)]);
}
