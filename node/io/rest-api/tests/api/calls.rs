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
        screenless_at_home: false,
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
        ("\\c\\review@elsewhere.example.com", 422, "invalid-field"),
        ("#sip:eye@elsewhere.example.com", 422, "invalid-field"),
        ("\\c\\review", 422, "invalid-field"),
        ("alice", 422, "invalid-field"),
        ("", 422, "invalid-field"),
    ] {
        begin(&server, "alice", to).await.problem(status, code);
    }
    let limit = server.call("GET", "/calls?limit=101").by("alice").send().await;
    limit.problem(400, "bad-query");
}

fn partner_said(server: &TestServer, cid: &str, said: conference::PartnerSaid) {
    server.system(conference::Change::PartnerSaid { cid: name(cid), said });
}

#[tokio::test]
async fn somebody_of_a_partners_server_is_called() {
    let server = TestServer::new();
    connected(&server, &["alice", "eye"]);
    let call = begin(&server, "alice", "111@oslo.example.net")
        .await
        .is(201)
        .json();
    let cid = call["cid"].as_str().expect("a name").to_owned();
    assert_eq!(
        (&call["state"], &call["with"]["id"], &call["enter"]),
        (&json!("ringing"), &json!("111@oslo.example.net"), &json!(cid))
    );
    let rings = conference::PartnerSaid::Rings {
        user: Some(name("demo2@oslo.example.net")),
        name: "Demo Two".into(),
        group: false,
    };
    partner_said(&server, &cid, rings);
    let with = &list(&server, "alice").await[0]["with"];
    assert_eq!(
        with,
        &json!({ "id": "demo2@oslo.example.net", "display_name": "Demo Two" })
    );
    // An account of the same name here is somebody else.
    assert_eq!(list(&server, "eye").await, json!([]));
    let conference = conference::PartnerSaid::Conference {
        enter: name("review"),
        name: "Review".into(),
    };
    partner_said(&server, &cid, conference);
    let over = &list(&server, "alice").await[0];
    assert_eq!(
        (&over["outcome"], &over["enter"], &over["with"]["display_name"]),
        (
            &json!("conference"),
            &json!("review@oslo.example.net"),
            &json!("Review")
        )
    );
}

#[tokio::test]
async fn somebody_of_a_partners_server_calls() {
    let server = TestServer::new();
    connected(&server, &["alice", "eye"]);
    server.system(conference::Change::Receive(conference::AwayCall {
        cid: name("away-1"),
        from: name("alice@oslo.example.net"),
        name: "Another Alice".into(),
        enter: name("call-9"),
        into: None,
        to: conference::AwayTo::User(name("eye")),
    }));
    assert_eq!(list(&server, "alice").await, json!([]));
    let call = &list(&server, "eye").await[0];
    assert_eq!(
        (&call["direction"], &call["state"], &call["enter"], &call["with"]),
        (
            &json!("incoming"),
            &json!("ringing"),
            &json!("call-9@oslo.example.net"),
            &json!({ "id": "alice@oslo.example.net", "display_name": "Another Alice" })
        )
    );
    let found = server.call("GET", "/me/calls?search=oslo").by("eye").send().await;
    assert_eq!(found.is(200).json()["total"], 1);
    let none = server.call("GET", "/me/calls?search=rome").by("eye").send().await;
    assert_eq!(none.is(200).json()["total"], 0);
    server
        .call("POST", "/calls/away-1/decline")
        .by("eye")
        .send()
        .await
        .is(204);
    assert_eq!(list(&server, "eye").await[0]["outcome"], "declined");
}

async fn call_in(server: &TestServer, who: &str, body: Value) -> Answer {
    let call = server.call("POST", "/conferences/team/calls").by(who);
    call.json(&body).send().await
}

