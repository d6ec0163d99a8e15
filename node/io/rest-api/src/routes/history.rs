//! Runs that are over, who was in them, and calls (CONF-17, CALL-01, USR-12).

use super::{OpenApiRouter, calls::shown, conferences, list_query, routes};
use crate::{
    answer::still_there,
    api::Api,
    auth::{Reader, Signed},
    csv_file::{self, CsvText},
    dto::{Call, CallDirection, OwnRun, Page, PastRun, Time, Visit},
    extract::{Id, Ids, Query},
    problem::Problem,
};
use axum::{Json, extract::State, response::Response};
use plenary_access::{AdminRole, ListQuery};
use plenary_conference::{CallQuery, Conference, RunId};
use plenary_model::{Cid, UserName, limits};
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_runs))
        .routes(routes!(get_run))
        .routes(routes!(list_visits))
        .routes(routes!(export_visits))
        .routes(routes!(list_my_runs))
        .routes(routes!(list_my_calls))
        .routes(routes!(list_user_runs))
        .routes(routes!(list_user_calls))
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PageOf {
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

impl PageOf {
    fn read(self) -> Result<ListQuery, Problem> {
        list_query(None, None, self.cursor, self.limit, &[])
    }
}

/// Whose visits somebody may see: everybody's (`None`), or their own.
async fn seen_by(api: &Api, by: &Signed, conference: &Conference) -> Result<Option<UserName>, Problem> {
    let reads = by.row.user.admin != AdminRole::None && api.is_open_to_administer(&by.client).await?;
    let all = reads || conferences::moderates(api, by, conference).await?;
    Ok((!all).then(|| by.name().clone()))
}

/// The runs of a conference, the newest first
///
/// Who moderates it and administrators see all, others those in which they were.
#[utoipa::path(get, path = "/conferences/{cid}/runs", tag = "history",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64), PageOf),
    responses((status = 200, body = Page<PastRun>)))]
async fn list_runs(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    Query(page): Query<PageOf>,
) -> Result<Json<Page<PastRun>>, Problem> {
    let conference = conferences::stored(&api, &by, cid).await?;
    let user = seen_by(&api, &by, &conference).await?;
    let page = api.backend().runs_over(conference, user, page.read()?).await?;
    Ok(Json(Page::of(page, PastRun::of)))
}

/// A run with how many people were in it.
type Counted = (plenary_conference::PastRun, u64);

/// A run that somebody may see, and whose visits of it.
async fn found(api: &Api, by: &Signed, cid: Cid, run: RunId) -> Result<(Counted, Option<UserName>), Problem> {
    let conference = conferences::stored(api, by, cid).await?;
    let user = seen_by(api, by, &conference).await?;
    let mut found = api.backend().past_run(conference, run).await?;
    if let (Some(_), Some(user)) = (&found, &user) {
        let own = list_query(None, None, None, Some(1), &[])?;
        let visits = api.backend().visits(run, Some(user.clone()), own).await?;
        found = found.filter(|_| visits.total > 0);
    }
    let found = still_there(found, "run", &run.to_string())?;
    Ok((found, user))
}

/// One run of a conference
#[utoipa::path(get, path = "/conferences/{cid}/runs/{run}", tag = "history",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64),
        ("run" = String, Path, description = "Its run", pattern = "^[0-9]+$")),
    responses((status = 200, body = PastRun)))]
async fn get_run(
    State(api): State<Api>,
    by: Signed,
    Ids(cid, run): Ids<Cid, RunId>,
) -> Result<Json<PastRun>, Problem> {
    let (run, _) = found(&api, &by, cid, run).await?;
    Ok(Json(PastRun::of(run)))
}

/// Who was in a run, those who came first before others
///
/// Who neither moderates the conference nor is an administrator sees their own visits only.
#[utoipa::path(get, path = "/conferences/{cid}/runs/{run}/visits", tag = "history",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64),
        ("run" = String, Path, description = "Its run", pattern = "^[0-9]+$"), PageOf),
    responses((status = 200, body = Page<Visit>)))]
async fn list_visits(
    State(api): State<Api>,
    by: Signed,
    Ids(cid, run): Ids<Cid, RunId>,
    Query(page): Query<PageOf>,
) -> Result<Json<Page<Visit>>, Problem> {
    let (_, user) = found(&api, &by, cid, run).await?;
    let page = api.backend().visits(run, user, page.read()?).await?;
    Ok(Json(Page::of(page, Visit::from)))
}

const COLUMNS: &[&str] = &[
    "name", "user", "guest", "program", "came_at", "left_at", "seconds",
];

/// Who was in a run, as CSV
#[utoipa::path(get, path = "/conferences/{cid}/runs/{run}/visits.csv", tag = "history",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64),
        ("run" = String, Path, description = "Its run", pattern = "^[0-9]+$")),
    responses((status = 200, body = CsvText, content_type = "text/csv")))]
