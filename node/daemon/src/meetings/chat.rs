//! The chat of meetings: what clients write, as the rules know it, and what is read of it, as clients hear it.

use super::wire::rules_id;
use plenary_conference::{
    Change, Conference, Deleted, LINES_LEVEL, Line, Mention, NoChat, Participant, ParticipantId as Place,
    Person, Readable, Run,
};
use plenary_meeting_io::{History, ReadLine, Reads};
use plenary_model::{Cid, ServerName};
use plenary_signalling::meeting::{
    CHAT_PAGE, ChatEarlier, DeletedBy, Edit, LineNumber, Mentioned, ParticipantId, Said, Say, Unsay,
};
use plenary_store::{QueryError, queries};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Lines that who comes in is given.
const LINES: u32 = CHAT_PAGE as u32;

/// Under the rules of before, by which all nodes go at that level, lines have no keys.
pub(super) fn say(room: &Cid, participant: ParticipantId, say: Say, level: u32) -> Change {
    Change::Say {
        cid: room.clone(),
        participant: rules_id(participant),
        text: say.text,
        reply_to: say.reply_to.map(|line| line.0),
        mentions: say.mentions.into_iter().map(rules_id).collect(),
        key: say.key.filter(|_| level >= LINES_LEVEL),
    }
}

pub(super) fn edit(room: &Cid, participant: ParticipantId, edit: Edit) -> Change {
    Change::EditLine {
        cid: room.clone(),
        participant: rules_id(participant),
        line: edit.line.0,
        text: edit.text,
        mentions: edit.mentions.into_iter().map(rules_id).collect(),
    }
}

pub(super) fn unsay(room: &Cid, participant: ParticipantId, unsay: Unsay) -> Change {
    Change::DeleteLine {
        cid: room.clone(),
        by: Some(rules_id(participant)),
        line: unsay.line.0,
    }
}

/// What somebody reads; who has gone meanwhile reads what is said now.
fn readable(
    db: &Connection,
    conference: Option<&Conference>,
    run: Option<&Run>,
    of: ParticipantId,
) -> Result<Readable, QueryError> {
    let Some(conference) = conference else {
        return Ok(Readable::Runs(BTreeSet::new()));
    };
    match queries::participant(db, &conference.cid, rules_id(of))? {
        Some(one) => queries::readable(db, conference, run, &one),
        None => Ok(Readable::Runs(
            run.map(|run| run.started_at).into_iter().collect(),
        )),
    }
}

/// What those read who come in, and the last lines of it; most guests read the same.
pub(super) fn history(
    db: &Connection,
    cid: &Cid,
    of: &[ParticipantId],
    level: u32,
) -> Result<Vec<History>, QueryError> {
    let (conference, run) = (queries::conference(db, cid)?, queries::run(db, cid)?);
    let mut alike: BTreeMap<Readable, BTreeSet<ParticipantId>> = BTreeMap::new();
    for one in of {
        let readable = readable(db, conference.as_ref(), run.as_ref(), *one)?;
        alike.entry(readable).or_default().insert(*one);
    }
    let began = run.as_ref().map(|run| run.started_at.0);
    let mut histories = Vec::new();
    for (readable, of) in alike {
        let lines = queries::lines_before(db, cid, u64::MAX, LINES, &readable)?;
        let lines = told(db, cid, lines)?;
        histories.push(History {
            of,
            lines: lines.into_iter().map(|read| read.line).collect(),
            reads: match readable {
                Readable::All => Reads::All,
                Readable::Runs(starts) => Reads::Runs(starts.into_iter().map(|start| start.0).collect()),
            },
            run: began.filter(|_| level >= LINES_LEVEL),
        });
    }
    Ok(histories)
}

/// What was said before a line and somebody reads, in its order, and whether there is still more.
pub(super) fn earlier(
    db: &Connection,
    cid: &Cid,
    of: ParticipantId,
    before: u64,
) -> Result<ChatEarlier, QueryError> {
    let (conference, run) = (queries::conference(db, cid)?, queries::run(db, cid)?);
    let readable = readable(db, conference.as_ref(), run.as_ref(), of)?;
    let lines = queries::lines_before(db, cid, before, LINES, &readable)?;
    let more = lines.len() == LINES as usize;
    let lines = told(db, cid, lines)?;
    Ok(ChatEarlier {
        lines: lines.into_iter().map(|read| read.line).collect(),
        more,
    })
}

