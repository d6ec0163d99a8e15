use super::{OpenApiRouter, filter, list_query, routes};
use crate::{
    api::Api,
    auth::Reader,
    csv_file::{self, CsvText},
    dto::{Event, EventKind, Page, Time},
    extract::Query,
    problem::{Code, Problem},
};
use axum::{Json, extract::State, response::Response};
use plenary_access::EventQuery;
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_events))
        .routes(routes!(export_events))
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct EventFilter {
    /// Parts of what stands in the event, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    kind: Option<EventKind>,
    /// ID of the user who did it.
    actor: Option<String>,
    /// `user`, `group`, `alias`, `settings`, `node` and the like.
    #[param(max_length = 64)]
    object_kind: Option<String>,
    /// Not before this time.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Before this time.
    #[param(format = DateTime)]
    until: Option<String>,
    /// `id`, the newest last; `-id`, the newest first, is what comes without.
    #[param(pattern = "^-?id$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

impl EventFilter {
    fn read(self) -> Result<EventQuery, Problem> {
        let object_kind = self.object_kind.filter(|kind| !kind.is_empty());
        if object_kind.as_ref().is_some_and(|kind| kind.chars().count() > 64) {
            return Err(Problem::about(
                Code::BadQuery,
                "object_kind",
                "is too long; at most 64 characters",
            ));
        }
        Ok(EventQuery {
            list: list_query(self.search, self.sort, self.cursor, self.limit, &["id"])?,
            kind: self.kind.map(Into::into),
            actor: filter("actor", self.actor)?,
            object_kind,
            from: filter::<Time>("from", self.from)?.map(|time| time.0),
            until: filter::<Time>("until", self.until)?.map(|time| time.0),
        })
    }
}

/// What happened, newest first
#[utoipa::path(get, path = "/events", tag = "events", params(EventFilter),
    responses((status = 200, body = Page<Event>)))]
async fn list_events(
    State(api): State<Api>,
    _: Reader,
    Query(query): Query<EventFilter>,
) -> Result<Json<Page<Event>>, Problem> {
    let page = api.backend().events(query.read()?).await?;
    Ok(Json(Page::of(page, Event::from)))
}

const COLUMNS: &[&str] = &[
    "id",
    "at",
    "kind",
    "success",
    "actor",
    "address",
    "user_agent",
    "object_kind",
    "object",
    "description",
    "changes",
];

/// All events that match, as CSV
#[utoipa::path(get, path = "/events.csv", tag = "events", params(EventFilter),
    responses((status = 200, body = CsvText, content_type = "text/csv")))]
async fn export_events(
    State(api): State<Api>,
    _: Reader,
    Query(query): Query<EventFilter>,
) -> Result<Response, Problem> {
    let query = query.read()?;
    let backend = api.shared_backend();
    let pages = csv_file::pages(move |cursor| {
        let (backend, mut query) = (backend.clone(), query.clone());
        query.list.limit = plenary_model::limits::PAGE;
        query.list.cursor = cursor;
        async move {
            let page = backend.events(query).await?;
            let rows = page.items.into_iter().map(|event| row(event.into())).collect();
            Ok((rows, page.next))
        }
    });
    Ok(csv_file::response("events.csv", COLUMNS, pages))
}

fn row(event: Event) -> Vec<String> {
    let kind = serde_json::to_value(event.kind).unwrap_or_default();
    let changes = event.changes.iter().map(|change| {
        let text =
            |value: &Option<serde_json::Value>| value.as_ref().map_or_else(String::new, ToString::to_string);
        format!(
            "{}: {} -> {}",
            change.field,
            text(&change.before),
            text(&change.after)
        )
    });
    vec![
        event.id,
        event.at.to_string(),
        kind.as_str().unwrap_or_default().to_owned(),
        event.success.to_string(),
        event.actor.unwrap_or_default(),
        event.address,
        event.user_agent,
        event.object_kind,
        event.object,
        event.description,
        changes.collect::<Vec<_>>().join("\n"),
    ]
}
