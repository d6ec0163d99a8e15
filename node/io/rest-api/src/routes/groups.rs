use super::{OpenApiRouter, list_query, routes, users};
use crate::{
    answer::{self, still_there},
    api::Api,
    auth::{Admin, Reader},
    dto::{Group, GroupPatch, GroupVisitor, MembersChange, NewGroup, Page, User},
    extract::{BodyDigest, Id, IfNoneMatch, Query, Strict, Write},
    problem::Problem,
};
use axum::{Json, extract::State, response::Response};
use plenary_access::{Change, UserQuery};
use plenary_model::GroupId;
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_groups, create_group))
        .routes(routes!(get_group, update_group, delete_group))
        .routes(routes!(list_members, change_members))
        .routes(routes!(list_visitors))
}

/// Which groups.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct GroupFilter {
    /// Parts of the name, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    /// `name` or `members`, with `-` before it to turn it round.
    #[param(pattern = "^-?(name|members)$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// List groups
#[utoipa::path(get, path = "/groups", tag = "groups", params(GroupFilter),
    responses((status = 200, body = Page<Group>)))]
async fn list_groups(
    State(api): State<Api>,
    _: Reader,
    Query(query): Query<GroupFilter>,
) -> Result<Json<Page<Group>>, Problem> {
    let list = list_query(
        query.search,
        query.sort,
        query.cursor,
        query.limit,
        &["name", "members"],
    )?;
    let page = api.backend().groups(list).await?;
    Ok(Json(Page::of(page, Group::from)))
}

/// Create a group
#[utoipa::path(post, path = "/groups", tag = "groups", request_body = NewGroup,
    responses((status = 201, body = Group)))]
async fn create_group(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Strict { value, digest }: Strict<NewGroup>,
) -> Result<Response, Problem> {
    let id = write.new_group_id(&by, digest, 0);
    let change = value.read(id.clone())?;
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let group = group_after(&api, id.clone()).await?;
    let revision = group.revision.clone();
    Ok(answer::created(
        group,
        &revision,
        &applied,
        ["groups", id.as_str()],
    ))
}

async fn group_after(api: &Api, id: GroupId) -> Result<Group, Problem> {
    let row = still_there(api.backend().group(id.clone()).await?, "group", id.as_str())?;
    Ok(row.into())
}

/// One group
#[utoipa::path(get, path = "/groups/{id}", tag = "groups",
    params(("id" = String, Path, description = "ID of the group", min_length = 1, max_length = 64)),
    responses((status = 200, body = Group)))]
async fn get_group(
    State(api): State<Api>,
    _: Reader,
    Id(id): Id<GroupId>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let group = group_after(&api, id).await?;
    let revision = group.revision.clone();
    Ok(answer::one(group, &revision, &known))
}

/// Change a group
#[utoipa::path(patch, path = "/groups/{id}", tag = "groups",
    params(("id" = String, Path, description = "ID of the group", min_length = 1, max_length = 64)),
    request_body = GroupPatch, responses((status = 200, body = Group)))]
async fn update_group(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<GroupId>,
    write: Write,
    Strict { value, digest }: Strict<GroupPatch>,
) -> Result<Response, Problem> {
    let change = value.read(id.clone(), write.expect())?;
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let group = group_after(&api, id).await?;
    let revision = group.revision.clone();
    Ok(answer::changed(group, &revision, &applied))
}

/// Delete a group; its members stay
#[utoipa::path(delete, path = "/groups/{id}", tag = "groups",
    params(("id" = String, Path, description = "ID of the group", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn delete_group(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<GroupId>,
    write: Write,
) -> Result<Response, Problem> {
    let expect = write.expect();
    let command = write.command(&by, BodyDigest::none(), Change::DeleteGroup { id, expect });
    Ok(answer::done(&api.propose(command).await?))
}

/// Which members.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct MemberFilter {
    /// Parts of ID, names or email, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    /// `id`, `display_name`, `email` or `created_at`, with `-` before it to turn it round.
    #[param(pattern = "^-?(id|display_name|email|created_at)$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// List the members of a group
#[utoipa::path(get, path = "/groups/{id}/members", tag = "groups",
    params(("id" = String, Path, description = "ID of the group", min_length = 1, max_length = 64), MemberFilter),
    responses((status = 200, body = Page<User>)))]
async fn list_members(
    State(api): State<Api>,
    _: Reader,
    Id(id): Id<GroupId>,
    Query(query): Query<MemberFilter>,
) -> Result<Json<Page<User>>, Problem> {
    let list = list_query(query.search, query.sort, query.cursor, query.limit, users::SORTS)?;
    if api.backend().group(id.clone()).await?.is_none() {
        return Err(Problem::not_found("group", id.as_str()));
    }
    let query = UserQuery {
        list,
        group: Some(id),
        ..UserQuery::default()
    };
    let page = api.backend().users(query).await?;
    Ok(Json(Page::of(page, |row| User::of(row, &api.options().server))))
}

/// Most of those who are listed.
const STRANGERS: u32 = 500;

/// Who of a group without accounts is in a conference now (USR-04)
///
/// Guests, and people of partners' servers, belong to built-in groups while they are there; at most 500, who came last first.
/// Nobody of other groups.
#[utoipa::path(get, path = "/groups/{id}/visitors", tag = "groups",
    params(("id" = String, Path, description = "ID of the group", min_length = 1, max_length = 64)),
    responses((status = 200, body = Vec<GroupVisitor>)))]
async fn list_visitors(
    State(api): State<Api>,
    _: Reader,
    Id(id): Id<GroupId>,
) -> Result<Json<Vec<GroupVisitor>>, Problem> {
    if api.backend().group(id.clone()).await?.is_none() {
        return Err(Problem::not_found("group", id.as_str()));
    }
    let federated = id == GroupId::federated();
    if !federated && id != GroupId::guests() {
        return Ok(Json(Vec::new()));
    }
    let found = api.backend().strangers_inside(federated, STRANGERS).await?;
    Ok(Json(found.into_iter().map(GroupVisitor::of).collect()))
}

/// Add and remove members, all or none
#[utoipa::path(post, path = "/groups/{id}/members", tag = "groups",
    params(("id" = String, Path, description = "ID of the group", min_length = 1, max_length = 64)),
    request_body = MembersChange, responses((status = 200, body = Group)))]
async fn change_members(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<GroupId>,
    write: Write,
    Strict { value, digest }: Strict<MembersChange>,
) -> Result<Response, Problem> {
    let change: Change = value.read(id.clone())?;
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let group = group_after(&api, id).await?;
    let revision = group.revision.clone();
    Ok(answer::changed(group, &revision, &applied))
}
