//! The server itself.

use super::{Found, people::server_name};
use crate::view::{StoreView, body, number, sql};
use plenary_access::{Acme, BorderController, Invitation, Member, NodeRow, View as _};
use plenary_model::{NodeId, ServerName};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::BTreeMap;

/// Numbers of the summary page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Accounts with a device online.
    pub online: u64,
    /// All accounts.
    pub users: u64,
}

/// The server that was founded, and the name of its enterprise.
pub fn founded(db: &Connection) -> Found<Option<(ServerName, String)>> {
    let Some(server) = server_name(db)? else {
        return Ok(None);
    };
    let enterprise: Option<String> = db
        .prepare_cached("SELECT value FROM facts WHERE key = 'enterprise'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(Some((server, enterprise.unwrap_or_default())))
}

/// All nodes that were admitted and not removed.
pub fn nodes(db: &Connection) -> Found<Vec<NodeRow>> {
    let mut query = db.prepare_cached("SELECT body FROM nodes ORDER BY id")?;
    let rows = query.query_map([], |row| body::<Member>(row, 0))?;
    let row = |member: Member| NodeRow {
        id: member.id,
        name: member.name,
        address: member.address,
        url: member.url,
        version: member.version,
        draining: member.draining,
        joined_at: member.joined_at,
    };
    Ok(rows
        .map(|member| member.map(row))
        .collect::<rusqlite::Result<_>>()?)
}

/// The number of a node's last start that the server knows; 0 once it counted as lost.
pub fn epoch_of(db: &Connection, node: NodeId) -> Found<Option<u64>> {
    Ok(db
        .prepare_cached("SELECT body FROM nodes WHERE id = ?")?
        .query_row([sql(node.0)], |row| body::<Member>(row, 0))
        .optional()?
        .map(|member| member.epoch))
}

/// An open join token.
pub fn invitation(db: &Connection, id: &str) -> Found<Option<Invitation>> {
    let view = StoreView::new(db);
    let found = view.invitation(id);
    view.finish()?;
    Ok(found)
}

/// Border Controllers in the order of their numbers, those that were removed as well.
pub fn border_controllers(db: &Connection) -> Found<Vec<BorderController>> {
    let view = StoreView::new(db);
    let all = view.border_controllers();
    view.finish()?;
    Ok(all)
}

/// What is kept of the certificate by ACME.
pub fn acme(db: &Connection) -> Found<Acme> {
    let view = StoreView::new(db);
    let acme = view.acme();
    view.finish()?;
    Ok(acme)
}

/// The number of the node that was admitted last; 0 before the first.
pub fn last_node(db: &Connection) -> Found<NodeId> {
    let view = StoreView::new(db);
    let last = view.last_node();
    view.finish()?;
    Ok(last)
}

/// Accounts that are online on each node.
pub fn online_by_node(db: &Connection) -> Found<BTreeMap<NodeId, u64>> {
    let sql =
        "SELECT online_on, count(DISTINCT user) FROM sessions WHERE online_on IS NOT NULL GROUP BY online_on";
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map([], |row| Ok((NodeId(number(row, 0)?), number(row, 1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Numbers of the summary page.
pub fn counts(db: &Connection) -> Found<Counts> {
    let sql = "SELECT (SELECT count(DISTINCT user) FROM sessions WHERE online_on IS NOT NULL), (SELECT count(*) FROM users)";
    let mut query = db.prepare_cached(sql)?;
    Ok(query.query_row([], |row| {
        Ok(Counts {
            online: number(row, 0)?,
            users: number(row, 1)?,
        })
    })?)
}
