use super::{Person, Presence};
use crate::backend::Looked as Backed;
use plenary_federation::{Found, LocalName};
use plenary_model::ServerName;
use serde::Serialize;
use utoipa::ToSchema;

/// What a name of another server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LookedKind {
    Person,
    /// People who are called by one name.
    Group,
    Conference,
    /// There is no such name there, or none that people of this server may know.
    Nothing,
    /// That server is not met, cannot be reached, or does not answer.
    Unknown,
}

/// What a name of another server is, as that server says.
#[derive(Debug, Serialize, ToSchema)]
pub struct Looked {
    /// The name that was asked for, with `@` and the server.
    pub id: String,
    pub kind: LookedKind,
    /// With what that server shows to people of this one; what it does not show is empty. An alias is who it stands for.
    #[schema(required)]
    pub person: Option<Person>,
    /// What they do; null where that is not known.
    #[schema(required)]
    pub presence: Option<Presence>,
    /// The ID to enter, with `@` and the server.
    #[schema(required)]
    pub conference: Option<String>,
    /// Why it is not known.
    #[schema(required)]
    pub reason: Option<String>,
}

impl Looked {
    /// `Err` where who asks has to wait: for so many seconds.
    pub(crate) fn of(server: &ServerName, name: &LocalName, looked: Backed) -> Result<Self, u64> {
        let blank = |kind| Self {
            id: format!("{name}@{server}"),
            kind,
            person: None,
            presence: None,
            conference: None,
            reason: None,
        };
        Ok(match looked {
            Backed::TooFast(wait_s) => return Err(wait_s),
            Backed::Unknown(reason) => Self {
                reason: Some(reason),
                ..blank(LookedKind::Unknown)
            },
            Backed::Found { found, presence } => match found {
                Found::Person { user, profile } => Self {
                    person: Some(Person::of(user, *profile, server)),
                    presence: presence.map(Into::into),
                    ..blank(LookedKind::Person)
                },
                Found::Group(_) => blank(LookedKind::Group),
                Found::Conference(cid) => Self {
                    conference: Some(format!("{cid}@{server}")),
                    ..blank(LookedKind::Conference)
                },
                Found::Nothing => blank(LookedKind::Nothing),
            },
        })
    }
}
