use crate::{
    server::Server,
    world::{LONG, MANAGER, World, pro},
};
use plenary_licences::Refusal;
use plenary_testkit::eventually;

const PARIS: &str = "paris.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_manager_lends_nothing_until_it_recovers() {
    let mut world = World::of_one().await;
    world.install(pro(10), &[]);
    let backup = world.folder.path().join("old.backup");
    let backup = backup.to_str().unwrap();
    let mut paris = Server::enrolled(&world, PARIS).await;
    world.done(0, &["backup", backup]);
    // This happens after the backup: it knows nothing of it.
    paris.want(7);
    paris.gets(7, LONG).await;
    world.kill(0);
    paris.stop();

    let second = world.plan();
    let authority = world.authority();
    let restored = world.run(
        second,
        &["restore", backup, "--manager", MANAGER, "--authority", &authority],
    );
    assert_eq!(restored.code, 0, "{}", restored.reason);
    world.start(second).await;
    assert_eq!(world.json(second, &["status"])["standing"], "behind");
    assert!(world.readiness(second, "/readyz").contains("503"));
    paris.enrolled.addresses = vec![world.replicas[second].address.to_string()];
    paris.resume();
    eventually("it does not lend", LONG, async || {
        (paris.refusal() == Some(Refusal::Behind)).then_some(())
    })
    .await;
    let early = world.run(second, &["recover"]);
    assert!(
        early.code == 1 && early.reason.contains("only-one"),
        "{}",
        early.reason
    );
    world.done(second, &["recover", "--it-is-the-only-one"]);
    eventually("it knows what is held", LONG, async || {
        (world.leased(second) == 7).then_some(())
    })
    .await;
    assert_eq!(paris.seats(), 7, "nobody lost anything");
    assert_eq!(world.json(second, &["status"])["standing"], "recovering");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_of_the_data_is_found_out_by_what_a_server_saw() {
    let mut world = World::of_one().await;
    world.install(pro(10), &[]);
    let paris = Server::enrolled(&world, PARIS).await;
    paris.want(1);
    paris.gets(1, LONG).await;
    world.kill(0);
    let data = world.replicas[0].data.clone();
    let copy = world.folder.path().join("copy");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(&data)
        .arg(&copy)
        .status()
        .unwrap();
    assert!(copied.success());
    world.start(0).await;
    // Some more entries than the copy gets before it is asked.
    for seats in 2..=6 {
        paris.want(seats);
        paris.gets(seats, LONG).await;
    }
    world.kill(0);
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&copy, &data).unwrap();
    world.start(0).await;
    // What it asks says what it saw.
    paris.want(7);
    eventually("it noticed", LONG, async || {
        (world.json(0, &["status"])["standing"] == "behind").then_some(())
    })
    .await;
    assert_eq!(paris.seats(), 6, "what it has stays until its deadline");
}
