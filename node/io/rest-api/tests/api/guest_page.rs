//! What strangers see and agree to before they come in.

use crate::server::*;
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand the rest";
const WEBP: &[u8] = b"RIFF\0\0\0\0WEBPand the rest";

async fn info(server: &TestServer) -> Value {
    server
        .call("GET", "/server")
        .from(OUTSIDE)
        .send()
        .await
        .is(200)
        .json()
}

async fn come(server: &TestServer, agreed: Value) -> Answer {
    let body = json!({"name": "Ann", "agreed": agreed});
    let call = server.call("POST", "/conferences/open/guests");
    call.from(OUTSIDE).json(&body).send().await
}

async fn asking(server: &TestServer) {
    let body = json!({"cid": "open", "name": "Weekly review", "access": "public"});
    let call = server.call("POST", "/conferences").by("alice").json(&body);
    call.send().await.is(201);
    for (place, body) in [
        (
            2,
            json!({"title": "Privacy", "link": "https://www.example.com/privacy"}),
        ),
        (1, json!({"title": "Terms", "text": "Be kind.\r\nAlways."})),
    ] {
        server
            .write("PUT", &format!("/documents/{place}"), &body)
            .await
            .is(200);
    }
}

/// What a page sends whose reader agrees to all that it shows.
fn agreed(info: &Value) -> Value {
    let documents = info["documents"].as_array().expect("a list").iter();
    let named = documents.map(|one| json!({"place": one["place"], "version": one["version"]}));
    Value::Array(named.collect())
}

#[tokio::test]
async fn administrators_read_what_documents_were() {
    let server = TestServer::new();
    asking(&server).await;
    let before = info(&server).await["documents"][0]["version"].clone();
    let changed = json!({"title": "Terms of use", "text": "Be kinder."});
    server.write("PUT", "/documents/1", &changed).await.is(200);
    let read = async |path: &str| server.call("GET", path).by("eye").send().await;
    let kept = read("/documents/1/versions").await.is(200).json();
    assert_eq!(kept[0]["version"], before);
    assert_eq!(
        (&kept[0]["title"], kept[0]["until"].is_string()),
        (&json!("Terms"), true)
    );
    let path = format!("/documents/1/versions/{}", before.as_str().expect("a number"));
    assert_eq!(read(&path).await.is(200).json()["text"], "Be kind.\nAlways.");
    read("/documents/2/versions/1").await.problem(404, "not-found");
    read("/documents/1/versions/first")
        .await
        .problem(404, "not-found");
    let refused = server.call("GET", &path).by("alice").send().await;
    refused.problem(403, "forbidden");
}

#[tokio::test]
async fn strangers_see_how_the_hosts_are_reached_and_where_they_administer() {
    let server = TestServer::new();
    let page = json!({"front_page": {"title": "", "help": "", "contacts": "The desk, 1234"}});
    server.write("PATCH", "/settings", &page).await.is(200);
    let far = info(&server).await;
    assert_eq!(
        (&far["contacts"], &far["administration"]),
        (&json!("The desk, 1234"), &json!(false))
    );
    let near = server.call("GET", "/server").send().await.is(200).json();
    assert_eq!(near["administration"], true);
}

#[tokio::test]
async fn guests_agree_to_the_documents_that_strangers_are_shown() {
    let server = TestServer::new();
    assert_eq!(info(&server).await["documents"], json!([]));
    asking(&server).await;
    let shown = info(&server).await;
    let titles: Vec<_> = shown["documents"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["title"])
        .collect();
    assert_eq!(titles, ["Terms", "Privacy"]);
    let whole = server
        .call("GET", "/documents/1")
        .from(OUTSIDE)
        .send()
        .await
        .is(200);
    assert_eq!(whole.json()["text"], "Be kind.\nAlways.");
    assert_eq!(whole.json()["version"], shown["documents"][0]["version"]);
    let known = server
        .call("GET", "/documents/1")
        .header("if-none-match", whole.header("etag"));
    known.send().await.is(304);
    let before = server.digest();
    come(&server, json!([])).await.problem(403, "not-agreed");
    let some = json!([agreed(&shown)[0]]);
    let problem = come(&server, some).await.problem(403, "not-agreed");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|text| text.contains("Privacy"))
    );
    assert_eq!(server.digest(), before);
    let guest = come(&server, agreed(&shown)).await.is(201).json();
    // A changed document is asked again, also of who was here.
    let body = json!({"title": "Terms", "text": "Be kinder."});
    server.write("PUT", "/documents/1", &body).await.is(200);
    come(&server, agreed(&shown)).await.problem(403, "not-agreed");
    let again = json!({"name": "Ann", "token": guest["token"]});
    let call = server.call("POST", "/conferences/open/guests").json(&again);
    call.send().await.problem(403, "not-agreed");
    let now = info(&server).await;
    come(&server, json!([agreed(&now)[0], agreed(&shown)[1]]))
        .await
        .is(201);
    let events = server.get("/events?search=agreed").await.is(200).json();
    assert_eq!(events["items"].as_array().expect("a list").len(), 2);
    assert_eq!(events["items"][0]["kind"], "agreement");
    assert_eq!(
        events["items"][0]["changes"][0],
        json!({"field": "documents.1", "before": null, "after": now["documents"][0]["version"]})
    );
}

