use super::{OpenApiRouter, list_query, routes};
use crate::{
    answer::{self, still_there},
    api::Api,
    auth::{Admin, Reader, Signed},
    backend::Looked,
    dto::{Alias, AliasPatch, NewAlias, Page, Resolved, check_text, parse},
    extract::{BodyDigest, Id, IfNoneMatch, Query, Strict, Write},
    problem::Problem,
};
use axum::{Json, extract::State, response::Response};
use plenary_access::Change;
use plenary_federation::Found;
use plenary_model::{AliasName, CallKind, CallString, Cid, ServerName, UserId, UserName, limits};
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_aliases, create_alias))
        .routes(routes!(get_alias, update_alias, delete_alias))
        .routes(routes!(resolve_call))
}

/// Which aliases.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AliasFilter {
    /// Parts of alias, target or note, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    /// `id` or `target`, with `-` before it to turn it round.
    #[param(pattern = "^-?(id|target)$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// List aliases
#[utoipa::path(get, path = "/aliases", tag = "aliases", params(AliasFilter),
    responses((status = 200, body = Page<Alias>)))]
async fn list_aliases(
    State(api): State<Api>,
    _: Reader,
    Query(query): Query<AliasFilter>,
) -> Result<Json<Page<Alias>>, Problem> {
    let list = list_query(
        query.search,
        query.sort,
        query.cursor,
        query.limit,
        &["id", "target"],
    )?;
    Ok(Json(Page::of(api.backend().aliases(list).await?, Alias::from)))
}

/// Create an alias
#[utoipa::path(post, path = "/aliases", tag = "aliases", request_body = NewAlias,
    responses((status = 201, body = Alias)))]
async fn create_alias(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Strict { value, digest }: Strict<NewAlias>,
) -> Result<Response, Problem> {
    check_text("note", &value.note, limits::PROFILE_FIELD)?;
    let id: AliasName = parse("id", &value.id)?;
    let change = Change::PutAlias {
        id: id.clone(),
        target: parse("target", &value.target)?,
        note: value.note,
        expect: None,
        create: true,
    };
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let alias = alias_after(&api, id.clone()).await?;
    let revision = alias.revision.to_string();
    let body = Alias::from(alias);
    Ok(answer::created(
        body,
        &revision,
        &applied,
        ["aliases", id.as_str()],
    ))
}

async fn alias_after(api: &Api, id: AliasName) -> Result<plenary_access::Alias, Problem> {
    still_there(api.backend().alias(id.clone()).await?, "alias", id.as_str())
}

/// One alias
#[utoipa::path(get, path = "/aliases/{id}", tag = "aliases",
    params(("id" = String, Path, description = "The alias", min_length = 1, max_length = 32)),
    responses((status = 200, body = Alias)))]
async fn get_alias(
    State(api): State<Api>,
    _: Reader,
    Id(id): Id<AliasName>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let alias = alias_after(&api, id).await?;
    let revision = alias.revision.to_string();
    Ok(answer::one(Alias::from(alias), &revision, &known))
}

/// Change an alias
#[utoipa::path(patch, path = "/aliases/{id}", tag = "aliases",
    params(("id" = String, Path, description = "The alias", min_length = 1, max_length = 32)),
    request_body = AliasPatch, responses((status = 200, body = Alias)))]
async fn update_alias(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<AliasName>,
    write: Write,
    Strict { value, digest }: Strict<AliasPatch>,
) -> Result<Response, Problem> {
    let (target, note) = value.read()?;
    let change = Change::UpdateAlias {
        id: id.clone(),
        expect: write.expect(),
        target,
        note,
    };
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let alias = alias_after(&api, id).await?;
    let revision = alias.revision.to_string();
    Ok(answer::changed(Alias::from(alias), &revision, &applied))
}

/// Delete an alias
#[utoipa::path(delete, path = "/aliases/{id}", tag = "aliases",
    params(("id" = String, Path, description = "The alias", min_length = 1, max_length = 32)),
    responses((status = 204)))]
