//! From which network people come, and what counts for them there (AUTH-02).

use crate::{strangers::guest_enter, world::*};
use plenary_access::{Zones, rules::Asker};
use plenary_conference::*;
use plenary_model::{Right, Rights};

const NEAR: &str = "10.1.2.3";
const FAR: &str = "203.0.113.9";

/// The server, for somebody who comes from there.
fn from(address: &str) -> Asker {
    Asker {
        from: Some(address.parse().expect("a good address")),
        ..system()
    }
}

/// Without these rights in the internet.
fn without(rights: &[Right]) -> Zones {
    let mut zones = Zones::default();
    for right in rights {
        zones.internet.rights.0.remove(right);
    }
    zones
}

fn world() -> World {
    let mut world = World::with_rooms();
    world.zones = without(&[Right::ShareScreen, Right::Operator]);
    world
}

fn shows() -> StatePatch {
    StatePatch {
        content: Some(true),
        ..StatePatch::default()
    }
}

#[test]
fn who_comes_from_where_a_right_does_not_count_is_told_so() {
    let mut world = world();
    world
        .run(&from(FAR), &enter("open", 2, account("bob")))
        .expect("in");
    world
        .run(&from(NEAR), &enter("open", 3, account("root")))
        .expect("in");
    assert!(!world.room("open").flow_of(world.place("open", 2)).content);
    assert!(world.room("open").flow_of(world.place("open", 3)).content);
    let refusal = world.refuses(&system(), &set("open", 2, 0, shows()));
    assert_eq!(refusal.code(), "zone-right");
    assert!(refusal.to_string().starts_with("from this network"));
    world.ok(&set("open", 3, 0, shows()));
    // Whose groups do not give it hears that, wherever they come from.
    world.screenless.insert(account("alice"));
    world
        .run(&from(FAR), &enter("open", 4, account("alice")))
        .expect("in");
    assert_eq!(world.refused(&set("open", 4, 0, shows())), "forbidden");
}

#[test]
fn a_change_of_the_zones_counts_at_once_for_all_who_are_there() {
    let mut world = World::with_rooms();
    world.operators.insert(name("bob"));
    world
        .run(&from(FAR), &enter("open", 2, account("bob")))
        .expect("in");
    world
        .run(&from(NEAR), &enter("open", 3, account("alice")))
        .expect("in");
    world.ok(&set("open", 2, 0, shows()));
    let role = |world: &World| world.room("open").role_of(world.place("open", 2));
    assert_eq!(role(&world), Role::Moderator);
    let zones = without(&[Right::ShareScreen, Right::Operator]);
    world.told();
    world.follow(&[Fact::Zones(&zones)]);
    assert!(world.told().contains(&"open".to_owned()));
    assert_eq!(role(&world), Role::Participant);
    let place = world.place("open", 2);
    let flow = world.room("open").flow_of(place);
    assert!(!place.content && !flow.content && flow.camera && flow.voice);
    assert!(world.room("open").flow_of(world.place("open", 3)).content);
    // Their network is a trusted one from now on.
    let mut trusting = zones;
    trusting.subnets.push("203.0.113.0/24".parse().expect("good"));
    world.follow(&[Fact::Zones(&trusting)]);
    assert_eq!(role(&world), Role::Moderator);
    world.ok(&set("open", 2, 0, shows()));
}

#[test]
fn who_comes_back_from_another_network_has_what_counts_there() {
    let mut world = world();
    world
        .run(&from(NEAR), &enter("open", 2, account("bob")))
        .expect("in");
    world.ok(&set("open", 2, 0, shows()));
    world
        .run(&from(FAR), &resume("open", 2, secret(2)))
        .expect("the secret is right");
    let place = world.place("open", 2);
    assert!(!place.content && place.standing.screenless);
    assert_eq!(place.address, from(FAR).from);
    world
        .run(&from(NEAR), &resume("open", 2, secret(2)))
        .expect("the secret is right");
    assert!(!world.place("open", 2).standing.screenless);
}

#[test]
fn groups_and_zones_must_both_give_a_right() {
    let mut world = world();
    world
        .run(&from(FAR), &enter("open", 2, account("bob")))
        .expect("in");
    world
        .run(&from(NEAR), &enter("open", 3, account("bob")))
        .expect("in");
    let bob = name("bob");
    let all = MeetingRights {
        operator: true,
        shares: true,
    };
    world.follow(&[Fact::Rights(&bob, all)]);
    let (far, near) = (world.place("open", 2).standing, world.place("open", 3).standing);
    assert!(far.screenless && !far.operator);
    assert!(!near.screenless && near.operator);
}

#[test]
fn an_operator_is_none_at_the_gate_from_where_that_does_not_count() {
    let mut world = world();
    world.operators.insert(name("bob"));
    let change = Change::Update {
        cid: name("open"),
        expect: None,
        patch: Patch {
            settings: SettingsPatch {
                pin: Some(Put::To(Pin("123456".into()))),
                ..SettingsPatch::default()
            },
            ..Patch::default()
        },
    };
    world.run(&user("alice"), &change).expect("the owner");
    let come = enter("open", 2, account("bob"));
    assert_eq!(world.refuses(&from(FAR), &come).code(), "pin-needed");
    world.run(&from(NEAR), &come).expect("operators need none");
}

