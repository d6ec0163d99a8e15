//! What strangers see and agree to before they come in: documents and the logo of the enterprise (WEB-01).

use super::{OpenApiRouter, routes};
use crate::{
    answer,
    api::Api,
    auth::{Admin, Reader},
    avatar::{self, AvatarBytes},
    dto::{Document, DocumentPlace, DocumentRevision, LogoScheme, NewDocument, PastDocument},
    extract::{BodyDigest, Id, Ids, IfNoneMatch, Query, Strict, Write},
    problem::Problem,
};
use axum::{
    Json,
    extract::{Request, State},
    response::Response,
};
use plenary_access::Change;
use plenary_model::limits;
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_document, put_document, remove_document))
        .routes(routes!(list_past_documents))
        .routes(routes!(get_past_document))
        .routes(routes!(get_logo, put_logo, delete_logo))
}

/// A document that people without an account agree to
#[utoipa::path(get, path = "/documents/{place}", tag = "settings", security(()),
    params(("place" = u8, Path, description = "Which of the five", minimum = 1, maximum = 5)),
    responses((status = 200, body = Document)))]
async fn get_document(
    State(api): State<Api>,
    Id(place): Id<DocumentPlace>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let found = api.backend().document(place.0).await?;
    let document = answer::still_there(found, "document", &place.to_string())?;
    let version = document.version.to_string();
    Ok(answer::one(Document::from(document), &version, &known))
}

/// Write a document that people without an account agree to
///
/// Where its title, text or link changes, or `again` is set, everybody is asked again.
#[utoipa::path(put, path = "/documents/{place}", tag = "settings",
    params(("place" = u8, Path, description = "Which of the five", minimum = 1, maximum = 5)),
    request_body = NewDocument, responses((status = 200, body = Document)))]
async fn put_document(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(place): Id<DocumentPlace>,
    write: Write,
    Strict { value, digest }: Strict<NewDocument>,
) -> Result<Response, Problem> {
    let change = Change::PutDocument {
        place: place.0,
        expect: write.expect(),
        document: value.read()?,
    };
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let found = api.backend().document(place.0).await?;
    let document = answer::still_there(found, "document", &place.to_string())?;
    let version = document.version.to_string();
    Ok(answer::changed(Document::from(document), &version, &applied))
}

/// Remove a document
#[utoipa::path(delete, path = "/documents/{place}", tag = "settings",
    params(("place" = u8, Path, description = "Which of the five", minimum = 1, maximum = 5)),
    responses((status = 204)))]
async fn remove_document(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(place): Id<DocumentPlace>,
    write: Write,
) -> Result<Response, Problem> {
    let change = Change::RemoveDocument {
        place: place.0,
        expect: write.expect(),
    };
    let command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose(command).await?))
}

/// What a document was before
///
/// The newest version first, at most 50, without their texts. What people agreed to stands in the events by version.
#[utoipa::path(get, path = "/documents/{place}/versions", tag = "settings",
    params(("place" = u8, Path, description = "Which of the five", minimum = 1, maximum = 5)),
    responses((status = 200, body = [PastDocument])))]
async fn list_past_documents(
    State(api): State<Api>,
    Reader(_by): Reader,
    Id(place): Id<DocumentPlace>,
) -> Result<Json<Vec<PastDocument>>, Problem> {
    let found = api.backend().past_documents(place.0).await?;
    Ok(Json(found.into_iter().map(Into::into).collect()))
}

/// One earlier version of a document
#[utoipa::path(get, path = "/documents/{place}/versions/{version}", tag = "settings",
    params(("place" = u8, Path, description = "Which of the five", minimum = 1, maximum = 5),
        ("version" = String, Path, description = "Its `version`", pattern = "^[0-9]+$")),
    responses((status = 200, body = Document)))]
async fn get_past_document(
    State(api): State<Api>,
    Reader(_by): Reader,
    Ids(place, version): Ids<DocumentPlace, DocumentRevision>,
) -> Result<Json<Document>, Problem> {
    let found = api.backend().past_document(place.0, version.0).await?;
    let document = answer::still_there(found, "version", &version.to_string())?;
    Ok(Json(document.into()))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct LogoQuery {
    /// Of `logo` of the server; makes another address of another picture, and changes nothing else.
    #[allow(dead_code)] // For caches on the way.
    version: Option<String>,
}

/// The logo of the enterprise
#[utoipa::path(get, path = "/logos/{scheme}", tag = "settings", security(()),
    params(("scheme" = String, Path, description = "On which ground", pattern = "^(light|dark)$"), LogoQuery),
    responses((status = 200, content((AvatarBytes = "image/png"), (AvatarBytes = "image/webp")))))]
async fn get_logo(
    State(api): State<Api>,
    Id(scheme): Id<LogoScheme>,
    Query(_query): Query<LogoQuery>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let found = api.backend().logo(scheme.into()).await?;
    let logo = answer::still_there(found, "logo", plenary_access::Scheme::from(scheme).as_str())?;
    Ok(avatar::shown(logo, &known, "public, no-cache"))
}

/// Change the logo of the enterprise
#[utoipa::path(put, path = "/logos/{scheme}", tag = "settings",
    params(("scheme" = String, Path, description = "On which ground", pattern = "^(light|dark)$")),
    request_body(content((AvatarBytes = "image/png"), (AvatarBytes = "image/webp"))), responses((status = 204)))]
async fn put_logo(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(scheme): Id<LogoScheme>,
    write: Write,
    request: Request,
) -> Result<Response, Problem> {
    // A drawing (SVG) may hold programs and addresses of other sites; pixels hold none.
    let kinds = ["image/png", "image/webp"];
    let (logo, digest) = avatar::read(request, &kinds, limits::LOGO_BYTES).await?;
    let change = Change::SetLogo {
        scheme: scheme.into(),
        logo: Some(logo),
    };
    Ok(answer::done(
        &api.propose(write.command(&by, digest, change)).await?,
    ))
}

/// Remove the logo of the enterprise
#[utoipa::path(delete, path = "/logos/{scheme}", tag = "settings",
    params(("scheme" = String, Path, description = "On which ground", pattern = "^(light|dark)$")), responses((status = 204)))]
async fn delete_logo(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(scheme): Id<LogoScheme>,
    write: Write,
) -> Result<Response, Problem> {
    let change = Change::SetLogo {
        scheme: scheme.into(),
        logo: None,
    };
    let command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose(command).await?))
}
