//! Registration for public conferences: strangers register and show their links, moderators see who has (CONF-12).

use super::{
    OpenApiRouter, conferences,
    guests::{at_door, is_open_for_guests, key_for_stranger, source},
    list_query, routes,
};
use crate::{
    answer,
    api::Api,
    auth::{Client, Signed, token_hash},
    csv_file::{self, CsvText},
    dto::{
        AgreedDocument, NewRegistrant, NewRegistration, OwnRegistration, Registrant, RegistrantPage,
        ShownLink, Time, read_link, write_link,
    },
    extract::{BodyDigest, Id, Ids, Query, Strict, Write},
    problem::Problem,
    request_id::{random_bytes, random_text},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use plenary_access::{DocumentHead, ListQuery, Refusal};
use plenary_conference::{
    Change, Command, Conference, Field, GuestId, KeptOut, NewRegistrant as New, PersonalLink,
    Registrant as Stored, SecretHash,
};
use plenary_model::{Cid, limits};
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_registrants, register))
        .routes(routes!(remove_registrant))
        .routes(routes!(export_registrants))
        .routes(routes!(show_link))
}

/// Register for a conference
///
/// Without an account, where the conference has people register. The link that is given is shown when one comes.
#[utoipa::path(post, path = "/conferences/{cid}/registrants", tag = "conferences", security(()),
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    request_body = NewRegistrant, responses((status = 201, body = NewRegistration)))]
async fn register(
    State(api): State<Api>,
    client: Client,
    Id(cid): Id<Cid>,
    Strict { value: new, .. }: Strict<NewRegistrant>,
) -> Result<Response, Problem> {
    api.stranger_limits().registration(client.address)?;
    let cid = key_for_stranger(&api, &client, cid).await?;
    let consents = new.consents;
    let agreed = AgreedDocument::read_all(&new.agreed)?;
    let details = new.read()?;
    let (registrant, secret) = (GuestId::of_random(random_bytes()), random_text::<32>());
    let body = NewRegistration {
        link: write_link(&registrant, &secret),
        name: details.name.trim().to_owned(),
    };
    let command = Command {
        by: client.by_server(),
        idempotency: None,
        change: Change::Register(New {
            cid,
            registrant,
            secret: hash(&secret),
            details,
            consents,
            agreed,
            source: Some(source(client.address)),
        }),
    };
    let applied = api.propose_conference(command).await?;
    Ok(answer::result(StatusCode::CREATED, body, applied.index))
}

fn hash(secret: &str) -> SecretHash {
    SecretHash(token_hash(secret).0)
}

/// A personal link as the rules know it; one that looks like none is not valid.
pub(super) fn personal_link(link: &str) -> Result<PersonalLink, Problem> {
    let (registrant, secret) = read_link(link).ok_or_else(not_valid)?;
    Ok(PersonalLink {
        registrant,
        secret: hash(secret),
    })
}

fn not_valid() -> Problem {
    Refusal::from(KeptOut::LinkNotValid).into()
}

/// Whose a personal link is
///
/// Forged links, those of other conferences and those that were taken back are not told apart.
#[utoipa::path(post, path = "/conferences/{cid}/door/registration", tag = "conferences", security(()),
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    request_body = ShownLink, responses((status = 200, body = OwnRegistration)))]
async fn show_link(
    State(api): State<Api>,
    client: Client,
    Id(cid): Id<Cid>,
    Strict { value, .. }: Strict<ShownLink>,
) -> Result<Json<OwnRegistration>, Problem> {
    let link = personal_link(&value.link)?;
    let conference = match at_door(&api, &client, cid).await {
        Ok(conference) => conference,
        // Their conference may have got another ID since.
        Err(nothing) => whose(&api, &link).await?.ok_or(nothing)?,
    };
    api.stranger_limits().guest(client.address)?;
    let mut found = by_link(&api, &conference, &link).await?;
    // Who registered on another node a moment ago.
    if found.is_none() && api.may_ask_leader(client.address) {
        api.backend().fresh().await?;
        found = by_link(&api, &conference, &link).await?;
    }
    let registrant = found.ok_or_else(not_valid)?;
    let documents = api.backend().guest_page().await?.documents;
    let agreed = |document: &DocumentHead| registrant.agreed.contains(&document.version());
    Ok(Json(OwnRegistration {
        agreed: documents.iter().all(agreed),
        cid: conference.id().to_string(),
        name: registrant.details.name,
        registered_at: Time(registrant.registered_at),
    }))
}

/// The conference of a link that is good, if guests may come there.
async fn whose(api: &Api, link: &PersonalLink) -> Result<Option<Conference>, Problem> {
    let Some(registrant) = api.backend().registrant(link.registrant.clone()).await? else {
        return Ok(None);
    };
    if !registrant.is_of(&registrant.cid, link) {
        return Ok(None);
    }
    let conference = api.backend().conference_at(registrant.cid).await?;
    Ok(conference.filter(is_open_for_guests))
}

