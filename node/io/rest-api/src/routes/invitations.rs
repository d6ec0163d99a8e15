//! Conferences of other servers to which one is invited (FED-02).

use super::{OpenApiRouter, routes};
use crate::{
    answer,
    api::Api,
    auth::Signed,
    dto::PartnerInvitation,
    extract::{BodyDigest, Id, Write},
    problem::Problem,
};
use axum::{Json, extract::State, response::Response};
use plenary_access::Refusal;
use plenary_conference::Change;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_my_invitations))
        .routes(routes!(decline_my_invitation))
}

/// Conferences of other servers to which one is invited
///
/// As those servers tell; at most 500, of one server at most 100. Only of servers whose conferences people of this one may attend now.
#[utoipa::path(get, path = "/me/invitations", tag = "me", responses((status = 200, body = Vec<PartnerInvitation>)))]
async fn list_my_invitations(
    State(api): State<Api>,
    by: Signed,
) -> Result<Json<Vec<PartnerInvitation>>, Problem> {
    let all = api.backend().partner_invitations(by.name().clone()).await?;
    Ok(Json(all.into_iter().filter_map(PartnerInvitation::of).collect()))
}

/// Decline an invitation of another server
///
/// It is not shown any more, whatever that server changes of it; not before it has withdrawn it and invites anew. The server is
/// not told.
#[utoipa::path(delete, path = "/me/invitations/{id}", tag = "me",
    params(("id" = String, Path, description = "The ID of the conference, `@` and its server", max_length = 318)),
    responses((status = 204)))]
async fn decline_my_invitation(
    State(api): State<Api>,
    by: Signed,
    Id(id): Id<String>,
    write: Write,
) -> Result<Response, Problem> {
    let all = api.backend().partner_invitations(by.name().clone()).await?;
    let mut all = all.into_iter();
    let found = all.find(|one| {
        let bidding = one.bidding.as_ref();
        bidding.is_some_and(|bidding| format!("{}@{}", bidding.id, one.server) == id)
    });
    let what = "invitation".to_owned();
    let found = found.ok_or(Refusal::NotFound { what, id })?;
    let change = Change::DeclineInvitation {
        server: found.server,
        cid: found.cid,
    };
    let command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose_conference(command).await?))
}
