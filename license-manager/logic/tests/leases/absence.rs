//! The manager is away.

use crate::world::{HOUR_MS, Manager, Server, TTL_MS, at, pro};
use plenary_licences::clock;

#[test]
fn a_server_goes_on_inside_its_lease_until_the_end() {
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 5);
    paris.in_use = 3;
    for hour in 1..=11 {
        // Nobody answers.
        paris.poll(hour * HOUR_MS);
        assert!(paris.allows(at(hour * HOUR_MS)));
        assert!(
            paris.held.allows(pro(3), pro(1)),
            "new participants come in while seats last"
        );
    }
    assert!(!paris.allows(at(clock::lessee_ms(TTL_MS))));
}

#[test]
fn it_is_back_the_moment_a_lease_is() {
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 5);
    // Away for longer than its deadline and shorter than the manager's.
    let back = clock::lessee_ms(TTL_MS) + 60_000;
    assert!(back < clock::lessor_ms(TTL_MS));
    assert!(!paris.allows(at(back)));
    paris.settle(&mut manager, back);
    assert!(paris.allows(at(back)));
    assert_eq!(paris.held.seats, pro(5));
}

#[test]
fn a_server_that_was_away_for_too_long_begins_anew() {
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 5);
    let back = clock::lessor_ms(TTL_MS);
    manager.tick(at(back));
    paris.leader.want(pro(5));
    for ms in [0, 3_000, 6_000, 9_000] {
        paris.settle(&mut manager, back + ms);
    }
    assert!(paris.allows(at(back + 9_000)));
    assert_eq!((paris.held.seats, manager.leased("paris")), (pro(5), 5));
}

#[test]
fn a_server_that_stops_for_good_gives_everything_back() {
    let mut manager = Manager::new(10);
    let mut paris = Server::with(&mut manager, "paris", 5);
    let told = paris.leave(1_000);
    for request in told {
        manager.ask(&request, 1_000);
    }
    assert!(paris.held.seats.is_none());
    let last = paris.left(1_001).expect("it has nothing any more");
    manager.ask(&last, 1_001);
    assert_eq!(manager.leased("paris"), 0);
    assert!(
        manager.lessor.servers()[&crate::world::name("paris")]
            .leases
            .is_empty()
    );
}