async fn by_link(api: &Api, conference: &Conference, link: &PersonalLink) -> Result<Option<Stored>, Problem> {
    let found = api.backend().registrant(link.registrant.clone()).await?;
    Ok(found.filter(|found| found.is_of(&conference.cid, link)))
}

/// Which registrants.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct RegistrantFilter {
    /// Parts of what they gave, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    /// `registered_at`, `name` or `came`, with `-` before it to turn it round.
    #[param(pattern = "^-?(registered_at|name|came)$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// A conference whose registrants who asks may see: they moderate it.
async fn moderated(api: &Api, by: &Signed, cid: Cid) -> Result<Conference, Problem> {
    let conference = conferences::stored(api, by, cid).await?;
    if conferences::moderates(api, by, &conference).await? {
        return Ok(conference);
    }
    let needs = "a moderator of the conference, or an operator,".into();
    Err(Refusal::Forbidden { needs }.into())
}

/// Who has registered for a conference
///
/// For the owner, the moderators of the conference, operators and administrators with full rights.
#[utoipa::path(get, path = "/conferences/{cid}/registrants", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64), RegistrantFilter),
    responses((status = 200, body = RegistrantPage)))]
async fn list_registrants(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    Query(query): Query<RegistrantFilter>,
) -> Result<Json<RegistrantPage>, Problem> {
    let list = list_query(
        query.search,
        query.sort,
        query.cursor,
        query.limit,
        &["registered_at", "name", "came"],
    )?;
    let conference = moderated(&api, &by, cid).await?;
    let page = api.backend().registrants(conference.cid.clone(), list).await?;
    let counts = api.backend().registered(conference.cid).await?;
    Ok(Json(RegistrantPage {
        items: page.items.into_iter().map(Registrant::of).collect(),
        total: page.total,
        next: page.next,
        registered: counts.registered,
        came: counts.came,
    }))
}

/// Take a registration back
///
/// The personal link ends, and who has come by it goes out of the meeting.
#[utoipa::path(delete, path = "/conferences/{cid}/registrants/{registrant}", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64),
        ("registrant" = String, Path, description = "Who has registered", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn remove_registrant(
    State(api): State<Api>,
    by: Signed,
    Ids(cid, registrant): Ids<Cid, GuestId>,
    write: Write,
) -> Result<Response, Problem> {
    let found = match conferences::find(&api, cid).await {
        Ok(found) => found,
        Err(nothing) => {
            let applied = conferences::repeated(&api, &by, &write, BodyDigest::none(), nothing).await?;
            return Ok(answer::done(&applied));
        }
    };
    let is_allowed = conferences::moderates_by_name(&api, &by, &found).await?;
    conferences::check_network(&api, &by, is_allowed).await?;
    let cid = found.cid;
    let change = Change::RemoveRegistrant { cid, registrant };
    let command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose_conference(command).await?))
}

const COLUMNS: [&str; 5] = ["name", "email", "phone", "organisation", "job_title"];

/// Who has registered, as CSV
#[utoipa::path(get, path = "/conferences/{cid}/registrants.csv", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = CsvText, content_type = "text/csv")))]
async fn export_registrants(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
) -> Result<Response, Problem> {
    let conference = moderated(&api, &by, cid).await?;
    let registration = conference.settings.registration.unwrap_or_default();
    let fields = registration.fields;
    let labels = fields.iter().map(|field| field.label.as_str());
    let columns: Vec<&str> = COLUMNS
        .into_iter()
        .chain(labels)
        .chain(["registered_at", "came_at"])
        .collect();
    let (backend, asked, cid) = (api.shared_backend(), fields.clone(), conference.cid);
    let pages = csv_file::pages(move |cursor| {
        let (backend, asked, cid) = (backend.clone(), asked.clone(), cid.clone());
        let list = ListQuery {
            cursor,
            limit: limits::PAGE,
            ..ListQuery::default()
        };
        async move {
            let page = backend.registrants(cid, list).await?;
            let rows = page.items.into_iter().map(|one| row(one, &asked)).collect();
            Ok((rows, page.next))
        }
    });
    Ok(csv_file::response("registrants.csv", &columns, pages))
}

/// The cells of a registrant, in the order of the columns.
fn row(registrant: Stored, asked: &[Field]) -> Vec<String> {
    let details = registrant.details;
    let time = |at| Time(at).to_string();
    let answers = asked
        .iter()
        .map(|field| details.answers.get(&field.id).cloned().unwrap_or_default());
    let mut cells = vec![
        details.name,
        details.email,
        details.phone,
        details.organisation,
        details.job_title,
    ];
    cells.extend(answers);
    cells.push(time(registrant.registered_at));
    cells.push(registrant.came_at.map(time).unwrap_or_default());
    cells
}
