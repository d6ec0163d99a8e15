//! The commands of administrators: each asks the running replica by its socket.

use super::Wish;
use crate::{
    config::{Config, ttl},
    data,
};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use plenary_licences::{
    Seats,
    lessor::Limits,
    licence::{LARGEST, LicenceId},
};
use plenary_member::admin::{self, Shown};
use plenary_model::{NodeName, ServerName};
use plenary_program::{options::Common, say};
use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    path::PathBuf,
};

fn ask(common: &Common, wish: &Wish) -> anyhow::Result<Value> {
    let config = common.load(Config::load)?;
    let socket = data::socket(&data::folder(&config));
    admin::ask(&data::KIND, &socket, wish)
}

/// As all members show it; seats in the order of the heads.
fn cell(key: &str, value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.contains_key("pro") => {
            let of = |kind| fields.get(kind).and_then(Value::as_u64).unwrap_or(0);
            format!("{}/{}/{}/{}", of("pro"), of("online"), of("guest"), of("gateway"))
        }
        other => admin::cell(key, other),
    }
}

/// Show the pool, the replicas' leader, and whether it lends
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
            let lines = fields.filter(|(_, value)| !value.is_null());
            let lines =
                lines.map(|(key, value)| format!("{:10}  {}", key.replace('_', " "), cell(key, value)));
            lines.collect::<Vec<_>>().join("\n")
        });
        Ok(())
    }
}

