//! HTTPS to an ACME server: bounded in time and bytes.

use super::config::AcmeConfig;
use axum::http::{self, header::RETRY_AFTER};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// One request and its answer.
const WITHIN: Duration = Duration::from_secs(30);
/// The longest answer: a chain of certificates.
const ANSWER_BYTES: usize = 256 << 10;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Web {
    client: reqwest::Client,
    /// What the last refusal asked us to wait, in seconds; 0: nothing.
    asked_s: Arc<AtomicU64>,
}

impl Web {
    pub(super) fn new(config: &AcmeConfig) -> anyhow::Result<Self> {
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::limited(3))
            .timeout(WITHIN);
        if let Some(authorities) = config.authorities()? {
            builder = builder.tls_certs_only(authorities);
        }
        Ok(Self {
            client: builder.build()?,
            asked_s: Arc::default(),
        })
    }

    /// How long the authority asked to be left alone when it refused something last (RFC 8555 §6.6).
    pub(super) fn asked_ms(&self) -> Option<u64> {
        match self.asked_s.load(Ordering::Relaxed) {
            0 => None,
            seconds => Some(seconds.saturating_mul(1_000)),
        }
    }

    async fn send(self, request: http::Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let other = |error: reqwest::Error| Error::Other(Box::new(error));
        let (parts, body) = request.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(never) => match never {},
        };
        let request = http::Request::from_parts(parts, body);
        let request = reqwest::Request::try_from(request).map_err(other)?;
        let mut answer = self.client.execute(request).await.map_err(other)?;
        if !answer.status().is_success() {
            let asked = answer.headers().get(RETRY_AFTER);
            let asked = asked.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            self.asked_s.store(asked.unwrap_or(0), Ordering::Relaxed);
        }
        let mut head = http::Response::new(());
        *head.status_mut() = answer.status();
        *head.headers_mut() = answer.headers().clone();
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(other)? {
            if bytes.len() + part.len() > ANSWER_BYTES {
                return Err(Error::Str("an answer of bearable length"));
            }
            bytes.extend_from_slice(&part);
        }
        let (parts, ()) = head.into_parts();
        Ok(BytesResponse {
            parts,
            body: Box::new(Bytes::from(bytes)),
        })
    }
}

impl HttpClient for Web {
    fn request(
        &self,
        request: http::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        Box::pin(self.clone().send(request))
    }
}
