//! Servers of other enterprises: what is written down of them, and how they are.

use super::{OpenApiRouter, routes};
use crate::{
    answer,
    api::Api,
    auth::{Admin, Reader, Signed},
    dto::{MayMeet, NewPartner, PagesOwner, Partner, Partners},
    extract::{BodyDigest, Id, IfNoneMatch, Query, Strict, Write},
    problem::Problem,
};
use axum::{Json, extract::State, response::Response};
use plenary_access::Change;
use plenary_federation::Pages;
use plenary_model::ServerName;
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_partners))
        .routes(routes!(get_partner, put_partner, drop_partner))
        .routes(routes!(release_partner))
        .routes(routes!(get_may_meet))
        .routes(routes!(get_pages_owner))
}

async fn all(api: &Api) -> Result<Partners, Problem> {
    let partners = api.backend().partners().await?;
    Ok(Partners::new(partners, api.backend().now()))
}

async fn one(api: &Api, server: &ServerName) -> Result<Partner, Problem> {
    answer::still_there(all(api).await?.into_one(server), "partner", server.as_str())
}

/// Servers of other enterprises, and how they are
///
/// Those of whom something is written down, and those that came or were tried since the nodes started.
#[utoipa::path(get, path = "/federation/partners", tag = "federation", responses((status = 200, body = Partners)))]
async fn list_partners(State(api): State<Api>, _: Reader) -> Result<Json<Partners>, Problem> {
    Ok(Json(all(&api).await?))
}

/// One server of another enterprise
#[utoipa::path(get, path = "/federation/partners/{server}", tag = "federation",
    params(("server" = String, Path, description = "Its domain")), responses((status = 200, body = Partner)))]
async fn get_partner(
    State(api): State<Api>,
    _: Reader,
    Id(server): Id<ServerName>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let partner = one(&api, &server).await?;
    let tag = partner.tag();
    Ok(answer::one(partner, &tag, &known))
}

/// Write down of another server what may be done with it, and what it must prove itself with
#[utoipa::path(put, path = "/federation/partners/{server}", tag = "federation",
    params(("server" = String, Path, description = "Its domain")),
    request_body = NewPartner, responses((status = 200, body = Partner)))]
async fn put_partner(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(server): Id<ServerName>,
    write: Write,
    Strict { value, digest }: Strict<NewPartner>,
) -> Result<Response, Problem> {
    let change = Change::PutPartner {
        server: server.clone(),
        expect: write.expect(),
        partner: value.read(api.backend().now())?,
    };
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let partner = one(&api, &server).await?;
    let tag = partner.tag();
    Ok(answer::changed(partner, &tag, &applied))
}

/// Forget what is written down of another server
///
/// It is then treated as all others are.
#[utoipa::path(delete, path = "/federation/partners/{server}", tag = "federation",
    params(("server" = String, Path, description = "Its domain")), responses((status = 204)))]
async fn drop_partner(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(server): Id<ServerName>,
    write: Write,
) -> Result<Response, Problem> {
    let change = Change::RemovePartner {
        server,
        expect: write.expect(),
    };
    let command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose(command).await?))
}

/// Answer another server again that misbehaved
///
/// Ends its quarantine on all nodes that can be reached.
#[utoipa::path(post, path = "/federation/partners/{server}/release", tag = "federation",
    params(("server" = String, Path, description = "Its domain")), responses((status = 200, body = Partner)))]
async fn release_partner(
    State(api): State<Api>,
    _: Admin,
    Id(server): Id<ServerName>,
    _: Write,
) -> Result<Json<Partner>, Problem> {
    api.backend().release_partner(server.clone()).await;
    Ok(Json(one(&api, &server).await?))
}

/// What one may do with people of another server
///
/// By the settings of this one; what the other one allows is found when it is asked. Nobody is asked by this.
#[utoipa::path(get, path = "/me/partners/{server}", tag = "me",
    params(("server" = String, Path, description = "Its domain")), responses((status = 200, body = MayMeet)))]
async fn get_may_meet(
    State(api): State<Api>,
    _: Signed,
    Id(server): Id<ServerName>,
) -> Result<Json<MayMeet>, Problem> {
    let standing = api.backend().standing_to(server.clone()).await?;
    let pages = api.backend().pages_of(server.clone()).await;
    Ok(Json(MayMeet::of(&server, &standing, pages.as_ref())))
}

/// What is looked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PagesQuery {
    /// The address of a page, or where those of a server begin: `https://meet.oslo.example.net`. What follows the host and the
    /// port is of no concern.
    #[param(min_length = 1, max_length = 512)]
    address: String,
}

/// Whose pages are at an address
///
/// Other servers say where their pages are when they meet; so a link to a conference leads into it by federation. Nothing is
/// fetched from there.
#[utoipa::path(get, path = "/me/pages", tag = "me", params(PagesQuery), responses((status = 200, body = PagesOwner)))]
async fn get_pages_owner(
    State(api): State<Api>,
    _: Signed,
    Query(query): Query<PagesQuery>,
) -> Result<Json<PagesOwner>, Problem> {
    let rest = query.address.strip_prefix("https://").unwrap_or_default();
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let pages = Pages::at(&format!("https://{place}"));
    let pages = pages.ok_or_else(|| {
        let reason = "is no address of web pages; write it like https://meet.oslo.example.net";
        Problem::field("address", reason)
    })?;
    let server = api.backend().server_at(pages).await;
    let server = server.map(|server| server.to_string());
    Ok(Json(PagesOwner { server }))
}
