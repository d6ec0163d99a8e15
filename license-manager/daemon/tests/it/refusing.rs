use crate::{
    server::Server,
    world::{LONG, World, name, pro},
};
use plenary_identity::{EnterpriseCa, JoinToken};
use plenary_licences::{Refusal, licence::Signer};
use plenary_license_manager_client::{EnrolError, enrol};
use plenary_testkit::eventually;
use std::path::Path;

const PARIS: &str = "paris.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_lets_nobody_borrow() {
    let world = World::of_one().await;
    let paris = world.identity(PARIS);
    let token = |server: &str| -> JoinToken {
        let value = world.json(0, &["server", "invite", server]);
        value["token"].as_str().unwrap().parse().unwrap()
    };
    let other = enrol(&paris, &token("oslo.example.com"))
        .await
        .expect_err("it is for another");
    assert!(
        matches!(&other, EnrolError::Refused(reason) if reason.contains("oslo.example.com")),
        "{other}"
    );
    let mut forged = token(PARIS);
    forged.secret = plenary_identity::JoinSecret::random().unwrap();
    let forged = enrol(&paris, &forged).await.expect_err("its secret is another");
    assert!(matches!(forged, EnrolError::Refused(_)), "{forged}");
    let good = token(PARIS);
    let enrolled = enrol(&paris, &good).await.expect("it is good");
    let again = enrol(&paris, &good).await.expect_err("it was used");
    assert!(matches!(again, EnrolError::Refused(_)), "{again}");
    // One for a server makes no replica.
    let mut world = world;
    let next = world.plan();
    let for_server = world.json(0, &["server", "invite", "rome.example.com"]);
    let joined = world.run(next, &["join", "--only", for_server["token"].as_str().unwrap()]);
    assert!(
        joined.code == 2 && joined.reason.contains("rome.example.com"),
        "{}",
        joined.reason
    );
    assert_eq!(enrolled.addresses, [world.replicas[0].address.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_enterprise_and_an_uncovered_server_get_nothing() {
    let world = World::of_one().await;
    world.install(pro(5), &["oslo.example.com", "rome.example.com"]);
    let paris = Server::enrolled(&world, PARIS).await;
    paris.want(1);
    eventually("it is told why", LONG, async || {
        (paris.refusal() == Some(Refusal::NotCovered)).then_some(())
    })
    .await;
    assert_eq!(paris.seats(), 0);
    // Another enterprise of the same name has another root.
    let folder = world.folder.path().join("foreign");
    let foreign = EnterpriseCa::create(&folder, &"Demo".parse().unwrap()).unwrap();
    let ca = foreign
        .certify(plenary_identity::Program::Node, &name(PARIS), &[])
        .unwrap();
    let machine = plenary_identity::MachineKey::open_or_create(&folder.join("machine.key")).unwrap();
    let identity = plenary_identity::Identity::create(
        &folder.join("identity"),
        machine,
        ca,
        "node-1".parse().unwrap(),
        plenary_model::NodeId(1),
    );
    let stranger = Server::start(PARIS, identity.unwrap(), paris.enrolled.clone());
    stranger.want(1);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(stranger.seats(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_count_are_refused_and_those_that_do_stay() {
    let world = World::of_one().await;
    world.install(pro(5), &[]);
    let foreign = world.licence(2, pro(50), &[], &Signer::of_seed([9; 32]).unwrap());
    let refused = world.run(0, &["licence", "install", &foreign]);
    assert!(
        refused.code == 1 && refused.reason.contains("licence_foreign_key"),
        "{}",
        refused.reason
    );
    let known = world.run(
        0,
        &[
            "licence",
            "install",
            &world.licence(1, pro(5), &[], &Signer::for_development().unwrap()),
        ],
    );
    assert!(known.reason.contains("licence_known"), "{}", known.reason);
    std::fs::write(world.folder.path().join("junk"), "nothing").unwrap();
    let junk = world.run(
        0,
        &[
            "licence",
            "install",
            world.folder.path().join("junk").to_str().unwrap(),
        ],
    );
    assert!(junk.reason.contains("licence_unreadable"), "{}", junk.reason);
    eventually("the pool is what it was", LONG, async || {
        (world.json(0, &["status"])["capacity"]["pro"] == 5).then_some(())
    })
    .await;
    assert!(
        world
            .done(0, &["status"])
            .contains("development licence, not for use")
    );
    let id = format!("{:032x}", 1);
    let request = world.done(0, &["licence", "request", &id]);
    assert!(request.contains("BEGIN PLENARY LICENCE REQUEST"), "{request}");
    world.done(0, &["licence", "remove", &id]);
    let events = world.json(0, &["events"]).to_string();
    let removed = format!("{{\"licence_removed\":{{\"id\":\"{id}\"}}}}");
    assert!(events.contains(&removed), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_does_not_count_the_development_key_refuses_it() {
    let mut world = World::empty();
    let first = world.plan();
    let authority = world.authority();
    let found = [
        "found",
        "--manager",
        crate::world::MANAGER,
        "--enterprise",
        "Demo",
        "--authority",
        &authority,
    ];
    assert_eq!(world.run(first, &found).code, 0);
    // As a product that was built with a vendor's key would.
    world.launch_with(first, &[("PLENARY_DEVELOPMENT_LICENCES", "no")]);
    world.answers(first).await;
    let file = world.licence(1, pro(5), &[], &Signer::for_development().unwrap());
    let refused = world.run(first, &["licence", "install", &file]);
    assert!(
        refused.code == 1 && refused.reason.contains("licence_development_key"),
        "{}",
        refused.reason
    );
    let wrong = world.run_with(first, &["check"], &[("PLENARY_DEVELOPMENT_LICENCES", "perhaps")]);
    assert!(
        wrong.code == 1 && wrong.reason.contains("yes or no"),
        "{}",
        wrong.reason
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_data_folders_are_noticed() {
    let mut world = World::of_three().await;
    for replica in [0, 1] {
        world.kill(replica);
    }
    let (one, two) = (world.replicas[0].data.clone(), world.replicas[1].data.clone());
    let aside = world.folder.path().join("aside");
    std::fs::rename(&one, &aside).unwrap();
    std::fs::rename(&two, &one).unwrap();
    std::fs::rename(&aside, &two).unwrap();
    let refused = world.run(0, &["run"]);
    assert!(
        refused.code == 2 && refused.reason.contains("swapped"),
        "{}",
        refused.reason
    );
    // Only the identities are.
    std::fs::rename(&two, &aside).unwrap();
    std::fs::rename(&one, &two).unwrap();
    std::fs::rename(&aside, &one).unwrap();
    let identity = |data: &Path| data.join("identity");
    std::fs::rename(identity(&one), &aside).unwrap();
    std::fs::rename(identity(&two), identity(&one)).unwrap();
    let refused = world.run(0, &["run"]);
    assert!(
        refused.code == 2 && refused.reason.contains("put back the folder"),
        "{}",
        refused.reason
    );
}
