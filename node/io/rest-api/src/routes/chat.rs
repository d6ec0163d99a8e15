//! What is said in a conference, for those who moderate it (CHAT-01).

use super::{OpenApiRouter, conferences, filter, routes};
use crate::{
    answer,
    api::Api,
    auth::Signed,
    dto::{ConferenceLine, NewConferenceLine},
    extract::{BodyDigest, Id, Ids, Query, Strict, Write},
    problem::{Code, Problem},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use plenary_access::Outcome;
use plenary_conference::Change;
use plenary_model::Cid;
use serde::Deserialize;
use utoipa::IntoParams;

/// Lines of one answer.
const LINES: u32 = 200;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_lines, write_line))
        .routes(routes!(delete_line))
}

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct LineFilter {
    /// Those with higher numbers than this.
    #[param(pattern = "^[0-9]+$")]
    after: Option<String>,
}

/// What was said in a conference
///
/// In all its runs: at most 200 lines, in the order in which they were said; ask for those after the last one for more. A
/// chat keeps its last 2,000 lines, as long as the settings of the server say. For those who moderate the conference.
#[utoipa::path(get, path = "/conferences/{cid}/chat", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64), LineFilter),
    responses((status = 200, body = Vec<ConferenceLine>)))]
async fn list_lines(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    Query(query): Query<LineFilter>,
) -> Result<Json<Vec<ConferenceLine>>, Problem> {
    let after: Option<u64> = filter("after", query.after)?;
    let conference = conferences::stored(&api, &by, cid).await?;
    if !conferences::moderates(&api, &by, &conference).await? {
        return Err(Problem::new(
            Code::Forbidden,
            "what is said in a conference is shown to those who moderate it; others read it in the meeting",
        ));
    }
    let lines = api
        .backend()
        .chat(conference.cid, after.unwrap_or(0), LINES)
        .await?;
    Ok(Json(lines.into_iter().map(Into::into).collect()))
}

/// Write into the chat
///
/// As the account that asks, while people meet: they see it as what somebody among them writes. A repetition by the same
/// `key` gives the line that is there. For those who moderate the conference.
#[utoipa::path(post, path = "/conferences/{cid}/chat", tag = "conferences", request_body = NewConferenceLine,
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 201, body = ConferenceLine)))]
async fn write_line(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    write: Write,
    Strict { value, digest }: Strict<NewConferenceLine>,
) -> Result<Response, Problem> {
    let found = conferences::find(&api, cid).await?;
    let is_allowed = conferences::moderates_by_name(&api, &by, &found).await?;
    conferences::check_network(&api, &by, is_allowed).await?;
    let command = write.command(&by, digest, value.read(found.cid.clone())?);
    let applied = api.propose_conference(command).await?;
    let Outcome::Said { line } = applied.outcome else {
        return Err(Problem::not_found("message", found.id().as_str()));
    };
    let lines = api.backend().chat(found.cid, line.saturating_sub(1), 1).await?;
    let there = lines.into_iter().find(|there| there.id == line);
    let there = answer::still_there(there, "message", &line.to_string())?;
    let body = ConferenceLine::from(there);
    Ok(answer::result(StatusCode::CREATED, body, applied.index))
}

/// Take a line out of the chat
///
/// Its text and whom it mentions are gone for everybody; that a moderator deleted it stays. For those who moderate the
/// conference.
#[utoipa::path(delete, path = "/conferences/{cid}/chat/{line}", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64),
        ("line" = String, Path, description = "The number of the line", pattern = "^[0-9]+$")),
    responses((status = 204)))]
async fn delete_line(
    State(api): State<Api>,
    by: Signed,
    Ids(cid, line): Ids<Cid, u64>,
    write: Write,
) -> Result<Response, Problem> {
    let found = conferences::find(&api, cid).await?;
    let is_allowed = conferences::moderates_by_name(&api, &by, &found).await?;
    conferences::check_network(&api, &by, is_allowed).await?;
    let change = Change::DeleteLine {
        cid: found.cid,
        by: None,
        line,
    };
    let command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose_conference(command).await?))
}
