use crate::server::*;
use plenary_rest_api::SignInRates;
use serde_json::json;
use std::time::Duration;

async fn sign_in(server: &TestServer, login: &str, password: &str) -> Answer {
    let body = json!({"login": login, "password": password, "device_label": "Laptop"});
    server
        .call("POST", "/session")
        .from(OUTSIDE)
        .json(&body)
        .send()
        .await
}

#[tokio::test]
async fn a_token_is_given_out_and_ends() {
    let server = TestServer::new();
    for login in [
        "alice",
        "ALICE",
        "alice@paris.example.com",
        " alice@PARIS.example.com ",
    ] {
        let answer = sign_in(&server, login, PASSWORD).await.is(201).json();
        assert_eq!(answer["user"]["id"], "alice");
        assert!(answer["user"].get("password").is_none());
        let token = answer["token"].as_str().expect("a token").to_owned();
        server.call("GET", "/me").by(&token).send().await.is(200);
        let sessions = server.call("GET", "/me/sessions").by(&token).send().await.json();
        let current: Vec<_> = sessions
            .as_array()
            .expect("a list")
            .iter()
            .filter(|s| s["current"] == true)
            .collect();
        assert_eq!(current.len(), 1);
        assert_eq!(current[0]["label"], "Laptop");
        assert_eq!(current[0]["address"], "203.0.113.9");
        server.call("DELETE", "/session").by(&token).send().await.is(204);
        server
            .call("GET", "/me")
            .by(&token)
            .send()
            .await
            .problem(401, "not-signed-in");
    }
    let token = sign_in(&server, "alice", PASSWORD).await.json()["token"].clone();
    server.sleep(Duration::from_secs(60 * 24 * 3_600 + 1));
    let call = server.call("GET", "/me").by(token.as_str().expect("a token"));
    call.send().await.problem(401, "not-signed-in");
}