async fn delete_alias(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(id): Id<AliasName>,
    write: Write,
) -> Result<Response, Problem> {
    let expect = write.expect();
    let command = write.command(&by, BodyDigest::none(), Change::DeleteAlias { id, expect });
    Ok(answer::done(&api.propose(command).await?))
}

/// What is called.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ResolveQuery {
    /// Any call string.
    #[param(min_length = 1, max_length = 512)]
    call: String,
}

/// Follow an alias to what it stands for, and say what can be done with it
#[utoipa::path(get, path = "/resolve", tag = "aliases", params(ResolveQuery),
    responses((status = 200, body = Resolved)))]
async fn resolve_call(
    State(api): State<Api>,
    by: Signed,
    Query(query): Query<ResolveQuery>,
) -> Result<Json<Resolved>, Problem> {
    let call: CallString = parse("call", &query.call)?;
    let call = api.backend().resolve(call).await?;
    let server = &api.options().server;
    let account = account_behind(&api, &call).await?;
    let elsewhere = elsewhere(&api, &call);
    let conference = match (&account, &elsewhere) {
        (Some(_), _) => None,
        (None, Some(server)) => match of_another(&call, server) {
            Some(conference) => Some(conference),
            None => alias_of_another(&api, &by, &call, server).await,
        },
        (None, None) => conference_behind(&api, &by, &call).await?.map(Into::into),
    };
    let user_id = account.map(|name| {
        let id = UserId {
            name,
            server: server.clone(),
        };
        id.to_string()
    });
    Ok(Json(Resolved {
        elsewhere: elsewhere.map(Into::into),
        call: call.into(),
        user_id,
        conference,
    }))
}

/// As one enters the conference of another server that a call string means.
fn of_another(call: &CallString, server: &ServerName) -> Option<String> {
    match call.kind() {
        CallKind::Conference { cid, .. } => Some(format!("{cid}@{server}")),
        _ => None,
    }
}

/// The same of an alias of another server, which says what it stands for.
async fn alias_of_another(api: &Api, by: &Signed, call: &CallString, server: &ServerName) -> Option<String> {
    let CallKind::Account { name, .. } = call.kind() else {
        return None;
    };
    match api.backend().look(by.name(), server, &name.parse().ok()?).await {
        Looked::Found {
            found: Found::Conference(cid),
            ..
        } => Some(format!("{cid}@{server}")),
        _ => None,
    }
}

/// The other server that a call string names.
pub(super) fn elsewhere(api: &Api, call: &CallString) -> Option<ServerName> {
    let server = match call.kind() {
        CallKind::Account { server, .. } | CallKind::Conference { server, .. } => server,
        CallKind::Gateway { .. } => None,
    };
    server.filter(|server| *server != api.options().server)
}

/// The conference of this server that a call string means: by its own kind of name, or by a bare ID that is no group.
pub(super) async fn conference_behind(
    api: &Api,
    by: &Signed,
    call: &CallString,
) -> Result<Option<Cid>, Problem> {
    if elsewhere(api, call).is_some() {
        return Ok(None);
    }
    let id = match call.kind() {
        CallKind::Conference { cid, .. } => cid,
        CallKind::Account { name, .. } => match name.parse() {
            Ok(id) if api.backend().group_behind(call.clone()).await?.is_none() => id,
            _ => return Ok(None),
        },
        CallKind::Gateway { .. } => return Ok(None),
    };
    let found = api.backend().conference(id).await?;
    let found = found.filter(|conference| !conference.call || conference.is_of(by.name()));
    Ok(found.map(|conference| conference.id().clone()))
}

/// The account of this server that a call string means.
pub(super) async fn account_behind(api: &Api, call: &CallString) -> Result<Option<UserName>, Problem> {
    let own = &api.options().server;
    let CallKind::Account { name, server } = call.kind() else {
        return Ok(None);
    };
    let Ok(name) = name.parse::<UserName>() else {
        return Ok(None);
    };
    if server.is_some_and(|server| server != *own) {
        return Ok(None);
    }
    let row = api.backend().user(name).await?;
    Ok(row.map(|row| row.user.id))
}
