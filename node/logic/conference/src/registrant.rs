//! Who has registered for a conference: what they gave, their personal link, and how they come by it (CONF-12).
//!
//! ```text
//!  stranger ── Register, while that is open ──► registrant, who has a link ── GuestEnter, with the link ──► guest of that ID
//!                                                   │                                                     │ Enter
//!                             RemoveRegistrant: the link ends, and the guest goes                         ▼
//!                                                                                            one place, wherever they are
//! ```
//!
//! Invariant: who has registered has at most one place in the conference.

use crate::{
    Ask, CALLERS_LEVEL, Conference, Decision, Effect, FieldKind, Link, NO, Registration, RegistrationState,
    View, Visitor, Way, YES, door,
    meeting::{Meetings, ParticipantId, Person, Runs, SecretHash},
};
use plenary_access::{
    DocumentHead, DocumentVersion, Outcome, Refusal, Topic,
    rules::{check_text, exists, invalid, not_found},
};
use plenary_model::{Cid, GuestId, Timestamp, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What somebody gives who registers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// 1 to 128 characters.
    pub name: String,
    /// Empty where it is not given; so with the others.
    pub email: String,
    pub phone: String,
    pub organisation: String,
    pub job_title: String,
    /// By the number of the own field.
    pub answers: BTreeMap<u32, String>,
}

/// Somebody who has registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registrant {
    /// Who they are as a guest, on whatever device.
    pub id: GuestId,
    pub cid: Cid,
    pub details: Details,
    /// Of the personal link.
    pub secret: SecretHash,
    /// Where they registered from.
    pub source: Option<String>,
    pub registered_at: Timestamp,
    /// When they came in first.
    pub came_at: Option<Timestamp>,
    /// The documents of the server that they have agreed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agreed: Vec<DocumentVersion>,
}

/// What a personal link says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalLink {
    pub registrant: GuestId,
    pub secret: SecretHash,
}

/// What the rules read of those who have registered.
pub trait RegistrationView {
    fn registrant(&self, id: &GuestId) -> Option<Registrant>;
    /// Those of a conference.
    fn registrants_in(&self, cid: &Cid) -> u64;
    /// Those of a conference from one source.
    fn registrants_from(&self, cid: &Cid, source: &str) -> u64;
    /// Those of the server.
    fn registrants(&self) -> u64;
    /// What people without an account agree to, in the order of its places.
    fn documents(&self) -> Vec<DocumentHead>;
}

impl Registrant {
    /// Whether a link is theirs, for this conference; in a time that does not tell how much of the secret is right.
    pub fn is_of(&self, cid: &Cid, link: &PersonalLink) -> bool {
        self.id == link.registrant && self.secret.is(&link.secret) && self.cid == *cid
    }
}

impl Registration {
    /// What somebody gave, trimmed.
    ///
    /// # Errors
    /// The first field that is missing, too long, or not asked.
    pub(crate) fn read(&self, given: &Details) -> Result<Details, Refusal> {
        let given = trimmed(given);
        check_text("name", &given.name, 1, limits::PARTICIPANT_NAME)?;
        let asks = &self.asks;
        for (field, ask, text, most) in [
            ("email", asks.email, &given.email, limits::EMAIL),
            ("phone", asks.phone, &given.phone, limits::PROFILE_FIELD),
            (
                "organisation",
                asks.organisation,
                &given.organisation,
                limits::PROFILE_FIELD,
            ),
            (
                "job_title",
                asks.job_title,
                &given.job_title,
                limits::PROFILE_FIELD,
            ),
        ] {
            check_asked(field, ask, text)?;
            check_text(field, text, 0, most)?;
        }
        if !given.email.is_empty() && !plenary_access::rules::is_email(&given.email) {
            return Err(invalid("email", "is not an address like name@example.com"));
        }
        self.check_answers(&given.answers)?;
        let bytes = given.texts().map(str::len).sum::<usize>();
        if bytes > limits::REGISTRATION_BYTES {
            return Err(invalid("answers", "are too long together; shorten some"));
        }
        Ok(given)
    }

