use crate::server::*;
use serde_json::{Value, json};

const LISTS: &[(&str, &str)] = &[
    ("/users", "display_name"),
    ("/groups", "members"),
    ("/groups/ungrouped/members", "email"),
    ("/aliases", "target"),
    ("/conferences", "owner"),
    ("/events", "id"),
    ("/me/contacts", "call"),
    ("/users/alice/contacts", "display_name"),
];

async fn filled() -> TestServer {
    let server = TestServer::new();
    for at in 0..8 {
        let user = json!({"id": format!("u{at}"), "display_name": format!("Émile {at}")});
        server.write("POST", "/users", &user).await.is(201);
        server
            .write("POST", "/groups", &json!({"name": format!("G{at}")}))
            .await
            .is(201);
        let alias = json!({"id": format!("a{at}"), "target": "alice"});
        server.write("POST", "/aliases", &alias).await.is(201);
        let room = json!({"cid": format!("c{at}"), "name": format!("Réunion {at}")});
        server.write("POST", "/conferences", &room).await.is(201);
    }
    server
}

#[tokio::test]
async fn every_row_comes_once_in_both_directions() {
    let server = filled().await;
    for (path, sort) in LISTS {
        let all = server
            .get(&format!("{path}?limit=500&sort={sort}"))
            .await
            .is(200)
            .json();
        let all = all["items"].as_array().expect("items").clone();
        assert!(all.len() >= 8, "{path}");
        for direction in ["", "-"] {
            let mut rows: Vec<Value> = Vec::new();
            let mut cursor = String::new();
            loop {
                let query = format!("{path}?limit=3&sort={direction}{sort}&cursor={cursor}");
                let page = server.get(&query).await.is(200).json();
                assert_eq!(page["total"], all.len(), "{path}");
                rows.extend(page["items"].as_array().expect("items").clone());
                match page["next"].as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => break,
                }
            }
            if direction == "-" {
                rows.reverse();
            }
            assert_eq!(rows, all, "{path} {direction}");
        }
    }
}

#[tokio::test]
async fn what_lists_are_asked_for_must_be_good() {
    let server = filled().await;
    let next = server.get("/users?limit=1").await.json()["next"].clone();
    let next = next.as_str().expect("more").to_owned();
    let long = "x".repeat(257);
    let before = server.digest();
    for (path, sort) in LISTS {
        for query in [
            "limit=0",
            "limit=501",
            "limit=-1",
            "limit=ten",
            "limit=",
            "sort=salary",
            "sort=--id",
            "sort=id%20desc",
            "cursor=nonsense",
            "cursor=e30",
            "cursor=%00",
            "unknown=1",
            "limit=1&limit=2",
            &format!("search={long}"),
        ] {
            let answer = server.get(&format!("{path}?{query}")).await;
            answer.problem(400, "bad-query");
        }
        if *path != "/users" {
            server
                .get(&format!("{path}?sort={sort}&cursor={next}"))
                .await
                .problem(400, "bad-query");
        }
    }
    for query in [
        "/users?active=maybe",
        "/users?presence=away",
        "/users?admin=boss",
        "/users?group=A%20B",
        "/users?sort=-id&cursor=NEXT",
        "/events?kind=party",
        "/events?actor=a%20b",
        "/events?from=yesterday",
        "/events?until=2030-13-01T00:00:00Z",
        "/resolve",
        "/resolve?call=a&call=b",
    ] {
        let answer = server.get(&query.replace("NEXT", &next)).await;
        answer.problem(400, "bad-query");
    }
    server
        .get("/resolve?call=a%20b")
        .await
        .problem(422, "invalid-field");
    server.get("/resolve?call=").await.problem(422, "invalid-field");
    server
        .get("/groups/g-none/members")
        .await
        .problem(404, "not-found");
    server
        .get("/users/nobody/contacts")
        .await
        .problem(404, "not-found");
    server
        .get("/users/nobody/sessions")
        .await
        .problem(404, "not-found");
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn searches_and_filters_find() {
    let server = filled().await;
    let total = |path: &str| {
        let path = path.to_owned();
        let server = &server;
        async move { server.get(&path).await.is(200).json()["total"].as_u64() }
    };
    assert_eq!(total("/users?search=emile").await, Some(8));
    assert_eq!(total("/users?search=%C3%89MILE+3").await, Some(1));
    assert_eq!(total("/users?search=%25").await, Some(0));
    assert_eq!(total("/users?admin=full").await, Some(1));
    assert_eq!(total("/users?group=ungrouped&active=true").await, Some(11));
    assert_eq!(total("/users?presence=disabled").await, Some(0));
    assert_eq!(total("/me/contacts?search=emile").await, Some(8));
    assert_eq!(total("/events?object_kind=alias&actor=root").await, Some(8));
    assert_eq!(total("/conferences?search=reunion").await, Some(8));
    assert_eq!(total("/conferences?search=REUNION+3").await, Some(1));
    assert_eq!(total("/events?object_kind=conference").await, Some(8));
    assert_eq!(total("/events?from=2999-01-01T00:00:00Z").await, Some(0));
    assert_eq!(total("/events?until=1970-01-01T00:00:00Z").await, Some(0));
    let resolved = server.get("/resolve?call=A1").await.json();
    assert_eq!(resolved["user_id"], "alice@paris.example.com");
    let unknown = server.get("/resolve?call=nobody").await.json();
    assert_eq!(unknown["user_id"], Value::Null);
}
