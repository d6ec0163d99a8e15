use crate::server::*;
use serde_json::{Value, json};

#[tokio::test]
async fn bodies_are_exactly_what_is_expected() {
    let server = TestServer::new();
    let before = server.digest();
    let cases = [
        (json!({"id": "bob", "salary": 1}), 400, "unknown-field", "salary"),
        (
            json!({"id": "bob", "bandwidth": {"in_kbps": 64, "up": 1}}),
            400,
            "unknown-field",
            "bandwidth.up",
        ),
        (json!({"id": 7}), 400, "bad-json", "id"),
        (json!({"id": "bob", "active": "yes"}), 400, "bad-json", "active"),
        (json!({"id": "bob", "admin": "boss"}), 400, "bad-json", "admin"),
        (json!({"id": "bob", "groups": "g"}), 400, "bad-json", "groups"),
        (json!({}), 400, "bad-json", ""),
        (json!([]), 400, "bad-json", ""),
        (json!(["bob"]), 400, "bad-json", ""),
        (json!(null), 400, "bad-json", ""),
        (json!({"id": ""}), 422, "invalid-field", "id"),
        (json!({"id": "a b"}), 422, "invalid-field", "id"),
        (json!({"id": "x".repeat(65)}), 422, "invalid-field", "id"),
        (json!({"id": "../bob"}), 422, "invalid-field", "id"),
        (json!({"id": "bob\u{202e}"}), 422, "invalid-field", "id"),
        (json!({"id": "日本"}), 422, "invalid-field", "id"),
        (json!({"id": "bob", "email": "x"}), 422, "invalid-field", "email"),
        (
            json!({"id": "bob", "first_name": "x".repeat(257)}),
            422,
            "invalid-field",
            "first_name",
        ),
        (
            json!({"id": "bob", "first_name": "a\u{0}b"}),
            422,
            "invalid-field",
            "first_name",
        ),
        (
            json!({"id": "bob", "groups": ["g-none"]}),
            422,
            "invalid-field",
            "groups",
        ),
        (
            json!({"id": "bob", "groups": ["A B"]}),
            422,
            "invalid-field",
            "groups[0]",
        ),
        (
            json!({"id": "bob", "bandwidth": {"in_kbps": 31}}),
            422,
            "invalid-field",
            "bandwidth.in_kbps",
        ),
        (
            json!({"id": "bob", "bandwidth": {"in_kbps": -1}}),
            400,
            "bad-json",
            "bandwidth.in_kbps",
        ),
        (
            json!({"id": "bob", "password": "short"}),
            422,
            "password-policy",
            "password",
        ),
        (
            json!({"id": "bob", "password": "x".repeat(65)}),
            422,
            "invalid-field",
            "password",
        ),
    ];
    for (body, status, code, field) in cases {
        let problem = server.write("POST", "/users", &body).await.problem(status, code);
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
    }
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn lists_are_no_objects_and_queries_are_for_calls_that_take_them() {
    let server = TestServer::new();
    let before = server.digest();
    let as_list = server.call("POST", "/session").json(&json!(["alice", PASSWORD]));
    as_list.send().await.problem(400, "bad-json");
    for path in [
        "/users?search=%ff",
        "/me?x=1",
        "/settings?search=a",
        "/users/alice?x",
        "/server?limit=1",
    ] {
        server.get(path).await.problem(400, "bad-query");
    }
    let call = server.call("DELETE", "/users/alice?dry_run=true").by("root");
    call.send().await.problem(400, "bad-query");
    assert_eq!(server.digest(), before);
    server.get("/users?search=%D0%90").await.is(200);
    server.get("/me?").await.is(200);
}

#[tokio::test]
async fn reserved_names_are_nobodys() {
    let server = TestServer::new();
    let before = server.digest();
    for id in ["guest", "Guests", "FEDERATED", "me", "system", "Guest-Ann"] {
        let problem = server
            .write("POST", "/users", &json!({"id": id}))
            .await
            .problem(422, "invalid-field");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|text| text.contains("reserved"))
        );
    }
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn bytes_that_are_no_json_are_told() {
    let server = TestServer::new();
    let before = server.digest();
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"{\"id\":\"bob\"} x",
        b"{\"id\":\"bob\",\"id\":\"eve\"}",
        b"{\"id\":\"b\xffb\"}",
        b"\xef\xbb\xbf{\"id\":\"bob\"}",
        b"{\"id\":\"\\ud800\"}",
        b"{\"id\":\"bob\",\"bandwidth\":{\"in_kbps\":1e400}}",
        &[b'['; 100_000],
    ];
    for body in bodies {
        let call = server.call("POST", "/users").by("root");
        call.body("application/json", body)
            .send()
            .await
            .problem(400, "bad-json");
    }
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn bodies_have_a_size_and_a_kind() {
    let server = TestServer::new();
    let before = server.digest();
    let large = json!({"id": "bob", "first_name": "x".repeat(1 << 20)});
    server
        .write("POST", "/users", &large)
        .await
        .problem(413, "too-large");
    let lying = server
        .call("POST", "/users")
        .by("root")
        .header("content-length", "99999999999");
    let lying = lying.body("application/json", "{}");
    lying.send().await.problem(413, "too-large");
    let long = json!({"cid": "r", "name": "R", "description": "x".repeat(10 << 20)});
    server
        .write("POST", "/conferences", &long)
        .await
        .problem(413, "too-large");
    let import = |kind: &str, body: Vec<u8>| server.call("POST", "/users/import").by("root").body(kind, body);
    import("text/csv", vec![b'x'; (16 << 20) + 1])
        .send()
        .await
        .problem(413, "too-large");
    import("application/json", b"id\nbob\n".to_vec())
        .send()
        .await
        .problem(415, "unsupported-media-type");
    for kind in [
        "text/plain",
        "application/xml",
        "application/json-patch+json",
        "",
        "json",
    ] {
        let call = server
            .call("POST", "/users")
            .by("root")
            .body(kind, "{\"id\":\"bob\"}");
        call.send().await.problem(415, "unsupported-media-type");
    }
    assert_eq!(server.digest(), before);
    let call = server.call("POST", "/users").by("root");
    let call = call.body("Application/JSON; charset=utf-8", "{\"id\":\"bob\"}");
    call.send().await.is(201);
}

