//! Tools from PyPI, each in an environment of its own beside what cargo builds.

use crate::{
    packages,
    steps::{step, tools},
};
use std::{path::PathBuf, process::Command};

/// The folder of an environment that holds exactly these requirements, as `schemathesis==4.0.0`, with blanks between.
///
/// Whether this may be done was asked before.
pub(crate) fn environment(name: &str, requirement: &str) -> anyhow::Result<PathBuf> {
    let folder = tools().join(name);
    let marker = folder.join("holds");
    // The Python of the system, to which it is bound, may have gone meanwhile.
    let starts = Command::new(folder.join("bin/python3")).arg("--version").output();
    let starts = starts.is_ok_and(|output| output.status.success());
    if starts && std::fs::read_to_string(&marker).is_ok_and(|text| text == requirement) {
        return Ok(folder);
    }
    packages::need("python3", "python3", requirement)?;
    let create = || {
        let mut command = Command::new("python3");
        command.args(["-m", "venv", "--clear"]).arg(&folder);
        step(command, &format!("python3 -m venv --clear {}", folder.display()))
    };
    // Debian keeps the module in a package of its own.
    create().or_else(|_| {
        packages::install(&["python3-venv"])?;
        create()
    })?;
    let mut install = Command::new(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check"]);
    install.args(requirement.split_whitespace());
    step(install, &format!("pip install {requirement}"))?;
    std::fs::write(&marker, requirement)?;
    Ok(folder)
}
