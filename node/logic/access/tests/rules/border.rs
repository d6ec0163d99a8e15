//! Border Controllers: tokens are good once, numbers are given out once.

use crate::world::{World, by, system};
use plenary_access::{
    BORDER_LEVEL, BORDER_POLICY_LEVEL, BorderPolicy, BorderStage, Change, Outcome, Refusal, SettingsPatch,
};
use plenary_model::NodeId;

const SECRET: [u8; 32] = [7; 32];

fn invite(name: &str, address: &str) -> Change {
    Change::InviteController {
        name: name.parse().expect("good"),
        address: address.into(),
        secret: SECRET,
        ttl_s: 600,
    }
}

fn enrol(id: u64, secret: [u8; 32]) -> Change {
    Change::EnrolController {
        id: NodeId(id),
        secret,
    }
}

fn remove(id: u64) -> Change {
    Change::RemoveController { id: NodeId(id) }
}

fn world() -> World {
    let mut world = World::founded();
    world.level = BORDER_LEVEL;
    world
}

#[test]
fn a_controller_is_invited_enrolled_once_and_removed_for_good() {
    let mut world = world();
    assert_eq!(invite("dmz-1", "a:1").level(), BORDER_LEVEL);
    let made = world.ok(by("root"), invite("dmz-1", "dmz-1.example.com:4312"));
    assert_eq!(made, Outcome::Admitted { node: NodeId(1) });
    let refused = world.refused(system(), enrol(1, [8; 32]));
    assert!(matches!(refused, Refusal::BadInvitation(_)), "{refused}");
    world.ok(system(), enrol(1, SECRET));
    let refused = world.refused(system(), enrol(1, SECRET));
    assert!(matches!(refused, Refusal::BadInvitation(_)), "once");
    let refused = world.refused(by("root"), invite("dmz-1", "dmz-1.example.com:4312"));
    assert!(matches!(refused, Refusal::Conflict(_)), "{refused}");

    world.ok(by("root"), remove(1));
    assert!(matches!(
        world.refused(by("root"), remove(1)),
        Refusal::NotFound { .. }
    ));
    let again = world.ok(by("root"), invite("dmz-1", "[2001:db8::1]:4312"));
    assert_eq!(again, Outcome::Admitted { node: NodeId(2) }, "another number");
    let stages: Vec<_> = world.controllers.values().map(|one| one.is_there()).collect();
    assert_eq!(stages, [false, true]);
}

#[test]
fn an_invitation_is_made_anew_and_ends() {
    let mut world = world();
    world.ok(by("root"), invite("dmz-1", "a.example.com:4312"));
    let other = Change::InviteController {
        name: "dmz-1".parse().expect("good"),
        address: "b.example.com:4312".into(),
        secret: [9; 32],
        ttl_s: 60,
    };
    assert_eq!(world.ok(by("root"), other), Outcome::Admitted { node: NodeId(1) });
    world.refused(system(), enrol(1, SECRET));
    world.now += 60_000;
    let refused = world.refused(system(), enrol(1, [9; 32]));
    assert!(refused.to_string().contains("too old"), "{refused}");
}

#[test]
fn only_administrators_invite_and_addresses_must_be_some() {
    let mut world = world();
    for who in ["eye", "alice"] {
        let refused = world.refused(by(who), invite("dmz-1", "a:1"));
        assert!(matches!(refused, Refusal::Forbidden { .. }), "{refused}");
    }
    for address in ["", "a", "a:", ":1", "a:0", "a:70000"] {
        let refused = world.refused(by("root"), invite("dmz-1", address));
        assert!(refused.to_string().contains("address"), "{address}: {refused}");
    }
    for number in 1..=16 {
        world.ok(by("root"), invite(&format!("dmz-{number}"), "a:1"));
    }
    world.refused(by("root"), invite("dmz-17", "a:1"));
    assert!(
        world
            .controllers
            .values()
            .all(|one| matches!(one.stage, BorderStage::Invited { .. }))
    );
}

fn policy(policy: BorderPolicy) -> Change {
    Change::UpdateSettings {
        expect: None,
        patch: SettingsPatch {
            border: Some(policy),
            ..SettingsPatch::default()
        },
    }
}

#[test]
fn what_controllers_let_in_is_said_with_a_version_that_follows_changes() {
    let mut world = world();
    let wanted = BorderPolicy {
        deny: vec!["198.51.100.0/24".into(), "2001:db8::/32".into()],
        rate_per_network: Some(20),
        ..BorderPolicy::default()
    };
    assert_eq!(policy(wanted.clone()).level(), BORDER_POLICY_LEVEL);
    world.level = BORDER_POLICY_LEVEL;
    for who in ["eye", "alice"] {
        let refused = world.refused(by(who), policy(wanted.clone()));
        assert!(matches!(refused, Refusal::Forbidden { .. }), "{refused}");
    }
    world.ok(by("root"), policy(wanted.clone()));
    let first = world.settings.border.changed_at;
    assert_eq!(first.0, world.now);
    world.now += 1_000;
    world.ok(by("root"), policy(wanted.clone()));
    assert_eq!(world.settings.border.changed_at, first, "the same is no change");
    world.ok(by("root"), policy(BorderPolicy::default()));
    assert_eq!(world.settings.border.changed_at.0, world.now);

    let bad_range = BorderPolicy {
        deny: vec!["example.com".into()],
        ..BorderPolicy::default()
    };
    let many = BorderPolicy {
        deny: vec!["192.0.2.1".into(); BorderPolicy::NETWORKS + 1],
        ..BorderPolicy::default()
    };
    let nothing = BorderPolicy {
        flows_per_network: Some(0),
        ..BorderPolicy::default()
    };
    for (bad, field) in [
        (bad_range, "border.deny"),
        (many, "border.deny"),
        (nothing, "border.flows_per_network"),
    ] {
        let refused = world.refused(by("root"), policy(bad));
        assert!(refused.to_string().contains(field), "{refused}");
    }
}
