//! Copied, restored and restarted servers.

use crate::world::{HOUR_MS, Manager, Server, at, home, name, pro, refusal};
use plenary_licences::{Ask, Incarnation, PoolId, Refusal, Request, clock, lessee::Change, lessor::Event};

#[test]
fn a_process_that_starts_again_on_the_same_boot_renews() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 5);
    let before = server.epoch();
    server.elect(2, HOUR_MS);
    server.settle(&mut manager, HOUR_MS);
    assert_eq!((server.epoch(), server.held.seats), (before, pro(5)));
}

#[test]
fn after_a_boot_or_a_copy_or_a_restore_it_registers_anew() {
    let mut restored = home(1, 1);
    restored.restore = 9;
    for other in [home(2, 1), home(1, 2), restored] {
        let mut manager = Manager::new(10);
        let mut server = Server::with(&mut manager, "paris", 5);
        let before = server.epoch();
        server.elect(2, HOUR_MS);
        server.home = other;
        server.settle(&mut manager, HOUR_MS);
        assert!(server.epoch() > before);
        assert!(
            server.held.seats.is_none(),
            "nothing is granted before the new lease has seats"
        );
        assert_eq!(
            manager.leased("paris"),
            5,
            "the old one counts until it was returned or ends"
        );
        let paris = &manager.lessor.servers()[&name("paris")];
        assert_eq!(paris.current(), Some(server.epoch()));
    }
}

#[test]
fn of_two_copies_the_first_may_only_return_and_uses_its_lease_to_the_end() {
    let mut manager = Manager::new(10);
    let mut first = Server::with(&mut manager, "paris", 5);
    let mut copy = Server::new("paris");
    copy.home = home(2, 2);
    copy.random = 5_000;
    copy.held = first.held;
    copy.watch = first.watch.clone();
    copy.elect(1, 1_000);
    copy.settle(&mut manager, 1_000);
    assert!(copy.epoch() > first.epoch());
    assert!(manager.events.contains(&Event::Superseded {
        server: name("paris"),
        epoch: first.epoch()
    }));
    let before = first.epoch();
    first.settle(&mut manager, 60_000);
    assert_eq!(first.leader.refusal(), Some(Refusal::Superseded));
    assert!(first.allows(at(60_000)));
    first.settle(&mut manager, 70_000);
    assert_eq!(
        first.epoch(),
        before,
        "it does not register while its seats count"
    );
    let end = clock::lessee_ms(crate::world::TTL_MS);
    assert!(!first.allows(at(end)));
    first.settle(&mut manager, end);
    assert!(first.epoch() > before);
}

#[test]
fn a_late_registration_of_a_former_life_begins_nothing() {
    let mut manager = Manager::new(10);
    let register = |incarnation| Request {
        server: name("paris"),
        pool: None,
        seen: Default::default(),
        ask: Ask::Register {
            incarnation: Incarnation(incarnation),
        },
    };
    let first = manager.ask(&register(1), 0);
    assert_eq!(
        manager.ask(&register(1), 1).reply,
        first.reply,
        "repeated, it is the same lease"
    );
    manager.ask(&register(2), 2);
    assert_eq!(refusal(&manager.ask(&register(1), 3)), Some(Refusal::Superseded));
}

#[test]
fn a_server_of_another_pool_is_refused() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 5);
    server.held.pool = Some(PoolId(99));
    let request = server.poll(60_000).remove(0);
    assert_eq!(refusal(&manager.ask(&request, 60_000)), Some(Refusal::OtherPool));
}

#[test]
fn a_server_that_is_moved_to_another_pool_borrows_there() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 5);
    let before = server.epoch();
    server.held.apply(&Change::Detached, pro(0));
    server.watch.forget(before);
    let mut other = Manager::new(10);
    for ms in [0, 1, 3_000] {
        server.elect(2, HOUR_MS + ms);
        server.leader.want(pro(2));
        for more in [0, 2_000, 4_000] {
            server.settle(&mut other, HOUR_MS + ms + more);
        }
    }
    assert_eq!((server.held.seats, other.leased("paris")), (pro(2), 2));
    assert!(server.allows(at(HOUR_MS + 10_000)));
}

#[test]
fn a_leader_waits_for_a_node_that_knows_the_lease() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 5);
    let epoch = server.epoch();
    let members = [1, 2, 3].map(plenary_model::NodeId).into();
    let options = plenary_licences::lessee::Options::default();
    // This node booted; another one may not have.
    server.home = home(2, 1);
    let elected = |server: &mut Server, members| {
        server.leader =
            plenary_licences::lessee::Leader::elected(name("paris"), options, 2, members, at(HOUR_MS));
    };
    elected(&mut server, members);
    assert!(server.poll(HOUR_MS).is_empty());
    server.leader.hear(plenary_model::NodeId(2), Some(epoch));
    assert!(crate::world::is_renewal(&server.poll(HOUR_MS + 10)[0]));
}
