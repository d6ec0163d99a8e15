use super::{
    OpenApiRouter,
    licence::{desk, not_counted},
    list_query, routes,
};
use crate::{
    answer,
    api::Api,
    auth::{Admin, Reader, Signed},
    dto::{OwnPro, Page, PermanentGroup, ProSeat, Seats, SeatsPatch, WithoutPro},
    extract::{BodyDigest, Id, IfNoneMatch, Query, Strict, Write},
    problem::Problem,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use plenary_licensing::Change;
use plenary_model::UserName;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_seats, update_seats))
        .routes(routes!(pick_permanent))
        .routes(routes!(list_pro_seats))
        .routes(routes!(revoke_pro_seat))
        .routes(routes!(list_without_pro))
        .routes(routes!(get_own_pro, ask_for_pro))
}

/// Permanent ones, or all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SeatKind {
    Permanent,
    #[default]
    Temporary,
}

/// Whose seats.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SeatFilter {
    /// `temporary` if it is missing.
    #[param(inline)]
    #[serde(default)]
    kind: SeatKind,
    /// Parts of ID, names or email, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    /// `user`, `display_name`, `until` or `place`, with `-` before it to turn it round.
    #[param(pattern = "^-?(user|display_name|until|place)$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// Who got none.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct WithoutFilter {
    /// `temporary` if it is missing.
    #[param(inline)]
    #[serde(default)]
    kind: SeatKind,
    /// Parts of ID, names or email, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    /// `place`, `user`, `display_name` or `since`, with `-` before it to turn it round.
    #[param(pattern = "^-?(place|user|display_name|since)$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

async fn seats(api: &Api) -> Result<Seats, Problem> {
    let desk = desk(api).await?;
    let mut groups = Vec::new();
    for id in &desk.rules().groups {
        let row = api.backend().group(id.clone()).await?;
        groups.push(PermanentGroup {
            id: id.to_string(),
            name: row.map(|row| row.group.name),
        });
    }
    Ok(Seats::of(&desk, groups))
}

/// Seats in numbers, and the settings of permanent and temporary PRO
#[utoipa::path(get, path = "/seats", tag = "licence", responses((status = 200, body = Seats)))]
async fn get_seats(State(api): State<Api>, _: Reader, known: IfNoneMatch) -> Result<Response, Problem> {
    let seats = seats(&api).await?;
    let revision = seats.revision.clone();
    Ok(answer::one(seats, &revision, &known))
}

/// Change the settings of permanent and temporary PRO
#[utoipa::path(patch, path = "/seats", tag = "licence", request_body = SeatsPatch,
    responses((status = 200, body = Seats)))]
async fn update_seats(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Strict { value, digest }: Strict<SeatsPatch>,
) -> Result<Response, Problem> {
    let change = Change::UpdateRules {
        expect: write.expect(),
        patch: value.read()?,
    };
    let applied = api.propose_licensing(write.command(&by, digest, change)).await?;
    let seats = seats(&api).await?;
    let revision = seats.revision.clone();
    Ok(answer::changed(seats, &revision, &applied))
}

/// Give permanent PRO out anew, now
#[utoipa::path(post, path = "/seats/pick", tag = "licence", responses((status = 200, body = Seats)))]
async fn pick_permanent(State(api): State<Api>, Admin(by): Admin, write: Write) -> Result<Response, Problem> {
    let command = write.command(&by, BodyDigest::none(), Change::Recompute);
    let applied = api.propose_licensing(command).await?;
    Ok(answer::result(StatusCode::OK, seats(&api).await?, applied.index))
}

/// Users with PRO
#[utoipa::path(get, path = "/seats/pro", tag = "licence", params(SeatFilter),
    responses((status = 200, body = Page<ProSeat>)))]
async fn list_pro_seats(
    State(api): State<Api>,
    _: Reader,
    Query(query): Query<SeatFilter>,
) -> Result<Json<Page<ProSeat>>, Problem> {
    let list = list_query(
        query.search,
        query.sort,
        query.cursor,
        query.limit,
        &["user", "display_name", "until", "place"],
    )?;
    let permanent = query.kind == SeatKind::Permanent;
    let page = api.backend().pro_seats(permanent, list).await?;
    Ok(Json(Page::of(page, ProSeat::from)))
}

/// Take temporary PRO back at once; the user leaves the conferences
#[utoipa::path(delete, path = "/seats/pro/{user}", tag = "licence",
    params(("user" = String, Path, description = "The user", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn revoke_pro_seat(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(user): Id<UserName>,
    write: Write,
) -> Result<Response, Problem> {
    let command = write.command(&by, BodyDigest::none(), Change::Revoke { user });
    Ok(answer::done(&api.propose_licensing(command).await?))
}

/// Users who got no PRO: permanent at the last pick, temporary in the last 24 hours
#[utoipa::path(get, path = "/seats/without", tag = "licence", params(WithoutFilter),
    responses((status = 200, body = Page<WithoutPro>)))]
async fn list_without_pro(
    State(api): State<Api>,
    _: Reader,
    Query(query): Query<WithoutFilter>,
) -> Result<Json<Page<WithoutPro>>, Problem> {
    let list = list_query(
        query.search,
        query.sort,
        query.cursor,
        query.limit,
        &["place", "user", "display_name", "since"],
    )?;
    let permanent = query.kind == SeatKind::Permanent;
    let page = api.backend().without_pro(permanent, list).await?;
    Ok(Json(Page::of(page, WithoutPro::from)))
}

async fn own_pro(api: &Api, user: &UserName) -> Result<OwnPro, Problem> {
    let row = api.backend().pro_of(user.clone()).await?;
    let figures = api.backend().seat_figures().await?;
    Ok(OwnPro::of(&figures.ok_or_else(not_counted)?, row))
}

/// What who is signed in has of PRO
#[utoipa::path(get, path = "/me/pro", tag = "me", responses((status = 200, body = OwnPro)))]
async fn get_own_pro(State(api): State<Api>, by: Signed) -> Result<Json<OwnPro>, Problem> {
    Ok(Json(own_pro(&api, by.name()).await?))
}

/// Ask for temporary PRO in advance
#[utoipa::path(post, path = "/me/pro", tag = "me", responses((status = 200, body = OwnPro)))]
async fn ask_for_pro(State(api): State<Api>, by: Signed, write: Write) -> Result<Response, Problem> {
    let command = write.command(&by, BodyDigest::none(), Change::AskForPro);
    let applied = api.propose_licensing(command).await?;
    let own = own_pro(&api, by.name()).await?;
    Ok(answer::result(StatusCode::OK, own, applied.index))
}
