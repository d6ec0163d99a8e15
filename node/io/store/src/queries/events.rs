//! The event log (REP-01).

use super::{Found, page::Select};
use crate::{
    effects::kind_name,
    view::{body, bound},
};
use plenary_access::{Event, EventQuery, ListQuery, Page};
use rusqlite::Connection;

/// Events that match, newest first unless asked otherwise.
pub fn events(db: &Connection, query: &EventQuery) -> Found<Page<Event>> {
    let mut select = Select {
        columns: "body",
        from: "events",
        keys: &[("id", "id"), ("at", "at")],
        id: "id",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    select.search("search", &query.list.search);
    if let Some(kind) = query.kind {
        select.filter("kind = ?", kind_name(kind));
    }
    if let Some(actor) = &query.actor {
        select.filter("actor = ?", actor.to_string());
    }
    if let Some(kind) = &query.object_kind {
        select.filter("object_kind = ?", kind.clone());
    }
    if let Some(from) = query.from {
        select.filter("at >= ?", bound(from));
    }
    if let Some(until) = query.until {
        select.filter("at < ?", bound(until));
    }
    let descending = query.list.descending || query.list.sort.is_none();
    select.page(
        db,
        &ListQuery {
            descending,
            ..query.list.clone()
        },
        |row| body(row, 0),
    )
}
