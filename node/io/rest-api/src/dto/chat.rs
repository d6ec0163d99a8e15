use super::Time;
use plenary_conference as conference;
use plenary_conference::Person;
use serde::Serialize;
use utoipa::ToSchema;

/// A line of the chat of a conference.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConferenceLine {
    /// A number that rises.
    #[schema(pattern = "^[0-9]+$")]
    pub id: String,
    /// As it was when they wrote.
    pub name: String,
    /// The account that wrote it; null for guests, and where that was not kept yet.
    #[schema(required)]
    pub user: Option<String>,
    /// Empty if it is deleted.
    pub text: String,
    pub at: Time,
    /// The line that it answers, which may be gone.
    #[schema(required, pattern = "^[0-9]+$")]
    pub reply_to: Option<String>,
    /// The names of those whom it mentions.
    pub mentions: Vec<String>,
    /// When it was changed last.
    #[schema(required)]
    pub edited_at: Option<Time>,
    /// Who took it out; null: nobody.
    #[schema(required)]
    pub deleted: Option<ConferenceLineDeleted>,
}

/// Who took a line out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConferenceLineDeleted {
    Writer,
    Moderator,
}

impl From<conference::Line> for ConferenceLine {
    fn from(line: conference::Line) -> Self {
        let details = line.details;
        let by = |deleted: conference::Deleted| match deleted.by_moderator {
            true => ConferenceLineDeleted::Moderator,
            false => ConferenceLineDeleted::Writer,
        };
        Self {
            id: line.id.to_string(),
            name: line.name,
            user: match details.person {
                Some(Person::Account(user)) => Some(user.into()),
                _ => None,
            },
            text: line.text,
            at: Time(line.at),
            reply_to: details.reply_to.map(|line| line.to_string()),
            mentions: details.mentions.into_iter().map(|one| one.name).collect(),
            edited_at: details.edited_at.map(Time),
            deleted: details.deleted.map(by),
        }
    }
}
