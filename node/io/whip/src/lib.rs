//! Publishing into and watching a room by plain HTTP: WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep).
//!
//! ```text
//!  POST   /whip/{cid}       an offer that sends     ─► 201, the answer, Location of the session
//!  POST   /whep/{cid}       an offer that receives  ─► the same; ?participant=ID shows that one, else who speaks
//!  PATCH  /whip/{cid}/{id}  candidates, ICE restart ─► 204 or 200
//!  DELETE /whip/{cid}/{id}  the end                 ─► 200
//! ```
//!
//! OBS, GStreamer, FFmpeg and aiortc come this way, with the bearer token of a session. Who may and what happens then
//! is asked of a [`Backend`], which the daemon implements; here is the HTTP of it.

// A refusal is an answer, and as large as one.
#![allow(clippy::result_large_err)]

mod answer;
mod backend;
mod fragment;

pub use backend::{Backend, Caller, IceServer, MediaError, Opened, Part, Refused, SessionId, Watch};
pub use fragment::fuzz_fragment;

use answer::problem;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing,
};
use fragment::Fragment;
use plenary_model::Cid;
use plenary_outside::CameFromOutside;
use serde::Deserialize;
use std::{net::IpAddr, sync::Arc};
use tower_http::{
    cors::{Any, CorsLayer},
    set_header::SetResponseHeaderLayer,
};

/// Longest offer: one of 51 m-lines with all that browsers write has 150 KiB.
const OFFER_BYTES: usize = 256 << 10;
/// Longest fragment of candidates.
const FRAGMENT_BYTES: usize = 16 << 10;
const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// The addresses, to be merged into what the node serves.
///
/// `address_of` says where a request comes from.
pub fn router(backend: Arc<dyn Backend>, address_of: AddressOf) -> Router {
    // Who calls brings a token in a header that no foreign page has: every page may try.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH])
        .expose_headers([header::LOCATION, header::ETAG, header::LINK]);
    let session = routing::patch(change).delete(end);
    Router::new()
        .route("/whip/{cid}", routing::post(publish))
        .route("/whep/{cid}", routing::post(watch))
        .route("/whip/{cid}/{session}", session.clone())
        .route("/whep/{cid}/{session}", session)
        .layer(cors)
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("accept-post"),
            HeaderValue::from_static(SDP),
        ))
        .with_state(Served { backend, address_of })
}

/// Where a request comes from.
pub type AddressOf = Arc<dyn Fn(&Parts) -> IpAddr + Send + Sync>;

#[derive(Clone)]
struct Served {
    backend: Arc<dyn Backend>,
    address_of: AddressOf,
}

impl Served {
    /// RFC 6750 §2.1.
    fn caller(&self, parts: &Parts) -> Result<Caller, Response> {
        Ok(Caller {
            token: token(&parts.headers)?,
            address: (self.address_of)(parts),
            from_outside: parts.extensions.get::<CameFromOutside>().is_some(),
        })
    }
}

type Shared = State<Served>;

