use crate::server::*;
use serde_json::json;

#[tokio::test]
async fn a_change_of_what_was_changed_meanwhile_is_stale() {
    let server = TestServer::new();
    let group = server
        .write("POST", "/groups", &json!({"name": "G"}))
        .await
        .is(201)
        .json();
    let group = format!("/groups/{}", group["id"].as_str().expect("an ID"));
    server
        .write("POST", "/aliases", &json!({"id": "111", "target": "alice"}))
        .await
        .is(201);
    server
        .write(
            "POST",
            "/conferences",
            &json!({"cid": "review", "name": "Review"}),
        )
        .await
        .is(201);
    let objects = [
        ("/conferences/review", json!({"name": "Other"}), true),
        ("/users/alice", json!({"first_name": "A"}), true),
        (group.as_str(), json!({"name": "H"}), true),
        ("/aliases/111", json!({"note": "n"}), true),
        ("/settings", json!({"sessions": {"lifetime_days": 9}}), false),
        ("/me", json!({"first_name": "R"}), false),
    ];
    for (path, body, can_be_deleted) in objects {
        let seen = server.get(path).await.is(200);
        let (tag, revision) = (seen.header("etag").to_owned(), seen.json()["revision"].clone());
        let revision = revision.as_str().expect("revisions are strings").to_owned();
        assert!(tag.starts_with(&format!("\"{revision}-")), "{path}: {tag}");
        let patch = |if_match: &str| {
            let call = server.call("PATCH", path).by("root").json(&body);
            call.header("if-match", if_match)
        };
        let changed = patch(&tag).send().await.is(200);
        assert_eq!(
            changed.header("etag"),
            server.get(path).await.header("etag"),
            "{path}"
        );
        assert_ne!(changed.json()["revision"], revision, "{path}");
        let before = server.digest();
        for old in [
            tag.as_str(),
            &format!("\"{revision}\""),
            &format!("W/{tag}"),
            "\"never\"",
        ] {
            patch(old).send().await.problem(412, "stale");
            if can_be_deleted {
                let call = server.call("DELETE", path).by("root").header("if-match", old);
                call.send().await.problem(412, "stale");
            }
        }
        for bad in ["17", "", "\"1\", \"2\""] {
            patch(bad).send().await.problem(400, "bad-header");
        }
        assert_eq!(server.digest(), before);
        patch("*").send().await.is(200);
        let now = server.get(path).await.json()["revision"].clone();
        let now = now.as_str().expect("a string");
        patch(&format!("\"{now}\"")).send().await.is(200);
    }
}

