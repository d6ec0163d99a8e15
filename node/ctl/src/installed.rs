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
        }
        Ok(())
    }
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
