use super::{OpenApiRouter, routes};
use crate::{
    api::Api,
    auth::{Admin, Reader},
    backend::OverseeAct,
    dto::{DeclareDead, ManagerOverview, SeatsBack},
    extract::{Id, Strict},
    problem::Problem,
};
use axum::{Json, extract::State};
use plenary_model::ServerName;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_license_manager))
        .routes(routes!(recall_seats))
        .routes(routes!(declare_server_dead))
}

/// The License Manager that this server borrows from, where its administrators look after it
#[utoipa::path(get, path = "/license-manager", tag = "licence",
    responses((status = 200, body = ManagerOverview)))]
async fn get_license_manager(
    State(api): State<Api>,
    Reader(by): Reader,
) -> Result<Json<ManagerOverview>, Problem> {
    let overview = api.backend().oversee(by.actor(), OverseeAct::Look).await?;
    Ok(Json(overview.into()))
}

/// Ask a server for seats that nobody there holds
#[utoipa::path(post, path = "/license-manager/servers/{server}/recall", tag = "licence",
    params(("server" = String, Path, description = "Name of the server", min_length = 1, max_length = 253)),
    request_body = SeatsBack, responses((status = 200, body = ManagerOverview)))]
async fn recall_seats(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(server): Id<ServerName>,
    Strict { value, .. }: Strict<SeatsBack>,
) -> Result<Json<ManagerOverview>, Problem> {
    let seats = value.read()?;
    let act = OverseeAct::Recall { server, seats };
    let overview = api.backend().oversee(by.actor(), act).await?;
    Ok(Json(overview.into()))
}

/// Take all seats of a server back at once, because it is off for good
#[utoipa::path(post, path = "/license-manager/servers/{server}/declare-dead", tag = "licence",
    params(("server" = String, Path, description = "Name of the server", min_length = 1, max_length = 253)),
    request_body = DeclareDead, responses((status = 200, body = ManagerOverview)))]
async fn declare_server_dead(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(server): Id<ServerName>,
    Strict { value, .. }: Strict<DeclareDead>,
) -> Result<Json<ManagerOverview>, Problem> {
    if value.off != server.as_str() {
        let reason = "must be the name of the server again: if it is not off, its seats are used twice";
        return Err(Problem::field("off", reason));
    }
    let act = OverseeAct::DeclareDead { server };
    let overview = api.backend().oversee(by.actor(), act).await?;
    Ok(Json(overview.into()))
}
