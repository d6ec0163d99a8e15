use crate::world::*;
use plenary_access::*;
use plenary_model::{NodeId, Timestamp, limits};

fn fail(user: &str) -> Change {
    Change::SignInFailed { user: name(user) }
}

fn online(session: &str, node: u64, epoch: u64) -> Change {
    Change::DeviceOnline {
        session: session.into(),
        node: NodeId(node),
        epoch,
    }
}

fn offline(session: &str, node: u64, epoch: u64) -> Change {
    Change::DeviceOffline {
        session: session.into(),
        node: NodeId(node),
        epoch,
    }
}

#[test]
fn a_session_lasts_as_long_as_the_settings_say() {
    let mut world = World::founded();
    let outcome = world.sign_in("alice", "a").expect("good");
    let expires_at = Timestamp(world.now + 60 * DAY);
    assert_eq!(outcome, Outcome::SignedIn { expires_at });
    assert_eq!(world.events.last().expect("one").actor, Some(name("alice")));
    world.now = expires_at.0 - 1;
    world.ok(system(), Change::Sweep);
    assert_eq!(world.sessions.len(), 1);
    world.now += 1;
    world.ok(system(), Change::Sweep);
    assert!(world.sessions.is_empty());
    assert_eq!(world.kinds().last(), Some(&EventKind::Logout));
}

#[test]
fn wrong_passwords_disabled_and_unknown_accounts_do_not_sign_in() {
    let mut world = World::founded();
    let mut refused = |user: &str, password: &str| world.refused(anonymous(), sign_in(user, password, "s"));
    assert_eq!(refused("alice", "wrong"), Refusal::WrongCredentials);
    assert_eq!(refused("nobody", "nobody"), Refusal::WrongCredentials);
    let disable = UserPatch {
        active: Some(false),
        ..UserPatch::default()
    };
    world.ok(by("root"), update("alice", disable));
    let refusal = world.refused(anonymous(), sign_in("alice", "alice", "s"));
    assert_eq!(refusal, Refusal::AccountDisabled);
    let refusal = world.refused(anonymous(), sign_in("alice", "wrong", "s"));
    assert_eq!(refusal, Refusal::WrongCredentials, "who is wrong is told nothing");
}

#[test]
fn a_password_that_was_changed_since_it_was_checked_is_wrong() {
    let mut world = World::founded();
    let checked = sign_in("alice", "alice", "s");
    let patch = UserPatch {
        password: Some(hash("new")),
        ..UserPatch::default()
    };
    world.ok(by("root"), update("alice", patch));
    assert_eq!(world.refused(anonymous(), checked), Refusal::WrongCredentials);
}

#[test]
fn a_stronger_hash_takes_the_place_of_the_weak_one() {
    let mut world = World::founded();
    let Change::SignIn {
        user,
        password,
        session,
        token,
        device,
        ..
    } = sign_in("alice", "alice", "s")
    else {
        unreachable!("it is one");
    };
    let change = Change::SignIn {
        user,
        password,
        stronger: Some(hash("stronger")),
        session,
        token,
        device,
    };
    world.ok(anonymous(), change);
    assert_eq!(world.passwords[&name("alice")], hash("stronger"));
}

#[test]
fn ten_wrong_passwords_lock_and_time_unlocks() {
    let mut world = World::founded();
    for count in 1..=10 {
        let outcome = world.ok(anonymous(), fail("alice"));
        assert_eq!(outcome, Outcome::SignInCounted { locked: count == 10 });
        world.now += MINUTE;
    }
    let until = Timestamp(world.now - MINUTE + DAY);
    assert_eq!(world.user_of("alice").locked_until, Some(until));
    assert_eq!(world.kinds().last(), Some(&EventKind::Lock));
    assert_eq!(world.sign_in("alice", "s"), Err(Refusal::AccountLocked { until }));
    let counted = world.ok(anonymous(), fail("alice"));
    assert_eq!(counted, Outcome::SignInCounted { locked: true });
    assert_eq!(
        world.user_of("alice").locked_until,
        Some(until),
        "a lock does not grow"
    );
    world.now = until.0;
    world.sign_in("alice", "s").expect("the lock is over");
    assert_eq!(world.user_of("alice").locked_until, None);
    assert!(world.kinds().contains(&EventKind::Unlock));
}

#[test]
fn a_sweep_lifts_locks_that_are_over() {
    let mut world = World::founded();
    for _ in 0..10 {
        world.ok(anonymous(), fail("alice"));
    }
    world.ok(system(), Change::Sweep);
    assert!(world.user_of("alice").locked_until.is_some());
    world.now += DAY;
    world.ok(system(), Change::Sweep);
    assert!(world.user_of("alice").locked_until.is_none());
    let events = world.events.len();
    world.ok(system(), Change::Sweep);
    assert_eq!(
        world.events.len(),
        events,
        "a sweep with nothing to do is no event"
    );
}

