//! Conferences.

mod calls;

use crate::{
    client::{Client, encode},
    output::{Output, say},
    templates,
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
    /// Create a conference: a virtual room, unless it is said when it begins
    Create(Box<New>),
    /// Change what a conference is called and how it is run
    Set {
        cid: String,
        /// Another ID: the one of before leads nowhere then, and who is in stays; empty for one that the server makes up
        #[arg(long)]
        new_cid: Option<String>,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        description: Option<String>,
        #[arg(long, value_parser = ["internal", "public"])]
        access: Option<String>,
        #[command(flatten)]
        when: Box<When>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Write the file of a scheduled conference for calendars to standard output
    Calendar { cid: String },
    /// Show who is in a conference or waits to be let in
    People { cid: String },
    /// Show which programs watch a conference
    Watchers { cid: String },
    /// Show who was removed from a conference, or not let in, and does not come back into the run that goes on
    Removed { cid: String },
    /// Let somebody back in who was removed
    LetBack {
        cid: String,
        /// By the number that `removed` shows
        id: String,
    },
    /// Act as a moderator: start, extend, admit, mute, remove, lock, end and others
    Act {
        cid: String,
        act: Act,
        /// Whom it is about, by the number that `people` or `watchers` shows
        participant: Option<String>,
        /// With `extend`: by how many minutes
        #[arg(long)]
        minutes: Option<u16>,
        /// With `set-pin`: 4 to 16 digits; empty for none
        #[arg(long)]
        pin: Option<String>,
        /// With `set-waiting-room`: who is let in by a moderator
        #[arg(long, value_parser = ["off", "all", "uninvited", "uninvited_elsewhere", "guests"])]
        waiting_room: Option<String>,
    },
    /// Call people into a conference that goes on, or show who was called and is not in it
    Call {
        cid: String,
        /// User IDs
        users: Vec<String>,
        /// Everybody who is invited, and the moderators
        #[arg(long, conflicts_with = "users")]
        invited: bool,
    },
    /// Take calls into a conference back: it rings no more at these, or at nobody
    CallOff {
        cid: String,
        /// User IDs
        #[arg(required_unless_present = "all")]
        users: Vec<String>,
        /// Everybody whom it rings at
        #[arg(long, conflicts_with = "users")]
        all: bool,
    },
    /// Delete a conference
    Delete { cid: String },
}

const PEOPLE: [(&str, &str); 6] = [
    ("ID", "id"),
    ("NAME", "name"),
    ("ROLE", "role"),
    ("WAITING", "waiting"),
    ("PODIUM", "podium"),
    ("MUTED", "muted"),
];

/// Neither: as the server has it for new conferences.
fn access_of(public: bool, internal: bool) -> Option<&'static str> {
    match (public, internal) {
        (true, _) => Some("public"),
        (_, true) => Some("internal"),
        _ => None,
    }
}

const CONFERENCES: [(&str, &str); 4] = [
    ("CID", "cid"),
    ("NAME", "name"),
    ("OWNER", "owner"),
    ("ACCESS", "access"),
];

const WATCHERS: [(&str, &str); 5] = [
    ("ID", "id"),
    ("USER", "user"),
    ("NAME", "name"),
    ("NODE", "node"),
    ("SINCE", "since"),
];

const REMOVED: [(&str, &str); 5] = [
    ("ID", "id"),
    ("NAME", "name"),
    ("USER", "user"),
    ("PROGRAMS ONLY", "programs_only"),
    ("SINCE", "since"),
];

