//! The newcomer's way: a fresh clone on a fresh Debian, with the two commands of the README.
//!
//! The Debian is a folder made by debootstrap, entered in namespaces of its own: whatever is mounted or started there
//! goes with them. From this machine come the Rust toolchain (read-only; the README asks for it), which authorities
//! are trusted and how the package registries are reached.

use crate::{
    debian,
    steps::{root, step},
};
use std::{
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
    debian::need("a fresh Debian to try the README in")?;
    let folder = tempfile::Builder::new()
        .prefix("plenary-fresh-")
        .tempdir_in("/var/tmp")?;
    let debian = folder.path();
    debian::make(debian, "bookworm", PACKAGES)?;
    for folder in ["opt/rust", "home/newcomer"] {
        std::fs::create_dir_all(debian.join(folder))?;
    }

    let mut clone = Command::new("git");
    clone
        .args(["clone", "--quiet", "--no-hardlinks"])
        .arg(root())
        .arg(debian.join("home/newcomer/plenary"));
    step(clone, "git clone")?;
    std::fs::write(debian.join("home/newcomer/script.sh"), NEWCOMER)?;
    step(inside(debian)?, "the two commands of the README")
}

/// The command that runs the script inside.
fn inside(debian: &Path) -> anyhow::Result<Command> {
    let mut command = debian::apart(ENTER);
    command
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
        .args(debian::way_to_registries())
        .args(["sh", "/home/newcomer/script.sh"]);
    Ok(command)
}

/// The folder of the toolchain that runs this.
fn toolchain() -> anyhow::Result<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output()?;
    let path = String::from_utf8(output.stdout)?;
    Ok(path.trim().into())
}
