//! One REST client: address, session, problems as sentences.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What `login` keeps for later commands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) ca: Option<PathBuf>,
}

/// Where the session is kept: `$XDG_CONFIG_HOME/plenary/session.json`, readable by its owner only.
pub(crate) fn saved_path() -> anyhow::Result<PathBuf> {
    let base = match std::env::var_os("XDG_CONFIG_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").context("neither XDG_CONFIG_HOME nor HOME is set")?)
            .join(".config"),
    };
    Ok(base.join("plenary").join("session.json"))
}

pub(crate) fn saved() -> Option<Saved> {
    let text = std::fs::read(saved_path().ok()?).ok()?;
    serde_json::from_slice(&text).ok()
}

pub(crate) fn http(ca: Option<&Path>) -> anyhow::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(std::time::Duration::from_secs(10))
        .user_agent(concat!("plenaryctl/", env!("CARGO_PKG_VERSION")));
    if let Some(ca) = ca {
        let pem =
            std::fs::read(ca).with_context(|| format!("the certificate {} cannot be read", ca.display()))?;
        let root = reqwest::Certificate::from_pem(&pem)
            .with_context(|| format!("{} is not a certificate in PEM", ca.display()))?;
        builder = builder.tls_certs_only([root]);
    }
    Ok(builder.build()?)
}

/// A signed-in connection to a server.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    /// Flags and environment first, else what `login` kept.
    pub(crate) fn connect(url: Option<&str>, token: Option<&str>, ca: Option<&Path>) -> anyhow::Result<Self> {
        let saved = saved();
        let url = url
            .map(str::to_owned)
            .or_else(|| saved.as_ref().map(|s| s.url.clone()));
        let url = url.context(
            "no server is known: sign in with `plenaryctl login --url https://…` or set PLENARY_URL",
        )?;
        let token = match (token, &saved) {
            (Some(token), _) => token.to_owned(),
            (None, Some(saved)) if saved.url == url => saved.token.clone(),
            _ => bail!("not signed in at {url}: run `plenaryctl login --url {url}` or set PLENARY_TOKEN"),
        };
        let ca = ca.map(Path::to_owned).or_else(|| saved.and_then(|s| s.ca));
        Ok(Self {
            http: http(ca.as_deref())?,
            base: url.trim_end_matches('/').to_owned(),
            token,
        })
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/api/v1{path}", self.base))
            .bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Value> {
        let query: Vec<_> = query.iter().filter(|(_, value)| !value.is_empty()).collect();
        let text = query
            .iter()
            .map(|(k, v)| format!("{k}={}", encode(v)))
            .collect::<Vec<_>>()
            .join("&");
        let path = if text.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{text}")
        };
        json(self.request(Method::GET, &path)).await
    }

    /// All pages of a list.
    pub(crate) async fn list(
        &self,
        path: &str,
        query: &[(&str, String)],
        most: usize,
    ) -> anyhow::Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut query = query.to_vec();
            query.push(("limit", (most - rows.len()).min(500).to_string()));
            query.push(("cursor", cursor));
            let page = self.get(path, &query).await?;
            rows.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) if rows.len() < most => cursor = next.to_owned(),
                _ => return Ok(rows),
            }
        }
    }

    /// A write; the random key makes the retry after a lost connection change nothing twice.
    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let key = random_key()?;
        let build = || {
            let request = self.request(method.clone(), path).header("Idempotency-Key", &key);
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        match build().send().await {
            Ok(response) => read(response).await,
            Err(error) if error.is_connect() => Err(unreachable(&self.base, error)),
            Err(_) => json(build()).await,
        }
    }

    pub(crate) async fn stream(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request
            .send()
            .await
            .map_err(|error| unreachable(&self.base, error))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(problem(response).await)
        }
    }
}

fn unreachable(base: &str, error: reqwest::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("{base} cannot be reached"))
}

fn random_key() -> anyhow::Result<String> {
    let mut bytes = [0u8; 18];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// Percent-encodes a path or query part (RFC 3986 §2.1).
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

pub(crate) async fn json(request: RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await.context("the server cannot be reached")?;
    read(response).await
}

async fn read(response: Response) -> anyhow::Result<Value> {
    if !response.status().is_success() {
        return Err(problem(response).await);
    }
    if response.status() == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    response
        .json()
        .await
        .context("the server's answer is not JSON; is this the address of a Plenary server?")
}

/// Turns problem+json (RFC 9457) into a sentence, with the list of what is wrong below it.
async fn problem(response: Response) -> anyhow::Error {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    let mut text = body["detail"]
        .as_str()
        .or(body["title"].as_str())
        .map_or_else(|| status.to_string(), str::to_owned);
    for error in body["errors"].as_array().into_iter().flatten() {
        let line = error["line"]
            .as_u64()
            .map(|line| format!("line {line}, "))
            .unwrap_or_default();
        let field = error["field"].as_str().unwrap_or_default();
        let reason = error["reason"].as_str().unwrap_or_default();
        text.push_str(&format!("\n  {line}{field}: {reason}"));
    }
    if let Some(code) = body["code"].as_str() {
        text.push_str(&format!(" [{code}]"));
    }
    anyhow::anyhow!(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_percent_encoded() {
        assert_eq!(encode("иван/../a b"), "%D0%B8%D0%B2%D0%B0%D0%BD%2F..%2Fa%20b");
    }
}
