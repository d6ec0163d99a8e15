//! Who gets what.

use crate::world::{Manager, Server, at, name, pro};
use plenary_licences::{
    Ask, Request, Seats,
    lessor::{Command, Desk, Event, Limits},
};

fn grow(server: &mut Server, to: u32, ms: u64) -> Request {
    server.leader.want(pro(to));
    let mut requests = server.poll(ms);
    requests.retain(|request| matches!(request.ask, Ask::Grow { .. }));
    requests.remove(0)
}

#[test]
fn what_is_free_is_given_at_once() {
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 3);
    let request = grow(&mut paris, 7, 1_000);
    let effects = manager.desk.handle(&manager.lessor, request, at(1_000));
    let (answers, recalls) = manager.carry_out(effects, 1_000);
    assert_eq!((answers.len(), recalls.len()), (1, 0));
    assert_eq!(manager.leased("paris"), 7);
}

#[test]
fn idle_seats_of_others_are_recalled_and_a_request_waits_less_than_a_second() {
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 9);
    paris.in_use = 2;
    paris.leader.want(pro(2));
    paris.settle(&mut manager, 10_000);
    let mut oslo = Server::with(&mut manager, "oslo", 1);
    let request = grow(&mut oslo, 5, 20_000);
    let effects = manager.desk.handle(&manager.lessor, request, at(20_000));
    let (answers, recalls) = manager.carry_out(effects, 20_000);
    assert!(answers.is_empty(), "it waits");
    assert_eq!(recalls, [(name("paris"), recalls[0].1)]);
    assert_eq!(recalls[0].1.seats, pro(4));
    for request in paris.recalled(recalls[0].1, 20_050) {
        manager.ask(&request, 20_060);
    }
    let effects = manager.desk.poll(&manager.lessor, at(20_060));
    manager.carry_out(effects, 20_060);
    assert_eq!((manager.leased("paris"), manager.leased("oslo")), (5, 5));
}

/// What the manager knows of use is as old as the last renewal: Bern has no idle seat any more and says nothing.
#[test]
fn a_server_that_gives_nothing_does_not_hide_others_that_could() {
    let mut manager = Manager::new(10);
    let mut bern = Server::with(&mut manager, "bern", 1);
    let mut rome = Server::with(&mut manager, "rome", 1);
    for idle in [&mut bern, &mut rome] {
        idle.leader.want(pro(0));
        idle.settle(&mut manager, 10_000);
    }
    bern.in_use = 1;
    let mut paris = Server::with(&mut manager, "paris", 7);
    paris.in_use = 7;
    paris.settle(&mut manager, 10_000);
    let request = grow(&mut paris, 9, 20_000);
    let effects = manager.desk.handle(&manager.lessor, request, at(20_000));
    let (_, recalls) = manager.carry_out(effects, 20_000);
    assert_eq!(recalls, [(name("bern"), recalls[0].1)], "the first of two alike");
    assert!(bern.recalled(recalls[0].1, 20_010).is_empty());
    let effects = manager.desk.poll(&manager.lessor, at(20_400));
    let (_, recalls) = manager.carry_out(effects, 20_400);
    assert_eq!(recalls[0].0, name("rome"));
    for request in rome.recalled(recalls[0].1, 20_410) {
        manager.ask(&request, 20_420);
    }
    let effects = manager.desk.poll(&manager.lessor, at(20_420));
    manager.carry_out(effects, 20_420);
    assert_eq!(manager.leased("paris"), 9);
}

#[test]
fn a_request_that_cannot_be_met_gets_what_there_is() {
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 8);
    paris.in_use = 8;
    paris.settle(&mut manager, 10_000);
    let mut oslo = Server::with(&mut manager, "oslo", 1);
    let request = grow(&mut oslo, 5, 20_000);
    let effects = manager.desk.handle(&manager.lessor, request, at(20_000));
    assert!(effects.is_empty(), "nobody has idle seats: {effects:?}");
    let wait = manager.desk.next_ms(at(20_000)).expect("something waits");
    assert!(wait <= Desk::PATIENCE_MS);
    let effects = manager.desk.poll(&manager.lessor, at(20_000 + Desk::PATIENCE_MS));
    manager.carry_out(effects, 21_000);
    assert_eq!((manager.leased("paris"), manager.leased("oslo")), (8, 2));
}

