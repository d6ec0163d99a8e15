//! Conferences of other servers to which one is invited (FED-02).

use super::{OpenApiRouter, routes};
use crate::{api::Api, auth::Signed, dto::PartnerInvitation, problem::Problem};
use axum::{Json, extract::State};

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_my_invitations))
}

/// Conferences of other servers to which one is invited
///
/// As those servers tell; at most 500. Only of servers whose conferences people of this one may attend now.
#[utoipa::path(get, path = "/me/invitations", tag = "me", responses((status = 200, body = Vec<PartnerInvitation>)))]
async fn list_my_invitations(
    State(api): State<Api>,
    by: Signed,
) -> Result<Json<Vec<PartnerInvitation>>, Problem> {
    let all = api.backend().partner_invitations(by.name().clone()).await?;
    Ok(Json(all.into_iter().filter_map(PartnerInvitation::of).collect()))
}
