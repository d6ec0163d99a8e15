use crate::{
    server::Server,
    world::{LONG, World, name, pro},
};
use nix::sys::signal::Signal;
use plenary_identity::{Identity, JoinToken, MACHINE_KEY_FILE, MachineKey};
use plenary_license_manager_client::{Enrolled, enrol};
use plenary_testkit::{Process, eventually};
use std::{path::Path, time::Duration};

const PARIS: &str = "paris.example.com";
const OSLO: &str = "oslo.example.com";
/// The folder of the server that runs in a process of its own.
const FOLDER: &str = "PLENARY_TEST_SERVER";

/// Not a test: a server in a process of its own, that can be stopped. Each tenth of a second it says how many seats
/// its people may use.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "another test starts it"]
async fn a_server_of_its_own() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    let folder = Path::new(&folder);
    let enrolled: Enrolled =
        serde_json::from_slice(&std::fs::read(folder.join("enrolled.json")).unwrap()).unwrap();
    let machine = MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE)).unwrap();
    let identity = Identity::open(&folder.join("identity"), machine).unwrap();
    let server = Server::start(PARIS, identity, enrolled);
    server.want(6);
    loop {
        eprintln!("usable {}", server.usable());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_beyond_its_lease_uses_nothing_when_it_goes_on() {
    let world = World::of_one().await;
    world.install(pro(10), &[]);
    let identity = world.identity(PARIS);
    let token = world.json(0, &["server", "invite", PARIS]);
    let token: JoinToken = token["token"].as_str().unwrap().parse().unwrap();
    let enrolled = enrol(&identity, &token).await.unwrap();
    let folder = world.folder.path().join(name(PARIS).as_str());
    std::fs::write(
        folder.join("enrolled.json"),
        serde_json::to_vec(&enrolled).unwrap(),
    )
    .unwrap();
    let log = world.folder.path().join("server.log");
    let wrapper = ["env".to_owned(), format!("{FOLDER}={}", folder.display())];
    let program = std::env::current_exe().unwrap();
    let arguments = [
        "--exact",
        "pausing::a_server_of_its_own",
        "--ignored",
        "--nocapture",
    ];
    let paris = Process::start(&wrapper, &program, &arguments, &log).unwrap();
    let said = || -> Vec<u32> {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let numbers = text.lines().filter_map(|line| line.strip_prefix("usable "));
        numbers.filter_map(|number| number.parse().ok()).collect()
    };
    eventually("paris has its seats", LONG, async || {
        (said().last() == Some(&6)).then_some(())
    })
    .await;

    paris.signal(Signal::SIGSTOP).unwrap();
    let before = said().len();
    let oslo = Server::enrolled(&world, OSLO).await;
    oslo.want(10);
    oslo.gets(4, LONG).await;
    assert_eq!(
        oslo.seats(),
        4,
        "what paris has is nobody else's while its lease lasts"
    );
    // A minute, and the margin for clocks.
    oslo.gets(10, Duration::from_secs(90)).await;
    paris.signal(Signal::SIGCONT).unwrap();
    eventually("paris goes on", LONG, async || {
        (said().len() > before + 20).then_some(())
    })
    .await;
    // The line that was being written when it was stopped may be of before.
    let after = said().split_off(before + 1);
    assert!(after.iter().all(|usable| *usable == 0), "{after:?}");
    oslo.want(3);
    eventually("paris has seats again", LONG, async || {
        (said().last() == Some(&6)).then_some(())
    })
    .await;
    assert!(oslo.seats() <= 4, "{}", oslo.seats());
}
