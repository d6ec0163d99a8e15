//! `plenary-directory`: makes people, groups, rooms and conferences of all servers of an enterprise findable (ENT-03).
//!
//! ```text
//!  leader of a server ──Feed──► service::feed ──one transaction──► store (SQLite, PostgreSQL)
//!                                   │ presence                        │ versions
//!                                   ▼                                 ▼
//!  node of a server ───Find───► service ◄── presence, index ◄── follow: what this instance or another one committed
//! ```
//!
//! An instance with SQLite may follow another one (`copy`, docs/decisions/0027).
//!
//! Configuration, wiring, storage, start and stop. Who may see what is decided by `plenary_people`, what is found by `plenary_people_index`.
//!
//! Invariant: what is acknowledged is on disk; the index is never ahead of the disk.
//!
//! It is a program; as a library it is there for its own tests.

mod admin;
mod config;
mod copy;
mod data;
mod event;
mod follow;
mod found;
mod limits;
mod metrics;
mod options;
mod presence;
mod refusal;
mod run;
mod running;
mod service;
mod store;

pub use config::{Advertise, Config, Database, Follow, Limits, Listen, PolicyRules};
pub use found::Found;
pub use run::{Instance, Ports};

use clap::{CommandFactory as _, Parser, Subcommand};
use std::process::ExitCode;

/// Make the people of all servers of an enterprise findable.
///
/// `found` makes an instance, `run` starts it. Then each server is connected by a key, which the server makes and you
/// give to the Directory with `add KEY`. All commands but these ask the instance that runs on this machine, by a socket
/// in its data folder.
///
/// Entries are kept in SQLite in the data folder, or in PostgreSQL (database.url): then several instances serve together. With
/// SQLite one serves, and another one follows it (follow.first).
///
/// Configuration is read from --config (TOML), then from PLENARY_… variables (PLENARY_LISTEN__DIRECTORY for
/// listen.directory), then from flags. Exit codes: 0 done, 1 failed or refused, 2 cannot start like this.
#[derive(Parser)]
#[command(name = "plenary-directory", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: plenary_program::options::Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Found(found::Found),
    Run(run::Run),
    Check(options::Check),
    Add(admin::Add),
    Remove(admin::Remove),
    Servers(admin::Servers),
    Status(admin::Status),
    Events(admin::Events),
    /// Print a completion script for a shell
    Completions {
        shell: clap_complete::Shell,
    },
}

/// The program.
pub fn main() -> ExitCode {
    plenary_program::end("plenary-directory", start(Cli::parse()))
}

fn start(Cli { common, command }: Cli) -> anyhow::Result<()> {
    // The one provider of cryptography for the whole process; a second call would change nothing.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    plenary_program::with_runtime(|runtime| match command {
        Command::Found(command) => command.run(&common),
        Command::Run(command) => runtime.block_on(command.run(&common)),
        Command::Check(command) => command.run(&common),
        Command::Add(command) => command.run(&common),
        Command::Remove(command) => command.run(&common),
        Command::Servers(command) => command.run(&common),
        Command::Status(command) => command.run(&common),
        Command::Events(command) => command.run(&common),
        Command::Completions { shell } => {
            let program = "plenary-directory";
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
