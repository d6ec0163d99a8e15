//! The HTTP of WHIP and WHEP, with rooms and sessions that are only remembered.

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::BodyExt as _;
use plenary_model::Cid;
use plenary_whip::{Backend, Caller, IceServer, MediaError, Opened, Part, Refused, SessionId, Watch, router};
use std::sync::{Arc, Mutex};
use tower::ServiceExt as _;

const UFRAGS: &str = "a=ice-ufrag:AAAA\r\na=ice-pwd:0123456789012345678901\r\n";
const NEW_UFRAGS: &str = "a=ice-ufrag:BBBB\r\na=ice-pwd:0123456789012345678901\r\n";

/// Knows the room `review` and the token `good`; a session named `s` while it is open.
#[derive(Default)]
struct Rooms {
    open: Mutex<Vec<Part>>,
}

#[async_trait]
impl Backend for Rooms {
    async fn may(&self, by: &Caller, cid: &Cid, _: &Part) -> Result<(), Refused> {
        match (by.token.as_str(), cid.as_str()) {
            ("good", "review") => Ok(()),
            ("good", _) => Err(Refused::NotFound),
            ("late", _) => Err(Refused::KeptOut {
                code: "uninvited",
                words: "only those who are invited may come",
            }),
            ("barred", _) => Err(Refused::Forbidden("the right to make calls is missing")),
            _ => Err(Refused::NotSignedIn),
        }
    }

    async fn open(&self, _: &Caller, _: &Cid, part: Part, offer: String) -> Result<Opened, MediaError> {
        let kept_out = |code: &str| MediaError::KeptOut {
            code: code.into(),
            words: "the words of the gate".into(),
        };
        match offer.as_str() {
            "locked" | "full" => return Err(kept_out(&offer)),
            _ => {}
        }
        if !offer.starts_with("v=0") {
            return Err(MediaError::BadOffer("it does not begin with v=0".into()));
        }
        self.open.lock().unwrap().push(part);
        Ok(opened("first"))
    }

    async fn change(
        &self,
        _: &Caller,
        _: &Cid,
        session: &SessionId,
        before: Option<&str>,
        ufrag: &str,
        _: &str,
    ) -> Result<Option<Opened>, MediaError> {
        match (session.0.as_str(), before, ufrag) {
            ("s", Some("old"), _) => Err(MediaError::Stale),
            ("s", _, "AAAA") => Ok(None),
            ("s", ..) => Ok(Some(opened("second"))),
            _ => Err(MediaError::NotFound),
        }
    }

    async fn close(&self, _: &Caller, _: &Cid, session: &SessionId) -> Result<(), MediaError> {
        let was_open = self.open.lock().unwrap().pop().is_some() && session.0 == "s";
        was_open.then_some(()).ok_or(MediaError::NotFound)
    }
}

fn served(rooms: Arc<Rooms>) -> axum::Router {
    router(rooms, Arc::new(|_| std::net::Ipv4Addr::UNSPECIFIED.into()))
}

