use crate::{
    Attempts, CONFERENCES_LEVEL, Called, Change, Conference, Decision, Effect, Gate, Knock, Link,
    PersonalLink, REMOVALS_LEVEL, Registrant, View, Visitor, Way, admit::check_registration, door,
    meeting::Meetings,
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
/// How long after the last visit a guest may come back to who they were.
const KEPT_MS: u64 = 30 * 24 * 3600 * 1000;
/// How long a guest counts in the conference before they have come in.
const YOUNG_MS: u64 = 10 * 60 * 1000;

/// What brings a guest back after the token has ended, from the browser that was given the key (AUTH-08).
///
/// ```text
///  GuestEnter, new ──► key 1 ── by key 1: key 2 ──► key 2 or 1 ── by key 2: key 3 ──► key 3 or 2 …
/// ```
///
/// Each visit gives a new key. The one by which it was asked for goes on until the new one has been used, as the answer
/// may have been lost. A token alone gives no key: whoever has stolen one has the guest for as long as a token is valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keepsake {
    pub key: TokenHash,
    pub before: Option<TokenHash>,
    pub until: Timestamp,
}

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
    /// How they come back after that; who has registered comes by the link instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Keepsake>,
}

impl Guest {
    /// From when on nothing leads back to them.
    pub fn forget_at(&self) -> Timestamp {
        let kept = self.kept.as_ref().map(|kept| kept.until);
        kept.map_or(self.expires_at, |until| until.max(self.expires_at))
    }
}

/// Somebody without an account who wants to come: the fields of [`Change::GuestEnter`].
struct GuestEntry<'a> {
    cid: &'a Cid,
    id: &'a GuestId,
    name: &'a str,
    token: TokenHash,
    before: Option<&'a TokenHash>,
    source: Option<&'a str>,
    link: Option<&'a PersonalLink>,
    agreed: &'a [DocumentVersion],
    returning: Option<&'a TokenHash>,
    key: Option<TokenHash>,
}

