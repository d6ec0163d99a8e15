//! Who is in meetings, what was said there, and guests.

use super::Found;
use crate::{
    lines::{LINE, line_of},
    meetings::{
        FEDERATED_PERSONS, GUEST, GUEST_PERSONS, PARTICIPANT, RUN, guest_of, participant_of, person_key,
        run_of,
    },
    view::{ENDS, StoreView, UNUSED, bound, ends_by, number, sql},
};
use plenary_access::{Bandwidth, PartnerTerms, TokenHash, effective_bandwidth};
use plenary_conference::{
    AWAY_MS, Conference, Guest, INVITATION_MS, Line, MeetingView as _, Participant, ParticipantId, Person,
    RING_MS, Readable, Run, is_adrift,
};
use plenary_model::{Cid, GroupId, NodeId, Right, ServerName, Timestamp, UserName, limits};
use rusqlite::{Connection, OptionalExtension as _, Params, params};
use std::{collections::BTreeSet, net::IpAddr};

fn participants(db: &Connection, condition: &str, params: impl Params) -> Found<Vec<Participant>> {
    let query = format!("SELECT {PARTICIPANT} FROM participants WHERE {condition}");
    let mut query = db.prepare_cached(&query)?;
    let rows = query.query_map(params, participant_of)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Everybody who is in a conference, those who came first before others.
pub fn roster(db: &Connection, cid: &Cid) -> Found<Vec<Participant>> {
    let mut all = participants(db, "cid = ?", [cid.as_str()])?;
    // IDs of 64 bits without a sign have another order in the database.
    all.sort_by_key(|participant| (participant.joined_at, participant.id));
    Ok(all)
}

/// The run of a conference: that of now, or the last one.
pub fn run(db: &Connection, cid: &Cid) -> Found<Option<Run>> {
    let query = format!("SELECT {RUN} FROM runs WHERE cid = ?");
    Ok(db
        .prepare_cached(&query)?
        .query_row([cid.as_str()], run_of)
        .optional()?)
}

/// Whether the rights of an account make it an operator, where it comes from.
pub fn is_operator(db: &Connection, user: &UserName, from: Option<IpAddr>) -> Found<bool> {
    let view = StoreView::new(db);
    let operator = view.is_operator(user) && view.zones().of(from).rights.allows(Right::Operator);
    view.finish()?;
    Ok(operator)
}

/// Whether the rights of an account let it show a screen, where it comes from.
pub fn may_share(db: &Connection, user: &UserName, from: Option<IpAddr>) -> Found<bool> {
    let view = StoreView::new(db);
    let shares = view.may_share(&Person::Account(user.clone()))
        && view.zones().of(from).rights.allows(Right::ShareScreen);
    view.finish()?;
    Ok(shares)
}

/// The terms with a partner's server, whether one meets with it or not.
pub fn terms_with(db: &Connection, server: &ServerName) -> Found<PartnerTerms> {
    let view = StoreView::new(db);
    let terms = view.partner_terms(server);
    view.finish()?;
    Ok(terms)
}

/// People of a partner's server in conferences of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FromPartner {
    pub people: u64,
    pub conferences: u64,
}

/// How many of a partner's server are in conferences, on all nodes.
pub fn people_of(db: &Connection, server: &ServerName) -> Found<FromPartner> {
    let [from, until] = FEDERATED_PERSONS;
    let mut query = db.prepare_cached(
        "SELECT count(*), count(DISTINCT cid) FROM participants
             WHERE person >= ?1 AND person < ?2 AND substr(person, -length(?3)) = ?3",
    )?;
    let found = query.query_row(params![from, until, format!("@{server}")], |row| {
        Ok(FromPartner {
            people: number(row, 0)?,
            conferences: number(row, 1)?,
        })
    });
    Ok(found?)
}

/// The limits of a person: an account's own ones, else the strictest of its groups; those of guests are of their group.
pub fn bandwidth(db: &Connection, person: &Person) -> Found<Bandwidth> {
    let view = StoreView::new(db);
    let (own, mut groups) = match person {
        Person::Account(user) => {
            let user = plenary_access::View::user(&view, user);
            user.map(|user| (user.bandwidth, user.groups)).unwrap_or_default()
        }
        Person::Guest(_) => (Bandwidth::default(), [GroupId::guests()].into()),
        Person::Federated(_) => (Bandwidth::default(), [GroupId::federated()].into()),
    };
    if groups.is_empty() {
        groups.insert(GroupId::ungrouped());
    }
    let groups: Vec<_> = groups
        .iter()
        .filter_map(|id| plenary_access::View::group(&view, id))
        .collect();
    view.finish()?;
    Ok(effective_bandwidth(own, &groups))
}

/// One participant.
pub fn participant(db: &Connection, cid: &Cid, id: ParticipantId) -> Found<Option<Participant>> {
    let found = participants(db, "cid = ? AND id = ?", params![cid.as_str(), sql(id.0)])?;
    Ok(found.into_iter().next())
}

