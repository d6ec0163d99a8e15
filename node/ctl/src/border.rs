//! Border Controllers: the programs in the DMZ through which the outside reaches the server.

use crate::{
    client::{Client, encode},
    output::{Output, say},
};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

/// Border Controllers of the server.
#[derive(Subcommand)]
pub(crate) enum BorderController {
    /// List them, with the tunnels of the node that is asked
    List,
    /// Make a one-time token with which one is enrolled: `plenary-border-controller join TOKEN`
    Invite {
        /// What it shall be called
        name: String,
        /// Where nodes reach its tunnel port by UDP, like dmz-1.example.com:4312
        address: String,
        /// How long the token is good, in minutes
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_080))]
        minutes: u32,
    },
    /// Remove one for good; its certificate counts no more
    Remove {
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: &[(&str, &str)] = &[
    ("CONTROLLER", "name"),
    ("STAGE", "stage"),
    ("ADDRESS", "address"),
    ("TUNNEL SINCE", "up_since"),
    ("CLIENTS", "flows"),
    ("TROUBLE", "trouble"),
];

impl BorderController {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        match self {
            Self::List => {
                let all = client.get("/border-controllers", &[]).await?;
                let items = all["items"].as_array().map_or(&[][..], Vec::as_slice);
                let rows: Vec<Value> = items.iter().map(row).collect();
                output.table(if output.json { items } else { &rows }, COLUMNS);
                Ok(())
            }
            Self::Invite {
                name,
                address,
                minutes,
            } => {
                let body = json!({ "name": name, "address": address, "ttl_s": u64::from(minutes) * 60 });
                let made = client
                    .write(Method::POST, "/border-controllers/invitations", Some(&body))
                    .await?;
                let token = made["token"].as_str().unwrap_or_default();
                output.one(&made, || {
                    format!(
                        "In the DMZ run:\n\n  plenary-border-controller join {token}\n\nThe token works once, until {}.",
                        made["expires_at"].as_str().unwrap_or_default()
                    )
                });
                Ok(())
            }
            Self::Remove { name, yes } => remove(client, &name, yes).await,
        }
    }
}

/// With what is in its tunnel beside its name.
fn row(item: &Value) -> Value {
    let mut row = item.clone();
    for key in ["up_since", "flows", "trouble"] {
        row[key] = item["tunnel"][key].clone();
    }
    row
}

async fn remove(client: &Client, name: &str, yes: bool) -> anyhow::Result<()> {
    if !yes {
        say(&format!(
            "{name} will be left by all nodes, and its certificate counts no more: whoever comes through it is cut off,"
        ));
        say("and it can come back only with a new token. Type its name to go on:");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        anyhow::ensure!(line.trim() == name, "nothing was changed");
    }
    let path = format!("/border-controllers/{}", encode(name));
    client.write(Method::DELETE, &path, None).await?;
    say("Removed.");
    Ok(())
}
