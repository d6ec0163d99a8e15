//! People of partners' servers whom conferences name, and conferences of partners to which people of this one are invited
//! (CONF-06, CONF-07, FED-02).

use crate::server::*;
use plenary_conference::{Bidding, Change, Delivery, Opening};
use plenary_model::Timestamp;
use plenary_schedule::Occurrence;
use serde_json::{Value, json};

async fn meets_with(server: &TestServer, mode: &str) {
    let federation = json!({ "mode": mode, "whitelist": ["*.example.net"], "blacklist": [] });
    let settings = json!({ "federation": federation });
    server.write("PATCH", "/settings", &settings).await.is(200);
}

async fn set(server: &TestServer, settings: Value) -> Answer {
    let change = server.call("PATCH", "/conferences/review").by("alice");
    change.json(&json!({ "settings": settings })).send().await
}

async fn with_review() -> TestServer {
    let server = TestServer::new();
    let new = json!({ "cid": "review", "name": "Weekly review" });
    let made = server.call("POST", "/conferences").by("alice").json(&new);
    made.send().await.is(201);
    server
}

/// Oslo tells of its conference "Retro".
fn told(server: &TestServer, revision: u64, starts: Option<u64>) {
    let bidding = Bidding {
        id: name("retro"),
        name: "Retro".into(),
        owner: name("kari"),
        owner_name: "Kari Nordmann".into(),
        moderator: true,
        opening: if starts.is_some() {
            Opening::Scheduled
        } else {
            Opening::VirtualRoom
        },
        next: starts.map(|start| Occurrence {
            start: Timestamp(start),
            end: Some(Timestamp(start + 3_600_000)),
        }),
    };
    server.system(Change::TakeDeliveries {
        server: name("oslo.example.net"),
        deliveries: vec![Delivery {
            cid: name("1"),
            user: name("eye"),
            revision,
            bidding: Some(bidding),
        }],
    });
}

#[tokio::test]
async fn people_of_partners_are_named_beside_those_of_this_server() {
    let server = with_review().await;
    let people = json!({
        "moderators": ["kari@oslo.example.net", "eye@paris.example.com"],
        "invited": ["eye", "ola@oslo.example.net"],
    });
    let changed = set(&server, people).await.is(200).json();
    assert_eq!(
        changed["settings"]["moderators"],
        json!(["eye", "kari@oslo.example.net"])
    );
    assert_eq!(
        changed["settings"]["invited"],
        json!(["eye", "ola@oslo.example.net"])
    );
    for (wrong, words) in [
        ("nobody@paris.example.com", "there is no user"),
        ("kari@", "server"),
        ("a b@oslo.example.net", "user"),
    ] {
        let refused = set(&server, json!({ "invited": [wrong] }))
            .await
            .problem(422, "invalid-field");
        let detail = refused["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(words), "{wrong}: {refused}");
    }
    // A list that is given without them is the whole list all the same.
    let changed = set(&server, json!({ "moderators": ["eye"] }))
        .await
        .is(200)
        .json();
    assert_eq!(changed["settings"]["moderators"], json!(["eye"]));
    assert_eq!(
        changed["settings"]["invited"],
        json!(["eye", "ola@oslo.example.net"])
    );
    let template = json!({ "name": "Weekly", "settings": { "moderators": ["kari@oslo.example.net"] } });
    let made = server.call("POST", "/templates").by("alice").json(&template);
    let made = made.send().await.is(201).json();
    assert_eq!(made["settings"]["moderators"], json!(["kari@oslo.example.net"]));
}

#[tokio::test]
async fn administrators_see_what_partners_are_still_to_be_told() {
    let server = with_review().await;
    server.write("POST", "/licence", &any_licence()).await.is(201);
    meets_with(&server, "whitelist").await;
    set(
        &server,
        json!({ "invited": ["kari@oslo.example.net", "ola@oslo.example.net"] }),
    )
    .await
    .is(200);
    let partner = server
        .get("/federation/partners/oslo.example.net")
        .await
        .is(200)
        .json();
    assert_eq!(
        (&partner["waiting"], &partner["state"]),
        (&json!(2), &json!("untried"))
    );
    assert!(partner["waiting_since"].is_string(), "{partner}");
}

#[tokio::test]
async fn who_is_invited_by_a_partner_finds_it_as_long_as_the_two_meet() {
    let server = TestServer::new();
    server.write("POST", "/licence", &any_licence()).await.is(201);
    meets_with(&server, "whitelist").await;
    told(&server, 1, None);
    let invitations = async |who: &str| {
        let all = server.call("GET", "/me/invitations").by(who).send().await;
        all.is(200).json()
    };
    let found = invitations("eye").await;
    for (field, value) in [
        ("id", json!("retro@oslo.example.net")),
        ("server", json!("oslo.example.net")),
        ("name", json!("Retro")),
        ("owner", json!("kari@oslo.example.net")),
        ("owner_name", json!("Kari Nordmann")),
        ("moderates", json!(true)),
        ("opening", json!("virtual_room")),
        ("start", Value::Null),
    ] {
        assert_eq!(found[0][field], value, "{found}");
    }
    assert_eq!(invitations("alice").await, json!([]));
    meets_with(&server, "off").await;
    assert_eq!(invitations("eye").await, json!([]));
    meets_with(&server, "whitelist").await;
    let start = server.now().0 + 3_600_000;
    told(&server, 2, Some(start));
    let time = |at: u64| {
        let at = chrono::DateTime::from_timestamp_millis(at.cast_signed()).expect("a time");
        at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let path = format!(
        "/me/agenda?from={}&until={}",
        time(start - 60_000),
        time(start + 60_000)
    );
    let agenda = server.call("GET", &path).by("eye").send().await.is(200).json();
    assert_eq!(agenda["items"][0]["cid"], "retro@oslo.example.net", "{agenda}");
    assert_eq!(agenda["items"][0]["moderates"], true);
}

#[tokio::test]
async fn who_declines_an_invitation_of_a_partner_sees_it_no_more() {
    let server = TestServer::new();
    server.write("POST", "/licence", &any_licence()).await.is(201);
    meets_with(&server, "whitelist").await;
    told(&server, 1, None);
    let invitations = async || {
        let all = server.call("GET", "/me/invitations").by("eye").send().await;
        all.is(200).json().as_array().expect("a list").len()
    };
    let decline = async |who: &str| {
        let path = "/me/invitations/retro@oslo.example.net";
        server.call("DELETE", path).by(who).send().await
    };
    decline("alice").await.is(404);
    assert_eq!(invitations().await, 1);
    decline("eye").await.is(204);
    assert_eq!(invitations().await, 0);
    decline("eye").await.is(404);
    told(&server, 2, None);
    assert_eq!(invitations().await, 0, "whatever the partner changes");
}
