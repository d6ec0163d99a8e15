//! Border Controllers: invited, listed, removed.

use crate::server::TestServer;
use plenary_model::{NodeName, Timestamp};
use plenary_rest_api::border::{SourceSeen, TunnelSeen};
use serde_json::{Value, json};

/// What the node that is asked knows of tunnels: there is one to the controller `busy`.
pub(crate) fn tunnel_of(controller: &NodeName) -> TunnelSeen {
    if controller.to_string() != "busy" {
        return TunnelSeen::default();
    }
    TunnelSeen {
        up: Some(Timestamp(1_700_000_000_000)),
        tunnels: 3,
        mtu: Some(1_200),
        mtu_wanted: 1_259,
        sources: vec![SourceSeen {
            network: "2001:db8:7::/64".into(),
            connections: 900,
            refused: 850,
        }],
        ..TunnelSeen::default()
    }
}

#[tokio::test]
async fn operators_see_where_connections_come_from_and_what_a_tunnel_carries() {
    let server = TestServer::new();
    for name in ["busy", "quiet"] {
        let wanted = json!({ "name": name, "address": "dmz.example.com:4312" });
        let invited = server.write("POST", "/border-controllers/invitations", &wanted);
        invited.await.is(201);
    }
    let listed = server.call("GET", "/border-controllers").by("eye").send().await;
    let listed = listed.is(200).json();
    let named = |name: &str| {
        let items = listed["items"].as_array().expect("a list");
        let found = items.iter().find(|one| one["name"] == name);
        found.expect("it is listed")["tunnel"].clone()
    };
    let (busy, quiet) = (named("busy"), named("quiet"));
    assert_eq!(
        busy["sources"],
        json!([{ "network": "2001:db8:7::/64", "connections": 900, "refused": 850 }])
    );
    assert_eq!(
        (&busy["tunnels"], &busy["mtu_bytes"], &busy["mtu_wanted_bytes"]),
        (&json!(3), &json!(1_200), &json!(1_259))
    );
    assert_eq!(
        (&quiet["sources"], &quiet["mtu_bytes"]),
        (&json!([]), &json!(null))
    );

    // What is named can be denied as it is.
    let settings = server.get("/settings").await.is(200).json();
    let mut border = settings["border"].clone();
    border["deny"] = json!([busy["sources"][0]["network"]]);
    let denied = server
        .write("PATCH", "/settings", &json!({ "border": border }))
        .await;
    assert_eq!(denied.is(200).json()["border"], border);
}

#[tokio::test]
async fn administrators_invite_list_and_remove_border_controllers() {
    let server = TestServer::new();
    let invite = "/border-controllers/invitations";
    let wanted = json!({ "name": "dmz-1", "address": "dmz-1.example.com:4312" });
    let reader = server.call("POST", invite).by("eye").json(&wanted).send().await;
    reader.problem(403, "forbidden");
    for bad in [
        json!({ "name": "dmz-1", "address": "no port" }),
        json!({ "name": "DMZ 1", "address": "a:1" }),
        json!({ "name": "dmz-1", "address": "a:1", "ttl_s": 59 }),
    ] {
        server
            .write("POST", invite, &bad)
            .await
            .problem(422, "invalid-field");
    }
    let made = server.write("POST", invite, &wanted).await;
    assert_eq!(made.is(201).json()["token"], "token");
    // Nobody came: the token is made anew.
    server.write("POST", invite, &wanted).await.is(201);
    let listed = server.call("GET", "/border-controllers").by("eye").send().await;
    let listed = listed.is(200).json();
    let one = &listed["items"][0];
    assert_eq!(
        (&one["name"], &one["stage"], &one["address"]),
        (
            &json!("dmz-1"),
            &json!("invited"),
            &json!("dmz-1.example.com:4312")
        )
    );
    assert!(one["token_expires_at"].is_string(), "{one}");
    assert_eq!(one["tunnel"]["up_since"], json!(null));
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        listed["refused"],
        json!([{ "reason": "not_reachable", "count": 3 }])
    );

    let remove = async || {
        server
            .call("DELETE", "/border-controllers/dmz-1")
            .by("root")
            .send()
            .await
    };
    remove().await.is(204);
    remove().await.problem(404, "not-found");
    let listed = server.get("/border-controllers").await.is(200).json();
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn what_controllers_let_in_is_a_setting() {
    let server = TestServer::new();
    let settings = server.get("/settings").await.is(200).json();
    let usual = json!({ "deny": [], "connections_per_network": null, "rate_per_network": null, "flows_per_network": null });
    assert_eq!(settings["border"], usual);
    let mut wanted = usual.clone();
    wanted["deny"] = json!(["198.51.100.0/24"]);
    wanted["rate_per_network"] = json!(20);
    let patch = |border: &Value| json!({ "border": border });
    let changed = server.write("PATCH", "/settings", &patch(&wanted)).await;
    assert_eq!(changed.is(200).json()["border"], wanted);
    for (field, bad, named) in [
        ("deny", json!(["example.com"]), "border.deny[0]"),
        ("deny", json!(vec!["192.0.2.1"; 257]), "border.deny"),
        ("flows_per_network", json!(0), "border.flows_per_network"),
    ] {
        let mut wanted = usual.clone();
        wanted[field] = bad;
        let refused = server.write("PATCH", "/settings", &patch(&wanted)).await;
        let problem = refused.problem(422, "invalid-field");
        assert_eq!(problem["errors"][0]["field"], named);
    }
}
