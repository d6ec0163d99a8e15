//! Zones: what counts for who comes from where (AUTH-02).

use crate::server::*;
use serde_json::{Value, json};

async fn zones(server: &TestServer) -> Value {
    let settings = server.call("GET", "/settings").by("root").send().await.is(200);
    settings.json()["zones"].clone()
}

async fn change(server: &TestServer, change: impl FnOnce(&mut Value)) {
    let mut zones = zones(server).await;
    change(&mut zones);
    server
        .write("PATCH", "/settings", &json!({"zones": zones}))
        .await
        .is(200);
}

fn deny(zones: &mut Value, right: &str) {
    let rights = zones["internet"]["rights"].as_array_mut().expect("a list");
    rights.retain(|one| one != right);
}

#[tokio::test]
async fn a_right_counts_from_where_the_zone_allows_it() {
    let server = TestServer::new();
    change(&server, |zones| {
        deny(zones, "create_conferences");
        deny(zones, "edit_address_book");
    })
    .await;
    let create = |address: &'static str| {
        let body = json!({"name": "Mine"});
        server
            .call("POST", "/conferences")
            .by("alice")
            .from(address)
            .json(&body)
    };
    let before = server.digest();
    let refused = create(OUTSIDE).send().await;
    let problem = refused.problem(403, "zone-right");
    let words = problem["detail"].as_str().unwrap_or_default();
    assert!(words.starts_with("from this network"), "{words}");
    let contact = json!({"call": "eye"});
    let put = server.call("PUT", "/me/contacts").by("alice").from(OUTSIDE);
    put.json(&contact).send().await.problem(403, "zone-right");
    assert_eq!(server.digest(), before);
    create(INSIDE).send().await.is(201);
    let me = server.call("GET", "/me").by("alice").from(OUTSIDE);
    let me = me.send().await.is(200).json();
    let shown = me["rights"].as_array().expect("a list").clone();
    assert!(!shown.contains(&json!("create_conferences")) && shown.contains(&json!("make_calls")));
    let me = server.call("GET", "/me").by("alice").send().await.is(200).json();
    assert!(
        me["rights"]
            .as_array()
            .expect("a list")
            .contains(&json!("create_conferences"))
    );
}

#[tokio::test]
async fn from_a_zone_that_is_off_nobody_new_signs_in() {
    let server = TestServer::new();
    change(&server, |zones| zones["internet"]["on"] = json!(false)).await;
    // Right and wrong passwords are not told apart.
    for password in [PASSWORD, "wrong"] {
        let body = json!({"login": "alice", "password": password});
        let sign_in = server.call("POST", "/session").from(OUTSIDE).json(&body);
        sign_in.send().await.problem(403, "zone-off");
    }
    let me = server.call("GET", "/me").by("alice").from(OUTSIDE);
    me.send().await.is(200);
    let body = json!({"login": "alice", "password": PASSWORD});
    let sign_in = server.call("POST", "/session").json(&body);
    sign_in.send().await.is(201);
    change(&server, |zones| {
        zones["internet"]["on"] = json!(true);
        zones["internet"]["methods"] = json!([]);
    })
    .await;
    let sign_in = server.call("POST", "/session").from(OUTSIDE).json(&body);
    sign_in.send().await.problem(403, "zone-method");
}

#[tokio::test]
async fn the_door_says_from_where_no_guests_come() {
    let server = TestServer::new();
    let body = json!({"cid": "open", "name": "Open", "access": "public"});
    let call = server.call("POST", "/conferences").by("alice").json(&body);
    call.send().await.is(201);
    let guests = async |from: &'static str| {
        let door = server.call("GET", "/conferences/open/door").from(from);
        door.send().await.is(200).json()["guests"].clone()
    };
    assert_eq!(
        (guests(OUTSIDE).await, guests(INSIDE).await),
        (json!(true), json!(true))
    );
    change(&server, |zones| zones["internet"]["guests"] = json!(false)).await;
    assert_eq!(
        (guests(OUTSIDE).await, guests(INSIDE).await),
        (json!(false), json!(true))
    );
    let come = server.call("POST", "/conferences/open/guests").from(OUTSIDE);
    let come = come.json(&json!({"name": "Ann"})).send().await;
    come.problem(403, "zone-guests");
}

#[tokio::test]
async fn zones_that_cannot_be_are_refused() {
    let server = TestServer::new();
    let before = server.digest();
    let usual = zones(&server).await;
    let with = |path: &str, value: Value| {
        let mut zones = usual.clone();
        *zones.pointer_mut(path).expect("there") = value;
        json!({ "zones": zones })
    };
    for (patch, field) in [
        (with("/subnets", json!(["10.0.0.0/8", "x"])), "zones.subnets[1]"),
        (with("/subnets", json!([])), "zones.subnets"),
        (
            with("/internet/name", json!("x".repeat(65))),
            "zones.internet.name",
        ),
        (with("/trusted/on", json!(false)), "zones.trusted"),
        (with("/trusted/methods", json!([])), "zones.trusted"),
        (with("/subnets", json!(["203.0.113.0/24"])), ""),
    ] {
        let answer = server.write("PATCH", "/settings", &patch).await;
        if field.is_empty() {
            answer.is(200);
            continue;
        }
        let problem = answer.problem(422, "invalid-field");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        assert_eq!(server.digest(), before);
    }
}
