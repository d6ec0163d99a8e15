//! Media with stacks that are not ours: cluster-tests/interop.

use crate::{
    packages, python,
    server::Server,
    steps::{root, step},
};
use anyhow::{Context as _, bail};
use std::process::Command;

/// One version each, for runs that can be repeated.
const AIORTC: &str = "aiortc==1.16.0 aiohttp==3.14.5 numpy==2.4.6";

/// aiortc publishes into the demo room by WHIP and watches it by WHEP.
pub(crate) fn test() -> anyhow::Result<()> {
    if !packages::may(&format!(
        "pip install {AIORTC} beside what cargo builds (tests of media)"
    )) {
        bail!("aiortc tests the media; run this with --yes to have it installed");
    }
    let program = python::environment("aiortc", AIORTC)?.join("bin/python3");
    let server = Server::start(1, &[])?;
    let url = server.urls.first().context("the server has an address")?;
    let mut command = Command::new(program);
    command
        .arg(root().join("cluster-tests/interop/aiortc_room.py"))
        .args([url, &server.room])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PLENARY_ADMIN", &server.admin)
        .env("PLENARY_PASSWORD", &server.password);
    step(command, "aiortc_room.py: two publish, one watches")
}
