//! What people say to all in a meeting: lines, which who wrote them changes and moderators take out (CHAT-01).
//!
//! ```text
//!  Say ──► a line ── EditLine, by who wrote it, within 48 h ──► the same, edited
//!            └────── DeleteLine, by them or a moderator ──────► its number, and that it is deleted
//! ```
//!
//! Invariant: of a deleted line neither text nor mentions are left, and each change of a conference's lines has a number
//! of its own, so that nodes find what is new.

use super::{Meetings, Participant, ParticipantId, Person, Runs, moderate::conflict};
use crate::{CHAT_LEVEL, Change, Decision, Effect, Role, View, decide::forbidden};
use plenary_access::{
    Outcome, Refusal,
    rules::{invalid, not_found},
};
use plenary_model::{Cid, Timestamp, limits};
use serde::{Deserialize, Serialize};

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub cid: Cid,
    /// Rises by one in each conference.
    pub id: u64,
    pub participant: ParticipantId,
    /// Of who said it, who may be gone since.
    pub name: String,
    /// Empty if it is deleted.
    pub text: String,
    pub at: Timestamp,
    /// The number of its last change; saying it is the first one.
    #[serde(default)]
    pub changed: u64,
    #[serde(default)]
    pub details: LineDetails,
}

/// What a line has beside its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LineDetails {
    /// Who said it, whatever place they have now; nodes of before do not keep it.
    pub person: Option<Person>,
    /// The number of the line that it answers, which may be gone.
    pub reply_to: Option<u64>,
    pub mentions: Vec<Mention>,
    pub edited_at: Option<Timestamp>,
    pub deleted: Option<Deleted>,
}

/// Somebody whom a line names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    pub person: Person,
    /// As it stands in the text, after an `@`.
    pub name: String,
}

/// A line that is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    pub at: Timestamp,
    /// By somebody else than who wrote it.
    pub by_moderator: bool,
}

impl Line {
    fn is_by(&self, one: &Participant) -> bool {
        match &self.details.person {
            Some(person) => *person == one.person,
            None => self.participant == one.id,
        }
    }
}

/// What somebody says: the fields of [`Change::Say`] and [`Change::EditLine`].
#[derive(Clone, Copy)]
struct Words<'a> {
    text: &'a str,
    mentions: &'a [ParticipantId],
}

