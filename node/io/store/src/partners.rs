//! Rows of what is written down of other servers.

use crate::effects::{body, run};
use plenary_access::Partner;
use plenary_model::ServerName;
use plenary_replication::AppError;
use rusqlite::{Connection, params};

pub(crate) fn put(db: &Connection, partner: &Partner) -> Result<(), AppError> {
    run(
        db,
        "INSERT OR REPLACE INTO partners (server, body) VALUES (?, ?)",
        params![partner.server.as_str(), body(partner)?],
    )
}

pub(crate) fn remove(db: &Connection, server: &ServerName) -> Result<(), AppError> {
    run(db, "DELETE FROM partners WHERE server = ?", [server.as_str()])
}
