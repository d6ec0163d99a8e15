//! Rows of meetings: how participants, lines and guests are written, read and found.

use crate::{
    codec::encode,
    effects::run,
    history, lines, outbox, registrations, templates,
    view::{body, bound, name, number, sql},
    watchers,
};
use plenary_access::TokenHash;
use plenary_conference::{
    Attempts, Call, Conference, Effect, End, Guest, GuestId, Invitation, Keepsake, Layout, Opened,
    Participant, ParticipantId, Person, Reaction, Run, SecretHash, Standing, Via,
};
use plenary_model::{Cid, NodeId, Timestamp, UserName};
use plenary_replication::AppError;
use rusqlite::{
    Connection, Row, params,
    types::{Type, ValueRef},
};
use std::net::IpAddr;

/// Columns of a participant, in the order of [`participant_of`].
pub(crate) const PARTICIPANT: &str = "cid, id, person, name, via, node, epoch, secret, muted, camera, content, \
     hand, reaction, reacted_at, joined_at, moves, away_since, standing, layout, address";
/// Columns of a guest, in the order of [`guest_of`].
pub(crate) const GUEST: &str =
    "id, cid, name, token, created_at, expires_at, source, agreed, key, key_before, kept_until";
/// Columns of a run, in the order of [`run_of`].
pub(crate) const RUN: &str = "cid, started_at, participants, last_line, last_hand, locked_at, alone_since, ended_at, \
     ended_why, opened_at, opened_until, layout, left_at, last_change";

const ACCOUNT: &str = "account:";
/// Persons of accounts are from [`ACCOUNT`] up to this.
pub(crate) const ACCOUNT_PERSONS: [&str; 2] = [ACCOUNT, "account;"];
/// What `person` of guests begins with.
const GUEST_PERSON: &str = "guest:";
/// Persons of guests are from [`GUEST_PERSON`] up to this.
pub(crate) const GUEST_PERSONS: [&str; 2] = [GUEST_PERSON, "guest;"];
/// What `person` of people of partners' servers begins with.
const FEDERATED_PERSON: &str = "federated:";
/// Those are from [`FEDERATED_PERSON`] up to this.
pub(crate) const FEDERATED_PERSONS: [&str; 2] = [FEDERATED_PERSON, "federated;"];

/// A person as its column: the kind and the name.
pub(crate) fn person_key(person: &Person) -> String {
    match person {
        Person::Account(user) => format!("{ACCOUNT}{user}"),
        Person::Guest(guest) => format!("{GUEST_PERSON}{guest}"),
        Person::Federated(user) => format!("{FEDERATED_PERSON}{user}"),
    }
}

pub(crate) fn person_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Person> {
    let text = row.get_ref(column)?.as_str()?;
    let read = if let Some(user) = text.strip_prefix(ACCOUNT) {
        user.parse().map(Person::Account)
    } else if let Some(user) = text.strip_prefix(FEDERATED_PERSON) {
        user.parse().map(Person::Federated)
    } else {
        let guest = text.strip_prefix(GUEST_PERSON).unwrap_or(text);
        guest.parse::<GuestId>().map(Person::Guest)
    };
    read.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

pub(crate) fn end_name(why: End) -> &'static str {
    match why {
        End::Moderator => "moderator",
        End::Long => "long",
        End::Alone => "alone",
        End::Planned => "planned",
    }
}

pub(crate) fn end_of(name: &str) -> End {
    match name {
        "long" => End::Long,
        "alone" => End::Alone,
        "planned" => End::Planned,
        _ => End::Moderator,
    }
}

pub(crate) fn via_name(via: Via) -> &'static str {
    match via {
        Via::Browser => "browser",
        Via::Whip => "whip",
    }
}

pub(crate) fn via_of(name: &str) -> Via {
    match name {
        "whip" => Via::Whip,
        _ => Via::Browser,
    }
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    number(row, column).map(Timestamp)
}

pub(crate) fn time_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let stored: Option<i64> = row.get(column)?;
    Ok(stored.map(|time| Timestamp(time.cast_unsigned())))
}

