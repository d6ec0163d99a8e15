//! An enterprise: License Managers, and servers that borrow from them.

use crate::{Place, Server, server::Founding};
use anyhow::{Context as _, ensure};
use plenary_licences::{
    Seats,
    licence::{Covers, Edition, Licence, LicenceId, Signed, Signer, Support, Term},
};
use plenary_model::Timestamp;
use plenary_testkit::{FreePorts, Process, program};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const MANAGER: &str = "licences.internal";
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// What nodes log: at each change how many seats are held and used.
pub(crate) const LEVEL: &str = "PLENARY_LOG=info,openraft=error,memory_serve=warn,seat_ledger=debug";

/// One replica of the License Manager.
pub(crate) struct Replica {
    name: String,
    config: PathBuf,
    log: PathBuf,
    wrapper: Vec<String>,
    process: Option<Process>,
}

pub(crate) struct Enterprise {
    pub(crate) replicas: Vec<Replica>,
    pub(crate) servers: Vec<Server>,
    folder: tempfile::TempDir,
}

impl Enterprise {
    /// License Managers with these seats to lend, and no server yet.
    pub(crate) async fn start(managers: Vec<Place>, seats: Seats, ttl: Duration) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("plenary-enterprise-").tempdir()?;
        let mut enterprise = Self {
            replicas: Vec::new(),
            servers: Vec::new(),
            folder,
        };
        for place in managers {
            enterprise.add_manager(&place).await?;
        }
        enterprise.act(0, &["ttl", &format!("{}s", ttl.as_secs())])?;
        let file = enterprise.licence(seats)?;
        enterprise.act(0, &["licence", "install", &file])?;
        Ok(enterprise)
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("authority")
    }

    async fn add_manager(&mut self, place: &Place) -> anyhow::Result<()> {
        let name = format!("lm-{}", self.replicas.len() + 1);
        let folder = self.folder.path();
        let mut ports = FreePorts::default();
        let (leases, metrics) = (ports.next(place.address)?, ports.next(place.address)?);
        let config = folder.join(format!("{name}.toml"));
        let data = place.folder.as_deref().unwrap_or(folder).join(&name);
        let text = format!(
            "name = {name:?}\ndata = {data:?}\n[listen]\nleases = \"{leases}\"\nmetrics = \"{metrics}\"\n\
             [advertise]\nleases = \"{leases}\"\n"
        );
        std::fs::write(&config, text)?;
        drop(ports);
        let mut replica = Replica {
            log: folder.join(format!("{name}.log")),
            wrapper: place.wrapper.clone(),
            name,
            config,
            process: None,
        };
        if self.replicas.is_empty() {
            let authority = self.authority();
            let authority = authority.to_str().context("temporary paths are UTF-8")?;
            let wanted = ["found", "--manager", MANAGER, "--enterprise", "Live"];
            replica.tell(&[&wanted[..], &["--authority", authority]].concat())?;
            replica.start(&["run"])?;
        } else {
            let token = self.ask(0, &["member", "invite"])?;
            let token = token["token"].as_str().context("no token")?.to_owned();
            replica.start(&["join", &token])?;
        }
        self.replicas.push(replica);
        let (last, count) = (self.replicas.len() - 1, self.replicas.len());
        wait("the managers vote", async || {
            let members = self.ask(last, &["member", "list"]).unwrap_or_default();
            let rows = members.as_array().map_or(&[][..], Vec::as_slice);
            let votes = rows
                .iter()
                .filter(|row| matches!(row["role"].as_str(), Some("leader" | "voter")));
            Ok(votes.count() == count)
        })
        .await
    }

    /// Starts a server and connects it, as its administrator would.
    pub(crate) async fn add_server(&mut self, name: &str, places: Vec<Place>) -> anyhow::Result<usize> {
        let founding = Founding {
            name: name.to_owned(),
            authority: self.authority(),
            federation: None,
        };
        let server = Server::start_as(Some(founding), places).await?;
        wait("seats are counted", async || {
            Ok(server.get(0, "/licence").await.is_ok())
        })
        .await?;
        let token = self.ask(0, &["server", "invite", name])?;
        let body = json!({ "token": token["token"] });
        server.post_anywhere("/licence/manager", &body).await?;
        wait("the server's seats are lent", async || {
            let licence = server.get(0, "/licence").await?;
            Ok(licence["license_manager"]["stage"] == "lent")
        })
        .await
        .with_context(|| name.to_owned())?;
        self.servers.push(server);
        Ok(self.servers.len() - 1)
    }

    /// The file of a development licence with these seats.
    fn licence(&self, seats: Seats) -> anyhow::Result<String> {
        let path = self.folder.path().join("live.licence");
        std::fs::write(&path, development_licence(seats)?)?;
        Ok(path.to_str().context("temporary paths are UTF-8")?.to_owned())
    }

    /// Has a replica do something, as its administrator.
    pub(crate) fn act(&self, replica: usize, arguments: &[&str]) -> anyhow::Result<()> {
        self.replicas[replica].tell(arguments).map(drop)
    }

    /// Asks a replica as its administrator.
    pub(crate) fn ask(&self, replica: usize, arguments: &[&str]) -> anyhow::Result<Value> {
        let said = self.replicas[replica].tell(&[arguments, &["--json"]].concat())?;
        Ok(serde_json::from_str(&said).unwrap_or_default())
    }

    /// The replica that leads, by the word of one that runs.
    pub(crate) async fn leader(&self) -> anyhow::Result<usize> {
        let mut found = None;
        wait("a manager leads", async || {
            let running = (0..self.replicas.len()).filter(|one| self.replicas[*one].process.is_some());
            found = running
                .filter_map(|one| {
                    let status = self.ask(one, &["status"]).ok()?;
                    let name = status["leader"].as_str()?;
                    self.replicas.iter().position(|replica| replica.name == name)
                })
                .find(|leader| self.replicas[*leader].process.is_some());
            Ok(found.is_some())
        })
        .await?;
        found.context("one was found")
    }
}