/// One participant, of whatever conference.
pub fn participant_anywhere(db: &Connection, id: ParticipantId) -> Found<Option<Participant>> {
    let found = participants(db, "id = ?", [sql(id.0)])?;
    Ok(found.into_iter().next())
}

/// Those without an account here who are in conferences now, with what these are called and named: guests, or people of
/// partners' servers. Who came last comes first, at most `limit`.
pub fn strangers_inside(
    db: &Connection,
    federated: bool,
    limit: u32,
) -> Found<Vec<(Participant, Cid, String)>> {
    let [from, until] = if federated {
        FEDERATED_PERSONS
    } else {
        GUEST_PERSONS
    };
    let which = "person >= ? AND person < ? ORDER BY joined_at DESC, id LIMIT ?";
    let inside = participants(db, which, rusqlite::params![from, until, limit])?;
    let mut strangers = Vec::new();
    for one in inside {
        if let Some(conference) = super::conference(db, &one.cid)? {
            strangers.push((one, conference.id().clone(), conference.name));
        }
    }
    Ok(strangers)
}

/// Those whose connections one start of a node holds or held last, also if they are away; ordered by conference and ID.
pub fn participants_of_node(db: &Connection, node: NodeId, epoch: u64) -> Found<Vec<Participant>> {
    let params = [sql(node.0), sql(epoch)];
    participants(db, "node = ? AND epoch = ? ORDER BY cid, id", params)
}

/// Lines of the chat that were said or changed after the change numbered `after`, in the order of that, at most `limit`; after
/// 0 the newest ones, in the order in which they were said.
pub fn lines(db: &Connection, cid: &Cid, after: u64, limit: u32) -> Found<Vec<Line>> {
    let order = if after == 0 { "id DESC" } else { "changed" };
    let query = format!("SELECT {LINE} FROM lines WHERE cid = ? AND changed > ? ORDER BY {order} LIMIT ?");
    let mut query = db.prepare_cached(&query)?;
    let rows = query.query_map(params![cid.as_str(), sql(after), limit], line_of)?;
    let mut lines: Vec<Line> = rows.collect::<rusqlite::Result<_>>()?;
    if after == 0 {
        lines.reverse();
    }
    Ok(lines)
}

/// The last lines of the chat that somebody said, in the order in which they were said. Lines of nodes of before, which do
/// not say by whom they are, are not found.
pub fn lines_of_person(db: &Connection, cid: &Cid, person: &Person, limit: u32) -> Found<Vec<Line>> {
    let query = format!("SELECT {LINE} FROM lines WHERE cid = ? AND person = ? ORDER BY id DESC LIMIT ?");
    let mut query = db.prepare_cached(&query)?;
    let rows = query.query_map(params![cid.as_str(), person_key(person), limit], line_of)?;
    let mut lines: Vec<Line> = rows.collect::<rusqlite::Result<_>>()?;
    lines.reverse();
    Ok(lines)
}

/// The last lines of the chat that were said before that of this number, of those that are read by somebody, in the order
/// in which they were said.
pub fn lines_before(
    db: &Connection,
    cid: &Cid,
    before: u64,
    limit: u32,
    readable: &Readable,
) -> Found<Vec<Line>> {
    let starts = match readable {
        Readable::All => None,
        // Numbers and commas are a list of JSON.
        Readable::Runs(starts) => {
            let starts: Vec<_> = starts.iter().map(|start| start.0.to_string()).collect();
            Some(format!("[{}]", starts.join(",")))
        }
    };
    // What nodes of before have said has no run: it is of the one that goes on if it was said in its time.
    let query = format!(
        "SELECT {LINE} FROM lines WHERE cid = ?1 AND id < ?2
             AND (?4 IS NULL OR run IN (SELECT value FROM json_each(?4))
                 OR (run IS NULL AND at >= (SELECT started_at FROM runs WHERE cid = ?1)))
             ORDER BY id DESC LIMIT ?3"
    );
    let mut query = db.prepare_cached(&query)?;
    let rows = query.query_map(
        params![cid.as_str(), bound(Timestamp(before)), limit, starts],
        line_of,
    )?;
    let mut lines: Vec<Line> = rows.collect::<rusqlite::Result<_>>()?;
    lines.reverse();
    Ok(lines)
}

/// What somebody in a conference reads of its chat (`docs/decisions/0025`).
pub fn readable(
    db: &Connection,
    conference: &Conference,
    run: Option<&Run>,
    one: &Participant,
) -> Found<Readable> {
    if conference.reads_all(one) {
        return Ok(Readable::All);
    }
    let mut query = db.prepare_cached(
        "SELECT DISTINCT past_runs.started_at FROM visits JOIN past_runs ON past_runs.id = visits.run
             WHERE visits.person = ? AND past_runs.cid = ? AND past_runs.conference_created_at = ?",
    )?;
    let rows = query.query_map(
        params![
            person_key(&one.person),
            conference.cid.as_str(),
            sql(conference.created_at.0)
        ],
        |row| number(row, 0).map(Timestamp),
    )?;
    let mut starts: BTreeSet<Timestamp> = rows.collect::<rusqlite::Result<_>>()?;
    starts.extend(run.map(|run| run.started_at));
    Ok(Readable::Runs(starts))
}

