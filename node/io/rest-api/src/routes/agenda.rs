//! When the own conferences take place (WEB-03).

use super::{OpenApiRouter, filter, routes};
use crate::{
    api::Api,
    auth::Signed,
    dto::{Agenda, AgendaEntry, PartnerInvitation, Time},
    extract::Query,
    problem::{Code, Problem},
};
use axum::{Json, extract::State};
use plenary_access::ListQuery;
use plenary_conference::{Conference, ConferenceQuery, Part};
use plenary_model::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::IntoParams;

/// The longest time that is looked at in one go.
const LONGEST_MS: u64 = 62 * 24 * 3_600_000;
/// Most entries of one answer.
const MOST: usize = 1_000;
/// What began this much earlier may still go on.
const BEFORE_MS: u64 = 24 * 3_600_000;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_my_agenda))
}

/// Which time.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AgendaTime {
    /// What ends later.
    #[param(example = "2030-01-01T00:00:00Z")]
    from: String,
    /// What begins earlier; at most 62 days after `from`.
    #[param(example = "2030-02-01T00:00:00Z")]
    until: String,
}

/// When one's own conferences take place, and those that name one
///
/// Each time of a weekly conference is an entry of its own; of conferences of other servers the next time is known alone. At most
/// 1,000 are given, the earliest ones.
#[utoipa::path(get, path = "/me/agenda", tag = "me", params(AgendaTime),
    responses((status = 200, body = Agenda)))]
async fn get_my_agenda(
    State(api): State<Api>,
    by: Signed,
    Query(query): Query<AgendaTime>,
) -> Result<Json<Agenda>, Problem> {
    let time = |field: &str, text: String| -> Result<Timestamp, Problem> {
        let read: Option<Time> = filter(field, Some(text))?;
        let missing = || {
            Problem::about(
                Code::BadQuery,
                field,
                "is empty; say a time like 2030-01-31T12:00:00Z",
            )
        };
        read.map(|time| time.0).ok_or_else(missing)
    };
    let (from, until) = (time("from", query.from)?, time("until", query.until)?);
    if until <= from || until.since_ms(from) > LONGEST_MS {
        let reason = "must be later than `from`, by 62 days at most";
        return Err(Problem::about(Code::BadQuery, "until", reason));
    }
    let mut found: BTreeMap<_, Conference> = BTreeMap::new();
    for part in [Part::Owner(by.name().clone()), Part::Named(by.name().clone())] {
        for conference in all_of(&api, part).await? {
            found.insert(conference.cid.clone(), conference);
        }
    }
    let mut entries: Vec<(Timestamp, AgendaEntry)> = Vec::new();
    for conference in found.values() {
        let earlier = Timestamp(from.0.saturating_sub(BEFORE_MS));
        let timetable = conference
            .launch
            .schedule()
            .and_then(|plan| plan.timetable().ok());
        let times = timetable.map(|table| table.occurrences_between(earlier, until, MOST));
        let goes_on = |end: Option<Timestamp>, start| end.unwrap_or(start) > from || start >= from;
        for one in times
            .into_iter()
            .flatten()
            .filter(|one| goes_on(one.end, one.start))
        {
            entries.push((one.start, AgendaEntry::of(conference, one, by.name())));
        }
    }
    for one in api.backend().partner_invitations(by.name().clone()).await? {
        let next = one.bidding.as_ref().and_then(|told| told.next);
        if let (Some(next), Some(invitation)) = (next, PartnerInvitation::of(one))
            && next.start < until
            && (next.end.unwrap_or(next.start) > from || next.start >= from)
        {
            entries.push((next.start, AgendaEntry::elsewhere(invitation, next)));
        }
    }
    entries.sort_by(|(one, a), (other, b)| (one, &a.cid).cmp(&(other, &b.cid)));
    let more = entries.len() > MOST;
    entries.truncate(MOST);
    Ok(Json(Agenda {
        items: entries.into_iter().map(|(_, entry)| entry).collect(),
        more,
    }))
}

async fn all_of(api: &Api, part: Part) -> Result<Vec<Conference>, Problem> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let query = ConferenceQuery {
            list: ListQuery {
                search: String::new(),
                sort: Some("cid".into()),
                descending: false,
                cursor,
                limit: 500,
            },
            stage: None,
            mode: None,
            access: None,
            owner: None,
            seen_by: None,
            part: Some(part.clone()),
        };
        let page = api.backend().conferences(query).await?;
        all.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}
