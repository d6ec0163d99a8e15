//! Calls of two (CALL-01).

use super::{
    OpenApiRouter,
    aliases::{account_behind, conference_behind, elsewhere},
    routes,
};
use crate::{
    answer::{self, still_there},
    api::Api,
    auth::Signed,
    dto::{Call, CallPartner, NewCall, not_callable, parse},
    extract::{BodyDigest, Id, Query, Strict, Write},
    problem::{Code, Problem},
    request_id::random_bytes,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use plenary_conference::{self as conference, Change, Party};
use plenary_model::{CallKind, CallString, Cid, UserId, UserName};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt::Write as _};
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_calls, begin_call))
        .routes(routes!(get_call))
        .routes(routes!(decline_call))
        .routes(routes!(widen_call))
}

/// Most calls that are listed.
const LISTED: u32 = 100;

/// Which calls.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CallFilter {
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}

/// The own calls, the newest first
///
/// Those that ring now are among them: `changed` of the topic `calls` says when to look.
#[utoipa::path(get, path = "/calls", tag = "calls", params(CallFilter), responses((status = 200, body = Vec<Call>)))]
async fn list_calls(
    State(api): State<Api>,
    by: Signed,
    Query(filter): Query<CallFilter>,
) -> Result<Json<Vec<Call>>, Problem> {
    let limit = filter.limit.unwrap_or(LISTED);
    if !(1..=LISTED).contains(&limit) {
        return Err(Problem::about(Code::BadQuery, "limit", "must be 1 to 100"));
    }
    let found = api.backend().calls(by.name().clone(), limit).await?;
    shown(&api, by.name(), found).await.map(Json)
}

/// Calls as one of the two sees them, with the names of the others.
pub(super) async fn shown(
    api: &Api,
    user: &UserName,
    found: Vec<conference::Call>,
) -> Result<Vec<Call>, Problem> {
    let mut known = BTreeMap::new();
    let mut shown = Vec::new();
    for call in found {
        shown.push(one(api, user, call, &mut known).await?);
    }
    Ok(shown)
}

/// A call as one of the two sees it; names that were looked up are kept in `known`.
async fn one(
    api: &Api,
    user: &UserName,
    call: conference::Call,
    known: &mut BTreeMap<UserName, String>,
) -> Result<Call, Problem> {
    let other = Call::other(&call, user).clone();
    let with = match &call.group {
        Some(group) if call.is_for_whole_group() && other == call.callee => CallPartner {
            id: other.to_string(),
            display_name: group.name.clone(),
        },
        _ => match &other {
            Party::Here(user) => partner(api, user, known).await?,
            Party::There(user) => {
                let name = call.away.as_ref().map(|away| away.name.clone());
                let name = name.filter(|name| !name.is_empty());
                CallPartner {
                    id: user.to_string(),
                    display_name: name.unwrap_or_else(|| user.to_string()),
                }
            }
        },
    };
    let answered_by = match &call.answered_by {
        Some(other) => Some(partner(api, other, known).await?),
        None => None,
    };
    Ok(Call::of(call, user, with, answered_by))
}

/// Call somebody
///
/// Rings on all devices of theirs for 60 s. Enter the conference `cid` to talk to them. The answer says at once if they
/// are in another call, or signed in nowhere; they see that somebody called. With a group it rings at all of its members who are
/// signed in and in no call or conference, at most 100, and whoever is first has it.
///
/// Whom a name of a partner's server (`bob@oslo.example.net`) means is said by that server, for which the answer waits up to
/// 6 s. The call is over at once, too, if there is nobody, or the servers do not allow it; and if it is a conference, which
/// `enter` leads to.
#[utoipa::path(post, path = "/calls", tag = "calls", request_body = NewCall, responses((status = 201, body = Call)))]
async fn begin_call(
    State(api): State<Api>,
    by: Signed,
    write: Write,
    Strict { value, digest }: Strict<NewCall>,
) -> Result<Response, Problem> {
    let to: CallString = parse("to", &value.to)?;
    let to = api.backend().resolve(to).await?;
    let cid = random_cid()?;
    let away = elsewhere(&api, &to).is_some();
    let change = match account_behind(&api, &to).await? {
        Some(to) => Change::Dial { cid: cid.clone(), to },
        None if away => Change::DialAway {
            cid: cid.clone(),
            to: there(&to)?,
        },
        None => match api.backend().group_behind(to.clone()).await? {
            Some(group) => Change::DialGroup {
                group: group.id,
                cid: cid.clone(),
            },
            None => return Err(why_not_callable(&api, &by, &to).await?),
        },
    };
    let command = write.command(&by, digest, change);
    let applied = api.propose_conference(command).await?;
    if away {
        api.backend().call_told(cid.clone()).await?;
    }
    let call = own(&api, &by, cid).await?;
    Ok(answer::result(StatusCode::CREATED, call, applied.index))
}

