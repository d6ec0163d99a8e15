//! Three servers of an enterprise, one of three nodes, whose people find each other in its Directory (ENT-03).

use crate::{
    Place, Server,
    enterprise::wait,
    meeting::{PASSWORD, sign_in},
    phone::Phone,
    scenarios::Figures,
    server::Founding,
};
use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use plenary_testkit::{FreePorts, Postgres, Process, program};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const PARIS: &str = "paris.example.com";
const OSLO: &str = "oslo.example.com";
const ROME: &str = "rome.example.com";
/// A change is found everywhere within this.
const FOUND_WITHIN: Duration = Duration::from_secs(2);
/// Whoever left is found no more within this.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// Nobody may search more often than ten times a second.
const LOOK: Duration = Duration::from_millis(150);

/// The Directory of the enterprise: one instance.
pub(crate) struct Directory {
    config: PathBuf,
    log: PathBuf,
    pub(crate) address: String,
    process: Option<Process>,
    folder: tempfile::TempDir,
    postgres: Option<Postgres>,
}

impl Directory {
    pub(crate) async fn start(postgres: Option<Postgres>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("plenary-directory-").tempdir()?;
        let mut ports = FreePorts::default();
        let place = Place::local();
        let (address, metrics) = (ports.next(place.address)?, ports.next(place.address)?);
        let data = folder.path().join("data");
        let mut text = format!(
            "data = {data:?}\n[listen]\ndirectory = \"{address}\"\nmetrics = \"{metrics}\"\n[advertise]\n\
             directory = \"{address}\"\n"
        );
        if let Some(postgres) = &postgres {
            text.push_str(&format!("[database]\nurl = \"{}\"\n", postgres.url()));
        }
        let config = folder.path().join("directory.toml");
        std::fs::write(&config, text)?;
        drop(ports);
        let mut directory = Self {
            log: folder.path().join("log"),
            address: address.to_string(),
            process: None,
            config,
            folder,
            postgres,
        };
        let authority = directory.authority();
        let authority = authority.to_str().context("temporary paths are UTF-8")?;
        directory.tell(&[
            "found",
            "--directory",
            "directory.example.com",
            "--enterprise",
            "Live",
            "--authority",
            authority,
        ])?;
        directory.run().await?;
        Ok(directory)
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority")
    }

    async fn run(&mut self) -> anyhow::Result<()> {
        let config = self.config.to_str().context("temporary paths are UTF-8")?;
        let program: &Path = &program("plenary-directory")?;
        self.process = Some(Process::start(
            &[],
            program,
            &["--config", config, "run"],
            &self.log,
        )?);
        wait("the Directory answers", async || {
            Ok(self.tell(&["status"]).is_ok())
        })
        .await
    }

    /// `kill -9`.
    fn kill(&mut self) -> anyhow::Result<()> {
        let mut process = self.process.take().context("the Directory does not run")?;
        Ok(process.kill()?)
    }