/// Licence files: install, list, remove, ask the vendor to confirm one
#[derive(Debug, Subcommand)]
pub(crate) enum Licence {
    /// Install a licence or confirmation file
    Install { file: PathBuf },
    /// List the files, and why one does not count
    List(Shown),
    /// Remove a licence; servers keep what they have and get no more
    Remove {
        #[arg(value_parser = licence_id)]
        licence: LicenceId,
    },
    /// Write the request file that the vendor confirms
    Request {
        #[arg(value_parser = licence_id)]
        licence: LicenceId,
        /// File to write; it must not exist. Without it the request is printed
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

fn licence_id(text: &str) -> Result<LicenceId, &'static str> {
    let id = (text.len() == 32)
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten();
    id.map(LicenceId)
        .ok_or("a licence is named by 32 hexadecimal digits, as licence list shows them")
}

impl Licence {
    pub(crate) fn run(self, common: &Common) -> anyhow::Result<()> {
        match self {
            Self::Install { file } => {
                let mut text = String::new();
                let opened = std::fs::File::open(&file)
                    .with_context(|| format!("{} cannot be read", file.display()))?;
                opened
                    .take(LARGEST as u64 + 1)
                    .read_to_string(&mut text)
                    .context("it is no text")?;
                ask(common, &Wish::Install { text })?;
                say("Installed.");
            }
            Self::List(shown) => shown.table(
                &ask(common, &Wish::Licences)?,
                &[
                    ("LICENCE", "licence"),
                    ("ENTERPRISE", "enterprise"),
                    ("SERVERS", "servers"),
                    ("PRO/ONLINE/GUEST/GATEWAY", "seats"),
                    ("UNTIL", "valid_until"),
                    ("COUNTS", "counts"),
                    ("WHY NOT", "reason"),
                    ("DEVELOPMENT", "development"),
                ],
                cell,
            ),
            Self::Remove { licence: id } => {
                ask(common, &Wish::RemoveLicence { id })?;
                say("Removed.");
            }
            Self::Request { licence: id, out } => {
                let value = ask(common, &Wish::RequestLicence { id })?;
                let text = value["text"].as_str().unwrap_or_default();
                match out {
                    None => say(text.trim_end()),
                    Some(path) => {
                        let mut file = std::fs::File::create_new(&path)
                            .with_context(|| format!("{} cannot be written", path.display()))?;
                        file.write_all(text.as_bytes())?;
                        say(&format!("Wrote {}. Send it to the vendor.", path.display()));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Numbers of seats by kind.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SeatFlags {
    #[arg(long, default_value_t = 0)]
    pro: u32,
    #[arg(long, default_value_t = 0)]
    online: u32,
    #[arg(long, default_value_t = 0)]
    guest: u32,
    #[arg(long, default_value_t = 0)]
    gateway: u32,
}

impl SeatFlags {
    fn seats(self) -> Seats {
        Seats {
            pro: self.pro,
            online: self.online,
            guest: self.guest,
            gateway: self.gateway,
        }
    }
}

/// Servers that borrow: invite, list, bound, recall, remove, declare dead
#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Make the one-time token with which a server begins to borrow
    Invite {
        server: ServerName,
        /// How long the token is good
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=24 * 30))]
        hours: u32,
        #[command(flatten)]
        shown: Shown,
    },
    /// List servers with what they leased, use and want
    List(Shown),
    /// Guarantee seats to a server, and bound it
    ///
    /// The flags are what is guaranteed; --most-… is what it gets at most. Without any --most- it may get the whole pool.
    Bounds {
        server: ServerName,
        #[command(flatten)]
        guaranteed: SeatFlags,
        #[arg(long)]
        most_pro: Option<u32>,
        #[arg(long)]
        most_online: Option<u32>,
        #[arg(long)]
        most_guest: Option<u32>,
        #[arg(long)]
        most_gateway: Option<u32>,
    },
    /// Ask a server for seats that nobody there holds
    Recall {
        server: ServerName,
        #[command(flatten)]
        seats: SeatFlags,
    },
    /// Let the administrators of a server look after the License Manager in their control panel
    ///
    /// They see the pool and all servers, ask for seats back, and declare servers dead.
    Oversee {
        server: ServerName,
        /// Not any more
        #[arg(long)]
        no_more: bool,
    },
    /// Let a server borrow no more; it must hold no seats
    Remove { server: ServerName },
    /// Take all seats of a server back at once, because it is off for good
    ///
    /// If it is not off, its seats are used twice. Only do this when you know that none of its nodes runs.
    DeclareDead {
        server: ServerName,
        /// The server is really off
        #[arg(long)]
        it_is_off: bool,
    },
}

impl ServerCommand {
    pub(crate) fn run(self, common: &Common) -> anyhow::Result<()> {
        match self {
            Self::Invite { server, hours, shown } => {
                let ttl_s = u64::from(hours) * 3600;
                let value = ask(common, &Wish::InviteServer { server, ttl_s })?;
                shown.value(&value, || {
                    let token = value["token"].as_str().unwrap_or_default();
                    format!("Give this token to the server's administrator; it is good once:\n\n  {token}")
                });
                return Ok(());
            }
            Self::List(shown) => {
                shown.table(
                    &ask(common, &Wish::Servers)?,
                    &[
                        ("SERVER", "server"),
                        ("LEASED", "leased"),
                        ("USED", "used"),
                        ("WANTED", "wanted"),
                        ("GUARANTEED", "guaranteed"),
                        ("MOST", "most"),
                        ("CONNECTED", "connected"),
                        ("HEARD", "heard_ms"),
                        ("COVERED", "covered"),
                    ],
                    cell,
                );
                return Ok(());
            }
            Self::Bounds {
                server,
                guaranteed,
                most_pro,
                most_online,
                most_guest,
                most_gateway,
            } => {
                let bounds = [most_pro, most_online, most_guest, most_gateway];
                let most = bounds.iter().any(Option::is_some).then(|| Seats {
                    pro: most_pro.unwrap_or(u32::MAX),
                    online: most_online.unwrap_or(u32::MAX),
                    guest: most_guest.unwrap_or(u32::MAX),
                    gateway: most_gateway.unwrap_or(u32::MAX),
                });
                let guaranteed = guaranteed.seats();
                let limits = Limits { guaranteed, most };
                ask(common, &Wish::Bounds { server, limits })?;
            }
            Self::Recall { server, seats } => {
                let seats = seats.seats();
                ask(common, &Wish::Recall { server, seats })?;
            }
            Self::Oversee { server, no_more } => {
                let may = !no_more;
                ask(common, &Wish::Oversee { server, may })?;
            }
            Self::Remove { server } => {
                ask(common, &Wish::RemoveServer { server })?;
            }
            Self::DeclareDead { server, it_is_off } => {
                if !it_is_off {
                    bail!(
                        "if {server} is not off, its seats are used twice; say --it-is-off when none of its nodes runs"
                    );
                }
                ask(common, &Wish::DeclareDead { server })?;
            }
        }
        say("Done.");
        Ok(())
    }
}

/// Replicas: list, invite, remove
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// List the replicas with role and lag
    List(Shown),
    /// Make the one-time token with which a machine becomes a replica
    Invite {
        /// How long the token is good, in minutes
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_080))]
        minutes: u32,
        #[command(flatten)]
        shown: Shown,
    },
    /// Remove a replica for good; its certificate counts no more
    Remove { name: NodeName },
}

