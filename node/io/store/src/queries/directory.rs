//! Groups, aliases and settings.

use super::{Found, page::Select, people::server_name};
use crate::view::{alias_of, body};
use plenary_access::{Alias, Group, GroupRow, ListQuery, Page, Settings};
use plenary_model::{AliasName, CallKind, CallString, GroupId, UserName};
use rusqlite::{Connection, OptionalExtension as _, Row};

/// Members of a group; those of "Users without group" are counted, not stored.
const MEMBERS: &str = "CASE g.id WHEN 'ungrouped' THEN \
     (SELECT count(*) FROM users u WHERE NOT EXISTS (SELECT 1 FROM members m WHERE m.user = u.id)) \
     ELSE (SELECT count(*) FROM members m WHERE m.grp = g.id) END";
const COLUMNS: &str = "g.body, CASE g.id WHEN 'ungrouped' THEN \
     (SELECT count(*) FROM users u WHERE NOT EXISTS (SELECT 1 FROM members m WHERE m.user = u.id)) \
     ELSE (SELECT count(*) FROM members m WHERE m.grp = g.id) END";

fn read_group(row: &Row<'_>) -> rusqlite::Result<GroupRow> {
    Ok(GroupRow {
        group: body(row, 0)?,
        members: crate::view::number(row, 1)?,
    })
}

/// Groups that match.
pub fn groups(db: &Connection, list: &ListQuery) -> Found<Page<GroupRow>> {
    let mut select = Select {
        columns: COLUMNS,
        from: "groups g",
        keys: &[("name", "g.name"), ("members", MEMBERS)],
        id: "g.id",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    select.search("g.search", &list.search);
    select.page(db, list, read_group)
}

/// One group.
pub fn group(db: &Connection, id: &GroupId) -> Found<Option<GroupRow>> {
    let query = format!("SELECT {COLUMNS} FROM groups g WHERE g.id = ?");
    Ok(db
        .prepare_cached(&query)?
        .query_row([id.as_str()], read_group)
        .optional()?)
}

/// The groups of an account, "Users without group" if there are none.
pub fn groups_of(db: &Connection, user: &UserName) -> Found<Vec<Group>> {
    let query = "SELECT g.body FROM members m JOIN groups g ON g.id = m.grp WHERE m.user = ? ORDER BY g.id";
    let mut query = db.prepare_cached(query)?;
    let groups: Vec<Group> = query
        .query_map([user.as_str()], |row| body(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    if groups.is_empty() {
        return Ok(group(db, &GroupId::ungrouped())?
            .map(|row| row.group)
            .into_iter()
            .collect());
    }
    Ok(groups)
}

/// Aliases that match.
pub fn aliases(db: &Connection, list: &ListQuery) -> Found<Page<Alias>> {
    let mut select = Select {
        columns: "id, target, note, revision",
        from: "aliases",
        keys: &[("id", "id"), ("target", "target")],
        id: "id",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    select.search("search", &list.search);
    select.page(db, list, alias_of)
}

/// One alias.
pub fn alias(db: &Connection, id: &AliasName) -> Found<Option<Alias>> {
    Ok(db
        .prepare_cached("SELECT id, target, note, revision FROM aliases WHERE id = ?")?
        .query_row([id.as_str()], alias_of)
        .optional()?)
}

/// What a call string stands for: an alias of this server gives its target (one step), all else stays (USR-09).
pub fn resolve(db: &Connection, call: &CallString) -> Found<CallString> {
    let CallKind::Account { name, server } = call.kind() else {
        return Ok(call.clone());
    };
    let own = server_name(db)?;
    if server.is_some() && server != own {
        return Ok(call.clone());
    }
    if let Ok(user) = name.parse::<UserName>()
        && super::people::user(db, &user)?.is_some()
    {
        return Ok(call.clone());
    }
    let Ok(id) = name.parse::<AliasName>() else {
        return Ok(call.clone());
    };
    Ok(alias(db, &id)?.map_or_else(|| call.clone(), |alias| alias.target))
}

/// The group of this server that a call string means.
pub fn group_behind(db: &Connection, call: &CallString) -> Found<Option<Group>> {
    let CallKind::Account { name, server } = call.kind() else {
        return Ok(None);
    };
    if server.is_some() && server != server_name(db)? {
        return Ok(None);
    }
    let query = "SELECT body FROM groups WHERE call_id = ?";
    let found = db
        .prepare_cached(query)?
        .query_row([name], |row| body(row, 0))
        .optional()?;
    Ok(found)
}

/// The settings in force.
pub fn settings(db: &Connection) -> Found<Settings> {
    let found = db
        .prepare_cached("SELECT body FROM settings WHERE id = 1")?
        .query_row([], |row| body(row, 0))
        .optional()?;
    Ok(found.unwrap_or_default())
}
