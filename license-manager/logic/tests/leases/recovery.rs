//! A manager that was restored from a backup.

use crate::world::{HOUR_MS, Manager, Server, TTL_MS, at, is_renewal, name, pro, refusal};
use plenary_licences::{
    Ask, Refusal, clock,
    lessor::{Command, Event, Standing, Timers},
};

/// A manager that comes back as it was, without saying so.
fn copy_of(manager: &Manager) -> Manager {
    let mut copy = Manager::new(10);
    copy.lessor = manager.lessor.clone();
    copy.index = manager.index;
    copy.timers = Timers::new(&copy.lessor, at(0));
    copy
}

#[test]
fn a_manager_that_is_behind_an_echo_serves_nobody() {
    let mut manager = Manager::new(10);
    let old = copy_of(&manager);
    let mut paris = Server::with(&mut manager, "paris", 5);
    let mut restored = old;
    let renewal = paris
        .poll(60_000)
        .into_iter()
        .find(is_renewal)
        .expect("it is time");
    assert_eq!(refusal(&restored.ask(&renewal, 60_000)), Some(Refusal::Behind));
    assert!(matches!(restored.events.last(), Some(Event::FoundBehind { .. })));
    let mut oslo = Server::new("oslo");
    oslo.settle(&mut restored, 61_000);
    assert_eq!(oslo.held.epoch(), None);
}

/// Renews at a manager that may not be the one of before, and gives what is said.
fn renew(paris: &mut Server, manager: &mut Manager, ms: u64) -> Option<Refusal> {
    let renewal = paris.poll(ms).into_iter().find(is_renewal).expect("it is time");
    let answer = manager.ask(&renewal, ms);
    let refusal = refusal(&answer);
    paris.hear(&answer, ms);
    refusal
}

fn lead(manager: &mut Manager, reign: u64) {
    manager.apply(Command::Lead { reign }, 0);
}

#[test]
fn an_old_copy_whose_log_has_become_longer_is_behind_all_the_same() {
    // The copy was made while the manager was off, or in the middle of its reign.
    for goes_on in [false, true] {
        let mut manager = Manager::new(10);
        lead(&mut manager, 1);
        let mut paris = Server::with(&mut manager, "paris", 5);
        let mut old = copy_of(&manager);
        if !goes_on {
            lead(&mut manager, 2);
        }
        assert_eq!(renew(&mut paris, &mut manager, 60_000), None);
        lead(&mut old, 3);
        while old.lessor.position().index <= manager.lessor.position().index {
            old.apply(Command::Ttl { ms: TTL_MS }, 60_000);
        }
        assert_eq!(renew(&mut paris, &mut old, 120_000), Some(Refusal::Behind));
        assert_eq!(old.lessor.standing(), Standing::Behind);
    }
}

#[test]
fn who_was_silent_over_many_changes_of_leaders_is_served() {
    for changes in [1, 3, 15, 16, 17, 40] {
        let mut manager = Manager::new(10);
        lead(&mut manager, 1);
        let mut paris = Server::with(&mut manager, "paris", 5);
        for reign in 2..2 + changes {
            lead(&mut manager, reign);
        }
        assert_eq!(renew(&mut paris, &mut manager, 60_000), None, "{changes}");
    }
    // So is who knew the manager before it named who leads.
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 5);
    lead(&mut manager, 1);
    assert_eq!(renew(&mut paris, &mut manager, 60_000), None);
}

#[test]
fn managers_of_two_branches_are_behind_each_other() {
    let mut manager = Manager::new(10);
    manager.apply(Command::Restored, 0);
    let (mut first, mut second) = (copy_of(&manager), copy_of(&manager));
    first.apply(Command::Recover { branch: 8 }, 0);
    second.apply(Command::Recover { branch: 9 }, 0);
    assert!(first.lessor.is_behind(second.lessor.position()));
    assert!(second.lessor.is_behind(first.lessor.position()));
    assert!(manager.lessor.is_behind(first.lessor.position()));
    assert!(!first.lessor.is_behind(manager.lessor.position()));
}

