use super::{OpenApiRouter, routes};
use crate::{
    answer,
    api::Api,
    auth::{Admin, Reader},
    avatar::{self, AvatarBytes},
    dto,
    extract::{BodyDigest, Id, IfNoneMatch, Write},
    problem::Problem,
};
use axum::{
    Json,
    extract::{Request, State},
    response::Response,
};
use plenary_access::Change;
use plenary_model::UserName;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(disconnect_user))
        .routes(routes!(unlock_user))
        .routes(routes!(list_user_sessions))
        .routes(routes!(get_user_avatar, put_user_avatar, delete_user_avatar))
}

/// End all sessions of a user
#[utoipa::path(post, path = "/users/{id}/disconnect", tag = "users",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn disconnect_user(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<UserName>,
    write: Write,
) -> Result<Response, Problem> {
    let command = write.command(&by, BodyDigest::none(), Change::DisconnectUser { id });
    Ok(answer::done(&api.propose(command).await?))
}

/// Lift the lock of an account
#[utoipa::path(post, path = "/users/{id}/unlock", tag = "users",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn unlock_user(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<UserName>,
    write: Write,
) -> Result<Response, Problem> {
    let command = write.command(&by, BodyDigest::none(), Change::UnlockUser { id });
    Ok(answer::done(&api.propose(command).await?))
}

/// The devices that a user is signed in on
#[utoipa::path(get, path = "/users/{id}/sessions", tag = "users",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64)),
    responses((status = 200, body = Vec<dto::Session>)))]
async fn list_user_sessions(
    State(api): State<Api>,
    Reader(by): Reader,
    Id(id): Id<UserName>,
) -> Result<Json<Vec<dto::Session>>, Problem> {
    if api.backend().user(id.clone()).await?.is_none() {
        return Err(Problem::not_found("user", id.as_str()));
    }
    let sessions = super::session::sessions_of(&api, id, &by.session.id).await?;
    Ok(Json(sessions))
}

/// The picture of a user
#[utoipa::path(get, path = "/users/{id}/avatar", tag = "users",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64)),
    responses((status = 200, content((AvatarBytes = "image/png"), (AvatarBytes = "image/jpeg"),
        (AvatarBytes = "image/webp")))))]
async fn get_user_avatar(
    State(api): State<Api>,
    _: Reader,
    Id(id): Id<UserName>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    avatar::serve(&api, id, &known).await
}

/// Change the picture of a user
#[utoipa::path(put, path = "/users/{id}/avatar", tag = "users",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64)),
    request_body(content((AvatarBytes = "image/png"), (AvatarBytes = "image/jpeg"), (AvatarBytes = "image/webp"))),
    responses((status = 204)))]
async fn put_user_avatar(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<UserName>,
    write: Write,
    request: Request,
) -> Result<Response, Problem> {
    avatar::store(&api, &by, &write, id, request).await
}

/// Remove the picture of a user
#[utoipa::path(delete, path = "/users/{id}/avatar", tag = "users",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn delete_user_avatar(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<UserName>,
    write: Write,
) -> Result<Response, Problem> {
    let change = Change::SetAvatar { id, avatar: None };
    let command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose(command).await?))
}