    fn check_answers(&self, answers: &BTreeMap<u32, String>) -> Result<(), Refusal> {
        for number in answers.keys() {
            if !self.fields.iter().any(|field| field.id == *number) {
                let reason = "is not asked any more; load the page again";
                return Err(invalid(&format!("answers.{number}"), reason));
            }
        }
        for field in &self.fields {
            let at = format!("answers.{}", field.id);
            let answer = answers.get(&field.id).map_or("", String::as_str);
            let ask = if field.required {
                Ask::Required
            } else {
                Ask::Optional
            };
            check_asked(&at, ask, answer)?;
            match &field.kind {
                FieldKind::Text => check_text(&at, answer, 0, limits::REGISTRATION_ANSWER)?,
                FieldKind::LongText => check_long(&at, answer)?,
                _ if answer.is_empty() => {}
                FieldKind::Choice(choices) if !choices.iter().any(|choice| choice == answer) => {
                    return Err(invalid(&at, "is none of the choices"));
                }
                FieldKind::YesNo if ![YES, NO].contains(&answer) => {
                    return Err(invalid(&at, "must be yes or no"));
                }
                FieldKind::Choice(_) | FieldKind::YesNo => {}
            }
        }
        Ok(())
    }
}

impl Details {
    /// All that was given, in no order that means something.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let own = [
            &self.name,
            &self.email,
            &self.phone,
            &self.organisation,
            &self.job_title,
        ];
        own.into_iter().chain(self.answers.values()).map(String::as_str)
    }
}

/// Without spaces around, and without answers that say nothing.
fn trimmed(given: &Details) -> Details {
    let trim = |text: &String| text.trim().to_owned();
    let answers = given.answers.iter().map(|(field, text)| (*field, trim(text)));
    Details {
        name: trim(&given.name),
        email: trim(&given.email),
        phone: trim(&given.phone),
        organisation: trim(&given.organisation),
        job_title: trim(&given.job_title),
        answers: answers.filter(|(_, text)| !text.is_empty()).collect(),
    }
}

fn check_asked(field: &str, ask: Ask, text: &str) -> Result<(), Refusal> {
    match (ask, text.is_empty()) {
        (Ask::Required, true) => Err(invalid(field, "is needed to register; fill it in")),
        (Ask::Off, false) => Err(invalid(field, "is not asked any more; load the page again")),
        _ => Ok(()),
    }
}

