use super::{
    ConferenceLaunch, ConferenceMeeting, ConferenceSchedule, ConferenceSettings, ConferenceSettingsPatch,
    ConferenceTime, Time, check_text,
    conference_launch::{launch_of, plan},
    mirror, parse,
};
use crate::problem::Problem;
use plenary_conference as conference;
use plenary_model::{Timestamp, UserName, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mirror! {
    /// Who can come in: accounts of this server, or guests too.
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
            cid: conference.cid.into(),
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
    /// Letters, digits, `-`, `_`, `.`; kept in lower case.
    #[schema(min_length = 1, max_length = 64)]
    pub cid: String,
    #[schema(min_length = 1, max_length = 128)]
    pub name: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub description: String,
    /// Without it: who asks. Only administrators name another user.
    #[schema(min_length = 1, max_length = 64)]
    pub owner: Option<String>,
    /// Without it: `internal`.
    pub access: Option<ConferenceAccess>,
    /// Without it: everybody is on screen, and nobody waits.
    pub settings: Option<ConferenceSettingsPatch>,
    /// Without it: `scheduled` if there is a schedule, else `virtual_room`.
    pub launch: Option<ConferenceLaunch>,
    pub schedule: Option<ConferenceSchedule>,
}

/// Changes to a conference; what is missing or null stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferencePatch {
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
    pub(crate) fn read(self, now: Timestamp) -> Result<conference::NewConference, Problem> {
        check_name(&self.name)?;
        Ok(conference::NewConference {
            cid: parse("cid", &self.cid)?,
            name: self.name,
            description: self.description,
            owner: read_owner(self.owner)?,
            access: self.access.map(Into::into).unwrap_or_default(),
            settings: settings(self.settings, conference::Ways::default())?,
            // A virtual room is what there is without a plan.
            plan: plan(self.launch, self.schedule, now)?.filter(|plan| !plan.launch.is_virtual_room()),
        })
    }
}

impl ConferencePatch {
    /// `ways`: those of the conference as it is.
    pub(crate) fn read(self, ways: conference::Ways, now: Timestamp) -> Result<conference::Patch, Problem> {
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        Ok(conference::Patch {
            name: self.name,
            description: self.description,
            owner: read_owner(self.owner)?,
            access: self.access.map(Into::into),
            settings: settings(self.settings, ways)?,
            plan: plan(self.launch, self.schedule, now)?,
        })
    }
}
