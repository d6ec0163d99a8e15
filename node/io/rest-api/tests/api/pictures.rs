use crate::server::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand the rest";

#[tokio::test]
async fn pictures_are_what_they_say_and_not_too_large() {
    let server = TestServer::new();
    let put = |kind: &str, bytes: &[u8]| server.call("PUT", "/me/avatar").by("alice").body(kind, bytes);
    let before = server.digest();
    for (kind, bytes) in [
        ("image/png", &b"GIF89a"[..]),
        ("image/png", b"\xff\xd8\xff a jpeg"),
        ("image/png", b""),
        ("image/png", b"<svg onload='alert(1)'/>"),
        ("image/svg+xml", b"<svg/>"),
        ("image/gif", b"GIF89a"),
        ("text/html", PNG),
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
    assert_eq!(server.digest(), before);
    large.pop();
    put("image/png", &large).send().await.is(204);
    let answer = server
        .call("GET", "/users/alice/avatar")
        .by("eye")
        .send()
        .await
        .is(200);
    assert_eq!(content_type(&answer), "image/png");
    assert_eq!(answer.body, large);
    let tag = answer.header("etag").to_owned();
    let again = server
        .call("GET", "/me/avatar")
        .by("alice")
        .header("if-none-match", &tag);
    again.send().await.is(304);
    assert_eq!(server.get("/users/alice").await.json()["has_avatar"], true);
    server
        .call("DELETE", "/users/alice/avatar")
        .by("root")
        .send()
        .await
        .is(204);
    server
        .call("GET", "/me/avatar")
        .by("alice")
        .send()
        .await
        .problem(404, "not-found");
}
