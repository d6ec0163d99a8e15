//! `plenary-node quickstart`: a complete server in one process tree, for trying it out and for tests.
//!
//! This process is only the supervisor: it makes configuration files, starts one `plenary-node` for each
//! node, and speaks to them by the same REST interface as everyone else. It keeps its data and starts again
//! from it.

mod layout;
mod setup;

use crate::{UsageError, secret::random_password};
use anyhow::Context as _;
use clap::Args;
use layout::{Layout, NodePlace};
use plenary_licences::licence::Trust;
use serde_json::json;
use setup::Api;
use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

/// Start a complete server on this machine, with demo users and a demo room.
///
/// Everything is kept in the data folder: the enterprise's root key, the data of each node, and the passwords of
/// the demo accounts (readable by you only). Start it again with the same folder and it goes on.
#[derive(Debug, Args)]
pub(crate) struct Quickstart {
    /// Folder for all data
    #[arg(long, default_value = "plenary-data")]
    data: PathBuf,
    /// Where the first node serves plain HTTP; port 0 takes free ports for everything
    #[arg(long, default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// How many nodes the server has; each is a process of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=9))]
    nodes: u8,
    /// Name of the server, when its data is made
    #[arg(long, default_value = "demo.internal")]
    server: plenary_model::ServerName,
    /// Keep to the licence that is built in, instead of installing one for trying out
    #[arg(long)]
    free_licence: bool,
    /// Print one line of JSON when all is ready, instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    until: plenary_program::signals::Until,
}

/// How long a node may take from its start until it answers.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long nodes get to end their work before they are killed.
const STOP_WITHIN: Duration = Duration::from_secs(20);
const RESTART_AFTER: Duration = Duration::from_secs(5);
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

struct Running {
    place: NodePlace,
    child: Child,
    restart_at: Option<Instant>,
}

impl Quickstart {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let mut layout = Layout::open(&self.data, &self.server, self.http, usize::from(self.nodes))?;
        let fresh = !layout.is_founded();
        if fresh {
            self.tell("Making the enterprise's key and the first node…");
            layout.admin_password = random_password();
            layout.save()?;
            found(&layout).await?;
        }
        self.tell("Starting…");
        let mut running = Vec::new();
        for place in layout.nodes.iter().filter(|place| place.has_data()) {
            running.push(start(place, "run", None)?);
        }
        for node in &mut running {
            wait_ready(node).await?;
        }
        let api = Api::sign_in(&layout).await?;
        if layout.users.is_empty() {
            layout.users = api.create_demo_users().await?;
            layout.save()?;
        }
        if !self.free_licence {
            api.install_licence(&layout.server, READY_WITHIN).await?;
        }
        if layout.room.is_none() {
            layout.room = Some(api.create_demo_room(READY_WITHIN).await?);
            layout.save()?;
        }
        for place in layout.nodes.iter().filter(|place| !place.has_data()) {
            self.tell(&format!("Adding {}…", place.name));
            let token = api.invite().await?;
            let mut node = start(place, "join", Some(&token))?;
            wait_ready(&mut node).await?;
            running.push(node);
        }
        self.tell("Waiting until every node votes…");
        api.wait_voting(running.len(), READY_WITHIN).await?;
        api.sign_out().await;
        self.report(&layout, &running);
        supervise(running, self.until, self.json).await
    }

    fn tell(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }

    fn report(&self, layout: &Layout, running: &[Running]) {
        let nodes: Vec<_> = running
            .iter()
            .map(|node| {
                json!({
                    "name": node.place.name,
                    "url": node.place.url(),
                    "https": node.place.https_url(),
                    "pid": node.child.id(),
                    "metrics": format!("http://{}/metrics", node.place.metrics),
                    "config": node.place.config_file(),
                    "cluster": node.place.cluster,
                    "federation": node.place.federation,
                })
            })
            .collect();
        let users: Vec<_> = layout
            .users
            .iter()
            .map(|user| json!({ "login": user.login, "password": user.password }))
            .collect();
        if self.json {
            let all = json!({
                "nodes": nodes,
                "admin": { "login": layout.admin_login, "password": layout.admin_password },
                "users": users,
                "room": layout.room_link(),
                "license_manager": null,
                "directory": null,
                "server": layout.server,
                "data": layout.folder,
            });
            crate::say(&all.to_string());
            return;
        }
        crate::say(&self.words(layout, running));
    }

    fn words(&self, layout: &Layout, running: &[Running]) -> String {
        let mut text = format!(
            "\nPlenary is ready: server {}, {} node(s).\n\n",
            layout.server,
            running.len()
        );
        for node in running {
            text.push_str(&format!("  {:<8} {}\n", node.place.name, node.place.url()));
        }
        let first = running
            .first()
            .map(|node| &node.place)
            .filter(|place| place.https.ip().is_unspecified());
        if let (Some(place), Some(address)) = (first, crate::addresses::lan_address()) {
            let port = place.https.port();
            text.push_str(&format!(
                "\nFrom other machines  https://{}/\n",
                SocketAddr::new(address, port)
            ));
            text.push_str(&format!(
                "  trust this server once: https://{}/ca.pem\n",
                SocketAddr::new(address, port)
            ));
        }
        text.push_str("\nSign in as\n");
        text.push_str(&format!(
            "  {:<8} {}   (administrator)\n",
            layout.admin_login, layout.admin_password
        ));
        for user in &layout.users {
            text.push_str(&format!("  {:<8} {}\n", user.login, user.password));
        }
        if let Some(url) = layout.room_url() {
            text.push_str(&format!("\nDemo room  {url}\n"));
        }
        if !self.free_licence {
            text.push_str(
                "\nSeats come from a DEVELOPMENT licence, signed with a key that anybody has; it is for trying out only.\n",
            );
        }
        text.push_str(&format!(
            "\nData, logs and the enterprise's root key are in {}.\nThis set-up is for trying out: in production the root key is kept offline.\nStop with Ctrl+C.\n",
            layout.folder.display()
        ));
        text
    }
}

