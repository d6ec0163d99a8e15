use super::{OpenApiRouter, filter, list_query, me::user_after, routes};
use crate::{
    answer,
    api::Api,
    auth::{Admin, Reader},
    dto::{self, AdminRole, Page, Presence, User},
    extract::{BodyDigest, Id, IfNoneMatch, Query, Strict, Write},
    passwords::check_policy,
    problem::Problem,
};
use axum::{Json, extract::State, response::Response};
use plenary_access::{Change, PasswordHash, UserQuery};
use plenary_model::UserName;
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(get_user, update_user, delete_user))
}

/// What lists of users can be sorted by.
pub(super) const SORTS: &[&str] = &["id", "display_name", "email", "created_at"];

/// Which users.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct UserFilter {
    /// Parts of ID, names or email, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    /// ID of a group.
    group: Option<String>,
    active: Option<bool>,
    /// Who is in a meeting is `online` too, and who is in their own `in_conference`.
    presence: Option<Presence>,
    admin: Option<AdminRole>,
    /// `id`, `display_name`, `email` or `created_at`, with `-` before it to turn it round.
    #[param(pattern = "^-?(id|display_name|email|created_at)$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// List accounts
#[utoipa::path(get, path = "/users", tag = "users", params(UserFilter),
    responses((status = 200, body = Page<User>)))]
async fn list_users(
    State(api): State<Api>,
    _: Reader,
    Query(query): Query<UserFilter>,
) -> Result<Json<Page<User>>, Problem> {
    let query = UserQuery {
        list: list_query(query.search, query.sort, query.cursor, query.limit, SORTS)?,
        group: filter("group", query.group)?,
        active: query.active,
        presence: query.presence.map(Into::into),
        admin: query.admin.map(Into::into),
    };
    let page = api.backend().users(query).await?;
    Ok(Json(Page::of(page, |row| User::of(row, &api.options().server))))
}

/// Hashes a new password after checking it against the policy.
async fn new_password(api: &Api, password: Option<String>) -> Result<Option<PasswordHash>, Problem> {
    let Some(password) = password else { return Ok(None) };
    check_policy("password", &password, &api.settings().await?.password)?;
    Ok(Some(api.options().passwords.hash(password).await?))
}

/// Create an account
#[utoipa::path(post, path = "/users", tag = "users", request_body = dto::NewUser,
    responses((status = 201, body = User)))]
async fn create_user(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Strict { value, digest }: Strict<dto::NewUser>,
) -> Result<Response, Problem> {
    let (mut user, password) = value.read_new()?;
    user.password = new_password(&api, password).await?;
    let id = user.id.clone();
    let applied = api
        .propose(write.command(&by, digest, Change::CreateUser(user)))
        .await?;
    let user = user_after(&api, id.clone()).await?;
    let revision = user.revision.clone();
    Ok(answer::created(user, &revision, &applied, ["users", id.as_str()]))
}

/// One account
#[utoipa::path(get, path = "/users/{id}", tag = "users",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64)),
    responses((status = 200, body = User)))]
async fn get_user(
    State(api): State<Api>,
    _: Reader,
    Id(id): Id<UserName>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let row = api.backend().user(id.clone()).await?;
    let row = row.ok_or_else(|| Problem::not_found("user", id.as_str()))?;
    let user = User::of(row, &api.options().server);
    let revision = user.revision.clone();
    Ok(answer::one(user, &revision, &known))
}

/// Change an account
#[utoipa::path(patch, path = "/users/{id}", tag = "users",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64)),
    request_body = dto::UserPatch, responses((status = 200, body = User)))]
async fn update_user(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<UserName>,
    write: Write,
    Strict { value, digest }: Strict<dto::UserPatch>,
) -> Result<Response, Problem> {
    let (password, mut patch) = value.read()?;
    patch.password = new_password(&api, password).await?;
    let change = Change::UpdateUser {
        id: id.clone(),
        expect: write.expect(),
        patch,
    };
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let user = user_after(&api, id).await?;
    let revision = user.revision.clone();
    Ok(answer::changed(user, &revision, &applied))
}

/// Delete an account for good
#[utoipa::path(delete, path = "/users/{id}", tag = "users",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn delete_user(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<UserName>,
    write: Write,
) -> Result<Response, Problem> {
    let expect = write.expect();
    let command = write.command(&by, BodyDigest::none(), Change::DeleteUser { id, expect });
    Ok(answer::done(&api.propose(command).await?))
}
