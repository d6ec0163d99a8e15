//! A Debian in a folder: made by debootstrap, entered by chroot in namespaces of its own.

use crate::{packages, steps::step};
use anyhow::{Context as _, bail};
use std::{ffi::OsString, path::Path, process::Command};

/// Whether one can be made and entered here; `purpose` says what for.
pub(crate) fn need(purpose: &str) -> anyhow::Result<()> {
    packages::need("debootstrap", "debootstrap", purpose)?;
    packages::need("unshare", "util-linux", "namespaces for that Debian")?;
    let user = Command::new("id").arg("-u").output()?;
    if user.stdout != b"0\n" {
        bail!("a Debian in a folder is made by root only: run this as root");
    }
    Ok(())
}

/// Makes one of this release with these packages beyond the smallest set, and gives it what a machine gets when it is
/// installed: names, and which authorities are trusted.
pub(crate) fn make(folder: &Path, release: &str, packages: &str) -> anyhow::Result<()> {
    let mut command = Command::new("debootstrap");
    command
        .args(["--variant=minbase", &format!("--include={packages}"), release])
        .arg(folder);
    step(command, &format!("debootstrap {release}"))?;
    for file in ["etc/resolv.conf", "etc/hosts"] {
        std::fs::copy(Path::new("/").join(file), folder.join(file))
            .with_context(|| format!("/{file} cannot be copied"))?;
    }
    let own = Path::new("/usr/local/share/ca-certificates");
    for entry in std::fs::read_dir(own).into_iter().flatten() {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "crt")
            && let Some(name) = path.file_name()
        {
            std::fs::copy(&path, folder.join("usr/local/share/ca-certificates").join(name))?;
        }
    }
    let mut trust = Command::new("chroot");
    trust.arg(folder).arg("update-ca-certificates");
    step(trust, "update-ca-certificates")
}

/// A shell script that runs in mount and process namespaces of its own: whatever it mounts or starts goes with it. The
/// arguments that are added are its `$1` and so on.
pub(crate) fn apart(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--propagation",
            "private",
        ])
        .args(["sh", "-c", script, "sh"]);
    command
}

/// Variables that say through which proxy registries are reached, and who is trusted on the way.
pub(crate) fn way_to_registries() -> impl Iterator<Item = OsString> {
    std::env::vars_os().filter_map(|(name, value)| {
        is_of_the_way(name.to_str()?).then(|| {
            let mut both = name;
            both.push("=");
            both.push(value);
            both
        })
    })
}

fn is_of_the_way(variable: &str) -> bool {
    let name = variable.to_uppercase();
    name.ends_with("_PROXY")
        || [
            "_CERT",
            "_CERTS",
            "_CERT_FILE",
            "_CERT_DIR",
            "CA_BUNDLE",
            "CAINFO",
        ]
        .iter()
        .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::is_of_the_way;

    #[test]
    fn only_the_way_to_registries_goes_along() {
        for taken in [
            "https_proxy",
            "NO_PROXY",
            "SSL_CERT_FILE",
            "NODE_EXTRA_CA_CERTS",
            "PIP_CERT",
        ] {
            assert!(is_of_the_way(taken), "{taken}");
        }
        for left in [
            "PATH",
            "HOME",
            "CARGO_TARGET_DIR",
            "CARGO_HOME",
            "PIP_FIND_LINKS",
            "RUSTUP_HOME",
        ] {
            assert!(!is_of_the_way(left), "{left}");
        }
    }
}
