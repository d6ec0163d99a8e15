use super::{OpenApiRouter, routes};
use crate::{
    answer,
    api::Api,
    auth::{Client, Signed, token_hash},
    backend::Applied,
    dto::{self, Logos, ServerInfo, SignIn, SignedIn, Time, check_text},
    extract::{BodyDigest, Strict, Write},
    problem::{Code, Problem},
    request_id::random_text,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use plenary_access::{
    Change, Command, Device, Outcome, PasswordHash, Refusal, SignInMethod, UserRow, lock_in_force,
};
use plenary_model::{Timestamp, UserName, limits};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_server))
        .routes(routes!(sign_in, sign_out))
}

/// What anybody may know of the server
#[utoipa::path(get, path = "/server", tag = "session", security(()), responses((status = 200, body = ServerInfo)))]
async fn get_server(State(api): State<Api>, client: Client) -> Result<Json<ServerInfo>, Problem> {
    let settings = api.settings().await?;
    let page = api.backend().guest_page().await?;
    let options = api.options();
    let name = options.server.to_string();
    let title = match settings.front_page.title.as_str() {
        "" => name.clone(),
        title => title.to_owned(),
    };
    Ok(Json(ServerInfo {
        name,
        title,
        help: settings.front_page.help.clone(),
        contacts: settings.front_page.contacts.clone(),
        guide: settings.front_page.guide.clone(),
        administration: api.is_open_to_administer(&client).await?,
        logo: Logos::of(&page),
        documents: page.documents.into_iter().map(Into::into).collect(),
        version: options.version.clone(),
        languages: options.languages.clone(),
    }))
}

/// Sign in
#[utoipa::path(post, path = "/session", tag = "session", security(()), request_body = SignIn,
    responses((status = 201, body = SignedIn)))]
async fn sign_in(
    State(api): State<Api>,
    client: Client,
    Strict { value: request, .. }: Strict<SignIn>,
) -> Result<Response, Problem> {
    if api.options().is_draining() {
        let detail = "this node is being taken out of service; sign in on another node of the server";
        return Err(Problem::new(Code::Draining, detail));
    }
    let earliest_refusal = tokio::time::Instant::now() + api.options().failed_sign_in;
    let login = account_of(&request.login, &api);
    let attempt = api.sign_in_limits().begin(client.address, &login)?;
    let result = try_sign_in(&api, &client, &login, request).await;
    match &result {
        // How long a refusal takes says nothing about whether the account exists.
        Err(problem) if matches!(problem.code(), Code::WrongCredentials | Code::AccountLocked) => {
            tokio::time::sleep_until(earliest_refusal).await;
        }
        _ => attempt.succeeded(),
    }
    result
}

/// The login as accounts are looked up: without this server's name behind it, user names in their one form.
fn account_of(login: &str, api: &Api) -> String {
    let login = login.trim();
    let name = match login.rsplit_once('@') {
        Some((name, server)) if server.eq_ignore_ascii_case(api.options().server.as_str()) => name,
        _ => login,
    };
    let folded = name.parse::<UserName>();
    folded.map_or_else(|_| name.to_lowercase(), String::from)
}

