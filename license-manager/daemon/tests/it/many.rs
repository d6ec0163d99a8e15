use crate::{
    server::Server,
    world::{World, pro},
};
use futures::{StreamExt as _, stream};
use plenary_identity::JoinToken;
use plenary_licences::lessee::Options;
use plenary_license_manager_client::{EnrolError, enrol};
use plenary_testkit::eventually;
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// As `server invite` does it, without a process for each.
fn invite(socket: &Path, server: &str) -> JoinToken {
    let mut stream = UnixStream::connect(socket).unwrap();
    let wish = json!({ "invite_server": { "server": server, "ttl_s": 3600 } });
    writeln!(stream, "{wish}").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    said["done"]["token"]
        .as_str()
        .unwrap_or_else(|| panic!("{line}"))
        .parse()
        .unwrap()
}

/// How many there are; `PLENARY_SERVERS` may ask for more than every run of the tests has time for.
fn servers() -> u32 {
    let asked = std::env::var("PLENARY_SERVERS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(150)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_servers_that_come_at_once_all_get_what_they_want() {
    let count = servers();
    let world = World::of_one().await;
    world.install(pro(count), &[]);
    let socket = world.replicas[0].data.join("admin.sock");
    let mut guests = Vec::new();
    for number in 0..count {
        let name = format!("server-{number}.example.com");
        guests.push((world.identity(&name), invite(&socket, &name), name));
    }
    let enrolled: Vec<_> = stream::iter(guests)
        .map(|(identity, token, name)| async move {
            let enrolled = eventually("it is let in", Duration::from_secs(60), async || {
                match enrol(&identity, &token).await {
                    Err(EnrolError::Unreachable(_)) => None,
                    done => Some(done.unwrap()),
                }
            });
            (identity.clone(), enrolled.await, name)
        })
        .buffer_unordered(8)
        .collect()
        .await;
    let servers: Vec<Server> = enrolled
        .into_iter()
        .map(|(identity, enrolled, name)| Server::start_with(&name, identity, enrolled, Options::default()))
        .collect();
    for server in &servers {
        server.want(1);
    }
    eventually(
        "everybody has a seat",
        Duration::from_secs(u64::from(count).max(180)),
        async || servers.iter().all(|server| server.seats() >= 1).then_some(()),
    )
    .await;
    assert_eq!(world.leased(0), u64::from(count));
}
