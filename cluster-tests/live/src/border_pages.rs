//! People in browsers on both sides of a firewall and two Border Controllers: they see and hear each other by UDP, by TCP and by
//! TURN over TLS where nothing else gets through, and go on when the controller that carries them is lost.

use crate::{
    border::{Inside, TURN, turn_papers, until},
    border_firewall::{DMZ, Lab, NODES, controllers},
    impostor::{Authority, write_papers},
    meeting::PASSWORD,
    scenarios::Figures,
};
use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::json;
use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

const ROOM: &str = "over-the-fence";
const WEBINAR: &str = "for-strangers";
const PEOPLE: [&str; 2] = ["anna", "olav"];

/// Runs the pages' test with UDP, then without by TCP and by TURN, then until a controller is lost.
///
/// # Errors
/// What was not as it must be.
pub async fn border_pages() -> anyhow::Result<Figures> {
    let folder = tempfile::Builder::new().prefix("plenary-border-").tempdir()?;
    let lab = Lab::make()?;
    let inside = Inside::start(folder.path(), &lab.wrapper("lan"), &format!("{NODES}:0")).await?;
    let [certificate, key] = turn_papers(folder.path());
    write_papers(&Authority::new()?, TURN, &certificate, &key)?;
    let (_processes, at) = controllers(&lab, &inside, folder.path()).await?;
    inside.tunnels().await?;
    let webinar = json!({
        "cid": WEBINAR, "name": "For strangers", "access": "public", "settings": { "registration": { "on": true, "email": "required" } },
    });
    inside.call(Method::POST, "/conferences", Some(webinar)).await?;
    for id in PEOPLE {
        let account = json!({ "id": id, "display_name": id, "password": PASSWORD });
        inside.call(Method::POST, "/users", Some(account)).await?;
        let body = json!({ "login": id, "password": PASSWORD });
        until("accounts are everywhere soon", async || {
            let told = inside
                .call_at(0, Method::POST, "/session", Some(body.clone()))
                .await;
            Ok(told.ok().map(drop))
        })
        .await?;
    }
    let pages = Pages {
        server: inside.server().await?,
        hosts: folder.path().join("hosts"),
        inside,
        at,
        configurations: DMZ.map(|(space, _)| folder.path().join(format!("{space}.toml"))),
    };
    pages.meet("udp").await?;
    lab.datagrams(false)?;
    pages.meet("tcp").await?;
    pages.meet("tls").await?;
    lab.datagrams(true)?;
    pages.meet("lost").await?;
    ensure!(
        lab.dropped()? == 0,
        "something in the DMZ wanted to open a way to the inside"
    );
    Ok(Figures::default())
}

struct Pages {
    inside: Inside,
    server: String,
    /// The controllers, for the web, and their configurations.
    at: Vec<SocketAddr>,
    configurations: [PathBuf; 2],
    /// Where names lead for the browsers.
    hosts: PathBuf,
}

impl Pages {
    /// People meet in browsers by UDP, by TCP, by TURN over TLS, or until a controller is lost.
    async fn meet(&self, way: &str) -> anyhow::Result<()> {
        // A room of their own: those of before are kept a place for a minute.
        let cid = format!("{ROOM}-{way}");
        let room = json!({ "cid": cid, "name": "Over the fence", "access": "public" });
        self.inside.call(Method::POST, "/conferences", Some(room)).await?;
        let border = json!({
            "server": self.server, "controllers": self.configurations, "cid": cid, "webinar": WEBINAR, "way": way,
            "password": PASSWORD, "inside": PEOPLE[0], "outside": PEOPLE[1],
        });
        let mut hosts = "127.0.0.1 localhost\n".to_owned();
        for controller in &self.at {
            writeln!(hosts, "{0} {1}\n{0} {TURN}", controller.ip(), self.server)?;
        }
        std::fs::write(&self.hosts, hosts)?;
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node/web-ui");
        let admin = &self.inside.line["admin"];
        let status = tokio::process::Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c"])
            .arg("mount --bind \"$1\" /etc/hosts && exec npm run e2e -- border.spec.ts")
            .arg("sh")
            .arg(&self.hosts)
            .current_dir(web)
            .env("PLENARY_URLS", self.inside.url(0))
            .env("PLENARY_ADMIN", admin["login"].as_str().context("a login")?)
            .env(
                "PLENARY_PASSWORD",
                admin["password"].as_str().context("a password")?,
            )
            .env("PLENARY_BORDER", border.to_string())
            .status()
            .await
            .context("unshare")?;
        ensure!(status.success(), "people do not meet by {way}");
        Ok(())
    }
}
