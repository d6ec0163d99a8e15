//! What quickstart does by REST, like any administrator: demo users, the demo room, invitations.

use super::layout::{Credentials, Layout};
use crate::secret::{random_bytes, random_password};
use anyhow::{Context as _, bail};
use plenary_licences::{
    Seats,
    licence::{Covers, Edition, Licence, LicenceId, Signed, Signer, Support, Term},
};
use plenary_model::{Cid, ServerName, Timestamp};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Api {
    pub(super) async fn sign_in(layout: &Layout) -> anyhow::Result<Self> {
        let base = format!(
            "{}/api/v1",
            layout.nodes.first().context("a server has a node")?.url()
        );
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .build()?;
        let body = json!({ "login": layout.admin_login, "password": layout.admin_password, "device_label": "quickstart" });
        let answer = read(http.post(format!("{base}/session")).json(&body)).await.context(
            "quickstart cannot sign in as its administrator; was the password changed? Give it in quickstart.json",
        )?;
        let token = answer["token"]
            .as_str()
            .context("the node gave no token")?
            .to_owned();
        Ok(Self { http, base, token })
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        read(self.request(path, body)).await
    }

    fn request(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}{path}", self.base))
            .bearer_auth(&self.token)
            .json(body)
    }

    pub(super) async fn create_demo_users(&self) -> anyhow::Result<Vec<Credentials>> {
        let mut users = Vec::new();
        for number in 1..=3 {
            let user = Credentials {
                login: format!("demo{number}"),
                password: random_password(),
            };
            let name = format!("Demo {number}");
            let body = json!({ "id": user.login, "password": user.password, "display_name": name });
            self.post("/users", &body).await?;
            users.push(user);
        }
        Ok(users)
    }

    /// The room that everybody may come to; it stays as it is if it is there already.
    pub(super) async fn create_demo_room(&self, within: Duration) -> anyhow::Result<Cid> {
        const ROOM: &str = "demo";
        let body = json!({ "cid": ROOM, "name": "Demo", "access": "public" });
        let deadline = tokio::time::Instant::now() + within;
        loop {
            let (status, answer) = send(self.request("/conferences", &body)).await?;
            if status.is_success() || answer["code"] == "exists" {
                return ROOM.parse().context("a good name for a room");
            }
            // Data of an older version: the newer rules come into force a moment after the start.
            if answer["code"] != "conflict" || tokio::time::Instant::now() >= deadline {
                bail!("{}", reason(status, &answer));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A licence for trying out, signed with the key that anybody has, so that demo users and guests can meet. It stays as
    /// it is if it is there already.
    pub(super) async fn install_licence(&self, server: &ServerName, within: Duration) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + within;
        loop {
            let known = self
                .http
                .get(format!("{}/licence", self.base))
                .bearer_auth(&self.token);
            let (status, answer) = send(known).await?;
            if status.is_success() {
                if answer["files"].as_array().is_some_and(|files| !files.is_empty()) {
                    return Ok(());
                }
                let body = json!({ "file": development_licence(server)? });
                self.post("/licence", &body).await?;
                return Ok(());
            }
            // Seats are counted from a moment after the first start on.
            if answer["code"] != "behind" || tokio::time::Instant::now() >= deadline {
                bail!("{}", reason(status, &answer));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A join token for one more node.
    pub(super) async fn invite(&self) -> anyhow::Result<String> {
        let made = self
            .post("/cluster/invitations", &json!({ "ttl_s": 600 }))
            .await?;
        Ok(made["token"]
            .as_str()
            .context("the node gave no join token")?
            .to_owned())
    }

    /// Waits until as many nodes vote: only then may any of them be lost.
    pub(super) async fn wait_voting(&self, nodes: usize, within: Duration) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + within;
        loop {
            let answer = read(
                self.http
                    .get(format!("{}/cluster", self.base))
                    .bearer_auth(&self.token),
            )
            .await?;
            let all = answer["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
            let voting = all
                .iter()
                .filter(|node| node["role"] != "learner" && node["state"] == "up")
                .count();
            if voting >= nodes {
                return Ok(());
            }
            if tokio::time::Instant::now() >= deadline {
                bail!(
                    "only {voting} of {nodes} nodes vote after {} s; see their logs",
                    within.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(super) async fn sign_out(self) {
        let request = self
            .http
            .delete(format!("{}/session", self.base))
            .bearer_auth(&self.token);
        if let Err(error) = request.send().await {
            tracing::debug!(%error, "the set-up session was not ended; it expires by itself");
        }
    }
}

/// Seats enough for trying out, for this one server.
fn development_licence(server: &ServerName) -> anyhow::Result<String> {
    let now = Timestamp(plenary_cluster_io::clock_ms());
    let licence = Licence {
        id: LicenceId(u128::from_be_bytes(random_bytes())),
        enterprise: "Development licence, not for production".into(),
        contact: String::new(),
        covers: Covers::Only([server.clone()].into()),
        seats: Seats {
            pro: 1_000,
            online: 10_000,
            guest: 1_000,
            gateway: 10,
        },
        extensions: std::collections::BTreeSet::new(),
        term: Term::Lifetime,
        edition: Edition::Server,
        support: Support::Basic,
        issued: now,
        valid_from: Timestamp(0),
        valid_until: None,
    };
    Ok(Signed::issue(&licence, &Signer::for_development()?)?)
}

async fn read(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let (status, body) = send(request).await?;
    if !status.is_success() {
        bail!("{}", reason(status, &body));
    }
    Ok(body)
}

async fn send(request: reqwest::RequestBuilder) -> anyhow::Result<(StatusCode, Value)> {
    let response = request.send().await?;
    let status = response.status();
    Ok((status, response.json().await.unwrap_or_default()))
}

fn reason(status: StatusCode, body: &Value) -> String {
    body["detail"].as_str().unwrap_or(status.as_str()).to_owned()
}
