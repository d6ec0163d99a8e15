//! Our server, met by WHIP and WHEP.

use super::client::{Client, Part};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::{net::Ipv4Addr, path::Path, process::Stdio};
use tokio::io::AsyncBufReadExt as _;

/// Sessions of one account, if not said otherwise.
const SESSIONS_OF_USER: usize = 3;
/// At once, at each node.
const READS: usize = 64;
const PASSWORD: &str = "only-for-this-run-9";

/// A running server; it ends when this is dropped.
pub(super) struct Plenary {
    _process: tokio::process::Child,
    http: reqwest::Client,
    nodes: Vec<Node>,
    room: String,
    /// Of accounts made for this run.
    tokens: Vec<String>,
    admin: String,
    /// An account has eight places in a room, and those who went without a word keep theirs for a while.
    pub(super) sessions_of_user: usize,
}

/// A session, to be ended by [`Plenary::close`].
pub(super) struct Opened {
    url: String,
    token: String,
}

struct Node {
    url: String,
    pid: u32,
}

impl Plenary {
    /// `threads`: for media; 0 for as many as there are cores for it.
    pub(super) async fn start(
        program: &Path,
        folder: &Path,
        nodes: usize,
        threads: usize,
        processor: Option<usize>,
    ) -> anyhow::Result<Self> {
        let mut process = tokio::process::Command::from(super::pinned(program, processor))
            .args([
                "quickstart",
                "--json",
                "--until-stdin-closes",
                "--http",
                "127.0.0.1:0",
            ])
            .args(["--nodes", &nodes.to_string()])
            .arg("--data")
            .arg(folder.join("plenary"))
            .env("PLENARY_LOG__LEVEL", "warn")
            .env("PLENARY_MEDIA__THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the server cannot be started")?;
        let output = process.stdout.take().context("the output is piped")?;
        let mut line = String::new();
        tokio::io::BufReader::new(output).read_line(&mut line).await?;
        let ready: Value = serde_json::from_str(&line).context("the server did not start")?;
        let all = ready["nodes"].as_array().context("the server has nodes")?;
        let nodes = all.iter().map(|node| {
            let pid = node["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
            anyhow::Ok(Node {
                url: text(&node["url"])?,
                pid: pid.context("a node has a process")?,
            })
        });
        let mut plenary = Self {
            _process: process,
            http: super::http()?,
            nodes: nodes.collect::<Result<_, _>>()?,
            room: text(&ready["room"]["cid"])?,
            tokens: Vec::new(),
            admin: String::new(),
            sessions_of_user: SESSIONS_OF_USER,
        };
        let admin = &ready["admin"];
        plenary.admin = plenary
            .sign_in(&text(&admin["login"])?, &text(&admin["password"])?)
            .await?;
        Ok(plenary)
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        self.nodes.iter().map(|node| node.pid).collect()
    }

    /// Asks each node for much at once, so that it has as many connections to its state as it ever has.
    pub(super) async fn stir(&self) -> anyhow::Result<()> {
        for node in &self.nodes {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..READS {
                let url = format!("{}/api/v1/users?limit=500", node.url);
                let request = self.http.get(url).bearer_auth(&self.admin);
                tasks.spawn(async move {
                    anyhow::Ok(request.send().await?.error_for_status()?.bytes().await?.len())
                });
            }
            while let Some(read) = tasks.join_next().await {
                read??;
            }
        }
        Ok(())
    }

    async fn sign_in(&self, login: &str, password: &str) -> anyhow::Result<String> {
        let body = json!({ "login": login, "password": password });
        let answer = self.post("/api/v1/session", "", &body).await?;
        text(&answer["token"])
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.nodes.first().context("a node")?.url);
        let answer = self.http.post(url).bearer_auth(token).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// The token of the account for the n-th session; sessions come in order.
    async fn token(&mut self, session: usize) -> anyhow::Result<String> {
        let account = session / self.sessions_of_user;
        if account == self.tokens.len() {
            let login = format!("load{account}");
            let body = json!({ "id": login, "password": PASSWORD, "display_name": login });
            self.post("/api/v1/users", &self.admin, &body).await?;
            let token = self.sign_in(&login, PASSWORD).await?;
            self.tokens.push(token);
        }
        self.tokens.get(account).cloned().context("a token")
    }

    /// Opens a session at the n-th node, for the account that has the n-th sessions.
    pub(super) async fn open(
        &mut self,
        node: usize,
        session: usize,
        part: Part,
    ) -> anyhow::Result<(Client, Opened)> {
        let token = self.token(session).await?;
        let (mut client, offer, pending) = Client::offer(Ipv4Addr::LOCALHOST, part)?;
        let door = if part == Part::Publishes { "whip" } else { "whep" };
        let url = format!(
            "{}/{door}/{}",
            self.nodes.get(node).context("a node")?.url,
            self.room
        );
        let request = self
            .http
            .post(url)
            .bearer_auth(&token)
            .header("Content-Type", "application/sdp");
        let answer = request.body(offer).send().await?;
        let status = answer.status();
        let location = answer
            .headers()
            .get("location")
            .and_then(|location| location.to_str().ok());
        let location = location.unwrap_or_default().to_owned();
        let text = answer.text().await?;
        ensure!(status.as_u16() == 201, "{door}: {status} {text}");
        client.accept(pending, &text)?;
        let url = format!("{}{location}", self.nodes.get(node).context("a node")?.url);
        Ok((client, Opened { url, token }))
    }

    /// Ends a session. It may have ended already.
    pub(super) async fn close(&self, opened: &Opened) -> anyhow::Result<()> {
        let answer = self
            .http
            .delete(&opened.url)
            .bearer_auth(&opened.token)
            .send()
            .await?;
        let status = answer.status().as_u16();
        ensure!(matches!(status, 200 | 404), "a session was not ended: {status}");
        Ok(())
    }
}

fn text(value: &Value) -> anyhow::Result<String> {
    Ok(value.as_str().context("the server told too little")?.to_owned())
}
