//! A server of several nodes: made with the same commands that operators use.

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use plenary_testkit::{FreePorts, Process, program};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Which server it is, where it is not alone in the world.
#[derive(Debug, Clone)]
pub(crate) struct Founding {
    pub(crate) name: String,
    /// Folder of the enterprise's root key; made if it is not there.
    pub(crate) authority: PathBuf,
    /// Where it meets with other servers, if it does.
    pub(crate) federation: Option<Federation>,
}

/// How a server meets with others.
#[derive(Debug, Clone)]
pub(crate) struct Federation {
    /// Where its nodes listen for them, in the order in which they are made.
    pub(crate) listen: Vec<SocketAddr>,
    /// Whom they ask for names.
    pub(crate) dns: SocketAddr,
}

/// Where a node runs.
#[derive(Debug, Clone)]
pub struct Place {
    pub address: IpAddr,
    /// Folder of the node, where it is not below the server's (a disk of its own).
    pub folder: Option<PathBuf>,
    /// Program and arguments to start the node with, such as `ip netns exec x`.
    pub wrapper: Vec<String>,
}

impl Place {
    /// On this machine, nothing special.
    pub fn local() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            folder: None,
            wrapper: Vec::new(),
        }
    }
}

pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) http: SocketAddr,
    metrics: SocketAddr,
    config: PathBuf,
    pub(crate) log: PathBuf,
    place: Place,
    pub(crate) process: Option<Process>,
}

/// A running server; its processes end and its folder goes when it is dropped.
pub struct Server {
    pub(crate) members: Vec<Member>,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
    folder: tempfile::TempDir,
    founding: Founding,
    /// Nodes made so far: a lost one's name and folder are not used again.
    made: usize,
}

pub(crate) const ADMIN_PASSWORD: &str = "correct-horse-battery";

impl Server {
    /// Founds a server and lets the other nodes join.
    pub async fn start(places: Vec<Place>) -> anyhow::Result<Self> {
        Self::start_as(None, places).await
    }

    /// The same as a certain server of an enterprise.
    pub(crate) async fn start_as(founding: Option<Founding>, places: Vec<Place>) -> anyhow::Result<Self> {
        // Installed once for the process; a second call changes nothing.
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .pool_max_idle_per_host(32)
            .build()?;
        let folder = tempfile::Builder::new().prefix("plenary-live-").tempdir()?;
        let founding = founding.unwrap_or_else(|| Founding {
            name: "live.internal".into(),
            authority: folder.path().join("enterprise"),
            federation: None,
        });
        let mut server = Self {
            members: Vec::new(),
            http,
            token: String::new(),
            folder,
            founding,
            made: 0,
        };
        for place in places {
            server.add(place).await?;
        }
        server.wait_voters(server.members.len()).await?;
        Ok(server)
    }

    /// One more node: founds the server if it is the first, else joins.
    pub async fn add(&mut self, place: Place) -> anyhow::Result<usize> {
        self.made += 1;
        let number = self.made;
        let folder = place
            .folder
            .clone()
            .unwrap_or_else(|| self.folder.path().join(format!("node-{number}")));
        std::fs::create_dir_all(&folder)?;
        let federation = self.founding.federation.as_ref().and_then(|federation| {
            let listen = *federation.listen.get(number - 1)?;
            Some((listen, federation.dns))
        });
        let mut member = Member::plan(&format!("node-{number}"), &folder, place, federation)?;
        if number == 1 {
            member.found(&self.founding)?;
            member.start(&["run"])?;
            member.wait_ready(&self.http).await?;
            self.members.push(member);
            self.token = self.sign_in(0, "admin", ADMIN_PASSWORD).await?;
        } else {
            let made = self.post_anywhere("/cluster/invitations", &json!({})).await?;
            let token = made["token"].as_str().context("no join token")?.to_owned();
            member.start(&["join", &token])?;
            member.wait_ready(&self.http).await?;
            self.members.push(member);
        }
        Ok(self.members.len() - 1)
    }

    /// Gives the token of the session.
    pub(crate) async fn sign_in(&self, node: usize, login: &str, password: &str) -> anyhow::Result<String> {
        let body = json!({ "login": login, "password": password });
        let answer = self
            .http
            .post(self.url(node, "/session"))
            .json(&body)
            .send()
            .await?;
        let answer: Value = answer.error_for_status()?.json().await?;
        Ok(answer["token"].as_str().context("no session token")?.to_owned())
    }

    pub(crate) fn url(&self, node: usize, path: &str) -> String {
        format!("http://{}/api/v1{path}", self.members[node].http)
    }

    /// URLs of all nodes.
    pub(crate) fn nodes(&self) -> Vec<String> {
        self.members
            .iter()
            .map(|member| format!("http://{}", member.http))
            .collect()
    }

    /// Addresses of the REST interface of all nodes.
    pub(crate) fn bases(&self) -> Vec<String> {
        (0..self.members.len()).map(|node| self.url(node, "")).collect()
    }

