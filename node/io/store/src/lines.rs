//! Rows of lines that are said in conferences.

use crate::{
    codec::encode,
    effects::run,
    meetings::{person_key, person_of, time, time_or_none},
    view::{body, bound, name, number, sql},
};
use plenary_conference::{Effect, Line, LineDetails, ParticipantId, Person};
use plenary_model::Cid;
use plenary_replication::AppError;
use rusqlite::{Connection, Row, params, types::ValueRef};

/// Columns of a line, in the order of [`line_of`].
pub(crate) const LINE: &str = "cid, id, participant, name, text, at, changed, details, run, key, person";

pub(crate) fn line_of(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        cid: name(row, 0)?,
        id: number(row, 1)?,
        participant: ParticipantId(number(row, 2)?),
        name: row.get(3)?,
        text: row.get(4)?,
        at: time(row, 5)?,
        changed: number(row, 6)?,
        run: time_or_none(row, 8)?,
        key: row.get(9)?,
        details: line_details(row)?,
    })
}

/// Who said it stands in a column since lines outlast their runs.
fn line_details(row: &Row<'_>) -> rusqlite::Result<LineDetails> {
    let mut details = match row.get_ref(7)? {
        ValueRef::Null => LineDetails::default(),
        _ => body(row, 7)?,
    };
    if !matches!(row.get_ref(10)?, ValueRef::Null) {
        details.person = Some(person_of(row, 10)?);
    }
    Ok(details)
}

/// Carries out what concerns lines.
pub(crate) fn put(db: &Connection, effect: &Effect) -> Result<(), AppError> {
    match effect {
        Effect::AddLine { line, forget_until } => add_line(db, line, *forget_until),
        Effect::PutLine(line) => put_line(db, line),
        Effect::RemoveLines(cid) => run(db, "DELETE FROM lines WHERE cid = ?", [cid.as_str()]),
        Effect::TrimLines { cid, bytes } => trim_lines(db, cid, *bytes),
        Effect::ForgetLines { before, most } => run(
            db,
            "DELETE FROM lines WHERE (cid, id) IN
                 (SELECT cid, id FROM lines WHERE at < ? ORDER BY at, cid, id LIMIT ?)",
            params![bound(*before), most],
        ),
        Effect::ForgetWriter(user) => run(
            db,
            "UPDATE lines SET person = NULL WHERE person = ?",
            [person_key(&Person::Account(user.clone()))],
        ),
        // No other effect is about lines.
        _ => Ok(()),
    }
}

fn add_line(db: &Connection, line: &Line, forget_until: u64) -> Result<(), AppError> {
    run(
        db,
        &format!("INSERT INTO lines ({LINE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        params![
            line.cid.as_str(),
            sql(line.id),
            sql(line.participant.0),
            line.name,
            line.text,
            sql(line.at.0),
            sql(line.changed),
            details_bytes(line)?,
            line.run.map(|at| sql(at.0)),
            line.key,
            line_person(line)
        ],
    )?;
    run(
        db,
        "DELETE FROM lines WHERE cid = ? AND id <= ?",
        params![line.cid.as_str(), sql(forget_until)],
    )
}

/// In a column, where an account that goes is found; lines from before it was there are left as they are.
fn line_person(line: &Line) -> Option<String> {
    line.run?;
    line.details.person.as_ref().map(person_key)
}

/// The oldest go, until the texts of the others are small enough together.
fn trim_lines(db: &Connection, cid: &Cid, bytes: u64) -> Result<(), AppError> {
    run(
        db,
        "DELETE FROM lines WHERE cid = ?1 AND id <= (
             SELECT max(id) FROM (
                 SELECT id, sum(length(CAST(text AS BLOB))) OVER (ORDER BY id DESC) AS total
                     FROM lines WHERE cid = ?1)
                 WHERE total > ?2)",
        params![cid.as_str(), sql(bytes)],
    )
}

/// Writes what changes of a line that is there.
fn put_line(db: &Connection, line: &Line) -> Result<(), AppError> {
    run(
        db,
        "UPDATE lines SET text = ?, changed = ?, details = ? WHERE cid = ? AND id = ?",
        params![
            line.text,
            sql(line.changed),
            details_bytes(line)?,
            line.cid.as_str(),
            sql(line.id)
        ],
    )
}

fn details_bytes(line: &Line) -> Result<Option<Vec<u8>>, AppError> {
    let mut details = line.details.clone();
    if line.run.is_some() {
        details.person = None;
    }
    let is_plain = details == LineDetails::default();
    let bytes = (!is_plain).then(|| encode(&details)).transpose();
    bytes.map_err(|error| AppError::Defect(error.to_string()))
}
