//! The Directory of the enterprise.

use crate::{
    client::Client,
    output::{Output, say},
};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

/// The Directory: people of all servers of the enterprise find each other.
#[derive(Subcommand)]
pub(crate) enum Directory {
    /// Show whether this server is in the Directory, what it shows there, and which servers are
    Show,
    /// Let people of this server be found; prints the key for the Directory's administrator. Again: a new key
    Activate {
        /// Where the Directory is, as dir-1.example.com:4311
        #[arg(required = true)]
        addresses: Vec<String>,
    },
    /// Print the key once more
    Key,
    /// Let nobody of this server be found any more
    Deactivate {
        /// Do not wait until the Directory has heard it; have its administrator remove the server there
        #[arg(long)]
        at_once: bool,
    },
    /// Choose what is shown of this server; what is not named stays
    Share(Share),
}

#[derive(Args)]
pub(crate) struct Share {
    /// user, group, room, conference
    #[arg(long, value_delimiter = ',', num_args = 0..)]
    kinds: Option<Vec<String>>,
    /// IDs of groups whose people are found, or `all`
    #[arg(long, value_delimiter = ',')]
    groups: Option<Vec<String>>,
    /// IDs of groups that are never shown, nor anybody in them; `none` for no group
    #[arg(long, value_delimiter = ',')]
    hidden: Option<Vec<String>>,
    /// first_name, last_name, email, phones, job_title, department, company, groups, aliases; `none` for the name alone
    #[arg(long, value_delimiter = ',')]
    fields: Option<Vec<String>>,
}

impl Directory {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        match self {
            Directory::Show => {
                let directory = client.get("/directory", &[]).await?;
                output.one(&directory, || shown(&directory));
                Ok(())
            }
            Directory::Activate { addresses } => {
                let body = json!({ "addresses": addresses });
                let made = client
                    .write(Method::POST, "/directory/activate", Some(&body))
                    .await?;
                output.one(&made, || told(&made));
                Ok(())
            }
            Directory::Key => {
                let made = client.get("/directory/key", &[]).await?;
                output.one(&made, || told(&made));
                Ok(())
            }
            Directory::Deactivate { at_once } => {
                let body = json!({ "at_once": at_once });
                client
                    .write(Method::POST, "/directory/deactivate", Some(&body))
                    .await?;
                say("Done.");
                Ok(())
            }
            Directory::Share(share) => share.run(client).await,
        }
    }
}

/// A list, where one word stands for none.
fn without(list: Vec<String>, none: &str) -> Vec<String> {
    list.into_iter().filter(|word| word != none).collect()
}

impl Share {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let directory = client.get("/directory", &[]).await?;
        let mut share = directory["share"].clone();
        if let Some(kinds) = self.kinds {
            share["kinds"] = json!(kinds);
        }
        if let Some(groups) = self.groups {
            share["groups"] = match groups.iter().any(|group| group == "all") {
                true => Value::Null,
                false => json!(groups),
            };
        }
        if let Some(hidden) = self.hidden {
            share["hidden"] = json!(without(hidden, "none"));
        }
        if let Some(fields) = self.fields {
            share["fields"] = json!(without(fields, "none"));
        }
        let tag = format!("\"{}\"", directory["revision"].as_str().unwrap_or_default());
        let request = client
            .request(Method::PATCH, "/directory")
            .header("If-Match", tag);
        crate::client::json(request.json(&json!({ "share": share }))).await?;
        say("Done.");
        Ok(())
    }
}

fn told(made: &Value) -> String {
    format!(
        "{}\n\nGive this key to the administrator of the Directory by a way that both of you trust; there: \
         plenary-directory add KEY. It is a secret.",
        made["key"].as_str().unwrap_or_default()
    )
}

fn words(list: &Value) -> String {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    if words.is_empty() {
        "none".into()
    } else {
        words.join(", ")
    }
}

fn shown(directory: &Value) -> String {
    let stage = match directory["stage"].as_str() {
        Some("on") if directory["connected"] == true => "connected",
        Some("on") => "activated, not connected",
        Some("leaving") => "leaving",
        _ => return "This server is in no Directory.".into(),
    };
    let share = &directory["share"];
    let groups = match &share["groups"] {
        Value::Null => "all".to_owned(),
        list => words(list),
    };
    let mut lines = vec![
        format!("state         {stage}"),
        format!(
            "Directory     {}",
            directory["name"].as_str().unwrap_or("not known yet")
        ),
        format!("addresses     {}", words(&directory["addresses"])),
        format!("shows         {}", words(&share["kinds"])),
        format!("of groups     {groups}"),
        format!("never         {}", words(&share["hidden"])),
        format!("with          {}", words(&share["fields"])),
    ];
    if let Some(detail) = directory["trouble"]["detail"].as_str() {
        lines.push(format!("trouble       {detail}"));
    }
    if let Some(last) = directory["left_out"]["last"].as_str() {
        let entries = &directory["left_out"]["entries"];
        lines.push(format!("not told      {entries}, the last: {last}"));
    }
    for server in directory["servers"].as_array().map_or(&[][..], Vec::as_slice) {
        lines.push(format!(
            "server        {}: {} entries, {}, last change {}",
            server["server"].as_str().unwrap_or_default(),
            server["entries"],
            if server["connected"] == true {
                "connected"
            } else {
                "silent"
            },
            server["changed_at"].as_str().unwrap_or("never")
        ));
    }
    lines.join("\n")
}

/// Looks for people, groups, rooms and conferences.
#[derive(Args)]
pub(crate) struct Search {
    /// Parts of a name, an ID, an email address, a phone number, a job title
    #[arg(required = true)]
    words: Vec<String>,
}

impl Search {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let query = [("q", self.words.join(" "))];
        let found = client.get("/me/search", &query).await?;
        let hits = found["hits"].as_array().cloned().unwrap_or_default();
        output.table(
            &hits,
            &[
                ("NAME", "display_name"),
                ("KIND", "kind"),
                ("CALL", "call"),
                ("PRESENCE", "presence"),
                ("JOB", "job_title"),
            ],
        );
        if let Some(reason) = found["reason"].as_str()
            && !output.json
        {
            say(&format!("\nOnly this server was searched: {reason}"));
        }
        Ok(())
    }
}
