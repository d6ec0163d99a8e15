//! The commands of administrators: each asks the running instance by its socket.

use super::Wish;
use crate::{config::Config, data};
use clap::Args;
use plenary_member::admin::{self, Shown, cell};
use plenary_model::ServerName;
use plenary_program::{options::Common, say};
use serde_json::Value;

fn ask(common: &Common, wish: &Wish) -> anyhow::Result<Value> {
    let config = common.load(Config::load)?;
    let socket = data::socket(&data::folder(&config));
    admin::ask(&data::KIND, &socket, wish)
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
            cell,
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
            cell,
        );
        Ok(())
    }
}
