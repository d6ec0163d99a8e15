//! Registration for conferences, as the interface shows and takes it (CONF-12).

use super::{AgreedDocument, Time, mirror};
use crate::problem::Problem;
use plenary_conference as conference;
use plenary_model::{GuestId, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

mirror! {
    /// Whether something is asked of those who register.
    RegistrationAsk = conference::Ask { Off, Optional, Required }
}

/// What guests may do in a meeting, unless they are made moderators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferenceGuestRights {
    /// Write into the chat.
    pub chat: bool,
    /// Be heard.
    pub audio: bool,
    /// Be seen, and share a screen.
    pub video: bool,
}

impl From<conference::GuestRights> for ConferenceGuestRights {
    fn from(rights: conference::GuestRights) -> Self {
        let conference::GuestRights { chat, audio, video } = rights;
        Self { chat, audio, video }
    }
}

impl From<ConferenceGuestRights> for conference::GuestRights {
    fn from(rights: ConferenceGuestRights) -> Self {
        let ConferenceGuestRights { chat, audio, video } = rights;
        Self { chat, audio, video }
    }
}

/// What an own field takes: a line, several lines, one of its choices, `yes` or `no`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationFieldKind {
    Text,
    LongText,
    Choice,
    YesNo,
}

/// An own field of a form.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrationField {
    /// Without it: a new field. Never given to another field of the same conference.
    #[schema(minimum = 1)]
    pub id: Option<u32>,
    #[schema(min_length = 1, max_length = 128)]
    pub label: String,
    pub kind: RegistrationFieldKind,
    /// 2 to 50 for `choice`, none for the others.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub choices: Vec<String>,
    #[serde(default)]
    pub required: bool,
}

impl RegistrationField {
    fn of(field: conference::Field) -> Self {
        use conference::FieldKind as Kind;
        let (kind, choices) = match field.kind {
            Kind::Text => (RegistrationFieldKind::Text, Vec::new()),
            Kind::LongText => (RegistrationFieldKind::LongText, Vec::new()),
            Kind::Choice(choices) => (RegistrationFieldKind::Choice, choices),
            Kind::YesNo => (RegistrationFieldKind::YesNo, Vec::new()),
        };
        Self {
            id: Some(field.id),
            label: field.label,
            kind,
            choices,
            required: field.required,
        }
    }

    fn read(self, place: usize) -> Result<conference::Field, Problem> {
        use conference::FieldKind as Kind;
        if self.kind != RegistrationFieldKind::Choice && !self.choices.is_empty() {
            let field = format!("settings.registration.fields.{place}.choices");
            return Err(Problem::field(field, "are for fields of the kind choice only"));
        }
        Ok(conference::Field {
            id: self.id.unwrap_or(0),
            label: self.label,
            kind: match self.kind {
                RegistrationFieldKind::Text => Kind::Text,
                RegistrationFieldKind::LongText => Kind::LongText,
                RegistrationFieldKind::Choice => Kind::Choice(self.choices),
                RegistrationFieldKind::YesNo => Kind::YesNo,
            },
            required: self.required,
        })
    }
}

/// When registration ends by itself; by hand it is closed at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationCloses {
    /// Not by itself.
    #[default]
    ByHand,
    /// When the conference begins.
    AtStart,
    /// At `closes_at`.
    At,
}

/// How guests register for a conference. In a patch it replaces the whole.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferenceRegistration {
    pub on: bool,
    #[serde(default = "off")]
    pub email: RegistrationAsk,
    #[serde(default = "off")]
    pub phone: RegistrationAsk,
    #[serde(default = "off")]
    pub organisation: RegistrationAsk,
    #[serde(default = "off")]
    pub job_title: RegistrationAsk,
    #[serde(default)]
    #[schema(max_items = 10)]
    pub fields: Vec<RegistrationField>,
    /// Without it: at once.
    pub opens_at: Option<Time>,
    #[serde(default)]
    pub closes: RegistrationCloses,
    /// With `closes` being `at`.
    pub closes_at: Option<Time>,
    /// By hand.
    #[serde(default)]
    pub closed: bool,
    /// 1 to 5,000; 0 for 5,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 5000)]
    pub limit: u32,
    /// Whether guests may come who have not registered.
    #[serde(default)]
    pub others: bool,
    /// What who registers agrees to; empty for nothing.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub consent: String,
}

