use super::*;
use axum::http::header::{CONTENT_ENCODING, ETAG, HeaderMap, IF_NONE_MATCH};
use http_body_util::BodyExt;

fn site() -> Router {
    router(WebConfig::new(|| vec!["https://node-2.example.com".into()]))
}

async fn ask(
    router: &Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("good request");
    let response = router.clone().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("body").to_bytes();
    (
        parts.status,
        parts.headers,
        String::from_utf8_lossy(&bytes).into_owned(),
    )
}

async fn get(router: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
    ask(router, Method::GET, path, &[]).await
}

fn nonce_of(headers: &HeaderMap) -> String {
    let policy = headers[CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
    let (_, rest) = policy.split_once("'nonce-").expect("a nonce");
    rest.split('\'').next().expect("its end").to_owned()
}

#[tokio::test]
async fn every_path_of_the_application_is_the_page_with_its_own_nonce() {
    let site = site();
    let mut nonces = BTreeSet::new();
    for path in [
        "/",
        "/admin",
        "/admin/users/ann.b",
        "/index.html",
        "/no/such/page?x=1",
    ] {
        let (status, headers, body) = get(&site, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers[CACHE_CONTROL], "no-cache", "{path}");
        assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
        let nonce = nonce_of(&headers);
        assert!(body.contains(&nonce), "the page carries the nonce of its policy");
        assert!(!body.contains(NONCE_MARK));
        assert!(nonces.insert(nonce), "a nonce came twice");
    }
}

#[tokio::test]
async fn pages_may_connect_to_the_other_nodes_of_now() {
    let (_, headers, _) = get(&site(), "/").await;
    let policy = headers[CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
    assert!(policy.contains("connect-src 'self' https://node-2.example.com wss://node-2.example.com;"));
}

#[tokio::test]
async fn pages_for_the_outside_name_no_node() {
    let request = Request::builder().uri("/").extension(CameFromOutside);
    let request = request.body(Body::empty()).expect("good request");
    let response = site().oneshot(request).await.expect("infallible");
    let policy = response.headers()[CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("ASCII");
    assert!(policy.contains("connect-src 'self';"), "{policy}");
    assert!(!policy.contains("node-2"), "{policy}");
}

#[tokio::test]
async fn a_missing_file_is_not_the_page() {
    let (status, headers, body) = get(&site(), "/assets/gone-1a2b.js").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(headers[CACHE_CONTROL], "no-store");
    assert!(body.is_empty());
}

#[tokio::test]
async fn an_unknown_call_is_a_problem_and_not_the_page() {
    for method in [Method::GET, Method::POST] {
        let (status, headers, body) = ask(&site(), method, "/api/v1/nope", &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
        assert!(body.contains(r#""code":"not-found""#));
    }
}

#[tokio::test]
async fn nothing_can_be_sent_to_a_page() {
    let (status, headers, _) = ask(&site(), Method::POST, "/admin", &[]).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(headers[ALLOW], "GET, HEAD");
    let (status, _, _) = ask(&site(), Method::HEAD, "/admin", &[]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    for path in ["/", "/assets/gone.js", "/api/nope"] {
        let (_, headers, _) = get(&site(), path).await;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert!(headers.contains_key(CONTENT_SECURITY_POLICY), "{path}");
        assert!(
            headers["permissions-policy"]
                .to_str()
                .is_ok_and(|it| it.contains("camera=(self)"))
        );
    }
}

#[tokio::test]
async fn only_the_widget_may_be_framed_by_other_sites() {
    let site = site();
    let (status, headers, body) = get(&site, "/w/weekly-review").await;
    assert_eq!(status, StatusCode::OK);
    let policy = headers[CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
    assert!(policy.contains("frame-ancestors *;"));
    assert!(policy.contains("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"));
    assert!(!headers.contains_key("x-frame-options"), "it would say no again");
    assert!(
        headers["permissions-policy"]
            .to_str()
            .expect("ASCII")
            .starts_with("camera=(), microphone=()")
    );
    assert!(!headers.contains_key("set-cookie"));
    assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
    let (_, _, other) = get(&site, "/w/no-such-conference").await;
    assert_eq!(body, other, "it does not tell which conferences there are");
    for path in [
        "/",
        "/w",
        "/w/",
        "/w/weekly-review/more",
        "/W/weekly-review",
        "/m/weekly-review",
        "/widget.html",
        "/index.html",
        "/favicon.svg",
        "/assets/gone.js",
        "/api/nope",
    ] {
        let (_, headers, _) = get(&site, path).await;
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
    let (status, _, _) = ask(&site, Method::POST, "/w/weekly-review", &[]).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

/// A small site of its own, so that the tests of files do not depend on whether the UI was built.
fn small() -> Router {
    const SCRIPT: &[u8] = &[b'x'; 4096];
    let asset = |route, content_type, bytes| memory_serve::Asset {
        route,
        path: "",
        etag: "e1",
        content_type,
        bytes: Some(bytes),
        is_compressed: false,
        should_compress: true,
    };
    let assets = Box::leak(Box::new([
        asset("/assets/app-1a2b.js", "text/javascript", SCRIPT),
        asset("/favicon.svg", "image/svg+xml", SCRIPT),
        asset("/index.html", "text/html", b"raw"),
    ]));
    build(
        WebConfig::new(Vec::new),
        MemoryServe::new(assets).index_file(None).enable_gzip(true),
    )
}

#[tokio::test]
async fn hashed_files_are_kept_for_long_and_others_asked_for_again() {
    let (status, headers, body) = get(&small(), "/assets/app-1a2b.js").await;
    assert_eq!((status, body.len()), (StatusCode::OK, 4096));
    assert_eq!(headers[CACHE_CONTROL], "max-age=31536000, immutable");
    let (_, headers, _) = get(&small(), "/favicon.svg").await;
    assert_eq!(headers[CACHE_CONTROL], "no-cache");
    let etag = headers[ETAG].to_str().expect("ASCII").to_owned();
    let (status, _, _) = ask(
        &small(),
        Method::GET,
        "/favicon.svg",
        &[(IF_NONE_MATCH.as_str(), &etag)],
    )
    .await;
    assert_eq!(status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn files_are_compressed_for_those_who_can_read_it() {
    let (_, headers, body) = ask(
        &small(),
        Method::GET,
        "/assets/app-1a2b.js",
        &[("accept-encoding", "gzip")],
    )
    .await;
    assert_eq!(headers[CONTENT_ENCODING], "gzip");
    assert!(body.len() < 1000);
    assert!(
        !get(&small(), "/assets/app-1a2b.js")
            .await
            .1
            .contains_key(CONTENT_ENCODING)
    );
}

#[tokio::test]
async fn the_page_is_never_given_without_a_policy_even_by_its_file_name() {
    let (_, headers, body) = get(&small(), "/index.html").await;
    assert_ne!(body, "raw");
    assert!(!nonce_of(&headers).is_empty());
}
