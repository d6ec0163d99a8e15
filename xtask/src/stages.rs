//! What `cargo xtask test` runs: stage after stage, two of them beside others.

use crate::{
    again, api,
    beside::Beside,
    fresh, generate, media, obs, packages,
    steps::{build, built, cargo, cargo_command, has, step},
    stories, tidy, web,
};
use anyhow::Context as _;
use clap::ValueEnum as _;
use std::time::Instant;

/// What is simulated in every run, and how many seeds of it.
const SIMULATED: [(&str, &str); 2] = [("replication", "500"), ("leases", "2000")];

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Stage {
    /// Formatting, house rules, lints, documentation, generated files
    Verify,
    /// The web pages: lints, unit tests, build
    Web,
    /// All programs and tests are compiled
    Build,
    /// All tests in Rust; the live ones start real nodes
    Rust,
    /// Replicas and leases on a simulated network and disk
    Simulation,
    /// Schemathesis against a running server
    Api,
    /// Media with aiortc and GStreamer against a running server
    Media,
    /// What is promised row by row, by REST and signalling, against a server of three nodes
    Stories,
    /// Playwright in Chromium against a server of three nodes: pages in which hardly anybody meets
    Pages,
    /// The same against another server: people meet, see and hear each other
    Browser,
}

/// Prints the names of the stages in their order.
pub(crate) fn list() {
    for stage in Stage::value_variants() {
        let help = stage.to_possible_value();
        let help = help.and_then(|value| value.get_help().map(ToString::to_string));
        println!("{:<12}{}", stage.name(), help.unwrap_or_default());
    }
}

/// Which stage runs beside which when both are run, so that processors that wait in one have the other to do: most tests in
/// Rust wait for nodes and clocks while compilers check, and stories wait while Schemathesis asks.
const BESIDE: [(Stage, Stage); 2] = [(Stage::Verify, Stage::Rust), (Stage::Stories, Stage::Api)];

/// Runs these stages, or all if none is named; stops at the first that fails. `strict`: unsteady tests have failed (`again`).
pub(crate) fn run(only: &[Stage], strict: bool) -> anyhow::Result<()> {
    let all = Stage::value_variants();
    let wanted = if only.is_empty() { all } else { only };
    if wanted.contains(&Stage::Verify) {
        // Whoever has forgotten to format hears of it at once.
        verify_quickly()?;
    }
    let mut times = Vec::new();
    for stage in all.iter().filter(|stage| wanted.contains(stage)) {
        let is_beside = |(other, main): &&(Stage, Stage)| other == stage && wanted.contains(main);
        if BESIDE.iter().any(|pair| is_beside(&pair)) {
            continue;
        }
        let has_beside = |(other, main): &&(Stage, Stage)| main == stage && wanted.contains(other);
        let beside = BESIDE.iter().find(has_beside);
        times.push(stage.run_shown(beside.map(|(other, _)| *other), strict)?);
    }
    println!("All passed: {}.", times.join(", "));
    Ok(())
}

impl Stage {
    fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// Runs it, and another one beside it; says so, and gives how long they took and what was unsteady.
    fn run_shown(self, beside: Option<Stage>, strict: bool) -> anyhow::Result<String> {
        let name = self.name();
        eprintln!("══ {name}");
        let started = Instant::now();
        let failed = || format!("stage {name} failed; alone it is run by cargo xtask test --only {name}");
        self.prepare().with_context(failed)?;
        // What checks gives way: tests in Rust look at the clock.
        let beside = beside.map(|other| Beside::begin(other.name(), other == Stage::Verify));
        let beside = beside.transpose()?;
        let done = self.run(strict).with_context(failed);
        // Also where this one failed: the other one is not left behind, and may know why.
        let beside = beside.map(Beside::end);
        let unsteady = done?;
        let beside = beside.transpose()?;
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("══ {name}: passed in {seconds:.0} s");
        let mut told = format!("{name} {seconds:.0} s");
        if let Some(other) = beside {
            told += &format!(" with {other} beside it");
        }
        if !unsteady.is_empty() {
            told += &format!(" (UNSTEADY, to be mended: {})", unsteady.join(" "));
        }
        Ok(told)
    }

