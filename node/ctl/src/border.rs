//! Border Controllers: the programs in the DMZ through which the outside reaches the server.

use crate::{
    client::{Client, encode},
    output::{Output, say},
};
use anyhow::Context as _;
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
    /// Let nobody in from these networks through any Border Controller, like 198.51.100.0/24
    Deny {
        #[arg(required = true)]
        networks: Vec<String>,
    },
    /// Let them in again
    Allow {
        #[arg(required = true)]
        networks: Vec<String>,
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
            Self::Deny { networks } => {
                change_denied(client, |denied| {
                    for network in networks {
                        if !denied.contains(&json!(network)) {
                            denied.push(json!(network));
                        }
                    }
                })
                .await
            }
            Self::Allow { networks } => {
                change_denied(client, |denied| {
                    denied.retain(|one| !networks.iter().any(|network| *one == json!(network)));
                })
                .await
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

/// Unless somebody else has changed the settings meanwhile.
async fn change_denied(client: &Client, change: impl FnOnce(&mut Vec<Value>)) -> anyhow::Result<()> {
    let settings = client.get("/settings", &[]).await?;
    let mut border = settings["border"].clone();
    let denied = border["deny"]
        .as_array_mut()
        .context("the server is older than this program")?;
    change(denied);
    let listed: Vec<&str> = denied.iter().filter_map(Value::as_str).collect();
    let told = match listed.as_slice() {
        [] => "Nobody is denied by all Border Controllers now.".to_owned(),
        some => format!("Denied by all Border Controllers: {}.", some.join(", ")),
    };
    let revision = settings["revision"].as_str().unwrap_or_default();
    let request = client
        .request(Method::PATCH, "/settings")
        .header("If-Match", format!("\"{revision}\""))
        .json(&json!({ "border": border }));
    crate::client::json(request).await?;
    say(&told);
    Ok(())
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
