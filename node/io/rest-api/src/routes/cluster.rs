use super::{OpenApiRouter, routes};
use crate::{
    api::Api,
    auth::{Admin, Reader},
    dto::{Cluster, Drain, HandOver, Invitation, NewInvitation, Time, parse},
    extract::{Id, Strict},
    problem::{Code, Problem},
};
use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt as _;
use plenary_model::NodeName;
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_cluster))
        .routes(routes!(create_invitation))
        .routes(routes!(drain_node))
        .routes(routes!(promote_node))
        .routes(routes!(hand_over_leadership))
        .routes(routes!(remove_node))
        .routes(routes!(create_backup))
}

/// The nodes of the server, how they are, and what needs a person
#[utoipa::path(get, path = "/cluster", tag = "cluster", responses((status = 200, body = Cluster)))]
async fn get_cluster(State(api): State<Api>, _: Reader) -> Result<Json<Cluster>, Problem> {
    Ok(Json(api.backend().cluster().await?.into()))
}

/// How long an invitation lasts if nobody says.
const INVITATION_S: u64 = 3600;

/// Make a one-time token for a node to join with
#[utoipa::path(post, path = "/cluster/invitations", tag = "cluster", request_body = NewInvitation,
    responses((status = 201, body = Invitation)))]
async fn create_invitation(
    State(api): State<Api>,
    Admin(by): Admin,
    Strict { value, .. }: Strict<NewInvitation>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let ttl_s = value.ttl_s.unwrap_or(INVITATION_S);
    if !(60..=604_800).contains(&ttl_s) {
        return Err(Problem::field(
            "ttl_s",
            "must be 60 to 604800 seconds: a minute to a week",
        ));
    }
    let (token, expires_at) = api.backend().invite(by.actor(), ttl_s).await?;
    let invitation = Invitation {
        token,
        expires_at: Time(expires_at),
    };
    Ok((StatusCode::CREATED, Json(invitation)))
}

/// Take a node out of service, or put it back
#[utoipa::path(post, path = "/cluster/nodes/{name}/drain", tag = "cluster",
    params(("name" = String, Path, description = "Name of the node", min_length = 1, max_length = 63)),
    request_body = Drain, responses((status = 204)))]
async fn drain_node(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(node): Id<NodeName>,
    Strict { value, .. }: Strict<Drain>,
) -> Result<StatusCode, Problem> {
    api.backend().drain(by.actor(), node, value.drain).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a learner a voter
#[utoipa::path(post, path = "/cluster/nodes/{name}/promote", tag = "cluster",
    params(("name" = String, Path, description = "Name of the node", min_length = 1, max_length = 63)),
    responses((status = 204)))]
async fn promote_node(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(node): Id<NodeName>,
) -> Result<StatusCode, Problem> {
    api.backend().promote(by.actor(), node).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hand leadership over to a node
#[utoipa::path(post, path = "/cluster/leader", tag = "cluster", request_body = HandOver,
    responses((status = 204)))]
async fn hand_over_leadership(
    State(api): State<Api>,
    Admin(by): Admin,
    Strict { value, .. }: Strict<HandOver>,
) -> Result<StatusCode, Problem> {
    let node = parse("name", &value.name)?;
    api.backend().hand_over(by.actor(), node).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a node for good
#[utoipa::path(delete, path = "/cluster/nodes/{name}", tag = "cluster",
    params(("name" = String, Path, description = "Name of the node", min_length = 1, max_length = 63)),
    responses((status = 204)))]
async fn remove_node(
    State(api): State<Api>,
    Admin(by): Admin,
    Id(node): Id<NodeName>,
) -> Result<StatusCode, Problem> {
    api.backend().remove_node(by.actor(), node).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A backup file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code)] // Describes bytes that never take this form.
struct BackupBytes(Vec<u8>);

/// A consistent copy of everything that the server keeps
#[utoipa::path(get, path = "/backup", tag = "cluster",
    responses((status = 200, body = BackupBytes, content_type = "application/vnd.plenary.backup")))]
async fn create_backup(State(api): State<Api>, _: Admin) -> Result<Response, Problem> {
    let Some(place) = api.backup_place() else {
        let detail = "other backups are being made; try again when they are done";
        return Err(Problem::new(Code::Busy, detail));
    };
    let path = api.backend().backup().await?;
    let opened = tokio::fs::File::open(&path).await;
    // The open file stays readable without its name, and is gone however the transfer ends.
    let removed = tokio::fs::remove_file(&path).await;
    let (file, ()) = opened
        .and_then(|file| removed.map(|()| (file, ())))
        .map_err(|error| Problem::internal(&error))?;
    let metadata = file.metadata().await.map_err(|error| Problem::internal(&error))?;
    let name = format!("{}.plenary-backup", api.options().server);
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .expect("server names are ASCII letters, digits, dots and hyphens");
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/vnd.plenary.backup"),
        ),
        (header::CONTENT_LENGTH, HeaderValue::from(metadata.len())),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    let bytes = ReaderStream::with_capacity(file, 64 << 10).inspect(move |_| {
        // Free again when the stream is gone.
        let _held = &place;
    });
    Ok((headers, Body::from_stream(bytes)).into_response())
}
