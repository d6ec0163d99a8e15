//! `plenary-border-controller`: the only thing of an enterprise that the outside can reach (ENT-04).
//!
//! ```text
//!  outside ──TCP──► door ──gate: deny, places, rates──► hello: which name? ──Desk──► flow ══QUIC══► node
//!                                                                             ▲
//!                        tunnels ◄══QUIC, dialled by nodes: offers, revocations, certificates
//! ```
//!
//! Configuration, wiring, start and stop. Which name is asked for and which node takes a connection is decided by
//! `plenary-border`; what is said in tunnels is in `plenary-border-client`.
//!
//! Invariant: it dials nobody, holds no key that certifies others, and never reads what is inside of TLS, but for that of its own name for TURN,
//! in which nothing is but media that are encrypted once more.
//!
//! It is a program; as a library it is there for its own tests.

mod config;
mod counts;
mod data;
mod door;
mod enrolling;
mod flow;
mod gate;
mod media;
mod options;
mod relays;
mod run;
mod running;
mod tunnels;
mod turn;

pub use config::{Config, Limits, Listen, Media, Turn};

use clap::{CommandFactory as _, Parser, Subcommand};
use std::{num::NonZero, process::ExitCode};

/// Let the outside reach the nodes of a server without opening a way from the DMZ to the inside.
///
/// `plenaryctl border-controller invite` on the inside makes a token; `join TOKEN` waits here until a node has come and
/// enrolled this controller, and then runs. Without a command it runs. Nodes dial this controller; it dials nobody.
///
/// Configuration is read from --config (TOML), then from PLENARY_… variables (PLENARY_LISTEN__WEB for listen.web), then from
/// flags. Exit codes: 0 ended as asked, 1 failed, 2 cannot start like this.
#[derive(Parser)]
#[command(name = "plenary-border-controller", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: options::Common,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Join(enrolling::Join),
    Run(run::Run),
    Check(options::Check),
    /// Print a completion script for a shell
    Completions {
        shell: clap_complete::Shell,
    },
}

/// Threads at most, on however large a machine: the unit in deploy/systemd bounds them.
const WORKERS: usize = 32;
const BLOCKING: usize = 16;

/// The program.
pub fn main() -> ExitCode {
    plenary_program::end("plenary-border-controller", start(Cli::parse()))
}

fn start(Cli { common, command }: Cli) -> anyhow::Result<()> {
    // The one provider of cryptography for the whole process; a second call would change nothing.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.min(WORKERS))
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build()?;
    let done = match command.unwrap_or(Command::Run(run::Run::default())) {
        Command::Join(command) => runtime.block_on(command.run(&common)),
        Command::Run(command) => runtime.block_on(command.run(&common)),
        Command::Check(command) => command.run(&common),
        Command::Completions { shell } => {
            let program = "plenary-border-controller";
            clap_complete::generate(shell, &mut Cli::command(), program, &mut std::io::stdout());
            Ok(())
        }
    };
    // Threads that still read standard input are not waited for.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_lets_it_have_its_threads() {
        let unit = include_str!("../../../deploy/systemd/plenary-border-controller.service");
        let most = unit.lines().find_map(|line| line.strip_prefix("TasksMax="));
        let most: usize = most.and_then(|most| most.parse().ok()).expect("a bound");
        assert!(1 + WORKERS + BLOCKING < most, "beside the first one");
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