#[tokio::test]
async fn who_is_wrong_is_not_told_why() {
    let server = TestServer::new();
    server
        .write("PATCH", "/users/eye", &json!({"active": false}))
        .await
        .is(200);
    server
        .write("POST", "/users", &json!({"id": "empty"}))
        .await
        .is(201);
    let mut details = Vec::new();
    for (login, password) in [
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("alice", "wrong"),
        ("alice", ""),
        ("alice", &"x".repeat(100_000)),
        ("eye", "wrong"),
        ("empty", ""),
        ("alice@oslo.example.com", PASSWORD),
        ("' OR ''='", PASSWORD),
    ] {
        let problem = sign_in(&server, login, password)
            .await
            .problem(401, "wrong-credentials");
        details.push(problem["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1);
    sign_in(&server, "eye", PASSWORD)
        .await
        .problem(403, "account-disabled");
}

#[tokio::test]
async fn a_lock_keeps_everybody_out_and_tells_no_passwords() {
    let server = TestServer::new();
    for _ in 0..9 {
        sign_in(&server, "alice", "wrong")
            .await
            .problem(401, "wrong-credentials");
    }
    sign_in(&server, "alice", "wrong")
        .await
        .problem(403, "account-locked");
    let before = server.digest();
    let right = sign_in(&server, "alice", PASSWORD)
        .await
        .problem(403, "account-locked");
    let wrong = sign_in(&server, "alice", "wrong")
        .await
        .problem(403, "account-locked");
    assert_eq!(
        (&right["until"], &right["detail"]),
        (&wrong["until"], &wrong["detail"])
    );
    assert_eq!(server.digest(), before, "strangers cannot make the log grow");
    let user = server.get("/users/alice").await.json();
    assert_eq!(user["locked_until"], right["until"]);
    let events = server.get("/events?kind=lock").await.json();
    assert_eq!(
        (&events["total"], &events["items"][0]["object"]),
        (&json!(1), &json!("alice"))
    );
    server
        .call("POST", "/users/alice/unlock")
        .by("root")
        .send()
        .await
        .is(204);
    sign_in(&server, "alice", PASSWORD).await.is(201);
}

#[tokio::test]
async fn tries_at_once_do_not_find_the_right_password_behind_the_lock() {
    for _ in 0..10 {
        let server = TestServer::new();
        let wrong = (0..20).map(|_| "wrong").chain([PASSWORD]);
        let tries = wrong.map(|password| sign_in(&server, "alice", password));
        let mut answers = futures::future::join_all(tries).await;
        let right = answers.pop().expect("the last");
        // It overtook so many that there was no lock yet: nobody tries it behind one then.
        if right.status == 201 {
            continue;
        }
        let right = right.problem(403, "account-locked");
        let same = answers.iter().filter(|answer| answer.status == 403);
        assert!(same.count() >= 11, "the right one is one of many");
        assert_eq!(
            server.get("/users/alice").await.json()["locked_until"],
            right["until"]
        );
        return;
    }
    panic!("the last one is never behind the lock");
}

#[tokio::test]
async fn passwords_of_disabled_accounts_cannot_be_guessed_without_end() {
    let server = TestServer::new();
    server
        .write("PATCH", "/users/eye", &json!({"active": false}))
        .await
        .is(200);
    for _ in 0..10 {
        sign_in(&server, "eye", "wrong").await;
    }
    sign_in(&server, "eye", PASSWORD)
        .await
        .problem(403, "account-locked");
}

#[tokio::test]
async fn too_many_tries_are_turned_away() {
    let server = TestServer::with(|options| {
        options.sign_in_rates = SignInRates {
            per_address: (5.0, 0.001),
            per_account: (3.0, 0.001),
        };
    });
    for _ in 0..5 {
        sign_in(&server, "alice", PASSWORD).await.is(201);
    }
    for login in ["alice", "ALICE", "alice@paris.example.com"] {
        sign_in(&server, login, "wrong")
            .await
            .problem(401, "wrong-credentials");
    }
    sign_in(&server, "alice", PASSWORD)
        .await
        .problem(429, "too-many-requests");
    sign_in(&server, "nobody", "wrong")
        .await
        .problem(401, "wrong-credentials");
    let before = server.digest();
    sign_in(&server, "eye", PASSWORD)
        .await
        .problem(429, "too-many-requests");
    assert_eq!(server.digest(), before);
    let elsewhere = json!({"login": "root", "password": PASSWORD});
    server
        .call("POST", "/session")
        .json(&elsewhere)
        .send()
        .await
        .is(201);
}

#[tokio::test]
async fn a_node_that_leaves_signs_nobody_in() {
    let server = TestServer::new();
    server.draining.send_replace(true);
    let before = server.digest();
    sign_in(&server, "alice", PASSWORD).await.problem(503, "draining");
    assert_eq!(server.digest(), before);
    server.call("GET", "/me").by("alice").send().await.is(200);
    server.draining.send_replace(false);
    sign_in(&server, "alice", PASSWORD).await.is(201);
}

#[tokio::test]
async fn ones_own_password_needs_the_old_one_and_the_policy() {
    let server = TestServer::new();
    let change = |old: &str, new: &str| {
        let body = json!({"old": old, "new": new});
        server.call("POST", "/me/password").by("alice").json(&body)
    };
    let before = server.digest();
    change(PASSWORD, "short")
        .send()
        .await
        .problem(422, "password-policy");
    assert_eq!(server.digest(), before);
    change("wrong", "another one")
        .send()
        .await
        .problem(422, "invalid-field");
    let token = sign_in(&server, "alice", PASSWORD).await.json()["token"].clone();
    change(PASSWORD, "another one").send().await.is(204);
    server.call("GET", "/me").by("alice").send().await.is(200);
    let other = server.call("GET", "/me").by(token.as_str().expect("a token"));
    other.send().await.problem(401, "not-signed-in");
    sign_in(&server, "alice", PASSWORD)
        .await
        .problem(401, "wrong-credentials");
    sign_in(&server, "alice", "another one").await.is(201);
}

#[tokio::test]
async fn a_session_is_no_place_to_guess_the_password() {
    let server = TestServer::new();
    let change = |old: &str| {
        let body = json!({"old": old, "new": "another one"});
        server.call("POST", "/me/password").by("alice").json(&body).send()
    };
    for _ in 1..10 {
        change("wrong").await.problem(422, "invalid-field");
    }
    change("wrong").await.problem(403, "account-locked");
    change(PASSWORD).await.problem(403, "account-locked");
    sign_in(&server, "alice", PASSWORD)
        .await
        .problem(403, "account-locked");
}
