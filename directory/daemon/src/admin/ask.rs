//! The commands of administrators: each asks the running instance by its socket.

use super::{Said, Wish};
use crate::{data, options::Common};
use anyhow::{Context as _, bail};
use chrono::DateTime;
use clap::Args;
use plenary_model::ServerName;
use plenary_program::say;
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
};

fn ask(common: &Common, wish: &Wish) -> anyhow::Result<Value> {
    let config = common.load()?;
    let path = data::socket(&data::folder(&config));
    let mut stream = UnixStream::connect(&path).with_context(|| {
        format!(
            "no instance runs here, or you may not ask it ({}); run this as root on its machine",
            path.display()
        )
    })?;
    let mut text = serde_json::to_string(wish)?;
    text.push('\n');
    stream.write_all(text.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    match serde_json::from_str(&line).context("the instance gave no answer; see its log")? {
        Said::Done(value) => Ok(value),
        Said::Refused { code, reason } => bail!("{reason} ({code})"),
    }
}

/// How answers are shown.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Shown {
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

impl Shown {
    fn value(self, value: &Value, text: impl FnOnce() -> String) {
        say(&match self.json {
            true => serde_json::to_string_pretty(value).unwrap_or_default(),
            false => text(),
        });
    }

    fn table(self, rows: &Value, columns: &[(&str, &str)]) {
        self.value(rows, || {
            let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
            let head = columns.iter().map(|(head, _)| (*head).to_owned());
            let mut lines = vec![head.collect::<Vec<_>>()];
            lines.extend(rows.iter().map(|row| {
                let cells = columns.iter().map(|(_, key)| cell(key, &row[*key]));
                cells.collect()
            }));
            let widths = (0..columns.len()).map(|i| {
                let cells = lines.iter().filter_map(|line| line.get(i));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            });
            let widths: Vec<usize> = widths.collect();
            let lines = lines.iter().map(|line| {
                let cells = line.iter().zip(&widths);
                let cells: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
                cells.join("  ").trim_end().to_owned()
            });
            lines.collect::<Vec<_>>().join("\n")
        });
    }
}

/// A value as people read it; control characters never reach the terminal.
fn cell(key: &str, value: &Value) -> String {
    let text = match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) if key.ends_with("_ms") || key == "at" => {
            let moment = number.as_i64().and_then(DateTime::from_timestamp_millis);
            moment.map_or(number.to_string(), |moment| moment.format("%F %T").to_string())
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| cell(key, item));
            items.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Show the Directory, its instances, its database, and how many entries it has
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    shown: Shown,
}

impl Status {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let value = ask(common, &Wish::Status)?;
        self.shown.value(&value, || {
            let fields = value.as_object().into_iter().flatten();
            let lines =
                fields.map(|(key, value)| format!("{:16}  {}", key.replace('_', " "), cell(key, value)));
            lines.collect::<Vec<_>>().join("\n")
        });
        Ok(())
    }
}

/// Connect a server: give the Directory the key that the server made
///
/// An earlier key of the same server counts no more. The server is connected when it has come with its key; see `servers`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The key
    #[arg(env = "PLENARY_KEY", hide_env_values = true)]
    key: String,
    #[command(flatten)]
    shown: Shown,
}

impl Add {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let key = self.key.clone();
        let value = ask(common, &Wish::Add { key })?;
        self.shown.value(&value, || {
            format!("The Directory waits for {}.", cell("server", &value["server"]))
        });
        Ok(())
    }
}

/// Remove a server: its people are found no more, and its key counts no more
#[derive(Debug, Args)]
pub(crate) struct Remove {
    server: ServerName,
}

impl Remove {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let server = self.server.clone();
        ask(common, &Wish::Remove { server })?;
        say("Removed.");
        Ok(())
    }
}

/// List servers: whether they are connected, how many entries they have, when they changed last
#[derive(Debug, Args)]
pub(crate) struct Servers {
    #[command(flatten)]
    shown: Shown,
}

impl Servers {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        self.shown.table(
            &ask(common, &Wish::Servers)?,
            &[
                ("SERVER", "server"),
                ("KEY", "key"),
                ("CONNECTED", "connected"),
                ("HEARD", "heard"),
                ("ENTRIES", "entries"),
                ("CHANGED", "changed_ms"),
                ("NODES", "nodes"),
            ],
        );
        Ok(())
    }
}

/// Show what happened, the newest first
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Only events before the one with this ID
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    most: u32,
    #[command(flatten)]
    shown: Shown,
}

impl Events {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let (before, most) = (self.before.clone(), self.most);
        self.shown.table(
            &ask(common, &Wish::Events { before, most })?,
            &[("TIME", "at"), ("ID", "id"), ("EVENT", "event")],
        );
        Ok(())
    }
}
