//! Conferences that are deleted by themselves, as the leader looks for them each hour (CONF-15).

use crate::{conferences::scheduled_in, home::*, meetings::account};
use plenary_access::{Change, ConferencePolicy, SettingsPatch};
use plenary_conference::{self as conference, Patch};
use plenary_store::queries;

const HOUR: u64 = 3_600_000;

fn policy(past: Option<u32>, unused: Option<u32>) -> Change {
    let conferences = ConferencePolicy {
        delete_past: past.is_some(),
        delete_past_days: past.unwrap_or(1),
        delete_unused: unused.is_some(),
        delete_unused_days: unused.unwrap_or(1),
        ..ConferencePolicy::default()
    };
    Change::UpdateSettings {
        expect: None,
        patch: SettingsPatch {
            conferences: Some(conferences),
            ..SettingsPatch::default()
        },
    }
}

/// What the leader does each hour; gives how many were deleted.
fn sweep(home: &mut Home) -> u64 {
    let before = home.count("conferences");
    while let Some((past, unused)) = queries::old_conferences(&home.db, home.now()).expect("reads") {
        home.ok(system(), conference::Change::DeleteOld { past, unused });
    }
    before - home.count("conferences")
}

fn left(home: &Home) -> Vec<String> {
    let mut query = home
        .db
        .prepare("SELECT cid FROM conferences ORDER BY cid")
        .expect("good");
    let rows = query.query_map([], |row| row.get(0)).expect("reads");
    rows.collect::<rusqlite::Result<_>>().expect("reads")
}

/// The rooms `used` and `unused`, and `review`, which is over within two hours. Nobody was in it.
fn conferences() -> Home {
    let mut home = Home::with_users([new_user("alice"), new_user("bob")]);
    let started = Change::NodeStarted {
        node: plenary_model::NodeId(1),
        epoch: 11,
        version: "1".into(),
    };
    home.ok(system(), started);
    for cid in ["review", "unused", "used"] {
        home.ok(by("alice"), room(cid, cid));
    }
    let soon = scheduled_in(&home, HOUR, 60);
    home.ok(by("alice"), soon);
    home
}

fn begin(home: &mut Home) {
    home.now += HOUR;
    let change = conference::Change::Begin {
        cid: name("review"),
        start: home.now(),
        next: None,
    };
    home.ok(system(), change);
}

fn enter(home: &mut Home, cid: &str, id: u64) {
    let mut change = crate::meetings::enter(id, account("bob"));
    if let conference::Change::Enter { cid: of, .. } = &mut change {
        *of = name(cid);
    }
    home.ok(system(), change);
}

#[test]
fn nothing_is_deleted_that_the_settings_do_not_name() {
    let mut home = conferences();
    begin(&mut home);
    home.now += HOUR;
    home.ok(system(), conference::Change::Sweep);
    home.now += 10_000 * DAY;
    home.ok(system(), policy(None, None));
    assert_eq!(sweep(&mut home), 0);
    home.ok(system(), policy(Some(1), None));
    assert_eq!(sweep(&mut home), 1);
    assert_eq!(left(&home), ["unused", "used"]);
    home.ok(system(), policy(None, Some(1)));
    assert_eq!(sweep(&mut home), 2);
}

#[test]
fn a_past_conference_goes_so_many_days_after_its_end_and_not_before() {
    for days in [1, 30, 10_000] {
        let mut home = conferences();
        home.ok(system(), policy(Some(days), None));
        let ahead = u64::from(days) * DAY;
        begin(&mut home);
        home.now += HOUR;
        home.ok(system(), conference::Change::Sweep);
        home.now += ahead;
        assert_eq!(sweep(&mut home), 0, "{days} days have just passed");
        home.now += 1;
        assert_eq!(sweep(&mut home), 1, "more than {days} days");
        assert_eq!(left(&home), ["unused", "used"]);
    }
}

#[test]
fn what_is_still_to_come_or_goes_on_stays() {
    let mut home = conferences();
    home.ok(system(), policy(Some(1), Some(1)));
    enter(&mut home, "used", 1);
    home.now += 3 * DAY;
    // It has not begun: the server was away when it should have.
    assert_eq!(sweep(&mut home), 1);
    assert_eq!(
        left(&home),
        ["review", "used"],
        "somebody is in the one, the other is to come"
    );
    let mut home = conferences();
    home.ok(system(), policy(Some(1), Some(1)));
    begin(&mut home);
    enter(&mut home, "review", 2);
    home.now += 3 * DAY;
    assert_eq!(sweep(&mut home), 2);
    assert_eq!(left(&home), ["review"], "it goes on");
}

#[test]
fn an_unused_room_goes_so_many_days_after_it_was_used_or_changed_last() {
    for days in [1, 30, 10_000] {
        let mut home = conferences();
        home.ok(system(), policy(None, Some(days)));
        let ahead = u64::from(days) * DAY;
        home.now += HOUR;
        enter(&mut home, "used", 1);
        home.now += HOUR;
        home.ok(
            system(),
            conference::Change::Leave {
                cid: name("used"),
                participant: conference::ParticipantId(1),
                moves: 0,
            },
        );
        home.now += ahead - 2 * HOUR;
        assert_eq!(sweep(&mut home), 0, "{days} days have just passed");
        home.now += HOUR;
        assert_eq!(sweep(&mut home), 1);
        assert_eq!(left(&home), ["review", "used"], "it was used two hours later");
        let rename = conference::Change::Update {
            cid: name("used"),
            expect: None,
            patch: Patch {
                name: Some("Used".into()),
                ..Patch::default()
            },
        };
        home.ok(by("alice"), rename);
        home.now += ahead;
        assert_eq!(sweep(&mut home), 0, "and was changed");
        home.now += 1;
        assert_eq!(sweep(&mut home), 1);
        assert_eq!(
            left(&home),
            ["review"],
            "what is to come stays, however long ago it was made"
        );
    }
}

#[test]
fn more_than_one_turn_takes_go_all() {
    let mut home = Home::with_users([new_user("alice")]);
    for number in 0..conference::SWEEP - 1 {
        home.ok(by("alice"), room(&format!("room-{number}"), "Room"));
    }
    home.ok(system(), Change::CreateUser(new_user("bob")));
    for number in 0..5 {
        home.ok(by("bob"), room(&format!("other-{number}"), "Room"));
    }
    home.ok(system(), policy(None, Some(1)));
    home.now += 2 * DAY;
    assert_eq!(sweep(&mut home), conference::SWEEP as u64 + 4);
}
