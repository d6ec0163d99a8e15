//! Templates of conferences.

use crate::{
    client::{Client, encode},
    conferences::{Settings, joined},
    output::{Output, say},
};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

/// Templates: how conferences are set up, kept under a name. `conference create --template` makes one like it.
#[derive(Subcommand)]
pub(crate) enum Template {
    /// List your templates and those for all
    List {
        search: Option<String>,
        /// Those of everybody; administrators only
        #[arg(long)]
        all: bool,
    },
    /// Show one template, by its name or number
    Show { template: String },
    /// Keep a template
    Create {
        name: String,
        #[command(flatten)]
        what: Box<What>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Keep how a conference is set up
    Keep {
        /// The conference
        cid: String,
        /// What the template is called
        name: String,
    },
    /// Change a template
    Set {
        template: String,
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        what: Box<What>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Delete a template; conferences that were made from it stay
    Delete { template: String },
}

/// What a template says beside the settings; what is left out stays as it is.
#[derive(Args)]
pub(crate) struct What {
    #[arg(long)]
    description: Option<String>,
    #[arg(long, value_parser = ["internal", "public"])]
    access: Option<String>,
    /// Whether everybody finds it; administrators only
    #[arg(long)]
    for_all: Option<bool>,
    /// Always open
    #[arg(long, conflicts_with_all = ["by_hand", "time"])]
    virtual_room: bool,
    /// A moderator starts it
    #[arg(long, conflicts_with = "time")]
    by_hand: bool,
    /// Time at which conferences begin: 09:30
    #[arg(long, requires = "zone")]
    time: Option<String>,
    /// Time zone, as Europe/Paris
    #[arg(long, requires = "time")]
    zone: Option<String>,
    /// Planned length; without it the end is not planned
    #[arg(long, requires = "time")]
    minutes: Option<u32>,
    /// Days of each week, with commas between them: monday,thursday
    #[arg(long, requires = "time", value_delimiter = ',')]
    weekdays: Vec<String>,
}

impl What {
    fn add_to(self, body: &mut Value) {
        let mut put = |field: &str, value: Value| {
            if !value.is_null() {
                body[field] = value;
            }
        };
        put("description", json!(self.description));
        put("access", json!(self.access));
        put("for_all", json!(self.for_all));
        if self.virtual_room {
            put("launch", "virtual_room".into());
        } else if self.by_hand {
            put("launch", "by_hand".into());
        } else if let Some(time) = self.time {
            let schedule = json!({
                "time": time,
                "zone": self.zone,
                "duration_minutes": self.minutes,
                "weekdays": self.weekdays,
            });
            put("schedule", schedule);
        }
    }
}

impl Template {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        match self {
            Self::List { search, all } => {
                let part = if all { "all" } else { "" };
                let query = [("search", search.unwrap_or_default()), ("part", part.to_owned())];
                let rows = client.list("/templates", &query, 100_000).await?;
                let columns = [
                    ("NUMBER", "id"),
                    ("NAME", "name"),
                    ("OWNER", "owner"),
                    ("FOR ALL", "for_all"),
                    ("ACCESS", "access"),
                ];
                output.table(&rows, &columns);
            }
            Self::Show { template } => {
                let found = find(client, &template).await?;
                output.one(&found, || lines(&found));
            }
            Self::Create { name, what, settings } => {
                let mut body = json!({ "name": name, "settings": settings.json() });
                what.add_to(&mut body);
                made(client, output, &body).await?;
            }
            Self::Keep { cid, name } => {
                let conference = client.get(&format!("/conferences/{}", encode(&cid)), &[]).await?;
                if conference["moderates"] != true {
                    bail!("you do not moderate {cid}, and do not see all of how it is set up");
                }
                let mut body = like(&conference)?;
                body["name"] = name.into();
                if let Some(hours) = body["schedule"].as_object_mut() {
                    hours.retain(|field, _| !matches!(field.as_str(), "date" | "until" | "count"));
                }
                made(client, output, &body).await?;
            }
            Self::Set {
                template,
                name,
                what,
                settings,
            } => {
                let path = path(&find(client, &template).await?)?;
                let mut body = json!({ "name": name, "settings": settings.json() });
                what.add_to(&mut body);
                let now = client.write(Method::PATCH, &path, Some(&body)).await?;
                output.one(&now, || lines(&now));
            }
            Self::Delete { template } => {
                let path = path(&find(client, &template).await?)?;
                client.write(Method::DELETE, &path, None).await?;
                say("Done.");
            }
        }
        Ok(())
    }
}

async fn made(client: &Client, output: Output, body: &Value) -> anyhow::Result<()> {
    let made = client.write(Method::POST, "/templates", Some(body)).await?;
    output.one(&made, || {
        format!("Kept as {}.", made["name"].as_str().unwrap_or_default())
    });
    Ok(())
}

fn path(template: &Value) -> anyhow::Result<String> {
    let id = template["id"].as_str().context("the server named no template")?;
    Ok(format!("/templates/{}", encode(id)))
}

/// A template by its number, or by its name where only one that one finds is called so; the own one first.
pub(crate) async fn find(client: &Client, name: &str) -> anyhow::Result<Value> {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return client.get(&format!("/templates/{}", encode(name)), &[]).await;
    }
    for part in ["own", "for_all"] {
        let query = [("search", name.to_owned()), ("part", part.to_owned())];
        let rows = client.list("/templates", &query, 100_000).await?;
        let is_it = |row: &&Value| {
            let called = row["name"].as_str().unwrap_or_default();
            called.to_lowercase() == name.to_lowercase()
        };
        let mut found = rows.iter().filter(is_it);
        match (found.next(), found.next()) {
            (Some(one), None) => return Ok(one.clone()),
            (Some(_), Some(_)) => {
                bail!("several templates are called {name:?}; give the number that `list` shows")
            }
            _ => {}
        }
    }
    bail!("there is no template {name:?} that you can use; `plenaryctl template list` shows them")
}

