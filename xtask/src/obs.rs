//! OBS Studio streams into a room by WHIP: the long test `obs`.
//!
//! OBS speaks WHIP from 30 on, Debian 12 has 29. So it runs in a Debian 13 of its own, a folder beside what cargo builds,
//! which is kept for the next time. Debian leaves the part of OBS that speaks WHIP out; it is built there, from Debian's
//! sources, with libdatachannel from the sources in a crate.

use crate::{
    debian,
    media::{Room, aiortc},
    server::Server,
    steps::{cargo_command, step, tools},
};
use anyhow::{Context as _, bail};
use cargo_metadata::Metadata;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

const RELEASE: &str = "trixie";
const PACKAGES: &str = "ca-certificates";
/// The crate holds the sources of libdatachannel 0.23.2.
const LIBDATACHANNEL: (&str, &str) = ("datachannel-sys", "=0.23.0");
const BUILD: &str = include_str!("../obs/build.sh");

pub(crate) fn test() -> anyhow::Result<()> {
    debian::need("a Debian with an OBS that speaks WHIP")?;
    let aiortc = aiortc()?;
    let debian = with_obs()?;
    let server = Server::start(1, &[])?;
    let room = Room { server: &server };
    let debian = debian
        .to_str()
        .context("the folder of what cargo builds is UTF-8")?;
    step(
        room.client(&aiortc, "obs_room.py", &[debian])?,
        "obs_room.py: OBS streams, aiortc watches",
    )
}

/// The folder of the Debian, which is made if it is not there.
fn with_obs() -> anyhow::Result<PathBuf> {
    let folder = tools().join("obs");
    let marker = folder.join("holds");
    let holds = format!("{RELEASE} {} {BUILD}", LIBDATACHANNEL.1);
    if std::fs::read_to_string(&marker).is_ok_and(|text| text == holds) {
        return Ok(std::path::absolute(folder)?);
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    debian::make(&folder, RELEASE, PACKAGES)?;
    let sources = folder.join("usr/src/whip");
    std::fs::create_dir_all(&sources)?;
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(libdatachannel()?).arg(&sources);
    step(copy, "cp -r libdatachannel")?;
    std::fs::write(sources.join("build.sh"), BUILD)?;
    let mut build = Command::new("chroot");
    build.arg(&folder).args(["sh", "/usr/src/whip/build.sh", RELEASE]);
    step(build, "OBS with WHIP")?;
    std::fs::write(marker, holds)?;
    Ok(std::path::absolute(folder)?)
}

/// Where cargo has put the sources of libdatachannel.
fn libdatachannel() -> anyhow::Result<PathBuf> {
    let (name, version) = LIBDATACHANNEL;
    let folder = tempfile::tempdir()?;
    let manifest = format!(
        "[package]\nname = \"sources\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         {name} = \"{version}\"\n"
    );
    std::fs::create_dir(folder.path().join("src"))?;
    std::fs::write(folder.path().join("src/lib.rs"), "")?;
    std::fs::write(folder.path().join("Cargo.toml"), manifest)?;
    let mut command = cargo_command(&["metadata", "--format-version", "1"]);
    let output = command.current_dir(folder.path()).output()?;
    if !output.status.success() {
        bail!(
            "{name} was not fetched: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let package = metadata.packages.iter().find(|package| package.name == name);
    let manifest = &package.context("cargo knows what it fetched")?.manifest_path;
    let sources = Path::new(manifest)
        .parent()
        .map(|folder| folder.join("libdatachannel"));
    sources.context("a manifest is in a folder")
}
