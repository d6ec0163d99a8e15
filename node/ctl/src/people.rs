//! Accounts and events.

use crate::{
    client::{Client, encode},
    output::{Output, say},
};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Accounts.
#[derive(Subcommand)]
pub(crate) enum User {
    /// List accounts, or those that match
    List {
        /// Parts of ID, names or email, in any order
        search: Option<String>,
        #[arg(long)]
        group: Option<String>,
        #[arg(long, default_value_t = 200)]
        limit: usize,
    },
    /// Show one account
    Show { id: String },
    /// Create an account; without a password it cannot sign in
    Create {
        id: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change an account
    Edit {
        id: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Let an account sign in again after it was disabled
    Enable { id: String },
    /// Stop an account from signing in; its sessions end
    Disable { id: String },
    /// End all sessions of an account
    Disconnect { id: String },
    /// Lift the lock after too many wrong passwords
    Unlock { id: String },
    /// Delete an account for good
    Delete { id: String },
    /// Import accounts from a CSV file, all or nothing
    Import {
        file: PathBuf,
        /// Check only
        #[arg(long)]
        dry_run: bool,
    },
    /// Print all accounts as CSV
    Export,
}

/// Fields of an account.
#[derive(Args)]
pub(crate) struct Fields {
    #[arg(long)]
    display_name: Option<String>,
    #[arg(long)]
    email: Option<String>,
    /// ID of a group; repeat for more; replaces the groups of the account
    #[arg(long = "group")]
    groups: Vec<String>,
    /// Role in the control panel: none, security (reads), full
    #[arg(long, value_parser = ["none", "security", "full"])]
    admin: Option<String>,
    /// Any other field of the profile, as job_title=Engineer
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// Ask for the password (PLENARY_NEW_PASSWORD in scripts)
    #[arg(long)]
    password: bool,
}

impl Fields {
    fn body(&self) -> anyhow::Result<Map<String, Value>> {
        let mut body = Map::new();
        let mut put = |key: &str, value: &Option<String>| {
            if let Some(value) = value {
                body.insert(key.into(), json!(value));
            }
        };
        put("display_name", &self.display_name);
        put("email", &self.email);
        put("admin", &self.admin);
        for pair in &self.set {
            let (key, value) = pair.split_once('=').context("--set needs FIELD=VALUE")?;
            body.insert(key.into(), json!(value));
        }
        if !self.groups.is_empty() {
            body.insert("groups".into(), json!(self.groups));
        }
        if self.password {
            body.insert("password".into(), json!(new_password()?));
        }
        Ok(body)
    }
}

fn new_password() -> anyhow::Result<String> {
    if let Ok(password) = std::env::var("PLENARY_NEW_PASSWORD") {
        return Ok(password);
    }
    let first = rpassword::prompt_password("New password: ")?;
    anyhow::ensure!(
        rpassword::prompt_password("Once more: ")? == first,
        "the two passwords differ"
    );
    Ok(first)
}

const USER_COLUMNS: &[(&str, &str)] = &[
    ("ID", "id"),
    ("NAME", "display_name"),
    ("EMAIL", "email"),
    ("PRESENCE", "presence"),
    ("ADMIN", "admin"),
    ("GROUPS", "groups"),
];

impl User {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        match self {
            User::List { search, group, limit } => {
                let query = [
                    ("search", search.unwrap_or_default()),
                    ("group", group.unwrap_or_default()),
                ];
                output.table(&client.list("/users", &query, limit).await?, USER_COLUMNS);
            }
            User::Show { id } => show(output, &client.get(&path(&id), &[]).await?),
            User::Create { id, fields } => {
                let mut body = fields.body()?;
                body.insert("id".into(), json!(id));
                show(
                    output,
                    &client
                        .write(Method::POST, "/users", Some(&Value::Object(body)))
                        .await?,
                );
            }
            User::Edit { id, fields } => {
                let body = Value::Object(fields.body()?);
                show(
                    output,
                    &client.write(Method::PATCH, &path(&id), Some(&body)).await?,
                );
            }
            User::Enable { id } => set_active(client, &id, true).await?,
            User::Disable { id } => set_active(client, &id, false).await?,
            User::Disconnect { id } => done(
                client
                    .write(Method::POST, &format!("{}/disconnect", path(&id)), None)
                    .await?,
            ),
            User::Unlock { id } => done(
                client
                    .write(Method::POST, &format!("{}/unlock", path(&id)), None)
                    .await?,
            ),
            User::Delete { id } => done(client.write(Method::DELETE, &path(&id), None).await?),
            User::Import { file, dry_run } => import(client, output, &file, dry_run).await?,
            User::Export => {
                let text = client
                    .stream(client.request(Method::GET, "/users.csv"))
                    .await?
                    .text()
                    .await?;
                say(text.trim_end());
            }
        }
        Ok(())
    }
}

fn path(id: &str) -> String {
    format!("/users/{}", encode(id))
}

fn done(_: Value) {
    say("Done.");
}

async fn set_active(client: &Client, id: &str, active: bool) -> anyhow::Result<()> {
    done(
        client
            .write(Method::PATCH, &path(id), Some(&json!({ "active": active })))
            .await?,
    );
    Ok(())
}

fn show(output: Output, user: &Value) {
    output.one(user, || {
        let lines = user
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| !is_empty(value));
        lines
            .map(|(key, value)| format!("{key:<18}{}", plain(value)))
            .collect::<Vec<_>>()
            .join("\n")
    });
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

async fn import(
    client: &Client,
    output: Output,
    file: &std::path::Path,
    dry_run: bool,
) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let request = client
        .request(Method::POST, &format!("/users/import?dry_run={dry_run}"))
        .header("Content-Type", "text/csv; charset=utf-8")
        .body(bytes);
    let result = crate::client::json(request).await?;
    output.one(&result, || {
        let verb = if dry_run { "Would create" } else { "Created" };
        format!(
            "{verb} {}, changed {}, new groups {}.",
            result["created"], result["updated"], result["groups_created"]
        )
    });
    Ok(())
}

/// What happened, newest first.
#[derive(Args)]
pub(crate) struct Events {
    search: Option<String>,
    /// login, logout, lock, unlock, change, start, …
    #[arg(long)]
    kind: Option<String>,
    /// User who did it
    #[arg(long)]
    actor: Option<String>,
    /// Not before this time (RFC 3339)
    #[arg(long)]
    from: Option<String>,
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

impl Events {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let query = [
            ("search", self.search.unwrap_or_default()),
            ("kind", self.kind.unwrap_or_default()),
            ("actor", self.actor.unwrap_or_default()),
            ("from", self.from.unwrap_or_default()),
        ];
        let mut rows = client.list("/events", &query, self.limit).await?;
        if !output.json {
            rows.iter_mut()
                .for_each(|row| row["changed"] = json!(changes(row)));
        }
        output.table(
            &rows,
            &[
                ("WHEN", "at"),
                ("KIND", "kind"),
                ("OK", "success"),
                ("WHO", "actor"),
                ("WHAT", "object"),
                ("CHANGES", "changed"),
            ],
        );
        Ok(())
    }
}

/// Changes in one line: `email: "" → "a@b"`.
fn changes(event: &Value) -> String {
    let one = |change: &Value| {
        format!(
            "{}: {} → {}",
            plain(&change["field"]),
            change["before"],
            change["after"]
        )
    };
    event["changes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(one)
        .collect::<Vec<_>>()
        .join("; ")
}
