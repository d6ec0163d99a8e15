//! How a conference is run, as the interface shows and takes it.

use super::{ConferenceGuestRights, ConferenceKeptLayout, ConferenceRegistration, check_text, mirror, parse};
use crate::problem::Problem;
use plenary_conference as conference;
use plenary_conference::Put;
use plenary_model::{Timestamp, UserId, UserName, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

mirror! {
    /// Who is seen and heard: everybody; whoever speaks; those on the podium; the lecturers.
    ConferenceMode = conference::Mode { AllOnScreen, Smart, RoleBased, Lecture }
}

/// Who has to be let in by a moderator. Owner, moderators and operators never wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConferenceWaitingRoom {
    Off,
    All,
    /// Who was not invited before the meeting began, and all guests.
    Uninvited,
    /// Of those from elsewhere, who was not invited; all guests.
    UninvitedElsewhere,
    Guests,
}

impl From<Option<conference::WaitingRoom>> for ConferenceWaitingRoom {
    fn from(room: Option<conference::WaitingRoom>) -> Self {
        use conference::WaitingRoom as Room;
        match room {
            None => Self::Off,
            Some(Room::All) => Self::All,
            Some(Room::Uninvited) => Self::Uninvited,
            Some(Room::UninvitedElsewhere) => Self::UninvitedElsewhere,
            Some(Room::Guests) => Self::Guests,
        }
    }
}

impl From<ConferenceWaitingRoom> for Option<conference::WaitingRoom> {
    fn from(room: ConferenceWaitingRoom) -> Self {
        use conference::WaitingRoom as Room;
        match room {
            ConferenceWaitingRoom::Off => None,
            ConferenceWaitingRoom::All => Some(Room::All),
            ConferenceWaitingRoom::Uninvited => Some(Room::Uninvited),
            ConferenceWaitingRoom::UninvitedElsewhere => Some(Room::UninvitedElsewhere),
            ConferenceWaitingRoom::Guests => Some(Room::Guests),
        }
    }
}

impl From<ConferenceWaitingRoom> for Put<conference::WaitingRoom> {
    fn from(room: ConferenceWaitingRoom) -> Self {
        Option::from(room).into()
    }
}

/// The most that people are to send; 0 is no limit of its own. Pages ask browsers for no more.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferenceQuality {
    /// Pixels of the shorter side of a camera's picture: 0, or 90 to 4,320.
    #[schema(minimum = 0, maximum = 4320)]
    pub camera_height: u16,
    /// Pictures a second.
    #[schema(minimum = 0, maximum = 60)]
    pub camera_fps: u8,
    /// The same of a shared screen.
    #[schema(minimum = 0, maximum = 4320)]
    pub content_height: u16,
    #[schema(minimum = 0, maximum = 60)]
    pub content_fps: u8,
}

impl From<conference::Quality> for ConferenceQuality {
    fn from(quality: conference::Quality) -> Self {
        Self {
            camera_height: quality.camera_height,
            camera_fps: quality.camera_fps,
            content_height: quality.content_height,
            content_fps: quality.content_fps,
        }
    }
}

impl From<ConferenceQuality> for conference::Quality {
    fn from(quality: ConferenceQuality) -> Self {
        Self {
            camera_height: quality.camera_height,
            camera_fps: quality.camera_fps,
            content_height: quality.content_height,
            content_fps: quality.content_fps,
        }
    }
}

