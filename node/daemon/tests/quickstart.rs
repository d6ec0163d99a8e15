//! Quickstart as a person starts it: what it prints is there, and is there again after a restart.

use nix::sys::signal::Signal;
use plenary_testkit::{Process, eventually};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

/// Long enough for a machine that is busy.
const WITHIN: Duration = Duration::from_secs(90);

fn client() -> reqwest::Client {
    // Installed once for the process; a second call changes nothing.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .expect("a client")
}

/// Starts quickstart on free ports; gives the line that it prints when all is ready.
async fn start(data: &Path, log: &Path) -> (Process, Value) {
    let data = data.to_str().expect("temporary paths are UTF-8");
    let arguments = ["quickstart", "--json", "--http", "127.0.0.1:0", "--data", data];
    let program = Path::new(env!("CARGO_BIN_EXE_plenary-node"));
    let mut process = Process::start(&[], program, &arguments, log).expect("the program starts");
    let line = eventually("quickstart is ready", WITHIN, || {
        assert!(process.is_running(), "{}", process.last_words());
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let lines = text.lines();
        let mut read = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let found = read.find(|line| line["nodes"].is_array());
        async { found }
    })
    .await;
    (process, line)
}

async fn stop(mut process: Process) {
    process.signal(Signal::SIGTERM).expect("it runs");
    eventually("quickstart ended", WITHIN, || {
        let ended = process.ended();
        async move { ended }
    })
    .await;
}

/// The first node, by REST, signed in as administrator.
struct Api {
    base: String,
    token: String,
}

impl Api {
    async fn sign_in(line: &Value) -> Self {
        Self::sign_in_as(line, &line["admin"]).await
    }

    async fn sign_in_as(line: &Value, who: &Value) -> Self {
        let url = line["nodes"][0]["url"].as_str().expect("a URL");
        let base = format!("{url}/api/v1");
        let body = json!({ "login": who["login"], "password": who["password"] });
        let request = client().post(format!("{base}/session")).json(&body);
        let answer: Value = request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        let token = answer["token"].as_str().expect("a token").to_owned();
        Self { base, token }
    }

    async fn room(&self) -> (u16, Value) {
        let request = client().get(format!("{}/conferences/demo", self.base));
        let answer = request.bearer_auth(&self.token).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    async fn delete_room(&self) {
        let request = client().delete(format!("{}/conferences/demo", self.base));
        let answer = request.bearer_auth(&self.token).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 204);
    }
}

/// Forgets the room in what quickstart keeps, as data of before there were rooms.
fn forget_room(data: &Path) {
    let file = data.join("quickstart.json");
    let text = std::fs::read(&file).expect("read");
    let mut notes: Value = serde_json::from_slice(&text).expect("JSON");
    let forgotten = notes.as_object_mut().expect("an object").remove("room");
    assert_eq!(forgotten, Some(json!("demo")));
    std::fs::write(file, notes.to_string()).expect("written");
}

#[tokio::test]
async fn the_demo_room_is_there_and_comes_again_only_if_it_is_not_in_the_notes() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (process, line) = start(&data, &folder.path().join("first.log")).await;
    let url = line["nodes"][0]["url"].as_str().expect("a URL");
    let expected = json!({ "cid": "demo", "url": format!("{url}/m/demo") });
    assert_eq!(line["room"], expected);
    let api = Api::sign_in(&line).await;
    let (status, room) = api.room().await;
    assert_eq!(
        (status, &room["access"], &room["owner"]),
        (200, &json!("public"), &json!("admin"))
    );
    let door = client().get(format!("{}/conferences/demo/door", api.base));
    let door: Value = door.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(door["guests"], true, "guests come in too");
    let users = line["users"].clone();
    let logins: Vec<_> = users
        .as_array()
        .expect("a list")
        .iter()
        .map(|user| &user["login"])
        .collect();
    assert_eq!(logins, ["demo1", "demo2", "demo3"]);
    for user in users.as_array().expect("a list") {
        assert!(
            user["password"]
                .as_str()
                .is_some_and(|password| password.len() >= 12)
        );
        let own = Api::sign_in_as(&line, user).await;
        assert_eq!(own.room().await.0, 200);
    }
    stop(process).await;

    // Notes of before there were rooms, and the room is there: it stays as it is.
    forget_room(&data);
    let (process, line) = start(&data, &folder.path().join("second.log")).await;
    assert_eq!(line["users"], users, "they are kept");
    Api::sign_in_as(&line, &users[2]).await;
    let api = Api::sign_in(&line).await;
    assert_eq!(api.room().await, (200, room));
    // Deleted by an administrator: it stays away.
    api.delete_room().await;
    stop(process).await;
    let (process, line) = start(&data, &folder.path().join("third.log")).await;
    assert_eq!(line["room"]["cid"], "demo");
    assert_eq!(Api::sign_in(&line).await.room().await.0, 404);
    stop(process).await;

    forget_room(&data);
    let (process, line) = start(&data, &folder.path().join("fourth.log")).await;
    assert_eq!(Api::sign_in(&line).await.room().await.0, 200);
    stop(process).await;
}
