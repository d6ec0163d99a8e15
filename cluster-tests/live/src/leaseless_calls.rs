//! Two talk while the License Manager has been away for longer than the lease (CALL-01, LIC-14): a call needs no seat, and a
//! conference does.

use crate::{
    enterprise::{Enterprise, wait},
    lending::ROOM,
    server::Server,
};
use anyhow::{Context as _, ensure};
use plenary_light::{Attendee, Pass, Signal};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{task::JoinHandle, time::sleep};

const PASSWORD: &str = "a-long-password-9";
/// A page says so often that it is there.
const BEAT: Duration = Duration::from_secs(2);

/// Somebody whose page is open.
struct Phone {
    login: &'static str,
    token: String,
    online: JoinHandle<()>,
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.online.abort();
    }
}

/// Two people at a server of one node.
pub(crate) struct Pair {
    server: usize,
    caller: Phone,
    callee: Phone,
}

/// A call that goes on.
pub(crate) struct Talk(Vec<Attendee>);

async fn stay(node: String, token: String) {
    loop {
        if let Ok(mut signal) = Signal::open(&node, &token).await {
            let mut beat = tokio::time::interval(BEAT);
            loop {
                tokio::select! {
                    heard = signal.hear() => if heard.is_err() { break },
                    _ = beat.tick() => if signal.ping().await.is_err() { break },
                }
            }
        }
        sleep(Duration::from_millis(100)).await;
    }
}

impl Phone {
    async fn new(server: &Server, login: &'static str) -> anyhow::Result<Self> {
        let account = json!({ "id": login, "password": PASSWORD });
        server.post_anywhere("/users", &account).await?;
        let token = server.sign_in(0, login, PASSWORD).await?;
        let online = tokio::spawn(stay(server.nodes()[0].clone(), token.clone()));
        Ok(Self { login, token, online })
    }

    fn enter(&self, server: &Server, room: &str) -> Attendee {
        Attendee::enter(Pass {
            nodes: server.nodes(),
            at: 0,
            token: self.token.clone(),
            room: room.to_owned(),
        })
    }
}

impl Pair {
    pub(crate) async fn at(enterprise: &Enterprise, server: usize) -> anyhow::Result<Self> {
        let of = &enterprise.servers[server];
        let pair = Self {
            server,
            caller: Phone::new(of, "caller").await?,
            callee: Phone::new(of, "callee").await?,
        };
        // Both have their online seats: one would not ring else.
        wait("the callee is online", async || {
            let call = pair.dial(of).await?;
            let rings = call["state"] == "ringing";
            if rings {
                let cid = call["cid"].as_str().unwrap_or_default();
                let decline = format!("/calls/{cid}/decline");
                pair.post(of, &pair.callee, &decline, &json!({})).await?;
            }
            Ok(rings)
        })
        .await?;
        Ok(pair)
    }

    async fn dial(&self, server: &Server) -> anyhow::Result<Value> {
        let to = json!({ "to": self.callee.login });
        let call = self.post(server, &self.caller, "/calls", &to).await?;
        serde_json::from_str(&call).with_context(|| format!("no call: {call}"))
    }

    /// Waits until the lease is over; then one calls the other, and neither comes into a conference.
    pub(crate) async fn talk(&self, enterprise: &Enterprise) -> anyhow::Result<Talk> {
        let server = &enterprise.servers[self.server];
        wait("the lease is over", async || {
            let licence = server.get(0, "/licence").await?;
            Ok(licence["license_manager"]["time_left_s"].as_u64().unwrap_or(0) == 0)
        })
        .await?;
        let call = self.dial(server).await?;
        ensure!(call["state"] == "ringing", "it does not ring: {call}");
        let cid = call["cid"].as_str().with_context(|| format!("no call: {call}"))?;
        let both = [&self.caller, &self.callee].map(|one| one.enter(server, cid));
        wait("both are in the call", async || {
            Ok(both
                .iter()
                .all(|one| one.seen().here && one.seen().roster.len() == 2))
        })
        .await
        .with_context(|| {
            format!(
                "they were told {:?}",
                both.each_ref().map(|one| one.seen().complaints)
            )
        })?;
        let outside = self.callee.enter(server, ROOM);
        wait("the conference is refused", async || {
            let seen = outside.seen();
            ensure!(!seen.here, "a conference went on without a lease");
            let told = "the License Manager of your enterprise has been away for too long";
            Ok(seen.complaints.iter().any(|complaint| complaint.contains(told)))
        })
        .await
        .with_context(|| format!("it was told {:?}", outside.seen().complaints))?;
        Ok(Talk(both.into()))
    }

    async fn post(&self, server: &Server, by: &Phone, path: &str, body: &Value) -> anyhow::Result<String> {
        let url = format!("{}/api/v1{path}", server.nodes()[0]);
        let request = server.http.post(url).bearer_auth(&by.token).json(body);
        Ok(request.send().await?.error_for_status()?.text().await?)
    }
}

impl Talk {
    /// They did not notice that the manager is back.
    pub(crate) fn goes_on(self) -> anyhow::Result<()> {
        for one in &self.0 {
            let seen = one.seen();
            ensure!(
                seen.here && seen.roster.len() == 2 && seen.returns.is_empty(),
                "the call ended with the lease: {:?}",
                seen.complaints
            );
        }
        Ok(())
    }
}
