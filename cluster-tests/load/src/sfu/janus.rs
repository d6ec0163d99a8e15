//! Janus with its video room, as Debian has it: the peer.

use super::client::{Client, Part};
use crate::processes::free_ports;
use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr, UdpSocket},
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

const ROOM: u64 = 1_234;
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A running server; it ends when this is dropped.
pub(super) struct Janus {
    process: Child,
    http: reqwest::Client,
    session: String,
    address: Ipv4Addr,
    /// IDs of those who publish.
    feeds: Vec<Value>,
}

impl Janus {
    /// With one event loop for the one processor that it gets, no trickling, ICE-lite: what its manual says is fastest.
    pub(super) async fn start(folder: &Path, processor: usize) -> anyhow::Result<Self> {
        let address = own_address()?;
        let port = free_ports(1)?.first().context("a free port")?.port();
        let folder = folder.join("janus");
        std::fs::create_dir_all(&folder)?;
        for (file, text) in configuration(address, port) {
            std::fs::write(folder.join(file), text)?;
        }
        let log = std::fs::File::create(folder.join("log"))?;
        let process = super::pinned(Path::new("janus"), Some(processor))
            .arg("--configs-folder")
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("janus cannot be started")?;
        let mut janus = Self {
            process,
            http: crate::quickstart::http()?,
            session: format!("http://127.0.0.1:{port}/janus"),
            address,
            feeds: Vec::new(),
        };
        let made = janus.ready().await?;
        janus.session = format!("{}/{}", janus.session, made["data"]["id"]);
        let handle = janus.attach().await?;
        let room = json!({
            "request": "create", "room": ROOM, "publishers": 200, "bitrate": 0, "videocodec": "vp8",
        });
        janus.ask(&handle, room, None).await?;
        Ok(janus)
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    async fn ready(&self) -> anyhow::Result<Value> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let made = self
                .post(
                    &self.session,
                    json!({ "janus": "create", "transaction": "create" }),
                )
                .await;
            if made.is_ok() || Instant::now() > deadline {
                return made.context("janus does not answer");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn post(&self, url: &str, body: Value) -> anyhow::Result<Value> {
        let answer: Value = self.http.post(url).json(&body).send().await?.json().await?;
        ensure!(answer["janus"] != "error", "janus refuses {body}: {answer}");
        Ok(answer)
    }

    /// A handle of the video room: its URL.
    async fn attach(&self) -> anyhow::Result<String> {
        let body = json!({ "janus": "attach", "plugin": "janus.plugin.videoroom", "transaction": "attach" });
        let made = self.post(&self.session, body).await?;
        Ok(format!("{}/{}", self.session, made["data"]["id"]))
    }

    /// Says something to a handle and waits for what follows.
    async fn ask(&self, handle: &str, body: Value, jsep: Option<Value>) -> anyhow::Result<Value> {
        let mut message = json!({ "janus": "message", "transaction": "ask", "body": body });
        if let Some(jsep) = jsep {
            message["jsep"] = jsep;
        }
        let answer = self.post(handle, message).await?;
        if answer["janus"] == "success" {
            return Ok(answer);
        }
        let sender: u64 = handle.rsplit('/').next().unwrap_or_default().parse()?;
        loop {
            let url = format!("{}?maxev=1", self.session);
            let event: Value = self.http.get(url).send().await?.json().await?;
            let data = &event["plugindata"]["data"];
            ensure!(data["error"].is_null(), "janus: {event}");
            let is_answer =
                event["jsep"].is_object() || data["videoroom"] == "joined" || data["started"] == "ok";
            if event["janus"] == "event" && event["sender"].as_u64() == Some(sender) && is_answer {
                return Ok(event);
            }
        }
    }

    pub(super) async fn open(&mut self, part: Part) -> anyhow::Result<Client> {
        match part {
            Part::Publishes => self.publish().await,
            Part::Watches(pictures) => self.watch(pictures).await,
        }
    }

    async fn publish(&mut self) -> anyhow::Result<Client> {
        let handle = self.attach().await?;
        let join = json!({ "request": "join", "ptype": "publisher", "room": ROOM });
        let joined = self.ask(&handle, join, None).await?;
        let (mut client, offer, pending) = Client::offer(self.address, Part::Publishes)?;
        let jsep = json!({ "type": "offer", "sdp": offer });
        let answer = self
            .ask(&handle, json!({ "request": "publish" }), Some(jsep))
            .await?;
        client.accept(pending, sdp(&answer)?)?;
        self.feeds.push(joined["plugindata"]["data"]["id"].clone());
        Ok(client)
    }

    async fn watch(&mut self, pictures: usize) -> anyhow::Result<Client> {
        let handle = self.attach().await?;
        let streams: Vec<Value> = self
            .feeds
            .iter()
            .take(pictures)
            .map(|feed| json!({ "feed": feed }))
            .collect();
        if streams.len() < pictures {
            bail!("{} publish, {pictures} are to be watched", streams.len());
        }
        let join = json!({ "request": "join", "ptype": "subscriber", "room": ROOM, "streams": streams });
        let joined = self.ask(&handle, join, None).await?;
        let (client, answer) = Client::answer(self.address, sdp(&joined)?)?;
        let jsep = json!({ "type": "answer", "sdp": answer });
        self.ask(&handle, json!({ "request": "start" }), Some(jsep))
            .await?;
        Ok(client)
    }
}

impl Drop for Janus {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn sdp(event: &Value) -> anyhow::Result<&str> {
    event["jsep"]["sdp"]
        .as_str()
        .with_context(|| format!("janus sent no SDP: {event}"))
}

/// An address of this machine that is not loopback: Janus gathers no others. Nothing is sent to find it.
fn own_address() -> anyhow::Result<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let found = socket
        .connect((Ipv4Addr::new(192, 0, 2, 1), 9))
        .and_then(|()| socket.local_addr());
    match found.map(|address| address.ip()) {
        Ok(IpAddr::V4(ip)) if !ip.is_loopback() => Ok(ip),
        _ => bail!("Janus needs an IPv4 address other than loopback; this machine has none with a route"),
    }
}

fn configuration(address: Ipv4Addr, port: u16) -> [(&'static str, String); 3] {
    [
        (
            "janus.jcfg",
            format!(
                "general: {{ debug_level = 2, event_loops = 1, session_timeout = 0, interface = \"{address}\" }}\n\
                 nat: {{ ice_lite = true, ice_enforce_list = \"{address}\" }}\n\
                 media: {{ ipv6 = false }}\n\
                 plugins: {{ disable = \"libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,\
                 libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,\
                 libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so\" }}\n\
                 transports: {{ disable = \"libjanus_websockets.so,libjanus_pfunix.so,libjanus_rabbitmq.so,\
                 libjanus_nanomsg.so,libjanus_mqtt.so\" }}\n"
            ),
        ),
        (
            "janus.transport.http.jcfg",
            format!(
                "general: {{ json = \"compact\", base_path = \"/janus\", http = true, ip = \"127.0.0.1\", port = {port} }}\n"
            ),
        ),
        ("janus.plugin.videoroom.jcfg", String::new()),
    ]
}
