//! What comes in with a request, read strictly: a problem for everything that is not as it should be.

use crate::{
    api::Api,
    auth::Signed,
    problem::{Code, FieldError, Problem},
    request_id::random_text,
};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use plenary_access::{Command, Idempotency};
use plenary_model::{GroupId, Revision};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::{fmt::Display, str::FromStr};

/// Largest JSON body.
pub(crate) const JSON_BYTES: usize = 1 << 20;

/// Reads the body up to `most` bytes.
pub(crate) async fn read_body(request: Request, most: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("the request body has more than {most} bytes, the most that this call takes");
        Problem::new(Code::TooLarge, detail)
    };
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let limited = axum::body::to_bytes(request.into_body(), most).await;
    limited.map_err(|error| {
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(cause) = source {
            if cause.to_string().contains("length limit") {
                return too_large();
            }
            source = cause.source();
        }
        Problem::new(Code::BadJson, "the request body broke off; send it again")
    })
}

/// The media type of the body without parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// A JSON body that is exactly what is expected, and its hash for the idempotency of the request.
pub(crate) struct Strict<T> {
    pub(crate) value: T,
    pub(crate) digest: BodyDigest,
}

/// SHA-256 of the body.
#[derive(Clone, Copy)]
pub(crate) struct BodyDigest([u8; 32]);

impl BodyDigest {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(crate) fn none() -> Self {
        Self::of(b"")
    }
}

impl<T: DeserializeOwned> FromRequest<Api> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Problem> {
        let kind = media_type(request.headers());
        if kind != "application/json" {
            let detail = format!("the body must be application/json, not {kind:?}; set Content-Type");
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        let bytes = read_body(request, JSON_BYTES).await?;
        Ok(Self {
            value: parse_json(&bytes)?,
            digest: BodyDigest::of(&bytes),
        })
    }
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let detail = format!("the body is not UTF-8 at byte {}", error.valid_up_to());
        Problem::new(Code::BadJson, detail)
    })?;
    // Read as an object whose fields are told by their order otherwise.
    if text.trim_start().starts_with('[') {
        return Err(Problem::about(
            Code::BadJson,
            "",
            "the body is a list, where an object is expected",
        ));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        describe(path, &error.into_inner())
    })?;
    json.end().map_err(|error| describe(String::new(), &error))?;
    Ok(value)
}

fn describe(path: String, error: &serde_json::Error) -> Problem {
    let reason = error.to_string();
    let is_root = matches!(path.as_str(), "" | ".");
    if let Some(name) = reason
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split('`').next())
    {
        let inside = path.strip_suffix(name).unwrap_or(&path).trim_end_matches('.');
        let field = if inside.is_empty() {
            name.to_owned()
        } else {
            format!("{inside}.{name}")
        };
        let reason = reason.split(" at line ").next().unwrap_or(&reason).to_owned();
        return Problem::about(Code::UnknownField, field, reason);
    }
    if is_root {
        return Problem::new(Code::BadJson, reason).with_errors(vec![FieldError {
            line: None,
            field: String::new(),
            reason: error.to_string(),
        }]);
    }
    Problem::about(Code::BadJson, path, reason)
}

/// The query of the address; unknown and doubled names are refused.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                let text = text
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text);
                Err(Problem::new(Code::BadQuery, text))
            }
        }
    }
}

/// The one part of the path that names something; what cannot be a name names nothing: 404.
pub(crate) struct Id<T>(pub(crate) T);

impl<T> FromRequestParts<Api> for Id<T>
where
    T: FromStr<Err: Display>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Ok(Path(text)) = Path::<String>::from_request_parts(parts, api).await else {
            return Err(Problem::new(Code::NotFound, "the address is not valid UTF-8"));
        };
        match text.parse() {
            Ok(id) => Ok(Self(id)),
            Err(error) => Err(Problem::new(
                Code::NotFound,
                format!("there is no such object: {error}"),
            )),
        }
    }
}

/// The two parts of the path that name something, as [`Id`].
pub(crate) struct Ids<A, B>(pub(crate) A, pub(crate) B);

impl<A, B> FromRequestParts<Api> for Ids<A, B>
where
    A: FromStr<Err: Display>,
    B: FromStr<Err: Display>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Ok(Path((first, second))) = Path::<(String, String)>::from_request_parts(parts, api).await else {
            return Err(Problem::new(Code::NotFound, "the address is not valid UTF-8"));
        };
        let nothing =
            |error: &dyn Display| Problem::new(Code::NotFound, format!("there is no such object: {error}"));
        Ok(Self(
            first.parse().map_err(|error: A::Err| nothing(&error))?,
            second.parse().map_err(|error: B::Err| nothing(&error))?,
        ))
    }
}

/// What every write may carry: `If-Match` and `Idempotency-Key`.
pub(crate) struct Write {
    key: Option<String>,
    /// Method and address.
    target: String,
    if_match: Option<Revision>,
}

