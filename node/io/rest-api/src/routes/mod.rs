//! The calls, one file for each kind of object.

mod agenda;
mod aliases;
mod border;
mod calendar;
mod calls;
mod chat;
mod cluster;
mod conferences;
mod contacts;
mod directory;
mod events;
mod federation;
mod groups;
mod guest_page;
mod guests;
mod history;
mod invitations;
mod licence;
mod license_manager;
mod me;
mod moderation;
mod partners;
mod registrations;
mod seats;
mod session;
mod settings;
mod templates;
mod user_acts;
mod user_csv;
mod users;

use crate::{
    api::Api,
    problem::{Code, Problem},
};
use plenary_access::ListQuery;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All calls, without `/api/v1` before them.
pub(crate) fn all() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(session::calls())
        .merge(me::calls())
        .merge(contacts::calls())
        .merge(users::calls())
        .merge(user_acts::calls())
        .merge(user_csv::calls())
        .merge(groups::calls())
        .merge(aliases::calls())
        .merge(conferences::calls())
        .merge(agenda::calls())
        .merge(calendar::calls())
        .merge(calls::calls())
        .merge(chat::calls())
        .merge(guests::calls())
        .merge(registrations::calls())
        .merge(history::calls())
        .merge(invitations::calls())
        .merge(moderation::calls())
        .merge(templates::calls())
        .merge(settings::calls())
        .merge(guest_page::calls())
        .merge(federation::calls())
        .merge(partners::calls())
        .merge(directory::calls())
        .merge(licence::calls())
        .merge(license_manager::calls())
        .merge(seats::calls())
        .merge(events::calls())
        .merge(cluster::calls())
        .merge(border::calls())
}

/// Longest text to search for.
const SEARCH: usize = 256;

/// Reads what all lists have in common; `sorts` are the names that can be sorted by.
fn list_query(
    search: Option<String>,
    sort: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
    sorts: &[&str],
) -> Result<ListQuery, Problem> {
    let bad = |field: &str, reason: String| Problem::about(Code::BadQuery, field, reason);
    let limit = limit.unwrap_or(50);
    if !(1..=plenary_model::limits::PAGE).contains(&limit) {
        let reason = format!("must be 1 to {}", plenary_model::limits::PAGE);
        return Err(bad("limit", reason));
    }
    let search = search.unwrap_or_default();
    if search.chars().count() > SEARCH {
        return Err(bad("search", format!("is too long; at most {SEARCH} characters")));
    }
    let descending = sort.as_ref().is_some_and(|sort| sort.starts_with('-'));
    let sort = sort.map(|sort| sort.strip_prefix('-').unwrap_or(&sort).to_owned());
    let sort = sort.filter(|sort| !sort.is_empty());
    if let Some(name) = &sort
        && !sorts.contains(&name.as_str())
    {
        let reason = format!(
            "must be one of {}, with - before it to turn it round",
            sorts.join(", ")
        );
        return Err(bad("sort", reason));
    }
    Ok(ListQuery {
        search,
        sort,
        descending,
        cursor: cursor.filter(|cursor| !cursor.is_empty()),
        limit,
    })
}

/// Reads a filter of a list; an empty one is none.
fn filter<T>(field: &str, text: Option<String>) -> Result<Option<T>, Problem>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = text.filter(|text| !text.is_empty());
    let read = |text: String| {
        text.parse()
            .map_err(|error: T::Err| Problem::about(Code::BadQuery, field, error.to_string()))
    };
    text.map(read).transpose()
}