    fn tell(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(program("plenary-directory")?);
        let output = command
            .arg("--config")
            .arg(&self.config)
            .args(arguments)
            .output()?;
        let reason = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {reason}", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// A server, and one of its people.
pub(crate) struct Side {
    pub(crate) server: Server,
    tokens: Vec<String>,
}

impl Side {
    pub(crate) async fn start(directory: &Directory, name: &str, nodes: usize) -> anyhow::Result<Self> {
        let founding = Founding {
            name: name.to_owned(),
            authority: directory.authority(),
            federation: None,
        };
        let places = (0..nodes).map(|_| Place::local()).collect();
        let server = Server::start_as(Some(founding), places).await?;
        Self::of(server, nodes).await
    }

    /// A server that runs, with somebody at each of its nodes.
    pub(crate) async fn of(server: Server, nodes: usize) -> anyhow::Result<Self> {
        let account = json!({ "id": "seeker", "password": PASSWORD });
        server.post_anywhere("/users", &account).await?;
        let mut tokens = Vec::new();
        for node in 0..nodes {
            tokens.push(sign_in(&server, node, "seeker").await?);
        }
        Ok(Self { server, tokens })
    }

    /// Makes a key and gives it to the Directory, as the two administrators would.
    pub(crate) async fn activate(&self, directory: &Directory) -> anyhow::Result<String> {
        let body = json!({ "addresses": [directory.address] });
        let made = self.server.post_anywhere("/directory/activate", &body).await?;
        let key = made["key"].as_str().context("no key")?.to_owned();
        directory.tell(&["add", &key])?;
        Ok(key)
    }

    async fn state(&self, node: usize) -> anyhow::Result<Value> {
        self.server.get(node, "/directory").await
    }

    pub(crate) async fn wait_connected(&self) -> anyhow::Result<()> {
        wait("all nodes say that the server is connected", async || {
            for node in 0..self.tokens.len() {
                if self.state(node).await?["connected"] != true {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }

    async fn wait_trouble(&self, code: &str) -> anyhow::Result<()> {
        wait(&format!("all nodes say why: {code}"), async || {
            for node in 0..self.tokens.len() {
                if self.state(node).await?["trouble"]["code"] != code {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }

    pub(crate) async fn create(&self, id: &str, display_name: &str) -> anyhow::Result<()> {
        let account =
            json!({ "id": id, "password": PASSWORD, "display_name": display_name, "job_title": "Judge" });
        self.server.post_anywhere("/users", &account).await.map(drop)
    }

    async fn search(&self, node: usize, words: &str) -> anyhow::Result<Value> {
        let path = format!("/me/search?q={words}");
        self.server.get_as(node, &self.tokens[node], &path).await
    }

    /// Waits until one of the hits is like this, and gives how long that took.
    async fn until(
        &self,
        node: usize,
        words: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Duration> {
        let since = Instant::now();
        loop {
            let found = self.search(node, words).await?;
            let hits = found["hits"].as_array().map_or(&[][..], Vec::as_slice);
            if hits.iter().any(&is_wanted) {
                return Ok(since.elapsed());
            }
            ensure!(since.elapsed() < Duration::from_secs(30), "not found so: {found}");
            sleep(LOOK).await;
        }
    }

    /// Waits until `call` is found on all nodes that run, or on none, and gives how long that took.
    pub(crate) async fn finds(
        &self,
        nodes: &[usize],
        words: &str,
        call: &str,
        wanted: bool,
    ) -> anyhow::Result<Duration> {
        let since = Instant::now();
        for node in nodes {
            loop {
                let found = self.search(*node, words).await?;
                let hits = found["hits"].as_array().map_or(&[][..], Vec::as_slice);
                if hits.iter().any(|hit| hit["call"] == call) == wanted {
                    break;
                }
                let patience = Duration::from_secs(30);
                ensure!(
                    since.elapsed() < patience,
                    "{call} found should be {wanted}: {found}"
                );
                sleep(LOOK).await;
            }
        }
        Ok(since.elapsed())
    }
}

fn within(what: &str, took: Duration, bound: Duration) -> anyhow::Result<String> {
    ensure!(took <= bound, "{what} after {} ms", took.as_millis());
    Ok(format!("{what} after {} ms", took.as_millis()))
}

/// People of three servers find each other by the Directory, whatever happens to it and to nodes.
pub async fn directory(postgres: bool) -> anyhow::Result<Figures> {
    let postgres = match postgres {
        true => Postgres::start().await?,
        false => None,
    };
    let mut directory = Directory::start(postgres).await?;
    let mut paris = Side::start(&directory, PARIS, 3).await?;
    let mut oslo = Side::start(&directory, OSLO, 1).await?;
    let rome = Side::start(&directory, ROME, 1).await?;
    paris.create("anna", "Anna Martin").await?;
    let off = oslo.search(0, "martin").await?;
    ensure!(off["directory"] == "off" && off["from"] == "own", "{off}");
    let mut notes = Vec::new();
    keys(&directory, &paris, &oslo, &rome).await?;
    notes.extend(searches(&paris, &oslo, &rome).await?);
    notes.extend(shares(&paris, &oslo).await?);
    notes.extend(presence(&paris, &oslo).await?);
    notes.extend(loss_of_the_database(&mut directory, &paris, &oslo).await?);
    notes.extend(loss_of_the_directory(&mut directory, &paris, &oslo).await?);
    notes.extend(loss_of_the_leader(&mut paris, &oslo).await?);
    notes.extend(loss_of_a_server(&paris, &mut oslo).await?);
    notes.extend(leaving(&directory, &paris, &oslo, &rome).await?);
    Ok(Figures {
        notes,
        ..Figures::default()
    })
}

/// Only whom both administrators want is in, and is told why not.
async fn keys(directory: &Directory, paris: &Side, oslo: &Side, rome: &Side) -> anyhow::Result<()> {
    let body = json!({ "addresses": [directory.address] });
    let unknown = paris.server.post_anywhere("/directory/activate", &body).await?;
    paris.wait_trouble("key_unknown").await?;
    let word = unknown["key"].as_str().context("no key")?;
    ensure!(
        directory.tell(&["add", &word[1..]]).is_err(),
        "a damaged key is taken"
    );
    // The same key with another secret, as somebody would have who only saw which keys there are.
    let made = paris.server.post_anywhere("/directory/activate", &body).await?;
    directory.tell(&[
        "add",
        &with_another_secret(made["key"].as_str().context("no key")?)?,
    ])?;
    paris.wait_trouble("key_wrong").await?;
    let first = paris.activate(directory).await?;
    paris.wait_connected().await?;
    directory.tell(&["remove", PARIS])?;
    paris.wait_trouble("key_revoked").await?;
    ensure!(
        directory.tell(&["add", &first]).is_err(),
        "a revoked key is taken again"
    );
    for side in [paris, oslo, rome] {
        side.activate(directory).await?;
    }
    for side in [paris, oslo, rome] {
        side.wait_connected().await?;
    }
    Ok(())
}

fn with_another_secret(key: &str) -> anyhow::Result<String> {
    let mut read: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(key)?)?;
    read["secret"] = json!(URL_SAFE_NO_PAD.encode([7; 32]));
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&read)?))
}

/// What is new on one server is found on all nodes of all others.
async fn searches(paris: &Side, oslo: &Side, rome: &Side) -> anyhow::Result<Vec<String>> {
    let anna = format!("anna@{PARIS}");
    oslo.finds(&[0], "mar%20ann", &anna, true).await?;
    let found = oslo.search(0, "judge").await?;
    ensure!(found["directory"] == "up" && found["from"] == "all", "{found}");
    rome.create("carla", "Carla Bianchi").await?;
    let carla = format!("carla@{ROME}");
    let here = paris.finds(&[0, 1, 2], "bianchi", &carla, true).await?;
    let there = oslo.finds(&[0], "bianchi", &carla, true).await?;
    let patch = json!({ "display_name": "Carla Verdi" });
    rome.server.patch(0, "/users/carla", &patch).await?;
    let renamed = paris.finds(&[0, 1, 2], "verdi", &carla, true).await?;
    Ok(vec![
        within("found elsewhere", here.max(there), FOUND_WITHIN)?,
        within("a new name", renamed, FOUND_WITHIN)?,
    ])
}

/// What is not shared is found by nobody elsewhere.
async fn shares(paris: &Side, oslo: &Side) -> anyhow::Result<Vec<String>> {
    let board = json!({ "name": "Board" });
    let board = paris.server.post_anywhere("/groups", &board).await?["id"].clone();
    paris.create("boris", "Boris Secret").await?;
    let boris = format!("boris@{PARIS}");
    oslo.finds(&[0], "secret", &boris, true).await?;
    let state = paris.state(0).await?;
    let mut share = state["share"].clone();
    share["hidden"] = json!([board]);
    paris
        .server
        .patch(0, "/directory", &json!({ "share": share }))
        .await?;
    let member = json!({ "groups": [board] });
    paris.server.patch(0, "/users/boris", &member).await?;
    let hidden = oslo.finds(&[0], "secret", &boris, false).await?;
    paris.finds(&[0, 1, 2], "secret", "boris", true).await?;
    Ok(vec![within("hidden", hidden, GONE_WITHIN)?])
}

/// What people do is seen elsewhere, as long as they do it.
async fn presence(paris: &Side, oslo: &Side) -> anyhow::Result<Vec<String>> {
    let id = format!("phone@{PARIS}");
    let sees = async |wanted: &str| {
        oslo.until(0, "phone", |hit| hit["call"] == id && hit["presence"] == wanted)
            .await
    };
    let phone = Phone::new(&paris.server, "phone", &[1]).await?;
    let online = sees("online").await?;
    drop(phone);
    sees("offline").await?;
    Ok(vec![within("seen to be online", online, FOUND_WITHIN)?])
}

/// With PostgreSQL: the Directory answers without it, and takes what is new when it is back.
async fn loss_of_the_database(
    directory: &mut Directory,
    paris: &Side,
    oslo: &Side,
) -> anyhow::Result<Vec<String>> {
    let Some(postgres) = &mut directory.postgres else {
        return Ok(Vec::new());
    };
    postgres.kill()?;
    paris.create("frida", "Frida Nachher").await?;
    let found = oslo.search(0, "mar%20ann").await?;
    ensure!(
        found["directory"] == "up" && found["hits"][0]["call"] == format!("anna@{PARIS}"),
        "{found}"
    );
    postgres.start_again().await?;
    let took = oslo
        .finds(&[0], "nachher", &format!("frida@{PARIS}"), true)
        .await?;
    Ok(vec![format!(
        "found after PostgreSQL was back: {} ms",
        took.as_millis()
    )])
}

/// A server that was off tells what is new of it, and finds what is new of others.
async fn loss_of_a_server(paris: &Side, oslo: &mut Side) -> anyhow::Result<Vec<String>> {
    oslo.create("kari", "Kari Nordmann").await?;
    let kari = format!("kari@{OSLO}");
    paris.finds(&[0], "nordmann", &kari, true).await?;
    oslo.server.kill(0)?;
    paris.create("gerda", "Gerda Inzwischen").await?;
    // Nobody hears of its people; they are found all the same.
    paris
        .until(0, "nordmann", |hit| {
            hit["call"] == kari && hit["presence"].is_null()
        })
        .await?;
    oslo.server.restart(0).await?;
    oslo.tokens = vec![sign_in(&oslo.server, 0, "seeker").await?];
    let took = oslo
        .finds(&[0], "inzwischen", &format!("gerda@{PARIS}"), true)
        .await?;
    let patch = json!({ "display_name": "Kari Sydmann" });
    oslo.server.patch(0, "/users/kari", &patch).await?;
    paris.finds(&[0, 1, 2], "sydmann", &kari, true).await?;
    Ok(vec![format!(
        "a server that was off finds others after {} ms",
        took.as_millis()
    )])
}

/// Own people are found without it, the others as soon as it is back.
async fn loss_of_the_directory(
    directory: &mut Directory,
    paris: &Side,
    oslo: &Side,
) -> anyhow::Result<Vec<String>> {
    directory.kill()?;
    let began = Instant::now();
    let alone = paris.search(0, "martin").await?;
    let took = began.elapsed();
    ensure!(alone["directory"] == "away" && alone["from"] == "own", "{alone}");
    ensure!(alone["hits"][0]["call"] == "anna", "{alone}");
    let mistyped = paris.search(0, "matrin").await?;
    ensure!(mistyped["hits"][0]["call"] == "anna", "{mistyped}");
    paris.create("dora", "Dora Lazare").await?;
    directory.run().await?;
    let dora = format!("dora@{PARIS}");
    let caught_up = oslo.finds(&[0], "lazare", &dora, true).await?;
    Ok(vec![
        within("an answer without the Directory", took, Duration::from_secs(1))?,
        format!("caught up after {} ms", caught_up.as_millis()),
    ])
}

/// Another node goes on where the leader ended.
async fn loss_of_the_leader(paris: &mut Side, oslo: &Side) -> anyhow::Result<Vec<String>> {
    let leader = paris.server.leader().await?;
    paris.server.kill(leader)?;
    paris.create("eva", "Eva Nouveau").await?;
    let eva = format!("eva@{PARIS}");
    let took = oslo.finds(&[0], "nouveau", &eva, true).await?;
    paris.server.restart(leader).await?;
    paris.wait_connected().await?;
    Ok(vec![format!(
        "found after a new leader was there: {} ms",
        took.as_millis()
    )])
}

/// Either side takes a server out.
async fn leaving(
    directory: &Directory,
    paris: &Side,
    oslo: &Side,
    rome: &Side,
) -> anyhow::Result<Vec<String>> {
    let carla = format!("carla@{ROME}");
    let anna = format!("anna@{PARIS}");
    oslo.finds(&[0], "verdi", &carla, true).await?;
    rome.server
        .post_anywhere("/directory/deactivate", &json!({ "at_once": false }))
        .await?;
    let left = oslo.finds(&[0], "verdi", &carla, false).await?;
    wait("rome has left", async || {
        Ok(rome.state(0).await?["stage"] == "off")
    })
    .await?;
    directory.tell(&["remove", PARIS])?;
    let removed = oslo.finds(&[0], "martin", &anna, false).await?;
    paris.wait_trouble("key_revoked").await?;
    Ok(vec![
        within("deactivated on the server: gone", left, GONE_WITHIN)?,
        within("removed from the Directory: gone", removed, GONE_WITHIN)?,
    ])
}
