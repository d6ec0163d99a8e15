//! Rows of what strangers see before they come in: documents and logos.

use crate::{
    effects::run,
    view::{number, sql},
};
use plenary_access::{Avatar, Content, Document, DocumentHead, Scheme};
use plenary_model::{Revision, Timestamp, limits};
use plenary_replication::AppError;
use rusqlite::{Connection, Row, params};

/// Columns of a document without its text, in the order of [`head_of`].
pub(crate) const HEAD: &str = "place, title, version, link";
/// Columns of a document, in the order of [`document_of`].
pub(crate) const DOCUMENT: &str = "place, title, version, link, text";

pub(crate) fn head_of(row: &Row<'_>) -> rusqlite::Result<DocumentHead> {
    Ok(DocumentHead {
        place: row.get(0)?,
        title: row.get(1)?,
        version: Revision(number(row, 2)?),
        link: row.get(3)?,
    })
}

pub(crate) fn document_of(row: &Row<'_>) -> rusqlite::Result<Document> {
    let head = head_of(row)?;
    let content = match head.link {
        Some(link) => Content::Link(link),
        None => Content::Text(row.get(4)?),
    };
    Ok(Document {
        place: head.place,
        title: head.title,
        content,
        version: head.version,
    })
}

pub(crate) fn put_document(db: &Connection, document: &Document) -> Result<(), AppError> {
    let (link, text) = match &document.content {
        Content::Link(link) => (Some(link), None),
        Content::Text(text) => (None, Some(text)),
    };
    run(
        db,
        "INSERT OR REPLACE INTO documents (place, title, version, link, text) VALUES (?, ?, ?, ?, ?)",
        params![
            document.place,
            document.title,
            sql(document.version.0),
            link,
            text
        ],
    )
}

/// Keeps what a document was, in place of the oldest version if there are too many.
pub(crate) fn keep_document(db: &Connection, document: &Document, until: Timestamp) -> Result<(), AppError> {
    let (link, text) = match &document.content {
        Content::Link(link) => (Some(link), None),
        Content::Text(text) => (None, Some(text)),
    };
    run(
        db,
        "INSERT OR REPLACE INTO past_documents (place, title, version, link, text, until) VALUES (?, ?, ?, ?, ?, ?)",
        params![
            document.place,
            document.title,
            sql(document.version.0),
            link,
            text,
            sql(until.0)
        ],
    )?;
    run(
        db,
        "DELETE FROM past_documents WHERE place = ?1 AND version NOT IN
         (SELECT version FROM past_documents WHERE place = ?1 ORDER BY version DESC LIMIT ?2)",
        params![document.place, limits::PAST_DOCUMENTS],
    )
}

pub(crate) fn remove_document(db: &Connection, place: u8) -> Result<(), AppError> {
    run(db, "DELETE FROM documents WHERE place = ?", [place])
}

pub(crate) fn put_logo(
    db: &Connection,
    scheme: Scheme,
    logo: Option<&Avatar>,
    revision: Revision,
) -> Result<(), AppError> {
    match logo {
        Some(logo) => run(
            db,
            "INSERT OR REPLACE INTO logos (scheme, revision, media_type, bytes) VALUES (?, ?, ?, ?)",
            params![scheme.as_str(), sql(revision.0), logo.media_type, logo.bytes],
        ),
        None => run(db, "DELETE FROM logos WHERE scheme = ?", [scheme.as_str()]),
    }
}
