//! The Directory of the enterprise, and searches (ENT-03).

use crate::server::*;
use serde_json::{Value, json};

async fn activate(server: &TestServer) -> Value {
    let body = json!({ "addresses": ["dir-1.example.com:4311"] });
    server
        .write("POST", "/directory/activate", &body)
        .await
        .is(200)
        .json()
}

async fn state(server: &TestServer) -> Value {
    server
        .call("GET", "/directory")
        .by("root")
        .send()
        .await
        .is(200)
        .json()
}

#[tokio::test]
async fn a_directory_is_activated_shared_with_and_left() {
    let server = TestServer::new();
    assert_eq!(state(&server).await["stage"], "off");
    server
        .call("GET", "/directory/key")
        .by("root")
        .send()
        .await
        .problem(409, "conflict");
    let bad = json!({ "addresses": ["dir-1"] });
    let refused = server.write("POST", "/directory/activate", &bad).await;
    assert_eq!(
        refused.problem(422, "invalid-field")["errors"][0]["field"],
        "addresses"
    );

    let made = activate(&server).await;
    let key = server
        .call("GET", "/directory/key")
        .by("root")
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(key, made);
    let events = server
        .call("GET", "/events?search=key")
        .by("root")
        .send()
        .await
        .is(200)
        .json();
    assert!(events.to_string().contains("key shown"), "{events}");
    // The same request once more makes no other key.
    let body = json!({ "addresses": ["dir-1.example.com:4311"] });
    let mut keys = Vec::new();
    for _ in 0..2 {
        let again = server
            .call("POST", "/directory/activate")
            .by("root")
            .header("Idempotency-Key", "once")
            .json(&body);
        keys.push(again.send().await.is(200).json());
    }
    assert!(keys[0] == keys[1] && keys[0] != made, "{keys:?}");
    let now = state(&server).await;
    assert_eq!(now["left_out"], Value::Null);
    assert_eq!((&now["stage"], &now["connected"]), (&json!("on"), &json!(false)));
    assert_eq!(now["trouble"]["detail"], "nobody answers");
    assert_eq!(now["by"], "root");
    assert!(
        !now.to_string().contains("key-"),
        "the key is asked for by itself"
    );
    assert_eq!(now["share"]["groups"], Value::Null);

    let mut share = now["share"].clone();
    share["fields"] = json!(["email"]);
    share["kinds"] = json!(["user"]);
    share["hidden"] = json!(["board"]);
    let changed = server
        .write("PATCH", "/directory", &json!({ "share": share }))
        .await
        .is(200);
    assert_eq!(changed.json()["share"], share);
    share["hidden"] = json!(["not a group"]);
    let refused = server
        .write("PATCH", "/directory", &json!({ "share": share }))
        .await;
    assert_eq!(
        refused.problem(422, "invalid-field")["errors"][0]["field"],
        "share.hidden"
    );

    server
        .write("POST", "/directory/deactivate", &json!({}))
        .await
        .is(204);
    assert_eq!(state(&server).await["stage"], "leaving");
    let again = server.write("POST", "/directory/deactivate", &json!({})).await;
    again.problem(409, "conflict");
    let at_once = json!({ "at_once": true });
    server
        .write("POST", "/directory/deactivate", &at_once)
        .await
        .is(204);
    assert_eq!(state(&server).await["stage"], "off");
}

#[tokio::test]
async fn a_search_says_where_it_looked() {
    let server = TestServer::new();
    let look = async |by: &str, query: &str| {
        let path = format!("/me/search?{query}");
        server.call("GET", &path).by(by).send().await
    };
    let found = look("root", "q=alice").await.is(200).json();
    assert_eq!(
        (&found["directory"], &found["from"]),
        (&json!("off"), &json!("own"))
    );
    let hit = &found["hits"][0];
    assert_eq!(
        (&hit["kind"], &hit["call"], &hit["id"]),
        (&json!("user"), &json!("alice"), &json!("alice"))
    );
    assert_eq!(
        look("root", "q=alice&kind=group").await.is(200).json()["hits"],
        json!([])
    );
    for bad in [
        "",
        "q=alice&limit=51",
        "q=alice&kind=robot",
        "q=a%20b%20c%20d%20e%20f%20g%20h%20i",
    ] {
        look("root", bad).await.problem(400, "bad-query");
    }
    activate(&server).await;
    let found = look("root", "q=alice").await.is(200).json();
    assert_eq!(found["directory"], "away");
    assert_eq!(
        (&found["from"], &found["reason"]),
        (&json!("own"), &json!("nobody answers"))
    );
    assert_eq!(found["hits"][0]["id"], "alice");
}
