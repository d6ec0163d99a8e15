use crate::{
    server::Server,
    world::{LONG, World, pro},
};
use plenary_testkit::eventually;
use std::time::Duration;

const PARIS: &str = "paris.example.com";
const OSLO: &str = "oslo.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn three_managers_lend_one_pool_and_go_on_without_their_leader() {
    let mut world = World::of_three().await;
    world.install(pro(10), &[PARIS, OSLO]);
    let paris = Server::enrolled(&world, PARIS).await;
    let oslo = Server::enrolled(&world, OSLO).await;
    paris.want(8);
    paris.gets(8, LONG).await;
    oslo.want(2);
    oslo.gets(2, LONG).await;

    let leader = eventually("a leader", LONG, async || world.leader()).await;
    world.kill(leader);
    oslo.want(5);
    let runs = (leader + 1) % 3;
    eventually("another leader", LONG, async || {
        let leads = world.leader_by(runs)?;
        (leads != leader).then_some(())
    })
    .await;
    // Nothing is idle: nobody gets more, and nobody loses anything.
    assert_eq!((paris.seats(), oslo.seats()), (8, 2));
    paris.want(4);
    oslo.gets(5, LONG).await;
    assert!(
        paris.seats() + oslo.seats() <= 10,
        "{} {}",
        paris.seats(),
        oslo.seats()
    );
    assert!(world.leased(runs) <= 10);

    world.start(leader).await;
    world.kill(runs);
    eventually("the one that was lost serves again", LONG, async || {
        world.leader_by(leader).map(|_| ())
    })
    .await;
    oslo.want(6);
    oslo.gets(6, LONG).await;
    let events = world.json(leader, &["events"]).to_string();
    for word in ["registered", "server_admitted", "licence_installed"] {
        assert!(events.contains(word), "{word}: {events}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_seats_of_one_server_come_to_another_within_a_second_or_two() {
    let world = World::of_one().await;
    world.install(pro(10), &[]);
    let paris = Server::enrolled(&world, PARIS).await;
    let oslo = Server::enrolled(&world, OSLO).await;
    paris.want(10);
    paris.gets(10, LONG).await;
    paris.want(1);
    // The manager has heard that they are idle.
    eventually("they are idle", LONG, async || {
        let servers = world.json(0, &["server", "list"]);
        let paris = servers
            .as_array()?
            .iter()
            .find(|row| row["server"] == PARIS)?
            .clone();
        (paris["wanted"]["pro"] == 1).then_some(())
    })
    .await;
    oslo.want(6);
    oslo.gets(6, Duration::from_secs(5)).await;
    assert!(paris.seats() <= 4);
    // What is guaranteed is kept for a server, and nobody gets more than its most.
    world.done(0, &["server", "bounds", PARIS, "--pro", "2", "--most-pro", "3"]);
    paris.want(9);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(paris.seats() <= 4, "{}", paris.seats());
    assert!(
        world
            .readiness(0, "/metrics")
            .contains("plenary_pool_pro_seats 10")
    );
    assert!(world.readiness(0, "/readyz").contains("200 OK"));
}