fn check_long(field: &str, text: &str) -> Result<(), Refusal> {
    if text.chars().count() > limits::REGISTRATION_LONG_ANSWER {
        return Err(invalid(field, "must have at most 1,000 characters"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(invalid(field, "must not contain control characters"));
    }
    Ok(())
}

/// Somebody without an account who registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRegistrant {
    pub cid: Cid,
    /// Random; who they are as a guest from now on.
    pub registrant: GuestId,
    /// Of the personal link.
    pub secret: SecretHash,
    pub details: Details,
    /// Whether they agree to what is to be agreed to.
    pub consents: bool,
    /// Where they come from: whose registrations are bounded together.
    pub source: Option<String>,
    /// The documents of the server that they agree to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agreed: Vec<DocumentVersion>,
}

impl<V: View> Meetings<'_, V> {
    pub(crate) fn register(&self, new: &NewRegistrant) -> Result<Decision, Refusal> {
        // Nodes of before ask it at the door alone, and all must do the same.
        if self.at.level >= CALLERS_LEVEL {
            self.view.zones().check_guest(self.from)?;
        }
        let found = self.view.conference(&new.cid);
        // Strangers do not learn that there is a room which they may not enter.
        let found = found.filter(|conference| door(conference, Visitor::Guest(None), Way::Browser).is_ok());
        let conference = found.ok_or_else(|| not_found("conference", &new.cid))?;
        let Some(registration) = conference.registration() else {
            return Err(Refusal::Conflict(
                "nobody needs to register for this conference; just come".into(),
            ));
        };
        let registered = self.view.registrants_in(&new.cid);
        let run = self.view.run_of(&new.cid);
        match conference.registration_state(run.as_ref(), registered, self.at.now) {
            None | Some(RegistrationState::Open) => {}
            Some(state) => return Err(crate::KeptOut::unregistered(state).into()),
        }
        let details = registration.read(&new.details)?;
        if !registration.consent.is_empty() && !new.consents {
            return Err(invalid("consent", "is needed to register; agree to it"));
        }
        let consent = self.consent(&[], &new.agreed)?;
        let source = new
            .source
            .as_ref()
            .map(|source| source.chars().take(64).collect::<String>());
        self.check_room_for_registrants(&new.cid, source.as_deref())?;
        if self.view.registrant(&new.registrant).is_some() || self.view.guest(&new.registrant).is_some() {
            return Err(exists("registrant", &new.registrant));
        }
        let registrant = Registrant {
            id: new.registrant.clone(),
            cid: new.cid.clone(),
            details,
            secret: new.secret,
            source,
            registered_at: self.at.now,
            came_at: None,
            agreed: consent.all(),
        };
        let mut decision = Decision::default();
        consent.tell(
            &mut decision,
            "registrant",
            &registrant.id,
            &registrant.details.name,
        );
        put(&mut decision, registrant);
        Ok(decision)
    }

    fn check_room_for_registrants(&self, cid: &Cid, source: Option<&str>) -> Result<(), Refusal> {
        let from_there = source.map_or(0, |source| self.view.registrants_from(cid, source));
        if from_there >= limits::REGISTRANTS_PER_SOURCE as u64 {
            let text = "500 people have registered from your network, and no more can; ask who invited you";
            return Err(Refusal::Full(text.into()));
        }
        if self.view.registrants() >= limits::REGISTRANTS as u64 {
            let text = "this server keeps 100,000 registrations and takes no more; try again later";
            return Err(Refusal::Full(text.into()));
        }
        Ok(())
    }

    /// Who asks has been found to be allowed. The link ends, and who came by it goes.
    pub(crate) fn remove_registrant(
        &self,
        conference: &Conference,
        id: &GuestId,
    ) -> Result<Decision, Refusal> {
        let cid = &conference.cid;
        let found = self.view.registrant(id).filter(|found| found.cid == *cid);
        found.ok_or_else(|| not_found("registrant", id))?;
        let mut decision = Decision::default();
        let mut runs = Runs::new(self.view, self.at);
        for place in self.view.places(cid, &Person::Guest(id.clone())) {
            runs.remove(&mut decision, cid, place.id);
        }
        runs.finish(&mut decision);
        decision
            .effect(Effect::RemoveRegistrant(id.clone()))
            .changed("registrant", id.as_str(), "deleted", Vec::new())
            .notice(Topic::Conferences, cid.as_str())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    /// Who has registered, by their link.
    pub(crate) fn registrant_by(&self, cid: &Cid, link: &PersonalLink) -> Option<Registrant> {
        let found = self.view.registrant(&link.registrant)?;
        found.is_of(cid, link).then_some(found)
    }

    /// The registration of somebody who has a place, or wants one.
    pub(crate) fn registrant_of(&self, cid: &Cid, person: &Person) -> Option<Registrant> {
        match person {
            Person::Guest(id) => self.view.registrant(id).filter(|found| found.cid == *cid),
            Person::Account(_) | Person::Federated(_) => None,
        }
    }

    /// What a guest shows of a registration.
    pub(crate) fn link_of(&self, cid: &Cid, person: &Person) -> Link {
        match self.registrant_of(cid, person) {
            Some(_) => Link::Good,
            None => Link::None,
        }
    }

    /// Who has registered has come, for the first time.
    pub(crate) fn note_coming(&self, decision: &mut Decision, cid: &Cid, person: &Person) {
        let new = self.registrant_of(cid, person);
        if let Some(registrant) = new.filter(|registrant| registrant.came_at.is_none()) {
            let came_at = Some(self.at.now);
            put(
                decision,
                Registrant {
                    came_at,
                    ..registrant
                },
            );
        }
    }
}

fn put(decision: &mut Decision, registrant: Registrant) {
    decision
        .notice(Topic::Conferences, registrant.cid.as_str())
        .effect(Effect::PutRegistrant(registrant));
}

/// The place that somebody has taken over.
pub(crate) fn taken_over(participant: ParticipantId, moves: u64) -> Outcome {
    Outcome::TakenOver {
        participant: participant.0,
        moves,
    }
}
