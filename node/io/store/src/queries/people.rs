//! Accounts and sessions.

use super::{
    Found,
    page::Select,
    presence::{self, presence_of},
};
use crate::view::{SESSION, body, session_of, sql};
use plenary_access::{
    AdminRole, Avatar, Page, PasswordHash, Session, TokenHash, User, UserQuery, UserRow, fold,
};
use plenary_model::{ServerName, Timestamp, UserId, UserName};
use rusqlite::{Connection, OptionalExtension as _, Row};
use std::{collections::BTreeSet, sync::LazyLock};

/// In the order of [`read_user`].
static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "u.body, {}, EXISTS (SELECT 1 FROM avatars a WHERE a.user = u.id)",
        presence::column()
    )
});

fn read_user(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    let user: User = body(row, 0)?;
    Ok(UserRow {
        user,
        presence: presence_of(row, 1)?,
        has_avatar: row.get(2)?,
    })
}

/// The display names of those of these accounts that are there, ordered by ID.
pub fn names(db: &Connection, users: &[UserName]) -> Found<Vec<(UserName, String)>> {
    let mut query = db.prepare_cached("SELECT body FROM users WHERE id = ?")?;
    let mut found = Vec::new();
    for user in users.iter().collect::<BTreeSet<_>>() {
        let row: Option<User> = query.query_row([user.as_str()], |row| body(row, 0)).optional()?;
        found.extend(row.map(|user| (user.id, user.profile.display_name)));
    }
    Ok(found)
}

/// Accounts that match.
pub fn users(db: &Connection, query: &UserQuery) -> Found<Page<UserRow>> {
    let mut select = Select {
        columns: &COLUMNS,
        from: "users u",
        keys: &[
            ("id", "u.id"),
            ("display_name", "u.display"),
            ("email", "coalesce(u.email, '')"),
            ("created_at", "u.created_at"),
        ],
        id: "u.id",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    select.search("u.search", &query.list.search);
    if let Some(group) = &query.group {
        if *group == plenary_model::GroupId::ungrouped() {
            select
                .conditions
                .push("NOT EXISTS (SELECT 1 FROM members m WHERE m.user = u.id)".into());
        } else {
            let condition = "EXISTS (SELECT 1 FROM members m WHERE m.user = u.id AND m.grp = ?)";
            select.filter(condition, group.to_string());
        }
    }
    if let Some(active) = query.active {
        select.filter("u.active = ?", i64::from(active));
    }
    if let Some(admin) = query.admin {
        let rank = match admin {
            AdminRole::None => 0,
            AdminRole::Security => 1,
            AdminRole::Full => 2,
        };
        select.filter("u.admin = ?", rank);
    }
    select.conditions.extend(query.presence.map(presence::condition));
    select.page(db, &query.list, read_user)
}

/// One account.
pub fn user(db: &Connection, id: &UserName) -> Found<Option<UserRow>> {
    let query = format!("SELECT {} FROM users u WHERE u.id = ?", *COLUMNS);
    Ok(db
        .prepare_cached(&query)?
        .query_row([id.as_str()], read_user)
        .optional()?)
}

/// The account behind what somebody signs in with: an ID, `ID@server` or an email (AUTH-01).
pub fn credentials(db: &Connection, login: &str) -> Found<Option<(UserRow, Option<PasswordHash>)>> {
    let login = login.trim();
    let Some(id) = account_named(db, login)? else {
        return Ok(None);
    };
    let Some(row) = user(db, &id)? else {
        return Ok(None);
    };
    let hash = db
        .prepare_cached("SELECT hash FROM passwords WHERE user = ?")?
        .query_row([id.as_str()], |row| row.get(0).map(PasswordHash))
        .optional()?;
    Ok(Some((row, hash)))
}

fn account_named(db: &Connection, login: &str) -> Found<Option<UserName>> {
    let exists = |id: &UserName| -> Found<bool> {
        Ok(db
            .prepare_cached("SELECT 1 FROM users WHERE id = ?")?
            .exists([id.as_str()])?)
    };
    if let Ok(id) = login.parse::<UserName>()
        && exists(&id)?
    {
        return Ok(Some(id));
    }
    if let Ok(id) = login.parse::<UserId>()
        && server_name(db)?.as_ref() == Some(&id.server)
        && exists(&id.name)?
    {
        return Ok(Some(id.name));
    }
    Ok(db
        .prepare_cached("SELECT id FROM users WHERE email = ?")?
        .query_row([fold(login)], |row| crate::view::name(row, 0))
        .optional()?)
}

/// The name of the server, once it is founded.
pub(super) fn server_name(db: &Connection) -> Found<Option<ServerName>> {
    Ok(db
        .prepare_cached("SELECT value FROM facts WHERE key = 'server'")?
        .query_row([], |row| crate::view::name(row, 0))
        .optional()?)
}

/// The picture of an account.
pub fn avatar(db: &Connection, id: &UserName) -> Found<Option<Avatar>> {
    Ok(db
        .prepare_cached("SELECT media_type, bytes FROM avatars WHERE user = ?")?
        .query_row([id.as_str()], |row| {
            Ok(Avatar {
                media_type: row.get(0)?,
                bytes: row.get(1)?,
            })
        })
        .optional()?)
}

/// Sessions of an account that have not expired, oldest first.
pub fn sessions(db: &Connection, user: &UserName, now: Timestamp) -> Found<Vec<Session>> {
    let query =
        format!("SELECT {SESSION} FROM sessions WHERE user = ? AND expires_at > ? ORDER BY created_at, id");
    let mut query = db.prepare_cached(&query)?;
    let rows = query.query_map(rusqlite::params![user.as_str(), sql(now.0)], session_of)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The session of a token, if it has not ended, with its account.
pub fn session(db: &Connection, token: &TokenHash, now: Timestamp) -> Found<Option<(Session, UserRow)>> {
    let query = format!("SELECT {SESSION} FROM sessions WHERE token = ? AND expires_at > ?");
    let found = db
        .prepare_cached(&query)?
        .query_row(rusqlite::params![token.0, sql(now.0)], session_of)
        .optional()?;
    let Some(session) = found else { return Ok(None) };
    Ok(user(db, &session.user)?.map(|row| (session, row)))
}
