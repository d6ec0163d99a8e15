use super::{OpenApiRouter, routes};
use crate::{
    answer,
    api::Api,
    auth::{Admin, Reader},
    backend::{Applied, WriteError},
    csv_file::{self, CsvText},
    dto::Imported,
    extract::{BodyDigest, Query, Write, media_type, read_body},
    import,
    problem::{Code, FieldError, Problem},
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use plenary_access::{Change, ListQuery, Outcome, Refusal, UserQuery, UserRow};
use plenary_model::{GroupId, limits};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};
use utoipa::IntoParams;

/// Largest import.
const IMPORT_BYTES: usize = 16 << 20;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(export_users))
        .routes(routes!(import_users))
}

/// All accounts as CSV
#[utoipa::path(get, path = "/users.csv", tag = "users",
    responses((status = 200, body = CsvText, content_type = "text/csv")))]
async fn export_users(State(api): State<Api>, _: Reader) -> Result<Response, Problem> {
    let names = Arc::new(group_names(&api).await?);
    let backend = api.shared_backend();
    let pages = csv_file::pages(move |cursor| {
        let (backend, names) = (backend.clone(), names.clone());
        let list = ListQuery {
            cursor,
            limit: limits::PAGE,
            ..ListQuery::default()
        };
        async move {
            let query = UserQuery {
                list,
                ..UserQuery::default()
            };
            let page = backend.users(query).await?;
            let rows = page.items.into_iter().map(|user| row(user, &names)).collect();
            Ok((rows, page.next))
        }
    });
    Ok(csv_file::response("users.csv", import::COLUMNS, pages))
}

/// Names of all groups by ID.
async fn group_names(api: &Api) -> Result<BTreeMap<GroupId, String>, Problem> {
    let mut names = BTreeMap::new();
    let mut list = ListQuery {
        limit: limits::PAGE,
        ..ListQuery::default()
    };
    loop {
        let page = api.backend().groups(list.clone()).await?;
        names.extend(page.items.into_iter().map(|row| (row.group.id, row.group.name)));
        match page.next {
            Some(next) => list.cursor = Some(next),
            None => return Ok(names),
        }
    }
}

/// The cells of an account, in the order of [`import::COLUMNS`]; the password's stays empty.
fn row(row: UserRow, names: &BTreeMap<GroupId, String>) -> Vec<String> {
    let user = row.user;
    let p = user.profile;
    let groups = user
        .groups
        .iter()
        .filter_map(|id| names.get(id).map(String::as_str));
    let limit = |kbps: Option<u32>| kbps.map_or_else(String::new, |kbps| kbps.to_string());
    vec![
        user.id.into(),
        String::new(),
        p.display_name,
        p.email,
        p.first_name,
        p.middle_name,
        p.last_name,
        p.organisation,
        p.branch,
        p.department,
        p.job_title,
        p.manager,
        p.address,
        p.mobile_phone,
        p.work_phone,
        p.home_phone,
        p.sip_number,
        csv_file::join_names(groups),
        user.active.to_string(),
        import::role_name(user.admin).into(),
        limit(user.bandwidth.in_kbps),
        limit(user.bandwidth.out_kbps),
    ]
}

/// How to import.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    /// Check only: say what the import would do, or what is wrong, and change nothing.
    dry_run: Option<bool>,
}

/// Import accounts from CSV, all or nothing
#[utoipa::path(post, path = "/users/import", tag = "users", params(ImportQuery),
    request_body(content = CsvText, content_type = "text/csv"),
    responses((status = 200, body = Imported)))]
async fn import_users(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Query(query): Query<ImportQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let kind = media_type(request.headers());
    if kind != "text/csv" {
        let detail = format!("the body must be text/csv, not {kind:?}; set Content-Type");
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let dry_run = query.dry_run.unwrap_or(false);
    let bytes = read_body(request, IMPORT_BYTES).await?;
    let digest = BodyDigest::of(&bytes);
    let parsed = import::parse(csv_file::text(&bytes)?, &api.settings().await?.password)?;
    let mut rows = parsed.rows;
    let wrong = parsed.errors;
    // Only as many new groups as there are names can be needed.
    let mut names: Vec<&String> = rows
        .iter()
        .flat_map(|row| row.group_names.iter().flatten())
        .collect();
    names.sort();
    names.dedup();
    let group_ids: Vec<GroupId> = (0..names.len())
        .map(|at| write.new_group_id(&by, digest, at))
        .collect();
    if !wrong.is_empty() {
        let mut command = write.command(&by, digest, Change::ImportUsers { rows, group_ids });
        command.idempotency = None;
        let rehearsed = api.backend().rehearse(command).await;
        return Err(all_that_is_wrong(wrong, rehearsed));
    }
    if !dry_run && !parsed.passwords.is_empty() {
        // What is refused anyway is refused before minutes of hashing.
        api.backend().fresh().await?;
        let change = Change::ImportUsers {
            rows: rows.clone(),
            group_ids: group_ids.clone(),
        };
        api.backend().rehearse(write.command(&by, digest, change)).await?;
        hash_passwords(&api, &mut rows, parsed.passwords).await?;
    }
    let mut command = write.command(&by, digest, Change::ImportUsers { rows, group_ids });
    let applied = if dry_run {
        command.idempotency = None;
        let rehearsed = api.backend().rehearse(command).await?;
        // It changed nothing: there is nothing later to wait for.
        Applied {
            index: api.backend().applied(),
            ..rehearsed
        }
    } else {
        api.propose(command).await?
    };
    let Outcome::Imported {
        created,
        updated,
        groups,
    } = applied.outcome
    else {
        return Err(Problem::internal(&super::session::UnexpectedOutcome));
    };
    let body = Imported {
        created,
        updated,
        groups_created: groups,
    };
    Ok(answer::result(StatusCode::OK, body, applied.index))
}

/// What cannot be read, and what the rules refuse of the rest, so that people mend a file once.
fn all_that_is_wrong(mut wrong: Vec<FieldError>, rest: Result<Applied, WriteError>) -> Problem {
    match rest {
        Err(WriteError::Refused(Refusal::InvalidRows(rows))) => {
            let rows = rows.into_iter();
            wrong.extend(rows.map(|row| import::wrong(row.line, &row.field, row.reason)));
            import::invalid(wrong)
        }
        Err(WriteError::Refused(refusal @ Refusal::Forbidden { .. })) => refusal.into(),
        _ => import::invalid(wrong),
    }
}

/// Hashes the passwords of an import, some at a time, behind those who sign in.
async fn hash_passwords(
    api: &Api,
    rows: &mut [plenary_access::ImportRow],
    passwords: Vec<(usize, String)>,
) -> Result<(), Problem> {
    use futures::{StreamExt as _, TryStreamExt as _, stream};
    let hasher = &api.options().passwords;
    let hashes: Vec<_> = stream::iter(passwords)
        .map(|(at, password)| async move { Ok::<_, Problem>((at, hasher.hash_for_import(password).await?)) })
        .buffer_unordered(4)
        .try_collect()
        .await?;
    for (at, hash) in hashes {
        if let Some(row) = rows.get_mut(at) {
            row.patch.password = Some(hash);
        }
    }
    Ok(())
}