fn address_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<IpAddr>> {
    let text: Option<String> = row.get(column)?;
    let read = text.map(|text| text.parse()).transpose();
    read.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

pub(crate) fn participant_of(row: &Row<'_>) -> rusqlite::Result<Participant> {
    let reaction = match (row.get(12)?, time_or_none(row, 13)?) {
        (Some(text), Some(at)) => Some(Reaction { text, at }),
        _ => None,
    };
    let away_since = time_or_none(row, 16)?;
    Ok(Participant {
        cid: name(row, 0)?,
        id: ParticipantId(number(row, 1)?),
        person: person_of(row, 2)?,
        name: row.get(3)?,
        via: via_of(row.get_ref(4)?.as_str()?),
        node: NodeId(number(row, 5)?),
        epoch: number(row, 6)?,
        secret: SecretHash(row.get(7)?),
        muted: row.get(8)?,
        camera: row.get(9)?,
        content: row.get(10)?,
        hand: time_or_none(row, 11)?,
        reaction,
        joined_at: time(row, 14)?,
        moves: number(row, 15)?,
        away: away_since.is_some(),
        away_since,
        standing: match row.get_ref(17)? {
            ValueRef::Null => Standing::default(),
            _ => body(row, 17)?,
        },
        layout: layout_of(row, 18)?,
        address: address_of(row, 19)?,
    })
}

fn layout_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Layout>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => body(row, column).map(Some),
    }
}

fn layout_bytes(layout: Option<&Layout>) -> Result<Option<Vec<u8>>, AppError> {
    let bytes = layout.map(encode).transpose();
    bytes.map_err(|error| AppError::Defect(error.to_string()))
}

/// The conference and the ID of a place.
pub(crate) fn place_of(row: &Row<'_>) -> rusqlite::Result<(Cid, ParticipantId)> {
    Ok((name(row, 0)?, ParticipantId(number(row, 1)?)))
}

pub(crate) fn guest_of(row: &Row<'_>) -> rusqlite::Result<Guest> {
    Ok(Guest {
        id: name(row, 0)?,
        cid: name(row, 1)?,
        name: row.get(2)?,
        token: TokenHash(row.get(3)?),
        created_at: time(row, 4)?,
        expires_at: time(row, 5)?,
        source: row.get(6)?,
        agreed: match row.get_ref(7)? {
            ValueRef::Null => Vec::new(),
            _ => body(row, 7)?,
        },
        kept: match (row.get(8)?, time_or_none(row, 10)?) {
            (Some(key), Some(until)) => Some(Keepsake {
                key: TokenHash(key),
                before: row.get::<_, Option<_>>(9)?.map(TokenHash),
                until,
            }),
            _ => None,
        },
    })
}

pub(crate) fn attempts_of(row: &Row<'_>) -> rusqlite::Result<Attempts> {
    Ok(Attempts {
        count: row.get(0)?,
        last_at: time(row, 1)?,
    })
}

pub(crate) fn run_of(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        cid: name(row, 0)?,
        started_at: time(row, 1)?,
        participants: number(row, 2)?,
        last_line: number(row, 3)?,
        last_hand: time(row, 4)?,
        locked_at: time_or_none(row, 5)?,
        alone_since: time_or_none(row, 6)?,
        ended: match (time_or_none(row, 7)?, row.get_ref(8)?.as_str_or_null()?) {
            (Some(at), Some(why)) => Some((at, end_of(why))),
            _ => None,
        },
        opened: match (time_or_none(row, 9)?, time_or_none(row, 10)?) {
            (Some(at), until) => Some(Opened { at, until }),
            _ => None,
        },
        layout: layout_of(row, 11)?,
        left_at: time_or_none(row, 12)?,
        last_change: number(row, 13)?,
    })
}

