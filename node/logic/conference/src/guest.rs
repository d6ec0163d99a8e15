use crate::{CONFERENCES_LEVEL, Decision, Effect, View, Visitor, Way, door, meeting::Meetings};
use plenary_access::{
    Outcome, Refusal, TokenHash,
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
    pub created_at: Timestamp,
    /// From when on the token is worth nothing.
    pub expires_at: Timestamp,
}

impl<V: View> Meetings<'_, V> {
    /// Makes a guest, or renews the one whose token is `before`.
    pub(crate) fn guest_enter(
        &self,
        cid: &Cid,
        id: &GuestId,
        name: &str,
        token: TokenHash,
        before: Option<&TokenHash>,
        source: Option<&str>,
    ) -> Result<Decision, Refusal> {
        let now = self.at.now;
        let found = self.view.conference(cid);
        // Strangers do not learn that there is a room which they may not enter.
        let found = found.filter(|conference| door(conference, Visitor::Guest(None), Way::Browser).is_ok());
        let conference = found.ok_or_else(|| not_found("conference", cid))?;
        check_text("name", name, 1, limits::PARTICIPANT_NAME)?;
        let known = before.and_then(|token| self.view.guest_with(token));
        let known = known.filter(|guest| guest.cid == conference.cid && guest.expires_at > now);
        if known.is_none() {
            self.check_new_guest(cid, id)?;
        }
        if self.view.guest_with(&token).is_some() {
            return Err(exists("guest", id));
        }
        let guest = Guest {
            id: known
                .as_ref()
                .map_or_else(|| id.clone(), |guest| guest.id.clone()),
            cid: conference.cid,
            name: name.trim().to_owned(),
            token,
            // Nodes of before know none, and all must have the same.
            source: source
                .filter(|_| self.at.level >= CONFERENCES_LEVEL)
                .map(|source| source.chars().take(64).collect()),
            created_at: known.map_or(now, |guest| guest.created_at),
            expires_at: now.plus_ms(VALID_MS),
        };
        let mut decision = Decision::giving(Outcome::GuestEntered {
            guest: guest.id.clone(),
            expires_at: guest.expires_at,
        });
        if self.view.has_expired_guests(now) {
            decision.effect(Effect::ForgetGuests { until: now });
        }
        decision.effect(Effect::PutGuest(guest));
        Ok(decision)
    }

    fn check_new_guest(&self, cid: &Cid, id: &GuestId) -> Result<(), Refusal> {
        if self.view.guest(id).is_some() {
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
