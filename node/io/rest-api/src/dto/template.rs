//! Templates of conferences, as the interface shows and takes them (CONF-16).

use super::{
    ConferenceAccess, ConferenceLaunch, ConferenceSettings, ConferenceSettingsPatch, ConferenceWeekday, Time,
    conference::check_name,
};
use crate::problem::Problem;
use plenary_conference::{self as conference, Hours, TemplateLaunch};
use plenary_schedule::{Once, Schedule, ScheduleError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// At what time a conference of a template begins; on which days is said when it is made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateSchedule {
    #[schema(pattern = "^[0-9]{2}:[0-9]{2}$")]
    pub time: String,
    /// A name of the IANA database, as `Europe/Paris`.
    #[schema(min_length = 1, max_length = 64)]
    pub zone: String,
    /// Null: its end is not planned.
    #[serde(default)]
    #[schema(required, minimum = 1, maximum = 14400)]
    pub duration_minutes: Option<u32>,
    /// The days of each week; none: it takes place once.
    #[serde(default)]
    #[schema(required, max_items = 7)]
    pub weekdays: Vec<ConferenceWeekday>,
}

impl TemplateSchedule {
    fn of(hours: Hours) -> Self {
        Self {
            time: hours.time.to_string(),
            zone: hours.zone,
            duration_minutes: hours.duration_minutes,
            weekdays: hours.days.into_iter().map(Into::into).collect(),
        }
    }

    /// Whether its zone exists is asked of the rules of schedules, for a day that all zones have.
    fn read(self) -> Result<Hours, Problem> {
        let wrong = |field: &str, error: &ScheduleError| Problem::field(field, error.to_string());
        let time = self
            .time
            .parse()
            .map_err(|error| wrong("schedule.time", &error))?;
        let date = "2027-01-04".parse().map_err(|error| wrong("schedule", &error))?;
        let once = Schedule::Once(Once {
            date,
            time,
            zone: self.zone.clone(),
            duration_minutes: self.duration_minutes,
        });
        once.timetable().map_err(|error| wrong("schedule", &error))?;
        Ok(Hours {
            time,
            zone: self.zone,
            duration_minutes: self.duration_minutes,
            days: self.weekdays.into_iter().map(Into::into).collect(),
        })
    }
}

/// How conferences are set up, kept under a name.
#[derive(Debug, Serialize, ToSchema)]
pub struct Template {
    #[schema(pattern = "^[0-9]+$")]
    pub id: String,
    pub name: String,
    /// ID of the user that it belongs to.
    pub owner: String,
    /// Whether everybody who may make conferences finds it.
    pub for_all: bool,
    pub description: String,
    pub access: ConferenceAccess,
    pub settings: ConferenceSettings,
    pub launch: ConferenceLaunch,
    /// Null where conferences take place without one.
    #[schema(required)]
    pub schedule: Option<TemplateSchedule>,
    /// Whether who asks may change it.
    pub changeable: bool,
    pub created_at: Time,
    pub updated_at: Time,
    /// Changes with each change; also the `ETag`.
    #[schema(pattern = "^[0-9]+$")]
    pub revision: String,
}

impl Template {
    /// `open`: whether PIN and invited are shown.
    pub(crate) fn of(template: conference::Template, changeable: bool, open: bool) -> Self {
        let (launch, schedule) = match template.launch {
            TemplateLaunch::VirtualRoom => (ConferenceLaunch::VirtualRoom, None),
            TemplateLaunch::ByHand => (ConferenceLaunch::ByHand, None),
            TemplateLaunch::Scheduled(hours) => {
                (ConferenceLaunch::Scheduled, Some(TemplateSchedule::of(hours)))
            }
        };
        Self {
            id: template.id.to_string(),
            name: template.name,
            owner: template.owner.into(),
            for_all: template.for_all,
            description: template.description,
            access: template.access.into(),
            settings: ConferenceSettings::of(template.settings, open),
            launch,
            schedule,
            changeable,
            created_at: Time(template.created_at),
            updated_at: Time(template.updated_at),
            revision: template.revision.to_string(),
        }
    }
}

/// A new template of who asks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    /// Once for each owner, whatever its case.
    #[schema(min_length = 1, max_length = 128)]
    pub name: String,
    /// Only administrators share templates.
    #[serde(default)]
    pub for_all: bool,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub description: String,
    /// Without it: `internal`.
    pub access: Option<ConferenceAccess>,
    /// Without it: everybody is on screen, and nobody waits.
    pub settings: Option<ConferenceSettingsPatch>,
    /// Without it: `scheduled` if there is a schedule, else `virtual_room`.
    pub launch: Option<ConferenceLaunch>,
    pub schedule: Option<TemplateSchedule>,
}

/// Changes to a template; what is missing or null stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplatePatch {
    #[schema(min_length = 1, max_length = 128)]
    pub name: Option<String>,
    /// Only administrators share templates.
    pub for_all: Option<bool>,
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    pub access: Option<ConferenceAccess>,
    pub settings: Option<ConferenceSettingsPatch>,
    /// With `scheduled` goes the schedule; with the others it is gone.
    pub launch: Option<ConferenceLaunch>,
    pub schedule: Option<TemplateSchedule>,
}

fn launch(
    launch: Option<ConferenceLaunch>,
    schedule: Option<TemplateSchedule>,
) -> Result<Option<TemplateLaunch>, Problem> {
    Ok(Some(match (launch, schedule) {
        (None, None) => return Ok(None),
        (None | Some(ConferenceLaunch::Scheduled), Some(schedule)) => {
            TemplateLaunch::Scheduled(schedule.read()?)
        }
        (Some(ConferenceLaunch::VirtualRoom), None) => TemplateLaunch::VirtualRoom,
        (Some(ConferenceLaunch::ByHand), None) => TemplateLaunch::ByHand,
        (Some(ConferenceLaunch::Scheduled), None) => {
            let text = "is missing; say at what time conferences begin";
            return Err(Problem::field("schedule", text));
        }
        (Some(_), Some(_)) => {
            let text = "must be left out, or launch be scheduled";
            return Err(Problem::field("schedule", text));
        }
    }))
}

impl NewTemplate {
    pub(crate) fn read(self) -> Result<conference::NewTemplate, Problem> {
        check_name(&self.name)?;
        Ok(conference::NewTemplate {
            name: self.name,
            for_all: self.for_all,
            description: self.description,
            access: self.access.map(Into::into).unwrap_or_default(),
            settings: self
                .settings
                .unwrap_or_default()
                .read(conference::Ways::default())?,
            launch: launch(self.launch, self.schedule)?.unwrap_or_default(),
        })
    }
}

impl TemplatePatch {
    /// `ways`: those of the template as it is.
    pub(crate) fn read(self, ways: conference::Ways) -> Result<conference::TemplatePatch, Problem> {
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        Ok(conference::TemplatePatch {
            name: self.name,
            for_all: self.for_all,
            description: self.description,
            access: self.access.map(Into::into),
            settings: self.settings.unwrap_or_default().read(ways)?,
            launch: launch(self.launch, self.schedule)?,
        })
    }
}
