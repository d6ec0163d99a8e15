//! Who has registered for conferences.

use super::{Found, page::Select};
use crate::view::{StoreView, body, number};
use plenary_access::{ListQuery, Page};
use plenary_conference::{GuestId, Registrant, RegistrationView as _};
use plenary_model::Cid;
use rusqlite::Connection;

/// How many have registered for a conference, and how many of them came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Registered {
    pub registered: u64,
    pub came: u64,
}

/// Those of a conference that match.
pub fn registrants(db: &Connection, cid: &Cid, list: &ListQuery) -> Found<Page<Registrant>> {
    let mut select = Select {
        columns: "body",
        from: "registrants",
        keys: &[
            ("registered_at", "registered_at"),
            ("name", "name"),
            ("came", "came"),
        ],
        id: "id",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    select.filter("cid = ?", cid.as_str().to_owned());
    select.search("search", &list.search);
    select.page(db, list, |row| body(row, 0))
}

/// One registrant, of whatever conference.
pub fn registrant(db: &Connection, id: &GuestId) -> Found<Option<Registrant>> {
    let view = StoreView::new(db);
    let found = view.registrant(id);
    view.finish()?;
    Ok(found)
}

/// Counts of a conference.
pub fn registered(db: &Connection, cid: &Cid) -> Found<Registered> {
    let query = "SELECT count(*), coalesce(sum(came), 0) FROM registrants WHERE cid = ?";
    Ok(db.prepare_cached(query)?.query_row([cid.as_str()], |row| {
        Ok(Registered {
            registered: number(row, 0)?,
            came: number(row, 1)?,
        })
    })?)
}
