//! Rows of what is kept of runs and of those who were in them (CONF-17).

use crate::{
    effects::run,
    meetings::{end_name, end_of, person_key, person_of, via_name, via_of},
    view::{bound, name, number, sql},
};
use plenary_conference::{Ended, ParticipantId, PastRun, RunId, Visit};
use plenary_model::{Timestamp, UserName};
use plenary_replication::AppError;
use rusqlite::{Connection, Row, params, types::ValueRef};

/// Columns of a run, in the order of [`past_run_of`].
pub(crate) const PAST_RUN: &str =
    "id, cid, conference_created_at, name, started_at, ended_at, ended_why, visits";
/// Columns of a visit, in the order of [`visit_of`].
pub(crate) const VISIT: &str = "run, participant, came_at, person, name, via, left_at";

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    number(row, column).map(Timestamp)
}

fn time_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let stored: Option<i64> = row.get(column)?;
    Ok(stored.map(|time| Timestamp(time.cast_unsigned())))
}

pub(crate) fn past_run_of(row: &Row<'_>) -> rusqlite::Result<PastRun> {
    let why = row.get_ref(6)?.as_str_or_null()?.map(end_of);
    Ok(PastRun {
        id: RunId(number(row, 0)?),
        cid: name(row, 1)?,
        conference_created_at: time(row, 2)?,
        name: row.get(3)?,
        started_at: time(row, 4)?,
        ended: time_or_none(row, 5)?.map(|at| Ended { at, why }),
        visits: number(row, 7)?,
    })
}

pub(crate) fn visit_of(row: &Row<'_>) -> rusqlite::Result<Visit> {
    Ok(Visit {
        run: RunId(number(row, 0)?),
        participant: ParticipantId(number(row, 1)?),
        came_at: time(row, 2)?,
        person: match row.get_ref(3)? {
            ValueRef::Null => None,
            _ => Some(person_of(row, 3)?),
        },
        name: row.get(4)?,
        via: via_of(row.get_ref(5)?.as_str()?),
        left_at: time_or_none(row, 6)?,
    })
}

pub(crate) fn put_past_run(db: &Connection, of: &PastRun) -> Result<(), AppError> {
    run(
        db,
        &format!("INSERT OR REPLACE INTO past_runs ({PAST_RUN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
        params![
            sql(of.id.0),
            of.cid.as_str(),
            sql(of.conference_created_at.0),
            of.name,
            sql(of.started_at.0),
            of.ended.map(|ended| sql(ended.at.0)),
            of.ended.and_then(|ended| ended.why).map(end_name),
            sql(of.visits)
        ],
    )
}

pub(crate) fn put_visit(db: &Connection, visit: &Visit) -> Result<(), AppError> {
    run(
        db,
        &format!("INSERT OR REPLACE INTO visits ({VISIT}) VALUES (?, ?, ?, ?, ?, ?, ?)"),
        params![
            sql(visit.run.0),
            sql(visit.participant.0),
            sql(visit.came_at.0),
            visit.person.as_ref().map(person_key),
            visit.name,
            via_name(visit.via),
            visit.left_at.map(|at| sql(at.0))
        ],
    )
}

pub(crate) fn end_visits(
    db: &Connection,
    of: RunId,
    participant: Option<ParticipantId>,
    at: Timestamp,
) -> Result<(), AppError> {
    run(
        db,
        "UPDATE visits SET left_at = max(came_at, ?3)
             WHERE run = ?1 AND (?2 IS NULL OR participant = ?2) AND left_at IS NULL",
        params![sql(of.0), participant.map(|id| sql(id.0)), sql(at.0)],
    )
}

/// Who was there stays, by the name that others saw.
pub(crate) fn forget_visitor(db: &Connection, user: &UserName) -> Result<(), AppError> {
    let person = person_key(&plenary_conference::Person::Account(user.clone()));
    run(db, "UPDATE visits SET person = NULL WHERE person = ?", [person])
}

/// The oldest first, at most so many runs and so many calls.
pub(crate) fn forget(db: &Connection, runs: Timestamp, calls: Timestamp, most: u32) -> Result<(), AppError> {
    let old = "SELECT id FROM past_runs WHERE ended_at < ?1 ORDER BY ended_at, id LIMIT ?2";
    let params = params![bound(runs), most];
    run(db, &format!("DELETE FROM visits WHERE run IN ({old})"), params)?;
    run(db, &format!("DELETE FROM past_runs WHERE id IN ({old})"), params)?;
    run(
        db,
        "DELETE FROM calls WHERE cid IN
             (SELECT cid FROM calls WHERE over = 1 AND began_at < ?1 ORDER BY began_at, cid LIMIT ?2)",
        params![bound(calls), most],
    )
}
