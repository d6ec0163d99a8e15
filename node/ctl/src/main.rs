//! `plenaryctl`: a server of Plenary from the command line, by its REST interface.
//!
//! Thin: each command is one or two requests; what is allowed is decided by the server.

#![allow(rustdoc::bare_urls)] // Help texts are shown as they stand.

mod backup;
mod border;
mod client;
mod cluster;
mod conferences;
mod connect;
mod directory;
mod federation;
mod groups;
mod installed;
mod licence;
mod output;
mod partner;
mod people;
mod settings;
mod templates;
mod zones;

use clap::{CommandFactory as _, Parser, Subcommand};
use client::Client;
use output::Output;
use std::process::ExitCode;

/// Look after a Plenary server from the command line.
///
/// Sign in once with `plenaryctl login --url https://server`; later commands use that session. In scripts set
/// PLENARY_URL and PLENARY_TOKEN instead. Every command prints a table, or JSON with --json. Exit codes: 0 done,
/// 1 refused or failed (the reason is on standard error), 2 wrong usage.
#[derive(Parser)]
#[command(name = "plenaryctl", version, propagate_version = true)]
struct Cli {
    /// Address of any node of the server, like https://paris.example.com
    #[arg(long, global = true, env = "PLENARY_URL", value_parser = address)]
    url: Option<String>,
    /// Session token; better given by the environment than on the command line
    #[arg(long, global = true, env = "PLENARY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Certificate of the authority to trust (PEM), for servers with their own
    #[arg(long, global = true, env = "PLENARY_CA")]
    ca: Option<std::path::PathBuf>,
    /// Print JSON as the server gave it
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Takes what can be the address of a node; another text is wrong usage, not a server that cannot be reached.
fn address(text: &str) -> Result<String, &'static str> {
    let url = reqwest::Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(|_| text.to_owned())
        .ok_or("write it like https://paris.example.com")
}

#[derive(Subcommand)]
enum Command {
    /// Sign in and keep the session for later commands
    Login(connect::Login),
    /// Sign out and forget the session
    Logout,
    /// Show the server: nodes, leader, problems
    Status,
    /// Nodes: list, invite, drain, promote, remove
    #[command(subcommand)]
    Node(cluster::Node),
    /// Border Controllers: list, invite, remove
    #[command(subcommand)]
    BorderController(border::BorderController),
    /// Accounts: list, create, change, import, export
    #[command(subcommand)]
    User(people::User),
    /// Groups and their members
    #[command(subcommand)]
    Group(groups::Group),
    /// Short names for call strings
    #[command(subcommand)]
    Alias(groups::Alias),
    /// Conferences: virtual rooms of the server
    #[command(subcommand)]
    Conference(conferences::Conference),
    /// Templates: how conferences are set up, kept for the next ones
    #[command(subcommand)]
    Template(templates::Template),
    /// Seats: who has PRO, who got none, take back, give out anew
    #[command(subcommand)]
    Seat(installed::Seat),
    /// What happened: sign-ins, changes before → after
    Events(people::Events),
    /// Show and change the settings of the server
    #[command(subcommand)]
    Settings(settings::Settings),
    /// Zones: from which network people come, and what counts for them there
    #[command(subcommand)]
    Zones(zones::Zones),
    /// Federation: with which servers of other enterprises this one meets, and a test that says why it fails
    #[command(subcommand)]
    Federation(federation::Federation),
    /// The Directory: people of all servers of the enterprise find each other
    #[command(subcommand)]
    Directory(directory::Directory),
    /// Find people, groups, rooms and conferences, here and on the other servers of the enterprise
    Search(directory::Search),
    /// Licence files: list, install, remove; for the vendor: make a key, sign, confirm, look into one
    #[command(subcommand)]
    Licence(licence::Licence),
    /// Copies of all data: create, verify, restore
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// Print the manual page (troff)
    Man,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // The only provider in the tree; a second call would be our own defect, and harmless.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plenaryctl: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let output = Output { json: cli.json };
    let connect = || Client::connect(cli.url.as_deref(), cli.token.as_deref(), cli.ca.as_deref());
    match cli.command {
        Command::Login(login) => login.run(cli.url.as_deref(), cli.ca.as_deref(), output).await,
        Command::Logout => connect::logout(connect()?).await,
        Command::Status => cluster::status(&connect()?, output).await,
        Command::Node(node) => node.run(&connect()?, output).await,
        Command::BorderController(border) => border.run(&connect()?, output).await,
        Command::User(user) => user.run(&connect()?, output).await,
        Command::Group(group) => group.run(&connect()?, output).await,
        Command::Alias(alias) => alias.run(&connect()?, output).await,
        Command::Conference(conference) => conference.run(&connect()?, output).await,
        Command::Template(template) => template.run(&connect()?, output).await,
        Command::Seat(seat) => seat.run(&connect()?, output).await,
        Command::Events(events) => events.run(&connect()?, output).await,
        Command::Settings(settings) => settings.run(&connect()?, output).await,
        Command::Zones(zones) => zones.run(&connect()?, output).await,
        Command::Federation(federation) => federation.run(&connect()?, output).await,
        Command::Directory(directory) => directory.run(&connect()?, output).await,
        Command::Search(search) => search.run(&connect()?, output).await,
        Command::Licence(licence::Licence::Installed(installed)) => installed.run(&connect()?, output).await,
        Command::Licence(licence) => licence.run(output),
        Command::Backup(backup) => backup.run(connect).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "plenaryctl", &mut std::io::stdout());
            Ok(())
        }
        Command::Man => Ok(clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_no_address_is_wrong_usage() {
        for url in [
            "paris.example.com",
            "nonsense",
            "ftp://paris.example.com",
            "https://",
            "",
        ] {
            let parsed = Cli::try_parse_from(["plenaryctl", "--url", url, "status"]);
            assert_eq!(parsed.err().map(|error| error.exit_code()), Some(2), "{url:?}");
        }
        for url in ["https://paris.example.com", "http://[::1]:8080/"] {
            assert!(
                Cli::try_parse_from(["plenaryctl", "--url", url, "status"]).is_ok(),
                "{url:?}"
            );
        }
    }
}