impl<V: View> Meetings<'_, V> {
    /// What follows of a change of the chat; nothing of any other change.
    pub(crate) fn chat(&self, change: &Change) -> Result<Decision, Refusal> {
        match change {
            Change::Say {
                cid,
                participant,
                text,
                reply_to,
                mentions,
            } => self.say(cid, *participant, Words { text, mentions }, *reply_to),
            Change::EditLine {
                cid,
                participant,
                line,
                text,
                mentions,
            } => self.edit_line(cid, *participant, *line, Words { text, mentions }),
            Change::DeleteLine {
                cid,
                by: Some(by),
                line,
            } => self.delete_line(cid, *by, *line),
            _ => Ok(Decision::default()),
        }
    }

    fn say(
        &self,
        cid: &Cid,
        id: ParticipantId,
        words: Words<'_>,
        reply_to: Option<u64>,
    ) -> Result<Decision, Refusal> {
        check_text(words.text)?;
        let speaker = self.writer(cid, id)?;
        let mentions = self.mentions(cid, words)?;
        let mut runs = Runs::new(self.view, self.at);
        let run = runs.of(cid);
        if reply_to.is_some_and(|line| line == 0 || line > run.last_line) {
            return Err(invalid("reply_to", "must be the number of a line of this chat"));
        }
        run.last_line += 1;
        run.last_change += 1;
        let line = Line {
            cid: cid.clone(),
            id: run.last_line,
            participant: id,
            name: speaker.name,
            text: words.text.to_owned(),
            at: self.at.now,
            changed: run.last_change,
            details: LineDetails {
                // Nodes of before know nothing of it, and all must have the same.
                person: (self.at.level >= CHAT_LEVEL).then_some(speaker.person),
                reply_to,
                mentions,
                ..LineDetails::default()
            },
        };
        let mut decision = Decision::giving(Outcome::Said { line: line.id });
        decision.effect(Effect::AddLine {
            forget_until: line.id.saturating_sub(limits::CHAT_LINES as u64),
            line,
        });
        runs.finish(&mut decision);
        Ok(decision)
    }

    fn edit_line(
        &self,
        cid: &Cid,
        by: ParticipantId,
        number: u64,
        words: Words<'_>,
    ) -> Result<Decision, Refusal> {
        check_text(words.text)?;
        let writer = self.writer(cid, by)?;
        let before = self.line(cid, number)?;
        if !before.is_by(&writer) {
            return Err(forbidden("to have written this message"));
        }
        if before.details.deleted.is_some() {
            return Err(conflict(
                "this message was deleted meanwhile, so it cannot be changed",
            ));
        }
        if self.at.now.since_ms(before.at) > limits::EDIT_LINE_MS {
            return Err(conflict(
                "a message can be changed for 48 hours; write another one",
            ));
        }
        let mentions = still_named(&before.details.mentions, self.mentions(cid, words)?, words.text);
        if before.text == words.text && before.details.mentions == mentions {
            return Ok(Decision::default());
        }
        let details = LineDetails {
            mentions,
            edited_at: Some(self.at.now),
            ..before.details.clone()
        };
        let text = words.text.to_owned();
        Ok(self.put_line(Line {
            text,
            details,
            ..before
        }))
    }

    /// By somebody who is in the meeting.
    fn delete_line(&self, cid: &Cid, by: ParticipantId, number: u64) -> Result<Decision, Refusal> {
        let one = self.participant(cid, by)?;
        check_inside(&one)?;
        let before = self.line(cid, number)?;
        let own = before.is_by(&one);
        if !own && self.role_now(&self.conference(cid)?, &one) < Role::Moderator {
            return Err(forbidden(
                "to have written this message, or to be a moderator of this conference",
            ));
        }
        Ok(self.without_text(before, !own))
    }

    /// By a moderator, who was found to be one.
    pub(crate) fn take_out(&self, cid: &Cid, number: u64) -> Result<Decision, Refusal> {
        Ok(self.without_text(self.line(cid, number)?, true))
    }

    /// Nothing follows for a line that is deleted already.
    fn without_text(&self, before: Line, by_moderator: bool) -> Decision {
        if before.details.deleted.is_some() {
            return Decision::default();
        }
        let at = self.at.now;
        let details = LineDetails {
            mentions: Vec::new(),
            edited_at: None,
            deleted: Some(Deleted { at, by_moderator }),
            ..before.details
        };
        self.put_line(Line {
            text: String::new(),
            details,
            ..before
        })
    }

    fn put_line(&self, line: Line) -> Decision {
        let mut decision = Decision::default();
        let mut runs = Runs::new(self.view, self.at);
        let run = runs.of(&line.cid);
        run.last_change += 1;
        let changed = run.last_change;
        decision.effect(Effect::PutLine(Line { changed, ..line }));
        runs.finish(&mut decision);
        decision
    }

    fn line(&self, cid: &Cid, number: u64) -> Result<Line, Refusal> {
        let found = self.view.line(cid, number);
        found.ok_or_else(|| not_found("message", number))
    }

    /// Who is inside and may write.
    fn writer(&self, cid: &Cid, id: ParticipantId) -> Result<Participant, Refusal> {
        let writer = self.participant(cid, id)?;
        check_inside(&writer)?;
        if !self.conference(cid)?.rights_of(&writer).chat {
            return Err(forbidden("the right of guests to write here"));
        }
        self.check_chat_with(&writer)?;
        Ok(writer)
    }

    /// Those who are inside and named in the text, each once. Who has just left is not mentioned: what was said is said all
    /// the same.
    fn mentions(&self, cid: &Cid, words: Words<'_>) -> Result<Vec<Mention>, Refusal> {
        if words.mentions.len() > limits::MENTIONS {
            let text = format!("a message mentions at most {} people", limits::MENTIONS);
            return Err(invalid("mentions", text));
        }
        let mut mentions: Vec<Mention> = Vec::new();
        for id in words.mentions {
            let Some(one) = self.view.participant(cid, *id) else {
                continue;
            };
            let is_named = words.text.contains(&format!("@{}", one.name));
            let is_new = mentions.iter().all(|known| known.person != one.person);
            if one.standing.waiting.is_none() && is_named && is_new {
                mentions.push(Mention {
                    person: one.person,
                    name: one.name,
                });
            }
        }
        Ok(mentions)
    }
}

/// Those who were mentioned before and still are, whether they are in or not, then who is new.
fn still_named(before: &[Mention], new: Vec<Mention>, text: &str) -> Vec<Mention> {
    let named = before
        .iter()
        .filter(|one| text.contains(&format!("@{}", one.name)));
    let mut all: Vec<Mention> = named.cloned().collect();
    for one in new {
        if all.iter().all(|known| known.person != one.person) {
            all.push(one);
        }
    }
    all.truncate(limits::MENTIONS);
    all
}

/// Who waits says nothing.
pub(super) fn check_inside(participant: &Participant) -> Result<(), Refusal> {
    if participant.standing.waiting.is_some() {
        return Err(forbidden("to be let in by a moderator"));
    }
    Ok(())
}

/// Text of several lines.
fn check_text(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() || text.chars().count() > limits::CHAT_LINE {
        return Err(invalid("text", "must have 1 to 4,000 characters"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(invalid("text", "must not contain control characters"));
    }
    Ok(())
}