#[tokio::test]
async fn what_a_reader_has_is_not_sent_again() {
    let server = TestServer::new();
    server
        .write(
            "POST",
            "/conferences",
            &json!({"cid": "review", "name": "Review"}),
        )
        .await
        .is(201);
    for path in [
        "/me",
        "/users/alice",
        "/groups/guests",
        "/conferences/review",
        "/settings",
    ] {
        let seen = server.get(path).await.is(200);
        let tag = seen.header("etag").to_owned();
        let again = || server.call("GET", path).by("root").header("if-none-match", &tag);
        let answer = again().send().await.is(304);
        assert!(answer.body.is_empty() && answer.header("etag") == tag);
        let other = server
            .call("GET", path)
            .by("root")
            .header("if-none-match", "\"1\"");
        other.send().await.is(200);
    }
    let tag = server.get("/users/alice").await.header("etag").to_owned();
    server
        .write("PATCH", "/users/alice", &json!({"first_name": "A"}))
        .await
        .is(200);
    let call = server
        .call("GET", "/users/alice")
        .by("root")
        .header("if-none-match", &tag);
    call.send().await.is(200);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let server = TestServer::new();
    let keyed = |method: &str, path: &str, body: serde_json::Value| {
        let call = server.call(method, path).by("root").json(&body);
        call.header("idempotency-key", "key of the test")
    };
    let group = || keyed("POST", "/groups", json!({"name": "G"}));
    let first = group().send().await.is(201).json();
    let before = server.digest();
    assert_eq!(group().send().await.is(201).json()["id"], first["id"]);
    for other in [
        keyed("POST", "/groups", json!({"name": "H"})),
        keyed("POST", "/users", json!({"name": "G"})),
        keyed("POST", "/aliases", json!({"id": "111", "target": "alice"})),
        keyed("PATCH", "/users/alice", json!({"first_name": "A"})),
    ] {
        let answer = other.send().await;
        if answer.status != 400 {
            answer.problem(422, "idempotency-mismatch");
        }
    }
    for bad in ["", &"x".repeat(256), "é"] {
        let call = server
            .call("POST", "/groups")
            .by("root")
            .json(&json!({"name": "H"}));
        call.header("idempotency-key", bad)
            .send()
            .await
            .problem(400, "bad-header");
    }
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn repetitions_of_every_kind_change_nothing_more() {
    let server = TestServer::new();
    server
        .write("POST", "/aliases", &json!({"id": "111", "target": "alice"}))
        .await
        .is(201);
    let revision = server.get("/me").await.header("etag").to_owned();
    let writes = [
        ("POST", "/users", json!({"id": "bob", "password": PASSWORD})),
        (
            "PATCH",
            "/users/bob",
            json!({"first_name": "B", "password": "another one"}),
        ),
        ("PATCH", "/aliases/111", json!({"note": "n"})),
        ("PATCH", "/me", json!({"first_name": "R"})),
        (
            "POST",
            "/me/password",
            json!({"old": PASSWORD, "new": "another one"}),
        ),
        ("POST", "/users/bob/disconnect", json!(null)),
        ("DELETE", "/users/bob", json!(null)),
    ];
    for (at, (method, path, body)) in writes.into_iter().enumerate() {
        let send = || {
            let call = server.call(method, path).by("root").json(&body);
            let call = call.header("idempotency-key", &format!("key {at}"));
            if path == "/me" {
                call.header("if-match", &revision).send()
            } else {
                call.send()
            }
        };
        let first = send().await;
        assert!(first.status.is_success(), "{path}: {}", first.text());
        let before = server.digest();
        let again = send().await;
        if path == "/users/bob" && method == "PATCH" || path == "/users" {
            assert_eq!(again.status, first.status);
        } else {
            assert_eq!((again.status, &again.body), (first.status, &first.body), "{path}");
        }
        assert_eq!(server.digest(), before, "{method} {path}");
    }
    let wrong = json!({"old": PASSWORD, "new": "a third one"});
    server
        .write("POST", "/me/password", &wrong)
        .await
        .problem(422, "invalid-field");
}

#[tokio::test]
async fn answers_say_what_they_have_seen_and_requests_wait_for_it() {
    let server = TestServer::new();
    let written = server
        .write("POST", "/groups", &json!({"name": "G"}))
        .await
        .is(201);
    let index: u64 = written.header("plenary-index").parse().expect("a number");
    let at = |index: &str| {
        server
            .call("GET", "/me")
            .by("root")
            .header("plenary-index", index)
    };
    let read = at(&index.to_string()).send().await.is(200);
    assert_eq!(read.header("plenary-index"), index.to_string());
    let before = server.digest();
    at(&(index + 1).to_string()).send().await.problem(503, "behind");
    let write = server
        .call("POST", "/groups")
        .by("root")
        .json(&json!({"name": "H"}));
    let write = write.header("plenary-index", &u64::MAX.to_string());
    write.send().await.problem(503, "behind");
    for bad in ["", "-1", "x", "18446744073709551616"] {
        at(bad).send().await.problem(400, "bad-header");
    }
    assert_eq!(server.digest(), before);
    server.be_stuck(true);
    let problem = server
        .write("POST", "/groups", &json!({"name": "H"}))
        .await
        .problem(503, "behind");
    let detail = problem["detail"].as_str().expect("text");
    assert!(
        detail.contains("was made"),
        "it is told that it happened: {detail}"
    );
    server.be_stuck(false);
    server
        .write("POST", "/groups", &json!({"name": "H"}))
        .await
        .problem(409, "exists");
}

#[tokio::test]
async fn what_is_not_there_cannot_be_changed() {
    let server = TestServer::new();
    let before = server.digest();
    for (method, path, body) in [
        ("PATCH", "/users/nobody", json!({})),
        ("DELETE", "/users/nobody", json!(null)),
        ("POST", "/users/nobody/unlock", json!(null)),
        ("POST", "/users/nobody/disconnect", json!(null)),
        ("DELETE", "/users/nobody/avatar", json!(null)),
        ("PATCH", "/groups/g-none", json!({})),
        ("DELETE", "/groups/g-none", json!(null)),
        ("POST", "/groups/g-none/members", json!({"add": ["alice"]})),
        ("POST", "/groups/ungrouped/members", json!({"remove": ["nobody"]})),
        ("PATCH", "/aliases/none", json!({})),
        ("DELETE", "/aliases/none", json!(null)),
        ("PATCH", "/conferences/none", json!({})),
        ("DELETE", "/conferences/none", json!(null)),
        ("DELETE", "/me/contacts?call=nobody", json!(null)),
        ("POST", "/cluster/nodes/node-9/drain", json!({"drain": true})),
        ("POST", "/cluster/nodes/node-9/promote", json!(null)),
        ("POST", "/cluster/leader", json!({"name": "node-9"})),
        ("DELETE", "/cluster/nodes/node-9", json!(null)),
    ] {
        let answer = server.write(method, path, &body).await;
        let code = if path.ends_with("ungrouped/members") {
            (409, "builtin-group")
        } else {
            (404, "not-found")
        };
        answer.problem(code.0, code.1);
    }
    let only = server.call("DELETE", "/cluster/nodes/node-1").by("root");
    only.send().await.problem(409, "conflict");
    assert_eq!(server.digest(), before);
}
