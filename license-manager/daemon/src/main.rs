//! `plenary-license-manager`: one replica of the License Manager, which lends an enterprise's seats to its servers.
//!
//! Configuration, wiring, start and stop. What is decided stands in `plenary_licences`.

mod admin;
mod admission;
mod app;
mod config;
mod data;
mod found;
mod metrics;
mod options;
mod oversee;
mod run;
mod running;
mod service;
mod tend;

use clap::{CommandFactory as _, Parser, Subcommand};
use std::process::ExitCode;

/// Lend the seats of an enterprise's licences to its servers.
///
/// `found` makes the first replica, `join TOKEN` adds further ones, `run` starts a replica again. All other commands ask
/// the replica that runs on this machine, by a socket in its data folder.
///
/// Configuration is read from --config (TOML), then from PLENARY_… variables (PLENARY_LISTEN__LEASES for
/// listen.leases), then from flags. Exit codes: 0 done, 1 failed or refused, 2 cannot start like this, 3 the disk did
/// not keep what was written (look at it before the next start).
#[derive(Parser)]
#[command(name = "plenary-license-manager", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: plenary_program::options::Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Found(found::Found),
    Join(found::Join),
    Run(run::Run),
    Restore(found::Restore),
    Check(options::Check),
    Status(admin::Status),
    #[command(subcommand)]
    Licence(admin::Licence),
    #[command(subcommand)]
    Server(admin::ServerCommand),
    #[command(subcommand)]
    Member(admin::MemberCommand),
    Ttl(admin::Ttl),
    Recover(admin::Recover),
    Backup(admin::Backup),
    Events(admin::Events),
    /// Print a completion script for a shell
    Completions {
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    plenary_program::end("plenary-license-manager", start(Cli::parse()))
}

fn start(Cli { common, command }: Cli) -> anyhow::Result<()> {
    // The one provider of cryptography for the whole process; a second call would change nothing.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    plenary_program::with_runtime(|runtime| match command {
        Command::Found(command) => runtime.block_on(command.run(&common)),
        Command::Join(command) => runtime.block_on(command.run(&common)),
        Command::Run(command) => runtime.block_on(command.run(&common)),
        Command::Restore(command) => runtime.block_on(command.run(&common)),
        Command::Check(command) => command.run(&common),
        Command::Status(command) => command.run(&common),
        Command::Licence(command) => command.run(&common),
        Command::Server(command) => command.run(&common),
        Command::Member(command) => command.run(&common),
        Command::Ttl(command) => command.run(&common),
        Command::Recover(command) => command.run(&common),
        Command::Backup(command) => command.run(&common),
        Command::Events(command) => command.run(&common),
        Command::Completions { shell } => {
            let program = "plenary-license-manager";
            clap_complete::generate(shell, &mut Cli::command(), program, &mut std::io::stdout());
            Ok(())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
