use super::{
    ConferenceGuestRights, ConferenceLaunch, ConferenceMeeting, ConferenceSchedule, ConferenceSettings,
    ConferenceSettingsPatch, ConferenceTime, ConferenceWaitingRoom, Time, check_text,
    conference_launch::{changed_plan, launch_of, plan},
    mirror, parse,
};
use crate::problem::Problem;
use plenary_access as access;
use plenary_conference as conference;
use plenary_model::{Cid, Timestamp, UserName, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mirror! {
    /// Who can come in: accounts of this server and of those that it meets, or guests too.
    ConferenceAccess = conference::Access { Internal, Public }
}

/// A conference.
#[derive(Debug, Serialize, ToSchema)]
pub struct Conference {
    pub cid: String,
    pub name: String,
    pub description: String,
    /// ID of the user that it belongs to.
    pub owner: String,
    pub access: ConferenceAccess,
    pub settings: ConferenceSettings,
    pub launch: ConferenceLaunch,
    /// Null where it takes place without one.
    #[schema(required)]
    pub schedule: Option<ConferenceSchedule>,
    /// The next time at which it begins by its schedule.
    #[schema(required)]
    pub next: Option<ConferenceTime>,
    pub meeting: ConferenceMeeting,
    /// Whether who asks moderates it: as owner, by its list of moderators, or as operator or administrator.
    pub moderates: bool,
    pub created_at: Time,
    pub updated_at: Time,
    /// Changes with each change; also the `ETag`.
    #[schema(pattern = "^[0-9]+$")]
    pub revision: String,
}

impl Conference {
    /// As somebody sees it who moderates it, or does not.
    pub(crate) fn of(
        conference: conference::Conference,
        run: Option<&conference::Run>,
        moderates: bool,
    ) -> Self {
        Self {
            launch: launch_of(&conference.launch),
            schedule: conference.launch.schedule().map(ConferenceSchedule::of),
            next: conference.next.map(Into::into),
            meeting: ConferenceMeeting::of(&conference, run),
            cid: conference.id().to_string(),
            name: conference.name,
            description: conference.description,
            owner: conference.owner.into(),
            access: conference.access.into(),
            settings: ConferenceSettings::of(conference.settings, moderates),
            moderates,
            created_at: Time(conference.created_at),
            updated_at: Time(conference.updated_at),
            revision: conference.revision.to_string(),
        }
    }
}

/// A new conference.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConference {
    /// Letters, digits, `-`, `_`, `.`; kept in lower case. Without it the server makes one up; where only administrators choose
    /// IDs, it always does.
    #[schema(min_length = 1, max_length = 64)]
    pub cid: Option<String>,
    #[schema(min_length = 1, max_length = 128)]
    pub name: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub description: String,
    /// Without it: who asks. Only administrators name another user.
    #[schema(min_length = 1, max_length = 64)]
    pub owner: Option<String>,
    /// Without it: as the server has it for new conferences, unless changed `internal`.
    pub access: Option<ConferenceAccess>,
    /// What is left out is as the server has it for new conferences; unless changed, everybody is on screen, and nobody waits.
    pub settings: Option<ConferenceSettingsPatch>,
    /// Without it: `scheduled` if there is a schedule, else `virtual_room`.
    pub launch: Option<ConferenceLaunch>,
    pub schedule: Option<ConferenceSchedule>,
}

/// Changes to a conference; what is missing or null stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferencePatch {
    /// Another ID by which people find it; the one of before leads nowhere then, and who is in stays. Empty: one that the
    /// server makes up.
    #[schema(max_length = 64)]
    pub cid: Option<String>,
    #[schema(min_length = 1, max_length = 128)]
    pub name: Option<String>,
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    /// Only administrators name another user.
    #[schema(min_length = 1, max_length = 64)]
    pub owner: Option<String>,
    pub access: Option<ConferenceAccess>,
    /// Moderators may change what is needed while people meet: PIN, waiting room, who is invited, entry, places.
    pub settings: Option<ConferenceSettingsPatch>,
    /// With `scheduled` goes the schedule; with the others it is gone.
    pub launch: Option<ConferenceLaunch>,
    pub schedule: Option<ConferenceSchedule>,
}

pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    if name.trim().is_empty() {
        return Err(Problem::field("name", "is empty; give the conference a name"));
    }
    check_text("name", name, limits::CONFERENCE_NAME)
}

fn read_owner(owner: Option<String>) -> Result<Option<UserName>, Problem> {
    owner.map(|text| parse("owner", &text)).transpose()
}

fn settings(
    patch: Option<ConferenceSettingsPatch>,
    ways: conference::Ways,
) -> Result<conference::SettingsPatch, Problem> {
    patch.unwrap_or_default().read(ways)
}

