//! Programs that watch conferences.

use super::Found;
use crate::{
    view::sql,
    watchers::{REMOVED, WATCHER, removed_of, watcher_of},
};
use plenary_conference::{ParticipantId, Removed, ShutOut, Watcher};
use plenary_model::{Cid, NodeId};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;

/// The programs that watch a conference, those that came first before others; without those that were removed.
pub fn watchers(db: &Connection, cid: &Cid) -> Found<Vec<Watcher>> {
    let query =
        format!("SELECT {WATCHER} FROM watchers WHERE cid = ? AND removed_at IS NULL ORDER BY since, id");
    let mut query = db.prepare_cached(&query)?;
    let rows = query.query_map([cid.as_str()], watcher_of)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The same with the names of their nodes.
pub fn named_watchers(db: &Connection, cid: &Cid) -> Found<Vec<(Watcher, String)>> {
    let all = watchers(db, cid)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let nodes: BTreeMap<NodeId, String> = super::nodes(db)?
        .into_iter()
        .map(|row| (row.id, row.name.to_string()))
        .collect();
    let named = all.into_iter().map(|one| {
        let node = nodes.get(&one.node).cloned().unwrap_or_default();
        (one, node)
    });
    Ok(named.collect())
}

/// Whether a program watches and was not removed.
pub fn is_watching(db: &Connection, cid: &Cid, id: ParticipantId) -> Found<bool> {
    let query = "SELECT 1 FROM watchers WHERE cid = ? AND id = ? AND removed_at IS NULL";
    let params = params![cid.as_str(), sql(id.0)];
    let found = db.prepare_cached(query)?.query_row(params, |_| Ok(()));
    Ok(found.optional()?.is_some())
}

/// Those whose connections one start of a node holds, ordered by conference and ID.
pub fn watchers_of_node(db: &Connection, node: NodeId, epoch: u64) -> Found<Vec<Watcher>> {
    let query = format!(
        "SELECT {WATCHER} FROM watchers WHERE node = ? AND epoch = ? AND removed_at IS NULL ORDER BY cid, id"
    );
    let mut query = db.prepare_cached(&query)?;
    let rows = query.query_map([sql(node.0), sql(epoch)], watcher_of)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whom moderators removed from the run that goes on, the longest ago first.
pub fn removed(db: &Connection, cid: &Cid) -> Found<Vec<Removed>> {
    let query = format!("SELECT {REMOVED} FROM removed WHERE cid = ? ORDER BY at, id");
    let mut query = db.prepare_cached(&query)?;
    let rows = query.query_map([cid.as_str()], removed_of)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The same with those whose programs that watch were removed, as moderators are shown them.
pub fn shut_out(db: &Connection, cid: &Cid) -> Found<Vec<ShutOut>> {
    let query = format!(
        "SELECT {WATCHER} FROM watchers WHERE cid = ? AND removed_at IS NOT NULL ORDER BY removed_at, id"
    );
    let mut query = db.prepare_cached(&query)?;
    let programs = query.query_map([cid.as_str()], watcher_of)?;
    let programs = programs.collect::<rusqlite::Result<Vec<_>>>()?.into_iter();
    let people = removed(db, cid)?.into_iter().map(ShutOut::from);
    let mut all: Vec<_> = people.chain(programs.filter_map(ShutOut::of_watcher)).collect();
    all.sort_by_key(|one| (one.at, one.id));
    Ok(all)
}
