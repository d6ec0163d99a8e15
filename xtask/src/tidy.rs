//! House rules that no other tool checks.

mod dependencies;
mod layers;
mod licence;
mod status;
mod text;

use crate::steps::root;
use anyhow::{Context as _, bail};
use cargo_metadata::{CargoOpt, Metadata, MetadataCommand};
use std::{path::PathBuf, process::Command};

/// Checks all files that git knows or would take, and all packages.
pub(crate) fn check() -> anyhow::Result<()> {
    let files = files()?;
    let metadata = metadata()?;
    let mut faults = text::faults(&files);
    faults.extend(status::faults(&files, &metadata)?);
    faults.extend(layers::faults(&metadata));
    faults.extend(dependencies::faults(&metadata)?);
    if faults.is_empty() {
        return Ok(());
    }
    bail!("house rules are broken:\n  {}", faults.join("\n  "))
}

fn files() -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("git cannot be started; it says which files belong to the project")?;
    if !output.status.success() {
        bail!(
            "git does not say which files belong to the project: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let text = String::from_utf8(output.stdout).context("names of files are UTF-8")?;
    let names = text.split('\0').filter(|name| !name.is_empty());
    // One that was deleted and not yet committed is still in the index.
    Ok(names
        .map(PathBuf::from)
        .filter(|name| root().join(name).exists())
        .collect())
}

fn metadata() -> anyhow::Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    command.features(CargoOpt::AllFeatures);
    let mut options = vec!["--locked".to_owned()];
    for platform in dependencies::platforms()? {
        options.extend(["--filter-platform".to_owned(), platform]);
    }
    command.other_options(options);
    command.exec().context("the packages are not known")
}