/// What there is instead of somebody to call.
async fn why_not_callable(api: &Api, by: &Signed, to: &CallString) -> Result<Problem, Problem> {
    Ok(match conference_behind(api, by, to).await? {
        Some(cid) => Problem::field(
            "to",
            format!("is the conference {cid}; enter it instead of calling it"),
        ),
        None => not_callable(),
    })
}

/// Whom a call string of another server means, as far as this one can tell.
fn there(to: &CallString) -> Result<UserId, Problem> {
    match to.kind() {
        CallKind::Account {
            name,
            server: Some(server),
        } => Ok(UserId {
            name: parse("to", &name)?,
            server,
        }),
        CallKind::Conference {
            cid,
            server: Some(server),
        } => {
            let reason = format!("is the conference {cid}@{server}; enter it instead of calling it");
            Err(Problem::field("to", reason))
        }
        _ => Err(not_callable()),
    }
}

/// `call-` and 80 random bits.
fn random_cid() -> Result<Cid, Problem> {
    let mut cid = "call-".to_owned();
    for byte in random_bytes::<10>() {
        // Writing to a text does not fail.
        write!(cid, "{byte:02x}").unwrap_or_default();
    }
    parse("cid", &cid)
}

/// One of the own calls
#[utoipa::path(get, path = "/calls/{cid}", tag = "calls",
    params(("cid" = String, Path, description = "The call", min_length = 1, max_length = 64)),
    responses((status = 200, body = Call)))]
async fn get_call(State(api): State<Api>, by: Signed, Id(cid): Id<Cid>) -> Result<Json<Call>, Problem> {
    own(&api, &by, cid).await.map(Json)
}

/// Do not answer a call
///
/// It rings on no device any more. Nothing follows if it does not ring any longer.
#[utoipa::path(post, path = "/calls/{cid}/decline", tag = "calls",
    params(("cid" = String, Path, description = "The call", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn decline_call(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    write: Write,
) -> Result<Response, Problem> {
    let command = write.command(&by, BodyDigest::none(), Change::Decline { cid });
    Ok(answer::done(&api.propose_conference(command).await?))
}

/// Make a call a conference
///
/// It belongs to who called, others may join it, and both need a seat from then on.
#[utoipa::path(post, path = "/calls/{cid}/widen", tag = "calls",
    params(("cid" = String, Path, description = "The call", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn widen_call(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    write: Write,
) -> Result<Response, Problem> {
    let command = write.command(&by, BodyDigest::none(), Change::Widen { cid });
    Ok(answer::done(&api.propose_conference(command).await?))
}

/// Others are not told whether there is such a call.
async fn own(api: &Api, by: &Signed, cid: Cid) -> Result<Call, Problem> {
    let found = api.backend().call(cid.clone()).await?;
    let found = found.filter(|call: &conference::Call| call.concerns(by.name()));
    let call = still_there(found, "call", cid.as_str())?;
    one(api, by.name(), call, &mut BTreeMap::new()).await
}

async fn partner(
    api: &Api,
    user: &UserName,
    known: &mut BTreeMap<UserName, String>,
) -> Result<CallPartner, Problem> {
    let display_name = match known.get(user) {
        Some(name) => name.clone(),
        None => {
            let row = api.backend().user(user.clone()).await?;
            row.map_or_else(|| user.to_string(), |row| row.user.profile.display_name)
        }
    };
    known.insert(user.clone(), display_name.clone());
    Ok(CallPartner {
        display_name,
        id: user.to_string(),
    })
}
