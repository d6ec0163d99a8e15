//! Conferences.

use super::{Found, page::Select};
use crate::view::body;
use plenary_access::{ListQuery, Page};
use plenary_conference::Conference;
use plenary_model::Cid;
use rusqlite::{Connection, OptionalExtension as _};

/// Conferences that match.
pub fn conferences(db: &Connection, list: &ListQuery) -> Found<Page<Conference>> {
    let mut select = Select {
        columns: "body",
        from: "conferences",
        keys: &[
            ("name", "name"),
            ("cid", "cid"),
            ("owner", "owner"),
            ("created_at", "created_at"),
            ("updated_at", "updated_at"),
        ],
        id: "cid",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    select.search("search", &list.search);
    select.page(db, list, |row| body(row, 0))
}

/// One conference.
pub fn conference(db: &Connection, cid: &Cid) -> Found<Option<Conference>> {
    Ok(db
        .prepare_cached("SELECT body FROM conferences WHERE cid = ?")?
        .query_row([cid.as_str()], |row| body(row, 0))
        .optional()?)
}