#[test]
fn guests_come_from_where_the_zone_lets_them() {
    let mut world = World::with_rooms();
    let come = |number: u8| guest_enter("open", number, number.into(), None);
    world.run(&from(FAR), &come(1)).expect("usually");
    world.zones.internet.guests = false;
    assert_eq!(world.refuses(&from(FAR), &come(2)).code(), "zone-guests");
    // With a token from elsewhere neither.
    let enters = enter("open", 2, Person::Guest(guest_id(1)));
    assert_eq!(world.refuses(&from(FAR), &enters).code(), "zone-guests");
    world.run(&from(NEAR), &enters).expect("from there");
    world.zones.trusted.on = false;
    assert_eq!(world.refuses(&from(NEAR), &come(2)).code(), "zone-off");
}

#[test]
fn guests_show_no_screen_from_where_that_does_not_count() {
    let mut world = world();
    world
        .run(&from(FAR), &guest_enter("open", 1, 1, None))
        .expect("a guest");
    let enters = enter("open", 2, Person::Guest(guest_id(1)));
    world.run(&from(FAR), &enters).expect("in");
    assert_eq!(world.refused(&set("open", 2, 0, shows())), "zone-right");
    world.follow(&[Fact::Zones(&Zones::default())]);
    assert!(!world.place("open", 2).standing.screenless);
}

#[test]
fn who_asks_from_where_a_right_does_not_count_is_told_so() {
    let mut world = World::with_rooms();
    let lacks = Asker {
        rights: Rights::default(),
        withheld: Rights([Right::CreateConferences, Right::MakeCalls].into()),
        ..user("bob")
    };
    let refusal = world.refuses(&lacks, &create("mine"));
    assert_eq!(refusal.code(), "zone-right");
    assert!(refusal.to_string().contains("create conferences"));
    let refusal = world.refuses(&lacks, &crate::calls::dial("c", "alice"));
    assert_eq!(refusal.code(), "zone-right");
}

#[test]
fn who_may_not_come_as_a_guest_does_not_register_as_one() {
    let form = crate::registration::form(Registration {
        on: true,
        ..Registration::default()
    });
    let mut world = crate::gate::with(form);
    world.zones.internet.guests = false;
    assert_eq!(
        world.refuses(&from(FAR), &register("open", 1)).code(),
        "zone-guests"
    );
    assert!(world.registrants.is_empty());
    world
        .run(&from(NEAR), &register("open", 1))
        .expect("from there guests come");
    world.zones.internet.on = false;
    assert_eq!(world.refuses(&from(FAR), &register("open", 2)).code(), "zone-off");
    world.level = CALLERS_LEVEL - 1;
    world
        .run(&from(FAR), &register("open", 2))
        .expect("nodes of before ask it at the door");
}

#[test]
fn who_calls_people_in_needs_the_right_to_make_calls_where_they_are() {
    let by_alice = |whom: Whom| Change::Call {
        cid: name("open"),
        by: Some(ParticipantId(1)),
        whom,
    };
    let bob = || Whom::Users(vec![name("bob")]);
    let mut world = World::with_rooms();
    world
        .run(&from(FAR), &enter("open", 1, account("alice")))
        .expect("in");
    world.callless.insert(name("alice"));
    for whom in [bob(), Whom::Invited] {
        assert_eq!(world.refused(&by_alice(whom)), "forbidden");
    }
    world.callless.clear();
    world.zones = without(&[Right::MakeCalls]);
    assert_eq!(world.refused(&by_alice(bob())), "zone-right");
    // From outside the meeting too.
    let into = crate::rings::call("open", &["bob"]);
    let alice = powerless("alice", plenary_access::AdminRole::None);
    assert_eq!(world.refuses(&alice, &into).code(), "forbidden");
    let far = Asker {
        withheld: Rights([Right::MakeCalls].into()),
        ..powerless("alice", plenary_access::AdminRole::None)
    };
    assert_eq!(world.refuses(&far, &into).code(), "zone-right");
    assert!(world.calls.is_empty());
    // Taking back is no call, and nobody is stopped.
    world.run(&user("alice"), &into).expect("with the right");
    let back = Change::CallOff {
        cid: name("open"),
        by: None,
        users: None,
    };
    world.run(&alice, &back).expect("moderates");
    world.level = CALLERS_LEVEL - 1;
    world.now += 60_000;
    world.ok(&by_alice(bob()));
}

#[test]
fn nodes_of_before_know_nothing_of_it() {
    let mut world = World::with_rooms();
    world.level = ZONES_LEVEL - 1;
    world
        .run(&from(FAR), &enter("open", 2, account("bob")))
        .expect("in");
    assert_eq!(world.place("open", 2).address, None);
    // Whose address was not kept is not in the trusted network, until they come back.
    world.level = ZONES_LEVEL;
    let zones = without(&[Right::ShareScreen]);
    world.follow(&[Fact::Zones(&zones)]);
    assert!(world.place("open", 2).standing.screenless);
}