#[tokio::test]
async fn documents_are_written_strictly() {
    let server = TestServer::new();
    asking(&server).await;
    let before = server.digest();
    for (path, body, status, code) in [
        ("/documents/1", json!({"title": "Terms"}), 422, "invalid-field"),
        (
            "/documents/1",
            json!({"title": "Terms", "text": ""}),
            422,
            "invalid-field",
        ),
        (
            "/documents/1",
            json!({"title": "T", "text": "x", "link": "https://a.example"}),
            422,
            "invalid-field",
        ),
        (
            "/documents/1",
            json!({"title": "T", "link": "javascript:alert(1)"}),
            422,
            "invalid-field",
        ),
        (
            "/documents/1",
            json!({"title": "T", "text": "x".repeat(100_001)}),
            422,
            "invalid-field",
        ),
        (
            "/documents/6",
            json!({"title": "T", "text": "x"}),
            404,
            "not-found",
        ),
        (
            "/documents/01",
            json!({"title": "T", "text": "x"}),
            404,
            "not-found",
        ),
    ] {
        server.write("PUT", path, &body).await.problem(status, code);
    }
    let stale = server
        .call("PUT", "/documents/1")
        .by("root")
        .header("if-match", "\"1\"");
    let body = json!({"title": "T", "text": "x"});
    stale.json(&body).send().await.problem(412, "stale");
    for agreed in [json!([{"place": 1, "version": "x"}]), json!([0, 0, 0, 0, 0, 0])] {
        let status = come(&server, agreed).await.status.as_u16();
        assert!(matches!(status, 400 | 422));
    }
    assert_eq!(server.digest(), before);
    let remove = || server.call("DELETE", "/documents/1").by("root");
    remove().send().await.is(204);
    remove().send().await.problem(404, "not-found");
    server
        .call("GET", "/documents/1")
        .send()
        .await
        .problem(404, "not-found");
    let long = json!({"title": "T", "text": "€".repeat(100_000)});
    server.write("PUT", "/documents/1", &long).await.is(200);
}

#[tokio::test]
async fn the_logo_is_pixels_and_shown_to_strangers() {
    let server = TestServer::new();
    assert_eq!(info(&server).await["logo"], json!({"light": null, "dark": null}));
    let before = server.digest();
    let put = |kind: &str, bytes: &[u8]| server.call("PUT", "/logos/dark").by("root").body(kind, bytes);
    for (kind, bytes) in [
        ("image/svg+xml", &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..]),
        ("image/png", b"<svg onload='alert(1)'/>"),
        ("image/png", WEBP),
        ("image/jpeg", b"\xff\xd8\xff a jpeg"),
        ("", PNG),
    ] {
        put(kind, bytes)
            .send()
            .await
            .problem(415, "unsupported-media-type");
    }
    let mut large = PNG.to_vec();
    large.resize(256 * 1024 + 1, 0);
    put("image/png", &large).send().await.problem(413, "too-large");
    server
        .call("PUT", "/logos/blue")
        .by("root")
        .body("image/png", PNG)
        .send()
        .await
        .problem(404, "not-found");
    assert_eq!(server.digest(), before);
    put("image/webp", WEBP).send().await.is(204);
    let version = info(&server).await["logo"]["dark"]
        .as_str()
        .expect("a version")
        .to_owned();
    let path = format!("/logos/dark?version={version}");
    let shown = server.call("GET", &path).from(OUTSIDE).send().await.is(200);
    assert_eq!((content_type(&shown), &shown.body[..]), ("image/webp", WEBP));
    server
        .call("GET", "/logos/light")
        .send()
        .await
        .problem(404, "not-found");
    server
        .call("DELETE", "/logos/dark")
        .by("root")
        .send()
        .await
        .is(204);
    assert_eq!(info(&server).await["logo"]["dark"], Value::Null);
}
