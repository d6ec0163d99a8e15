//! Conferences.

use super::{Found, page::Select};
use crate::{
    meetings::{RUN, run_of},
    view::{body, bound},
};
use plenary_access::{ListQuery, Page};
use plenary_conference::{Call, Conference, Run};
use plenary_model::{Cid, Timestamp, UserName};
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
        conditions: vec!["call = 0".into()],
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

/// The runs that conferences had last or have, of those that had any.
pub fn runs_of(db: &Connection, cids: &[Cid]) -> Found<Vec<Run>> {
    let mut statement = db.prepare_cached(&format!("SELECT {RUN} FROM runs WHERE cid = ?"))?;
    let mut runs = Vec::new();
    for cid in cids {
        runs.extend(statement.query_row([cid.as_str()], run_of).optional()?);
    }
    Ok(runs)
}

/// Conferences that begin by their schedule by `now`, the earliest first, at most so many.
pub fn due(db: &Connection, now: Timestamp, most: u32) -> Found<Vec<Conference>> {
    let query = "SELECT body FROM conferences WHERE next_start <= ? ORDER BY next_start, cid LIMIT ?";
    let mut statement = db.prepare_cached(query)?;
    let rows = statement.query_map((bound(now), most), |row| body(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One call.
pub fn call(db: &Connection, cid: &Cid) -> Found<Option<Call>> {
    Ok(db
        .prepare_cached("SELECT body FROM calls WHERE cid = ?")?
        .query_row([cid.as_str()], |row| body(row, 0))
        .optional()?)
}

/// Calls from and to a user, the newest first, at most so many.
pub fn calls(db: &Connection, user: &UserName, most: u32) -> Found<Vec<Call>> {
    let query =
        "SELECT body FROM calls WHERE caller = ?1 OR callee = ?1 ORDER BY began_at DESC, cid LIMIT ?2";
    let mut statement = db.prepare_cached(query)?;
    let rows = statement.query_map((user.as_str(), most), |row| body(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
