//! Other servers: what is written down of them, and whether they may be met.

use super::{Found, directory::settings};
use crate::{desk, view::body};
use plenary_access::{Partner, Standing};
use plenary_model::ServerName;
use rusqlite::{Connection, OptionalExtension as _};

/// What is written down of one.
pub fn partner(db: &Connection, server: &ServerName) -> Found<Option<Partner>> {
    Ok(db
        .prepare_cached("SELECT body FROM partners WHERE server = ?")?
        .query_row([server.as_str()], |row| body(row, 0))
        .optional()?)
}

/// All of them, ordered by name; at most a thousand.
pub fn partners(db: &Connection) -> Found<Vec<Partner>> {
    let mut query = db.prepare_cached("SELECT body FROM partners ORDER BY server")?;
    let rows = query.query_map([], |row| body(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether the licence lets this server meet with others; not before licences are counted. Reads the licence files, and not
/// who has which seat.
pub fn federates(db: &Connection) -> Found<bool> {
    Ok(desk::without_seats(db)?.is_some_and(|desk| desk.has_federation()))
}

/// How this server stands to another one.
pub fn standing(db: &Connection, server: &ServerName) -> Found<Standing> {
    let settings = settings(db)?;
    Ok(Standing {
        is_licensed: federates(db)?,
        policy: settings.federation,
        usual: settings.partner_terms,
        partner: partner(db, server)?,
        is_enterprise: super::directory_link::directory(db)?
            .is_some_and(|link| link.is_on() && link.servers.contains(server)),
    })
}
