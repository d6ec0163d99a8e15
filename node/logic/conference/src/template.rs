//! How conferences are set up, kept under a name for the next ones (CONF-16).
//!
//! ```text
//!  new, change ──► Template ── pages and programs read it ──► a new conference, as any other
//!                     ▲
//!        an account goes: its templates with it, its name out of the others'
//! ```
//!
//! A template holds no dates: whoever makes a conference from it says when. Nothing links the conference to it afterwards.
//!
//! Invariant: templates name accounts of this server only, and one that is for all has no PIN.

use crate::{
    Access, Closes, Decision, Effect, Registration, Settings, SettingsPatch, View,
    conference::tell_settings,
    decide::{Case, description, forbidden},
    registration::check_form,
};
use plenary_access::{
    FieldChange, ListQuery, Outcome, Refusal, Topic, fold,
    rules::{Changes, check_text, exists, expect_revision, invalid, not_found},
};
use plenary_model::{Revision, Timestamp, UserName, limits};
use plenary_schedule::{DURATION_MINUTES, LocalTime, Weekday};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    num::ParseIntError,
    str::FromStr,
};

/// Number of a template, never given again: the revision with which it was made. To clients a decimal number as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TemplateId(pub u64);

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TemplateId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// How a conference of a template comes to be open: as [`Launch`](crate::Launch), without days of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateLaunch {
    #[default]
    VirtualRoom,
    ByHand,
    Scheduled(Hours),
}

/// At what time a conference begins, on days that are said when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    pub time: LocalTime,
    /// Name of a zone in the IANA database, as `Europe/Paris`; whoever proposes has looked for it.
    pub zone: String,
    /// [`DURATION_MINUTES`]; none: its end is not planned.
    #[serde(default)]
    pub duration_minutes: Option<u32>,
    /// None of them: it takes place once.
    #[serde(default)]
    pub days: BTreeSet<Weekday>,
}

/// Longest name of a zone, in bytes.
const ZONE: usize = 64;

impl TemplateLaunch {
    fn check(&self) -> Result<(), Refusal> {
        let Self::Scheduled(hours) = self else {
            return Ok(());
        };
        if hours.zone.is_empty() || hours.zone.len() > ZONE {
            return Err(invalid("schedule.zone", "must be the name of a time zone"));
        }
        if hours
            .duration_minutes
            .is_some_and(|minutes| !DURATION_MINUTES.contains(&minutes))
        {
            return Err(invalid("schedule.duration_minutes", "must be 1 to 14,400"));
        }
        Ok(())
    }

    /// As events tell it.
    fn name(&self) -> String {
        match self {
            Self::VirtualRoom => "virtual room".into(),
            Self::ByHand => "by hand".into(),
            Self::Scheduled(hours) => format!("{} {}", hours.time, hours.zone),
        }
    }
}

/// How conferences are set up, under a name.
///
/// Stored; fields may be added with a default, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub id: TemplateId,
    /// 1 to 128 characters; once for each owner, whatever its case.
    pub name: String,
    pub owner: UserName,
    /// Whether everybody who may make conferences finds it.
    #[serde(default)]
    pub for_all: bool,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub access: Access,
    #[serde(default)]
    pub settings: Settings,
    #[serde(default)]
    pub launch: TemplateLaunch,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub revision: Revision,
}

impl Template {
    /// Whether a user finds it who is no administrator.
    pub fn is_open_to(&self, user: &UserName) -> bool {
        self.for_all || self.owner == *user
    }
}

/// A new template, of who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTemplate {
    pub name: String,
    #[serde(default)]
    pub for_all: bool,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub access: Access,
    #[serde(default)]
    pub settings: SettingsPatch,
    #[serde(default)]
    pub launch: TemplateLaunch,
}