#[tokio::test]
async fn nobody_is_created_twice_whatever_the_letters() {
    let server = TestServer::new();
    let created = server
        .write("POST", "/users", &json!({"id": "Иван.Петров"}))
        .await
        .is(201);
    assert_eq!(created.json()["id"], "иван.петров");
    let location = created.header("location");
    assert!(location.is_ascii());
    let path = location
        .strip_prefix("/api/v1")
        .expect("of this version")
        .to_owned();
    assert_eq!(
        server.get(&path).await.is(200).json()["user_id"],
        "иван.петров@paris.example.com"
    );
    server
        .get("/users/%D0%98%D0%B2%D0%B0%D0%BD.%D0%9F%D0%B5%D1%82%D1%80%D0%BE%D0%B2")
        .await
        .is(200);
    server
        .write("POST", "/users", &json!({"id": "zoé"}))
        .await
        .is(201);
    let email = json!({"email": "Alice@Example.com"});
    server.write("PATCH", "/users/alice", &email).await.is(200);
    server
        .write("POST", "/groups", &json!({"name": "Vente"}))
        .await
        .is(201);
    server
        .write("POST", "/aliases", &json!({"id": "111", "target": "alice"}))
        .await
        .is(201);
    let before = server.digest();
    let twice = [
        ("/users", json!({"id": "ИВАН.петров"}), 409, "exists"),
        ("/users", json!({"id": "zoe\u{301}"}), 409, "exists"),
        ("/users", json!({"id": "ALICE"}), 409, "exists"),
        (
            "/users",
            json!({"id": "bob", "email": "ALICE@example.com"}),
            422,
            "invalid-field",
        ),
        ("/groups", json!({"name": " VENTE "}), 409, "exists"),
        ("/groups", json!({"name": "guests"}), 409, "exists"),
        ("/aliases", json!({"id": "111", "target": "eye"}), 409, "exists"),
        (
            "/aliases",
            json!({"id": "alice", "target": "eye"}),
            422,
            "invalid-field",
        ),
    ];
    for (path, body, status, code) in twice {
        server.write("POST", path, &body).await.problem(status, code);
    }
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn tricks_with_paths_find_nothing() {
    let server = TestServer::new();
    let before = server.digest();
    let tricks = [
        "/users/%2e%2e",
        "/users/%2e%2e%2fsettings",
        "/users/..%2f..%2fetc%2fpasswd",
        "/users/%00",
        "/users/alice%00",
        "/users/alice%2f",
        "/users/alice%2Fsessions",
        "/users/alice%5c",
        "/users/%ff%fe",
        "/users/alice%20",
        "/users/alice;x",
        "/users/alice/",
        "/users//alice",
        "//users/alice",
        "/users/%",
        "/users/%zz",
        "/groups/%2e%2e",
        "/groups/UNGROUPED",
        "/aliases/%2e%2e",
        "/conferences/%2e%2e",
        "/conferences/%5Cc%5Creview",
        "/cluster/nodes/%2e%2e",
        "/../v1/users",
        "/users/..",
        "/nothing",
        "/",
        "",
    ];
    for path in tricks {
        for method in ["GET", "DELETE"] {
            let answer = server.call(method, path).by("root").send().await;
            let is_405 = answer.status.as_u16() == 405;
            let (status, code) = if is_405 {
                (405, "method-not-allowed")
            } else {
                (404, "not-found")
            };
            answer.problem(status, code);
        }
    }
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn builtin_groups_stay_as_they_are() {
    let server = TestServer::new();
    let before = server.digest();
    for id in ["ungrouped", "federated", "guests"] {
        let path = format!("/groups/{id}");
        let rename = json!({"name": "Other"});
        server
            .write("PATCH", &path, &rename)
            .await
            .problem(409, "builtin-group");
        let delete = server.call("DELETE", &path).by("root");
        delete.send().await.problem(409, "builtin-group");
        let members = json!({"add": ["alice"]});
        let path = format!("{path}/members");
        server
            .write("POST", &path, &members)
            .await
            .problem(409, "builtin-group");
    }
    assert_eq!(server.digest(), before);
    let guests = server.get("/groups/guests").await.json();
    let allowed = guests["allowed_rights"].as_array().expect("rights");
    for never in ["operator", "edit_address_book", "record"] {
        assert!(!allowed.contains(&json!(never)), "{never}");
        let patch = json!({"rights": [never]});
        server
            .write("PATCH", "/groups/guests", &patch)
            .await
            .problem(422, "invalid-field");
    }
    for right in allowed {
        let patch = json!({"rights": [right]});
        server.write("PATCH", "/groups/guests", &patch).await.is(200);
    }
}

#[tokio::test]
async fn settings_out_of_range_are_named() {
    let lockout = |field: &str, value: Value| {
        let mut lockout = json!({"enabled": true, "duration_s": 60, "attempts": 3, "window_s": 60});
        lockout[field] = value;
        json!({"lockout": lockout})
    };
    let cases = [
        (
            "PATCH",
            "/settings",
            lockout("attempts", json!(0)),
            422,
            "lockout.attempts",
        ),
        (
            "PATCH",
            "/settings",
            lockout("window_s", json!(59)),
            422,
            "lockout.window_s",
        ),
        (
            "PATCH",
            "/settings",
            lockout("duration_s", json!(1e9)),
            400,
            "lockout.duration_s",
        ),
        (
            "PATCH",
            "/settings",
            json!({"front_page": {"title": "a\nb", "help": ""}}),
            422,
            "front_page.title",
        ),
        (
            "PATCH",
            "/settings",
            json!({"sessions": {"lifetime_days": 0}}),
            422,
            "sessions.lifetime_days",
        ),
        (
            "PATCH",
            "/settings",
            json!({"admin_access": {"networks": ["192.168.0.0/16", "x"]}}),
            422,
            "admin_access.networks[1]",
        ),
    ];
    refuse(&cases).await;
}

/// Sends what must be refused for the field that is named, and checks that nothing changes.
async fn refuse(cases: &[(&str, &str, Value, u16, &str)]) {
    let server = TestServer::new();
    let before = server.digest();
    for (method, path, body, status, field) in cases {
        let code = if *status == 400 {
            "bad-json"
        } else {
            "invalid-field"
        };
        let problem = server.write(method, path, body).await.problem(*status, code);
        assert_eq!(problem["errors"][0]["field"], *field, "{body}: {problem}");
    }
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn values_out_of_range_are_named() {
    let cases = [
        ("POST", "/groups", json!({"name": " "}), 422, "name"),
        (
            "POST",
            "/groups",
            json!({"name": "G", "address_book": {"scope": "nobody", "groups": ["guests"]}}),
            422,
            "address_book.groups",
        ),
        (
            "POST",
            "/groups",
            json!({"name": "G", "address_book": {"scope": "groups", "groups": ["g-none"]}}),
            422,
            "address_book.groups",
        ),
        (
            "POST",
            "/groups",
            json!({"name": "G", "address_book": {"scope": "nobody", "entries": [{"call": "a b"}]}}),
            422,
            "address_book.entries[0].call",
        ),
        (
            "POST",
            "/aliases",
            json!({"id": "a.b", "target": "alice"}),
            422,
            "id",
        ),
        (
            "POST",
            "/aliases",
            json!({"id": "x", "target": "#ftp:x"}),
            422,
            "target",
        ),
        (
            "POST",
            "/conferences",
            json!({"cid": "a b", "name": "R"}),
            422,
            "cid",
        ),
        (
            "POST",
            "/conferences",
            json!({"cid": "new", "name": "R"}),
            422,
            "cid",
        ),
        (
            "POST",
            "/conferences",
            json!({"cid": "r", "name": " "}),
            422,
            "name",
        ),
        (
            "POST",
            "/conferences",
            json!({"cid": "r", "name": "R", "description": "x".repeat(2001)}),
            422,
            "description",
        ),
        (
            "POST",
            "/conferences",
            json!({"cid": "r", "name": "R", "owner": "nobody"}),
            422,
            "owner",
        ),
        (
            "POST",
            "/conferences",
            json!({"cid": "r", "name": "R", "access": "secret"}),
            400,
            "access",
        ),
        ("POST", "/cluster/invitations", json!({"ttl_s": 59}), 422, "ttl_s"),
        (
            "POST",
            "/groups/ungrouped/members",
            json!({"add": ["alice"], "remove": ["alice"]}),
            422,
            "remove",
        ),
    ];
    refuse(&cases).await;
}