#[test]
fn a_restore_is_known_even_if_no_server_says_so() {
    let mut manager = Manager::new(10);
    manager.apply(Command::Restored, 0);
    let mut oslo = Server::new("oslo");
    oslo.settle(&mut manager, 1_000);
    assert_eq!(oslo.held.epoch(), None);
    assert_eq!(manager.lessor.standing(), Standing::Behind);
}

#[test]
fn while_it_recovers_leases_go_on_and_nobody_gets_more() {
    let mut manager = Manager::new(10);
    let old = copy_of(&manager);
    let mut paris = Server::with(&mut manager, "paris", 7);
    let mut restored = old;
    restored.apply(Command::Restored, HOUR_MS);
    restored.apply(Command::Recover { branch: 8 }, HOUR_MS);
    assert_eq!(restored.lessor.position().epoch, 2);

    // Paris is not in the backup. It is asked to tell what it holds, commits that nothing earlier counts, and tells.
    let order_before = paris.held.order;
    paris.settle(&mut restored, HOUR_MS);
    assert_eq!(paris.leader.refusal(), Some(Refusal::Reclaim));
    let told = paris.poll(HOUR_MS + 10);
    assert!(matches!(told[0].ask, Ask::Reclaim { held, .. } if held == pro(7)));
    assert!(paris.held.order > order_before);
    let answer = restored.ask(&told[0], HOUR_MS + 20);
    paris.hear(&answer, HOUR_MS + 30);
    assert_eq!((restored.leased("paris"), paris.held.seats), (7, pro(7)));

    // Nobody gets more for one TTL: others may hold seats of which nothing is known.
    let mut oslo = Server::new("oslo");
    oslo.leader.want(pro(3));
    for ms in [0, 1, 3_000, 6_000] {
        oslo.settle(&mut restored, HOUR_MS + 100 + ms);
    }
    assert_eq!(oslo.held.seats, pro(0));
    let end = HOUR_MS + clock::lessor_ms(TTL_MS);
    assert_eq!(restored.tick(at(end - 1)), 0);
    assert_eq!(restored.tick(at(end)), 1);
    assert_eq!(restored.lessor.standing(), Standing::Serving);
    oslo.settle(&mut restored, end);
    oslo.settle(&mut restored, end + 3_000);
    assert_eq!(oslo.held.seats, pro(3));
}

#[test]
fn what_was_not_told_by_then_is_dropped() {
    let mut manager = Manager::new(10);
    let _paris = Server::with(&mut manager, "paris", 7);
    manager.apply(Command::Restored, 0);
    manager.apply(Command::Recover { branch: 8 }, 0);
    assert_eq!(manager.leased("paris"), 7, "it still counts");
    manager.tick(at(clock::lessor_ms(TTL_MS)));
    assert_eq!(manager.leased("paris"), 0);
    assert!(manager.events.contains(&Event::RecoveryEnded { dropped: pro(7) }));
}

#[test]
fn a_server_whose_time_is_over_tells_nothing_and_registers() {
    let mut manager = Manager::new(10);
    let old = copy_of(&manager);
    let mut paris = Server::with(&mut manager, "paris", 7);
    let before = paris.epoch();
    let mut restored = old;
    restored.apply(Command::Restored, TTL_MS);
    restored.apply(Command::Recover { branch: 8 }, TTL_MS);
    paris.settle(&mut restored, TTL_MS);
    paris.settle(&mut restored, TTL_MS + 3_000);
    assert!(paris.epoch() > before);
    assert_eq!(restored.leased("paris"), 0);
}

#[test]
fn two_restores_of_one_backup_are_told_apart() {
    let manager = Manager::new(10);
    let recovered = |branch| {
        let mut copy = copy_of(&manager);
        copy.apply(Command::Restored, 0);
        copy.apply(Command::Recover { branch }, 0);
        copy
    };
    let (mut one, mut other) = (recovered(11), recovered(12));
    let mut paris = Server::new("paris");
    for ms in [0, 1, 2] {
        paris.settle(&mut one, ms);
    }
    let request = paris.poll(70_000).remove(0);
    assert_eq!(request.server, name("paris"));
    assert_eq!(refusal(&other.ask(&request, 60_000)), Some(Refusal::Behind));
    // Recovering again goes beyond every epoch that was named.
    other.apply(Command::Recover { branch: 13 }, 61_000);
    assert_eq!(other.lessor.position().epoch, 3);
}