/// Changes to a template: `Some` replaces, `None` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TemplatePatch {
    pub name: Option<String>,
    pub for_all: Option<bool>,
    pub description: Option<String>,
    pub access: Option<Access>,
    pub settings: SettingsPatch,
    pub launch: Option<TemplateLaunch>,
}

/// Whose templates a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart {
    /// What a user can make conferences from: their own, and those for all.
    Usable(UserName),
    Own(UserName),
    ForAll,
    All,
}

/// Which templates are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateQuery {
    pub list: ListQuery,
    pub part: TemplatePart,
}

/// What the rules read of stored templates.
pub trait TemplateView {
    fn template(&self, id: TemplateId) -> Option<Template>;
    /// Templates of the server.
    fn templates(&self) -> u64;
    /// The templates of a user, ordered by ID.
    fn templates_of(&self, owner: &UserName) -> Vec<Template>;
    /// The templates that name a user as moderator or as invited, ordered by ID.
    fn templates_naming(&self, user: &UserName) -> Vec<Template>;
}

impl<V: View> Case<'_, V> {
    pub(crate) fn create_template(&self, new: &NewTemplate) -> Result<Decision, Refusal> {
        let owner = self.user()?;
        self.check_creates()?;
        let own = self.view.templates_of(owner).len();
        if own >= limits::TEMPLATES_PER_USER {
            return Err(Refusal::Conflict(format!(
                "{owner} has 100 templates and cannot have more; delete some first"
            )));
        }
        if self.view.templates() >= limits::TEMPLATES as u64 {
            return Err(Refusal::Conflict(
                "the server holds 20,000 templates and takes no more; delete some first".into(),
            ));
        }
        let template = Template {
            id: TemplateId(self.at.revision.0),
            name: new.name.trim().to_owned(),
            owner: owner.clone(),
            for_all: new.for_all,
            description: description(&new.description)?,
            access: new.access,
            settings: self.settings(&Settings::default(), &new.settings)?,
            launch: new.launch.clone(),
            created_at: self.at.now,
            updated_at: self.at.now,
            revision: self.at.revision,
        };
        self.put_template(None, template, new.settings.registration.is_some())
    }

    pub(crate) fn update_template(
        &self,
        id: TemplateId,
        expect: Option<Revision>,
        patch: &TemplatePatch,
    ) -> Result<Decision, Refusal> {
        let before = self.changeable(id)?;
        expect_revision("the template", before.revision, expect)?;
        let mut after = before.clone();
        after.settings = self.settings(&before.settings, &patch.settings)?;
        if let Some(text) = &patch.name {
            text.trim().clone_into(&mut after.name);
        }
        if let Some(text) = &patch.description {
            after.description = description(text)?;
        }
        after.for_all = patch.for_all.unwrap_or(before.for_all);
        after.access = patch.access.unwrap_or(before.access);
        if let Some(launch) = &patch.launch {
            after.launch.clone_from(launch);
        }
        after.updated_at = self.at.now;
        after.revision = self.at.revision;
        self.put_template(Some(&before), after, patch.settings.registration.is_some())
    }

    pub(crate) fn delete_template(
        &self,
        id: TemplateId,
        expect: Option<Revision>,
    ) -> Result<Decision, Refusal> {
        let before = self.changeable(id)?;
        expect_revision("the template", before.revision, expect)?;
        let mut decision = Decision::default();
        remove_template(&mut decision, &before);
        Ok(decision)
    }

    /// A template that who asks may change: theirs, until it is for all.
    fn changeable(&self, id: TemplateId) -> Result<Template, Refusal> {
        let found = self.view.template(id);
        if self.is_full_administrator() {
            return found.ok_or_else(|| not_found("template", id));
        }
        let user = self.user()?;
        let found = found.filter(|template| template.is_open_to(user));
        let template = found.ok_or_else(|| not_found("template", id))?;
        if template.for_all {
            return Err(forbidden(
                "the role of an administrator with full rights, as this template is for all,",
            ));
        }
        Ok(template)
    }

    /// `asks`: how people register is said anew, and must make sense.
    fn put_template(
        &self,
        before: Option<&Template>,
        mut after: Template,
        asks: bool,
    ) -> Result<Decision, Refusal> {
        check_text("name", &after.name, 1, limits::CONFERENCE_NAME)?;
        after.launch.check()?;
        if after.for_all && !self.is_full_administrator() {
            return Err(forbidden("the role of an administrator with full rights"));
        }
        if after.for_all && after.settings.pin.is_some() {
            let reason = "cannot be in a template for all, as everybody would know it; take the PIN away";
            return Err(invalid("pin", reason));
        }
        if let Some(form) = after.settings.registration.as_deref_mut() {
            forget_dates(form);
            if asks {
                let is_virtual_room = after.launch == TemplateLaunch::VirtualRoom;
                check_form(form, after.access, is_virtual_room)?;
            }
        }
        let name = fold(&after.name);
        let others = self.view.templates_of(&after.owner).into_iter();
        for other in others.filter(|other| other.id != after.id) {
            if fold(&other.name) == name {
                return Err(exists("template", &after.name));
            }
        }
        let verb = if before.is_some() { "changed" } else { "created" };
        let mut decision = Decision::giving(Outcome::Revision(self.at.revision));
        decision
            .changed(
                "template",
                after.name.clone(),
                verb,
                differences(before, Some(&after)),
            )
            .notice(Topic::Conferences, "")
            .notice(Topic::Events, "")
            .effect(Effect::PutTemplate(after));
        Ok(decision)
    }
}

