use super::{OpenApiRouter, filter, list_query, routes};
use crate::{
    answer::{self, still_there},
    api::Api,
    auth::Signed,
    backend::Applied,
    dto::{
        Conference, ConferenceAccess, ConferenceDefaults, ConferenceMode, ConferencePatch, ConferenceStage,
        NewConference, Page, parse,
    },
    extract::{BodyDigest, Id, IfNoneMatch, Query, Strict, Write},
    problem::{Code, Problem},
    request_id::random_bytes,
};
use axum::{Json, extract::State, response::Response};
use plenary_access::{AdminRole, IdPolicy, Outcome, Refusal};
use plenary_conference::{Change, ConferenceQuery, Part, Person, RANDOM, Run, make_up};
use plenary_model::{Cid, Right};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_conferences, create_conference))
        .routes(routes!(get_conference, update_conference, delete_conference))
        .routes(routes!(get_conference_defaults))
}

/// What who asks has to do with a conference: it is theirs, or it names them as invited or as a moderator.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ConferencePart {
    Owner,
    Named,
}

/// Which conferences.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ConferenceFilter {
    /// Parts of CID, name, description or owner, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    #[param(inline)]
    stage: Option<ConferenceStage>,
    mode: Option<ConferenceMode>,
    access: Option<ConferenceAccess>,
    /// ID of the user that they belong to.
    owner: Option<String>,
    /// Of those that concern who asks.
    #[param(inline)]
    part: Option<ConferencePart>,
    /// With `part`: of those that concern this user instead; for administrators.
    of: Option<String>,
    /// `stage` (those that are on, then those that begin next, then the others by name), `name`, `cid`, `owner`, `created_at`
    /// or `updated_at`, with `-` before it to turn it round.
    #[param(pattern = "^-?(stage|name|cid|owner|created_at|updated_at)$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// List the conferences of the server
///
/// Those for the invited alone are shown to their owner, those whom they name, operators and administrators.
#[utoipa::path(get, path = "/conferences", tag = "conferences", params(ConferenceFilter),
    responses((status = 200, body = Page<Conference>)))]
async fn list_conferences(
    State(api): State<Api>,
    by: Signed,
    Query(query): Query<ConferenceFilter>,
) -> Result<Json<Page<Conference>>, Problem> {
    let list = list_query(
        query.search,
        query.sort,
        query.cursor,
        query.limit,
        &["stage", "name", "cid", "owner", "created_at", "updated_at"],
    )?;
    let whose = match filter("of", query.of)? {
        Some(user) => {
            if by.row.user.admin == AdminRole::None {
                let needs = "an administrator's role".into();
                return Err(Refusal::Forbidden { needs }.into());
            }
            by.require_network(&api).await?;
            user
        }
        None => by.name().clone(),
    };
    let everywhere = moderates_everywhere(&api, &by).await?;
    let sees_all = everywhere || is_admin_here(&api, &by).await?;
    let query = ConferenceQuery {
        list,
        seen_by: (!sees_all).then(|| by.name().clone()),
        stage: query.stage.map(Into::into),
        mode: query.mode.map(Into::into),
        access: query.access.map(Into::into),
        owner: filter("owner", query.owner)?,
        part: query.part.map(|part| match part {
            ConferencePart::Owner => Part::Owner(whose),
            ConferencePart::Named => Part::Named(whose),
        }),
    };
    let page = api.backend().conferences(query).await?;
    let cids = page
        .items
        .iter()
        .map(|conference| conference.cid.clone())
        .collect();
    let runs = api.backend().runs(cids).await?;
    let runs: BTreeMap<Cid, Run> = runs.into_iter().map(|run| (run.cid.clone(), run)).collect();
    Ok(Json(Page::of(page, |conference| {
        let moderates = everywhere || conference.is_of(by.name());
        let run = runs.get(&conference.cid);
        Conference::of(conference, run, moderates)
    })))
}

/// Create a conference
#[utoipa::path(post, path = "/conferences", tag = "conferences", request_body = NewConference,
    responses((status = 201, body = Conference)))]
