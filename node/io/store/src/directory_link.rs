//! Rows of the Directory of the enterprise, and of what changed that it is to be told.

use crate::{
    effects::{body, run},
    view::{body as read, sql},
};
use plenary_access::DirectoryLink;
use plenary_model::Revision;
use plenary_replication::AppError;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(crate) fn put(db: &Connection, link: &DirectoryLink) -> Result<(), AppError> {
    let before: Option<DirectoryLink> = db
        .prepare_cached("SELECT body FROM directory WHERE id = 1")?
        .query_row([], |row| read(row, 0))
        .optional()?;
    match before {
        Some(before) if before.incarnation == link.incarnation => {
            if before.tells_from < link.tells_from {
                let cut = "DELETE FROM directory_changes WHERE position > 0 AND position <= ?";
                run(db, cut, [sql(link.tells_from.0)])?;
            }
        }
        _ => run(db, "DELETE FROM directory_changes", [])?,
    }
    run(
        db,
        "INSERT OR REPLACE INTO directory (id, on_now, body) VALUES (1, ?, ?)",
        params![link.is_on(), body(link)?],
    )
}

pub(crate) fn remove(db: &Connection) -> Result<(), AppError> {
    run(db, "DELETE FROM directory", [])?;
    run(db, "DELETE FROM directory_changes", [])
}

/// Writes at what the triggers noted which command it was.
pub(crate) fn date_changes(db: &Connection, at: Revision) -> Result<(), AppError> {
    run(
        db,
        "UPDATE directory_changes SET position = ? WHERE position = 0",
        [sql(at.0)],
    )
}
