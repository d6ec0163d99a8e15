//! Whom moderators removed from the run that goes on (CONF-08).

use super::ParticipantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who does not come back into the run that goes on, told to moderators: all of them each time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingRemovedPeople)]
pub struct RemovedPeople {
    /// How many there are.
    pub count: u64,
    /// The last ones, the latest first; at most 200.
    pub people: Vec<RemovedPerson>,
}

/// Somebody whom a moderator removed, or did not let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingRemovedPerson)]
pub struct RemovedPerson {
    /// What `let_back` names; nobody of the roster has it any more.
    pub id: ParticipantId,
    /// As they were called.
    pub name: String,
    /// The account, with `@` and the server where that is a partner's; null of guests, and of everybody for guests.
    #[schema(required)]
    pub user: Option<String>,
    pub guest: bool,
    /// Only their programs stay out; they may come in the browser.
    pub programs_only: bool,
    /// In milliseconds since 1970.
    pub at: u64,
}