/// Whether there are lines that were said before then.
pub fn has_lines_before(db: &Connection, before: Timestamp) -> Found<bool> {
    let mut query = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM lines WHERE at < ?)")?;
    Ok(query.query_row([bound(before)], |row| row.get(0))?)
}

/// Lines of the chat that are kept, with higher numbers than this, in the order in which they were said.
pub fn chat(db: &Connection, cid: &Cid, after: u64, limit: u32) -> Found<Vec<Line>> {
    let query = format!("SELECT {LINE} FROM lines WHERE cid = ? AND id > ? ORDER BY id LIMIT ?");
    let mut query = db.prepare_cached(&query)?;
    let rows = query.query_map(params![cid.as_str(), bound(Timestamp(after)), limit], line_of)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The places that a person has in a conference, ordered by ID.
pub fn places_of_person(db: &Connection, cid: &Cid, person: &Person) -> Found<Vec<ParticipantId>> {
    let mut query =
        db.prepare_cached("SELECT id FROM participants WHERE person = ? AND cid = ? ORDER BY id")?;
    let rows = query.query_map([person_key(person).as_str(), cid.as_str()], |row| {
        number(row, 0).map(ParticipantId)
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The guest of a token that is valid at `now`.
pub fn guest(db: &Connection, token: &TokenHash, now: Timestamp) -> Found<Option<Guest>> {
    let query = format!("SELECT {GUEST} FROM guests WHERE token = ? AND expires_at > ?");
    Ok(db
        .prepare_cached(&query)?
        .query_row(params![token.0, bound(now)], guest_of)
        .optional()?)
}

const DAY_MS: u64 = 24 * 3_600_000;

/// Whether there are conferences that are scheduled, or not, and were used and changed last before then.
fn has_unused(db: &Connection, before: Timestamp, scheduled: bool) -> Found<bool> {
    let query = format!("SELECT EXISTS (SELECT 1 {UNUSED})");
    let params = params![scheduled, bound(before)];
    Ok(db.prepare_cached(&query)?.query_row(params, |row| row.get(0))?)
}

/// What [`Change::DeleteOld`](plenary_conference::Change::DeleteOld) has to delete at `now`, by the settings of the server:
/// those whose schedule is over, and those without one, that were used last before then. `None`: nothing.
pub fn old_conferences(
    db: &Connection,
    now: Timestamp,
) -> Found<Option<(Option<Timestamp>, Option<Timestamp>)>> {
    let policy = super::settings(db)?.conferences;
    let before =
        |is_on: bool, days: u32| is_on.then(|| Timestamp(now.0.saturating_sub(u64::from(days) * DAY_MS)));
    let past = before(policy.delete_past, policy.delete_past_days);
    let unused = before(policy.delete_unused, policy.delete_unused_days);
    let there = |before: Option<Timestamp>, scheduled: bool| match before {
        Some(before) => has_unused(db, before, scheduled),
        None => Ok(false),
    };
    let is_any = there(past, true)? || there(unused, false)?;
    Ok(is_any.then_some((past, unused)))
}

/// Whether [`Change::Sweep`](plenary_conference::Change::Sweep) would do anything at `now`.
pub fn needs_sweep(db: &Connection, now: Timestamp) -> Found<bool> {
    let query = format!(
        "SELECT EXISTS (SELECT 1 FROM runs WHERE {ENDS})
             OR EXISTS (SELECT 1 FROM participants WHERE away_since < ?4)
             OR EXISTS (SELECT 1 FROM guests WHERE forget_at <= ?5)
             OR EXISTS (SELECT 1 FROM pin_attempts WHERE last_at < ?6)
             OR EXISTS (SELECT 1 FROM calls WHERE answered = 0 AND over = 0 AND began_at < ?7)
             OR EXISTS (SELECT 1 FROM participants WHERE invited < ?8)
             OR EXISTS (SELECT 1 FROM partner_invitations WHERE forget_at <= ?5)"
    );
    let before = |ms: u64| Timestamp(now.0.saturating_sub(ms));
    let [long, alone, planned] = ends_by(now);
    let params = [
        long,
        alone,
        planned,
        bound(before(AWAY_MS)),
        bound(now),
        bound(before(limits::PIN_WINDOW_MS)),
        bound(before(RING_MS)),
        bound(before(INVITATION_MS)),
    ];
    if db.prepare_cached(&query)?.query_row(params, |row| row.get(0))? {
        return Ok(true);
    }
    let view = StoreView::new(db);
    let answered = view.answered_from_away();
    let adrift = answered.iter().any(|call| is_adrift(&view, call, now));
    view.finish()?;
    Ok(adrift)
}