fn off() -> RegistrationAsk {
    RegistrationAsk::Off
}

impl ConferenceRegistration {
    pub(crate) fn of(registration: conference::Registration) -> Self {
        let (closes, closes_at) = match registration.closes {
            conference::Closes::ByHand => (RegistrationCloses::ByHand, None),
            conference::Closes::AtStart => (RegistrationCloses::AtStart, None),
            conference::Closes::At(at) => (RegistrationCloses::At, Some(Time(at))),
        };
        let asks = registration.asks;
        Self {
            on: registration.on,
            email: asks.email.into(),
            phone: asks.phone.into(),
            organisation: asks.organisation.into(),
            job_title: asks.job_title.into(),
            fields: fields_of(registration.fields),
            opens_at: registration.opens_at.map(Time),
            closes,
            closes_at,
            closed: registration.closed,
            limit: registration.limit.unwrap_or(0),
            others: registration.others,
            consent: registration.consent,
        }
    }

    pub(crate) fn read(self) -> Result<Box<conference::Registration>, Problem> {
        let missing = || {
            Problem::field(
                "settings.registration.closes_at",
                "is missing: when does it close?",
            )
        };
        let fields = self.fields.into_iter().enumerate();
        Ok(Box::new(conference::Registration {
            on: self.on,
            asks: conference::Asks {
                email: self.email.into(),
                phone: self.phone.into(),
                organisation: self.organisation.into(),
                job_title: self.job_title.into(),
            },
            fields: fields
                .map(|(place, field)| field.read(place))
                .collect::<Result<_, _>>()?,
            last_field: 0,
            opens_at: self.opens_at.map(|Time(at)| at),
            closes: match self.closes {
                RegistrationCloses::ByHand => conference::Closes::ByHand,
                RegistrationCloses::AtStart => conference::Closes::AtStart,
                RegistrationCloses::At => conference::Closes::At(self.closes_at.ok_or_else(missing)?.0),
            },
            closed: self.closed,
            limit: (self.limit > 0).then_some(self.limit),
            others: self.others,
            consent: self.consent,
        }))
    }
}

fn fields_of(fields: Vec<conference::Field>) -> Vec<RegistrationField> {
    fields.into_iter().map(RegistrationField::of).collect()
}

/// Whether one can register right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationOpen {
    Open,
    NotYet,
    Closed,
    Full,
}

/// What strangers may know of how to register.
#[derive(Debug, Serialize, ToSchema)]
pub struct DoorRegistration {
    pub state: RegistrationOpen,
    #[schema(required)]
    pub opens_at: Option<Time>,
    /// When it closes by itself, as far as that is known.
    #[schema(required)]
    pub closes_at: Option<Time>,
    /// Whether guests may come who have not registered.
    pub others: bool,
    pub email: RegistrationAsk,
    pub phone: RegistrationAsk,
    pub organisation: RegistrationAsk,
    pub job_title: RegistrationAsk,
    pub fields: Vec<RegistrationField>,
    /// What who registers agrees to; empty for nothing.
    pub consent: String,
}

impl DoorRegistration {
    /// That of a conference that has one.
    pub(crate) fn of(
        conference: &conference::Conference,
        state: conference::RegistrationState,
    ) -> Option<Self> {
        let registration = conference.registration()?.clone();
        let closes_at = match registration.closes {
            conference::Closes::ByHand => None,
            conference::Closes::AtStart => conference.next.map(|next| next.start),
            conference::Closes::At(at) => Some(at),
        };
        let asks = registration.asks;
        Some(Self {
            state: match state {
                conference::RegistrationState::Open => RegistrationOpen::Open,
                conference::RegistrationState::NotYet(_) => RegistrationOpen::NotYet,
                conference::RegistrationState::Closed => RegistrationOpen::Closed,
                conference::RegistrationState::Full => RegistrationOpen::Full,
            },
            opens_at: registration.opens_at.map(Time),
            closes_at: closes_at.map(Time),
            others: registration.others,
            email: asks.email.into(),
            phone: asks.phone.into(),
            organisation: asks.organisation.into(),
            job_title: asks.job_title.into(),
            fields: fields_of(registration.fields),
            consent: registration.consent,
        })
    }
}

/// An answer to an own field.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrationAnswer {
    /// Its `id`.
    pub field: u32,
    #[schema(max_length = 1000)]
    pub value: String,
}