/// Carries out what concerns meetings; the conference itself is [`crate::effects`]'.
pub(crate) fn put(db: &Connection, effect: &Effect) -> Result<(), AppError> {
    match effect {
        Effect::Put(conference) => put_people(db, conference),
        Effect::Remove(cid) => {
            for table in [
                "runs",
                "participants",
                "lines",
                "guests",
                "conference_people",
                "layout_people",
                "pin_attempts",
                "registrants",
                "watchers",
                "removed",
            ] {
                run(db, &format!("DELETE FROM {table} WHERE cid = ?"), [cid.as_str()])?;
            }
            Ok(())
        }
        Effect::PutRun(of) => put_run(db, of),
        Effect::PutParticipant(participant) => put_participant(db, participant),
        Effect::RemoveParticipant { cid, id } => run(
            db,
            "DELETE FROM participants WHERE cid = ? AND id = ?",
            params![cid.as_str(), sql(id.0)],
        ),
        Effect::RemoveAll(cid) => run(db, "DELETE FROM participants WHERE cid = ?", [cid.as_str()]),
        Effect::PutWatcher(watcher) => watchers::put(db, watcher),
        Effect::RemoveWatcher { cid, id } => watchers::remove(db, cid, *id),
        Effect::EndWatching { node, but } => watchers::end(db, *node, *but),
        Effect::PutRemoved(one) => watchers::put_removed(db, one),
        Effect::LetBack { cid, id } => watchers::let_back(db, cid, *id),
        Effect::ForgetRemoved(cid) => watchers::forget_removed(db, cid),
        Effect::PutAttempts {
            cid,
            source,
            attempts,
        } if attempts.count == 0 => run(
            db,
            "DELETE FROM pin_attempts WHERE cid = ? AND source = ?",
            [cid.as_str(), source.as_str()],
        ),
        Effect::PutAttempts {
            cid,
            source,
            attempts,
        } => run(
            db,
            "INSERT OR REPLACE INTO pin_attempts (cid, source, count, last_at) VALUES (?, ?, ?, ?)",
            params![cid.as_str(), source, attempts.count, sql(attempts.last_at.0)],
        ),
        Effect::ForgetAttempts { until } => {
            run(db, "DELETE FROM pin_attempts WHERE last_at < ?", [bound(*until)])
        }
        Effect::MarkAway { node, but, since } => run(
            db,
            "UPDATE participants SET away_since = ? WHERE node = ? AND epoch <> ? AND away_since IS NULL",
            [sql(since.0), sql(node.0), sql(*but)],
        ),
        Effect::AddLine { .. }
        | Effect::PutLine(_)
        | Effect::RemoveLines(_)
        | Effect::TrimLines { .. }
        | Effect::ForgetLines { .. }
        | Effect::ForgetWriter(_) => lines::put(db, effect),
        Effect::PutGuest(guest) => put_guest(db, guest),
        Effect::RemoveGuest(id) => run(db, "DELETE FROM guests WHERE id = ?", [id.as_str()]),
        Effect::PutTemplate(template) => templates::put(db, template),
        Effect::RemoveTemplate(id) => templates::remove(db, *id),
        Effect::PutMessage(message) => outbox::put(db, message),
        Effect::RemoveMessage { cid, user } => outbox::remove(db, cid, user),
        Effect::PutPartnerInvitation(invitation) => outbox::put_invitation(db, invitation),
        Effect::ForgetPartnerInvitations { until } => run(
            db,
            "DELETE FROM partner_invitations WHERE forget_at <= ?",
            [bound(*until)],
        ),
        Effect::PutRegistrant(registrant) => registrations::put(db, registrant),
        Effect::RemoveRegistrant(id) => registrations::remove(db, id),
        Effect::PutCall(call) => put_call(db, call),
        Effect::ForgetCalls { .. } | Effect::ForgetRings { .. } | Effect::ForgetAway { .. } => {
            forget_calls(db, effect)
        }
        Effect::RemoveCall(cid) => run(db, "DELETE FROM calls WHERE cid = ?", [cid.as_str()]),
        Effect::RemoveCalls(user) => run(
            db,
            "DELETE FROM calls WHERE caller = ?1 OR callee = ?1",
            [user.as_str()],
        ),
        Effect::PutPastRun(run) => history::put_past_run(db, run),
        Effect::PutVisit(visit) => history::put_visit(db, visit),
        Effect::EndVisits { run, participant, at } => history::end_visits(db, *run, *participant, *at),
        Effect::ForgetVisitor(user) => history::forget_visitor(db, user),
        Effect::ForgetHistory { runs, calls, most } => history::forget(db, *runs, *calls, *most),
        Effect::RemoveGuests(cid) => run(db, "DELETE FROM guests WHERE cid = ?", [cid.as_str()]),
        Effect::ForgetGuests { until } => run(db, "DELETE FROM guests WHERE forget_at <= ?", [bound(*until)]),
    }
}

/// Keeps of a person's calls only the newest.
fn forget_calls(db: &Connection, effect: &Effect) -> Result<(), AppError> {
    match effect {
        Effect::ForgetCalls { caller, but } => run(
            db,
            "DELETE FROM calls WHERE caller = ?1 AND room IS NULL AND began_at <=
                 (SELECT began_at FROM calls WHERE caller = ?1 AND room IS NULL
                      ORDER BY began_at DESC LIMIT 1 OFFSET ?2)",
            params![caller.to_string(), but],
        ),
        Effect::ForgetRings { callee, but } => run(
            db,
            "DELETE FROM calls WHERE callee = ?1 AND room IS NOT NULL AND began_at <=
                 (SELECT began_at FROM calls WHERE callee = ?1 AND room IS NOT NULL
                      ORDER BY began_at DESC LIMIT 1 OFFSET ?2)",
            params![callee.to_string(), but],
        ),
        Effect::ForgetAway { callee, but } => run(
            db,
            "DELETE FROM calls WHERE callee = ?1 AND over = 1 AND instr(caller, '@') > 0 AND began_at <=
                 (SELECT began_at FROM calls WHERE callee = ?1 AND instr(caller, '@') > 0
                      ORDER BY began_at DESC LIMIT 1 OFFSET ?2)",
            params![callee.as_str(), but],
        ),
        _ => Ok(()),
    }
}

