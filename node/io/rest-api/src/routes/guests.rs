//! What strangers may ask: whether a conference lets guests in, and to be one (AUTH-08).

use super::{OpenApiRouter, registrations::personal_link, routes, session::UnexpectedOutcome};
use crate::{
    answer,
    api::Api,
    auth::{Client, token_hash},
    dto::{
        AgreedDocument, ConferenceMeeting, Door, DoorRegistration, ForgottenGuest, Guest, NewGuest, Time,
        launch_of,
    },
    extract::{Id, Strict},
    problem::{Code, Problem},
    request_id::{random_bytes, random_text},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use plenary_access::{Outcome, TokenHash};
use plenary_conference::{Change, Command, Conference, GuestId, Visitor, Way, door};
use plenary_model::Cid;
use std::net::IpAddr;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_door))
        .routes(routes!(enter_as_guest))
        .routes(routes!(forget_guest))
}

/// Whether a conference lets guests in
///
/// Conferences that do not, and those that do not exist, are not told apart.
#[utoipa::path(get, path = "/conferences/{cid}/door", tag = "conferences", security(()),
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = Door)))]
async fn get_door(State(api): State<Api>, client: Client, Id(cid): Id<Cid>) -> Result<Json<Door>, Problem> {
    let conference = at_door(&api, &client, cid).await?;
    let runs = api.backend().runs(vec![conference.cid.clone()]).await?;
    let counts = api.backend().registered(conference.cid.clone()).await?;
    let settings = api.settings().await?;
    let state = conference.registration_state(runs.first(), counts.registered, api.backend().now());
    Ok(Json(Door {
        launch: launch_of(&conference.launch),
        next: conference.next.map(Into::into),
        open: ConferenceMeeting::of(&conference, runs.first()).open,
        rights: conference.settings.guests.into(),
        registration: state.and_then(|state| DoorRegistration::of(&conference, state)),
        cid: conference.id().to_string(),
        name: conference.name,
        description: conference.description,
        place: conference.settings.place,
        guests: settings.zones.of(Some(client.address)).guests,
    }))
}

/// A conference that lets guests in, for a stranger who looks at its door.
pub(super) async fn at_door(api: &Api, client: &Client, cid: Cid) -> Result<Conference, Problem> {
    api.stranger_limits().door(client.address)?;
    let found = api.backend().conference(cid.clone()).await?;
    let open = found.filter(is_open_for_guests);
    let conference = open.ok_or_else(|| Problem::not_found("conference", cid.as_str()))?;
    api.stranger_limits().found(client.address);
    Ok(conference)
}

pub(super) fn is_open_for_guests(conference: &Conference) -> bool {
    door(conference, Visitor::Guest(None), Way::Browser).is_ok()
}

/// The key of the conference that a stranger found by an ID; only so many of them cost a question to the leader.
pub(super) async fn key_for_stranger(api: &Api, client: &Client, id: Cid) -> Result<Cid, Problem> {
    let mut found = api.backend().conference(id.clone()).await?;
    if found.is_none() && api.may_ask_leader(client.address) {
        api.backend().fresh().await?;
        found = api.backend().conference(id.clone()).await?;
    }
    let found = found.ok_or_else(|| Problem::not_found("conference", id.as_str()))?;
    Ok(found.cid)
}

/// Whose wrong PINs count together: an address, or the network of a site with IPv6, whose machines have as many as
/// they like.
pub(super) fn source(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("address:{address}"),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("address:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Come to a conference as a guest
///
/// The token that is given opens the signalling connection for this conference for 12 hours. The key brings the guest back
/// to who they were for 30 days after the last visit: it is for whoever asks here, and for nobody else. `agreed` names the
/// versions of the server's documents; with the token or key of before, or a personal link, those that were agreed to then
/// count.
#[utoipa::path(post, path = "/conferences/{cid}/guests", tag = "conferences", security(()),
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    request_body = NewGuest, responses((status = 201, body = Guest)))]
async fn enter_as_guest(
    State(api): State<Api>,
    client: Client,
    Id(cid): Id<Cid>,
    Strict { value: new, .. }: Strict<NewGuest>,
) -> Result<Response, Problem> {
    if api.options().is_draining() {
        let detail = "this node is being taken out of service; come in by another node of the server";
        return Err(Problem::new(Code::Draining, detail));
    }
    api.stranger_limits().guest(client.address)?;
    let cid = key_for_stranger(&api, &client, cid).await?;
    let name = new.read_name()?;
    let link = new.link.as_deref().map(personal_link).transpose()?;
    let token = format!("plg_{}", random_text::<32>());
    let key = format!("plk_{}", random_text::<32>());
    let agreed = AgreedDocument::read_all(&new.agreed)?;
    let enter = |returning: Option<TokenHash>, next: Option<TokenHash>| Command {
        by: client.by_server(),
        idempotency: None,
        change: Change::GuestEnter {
            cid: cid.clone(),
            guest: GuestId::of_random(random_bytes()),
            name: name.clone(),
            link: link.clone(),
            agreed: agreed.clone(),
            token: token_hash(&token),
            before: new.token.as_deref().map(token_hash),
            source: Some(source(client.address)),
            returning,
            key: next,
        },
    };
    let returning = new.key.as_deref().map(token_hash);
    let with_key = enter(returning, Some(token_hash(&key)));
    let applied = match api.propose_conference(with_key).await {
        // Not every node knows keys yet: guests come as they did before.
        Err(problem) if problem.code() == Code::Conflict => api.propose_conference(enter(None, None)).await?,
        answered => answered?,
    };
    let Outcome::GuestEntered {
        guest,
        expires_at,
        kept_until,
        new_key,
    } = applied.outcome
    else {
        return Err(Problem::internal(&UnexpectedOutcome));
    };
    // Who has registered is called as they said there, also by the token of before.
    let registrant = api.backend().registrant(guest.clone()).await?;
    let name = registrant.map_or(name, |registrant| registrant.details.name);
    let body = Guest {
        token,
        guest: guest.into(),
        name,
        expires_at: Time(expires_at),
        key: new_key.then_some(key),
        kept_until: kept_until.map(Time),
    };
    Ok(answer::result(StatusCode::CREATED, body, applied.index))
}

/// Be somebody else from now on
///
/// Neither the key nor the token of the guest brings them back. Places that they have in a meeting stay.
#[utoipa::path(post, path = "/conferences/{cid}/guests/forgotten", tag = "conferences", security(()),
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    request_body = ForgottenGuest, responses((status = 204)))]
async fn forget_guest(
    State(api): State<Api>,
    client: Client,
    Id(cid): Id<Cid>,
    Strict { value: forgotten, .. }: Strict<ForgottenGuest>,
) -> Result<Response, Problem> {
    api.stranger_limits().guest(client.address)?;
    let cid = key_for_stranger(&api, &client, cid).await?;
    let command = Command {
        by: client.by_server(),
        idempotency: None,
        change: Change::ForgetGuest {
            cid,
            key: token_hash(&forgotten.key),
        },
    };
    Ok(answer::done(&api.propose_conference(command).await?))
}
