use crate::{Launch, Settings, WaitingRoom};
use plenary_access::{FieldChange, rules::Changes};
use plenary_model::{Cid, Revision, Timestamp, UserName};
use plenary_schedule::Occurrence;
use serde::{Deserialize, Serialize};

/// Who can come in at all (CONF-03).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Accounts of this server, and of those that it meets.
    #[default]
    Internal,
    /// Guests too.
    Public,
}

/// A conference that exists, whether anybody is in it or not.
///
/// Invariant: the owner is an account of this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conference {
    /// The key by which all that belongs to it is found, for as long as it exists: the ID that it was made with, unless
    /// that is the key of one that is called otherwise by now (`docs/decisions/0018`).
    pub cid: Cid,
    /// The ID by which people find it, where that is another one than `cid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<Cid>,
    /// For people; 1 to 128 characters, not unique.
    pub name: String,
    /// Up to 2,000 characters, with line breaks.
    pub description: String,
    pub owner: UserName,
    pub access: Access,
    #[serde(default, skip_serializing_if = "Settings::is_default")]
    pub settings: Settings,
    #[serde(default, skip_serializing_if = "Launch::is_virtual_room")]
    pub launch: Launch,
    /// The next time at which it begins by its schedule, as whoever proposed it computed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Occurrence>,
    /// The two of a call meet in it, and nobody else ([`Call`](crate::Call)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub call: bool,
    /// Was a call, and goes with its run, unless it gets a plan of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ad_hoc: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub revision: Revision,
}

impl Conference {
    /// The ID by which people find it; no other conference has it.
    pub fn id(&self) -> &Cid {
        self.called.as_ref().unwrap_or(&self.cid)
    }

    /// Whether somebody owns it or is a moderator by its list; in a call, one of the two.
    pub fn is_of(&self, user: &UserName) -> bool {
        self.owner == *user || self.settings.moderators.contains_key(user)
    }
}

/// Fields that were given, changed or taken, as events show them (REP-01); `None` where it did not exist or does no more.
pub(crate) fn differences(before: Option<&Conference>, after: Option<&Conference>) -> Vec<FieldChange> {
    let mut changes = Changes::default();
    if let (Some(before), Some(after)) = (before, after) {
        changes.value("cid", Some(before.id()), Some(after.id()));
    }
    let name = |conference: &Conference| conference.name.clone();
    changes.text("name", before.map(name), after.map(name));
    let description = |conference: &Conference| conference.description.clone();
    changes.text("description", before.map(description), after.map(description));
    changes.value(
        "owner",
        before.map(|conference| &conference.owner),
        after.map(|conference| &conference.owner),
    );
    changes.value(
        "access",
        before.map(|conference| conference.access),
        after.map(|conference| conference.access),
    );
    let launch = |conference: &Conference| launch_name(&conference.launch);
    let told = [before, after]
        .map(|conference| conference.map_or_else(|| launch_name(&Launch::VirtualRoom), launch));
    if let [before, after] = told
        && before != after
    {
        changes.text("launch", Some(before), Some(after));
    }
    let settings = |conference: &'_ Conference| conference.settings.clone();
    let (before, after) = (before.map(settings), after.map(settings));
    tell_settings(&mut changes, before.as_ref(), after.as_ref());
    changes.into_list()
}