fn opened(ice: &str) -> Opened {
    Opened {
        session: SessionId("s".into()),
        answer: "v=0\r\nm=audio 9 X 111\r\na=ice-ufrag:new\r\na=rtpmap:111 opus\r\n".into(),
        ice: ice.into(),
        ice_servers: vec![
            IceServer {
                urls: vec!["stun:192.0.2.1:3478".into()],
                credentials: None,
            },
            IceServer {
                urls: vec!["turn:192.0.2.1:3478?transport=udp".into()],
                credentials: Some(("1700086400:ann".into(), "pHgRq0tBypo=".into())),
            },
        ],
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn call(app: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app
        .clone()
        .oneshot(request.body(Body::from(body.to_owned())).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

const SDP: (&str, &str) = ("content-type", "application/sdp");
const FRAGMENT: (&str, &str) = ("content-type", "application/trickle-ice-sdpfrag");
const GOOD: (&str, &str) = ("authorization", "Bearer good");

#[tokio::test]
async fn a_session_is_opened_trickled_restarted_and_closed() {
    let app = served(Arc::new(Rooms::default()));
    let opened = call(&app, "POST", "/whip/review", &[GOOD, SDP], "v=0\r\n").await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    assert_eq!(opened.header("location"), "/whip/review/s");
    assert_eq!(opened.header("content-type"), "application/sdp");
    assert_eq!(opened.header("etag"), "\"first\"");
    let links = opened.headers.get_all("link").into_iter();
    let links: Vec<&str> = links.map(|link| link.to_str().unwrap()).collect();
    assert_eq!(
        links,
        [
            "<stun:192.0.2.1:3478>; rel=\"ice-server\"",
            "<turn:192.0.2.1:3478?transport=udp>; rel=\"ice-server\"; username=\"1700086400:ann\"; \
             credential=\"pHgRq0tBypo=\"; credential-type=\"password\"",
        ]
    );
    assert!(opened.body.starts_with("v=0"));

    let trickled = call(&app, "PATCH", "/whip/review/s", &[GOOD, FRAGMENT], UFRAGS).await;
    assert_eq!(trickled.status, StatusCode::NO_CONTENT);
    let stale = [GOOD, FRAGMENT, ("if-match", "\"old\"")];
    let stale = call(&app, "PATCH", "/whip/review/s", &stale, UFRAGS).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let restarted = [GOOD, FRAGMENT, ("if-match", "\"first\"")];
    let restarted = call(&app, "PATCH", "/whip/review/s", &restarted, NEW_UFRAGS).await;
    assert_eq!(restarted.status, StatusCode::OK);
    assert_eq!(restarted.header("etag"), "\"second\"");
    assert_eq!(restarted.body, "m=audio 9 X 111\r\na=ice-ufrag:new\r\n");

    let closed = call(&app, "DELETE", "/whip/review/s", &[GOOD], "").await;
    assert_eq!(closed.status, StatusCode::OK);
    let again = call(&app, "DELETE", "/whip/review/s", &[GOOD], "").await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_watcher_says_whom_it_wants() {
    let rooms = Arc::new(Rooms::default());
    let app = served(rooms.clone());
    for path in ["/whep/review", "/whep/review?participant=alice"] {
        let opened = call(&app, "POST", path, &[GOOD, SDP], "v=0\r\n").await;
        assert_eq!(opened.header("location"), "/whep/review/s", "{}", opened.body);
    }
    let wanted = rooms.open.lock().unwrap().clone();
    let alice = Part::Watch(Watch::Participant("alice".into()));
    assert_eq!(wanted, [Part::Watch(Watch::Speakers), alice]);
    let unknown = call(&app, "POST", "/whep/review?who=alice", &[GOOD, SDP], "v=0\r\n").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_wrong_is_told_and_changes_nothing() {
    let rooms = Arc::new(Rooms::default());
    let app = served(rooms.clone());
    let large = format!("v=0{}", "x".repeat(300 << 10));
    let barred = ("authorization", "Bearer barred");
    for (path, headers, body, status, code) in [
        ("/whip/review", &[SDP][..], "v=0", 401, "not-signed-in"),
        (
            "/whip/review",
            &[SDP, ("authorization", "Basic good")],
            "v=0",
            401,
            "not-signed-in",
        ),
        (
            "/whip/review",
            &[SDP, ("authorization", "Bearer nobody")],
            "v=0",
            401,
            "not-signed-in",
        ),
        ("/whip/review", &[SDP, barred], "v=0", 403, "forbidden"),
        (
            "/whip/review",
            &[SDP, ("authorization", "Bearer late")],
            "v=0",
            403,
            "uninvited",
        ),
        ("/whip/review", &[SDP, GOOD], "locked", 403, "locked"),
        ("/whip/review", &[SDP, GOOD], "full", 409, "full"),
        ("/whip/other", &[SDP, GOOD], "v=0", 404, "not-found"),
        ("/whip/a%20b", &[SDP, GOOD], "v=0", 404, "not-found"),
        ("/whip/review", &[GOOD], "v=0", 415, "unsupported-media-type"),
        ("/whip/review", &[SDP, GOOD], "garbage", 422, "bad-offer"),
        ("/whip/review", &[SDP, GOOD], &large, 413, "too-large"),
    ] {
        let answer = call(&app, "POST", path, headers, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(
            answer.body.contains(&format!("\"code\":\"{code}\"")),
            "{}",
            answer.body
        );
    }
    let fragment = call(
        &app,
        "PATCH",
        "/whip/review/s",
        &[GOOD, FRAGMENT],
        "a=candidate:x",
    )
    .await;
    assert_eq!(fragment.status, StatusCode::BAD_REQUEST);
    assert!(rooms.open.lock().unwrap().is_empty());
    let refused = call(&app, "POST", "/whip/review", &[SDP], "v=0").await;
    assert_eq!(refused.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn pages_of_other_origins_may_come_with_a_token() {
    let app = served(Arc::new(Rooms::default()));
    let origin = ("origin", "https://studio.example");
    let wanted = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let allowed = call(&app, "OPTIONS", "/whip/review", &wanted, "").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "*");
    assert!(allowed.header("access-control-allow-methods").contains("PATCH"));
    let asked = call(&app, "OPTIONS", "/whip/review", &[], "").await;
    assert_eq!(
        (asked.status, asked.header("accept-post")),
        (StatusCode::OK, "application/sdp")
    );
    let opened = call(&app, "POST", "/whip/review", &[origin, GOOD, SDP], "v=0").await;
    assert!(
        opened
            .header("access-control-expose-headers")
            .contains("location")
    );
}