async fn export_visits(
    State(api): State<Api>,
    by: Signed,
    Ids(cid, run): Ids<Cid, RunId>,
) -> Result<Response, Problem> {
    let (_, user) = found(&api, &by, cid, run).await?;
    let backend = api.shared_backend();
    let pages = csv_file::pages(move |cursor| {
        let (backend, user) = (backend.clone(), user.clone());
        let list = ListQuery {
            cursor,
            limit: limits::PAGE,
            ..ListQuery::default()
        };
        async move {
            let page = backend.visits(run, user, list).await?;
            let rows = page.items.into_iter().map(row).collect();
            Ok((rows, page.next))
        }
    });
    Ok(csv_file::response("attendance.csv", COLUMNS, pages))
}

fn row(visit: plenary_conference::Visit) -> Vec<String> {
    let seconds = visit.left_at.map(|at| at.since_ms(visit.came_at) / 1_000);
    let visit = Visit::from(visit);
    vec![
        visit.name,
        visit.user.unwrap_or_default(),
        visit.guest.to_string(),
        visit.program.to_string(),
        visit.came_at.to_string(),
        visit.left_at.as_ref().map(Time::to_string).unwrap_or_default(),
        seconds.map(|seconds| seconds.to_string()).unwrap_or_default(),
    ]
}

/// The runs in which one was, the newest first, also of conferences that are no more
#[utoipa::path(get, path = "/me/runs", tag = "history", params(PageOf),
    responses((status = 200, body = Page<OwnRun>)))]
async fn list_my_runs(
    State(api): State<Api>,
    by: Signed,
    Query(page): Query<PageOf>,
) -> Result<Json<Page<OwnRun>>, Problem> {
    runs_with(&api, by.name().clone(), page).await.map(Json)
}

async fn runs_with(api: &Api, user: UserName, page: PageOf) -> Result<Page<OwnRun>, Problem> {
    let page = api.backend().runs_with(user, page.read()?).await?;
    let own = |(run, people, visits): (_, _, Vec<plenary_conference::Visit>)| OwnRun {
        run: PastRun::of((run, people)),
        own: visits.into_iter().map(Visit::from).collect(),
    };
    Ok(Page::of(page, own))
}

/// Which calls.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CallsOf {
    /// Parts of the other's ID, names or email, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    direction: Option<CallDirection>,
    /// Of those that are over: whether the two talked.
    answered: Option<bool>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// All own calls that are kept, the newest first
#[utoipa::path(get, path = "/me/calls", tag = "history", params(CallsOf),
    responses((status = 200, body = Page<Call>)))]
async fn list_my_calls(
    State(api): State<Api>,
    by: Signed,
    Query(query): Query<CallsOf>,
) -> Result<Json<Page<Call>>, Problem> {
    calls_of(&api, by.name(), query).await.map(Json)
}

async fn calls_of(api: &Api, user: &UserName, query: CallsOf) -> Result<Page<Call>, Problem> {
    let list = list_query(query.search, None, query.cursor, query.limit, &[])?;
    let which = CallQuery {
        outgoing: query
            .direction
            .map(|direction| direction == CallDirection::Outgoing),
        answered: query.answered,
    };
    let page = api.backend().calls_of(user.clone(), which, list).await?;
    Ok(Page {
        items: shown(api, user, page.items).await?,
        total: page.total,
        next: page.next,
    })
}

/// The calls of a user that are kept, the newest first (USR-12)
///
/// As that user sees them, also the direction.
#[utoipa::path(get, path = "/users/{id}/calls", tag = "history",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64), CallsOf),
    responses((status = 200, body = Page<Call>)))]
async fn list_user_calls(
    State(api): State<Api>,
    _: Reader,
    Id(id): Id<UserName>,
    Query(query): Query<CallsOf>,
) -> Result<Json<Page<Call>>, Problem> {
    check_user(&api, &id).await?;
    calls_of(&api, &id, query).await.map(Json)
}

/// The runs in which a user was, the newest first (USR-12)
#[utoipa::path(get, path = "/users/{id}/runs", tag = "history",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64), PageOf),
    responses((status = 200, body = Page<OwnRun>)))]
async fn list_user_runs(
    State(api): State<Api>,
    _: Reader,
    Id(id): Id<UserName>,
    Query(page): Query<PageOf>,
) -> Result<Json<Page<OwnRun>>, Problem> {
    check_user(&api, &id).await?;
    runs_with(&api, id, page).await.map(Json)
}

async fn check_user(api: &Api, id: &UserName) -> Result<(), Problem> {
    match api.backend().user(id.clone()).await? {
        Some(_) => Ok(()),
        None => Err(Problem::not_found("user", id.as_str())),
    }
}
