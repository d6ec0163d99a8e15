//! One name for a request, through all programs that have a hand in it.
//!
//! It travels in the header `Plenary-Request-Id` of HTTP; gRPC metadata are headers, so the same layers serve
//! both. Inside a program it belongs to the task.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    str::FromStr,
    sync::Arc,
    task::{Context, Poll},
};
use tower::{Layer, Service};
use tracing::Instrument as _;

/// The header of HTTP and key of gRPC metadata, in lower case as both want it.
pub const REQUEST_ID_HEADER: &str = "plenary-request-id";

const HEADER: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);

/// The name of a request: 8 to 64 letters, digits, `-` and `_`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The text is not 8 to 64 letters, digits, `-` and `_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a request ID is 8 to 64 letters, digits, - and _")]
pub struct BadRequestId;

impl FromStr for RequestId {
    type Err = BadRequestId;
    fn from_str(text: &str) -> Result<Self, BadRequestId> {
        let good = (8..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if good {
            Ok(Self(text.into()))
        } else {
            Err(BadRequestId)
        }
    }
}

impl RequestId {
    /// A new one: 12 random bytes as 16 characters.
    pub fn random() -> Self {
        let mut bytes = [0u8; 12];
        aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives random numbers");
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the caller chose, if it is a good one, or a new one.
    pub fn accept(headers: &HeaderMap) -> Self {
        let given = headers
            .get(&HEADER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        given.unwrap_or_else(Self::random)
    }

    /// The request that this task works for.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Works for this request. Tasks that are spawned inside need a scope of their own.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Puts it into the headers (or metadata) of a call to another program, or of an answer.
    pub fn carry(&self, headers: &mut HeaderMap) {
        let value = HeaderValue::from_str(&self.0).expect("letters, digits, - and _ fit a header");
        headers.insert(HEADER, value);
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// For servers: gives every request its ID, a log span and an answer with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct AcceptRequestIds;

/// For clients: passes the ID of the request that this task works for on to the next program.
#[derive(Debug, Clone, Copy, Default)]
pub struct CarryRequestIds;

impl<S> Layer<S> for AcceptRequestIds {
    type Service = Accepting<S>;
    fn layer(&self, inner: S) -> Accepting<S> {
        Accepting(inner)
    }
}

impl<S> Layer<S> for CarryRequestIds {
    type Service = Carrying<S>;
    fn layer(&self, inner: S) -> Carrying<S> {
        Carrying(inner)
    }
}

/// See [`AcceptRequestIds`].
#[derive(Debug, Clone)]
pub struct Accepting<S>(S);

/// See [`CarryRequestIds`].
#[derive(Debug, Clone)]
pub struct Carrying<S>(S);

impl<S, In, Out> Service<Request<In>> for Accepting<S>
where
    S: Service<Request<In>, Response = Response<Out>>,
    S::Future: Send + 'static,
{
    type Response = Response<Out>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<In>) -> Self::Future {
        let id = RequestId::accept(request.headers());
        // The method and path of gRPC are in here too.
        let span =
            tracing::info_span!("request", %id, method = %request.method(), path = %request.uri().path());
        request.extensions_mut().insert(id.clone());
        let served = span.in_scope(|| CURRENT.sync_scope(id.clone(), || self.0.call(request)));
        let answer = async move {
            let mut response = served.await?;
            if let Some(id) = RequestId::current() {
                id.carry(response.headers_mut());
            }
            Ok(response)
        };
        Box::pin(id.scope(answer.instrument(span)))
    }
}

impl<S, In> Service<Request<In>> for Carrying<S>
where
    S: Service<Request<In>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<In>) -> S::Future {
        if let Some(id) = RequestId::current() {
            id.carry(request.headers_mut());
        }
        self.0.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ids_are_kept_and_others_replaced() {
        let accepted = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_str(text).expect("visible"));
            RequestId::accept(&headers)
        };
        assert_eq!(accepted("client-chose_this1").as_str(), "client-chose_this1");
        for bad in ["", "short", "with space in it", "<script>alert", &"x".repeat(65)] {
            let id = accepted(bad);
            assert_ne!(id.as_str(), bad);
            assert_eq!(id.as_str().parse(), Ok(id));
        }
        assert_ne!(RequestId::random(), RequestId::random());
    }

    #[tokio::test]
    async fn an_id_belongs_to_its_task() {
        assert_eq!(RequestId::current(), None);
        let id = RequestId::random();
        let seen = id.clone().scope(async { RequestId::current() }).await;
        assert_eq!(seen, Some(id));
        assert_eq!(RequestId::current(), None);
    }
}
