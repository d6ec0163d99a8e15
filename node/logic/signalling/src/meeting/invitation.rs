//! Invitations to the podium of a role-based meeting (CONF-09).

use super::ParticipantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who is invited to the podium: to moderators all who were and are not on it, to others their own invitation for as long
/// as they can answer it. All of them each time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingInvitations)]
pub struct Invitations {
    pub people: Vec<InvitedPerson>,
}

/// Somebody who was invited to the podium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingInvitedPerson)]
pub struct InvitedPerson {
    pub participant: ParticipantId,
    pub name: String,
    pub state: Invited,
    /// When they were asked, or since when it is over, in milliseconds since 1970.
    pub at: u64,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingInvited)]
pub enum Invited {
    /// They have 30 s to answer.
    Asked,
    Declined,
    /// Did not answer in time.
    Missed,
}
