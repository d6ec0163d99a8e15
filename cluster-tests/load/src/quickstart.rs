//! A server of ours with a room and an administrator, as `plenary-node quickstart` makes it.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Stdio},
};
use tokio::io::AsyncBufReadExt as _;

/// A running server; it ends when this is dropped.
pub(crate) struct Quickstart {
    _process: tokio::process::Child,
    http: reqwest::Client,
    nodes: Vec<Node>,
    room: String,
    /// The token of the administrator.
    admin: String,
}

struct Node {
    url: String,
    pid: u32,
}

impl Quickstart {
    /// `command` runs the program; `data` is the folder for what it keeps.
    pub(crate) async fn start(command: Command, data: &Path, nodes: usize) -> anyhow::Result<Self> {
        let mut process = tokio::process::Command::from(command)
            .args([
                "quickstart",
                "--json",
                "--until-stdin-closes",
                "--http",
                "127.0.0.1:0",
            ])
            .args(["--nodes", &nodes.to_string()])
            .arg("--data")
            .arg(data)
            .env("PLENARY_LOG__LEVEL", "warn")
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
        let mut server = Self {
            _process: process,
            http: http()?,
            nodes: nodes.collect::<Result<_, _>>()?,
            room: text(&ready["room"]["cid"])?,
            admin: String::new(),
        };
        let admin = &ready["admin"];
        server.admin = server
            .sign_in(&text(&admin["login"])?, &text(&admin["password"])?)
            .await?;
        Ok(server)
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.nodes.iter().map(|node| node.pid).collect()
    }

    /// Without the slash at the end.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes
            .iter()
            .map(|node| node.url.trim_end_matches('/').to_owned())
            .collect()
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) fn room(&self) -> &str {
        &self.room
    }

    pub(crate) fn admin(&self) -> &str {
        &self.admin
    }

    /// Gives the token.
    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> anyhow::Result<String> {
        let body = json!({ "login": login, "password": password });
        let answer = self.post("/api/v1/session", "", &body).await?;
        text(&answer["token"])
    }

    /// At the first node.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.urls().first().context("a node")?);
        let answer = self.http.post(url).bearer_auth(token).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

/// Straight to the servers: no proxy stands between.
pub(crate) fn http() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

pub(crate) fn text(value: &Value) -> anyhow::Result<String> {
    Ok(value.as_str().context("the server told too little")?.to_owned())
}
