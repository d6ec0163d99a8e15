//! `plenary-node`: one node of a Plenary server.
//!
//! Configuration, wiring, start and stop. What is decided stands in `node/logic`, what is done in `node/io`.

mod acme;
mod admission;
mod backend;
mod backup;
mod border;
mod cascade;
mod config;
mod crossing;
mod data;
mod directory;
mod door;
mod federation;
mod found;
mod gate;
mod ghosts;
mod http;
mod join;
mod lease;
mod limits;
mod links;
mod media;
mod meetings;
mod metrics;
mod options;
mod outside;
mod partners;
mod quickstart;
mod restore;
mod roster;
mod run;
mod seats;
mod server;
mod signalling;
mod standing;
mod steering;
mod turn;

pub(crate) use plenary_program::{UsageError, addresses, say, secret};

use clap::{CommandFactory as _, Parser, Subcommand};
use plenary_program::end;
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

fn main() -> ExitCode {
    let cli = Cli::parse();
    end("plenary-node", start(cli.command))
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
