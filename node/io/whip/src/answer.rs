//! What went wrong, as the REST interface tells it (RFC 9457).

use crate::{MediaError, Refused};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

pub(crate) fn problem(status: StatusCode, code: &str, title: &str, detail: &str) -> Response {
    let body = serde_json::json!({
        "type": format!("https://plenary.invalid/problems/{code}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
    });
    let content_type = (header::CONTENT_TYPE, "application/problem+json");
    (status, [content_type], body.to_string()).into_response()
}

pub(crate) fn refused(refused: Refused) -> Response {
    match refused {
        Refused::NotSignedIn => {
            let detail = "send Authorization: Bearer with the token of a session that is valid";
            let mut response = problem(StatusCode::UNAUTHORIZED, "not-signed-in", "Not signed in", detail);
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
            response
        }
        Refused::Forbidden(detail) => problem(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail),
        Refused::KeptOut { code, words } => kept_out(code, words),
        Refused::NotFound => not_found(),
        Refused::Unavailable => {
            let detail = "the server cannot tell right now whether that is allowed; try again";
            later("unavailable", "Not possible right now", detail)
        }
    }
}

pub(crate) fn failed(error: MediaError) -> Response {
    match error {
        MediaError::Refused(reason) => refused(reason),
        MediaError::NotFound => not_found(),
        MediaError::BadOffer(reason) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            problem(status, "bad-offer", "The offer cannot be answered", &reason)
        }
        MediaError::Stale => {
            let detail =
                "the ICE session that If-Match names is over; the ETag of the last answer names the one now";
            problem(
                StatusCode::PRECONDITION_FAILED,
                "stale",
                "Changed meanwhile",
                detail,
            )
        }
        MediaError::Full => later(
            "full",
            "This node is full",
            "this node has as many media sessions as it takes",
        ),
        MediaError::NoSeat(detail) => problem(
            StatusCode::CONFLICT,
            "no-pro-seat",
            "No PRO seat is free",
            &detail,
        ),
        MediaError::KeptOut { code, words } => kept_out(&code, &words),
        MediaError::Stopped => later(
            "stopped",
            "This node is ending",
            "its media part has ended; go to another node",
        ),
    }
}

/// A conference that is full may take them later: the node, which is asked again at once, is not what is full.
fn kept_out(code: &str, words: &str) -> Response {
    let status = match code {
        "full" => StatusCode::CONFLICT,
        _ => StatusCode::FORBIDDEN,
    };
    problem(status, code, "Not let in", words)
}

fn not_found() -> Response {
    let detail = "there is no such room or session, or it is somebody else's";
    problem(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
}

fn later(code: &str, title: &str, detail: &str) -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, code, title, detail);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// For what cannot be.
pub(crate) fn defect() -> Response {
    let detail = "the server made an answer that it cannot send";
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Internal error",
        detail,
    )
}