fn put_run(db: &Connection, of: &Run) -> Result<(), AppError> {
    let layout = layout_bytes(of.layout.as_ref())?;
    run(
        db,
        &format!("INSERT OR REPLACE INTO runs ({RUN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        params![
            of.cid.as_str(),
            sql(of.started_at.0),
            sql(of.participants),
            sql(of.last_line),
            sql(of.last_hand.0),
            of.locked_at.map(|at| sql(at.0)),
            of.alone_since.map(|at| sql(at.0)),
            of.ended.map(|(at, _)| sql(at.0)),
            of.ended.map(|(_, why)| end_name(why)),
            of.opened.map(|opened| sql(opened.at.0)),
            of.opened
                .and_then(|opened| opened.until)
                .map(|until| sql(until.0)),
            layout,
            of.left_at.map(|at| sql(at.0)),
            sql(of.last_change)
        ],
    )
}

fn put_call(db: &Connection, call: &Call) -> Result<(), AppError> {
    let stored = encode(call).map_err(|error| AppError::Defect(error.to_string()))?;
    run(
        db,
        "INSERT OR REPLACE INTO calls (cid, caller, callee, began_at, answered, over, body, room)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            call.cid.as_str(),
            call.caller.to_string(),
            // The name of a group is nobody's who may have it later.
            if call.is_for_whole_group() {
                String::new()
            } else {
                call.callee.to_string()
            },
            sql(call.began_at.0),
            call.answered_at.is_some(),
            call.over.is_some(),
            stored,
            call.ring.as_ref().map(|ring| ring.cid.as_str())
        ],
    )
}

fn put_participant(db: &Connection, participant: &Participant) -> Result<(), AppError> {
    let time = |time: Option<Timestamp>| time.map(|time| sql(time.0));
    let reaction = participant.reaction.as_ref();
    let invited = participant.standing.invitation.filter(Invitation::is_open);
    let usual = participant.standing == Standing::default();
    let standing = (!usual).then(|| encode(&participant.standing)).transpose();
    let standing = standing.map_err(|error| AppError::Defect(error.to_string()))?;
    run(
        db,
        &format!(
            "INSERT OR REPLACE INTO participants ({PARTICIPANT}, podium, invited)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ),
        params![
            participant.cid.as_str(),
            sql(participant.id.0),
            person_key(&participant.person),
            participant.name,
            via_name(participant.via),
            sql(participant.node.0),
            sql(participant.epoch),
            participant.secret.0,
            participant.muted,
            participant.camera,
            participant.content,
            time(participant.hand),
            reaction.map(|reaction| reaction.text.as_str()),
            time(reaction.map(|reaction| reaction.at)),
            sql(participant.joined_at.0),
            sql(participant.moves),
            time(participant.away_since),
            standing,
            layout_bytes(participant.layout.as_ref())?,
            participant.address.map(|address| address.to_string()),
            time(participant.standing.podium),
            time(invited.map(|invitation| invitation.at))
        ],
    )
}

/// Whom a conference names, to be found by their names.
fn put_people(db: &Connection, conference: &Conference) -> Result<(), AppError> {
    let cid = conference.cid.as_str();
    let (named, placed) = (conference.settings.named(), conference.settings.in_layouts());
    put_names(db, "conference_people", cid, named)?;
    put_names(db, "layout_people", cid, placed)
}

fn put_names<'a>(
    db: &Connection,
    table: &str,
    cid: &str,
    users: impl IntoIterator<Item = &'a UserName>,
) -> Result<(), AppError> {
    run(db, &format!("DELETE FROM {table} WHERE cid = ?"), [cid])?;
    for user in users {
        let insert = format!("INSERT INTO {table} (user, cid) VALUES (?, ?)");
        run(db, &insert, [user.as_str(), cid])?;
    }
    Ok(())
}

fn put_guest(db: &Connection, guest: &Guest) -> Result<(), AppError> {
    let agreed = (!guest.agreed.is_empty())
        .then(|| encode(&guest.agreed))
        .transpose();
    let kept = guest.kept.as_ref();
    run(
        db,
        &format!(
            "INSERT OR REPLACE INTO guests ({GUEST}, forget_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ),
        params![
            guest.id.as_str(),
            guest.cid.as_str(),
            guest.name,
            guest.token.0,
            sql(guest.created_at.0),
            sql(guest.expires_at.0),
            guest.source,
            agreed.map_err(|error| AppError::Defect(error.to_string()))?,
            kept.map(|kept| kept.key.0),
            kept.and_then(|kept| kept.before).map(|key| key.0),
            kept.map(|kept| sql(kept.until.0)),
            sql(guest.forget_at().0)
        ],
    )
}
