use super::Time;
use crate::problem::Problem;
use plenary_conference as conference;
use plenary_conference::Change;
use plenary_conference::Person;
use plenary_model::Cid;
use serde::{Deserialize, Serialize};
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
    /// When the run began in which it was said; null where that was not kept yet.
    #[schema(required)]
    pub run: Option<Time>,
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

/// What is written into a chat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConferenceLine {
    /// With line breaks.
    #[schema(min_length = 1, max_length = 4000)]
    pub text: String,
    /// The line that it answers.
    #[schema(pattern = "^[0-9]+$")]
    pub reply_to: Option<String>,
    /// Made up for this line alone: what the same account sends again by the same key, here or in the meeting, is the line
    /// that is there. Visible ASCII characters.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    pub key: Option<String>,
}

impl NewConferenceLine {
    pub(crate) fn read(self, cid: Cid) -> Result<Change, Problem> {
        let number = |text: String| {
            let words = "must be the number of a line of this chat";
            text.parse().map_err(|_| Problem::field("reply_to", words))
        };
        Ok(Change::Write {
            cid,
            text: self.text,
            reply_to: self.reply_to.map(number).transpose()?,
            key: self.key,
        })
    }
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
            run: line.run.map(Time),
            reply_to: details.reply_to.map(|line| line.to_string()),
            mentions: details.mentions.into_iter().map(|one| one.name).collect(),
            edited_at: details.edited_at.map(Time),
            deleted: details.deleted.map(by),
        }
    }
}
