//! Every request has a name that answers and logs carry.

use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Names the request on every answer; clients may choose it: 8 to 64 letters, digits, `-`, `_`.
pub(crate) const REQUEST_ID: &str = "plenary-request-id";

tokio::task_local! {
    static CURRENT: String;
}

/// The ID of the request that is being served, empty outside of one.
pub(crate) fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Serves a request under `id`.
pub(crate) async fn scope<F: Future>(id: String, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// The ID that the client chose, if it is a good one, or a new one.
pub(crate) fn choose(headers: &HeaderMap) -> String {
    let is_good = |id: &&str| {
        (8..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let given = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(is_good);
    given.map_or_else(random_text::<12>, str::to_owned)
}

/// `N` random bytes in URL-safe Base64.
pub(crate) fn random_text<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<N>())
}

pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
    bytes
}