/// What was said or changed after the change of that number.
pub(super) fn lines(db: &Connection, cid: &Cid, after: u64) -> Result<Vec<ReadLine>, QueryError> {
    told(db, cid, queries::lines(db, cid, after, LINES)?)
}

/// What those have said before who have these places, as it is now; of each the last lines.
pub(super) fn lines_of(
    db: &Connection,
    cid: &Cid,
    places: &[ParticipantId],
) -> Result<Vec<ReadLine>, QueryError> {
    let mut lines = Vec::new();
    for place in places {
        if let Some(one) = queries::participant(db, cid, rules_id(*place))? {
            lines.extend(queries::lines_of_person(db, cid, &one.person, LINES)?);
        }
    }
    told(db, cid, lines)
}

/// Lines as clients hear them.
fn told(db: &Connection, cid: &Cid, lines: Vec<Line>) -> Result<Vec<ReadLine>, QueryError> {
    let mut places = BTreeMap::new();
    for person in lines.iter().flat_map(people_of) {
        if !places.contains_key(person) {
            let found = queries::places_of_person(db, cid, person)?;
            places.insert(person.clone(), found);
        }
    }
    let began = match lines.is_empty() {
        true => None,
        false => queries::run(db, cid)?.map(|run| run.started_at),
    };
    let of_a_run = |line: Line| Line {
        // What nodes of before have said has none: it is of the one that goes on if it was said in its time.
        run: line.run.or(began.filter(|began| line.at >= *began)),
        ..line
    };
    let lines = lines.into_iter().map(of_a_run);
    Ok(lines.map(|line| read_line(line, &places)).collect())
}

/// Whose places those who read a line are told: who wrote it and whom it mentions.
fn people_of(line: &Line) -> impl Iterator<Item = &Person> {
    let mentioned = line.details.mentions.iter().map(|one| &one.person);
    line.details.person.iter().chain(mentioned)
}

/// A line as clients hear it; `places` are those that people have now.
fn read_line(line: Line, places: &BTreeMap<Person, Vec<Place>>) -> ReadLine {
    let of = |person: &Person| -> Vec<ParticipantId> {
        let found = places.get(person).into_iter().flatten();
        found.map(|id| ParticipantId(id.0)).collect()
    };
    let details = line.details;
    let mentioned = |one: Mention| Mentioned {
        places: of(&one.person),
        name: one.name,
    };
    let deleted_by = |deleted: Deleted| match deleted.by_moderator {
        true => DeletedBy::Moderator,
        false => DeletedBy::Writer,
    };
    ReadLine {
        number: line.id,
        changed: line.changed,
        line: Said {
            id: line.id.to_string(),
            participant: ParticipantId(line.participant.0),
            name: line.name,
            text: line.text,
            at: line.at.0,
            reply_to: details.reply_to.map(LineNumber),
            edited_at: details.edited_at.map(|at| at.0),
            deleted: details.deleted.map(deleted_by),
            places: match &details.person {
                Some(person) => of(person),
                None => vec![ParticipantId(line.participant.0)],
            },
            run: line.run.map(|at| at.0),
            key: line.key,
            mentions: details.mentions.into_iter().map(mentioned).collect(),
        },
    }
}

/// Why those of a roster do not write who do not, by their places.
pub(super) fn silent(
    db: &Connection,
    conference: &Conference,
    roster: &[Participant],
) -> Result<BTreeMap<Place, NoChat>, QueryError> {
    let mut terms = BTreeMap::<ServerName, _>::new();
    let mut silent = BTreeMap::new();
    for one in roster {
        let of = match &one.person {
            Person::Federated(user) => {
                if !terms.contains_key(&user.server) {
                    let found = queries::terms_with(db, &user.server)?;
                    terms.insert(user.server.clone(), found);
                }
                terms.get(&user.server)
            }
            _ => None,
        };
        if let Some(why) = conference.no_chat(one, of) {
            silent.insert(one.id, why);
        }
    }
    Ok(silent)
}
