//! A Border Controller in front of a server of two nodes: enrolled by a token, reached by HTTPS and by partners, one node killed.

use crate::{border_tricks, impostor::Mask};
use anyhow::{Context as _, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use plenary_testkit::{FreePorts, Process, program};
use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep};

const LONG: Duration = Duration::from_secs(90);
/// Within this a client outside is served again when the node or the controller that served it is gone.
pub(crate) const BACK_WITHIN: Duration = Duration::from_secs(3);

/// A quickstart of two nodes, as its first line describes it.
pub(crate) struct Inside {
    _process: Process,
    pub(crate) line: Value,
    client: Client,
    token: String,
}

impl Inside {
    /// Its pages and its interface are at `http`, a free port of an address.
    pub(crate) async fn start(folder: &Path, wrapper: &[String], http: &str) -> anyhow::Result<Self> {
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        let (data, log) = (folder.join("quickstart"), folder.join("quickstart.log"));
        let data = data.to_str().context("temporary paths are UTF-8")?;
        let arguments = [
            "quickstart",
            "--json",
            "--nodes",
            "2",
            "--http",
            http,
            "--data",
            data,
        ];
        let mut process = Process::start(wrapper, &program("plenary-node")?, &arguments, &log)?;
        let line = until("quickstart is ready", async || {
            ensure!(process.is_running(), "it ended: {}", process.last_words());
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let mut lines = text
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok());
            Ok(lines.find(|line| line["nodes"].is_array()))
        })
        .await?;
        let client = Client::builder().timeout(Duration::from_secs(10)).build()?;
        let mut inside = Self {
            _process: process,
            line,
            client,
            token: String::new(),
        };
        let admin = &inside.line["admin"];
        let body = json!({ "login": admin["login"], "password": admin["password"] });
        let session = inside.call(Method::POST, "/session", Some(body)).await?;
        inside.token = session["token"].as_str().context("a token")?.to_owned();
        Ok(inside)
    }

    pub(crate) fn url(&self, node: usize) -> &str {
        self.line["nodes"][node]["url"].as_str().unwrap_or_default()
    }

    /// The last node is asked: the first one will be killed.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        self.call_at(1, method, path, body).await
    }

    pub(crate) async fn call_at(
        &self,
        node: usize,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1{path}", self.url(node));
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// What the node says of its tunnel to the one controller.
    async fn tunnel(&self, node: usize) -> anyhow::Result<Value> {
        let all = self
            .call_at(node, Method::GET, "/border-controllers", None)
            .await?;
        Ok(all["items"][0].clone())
    }

    /// Waits until both nodes have tunnels to all controllers.
    pub(crate) async fn tunnels(&self) -> anyhow::Result<()> {
        for node in [0, 1] {
            until("the tunnels are up", async || {
                let all = self
                    .call_at(node, Method::GET, "/border-controllers", None)
                    .await?;
                let all = all["items"].as_array().cloned().unwrap_or_default();
                let is_up = |one: &Value| one["stage"] == "enrolled" && one["tunnel"]["up_since"].is_string();
                Ok((!all.is_empty() && all.iter().all(is_up)).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// How often both nodes refused something from outside for this reason.
    async fn refused(&self, reason: &str) -> anyhow::Result<u64> {
        let mut sum = 0;
        for node in [0, 1] {
            let all = self
                .call_at(node, Method::GET, "/border-controllers", None)
                .await?;
            let all = all["refused"].as_array().cloned().unwrap_or_default();
            let found = all.iter().find(|one| one["reason"] == reason);
            sum += found.and_then(|one| one["count"].as_u64()).unwrap_or(0);
        }
        Ok(sum)
    }

    /// A token for a controller that nodes dial there.
    pub(crate) async fn invite(&self, name: &str, tunnel: SocketAddr) -> anyhow::Result<String> {
        let body = json!({ "name": name, "address": tunnel.to_string() });
        let invited = self
            .call(Method::POST, "/border-controllers/invitations", Some(body))
            .await?;
        Ok(invited["token"].as_str().context("a token")?.to_owned())
    }

    pub(crate) async fn server(&self) -> anyhow::Result<String> {
        let cluster = self.call(Method::GET, "/cluster", None).await?;
        Ok(cluster["server"].as_str().context("a name")?.to_owned())
    }

    /// The enterprise's root, PEM.
    pub(crate) async fn root(&self) -> anyhow::Result<String> {
        let pem = self.client.get(format!("{}/ca.pem", self.url(1))).send().await?;
        Ok(pem.text().await?)
    }
}

pub(crate) struct Controller {
    pub(crate) web: SocketAddr,
    pub(crate) federation: SocketAddr,
    pub(crate) tunnel: SocketAddr,
    /// For media of clients.
    pub(crate) media: SocketAddr,
    pub(crate) metrics: SocketAddr,
    config: PathBuf,
    log: PathBuf,
    wrapper: Vec<String>,
}

impl Controller {
    /// At free ports of this machine.
    pub(crate) fn new(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let mut ports = FreePorts::default();
        let mut port = || ports.next(Ipv4Addr::LOCALHOST.into());
        let at = [port()?, port()?, port()?, port()?, port()?];
        Self::at(folder, name, at, &[])
    }

    /// With ports for the web, federation, tunnels, media and metrics, in a world of its own by `wrapper`. Where the folder has a
    /// certificate for [`TURN`], it speaks that, too.
    pub(crate) fn at(
        folder: &Path,
        name: &str,
        [web, federation, tunnel, media, metrics]: [SocketAddr; 5],
        wrapper: &[String],
    ) -> anyhow::Result<Self> {
        let config = folder.join(format!("{name}.toml"));
        let text = format!(
            "[listen]\nweb = '{web}'\nfederation = '{federation}'\ntunnel = '{tunnel}'\nmedia = '{media}'\n\
             metrics = '{metrics}'\n\
             [limits]\nhello_ms = 1000\n{}",
            turn(folder)
        );
        std::fs::write(&config, text)?;
        Ok(Self {
            web,
            federation,
            tunnel,
            media,
            metrics,
            config,
            log: folder.join(format!("{name}.log")),
            wrapper: wrapper.to_vec(),
        })
    }

    pub(crate) fn start(&self, data: &Path, command: &[&str]) -> anyhow::Result<Process> {
        let text = |path: &Path| {
            path.to_str()
                .map(str::to_owned)
                .context("temporary paths are UTF-8")
        };
        let (config, data) = (text(&self.config)?, text(data)?);
        let arguments = [&["--config", &config, "--data", &data], command].concat();
        Ok(Process::start(
            &self.wrapper,
            &program("plenary-border-controller")?,
            &arguments,
            &self.log,
        )?)
    }
}

/// By which name clients ask for TURN.
pub(crate) const TURN: &str = "turn.example.com";

/// The files of its certificate.
pub(crate) fn turn_papers(folder: &Path) -> [PathBuf; 2] {
    ["turn.pem", "turn.key"].map(|name| folder.join(name))
}

fn turn(folder: &Path) -> String {
    let [certificate, key] = turn_papers(folder);
    if !certificate.exists() {
        return String::new();
    }
    let (certificate, key) = (certificate.display(), key.display());
    format!("[turn]\nname = '{TURN}'\ncertificate = '{certificate}'\nkey = '{key}'\n")
}

pub(crate) async fn until<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + LONG;
    loop {
        let answer = ask().await;
        match answer {
            Ok(Some(found)) => return Ok(found),
            Err(error) if Instant::now() > deadline => return Err(error.context(what.to_owned())),
            Ok(None) if Instant::now() > deadline => bail!("{what}: not in time"),
            _ => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Somebody outside, who knows the server's name and reaches the controllers only; with connections of their own.
pub(crate) fn outside(server: &str, root: &str, at: &[SocketAddr]) -> anyhow::Result<Client> {
    Ok(Client::builder()
        .timeout(Duration::from_secs(10))
        .tls_certs_only([Certificate::from_pem(root.as_bytes())?])
        .resolve_to_addrs(server, at)
        .build()?)
}

/// The slowest of some clients, each with a connection of its own, to whom the first page was shown.
pub(crate) async fn slowest(server: &str, root: &str, at: &[SocketAddr]) -> anyhow::Result<Duration> {
    let port = at.first().context("an address")?.port();
    let mut slowest = Duration::ZERO;
    for _ in 0..8 {
        let began = Instant::now();
        let person = outside(server, root, at)?;
        let page = person.get(format!("https://{server}:{port}")).send().await?;
        ensure!(page.status() == StatusCode::OK, "the page: {}", page.status());
        slowest = slowest.max(began.elapsed());
    }
    ensure!(slowest < BACK_WITHIN, "a client waited {slowest:?}");
    Ok(slowest)
}

/// Signs in from outside, and gives the token.
pub(crate) async fn signed_in(person: &Client, base: &str, who: &Value) -> anyhow::Result<String> {
    let session = person
        .post(format!("{base}/api/v1/session"))
        .header("x-forwarded-for", "203.0.113.9")
        .json(&json!({ "login": who["login"], "password": who["password"] }))
        .send()
        .await?;
    ensure!(session.status().is_success(), "sign-in: {}", session.status());
    let session: Value = session.json().await?;
    Ok(session["token"].as_str().context("a token")?.to_owned())
}

/// An administrator is none outside: nothing of the administration is there, however it is asked for.
async fn administration_is_inside(
    inside: &Inside,
    person: &Client,
    base: &str,
    (controller, server, root): (SocketAddr, &str, &str),
) -> anyhow::Result<usize> {
    let token = signed_in(person, base, &inside.line["admin"]).await?;
    let me = person.get(format!("{base}/api/v1/me")).bearer_auth(&token);
    let me: Value = me.send().await?.json().await?;
    ensure!(
        me["admin"] == "full" && me["administration"] == false,
        "outside: {me}"
    );
    for path in [
        "/api/v1/users",
        "/api/v1/cluster",
        "/admin",
        "/metrics",
        "/no/such/page",
    ] {
        let answer = person
            .get(format!("{base}{path}"))
            .bearer_auth(&token)
            .send()
            .await?;
        ensure!(
            answer.status() == StatusCode::NOT_FOUND,
            "{path}: {}",
            answer.status()
        );
        let text = answer.text().await?;
        ensure!(
            text.is_empty(),
            "{path} says more than that it is not there: {text}"
        );
    }
    inside.call(Method::GET, "/users", None).await?;
    let page = inside
        .client
        .get(format!("{}/admin", inside.url(1)))
        .send()
        .await?;
    ensure!(page.status() == StatusCode::OK, "inside: {}", page.status());
    let tried = border_tricks::all_fail(controller, server, root, &token).await?;
    ensure!(inside.refused("not_reachable").await? >= 5, "nodes count it");
    ensure!(inside.refused("bad_path").await? >= 5, "nodes count it");
    Ok(tried)
}

/// A server of another enterprise comes to the controller's port, and is heard by a node: it is told that they do not meet.
async fn partners_come_in(federation: SocketAddr, server: &str, root: &str) -> anyhow::Result<()> {
    let mask = Mask::self_signed("oslo.example.net")?;
    let mut partner = mask.go(federation, server, root).await?;
    let answer = partner.greet("oslo.example.net").await;
    let answer = answer.err().context("nobody meets here")?;
    ensure!(
        !answer.code.is_empty(),
        "a node's federation says so by a code: {answer:?}"
    );
    Ok(())
}

/// Enrols a controller, meets the server through it, and takes a node and then the controller away.
///
/// # Errors
/// What was not as it must be.
pub async fn border() -> anyhow::Result<String> {
    let folder = tempfile::Builder::new().prefix("plenary-border-").tempdir()?;
    let inside = Inside::start(folder.path(), &[], "127.0.0.1:0").await?;
    let controller = Controller::new(folder.path(), "bc")?;
    let data = folder.path().join("controller");
    let token = inside.invite("dmz-1", controller.tunnel).await?;
    let mut process = controller.start(&data, &["join", &token])?;
    inside.tunnels().await?;

    let (server, root) = (inside.server().await?, inside.root().await?);
    let base = format!("https://{server}:{}", controller.web.port());
    let person = outside(&server, &root, &[controller.web])?;
    let page = person.get(&base).send().await?;
    ensure!(page.status() == StatusCode::OK, "the page: {}", page.status());
    signed_in(&person, &base, &inside.line["users"][0]).await?;
    let other = outside("admin.example.com", &root, &[controller.web])?;
    let other = other.get(format!("https://admin.example.com:{}", controller.web.port()));
    ensure!(
        other.send().await.is_err(),
        "a name that nobody offers leads nowhere"
    );
    let reached = (controller.web, server.as_str(), root.as_str());
    let tricks = administration_is_inside(&inside, &person, &base, reached).await?;
    partners_come_in(controller.federation, &server, &root).await?;

    let pid = inside.line["nodes"][0]["pid"].as_i64().context("a process")?;
    kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL)?;
    let slowest = slowest(&server, &root, &[controller.web]).await?;
    // Quickstart starts it again, and it dials again by itself.
    inside.tunnels().await?;

    // With the token once more, in the place of the first: nobody enrols it.
    process.kill()?;
    let thief = folder.path().join("thief");
    let _thief = controller.start(&thief, &["join", &token])?;
    until("nodes have tried", async || {
        let one = inside.tunnel(1).await?;
        Ok(one["tunnel"]["trouble"].is_string().then_some(()))
    })
    .await?;
    ensure!(
        !thief.join("identity/enrolled.json").exists(),
        "a used token enrolled another one"
    );
    drop(_thief);

    // The first one comes back as it was, until it is removed.
    let _process = controller.start(&data, &["run"])?;
    inside.tunnels().await?;
    inside
        .call(Method::DELETE, "/border-controllers/dmz-1", None)
        .await?;
    until("nobody is served any more", async || {
        let gone = outside(&server, &root, &[controller.web])?
            .get(&base)
            .send()
            .await;
        Ok(gone.is_err().then_some(()))
    })
    .await?;
    Ok(format!(
        "served again {} ms after a node was killed; {tricks} ways to ask for the administration lead nowhere",
        slowest.as_millis()
    ))
}