async fn publish(State(served): Shared, Path(cid): Path<String>, request: Request) -> Response {
    open(&served, &cid, Part::Publish, request)
        .await
        .unwrap_or_else(|refusal| refusal)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WatchQuery {
    participant: Option<String>,
}

async fn watch(
    State(served): Shared,
    Path(cid): Path<String>,
    query: Result<Query<WatchQuery>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Response {
    let Ok(Query(query)) = query else {
        let detail = "the only parameter is participant, the ID of somebody in the room";
        return problem(
            StatusCode::BAD_REQUEST,
            "bad-query",
            "A parameter is wrong",
            detail,
        );
    };
    let part = Part::Watch(match query.participant {
        Some(participant) => Watch::Participant(participant),
        None => Watch::Speakers,
    });
    open(&served, &cid, part, request)
        .await
        .unwrap_or_else(|refusal| refusal)
}

async fn open(served: &Served, cid: &str, part: Part, request: Request) -> Result<Response, Response> {
    let way = if matches!(part, Part::Publish) {
        "whip"
    } else {
        "whep"
    };
    let cid = cid_of(cid)?;
    let (parts, body) = request.into_parts();
    let (by, backend) = (served.caller(&parts)?, &served.backend);
    of_kind(&parts.headers, SDP)?;
    // Asked before the offer is read: strangers shall cost little.
    backend.may(&by, &cid, &part).await.map_err(answer::refused)?;
    let offer = text(body, OFFER_BYTES).await?;
    let opened = backend
        .open(&by, &cid, part, offer)
        .await
        .map_err(answer::failed)?;
    let location = format!("/{way}/{cid}/{}", opened.session);
    let header = |value: &str| HeaderValue::from_str(value).map_err(|_| answer::defect());
    let mut response = (StatusCode::CREATED, opened.answer).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
    headers.insert(header::LOCATION, header(&location)?);
    headers.insert(header::ETAG, header(&format!("\"{}\"", opened.ice))?);
    headers.insert("accept-patch", HeaderValue::from_static(FRAGMENT));
    for server in &opened.ice_servers {
        for url in &server.urls {
            headers.append(header::LINK, header(&link(url, server.credentials.as_ref()))?);
        }
    }
    Ok(response)
}

/// One STUN or TURN server (RFC 9725 §4.6).
fn link(url: &str, credentials: Option<&(String, String)>) -> String {
    let link = format!("<{url}>; rel=\"ice-server\"");
    match credentials {
        Some((name, password)) => {
            format!("{link}; username=\"{name}\"; credential=\"{password}\"; credential-type=\"password\"")
        }
        None => link,
    }
}

/// Trickled candidates need nothing here: this side only answers checks (ICE-lite), from wherever they come. New
/// credentials are a restart.
async fn change(
    State(served): Shared,
    Path((cid, session)): Path<(String, String)>,
    request: Request,
) -> Response {
    let changed = async {
        let cid = cid_of(&cid)?;
        let (parts, body) = request.into_parts();
        let by = served.caller(&parts)?;
        of_kind(&parts.headers, FRAGMENT)?;
        let fragment = text(body, FRAGMENT_BYTES).await?;
        let fragment = Fragment::read(&fragment).map_err(|reason| {
            let title = "The fragment cannot be read";
            problem(StatusCode::BAD_REQUEST, "bad-fragment", title, reason)
        })?;
        let session = SessionId(session);
        let before = parts
            .headers
            .get(header::IF_MATCH)
            .and_then(|value| value.to_str().ok());
        let restarted = served
            .backend
            .change(
                &by,
                &cid,
                &session,
                before.map(|tag| tag.trim_matches('"')),
                &fragment.ufrag,
                &fragment.pwd,
            )
            .await
            .map_err(answer::failed)?;
        let Some(opened) = restarted else {
            return Ok(StatusCode::NO_CONTENT.into_response());
        };
        let tag = HeaderValue::from_str(&format!("\"{}\"", opened.ice)).map_err(|_| answer::defect())?;
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(FRAGMENT)),
            (header::ETAG, tag),
        ];
        Ok((headers, fragment::of_answer(&opened.answer)).into_response())
    };
    changed.await.unwrap_or_else(|refusal: Response| refusal)
}

async fn end(State(served): Shared, Path((cid, session)): Path<(String, String)>, parts: Parts) -> Response {
    let ended = async {
        let cid = cid_of(&cid)?;
        let by = served.caller(&parts)?;
        served
            .backend
            .close(&by, &cid, &SessionId(session))
            .await
            .map_err(answer::failed)?;
        Ok(StatusCode::OK.into_response())
    };
    ended.await.unwrap_or_else(|refusal: Response| refusal)
}

fn cid_of(text: &str) -> Result<Cid, Response> {
    text.parse().map_err(|_| answer::failed(MediaError::NotFound))
}

fn token(headers: &HeaderMap) -> Result<String, Response> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let bearer = value.and_then(|value| value.split_once(' '));
    match bearer {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(token.trim().to_owned())
        }
        _ => Err(answer::refused(Refused::NotSignedIn)),
    }
}

fn of_kind(headers: &HeaderMap, wanted: &'static str) -> Result<(), Response> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if kind.trim().eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    let detail = format!("the body must be {wanted}; set Content-Type");
    let title = "The body has the wrong type";
    Err(problem(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        title,
        &detail,
    ))
}

async fn text(body: Body, most: usize) -> Result<String, Response> {
    let bytes = to_bytes(body, most).await.map_err(|_| {
        let detail = format!("the body has more than {most} bytes, or broke off");
        problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The body is too large",
            &detail,
        )
    })?;
    String::from_utf8(bytes.into()).map_err(|_| {
        problem(
            StatusCode::BAD_REQUEST,
            "bad-sdp",
            "The description cannot be read",
            "the body is not UTF-8",
        )
    })
}
