//! The licences that a server has installed, and who has which seat.

use crate::{
    client::{Client, encode},
    output::{Output, say},
};
use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Licence files that are installed on the server.
#[derive(Subcommand)]
pub(crate) enum Installed {
    /// Show what the server may use, and the files that say so
    List,
    /// Install a licence file; several add up
    Install { file: PathBuf },
    /// Remove a licence file by its ID; nobody who has a seat is thrown out
    Remove { id: String },
    /// Write the file by which the vendor confirms that a licence belongs to this server
    Request {
        id: String,
        /// Where to; standard output if it is missing
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
    /// Install the vendor's confirmation
    ConfirmInstall { file: PathBuf },
    /// The License Manager that lends its seats to this server
    #[command(subcommand)]
    Manager(Manager),
}

/// Where the server borrows its seats.
#[derive(Subcommand)]
pub(crate) enum Manager {
    /// Show how it stands: seats, time left, and what is wrong
    Show,
    /// Borrow the seats there from now on
    Connect {
        /// As `plenary-license-manager server invite` printed it; - reads it from standard input
        token: String,
    },
    /// Give the seats back; the server's own licence holds again
    Disconnect {
        /// End everything that is in use at once, and do not wait for the manager
        #[arg(long)]
        end: bool,
    },
}

impl Installed {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        match self {
            Installed::List => {
                let licence = client.get("/licence", &[]).await?;
                output.one(&licence, || overview(&licence));
            }
            Installed::Install { file } => {
                let body = json!({ "file": read(&file)? });
                let made = client.write(Method::POST, "/licence", Some(&body)).await?;
                output.one(&made, || {
                    format!("Installed {}.{}", text(&made, "id"), marks(&made))
                });
            }
            Installed::Remove { id } => {
                client
                    .write(Method::DELETE, &format!("/licence/{}", encode(&id)), None)
                    .await?;
                say("Removed.");
            }
            Installed::Request { id, output: to } => {
                let made = client
                    .get(&format!("/licence/{}/request", encode(&id)), &[])
                    .await?;
                match to {
                    Some(to) => {
                        std::fs::write(&to, text(&made, "file"))
                            .with_context(|| format!("{} cannot be written", to.display()))?;
                        say(&format!("Written to {}. Send it to the vendor.", to.display()));
                    }
                    None => output.one(&made, || text(&made, "file").trim_end().to_owned()),
                }
            }
            Installed::ConfirmInstall { file } => {
                let body = json!({ "file": read(&file)? });
                let licence = client
                    .write(Method::POST, "/licence/confirmations", Some(&body))
                    .await?;
                output.one(&licence, || overview(&licence));
            }
            Installed::Manager(manager) => manager.run(client, output).await?,
        }
        Ok(())
    }
}

impl Manager {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let licence = match self {
            Self::Show => client.get("/licence", &[]).await?,
            Self::Connect { token } => {
                let token = match token.as_str() {
                    "-" => std::io::read_to_string(std::io::stdin()).context("no token could be read")?,
                    _ => token,
                };
                let body = json!({ "token": token.trim() });
                client
                    .write(Method::POST, "/licence/manager", Some(&body))
                    .await?
            }
            Self::Disconnect { end } => {
                client
                    .write(Method::DELETE, &format!("/licence/manager?end={end}"), None)
                    .await?;
                client.get("/licence", &[]).await?
            }
        };
        let manager = &licence["license_manager"];
        output.one(manager, || managed(manager));
        Ok(())
    }
}

/// How it stands with the License Manager.
fn managed(manager: &Value) -> String {
    if manager.is_null() {
        return "Not connected to a License Manager: the server has its licences itself.".into();
    }
    let seats = |key: &str| {
        let seats = &manager[key];
        format!(
            "{} PRO, {} online, {} guest, {} gateway",
            seats["pro"], seats["online"], seats["guest"], seats["gateway"]
        )
    };
    let line = match (manager["replica"].as_str(), manager["trouble"].as_str()) {
        (Some(replica), _) => format!("connected to {replica}"),
        (None, Some(trouble)) => format!("NOT CONNECTED: {trouble}"),
        (None, None) => "not connected yet".into(),
    };
    let left = match manager["time_left_s"].as_u64() {
        Some(seconds) => format!(
            "{} h {} min without the manager",
            seconds / 3600,
            seconds / 60 % 60
        ),
        None => "not known to this node".into(),
    };
    let mut lines = vec![
        format!(
            "Manager  {}, since {}",
            text(manager, "name"),
            text(manager, "since")
        ),
        format!("Line     {line}"),
        format!("Stage    {}", text(manager, "stage")),
        format!("Leased   {}", seats("leased")),
        format!("In use   {}", seats("in_use")),
        format!("Wanted   {}", seats("wanted")),
        format!("Left     {left}"),
    ];
    if let Some(detail) = manager["refusal"]["detail"].as_str() {
        lines.push(format!("The manager does not lend: {detail}"));
    }
    match manager["alarm"].as_str() {
        Some("short") => lines.push("Conferences end soon unless the License Manager is back.".into()),
        Some("over") => {
            lines.push("Conferences have ended; they are back the moment the License Manager is.".into())
        }
        _ => {}
    }
    lines.join("\n")
}

