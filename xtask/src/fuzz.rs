//! Fuzzers of everything that reads bytes of strangers: `cluster-tests/fuzz`.

use crate::{
    packages::may,
    steps::{cargo, cargo_command, has, root, step},
};
use anyhow::{Context as _, bail};
use std::path::PathBuf;

const FOLDER: &str = "cluster-tests/fuzz";

/// Runs these targets, all if none is named, each for so long.
pub(crate) fn run(targets: &[String], seconds: u32) -> anyhow::Result<()> {
    let known = known()?;
    if let Some(unknown) = targets.iter().find(|target| !known.contains(target)) {
        bail!("there is no target {unknown:?}; there are {}", known.join(", "));
    }
    if !has("cargo-fuzz") {
        if !may("cargo install cargo-fuzz (runs fuzzers)") {
            bail!("cargo-fuzz is missing; get it with: cargo install cargo-fuzz");
        }
        cargo(&["install", "--locked", "cargo-fuzz"])?;
    }
    for target in if targets.is_empty() { &known } else { targets } {
        let seeds = root().join(FOLDER).join("seeds").join(target);
        let corpus = root().join(FOLDER).join("corpus").join(target);
        std::fs::create_dir_all(&corpus)?;
        // Without a sanitizer it needs no compiler of tomorrow; there is no unsafe code of ours for one to watch.
        let mut command = cargo_command(&["fuzz", "run", "--fuzz-dir", FOLDER, "--sanitizer", "none"]);
        // A folder of their own: builds of everything else need not wait.
        if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
            command
                .arg("--target-dir")
                .arg(PathBuf::from(target).join("fuzz"));
        }
        command.arg(target).arg(&corpus);
        if seeds.exists() {
            command.arg(&seeds);
        }
        command.args([
            "--",
            &format!("-max_total_time={seconds}"),
            "-max_len=16384",
            "-timeout=5",
        ]);
        step(command, &format!("fuzz {target} for {seconds} s"))?;
    }
    Ok(())
}

fn known() -> anyhow::Result<Vec<String>> {
    let folder = root().join(FOLDER).join("targets");
    let files = std::fs::read_dir(&folder).with_context(|| format!("{} is missing", folder.display()))?;
    let mut names = Vec::new();
    for file in files {
        let path = file?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