/// What makes another conference or template like this one: fields of forms are new, and there are no days.
pub(crate) fn like(of: &Value) -> anyhow::Result<Value> {
    let mut settings = of["settings"]
        .as_object()
        .context("the server did not say how it is set up")?
        .clone();
    settings.remove("has_pin");
    settings.retain(|_, value| !value.is_null());
    let fields = settings
        .get_mut("registration")
        .and_then(|registration| registration["fields"].as_array_mut());
    for field in fields.into_iter().flatten() {
        field["id"] = Value::Null;
    }
    let mut body = json!({
        "description": of["description"],
        "access": of["access"],
        "launch": of["launch"],
        "settings": settings,
    });
    // Only conferences say on which days.
    if of["schedule"]["date"].is_string() {
        body["schedule"] = of["schedule"].clone();
    }
    Ok(body)
}

fn lines(template: &Value) -> String {
    let settings = &template["settings"];
    let schedule = &template["schedule"];
    let begins = match template["launch"].as_str() {
        Some("by_hand") => "when a moderator starts it".to_owned(),
        Some("scheduled") => {
            let time = schedule["time"].as_str().unwrap_or_default();
            let zone = schedule["zone"].as_str().unwrap_or_default();
            format!("{} {time} {zone}", joined(&schedule["weekdays"]))
                .trim()
                .to_owned()
        }
        _ => "always open".to_owned(),
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    [
        ("Number", text(&template["id"])),
        ("Name", text(&template["name"])),
        ("Description", text(&template["description"])),
        ("Owner", text(&template["owner"])),
        ("For all", text(&template["for_all"])),
        ("Access", text(&template["access"])),
        ("Mode", text(&settings["mode"])),
        ("Waiting room", text(&settings["waiting_room"])),
        ("Begins", begins),
        ("Moderators", joined(&settings["moderators"])),
        ("Changed", text(&template["updated_at"])),
    ]
    .map(|(title, text)| format!("{title:<13}{text}"))
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_like_a_template_has_new_fields_and_no_days() {
        let template = json!({
            "description": "Open",
            "access": "public",
            "launch": "scheduled",
            "schedule": {"time": "09:30", "zone": "UTC"},
            "settings": {
                "has_pin": false,
                "pin": null,
                "mode": "lecture",
                "registration": {"on": true, "fields": [{"id": 3, "label": "Town"}]},
            },
        });
        let body = like(&template).expect("it has settings");
        assert_eq!(
            body,
            json!({
                "description": "Open",
                "access": "public",
                "launch": "scheduled",
                "settings": {
                    "mode": "lecture",
                    "registration": {"on": true, "fields": [{"id": null, "label": "Town"}]},
                },
            })
        );
    }
}
