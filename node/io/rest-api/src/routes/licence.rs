use super::{OpenApiRouter, routes};
use crate::{
    answer::{self, still_there},
    api::Api,
    auth::{Admin, Reader},
    dto::{ConnectManager, Licence, LicenceFile, LicenceRequest, LicenseManager, VendorFile},
    extract::{BodyDigest, Id, Query, Strict, Write},
    problem::{Code, Problem},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use plenary_licences::licence::{Confirmation, LicenceError, LicenceId, Request, Signed};
use plenary_licensing::{Change, Desk};
use serde::Deserialize;
use std::str::FromStr;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_licence, install_licence))
        .routes(routes!(remove_licence))
        .routes(routes!(request_confirmation))
        .routes(routes!(confirm_licence))
        .routes(routes!(connect_license_manager, disconnect_license_manager))
}

/// The ID of a licence in an address.
struct LicencePath(LicenceId);

impl FromStr for LicencePath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "IDs of licences have 32 hexadecimal digits";
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| wrong)?;
        Ok(Self(LicenceId(number)))
    }
}

/// Licences and seats, once they are counted.
pub(super) async fn desk(api: &Api) -> Result<Desk, Problem> {
    let desk = api.backend().desk().await?;
    desk.ok_or_else(not_counted)
}

pub(super) fn not_counted() -> Problem {
    let words = "seats are not counted yet, as not every node runs this version; try again in a moment";
    Problem::new(Code::Behind, words)
}

/// What the server may use, and the licence files that say so
#[utoipa::path(get, path = "/licence", tag = "licence", responses((status = 200, body = Licence)))]
async fn get_licence(State(api): State<Api>, _: Reader) -> Result<Json<Licence>, Problem> {
    Ok(Json(licence(&api).await?))
}

async fn licence(api: &Api) -> Result<Licence, Problem> {
    let link = api.backend().license_manager().await?;
    let manager = link.map(|link| LicenseManager::of(link, api.backend().now()));
    Ok(Licence::of(&desk(api).await?, manager))
}

/// Install a licence file; several add up
#[utoipa::path(post, path = "/licence", tag = "licence", request_body = VendorFile,
    responses((status = 201, body = LicenceFile)))]
async fn install_licence(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Strict { value, digest }: Strict<VendorFile>,
) -> Result<Response, Problem> {
    let signed = Signed::of_text(value.file.as_bytes(), &api.backend().licence_keys())?;
    let id = signed.licence.id;
    let change = Change::Install {
        text: value.file,
        key: signed.key,
    };
    let applied = api.propose_licensing(write.command(&by, digest, change)).await?;
    let desk = desk(&api).await?;
    let installed = still_there(desk.file(id), "licence", &id.to_string())?;
    let body = LicenceFile::of(&desk, installed);
    Ok(answer::result(StatusCode::CREATED, body, applied.index))
}

/// Remove a licence file; nobody who has a seat is thrown out
#[utoipa::path(delete, path = "/licence/{licence}", tag = "licence",
    params(("licence" = String, Path, description = "The licence", pattern = "^[0-9a-f]{32}$")),
    responses((status = 204)))]
async fn remove_licence(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(LicencePath(licence)): Id<LicencePath>,
    write: Write,
) -> Result<Response, Problem> {
    let command = write.command(&by, BodyDigest::none(), Change::Remove { licence });
    Ok(answer::done(&api.propose_licensing(command).await?))
}

/// A file by which the vendor confirms that a licence belongs to this server
#[utoipa::path(get, path = "/licence/{licence}/request", tag = "licence",
    params(("licence" = String, Path, description = "The licence", pattern = "^[0-9a-f]{32}$")),
    responses((status = 200, body = LicenceRequest)))]
async fn request_confirmation(
    State(api): State<Api>,
    _: Reader,
    Id(LicencePath(licence)): Id<LicencePath>,
) -> Result<Json<LicenceRequest>, Problem> {
    let desk = desk(&api).await?;
    still_there(desk.file(licence), "licence", &licence.to_string())?;
    let request = Request {
        licence,
        pool: desk.pool_id(),
        made: api.backend().now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(Json(LicenceRequest {
        file: request.to_text(),
    }))
}

/// Install the vendor's confirmation for a licence
#[utoipa::path(post, path = "/licence/confirmations", tag = "licence", request_body = VendorFile,
    responses((status = 200, body = Licence)))]
async fn confirm_licence(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Strict { value, digest }: Strict<VendorFile>,
) -> Result<Response, Problem> {
    let pool = desk(&api).await?.pool_id();
    let keys = api.backend().licence_keys();
    let confirmation = Confirmation::of_text(value.file.as_bytes(), &keys, pool)?;
    let key = keys.into_iter().find(|key| key.id() == confirmation.key());
    let change = Change::Confirm {
        text: value.file,
        key: key.ok_or(LicenceError::ForeignKey)?,
    };
    let applied = api.propose_licensing(write.command(&by, digest, change)).await?;
    let body = licence(&api).await?;
    Ok(answer::result(StatusCode::OK, body, applied.index))
}

/// Borrow the server's seats from a License Manager, by a token that its administrator made
#[utoipa::path(post, path = "/licence/manager", tag = "licence", request_body = ConnectManager,
    responses((status = 200, body = Licence)))]
async fn connect_license_manager(
    State(api): State<Api>,
    Admin(by): Admin,
    Strict { value, .. }: Strict<ConnectManager>,
) -> Result<Response, Problem> {
    let applied = api
        .backend()
        .connect_license_manager(by.actor(), value.token)
        .await?;
    api.backend().wait_applied(applied.index).await?;
    let body = licence(&api).await?;
    Ok(answer::result(StatusCode::OK, body, applied.index))
}

/// How a server is disconnected.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Disconnecting {
    /// Everything that is in use ends at once, and the manager is not waited for. Without it more seats in use than the
    /// server has itself are a reason to refuse.
    #[serde(default)]
    end: bool,
}

/// Give the leased seats back: the server's own licence holds again
#[utoipa::path(delete, path = "/licence/manager", tag = "licence", params(Disconnecting),
    responses((status = 204)))]
async fn disconnect_license_manager(
    State(api): State<Api>,
    Admin(by): Admin,
    Query(Disconnecting { end }): Query<Disconnecting>,
    write: Write,
) -> Result<Response, Problem> {
    let command = write.command(&by, BodyDigest::none(), Change::Disconnect { end });
    Ok(answer::done(&api.propose_licensing(command).await?))
}