impl<V: View> Meetings<'_, V> {
    /// What follows of a change about guests; nothing of any other change.
    pub(crate) fn guest_change(&self, change: &Change) -> Result<Decision, Refusal> {
        match change {
            Change::GuestEnter {
                cid,
                guest,
                name,
                token,
                before,
                source,
                link,
                agreed,
                returning,
                key,
            } => self.guest_enter(&GuestEntry {
                cid,
                id: guest,
                name,
                token: *token,
                before: before.as_ref(),
                source: source.as_deref(),
                link: link.as_ref(),
                agreed,
                returning: returning.as_ref(),
                key: *key,
            }),
            Change::ForgetGuest { cid, key } => Ok(self.forget_guest(cid, key)),
            _ => Ok(Decision::default()),
        }
    }

    /// Makes a guest, or renews the one whose token was given, or who has registered.
    fn guest_enter(&self, entry: &GuestEntry<'_>) -> Result<Decision, Refusal> {
        let now = self.at.now;
        self.view.zones().check_guest(self.from)?;
        let found = self.view.conference(entry.cid);
        // Strangers do not learn that there is a room which they may not enter.
        let found = found.filter(|conference| door(conference, Visitor::Guest(None), Way::Browser).is_ok());
        let conference = found.ok_or_else(|| not_found("conference", entry.cid))?;
        let known = entry.before.and_then(|token| self.view.guest_with(token));
        let known = known.filter(|guest| guest.cid == conference.cid && guest.expires_at > now);
        let known = known.or_else(|| self.returning(entry));
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
        match &known {
            None => self.check_new_guest(entry, id, registrant.is_some())?,
            Some(guest) if guest.kept.is_some() && guest.expires_at <= now => {
                self.check_room(entry, false)?
            }
            Some(_) => {}
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
        let kept = match registrant {
            Some(_) => None,
            None => keepsake(entry, known.as_ref(), now),
        };
        let is_new = known.is_none();
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
            kept,
        };
        let mut decision = Decision::giving(Outcome::GuestEntered {
            guest: guest.id.clone(),
            expires_at: guest.expires_at,
            kept_until: guest.kept.as_ref().map(|kept| kept.until),
            new_key: entry.key.is_some() && guest.kept.as_ref().map(|kept| kept.key) == entry.key,
        });
        consent.tell(&mut decision, "guest", &guest.id, &guest.name);
        if self.view.has_expired_guests(now) {
            decision.effect(Effect::ForgetGuests { until: now });
        }
        if is_new && self.view.stored_guests() >= limits::KEPT_GUESTS as u64 {
            let oldest = self.view.oldest_kept_guest(now);
            decision.effects.extend(oldest.map(Effect::RemoveGuest));
        }
        decision.effect(Effect::PutGuest(guest));
        Ok(decision)
    }

    /// The guest whose key was shown, as long as they may come back.
    fn returning(&self, entry: &GuestEntry<'_>) -> Option<Guest> {
        let found = entry.returning.and_then(|key| self.view.guest_by_key(key));
        let may_return = |kept: &Keepsake| kept.until > self.at.now;
        found.filter(|guest| guest.cid == *entry.cid && guest.kept.as_ref().is_some_and(may_return))
    }

    /// Whoever has the key says that they are somebody else: the guest comes back by nothing. Their places stay, which
    /// may be on another page.
    fn forget_guest(&self, cid: &Cid, key: &TokenHash) -> Decision {
        let mut decision = Decision::default();
        let found = self.view.guest_by_key(key).filter(|guest| guest.cid == *cid);
        if let Some(guest) = found {
            decision.effect(Effect::RemoveGuest(guest.id));
        }
        decision
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
            partner_full: None,
        };
        let knock = Knock {
            visitor: Visitor::Guest(registrant.as_ref().map(|registrant| &registrant.id)),
            way: Way::Browser,
            pin: None,
            attempts: Attempts::default(),
            of_partner: Attempts::default(),
            of_guests: Attempts::default(),
            link: match (&registrant, entry.link) {
                (Some(_), _) => Link::Good,
                (None, Some(_)) => Link::Bad,
                (None, None) => Link::None,
            },
            // Asked before.
            zone: None,
            is_in: false,
            called: Called::Unsaid,
            now: self.at.now,
        };
        check_registration(&gate, &knock)?;
        Ok(registrant)
    }

    fn check_new_guest(&self, entry: &GuestEntry<'_>, id: &GuestId, registered: bool) -> Result<(), Refusal> {
        // Nobody is let in by an ID that is somebody's registration.
        let taken = self.view.guest(id).is_some() || self.view.registrant(id).is_some();
        if taken && !registered {
            return Err(exists("guest", id));
        }
        self.check_room(entry, registered)
    }

    /// Whether there is room for one more. Who has registered has it already. Of the others those count in a conference who
    /// are in or have just asked, and each network has only a part of the tokens: nobody fills it who does not come.
    fn check_room(&self, entry: &GuestEntry<'_>, registered: bool) -> Result<(), Refusal> {
        let (cid, now) = (entry.cid, self.at.now);
        if self.at.level < REMOVALS_LEVEL {
            return self.check_room_of_before(cid);
        }
        if registered {
            return Ok(());
        }
        let most = limits::GUESTS_PER_SOURCE as u64;
        let from_there = |source| self.view.guests_from(cid, source, now, most);
        if entry.source.map(from_there).is_some_and(|many| many >= most) {
            let text = "200 guests have come to this meeting from your network today, and more may not; \
                        sign in, register, or come from another network";
            return Err(no_room("network-full", text));
        }
        let since = Timestamp(now.0.saturating_sub(YOUNG_MS));
        if self.view.unregistered_in(cid, since) >= limits::GUESTS_PER_CONFERENCE as u64 {
            return Err(no_room("guests-full", CONFERENCE_FULL));
        }
        if self.view.guests_about(now) >= limits::GUESTS as u64 {
            return Err(no_room("server-full", SERVER_FULL));
        }
        Ok(())
    }

    fn check_room_of_before(&self, cid: &Cid) -> Result<(), Refusal> {
        if self.view.guests_in(cid, self.at.now) >= limits::GUESTS_PER_CONFERENCE as u64 {
            return Err(Refusal::Full(CONFERENCE_FULL.into()));
        }
        if self.view.guests(self.at.now) >= limits::GUESTS as u64 {
            return Err(Refusal::Full(SERVER_FULL.into()));
        }
        Ok(())
    }
}

const CONFERENCE_FULL: &str =
    "5,000 guests have asked to come to this meeting, and it takes no more; try again later";
const SERVER_FULL: &str = "this server has 20,000 guests and takes no more; try again later";

/// No guest is taken any more; the code says of what there are too many.
fn no_room(code: &str, reason: &str) -> Refusal {
    Refusal::KeptOut {
        code: code.into(),
        reason: reason.into(),
        minutes: None,
    }
}

/// What brings somebody back who comes now. By the token alone it stays as it was, so that a stolen one gives no key.
fn keepsake(entry: &GuestEntry<'_>, known: Option<&Guest>, now: Timestamp) -> Option<Keepsake> {
    let before = known.and_then(|guest| guest.kept.clone());
    let Some(key) = entry.key else { return before };
    let shown = entry.returning;
    let is_theirs = before
        .as_ref()
        .is_some_and(|kept| shown == Some(&kept.key) || (shown.is_some() && shown == kept.before.as_ref()));
    if known.is_some() && !is_theirs {
        return before;
    }
    Some(Keepsake {
        key,
        before: shown.filter(|_| is_theirs).copied(),
        until: now.plus_ms(KEPT_MS),
    })
}
