use crate::server::*;
use plenary_rest_api::SignInRates;
use serde_json::{Value, json};
use std::time::Duration;

/// A server with the public room `open` and the internal room `inside`.
async fn with_rooms(server: &TestServer) {
    for (cid, access) in [("open", "public"), ("inside", "internal")] {
        let body = json!({"cid": cid, "name": "Weekly review", "access": access});
        let call = server.call("POST", "/conferences").by("alice").json(&body);
        call.send().await.is(201);
    }
}

async fn door(server: &TestServer, cid: &str) -> Answer {
    let path = format!("/conferences/{cid}/door");
    server.call("GET", &path).from(OUTSIDE).send().await
}

async fn come(server: &TestServer, cid: &str, body: Value) -> Answer {
    let path = format!("/conferences/{cid}/guests");
    server.call("POST", &path).from(OUTSIDE).json(&body).send().await
}

/// The problem without what names the request.
fn without_request(mut problem: Value, cid: &str) -> String {
    problem["request_id"].take();
    problem.to_string().replace(cid, "CID")
}

#[tokio::test]
async fn doors_of_public_rooms_are_shown_and_no_others() {
    let server = TestServer::new();
    with_rooms(&server).await;
    let shown = door(&server, "OPEN").await.is(200).json();
    assert_eq!(
        shown,
        json!({
            "cid": "open", "name": "Weekly review", "description": "", "place": "", "guests": true,
            "launch": "virtual_room", "next": null, "open": true,
            "rights": {"chat": true, "audio": true, "video": true}, "registration": null
        })
    );
    let inside = door(&server, "inside").await.problem(404, "not-found");
    let nowhere = door(&server, "nowhere").await.problem(404, "not-found");
    assert_eq!(
        without_request(inside, "inside"),
        without_request(nowhere, "nowhere")
    );
    let before = server.digest();
    let inside = come(&server, "inside", json!({"name": "Ann"})).await;
    let nowhere = come(&server, "nowhere", json!({"name": "Ann"})).await;
    let (inside, nowhere) = (
        inside.problem(404, "not-found"),
        nowhere.problem(404, "not-found"),
    );
    assert_eq!(
        without_request(inside, "inside"),
        without_request(nowhere, "nowhere")
    );
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn a_guest_gets_a_token_that_signs_nobody_in() {
    let server = TestServer::new();
    with_rooms(&server).await;
    let made = come(&server, "open", json!({"name": " Ann "})).await.is(201);
    assert!(!made.header("plenary-index").is_empty());
    let made = made.json();
    let token = made["token"].as_str().expect("a token");
    let guest = server.guest(token).expect("stored by its hash");
    assert_eq!(
        (made["guest"].as_str(), made["name"].as_str()),
        (Some(guest.id.as_str()), Some("Ann"))
    );
    assert_eq!((guest.cid.as_str(), guest.name.as_str()), ("open", "Ann"));
    assert_eq!(guest.expires_at.since_ms(guest.created_at), 12 * 3_600_000);
    assert!(
        made["expires_at"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z'))
    );
    for path in ["/me", "/conferences", "/users"] {
        server
            .call("GET", path)
            .by(token)
            .send()
            .await
            .problem(401, "not-signed-in");
    }
    server.sleep(Duration::from_secs(12 * 3_600));
    assert_eq!(server.guest(token), None);
}

#[tokio::test]
async fn a_guest_who_comes_again_stays_the_same() {
    let server = TestServer::new();
    with_rooms(&server).await;
    let first = come(&server, "open", json!({"name": "Ann"})).await.is(201).json();
    let again = json!({"name": "Ann B.", "token": first["token"]});
    let second = come(&server, "open", again.clone()).await.is(201).json();
    assert_eq!(
        (&second["guest"], &second["name"]),
        (&first["guest"], &json!("Ann B."))
    );
    assert_ne!(second["token"], first["token"]);
    assert_eq!(server.guest(first["token"].as_str().expect("a token")), None);
    let other = come(&server, "open", again).await.is(201).json();
    assert_ne!(other["guest"], first["guest"], "that token has ended");
    // The room is closed to guests.
    let body = json!({"access": "internal"});
    let call = server.call("PATCH", "/conferences/open").by("alice").json(&body);
    call.send().await.is(200);
    assert_eq!(server.guest(second["token"].as_str().expect("a token")), None);
    door(&server, "open").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_guest_comes_back_by_a_key_until_they_want_to_be_somebody_else() {
    let server = TestServer::new();
    with_rooms(&server).await;
    let first = come(&server, "open", json!({"name": "Ann"})).await.is(201).json();
    assert!(first["key"].as_str().is_some_and(|key| key.starts_with("plk_")));
    assert!(first["kept_until"].as_str() > first["expires_at"].as_str());
    // A token alone gives no key.
    let token_alone = json!({"name": "Ann", "token": first["token"]});
    let second = come(&server, "open", token_alone).await.is(201).json();
    assert_eq!(
        (&second["guest"], &second["key"]),
        (&first["guest"], &json!(null))
    );
    server.sleep(Duration::from_secs(13 * 3_600));
    let with_key = |key: &Value| json!({"name": "Ann B.", "token": second["token"], "key": key});
    let back = come(&server, "open", with_key(&first["key"]))
        .await
        .is(201)
        .json();
    assert_eq!(back["guest"], first["guest"]);
    assert_ne!(back["key"], first["key"]);
    let guest = server
        .guest(back["token"].as_str().expect("a token"))
        .expect("there");
    assert_eq!(guest.name, "Ann B.");
    let path = "/conferences/open/guests/forgotten";
    let call = server
        .call("POST", path)
        .from(OUTSIDE)
        .json(&json!({"key": "plk_other"}));
    call.send().await.is(204);
    let call = server
        .call("POST", path)
        .from(OUTSIDE)
        .json(&json!({"key": back["key"]}));
    call.send().await.is(204);
    assert_eq!(server.guest(back["token"].as_str().expect("a token")), None);
    let other = come(&server, "open", with_key(&back["key"])).await.is(201).json();
    assert_ne!(other["guest"], first["guest"]);
    let call = server.call("POST", path).from(OUTSIDE).json(&json!({}));
    call.send().await.problem(400, "bad-json");
}

#[tokio::test]
async fn guests_say_what_they_are_called() {
    let server = TestServer::new();
    with_rooms(&server).await;
    let before = server.digest();
    for (body, status, code) in [
        (json!({"name": ""}), 422, "invalid-field"),
        (json!({"name": "  "}), 422, "invalid-field"),
        (json!({"name": "a\nb"}), 422, "invalid-field"),
        (json!({"name": "x".repeat(129)}), 422, "invalid-field"),
        (json!({}), 422, "invalid-field"),
        (json!({"name": "Ann", "token": 7}), 400, "bad-json"),
        (json!({"name": "Ann", "role": "owner"}), 400, "unknown-field"),
    ] {
        come(&server, "open", body).await.problem(status, code);
    }
    come(&server, "a%20b", json!({"name": "Ann"}))
        .await
        .problem(404, "not-found");
    server.draining.send_replace(true);
    come(&server, "open", json!({"name": "Ann"}))
        .await
        .problem(503, "draining");
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn guests_of_one_address_are_bounded() {
    let server = TestServer::with(|options| {
        options.sign_in_rates = SignInRates {
            per_address: (3.0, 0.001),
            per_account: (1e6, 1e6),
        };
    });
    with_rooms(&server).await;
    for _ in 0..9 {
        door(&server, "open").await.is(200);
    }
    for _ in 0..3 {
        come(&server, "open", json!({"name": "Ann"})).await.is(201);
        door(&server, "nowhere").await.problem(404, "not-found");
    }
    let before = server.digest();
    come(&server, "open", json!({"name": "Ann"}))
        .await
        .problem(429, "too-many-requests");
    door(&server, "open").await.problem(429, "too-many-requests");
    assert_eq!(server.digest(), before);
    let elsewhere = server.call("GET", "/conferences/open/door");
    elsewhere.send().await.is(200);
}
