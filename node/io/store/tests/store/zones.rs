//! Where those in meetings come from, and what the zones make of them at once.

use crate::{
    home::*,
    meetings::{account, enter, review},
};
use plenary_access::*;
use plenary_conference::{Participant, ParticipantId, ZONES_LEVEL};
use plenary_model::Right;
use plenary_replication::{Application as _, Stamp};
use plenary_store::{encode_command, queries};

const NEAR: &str = "10.1.2.3";
const FAR: &str = "203.0.113.9";

fn from(actor: Actor, address: &str) -> Actor {
    Actor {
        address: address.into(),
        ..actor
    }
}

fn set(zones: &Zones) -> Change {
    Change::UpdateSettings {
        expect: None,
        patch: SettingsPatch {
            zones: Some(Box::new(zones.clone())),
            ..SettingsPatch::default()
        },
    }
}

fn meeting() -> Home {
    let mut home = Home::with_users([new_user("alice"), new_user("bob")]);
    let start = Change::NodeStarted {
        node: plenary_model::NodeId(1),
        epoch: 11,
        version: "1".into(),
    };
    home.ok(system(), start);
    home.ok(by("root"), room("review", "Review"));
    home
}

fn place(home: &Home, id: u64) -> Participant {
    let found = queries::participant(&home.db, &review(), ParticipantId(id)).expect("reads");
    found.expect("there")
}

#[test]
fn a_change_of_the_zones_counts_at_once_for_who_is_there() {
    let mut home = meeting();
    home.ok(from(system(), FAR), enter(1, account("bob")));
    home.ok(from(system(), NEAR), enter(2, account("bob")));
    assert_eq!(place(&home, 1).address, address_of(FAR));
    let mut zones = Zones::default();
    zones.internet.rights.0.remove(&Right::ShareScreen);
    let mut changes = home.app.changes();
    home.ok(from(by("root"), NEAR), set(&zones));
    let notices = Home::told(&mut changes);
    assert!(notices.iter().any(|notice| notice.topic == Topic::Meetings));
    assert!(place(&home, 1).standing.screenless);
    assert!(!place(&home, 2).standing.screenless);
    // The group gives it anew: from there it still does not count.
    let rights = Change::UpdateGroup {
        id: plenary_model::GroupId::ungrouped(),
        expect: None,
        name: None,
        rights: Some(plenary_model::Rights([Right::ShareScreen].into())),
        address_book: None,
        bandwidth: None,
        call_id: None,
    };
    home.ok(by("root"), rights);
    assert!(place(&home, 1).standing.screenless);
    home.ok(from(by("root"), NEAR), set(&Zones::default()));
    assert!(!place(&home, 1).standing.screenless);
    let may = |address| queries::may_share(&home.db, &name("bob"), address_of(address)).expect("reads");
    assert!(may(FAR) && may(NEAR));
}

#[test]
fn entries_of_before_there_were_zones_are_applied_as_they_were() {
    let mut home = meeting();
    let command = plain(from(system(), FAR), enter(1, account("bob")));
    let bytes = encode_command(&command).expect("encodes");
    home.index += 1;
    let at = Stamp {
        index: home.index,
        position: 0,
        now_ms: home.now,
        level: ZONES_LEVEL - 1,
    };
    let transaction = home.db.transaction().expect("begins");
    home.app.apply(&transaction, at, &bytes).expect("applies");
    transaction.commit().expect("commits");
    assert_eq!(place(&home, 1).address, None);
    assert!(!place(&home, 1).standing.screenless);
}

#[test]
fn a_state_from_before_there_were_zones_is_opened() {
    let mut home = meeting();
    home.ok(from(system(), FAR), enter(1, account("bob")));
    before_zones(&home.db);
    home.db.pragma_update(None, "user_version", 21).expect("writes");
    home.reopen();
    assert_eq!(place(&home, 1).address, None);
    let settings = queries::settings(&home.db).expect("reads");
    assert_eq!(settings.zones, Zones::default());
    // Whose address nobody knows is not in the trusted network.
    let mut zones = Zones::default();
    zones.internet.rights.0.remove(&Right::ShareScreen);
    home.ok(from(by("root"), NEAR), set(&zones));
    assert!(place(&home, 1).standing.screenless);
}
