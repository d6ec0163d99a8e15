//! What waits to be told to servers of partners, and what those told.

use super::{Found, partners::standing};
use crate::view::{body, bound, name, number};
use plenary_access::policy_for;
use plenary_conference::{Message, PartnerInvitation};
use plenary_model::{Cid, ServerName, Timestamp, UserName};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;

/// What waits for one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub messages: u64,
    /// Of the oldest one.
    pub since: Timestamp,
}

/// For whom something waits.
pub fn waiting(db: &Connection) -> Found<BTreeMap<ServerName, Waiting>> {
    let mut query = db.prepare_cached(
        "SELECT server, count(*), min(created_at) FROM outbox INDEXED BY outbox_by_server GROUP BY server",
    )?;
    let rows = query.query_map([], |row| {
        let waiting = Waiting {
            messages: number(row, 1)?,
            since: Timestamp(number(row, 2)?),
        };
        Ok((name(row, 0)?, waiting))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What is to be told to a server next, the oldest changes first, at most so many.
pub fn messages(db: &Connection, server: &ServerName, most: u32) -> Found<Vec<Message>> {
    let mut query =
        db.prepare_cached("SELECT body FROM outbox WHERE server = ? ORDER BY revision, cid, user LIMIT ?")?;
    let rows = query.query_map(params![server.as_str(), most], |row| body(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What waits since before then, the oldest first, at most so many.
pub fn old_messages(db: &Connection, before: Timestamp, most: u32) -> Found<Vec<Message>> {
    let mut query =
        db.prepare_cached("SELECT body FROM outbox WHERE created_at <= ? ORDER BY created_at LIMIT ?")?;
    let rows = query.query_map(params![bound(before), most], |row| body(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What a partner's server told last of one of its conferences and a user, withdrawn or not.
pub fn partner_invitation(
    db: &Connection,
    server: &ServerName,
    cid: &Cid,
    user: &UserName,
) -> Found<Option<PartnerInvitation>> {
    let mut query =
        db.prepare_cached("SELECT body FROM partner_invitations WHERE user = ? AND server = ? AND cid = ?")?;
    let key = [user.as_str(), server.as_str(), cid.as_str()];
    Ok(query.query_row(key, |row| body(row, 0)).optional()?)
}

/// Conferences of partners' servers to which a user is invited, of those whose conferences people of this one may attend now.
pub fn partner_invitations(db: &Connection, user: &UserName) -> Found<Vec<PartnerInvitation>> {
    let mut query = db.prepare_cached(
        "SELECT body FROM partner_invitations WHERE user = ? AND withdrawn = 0 ORDER BY server, cid",
    )?;
    let rows = query.query_map([user.as_str()], |row| body(row, 0))?;
    let all: Vec<PartnerInvitation> = rows.collect::<rusqlite::Result<_>>()?;
    let mut may: BTreeMap<ServerName, bool> = BTreeMap::new();
    for one in &all {
        if !may.contains_key(&one.server) {
            let standing = standing(db, &one.server)?;
            let terms = policy_for(&standing, &one.server);
            may.insert(one.server.clone(), terms.is_ok_and(|terms| terms.conferences));
        }
    }
    let shown = all.into_iter().filter(|one| may.get(&one.server) == Some(&true));
    Ok(shown.collect())
}
