//! What the Directory of the enterprise is to be told.

use super::{
    Found,
    entries::{Maker, OPEN, is_id},
    presence::{self, presence_of},
};
use crate::view::{body, name, number, sql};
use plenary_access::{DirectoryLink, Presence, ProfileVisibility};
use plenary_model::{Revision, ServerName, UserName};
use plenary_people::{Change, Entry, EntryId, Kind};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::BTreeMap;

/// The Directory in which people of this server are found.
pub fn directory(db: &Connection) -> Found<Option<DirectoryLink>> {
    Ok(db
        .prepare_cached("SELECT body FROM directory WHERE id = 1")?
        .query_row([], |row| body(row, 0))
        .optional()?)
}

/// How far this copy of the state is, for the Directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryPlace {
    pub link: DirectoryLink,
    /// Of the newest change that it may be told.
    pub position: Revision,
    /// Which fields people here see of each other: others are not told more.
    pub visible: ProfileVisibility,
}

/// `None` while the server is in no Directory.
pub fn directory_place(db: &Connection) -> Found<Option<DirectoryPlace>> {
    let Some(link) = directory(db)? else {
        return Ok(None);
    };
    let newest: Option<u64> = db
        .prepare_cached("SELECT position FROM directory_changes ORDER BY position DESC LIMIT 1")?
        .query_row([], |row| number(row, 0))
        .optional()?;
    Ok(Some(DirectoryPlace {
        position: link.tells_from.max(Revision(newest.unwrap_or(0))),
        visible: super::directory::settings(db)?.profile_fields,
        link,
    }))
}

fn kind_of(text: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
}

/// What changed after `from`: about `most` changes, and up to where they are all. Whoever is not shown is removed.
pub fn directory_changes(
    db: &Connection,
    server: &ServerName,
    from: Revision,
    most: u32,
) -> Found<(Revision, Vec<Change>)> {
    let Some(place) = directory_place(db)? else {
        return Ok((from, Vec::new()));
    };
    // What one command changed is told together.
    let end: Option<u64> = db
        .prepare_cached(
            "SELECT position FROM directory_changes WHERE position > ? ORDER BY position LIMIT 1 OFFSET ?",
        )?
        .query_row([sql(from.0), i64::from(most.max(1)) - 1], |row| number(row, 0))
        .optional()?;
    let end = end.map_or(place.position, Revision);
    let mut query = db.prepare_cached(
        "SELECT kind, id FROM directory_changes WHERE position > ? AND position <= ? ORDER BY position, kind, id",
    )?;
    let rows: Vec<(String, String)> = query
        .query_map([sql(from.0), sql(end.0)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let maker = Maker::new(db, server)?;
    let mut changes = Vec::with_capacity(rows.len());
    for (kind, id) in rows {
        let Some(kind) = kind_of(&kind).filter(|kind| is_id(*kind, &id)) else {
            continue;
        };
        let entry = maker
            .entry(kind, &id)?
            .filter(|entry| place.link.share.shows(entry));
        let server = server.clone();
        changes.push(match entry {
            Some(entry) => Change::put(shown(&place.link, &entry)),
            None => Change::Remove(EntryId { server, kind, id }),
        });
    }
    Ok((end, changes))
}

/// How many changes up to `to` are kept.
pub fn directory_changes_until(db: &Connection, to: Revision) -> Found<u64> {
    Ok(db
        .prepare_cached("SELECT count(*) FROM directory_changes WHERE position <= ?")?
        .query_row([sql(to.0)], |row| number(row, 0))?)
}

fn shown(link: &DirectoryLink, entry: &Entry) -> Entry {
    link.share.shown(entry).unwrap_or_else(|| entry.clone())
}

/// Entries that are shown, of one kind with IDs after `after`: those among the next `most` rows, and the last ID of these.
pub fn directory_entries(
    db: &Connection,
    server: &ServerName,
    kind: Kind,
    after: &str,
    most: u32,
) -> Found<(Vec<Entry>, Option<String>)> {
    let Some(link) = directory(db)?.filter(DirectoryLink::is_on) else {
        return Ok((Vec::new(), None));
    };
    let query = match kind {
        Kind::User => "SELECT id FROM users WHERE active = 1 AND id > ? ORDER BY id LIMIT ?".to_owned(),
        Kind::Group => "SELECT id FROM groups WHERE id > ? ORDER BY id LIMIT ?".to_owned(),
        Kind::Conference => format!("SELECT id FROM conferences WHERE {OPEN} AND id > ? ORDER BY id LIMIT ?"),
        Kind::Room => return Ok((Vec::new(), None)),
    };
    let mut query = db.prepare_cached(&query)?;
    let ids: Vec<String> = query
        .query_map(rusqlite::params![after, most], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let maker = Maker::new(db, server)?;
    let mut entries = Vec::with_capacity(ids.len());
    for id in &ids {
        entries.extend(maker.entry(kind, id)?.and_then(|entry| link.share.shown(&entry)));
    }
    Ok((entries, ids.into_iter().next_back()))
}

/// What people do who are shown and are there; whoever is missing is offline.
pub fn directory_presence(db: &Connection, server: &ServerName) -> Found<BTreeMap<UserName, Presence>> {
    let Some(link) = directory(db)?.filter(DirectoryLink::is_on) else {
        return Ok(BTreeMap::new());
    };
    let query = format!(
        "SELECT u.id, {} FROM users u WHERE u.active = 1 AND u.id IN (
             SELECT s.user FROM sessions s WHERE s.online_on IS NOT NULL
             UNION SELECT substr(p.person, 9) FROM participants p WHERE p.person >= 'account:' AND p.person < 'account;')",
        presence::column()
    );
    let mut query = db.prepare_cached(&query)?;
    let rows: Vec<(UserName, Presence)> = query
        .query_map([], |row| Ok((name(row, 0)?, presence_of(row, 1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut members = db.prepare_cached("SELECT grp FROM members WHERE user = ? ORDER BY grp")?;
    let mut found = BTreeMap::new();
    for (user, presence) in rows {
        let id = EntryId {
            server: server.clone(),
            kind: Kind::User,
            id: user.to_string(),
        };
        let mut entry = Entry::new(id, user.as_str());
        entry.groups = members
            .query_map([user.as_str()], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        if link.share.shows(&entry) && presence != Presence::Offline {
            found.insert(user, presence);
        }
    }
    Ok(found)
}