/// Somebody without an account who registers for a conference.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRegistrant {
    #[schema(min_length = 1, max_length = 128)]
    pub name: String,
    #[serde(default)]
    #[schema(max_length = 320)]
    pub email: String,
    #[serde(default)]
    #[schema(max_length = 256)]
    pub phone: String,
    #[serde(default)]
    #[schema(max_length = 256)]
    pub organisation: String,
    #[serde(default)]
    #[schema(max_length = 256)]
    pub job_title: String,
    #[serde(default)]
    #[schema(max_items = 10)]
    pub answers: Vec<RegistrationAnswer>,
    /// Whether they agree to what is to be agreed to.
    #[serde(default)]
    pub consents: bool,
    /// The documents of the server that they agree to.
    #[serde(default)]
    #[schema(max_items = 5)]
    pub agreed: Vec<AgreedDocument>,
}

impl NewRegistrant {
    pub(crate) fn read(self) -> Result<conference::Details, Problem> {
        if self.answers.len() > limits::REGISTRATION_FIELDS {
            return Err(Problem::field("answers", "must be at most 10"));
        }
        let mut answers = BTreeMap::new();
        for RegistrationAnswer { field, value } in self.answers {
            if answers.insert(field, value).is_some() {
                return Err(Problem::field(format!("answers.{field}"), "is there twice"));
            }
        }
        Ok(conference::Details {
            name: self.name,
            email: self.email,
            phone: self.phone,
            organisation: self.organisation,
            job_title: self.job_title,
            answers,
        })
    }
}

/// Somebody has registered.
#[derive(Serialize, ToSchema)]
pub struct NewRegistration {
    /// The secret of the personal link: it brings them, and whoever else has it, into this one conference. Given out this
    /// once.
    pub link: String,
    pub name: String,
}

/// A personal link that is shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownLink {
    #[schema(max_length = 128)]
    pub link: String,
}

/// Whose a personal link is.
#[derive(Serialize, ToSchema)]
pub struct OwnRegistration {
    /// The ID by which the conference is found: another one than was asked for, if it was changed since.
    pub cid: String,
    pub name: String,
    pub registered_at: Time,
    /// Whether they have agreed to the documents of the server as these are now.
    pub agreed: bool,
}

/// What a personal link is made of: who has it, and a secret.
pub(crate) fn write_link(id: &GuestId, secret: &str) -> String {
    format!("{id}.{secret}")
}

/// The parts of a personal link, if it looks like one.
pub(crate) fn read_link(link: &str) -> Option<(GuestId, &str)> {
    let (id, secret) = link.split_once('.')?;
    let good = !secret.is_empty() && secret.len() <= 128;
    Some((id.parse().ok()?, secret)).filter(|_| good)
}

/// Somebody who has registered.
#[derive(Serialize, ToSchema)]
pub struct Registrant {
    #[schema(pattern = "^guest-[a-z2-7]{16}$")]
    pub id: String,
    pub name: String,
    pub email: String,
    pub phone: String,
    pub organisation: String,
    pub job_title: String,
    /// To own fields; those that were not answered are not here.
    pub answers: Vec<RegistrationAnswer>,
    pub registered_at: Time,
    /// When they came in first; null for who has not.
    #[schema(required)]
    pub came_at: Option<Time>,
}

impl Registrant {
    pub(crate) fn of(registrant: conference::Registrant) -> Self {
        let details = registrant.details;
        let answers = details.answers.into_iter();
        Self {
            id: registrant.id.into(),
            name: details.name,
            email: details.email,
            phone: details.phone,
            organisation: details.organisation,
            job_title: details.job_title,
            answers: answers
                .map(|(field, value)| RegistrationAnswer { field, value })
                .collect(),
            registered_at: Time(registrant.registered_at),
            came_at: registrant.came_at.map(Time),
        }
    }
}

/// One page of those who have registered, and how many there are.
#[derive(Serialize, ToSchema)]
pub struct RegistrantPage {
    pub items: Vec<Registrant>,
    /// All rows that match, not only those of this page.
    pub total: u64,
    /// `cursor` of the following page; null on the last one.
    #[schema(required)]
    pub next: Option<String>,
    /// All who have registered.
    pub registered: u64,
    /// Those of them who have come.
    pub came: u64,
}
