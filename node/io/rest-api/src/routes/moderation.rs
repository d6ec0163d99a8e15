//! Who is in a conference, and what moderators do there from outside the meeting (CONF-08).

use super::{OpenApiRouter, conferences, routes};
use crate::{
    answer,
    api::Api,
    auth::Signed,
    dto::{Moderation, Participant},
    extract::{Id, Strict, Write},
    problem::Problem,
};
use axum::{Json, extract::State, response::Response};
use plenary_conference::Change;
use plenary_model::Cid;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_participants))
        .routes(routes!(moderate))
}

/// Who is in a conference
///
/// Those who moderate it see who waits to be let in too.
#[utoipa::path(get, path = "/conferences/{cid}/participants", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = Vec<Participant>)))]
async fn list_participants(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
) -> Result<Json<Vec<Participant>>, Problem> {
    let conference = conferences::stored(&api, &by, cid.clone()).await?;
    let moderates = conferences::moderates(&api, &by, &conference).await?;
    let roster = api.backend().roster(cid).await?;
    let shown = roster
        .into_iter()
        .filter(|one| moderates || one.standing.waiting.is_none());
    let shown = shown.map(|one| Participant::of(&conference, one));
    Ok(Json(shown.collect()))
}

/// Act as a moderator
///
/// For the owner, the moderators of the conference, operators and administrators with full rights.
#[utoipa::path(post, path = "/conferences/{cid}/acts", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    request_body = Moderation, responses((status = 204)))]
async fn moderate(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    write: Write,
    Strict { value, digest }: Strict<Moderation>,
) -> Result<Response, Problem> {
    let act = value.read()?;
    let found = api.backend().conference(cid.clone()).await?;
    let is_allowed = match &found {
        Some(conference) => conferences::moderates_by_name(&api, &by, conference).await?,
        None => true,
    };
    conferences::check_network(&api, &by, is_allowed).await?;
    let command = write.command(&by, digest, Change::Act { cid, by: None, act });
    Ok(answer::done(&api.propose_conference(command).await?))
}
