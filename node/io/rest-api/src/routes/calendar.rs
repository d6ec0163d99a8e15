//! Scheduled conferences for the calendars of those who come to them (CONF-16).

use super::{OpenApiRouter, conferences::stored, guests::at_door, routes};
use crate::{
    api::Api,
    auth::{Client, Signed},
    extract::Id,
    problem::Problem,
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use plenary_conference::Conference;
use plenary_model::Cid;
use plenary_schedule::ical::{self, Event, Organiser};
use utoipa::ToSchema;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_calendar))
        .routes(routes!(get_door_calendar))
}

/// A calendar with one event (RFC 5545).
#[derive(ToSchema)]
#[schema(value_type = String)]
#[allow(dead_code)] // Describes text that never takes this form.
struct CalendarText(String);

/// A scheduled conference as a file for calendars
#[utoipa::path(get, path = "/conferences/{cid}/calendar", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = CalendarText, content_type = "text/calendar")))]
async fn get_calendar(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let conference = stored(&api, &by, cid).await?;
    file(&api, &conference, &headers).await
}

/// The same for strangers, of conferences that let guests in
#[utoipa::path(get, path = "/conferences/{cid}/door/calendar", tag = "conferences", security(()),
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = CalendarText, content_type = "text/calendar")))]
async fn get_door_calendar(
    State(api): State<Api>,
    client: Client,
    Id(cid): Id<Cid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let conference = at_door(&api, &client, cid).await?;
    file(&api, &conference, &headers).await
}

async fn file(api: &Api, conference: &Conference, headers: &HeaderMap) -> Result<Response, Problem> {
    let cid = conference.cid.as_str();
    let timetable = conference
        .launch
        .schedule()
        .and_then(|plan| plan.timetable().ok());
    let timetable = timetable.ok_or_else(|| Problem::not_found("schedule", cid))?;
    let owner = api.backend().user(conference.owner.clone()).await?;
    let name = owner.map(|row| row.user.profile.display_name);
    let address = address(headers, conference.id().as_str());
    let description = match conference.description.is_empty() {
        true => address.clone(),
        false => format!("{}\n\n{address}", conference.description),
    };
    let event = Event {
        uid: &format!("{cid}.{}@{}", conference.created_at.0, api.options().server),
        // Seconds that it had existed for when it was changed, each that was begun: rises with what people change, from
        // the first second on.
        sequence: u32::try_from(
            conference
                .updated_at
                .since_ms(conference.created_at)
                .div_ceil(1_000),
        )
        .unwrap_or(u32::MAX >> 1)
        .min(u32::MAX >> 1),
        stamp: conference.updated_at,
        state: ical::State::Confirmed,
        summary: &conference.name,
        description: &description,
        location: &conference.settings.place,
        url: &address,
        organiser: name.as_deref().map(|name| Organiser { name, email: None }),
    };
    let text = ical::calendar(&timetable, &event);
    let mut response = text.into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/calendar; charset=utf-8; method=PUBLISH");
    headers.insert(header::CONTENT_TYPE, kind);
    let shown = HeaderValue::from_static("attachment; filename=\"conference.ics\"");
    headers.insert(header::CONTENT_DISPOSITION, shown);
    Ok(response)
}

/// The page of a conference, as who asks has found this server; nothing where that is no name of a host.
fn address(headers: &HeaderMap, cid: &str) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let Some(host) = host.filter(|host| !host.is_empty() && host.chars().all(is_host)) else {
        return String::new();
    };
    let is_here = ["localhost", "127.", "[::1]"]
        .iter()
        .any(|here| host.starts_with(here));
    let scheme = if is_here { "http" } else { "https" };
    let cid = crate::answer::percent_encode(cid);
    format!("{scheme}://{host}/m/{cid}")
}
