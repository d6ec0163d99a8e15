//! The interface tested by what its description says, with Schemathesis.

use crate::{
    packages, python,
    server::Server,
    steps::{root, step},
};
use anyhow::{Context as _, bail};
use std::process::Command;

/// One version, for runs that can be repeated.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// Sends what the description of the interface allows, and what it does not, to a running server: never a 5xx, never
/// an answer that is not described. What is sent and what is left out stands in xtask/schemathesis/schemathesis.toml.
pub(crate) fn test() -> anyhow::Result<()> {
    if !packages::may(&format!(
        "pip install {SCHEMATHESIS} beside what cargo builds (tests of the interface)"
    )) {
        bail!("Schemathesis tests the interface; run this with --yes to have it installed");
    }
    let program = python::environment("schemathesis", SCHEMATHESIS)?.join("bin/schemathesis");
    let server = Server::start(1, &[])?;
    let url = server.urls.first().context("the server has an address")?;
    // It keeps what it found in the folder where it runs.
    let folder = tempfile::tempdir()?;
    let settings = root().canonicalize()?.join("xtask/schemathesis");
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(settings.join("schemathesis.toml"))
        .arg("run")
        .arg(root().canonicalize()?.join("base/contracts/openapi/v1.json"))
        .args(["--url", url])
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", settings)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PLENARY_URL", url)
        .env("PLENARY_ADMIN", &server.admin)
        .env("PLENARY_PASSWORD", &server.password);
    step(command, "schemathesis run base/contracts/openapi/v1.json")
}