/// The name of a setting that is on or off, and its value.
type Switch = (&'static str, fn(&Settings) -> bool);

/// A conference that is made or deleted with the usual settings tells nothing of them, and a PIN is never told.
pub(crate) fn tell_settings(changes: &mut Changes, before: Option<&Settings>, after: Option<&Settings>) {
    let usual = Settings::default();
    let (before, after) = (before.unwrap_or(&usual), after.unwrap_or(&usual));
    let mut tell = |field: &str, before: String, after: String| {
        if before != after {
            changes.text(field, Some(before), Some(after));
        }
    };
    tell("mode", format!("{:?}", before.mode), format!("{:?}", after.mode));
    let places = |of: &Settings| of.podium_places.to_string();
    tell("podium_places", places(before), places(after));
    let waiting = |of: &Settings| of.waiting_room.map_or("off", waiting_name).to_owned();
    tell("waiting_room", waiting(before), waiting(after));
    let switches: [Switch; 7] = [
        ("begins_locked", |of| of.begins_locked),
        ("uninvited", |of| of.uninvited),
        ("join_in_browser", |of| of.ways.browser),
        ("join_by_program", |of| of.ways.programs),
        ("muted_on_entry", |of| of.muted_on_entry),
        ("camera_off_on_entry", |of| of.camera_off_on_entry),
        ("call_at_start", |of| of.call_at_start),
    ];
    for (field, read) in switches {
        tell(field, read(before).to_string(), read(after).to_string());
    }
    let moderators = |of: &Settings| {
        let here = of.moderators.keys().map(ToString::to_string);
        let abroad = of.moderators_abroad.keys().map(ToString::to_string);
        here.chain(abroad).collect::<Vec<_>>().join(", ")
    };
    tell("moderators", moderators(before), moderators(after));
    let lecturers = |of: &Settings| {
        let names: Vec<_> = of.lecturers.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    tell("lecturers", lecturers(before), lecturers(after));
    let invited = |of: &Settings| (of.invited.len() + of.invited_abroad.len()).to_string();
    tell("invited", invited(before), invited(after));
    tell("place", before.place.clone(), after.place.clone());
    let limit = |limit: Option<u32>| limit.map(|limit| limit.to_string()).unwrap_or_default();
    tell(
        "participant_limit",
        limit(before.participant_limit),
        limit(after.participant_limit),
    );
    tell("guest_limit", limit(before.guest_limit), limit(after.guest_limit));
    let quality = |of: &Settings| {
        let (camera, content) = (of.quality.camera_height, of.quality.content_height);
        let (camera_fps, content_fps) = (of.quality.camera_fps, of.quality.content_fps);
        format!("camera {camera} px, {camera_fps}/s; content {content} px, {content_fps}/s")
    };
    tell("quality", quality(before), quality(after));
    let layouts = |of: &Settings| {
        let names: Vec<&str> = of.layouts.iter().map(|kept| kept.name.as_str()).collect();
        names.join(", ")
    };
    tell("layouts", layouts(before), layouts(after));
    let rights: [Switch; 3] = [
        ("guests_chat", |of| of.guests.chat),
        ("guests_audio", |of| of.guests.audio),
        ("guests_video", |of| of.guests.video),
    ];
    for (field, read) in rights {
        tell(field, read(before).to_string(), read(after).to_string());
    }
    let on = |of: &Settings| {
        of.registration
            .as_ref()
            .is_some_and(|registration| registration.on)
    };
    tell("registration", on(before).to_string(), on(after).to_string());
    if on(before) && on(after) && before.registration != after.registration {
        tell("registration_form", String::new(), "changed".to_owned());
    }
    if before.pin != after.pin {
        let pin = |of: &Settings| if of.pin.is_some() { "set" } else { "none" }.to_owned();
        let changed = before.pin.is_some() && after.pin.is_some();
        let now = if changed {
            "another one".to_owned()
        } else {
            pin(after)
        };
        changes.text("pin", Some(pin(before)), Some(now));
    }
}

/// As events tell it: for a schedule its day, time and zone.
fn launch_name(launch: &Launch) -> String {
    use plenary_schedule::Schedule;
    match launch {
        Launch::VirtualRoom => "virtual room".into(),
        Launch::ByHand => "by hand".into(),
        Launch::Scheduled(Schedule::Once(once)) => format!("{} {} {}", once.date, once.time, once.zone),
        Launch::Scheduled(Schedule::Weekly(weekly)) => {
            let days: Vec<String> = weekly.days.iter().map(|day| format!("{day:?}")).collect();
            format!("{} {} {}", days.join(", "), weekly.time, weekly.zone)
        }
    }
}

fn waiting_name(room: WaitingRoom) -> &'static str {
    match room {
        WaitingRoom::All => "all",
        WaitingRoom::Uninvited => "uninvited",
        WaitingRoom::UninvitedElsewhere => "uninvited_elsewhere",
        WaitingRoom::Guests => "guests",
    }
}