impl Conference {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let path = |cid: &str| format!("/conferences/{}", encode(cid));
        match self {
            Conference::List { search } => {
                let query = [("search", search.unwrap_or_default())];
                let rows = client.list("/conferences", &query, 100_000).await?;
                output.table(&rows, &CONFERENCES);
            }
            Conference::Show { cid } => {
                let conference = client.get(&path(&cid), &[]).await?;
                output.one(&conference, || lines(&conference));
            }
            Conference::Create(new) => new.run(client, output).await?,
            Conference::Set {
                cid,
                new_cid,
                name,
                description,
                access,
                when,
                settings,
            } => {
                let mut body = json!({
                    "cid": new_cid,
                    "name": name,
                    "description": description,
                    "access": access,
                    "settings": settings.json(),
                });
                when.add_to(&mut body);
                let now = client.write(Method::PATCH, &path(&cid), Some(&body)).await?;
                output.one(&now, || lines(&now));
            }
            Conference::Calendar { cid } => {
                let request = client.request(Method::GET, &format!("{}/calendar", path(&cid)));
                say(client.stream(request).await?.text().await?.trim_end());
            }
            Conference::People { cid } => {
                show_all(client, output, &format!("{}/participants", path(&cid)), &PEOPLE).await?
            }
            Conference::Watchers { cid } => {
                show_all(client, output, &format!("{}/watchers", path(&cid)), &WATCHERS).await?
            }
            Conference::Removed { cid } => {
                show_all(client, output, &format!("{}/removed", path(&cid)), &REMOVED).await?
            }
            Conference::LetBack { cid, id } => {
                let one = format!("{}/removed/{}", path(&cid), encode(&id));
                client.write(Method::DELETE, &one, None).await?;
                say("Done.");
            }
            Conference::Act {
                cid,
                act,
                participant,
                minutes,
                pin,
                waiting_room,
            } => {
                let name = act
                    .to_possible_value()
                    .map(|value| value.get_name().replace('-', "_"));
                let body = json!({
                    "act": name,
                    "participant": participant,
                    "minutes": minutes,
                    "pin": pin,
                    "waiting_room": waiting_room,
                });
                client
                    .write(Method::POST, &format!("{}/acts", path(&cid)), Some(&body))
                    .await?;
                say("Done.");
            }
            Conference::Call { cid, users, invited } => {
                calls::call_in(client, output, &path(&cid), users, invited).await?
            }
            Conference::CallOff { cid, users, .. } => calls::call_off(client, &path(&cid), &users).await?,
            Conference::Delete { cid } => {
                client.write(Method::DELETE, &path(&cid), None).await?;
                say("Done.");
            }
        }
        Ok(())
    }
}

/// A list that comes whole.
async fn show_all(
    client: &Client,
    output: Output,
    path: &str,
    columns: &[(&str, &str)],
) -> anyhow::Result<()> {
    let all = client.get(path, &[]).await?;
    let rows = all.as_array().cloned().unwrap_or_default();
    output.table(&rows, columns);
    Ok(())
}

/// Create a conference: a virtual room, unless it is said when it begins
#[derive(Args)]
pub(crate) struct New {
    /// Name for people
    name: String,
    /// ID in addresses: letters, digits, hyphens, underscores, dots; without it the server makes one up
    #[arg(long)]
    cid: Option<String>,
    #[arg(long)]
    description: Option<String>,
    /// Let guests in too
    #[arg(long)]
    public: bool,
    /// Let accounts in only
    #[arg(long, conflicts_with = "public")]
    internal: bool,
    /// User that it belongs to, instead of yourself; administrators only
    #[arg(long)]
    owner: Option<String>,
    /// Set up like this template, by its name or number; what is said beside it counts more
    #[arg(long)]
    template: Option<String>,
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    settings: Settings,
}

impl New {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let template = match self.template {
            Some(template) => templates::find(client, &template).await?,
            None => Value::Null,
        };
        let mut body = match &template {
            Value::Null => json!({}),
            template => templates::like(template)?,
        };
        body["cid"] = json!(self.cid);
        body["name"] = self.name.into();
        body["owner"] = json!(self.owner);
        if let Some(description) = self.description {
            body["description"] = description.into();
        }
        if let Some(access) = access_of(self.public, self.internal) {
            body["access"] = access.into();
        }
        add_settings(&mut body, self.settings.json());
        self.when.add_to(&mut body);
        add_hours(&mut body, &template)?;
        let made = client.write(Method::POST, "/conferences", Some(&body)).await?;
        output.one(&made, || {
            format!("Created {}.", made["cid"].as_str().unwrap_or_default())
        });
        Ok(())
    }
}