/// Days do not come again.
fn forget_dates(form: &mut Registration) {
    form.opens_at = None;
    form.closed = false;
    if matches!(form.closes, Closes::At(_)) {
        form.closes = Closes::ByHand;
    }
}

fn remove_template(decision: &mut Decision, before: &Template) {
    decision
        .effect(Effect::RemoveTemplate(before.id))
        .changed(
            "template",
            before.name.clone(),
            "deleted",
            differences(Some(before), None),
        )
        .notice(Topic::Conferences, "")
        .notice(Topic::Events, "");
}

/// Accounts are no more: their templates go too, and nobody who gets the same user ID later is named in the others.
pub(crate) fn forget_accounts<V: View>(view: &V, decision: &mut Decision, gone: &[&UserName]) {
    let mut changed = BTreeMap::new();
    for user in gone {
        for template in view.templates_of(user) {
            remove_template(decision, &template);
        }
        let named = view.templates_naming(user).into_iter();
        for template in named.filter(|template| !gone.contains(&&template.owner)) {
            let template = changed.entry(template.id).or_insert(template);
            template.settings.forget(user);
        }
    }
    for template in changed.into_values() {
        decision
            .notice(Topic::Conferences, "")
            .effect(Effect::PutTemplate(template));
    }
}

/// As events show them (REP-01).
fn differences(before: Option<&Template>, after: Option<&Template>) -> Vec<FieldChange> {
    let mut changes = Changes::default();
    let name = |template: &Template| template.name.clone();
    changes.text("name", before.map(name), after.map(name));
    let description = |template: &Template| template.description.clone();
    changes.text("description", before.map(description), after.map(description));
    let owner = |template: &Template| template.owner.to_string();
    changes.text("owner", before.map(owner), after.map(owner));
    let for_all = |template: &Template| template.for_all.to_string();
    changes.text("for_all", before.map(for_all), after.map(for_all));
    changes.value(
        "access",
        before.map(|template| template.access),
        after.map(|template| template.access),
    );
    let launch = |template: &Template| template.launch.name();
    changes.text("launch", before.map(launch), after.map(launch));
    let settings = |template: &Template| template.settings.clone();
    let (before, after) = (before.map(settings), after.map(settings));
    tell_settings(&mut changes, before.as_ref(), after.as_ref());
    changes.into_list()
}
