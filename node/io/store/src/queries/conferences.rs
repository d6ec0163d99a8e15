//! Conferences.

use super::{Found, page::Select};
use crate::{
    meetings::{RUN, run_of},
    schema::mode_name,
    view::{StoreView, body, bound},
};
use plenary_access::Page;
use plenary_conference::{
    Access, Call, Conference, ConferenceQuery, How, MeetingView as _, Part, Run, Stage,
};
use plenary_model::{Cid, ServerName, Timestamp, UserName};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::BTreeSet;

/// Whether people meet in it, or it is open.
const IS_ON: &str = "EXISTS (SELECT 1 FROM runs r WHERE r.cid = conferences.cid
     AND (r.participants > 0 OR r.opened_at IS NOT NULL))";

/// Those that are on first, then those that begin next, then the others by name.
const BY_STAGE: &str = "(CASE WHEN EXISTS (SELECT 1 FROM runs r WHERE r.cid = conferences.cid
     AND (r.participants > 0 OR r.opened_at IS NOT NULL)) THEN '0'
     WHEN next_start IS NOT NULL THEN printf('1%016d', next_start) ELSE '2' END || name)";

/// Conferences that match.
pub fn conferences(db: &Connection, query: &ConferenceQuery) -> Found<Page<Conference>> {
    let mut select = Select {
        columns: "body",
        from: "conferences",
        keys: &[
            ("name", "name"),
            ("cid", "id"),
            ("owner", "owner"),
            ("created_at", "created_at"),
            ("updated_at", "updated_at"),
            ("stage", BY_STAGE),
        ],
        id: "cid",
        conditions: vec!["call = 0".into()],
        values: Vec::new(),
    };
    select.search("search", &query.list.search);
    let stage = |stage| match stage {
        Stage::Now => IS_ON.to_owned(),
        Stage::Planned => format!("next_start IS NOT NULL AND NOT {IS_ON}"),
        Stage::Past => format!("scheduled = 1 AND next_start IS NULL AND NOT {IS_ON}"),
        Stage::Unscheduled => format!("scheduled = 0 AND NOT {IS_ON}"),
    };
    select.conditions.extend(query.stage.map(stage));
    if let Some(mode) = query.mode {
        select.filter("mode = ?", mode_name(mode).to_owned());
    }
    if let Some(access) = query.access {
        select.filter("public = ?", i64::from(access == Access::Public));
    }
    if let Some(owner) = &query.owner {
        select.filter("owner = ?", owner.to_string());
    }
    if let Some(user) = &query.seen_by {
        let concerned = "(uninvited = 1 OR ? IN (SELECT conferences.owner UNION ALL
             SELECT p.user FROM conference_people p WHERE p.cid = conferences.cid))";
        select.filter(concerned, user.to_string());
    }
    match &query.part {
        None => {}
        Some(Part::Owner(user)) => select.filter("owner = ?", user.to_string()),
        Some(Part::Named(user)) => {
            let named = "cid IN (SELECT p.cid FROM conference_people p WHERE p.user = ?)";
            select.filter(named, user.to_string());
        }
    }
    select.page(db, &query.list, |row| body(row, 0))
}

/// The conference that people find by this ID.
pub fn conference_called(db: &Connection, id: &Cid) -> Found<Option<Conference>> {
    Ok(db
        .prepare_cached("SELECT body FROM conferences WHERE id = ?")?
        .query_row([id.as_str()], |row| body(row, 0))
        .optional()?)
}

/// The conference with this key.
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
    let query = "SELECT body FROM calls WHERE (caller = ?1 AND room IS NULL) OR callee = ?1 ORDER BY began_at DESC, cid LIMIT ?2";
    let mut statement = db.prepare_cached(query)?;
    let rows = statement.query_map((user.as_str(), most), |row| body(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Calls to people of partners' servers that ring there.
pub fn rings_away(db: &Connection) -> Found<Vec<Call>> {
    let query =
        "SELECT body FROM calls WHERE answered = 0 AND over = 0 AND instr(callee, '@') > 0 ORDER BY began_at";
    let mut statement = db.prepare_cached(query)?;
    let rows = statement.query_map([], |row| body(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a user is in a call of two that somebody of a partner's server made.
pub fn is_called_away(db: &Connection, user: &UserName) -> Found<bool> {
    let view = StoreView::new(db);
    let calls = view.calls_from_away(user);
    view.finish()?;
    Ok(calls
        .iter()
        .any(|call| call.is_of_two() && call.answered_at.is_some()))
}

/// The call from a partner's server by which a user is called into this room of it, or was and is in it.
pub fn call_from_away(
    db: &Connection,
    user: &UserName,
    server: &ServerName,
    room: &Cid,
) -> Found<Option<Call>> {
    let view = StoreView::new(db);
    let found = view.calls_from_away(user).into_iter().find(|call| {
        let enter = call.away.as_ref().and_then(|away| away.enter.as_ref());
        call.caller.server() == Some(server) && enter == Some(room)
    });
    view.finish()?;
    Ok(found)
}

/// Most calls into one run that are looked through.
const RINGS: u32 = 4_000;

/// How those were called into a conference from `since` on who did not come: of each the last time; those whom it rings
/// at first, then the newest, at most so many. With the names of those who were called.
pub fn rings(db: &Connection, cid: &Cid, since: Timestamp, most: usize) -> Found<Vec<(Call, String)>> {
    let query = "SELECT body FROM calls WHERE room = ?1 AND began_at >= ?2 AND NOT EXISTS
             (SELECT 1 FROM participants p WHERE p.cid = ?1
                  AND p.person = CASE instr(callee, '@') WHEN 0 THEN 'account:' ELSE 'federated:' END || callee)
             ORDER BY began_at DESC, cid DESC LIMIT ?3";
    let mut statement = db.prepare_cached(query)?;
    let rows = statement.query_map((cid.as_str(), bound(since), RINGS), |row| body(row, 0))?;
    let mut known = BTreeSet::new();
    let mut last = Vec::new();
    for call in rows {
        let call: Call = call?;
        if known.insert(call.callee.clone()) && call.over.is_none_or(|over| over.how != How::Joined) {
            last.push(call);
        }
    }
    last.sort_by_key(|call| !call.is_open());
    last.truncate(most);
    let view = StoreView::new(db);
    let named = last.into_iter().map(|call| {
        let own = call.callee.here().and_then(|user| view.account(user));
        let own = own.map(|account| account.display_name);
        let away = call.away.as_ref().map(|away| away.name.clone());
        let name = own.or(away).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| call.callee.to_string());
        (call, name)
    });
    let named = named.collect();
    view.finish()?;
    Ok(named)
}
