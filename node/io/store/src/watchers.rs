//! Rows of programs that watch conferences, and of people whom moderators removed.

use crate::{
    effects::run,
    meetings::{person_key, person_of, time, time_or_none, via_name, via_of},
    view::{name, number, sql},
};
use plenary_conference::{ParticipantId, Removed, Watcher};
use plenary_model::{Cid, NodeId};
use plenary_replication::AppError;
use rusqlite::{Connection, Row, params};

/// Columns of a watcher, in the order of [`watcher_of`].
pub(crate) const WATCHER: &str = "cid, id, user, name, node, epoch, since, removed_at";

pub(crate) fn watcher_of(row: &Row<'_>) -> rusqlite::Result<Watcher> {
    Ok(Watcher {
        cid: name(row, 0)?,
        id: ParticipantId(number(row, 1)?),
        user: name(row, 2)?,
        name: row.get(3)?,
        node: NodeId(number(row, 4)?),
        epoch: number(row, 5)?,
        since: time(row, 6)?,
        removed_at: time_or_none(row, 7)?,
    })
}

pub(crate) fn put(db: &Connection, watcher: &Watcher) -> Result<(), AppError> {
    run(
        db,
        &format!("INSERT OR REPLACE INTO watchers ({WATCHER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
        params![
            watcher.cid.as_str(),
            sql(watcher.id.0),
            watcher.user.as_str(),
            watcher.name,
            sql(watcher.node.0),
            sql(watcher.epoch),
            sql(watcher.since.0),
            watcher.removed_at.map(|at| sql(at.0))
        ],
    )
}

pub(crate) fn remove(db: &Connection, cid: &Cid, id: ParticipantId) -> Result<(), AppError> {
    run(
        db,
        "DELETE FROM watchers WHERE cid = ? AND id = ?",
        params![cid.as_str(), sql(id.0)],
    )
}

/// Those of other starts of a node than `but` watch no more; who was removed stays so.
pub(crate) fn end(db: &Connection, node: NodeId, but: u64) -> Result<(), AppError> {
    run(
        db,
        "DELETE FROM watchers WHERE node = ? AND epoch <> ? AND removed_at IS NULL",
        [sql(node.0), sql(but)],
    )
}

pub(crate) fn forget_removed(db: &Connection, cid: &Cid) -> Result<(), AppError> {
    run(
        db,
        "DELETE FROM watchers WHERE cid = ? AND removed_at IS NOT NULL",
        [cid.as_str()],
    )?;
    run(db, "DELETE FROM removed WHERE cid = ?", [cid.as_str()])
}

/// Columns of who was removed, in the order of [`removed_of`].
pub(crate) const REMOVED: &str = "cid, id, person, name, via, source, at";

pub(crate) fn removed_of(row: &Row<'_>) -> rusqlite::Result<Removed> {
    Ok(Removed {
        cid: name(row, 0)?,
        id: ParticipantId(number(row, 1)?),
        person: person_of(row, 2)?,
        name: row.get(3)?,
        via: via_of(row.get_ref(4)?.as_str()?),
        source: row.get(5)?,
        at: time(row, 6)?,
    })
}

pub(crate) fn put_removed(db: &Connection, one: &Removed) -> Result<(), AppError> {
    run(
        db,
        &format!("INSERT OR REPLACE INTO removed ({REMOVED}) VALUES (?, ?, ?, ?, ?, ?, ?)"),
        params![
            one.cid.as_str(),
            sql(one.id.0),
            person_key(&one.person),
            one.name,
            via_name(one.via),
            one.source,
            sql(one.at.0)
        ],
    )
}

pub(crate) fn let_back(db: &Connection, cid: &Cid, id: ParticipantId) -> Result<(), AppError> {
    run(
        db,
        "DELETE FROM removed WHERE cid = ? AND id = ?",
        params![cid.as_str(), sql(id.0)],
    )
}
