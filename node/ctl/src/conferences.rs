//! Conferences.

use crate::{
    client::{Client, encode},
    output::{Output, say},
};
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

/// Conferences: rooms of the server, how they are run, and who is in them.
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
        #[command(flatten)]
        settings: Settings,
    },
    /// Change what a conference is called and how it is run
    Set {
        cid: String,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        description: Option<String>,
        #[arg(long, value_parser = ["internal", "public"])]
        access: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Show who is in a conference or waits to be let in
    People { cid: String },
    /// Act as a moderator: admit, mute, remove, lock, end and others
    Act {
        cid: String,
        act: Act,
        /// Whom it is about, by the number that `people` shows
        participant: Option<String>,
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
                settings,
            } => {
                let body = json!({
                    "cid": cid,
                    "name": name,
                    "description": description,
                    "access": if public { "public" } else { "internal" },
                    "owner": owner,
                    "settings": settings.json(),
                });
                let made = client.write(Method::POST, "/conferences", Some(&body)).await?;
                output.one(&made, || {
                    format!("Created {}.", made["cid"].as_str().unwrap_or_default())
                });
            }
            Conference::Set {
                cid,
                name,
                description,
                access,
                settings,
            } => {
                let body = json!({
                    "name": name,
                    "description": description,
                    "access": access,
                    "settings": settings.json(),
                });
                let now = client.write(Method::PATCH, &path(&cid), Some(&body)).await?;
                output.one(&now, || lines(&now));
            }
            Conference::People { cid } => {
                let all = client.get(&format!("{}/participants", path(&cid)), &[]).await?;
                let rows = all.as_array().cloned().unwrap_or_default();
                let columns = [
                    ("ID", "id"),
                    ("NAME", "name"),
                    ("ROLE", "role"),
                    ("WAITING", "waiting"),
                    ("PODIUM", "podium"),
                    ("MUTED", "muted"),
                ];
                output.table(&rows, &columns);
            }
            Conference::Act {
                cid,
                act,
                participant,
            } => {
                let name = act
                    .to_possible_value()
                    .map(|value| value.get_name().replace('-', "_"));
                let body = json!({ "act": name, "participant": participant });
                client
                    .write(Method::POST, &format!("{}/acts", path(&cid)), Some(&body))
                    .await?;
                say("Done.");
            }
            Conference::Delete { cid } => {
                client.write(Method::DELETE, &path(&cid), None).await?;
                say("Done.");
            }
        }
        Ok(())
    }
}

/// How a conference is run; what is left out stays as it is.
#[derive(Args)]
pub(crate) struct Settings {
    /// Who is seen and heard
    #[arg(long, value_parser = ["all_on_screen", "smart", "role_based", "lecture"])]
    mode: Option<String>,
    /// Places on the podium of smart and role-based meetings
    #[arg(long)]
    podium_places: Option<u8>,
    /// 4 to 16 digits; empty for none
    #[arg(long)]
    pin: Option<String>,
    /// Who is let in by a moderator
    #[arg(long, value_parser = ["off", "all", "uninvited", "uninvited_elsewhere", "guests"])]
    waiting_room: Option<String>,
    /// Whether those may come who are not invited
    #[arg(long)]
    uninvited: Option<bool>,
    #[arg(long)]
    muted_on_entry: Option<bool>,
    #[arg(long)]
    camera_off_on_entry: Option<bool>,
    /// User IDs, with commas between them; the whole list
    #[arg(long, value_delimiter = ',')]
    moderators: Option<Vec<String>>,
    /// User IDs, with commas between them; the whole list
    #[arg(long, value_delimiter = ',')]
    invited: Option<Vec<String>>,
    /// Where people meet beside the conference
    #[arg(long)]
    place: Option<String>,
    /// 0 for as many as the server takes
    #[arg(long)]
    participant_limit: Option<u32>,
    /// 0 for as many as the server takes
    #[arg(long)]
    guest_limit: Option<u32>,
}

impl Settings {
    /// Null if nothing is said.
    fn json(self) -> Value {
        let names = |names: Option<Vec<String>>| {
            names.map(|names| {
                names
                    .into_iter()
                    .filter(|name| !name.is_empty())
                    .collect::<Vec<_>>()
            })
        };
        let mut all = json!({
            "mode": self.mode,
            "podium_places": self.podium_places,
            "pin": self.pin,
            "waiting_room": self.waiting_room,
            "uninvited": self.uninvited,
            "muted_on_entry": self.muted_on_entry,
            "camera_off_on_entry": self.camera_off_on_entry,
            "moderators": names(self.moderators),
            "invited": names(self.invited),
            "place": self.place,
            "participant_limit": self.participant_limit,
            "guest_limit": self.guest_limit,
        });
        if let Some(fields) = all.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
            if fields.is_empty() {
                return Value::Null;
            }
        }
        all
    }
}

/// What a moderator can do.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Act {
    Admit,
    AdmitAll,
    SendBack,
    Remove,
    Mute,
    MuteAll,
    StopCamera,
    AskToUnmute,
    MakeModerator,
    UnmakeModerator,
    LowerHand,
    GivePodium,
    TakePodium,
    Pin,
    Unpin,
    GiveRemark,
    TakeRemark,
    Lock,
    Unlock,
    End,
}

fn lines(conference: &Value) -> String {
    let line = |(title, field): (&str, &str)| {
        let text = conference[field].as_str().unwrap_or_default();
        format!("{title:<13}{text}")
    };
    let settings = &conference["settings"];
    let shown = |field: &str| match &settings[field] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let more = [
        ("Mode", shown("mode")),
        ("Waiting room", shown("waiting_room")),
        (
            "PIN",
            if settings["has_pin"] == true {
                shown("pin").replace("null", "set")
            } else {
                "none".into()
            },
        ),
        ("Moderators", joined(&settings["moderators"])),
        ("Place", shown("place")),
    ];
    let more = more.iter().map(|(title, text)| format!("{title:<13}{text}"));
    let more = more.collect::<Vec<_>>().join("\n");
    let first = [
        ("CID", "cid"),
        ("Name", "name"),
        ("Description", "description"),
        ("Owner", "owner"),
        ("Access", "access"),
        ("Created", "created_at"),
        ("Changed", "updated_at"),
    ]
    .map(line)
    .join("\n");
    format!("{first}\n{more}")
}

fn joined(names: &Value) -> String {
    let names = names.as_array().into_iter().flatten();
    names.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}