#[tokio::test]
async fn a_moderator_calls_people_into_a_meeting() {
    let server = TestServer::new();
    connected(&server, &["alice", "eye"]);
    let team = json!({"cid": "team", "name": "Team"});
    server
        .call("POST", "/conferences")
        .by("alice")
        .json(&team)
        .send()
        .await
        .is(201);
    let eye = json!({"users": ["Eye"]});
    call_in(&server, "alice", eye.clone())
        .await
        .problem(409, "conflict");
    comes(&server, "team", 1, "alice");
    let called = call_in(&server, "alice", eye.clone()).await.is(200).json();
    assert_eq!(
        (&called[0]["user"], &called[0]["state"]),
        (&json!("eye"), &json!("ringing"))
    );
    let rings = &list(&server, "eye").await[0];
    assert_eq!(
        (&rings["direction"], &rings["state"], &rings["with"]["id"]),
        (&json!("incoming"), &json!("ringing"), &json!("alice"))
    );
    assert_eq!(
        rings["into"],
        json!({"cid": "team", "name": "Team", "scheduled": false})
    );
    assert_eq!(list(&server, "alice").await, json!([]));
    let decline = format!("/calls/{}/decline", rings["cid"].as_str().expect("a name"));
    server.call("POST", &decline).by("eye").send().await.is(204);
    let path = "/conferences/team/calls";
    let called = server.call("GET", path).by("alice").send().await.is(200).json();
    assert_eq!(called[0]["state"], "declined");
    call_in(&server, "alice", eye.clone())
        .await
        .problem(409, "conflict");
    server.sleep(std::time::Duration::from_secs(10));
    call_in(&server, "alice", eye).await.is(200);
    comes(&server, "team", 2, "eye");
    let called = server.call("GET", path).by("alice").send().await.is(200).json();
    assert_eq!(called, json!([]), "they are in");
    let joined = &list(&server, "eye").await[0];
    assert_eq!(joined["outcome"], "joined");
}

