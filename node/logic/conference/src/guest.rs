use crate::{
    Attempts, CONFERENCES_LEVEL, Conference, Decision, Effect, Gate, Knock, Link, PersonalLink, Registrant,
    View, Visitor, Way, admit::check_registration, door, meeting::Meetings,
};
use plenary_access::{
    DocumentVersion, Outcome, Refusal, TokenHash,
    rules::{check_text, exists, not_found},
};
use plenary_model::{Cid, Timestamp, limits};
use serde::{Deserialize, Serialize};

pub use plenary_model::GuestId;

/// How long the token of a guest is valid.
const VALID_MS: u64 = 12 * 3600 * 1000;

/// Somebody without an account who may come into one public conference (AUTH-08).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    pub id: GuestId,
    pub cid: Cid,
    /// As they call themselves; 1 to 128 characters, not unique.
    pub name: String,
    pub token: TokenHash,
    /// Where they came from last: whose wrong PINs count together.
    #[serde(default)]
    pub source: Option<String>,
    /// The documents that they have agreed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agreed: Vec<DocumentVersion>,
    pub created_at: Timestamp,
    /// From when on the token is worth nothing.
    pub expires_at: Timestamp,
}

/// Somebody without an account who wants to come: the fields of [`Change::GuestEnter`](crate::Change::GuestEnter).
pub(crate) struct GuestEntry<'a> {
    pub(crate) cid: &'a Cid,
    pub(crate) id: &'a GuestId,
    pub(crate) name: &'a str,
    pub(crate) token: TokenHash,
    pub(crate) before: Option<&'a TokenHash>,
    pub(crate) source: Option<&'a str>,
    pub(crate) link: Option<&'a PersonalLink>,
    pub(crate) agreed: &'a [DocumentVersion],
}

impl<V: View> Meetings<'_, V> {
    /// Makes a guest, or renews the one whose token was given, or who has registered.
    pub(crate) fn guest_enter(&self, entry: &GuestEntry<'_>) -> Result<Decision, Refusal> {
        let now = self.at.now;
        let found = self.view.conference(entry.cid);
        // Strangers do not learn that there is a room which they may not enter.
        let found = found.filter(|conference| door(conference, Visitor::Guest(None), Way::Browser).is_ok());
        let conference = found.ok_or_else(|| not_found("conference", entry.cid))?;
        let known = entry.before.and_then(|token| self.view.guest_with(token));
        let known = known.filter(|guest| guest.cid == conference.cid && guest.expires_at > now);
        let registrant = self.registered(&conference, entry, known.as_ref())?;
        let known = match &registrant {
            Some(registrant) => self.view.guest(&registrant.id),
            None => known,
        };
        let (id, name) = match &registrant {
            Some(registrant) => (&registrant.id, registrant.details.name.as_str()),
            None => (entry.id, entry.name),
        };
        check_text("name", name, 1, limits::PARTICIPANT_NAME)?;
        if known.is_none() {
            self.check_new_guest(entry.cid, id, registrant.is_some())?;
        }
        if self.view.guest_with(&entry.token).is_some() {
            return Err(exists("guest", id));
        }
        let before = [
            known.as_ref().map_or(&[][..], |guest| &guest.agreed),
            registrant
                .as_ref()
                .map_or(&[][..], |registrant| &registrant.agreed),
        ]
        .concat();
        let consent = self.consent(&before, entry.agreed)?;
        let guest = Guest {
            id: known
                .as_ref()
                .map_or_else(|| id.clone(), |guest| guest.id.clone()),
            cid: conference.cid,
            name: name.trim().to_owned(),
            token: entry.token,
            // Nodes of before know none, and all must have the same.
            source: entry
                .source
                .filter(|_| self.at.level >= CONFERENCES_LEVEL)
                .map(|source| source.chars().take(64).collect()),
            agreed: consent.all(),
            created_at: known.map_or(now, |guest| guest.created_at),
            expires_at: now.plus_ms(VALID_MS),
        };
        let mut decision = Decision::giving(Outcome::GuestEntered {
            guest: guest.id.clone(),
            expires_at: guest.expires_at,
        });
        consent.tell(&mut decision, "guest", &guest.id, &guest.name);
        if self.view.has_expired_guests(now) {
            decision.effect(Effect::ForgetGuests { until: now });
        }
        decision.effect(Effect::PutGuest(guest));
        Ok(decision)
    }

    /// Who has registered of those who want to come: by their link, or by the token that they had by it.
    ///
    /// # Errors
    /// A link that is not valid; none where one must have registered.
    fn registered(
        &self,
        conference: &Conference,
        entry: &GuestEntry<'_>,
        known: Option<&Guest>,
    ) -> Result<Option<Registrant>, Refusal> {
        let by_link = entry.link.map(|link| self.registrant_by(entry.cid, link));
        let registrant = match by_link {
            Some(found) => found,
            None => known.and_then(|guest| self.view.registrant(&guest.id)),
        };
        let run = self.view.run_of(entry.cid);
        let gate = Gate {
            conference,
            run: run.as_ref(),
            inside: 0,
            guests: 0,
            registered: self.view.registrants_in(entry.cid),
        };
        let knock = Knock {
            visitor: Visitor::Guest(registrant.as_ref().map(|registrant| &registrant.id)),
            way: Way::Browser,
            pin: None,
            attempts: Attempts::default(),
            link: match (&registrant, entry.link) {
                (Some(_), _) => Link::Good,
                (None, Some(_)) => Link::Bad,
                (None, None) => Link::None,
            },
            is_in: false,
            now: self.at.now,
        };
        check_registration(&gate, &knock)?;
        Ok(registrant)
    }

    fn check_new_guest(&self, cid: &Cid, id: &GuestId, registered: bool) -> Result<(), Refusal> {
        // Nobody is let in by an ID that is somebody's registration.
        let taken = self.view.guest(id).is_some() || self.view.registrant(id).is_some();
        if taken && !registered {
            return Err(exists("guest", id));
        }
        if self.view.guests_in(cid, self.at.now) >= limits::GUESTS_PER_CONFERENCE as u64 {
            let text =
                "5,000 guests have asked to come to this meeting, and it takes no more; try again later";
            return Err(Refusal::Full(text.into()));
        }
        if self.view.guests(self.at.now) >= limits::GUESTS as u64 {
            let text = "this server has 20,000 guests and takes no more; try again later";
            return Err(Refusal::Full(text.into()));
        }
        Ok(())
    }
}
