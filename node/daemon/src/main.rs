//! `plenary-node`: one node of a Plenary server.
//!
//! Configuration, wiring, start and stop. What is decided stands in `node/logic`, what is done in `node/io`.

mod addresses;
mod admission;
mod backend;
mod backup;
mod cascade;
mod config;
mod data;
mod door;
mod found;
mod http;
mod join;
mod links;
mod media;
mod meetings;
mod metrics;
mod options;
mod quickstart;
mod restore;
mod roster;
mod run;
mod seats;
mod secret;
mod server;
mod signalling;
mod signals;
mod standing;
mod steering;
mod turn;

use clap::{CommandFactory as _, Parser, Subcommand};
use std::process::ExitCode;

/// One node of a Plenary server: video conferencing on your own machines.
///
/// To try it out: `plenary-node quickstart`. For real: `plenary-node found` makes the first node of a server,
/// `plenary-node join TOKEN` adds each further one, `plenary-node run` starts a node again.
///
/// Configuration is read from --config (TOML), then from PLENARY_… variables (PLENARY_LISTEN__HTTPS for
/// listen.https), then from flags. Exit codes: 0 ended as asked, 1 failed, 2 cannot start like this (the line on
/// standard error says what to change), 3 the disk did not keep what was written (look at it before the next start).
#[derive(Parser)]
#[command(name = "plenary-node", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Quickstart(quickstart::Quickstart),
    Found(found::Found),
    Join(join::Join),
    Run(run::Run),
    Restore(restore::Restore),
    Check(options::Check),
    /// Print a completion script for a shell
    Completions {
        shell: clap_complete::Shell,
    },
}

/// Something that the person who starts the program can change; exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(String);

impl UsageError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The error with its causes, in one line.
    pub(crate) fn caused(error: impl Into<anyhow::Error>) -> Self {
        Self(format!("{:#}", error.into()))
    }
}

/// The disk did not keep what was written. Starting again by itself would trust a cache that holds what the disk
/// does not; exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UnsafeDisk(pub(crate) String);

/// Writes a line to standard output; a closed pipe is no reason to end a server.
pub(crate) fn say(text: &str) {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}").ok();
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plenary-node: {error:#}");
            let usage = error.chain().any(|cause| cause.is::<UsageError>());
            let unsafe_disk = error.chain().any(|cause| cause.is::<UnsafeDisk>());
            ExitCode::from(match (usage, unsafe_disk) {
                (true, _) => 2,
                (_, true) => 3,
                _ => 1,
            })
        }
    }
}

fn start(command: Command) -> anyhow::Result<()> {
    if let Command::Completions { shell } = command {
        clap_complete::generate(shell, &mut Cli::command(), "plenary-node", &mut std::io::stdout());
        return Ok(());
    }
    // The one provider of cryptography for the whole process; a second call would change nothing.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        match command {
            Command::Quickstart(command) => command.run().await,
            Command::Found(command) => command.run().await,
            Command::Join(command) => command.run().await,
            Command::Run(command) => command.run().await,
            Command::Restore(command) => command.run().await,
            Command::Check(command) => command.run(),
            Command::Completions { .. } => Ok(()),
        }
    });
    // Threads that still read standard input or hash a password are not waited for.
    runtime.shutdown_background();
    done
}
