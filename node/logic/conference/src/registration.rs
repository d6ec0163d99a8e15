//! How people register for a public conference: what they are asked, and until when (CONF-12).
//!
//! ```text
//!             opens_at                      closed by hand, closes, start, or over
//!  not yet ─────────────► open ◄──────────► full ─────────────────────────────────► closed
//! ```
//!
//! It concerns guests only: who is signed in needs no form.

use crate::{Conference, Launch, Run};
use plenary_access::{
    Refusal,
    rules::{check_text, invalid},
};
use plenary_model::{Timestamp, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whether something is asked of those who register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    #[default]
    Off,
    Optional,
    Required,
}

/// Which of the standard fields are asked; the name always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asks {
    pub email: Ask,
    pub phone: Ask,
    pub organisation: Ask,
    pub job_title: Ask,
}

/// What an own field takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Text,
    /// With line breaks.
    LongText,
    /// One of these: 2 to 50 texts, each once.
    Choice(Vec<String>),
    /// Answered by [`YES`] or [`NO`].
    YesNo,
}

/// The answers of [`FieldKind::YesNo`].
pub const YES: &str = "yes";
pub const NO: &str = "no";

/// A field that the owner of a conference has made up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Never used for another field of the same conference; 0 in a patch: a new one.
    pub id: u32,
    /// 1 to 128 characters.
    pub label: String,
    pub kind: FieldKind,
    pub required: bool,
}

/// When registration ends by itself; by hand it is ended at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closes {
    /// Not by itself.
    #[default]
    ByHand,
    /// When the conference begins.
    AtStart,
    At(Timestamp),
}

/// How people register for a conference.
///
/// Stored as a part of its settings; fields may be added with a default, never renamed. It stays when it is switched off,
/// so that the numbers of fields go on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Registration {
    pub on: bool,
    pub asks: Asks,
    /// Up to 10.
    pub fields: Vec<Field>,
    /// The highest number that a field ever had.
    pub last_field: u32,
    pub opens_at: Option<Timestamp>,
    pub closes: Closes,
    /// Closed by hand.
    pub closed: bool,
    /// Fewer than 5,000.
    pub limit: Option<u32>,
    /// Whether guests may come who have not registered.
    pub others: bool,
    /// What who registers agrees to; up to 2,000 characters, empty for nothing.
    pub consent: String,
}

/// Whether one can register right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationState {
    Open,
    NotYet(Timestamp),
    Closed,
    Full,
}

impl Registration {
    /// This as it replaces `before`: new fields get numbers.
    ///
    /// # Errors
    /// The first value that is not good.
    pub(crate) fn replacing(&self, before: Option<&Self>) -> Result<Self, Refusal> {
        self.check()?;
        let known: BTreeSet<u32> = before
            .into_iter()
            .flat_map(|before| before.fields.iter().map(|field| field.id))
            .collect();
        let mut after = self.clone();
        after.last_field = before.map_or(0, |before| before.last_field);
        after.consent = self.consent.trim().to_owned();
        let mut used = BTreeSet::new();
        for (place, field) in after.fields.iter_mut().enumerate() {
            field.label = field.label.trim().to_owned();
            if field.id == 0 {
                after.last_field += 1;
                field.id = after.last_field;
            } else if !known.contains(&field.id) {
                let reason = "is no field of this form; leave it out for a new one";
                return Err(invalid(
                    &format!("settings.registration.fields.{place}.id"),
                    reason,
                ));
            }
            if !used.insert(field.id) {
                let reason = "is there twice";
                return Err(invalid(
                    &format!("settings.registration.fields.{place}.id"),
                    reason,
                ));
            }
        }
        Ok(after)
    }