#[tokio::test]
async fn a_moderator_takes_calls_back() {
    let server = TestServer::new();
    connected(&server, &["alice", "eye", "root"]);
    let team = json!({"cid": "team", "name": "Team"});
    let made = server.call("POST", "/conferences").by("alice").json(&team);
    made.send().await.is(201);
    comes(&server, "team", 1, "alice");
    let both = json!({"users": ["eye", "root"]});
    call_in(&server, "alice", both).await.is(200);
    let delete = |path: &'static str, by: &'static str| server.call("DELETE", path).by(by);
    let one = "/conferences/team/calls/Eye";
    delete(one, "eye").send().await.problem(403, "forbidden");
    delete(one, "alice").send().await.is(204);
    delete(one, "alice").send().await.is(204);
    let path = "/conferences/team/calls";
    let called = server.call("GET", path).by("alice").send().await.is(200).json();
    let states: Vec<_> = called.as_array().expect("a list").iter().collect();
    assert_eq!(
        states
            .iter()
            .map(|one| (&one["user"], &one["state"]))
            .collect::<Vec<_>>(),
        [
            (&json!("root"), &json!("ringing")),
            (&json!("eye"), &json!("cancelled"))
        ]
    );
    assert_eq!(list(&server, "eye").await[0]["outcome"], "cancelled");
    delete(path, "alice").send().await.is(204);
    assert_eq!(list(&server, "root").await[0]["outcome"], "cancelled");
    delete("/conferences/nothing/calls", "alice")
        .send()
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn who_does_not_moderate_calls_nobody_in() {
    let server = TestServer::new();
    connected(&server, &["alice", "eye"]);
    let team =
        json!({"cid": "team", "name": "Team", "settings": {"call_at_start": false, "invited": ["eye"]}});
    let made = server
        .call("POST", "/conferences")
        .by("alice")
        .json(&team)
        .send()
        .await;
    assert_eq!(made.is(201).json()["settings"]["call_at_start"], false);
    comes(&server, "team", 1, "alice");
    let everybody = json!({"invited": true});
    call_in(&server, "eye", everybody.clone())
        .await
        .problem(403, "forbidden");
    let path = "/conferences/team/calls";
    server
        .call("GET", path)
        .by("eye")
        .send()
        .await
        .problem(403, "forbidden");
    for wrong in [
        json!({}),
        json!({"users": ["eye"], "invited": true}),
        json!({"users": []}),
        json!({"users": ["nobody"]}),
        json!({"users": [""]}),
    ] {
        call_in(&server, "alice", wrong)
            .await
            .problem(422, "invalid-field");
    }
    let called = call_in(&server, "alice", everybody).await.is(200).json();
    assert_eq!(called[0]["user"], "eye");
}

#[tokio::test]
async fn a_group_is_called_by_its_id_or_an_alias_and_one_answers() {
    let server = TestServer::new();
    connected(&server, &["alice", "eye", "root"]);
    let group = json!({"name": "Desk"});
    let made = server
        .call("POST", "/groups")
        .by("root")
        .json(&group)
        .send()
        .await;
    let id = made.is(201).json()["id"].as_str().expect("an ID").to_owned();
    let path = format!("/groups/{id}");
    let members = json!({"add": ["eye", "root"], "remove": []});
    let join = server.call("POST", &format!("{path}/members")).by("root");
    join.json(&members).send().await.is(200);
    begin(&server, "alice", "desk")
        .await
        .problem(422, "invalid-field");
    for wrong in ["alice", "a b", "guest-a"] {
        let patch = json!({ "call_id": wrong });
        let answer = server.call("PATCH", &path).by("root").json(&patch).send().await;
        answer.problem(422, "invalid-field");
    }
    let patch = json!({"call_id": "Desk"});
    let changed = server.call("PATCH", &path).by("root").json(&patch).send().await;
    assert_eq!(changed.is(200).json()["call_id"], "desk");
    let alias = json!({"id": "100", "target": "desk"});
    server
        .call("POST", "/aliases")
        .by("root")
        .json(&alias)
        .send()
        .await
        .is(201);

    let call = begin(&server, "alice", "100").await.is(201).json();
    assert_eq!(call["with"], json!({"id": "desk", "display_name": "Desk"}));
    assert_eq!((&call["group"], &call["enter"]), (&json!("Desk"), &call["cid"]));
    let cid = call["cid"].as_str().expect("a name").to_owned();
    for who in ["eye", "root"] {
        let rings = &list(&server, who).await[0];
        assert_eq!(
            (&rings["state"], &rings["enter"]),
            (&json!("ringing"), &json!(cid))
        );
        assert_eq!(
            (&rings["with"]["id"], &rings["into"]),
            (&json!("alice"), &Value::Null)
        );
    }
    comes(&server, &cid, 1, "alice");
    comes(&server, &cid, 2, "eye");
    let lost = &list(&server, "root").await[0];
    assert_eq!(
        (&lost["outcome"], &lost["answered_by"]["id"]),
        (&json!("elsewhere"), &json!("eye"))
    );
    let own = &list(&server, "alice").await[0];
    assert_eq!(
        (&own["state"], &own["with"]["id"]),
        (&json!("answered"), &json!("eye"))
    );
    let none = json!({"call_id": ""});
    let changed = server.call("PATCH", &path).by("root").json(&none).send().await;
    assert_eq!(changed.is(200).json()["call_id"], "");
}

#[tokio::test]
async fn a_call_string_leads_into_a_conference() {
    let server = TestServer::new();
    for cid in ["review", "pat"] {
        let made = json!({"cid": cid, "name": "Review"});
        let call = server.call("POST", "/conferences").by("alice").json(&made);
        call.send().await.is(201);
    }
    // Somebody who came later has the name of a conference.
    let pat = json!({"id": "pat", "display_name": "Pat"});
    server
        .call("POST", "/users")
        .by("root")
        .json(&pat)
        .send()
        .await
        .is(201);
    let alias = json!({"id": "100", "target": "\\c\\review"});
    let made = server.call("POST", "/aliases").by("root").json(&alias);
    made.send().await.is(201);
    for (call, conference, elsewhere) in [
        ("%5Cc%5CReview", json!("review"), Value::Null),
        ("%5Cc%5Creview%40paris.example.com", json!("review"), Value::Null),
        ("review", json!("review"), Value::Null),
        ("100", json!("review"), Value::Null),
        ("pat", Value::Null, Value::Null),
        ("%5Cc%5Cpat", json!("pat"), Value::Null),
        ("%5Cc%5Cnothing", Value::Null, Value::Null),
        (
            "%5Cc%5Creview%40oslo.example.net",
            json!("review@oslo.example.net"),
            json!("oslo.example.net"),
        ),
        ("bob%40oslo.example.net", Value::Null, json!("oslo.example.net")),
    ] {
        let path = format!("/resolve?call={call}");
        let found = server.call("GET", &path).by("eye").send().await.is(200).json();
        assert_eq!(
            (&found["conference"], &found["elsewhere"]),
            (&conference, &elsewhere),
            "{call}"
        );
    }
    let problem = begin(&server, "eye", "review").await;
    let problem = problem.problem(422, "invalid-field").to_string();
    assert!(problem.contains("is the conference review"), "{problem}");
}