async fn try_sign_in(api: &Api, client: &Client, login: &str, request: SignIn) -> Result<Response, Problem> {
    let label = request.device_label.unwrap_or_default();
    check_text("device_label", &label, 128)?;
    // A password that was changed or a lock that was set a moment ago on another node counts.
    api.backend().fresh().await?;
    // Where nobody signs in it is not told either whether a password is right.
    let zones = &api.settings().await?.zones;
    zones
        .check_sign_in(Some(client.address), SignInMethod::Password)
        .map_err(Refusal::from)?;
    let found = api.backend().credentials(login.to_owned()).await?;
    let (row, hash) = match found {
        Some((row, hash)) => (Some(row), hash),
        None => (None, None),
    };
    let passwords = &api.options().passwords;
    let right = request.password.chars().count() <= limits::PASSWORD
        && passwords.verify(request.password.clone(), hash.clone()).await?;
    // Right or wrong: a lock that told them apart would let strangers go on guessing.
    if let Some(until) = row
        .as_ref()
        .and_then(|row| lock_in_force(row.user.locked_until, now()))
    {
        return Err(Refusal::AccountLocked { until }.into());
    }
    let (Some(row), Some(hash), true) = (&row, hash, right) else {
        return Err(match row {
            Some(row) => count_wrong_password(api, client, &row)
                .await?
                .unwrap_or_else(|| Refusal::WrongCredentials.into()),
            None => Refusal::WrongCredentials.into(),
        });
    };
    if !row.user.active {
        return Err(Refusal::AccountDisabled.into());
    }
    // Hashes that cost less than this server's do now are made anew while the password is at hand.
    let stronger = if passwords.is_weak(&hash) {
        Some(passwords.hash(request.password).await?)
    } else {
        None
    };
    let device = Device {
        user_agent: client.user_agent.clone(),
        address: client.address.to_string(),
        label,
    };
    let (token, applied) = open_session(api, client, row, (hash, stronger), device).await?;
    let Outcome::SignedIn { expires_at } = applied.outcome else {
        return Err(Problem::internal(&UnexpectedOutcome));
    };
    let body = SignedIn {
        token,
        expires_at: Time(expires_at),
        user: super::me::me(api, row.user.id.clone(), client).await?,
    };
    Ok(answer::result(StatusCode::CREATED, body, applied.index))
}

async fn open_session(
    api: &Api,
    client: &Client,
    row: &UserRow,
    (password, stronger): (PasswordHash, Option<PasswordHash>),
    device: Device,
) -> Result<(String, Applied), Problem> {
    let token = format!("pln_{}", random_text::<32>());
    let command = Command {
        by: client.anonymous(),
        idempotency: None,
        change: Change::SignIn {
            user: row.user.id.clone(),
            password,
            stronger,
            session: random_text::<16>(),
            token: token_hash(&token),
            device,
        },
    };
    let applied = api.propose(command).await?;
    Ok((token, applied))
}

/// The store answered a command with the outcome of another.
#[derive(Debug, thiserror::Error)]
#[error("a command gave an outcome of another kind")]
pub(super) struct UnexpectedOutcome;

pub(super) fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// Counts a wrong password. Where that is refused otherwise than as a wrong one, says how: a lock that came meanwhile is
/// told to wrong passwords as it is to right ones, else many tries at once would find the right one behind the lock.
pub(super) async fn count_wrong_password(
    api: &Api,
    client: &Client,
    row: &UserRow,
) -> Result<Option<Problem>, Problem> {
    let command = Command {
        by: client.anonymous(),
        idempotency: None,
        change: Change::SignInFailed {
            user: row.user.id.clone(),
        },
    };
    let applied = api.propose(command).await?;
    if applied.outcome != (Outcome::SignInCounted { locked: true }) {
        return Ok(None);
    }
    let now_is = api.backend().user(row.user.id.clone()).await?;
    let until = now_is.and_then(|row| lock_in_force(row.user.locked_until, now()));
    Ok(until.map(|until| Refusal::AccountLocked { until }.into()))
}

/// Sign out
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)))]
async fn sign_out(State(api): State<Api>, by: Signed, write: Write) -> Result<Response, Problem> {
    let change = Change::EndSession {
        id: by.session.id.clone(),
    };
    let command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose(command).await?))
}

/// Sessions of a user, newest first.
pub(super) async fn sessions_of(
    api: &Api,
    user: UserName,
    current: &str,
) -> Result<Vec<dto::Session>, Problem> {
    let mut sessions = api.backend().sessions(user).await?;
    sessions.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
    let sessions = sessions.into_iter();
    Ok(sessions
        .map(|session| dto::Session::of(session, current))
        .collect())
}
