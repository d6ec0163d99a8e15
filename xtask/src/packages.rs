//! Programs that come from Debian, installed where they are missing.

use crate::steps::{has, step};
use anyhow::bail;
use std::{
    io::{BufRead as _, IsTerminal as _},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

static AGREED: AtomicBool = AtomicBool::new(false);

/// Whoever runs this agreed in advance to everything that may be installed.
pub(crate) fn agree() {
    AGREED.store(true, Ordering::Relaxed);
}

/// Whether they did.
pub(crate) fn is_agreed() -> bool {
    AGREED.load(Ordering::Relaxed)
}

/// Makes sure that `program` is there; it comes from the Debian package `package` and is needed for `purpose`.
///
/// # Errors
/// When it is missing and was not installed; the text says how to get it.
pub(crate) fn need(program: &str, package: &str, purpose: &str) -> anyhow::Result<()> {
    if has(program) {
        return Ok(());
    }
    if !may(&format!("apt-get install {package} ({purpose})")) {
        bail!("{program} is missing ({purpose}); get it with: apt-get install {package}");
    }
    install(&[package])?;
    if has(program) {
        return Ok(());
    }
    bail!("{program} is still missing after installing {package}")
}

/// Whether something may be done to this machine: under CI and with --yes at once, on a terminal after asking, else not.
pub(crate) fn may(what: &str) -> bool {
    let under_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    if under_ci || is_agreed() {
        return true;
    }
    if !std::io::stdin().is_terminal() {
        return false;
    }
    eprint!("{what}: do it now? [Y/n] ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    // Nothing read is the end of the input, not an empty answer.
    read.is_ok_and(|bytes| bytes > 0) && matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes")
}

/// Installs Debian packages; whether this may be done was asked before.
pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    // Lists of packages may be missing or old.
    apt(&arguments).or_else(|_| {
        apt(&["update"])?;
        apt(&arguments)
    })
}

/// The version of a package that would be installed, as far as this machine knows.
pub(crate) fn candidate(package: &str) -> Option<String> {
    let mut command = Command::new("apt-cache");
    command.args(["policy", package]).env("LC_ALL", "C");
    let text = String::from_utf8(command.output().ok()?.stdout).ok()?;
    candidate_of(&text)
}

/// Out of what apt-cache says, without an epoch.
fn candidate_of(text: &str) -> Option<String> {
    let version = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    let version = version
        .split_once(':')
        .map_or(version, |(_epoch, version)| version);
    (version != "(none)").then(|| version.to_owned())
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    let shown = format!("apt-get {}", arguments.join(" "));
    if !has("apt-get") {
        bail!("this is no Debian: {shown} cannot be run; install the same by your system's means");
    }
    let user = Command::new("id").arg("-u").output();
    let mut command = if user.is_ok_and(|output| output.stdout == b"0\n") {
        Command::new("apt-get")
    } else if has("sudo") {
        let mut command = Command::new("sudo");
        command.arg("apt-get");
        command
    } else {
        bail!("{shown} needs root");
    };
    // Another apt may be at work, as after the start of a machine.
    command
        .args(["-q", "-o", "DPkg::Lock::Timeout=300"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    step(command, &shown)
}

#[cfg(test)]
mod tests {
    use super::candidate_of;

    #[test]
    fn what_apt_would_install_is_read() {
        let text = "nodejs:\n  Installed: (none)\n  Candidate: 1:20.19.2+dfsg-1\n  Version table:\n";
        assert_eq!(candidate_of(text).as_deref(), Some("20.19.2+dfsg-1"));
        assert_eq!(
            candidate_of("nodejs:\n  Installed: (none)\n  Candidate: (none)\n"),
            None
        );
        assert_eq!(candidate_of(""), None);
    }
}
