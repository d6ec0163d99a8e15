//! Our server, met by WHIP and WHEP.

use super::client::{Client, Part};
use crate::quickstart::Quickstart;
use anyhow::{Context as _, ensure};
use serde_json::json;
use std::{net::Ipv4Addr, path::Path};

/// Sessions of one account, if not said otherwise.
const SESSIONS_OF_USER: usize = 3;
/// At once, at each node.
const READS: usize = 64;
const PASSWORD: &str = "only-for-this-run-9";

/// A running server; it ends when this is dropped.
pub(super) struct Plenary {
    server: Quickstart,
    /// Of accounts made for this run.
    tokens: Vec<String>,
    /// An account has eight places in a room, and those who went without a word keep theirs for a while.
    pub(super) sessions_of_user: usize,
}

/// A session, to be ended by [`Plenary::close`].
pub(super) struct Opened {
    url: String,
    token: String,
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
        let mut command = super::pinned(program, processor);
        command.env("PLENARY_MEDIA__THREADS", threads.to_string());
        Ok(Self {
            server: Quickstart::start(command, &folder.join("plenary"), nodes).await?,
            tokens: Vec::new(),
            sessions_of_user: SESSIONS_OF_USER,
        })
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        self.server.pids()
    }

    /// Asks each node for much at once, so that it has as many connections to its state as it ever has.
    pub(super) async fn stir(&self) -> anyhow::Result<()> {
        for node in self.server.urls() {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..READS {
                let url = format!("{node}/api/v1/users?limit=500");
                let request = self.server.http().get(url).bearer_auth(self.server.admin());
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

    /// The token of the account for the n-th session; sessions come in order.
    async fn token(&mut self, session: usize) -> anyhow::Result<String> {
        let account = session / self.sessions_of_user;
        if account == self.tokens.len() {
            let login = format!("load{account}");
            let body = json!({ "id": login, "password": PASSWORD, "display_name": login });
            self.server
                .post("/api/v1/users", self.server.admin(), &body)
                .await?;
            let token = self.server.sign_in(&login, PASSWORD).await?;
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
        let node = self.server.urls().get(node).context("a node")?.clone();
        let url = format!("{node}/{door}/{}", self.server.room());
        let request = self
            .server
            .http()
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
        let url = format!("{node}{location}");
        Ok((client, Opened { url, token }))
    }

    /// Ends a session. It may have ended already.
    pub(super) async fn close(&self, opened: &Opened) -> anyhow::Result<()> {
        let answer = self
            .server
            .http()
            .delete(&opened.url)
            .bearer_auth(&opened.token)
            .send()
            .await?;
        let status = answer.status().as_u16();
        ensure!(matches!(status, 200 | 404), "a session was not ended: {status}");
        Ok(())
    }
}
