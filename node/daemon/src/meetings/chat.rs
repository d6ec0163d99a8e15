//! The chat of meetings: what clients write, as the rules know it, and what is read of it, as clients hear it.

use super::wire::rules_id;
use plenary_conference::{Change, Deleted, Line, Mention, ParticipantId as Place, Person};
use plenary_meeting_io::ReadLine;
use plenary_model::Cid;
use plenary_signalling::meeting::{
    CHAT_PAGE, ChatEarlier, DeletedBy, Edit, LineNumber, Mentioned, ParticipantId, Said, Say, Unsay,
};
use plenary_store::{QueryError, queries};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Lines that who comes in is given.
const LINES: u32 = CHAT_PAGE as u32;

pub(super) fn say(room: &Cid, participant: ParticipantId, say: Say) -> Change {
    Change::Say {
        cid: room.clone(),
        participant: rules_id(participant),
        text: say.text,
        reply_to: say.reply_to.map(|line| line.0),
        mentions: say.mentions.into_iter().map(rules_id).collect(),
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

/// What was said before a line, in its order, and whether there is still more.
pub(super) fn earlier(db: &Connection, cid: &Cid, before: u64) -> Result<ChatEarlier, QueryError> {
    let lines = queries::lines_before(db, cid, before, LINES)?;
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

/// Lines as clients hear them.
fn told(db: &Connection, cid: &Cid, lines: Vec<Line>) -> Result<Vec<ReadLine>, QueryError> {
    let mut places = BTreeMap::new();
    for person in lines.iter().flat_map(people_of) {
        if !places.contains_key(person) {
            let found = queries::places_of_person(db, cid, person)?;
            places.insert(person.clone(), found);
        }
    }
    Ok(lines.into_iter().map(|line| read_line(line, &places)).collect())
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
            mentions: details.mentions.into_iter().map(mentioned).collect(),
        },
    }
}
