//! Files that are made from code and committed.

use crate::{
    steps::{build, built, root},
    web,
};
use anyhow::{Context as _, bail};
use std::{path::PathBuf, process::Stdio};

fn openapi_file() -> PathBuf {
    root().join("base/contracts/openapi/v1.json")
}

fn openapi() -> anyhow::Result<Vec<u8>> {
    build(&[])?;
    let output = built("examples/openapi").stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("the interface could not be described ({})", output.status);
    }
    Ok(output.stdout)
}

/// Writes them.
pub(crate) fn write() -> anyhow::Result<()> {
    let file = openapi_file();
    std::fs::write(&file, openapi()?).with_context(|| format!("{} cannot be written", file.display()))?;
    web::write_types()
}

/// Compares them with what the code says.
pub(crate) fn check() -> anyhow::Result<()> {
    if std::fs::read(openapi_file()).unwrap_or_default() != openapi()? {
        bail!("base/contracts/openapi/v1.json is not what the code says: run cargo xtask generate");
    }
    web::check_types()
}
