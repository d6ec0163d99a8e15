//! The newcomer's way: a fresh clone on a fresh Debian, with the two commands of the README.
//!
//! The Debian is a folder made by debootstrap, entered in namespaces of its own: whatever is mounted or started there
//! goes with them. From this machine come the Rust toolchain (read-only; the README asks for it), which authorities
//! are trusted and how the package registries are reached.

use crate::{
    packages,
    steps::{root, step},
};
use anyhow::{Context as _, bail};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// What the README asks for besides Rust, what it takes to reach registries, and what the script asks the server with.
const PACKAGES: &str = "ca-certificates,curl,gcc,git,libc6-dev";
const NEWCOMER: &str = include_str!("../fresh/newcomer.sh");
/// Mounts and goes inside; `$1` is the Debian, `$2` the toolchain, `$3` the authorities that this machine trusts.
const ENTER: &str = r#"
set -eu
mount -t proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount --rbind /dev "$1/dev"
mount --bind "$2" "$1/opt/rust"
mount -o remount,bind,ro "$1/opt/rust"
mount --bind "$3" "$1$3"
shift 3
exec "$@"
"#;
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Runs both commands of the README in a fresh Debian; its inner run of the tests has no long ones.
pub(crate) fn test() -> anyhow::Result<()> {
    packages::need(
        "debootstrap",
        "debootstrap",
        "a fresh Debian to try the README in",
    )?;
    packages::need("unshare", "util-linux", "namespaces for that Debian")?;
    let user = Command::new("id").arg("-u").output()?;
    if user.stdout != b"0\n" {
        bail!("a Debian in a folder is made by root only: run this as root");
    }
    let folder = tempfile::Builder::new()
        .prefix("plenary-fresh-")
        .tempdir_in("/var/tmp")?;
    let debian = folder.path();
    let mut command = Command::new("debootstrap");
    command
        .args(["--variant=minbase", &format!("--include={PACKAGES}"), "bookworm"])
        .arg(debian);
    step(command, "debootstrap bookworm")?;
    prepare(debian)?;

    let mut clone = Command::new("git");
    clone
        .args(["clone", "--quiet", "--no-hardlinks"])
        .arg(root())
        .arg(debian.join("home/newcomer/plenary"));
    step(clone, "git clone")?;
    std::fs::write(debian.join("home/newcomer/script.sh"), NEWCOMER)?;
    step(inside(debian)?, "the two commands of the README")
}

/// Gives the Debian what a machine gets when it is installed: names, trusted authorities, all of Debian's packages.
fn prepare(debian: &Path) -> anyhow::Result<()> {
    for folder in ["opt/rust", "home/newcomer"] {
        std::fs::create_dir_all(debian.join(folder))?;
    }
    for file in ["etc/resolv.conf", "etc/hosts"] {
        std::fs::copy(Path::new("/").join(file), debian.join(file))
            .with_context(|| format!("/{file} cannot be copied"))?;
    }
    let own = Path::new("/usr/local/share/ca-certificates");
    for entry in std::fs::read_dir(own).into_iter().flatten() {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "crt")
            && let Some(name) = path.file_name()
        {
            std::fs::copy(&path, debian.join("usr/local/share/ca-certificates").join(name))?;
        }
    }
    let mut trust = Command::new("chroot");
    trust.arg(debian).arg("update-ca-certificates");
    step(trust, "update-ca-certificates")
}

/// The command that runs the script inside.
fn inside(debian: &Path) -> anyhow::Result<Command> {
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
        .args(["sh", "-c", ENTER, "sh"])
        .arg(debian)
        .arg(toolchain()?)
        .arg(TRUSTED)
        .arg("chroot")
        .arg(debian)
        .args([
            "env",
            "--ignore-environment",
            "HOME=/home/newcomer",
            "CI=true",
            "LANG=C.UTF-8",
        ])
        .arg("PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .args(way_to_registries())
        .args(["sh", "/home/newcomer/script.sh"]);
    Ok(command)
}

/// The folder of the toolchain that runs this.
fn toolchain() -> anyhow::Result<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output()?;
    let path = String::from_utf8(output.stdout)?;
    Ok(path.trim().into())
}

/// Variables that say through which proxy registries are reached, and who is trusted on the way.
fn way_to_registries() -> impl Iterator<Item = OsString> {
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
