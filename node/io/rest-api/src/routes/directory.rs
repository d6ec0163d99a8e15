//! The Directory of the enterprise, and searches in it.

use super::{OpenApiRouter, routes};
use crate::{
    answer,
    api::Api,
    auth::{Admin, Reader, Signed},
    backend::Look,
    dto::{
        ActivateDirectory, DeactivateDirectory, Directory, DirectoryKey, DirectoryPatch, FoundKind,
        SearchResult,
    },
    extract::{IfNoneMatch, Query, Strict, Write},
    problem::{Code, Problem},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use plenary_access::{Change, Command};
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_directory, update_directory))
        .routes(routes!(get_directory_key))
        .routes(routes!(activate_directory))
        .routes(routes!(deactivate_directory))
        .routes(routes!(search))
}

/// Most hits of one search.
const HITS: u32 = 50;

async fn directory(api: &Api) -> Result<Directory, Problem> {
    Ok(Directory::of(api.backend().directory().await?))
}

/// Whether people of this server are found in the Directory of the enterprise, and how it stands with that
#[utoipa::path(get, path = "/directory", tag = "directory", responses((status = 200, body = Directory)))]
async fn get_directory(State(api): State<Api>, _: Reader, known: IfNoneMatch) -> Result<Response, Problem> {
    let directory = directory(&api).await?;
    let revision = directory.revision.clone();
    Ok(answer::one(directory, &revision, &known))
}

/// The key that an administrator of the Directory needs to let this server in; an event says who read it
#[utoipa::path(get, path = "/directory/key", tag = "directory", responses((status = 200, body = DirectoryKey)))]
async fn get_directory_key(State(api): State<Api>, Admin(by): Admin) -> Result<Json<DirectoryKey>, Problem> {
    api.propose(Command {
        by: by.actor(),
        idempotency: None,
        change: Change::ShowDirectoryKey,
    })
    .await?;
    let key = api.backend().directory_key().await?;
    let key = key.ok_or_else(gone)?;
    Ok(Json(DirectoryKey { key }))
}

fn gone() -> Problem {
    Problem::new(Code::Conflict, "the Directory was deactivated meanwhile")
}

/// Let people of this server be found in the Directory; makes the key, or a new one
///
/// Nothing is told before the Directory was given the key. A new key counts instead of the one before.
#[utoipa::path(post, path = "/directory/activate", tag = "directory", request_body = ActivateDirectory,
    responses((status = 200, body = DirectoryKey)))]
async fn activate_directory(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Strict { value, digest }: Strict<ActivateDirectory>,
) -> Result<Response, Problem> {
    let new = api.backend().new_directory(value.addresses);
    let change = Change::ActivateDirectory(new);
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let key = api.backend().directory_key().await?;
    let key = key.ok_or_else(gone)?;
    Ok(answer::result(
        StatusCode::OK,
        DirectoryKey { key },
        applied.index,
    ))
}

/// Change what is shown of this server, or where the Directory is
#[utoipa::path(patch, path = "/directory", tag = "directory", request_body = DirectoryPatch,
    responses((status = 200, body = Directory)))]
async fn update_directory(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Strict { value, digest }: Strict<DirectoryPatch>,
) -> Result<Response, Problem> {
    let change = Change::UpdateDirectory {
        expect: write.expect(),
        patch: value.read()?,
    };
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let directory = directory(&api).await?;
    let revision = directory.revision.clone();
    Ok(answer::changed(directory, &revision, &applied))
}

/// Let nobody of this server be found in the Directory any more
#[utoipa::path(post, path = "/directory/deactivate", tag = "directory", request_body = DeactivateDirectory,
    responses((status = 204)))]
async fn deactivate_directory(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Strict { value, digest }: Strict<DeactivateDirectory>,
) -> Result<Response, Problem> {
    let change = Change::DeactivateDirectory {
        at_once: value.at_once,
    };
    Ok(answer::done(
        &api.propose(write.command(&by, digest, change)).await?,
    ))
}

/// What is looked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SearchQuery {
    /// Words of a name, an ID, an email address, a phone number, a job title or a department, in any order; beginnings are
    /// enough. At most 8 words.
    #[param(min_length = 1, max_length = 128)]
    q: String,
    /// Only this kind.
    #[param(inline)]
    kind: Option<FoundKind>,
    #[param(minimum = 1, maximum = 50, default = 20)]
    limit: Option<u32>,
}

/// People, groups, rooms and conferences of all servers of the enterprise, while somebody types
///
/// Of this server: whom the address book shows, and what is written there by hand. Of the others: what they show in the
/// Directory. While that is away, this server alone is searched, and the answer says so.
#[utoipa::path(get, path = "/me/search", tag = "me", params(SearchQuery),
    responses((status = 200, body = SearchResult)))]
async fn search(
    State(api): State<Api>,
    by: Signed,
    Query(query): Query<SearchQuery>,
) -> Result<Json<SearchResult>, Problem> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=HITS).contains(&limit) {
        return Err(Problem::about(
            Code::BadQuery,
            "limit",
            format!("must be 1 to {HITS}"),
        ));
    }
    let look = Look {
        words: query.q,
        kind: query.kind.map(Into::into),
        limit,
    };
    let found = api.backend().search(by.name().clone(), look).await?;
    Ok(Json(SearchResult::of(found, &api.options().server)))
}
