use super::{
    AgreedDocument, ConferenceGuestRights, ConferenceLaunch, ConferenceTime, DoorRegistration, Time,
    check_text,
};
use crate::problem::Problem;
use plenary_model::limits;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What strangers may know of a conference that they can come to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Door {
    pub cid: String,
    pub name: String,
    pub description: String,
    /// Where people meet beside the conference; empty where it is nowhere else.
    pub place: String,
    /// Whether guests are let in from the network of who asks. Where a conference lets none in there is no door.
    pub guests: bool,
    pub launch: ConferenceLaunch,
    /// The next time at which it begins by its schedule; null with a schedule: it is over, unless it is open now.
    #[schema(required)]
    pub next: Option<ConferenceTime>,
    /// Whether it has begun; a virtual room always has.
    pub open: bool,
    /// What guests may do there.
    pub rights: ConferenceGuestRights,
    /// How one registers; null where nobody needs to.
    #[schema(required)]
    pub registration: Option<DoorRegistration>,
}

/// Somebody without an account who wants to come to a conference.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGuest {
    /// What others call them; who shows a link is called as they said when they registered.
    #[schema(min_length = 1, max_length = 128)]
    pub name: Option<String>,
    /// The token of before: the guest stays the same, and that token ends.
    #[schema(max_length = 128)]
    pub token: Option<String>,
    /// The key of before: the guest is who they were, also after the token has ended.
    #[schema(max_length = 128)]
    pub key: Option<String>,
    /// The personal link of who has registered.
    #[schema(max_length = 128)]
    pub link: Option<String>,
    /// The documents of the server that they agree to.
    #[serde(default)]
    #[schema(max_items = 5)]
    pub agreed: Vec<AgreedDocument>,
}

impl NewGuest {
    /// The name, trimmed; empty where a link says it.
    pub(crate) fn read_name(&self) -> Result<String, Problem> {
        let name = self.name.as_deref().unwrap_or_default().trim();
        if name.is_empty() && self.link.is_none() {
            return Err(Problem::field("name", "is empty; say what others shall call you"));
        }
        check_text("name", name, limits::PARTICIPANT_NAME)?;
        Ok(name.to_owned())
    }
}

/// A guest of one conference.
#[derive(Serialize, ToSchema)]
pub struct Guest {
    /// Opens the signalling connection for this one conference, and nothing else; given out this once.
    pub token: String,
    /// ID of the guest.
    #[schema(pattern = "^guest-[a-z2-7]{16}$")]
    pub guest: String,
    pub name: String,
    pub expires_at: Time,
    /// Brings this guest back after the token has ended; null for who has registered, and for who came by a token alone.
    /// The key of before goes on until this one has been used.
    #[schema(required)]
    pub key: Option<String>,
    /// Until when it does: 30 days after the last visit.
    #[schema(required)]
    pub kept_until: Option<Time>,
}

/// The guest that somebody does not want to be any more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgottenGuest {
    /// The key of the guest.
    #[schema(max_length = 128)]
    pub key: String,
}
