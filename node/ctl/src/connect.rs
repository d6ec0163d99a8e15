//! Signing in and out.

use crate::{
    client::{self, Client, Saved},
    output::{Output, say},
};
use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

/// Sign in and keep the session for later commands.
///
/// The password is asked for without echo; in scripts give it by PLENARY_PASSWORD or --password-file.
#[derive(Args)]
pub(crate) struct Login {
    /// User ID or email
    #[arg(long, short, default_value = "admin")]
    login: String,
    /// File with the password in its first line
    #[arg(long)]
    password_file: Option<std::path::PathBuf>,
}

impl Login {
    pub(crate) async fn run(
        self,
        url: Option<&str>,
        ca: Option<&Path>,
        output: Output,
    ) -> anyhow::Result<()> {
        let url = url
            .context("give the server's address: plenaryctl login --url https://…")?
            .trim_end_matches('/');
        let password = self.password()?;
        let body = json!({ "login": self.login, "password": password, "device_label": "plenaryctl" });
        let request = client::http(ca)?
            .post(format!("{url}/api/v1/session"))
            .json(&body);
        let answer = client::json(request).await?;
        let token = answer["token"].as_str().context("the server gave no token")?;
        let ca = ca.map(std::fs::canonicalize).transpose()?;
        save(&Saved {
            url: url.to_owned(),
            token: token.to_owned(),
            ca,
        })?;
        output.one(&json!({ "url": url, "expires_at": answer["expires_at"] }), || {
            format!(
                "Signed in at {url} until {}.",
                answer["expires_at"].as_str().unwrap_or_default()
            )
        });
        Ok(())
    }

    fn password(&self) -> anyhow::Result<String> {
        if let Some(file) = &self.password_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("the password file {} cannot be read", file.display()))?;
            return Ok(text.lines().next().unwrap_or_default().to_owned());
        }
        if let Ok(password) = std::env::var("PLENARY_PASSWORD") {
            return Ok(password);
        }
        rpassword::prompt_password(format!("Password of {}: ", self.login))
            .context("no terminal to ask for the password")
    }
}

fn save(saved: &Saved) -> anyhow::Result<()> {
    let path = client::saved_path()?;
    let folder = path.parent().context("the session file has no folder")?;
    std::fs::create_dir_all(folder)?;
    let fresh = path.with_extension("new");
    std::fs::remove_file(&fresh).ok();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(&serde_json::to_vec(saved)?)?;
    Ok(std::fs::rename(&fresh, &path)?)
}

pub(crate) async fn logout(client: Client) -> anyhow::Result<()> {
    let ended = client.write(reqwest::Method::DELETE, "/session", None).await;
    std::fs::remove_file(client::saved_path()?).ok();
    ended?;
    say("Signed out.");
    Ok(())
}
