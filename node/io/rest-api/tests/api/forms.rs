//! Methods, forms of answers, and headers.

use crate::server::*;
use plenary_rest_api::Options;

#[tokio::test]
async fn methods_that_an_address_does_not_take_are_named() {
    let server = TestServer::new();
    let before = server.digest();
    for (method, path, allowed) in [
        ("PUT", "/users", "GET"),
        ("POST", "/users/alice", "PATCH"),
        ("DELETE", "/settings", "PATCH"),
        ("PATCH", "/server", "GET"),
        ("GET", "/session", "POST"),
        ("POST", "/events", "GET"),
        ("OPTIONS", "/users", "POST"),
        ("TRACE", "/me", "GET"),
        ("BREW", "/me", "GET"),
    ] {
        let answer = server.call(method, path).by("root").send().await;
        answer.problem(405, "method-not-allowed");
        assert!(
            answer.header("allow").contains(allowed),
            "{path}: {}",
            answer.header("allow")
        );
    }
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn heads_have_no_bodies() {
    let server = TestServer::new();
    for path in ["/server", "/me", "/users", "/users/alice"] {
        let answer = server.call("HEAD", path).by("root").send().await.is(200);
        assert!(answer.body.is_empty(), "{path}");
        assert_eq!(content_type(&answer), "application/json");
    }
    let answer = server
        .call("HEAD", "/users/nobody")
        .by("root")
        .send()
        .await
        .is(404);
    assert!(answer.body.is_empty());
    server.call("HEAD", "/users").send().await.is(401);
}

#[tokio::test]
async fn readers_get_a_form_that_they_take_or_are_told() {
    let server = TestServer::new();
    for (path, accept, status) in [
        ("/users", "application/json", 200),
        ("/users", "text/html, application/*;q=0.5", 200),
        ("/users", "*/*", 200),
        ("/users", "Application/JSON;charset=utf-8", 200),
        ("/users", "text/html", 406),
        ("/users", "application/json;q=0", 406),
        ("/users.csv", "text/csv", 200),
        ("/users.csv", "text/*", 200),
        ("/users.csv", "application/json", 406),
        ("/events.csv", "application/json", 406),
        ("/backup", "application/json", 406),
        ("/backup", "application/vnd.plenary.backup", 200),
        ("/nothing", "text/html", 404),
    ] {
        let answer = server
            .call("GET", path)
            .by("root")
            .header("accept", accept)
            .send()
            .await;
        match status {
            406 => drop(answer.problem(406, "not-acceptable")),
            404 => drop(answer.problem(404, "not-found")),
            status => drop(answer.is(status)),
        }
    }
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    let server = TestServer::new();
    for path in ["/server", "/users", "/nothing", "/users.csv"] {
        for token in ["root", "wrong"] {
            let answer = server.call("GET", path).by(token).send().await;
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(
                answer
                    .header("content-security-policy")
                    .contains("default-src 'none'")
            );
            assert!(answer.header("plenary-request-id").len() >= 8);
        }
    }
    let chosen = |id: &str| {
        server
            .call("GET", "/server")
            .header("plenary-request-id", id)
            .send()
    };
    assert_eq!(
        chosen("my-request-1").await.header("plenary-request-id"),
        "my-request-1"
    );
    for bad in ["short", "with space and more", &"x".repeat(65)] {
        assert_ne!(chosen(bad).await.header("plenary-request-id"), bad);
    }
}

#[tokio::test]
async fn a_node_with_too_much_to_do_says_so() {
    let full = |options: &mut Options| options.places = 0;
    let server = TestServer::with(full);
    server.call("GET", "/server").send().await.problem(503, "busy");
}

#[tokio::test]
async fn strangers_see_what_the_front_page_shows() {
    let server = TestServer::new();
    let info = server
        .call("GET", "/server")
        .from(OUTSIDE)
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(info["name"], "paris.example.com");
    assert_eq!(info["title"], "paris.example.com");
    let page = serde_json::json!({"front_page": {"title": "Example", "help": "Ask\nus"}});
    server.write("PATCH", "/settings", &page).await.is(200);
    let info = server.call("GET", "/server").send().await.json();
    assert_eq!(
        (&info["title"], &info["help"]),
        (&"Example".into(), &"Ask\nus".into())
    );
}
