//! Templates of conferences (CONF-16): those of who asks, those for all, and for administrators everybody's.

use super::{OpenApiRouter, conferences::check_network, list_query, routes};
use crate::{
    answer::{self, still_there},
    api::Api,
    auth::Signed,
    dto::{NewTemplate, Page, Template, TemplatePatch},
    extract::{BodyDigest, Id, IfNoneMatch, Query, Strict, Write},
    problem::Problem,
};
use axum::{Json, extract::State, response::Response};
use plenary_access::{AdminRole, Outcome, Refusal};
use plenary_conference::{self as conference, Change, TemplateId, TemplatePart, TemplateQuery};
use plenary_model::Right;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_templates, create_template))
        .routes(routes!(get_template, update_template, delete_template))
}

/// Whose templates: those of who asks, those for all, or, for administrators, all of the server.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TemplateWhose {
    Own,
    ForAll,
    All,
}

/// Which templates.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TemplateFilter {
    /// Parts of name, description or owner, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    /// Without it: the own ones and those for all.
    #[param(inline)]
    part: Option<TemplateWhose>,
    /// `name`, `owner`, `created_at` or `updated_at`, with `-` before it to turn it round.
    #[param(pattern = "^-?(name|owner|created_at|updated_at)$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// List templates of conferences
#[utoipa::path(get, path = "/templates", tag = "conferences", params(TemplateFilter),
    responses((status = 200, body = Page<Template>)))]
async fn list_templates(
    State(api): State<Api>,
    by: Signed,
    Query(query): Query<TemplateFilter>,
) -> Result<Json<Page<Template>>, Problem> {
    let list = list_query(
        query.search,
        query.sort,
        query.cursor,
        query.limit,
        &["name", "owner", "created_at", "updated_at"],
    )?;
    let part = match query.part {
        None => TemplatePart::Usable(by.name().clone()),
        Some(TemplateWhose::Own) => TemplatePart::Own(by.name().clone()),
        Some(TemplateWhose::ForAll) => TemplatePart::ForAll,
        Some(TemplateWhose::All) => {
            require_reader(&api, &by).await?;
            TemplatePart::All
        }
    };
    let page = api.backend().templates(TemplateQuery { list, part }).await?;
    let changes_all = changes_all(&api, &by).await?;
    Ok(Json(Page::of(page, |template| shown(&by, template, changes_all))))
}

async fn require_reader(api: &Api, by: &Signed) -> Result<(), Problem> {
    if by.row.user.admin < AdminRole::Security {
        let needs = "an administrator's role".into();
        return Err(Refusal::Forbidden { needs }.into());
    }
    by.require_network(api).await
}

/// Administrators with full rights, from where the control panel is open to them.
async fn changes_all(api: &Api, by: &Signed) -> Result<bool, Problem> {
    Ok(by.row.user.admin == AdminRole::Full && api.is_open_to_administer(&by.client).await?)
}

/// Whether who asks may change it without being an administrator.
fn is_own(by: &Signed, template: &conference::Template) -> bool {
    !template.for_all && template.owner == *by.name()
}

/// A template that who asks may know of.
async fn stored(api: &Api, by: &Signed, id: TemplateId) -> Result<conference::Template, Problem> {
    let found = api.backend().template(id).await?;
    let everybodys =
        by.row.user.admin >= AdminRole::Security && api.is_open_to_administer(&by.client).await?;
    let found = found.filter(|template| everybodys || template.is_open_to(by.name()));
    still_there(found, "template", &id.to_string())
}

async fn seen(api: &Api, by: &Signed, template: conference::Template) -> Result<Template, Problem> {
    Ok(shown(by, template, changes_all(api, by).await?))
}

/// Who makes conferences from it sees all of it; who only looks after the server, no PIN.
fn shown(by: &Signed, template: conference::Template, changes_all: bool) -> Template {
    let changeable = changes_all || is_own(by, &template);
    let open = changes_all || template.is_open_to(by.name());
    Template::of(template, changeable, open)
}

/// Keep how conferences are set up as a template
#[utoipa::path(post, path = "/templates", tag = "conferences", request_body = NewTemplate,
    responses((status = 201, body = Template)))]
async fn create_template(
    State(api): State<Api>,
    by: Signed,
    write: Write,
    Strict { value, digest }: Strict<NewTemplate>,
) -> Result<Response, Problem> {
    let new = value.read()?;
    let may = by.rights(&api).await?.allows(Right::CreateConferences);
    check_network(&api, &by, may && !new.for_all).await?;
    let command = write.command(&by, digest, Change::CreateTemplate(new));
    let applied = api.propose_conference(command).await?;
    // Its first revision, which a repetition is given again.
    let Outcome::Revision(first) = applied.outcome else {
        return Err(Problem::internal(&super::session::UnexpectedOutcome));
    };
    let id = TemplateId(first.0);
    let template = stored(&api, &by, id).await?;
    let revision = template.revision.to_string();
    let body = seen(&api, &by, template).await?;
    let path = ["templates", &id.to_string()];
    Ok(answer::created(body, &revision, &applied, path))
}

/// One template
#[utoipa::path(get, path = "/templates/{template}", tag = "conferences",
    params(("template" = String, Path, description = "The template", pattern = "^[0-9]{1,19}$")),
    responses((status = 200, body = Template)))]
async fn get_template(
    State(api): State<Api>,
    by: Signed,
    Id(id): Id<TemplateId>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let template = stored(&api, &by, id).await?;
    let revision = template.revision.to_string();
    let body = seen(&api, &by, template).await?;
    Ok(answer::one(body, &revision, &known))
}

/// Change a template
#[utoipa::path(patch, path = "/templates/{template}", tag = "conferences",
    params(("template" = String, Path, description = "The template", pattern = "^[0-9]{1,19}$")),
    request_body = TemplatePatch, responses((status = 200, body = Template)))]
async fn update_template(
    State(api): State<Api>,
    by: Signed,
    Id(id): Id<TemplateId>,
    write: Write,
    Strict { value, digest }: Strict<TemplatePatch>,
) -> Result<Response, Problem> {
    let found = api.backend().template(id).await?;
    let ways = found
        .as_ref()
        .map(|found| found.settings.ways)
        .unwrap_or_default();
    let patch = value.read(ways)?;
    let shares = patch.for_all == Some(true);
    check_network(&api, &by, !shares && may_as_owner(&by, found.as_ref())).await?;
    let change = Change::UpdateTemplate {
        id,
        expect: write.expect(),
        patch,
    };
    let applied = api.propose_conference(write.command(&by, digest, change)).await?;
    let template = stored(&api, &by, id).await?;
    let revision = template.revision.to_string();
    let body = seen(&api, &by, template).await?;
    Ok(answer::changed(body, &revision, &applied))
}

/// What is not there is refused by the rules.
fn may_as_owner(by: &Signed, found: Option<&conference::Template>) -> bool {
    found.is_none_or(|template| is_own(by, template))
}

/// Delete a template
///
/// Conferences that were made from it stay as they are.
#[utoipa::path(delete, path = "/templates/{template}", tag = "conferences",
    params(("template" = String, Path, description = "The template", pattern = "^[0-9]{1,19}$")),
    responses((status = 204)))]
async fn delete_template(
    State(api): State<Api>,
    by: Signed,
    Id(id): Id<TemplateId>,
    write: Write,
) -> Result<Response, Problem> {
    let found = api.backend().template(id).await?;
    check_network(&api, &by, may_as_owner(&by, found.as_ref())).await?;
    let expect = write.expect();
    let change = Change::DeleteTemplate { id, expect };
    let command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose_conference(command).await?))
}
