//! Runs that are over, and who was in them (CONF-17).

use super::{Found, page::Select};
use crate::{
    history::{PAST_RUN, VISIT, past_run_of, visit_of},
    meetings::person_key,
    view::{body, bound, number, sql},
};
use plenary_access::{ListQuery, Page, fold};
use plenary_conference::{Call, CallQuery, Conference, PastRun, Person, RunId, Visit};
use plenary_model::{Cid, Timestamp, UserName, limits};
use rusqlite::{Connection, OptionalExtension as _, params};

/// How many different people were in a run: accounts and guests, by their IDs.
const PEOPLE: &str = "(SELECT count(DISTINCT coalesce(v.person, v.name)) FROM visits v WHERE v.run = r.id)";

fn runs(columns: &'static str) -> Select {
    Select {
        columns,
        from: "past_runs r",
        keys: &[("started_at", "r.started_at")],
        id: "r.id",
        conditions: Vec::new(),
        values: Vec::new(),
    }
}

/// The newest first unless asked otherwise.
fn newest(list: &ListQuery) -> ListQuery {
    ListQuery {
        descending: list.descending || list.sort.is_none(),
        ..list.clone()
    }
}

/// The ID by which people find the conference of a run by now, as long as it exists.
const CALLED: &str = "coalesce((SELECT c.id FROM conferences c WHERE c.cid = r.cid
     AND c.created_at = r.conference_created_at), r.cid)";

const WAS_IN: &str = "EXISTS (SELECT 1 FROM visits v WHERE v.run = r.id AND v.person = ?)";

fn columns() -> &'static str {
    static COLUMNS: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let own = PAST_RUN.split(", ").map(|column| match column {
            "cid" => CALLED.to_owned(),
            column => format!("r.{column}"),
        });
        let own: Vec<String> = own.collect();
        format!("{}, {PEOPLE}", own.join(", "))
    });
    &COLUMNS
}

/// Runs of a conference with how many people were in them, all or those in which one user was.
pub fn runs_over(
    db: &Connection,
    of: &Conference,
    user: Option<&UserName>,
    list: &ListQuery,
) -> Found<Page<(PastRun, u64)>> {
    let mut select = runs(columns());
    select.filter("r.cid = ?", of.cid.to_string());
    select.filter("r.conference_created_at = ?", sql(of.created_at.0));
    if let Some(user) = user {
        select.filter(WAS_IN, person_key(&Person::Account(user.clone())));
    }
    select.page(db, &newest(list), |row| Ok((past_run_of(row)?, number(row, 8)?)))
}

/// Runs in which a user was, with their visits; of all conferences, also of those that are no more.
pub fn runs_with(
    db: &Connection,
    user: &UserName,
    list: &ListQuery,
) -> Found<Page<(PastRun, u64, Vec<Visit>)>> {
    let mut select = runs(columns());
    select.filter(
        "r.id IN (SELECT v.run FROM visits v WHERE v.person = ?)",
        person_key(&Person::Account(user.clone())),
    );
    let page = select.page(db, &newest(list), |row| Ok((past_run_of(row)?, number(row, 8)?)))?;
    let all = ListQuery {
        limit: limits::PAGE,
        ..ListQuery::default()
    };
    let mut items = Vec::new();
    for (run, people) in page.items {
        let own = visits(db, run.id, Some(user), &all)?.items;
        items.push((run, people, own));
    }
    Ok(Page {
        items,
        total: page.total,
        next: page.next,
    })
}

/// One run of a conference.
pub fn past_run(db: &Connection, of: &Conference, id: RunId) -> Found<Option<(PastRun, u64)>> {
    let query = format!(
        "SELECT {} FROM past_runs r WHERE r.id = ? AND r.cid = ? AND r.conference_created_at = ?",
        columns()
    );
    let params = params![sql(id.0), of.cid.as_str(), sql(of.created_at.0)];
    Ok(db
        .prepare_cached(&query)?
        .query_row(params, |row| Ok((past_run_of(row)?, number(row, 8)?)))
        .optional()?)
}

