use super::{Time, mirror, parse};
use crate::problem::Problem;
use plenary_conference::{self as inner, Party};
use plenary_model::{ServerName, UserName, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whom to call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCall {
    /// A user of this server or of a partner's (`bob`, `bob@oslo.example.net`), the call ID of a group, or an alias of either.
    #[schema(max_length = 256)]
    pub to: String,
}

/// The other one of a call; a group as long as nobody of it has answered.
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
    /// another call, `unreachable` signed in nowhere, `widened` it became a conference, `joined` who was called came into
    /// the conference, `elsewhere` another one of the group was first. With people of partners' servers: `nobody` there is
    /// nobody of that name, `unreached` their server cannot be reached, `not_allowed` one of the servers does not allow it,
    /// `conference` it is a conference there, to be entered by `enter`.
    CallOutcome = inner::How {
        Talked, Declined, Missed, Cancelled, Busy, Unreachable, Widened, Joined, Elsewhere, Nobody, Unreached,
        NotAllowed, Conference,
    }
}

/// What somebody is called into: a conference that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalledInto {
    /// Enter it to answer.
    pub cid: String,
    /// Of the conference when it rang.
    pub name: String,
    /// It rings because the conference has begun by its schedule, and nobody in person calls.
    pub scheduled: bool,
}

/// A call of two as one of them sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Call {
    /// A name for the call.
    pub cid: String,
    /// Where the two meet: enter it as a conference. Whose device enters it first has answered. The same as `cid`, but for
    /// who is called into a conference, with a group, or from a partner's server (`cid@server`).
    pub enter: String,
    /// The name of the group that was called.
    #[schema(required)]
    pub group: Option<String>,
    /// Who of the group was first.
    #[schema(required)]
    pub answered_by: Option<CallPartner>,
    /// The conference that one is called into; null for a call of two.
    #[schema(required)]
    pub into: Option<CalledInto>,
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
    pub(crate) fn other<'a>(call: &'a inner::Call, user: &UserName) -> &'a Party {
        if call.caller == *user {
            &call.callee
        } else {
            &call.caller
        }
    }

    pub(crate) fn of(
        call: inner::Call,
        user: &UserName,
        with: CallPartner,
        answered_by: Option<CallPartner>,
    ) -> Self {
        let enter = call.enter();
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
            enter: enter.clone(),
            answered_by,
            group: call
                .group
                .map(|group| group.name)
                .or(call.away.and_then(|away| away.group)),
            into: call
                .ring
                .filter(|ring| ring.by != inner::Ringer::Group)
                .map(|ring| CalledInto {
                    cid: enter,
                    name: ring.name,
                    scheduled: ring.by == inner::Ringer::Schedule,
                }),
            cid: call.cid.into(),
        }
    }
}

/// Whom to call into a conference: either of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConferenceCalls {
    /// User IDs, at least one; of people of partners' servers with the server (`bob@oslo.example.net`).
    #[schema(min_items = 1, max_items = 2000)]
    pub users: Option<Vec<String>>,
    /// Everybody who is invited, and the moderators.
    #[serde(default)]
    pub invited: bool,
}

impl NewConferenceCalls {
    pub(crate) fn read(self, own: &ServerName) -> Result<inner::Whom, Problem> {
        let named = parties("users", self.users, own)?;
        match (named, self.invited) {
            (None, true) => Ok(inner::Whom::Invited),
            (Some(users), false) => Ok(inner::Whom::Users(users)),
            _ => Err(Problem::field(
                "users",
                "must be there, or `invited` be true, and not both",
            )),
        }
    }
}

/// People of this server and of partners', each once named.
fn parties(field: &str, names: Option<Vec<String>>, own: &ServerName) -> Result<Option<Vec<Party>>, Problem> {
    let Some(names) = names else { return Ok(None) };
    if names.len() > limits::RINGS {
        return Err(Problem::field(
            field,
            format!("must be at most {}", limits::RINGS),
        ));
    }
    let names = names
        .iter()
        .map(|name| parse::<Party>(field, name).map(|party| party.seen_from(own)));
    names.collect::<Result<_, _>>().map(Some)
}

/// Somebody who was called into a conference and is not in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalledPerson {
    pub user: String,
    pub display_name: String,
    pub state: CalledState,
    /// Since when it rings or rings no more.
    pub at: Time,
}

/// How far that is: `ringing`, and then as with calls; `cancelled`: a moderator took the call back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalledState {
    Ringing,
    Declined,
    Missed,
    Busy,
    Unreachable,
    Cancelled,
    Nobody,
    Unreached,
    NotAllowed,
}

impl CalledPerson {
    pub(crate) fn of((call, display_name): (inner::Call, String)) -> Self {
        Self {
            state: match call.over.map(|over| over.how) {
                None => CalledState::Ringing,
                Some(inner::How::Declined) => CalledState::Declined,
                Some(inner::How::Busy) => CalledState::Busy,
                Some(inner::How::Unreachable) => CalledState::Unreachable,
                Some(inner::How::Cancelled) => CalledState::Cancelled,
                Some(inner::How::Nobody) => CalledState::Nobody,
                Some(inner::How::Unreached) => CalledState::Unreached,
                Some(inner::How::NotAllowed) => CalledState::NotAllowed,
                Some(_) => CalledState::Missed,
            },
            at: Time(call.over.map_or(call.began_at, |over| over.at)),
            user: call.callee.to_string(),
            display_name,
        }
    }
}

/// What can be wrong with `to` before anybody is asked.
pub(crate) fn not_callable() -> Problem {
    Problem::field(
        "to",
        "is neither a user of this server nor a group that can be called",
    )
}