    /// What must be there before another stage may begin beside it: cargo builds for one at a time.
    fn prepare(self) -> anyhow::Result<()> {
        if self == Stage::Rust {
            packages::need("faketime", "faketime", "a test of clocks that are off")?;
            packages::need("knotd", "knot", "names of the servers that meet in tests")?;
            packages::need("pg_lsclusters", "postgresql", "the Directory's other database")?;
            packages::need(
                "bwrap",
                "bubblewrap",
                "the sandbox of the Border Controller's unit",
            )?;
            packages::need("systemd-analyze", "systemd", "what that unit says")?;
            // Live tests start this program.
            build(&["plenary-node"])?;
        }
        Ok(())
    }

    /// Gives the names of unsteady tests in Rust; Playwright says by itself which were flaky.
    fn run(self, strict: bool) -> anyhow::Result<Vec<String>> {
        match self {
            Stage::Rust => return again::tests(strict),
            Stage::Verify => verify(),
            Stage::Web => web::test(),
            Stage::Build => cargo(&["build", "--workspace", "--all-targets"]),
            Stage::Simulation => simulate(),
            Stage::Api => api::test(),
            Stage::Media => media::test(),
            Stage::Stories => stories::test(),
            Stage::Pages => web::browse("pages", strict),
            Stage::Browser => web::browse("meetings", strict),
        }?;
        Ok(Vec::new())
    }
}

fn simulate() -> anyhow::Result<()> {
    build(&["plenary-simulation"])?;
    for (subject, seeds) in SIMULATED {
        let mut command = built("plenary-simulation");
        // All of them, also if such a run was stopped.
        command.args([subject, "--seeds", seeds, "--afresh"]);
        step(command, &format!("plenary-simulation {subject} --seeds {seeds}"))?;
    }
    Ok(())
}

/// Everything that is checked without running what was built; writes nothing into the tree.
pub(crate) fn verify() -> anyhow::Result<()> {
    verify_quickly()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    let mut doc = cargo_command(&["doc", "--workspace", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    step(doc, "cargo doc --workspace --no-deps")?;
    generate::check()?;
    // It takes minutes to build, so no run gets it; what does not change by the day is checked by tidy too.
    if has("cargo-deny") {
        return cargo(&["deny", "check"]);
    }
    eprintln!("cargo-deny is not installed: licences and origins were checked, security advisories were not");
    Ok(())
}

/// What takes seconds of it.
fn verify_quickly() -> anyhow::Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    tidy::check()
}

/// One long test alone.
pub(crate) fn long(name: &str) -> anyhow::Result<()> {
    if name == "fresh-clone" {
        return fresh::test();
    }
    if name == "lost-node" {
        return web::lose_nodes();
    }
    if name == "codecs" {
        return web::try_codecs();
    }
    if name == "obs" {
        return obs::test();
    }
    if name == "first-frame" {
        return web::join_often();
    }
    if name == "partners" {
        return web::meet_partners();
    }
    if name == "directory-pages" {
        return web::meet_in_the_directory();
    }
    if name == "border-pages" {
        return web::meet_over_the_border();
    }
    for (program, package) in [
        ("nft", "nftables"),
        ("strace", "strace"),
        ("mkfs.xfs", "xfsprogs"),
        ("ip", "iproute2"),
    ] {
        packages::need(program, package, "harm that live tests do")?;
    }
    if name == "acme" {
        packages::need("caddy", "caddy", "an authority that issues certificates by ACME")?;
        packages::need(
            "faketime",
            "faketime",
            "time that passes until a certificate is renewed",
        )?;
    }
    if name.contains("partners") {
        packages::need("knotd", "knot", "names of the servers that meet in tests")?;
    }
    if name == "directory-postgres" {
        packages::need("psql", "postgresql", "the Directory with a database of its own")?;
    }
    build(&[
        "plenary-node",
        "plenaryctl",
        "plenary-license-manager",
        "plenary-directory",
        "plenary-border-controller",
        "plenary-live-tests",
    ])?;
    let mut command = built("plenary-live-tests");
    command.arg(name);
    step(command, &format!("plenary-live-tests {name}"))
}
