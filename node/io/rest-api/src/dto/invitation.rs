use super::{Time, mirror};
use plenary_conference as conference;
use serde::Serialize;
use utoipa::ToSchema;

mirror! {
    /// How a conference of another server comes to be open: always, by a moderator, by its schedule.
    PartnerInvitationOpening = conference::Opening { VirtualRoom, ByHand, Scheduled }
}

/// A conference of another server to which one is invited, as that server tells.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerInvitation {
    /// What to type to come in: its ID, `@` and its server.
    pub id: String,
    pub server: String,
    pub name: String,
    /// Whose it is, with the server.
    pub owner: String,
    pub owner_name: String,
    /// Whether one moderates it.
    pub moderates: bool,
    pub opening: PartnerInvitationOpening,
    /// The next time by its schedule, or the one that goes on; null: none is to come.
    #[schema(required)]
    pub start: Option<Time>,
    /// Null: its end is not planned.
    #[schema(required)]
    pub end: Option<Time>,
    pub told_at: Time,
}

impl PartnerInvitation {
    /// None of one that was withdrawn.
    pub(crate) fn of(one: conference::PartnerInvitation) -> Option<Self> {
        let bidding = one.bidding?;
        let server = one.server;
        Some(Self {
            id: format!("{}@{server}", bidding.id),
            owner: format!("{}@{server}", bidding.owner),
            server: server.into(),
            name: bidding.name,
            owner_name: bidding.owner_name,
            moderates: bidding.moderator,
            opening: bidding.opening.into(),
            start: bidding.next.map(|next| Time(next.start)),
            end: bidding.next.and_then(|next| next.end).map(Time),
            told_at: Time(one.told_at),
        })
    }
}
