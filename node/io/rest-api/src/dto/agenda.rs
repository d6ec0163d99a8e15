use super::{PartnerInvitation, Time};
use plenary_conference as conference;
use plenary_model::UserName;
use plenary_schedule::Occurrence;
use serde::Serialize;
use utoipa::ToSchema;

/// When the own conferences take place.
#[derive(Debug, Serialize, ToSchema)]
pub struct Agenda {
    /// The earliest first.
    pub items: Vec<AgendaEntry>,
    /// There are more than are given: ask for a shorter time.
    pub more: bool,
}

/// One time that a conference takes place.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgendaEntry {
    /// With `@` and the server, where it is another one's.
    pub cid: String,
    pub name: String,
    /// The user that it belongs to; as `cid`.
    pub owner: String,
    pub start: Time,
    /// Null: its end is not planned.
    #[schema(required)]
    pub end: Option<Time>,
    /// Whether who asks moderates it.
    pub moderates: bool,
}

impl AgendaEntry {
    /// Of a conference of another server.
    pub(crate) fn elsewhere(invitation: PartnerInvitation, at: Occurrence) -> Self {
        Self {
            cid: invitation.id,
            name: invitation.name,
            owner: invitation.owner,
            start: Time(at.start),
            end: at.end.map(Time),
            moderates: invitation.moderates,
        }
    }

    pub(crate) fn of(conference: &conference::Conference, at: Occurrence, viewer: &UserName) -> Self {
        Self {
            cid: conference.id().to_string(),
            name: conference.name.clone(),
            owner: conference.owner.to_string(),
            start: Time(at.start),
            end: at.end.map(Time),
            moderates: conference.is_of(viewer),
        }
    }
}