impl FromRequestParts<Api> for Write {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        let address = parts.uri.path_and_query().map_or("", |address| address.as_str());
        Ok(Self {
            key: idempotency_key(&parts.headers)?,
            target: format!("{} {address}\n", parts.method),
            if_match: if_match(&parts.headers)?,
        })
    }
}

impl Write {
    /// The revision that the object must have, if the client named one.
    pub(crate) fn expect(&self) -> Option<Revision> {
        self.if_match
    }

    /// Whether the same request may come again, to get the answer of before.
    pub(crate) fn may_come_again(&self) -> bool {
        self.key.is_some()
    }

    pub(crate) fn command<C>(&self, by: &Signed, body: BodyDigest, change: C) -> Command<C> {
        let idempotency = self.key.clone().map(|key| Idempotency {
            key,
            request: self.request_hash(body),
        });
        Command {
            by: by.actor(),
            idempotency,
            change,
        }
    }

    fn request_hash(&self, body: BodyDigest) -> [u8; 32] {
        Sha256::new()
            .chain_update(&self.target)
            .chain_update(body.0)
            .finalize()
            .into()
    }

    /// An ID for a new group: random, but the same for each retry of a request with an idempotency key, so that
    /// the retry finds what the first one made. `at` counts the groups of one request.
    pub(crate) fn new_group_id(&self, by: &Signed, body: BodyDigest, at: usize) -> GroupId {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let seed: [u8; 32] = match &self.key {
            Some(key) => Sha256::new()
                .chain_update(by.name().as_str())
                .chain_update([0])
                .chain_update(key)
                .chain_update([0])
                .chain_update(self.request_hash(body))
                .chain_update(at.to_be_bytes())
                .finalize()
                .into(),
            None => Sha256::digest(random_text::<24>()).into(),
        };
        let text: String = seed
            .iter()
            .take(16)
            .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
            .collect();
        format!("g-{text}")
            .parse()
            .expect("lower-case letters and digits")
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let bytes = value.as_bytes();
    let good = (1..=255).contains(&bytes.len()) && bytes.iter().all(|b| (b' '..=b'~').contains(b));
    match value.to_str() {
        Ok(text) if good => Ok(Some(text.to_owned())),
        _ => Err(Problem::about(
            Code::BadHeader,
            "Idempotency-Key",
            "must be 1 to 255 printable ASCII characters",
        )),
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<Revision>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    match tag {
        // A tag that we never gave out matches nothing: no object has this revision.
        Some(tag) if !tag.contains('"') => {
            let revision = tag.split('-').next().unwrap_or_default();
            Ok(Some(Revision(revision.parse().unwrap_or(u64::MAX))))
        }
        _ => Err(Problem::about(
            Code::BadHeader,
            "If-Match",
            "must be * or one ETag in quotes, like \"17\"",
        )),
    }
}

/// The `If-None-Match` of a read.
pub(crate) struct IfNoneMatch(Option<String>);

impl FromRequestParts<Api> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        let value = parts.headers.get(header::IF_NONE_MATCH);
        Ok(Self(value.and_then(|v| v.to_str().ok()).map(str::to_owned)))
    }
}

impl IfNoneMatch {
    /// Whether the client has the version `etag` (with its quotes) already (RFC 9110 §13.1.2).
    pub(crate) fn has(&self, etag: &str) -> bool {
        let Some(list) = &self.0 else { return false };
        let tags = list.split(',').map(str::trim);
        let mut tags = tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag));
        tags.any(|tag| tag == "*" || tag == etag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)] // Only its reading is tested.
    struct Outer {
        name: String,
        inner: Option<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        count: u8,
    }

    fn problem(json: &str) -> String {
        format!("{:?}", parse_json::<Outer>(json.as_bytes()).expect_err("wrong"))
    }

    #[test]
    fn the_wrong_field_is_named_with_its_path() {
        assert!(problem(r#"{"name":"x","inner":{"count":"1"}}"#).contains(r#"field: "inner.count""#));
        assert!(problem(r#"{"name":"x","inner":{"cuont":1}}"#).contains(r#"field: "inner.cuont""#));
        assert!(problem(r#"{"name":"x","nmae":1}"#).contains(r#"field: "nmae""#));
        assert!(problem(r#"{"name":"x","name":"y"}"#).contains("duplicate field"));
        assert!(problem(r#"{"name":"x"} {}"#).contains("trailing"));
        assert!(problem(&"[".repeat(100_000)).contains("BadJson"));
    }

    #[test]
    fn etags_are_read_as_they_are_given_out() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_static(text));
            if_match(&headers).map_err(|problem| format!("{problem:?}"))
        };
        assert_eq!(read("\"17\""), Ok(Some(Revision(17))));
        assert_eq!(read("W/\"17-q83v\""), Ok(Some(Revision(17))));
        assert_eq!(read("*"), Ok(None));
        assert_eq!(read("\"abc\""), Ok(Some(Revision(u64::MAX))));
        for bad in ["17", "\"1\", \"2\"", "", "\""] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
