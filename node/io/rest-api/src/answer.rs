//! Answers as `docs/protocols/rest.md` describes them.

use crate::{backend::Applied, extract::IfNoneMatch, problem::Problem};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Position in the log: of a write, or what a read has seen.
pub(crate) const INDEX: HeaderName = HeaderName::from_static("plenary-index");

/// The revision, and a short hash of the whole: presence and members change without the revision.
fn etag(revision: &str, json: &[u8]) -> String {
    let hash = Sha256::digest(json);
    format!("\"{revision}-{}\"", URL_SAFE_NO_PAD.encode(&hash[..6]))
}

fn json<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(body).expect("answers have string keys and finite numbers only")
}

fn json_response(status: StatusCode, json: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], json).into_response()
}

fn insert(response: &mut Response, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("built of ASCII");
    response.headers_mut().insert(name, value);
}

/// One object for a reader, or 304 if they have it.
pub(crate) fn one<T: Serialize>(body: T, revision: &str, known: &IfNoneMatch) -> Response {
    let json = json(&body);
    let tag = etag(revision, &json);
    let mut response = if known.has(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        json_response(StatusCode::OK, json)
    };
    insert(&mut response, header::ETAG, &tag);
    response
}

/// An object as it is after a write.
pub(crate) fn changed<T: Serialize>(body: T, revision: &str, applied: &Applied) -> Response {
    let json = json(&body);
    let tag = etag(revision, &json);
    let mut response = json_response(StatusCode::OK, json);
    insert(&mut response, header::ETAG, &tag);
    insert(&mut response, INDEX, &applied.index.to_string());
    response
}

/// A new object; `path` are the parts of its address after `/api/v1`.
pub(crate) fn created<T: Serialize>(body: T, revision: &str, applied: &Applied, path: [&str; 2]) -> Response {
    let mut response = changed(body, revision, applied);
    *response.status_mut() = StatusCode::CREATED;
    let location = format!("/api/v1/{}/{}", path[0], percent_encode(path[1]));
    insert(&mut response, header::LOCATION, &location);
    response
}

/// Done, and nothing to show.
pub(crate) fn done(applied: &Applied) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    insert(&mut response, INDEX, &applied.index.to_string());
    response
}

/// A result of a write that is no stored object.
pub(crate) fn result<T: Serialize>(status: StatusCode, body: T, index: u64) -> Response {
    let mut response = json_response(status, json(&body));
    insert(&mut response, INDEX, &index.to_string());
    response
}

/// Something that was written a moment ago and must be there, unless it was deleted meanwhile.
pub(crate) fn still_there<T>(found: Option<T>, what: &str, id: &str) -> Result<T, Problem> {
    found.ok_or_else(|| Problem::not_found(what, id))
}

/// Percent-encodes a part of a path (RFC 3986 §2.1).
pub(crate) fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
