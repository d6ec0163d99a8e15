//! Zones: what is set of them, signing in, and rights that count from where somebody asks (AUTH-02).

use crate::world::*;
use plenary_access::*;
use plenary_model::Right;

fn set(zones: &Zones) -> Change {
    Change::UpdateSettings {
        expect: None,
        patch: SettingsPatch {
            zones: Some(Box::new(zones.clone())),
            ..SettingsPatch::default()
        },
    }
}

fn from(actor: Actor, address: &str) -> Actor {
    Actor {
        address: address.into(),
        ..actor
    }
}

const NEAR: &str = "10.1.2.3";
const FAR: &str = "203.0.113.9";

#[test]
fn from_a_zone_that_is_off_nobody_new_signs_in_and_sessions_go_on() {
    let mut world = World::founded();
    world
        .try_to(from(anonymous(), FAR), sign_in("alice", "alice", "a"))
        .expect("usually");
    let mut zones = Zones::default();
    zones.internet.on = false;
    world.ok(system(), set(&zones));
    assert_eq!(world.sessions.len(), 1, "who is signed in goes on");
    let refusal = world.refused(from(anonymous(), FAR), sign_in("alice", "alice", "b"));
    assert_eq!(refusal.code(), "zone-off");
    assert!(refusal.to_string().starts_with("from this network"));
    // Whether a password is right is not told there.
    let wrong = world.refused(from(anonymous(), FAR), sign_in("alice", "wrong", "b"));
    assert_eq!(wrong, refusal);
    world
        .try_to(from(anonymous(), NEAR), sign_in("alice", "alice", "b"))
        .expect("from the trusted network");
    zones.internet = Zone {
        methods: [].into(),
        ..Zone::default()
    };
    world.ok(system(), set(&zones));
    let refusal = world.refused(from(anonymous(), FAR), sign_in("alice", "alice", "c"));
    assert_eq!(refusal.code(), "zone-method");
}

#[test]
fn a_right_counts_from_where_the_zone_allows_it() {
    let mut world = World::founded();
    let contact = || Change::PutContact {
        contact: Contact {
            call: name("bob"),
            display_name: String::new(),
            contact_groups: [].into(),
            tone: None,
        },
    };
    let mut zones = Zones::default();
    zones.internet.rights.0.remove(&Right::EditAddressBook);
    world.ok(system(), set(&zones));
    let refusal = world.refused(from(by("alice"), FAR), contact());
    assert_eq!(refusal.code(), "zone-right");
    assert!(refusal.to_string().contains("the right to edit the address book"));
    world.ok(from(by("alice"), NEAR), contact());
}

#[test]
fn nobody_locks_oneself_out() {
    let mut world = World::founded();
    let mut zones = Zones::default();
    zones.internet.on = false;
    let field = world.bad_field(from(by("root"), FAR), set(&zones));
    assert_eq!(field, "zones.internet");
    world.ok(from(by("root"), NEAR), set(&zones));
    zones.trusted.methods.clear();
    let field = world.bad_field(from(by("root"), NEAR), set(&zones));
    assert_eq!(field, "zones.trusted");
}

#[test]
fn zones_have_their_ranges() {
    let mut world = World::founded();
    let mut zones = Zones::default();
    zones.subnets.clear();
    assert_eq!(world.bad_field(system(), set(&zones)), "zones.subnets");
    zones.subnets = vec!["10.0.0.0/8".parse().expect("good"); 257];
    assert_eq!(world.bad_field(system(), set(&zones)), "zones.subnets");
    zones = Zones::default();
    zones.internet.name = "x".repeat(65);
    assert_eq!(world.bad_field(system(), set(&zones)), "zones.internet.name");
    assert_eq!(set(&Zones::default()).level(), ZONES_LEVEL);
}