/// What is said beside a template counts more.
fn add_settings(body: &mut Value, said: Value) {
    match (body.get_mut("settings").and_then(Value::as_object_mut), said) {
        (Some(settings), Value::Object(said)) => settings.extend(said),
        (None, said @ Value::Object(_)) => body["settings"] = said,
        _ => {}
    }
}

/// A template knows how long it is and on which days of the week, and no day of the calendar.
fn add_hours(body: &mut Value, template: &Value) -> anyhow::Result<()> {
    if body["launch"] == "scheduled" && body["schedule"].is_null() {
        anyhow::bail!("conferences of this template are scheduled; say when with --at and --zone");
    }
    let said = body["schedule"].as_object_mut();
    let (Some(said), Some(kept)) = (said, template["schedule"].as_object()) else {
        return Ok(());
    };
    if said["duration_minutes"].is_null() {
        said["duration_minutes"] = kept["duration_minutes"].clone();
    }
    if said["weekdays"].as_array().is_none_or(Vec::is_empty) {
        said["weekdays"] = kept["weekdays"].clone();
    }
    Ok(())
}

/// When a conference is open; nothing said: as it is, and a new one always.
#[derive(Args)]
pub(crate) struct When {
    /// Always open
    #[arg(long, conflicts_with_all = ["by_hand", "at"])]
    virtual_room: bool,
    /// A moderator starts it
    #[arg(long, conflicts_with = "at")]
    by_hand: bool,
    /// Day and time at which it begins, or begins first: 2027-03-01T09:30
    #[arg(long, requires = "zone")]
    at: Option<String>,
    /// Time zone, as Europe/Paris
    #[arg(long, requires = "at")]
    zone: Option<String>,
    /// Planned length; without it the end is not planned
    #[arg(long, requires = "at")]
    minutes: Option<u32>,
    /// Days of each week, with commas between them: monday,thursday
    #[arg(long, requires = "at", value_delimiter = ',')]
    weekdays: Vec<String>,
    /// Last day of a weekly one: 2027-12-31
    #[arg(long, requires = "weekdays", conflicts_with = "count")]
    until: Option<String>,
    /// How often a weekly one takes place
    #[arg(long, requires = "weekdays")]
    count: Option<u32>,
}

impl When {
    fn add_to(self, body: &mut Value) {
        if self.virtual_room {
            body["launch"] = "virtual_room".into();
        } else if self.by_hand {
            body["launch"] = "by_hand".into();
        } else if let Some(at) = &self.at {
            let (date, time) = at.split_once(['T', ' ']).unwrap_or((at, ""));
            // A template may have said another one.
            body["launch"] = "scheduled".into();
            body["schedule"] = json!({
                "date": date,
                "time": time,
                "zone": self.zone,
                "duration_minutes": self.minutes,
                "weekdays": self.weekdays,
                "until": self.until,
                "count": self.count,
            });
        }
    }
}

