//! Whose clock says when a lease ends.

use crate::world::{ALIVE_MS, HOUR_MS, Manager, Server, TTL_MS, at, is_renewal};
use plenary_licences::{
    clock::{self, Reading},
    lessee::{Alive, Quiet, Watch},
};
use plenary_model::NodeId;

#[test]
fn a_lessee_counts_from_when_it_sent_the_renewal() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 5);
    let sent = HOUR_MS;
    let requests = server.poll(sent);
    let renewal = requests.into_iter().find(is_renewal).expect("it is time");
    let answer = manager.ask(&renewal, sent + 20_000);
    // The answer takes a minute.
    server.hear(&answer, sent + 60_000);
    let end = sent + clock::lessee_ms(TTL_MS);
    assert!(server.allows(at(end - 1)));
    assert!(!server.allows(at(end)));
    assert!(end < sent + TTL_MS - TTL_MS / 100);
}

#[test]
fn a_lessor_counts_from_when_it_applied_it_and_longer() {
    let mut manager = Manager::new(10);
    let _server = Server::with(&mut manager, "paris", 5);
    let end = clock::lessor_ms(TTL_MS);
    assert_eq!(manager.tick(at(end - 1)), 0);
    assert_eq!(manager.leased("paris"), 5);
    assert_eq!(manager.tick(at(end)), 1);
    assert_eq!(manager.leased("paris"), 0);
}

#[test]
fn an_expiry_is_void_if_a_renewal_was_committed_first() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 5);
    let end = clock::lessor_ms(TTL_MS);
    let due = manager.timers.due(&manager.lessor, at(end));
    server.settle(&mut manager, end);
    for command in due {
        manager.apply(command, end);
    }
    assert_eq!(manager.leased("paris"), 5);
}

#[test]
fn a_wall_clock_that_is_set_ahead_expires_nobodys_lease() {
    let mut manager = Manager::new(10);
    let _server = Server::with(&mut manager, "paris", 5);
    let year_ms = 365 * 24 * HOUR_MS;
    let now = Reading {
        wall_ms: at(0).wall_ms + year_ms,
        ..at(1000)
    };
    assert_eq!(manager.tick(now), 0);
}

#[test]
fn a_lessee_that_was_suspended_notices_by_either_clock() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 5);
    assert!(server.allows(at(HOUR_MS)));
    // The hypervisor held it for a day: the boot clock knows nothing of that.
    let resumed = Reading {
        wall_ms: at(24 * HOUR_MS).wall_ms,
        ..at(HOUR_MS)
    };
    assert!(!server.allows(resumed));
    // The wall clock was set back a day; the boot clock counts.
    let set_back = Reading {
        wall_ms: at(0).wall_ms - 24 * HOUR_MS,
        ..at(13 * HOUR_MS)
    };
    assert!(!server.allows(set_back));
}

#[test]
fn a_new_replica_counts_from_its_start() {
    let mut manager = Manager::new(10);
    let _server = Server::with(&mut manager, "paris", 5);
    let restart = 6 * HOUR_MS;
    manager.timers = plenary_licences::lessor::Timers::new(&manager.lessor, at(restart));
    assert_eq!(manager.tick(at(clock::lessor_ms(TTL_MS))), 0);
    assert_eq!(manager.tick(at(restart + clock::lessor_ms(TTL_MS))), 1);
}

#[test]
fn a_node_learns_how_much_is_left_and_counts_from_its_question() {
    let mut manager = Manager::new(10);
    let server = Server::with(&mut manager, "paris", 5);
    let home = crate::world::home(2, 2);
    let mut node = Watch::new();
    let alive = Alive {
        left_ms: Some((server.epoch(), 100_000)),
        until_boot_ms: 0,
    };
    // Another machine: its boot clock says something else altogether.
    let clock = |ms: u64| Reading {
        boot_ms: 77 + ms,
        wall_ms: 5,
    };
    node.heard(alive, ALIVE_MS, clock(1_000), clock(9_000), home);
    assert_eq!(
        node.left_ms(server.epoch(), clock(9_000), home),
        Some(98_000 - 8_000)
    );
    assert!(!node.allows(server.epoch(), clock(1_000 + 98_000), home));
}

#[test]
fn a_node_that_is_cut_off_ends_before_its_seats_go_to_others() {
    let limit_ms = 10 * 60_000;
    let mut manager = Manager::new(10);
    let server = Server::with(&mut manager, "paris", 5);
    let mut watch = server.watch.clone();
    let alive = Alive {
        left_ms: None,
        until_boot_ms: 0,
    };
    watch.heard(alive, limit_ms, at(0), at(50), server.home);
    assert!(watch.allows(server.epoch(), at(limit_ms - 1), server.home));
    assert!(!watch.allows(server.epoch(), at(limit_ms), server.home));

    let mut quiet = Quiet::new(limit_ms, at(0));
    quiet.asked(NodeId(1), at(20));
    // If the node's clock is 1 % slow and the leader's 1 % fast, 3 s more than the limit would not do.
    let node_ends = limit_ms * 100 / 99;
    let leader_reads = node_ends * 101 / 100;
    assert!(leader_reads > limit_ms + 3_000);
    assert!(!quiet.is_over(NodeId(1), at(20 + leader_reads)));
    assert!(quiet.is_over(NodeId(1), at(20 + clock::silence_ms(limit_ms))));
    // A new leader knows of no question, and counts from its election.
    let quiet = Quiet::new(limit_ms, at(HOUR_MS));
    assert!(!quiet.is_over(NodeId(1), at(HOUR_MS + limit_ms)));
}