impl NewConference {
    /// `ids`: those that the server made up, for one that names none. What is left out is as `defaults` have it.
    pub(crate) fn read(
        self,
        now: Timestamp,
        ids: Vec<Cid>,
        defaults: &access::ConferenceDefaults,
    ) -> Result<conference::NewConference, Problem> {
        check_name(&self.name)?;
        let (cid, or_else) = match self.cid {
            Some(cid) => (parse("cid", &cid)?, None),
            None => {
                let mut ids = ids.into_iter();
                let first = ids.next().ok_or_else(|| Problem::internal(&NothingMadeUp))?;
                (first, Some(ids.collect()))
            }
        };
        let usual = match defaults.public {
            true => conference::Access::Public,
            false => conference::Access::Internal,
        };
        let mut settings = settings(self.settings, conference::Ways::default())?;
        let said = settings.uninvited;
        fill_in(&mut settings, defaults);
        let access = self.access.map_or(usual, Into::into);
        // Where guests come nobody needs to be invited; who asks for both is told that it cannot be.
        if access == conference::Access::Public {
            settings.uninvited = said;
        }
        Ok(conference::NewConference {
            cid,
            or_else,
            name: self.name,
            description: self.description,
            owner: read_owner(self.owner)?,
            access,
            settings,
            // A virtual room is what there is without a plan.
            plan: plan(self.launch, self.schedule, now)?.filter(|plan| !plan.launch.is_virtual_room()),
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no ID was made up")]
struct NothingMadeUp;

/// Where nothing is said, the server's defaults; what is the same without them is not named.
fn fill_in(settings: &mut conference::SettingsPatch, defaults: &access::ConferenceDefaults) {
    let usual = conference::Settings::default();
    let differs = |value: bool, usual: bool| (value != usual).then_some(value);
    settings.uninvited = settings
        .uninvited
        .or(differs(defaults.uninvited, usual.uninvited));
    settings.muted_on_entry = settings
        .muted_on_entry
        .or(differs(defaults.muted_on_entry, usual.muted_on_entry));
    settings.camera_off_on_entry = settings
        .camera_off_on_entry
        .or(differs(defaults.camera_off_on_entry, usual.camera_off_on_entry));
    if settings.waiting_room.is_none() && defaults.waiting_room != access::DefaultWaitingRoom::Off {
        settings.waiting_room = Some(ConferenceWaitingRoom::from(defaults.waiting_room).into());
    }
    let guests = guests_of(defaults);
    if settings.guests.is_none() && guests != usual.guests {
        settings.guests = Some(guests);
    }
}

fn guests_of(defaults: &access::ConferenceDefaults) -> conference::GuestRights {
    conference::GuestRights {
        chat: defaults.guests_chat,
        audio: defaults.guests_audio,
        video: defaults.guests_video,
    }
}

impl From<access::DefaultWaitingRoom> for ConferenceWaitingRoom {
    fn from(room: access::DefaultWaitingRoom) -> Self {
        use access::DefaultWaitingRoom as Room;
        match room {
            Room::Off => Self::Off,
            Room::All => Self::All,
            Room::Uninvited => Self::Uninvited,
            Room::UninvitedElsewhere => Self::UninvitedElsewhere,
            Room::Guests => Self::Guests,
        }
    }
}

/// What a new conference is like where nothing is said, for who makes one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConferenceDefaults {
    /// Whether who asks may choose the ID by hand; if not, the server makes one up.
    pub chooses_id: bool,
    /// Whether an ID that the server makes up has letters too.
    pub id_letters: bool,
    /// Characters of an ID that the server makes up.
    #[schema(minimum = 4, maximum = 20)]
    pub id_length: u8,
    pub access: ConferenceAccess,
    pub waiting_room: ConferenceWaitingRoom,
    pub uninvited: bool,
    pub muted_on_entry: bool,
    pub camera_off_on_entry: bool,
    pub guests: ConferenceGuestRights,
}

impl ConferenceDefaults {
    pub(crate) fn of(settings: &access::Settings, is_admin: bool) -> Self {
        let (ids, defaults) = (&settings.conference_ids, &settings.new_conferences);
        Self {
            chooses_id: ids.by_owners || is_admin,
            id_letters: ids.letters,
            id_length: ids.length,
            access: match defaults.public {
                true => ConferenceAccess::Public,
                false => ConferenceAccess::Internal,
            },
            waiting_room: defaults.waiting_room.into(),
            uninvited: defaults.uninvited,
            muted_on_entry: defaults.muted_on_entry,
            camera_off_on_entry: defaults.camera_off_on_entry,
            guests: guests_of(defaults).into(),
        }
    }
}

impl ConferencePatch {
    /// `ways`: those of the conference as it is; `ids`: those that the server made up, for one that wants such an ID.
    pub(crate) fn read(
        self,
        ways: conference::Ways,
        now: Timestamp,
        ids: Vec<Cid>,
    ) -> Result<conference::Patch, Problem> {
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        Ok(conference::Patch {
            name: self.name,
            description: self.description,
            owner: read_owner(self.owner)?,
            access: self.access.map(Into::into),
            settings: settings(self.settings, ways)?,
            plan: changed_plan(self.launch, self.schedule, now)?,
            id: match self.cid.as_deref() {
                None => None,
                Some("") => Some(conference::NewId::MadeUp(ids)),
                Some(id) => Some(conference::NewId::Chosen(parse("cid", id)?)),
            },
        })
    }
}