#[test]
fn an_administrator_unlocks_and_counting_starts_anew() {
    let mut world = World::founded();
    for _ in 0..10 {
        world.ok(anonymous(), fail("alice"));
    }
    world.ok(by("root"), Change::UnlockUser { id: name("alice") });
    world.ok(anonymous(), fail("alice"));
    assert_eq!(world.failures[&name("alice")].count, 1);
    world.sign_in("alice", "s").expect("not locked");
    assert!(world.failures.is_empty(), "a right password ends the counting");
    let unlock = Change::UnlockUser { id: name("nobody") };
    assert!(matches!(
        world.refused(by("root"), unlock),
        Refusal::NotFound { .. }
    ));
}

#[test]
fn the_oldest_session_makes_room() {
    let mut world = World::founded();
    for at in 0..limits::SESSIONS_PER_USER {
        world.now += 1;
        world.sign_in("alice", &format!("{at:03}")).expect("good");
    }
    world.sign_in("alice", "newest").expect("good");
    assert_eq!(world.sessions.len(), limits::SESSIONS_PER_USER);
    assert!(!world.sessions.contains_key("000") && world.sessions.contains_key("001"));
    assert!(matches!(
        world.sign_in("alice", "newest"),
        Err(Refusal::Exists { .. })
    ));
}

#[test]
fn a_device_that_makes_room_is_seen_to_go_offline() {
    let mut world = World::founded();
    world.ok(
        system(),
        Change::NodeStarted {
            node: NodeId(1),
            epoch: 7,
            version: "1".into(),
        },
    );
    for at in 0..limits::SESSIONS_PER_USER {
        world.now += 1;
        world.sign_in("alice", &format!("{at:03}")).expect("good");
    }
    world.ok(system(), online("000", 1, 7));
    let command = Command {
        by: anonymous(),
        idempotency: None,
        change: sign_in("alice", "alice", "newest"),
    };
    let decision = world.decide(&command).expect("good");
    let told = |notice: &Notice| notice.topic == Topic::Users && notice.object == "alice";
    assert!(decision.notices.iter().any(told));
}

#[test]
fn sessions_are_ended_by_their_users_only() {
    let mut world = World::founded();
    world.sign_in("alice", "a").expect("good");
    let end = || Change::EndSession { id: "a".into() };
    for who in [by("root"), by("eye"), anonymous()] {
        assert!(matches!(world.refused(who, end()), Refusal::NotFound { .. }));
    }
    world.ok(by("alice"), end());
    assert_eq!(world.kinds().last(), Some(&EventKind::Disconnect));
    assert!(matches!(
        world.refused(by("alice"), end()),
        Refusal::NotFound { .. }
    ));
    world.sign_in("alice", "session of alice").expect("good");
    world.ok(
        by("alice"),
        Change::EndSession {
            id: "session of alice".into(),
        },
    );
    assert_eq!(world.kinds().last(), Some(&EventKind::Logout));
    world.sign_in("alice", "b").expect("good");
    world.ok(by("root"), Change::DisconnectUser { id: name("alice") });
    assert!(world.sessions.is_empty());
}

#[test]
fn presence_follows_the_last_run_of_the_node_that_the_device_is_on() {
    let mut world = World::founded();
    let started = |node, epoch| Change::NodeStarted {
        node: NodeId(node),
        epoch,
        version: "1".into(),
    };
    world.ok(system(), started(1, 7));
    world.sign_in("alice", "a").expect("good");
    let on = |world: &World| world.sessions["a"].online_on;
    world.ok(system(), online("a", 1, 6));
    assert_eq!(on(&world), None, "a word of an earlier run");
    world.ok(system(), online("a", 1, 7));
    assert_eq!(on(&world), Some(NodeId(1)));
    world.ok(system(), offline("a", 2, 7));
    assert_eq!(on(&world), Some(NodeId(1)), "it is on another node");
    world.ok(system(), online("gone", 1, 7));
    world.ok(system(), started(1, 8));
    assert_eq!(on(&world), None, "a node that starts has no devices");
    world.ok(system(), offline("a", 1, 7));
    world.ok(system(), online("a", 1, 8));
    world.ok(system(), Change::NodeLost { node: NodeId(1) });
    assert_eq!(on(&world), None);
    let events = world.events.len();
    world.ok(system(), Change::NodeLost { node: NodeId(1) });
    assert_eq!(world.events.len(), events, "it is lost once");
    world.ok(system(), online("a", 1, 8));
    assert_eq!(on(&world), None, "a lost node starts anew first");
}

#[test]
fn what_devices_say_of_themselves_is_cut() {
    let mut world = World::founded();
    let Change::SignIn {
        user,
        password,
        stronger,
        session,
        token,
        ..
    } = sign_in("alice", "alice", "s")
    else {
        unreachable!("it is one");
    };
    let device = Device {
        user_agent: "x".repeat(600),
        address: "a\nb".into(),
        label: format!(" {} ", "é".repeat(200)),
    };
    let change = Change::SignIn {
        user,
        password,
        stronger,
        session,
        token,
        device,
    };
    world.ok(anonymous(), change);
    let device = &world.sessions["s"].device;
    assert_eq!(device.user_agent.len(), 512);
    assert_eq!(device.address, "ab");
    assert_eq!(device.label, "é".repeat(128));
}
