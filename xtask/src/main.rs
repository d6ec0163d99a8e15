//! The project's own commands: `cargo xtask …`.

#![allow(clippy::print_stdout)] // Printing is what this program is for.

mod again;
mod api;
mod beside;
mod debian;
mod fresh;
mod fuzz;
mod generate;
mod media;
mod nodejs;
mod obs;
mod packages;
mod python;
mod server;
mod stages;
mod steps;
mod stories;
mod tidy;
mod turn;
mod web;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use std::os::unix::process::CommandExt as _;
use steps::{build, built, cargo, released, root, step};

/// Build, run and test Plenary.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
    /// Install what is missing without asking, as under CI (the variable CI is set)
    #[arg(long, global = true)]
    yes: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything and start a server on this machine with demo users
    ///
    /// The web pages need Node.js 20.19 or newer with npm. Where it is missing, it is installed: on a terminal after
    /// asking, under CI or with --yes at once, else not. Without it the server runs with a page that says how to get
    /// the pages. Flags after `--` go to `plenary-node quickstart`.
    Run {
        /// Flags of `plenary-node quickstart`, as --nodes 3
        #[arg(last = true)]
        quickstart: Vec<String>,
    },
    /// Run all tests, in stages
    Test {
        /// Only this stage; repeat for more
        #[arg(long, value_enum, value_name = "STAGE")]
        only: Vec<stages::Stage>,
        /// A test that fails has failed, though it may pass when it is tried once more
        #[arg(long)]
        strict: bool,
        /// Print the stages
        #[arg(long, conflicts_with = "only")]
        list: bool,
        /// Run one long test alone: fresh-clone (both commands of the README on a fresh Debian), lost-node (three
        /// browsers meet on three nodes, of which one is killed or stopped), first-frame (how long it takes from the
        /// click on Join to the first picture), codecs (each is decoded, in layers), obs (OBS Studio streams into a
        /// room), partners (people of two servers meet by their own pages), or a scenario of the live tests, as kill-leader or lost-node-many
        /// (`cargo run -p plenary-live-tests -- --help` lists them)
        #[arg(long, value_name = "NAME", conflicts_with_all = ["only", "list"])]
        long: Option<String>,
    },
    /// Check without writing: formatting, house rules, lints, documentation, generated files
    Verify,
    /// Mend what can be mended by itself: lints, formatting, generated files
    Fix,
    /// Check the house rules: layers, dependencies, words, links, status
    Tidy,
    /// Write the generated files again
    Generate {
        /// Only say whether they are up to date
        #[arg(long)]
        check: bool,
    },
    /// Run replicas on a simulated network and disk: replication, leases
    Simulate {
        name: String,
        /// Flags of the simulation, as --seeds 20000; a run that was stopped goes on where it was
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Give foreign bytes without end to everything that reads what strangers send
    Fuzz {
        /// Only these targets (files in cluster-tests/fuzz/targets)
        targets: Vec<String>,
        /// For how long each
        #[arg(long, default_value_t = 60, value_name = "SECONDS")]
        seconds: u32,
    },
    /// Let people come and go on a server of three nodes; then memory and open files are what they were
    Soak {
        /// How long, at least 13
        #[arg(long, default_value_t = 20)]
        minutes: u64,
    },
    /// Measure a hot path beside its named peer: replication and leases (etcd), sfu (Janus), directory (OpenLDAP and
    /// PostgreSQL; --people 100000 for a trial); what a node costs at rest: node-figures; how 2,000 people join one conference: crowd; or what people, calls and invitations of
    /// two servers cost: federation
    Bench {
        name: String,
        /// Flags of the benchmark, as --json
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
}

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    if cli.yes {
        packages::agree();
    }
    match run(cli.command) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Run { quickstart } => start(&quickstart),
        Task::Test { list: true, .. } => {
            stages::list();
            Ok(())
        }
        Task::Test { long: Some(name), .. } => stages::long(&name),
        Task::Test { only, strict, .. } => stages::run(&only, strict),
        Task::Verify => stages::verify(),
        Task::Fix => {
            cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--fix",
                "--allow-dirty",
                "--allow-staged",
            ])?;
            cargo(&["fmt", "--all"])?;
            generate::write()
        }
        Task::Tidy => tidy::check(),
        Task::Generate { check: true } => generate::check(),
        Task::Generate { check: false } => generate::write(),
        Task::Simulate { name, flags } => tool("plenary-simulation", &name, &flags),
        Task::Fuzz { targets, seconds } => fuzz::run(&targets, seconds),
        Task::Soak { minutes } => {
            cargo(&["build", "--release", "--workspace", "--bin", "plenary-node"])?;
            tool("plenary-load", "soak", &["--minutes".into(), minutes.to_string()])
        }
        Task::Bench { name, flags } => {
            match name.as_str() {
                "replication" => packages::need("etcd", "etcd-server", "the peer of the benchmark")?,
                "leases" => {
                    packages::need("etcd", "etcd-server", "the peer of the benchmark")?;
                    cargo(&[
                        "build",
                        "--release",
                        "--workspace",
                        "--bin",
                        "plenary-license-manager",
                    ])?;
                }
                "directory" => {
                    packages::need("slapd", "slapd", "a peer of the benchmark")?;
                    packages::need("pg_ctlcluster", "postgresql", "a peer of the benchmark")?;
                    // These alone: nothing of a node is needed.
                    cargo(&[
                        "build",
                        "--release",
                        "-p",
                        "plenary-directory",
                        "-p",
                        "plenary-directory-load",
                    ])?;
                    // As built: to run it by cargo, alone, would compile it with other features of what it depends on.
                    let mut command = released("plenary-directory-load");
                    command.args(&flags);
                    return step(command, "plenary-directory-load");
                }
                "sfu" => {
                    packages::need("janus", "janus", "the peer of the benchmark")?;
                    cargo(&["build", "--release", "--workspace", "--bin", "plenary-node"])?;
                }
                "border" | "border-web" => {
                    if name == "border" {
                        packages::need("turnserver", "coturn", "the peer of the benchmark")?;
                    } else {
                        packages::need("haproxy", "haproxy", "a peer of the benchmark")?;
                        packages::need("nginx", "nginx", "a peer of the benchmark")?;
                        packages::need(
                            "/usr/lib/nginx/modules/ngx_stream_module.so",
                            "libnginx-mod-stream",
                            "a peer of the benchmark",
                        )?;
                    }
                    cargo(&[
                        "build",
                        "--release",
                        "--workspace",
                        "--bin",
                        "plenary-border-controller",
                    ])?;
                }
                "federation" => {
                    packages::need("knotd", "knot", "names of the servers that meet")?;
                    cargo(&["build", "--release", "--workspace", "--bin", "plenary-node"])?;
                    let more = ["partners-call", "partners-invite"].map(String::from);
                    return tool("plenary-live-tests", "partners-meet", &more);
                }
                _ => cargo(&["build", "--release", "--workspace", "--bin", "plenary-node"])?,
            }
            tool("plenary-load", &name, &flags)
        }
    }
}

/// Builds everything and becomes the server.
///
/// A C compiler is there: without one this program would not have been linked. Nothing else of the system is needed:
/// SQLite and aws-lc come with their sources and, for aws-lc, with what CMake would find out; protox stands in for
/// protoc.
fn start(quickstart: &[String]) -> anyhow::Result<()> {
    web::build_if_possible()?;
    build(&["plenary-node", "plenaryctl"])?;
    let mut command = built("plenary-node");
    command.arg("quickstart").current_dir(root());
    if !quickstart.iter().any(|flag| flag.starts_with("--data")) {
        command.args(["--data", ".plenary"]);
    }
    // Ctrl+C and signals are for the server: nothing stands between.
    Err(command.args(quickstart).exec()).context("the server cannot be started")
}

fn tool(package: &str, name: &str, flags: &[String]) -> anyhow::Result<()> {
    let mut arguments = vec!["run", "--release", "--quiet", "--bin", package, "--", name];
    arguments.extend(flags.iter().map(String::as_str));
    cargo(&arguments)
}
