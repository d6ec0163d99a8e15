//! Messages that are lost, late, doubled and in another order.

use crate::world::{Manager, Server, is_renewal, pro, refusal};
use plenary_licences::{
    Ask, Kind, Order, Recall, Refusal, Reply, Request, Seats,
    lessee::{Applied, Change, Held},
};

fn order_of(request: &Request) -> Order {
    request.ask.order().expect("it has one")
}

#[test]
fn an_older_order_is_refused_and_an_equal_one_gets_the_stored_answer() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 5);
    let renewal = server
        .poll(60_000)
        .into_iter()
        .find(is_renewal)
        .expect("it is time");
    let first = manager.ask(&renewal, 60_000);
    let again = manager.ask(&renewal, 61_000);
    assert_eq!(first.reply, again.reply);
    let mut older = renewal.clone();
    if let Ask::Renew { order, .. } = &mut older.ask {
        order.seq -= 1;
    }
    assert_eq!(refusal(&manager.ask(&older, 62_000)), Some(Refusal::Stale));
}

#[test]
fn a_doubled_renewal_does_not_prolong_the_lease() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 5);
    let renewal = server
        .poll(60_000)
        .into_iter()
        .find(is_renewal)
        .expect("it is time");
    manager.ask(&renewal, 60_000);
    let length = plenary_licences::clock::lessor_ms(crate::world::TTL_MS);
    manager.ask(&renewal, 60_000 + length - 1);
    assert_eq!(manager.tick(crate::world::at(60_000 + length)), 1);
}

#[test]
fn a_return_is_told_only_after_it_was_committed_and_voids_earlier_answers() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 4);
    server.leader.want(pro(8));
    let grow = server
        .poll(10_000)
        .into_iter()
        .find(|request| matches!(request.ask, Ask::Grow { .. }));
    let grow = grow.expect("it wants more");
    let late = manager.ask(&grow, 10_000);
    assert_eq!(manager.leased("paris"), 8);
    // Before that answer comes, seats are recalled and returned.
    server.leader.want(pro(0));
    let recall = Recall {
        epoch: server.epoch(),
        seats: pro(3),
    };
    let told = server.recalled(recall, 11_000);
    assert!(matches!(told[0].ask, Ask::Return { to, .. } if to == pro(1)));
    assert_eq!(server.held.seats, pro(1), "committed before it was told");
    manager.ask(&told[0], 11_000);
    server.hear(&late, 12_000);
    assert_eq!(server.held.seats, pro(1), "the late answer no longer counts");
    assert_eq!(manager.leased("paris"), 1);
}

#[test]
fn a_return_that_was_lost_is_made_good_by_the_next_renewal() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 6);
    server.leader.want(pro(0));
    let recall = Recall {
        epoch: server.epoch(),
        seats: pro(6),
    };
    assert_eq!(server.recalled(recall, 10_000).len(), 1, "and it is lost");
    assert_eq!((server.held.seats.pro, manager.leased("paris")), (0, 6));
    server.settle(&mut manager, 80_000);
    assert_eq!(server.held.seats, pro(6), "what the manager says is adopted");
}

#[test]
fn more_never_turns_out_to_be_less() {
    let mut manager = Manager::new(10);
    let server = Server::with(&mut manager, "paris", 6);
    let order = Order {
        epoch: server.epoch(),
        term: 1,
        seq: 1_000,
    };
    let grow = Request {
        server: crate::world::name("paris"),
        pool: None,
        seen: Default::default(),
        ask: Ask::Grow { order, to: pro(2) },
    };
    let answer = manager.ask(&grow, 1_000);
    assert_eq!(answer.reply, Reply::Grown { order, seats: pro(6) });
    let mut held = server.held;
    let change = Change::Grown {
        order,
        seats: pro(2),
        seen: answer.position,
    };
    assert_eq!(held.apply(&change, Seats::NONE), Applied::Changed);
    assert_eq!(held.seats, pro(6));
}

#[test]
fn a_leader_of_an_earlier_term_is_not_listened_to_once_a_new_one_renewed() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 6);
    // The old leader's return was committed; on its way to the manager it is late.
    server.leader.want(pro(0));
    let recall = Recall {
        epoch: server.epoch(),
        seats: pro(6),
    };
    let late = server.recalled(recall, 10_000).remove(0);
    server.elect(2, 11_000);
    server.leader.want(pro(6));
    server.settle(&mut manager, 11_000);
    assert_eq!(server.held.seats, pro(6));
    assert_eq!(refusal(&manager.ask(&late, 12_000)), Some(Refusal::Stale));
    assert_eq!(manager.leased("paris"), 6);
}

#[test]
fn a_new_leader_renews_before_it_asks_for_more_or_gives_back() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 3);
    server.elect(2, 10_000);
    server.leader.want(pro(9));
    let first = server.poll(10_000);
    assert!(first.len() == 1 && is_renewal(&first[0]), "{first:?}");
    let recall = Recall {
        epoch: server.epoch(),
        seats: pro(3),
    };
    assert!(server.recalled(recall, 10_000).is_empty());
    let answer = manager.ask(&first[0], 10_000);
    server.hear(&answer, 10_001);
    let then = server.poll(10_002);
    assert!(matches!(then[0].ask, Ask::Grow { .. }));
    assert!(order_of(&then[0]) > order_of(&first[0]));
}

#[test]
fn a_change_that_would_take_seats_in_use_is_ignored() {
    let mut manager = Manager::new(10);
    let server = Server::with(&mut manager, "paris", 6);
    let mut held: Held = server.held;
    let order = Order {
        epoch: server.epoch(),
        term: 5,
        seq: 1,
    };
    let shrink = Change::Shrunk { order, to: pro(2) };
    assert_eq!(held.apply(&shrink, pro(3)), Applied::Ignored);
    assert_eq!(held.seats, pro(6));
    assert!(held.allows(pro(5), pro(1)) && !held.allows(pro(6), pro(1)));
}

#[test]
fn a_server_cannot_lie_about_more_than_it_has() {
    let mut manager = Manager::new(10);
    let mut server = Server::with(&mut manager, "paris", 3);
    server.in_use = 900;
    server.settle(&mut manager, 60_000);
    let paris = &manager.lessor.servers()[&crate::world::name("paris")];
    let lease = &paris.leases[&server.epoch()];
    assert_eq!(lease.used.of(Kind::Pro), 3);
}
