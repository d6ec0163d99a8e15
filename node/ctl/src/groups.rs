//! Groups and aliases.

use crate::{
    client::{Client, encode},
    output::{Output, say},
};
use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

/// Groups and their members.
#[derive(Subcommand)]
pub(crate) enum Group {
    /// List the groups
    List { search: Option<String> },
    /// Create a group with the usual rights
    Create {
        name: String,
        /// Rights, instead of the usual ones: make_calls,share_screen,…
        #[arg(long, value_delimiter = ',')]
        rights: Vec<String>,
    },
    /// Give a group another name
    Rename { id: String, name: String },
    /// Set the rights of a group
    Rights {
        id: String,
        #[arg(value_delimiter = ',')]
        rights: Vec<String>,
    },
    /// Set what is called to ring at all members who are there; without it the group cannot be called
    CallId { id: String, call_id: Option<String> },
    /// List the members of a group
    Members { id: String },
    /// Add users to a group
    Add {
        id: String,
        #[arg(required = true)]
        users: Vec<String>,
    },
    /// Take users out of a group
    Remove {
        id: String,
        #[arg(required = true)]
        users: Vec<String>,
    },
    /// Delete a group; its members stay
    Delete { id: String },
}

impl Group {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        match self {
            Group::List { search } => {
                let rows = client
                    .list("/groups", &[("search", search.unwrap_or_default())], 10_000)
                    .await?;
                output.table(
                    &rows,
                    &[
                        ("ID", "id"),
                        ("NAME", "name"),
                        ("MEMBERS", "members"),
                        ("CALL ID", "call_id"),
                        ("RIGHTS", "rights"),
                    ],
                );
            }
            Group::Create { name, rights } => {
                let body = if rights.is_empty() {
                    json!({ "name": name })
                } else {
                    json!({ "name": name, "rights": rights })
                };
                let made = client.write(Method::POST, "/groups", Some(&body)).await?;
                output.one(&made, || {
                    format!("Created {}.", made["id"].as_str().unwrap_or_default())
                });
            }
            Group::Rename { id, name } => {
                write(client, Method::PATCH, &path(&id), Some(json!({ "name": name }))).await?
            }
            Group::Rights { id, rights } => {
                write(
                    client,
                    Method::PATCH,
                    &path(&id),
                    Some(json!({ "rights": rights })),
                )
                .await?
            }
            Group::CallId { id, call_id } => {
                let body = json!({ "call_id": call_id.unwrap_or_default() });
                write(client, Method::PATCH, &path(&id), Some(body)).await?
            }
            Group::Members { id } => {
                let rows = client
                    .list(&format!("{}/members", path(&id)), &[], 100_000)
                    .await?;
                output.table(
                    &rows,
                    &[
                        ("ID", "id"),
                        ("NAME", "display_name"),
                        ("EMAIL", "email"),
                        ("PRESENCE", "presence"),
                    ],
                );
            }
            Group::Add { id, users } => {
                write(
                    client,
                    Method::POST,
                    &format!("{}/members", path(&id)),
                    Some(json!({ "add": users, "remove": [] })),
                )
                .await?;
            }
            Group::Remove { id, users } => {
                write(
                    client,
                    Method::POST,
                    &format!("{}/members", path(&id)),
                    Some(json!({ "add": [], "remove": users })),
                )
                .await?;
            }
            Group::Delete { id } => write(client, Method::DELETE, &path(&id), None).await?,
        }
        Ok(())
    }
}

fn path(id: &str) -> String {
    format!("/groups/{}", encode(id))
}

async fn write(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<serde_json::Value>,
) -> anyhow::Result<()> {
    client.write(method, path, body.as_ref()).await?;
    say("Done.");
    Ok(())
}

/// Short names for call strings.
#[derive(Subcommand)]
pub(crate) enum Alias {
    /// List the aliases
    List { search: Option<String> },
    /// Create an alias
    Create {
        id: String,
        /// What it stands for: a user ID, \c\conference, #sip:…
        target: String,
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Point an alias elsewhere
    Edit { id: String, target: String },
    /// Delete an alias
    Delete { id: String },
}

impl Alias {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let path = |id: &str| format!("/aliases/{}", encode(id));
        match self {
            Alias::List { search } => {
                let rows = client
                    .list("/aliases", &[("search", search.unwrap_or_default())], 100_000)
                    .await?;
                output.table(&rows, &[("ALIAS", "id"), ("CALLS", "target"), ("NOTE", "note")]);
                Ok(())
            }
            Alias::Create { id, target, note } => {
                write(
                    client,
                    Method::POST,
                    "/aliases",
                    Some(json!({ "id": id, "target": target, "note": note })),
                )
                .await
            }
            Alias::Edit { id, target } => {
                write(
                    client,
                    Method::PATCH,
                    &path(&id),
                    Some(json!({ "target": target })),
                )
                .await
            }
            Alias::Delete { id } => write(client, Method::DELETE, &path(&id), None).await,
        }
    }
}
