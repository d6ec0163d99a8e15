use crate::server::*;
use plenary_access::Change;
use plenary_conference as conference;
use plenary_model::NodeId;
use serde_json::{Value, json};

/// Node 1 runs, and these are signed in on a device that is connected.
fn connected(server: &TestServer, people: &[&str]) {
    server.system(Change::NodeStarted {
        node: NodeId(1),
        epoch: 11,
        version: "1".into(),
    });
    for person in people {
        server.system(Change::DeviceOnline {
            session: format!("session-of-{person}"),
            node: NodeId(1),
            epoch: 11,
        });
    }
}

async fn begin(server: &TestServer, who: &str, to: &str) -> Answer {
    let call = server.call("POST", "/calls").by(who);
    call.json(&json!({ "to": to })).send().await
}

async fn list(server: &TestServer, who: &str) -> Value {
    server.call("GET", "/calls").by(who).send().await.is(200).json()
}

fn comes(server: &TestServer, cid: &str, id: u64, who: &str) {
    server.system(conference::Change::Enter {
        cid: name(cid),
        participant: conference::ParticipantId(id),
        person: conference::Person::Account(name(who)),
        name: None,
        via: conference::Via::Browser,
        node: NodeId(1),
        epoch: 11,
        secret: conference::SecretHash([1; 32]),
        muted: false,
        camera: true,
        pin: None,
    });
}

#[tokio::test]
async fn somebody_is_called_and_answers() {
    let server = TestServer::new();
    connected(&server, &["alice", "eye"]);
    let call = begin(&server, "alice", "Eye@paris.example.com")
        .await
        .is(201)
        .json();
    let cid = call["cid"].as_str().expect("a name").to_owned();
    assert!(cid.starts_with("call-") && cid.len() == 25, "{cid}");
    assert_eq!(
        (&call["direction"], &call["state"], &call["with"]["id"]),
        (&json!("outgoing"), &json!("ringing"), &json!("eye"))
    );
    let rings = &list(&server, "eye").await[0];
    assert_eq!(
        (&rings["direction"], &rings["state"], &rings["with"]),
        (
            &json!("incoming"),
            &json!("ringing"),
            &json!({"id": "alice", "display_name": "alice"})
        )
    );
    comes(&server, &cid, 1, "alice");
    comes(&server, &cid, 2, "eye");
    let path = format!("/calls/{cid}");
    let answered = server.call("GET", &path).by("alice").send().await.is(200).json();
    assert_eq!(answered["state"], "answered");
    let widen = format!("{path}/widen");
    server.call("POST", &widen).by("eye").send().await.is(204);
    let over = server.call("GET", &path).by("alice").send().await.is(200).json();
    assert_eq!(
        (&over["state"], &over["outcome"]),
        (&json!("over"), &json!("widened"))
    );
    let again = server.call("POST", &widen).by("eye").send().await;
    again.problem(409, "conflict");
}

#[tokio::test]
async fn a_call_is_declined_and_nobody_else_hears_of_it() {
    let server = TestServer::new();
    connected(&server, &["alice", "eye", "root"]);
    let call = begin(&server, "alice", "eye").await.is(201).json();
    let path = format!("/calls/{}", call["cid"].as_str().expect("a name"));
    let room = path.replace("/calls", "/conferences");
    for (method, path) in [
        ("GET", path.clone()),
        ("POST", format!("{path}/decline")),
        ("POST", format!("{path}/widen")),
        ("GET", room.clone()),
        ("DELETE", room.clone()),
        ("GET", format!("{room}/participants")),
    ] {
        let answer = server.call(method, &path).by("root").send().await;
        answer.problem(404, "not-found");
    }
    server.call("GET", &room).by("eye").send().await.is(200);
    let door = server.call("GET", &format!("{room}/door")).from(OUTSIDE);
    door.send().await.problem(404, "not-found");
    assert_eq!(list(&server, "root").await, json!([]));
    let decline = format!("{path}/decline");
    server.call("POST", &decline).by("eye").send().await.is(204);
    server.call("POST", &decline).by("eye").send().await.is(204);
    let over = &list(&server, "alice").await[0];
    assert_eq!(
        (&over["state"], &over["outcome"]),
        (&json!("over"), &json!("declined"))
    );
    server
        .call("GET", &room)
        .by("eye")
        .send()
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn who_cannot_be_called_is_said() {
    let server = TestServer::new();
    connected(&server, &["alice"]);
    let away = begin(&server, "alice", "eye").await.is(201).json();
    assert_eq!(
        (&away["state"], &away["outcome"]),
        (&json!("over"), &json!("unreachable"))
    );
    for (to, status, code) in [
        ("nobody", 422, "invalid-field"),
        ("eye@elsewhere.example.com", 422, "invalid-field"),
        ("\\c\\review", 422, "invalid-field"),
        ("alice", 422, "invalid-field"),
        ("", 422, "invalid-field"),
    ] {
        begin(&server, "alice", to).await.problem(status, code);
    }
    let limit = server.call("GET", "/calls?limit=101").by("alice").send().await;
    limit.problem(400, "bad-query");
}
