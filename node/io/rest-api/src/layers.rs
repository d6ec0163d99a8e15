//! What surrounds every call: names, bounds and headers.

use crate::{
    answer::INDEX,
    api::Api,
    auth::address_of,
    backend::ReadError,
    problem::{Code, Problem},
    request_id::{self, REQUEST_ID},
    unread,
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt as _;
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::time::timeout;
use tracing::Instrument as _;

/// How long a request waits for the index that it carries.
const INDEX_WAIT: Duration = Duration::from_secs(2);
/// How long imports and backups may take: 20,000 passwords on a small machine.
const LONG_CALL: Duration = Duration::from_secs(3_600);

/// The outermost: names the request, catches what fails, makes problems of bare errors, adds headers.
pub(crate) async fn surround(State(api): State<Api>, request: Request, next: Next) -> Response {
    let id = request_id::choose(request.headers());
    let span =
        tracing::info_span!("request", id = %id, method = %request.method(), path = %request.uri().path());
    let (request, unread) = unread::watch(request);
    let served = async {
        let work = AssertUnwindSafe(bounded(&api, request, next)).catch_unwind();
        let response = work.await.unwrap_or_else(|_| {
            // The panic hook has logged where; the request's span is around it.
            Problem::new(
                Code::Internal,
                "the server failed at this request; its log says why under this request ID",
            )
            .into_response()
        });
        unread.throw_away().await;
        with_problem(response)
    };
    let served = request_id::scope(id.clone(), served.instrument(span));
    let mut response = served.await;
    let id = HeaderValue::from_str(&id).expect("request IDs are letters, digits, - and _");
    add_headers(response.headers_mut(), id);
    response
}

fn add_headers(headers: &mut HeaderMap, id: HeaderValue) {
    headers.insert(HeaderName::from_static(REQUEST_ID), id);
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-site",
        ),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Bounds how many requests are served at once and for how long.
async fn bounded(api: &Api, request: Request, next: Next) -> Response {
    let Some(_place) = api.place(address_of(request.extensions(), request.headers(), api)) else {
        let detail = "this node has more requests than it takes at once; try again in a second";
        return Problem::new(Code::Busy, detail).into_response();
    };
    let path = request.uri().path();
    let is_long = path.ends_with("/import") || path.ends_with("/backup");
    let limit = if is_long {
        LONG_CALL
    } else {
        api.options().request_timeout
    };
    match timeout(limit, indexed(api, request, next)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = "the request took too long; if it was a change, look whether it was made before you \
                          try again, or try again with the same idempotency key";
            Problem::new(Code::Busy, detail).into_response()
        }
    }
}

/// Waits for the index that the request carries; tells the one that the answer has seen.
async fn indexed(api: &Api, request: Request, next: Next) -> Response {
    if let Err(problem) = acceptable(&request).and_then(|()| understood(api, &request)) {
        return problem.into_response();
    }
    match wanted_index(request.headers()) {
        Ok(None) => {}
        Ok(Some(index)) => {
            let waited = timeout(INDEX_WAIT, api.backend().wait_applied(index)).await;
            if let Ok(Err(ReadError::BadQuery(reason))) = waited {
                return Problem::new(Code::BadHeader, reason).into_response();
            }
            if !matches!(waited, Ok(Ok(()))) {
                let detail =
                    "this node has not caught up with what you have seen; try again, or ask another node";
                return Problem::new(Code::Behind, detail).into_response();
            }
        }
        Err(problem) => return problem.into_response(),
    }
    // What was applied before the read is in the answer for sure.
    let seen = api.backend().applied();
    let mut response = next.run(request).await;
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        response
            .headers_mut()
            .entry(INDEX)
            .or_insert(HeaderValue::from(seen));
    }
    response
}

/// Refuses who takes no form that the answer can have (RFC 9110 §12.5.1). Addresses that are no calls and
/// writes, whose answers are mostly empty, are not asked.
fn acceptable(request: &Request) -> Result<(), Problem> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let Some(path) = path.filter(|path| is_read && !path.contains("{*")) else {
        return Ok(());
    };
    let kinds: &[&str] = match path.rsplit('/').next().unwrap_or_default() {
        "backup" => &["application/vnd.plenary.backup"],
        "avatar" => &["image/png", "image/jpeg", "image/webp"],
        last if last.ends_with(".csv") => &["text/csv"],
        _ => &["application/json"],
    };
    let mut wanted = request.headers().get_all(header::ACCEPT).iter().peekable();
    if wanted.peek().is_none() {
        return Ok(());
    }
    let takes = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|part| {
            part.strip_prefix("q=")
                .is_some_and(|q| q.parse().is_ok_and(|q: f32| q == 0.0))
        });
        let covers = |made: &&str| {
            kind == "*/*"
                || kind == *made
                || kind
                    .strip_suffix('*')
                    .is_some_and(|start| made.starts_with(start))
        };
        !refused && kinds.iter().any(covers)
    };
    let takes_any = wanted.any(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.trim().is_empty() || text.split(',').any(takes))
    });
    if takes_any {
        return Ok(());
    }
    let detail = format!("this address gives {}; ask for that in Accept", kinds.join(", "));
    Err(Problem::new(Code::NotAcceptable, detail))
}

/// Refuses a query that the call would not read, or that is no UTF-8: whoever sends it means something by it.
fn understood(api: &Api, request: &Request) -> Result<(), Problem> {
    let Some(query) = request.uri().query().filter(|query| !query.is_empty()) else {
        return Ok(());
    };
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let Some(path) = path.filter(|path| path.starts_with("/api/v1/") && !path.contains("{*")) else {
        return Ok(());
    };
    if !api.takes_query(request.method(), path) {
        return Err(Problem::new(
            Code::BadQuery,
            "this call takes no query; leave out what follows the ?",
        ));
    }
    if !is_utf8(query) {
        return Err(Problem::new(Code::BadQuery, "the query is not UTF-8"));
    }
    Ok(())
}

/// Whether percent-encoded bytes are UTF-8. What only looks like an encoded byte stands for itself.
fn is_utf8(query: &str) -> bool {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::with_capacity(query.len());
    let mut rest = query.as_bytes();
    while let [first, after @ ..] = rest {
        match (digit(after.first()), digit(after.get(1))) {
            (Some(high), Some(low)) if *first == b'%' => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).is_ok()
}

fn wanted_index(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(INDEX) else {
        return Ok(None);
    };
    let index = value.to_str().ok().and_then(|text| text.parse().ok());
    let wrong = || {
        Problem::about(
            Code::BadHeader,
            "Plenary-Index",
            "must be a number that an answer carried",
        )
    };
    index.map(Some).ok_or_else(wrong)
}

/// Errors that come from below the handlers (unknown path, wrong method) get their problem here.
fn with_problem(response: Response) -> Response {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let has_problem = content_type.is_some_and(|kind| kind == "application/problem+json");
    if has_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let problem = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            let methods = allow
                .as_ref()
                .and_then(|value| value.to_str().ok())
                .unwrap_or("nothing");
            let detail = format!("this address takes {methods}, not this method");
            Problem::new(Code::MethodNotAllowed, detail)
        }
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::TooLarge, "the request body is too large"),
        StatusCode::NOT_FOUND => Problem::new(Code::NotFound, "the interface has no such address"),
        status if status.is_client_error() => {
            Problem::new(Code::BadQuery, "the request cannot be understood")
        }
        _ => Problem::new(Code::Internal, "the server failed at this request"),
    };
    let mut response = problem.into_response();
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// Every address of `/api` that is no call.
pub(crate) async fn unknown() -> StatusCode {
    StatusCode::NOT_FOUND
}