#[test]
fn who_waits_together_shares_in_proportion() {
    let mut manager = Manager::new(12);
    let mut paris = Server::with(&mut manager, "paris", 0);
    let mut oslo = Server::with(&mut manager, "oslo", 0);
    for (server, to) in [(&mut paris, 20), (&mut oslo, 10)] {
        let request = grow(server, to, 5_000);
        let effects = manager.desk.handle(&manager.lessor, request, at(5_000));
        assert!(effects.is_empty());
    }
    let effects = manager.desk.poll(&manager.lessor, at(6_000));
    manager.carry_out(effects, 6_000);
    assert_eq!((manager.leased("paris"), manager.leased("oslo")), (8, 4));
}

#[test]
fn what_is_guaranteed_is_kept_free_and_nobody_gets_more_than_the_most() {
    let mut manager = Manager::new(10);
    let limits = |guaranteed, most| Limits {
        guaranteed: pro(guaranteed),
        most,
    };
    let set = |server: &str, limits| Command::Limits {
        server: name(server),
        limits,
    };
    manager.apply(set("oslo", limits(4, None)), 0);
    manager.apply(set("rome", limits(0, Some(pro(2)))), 0);
    let mut paris = Server::with(&mut manager, "paris", 0);
    let request = grow(&mut paris, 10, 1_000);
    manager.ask(&request, 1_000);
    assert_eq!(manager.leased("paris"), 6);
    let mut oslo = Server::with(&mut manager, "oslo", 0);
    let request = grow(&mut oslo, 3, 2_000);
    manager.ask(&request, 2_000);
    assert_eq!(manager.leased("oslo"), 3);
    let mut rome = Server::with(&mut manager, "rome", 0);
    let request = grow(&mut rome, 5, 3_000);
    manager.ask(&request, 3_000);
    assert_eq!(manager.leased("rome"), 0, "the last one is Oslo's");
    manager.apply(
        Command::Licensed {
            seats: pro(20),
            covers: None,
        },
        4_000,
    );
    let request = grow(&mut rome, 6, 5_000);
    manager.ask(&request, 5_000);
    assert_eq!(manager.leased("rome"), 2);
}

#[test]
fn a_smaller_licence_takes_nothing_away_and_blocks_growth() {
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 8);
    manager.apply(
        Command::Licensed {
            seats: pro(5),
            covers: None,
        },
        1_000,
    );
    assert_eq!(manager.lessor.pool_seats(), pro(8));
    let request = grow(&mut paris, 9, 2_000);
    manager.ask(&request, 2_000);
    assert_eq!(manager.leased("paris"), 8);
    paris.settle(&mut manager, 90_000);
    assert_eq!(paris.held.seats, pro(8), "renewed as it is");
}

#[test]
fn idle_seats_come_back_by_themselves() {
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 8);
    paris.leader.want(Seats::NONE);
    for ms in [1_000, 10_000, 32_000] {
        paris.settle(&mut manager, ms);
        for request in paris.poll(ms) {
            manager.ask(&request, ms);
        }
    }
    assert_eq!(paris.held.seats, pro(1), "one stays for the next who comes");
    assert_eq!(manager.leased("paris"), 1);
}

#[test]
fn a_server_that_is_declared_dead_gives_all_back_at_once() {
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 8);
    let dead = Command::DeclareDead {
        server: name("paris"),
    };
    manager.apply(dead, 1_000);
    assert_eq!(manager.leased("paris"), 0);
    let declared = Event::DeclaredDead {
        server: name("paris"),
        seats: pro(8),
    };
    assert!(manager.events.contains(&declared));
    // If it lives, it hears that its lease is gone, ends its use, and registers anew.
    assert!(paris.allows(at(60_000)));
    let before = paris.epoch();
    paris.settle(&mut manager, 61_000);
    assert!(!paris.allows(at(61_000)));
    paris.settle(&mut manager, 64_000);
    assert!(paris.epoch() > before);
}

#[test]
fn a_thousand_servers_register_at_once() {
    let mut manager = Manager::new(1_500);
    for number in 0..1_000 {
        let server = Server::with(&mut manager, &format!("s{number}"), 1);
        assert!(server.held.pool.is_some());
    }
    assert_eq!(manager.lessor.leased(), pro(1_000));
    let mut last = Server::with(&mut manager, "last", 0);
    let request = grow(&mut last, 900, 1_000);
    manager.ask(&request, 1_000);
    assert_eq!(manager.leased("last"), 500);
}
