//! A fingerprint of the whole state, to compare nodes.

use super::Found;
use rusqlite::{Connection, types::ValueRef};
use sha2::{Digest as _, Sha256};

const TABLES: &[&str] = &[
    "facts",
    "users",
    "passwords",
    "failures",
    "avatars",
    "groups",
    "members",
    "aliases",
    "contacts",
    "conferences",
    "runs",
    "participants",
    "watchers",
    "removed",
    "lines",
    "guests",
    "guest_hours",
    "conference_people",
    "layout_people",
    "pin_attempts",
    "calls",
    "registrants",
    "past_runs",
    "visits",
    "templates",
    "template_people",
    "settings",
    "documents",
    "past_documents",
    "logos",
    "partners",
    "directory",
    "directory_changes",
    "outbox",
    "partner_invitations",
    "licensing",
    "licences",
    "pro_seats",
    "seat_places",
    "online_seats",
    "without_pro",
    "sessions",
    "nodes",
    "invitations",
    "border_controllers",
    "acme",
    "remembered",
    "events",
];

/// SHA-256 over every row of every table, in the order of the keys, in lower-case hexadecimal.
pub fn digest(db: &Connection) -> Found<String> {
    let mut hash = Sha256::new();
    for table in TABLES {
        hash.update(table.as_bytes());
        let mut query = db.prepare_cached(&format!("SELECT * FROM {table} ORDER BY 1, 2"))?;
        let columns = query.column_count();
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                let bytes = match row.get_ref(column)? {
                    ValueRef::Null => vec![0],
                    ValueRef::Integer(number) => number.to_be_bytes().to_vec(),
                    ValueRef::Real(number) => number.to_be_bytes().to_vec(),
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
                };
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(&bytes);
            }
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
