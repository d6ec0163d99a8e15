//! Federation (FED-01): with which servers this one meets, and trying one.

use crate::server::*;
use serde_json::{Value, json};

async fn choose(server: &TestServer, federation: Value) -> Answer {
    let call = server.call("PATCH", "/settings").by("root");
    call.json(&json!({ "federation": federation })).send().await
}

async fn test(server: &TestServer, name: &str) -> Answer {
    let call = server.call("POST", "/federation/test").by("root");
    call.json(&json!({ "server": name })).send().await
}

#[tokio::test]
async fn lists_of_names_and_masks_decide_with_whom_a_server_meets() {
    let server = TestServer::new();
    let settings = server
        .call("GET", "/settings")
        .by("root")
        .send()
        .await
        .is(200)
        .json();
    server.write("POST", "/licence", &any_licence()).await.is(201);
    let off = json!({"mode": "off", "whitelist": [], "blacklist": []});
    assert_eq!(settings["federation"], off);
    let refused = test(&server, "oslo.example.net").await.is(200).json();
    assert_eq!(
        (&refused["good"], &refused["steps"][0]["good"]),
        (&json!(false), &json!(false))
    );

    let wanted = json!({"mode": "whitelist", "whitelist": ["V*.example.com", "*.example.net", "*.EXAMPLE.net."], "blacklist": []});
    let chosen = choose(&server, wanted).await.is(200).json();
    assert_eq!(
        chosen["federation"]["whitelist"],
        json!(["*.example.net", "v*.example.com"]),
        "each once, as they are compared"
    );
    let tried = test(&server, "oslo.example.net").await.is(200).json();
    let steps = tried["steps"].as_array().expect("steps");
    assert_eq!(
        (&steps[0]["step"], &steps[0]["good"]),
        (&json!("policy"), &json!(true))
    );
    assert_eq!(
        (&steps[1]["step"], &steps[1]["good"]),
        (&json!("srv"), &json!(false))
    );
    assert_eq!(tried["server"], "oslo.example.net");
    let event = server
        .call("GET", "/events?limit=1")
        .by("root")
        .send()
        .await
        .is(200)
        .json();
    let changes = event["items"][0]["changes"].to_string();
    assert!(
        changes.contains("federation.mode") && changes.contains("federation.whitelist"),
        "{changes}"
    );
}

#[tokio::test]
async fn what_is_no_mask_changes_nothing() {
    let server = TestServer::new();
    for (mask, words) in [
        ("10.0.0.1", "address"),
        ("*", "every server"),
        ("a b", "DNS name"),
        ("**.example.com", "two stars"),
    ] {
        let wanted = json!({"mode": "whitelist", "whitelist": ["oslo.example.net", mask], "blacklist": []});
        let problem = choose(&server, wanted).await.is(422).json();
        assert_eq!(
            problem["errors"][0]["field"], "federation.whitelist[1]",
            "{problem}"
        );
        let reason = problem["errors"][0]["reason"].as_str().expect("text");
        assert!(reason.contains(words), "{reason}");
    }
    let many: Vec<String> = (0..1001).map(|n| format!("s{n}.example.com")).collect();
    let wanted = json!({"mode": "blacklist", "whitelist": [], "blacklist": many});
    choose(&server, wanted).await.is(422);
    test(&server, "10.0.0.1 ").await.is(422);
    let settings = server
        .call("GET", "/settings")
        .by("root")
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(settings["federation"]["mode"], "off");
}