    pub(crate) async fn get(&self, node: usize, path: &str) -> anyhow::Result<Value> {
        let answer = self
            .http
            .get(self.url(node, path))
            .bearer_auth(&self.token)
            .send()
            .await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// The same as somebody else.
    pub(crate) async fn get_as(&self, node: usize, token: &str, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(self.url(node, path)).bearer_auth(token);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Puts something at a node as somebody else.
    pub(crate) async fn put_as(
        &self,
        node: usize,
        token: &str,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<()> {
        let request = self.http.put(self.url(node, path)).bearer_auth(token).json(body);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Creates an account at node 0 again and again until that is refused with `status`; gives the problem.
    pub(crate) async fn wait_refused(&self, prefix: &str, status: u16) -> anyhow::Result<Value> {
        let deadline = Instant::now() + Duration::from_secs(30);
        for number in 0.. {
            let body = json!({ "id": format!("{prefix}-{number}") });
            let request = self
                .http
                .post(self.url(0, "/users"))
                .bearer_auth(&self.token)
                .json(&body);
            if let Ok(answer) = request.send().await
                && answer.status() == status
            {
                return Ok(answer.json().await?);
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "writes are not refused with {status} within 30 s"
            );
            sleep(Duration::from_millis(50)).await;
        }
        bail!("numbers do not end")
    }

    pub(crate) async fn post_anywhere(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            for node in self.running() {
                let request = self
                    .http
                    .post(self.url(node, path))
                    .bearer_auth(&self.token)
                    .json(body);
                if let Ok(answer) = request.send().await
                    && answer.status().is_success()
                {
                    return Ok(answer.json().await.unwrap_or_default());
                }
            }
            anyhow::ensure!(Instant::now() < deadline, "no node did POST {path} within 20 s");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Changes something at a node.
    pub(crate) async fn patch(&self, node: usize, path: &str, body: &Value) -> anyhow::Result<()> {
        let request = self
            .http
            .patch(self.url(node, path))
            .bearer_auth(&self.token)
            .json(body);
        let answer = request.send().await?;
        let status = answer.status();
        anyhow::ensure!(
            status.is_success(),
            "PATCH {path}: {status}: {}",
            answer.text().await.unwrap_or_default()
        );
        Ok(())
    }

    /// Writes something anew at a node.
    pub(crate) async fn put(&self, node: usize, path: &str, body: &Value) -> anyhow::Result<()> {
        let request = self.http.put(self.url(node, path)).bearer_auth(&self.token);
        let answer = request.json(body).send().await?;
        let status = answer.status();
        anyhow::ensure!(
            status.is_success(),
            "PUT {path}: {status}: {}",
            answer.text().await.unwrap_or_default()
        );
        Ok(())
    }

    /// Where a node listens for other servers.
    pub(crate) fn door(&self, node: usize) -> anyhow::Result<SocketAddr> {
        let federation = self.founding.federation.as_ref();
        let listen = federation.and_then(|federation| federation.listen.get(node));
        listen.copied().context("it meets no other servers")
    }

    /// The certificate of its enterprise's authority, as PEM.
    pub(crate) fn root(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.founding.authority.join("root.pem"))?)
    }

    /// Where each node tells its metrics.
    pub(crate) fn metrics(&self) -> Vec<String> {
        let members = self.members.iter();
        members
            .map(|member| format!("http://{}/metrics", member.metrics))
            .collect()
    }

    /// The value of a metric of a node, all its rows together.
    pub(crate) async fn metric(&self, node: usize, name: &str) -> anyhow::Result<u64> {
        Ok(self.figure(node, name).await? as u64)
    }

    /// The same, with what comes after the point.
    pub(crate) async fn figure(&self, node: usize, name: &str) -> anyhow::Result<f64> {
        let url = format!("http://{}/metrics", self.members[node].metrics);
        let text = self
            .http
            .get(url)
            .send()
            .await?
            .error_for_status()?
            .text()
            .await?;
        let rows = text.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with([' ', '{']))
        });
        let values = rows.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum())
    }

    fn running(&self) -> Vec<usize> {
        (0..self.members.len())
            .filter(|node| self.members[*node].process.is_some())
            .collect()
    }

    /// The node that leads, as a running node sees it.
    pub async fn leader(&self) -> anyhow::Result<usize> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            for node in self.running() {
                if let Ok(cluster) = self.get(node, "/cluster").await
                    && let Some(name) = cluster["leader"].as_str()
                    && let Some(leader) = self.members.iter().position(|member| member.name == name)
                    && self.members[leader].process.is_some()
                {
                    return Ok(leader);
                }
            }
            anyhow::ensure!(Instant::now() < deadline, "no leader within 20 s");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until `count` nodes vote.
    pub async fn wait_voters(&self, count: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let first = *self.running().first().context("no node runs")?;
            if let Ok(cluster) = self.get(first, "/cluster").await {
                let nodes = cluster["nodes"].as_array().cloned().unwrap_or_default();
                let voters = nodes.iter().filter(|node| node["role"] != "learner").count();
                if voters == count && nodes.len() == count {
                    return Ok(());
                }
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "{count} voters were not reached within 60 s"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self, node: usize) -> anyhow::Result<()> {
        match self.members[node].process.take() {
            Some(mut process) => Ok(process.kill()?),
            None => bail!("node {node} does not run"),
        }
    }

    pub fn signal(&self, node: usize, signal: Signal) -> anyhow::Result<()> {
        Ok(self.members[node]
            .process
            .as_ref()
            .context("the node does not run")?
            .signal(signal)?)
    }

    /// Starts a node again with the data it has, and waits until it is ready.
    pub async fn restart(&mut self, node: usize) -> anyhow::Result<()> {
        self.launch(node)?;
        let http = self.http.clone();
        self.members[node].wait_ready(&http).await
    }

    /// Starts a node again without waiting.
    pub fn launch(&mut self, node: usize) -> anyhow::Result<()> {
        self.members[node].start(&["run"])
    }

    pub async fn wait_ready(&mut self, node: usize) -> anyhow::Result<()> {
        let http = self.http.clone();
        self.members[node].wait_ready(&http).await
    }

    /// Changes what a node is started with from now on.
    pub fn wrap(&mut self, node: usize, wrapper: Vec<String>) {
        self.members[node].place.wrapper = wrapper;
    }

    /// Whether the process still runs; its last words if not.
    pub fn ended(&mut self, node: usize) -> Option<String> {
        let process = self.members[node].process.as_mut()?;
        (!process.is_running()).then(|| process.last_words())
    }

    /// Removes a node for good by the API.
    pub async fn remove(&mut self, node: usize) -> anyhow::Result<()> {
        let path = format!("/cluster/nodes/{}", self.members[node].name);
        let asked = self
            .running()
            .into_iter()
            .find(|other| *other != node)
            .context("no other node runs")?;
        let answer = self
            .http
            .delete(self.url(asked, &path))
            .bearer_auth(&self.token)
            .send()
            .await?;
        answer.error_for_status()?;
        self.members[node].process = None;
        self.members.remove(node);
        Ok(())
    }
}