/// How a conference is run.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConferenceSettings {
    pub mode: ConferenceMode,
    /// Places on the podium; counts in smart and role-based meetings and lectures.
    #[schema(minimum = 1, maximum = 49)]
    pub podium_places: u8,
    /// Whether a PIN must be entered.
    pub has_pin: bool,
    /// The PIN, for those who moderate the conference; null for others and where there is none.
    #[schema(required)]
    pub pin: Option<String>,
    pub waiting_room: ConferenceWaitingRoom,
    /// Whether each meeting is locked from its beginning until a moderator opens it.
    pub begins_locked: bool,
    /// Whether those may come who are not invited.
    pub uninvited: bool,
    /// Whether it can be joined by the meeting room of the pages.
    pub browser: bool,
    /// Whether programs may publish and watch (WHIP, WHEP).
    pub programs: bool,
    pub muted_on_entry: bool,
    pub camera_off_on_entry: bool,
    /// User IDs of those who moderate beside the owner; of people of other servers with `@` and the server.
    pub moderators: Vec<String>,
    /// User IDs of those who are invited, as in `moderators`; null for those who do not moderate.
    #[schema(required)]
    pub invited: Option<Vec<String>>,
    /// User IDs of those who lecture when they come, as in `moderators`; none: the owner does.
    pub lecturers: Vec<String>,
    /// Whether moderators and those who are invited are called when it begins by its schedule.
    pub call_at_start: bool,
    /// Where people meet beside the conference.
    pub place: String,
    /// 0: as many as the server takes.
    pub participant_limit: u32,
    /// 0: as many as the server takes.
    pub guest_limit: u32,
    pub guests: ConferenceGuestRights,
    pub quality: ConferenceQuality,
    /// Layouts that it keeps, between which moderators switch.
    pub layouts: Vec<ConferenceKeptLayout>,
    /// How guests register; null where they never had to.
    #[schema(required)]
    pub registration: Option<ConferenceRegistration>,
}

impl ConferenceSettings {
    pub(crate) fn of(settings: conference::Settings, moderates: bool) -> Self {
        let names = |here: BTreeMap<UserName, Timestamp>, abroad: BTreeMap<UserId, Timestamp>| {
            let abroad = abroad.into_keys().map(String::from);
            let names = here.into_keys().map(String::from).chain(abroad);
            names.collect::<Vec<String>>()
        };
        Self {
            mode: settings.mode.into(),
            podium_places: settings.podium_places,
            has_pin: settings.pin.is_some(),
            pin: settings.pin.filter(|_| moderates).map(|pin| pin.0),
            waiting_room: settings.waiting_room.into(),
            begins_locked: settings.begins_locked,
            uninvited: settings.uninvited,
            browser: settings.ways.browser,
            programs: settings.ways.programs,
            muted_on_entry: settings.muted_on_entry,
            camera_off_on_entry: settings.camera_off_on_entry,
            moderators: names(settings.moderators, settings.moderators_abroad),
            invited: moderates.then(|| names(settings.invited, settings.invited_abroad)),
            lecturers: settings.lecturers.into_iter().map(String::from).collect(),
            call_at_start: settings.call_at_start,
            place: settings.place,
            participant_limit: settings.participant_limit.unwrap_or(0),
            guest_limit: settings.guest_limit.unwrap_or(0),
            guests: settings.guests.into(),
            quality: settings.quality.into(),
            layouts: settings
                .layouts
                .into_iter()
                .map(|kept| ConferenceKeptLayout::of(kept, moderates))
                .collect(),
            registration: settings
                .registration
                .map(|registration| ConferenceRegistration::of(*registration)),
        }
    }
}

/// Changes to how a conference is run; what is missing or null stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferenceSettingsPatch {
    pub mode: Option<ConferenceMode>,
    #[schema(minimum = 1, maximum = 49)]
    pub podium_places: Option<u8>,
    /// 4 to 16 digits; empty for none.
    #[schema(pattern = "^([0-9]{4,16})?$")]
    pub pin: Option<NewPin>,
    pub waiting_room: Option<ConferenceWaitingRoom>,
    pub begins_locked: Option<bool>,
    pub uninvited: Option<bool>,
    /// Together with `programs`.
    pub browser: Option<bool>,
    /// Together with `browser`.
    pub programs: Option<bool>,
    pub muted_on_entry: Option<bool>,
    pub camera_off_on_entry: Option<bool>,
    /// User IDs, of people of other servers with `@` and the server; the whole list.
    #[schema(max_items = 100)]
    pub moderators: Option<Vec<String>>,
    /// The same; the whole list.
    #[schema(max_items = 2000)]
    pub invited: Option<Vec<String>>,
    /// The same of who lectures; the whole list. Who does not moderate is invited by it.
    #[schema(max_items = 49)]
    pub lecturers: Option<Vec<String>>,
    pub call_at_start: Option<bool>,
    #[schema(max_length = 256)]
    pub place: Option<String>,
    /// 1 to 2,000; 0 for none of its own.
    #[schema(minimum = 0, maximum = 2000)]
    pub participant_limit: Option<u32>,
    /// 1 to 2,000; 0 for none of its own.
    #[schema(minimum = 0, maximum = 2000)]
    pub guest_limit: Option<u32>,
    pub guests: Option<ConferenceGuestRights>,
    /// The whole of it.
    pub quality: Option<ConferenceQuality>,
    /// All of them.
    #[schema(max_items = 20)]
    pub layouts: Option<Vec<ConferenceKeptLayout>>,
    /// The whole of it; for public conferences.
    pub registration: Option<ConferenceRegistration>,
}

