//! Steps that other programs do, each shown with the time that it took.

use anyhow::{Context as _, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::Instant,
};

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    /// Asked when it runs: a program out of a build cache may have been compiled for another checkout.
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
            |xtask| Path::new(&xtask).join(".."),
        )
    });
    &ROOT
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Where tools are kept that are neither the system's nor in the tree; they may be deleted at any time.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

pub(crate) fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    step(
        cargo_command(arguments),
        &format!("cargo {}", arguments.join(" ")),
    )
}

pub(crate) fn cargo_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Builds programs of the workspace, and the example that describes the interface.
///
/// Features of dependencies depend on what is built together: with `cargo run -p` many dependencies would be compiled
/// once more than for `cargo test --workspace`. With the whole workspace in view, and with an example, which brings the
/// dependencies of tests into view, everything is compiled once.
pub(crate) fn build(programs: &[&str]) -> anyhow::Result<()> {
    let mut arguments = vec!["build", "--workspace", "--example", "openapi"];
    for program in programs {
        arguments.extend(["--bin", program]);
    }
    cargo(&arguments)
}

/// The command of a program that was built; for examples as `examples/openapi`.
pub(crate) fn built(program: &str) -> Command {
    Command::new(target().join("debug").join(program))
}

/// The same of what was built with `--release`.
pub(crate) fn released(program: &str) -> Command {
    Command::new(target().join("release").join(program))
}

/// Runs one step to its end and says how long it took.
pub(crate) fn step(mut command: Command, shown: &str) -> anyhow::Result<()> {
    eprintln!("── {shown}");
    let started = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("{shown} cannot be started"))?;
    if !status.success() {
        bail!("{shown} failed ({status})");
    }
    eprintln!("── {shown}: {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Whether a program can be found; those for administrators too.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(program).is_file())
}
