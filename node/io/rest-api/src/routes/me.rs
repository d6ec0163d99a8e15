use super::{
    OpenApiRouter, routes,
    session::{count_wrong_password, now},
};
use crate::{
    answer::{self, still_there},
    api::Api,
    auth::{Client, Signed},
    avatar::{self, AvatarBytes},
    backend::Applied,
    dto::{self, ChangePassword, Me, PasswordPolicy, ProfilePatch, rights_of},
    extract::{BodyDigest, Id, IfNoneMatch, Strict, Write},
    passwords::check_policy,
    problem::Problem,
};
use axum::{
    Json,
    extract::{Request, State},
    response::Response,
};
use plenary_access::{
    AdminRole, Change, Command, PasswordHash, Refusal, effective_bandwidth, effective_rights, lock_in_force,
};
use plenary_model::UserName;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_me, update_me))
        .routes(routes!(change_my_password))
        .routes(routes!(get_my_password_policy))
        .routes(routes!(list_my_sessions))
        .routes(routes!(end_my_session))
        .routes(routes!(get_my_avatar, put_my_avatar, delete_my_avatar))
}

/// The account `name` as its user sees it who comes from there.
pub(super) async fn me(api: &Api, name: UserName, from: &Client) -> Result<Me, Problem> {
    let row = api.backend().user(name.clone()).await?;
    let row = row.ok_or_else(Problem::not_signed_in)?;
    let groups = api.backend().groups_of(name).await?;
    let given = effective_rights(&groups);
    let rights = api.settings().await?.zones.narrow(&given, Some(from.address));
    let server = &api.options().server;
    Ok(Me {
        rights: rights_of(&rights),
        bandwidth_effective: effective_bandwidth(row.user.bandwidth, &groups).into(),
        administration: row.user.admin != AdminRole::None && api.is_open_to_administer(from).await?,
        user: dto::User::of(row, server),
        server: server.to_string(),
    })
}

/// The account that is signed in
#[utoipa::path(get, path = "/me", tag = "me", responses((status = 200, body = Me)))]
async fn get_me(State(api): State<Api>, by: Signed, known: IfNoneMatch) -> Result<Response, Problem> {
    let me = me(&api, by.name().clone(), &by.client).await?;
    let revision = me.user.revision.clone();
    Ok(answer::one(me, &revision, &known))
}

/// Change one's own profile
#[utoipa::path(patch, path = "/me", tag = "me", request_body = ProfilePatch, responses((status = 200, body = Me)))]
async fn update_me(
    State(api): State<Api>,
    by: Signed,
    write: Write,
    Strict { value, digest }: Strict<ProfilePatch>,
) -> Result<Response, Problem> {
    let patch = value.read()?;
    let expect = write.expect();
    let command = write.command(&by, digest, Change::UpdateOwnProfile { expect, patch });
    let applied = api.propose(command).await?;
    let me = me(&api, by.name().clone(), &by.client).await?;
    let revision = me.user.revision.clone();
    Ok(answer::changed(me, &revision, &applied))
}

/// Change one's own password; all other sessions end
#[utoipa::path(post, path = "/me/password", tag = "me", request_body = ChangePassword, responses((status = 204)))]
async fn change_my_password(
    State(api): State<Api>,
    by: Signed,
    write: Write,
    Strict { value, digest }: Strict<ChangePassword>,
) -> Result<Response, Problem> {
    check_policy("new", &value.new, &api.settings().await?.password)?;
    let attempt = api
        .sign_in_limits()
        .begin(by.client.address, by.name().as_str())?;
    api.backend().fresh().await?;
    let stored = api.backend().credentials(by.name().to_string()).await?;
    let (row, stored) = stored.map_or((None, None), |(row, hash)| (Some(row), hash));
    let passwords = &api.options().passwords;
    let right = passwords.verify(value.old, stored.clone()).await?;
    let locked = row
        .as_ref()
        .and_then(|row| lock_in_force(row.user.locked_until, now()));
    if let Some(until) = locked {
        return Err(Refusal::AccountLocked { until }.into());
    }
    if !right {
        if let Some(before) = done_before(&api, &by, &write, digest).await {
            attempt.succeeded();
            return Ok(before);
        }
        // A stolen session must not become a place to guess the password without end.
        let counted = match &row {
            Some(row) => count_wrong_password(&api, &by.client, row).await?,
            None => None,
        };
        return Err(counted.unwrap_or_else(|| Problem::field("old", "is not your password")));
    }
    attempt.succeeded();
    let password = passwords.hash(value.new).await?;
    let change = Change::ChangeOwnPassword {
        password,
        old: stored,
    };
    Ok(answer::done(
        &api.propose(write.command(&by, digest, change)).await?,
    ))
}

