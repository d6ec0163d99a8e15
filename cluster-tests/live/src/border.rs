//! A Border Controller in front of a server of two nodes: enrolled by a token, reached by HTTPS, one node killed.

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
/// Within this a client outside is served again when the node that served it is gone.
const BACK_WITHIN: Duration = Duration::from_secs(3);

/// A quickstart of two nodes, as its first line describes it.
struct Inside {
    _process: Process,
    line: Value,
    client: Client,
    token: String,
}

impl Inside {
    async fn start(folder: &Path) -> anyhow::Result<Self> {
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
            "127.0.0.1:0",
            "--data",
            data,
        ];
        let mut process = Process::start(&[], &program("plenary-node")?, &arguments, &log)?;
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

    fn url(&self, node: usize) -> &str {
        self.line["nodes"][node]["url"].as_str().unwrap_or_default()
    }

    /// The last node is asked: the first one will be killed.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        self.call_at(1, method, path, body).await
    }

    async fn call_at(
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

    async fn tunnels(&self) -> anyhow::Result<()> {
        for node in [0, 1] {
            until("the tunnel is up", async || {
                let one = self.tunnel(node).await?;
                Ok((one["stage"] == "enrolled" && one["tunnel"]["up_since"].is_string()).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    async fn server(&self) -> anyhow::Result<String> {
        let cluster = self.call(Method::GET, "/cluster", None).await?;
        Ok(cluster["server"].as_str().context("a name")?.to_owned())
    }

    async fn root(&self) -> anyhow::Result<Certificate> {
        let pem = self.client.get(format!("{}/ca.pem", self.url(1))).send().await?;
        Ok(Certificate::from_pem(&pem.bytes().await?)?)
    }
}

struct Controller {
    web: SocketAddr,
    tunnel: SocketAddr,
    config: PathBuf,
    log: PathBuf,
}

impl Controller {
    fn new(folder: &Path) -> anyhow::Result<Self> {
        let mut ports = FreePorts::default();
        let mut port = || ports.next(Ipv4Addr::LOCALHOST.into());
        let (web, tunnel, metrics) = (port()?, port()?, port()?);
        let config = folder.join("bc.toml");
        let text = format!(
            "[listen]\nweb = '{web}'\ntunnel = '{tunnel}'\nmetrics = '{metrics}'\n[limits]\nhello_ms = 1000\n"
        );
        std::fs::write(&config, text)?;
        Ok(Self {
            web,
            tunnel,
            config,
            log: folder.join("bc.log"),
        })
    }

    fn start(&self, data: &Path, command: &[&str]) -> anyhow::Result<Process> {
        let text = |path: &Path| {
            path.to_str()
                .map(str::to_owned)
                .context("temporary paths are UTF-8")
        };
        let (config, data) = (text(&self.config)?, text(data)?);
        let arguments = [&["--config", &config, "--data", &data], command].concat();
        Ok(Process::start(
            &[],
            &program("plenary-border-controller")?,
            &arguments,
            &self.log,
        )?)
    }
}

async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
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

/// Somebody outside, who knows the server's name and reaches the controller only; with connections of their own.
fn outside(server: &str, root: Certificate, at: SocketAddr) -> anyhow::Result<Client> {
    Ok(Client::builder()
        .timeout(Duration::from_secs(10))
        .tls_certs_only([root])
        .resolve(server, at)
        .build()?)
}

/// Enrols a controller, meets the server through it, and takes a node and then the controller away.
///
/// # Errors
/// What was not as it must be.
pub async fn border() -> anyhow::Result<String> {
    let folder = tempfile::Builder::new().prefix("plenary-border-").tempdir()?;
    let inside = Inside::start(folder.path()).await?;
    let controller = Controller::new(folder.path())?;
    let data = folder.path().join("controller");
    let body = json!({ "name": "dmz-1", "address": controller.tunnel.to_string() });
    let invited = inside
        .call(Method::POST, "/border-controllers/invitations", Some(body))
        .await?;
    let token = invited["token"].as_str().context("a token")?.to_owned();
    let mut process = controller.start(&data, &["join", &token])?;
    inside.tunnels().await?;

    let (server, root) = (inside.server().await?, inside.root().await?);
    let base = format!("https://{server}:{}", controller.web.port());
    let person = outside(&server, root.clone(), controller.web)?;
    let page = person.get(&base).send().await?;
    ensure!(page.status() == StatusCode::OK, "the page: {}", page.status());
    let who = &inside.line["users"][0];
    let body = json!({ "login": who["login"], "password": who["password"] });
    let session = person
        .post(format!("{base}/api/v1/session"))
        .header("x-forwarded-for", "203.0.113.9")
        .json(&body)
        .send()
        .await?;
    ensure!(session.status().is_success(), "sign-in: {}", session.status());
    let other = outside("admin.example.com", root.clone(), controller.web)?;
    let other = other.get(format!("https://admin.example.com:{}", controller.web.port()));
    ensure!(
        other.send().await.is_err(),
        "a name that nobody offers leads nowhere"
    );

    let pid = inside.line["nodes"][0]["pid"].as_i64().context("a process")?;
    kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL)?;
    let mut slowest = Duration::ZERO;
    for _ in 0..8 {
        let began = Instant::now();
        let page = outside(&server, root.clone(), controller.web)?
            .get(&base)
            .send()
            .await?;
        ensure!(page.status() == StatusCode::OK, "the page: {}", page.status());
        slowest = slowest.max(began.elapsed());
    }
    ensure!(
        slowest < BACK_WITHIN,
        "a client waited {slowest:?} after a node was killed"
    );
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
        let gone = outside(&server, root.clone(), controller.web)?
            .get(&base)
            .send()
            .await;
        Ok(gone.is_err().then_some(()))
    })
    .await?;
    Ok(format!(
        "served again {} ms after a node was killed",
        slowest.as_millis()
    ))
}
