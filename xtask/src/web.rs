//! The web pages: built and tested with Node.js.

use crate::{
    nodejs::Node,
    packages,
    server::Server,
    steps::{self, root, step},
    turn::TurnServer,
};
use anyhow::{Context as _, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// What the pages are built from.
const SOURCES: &[&str] = &[
    "src",
    "public",
    "index.html",
    "widget.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
    "postcss.config.mjs",
];

/// The types of the REST interface, made from its description in `base/contracts/openapi`.
const TYPES: &str = "src/api/generated";
const TYPES_FILE: &str = "types.gen.ts";

fn folder() -> PathBuf {
    root().join("node/web-ui")
}

fn npm(node: &Node, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = node.command("npm");
    // Chromium comes from Debian.
    command
        .args(arguments)
        .current_dir(folder())
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    step(command, &format!("npm {}", arguments.join(" ")))
}

fn install(node: &Node) -> anyhow::Result<()> {
    npm(node, &["ci", "--no-audit", "--no-fund"])
}

/// Builds the pages if they are older than what they are built from; without Node.js says so and goes on with the page
/// that stands in for them.
pub(crate) fn build_if_possible() -> anyhow::Result<()> {
    if is_up_to_date() {
        return Ok(());
    }
    match Node::get() {
        Ok(node) => build(&node),
        Err(error) => {
            eprintln!(
                "{error:#}. The server runs without the web pages, and its page says so; to get them, install Node.js \
                 and npm and run this again, or run it with --yes to have them installed."
            );
            Ok(())
        }
    }
}

fn build(node: &Node) -> anyhow::Result<()> {
    install_if_changed(node)?;
    npm(node, &["run", "build"])
}

fn install_if_changed(node: &Node) -> anyhow::Result<()> {
    let installed = newest(&folder().join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= newest(&folder().join("package-lock.json")) {
        return Ok(());
    }
    install(node)
}

fn is_up_to_date() -> bool {
    let built = newest(&folder().join("dist/index.html"));
    let changed = SOURCES.iter().filter_map(|source| newest(&folder().join(source)));
    built.is_some() && built >= changed.max()
}

/// When a file, or the newest in a folder, was changed; nothing if it is not there.
fn newest(path: &Path) -> Option<SystemTime> {
    let metadata = std::fs::metadata(path).ok()?;
    // A folder changes when a file in it goes.
    let own = metadata.modified().ok()?;
    if !metadata.is_dir() {
        return Some(own);
    }
    let entries = std::fs::read_dir(path).ok()?.filter_map(Result::ok);
    let inner = entries.filter_map(|entry| newest(&entry.path())).max();
    inner.max(Some(own))
}

/// Writes the types of the REST interface that the pages use.
pub(crate) fn write_types() -> anyhow::Result<()> {
    let node = Node::get().context("the types of the web pages cannot be written")?;
    install_if_changed(&node)?;
    npm(&node, &["run", "generate"])
}

/// Compares them with what the description of the interface says.
pub(crate) fn check_types() -> anyhow::Result<()> {
    let node = Node::get().context("the types of the web pages cannot be checked")?;
    install_if_changed(&node)?;
    let made = tempfile::tempdir()?;
    let output = made.path().to_string_lossy();
    npm(&node, &["run", "generate", "--", "--output", &output])?;
    let file = folder().join(TYPES).join(TYPES_FILE);
    if std::fs::read(file).unwrap_or_default() != std::fs::read(made.path().join(TYPES_FILE))? {
        bail!("node/web-ui/{TYPES} is not what base/contracts/openapi says: run cargo xtask generate");
    }
    Ok(())
}

/// Builds the pages, checks their code and runs their tests.
pub(crate) fn test() -> anyhow::Result<()> {
    let node = Node::get().context("the web pages cannot be tested")?;
    install(&node)?;
    npm(&node, &["run", "lint"])?;
    npm(&node, &["test"])?;
    npm(&node, &["run", "build"])
}

/// Tries the pages of a project of Playwright's configuration in a browser, on a server of three nodes.
pub(crate) fn browse(project: &str, strict: bool) -> anyhow::Result<()> {
    let what = format!("npm run e2e -- --project {project}");
    run_browser(&what, |command, _| {
        command
            .args(["run", "e2e", "--", "--project", project])
            .env("PLENARY_STRICT", strict.to_string());
    })
}

/// Kills and stops nodes under a meeting, and tells how long people did not see each other.
pub(crate) fn lose_nodes() -> anyhow::Result<()> {
    packages::need("pgrep", "procps", "finding the node to kill")?;
    run_browser("npm run e2e -- lost-node.spec.ts", |command, server| {
        command
            .args(["run", "e2e", "--", "lost-node.spec.ts"])
            .env("PLENARY_NODES", &server.nodes);
    })
}

/// Shows that each codec is decoded, and that layers change with the size of the tile.
pub(crate) fn try_codecs() -> anyhow::Result<()> {
    let codecs =
        std::env::var("PLENARY_CODECS").unwrap_or_else(|_| "video/VP8,video/H264,video/VP9,video/AV1".into());
    run_browser("npm run e2e -- codecs.spec.ts", |command, _| {
        command
            .args(["run", "e2e", "--", "codecs.spec.ts"])
            .env("PLENARY_CODECS", codecs);
    })
}

/// Tells how long it takes from the click on Join to the first picture.
pub(crate) fn join_often() -> anyhow::Result<()> {
    let joins = std::env::var("PLENARY_JOINS").unwrap_or_else(|_| "50".to_owned());
    run_browser("npm run e2e -- first-frame.spec.ts", |command, _| {
        command
            .args(["run", "e2e", "--", "first-frame.spec.ts"])
            .env("PLENARY_JOINS", joins);
    })
}

/// Shows that people of two servers meet by the pages of their own ones.
pub(crate) fn meet_partners() -> anyhow::Result<()> {
    packages::need("knotd", "knot", "names of the servers that meet in tests")?;
    let node = ready()?;
    steps::build(&["plenary-node", "plenary-live-tests"])?;
    let mut command = steps::built("plenary-live-tests");
    command.arg("partner-pages").env("PATH", node.path());
    step(command, "plenary-live-tests partner-pages")
}

/// Shows that people of two servers of an enterprise find and call each other by their pages.
pub(crate) fn meet_in_the_directory() -> anyhow::Result<()> {
    packages::need("knotd", "knot", "names of the servers that meet in tests")?;
    let node = ready()?;
    steps::build(&["plenary-node", "plenary-directory", "plenary-live-tests"])?;
    let mut command = steps::built("plenary-live-tests");
    command.arg("directory-pages").env("PATH", node.path());
    step(command, "plenary-live-tests directory-pages")
}

/// Shows that people inside and outside meet through a Border Controller.
pub(crate) fn meet_over_the_border() -> anyhow::Result<()> {
    packages::need("nft", "nftables", "the firewall of the test")?;
    packages::need("ip", "iproute2", "the networks of the test")?;
    let node = ready()?;
    steps::build(&["plenary-node", "plenary-border-controller", "plenary-live-tests"])?;
    let mut command = steps::built("plenary-live-tests");
    command.arg("border-pages").env("PATH", node.path());
    step(command, "plenary-live-tests border-pages")
}

/// All that browsers need, and the pages as they are now.
fn ready() -> anyhow::Result<Node> {
    let node = Node::get().context("the web pages cannot be tested")?;
    packages::need("chromium", "chromium", "the browser of the tests")?;
    packages::need("firefox-esr", "firefox-esr", "the other browser of the tests")?;
    if !is_up_to_date() {
        build(&node)?;
    }
    Ok(node)
}

fn run_browser(what: &str, arguments: impl FnOnce(&mut Command, &Server)) -> anyhow::Result<()> {
    let node = ready()?;
    let turn = TurnServer::start()?;
    let server = Server::start(
        3,
        &[
            ("PLENARY_TURN__SERVERS", format!("[{:?}]", turn.url())),
            (
                "PLENARY_TURN__SECRET_FILE",
                turn.secret_file().display().to_string(),
            ),
        ],
    )?;
    let mut command = node.command("npm");
    arguments(&mut command, &server);
    command
        .current_dir(folder())
        .env("PLENARY_URLS", server.urls.join(","))
        .env("PLENARY_ADMIN", &server.admin)
        .env("PLENARY_PASSWORD", &server.password)
        .env("PLENARY_TURN", turn.url());
    step(command, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::File, time::Duration};

    #[test]
    fn a_folder_is_as_new_as_the_newest_file_in_it() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("src/deep/page.tsx");
        std::fs::create_dir_all(file.parent().expect("it is in a folder"))?;
        let later = SystemTime::now() + Duration::from_secs(3600);
        File::create(&file)?.set_modified(later)?;
        assert_eq!(newest(folder.path()), Some(later));
        assert_eq!(newest(&folder.path().join("missing")), None);
        Ok(())
    }
}