async fn create_conference(
    State(api): State<Api>,
    by: Signed,
    write: Write,
    Strict { value, digest }: Strict<NewConference>,
) -> Result<Response, Problem> {
    let settings = api.settings().await?;
    let ids = make_up_ids(&settings.conference_ids);
    let new = value.read(api.backend().now(), ids, &settings.new_conferences)?;
    let is_own = new.owner.as_ref().is_none_or(|owner| owner == by.name());
    let is_allowed = is_own && by.rights(&api).await?.allows(Right::CreateConferences);
    check_network(&api, &by, is_allowed).await?;
    let chosen = new.cid.clone();
    let command = write.command(&by, digest, Change::Create(new));
    let applied = api.propose_conference(command).await?;
    let cid = match &applied.outcome {
        Outcome::Made { cid } => cid.clone(),
        _ => chosen,
    };
    let conference = stored(&api, &by, cid.clone()).await?;
    let revision = conference.revision.to_string();
    let body = seen(&api, &by, conference).await?;
    Ok(answer::created(
        body,
        &revision,
        &applied,
        ["conferences", cid.as_str()],
    ))
}

/// So many that one of them is free, but where nearly all are taken.
const MADE_UP: usize = 16;

fn make_up_ids(policy: &IdPolicy) -> Vec<Cid> {
    let ids = std::iter::repeat_with(|| make_up(policy, &random_bytes::<RANDOM>()));
    ids.take(2 * MADE_UP).flatten().take(MADE_UP).collect()
}

/// What a new conference of one's own is like where nothing is said
#[utoipa::path(get, path = "/me/conference-defaults", tag = "conferences",
    responses((status = 200, body = ConferenceDefaults)))]
async fn get_conference_defaults(
    State(api): State<Api>,
    by: Signed,
) -> Result<Json<ConferenceDefaults>, Problem> {
    let settings = api.settings().await?;
    let is_admin = by.row.user.admin == AdminRole::Full && api.is_open_to_administer(&by.client).await?;
    Ok(Json(ConferenceDefaults::of(&settings, is_admin)))
}

async fn is_operator(api: &Api, by: &Signed) -> Result<bool, Problem> {
    Ok(by.rights(api).await?.allows(Right::Operator))
}

/// Operators do, and administrators from where the control panel is open to them.
async fn moderates_everywhere(api: &Api, by: &Signed) -> Result<bool, Problem> {
    if is_operator(api, by).await? {
        return Ok(true);
    }
    Ok(by.row.user.admin == AdminRole::Full && api.is_open_to_administer(&by.client).await?)
}

/// Whether somebody is an administrator of whichever role, and where the control panel is open.
async fn is_admin_here(api: &Api, by: &Signed) -> Result<bool, Problem> {
    Ok(by.row.user.admin != AdminRole::None && api.is_open_to_administer(&by.client).await?)
}

/// Whether somebody is told who is in a conference: who moderates it, is named by it or is in it, and administrators.
pub(super) async fn sees_people(
    api: &Api,
    by: &Signed,
    conference: &plenary_conference::Conference,
    roster: &[plenary_conference::Participant],
) -> Result<bool, Problem> {
    let me = Person::Account(by.name().clone());
    let is_in = roster
        .iter()
        .any(|one| one.person == me && one.standing.waiting.is_none());
    if is_in || conference.settings.named().any(|user| user == by.name()) {
        return Ok(true);
    }
    is_admin_here(api, by).await
}

/// Whether somebody moderates a conference by being named there or as an operator.
pub(super) async fn moderates_by_name(
    api: &Api,
    by: &Signed,
    conference: &plenary_conference::Conference,
) -> Result<bool, Problem> {
    Ok(conference.is_of(by.name()) || is_operator(api, by).await?)
}

pub(super) async fn moderates(
    api: &Api,
    by: &Signed,
    conference: &plenary_conference::Conference,
) -> Result<bool, Problem> {
    Ok(conference.is_of(by.name()) || moderates_everywhere(api, by).await?)
}

/// A conference as who asks may see it.
async fn seen(
    api: &Api,
    by: &Signed,
    conference: plenary_conference::Conference,
) -> Result<Conference, Problem> {
    let moderates = moderates(api, by, &conference).await?;
    let runs = api.backend().runs(vec![conference.cid.clone()]).await?;
    Ok(Conference::of(conference, runs.first(), moderates))
}

/// A conference; a call is there for the two only.
pub(super) async fn stored(
    api: &Api,
    by: &Signed,
    cid: Cid,
) -> Result<plenary_conference::Conference, Problem> {
    let found = api.backend().conference(cid.clone()).await?;
    let found = found.filter(|conference| !conference.call || conference.is_of(by.name()));
    still_there(found, "conference", cid.as_str())
}

