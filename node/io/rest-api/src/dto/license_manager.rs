use super::{LicenceReason, SeatNumbers, Time};
use crate::backend::ManagerLink;
use plenary_licences::Refusal;
use plenary_licensing as licensing;
use plenary_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

super::mirror! {
    /// Where a server stands between its own licence and the lease. `waiting`: the own one holds until the lease covers
    /// what is in use; `lent`: seats are those of the lease; `leaving`: the own one holds again, and the manager has not
    /// everything back yet.
    LeaseStage = licensing::Stage { Waiting, Lent, Leaving }
}
super::mirror! {
    /// `short`: conferences end soon unless the License Manager is back; `over`: they have ended.
    LeaseAlarm = licensing::Alarm { None, Short, Over }
}

/// The License Manager that a server borrows its seats from, as the node that is asked knows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LicenseManager {
    pub name: String,
    /// Names the pool of seats.
    pub pool: String,
    /// `host:port` of its replicas.
    pub addresses: Vec<String>,
    pub since: Time,
    /// ID of the administrator who connected the server; null: the server itself.
    #[schema(required)]
    pub by: Option<String>,
    pub stage: LeaseStage,
    pub alarm: LeaseAlarm,
    /// The replica that this node has a line to; null: there is none now.
    #[schema(required)]
    pub replica: Option<String>,
    /// Why there is none.
    #[schema(required)]
    pub trouble: Option<String>,
    /// Why the manager does not lend; null: it does.
    #[schema(required)]
    pub refusal: Option<LicenceReason>,
    pub leased: SeatNumbers,
    /// Of the leased ones; none while the own licence holds.
    pub in_use: SeatNumbers,
    /// What the server would like to have, seats in use included.
    pub wanted: SeatNumbers,
    /// Seconds that seats can be used here without the manager, rounded down; null: not known to this node.
    #[schema(required)]
    pub time_left_s: Option<u64>,
}

impl LicenseManager {
    pub(crate) fn of(link: ManagerLink, now: Timestamp) -> Self {
        let (granted, wanted) = (link.needs.granted(), link.needs.wanted(now));
        let lease = link.needs.lease;
        Self {
            name: lease.manager.to_string(),
            pool: lease.pool.to_string(),
            addresses: lease.addresses,
            since: Time(lease.since),
            by: lease.by.map(|user| user.to_string()),
            stage: lease.stage.into(),
            alarm: lease.alarm.into(),
            replica: link.replica,
            trouble: link.trouble,
            refusal: link.refusal.map(|refusal: Refusal| LicenceReason {
                code: refusal.code().replace('_', "-"),
                detail: refusal.to_string(),
            }),
            leased: lease.held.seats.into(),
            in_use: granted.into(),
            wanted: wanted.into(),
            time_left_s: link.left_ms.map(|ms| ms / 1000),
        }
    }
}

/// Connects a server to a License Manager.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectManager {
    /// As an administrator of the manager made it for this server; counts once.
    #[schema(min_length = 1, max_length = 8192)]
    pub token: String,
}
