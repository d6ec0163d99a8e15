//! The server that the stories are told on, and people with accounts who call its REST interface.

use anyhow::{Context as _, ensure};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::sleep;

const PASSWORD: &str = "a-long-password-9";
/// How long things may take to happen on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
pub(crate) const LOOK: Duration = Duration::from_millis(20);
/// What a node says that has too much to do, or does not know enough yet: it is asked again, as clients do.
const AGAIN: [&str; 3] = ["busy", "behind", "no-leader"];

/// A server of several nodes. Each call goes to another node than the one before.
#[derive(Clone)]
pub(crate) struct World(Arc<Inner>);

struct Inner {
    nodes: Vec<Node>,
    http: reqwest::Client,
    /// The address of this machine from which all comes; `None`: the one that the system takes.
    from: Option<IpAddr>,
    /// The newest that anybody has written or seen, so that no node answers with less.
    seen: Arc<AtomicU64>,
    turn: AtomicUsize,
    made: AtomicUsize,
    admin: String,
}

#[derive(Debug, Clone)]
struct Node {
    url: String,
    pid: i32,
}

/// What a node answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) location: String,
    headers: HeaderMap,
}

impl Answer {
    pub(crate) fn is(self, status: u16) -> anyhow::Result<Value> {
        ensure!(
            self.status == status,
            "answered with {} instead of {status}: {}",
            self.status,
            self.text.chars().take(500).collect::<String>()
        );
        Ok(self.body)
    }

    /// What a header says; empty without it.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// Refused with this status and this code.
    pub(crate) fn refused(self, status: u16, code: &str) -> anyhow::Result<()> {
        let body = self.is(status)?;
        ensure!(body["code"] == code, "refused as {body}, not as {code}");
        Ok(())
    }

    /// Refused because of this field.
    pub(crate) fn refused_field(self, field: &str) -> anyhow::Result<()> {
        let body = self.is(422)?;
        let fields = body["errors"].as_array().into_iter().flatten();
        let named = fields
            .filter_map(|error| error["field"].as_str())
            .any(|named| named == field || named.ends_with(&format!(".{field}")));
        ensure!(named, "{field} is not what is wrong: {body}");
        Ok(())
    }
}

/// The offer of a program that watches.
const WATCHES: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
    a=setup:actpass\r\na=ice-ufrag:watches1\r\na=ice-pwd:watcheswatcheswatches0\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n\
    a=setup:actpass\r\na=ice-ufrag:watches1\r\na=ice-pwd:watcheswatcheswatches0\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n";

impl World {
    /// The server whose nodes the variables name.
    pub(crate) async fn found() -> anyhow::Result<Self> {
        // Installed once for the process; a second call changes nothing.
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        let variable = |name: &str| {
            std::env::var(name).with_context(|| {
                format!("{name} is missing: stories are told by cargo xtask test --only stories")
            })
        };
        let nodes: Vec<Value> = serde_json::from_str(&variable("PLENARY_NODES")?)?;
        let nodes = nodes.iter().map(|node| {
            Ok(Node {
                url: text(&node["url"])?.trim_end_matches('/').to_owned(),
                pid: i32::try_from(node["pid"].as_u64().context("a node has a process")?)?,
            })
        });
        let mut inner = Inner {
            nodes: nodes.collect::<anyhow::Result<_>>()?,
            http: reqwest::Client::builder().no_proxy().build()?,
            from: None,
            seen: Arc::default(),
            turn: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
            admin: String::new(),
        };
        ensure!(inner.nodes.len() >= 3, "stories need a server of three nodes");
        let nobody = Self(Arc::new(Inner {
            nodes: inner.nodes.clone(),
            http: inner.http.clone(),
            from: None,
            admin: String::new(),
            seen: Arc::default(),
            turn: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
        }));
        let (login, password) = (variable("PLENARY_ADMIN")?, variable("PLENARY_PASSWORD")?);
        inner.admin = nobody.sign_in(&login, &password).await?;
        Ok(Self(Arc::new(inner)))
    }

