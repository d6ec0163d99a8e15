//! Conferences.

use crate::{
    client::{Client, encode},
    output::{Output, say},
};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

/// Conferences: virtual rooms of the server.
#[derive(Subcommand)]
pub(crate) enum Conference {
    /// List the conferences
    List { search: Option<String> },
    /// Show one conference
    Show { cid: String },
    /// Create a virtual room
    Create {
        /// Name in addresses: letters, digits, hyphens, underscores, dots
        cid: String,
        /// Name for people
        name: String,
        #[arg(long, default_value = "")]
        description: String,
        /// Let guests in too
        #[arg(long)]
        public: bool,
        /// User that it belongs to, instead of yourself; administrators only
        #[arg(long)]
        owner: Option<String>,
    },
    /// Delete a conference
    Delete { cid: String },
}

impl Conference {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let path = |cid: &str| format!("/conferences/{}", encode(cid));
        match self {
            Conference::List { search } => {
                let query = [("search", search.unwrap_or_default())];
                let rows = client.list("/conferences", &query, 100_000).await?;
                let columns = [
                    ("CID", "cid"),
                    ("NAME", "name"),
                    ("OWNER", "owner"),
                    ("ACCESS", "access"),
                ];
                output.table(&rows, &columns);
            }
            Conference::Show { cid } => {
                let conference = client.get(&path(&cid), &[]).await?;
                output.one(&conference, || lines(&conference));
            }
            Conference::Create {
                cid,
                name,
                description,
                public,
                owner,
            } => {
                let body = json!({
                    "cid": cid,
                    "name": name,
                    "description": description,
                    "access": if public { "public" } else { "internal" },
                    "owner": owner,
                });
                let made = client.write(Method::POST, "/conferences", Some(&body)).await?;
                output.one(&made, || {
                    format!("Created {}.", made["cid"].as_str().unwrap_or_default())
                });
            }
            Conference::Delete { cid } => {
                client.write(Method::DELETE, &path(&cid), None).await?;
                say("Done.");
            }
        }
        Ok(())
    }
}

fn lines(conference: &Value) -> String {
    let line = |(title, field): (&str, &str)| {
        let text = conference[field].as_str().unwrap_or_default();
        format!("{title:<13}{text}")
    };
    [
        ("CID", "cid"),
        ("Name", "name"),
        ("Description", "description"),
        ("Owner", "owner"),
        ("Access", "access"),
        ("Created", "created_at"),
        ("Changed", "updated_at"),
    ]
    .map(line)
    .join("\n")
}
