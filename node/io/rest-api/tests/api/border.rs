//! Border Controllers: invited, listed, removed.

use crate::server::TestServer;
use serde_json::json;

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
