use super::{OpenApiRouter, routes};
use crate::{
    api::Api,
    auth::{Admin, Reader},
    dto::{BorderControllers, Invitation, NewBorderController, Time, parse},
    extract::{Id, Strict},
    problem::Problem,
};
use axum::{Json, extract::State, http::StatusCode};
use plenary_model::NodeName;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_border_controllers))
        .routes(routes!(invite_border_controller))
        .routes(routes!(remove_border_controller))
}

/// How long a token is good if nobody says.
const INVITATION_S: u64 = 3600;

/// Border Controllers, and the tunnels of the node that is asked
#[utoipa::path(get, path = "/border-controllers", tag = "cluster", responses((status = 200, body = BorderControllers)))]
async fn list_border_controllers(
    State(api): State<Api>,
    _: Reader,
) -> Result<Json<BorderControllers>, Problem> {
    let items = api.backend().controllers().await?;
    Ok(Json(BorderControllers::of(
        items,
        api.backend().refused_from_outside(),
    )))
}

/// Make a one-time token for a Border Controller
#[utoipa::path(post, path = "/border-controllers/invitations", tag = "cluster", request_body = NewBorderController,
    responses((status = 201, body = Invitation)))]
async fn invite_border_controller(
    State(api): State<Api>,
    Admin(by): Admin,
    Strict { value, .. }: Strict<NewBorderController>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let name = parse("name", &value.name)?;
    let ttl_s = value.ttl_s.unwrap_or(INVITATION_S);
    let made = api
        .backend()
        .invite_controller(by.actor(), name, value.address, ttl_s);
    let (token, expires_at) = made.await?;
    let invitation = Invitation {
        token,
        expires_at: Time(expires_at),
    };
    Ok((StatusCode::CREATED, Json(invitation)))
}

/// Remove a Border Controller for good
#[utoipa::path(delete, path = "/border-controllers/{name}", tag = "cluster",
    params(("name" = String, Path, description = "Name of the Border Controller", min_length = 1, max_length = 63)),
    responses((status = 204)))]
async fn remove_border_controller(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(name): Id<NodeName>,
) -> Result<StatusCode, Problem> {
    api.backend().remove_controller(by.actor(), name).await?;
    Ok(StatusCode::NO_CONTENT)
}
