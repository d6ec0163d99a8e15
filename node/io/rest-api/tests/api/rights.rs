use crate::server::*;
use plenary_outside::{Reach, reach::decided};
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Right {
    Public,
    User,
    Security,
    Admin,
}

/// The right of each call, as `docs/protocols/rest.md` has it.
const RIGHTS: &[(&str, Right)] = &[
    ("GET /server", Right::Public),
    ("POST /session", Right::Public),
    ("DELETE /session", Right::User),
    ("GET /me", Right::User),
    ("PATCH /me", Right::User),
    ("POST /me/password", Right::User),
    ("GET /me/password-policy", Right::User),
    ("GET /me/sessions", Right::User),
    ("DELETE /me/sessions/{id}", Right::User),
    ("GET /me/avatar", Right::User),
    ("PUT /me/avatar", Right::User),
    ("DELETE /me/avatar", Right::User),
    ("GET /me/conference-defaults", Right::User),
    ("GET /me/pro", Right::User),
    ("POST /me/pro", Right::User),
    ("GET /me/agenda", Right::User),
    ("GET /me/invitations", Right::User),
    ("DELETE /me/invitations/{id}", Right::User),
    ("GET /me/partners/{server}", Right::User),
    ("GET /me/pages", Right::User),
    ("GET /me/search", Right::User),
    ("GET /me/contacts", Right::User),
    ("PUT /me/contacts", Right::User),
    ("DELETE /me/contacts", Right::User),
    ("GET /people/{id}", Right::User),
    ("GET /look", Right::User),
    ("GET /users", Right::Security),
    ("POST /users", Right::Admin),
    ("GET /users/{id}", Right::Security),
    ("PATCH /users/{id}", Right::Admin),
    ("DELETE /users/{id}", Right::Admin),
    ("POST /users/{id}/disconnect", Right::Admin),
    ("POST /users/{id}/unlock", Right::Admin),
    ("GET /users/{id}/sessions", Right::Security),
    ("GET /users/{id}/avatar", Right::Security),
    ("PUT /users/{id}/avatar", Right::Admin),
    ("DELETE /users/{id}/avatar", Right::Admin),
    ("GET /users/{id}/contacts", Right::Security),
    ("GET /users.csv", Right::Security),
    ("POST /users/import", Right::Admin),
    ("GET /groups", Right::Security),
    ("POST /groups", Right::Admin),
    ("GET /groups/{id}", Right::Security),
    ("PATCH /groups/{id}", Right::Admin),
    ("DELETE /groups/{id}", Right::Admin),
    ("GET /groups/{id}/members", Right::Security),
    ("POST /groups/{id}/members", Right::Admin),
    ("GET /aliases", Right::Security),
    ("POST /aliases", Right::Admin),
    ("GET /aliases/{id}", Right::Security),
    ("PATCH /aliases/{id}", Right::Admin),
    ("DELETE /aliases/{id}", Right::Admin),
    ("GET /resolve", Right::User),
    ("GET /calls", Right::User),
    ("POST /calls", Right::User),
    ("GET /calls/{cid}", Right::User),
    ("POST /calls/{cid}/decline", Right::User),
    ("POST /calls/{cid}/widen", Right::User),
    ("GET /conferences", Right::User),
    ("POST /conferences", Right::User),
    ("GET /conferences/{cid}", Right::User),
    ("PATCH /conferences/{cid}", Right::User),
    ("DELETE /conferences/{cid}", Right::User),
    ("GET /conferences/{cid}/participants", Right::User),
    ("GET /conferences/{cid}/watchers", Right::User),
    ("GET /conferences/{cid}/removed", Right::User),
    ("DELETE /conferences/{cid}/removed/{id}", Right::User),
    ("GET /conferences/{cid}/people", Right::User),
    ("POST /conferences/{cid}/acts", Right::User),
    ("GET /conferences/{cid}/calls", Right::User),
    ("POST /conferences/{cid}/calls", Right::User),
    ("DELETE /conferences/{cid}/calls", Right::User),
    ("DELETE /conferences/{cid}/calls/{user}", Right::User),
    ("GET /conferences/{cid}/calendar", Right::User),
    ("GET /conferences/{cid}/chat", Right::User),
    ("POST /conferences/{cid}/chat", Right::User),
    ("DELETE /conferences/{cid}/chat/{line}", Right::User),
    ("GET /conferences/{cid}/door", Right::Public),
    ("GET /conferences/{cid}/door/calendar", Right::Public),
    ("POST /conferences/{cid}/guests", Right::Public),
    ("POST /conferences/{cid}/guests/forgotten", Right::Public),
    ("POST /conferences/{cid}/door/registration", Right::Public),
    ("GET /conferences/{cid}/registrants", Right::User),
    ("POST /conferences/{cid}/registrants", Right::Public),
    ("DELETE /conferences/{cid}/registrants/{registrant}", Right::User),
    ("GET /conferences/{cid}/registrants.csv", Right::User),
    ("GET /conferences/{cid}/runs", Right::User),
    ("GET /conferences/{cid}/runs/{run}", Right::User),
    ("GET /conferences/{cid}/runs/{run}/visits", Right::User),
    ("GET /conferences/{cid}/runs/{run}/visits.csv", Right::User),
    ("GET /me/runs", Right::User),
    ("GET /me/calls", Right::User),
    ("GET /templates", Right::User),
    ("POST /templates", Right::User),
    ("GET /templates/{template}", Right::User),
    ("PATCH /templates/{template}", Right::User),
    ("DELETE /templates/{template}", Right::User),
    ("GET /licence", Right::Security),
    ("POST /licence", Right::Admin),
    ("DELETE /licence/{licence}", Right::Admin),
    ("GET /licence/{licence}/request", Right::Security),
    ("POST /licence/confirmations", Right::Admin),
    ("POST /licence/manager", Right::Admin),
    ("DELETE /licence/manager", Right::Admin),
    ("GET /license-manager", Right::Security),
    ("POST /license-manager/servers/{server}/recall", Right::Admin),
    (
        "POST /license-manager/servers/{server}/declare-dead",
        Right::Admin,
    ),
    ("GET /seats", Right::Security),
    ("PATCH /seats", Right::Admin),
    ("POST /seats/pick", Right::Admin),
    ("GET /seats/pro", Right::Security),
    ("DELETE /seats/pro/{user}", Right::Admin),
    ("GET /seats/without", Right::Security),
    ("GET /settings", Right::Security),
    ("PATCH /settings", Right::Admin),
    ("GET /documents/{place}", Right::Public),
    ("PUT /documents/{place}", Right::Admin),
    ("DELETE /documents/{place}", Right::Admin),
    ("GET /groups/{id}/visitors", Right::Security),
    ("GET /users/{id}/calls", Right::Security),
    ("GET /users/{id}/runs", Right::Security),
    ("GET /documents/{place}/versions", Right::Security),
    ("GET /documents/{place}/versions/{version}", Right::Security),
    ("GET /logos/{scheme}", Right::Public),
    ("PUT /logos/{scheme}", Right::Admin),
    ("DELETE /logos/{scheme}", Right::Admin),
    ("POST /federation/test", Right::Admin),
    ("GET /directory", Right::Security),
    ("PATCH /directory", Right::Admin),
    ("GET /directory/key", Right::Admin),
    ("POST /directory/activate", Right::Admin),
    ("POST /directory/deactivate", Right::Admin),
    ("GET /federation/partners", Right::Security),
    ("GET /federation/partners/{server}", Right::Security),
    ("PUT /federation/partners/{server}", Right::Admin),
    ("DELETE /federation/partners/{server}", Right::Admin),
    ("POST /federation/partners/{server}/release", Right::Admin),
    ("GET /events", Right::Security),
    ("GET /events.csv", Right::Security),
    ("GET /cluster", Right::Security),
    ("POST /cluster/invitations", Right::Admin),
    ("GET /border-controllers", Right::Security),
    ("POST /border-controllers/invitations", Right::Admin),
    ("DELETE /border-controllers/{name}", Right::Admin),
    ("POST /cluster/nodes/{name}/drain", Right::Admin),
    ("POST /cluster/nodes/{name}/promote", Right::Admin),
    ("DELETE /cluster/nodes/{name}", Right::Admin),
    ("POST /cluster/leader", Right::Admin),
    ("GET /backup", Right::Admin),
];

