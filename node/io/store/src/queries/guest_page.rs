//! What strangers see before they come in.

use super::Found;
use crate::{
    guest_page::{DOCUMENT, HEAD, document_of, head_of},
    view::{number, sql},
};
use plenary_access::{Avatar, Document, GuestPage, PastDocument, Scheme};
use plenary_model::{Revision, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row};

/// The documents without their texts, and which logos there are.
pub fn guest_page(db: &Connection) -> Found<GuestPage> {
    let mut query = db.prepare_cached(&format!("SELECT {HEAD} FROM documents ORDER BY place"))?;
    let documents = query.query_map([], head_of)?.collect::<rusqlite::Result<_>>()?;
    let logo = |scheme: Scheme| {
        db.prepare_cached("SELECT revision FROM logos WHERE scheme = ?")?
            .query_row([scheme.as_str()], |row| number(row, 0).map(Revision))
            .optional()
    };
    Ok(GuestPage {
        documents,
        logo_light: logo(Scheme::Light)?,
        logo_dark: logo(Scheme::Dark)?,
    })
}

/// One document, whole.
pub fn document(db: &Connection, place: u8) -> Found<Option<Document>> {
    Ok(db
        .prepare_cached(&format!("SELECT {DOCUMENT} FROM documents WHERE place = ?"))?
        .query_row([place], document_of)
        .optional()?)
}

/// What the document of a place was, the newest version first, without the texts.
pub fn past_documents(db: &Connection, place: u8) -> Found<Vec<PastDocument>> {
    let mut query = db.prepare_cached(&format!(
        "SELECT {HEAD}, until FROM past_documents WHERE place = ? ORDER BY version DESC"
    ))?;
    let past = |row: &Row<'_>| {
        Ok(PastDocument {
            head: head_of(row)?,
            until: Timestamp(number(row, 4)?),
        })
    };
    Ok(query.query_map([place], past)?.collect::<rusqlite::Result<_>>()?)
}

/// One version of what it was, whole.
pub fn past_document(db: &Connection, place: u8, version: Revision) -> Found<Option<Document>> {
    Ok(db
        .prepare_cached(&format!(
            "SELECT {DOCUMENT} FROM past_documents WHERE place = ? AND version = ?"
        ))?
        .query_row(rusqlite::params![place, sql(version.0)], document_of)
        .optional()?)
}

/// The logo on a ground.
pub fn logo(db: &Connection, scheme: Scheme) -> Found<Option<Avatar>> {
    Ok(db
        .prepare_cached("SELECT media_type, bytes FROM logos WHERE scheme = ?")?
        .query_row([scheme.as_str()], |row| {
            Ok(Avatar {
                media_type: row.get(0)?,
                bytes: row.get(1)?,
            })
        })
        .optional()?)
}
