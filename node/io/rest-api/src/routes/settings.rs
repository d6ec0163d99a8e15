use super::{OpenApiRouter, routes};
use crate::{
    answer,
    api::Api,
    auth::{Admin, Reader},
    dto::{Settings, SettingsPatch},
    extract::{IfNoneMatch, Strict, Write},
    problem::Problem,
};
use axum::{extract::State, response::Response};
use plenary_access::{Change, Network};
use std::net::IpAddr;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_settings, update_settings))
}

/// The settings of the server
#[utoipa::path(get, path = "/settings", tag = "settings", responses((status = 200, body = Settings)))]
async fn get_settings(State(api): State<Api>, _: Reader, known: IfNoneMatch) -> Result<Response, Problem> {
    let settings = api.backend().settings().await?;
    let revision = settings.revision.to_string();
    Ok(answer::one(Settings::from(settings), &revision, &known))
}

/// Change settings, a whole section at a time
#[utoipa::path(patch, path = "/settings", tag = "settings", request_body = SettingsPatch,
    responses((status = 200, body = Settings)))]
async fn update_settings(
    State(api): State<Api>,
    Admin(by): Admin,
    write: Write,
    Strict { value, digest }: Strict<SettingsPatch>,
) -> Result<Response, Problem> {
    let patch = value.read()?;
    if let Some(access) = &patch.admin_access {
        keep_inside(&access.networks, by.client.address)?;
    }
    let change = Change::UpdateSettings {
        expect: write.expect(),
        patch,
    };
    let applied = api.propose(write.command(&by, digest, change)).await?;
    let settings = api.backend().settings().await?;
    let revision = settings.revision.to_string();
    Ok(answer::changed(Settings::from(settings), &revision, &applied))
}

/// Nobody locks oneself out.
fn keep_inside(networks: &[String], address: IpAddr) -> Result<(), Problem> {
    let mut networks = networks.iter().filter_map(|text| text.parse().ok());
    if networks.any(|network: Network| network.contains(address)) {
        return Ok(());
    }
    let reason = format!("must hold {address}, your own address: you would lock yourself out");
    Err(Problem::field("admin_access.networks", reason))
}
