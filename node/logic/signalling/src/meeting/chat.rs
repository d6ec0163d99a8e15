//! What people write to all in a meeting (CHAT-01).

use super::ParticipantId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::ToSchema;

/// Lines that are given at once.
pub const CHAT_PAGE: usize = 200;

/// The number of a line of the chat; numbers rise. A text on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(as = MeetingLineNumber, value_type = String, pattern = "^[0-9]+$")]
pub struct LineNumber(pub u64);

impl Serialize for LineNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LineNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// Writes to all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingSay)]
pub struct Say {
    pub text: String,
    /// The line that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<LineNumber>,
    /// Those whom it mentions; `@` and the name of each stands in the text. At most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub mentions: Vec<ParticipantId>,
    /// Made up by who says it, for this line alone: what comes again by the same key is the line that is there. 1 to 64
    /// visible ASCII characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[!-~]+$")]
    pub key: Option<String>,
}

/// Changes what one has written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingEdit)]
pub struct Edit {
    pub line: LineNumber,
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub mentions: Vec<ParticipantId>,
}

/// Takes out what one has written or, as a moderator, what anybody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingUnsay)]
pub struct Unsay {
    pub line: LineNumber,
}

/// Asks for lines that were said before one; `chat_earlier` follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingEarlier)]
pub struct Earlier {
    pub before: LineNumber,
}

/// Has read the chat up to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingRead)]
pub struct Read {
    pub line: LineNumber,
}

/// A line of the chat. Nodes of before give the first five fields alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingSaid)]
pub struct Said {
    /// A number that rises.
    pub id: String,
    pub participant: ParticipantId,
    /// As it was when they wrote.
    pub name: String,
    /// Empty if it is deleted.
    pub text: String,
    pub at: u64,
    /// The line that it answers, which may be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<LineNumber>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mentioned>,
    /// When it was changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<DeletedBy>,
    /// The places that whoever wrote it has now, in the moment of telling.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<ParticipantId>,
    /// When the run began in which it was said, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// By which whoever wrote it knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Somebody whom a line mentions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingMentioned)]
pub struct Mentioned {
    /// As it stands in the text, after an `@`.
    pub name: String,
    /// The places that they have now, in the moment of telling; none if they are not in.
    pub places: Vec<ParticipantId>,
}

/// Who took a line out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingDeletedBy)]
pub enum DeletedBy {
    Writer,
    Moderator,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingChat)]
pub struct Chat {
    pub lines: Vec<Said>,
}

/// Lines that were told before are not as they were.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingChatChanged)]
pub struct ChatChanged {
    pub lines: Vec<Said>,
}

/// Lines that were said before those that the client knows, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingChatEarlier)]
pub struct ChatEarlier {
    pub lines: Vec<Said>,
    /// There are still earlier ones.
    pub more: bool,
}

/// Who is writing, all of them each time; told again while they are, and not again when they have stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingWriting)]
pub struct Writing {
    /// Who began first comes first; at most four.
    #[schema(max_items = 4)]
    pub people: Vec<Writer>,
    /// Others are writing too.
    pub more: bool,
}

/// Somebody who is writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingWriter)]
pub struct Writer {
    pub participant: ParticipantId,
    pub name: String,
}

/// How far others have read, each person once, told to who has written something; nothing of it in meetings of more than 100.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingReaders)]
pub struct Readers {
    /// The last line that each has read, in the order of their numbers.
    #[schema(max_items = 100)]
    pub up_to: Vec<LineNumber>,
}
