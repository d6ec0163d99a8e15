use super::{Time, mirror};
use plenary_conference as conference;
use serde::Serialize;
use utoipa::ToSchema;

mirror! {
    /// How far a conference is: `now` people meet in it or it is open, `planned` its schedule says when it begins next,
    /// `past` its schedule is over, `unscheduled` an empty room.
    ConferenceStage = conference::Stage { Now, Planned, Past, Unscheduled }
}

/// Why a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// The last one left.
    EverybodyLeft,
    Moderator,
    /// It was as long as a run may be.
    Long,
    /// Nobody came to the last one for a quarter of an hour.
    Alone,
    Planned,
}

impl From<Option<conference::End>> for RunEnd {
    fn from(why: Option<conference::End>) -> Self {
        match why {
            None => Self::EverybodyLeft,
            Some(conference::End::Moderator) => Self::Moderator,
            Some(conference::End::Long) => Self::Long,
            Some(conference::End::Alone) => Self::Alone,
            Some(conference::End::Planned) => Self::Planned,
        }
    }
}

/// A run of a conference, also one that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub struct PastRun {
    #[schema(pattern = "^[0-9]+$")]
    pub id: String,
    pub cid: String,
    /// Of the conference when it began.
    pub name: String,
    pub started_at: Time,
    /// Null while it goes on; so is `end`.
    #[schema(required)]
    pub ended_at: Option<Time>,
    #[schema(required)]
    pub end: Option<RunEnd>,
    /// How many people were in it: accounts and guests.
    pub people: u64,
    /// How often somebody came. No more than 10,000 are kept.
    pub visits: u64,
}

impl PastRun {
    pub(crate) fn of((run, people): (conference::PastRun, u64)) -> Self {
        Self {
            id: run.id.to_string(),
            cid: run.cid.into(),
            name: run.name,
            started_at: Time(run.started_at),
            ended_at: run.ended.map(|ended| Time(ended.at)),
            end: run.ended.map(|ended| ended.why.into()),
            people,
            visits: run.visits,
        }
    }
}

/// Somebody was in a run, from when to when. Who waits to be let in is not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Visit {
    /// As others saw it.
    pub name: String,
    /// ID of the account, with `@` and the server where that is a partner's; null for guests, and for accounts that are no
    /// more.
    #[schema(required)]
    pub user: Option<String>,
    pub guest: bool,
    /// Published by a program, without a page.
    pub program: bool,
    pub came_at: Time,
    /// Null: is there now.
    #[schema(required)]
    pub left_at: Option<Time>,
}

impl From<conference::Visit> for Visit {
    fn from(visit: conference::Visit) -> Self {
        Self {
            name: visit.name,
            guest: matches!(visit.person, Some(conference::Person::Guest(_))),
            user: match visit.person {
                Some(conference::Person::Account(user)) => Some(user.into()),
                Some(conference::Person::Federated(user)) => Some(user.into()),
                _ => None,
            },
            program: visit.via == conference::Via::Whip,
            came_at: Time(visit.came_at),
            left_at: visit.left_at.map(Time),
        }
    }
}

/// A run in which somebody was, with their own visits.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnRun {
    #[serde(flatten)]
    pub run: PastRun,
    pub own: Vec<Visit>,
}
