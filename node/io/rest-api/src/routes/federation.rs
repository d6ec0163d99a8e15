use super::{OpenApiRouter, routes};
use crate::{
    api::Api,
    auth::Admin,
    dto::{PartnerToTry, PartnerTried},
    extract::{Strict, Write},
    problem::{Code, Problem},
};
use axum::{Json, extract::State};

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(try_partner))
}

/// Try to reach another server, step by step
#[utoipa::path(post, path = "/federation/test", tag = "federation", request_body = PartnerToTry,
    responses((status = 200, body = PartnerTried)))]
async fn try_partner(
    State(api): State<Api>,
    _: Admin,
    _: Write,
    Strict { value, .. }: Strict<PartnerToTry>,
) -> Result<Json<PartnerTried>, Problem> {
    let server = value.read()?;
    let tried = api.backend().try_partner(server.clone()).await;
    let off = "this node does not meet with other servers: listen.federation is empty in its configuration";
    let tried = tried.ok_or_else(|| Problem::new(Code::Conflict, off))?;
    Ok(Json(PartnerTried::new(&server, tried)))
}
