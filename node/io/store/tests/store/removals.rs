//! Who was removed from a run, and how many guests there are.

use crate::{
    gate::act_by_owner,
    home::*,
    meetings::{account, come_as_guest, come_back, enter, review, with_room},
};
use plenary_conference::{Act, ParticipantId, Person, Removed, Via};
use plenary_store::queries;

fn removed(home: &Home) -> Vec<Removed> {
    queries::removed(&home.db, &review()).expect("reads")
}

/// By the hours in which their tokens end, and one by one.
fn guests(home: &Home) -> (i64, i64) {
    let count = |query: &str| home.db.query_row(query, [], |row| row.get(0)).expect("reads");
    (
        count("SELECT coalesce(sum(count), 0) FROM guest_hours"),
        count("SELECT count(*) FROM guests"),
    )
}

#[test]
fn who_was_removed_is_known_after_a_restart_and_in_a_snapshot_until_the_run_ends() {
    let mut home = with_room();
    home.ok(system(), enter(1, account("bob")));
    home.ok(system(), enter(2, account("alice")));
    home.now += 5;
    home.ok(by("bob"), act_by_owner(Act::Remove(ParticipantId(2))));
    let all = removed(&home);
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].id, all[0].name.as_str(), all[0].via),
        (ParticipantId(2), "Alice Ann", Via::Browser)
    );
    assert_eq!(all[0].person, account("alice"));
    let digest = home.digest();
    home.reopen();
    assert_eq!((home.digest(), home.copied().digest()), (digest.clone(), digest));
    assert_eq!(removed(&home), all);
    home.ok(by("bob"), act_by_owner(Act::LetBack(ParticipantId(2))));
    assert!(removed(&home).is_empty());
    home.ok(system(), enter(2, account("alice")));
    home.ok(by("bob"), act_by_owner(Act::Remove(ParticipantId(2))));
    home.ok(by("bob"), act_by_owner(Act::End));
    assert!(removed(&home).is_empty());
}

#[test]
fn guests_are_counted_as_they_come_stay_and_are_forgotten() {
    let mut home = with_room();
    assert_eq!(guests(&home), (0, 0));
    home.ok(system(), come_as_guest());
    assert_eq!(guests(&home), (1, 1));
    home.now += 3_600_000;
    home.ok(system(), come_back("nobody", "first"));
    assert_eq!(guests(&home), (2, 2));
    home.now += 3_600_000;
    home.ok(system(), come_back("first", "second"));
    assert_eq!(guests(&home), (2, 2), "who comes back is the same");
    before_removals(&home.db);
    home.db.pragma_update(None, "user_version", 25).expect("writes");
    home.reopen();
    assert_eq!(guests(&home), (2, 2), "those of before are counted");
    home.ok(system(), enter(1, Person::Guest(crate::meetings::guest_id())));
    home.now += 31 * 24 * 3_600_000;
    home.ok(system(), plenary_conference::Change::Sweep);
    assert_eq!(guests(&home), (0, 0));
}