/// A PIN that is set. `Debug` hides it.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, pattern = "^([0-9]{4,16})?$")]
pub struct NewPin(#[schema(inline)] String);

impl NewPin {
    /// `None`: no PIN any more.
    pub(crate) fn read(self) -> Option<conference::Pin> {
        Some(self.0).filter(|pin| !pin.is_empty()).map(conference::Pin)
    }
}

impl std::fmt::Debug for NewPin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPin(hidden)")
    }
}

pub(crate) fn users(
    field: &str,
    names: Option<Vec<String>>,
    most: usize,
) -> Result<Option<Vec<UserName>>, Problem> {
    let Some(names) = names else { return Ok(None) };
    if names.len() > most {
        return Err(Problem::field(field, format!("must be at most {most}")));
    }
    let names = names.iter().map(|name| parse(field, name));
    names.collect::<Result<_, _>>().map(Some)
}

/// Those of this server, and those of others.
type People = (Option<Vec<UserName>>, Vec<UserId>);

/// The same of users who may be of other servers.
fn people(field: &str, names: Option<Vec<String>>, most: usize) -> Result<People, Problem> {
    let Some(names) = names else {
        return Ok((None, Vec::new()));
    };
    if names.len() > most {
        return Err(Problem::field(field, format!("must be at most {most}")));
    }
    let (abroad, here): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.contains('@'));
    let abroad = abroad.iter().map(|name| parse(field, name));
    Ok((users(field, Some(here), most)?, abroad.collect::<Result<_, _>>()?))
}

fn lecturers(names: Vec<String>) -> Result<Vec<conference::Party>, Problem> {
    if names.len() > usize::from(limits::PODIUM) {
        return Err(Problem::field("settings.lecturers", "must be at most 49"));
    }
    names
        .iter()
        .map(|name| parse("settings.lecturers", name))
        .collect()
}

fn limit(limit: Option<u32>) -> Option<Put<u32>> {
    limit.map(|limit| match limit {
        0 => Put::Nothing,
        limit => Put::To(limit),
    })
}

impl ConferenceSettingsPatch {
    /// `ways`: those of now, where only one of the two is named.
    pub(crate) fn read(self, ways: conference::Ways) -> Result<conference::SettingsPatch, Problem> {
        if let Some(place) = &self.place {
            check_text("settings.place", place, limits::PROFILE_FIELD)?;
        }
        let (moderators, moderators_abroad) =
            people("settings.moderators", self.moderators, limits::MODERATORS)?;
        let (invited, invited_abroad) = people("settings.invited", self.invited, limits::PARTICIPANTS)?;
        let names_way = self.browser.is_some() || self.programs.is_some();
        Ok(conference::SettingsPatch {
            mode: self.mode.map(Into::into),
            podium_places: self.podium_places,
            pin: self.pin.map(|pin| pin.read().into()),
            waiting_room: self.waiting_room.map(Into::into),
            begins_locked: self.begins_locked,
            uninvited: self.uninvited,
            ways: names_way.then(|| conference::Ways {
                browser: self.browser.unwrap_or(ways.browser),
                programs: self.programs.unwrap_or(ways.programs),
            }),
            muted_on_entry: self.muted_on_entry,
            camera_off_on_entry: self.camera_off_on_entry,
            moderators,
            moderators_abroad,
            invited,
            invited_abroad,
            lecturers: self.lecturers.map(lecturers).transpose()?,
            call_at_start: self.call_at_start,
            place: self.place,
            participant_limit: limit(self.participant_limit),
            guest_limit: limit(self.guest_limit),
            guests: self.guests.map(Into::into),
            quality: self.quality.map(Into::into),
            layouts: self
                .layouts
                .map(|list| list.into_iter().map(ConferenceKeptLayout::read).collect())
                .transpose()?,
            registration: self.registration.map(ConferenceRegistration::read).transpose()?,
        })
    }
}