    fn check(&self) -> Result<(), Refusal> {
        let wrong = |field: &str, reason: &str| invalid(&format!("settings.registration.{field}"), reason);
        if self.fields.len() > limits::REGISTRATION_FIELDS {
            return Err(wrong("fields", "must be at most 10"));
        }
        for (place, field) in self.fields.iter().enumerate() {
            let at = |part: &str| format!("settings.registration.fields.{place}.{part}");
            check_text(&at("label"), &field.label, 1, limits::REGISTRATION_LABEL)?;
            let FieldKind::Choice(choices) = &field.kind else {
                continue;
            };
            if !(2..=limits::REGISTRATION_CHOICES).contains(&choices.len()) {
                return Err(invalid(&at("choices"), "must be 2 to 50"));
            }
            for choice in choices {
                check_text(&at("choices"), choice, 1, limits::REGISTRATION_LABEL)?;
                if choice.trim() != choice {
                    return Err(invalid(&at("choices"), "must not begin or end with spaces"));
                }
            }
            if choices.iter().collect::<BTreeSet<_>>().len() < choices.len() {
                return Err(invalid(&at("choices"), "must each be there once"));
            }
        }
        if let (Some(opens), Closes::At(closes)) = (self.opens_at, self.closes)
            && closes <= opens
        {
            return Err(wrong("closes_at", "must come after the time at which it opens"));
        }
        let most = limits::REGISTRANTS_PER_CONFERENCE as u32;
        if self.limit.is_some_and(|limit| !(1..=most).contains(&limit)) {
            return Err(wrong("limit", "must be 1 to 5,000"));
        }
        if self.consent.trim().chars().count() > limits::REGISTRATION_CONSENT {
            return Err(wrong("consent", "must have at most 2,000 characters"));
        }
        if self.consent.chars().any(|c| c.is_control() && c != '\n') {
            return Err(wrong("consent", "must not contain control characters"));
        }
        Ok(())
    }

    /// As many as may register.
    pub fn most(&self) -> u64 {
        let most = limits::REGISTRANTS_PER_CONFERENCE as u64;
        self.limit.map_or(most, |limit| most.min(u64::from(limit)))
    }
}

impl Conference {
    /// How people register, where they do.
    pub fn registration(&self) -> Option<&Registration> {
        let registration = self.settings.registration.as_deref();
        registration.filter(|registration| registration.on)
    }

    /// Whether one can register at `now`, when `registered` have; `None` where nobody needs to.
    pub fn registration_state(
        &self,
        run: Option<&Run>,
        registered: u64,
        now: Timestamp,
    ) -> Option<RegistrationState> {
        let registration = self.registration()?;
        if registration.closed || self.is_over(run) {
            return Some(RegistrationState::Closed);
        }
        let ended = match registration.closes {
            Closes::ByHand => false,
            Closes::AtStart => self.has_begun(run, now),
            Closes::At(at) => at <= now,
        };
        if ended {
            return Some(RegistrationState::Closed);
        }
        if let Some(opens) = registration.opens_at.filter(|opens| *opens > now) {
            return Some(RegistrationState::NotYet(opens));
        }
        if registered >= registration.most() {
            return Some(RegistrationState::Full);
        }
        Some(RegistrationState::Open)
    }

    fn is_open(run: Option<&Run>) -> bool {
        run.is_some_and(|run| run.opened.is_some())
    }

    /// Its schedule names no time any more.
    fn is_over(&self, run: Option<&Run>) -> bool {
        let scheduled = matches!(self.launch, Launch::Scheduled(_));
        scheduled && self.next.is_none() && !Self::is_open(run)
    }

    /// A virtual room never begins: it is always open.
    fn has_begun(&self, run: Option<&Run>, now: Timestamp) -> bool {
        let due = self.next.is_some_and(|next| next.start <= now);
        !self.launch.is_virtual_room() && (due || Self::is_open(run))
    }

    /// Refuses a registration that makes no sense here.
    pub(crate) fn check_registration(&self) -> Result<(), Refusal> {
        match self.registration() {
            Some(form) => check_form(form, self.access, self.launch.is_virtual_room()),
            None => Ok(()),
        }
    }
}

/// Refuses a form that makes no sense in a conference of this kind.
pub(crate) fn check_form(
    form: &Registration,
    access: crate::Access,
    is_virtual_room: bool,
) -> Result<(), Refusal> {
    if !form.on {
        return Ok(());
    }
    if access != crate::Access::Public {
        return Err(invalid(
            "settings.registration",
            "is for public conferences; let guests in, or switch it off",
        ));
    }
    if form.closes == Closes::AtStart && is_virtual_room {
        return Err(invalid(
            "settings.registration.closes",
            "cannot be at the start: a virtual room is always open; choose a time, or close it by hand",
        ));
    }
    Ok(())
}
