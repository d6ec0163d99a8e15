//! Who was in which run of a conference, and the own calls (CONF-17, CALL-01).

use crate::server::*;
use plenary_access::Change;
use plenary_conference as conference;
use plenary_model::NodeId;
use serde_json::{Value, json};

fn comes(server: &TestServer, id: u64, person: conference::Person, called: Option<&str>) {
    server.system(conference::Change::Enter {
        cid: name("team"),
        participant: conference::ParticipantId(id),
        person,
        name: called.map(str::to_owned),
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

fn account(id: &str) -> conference::Person {
    conference::Person::Account(name(id))
}

fn goes(server: &TestServer, id: u64) {
    server.system(conference::Change::Leave {
        cid: name("team"),
        participant: conference::ParticipantId(id),
        moves: 0,
    });
}

/// Two runs of Alice's room: in the first was Eye too, with a name that a spreadsheet would run.
async fn met() -> TestServer {
    let server = TestServer::new();
    server.system(Change::NodeStarted {
        node: NodeId(1),
        epoch: 11,
        version: "1".into(),
    });
    let room = json!({"cid": "team", "name": "Team"});
    let made = server.call("POST", "/conferences").by("alice").json(&room);
    made.send().await.is(201);
    comes(&server, 1, account("alice"), None);
    comes(&server, 2, account("eye"), Some("=1+1"));
    goes(&server, 2);
    goes(&server, 1);
    comes(&server, 3, account("alice"), None);
    server
}

async fn get(server: &TestServer, who: &str, path: &str) -> Value {
    server.call("GET", path).by(who).send().await.is(200).json()
}

#[tokio::test]
async fn who_moderates_sees_all_runs_and_others_their_own() {
    let server = met().await;
    let path = "/conferences/team/runs";
    for who in ["alice", "root"] {
        let runs = get(&server, who, path).await;
        assert_eq!(runs["total"], 2, "{who}");
        let [now, before] = [&runs["items"][0], &runs["items"][1]];
        assert_eq!((&now["ended_at"], &now["people"]), (&Value::Null, &json!(1)));
        assert_eq!(
            (&before["end"], &before["people"], &before["visits"]),
            (&json!("everybody_left"), &json!(2), &json!(2))
        );
    }
    // Security administrators read, from where the control panel is open.
    assert_eq!(get(&server, "eye", path).await["total"], 2);
    let far = server.call("GET", path).by("eye").from(OUTSIDE).send().await;
    let far = far.is(200).json();
    assert_eq!(far["total"], 1, "only the run in which Eye was");
    let first = far["items"][0]["id"].as_str().expect("a number").to_owned();
    let visits = format!("{path}/{first}/visits");
    assert_eq!(get(&server, "alice", &visits).await["total"], 2);
    let own = server.call("GET", &visits).by("eye").from(OUTSIDE).send().await;
    let own = own.is(200).json();
    assert_eq!(
        (&own["total"], &own["items"][0]["user"]),
        (&json!(1), &json!("eye"))
    );
    let second = get(&server, "alice", path).await["items"][0]["id"].clone();
    let other = format!("{path}/{}", second.as_str().expect("a number"));
    for path in [
        other.clone(),
        format!("{other}/visits"),
        format!("{other}/visits.csv"),
    ] {
        let answer = server.call("GET", &path).by("eye").from(OUTSIDE).send().await;
        answer.problem(404, "not-found");
    }
    for path in [
        "/conferences/team/runs/99",
        "/conferences/team/runs/first",
        "/conferences/none/runs",
    ] {
        let answer = server.call("GET", path).by("alice").send().await;
        answer.problem(404, "not-found");
    }
}

#[tokio::test]
async fn guests_and_partners_people_belong_to_their_groups_while_they_meet() {
    let server = met().await;
    let seen = async |group: &str| get(&server, "eye", &format!("/groups/{group}/visitors")).await;
    assert_eq!(seen("guests").await, json!([]));
    let abroad = conference::Person::Federated("demo2@oslo.example.net".parse().expect("good"));
    comes(&server, 4, abroad, Some("Olav"));
    let visitors = seen("federated").await;
    let one = &visitors[0];
    assert_eq!(
        (&one["id"], &one["name"], &one["cid"], &one["waiting"]),
        (
            &json!("demo2@oslo.example.net"),
            &json!("Olav"),
            &json!("team"),
            &json!(false)
        )
    );
    assert_eq!(seen("ungrouped").await, json!([]));
    goes(&server, 4);
    assert_eq!(seen("federated").await, json!([]));
}

#[tokio::test]
async fn administrators_see_the_history_of_a_user() {
    let server = met().await;
    let call = json!({ "to": "eye" });
    let called = server.call("POST", "/calls").by("alice").json(&call);
    let other = called.send().await.is(201).json()["with"]["id"].clone();
    assert_eq!(other, "eye");
    for who in ["root", "eye"] {
        let runs = get(&server, who, "/users/alice/runs").await;
        assert_eq!(
            (&runs["total"], &runs["items"][0]["own"][0]["user"]),
            (&json!(2), &json!("alice"))
        );
        assert_eq!(get(&server, who, "/users/eye/runs").await["total"], 1);
        // As that user sees it.
        let calls = get(&server, who, "/users/eye/calls").await;
        let call = &calls["items"][0];
        assert_eq!(
            (&calls["total"], &call["direction"], &call["with"]["id"]),
            (&json!(1), &json!("incoming"), &json!("alice"))
        );
        let own = get(&server, who, "/conferences?part=owner&of=alice").await;
        assert_eq!(
            (&own["total"], &own["items"][0]["cid"]),
            (&json!(1), &json!("team"))
        );
        assert_eq!(
            get(&server, who, "/conferences?part=named&of=alice").await["total"],
            0
        );
    }
    for path in [
        "/users/eye/runs",
        "/users/eye/calls",
        "/conferences?part=owner&of=eye",
    ] {
        let refused = server.call("GET", path).by("alice").send().await;
        refused.problem(403, "forbidden");
        let far = server.call("GET", path).by("root").from(OUTSIDE).send().await;
        far.problem(403, "admin-network");
    }
    let nobody = server.call("GET", "/users/nobody/runs").by("root").send().await;
    nobody.problem(404, "not-found");
}

#[tokio::test]
async fn attendance_goes_into_a_file_without_formulas() {
    let server = met().await;
    let runs = get(&server, "alice", "/conferences/team/runs").await;
    let first = runs["items"][1]["id"].as_str().expect("a number").to_owned();
    let path = format!("/conferences/team/runs/{first}/visits.csv");
    let file = server.call("GET", &path).by("alice").send().await.is(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let text = file.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "name;user;guest;program;came_at;left_at;seconds");
    assert!(lines[1].starts_with("alice;alice;false;false;2"), "{text}");
    assert!(lines[2].starts_with("'=1+1;eye;false;false;2"), "{text}");
    assert_eq!(lines.len(), 3);
}

#[tokio::test]
async fn the_own_runs_stay_when_the_conference_is_gone() {
    let server = met().await;
    let gone = server.call("DELETE", "/conferences/team").by("alice");
    gone.send().await.is(204);
    let runs = get(&server, "eye", "/me/runs").await;
    assert_eq!(runs["total"], 1);
    let run = &runs["items"][0];
    assert_eq!(
        (&run["name"], &run["own"][0]["name"]),
        (&json!("Team"), &json!("=1+1"))
    );
    assert_eq!(get(&server, "root", "/me/runs").await["total"], 0);
    let again = json!({"cid": "team", "name": "Other"});
    let made = server.call("POST", "/conferences").by("root").json(&again);
    made.send().await.is(201);
    assert_eq!(get(&server, "root", "/conferences/team/runs").await["total"], 0);
}

#[tokio::test]
async fn own_calls_are_found() {
    let server = met().await;
    let call = server
        .call("POST", "/calls")
        .by("alice")
        .json(&json!({"to": "eye"}));
    call.send().await.is(201);
    for (who, path, total) in [
        ("alice", "/me/calls", 1),
        ("alice", "/me/calls?direction=incoming", 0),
        ("eye", "/me/calls?direction=incoming&answered=false", 1),
        ("eye", "/me/calls?answered=true", 0),
        ("eye", "/me/calls?search=ALI", 1),
        ("root", "/me/calls", 0),
    ] {
        assert_eq!(get(&server, who, path).await["total"], total, "{who} {path}");
    }
    let events = get(&server, "root", "/events?kind=call").await;
    assert_eq!(events["items"][0]["object"], "alice → eye");
    let bad = server.call("GET", "/me/calls?direction=sideways").by("alice");
    bad.send().await.problem(400, "bad-query");
}

#[tokio::test]
async fn conferences_are_found_by_what_they_are() {
    let server = met().await;
    let talk = json!({"cid": "talk", "name": "A talk", "access": "public", "settings": {"mode": "lecture",
        "invited": ["alice"]}});
    let made = server.call("POST", "/conferences").by("root").json(&talk);
    made.send().await.is(201);
    for (query, cids) in [
        ("sort=stage", "team talk"),
        ("stage=now", "team"),
        ("stage=unscheduled", "talk"),
        ("stage=planned", ""),
        ("mode=lecture", "talk"),
        ("access=internal", "team"),
        ("owner=alice", "team"),
        ("part=owner", "team"),
        ("part=named", "talk"),
    ] {
        let found = get(&server, "alice", &format!("/conferences?{query}")).await;
        let items = found["items"].as_array().expect("a list");
        let found: Vec<&str> = items.iter().filter_map(|item| item["cid"].as_str()).collect();
        assert_eq!(found.join(" "), cids, "{query}");
    }
    for bad in ["stage=never", "mode=loud", "part=any", "owner=%20"] {
        let answer = server.call("GET", &format!("/conferences?{bad}")).by("alice");
        answer.send().await.problem(400, "bad-query");
    }
}

#[tokio::test]
async fn for_how_long_history_is_kept_is_a_setting() {
    let server = TestServer::new();
    let settings = get(&server, "root", "/settings").await;
    for field in ["keep_history_days", "keep_chat_days"] {
        assert_eq!(settings["conferences"][field], 365);
        for (days, status) in [(0, 422), (10_001, 422), (30, 200)] {
            let mut conferences = settings["conferences"].clone();
            conferences[field] = json!(days);
            let patch = json!({ "conferences": conferences });
            let answer = server.write("PATCH", "/settings", &patch).await;
            assert_eq!(answer.status.as_u16(), status, "{days}");
        }
    }
}