    /// The same, for who comes from another address of this machine.
    pub(crate) fn from(&self, address: IpAddr) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().local_address(address);
        Ok(Self(Arc::new(Inner {
            nodes: self.0.nodes.clone(),
            http: http.build()?,
            from: Some(address),
            seen: self.0.seen.clone(),
            turn: AtomicUsize::new(0),
            // Names are made by the one world.
            made: AtomicUsize::new(0),
            admin: self.0.admin.clone(),
        })))
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.0.from
    }

    /// The node whose turn it is.
    pub(crate) fn next(&self) -> usize {
        self.0.turn.fetch_add(1, Ordering::Relaxed) % self.0.nodes.len()
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.0.nodes.iter().map(|node| node.url.clone()).collect()
    }

    pub(crate) fn url(&self, node: usize) -> &str {
        &self.0.nodes[node].url
    }

    /// What a browser gets at this address, of pages and of the interface, where people know the server as `host`.
    pub(crate) async fn browse(&self, host: &str, path: &str) -> anyhow::Result<Answer> {
        let url = format!("{}{path}", self.url(self.next()));
        let request = self.0.http.get(url).header("Host", host);
        Answer::read(request.send().await?).await
    }

    /// `kill -9`. Whoever supervises the node starts it again.
    pub(crate) fn kill(&self, node: usize) -> anyhow::Result<()> {
        let pid = nix::unistd::Pid::from_raw(self.0.nodes[node].pid);
        Ok(nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL)?)
    }

    /// A name that nobody has yet.
    pub(crate) fn name(&self, word: &str) -> String {
        format!("{word}-{}", self.0.made.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn admin(&self) -> Account {
        Account {
            world: self.clone(),
            id: "admin".to_owned(),
            token: self.0.admin.clone(),
        }
    }

    /// Somebody who is not signed in.
    pub(crate) fn stranger(&self) -> Account {
        Account {
            world: self.clone(),
            id: String::new(),
            token: String::new(),
        }
    }

    /// Somebody new with an account, signed in.
    pub(crate) async fn account(&self, word: &str) -> anyhow::Result<Account> {
        self.account_in(word, &[]).await
    }

    /// The same, in these groups.
    pub(crate) async fn account_in(&self, word: &str, groups: &[&str]) -> anyhow::Result<Account> {
        let id = self.name(word);
        let body = json!({ "id": id, "password": PASSWORD, "display_name": word, "groups": groups });
        self.admin().post("/users", body).await?.is(201)?;
        let token = self.sign_in(&id, PASSWORD).await?;
        Ok(Account {
            world: self.clone(),
            id,
            token,
        })
    }

    /// The same person and device, which comes from there.
    pub(crate) fn moved(&self, account: &Account) -> Account {
        Account {
            world: self.clone(),
            ..account.clone()
        }
    }

    /// What the server says to who signs in with the right password.
    pub(crate) async fn signs_in(&self, account: &Account) -> anyhow::Result<Answer> {
        let body = json!({ "login": account.id, "password": PASSWORD });
        self.stranger().post("/session", body).await
    }

    /// The same person on one more device.
    pub(crate) async fn again(&self, account: &Account) -> anyhow::Result<Account> {
        Ok(Account {
            token: self.sign_in(&account.id, PASSWORD).await?,
            ..account.clone()
        })
    }

    /// A group with these rights; gives its ID.
    pub(crate) async fn group(&self, word: &str, rights: &[&str]) -> anyhow::Result<String> {
        let body = json!({ "name": self.name(word), "rights": rights });
        let group = self.admin().post("/groups", body).await?.is(201)?;
        text(&group["id"])
    }

    async fn sign_in(&self, login: &str, password: &str) -> anyhow::Result<String> {
        let body = json!({ "login": login, "password": password });
        let session = self.stranger().post("/session", body).await?.is(201)?;
        text(&session["token"])
    }
}

/// Somebody who calls the REST interface.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) world: World,
    /// The user ID without the server.
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Account {
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let begun = Instant::now();
        loop {
            let answer = self.try_once(&method, path, body).await?;
            let asked_again = answer.body["code"]
                .as_str()
                .is_some_and(|code| AGAIN.contains(&code));
            if !asked_again || begun.elapsed() > PATIENCE {
                return Ok(answer);
            }
            sleep(LOOK).await;
        }
    }

    async fn try_once(&self, method: &Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let inner = &self.world.0;
        let url = format!("{}/api/v1{path}", self.world.url(self.world.next()));
        let mut request = inner.http.request(method.clone(), url);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let seen = inner.seen.load(Ordering::Relaxed);
        let answer = request.header("Plenary-Index", seen.to_string()).send().await;
        let answer = answer.with_context(|| format!("{method} {path}"))?;
        let index = answer.headers().get("plenary-index");
        let index = index.and_then(|value| value.to_str().ok()?.parse().ok());
        inner.seen.fetch_max(index.unwrap_or(0), Ordering::Relaxed);
        Answer::read(answer).await
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.call(Method::GET, path, None).await?;
        answer.is(200).with_context(|| format!("GET {path}"))
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.call(Method::POST, path, Some(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.call(Method::PATCH, path, Some(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.call(Method::PUT, path, Some(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.call(Method::DELETE, path, None).await
    }

    /// Uploads a file.
    pub(crate) async fn upload(&self, path: &str, kind: &str, bytes: Vec<u8>) -> anyhow::Result<Answer> {
        let url = format!("{}/api/v1{path}", self.world.url(self.world.next()));
        let request = self.world.0.http.put(url).bearer_auth(&self.token);
        let request = request.header("Content-Type", kind).body(bytes);
        Answer::read(request.send().await?).await
    }

    /// A new conference of one's own; gives its ID.
    pub(crate) async fn conference(&self, mut fields: Value) -> anyhow::Result<String> {
        if fields["name"].is_null() {
            fields["name"] = json!("A meeting");
        }
        let made = self.post("/conferences", fields).await?.is(201)?;
        text(&made["cid"])
    }

    /// What a moderator does by REST.
    pub(crate) async fn act(&self, cid: &str, body: Value) -> anyhow::Result<Answer> {
        self.post(&format!("/conferences/{cid}/acts"), body).await
    }

    /// Opens a session of WHIP at a node.
    pub(crate) async fn whip(&self, node: usize, cid: &str, offer: String) -> anyhow::Result<Answer> {
        let url = format!("{}/whip/{cid}", self.world.url(node));
        let request = self.world.0.http.post(url).bearer_auth(&self.token);
        let request = request.header("Content-Type", "application/sdp").body(offer);
        Answer::read(request.send().await?).await
    }

    /// Opens a session of WHEP at a node, of a client that never connects.
    pub(crate) async fn whep(&self, node: usize, cid: &str) -> anyhow::Result<Answer> {
        let url = format!("{}/whep/{cid}", self.world.url(node));
        let request = self.world.0.http.post(url).bearer_auth(&self.token);
        let request = request.header("Content-Type", "application/sdp").body(WATCHES);
        Answer::read(request.send().await?).await
    }

    /// Whether there is a session at this address still.
    pub(crate) async fn has_session(&self, node: usize, location: &str) -> anyhow::Result<bool> {
        let url = reqwest::Url::parse(self.world.url(node))?.join(location)?;
        let request = self.world.0.http.patch(url).bearer_auth(&self.token);
        let request = request.header("Content-Type", "application/trickle-ice-sdpfrag");
        // Of an ICE session that never was: so it changes nothing.
        let request = request
            .header("If-Match", "\"none\"")
            .body("a=ice-ufrag:none\r\na=ice-pwd:nonenonenonenonenonenone\r\n");
        let answer = Answer::read(request.send().await?).await?;
        match answer.status {
            412 => Ok(true),
            404 => Ok(false),
            status => anyhow::bail!("asked for a session it answers {status}: {}", answer.text),
        }
    }

    /// Ends one by its address.
    pub(crate) async fn end_whip(&self, node: usize, location: &str) -> anyhow::Result<Answer> {
        let url = reqwest::Url::parse(self.world.url(node))?.join(location)?;
        let request = self.world.0.http.delete(url).bearer_auth(&self.token);
        Answer::read(request.send().await?).await
    }
}

impl Answer {
    async fn read(answer: reqwest::Response) -> anyhow::Result<Self> {
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let location = headers.get("location");
        let location = location.and_then(|value| value.to_str().ok());
        let location = location.unwrap_or_default().to_owned();
        let text = answer.text().await?;
        Ok(Self {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            location,
        })
    }
}

pub(crate) fn text(value: &Value) -> anyhow::Result<String> {
    Ok(value.as_str().context("a text is missing")?.to_owned())
}

/// This field of all items of a list.
pub(crate) fn all<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    let items = list.as_array().or_else(|| list["items"].as_array());
    let items = items.into_iter().flatten();
    items.filter_map(|item| item[field].as_str()).collect()
}

/// Looks until it is so.
pub(crate) async fn until<F: Future<Output = anyhow::Result<bool>>>(
    what: &str,
    is_so: impl FnMut() -> F,
) -> anyhow::Result<()> {
    until_within(PATIENCE, what, is_so).await
}

pub(crate) async fn until_within<F: Future<Output = anyhow::Result<bool>>>(
    patience: Duration,
    what: &str,
    mut is_so: impl FnMut() -> F,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !is_so().await? {
        ensure!(
            begun.elapsed() < patience,
            "not within {} s: {what}",
            patience.as_secs()
        );
        sleep(LOOK).await;
    }
    Ok(())
}