/// Whose seats.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    Permanent,
    Temporary,
}

/// Who has which seat.
#[derive(Subcommand)]
pub(crate) enum Seat {
    /// Seats in numbers, and the settings
    Show,
    /// Users with PRO
    List {
        #[arg(value_enum, default_value = "temporary")]
        kind: Kind,
    },
    /// Users who got no PRO: permanent at the last pick, temporary in the last 24 hours
    Without {
        #[arg(value_enum, default_value = "temporary")]
        kind: Kind,
    },
    /// Take temporary PRO back at once; the user leaves the conferences
    Revoke { user: String },
    /// Give permanent PRO out anew, now
    Pick,
    /// Choose the groups with permanent PRO, by their IDs, the first ones first; none: nobody has it
    Groups { ids: Vec<String> },
    /// Change what users see and may do
    Set {
        /// Whether users see their own PRO
        #[arg(long)]
        show: Option<bool>,
        /// Whether users may ask for temporary PRO
        #[arg(long)]
        ask: Option<bool>,
    },
}

impl Seat {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let changed = match self {
            Seat::Show => client.get("/seats", &[]).await?,
            Seat::List { kind } => {
                let rows = client
                    .list("/seats/pro", &[("kind", name(kind))], 100_000)
                    .await?;
                let columns = [
                    ("USER", "user"),
                    ("NAME", "display_name"),
                    ("KIND", "kind"),
                    ("UNTIL", "until"),
                    ("PLACES", "places"),
                ];
                output.table(&rows, &columns);
                return Ok(());
            }
            Seat::Without { kind } => {
                let rows = client
                    .list("/seats/without", &[("kind", name(kind))], 100_000)
                    .await?;
                let columns = [("USER", "user"), ("NAME", "display_name"), ("SINCE", "since")];
                output.table(&rows, &columns);
                return Ok(());
            }
            Seat::Revoke { user } => {
                client
                    .write(Method::DELETE, &format!("/seats/pro/{}", encode(&user)), None)
                    .await?;
                say("Done.");
                return Ok(());
            }
            Seat::Pick => client.write(Method::POST, "/seats/pick", None).await?,
            Seat::Groups { ids } => {
                let body = json!({ "permanent_groups": ids });
                client.write(Method::PATCH, "/seats", Some(&body)).await?
            }
            Seat::Set { show, ask } => {
                let body = json!({ "show_pro": show, "ask_for_pro": ask });
                client.write(Method::PATCH, "/seats", Some(&body)).await?
            }
        };
        output.one(&changed, || numbers(&changed));
        Ok(())
    }
}

fn name(kind: Kind) -> String {
    match kind {
        Kind::Permanent => "permanent".into(),
        Kind::Temporary => "temporary".into(),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| {
        format!(
            "{} cannot be read as the text that the vendor sent",
            file.display()
        )
    })
}

fn marks(file: &Value) -> &'static str {
    match file["development"] == true {
        true => " DEVELOPMENT: signed with the key that anybody has, for trying out only.",
        false => "",
    }
}

fn overview(licence: &Value) -> String {
    let seats = &licence["seats"];
    let mut lines = vec![
        format!("Server   {}", text(licence, "server")),
        format!("Pool     {}", text(licence, "pool")),
        format!(
            "Seats    {} PRO, {} online, {} guest, {} gateway",
            seats["pro"], seats["online"], seats["guest"], seats["gateway"]
        ),
    ];
    if let Some(manager) = licence["license_manager"]["name"].as_str() {
        lines.push(format!(
            "The seats are borrowed from the License Manager {manager}: plenaryctl licence manager show"
        ));
    }
    if licence["free"] == true {
        lines.push("No licence file counts: this is the free licence that is built in.".into());
    }
    for file in licence["files"].as_array().into_iter().flatten() {
        let until = file["valid_until"].as_str().unwrap_or("no end");
        lines.push(format!(
            "\n{}  {}  until {until}{}",
            text(file, "id"),
            text(file, "enterprise"),
            marks(file)
        ));
        if let Some(detail) = file["idle"]["detail"].as_str() {
            lines.push(format!("  does not count: {detail}"));
        }
    }
    lines.join("\n")
}

fn numbers(seats: &Value) -> String {
    let mut lines: Vec<String> = ["pro", "online", "guest", "gateway"]
        .iter()
        .map(|kind| format!("{kind:<9}{} of {}", seats[kind]["taken"], seats[kind]["total"]))
        .collect();
    lines.push(format!(
        "\n{} permanent and {} temporary PRO; without: {} permanent, {} temporary",
        seats["permanent"], seats["temporary"], seats["without_permanent"], seats["without_temporary"]
    ));
    let groups = seats["permanent_groups"].as_array().into_iter().flatten();
    let groups: Vec<&str> = groups.map(|group| text(group, "id")).collect();
    lines.push(format!("groups with permanent PRO: {}", groups.join(", ")));
    lines.join("\n")
}
