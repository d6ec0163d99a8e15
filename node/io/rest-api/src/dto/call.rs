use super::{Time, mirror};
use crate::problem::Problem;
use plenary_conference as inner;
use plenary_model::UserName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whom to call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCall {
    /// A user of this server (`bob`, `bob@paris.example.com`), or an alias of one.
    #[schema(max_length = 256)]
    pub to: String,
}

/// The other one of a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallPartner {
    pub id: String,
    pub display_name: String,
}

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallDirection {
    Incoming,
    Outgoing,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    Ringing,
    Answered,
    Over,
}

mirror! {
    /// How a call ended: `missed` nobody answered, `cancelled` the caller gave up first, `busy` who was called was in
    /// another call, `unreachable` signed in nowhere, `widened` it became a conference.
    CallOutcome = inner::How { Talked, Declined, Missed, Cancelled, Busy, Unreachable, Widened }
}

/// A call of two as one of them sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Call {
    /// Where the two meet: enter it as a conference. Whose device enters it first has answered.
    pub cid: String,
    pub direction: CallDirection,
    pub with: CallPartner,
    pub state: CallState,
    /// Null while it is not over.
    #[schema(required)]
    pub outcome: Option<CallOutcome>,
    pub began_at: Time,
    #[schema(required)]
    pub answered_at: Option<Time>,
    #[schema(required)]
    pub ended_at: Option<Time>,
}

impl Call {
    /// Whom `user` talks with.
    pub(crate) fn other<'a>(call: &'a inner::Call, user: &UserName) -> &'a UserName {
        if call.caller == *user {
            &call.callee
        } else {
            &call.caller
        }
    }

    pub(crate) fn of(call: inner::Call, user: &UserName, with: CallPartner) -> Self {
        Self {
            direction: if call.caller == *user {
                CallDirection::Outgoing
            } else {
                CallDirection::Incoming
            },
            with,
            state: match (&call.over, call.answered_at) {
                (Some(_), _) => CallState::Over,
                (None, Some(_)) => CallState::Answered,
                (None, None) => CallState::Ringing,
            },
            outcome: call.over.map(|over| over.how.into()),
            began_at: Time(call.began_at),
            answered_at: call.answered_at.map(Time),
            ended_at: call.over.map(|over| Time(over.at)),
            cid: call.cid.into(),
        }
    }
}

/// What can be wrong with `to` before anybody is asked.
pub(crate) fn not_callable() -> Problem {
    Problem::field("to", "is not a user of this server; only those can be called")
}
