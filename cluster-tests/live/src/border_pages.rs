//! People in browsers on both sides of a firewall and a Border Controller: they see and hear each other by UDP, and by TCP where
//! nothing else gets through.

use crate::{
    border::{Inside, until},
    border_firewall::{Lab, NODES, controllers},
    meeting::PASSWORD,
    scenarios::Figures,
};
use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::json;
use std::path::Path;

const ROOM: &str = "over-the-fence";
const WEBINAR: &str = "for-strangers";
const PEOPLE: [&str; 2] = ["anna", "olav"];

/// Runs the pages' test with UDP, then without.
///
/// # Errors
/// What was not as it must be.
pub async fn border_pages() -> anyhow::Result<Figures> {
    let folder = tempfile::Builder::new().prefix("plenary-border-").tempdir()?;
    let lab = Lab::make()?;
    let inside = Inside::start(folder.path(), &lab.wrapper("lan"), &format!("{NODES}:0")).await?;
    let (_processes, at) = controllers(&lab, &inside, folder.path()).await?;
    inside.tunnels().await?;
    let room = json!({ "cid": ROOM, "name": "Over the fence", "access": "public" });
    inside.call(Method::POST, "/conferences", Some(room)).await?;
    let webinar = json!({
        "cid": WEBINAR, "name": "For strangers", "access": "public", "settings": { "registration": { "on": true } },
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
    let server = inside.server().await?;
    let first = at.first().context("a controller")?;
    for way in ["udp", "tcp"] {
        if way == "tcp" {
            lab.without_datagrams()?;
        }
        let border = json!({
            "server": server, "controller": first.ip(), "cid": ROOM, "webinar": WEBINAR, "way": way, "password": PASSWORD,
            "inside": PEOPLE[0], "outside": PEOPLE[1],
        });
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node/web-ui");
        let admin = &inside.line["admin"];
        let status = tokio::process::Command::new("npm")
            .args(["run", "e2e", "--", "border.spec.ts"])
            .current_dir(web)
            .env("PLENARY_URLS", inside.url(0))
            .env("PLENARY_ADMIN", admin["login"].as_str().context("a login")?)
            .env(
                "PLENARY_PASSWORD",
                admin["password"].as_str().context("a password")?,
            )
            .env("PLENARY_BORDER", border.to_string())
            .status()
            .await
            .context("npm")?;
        ensure!(status.success(), "people do not meet by {way}");
    }
    ensure!(
        lab.dropped()? == 0,
        "something in the DMZ wanted to open a way to the inside"
    );
    Ok(Figures::default())
}