/// Method and path of every call with names that are there.
fn calls() -> impl Iterator<Item = (&'static str, String, Right)> {
    RIGHTS.iter().map(|(call, right)| {
        let (method, path) = call.split_once(' ').expect("method and path");
        let id = if path.starts_with("/groups") {
            "ungrouped"
        } else {
            "alice"
        };
        let path = path.replace("{id}", id).replace("{name}", "node-1");
        let path = path.replace("{cid}", "review").replace("{user}", "alice");
        let path = path.replace("{registrant}", "guest-aaaaaaaaaaaaaaaa");
        let path = path
            .replace("{run}", "1")
            .replace("{template}", "1")
            .replace("{line}", "1");
        let path = path.replace("{server}", "lyon.example.com");
        let path = path.replace("{place}", "1").replace("{scheme}", "light");
        let path = path.replace("{licence}", "00000000000000000000000000000001");
        (method, path, *right)
    })
}

#[test]
fn the_table_names_every_call_of_the_description() {
    let document = serde_json::to_value(plenary_rest_api::openapi()).expect("JSON");
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let path = path.strip_prefix("/api/v1").expect("of this version");
        for method in item.as_object().expect("methods").keys() {
            described.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    described.sort();
    let mut listed: Vec<String> = RIGHTS.iter().map(|(call, _)| (*call).to_owned()).collect();
    listed.sort();
    assert_eq!(listed, described);
}

#[test]
fn the_committed_description_is_that_of_the_code() {
    let committed = include_str!("../../../../../base/contracts/openapi/v1.json");
    let now = plenary_rest_api::openapi().to_pretty_json().expect("JSON");
    assert!(
        committed.trim_end() == now,
        "run: cargo run -p plenary-rest-api --example openapi > base/contracts/openapi/v1.json"
    );
}

#[tokio::test]
async fn strangers_do_nothing_but_sign_in() {
    let server = TestServer::new();
    let before = server.digest();
    for (method, path, right) in calls() {
        if right == Right::Public {
            continue;
        }
        for token in ["", "Bearer", "Bearer  ", "Bearer wrong", "Basic alice", "alice"] {
            let call = server.call(method, &path);
            let call = match token {
                "" => call,
                token => call.header("authorization", token),
            };
            let answer = call.send().await;
            answer.problem(401, "not-signed-in");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn each_role_may_what_the_table_says() {
    let server = TestServer::new();
    let before = server.digest();
    for (method, path, right) in calls() {
        if matches!(right, Right::Security | Right::Admin) {
            let answer = server.call(method, &path).by("alice").send().await;
            answer.problem(403, "forbidden");
        }
        if right == Right::Admin {
            let answer = server.call(method, &path).by("eye").send().await;
            answer.problem(403, "forbidden");
        }
    }
    assert_eq!(server.digest(), before);
    for (method, path, right) in calls() {
        if method == "GET" && right != Right::Public {
            let who = match right {
                Right::User => "alice",
                Right::Security => "eye",
                _ => "root",
            };
            let path = path.replace("/resolve", "/resolve?call=alice");
            let path = path.replace("/look", "/look?call=demo2@oslo.example.net");
            let path = path.replace("/me/search", "/me/search?q=ann");
            let path = path.replace("/me/pages", "/me/pages?address=https://meet.oslo.example.net");
            let month = "/agenda?from=2090-03-01T00:00:00Z&until=2090-04-01T00:00:00Z";
            let path = path.replace("/agenda", month);
            let answer = server.call(method, &path).by(who).send().await;
            // No License Manager is connected here.
            let allowed = answer.status.is_success() || matches!(answer.status.as_u16(), 404 | 409);
            assert!(allowed, "{path}: {}", answer.status);
        }
    }
    assert_eq!(server.digest(), before, "reads change nothing");
}

#[tokio::test]
async fn the_control_panel_is_open_to_its_networks_only() {
    let server = TestServer::new();
    let before = server.digest();
    for (method, path, right) in calls() {
        if matches!(right, Right::Security | Right::Admin) {
            let call = server.call(method, &path).by("root").from(OUTSIDE);
            // What a stranger writes there counts for nothing.
            let call = call.header("x-forwarded-for", "127.0.0.1");
            call.send().await.problem(403, "admin-network");
        }
    }
    assert_eq!(server.digest(), before);
    server
        .call("GET", "/me")
        .by("root")
        .from(OUTSIDE)
        .send()
        .await
        .is(200);
    let proxied = TestServer::with(|options| {
        options.trusted_proxies = vec!["203.0.113.0/24".parse().expect("a range")];
    });
    for (before_proxy, status) in [
        ("10.1.2.3", 200),
        ("198.51.100.1", 403),
        ("10.1.2.3, 198.51.100.1", 403),
    ] {
        let call = proxied.call("GET", "/users").by("root").from(OUTSIDE);
        call.header("x-forwarded-for", before_proxy)
            .send()
            .await
            .is(status);
    }
}

#[test]
fn the_outside_reaches_what_asks_for_no_administrator_and_nothing_else() {
    let decided: BTreeMap<String, Reach> = decided()
        .map(|(path, method, reach)| (format!("{method} {path}"), reach))
        .collect();
    for (call, right) in RIGHTS {
        let expected = match right {
            Right::Security | Right::Admin => Reach::Inside,
            _ => Reach::Open,
        };
        let full = call.replacen(' ', " /api/v1", 1);
        assert_eq!(decided.get(&full), Some(&expected), "{full}");
    }
}

#[tokio::test]
async fn administrators_are_none_to_the_outside_from_whichever_network() {
    let server = TestServer::new();
    let before = server.digest();
    for (method, path, right) in calls() {
        if matches!(right, Right::Security | Right::Admin) {
            let call = server.call(method, &path).by("root").out_there();
            call.send().await.problem(403, "admin-network");
        }
    }
    assert_eq!(server.digest(), before);
    for (path, who) in [("/me", "root"), ("/me", "eye"), ("/server", "root")] {
        let inside = server.call("GET", path).by(who).send().await;
        assert_eq!(inside.is(200).json()["administration"], json!(true), "{path}");
        let outside = server.call("GET", path).by(who).out_there().send().await;
        assert_eq!(outside.is(200).json()["administration"], json!(false), "{path}");
    }
    let alice = server.call("GET", "/me").by("alice").send().await;
    assert_eq!(alice.is(200).json()["administration"], json!(false));
}

#[tokio::test]
async fn nobody_locks_the_administrators_out() {
    let server = TestServer::new();
    let before = server.digest();
    for networks in [json!(["10.0.0.0/8"]), json!([]), json!(["nonsense"])] {
        let patch = json!({"admin_access": {"networks": networks}});
        server
            .write("PATCH", "/settings", &patch)
            .await
            .problem(422, "invalid-field");
    }
    for (method, path, body) in [
        ("PATCH", "/users/root", json!({"admin": "none"})),
        ("PATCH", "/users/root", json!({"active": false})),
        ("DELETE", "/users/root", json!(null)),
    ] {
        server
            .write(method, path, &body)
            .await
            .problem(409, "last-administrator");
    }
    assert_eq!(server.digest(), before);
    let patch = json!({"admin_access": {"networks": ["192.168.1.7"]}});
    server.write("PATCH", "/settings", &patch).await.is(200);
    let elsewhere = server.call("GET", "/users").by("root").from("192.168.1.8:1");
    elsewhere.send().await.problem(403, "admin-network");
}

#[tokio::test]
async fn the_right_to_edit_the_address_book_is_asked_for() {
    let server = TestServer::new();
    let put = || {
        let entry = json!({"call": "eye"});
        server.call("PUT", "/me/contacts").by("alice").json(&entry)
    };
    put().send().await.is(204);
    let patch = json!({"rights": ["make_calls"]});
    server.write("PATCH", "/groups/ungrouped", &patch).await.is(200);
    let before = server.digest();
    put().send().await.problem(403, "forbidden");
    let delete = server.call("DELETE", "/me/contacts?call=eye").by("alice");
    delete.send().await.problem(403, "forbidden");
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn disabled_and_deleted_accounts_are_out_at_once() {
    let server = TestServer::new();
    server
        .write("PATCH", "/users/alice", &json!({"active": false}))
        .await
        .is(200);
    server
        .call("GET", "/me")
        .by("alice")
        .send()
        .await
        .problem(401, "not-signed-in");
    server
        .call("DELETE", "/users/eye")
        .by("root")
        .send()
        .await
        .is(204);
    server
        .call("GET", "/me")
        .by("eye")
        .send()
        .await
        .problem(401, "not-signed-in");
}

#[tokio::test]
async fn sessions_of_others_are_not_there() {
    let server = TestServer::new();
    let before = server.digest();
    for (who, session) in [
        ("alice", "session-of-root"),
        ("root", "session-of-alice"),
        ("alice", "x"),
    ] {
        let path = format!("/me/sessions/{session}");
        server
            .call("DELETE", &path)
            .by(who)
            .send()
            .await
            .problem(404, "not-found");
    }
    assert_eq!(server.digest(), before);
    server
        .call("DELETE", "/me/sessions/session-of-alice")
        .by("alice")
        .send()
        .await
        .is(204);
    server
        .call("GET", "/me")
        .by("alice")
        .send()
        .await
        .problem(401, "not-signed-in");
}
