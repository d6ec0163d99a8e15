//! Somebody with an account who is online on some devices, calls others and is called, by the REST interface (CALL-01).

use crate::{
    Server,
    meeting::{PASSWORD, sign_in},
};
use anyhow::{Context as _, ensure};
use plenary_light::{Attendee, Pass, Signal, Tag, Ticket};
use plenary_signalling::ClientBody;
use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::sleep};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Without a leader nothing is written; a new one is there sooner.
pub(crate) const NEW_LEADER: Duration = Duration::from_secs(40);
pub(crate) const LOOK: Duration = Duration::from_millis(5);
/// A sign of life is due every five seconds.
const BEAT: Duration = Duration::from_secs(2);

/// Somebody who is signed in on devices at nodes of their server.
pub(crate) struct Phone {
    http: reqwest::Client,
    nodes: Vec<String>,
    pub(crate) id: String,
    pub(crate) devices: Vec<Device>,
}

pub(crate) struct Device {
    pub(crate) at: usize,
    token: String,
    online: JoinHandle<()>,
}

impl Drop for Device {
    fn drop(&mut self) {
        self.online.abort();
    }
}

/// Who is online as long as this runs.
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
    /// Somebody who has an account at `server` already, on devices at these nodes.
    pub(crate) async fn sign_in(server: &Server, login: &str, at: &[usize]) -> anyhow::Result<Self> {
        let mut devices = Vec::new();
        let nodes = server.nodes();
        for at in at {
            let token = sign_in(server, *at, login).await?;
            let online = tokio::spawn(stay(nodes[*at].clone(), token.clone()));
            let at = *at;
            devices.push(Device { at, token, online });
        }
        Ok(Self {
            http: server.http.clone(),
            nodes,
            id: login.to_owned(),
            devices,
        })
    }

    pub(crate) async fn new(server: &Server, login: &str, at: &[usize]) -> anyhow::Result<Self> {
        let account = json!({ "id": login, "password": PASSWORD });
        server.post_anywhere("/users", &account).await?;
        Self::sign_in(server, login, at).await
    }

    pub(crate) fn url(&self, device: usize, path: &str) -> String {
        format!("{}/api/v1{path}", self.nodes[self.devices[device].at])
    }

    pub(crate) async fn get(&self, device: usize, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(self.url(device, path));
        let answer = request.bearer_auth(&self.devices[device].token).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    pub(crate) async fn post(&self, device: usize, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.http.post(self.url(device, path)).json(body);
        let answer = request.bearer_auth(&self.devices[device].token).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "POST {path}: {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    pub(crate) async fn call(&self, to: &str) -> anyhow::Result<Value> {
        self.post(0, "/calls", &json!({ "to": to })).await
    }

    /// Calls somebody who is online. Where the machine has so much to do that their connection was lost and is not there again,
    /// nothing rings: then again, as people do.
    pub(crate) async fn ring(&self, to: &str) -> anyhow::Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let call = self.call(to).await?;
            if call["outcome"] != "unreachable" || Instant::now() > deadline {
                return Ok(call);
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    pub(crate) async fn decline(&self, call: &Value) -> anyhow::Result<()> {
        let path = format!("/calls/{}/decline", text(call, "cid")?);
        let request = self.http.post(self.url(0, &path));
        let answer = request.bearer_auth(&self.devices[0].token).send().await?;
        answer.error_for_status()?;
        Ok(())
    }

    /// Waits for one of the own calls, the newest first.
    pub(crate) async fn wait(
        &self,
        device: usize,
        what: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        self.wait_for(device, what, PATIENCE, is_it).await
    }

    pub(crate) async fn wait_for(
        &self,
        device: usize,
        what: &str,
        patience: Duration,
        is_it: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let deadline = Instant::now() + patience;
        let mut last = Value::Null;
        loop {
            if let Ok(calls) = self.get(device, "/calls?limit=5").await {
                let found = calls.as_array().into_iter().flatten().find(|call| is_it(call));
                if let Some(call) = found {
                    return Ok(call.clone());
                }
                last = calls;
            }
            ensure!(
                Instant::now() < deadline,
                "{} has no call that {what}: {last}",
                self.id
            );
            sleep(LOOK).await;
        }
    }

    pub(crate) async fn wait_ringing(&self, device: usize, from: &str) -> anyhow::Result<Value> {
        let rings = |call: &Value| {
            call["state"] == "ringing" && call["direction"] == "incoming" && call["with"]["id"] == from
        };
        self.wait(device, "rings", rings).await
    }

    pub(crate) async fn wait_over(&self, cid: &str, outcome: &str) -> anyhow::Result<Value> {
        let is_over = |call: &Value| call["cid"] == cid && call["state"] == "over";
        let call = self.wait(0, "is over", is_over).await?;
        ensure!(
            call["outcome"] == outcome,
            "{} should see {outcome}, not {call}",
            self.id
        );
        Ok(call)
    }

    pub(crate) async fn wait_answered(&self, cid: &str) -> anyhow::Result<Value> {
        let is_it = |call: &Value| call["cid"] == cid && call["state"] == "answered";
        self.wait_for(0, "is answered", NEW_LEADER, is_it).await
    }

    /// Asks to come into a room by a device.
    pub(crate) fn attend(&self, device: usize, room: &str) -> Attendee {
        Attendee::enter(Pass {
            nodes: self.nodes.clone(),
            at: self.devices[device].at,
            token: self.devices[device].token.clone(),
            room: room.to_owned(),
        })
    }

    /// To come into a room with media, by the first device; `tag` names who it is in packets.
    pub(crate) fn ticket(&self, room: &str, tag: Tag, level: u8) -> Ticket {
        Ticket {
            nodes: self.nodes.clone(),
            at: self.devices[0].at,
            token: self.devices[0].token.clone(),
            room: room.to_owned(),
            tag,
            address: Ipv4Addr::LOCALHOST.into(),
            through: Vec::new(),
            pictures: 1,
            level,
        }
    }

    /// Comes into a room by a device.
    pub(crate) async fn enter(&self, device: usize, room: &str) -> anyhow::Result<Attendee> {
        let attendee = self.attend(device, room);
        let deadline = Instant::now() + NEW_LEADER;
        while !attendee.seen().here {
            ensure!(
                Instant::now() < deadline,
                "{} does not come into {room}: {:?}",
                self.id,
                attendee.seen().complaints
            );
            sleep(LOOK).await;
        }
        Ok(attendee)
    }
}

/// Leaves, and sees that nobody is left who tries to come back.
pub(crate) async fn leave(attendee: Attendee) {
    attendee.say(ClientBody::Leave {});
    sleep(Duration::from_millis(200)).await;
    drop(attendee);
}

pub(crate) fn text<'a>(call: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    call[field]
        .as_str()
        .with_context(|| format!("no {field} in {call}"))
}