/// The answer to the first request with this idempotency key. It made the old password an old one, so that
/// a repetition cannot be checked again.
async fn done_before(api: &Api, by: &Signed, write: &Write, digest: BodyDigest) -> Option<Response> {
    // No account has this hash: the rules refuse the change, unless they remember that it was made.
    let nothing = PasswordHash(String::new());
    let change = Change::ChangeOwnPassword {
        password: nothing.clone(),
        old: Some(nothing),
    };
    let rehearsed = api
        .backend()
        .rehearse(write.command(by, digest, change))
        .await
        .ok()?;
    Some(answer::done(&Applied {
        index: api.backend().applied(),
        outcome: rehearsed.outcome,
    }))
}

/// What a new password must be like
#[utoipa::path(get, path = "/me/password-policy", tag = "me", responses((status = 200, body = PasswordPolicy)))]
async fn get_my_password_policy(State(api): State<Api>, _: Signed) -> Result<Json<PasswordPolicy>, Problem> {
    Ok(Json(api.settings().await?.password.clone().into()))
}

/// The devices that one is signed in on
#[utoipa::path(get, path = "/me/sessions", tag = "me", responses((status = 200, body = Vec<dto::Session>)))]
async fn list_my_sessions(State(api): State<Api>, by: Signed) -> Result<Json<Vec<dto::Session>>, Problem> {
    let sessions = super::session::sessions_of(&api, by.name().clone(), &by.session.id).await?;
    Ok(Json(sessions))
}

/// Sign out on another device
#[utoipa::path(delete, path = "/me/sessions/{id}", tag = "me",
    params(("id" = String, Path, description = "ID of the session", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn end_my_session(
    State(api): State<Api>,
    by: Signed,
    Id(id): Id<String>,
    write: Write,
) -> Result<Response, Problem> {
    let command = write.command(&by, BodyDigest::none(), Change::EndSession { id });
    Ok(answer::done(&api.propose(command).await?))
}

/// One's own picture
#[utoipa::path(get, path = "/me/avatar", tag = "me",
    responses((status = 200, content((AvatarBytes = "image/png"), (AvatarBytes = "image/jpeg"),
        (AvatarBytes = "image/webp")))))]
async fn get_my_avatar(State(api): State<Api>, by: Signed, known: IfNoneMatch) -> Result<Response, Problem> {
    avatar::serve(&api, by.name().clone(), &known).await
}

/// Change one's own picture
#[utoipa::path(put, path = "/me/avatar", tag = "me",
    request_body(content((AvatarBytes = "image/png"), (AvatarBytes = "image/jpeg"), (AvatarBytes = "image/webp"))),
    responses((status = 204)))]
async fn put_my_avatar(
    State(api): State<Api>,
    by: Signed,
    write: Write,
    request: Request,
) -> Result<Response, Problem> {
    let id = by.name().clone();
    avatar::store(&api, &by, &write, id, request).await
}

/// Remove one's own picture
#[utoipa::path(delete, path = "/me/avatar", tag = "me", responses((status = 204)))]
async fn delete_my_avatar(State(api): State<Api>, by: Signed, write: Write) -> Result<Response, Problem> {
    let change = Change::SetAvatar {
        id: by.name().clone(),
        avatar: None,
    };
    let command: Command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose(command).await?))
}

/// An account after a write.
pub(super) async fn user_after(api: &Api, id: UserName) -> Result<dto::User, Problem> {
    let row = still_there(api.backend().user(id.clone()).await?, "user", id.as_str())?;
    Ok(dto::User::of(row, &api.options().server))
}
