//! Which conferences a list shows (CONF-17).

use crate::{Access, Mode};
use plenary_access::ListQuery;
use plenary_model::UserName;

/// How far a conference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// People meet in it, or it is open.
    Now,
    /// Its schedule says when it begins next.
    Planned,
    /// Its schedule is over.
    Past,
    /// A virtual room, or one that moderators start, in which nobody is.
    Unscheduled,
}

/// What somebody has to do with a conference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Owner(UserName),
    /// Invited, or a moderator by its list.
    Named(UserName),
}

/// Which conferences are wanted; `None`: whichever.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConferenceQuery {
    pub list: ListQuery,
    pub stage: Option<Stage>,
    pub mode: Option<Mode>,
    pub access: Option<Access>,
    pub part: Option<Part>,
    pub owner: Option<UserName>,
    /// As it is shown to this user: who is not invited does not learn of conferences for those who are.
    pub seen_by: Option<UserName>,
}

impl From<ListQuery> for ConferenceQuery {
    fn from(list: ListQuery) -> Self {
        Self {
            list,
            ..Self::default()
        }
    }
}