async fn found(layout: &Layout) -> anyhow::Result<()> {
    let place = layout.nodes.first().context("a server has at least one node")?;
    let output = program()?
        .args(["found", "--config"])
        .arg(place.config_file())
        .args(["--server", layout.server.as_str(), "--enterprise", "Demo"])
        .arg("--authority")
        .arg(layout.folder.join("enterprise"))
        .args(["--admin", &layout.admin_login])
        .env("PLENARY_ADMIN_PASSWORD", &layout.admin_password)
        .stdin(Stdio::null())
        .output()
        .await?;
    if !output.status.success() {
        return Err(UsageError::new(String::from_utf8_lossy(&output.stderr).trim().to_owned()).into());
    }
    Ok(())
}

fn program() -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("this program's own path is not known")?);
    command.kill_on_drop(true);
    // glibc keeps what password hashes used, unless it is told from which size on memory goes back at once.
    command.env("MALLOC_MMAP_THRESHOLD_", "131072");
    Ok(command)
}

/// The token goes by the environment: arguments are for everybody on the machine to read.
fn start(place: &NodePlace, command: &str, token: Option<&str>) -> anyhow::Result<Running> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(place.log_file())?;
    let child = program()?
        .arg(command)
        // What quickstart installs is signed with the key that anybody has.
        .env(Trust::VARIABLE, "yes")
        .envs(token.map(|token| ("PLENARY_TOKEN", token)))
        .arg("--config")
        .arg(place.config_file())
        // The node ends when this pipe closes, so that no node outlives a supervisor that was killed.
        .arg("--until-stdin-closes")
        .stdin(Stdio::piped())
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log))
        .spawn()
        .context("plenary-node cannot be started")?;
    Ok(Running {
        place: place.clone(),
        child,
        restart_at: None,
    })
}

async fn wait_ready(node: &mut Running) -> anyhow::Result<()> {
    let url = format!("http://{}/readyz", node.place.metrics);
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(2))
        .build()?;
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if let Some(status) = node.child.try_wait()? {
            let reason = last_line(&node.place.log_file());
            return Err(UsageError::new(format!("{} ended ({status}): {reason}", node.place.name)).into());
        }
        if http
            .get(&url)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            return Ok(());
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "{} was not ready within {} s; its log is {}",
            node.place.name,
            READY_WITHIN.as_secs(),
            node.place.log_file().display()
        );
        sleep(Duration::from_millis(20)).await;
    }
}

fn last_line(file: &std::path::Path) -> String {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("no reason was logged")
        .trim()
        .to_owned()
}

/// Keeps the nodes running until this process is told to stop.
async fn supervise(
    mut running: Vec<Running>,
    until: plenary_program::signals::Until,
    quiet: bool,
) -> anyhow::Result<()> {
    let stop = until.asked_to_stop();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            () = sleep(Duration::from_millis(200)) => {}
        }
        for node in &mut running {
            match (node.restart_at, node.child.try_wait()?) {
                // Removed, or on a disk that loses what was written: for a person to look at.
                (None, Some(status)) if matches!(status.code(), Some(2 | 3)) => {
                    eprintln!("{} ended: {}", node.place.name, last_line(&node.place.log_file()));
                    node.restart_at = Some(Instant::now() + NEVER);
                }
                (None, Some(status)) => {
                    if !quiet {
                        let seconds = RESTART_AFTER.as_secs();
                        eprintln!(
                            "{} ended ({status}); it is started again in {seconds} s",
                            node.place.name
                        );
                    }
                    node.restart_at = Some(Instant::now() + RESTART_AFTER);
                }
                (Some(at), _) if Instant::now() >= at => *node = start(&node.place, "run", None)?,
                _ => {}
            }
        }
    }
    if !quiet {
        eprintln!("Stopping…");
    }
    for node in &mut running {
        // Closing the pipe asks the node to end.
        drop(node.child.stdin.take());
    }
    let deadline = Instant::now() + STOP_WITHIN;
    for node in &mut running {
        if tokio::time::timeout_at(deadline, node.child.wait())
            .await
            .is_err()
        {
            node.child.kill().await?;
        }
    }
    Ok(())
}
