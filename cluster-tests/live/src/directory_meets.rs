//! Two servers of one enterprise, whose people find each other in its Directory and call each other: without lists of servers,
//! by REST and by the pages (ENT-03, FED-01).

use crate::{
    Place,
    directory::{Directory, Side},
    enterprise::wait,
    federation::{OSLO, PARIS, Setting, World, meet_by},
    meeting::PASSWORD,
    phone::Phone,
    scenarios::Figures,
    server::ADMIN_PASSWORD,
};
use anyhow::{Context as _, ensure};
use serde_json::json;
use std::path::Path;

/// Both servers. They meet whom their whitelists name, which is nobody.
struct Enterprise {
    _directory: Directory,
    paris: Side,
    oslo: Side,
    _world: World,
}

impl Enterprise {
    async fn start() -> anyhow::Result<Self> {
        let directory = Directory::start(None).await?;
        let setting = Setting {
            paris: vec![Place::local()],
            oslo: vec![Place::local()],
            enterprise: Some(directory.authority()),
            ..Setting::default()
        };
        let (paris, oslo, _, world) = setting.start().await?;
        let (paris, oslo) = (Side::of(paris, 1).await?, Side::of(oslo, 1).await?);
        for side in [&paris, &oslo] {
            meet_by(&side.server, "whitelist", &[], &[]).await?;
        }
        paris.create("anna", "Anna Martin").await?;
        oslo.create("olav", "Olav Nordmann").await?;
        Ok(Self {
            _directory: directory,
            paris,
            oslo,
            _world: world,
        })
    }

    /// Both come into the Directory, find each other, and know that they are of one enterprise.
    async fn connect(&self) -> anyhow::Result<()> {
        for side in [&self.paris, &self.oslo] {
            side.activate(&self._directory).await?;
        }
        for side in [&self.paris, &self.oslo] {
            side.wait_connected().await?;
        }
        self.paris
            .finds(&[0], "nordmann", &format!("olav@{OSLO}"), true)
            .await?;
        self.oslo
            .finds(&[0], "martin", &format!("anna@{PARIS}"), true)
            .await?;
        for (side, other) in [(&self.paris, OSLO), (&self.oslo, PARIS)] {
            wait("the servers may meet", async || {
                let path = format!("/me/partners/{other}");
                Ok(side.server.get(0, &path).await?["reason"].is_null())
            })
            .await?;
        }
        Ok(())
    }
}

/// Whoever finds somebody calls them, though no list names their server; and nobody does where there is no Directory.
pub async fn directory_calls() -> anyhow::Result<Figures> {
    let enterprise = Enterprise::start().await?;
    let Enterprise { paris, oslo, .. } = &enterprise;
    let anna = Phone::sign_in(&paris.server, "anna", &[0]).await?;
    let olav = Phone::sign_in(&oslo.server, "olav", &[0]).await?;
    let to = format!("olav@{OSLO}");
    let refused = anna.call(&to).await;
    ensure!(
        !refused.as_ref().is_ok_and(|call| call["state"] == "ringing"),
        "no list names the other server: {refused:?}"
    );
    enterprise.connect().await?;
    let call = anna.call(&to).await?;
    ensure!(call["state"] == "ringing", "{call}");
    let rings = olav.wait_ringing(0, &format!("anna@{PARIS}")).await?;
    olav.decline(&rings).await?;
    let back = olav.call(&format!("anna@{PARIS}")).await?;
    ensure!(back["state"] == "ringing", "{back}");
    let rings = anna.wait_ringing(0, &format!("olav@{OSLO}")).await?;
    anna.decline(&rings).await?;
    Ok(Figures::default())
}

/// Three letters, arrow down, Enter, Enter, and it rings on the other server: `directory-pages.spec.ts`.
pub async fn directory_pages() -> anyhow::Result<Figures> {
    let enterprise = Enterprise::start().await?;
    enterprise.connect().await?;
    let other = json!({
        "url": enterprise.oslo.server.nodes()[0],
        "caller": { "login": "anna", "password": PASSWORD },
        "called": { "login": "olav", "password": PASSWORD },
    });
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node/web-ui");
    let status = tokio::process::Command::new("npm")
        .args(["run", "e2e", "--", "directory-pages.spec.ts"])
        .current_dir(web)
        .env("PLENARY_URLS", enterprise.paris.server.nodes().join(","))
        .env("PLENARY_ADMIN", "admin")
        .env("PLENARY_PASSWORD", ADMIN_PASSWORD)
        .env("PLENARY_ENTERPRISE", other.to_string())
        .status()
        .await
        .context("npm")?;
    ensure!(
        status.success(),
        "people of two servers do not call each other by their pages"
    );
    Ok(Figures::default())
}
