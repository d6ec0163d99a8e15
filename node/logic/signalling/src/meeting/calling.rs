//! Calling people into a meeting (CONF-08).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most people whom one message calls.
pub const CALLED_AT_ONCE: usize = 100;

/// A moderator calls people in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = MeetingCall)]
pub struct Call {
    /// User IDs; at most 100. Of people of partners' servers with the server.
    #[schema(max_items = 100)]
    pub users: Vec<String>,
    /// Instead: everybody who is invited, and the moderators.
    pub invited: bool,
}

/// A moderator takes calls back: it rings no more there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = MeetingCallOff)]
pub struct CallOff {
    /// User IDs; at most 100.
    #[schema(max_items = 100)]
    pub users: Vec<String>,
    /// Instead: everybody whom it rings at.
    pub all: bool,
}

/// Who was called and is not in, told to moderators: all of them each time, those whom it rings at first; at most 200.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingCalled)]
pub struct Called {
    pub people: Vec<Person>,
}

/// Somebody who was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingCalledPerson)]
pub struct Person {
    pub user: String,
    pub name: String,
    pub state: Ringing,
    /// Since when that is so, in milliseconds since 1970.
    pub at: u64,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingRinging)]
pub enum Ringing {
    Ringing,
    Declined,
    /// Nobody answered.
    Missed,
    /// In a call.
    Busy,
    /// Signed in nowhere.
    Unreachable,
    /// A moderator took the call back.
    Cancelled,
    /// There is nobody of that name on the partner's server.
    Nobody,
    /// The partner's server could not be reached.
    Unreached,
    /// One of the two servers does not allow it.
    NotAllowed,
}