/// The newest run that is kept of what has this key, also where it is no more.
pub fn last_run(db: &Connection, cid: &Cid) -> Found<Option<PastRun>> {
    let query = format!(
        "SELECT {PAST_RUN} FROM past_runs WHERE cid = ?
             ORDER BY conference_created_at DESC, started_at DESC LIMIT 1"
    );
    let mut query = db.prepare_cached(&query)?;
    Ok(query.query_row([cid.as_str()], past_run_of).optional()?)
}

/// Who was in a run, all or one user only; those who came first before others.
pub fn visits(db: &Connection, run: RunId, user: Option<&UserName>, list: &ListQuery) -> Found<Page<Visit>> {
    let mut select = Select {
        columns: VISIT,
        from: "visits",
        keys: &[("came_at", "came_at")],
        // Several come in one millisecond.
        id: "printf('%020d', participant)",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    select.filter("run = ?", sql(run.0));
    if let Some(user) = user {
        select.filter("person = ?", person_key(&Person::Account(user.clone())));
    }
    select.page(db, list, visit_of)
}

/// Calls from and to a user, the newest first.
pub fn calls_of(db: &Connection, user: &UserName, query: &CallQuery, list: &ListQuery) -> Found<Page<Call>> {
    let mut select = Select {
        columns: "body",
        from: "calls",
        keys: &[("began_at", "began_at")],
        id: "cid",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    let user = user.to_string();
    match query.outgoing {
        Some(true) => select.filter("caller = ? AND room IS NULL", user.clone()),
        Some(false) => select.filter("callee = ?", user.clone()),
        None => {
            select.filter("((caller = ? AND room IS NULL) OR callee = ?)", user.clone());
            select.values.push(user.clone().into());
        }
    }
    if let Some(answered) = query.answered {
        select.filter("answered = ?", i64::from(answered));
        select.conditions.push("over = 1".into());
    }
    for word in fold(&list.search).split_whitespace().take(16) {
        // The other one, by ID or name as it is now.
        select.filter(
            "(EXISTS (SELECT 1 FROM users u WHERE u.id = CASE caller WHEN ? THEN callee ELSE caller END
                  AND instr(u.search, ?) > 0)
              OR instr(CASE instr(caller, '@') WHEN 0 THEN callee ELSE caller END, '@' ) > 0
                  AND instr(CASE instr(caller, '@') WHEN 0 THEN callee ELSE caller END, ?) > 0)",
            user.clone(),
        );
        select.values.push(word.to_owned().into());
        select.values.push(word.to_owned().into());
    }
    select.page(db, &newest(list), |row| body(row, 0))
}

/// Before when history is to be forgotten, if there is any: what is older than `before`, or more than the server keeps.
pub fn old_history(db: &Connection, before: Timestamp) -> Found<Option<Timestamp>> {
    let beyond = |query: &str, most: usize| -> Found<i64> {
        let found: Option<i64> = db
            .prepare_cached(query)?
            .query_row([most as i64], |row| row.get(0))
            .optional()?;
        // Strictly before what is kept.
        Ok(found.map_or(0, |at| at + 1))
    };
    let runs =
        "SELECT ended_at FROM past_runs WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1 OFFSET ?";
    let visits = "SELECT ended_at FROM
             (SELECT ended_at, sum(visits) OVER (ORDER BY ended_at DESC, id DESC) AS all_newer
                  FROM past_runs WHERE ended_at IS NOT NULL)
             WHERE all_newer > ? ORDER BY ended_at DESC LIMIT 1";
    let mut until = bound(before).max(beyond(runs, limits::HISTORY_RUNS)?);
    let kept: i64 = db
        .prepare_cached("SELECT coalesce(sum(visits), 0) FROM past_runs")?
        .query_row([], |row| row.get(0))?;
    if kept > limits::HISTORY_VISITS as i64 {
        until = until.max(beyond(visits, limits::HISTORY_VISITS)?);
    }
    let is_any: bool = db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM past_runs WHERE ended_at < ?1)
                 OR EXISTS (SELECT 1 FROM calls WHERE over = 1 AND began_at < ?2)",
        )?
        .query_row(params![until, bound(before)], |row| row.get(0))?;
    Ok(is_any.then(|| Timestamp(until.cast_unsigned())))
}