/// What only administrators may, they may only from where the control panel is open. That nobody else may it is decided
/// by the rules.
pub(super) async fn check_network(api: &Api, by: &Signed, everybody_may: bool) -> Result<(), Problem> {
    if everybody_may || by.row.user.admin != AdminRole::Full {
        return Ok(());
    }
    by.require_network(api).await
}

/// What the same request has done before, if it did: what it was done to may be found by that ID no more.
pub(super) async fn repeated(
    api: &Api,
    by: &Signed,
    write: &Write,
    digest: BodyDigest,
    nothing: Problem,
) -> Result<Applied, Problem> {
    if !write.may_come_again() {
        return Err(nothing);
    }
    // Nothing is done by a reserved ID, which no conference has ever had: the answer of before, or none.
    let cid = parse("cid", NOBODYS)?;
    let command = write.command(by, digest, Change::Delete { cid, expect: None });
    let again = api.propose_conference(command).await;
    again.map_err(|problem| match problem.code() {
        Code::NotFound => nothing,
        _ => problem,
    })
}

const NOBODYS: &str = "new";

/// A conference after a change that was made before; `id` is the one that it was to have.
async fn changed_before(
    api: &Api,
    by: &Signed,
    applied: Applied,
    id: Option<String>,
) -> Result<Response, Problem> {
    let id = match &applied.outcome {
        Outcome::Made { cid } => cid.clone(),
        _ => parse("cid", &id.unwrap_or_default())?,
    };
    let conference = stored(api, by, id).await?;
    let revision = conference.revision.to_string();
    let body = seen(api, by, conference).await?;
    Ok(answer::changed(body, &revision, &applied))
}

/// The conference that people find by an ID, for what is done to it by its key. Asks the leader where this node knows
/// none: it may have got the ID a moment ago.
pub(super) async fn find(api: &Api, id: Cid) -> Result<plenary_conference::Conference, Problem> {
    if let Some(found) = api.backend().conference(id.clone()).await? {
        return Ok(found);
    }
    api.backend().fresh().await?;
    still_there(
        api.backend().conference(id.clone()).await?,
        "conference",
        id.as_str(),
    )
}

/// One conference
#[utoipa::path(get, path = "/conferences/{cid}", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = Conference)))]
async fn get_conference(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let conference = stored(&api, &by, cid).await?;
    let revision = conference.revision.to_string();
    let body = seen(&api, &by, conference).await?;
    Ok(answer::one(body, &revision, &known))
}

/// Change a conference
#[utoipa::path(patch, path = "/conferences/{cid}", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    request_body = ConferencePatch, responses((status = 200, body = Conference)))]
async fn update_conference(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    write: Write,
    Strict { value, digest }: Strict<ConferencePatch>,
) -> Result<Response, Problem> {
    let found = match find(&api, cid).await {
        Ok(found) => found,
        Err(nothing) => {
            let applied = repeated(&api, &by, &write, digest, nothing).await?;
            return changed_before(&api, &by, applied, value.cid).await;
        }
    };
    let ids = make_up_ids(&api.settings().await?.conference_ids);
    let patch = value.read(found.settings.ways, api.backend().now(), ids)?;
    let stays = patch.owner.as_ref().is_none_or(|owner| owner == by.name());
    let is_allowed = stays && moderates_by_name(&api, &by, &found).await?;
    check_network(&api, &by, is_allowed).await?;
    let change = Change::Update {
        cid: found.cid.clone(),
        expect: write.expect(),
        patch,
    };
    let command = write.command(&by, digest, change);
    let applied = api.propose_conference(command).await?;
    // By its key: it may be called otherwise by now.
    let conference = api.backend().conference_at(found.cid.clone()).await?;
    let conference = still_there(conference, "conference", found.id().as_str())?;
    let revision = conference.revision.to_string();
    let body = seen(&api, &by, conference).await?;
    Ok(answer::changed(body, &revision, &applied))
}

/// Delete a conference
#[utoipa::path(delete, path = "/conferences/{cid}", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn delete_conference(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    write: Write,
) -> Result<Response, Problem> {
    let found = match find(&api, cid).await {
        Ok(found) => found,
        Err(nothing) => {
            let applied = repeated(&api, &by, &write, BodyDigest::none(), nothing).await?;
            return Ok(answer::done(&applied));
        }
    };
    check_network(&api, &by, found.owner == *by.name()).await?;
    let (cid, expect) = (found.cid, write.expect());
    let command = write.command(&by, BodyDigest::none(), Change::Delete { cid, expect });
    Ok(answer::done(&api.propose_conference(command).await?))
}