/// How a conference is run; what is left out stays as it is.
#[derive(Args)]
pub(crate) struct Settings {
    /// Who is seen and heard
    #[arg(long, value_parser = ["all_on_screen", "smart", "role_based", "lecture"])]
    mode: Option<String>,
    /// Places on the podium of smart and role-based meetings and lectures
    #[arg(long)]
    podium_places: Option<u8>,
    /// 4 to 16 digits; empty for none
    #[arg(long)]
    pin: Option<String>,
    /// Who is let in by a moderator
    #[arg(long, value_parser = ["off", "all", "uninvited", "uninvited_elsewhere", "guests"])]
    waiting_room: Option<String>,
    /// Whether each meeting is locked from its beginning until a moderator opens it
    #[arg(long)]
    begins_locked: Option<bool>,
    /// Whether those may come who are not invited
    #[arg(long)]
    uninvited: Option<bool>,
    #[arg(long)]
    muted_on_entry: Option<bool>,
    #[arg(long)]
    camera_off_on_entry: Option<bool>,
    /// User IDs, of people of other servers as kari@oslo.example.net, with commas between them; the whole list
    #[arg(long, value_delimiter = ',')]
    moderators: Option<Vec<String>>,
    /// User IDs, of people of other servers as kari@oslo.example.net, with commas between them; the whole list
    #[arg(long, value_delimiter = ',')]
    invited: Option<Vec<String>>,
    /// Who lectures when they come, as in --moderators; the whole list
    #[arg(long, value_delimiter = ',')]
    lecturers: Option<Vec<String>>,
    /// Whether moderators and those who are invited are called when it begins by its schedule
    #[arg(long)]
    call_at_start: Option<bool>,
    /// Where people meet beside the conference
    #[arg(long)]
    place: Option<String>,
    /// 0 for as many as the server takes
    #[arg(long)]
    participant_limit: Option<u32>,
    /// 0 for as many as the server takes
    #[arg(long)]
    guest_limit: Option<u32>,
    /// The most that people send, as camera height, camera pictures a second, content height, content pictures a second:
    /// 720,30,1080,15; 0 for no limit
    #[arg(long, value_delimiter = ',', num_args = 4)]
    quality: Option<Vec<u16>>,
}

impl Settings {
    /// Null if nothing is said.
    pub(crate) fn json(self) -> Value {
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
            "begins_locked": self.begins_locked,
            "uninvited": self.uninvited,
            "muted_on_entry": self.muted_on_entry,
            "camera_off_on_entry": self.camera_off_on_entry,
            "moderators": names(self.moderators),
            "invited": names(self.invited),
            "lecturers": names(self.lecturers),
            "call_at_start": self.call_at_start,
            "place": self.place,
            "participant_limit": self.participant_limit,
            "guest_limit": self.guest_limit,
            "quality": self.quality.map(|most| {
                let at = |place: usize| most.get(place).copied().unwrap_or_default();
                json!({
                    "camera_height": at(0),
                    "camera_fps": at(1),
                    "content_height": at(2),
                    "content_fps": at(3),
                })
            }),
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
    /// A program that watches, by its ID
    RemoveWatcher,
    Mute,
    MuteAll,
    StopCamera,
    StopContent,
    AskToUnmute,
    MakeModerator,
    UnmakeModerator,
    LowerHand,
    GivePodium,
    TakePodium,
    InviteToPodium,
    /// They lecture, and nobody else does
    HandLecture,
    Pin,
    Unpin,
    GiveRemark,
    TakeRemark,
    Lock,
    Unlock,
    /// Who comes from now on enters --pin; empty for none
    SetPin,
    /// Who comes from now on is let in as --waiting-room says
    SetWaitingRoom,
    End,
    /// Opens a conference that is no virtual room
    Start,
    /// Puts the planned end off
    Extend,
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
        ("Begins", begins(conference)),
        ("Moderators", joined(&settings["moderators"])),
        ("Lecturers", joined(&settings["lecturers"])),
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

/// When it is open, in words.
fn begins(conference: &Value) -> String {
    let next = conference["next"]["start"].as_str();
    match (conference["launch"].as_str(), next) {
        (Some("by_hand"), _) => "when a moderator starts it".into(),
        (Some("scheduled"), Some(next)) => next.to_owned(),
        (Some("scheduled"), None) => "it was the last time".into(),
        _ => "always open".into(),
    }
}

pub(crate) fn joined(names: &Value) -> String {
    let names = names.as_array().into_iter().flatten();
    names.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}