/// A development licence with these seats, for any server.
pub(crate) fn development_licence(seats: Seats) -> anyhow::Result<String> {
    let licence = Licence {
        id: LicenceId(1),
        enterprise: "Live".into(),
        contact: String::new(),
        covers: Covers::Any,
        seats,
        extensions: Default::default(),
        term: Term::Lifetime,
        edition: Edition::Server,
        support: Support::Basic,
        issued: Timestamp(1),
        valid_from: Timestamp(1),
        valid_until: None,
    };
    Ok(Signed::issue(&licence, &Signer::for_development()?)?)
}

impl Replica {
    fn tell(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(program("plenary-license-manager")?)
            .arg("--config")
            .arg(&self.config)
            .args(arguments)
            .output()?;
        ensure!(
            output.status.success(),
            "{}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts the process with the data that it has.
    pub(crate) fn start(&mut self, arguments: &[&str]) -> anyhow::Result<()> {
        let config = self.config.to_str().context("temporary paths are UTF-8")?;
        let arguments = [&["--config", config], arguments].concat();
        let program: &Path = &program("plenary-license-manager")?;
        self.process = Some(Process::start(&self.wrapper, program, &arguments, &self.log)?);
        Ok(())
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        let mut process = self.process.take().context("the replica does not run")?;
        Ok(process.kill()?)
    }
}

/// A place whose nodes log what seats are held and used, for [`crate::ledger`].
pub(crate) fn told(mut place: Place) -> Place {
    place.wrapper.extend(["env".into(), LEVEL.into()]);
    place
}

/// Waits until something is so.
pub(crate) async fn wait(what: &str, is_so: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    wait_for(what, PATIENCE, is_so).await
}

/// The same, with a patience of its own.
pub(crate) async fn wait_for(
    what: &str,
    patience: Duration,
    mut is_so: impl AsyncFnMut() -> anyhow::Result<bool>,
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
