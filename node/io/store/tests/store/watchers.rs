//! Programs that watch conferences: rows, and what they do not touch (CONF-08).

use crate::{
    home::*,
    licensing::{counting, licence},
    meetings::{account, enter, review, with_room},
};
use plenary_access::{Change, Refusal};
use plenary_conference::{self as conference, Act, ParticipantId, Watcher};
use plenary_model::NodeId;
use plenary_store::queries;

/// With the highest bit, as programs that watch have it.
const LARGE: u64 = 1 << 63 | 7;

fn watch(id: u64, user: &str) -> conference::Change {
    conference::Change::Watch {
        cid: review(),
        watcher: ParticipantId(id),
        user: name(user),
        node: NodeId(1),
        epoch: 11,
    }
}

fn remove(id: u64) -> conference::Change {
    conference::Change::Act {
        cid: review(),
        by: None,
        act: Act::RemoveWatcher(ParticipantId(id)),
    }
}

fn watchers(home: &Home) -> Vec<Watcher> {
    queries::watchers(&home.db, &review()).expect("reads")
}

fn is_watching(home: &Home, id: u64) -> bool {
    queries::is_watching(&home.db, &review(), ParticipantId(id)).expect("reads")
}

#[test]
fn who_watches_and_who_was_removed_is_there_after_a_restart_and_in_a_snapshot() {
    let mut home = with_room();
    home.ok(system(), enter(1, account("bob")));
    home.ok(system(), watch(LARGE, "alice"));
    home.now += 5;
    home.ok(system(), watch(8, "alice"));
    let both = watchers(&home);
    assert_eq!(both.iter().map(|one| one.id.0).collect::<Vec<_>>(), [LARGE, 8]);
    let first = &both[0];
    assert_eq!(
        (first.name.as_str(), first.node, first.epoch),
        ("Alice Ann", NodeId(1), 11)
    );
    home.ok(by("bob"), remove(8));
    let digest = home.digest();
    home.reopen();
    assert_eq!((home.digest(), home.copied().digest()), (digest.clone(), digest));
    assert!(is_watching(&home, LARGE) && !is_watching(&home, 8));
    assert_eq!(watchers(&home), both[..1]);
    let again = home.run(plain(system(), watch(9, "alice")));
    assert!(
        matches!(again, Err(Refusal::KeptOut { ref code, .. }) if code == "removed"),
        "{again:?}"
    );
    let here = queries::watchers_of_node(&home.db, NodeId(1), 11).expect("reads");
    assert_eq!(here, both[..1]);
    let out = queries::shut_out(&home.db, &review()).expect("reads");
    assert_eq!(out.len(), 1);
    assert_eq!(
        (out[0].id.0, &out[0].person, out[0].programs_only),
        (8, &account("alice"), true)
    );
    home.ok(
        by("bob"),
        conference::Change::Act {
            cid: review(),
            by: None,
            act: Act::LetBack(ParticipantId(8)),
        },
    );
    assert!(queries::shut_out(&home.db, &review()).expect("reads").is_empty());
    home.ok(system(), watch(9, "alice"));
    home.ok(by("bob"), remove(9));
    home.ok(
        by("bob"),
        conference::Change::Act {
            cid: review(),
            by: None,
            act: Act::End,
        },
    );
    assert_eq!(
        home.count("watchers"),
        1,
        "the run is over, and who was removed is forgotten"
    );
    home.ok(system(), Change::NodeLost { node: NodeId(1) });
    assert_eq!(home.count("watchers"), 0);
}

#[test]
fn a_start_of_the_node_ends_what_was_watched_by_the_one_before() {
    let mut home = with_room();
    home.ok(system(), watch(8, "alice"));
    let started = Change::NodeStarted {
        node: NodeId(1),
        epoch: 12,
        version: "1".into(),
    };
    home.ok(system(), started);
    assert!(watchers(&home).is_empty());
    home.ok(
        by("bob"),
        conference::Change::Delete {
            cid: review(),
            expect: None,
        },
    );
    assert_eq!(home.count("watchers"), 0);
}

#[test]
fn who_watches_takes_no_place_and_no_seat_of_the_meeting() {
    let mut home = counting(&[licence(1, 9, 0)], &["alice", "bob"]);
    let tables = [
        "participants",
        "runs",
        "seat_places",
        "online_seats",
        "visits",
        "past_runs",
    ];
    let before = tables.map(|table| home.count(table));
    home.ok(system(), watch(8, "alice"));
    assert_eq!(tables.map(|table| home.count(table)), before);
    assert_eq!(home.count("watchers"), 1);
    home.ok(
        system(),
        conference::Change::Unwatch {
            cid: review(),
            watcher: ParticipantId(8),
        },
    );
    assert_eq!(home.count("watchers"), 0);
}

#[test]
fn a_state_from_before_programs_were_listed_is_opened() {
    let mut home = with_room();
    home.ok(system(), enter(1, account("alice")));
    forget_addresses(&home.db);
    let digest = home.digest();
    before_watchers(&home.db);
    home.db.pragma_update(None, "user_version", 19).expect("writes");
    home.reopen();
    assert_eq!(home.digest(), digest);
    home.ok(system(), watch(8, "alice"));
    assert_eq!(watchers(&home).len(), 1);
}