impl Member {
    /// `federation`: where it listens for other servers, and whom it asks for names.
    fn plan(
        name: &str,
        folder: &Path,
        place: Place,
        federation: Option<(SocketAddr, SocketAddr)>,
    ) -> anyhow::Result<Self> {
        let mut ports = FreePorts::default();
        let [http, cluster, metrics] = [(); 3].map(|()| ports.next(place.address));
        let (http, cluster, metrics) = (http?, cluster?, metrics?);
        let media = SocketAddr::new(place.address, 0);
        let config = folder.join("node.toml");
        let (listen, dns) = match federation {
            Some((listen, dns)) => (
                format!("federation = \"{listen}\"\n"),
                format!("[dns]\nservers = [\"{dns}\"]\n"),
            ),
            None => Default::default(),
        };
        let text = format!(
            "name = \"{name}\"\ndata = \"{}\"\n[listen]\nhttp = \"{http}\"\nhttps = \"\"\ncluster = \"{cluster}\"\nmetrics = \"{metrics}\"\nmedia = \"{media}\"\n\
             {listen}[advertise]\ncluster = \"{cluster}\"\nurl = \"http://{http}\"\n{dns}",
            folder.join("data").display()
        );
        std::fs::write(&config, text)?;
        // What the test itself wrote must outlive the cut of power that it makes.
        std::fs::File::open(&config)?.sync_all()?;
        std::fs::File::open(folder)?.sync_all()?;
        let log = folder.join("node.log");
        Ok(Self {
            name: name.to_owned(),
            http,
            metrics,
            config,
            log,
            place,
            process: None,
        })
    }

    fn found(&self, founding: &Founding) -> anyhow::Result<()> {
        let output = Command::new(program("plenary-node")?)
            .args([
                "found",
                "--server",
                &founding.name,
                "--enterprise",
                "Live",
                "--admin",
                "admin",
            ])
            .arg("--authority")
            .arg(&founding.authority)
            .arg("--config")
            .arg(&self.config)
            .env("PLENARY_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .output()?;
        anyhow::ensure!(
            output.status.success(),
            "found: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    fn start(&mut self, arguments: &[&str]) -> anyhow::Result<()> {
        let config = self
            .config
            .to_str()
            .context("temporary paths are UTF-8")?
            .to_owned();
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--config", &config]).collect();
        self.process = Some(Process::start(
            &self.place.wrapper,
            &program("plenary-node")?,
            &arguments,
            &self.log,
        )?);
        Ok(())
    }

    async fn wait_ready(&mut self, http: &reqwest::Client) -> anyhow::Result<()> {
        let url = format!("http://{}/readyz", self.metrics);
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let process = self.process.as_mut().context("the node was not started")?;
            if !process.is_running() {
                bail!("{} ended: {}", self.name, process.last_words());
            }
            let asked = http.get(&url).timeout(Duration::from_secs(2)).send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "{} was not ready within 60 s: {}",
                self.name,
                process.last_words()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
}
