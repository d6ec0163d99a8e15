//! Copies of all data of a server.

use crate::{client::Client, output::say};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use futures::StreamExt as _;
use reqwest::Method;
use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Copies of all data of a server.
#[derive(Subcommand)]
pub(crate) enum Backup {
    /// Write a consistent copy while the server runs
    ///
    /// The file holds password hashes and addresses: keep it where only administrators read.
    Create { file: PathBuf },
    /// Check that a copy is whole and says what it should
    Verify { file: PathBuf },
    /// Make an empty data folder into a server with the data of a copy
    ///
    /// Run it on the machine of the first node, with the node stopped. Further nodes join the restored
    /// server with new tokens, however many there were before.
    Restore {
        file: PathBuf,
        /// Data folder to make; must be empty or not exist
        #[arg(long)]
        data: PathBuf,
        /// Folder of the enterprise's root certificate and key: the restored server gets new certificates
        #[arg(long)]
        authority: PathBuf,
        /// Configuration of the node
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

impl Backup {
    pub(crate) async fn run(self, connect: impl Fn() -> anyhow::Result<Client>) -> anyhow::Result<()> {
        match self {
            Backup::Create { file } => create(&connect()?, &file).await,
            Backup::Verify { file } => {
                node_program(["restore".as_ref(), "--verify".as_ref(), file.as_os_str()])
            }
            Backup::Restore {
                file,
                data,
                authority,
                config,
            } => {
                let mut arguments = vec![
                    "restore".as_ref(),
                    file.as_os_str(),
                    "--data".as_ref(),
                    data.as_os_str(),
                    "--authority".as_ref(),
                    authority.as_os_str(),
                ];
                if let Some(config) = &config {
                    arguments.extend(["--config".as_ref(), config.as_os_str()]);
                }
                node_program(arguments)
            }
        }
    }
}

async fn create(client: &Client, file: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        !file.exists(),
        "{} exists already; choose another name",
        file.display()
    );
    let partial = file.with_extension("partial");
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)
        .with_context(|| format!("{} cannot be written", partial.display()))?;
    let response = client.stream(client.request(Method::GET, "/backup")).await?;
    let mut bytes = 0u64;
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.context("the connection broke; nothing was kept")?;
        out.write_all(&chunk)?;
        bytes += chunk.len() as u64;
    }
    out.sync_all()?;
    std::fs::rename(&partial, file)?;
    node_program(["restore".as_ref(), "--verify".as_ref(), file.as_os_str()])
        .context("the copy was written but does not verify")?;
    say(&format!("Wrote {} ({bytes} bytes).", file.display()));
    Ok(())
}

/// Runs `plenary-node`, which stands beside this program or in the path: it knows the format of the data.
fn node_program<'a>(arguments: impl IntoIterator<Item = &'a std::ffi::OsStr>) -> anyhow::Result<()> {
    let beside = std::env::current_exe()
        .ok()
        .map(|exe| exe.with_file_name("plenary-node"))
        .filter(|path| path.exists());
    let program = beside.unwrap_or_else(|| "plenary-node".into());
    let status = Command::new(&program).args(arguments).status();
    match status
        .with_context(|| format!("{} cannot be started", program.display()))?
        .code()
    {
        Some(0) => Ok(()),
        _ => bail!("{} failed; its reason is above", program.display()),
    }
}