impl MemberCommand {
    pub(crate) fn run(self, common: &Common) -> anyhow::Result<()> {
        match self {
            Self::List(shown) => shown.table(
                &ask(common, &Wish::Members)?,
                &[
                    ("NAME", "name"),
                    ("NUMBER", "number"),
                    ("ADDRESS", "address"),
                    ("ROLE", "role"),
                    ("BEHIND", "behind"),
                ],
                cell,
            ),
            Self::Invite { minutes, shown } => {
                let ttl_s = u64::from(minutes) * 60;
                let value = ask(common, &Wish::InviteMember { ttl_s })?;
                shown.value(&value, || {
                    let token = value["token"].as_str().unwrap_or_default();
                    format!("On the new machine run:\n\n  plenary-license-manager join {token}\n\nThe token works once.")
                });
            }
            Self::Remove { name } => {
                ask(common, &Wish::RemoveMember { name })?;
                say("Done.");
            }
        }
        Ok(())
    }
}

/// Set how long leases last, from their next renewal on
#[derive(Debug, Args)]
pub(crate) struct Ttl {
    /// 60s to 7d, like 12h
    #[arg(value_parser = ttl)]
    time: u64,
}

impl Ttl {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        ask(common, &Wish::Ttl { ms: self.time })?;
        say("Done.");
        Ok(())
    }
}

/// Let a restored License Manager lend again
///
/// For one time of a lease it takes back what servers say that they hold and gives nobody more; then it serves.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// No other License Manager lends this pool
    #[arg(long)]
    it_is_the_only_one: bool,
}

impl Recover {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        if !self.it_is_the_only_one {
            bail!(
                "two License Managers must never lend one pool; say --it-is-the-only-one when all others are off for good"
            );
        }
        ask(common, &Wish::Recover)?;
        say("It recovers; status says when it serves.");
        Ok(())
    }
}

/// Write a consistent copy of all data while the replica runs
#[derive(Debug, Args)]
pub(crate) struct Backup {
    file: PathBuf,
}

impl Backup {
    pub(crate) fn run(self, common: &Common) -> anyhow::Result<()> {
        let path = std::path::absolute(&self.file)?;
        if path.exists() {
            bail!("{} exists already; choose another name", path.display());
        }
        let value = ask(common, &Wish::Backup { path })?;
        say(&format!(
            "Wrote {} ({} bytes).",
            self.file.display(),
            value["bytes"]
        ));
        Ok(())
    }
}

/// Show what happened: registrations, expiries, what administrators did
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// How many
    #[arg(long, default_value_t = 50)]
    most: u32,
    /// Only those before this number
    #[arg(long)]
    before: Option<i64>,
    #[command(flatten)]
    shown: Shown,
}

impl Events {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let Self { most, before, shown } = *self;
        let wish = Wish::Events { before, most };
        shown.table(
            &ask(common, &wish)?,
            &[
                ("NUMBER", "number"),
                ("AT", "at"),
                ("BY", "by"),
                ("EVENT", "event"),
            ],
            cell,
        );
        Ok(())
    }
}
