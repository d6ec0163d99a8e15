//! What people say to all in a meeting: lines, which who wrote them changes and moderators take out (CHAT-01).
//!
//! ```text
//!  Say, Write ──► a line ── EditLine, by who wrote it, within 48 h ──► the same, edited
//!                   └────── DeleteLine, by them or a moderator ──────► its number, and that it is deleted
//! ```
//!
//! Lines outlast the run in which they were said, as many as are kept. What is said once more by the same key is no line of
//! its own, so that who has not heard whether it was said says it again.
//!
//! Invariant: of a deleted line neither text nor mentions are left, and each change of a conference's lines has a number
//! of its own, so that nodes find what is new.

use super::{Meetings, Participant, ParticipantId, Person, Runs, moderate::conflict};
use crate::{
    CHAT_LEVEL, Change, Conference, Decision, Effect, LINES_LEVEL, Role, SWEEP, View, decide::forbidden,
};
use plenary_access::{
    Outcome, Refusal, Topic,
    rules::{invalid, not_found},
};
use plenary_model::{Cid, Timestamp, UserName, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
    /// When the run began in which it was said; nodes of before do not keep it.
    #[serde(default)]
    pub run: Option<Timestamp>,
    /// By which it is known if it is said again.
    #[serde(default)]
    pub key: Option<String>,
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

/// Why somebody may not write into a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoChat {
    /// Guests do not, in this conference.
    Guests,
    /// People of their server do not, on this one.
    Partner,
}

/// Which lines of a chat somebody reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readable {
    All,
    /// Of runs that began then.
    Runs(BTreeSet<Timestamp>),
}

/// What a moderator writes from outside.
pub(crate) struct Writing<'a> {
    pub(crate) text: &'a str,
    pub(crate) reply_to: Option<u64>,
    pub(crate) key: Option<&'a str>,
}

/// Lines of before then are no more, a bounded part of them at once.
pub(crate) fn forget_lines(before: Timestamp) -> Decision {
    let mut decision = Decision::default();
    let most = SWEEP as u32;
    decision.effect(Effect::ForgetLines { before, most });
    decision
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
                key,
            } => self.say(
                cid,
                *participant,
                Words { text, mentions },
                *reply_to,
                key.as_deref(),
            ),
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
        key: Option<&str>,
    ) -> Result<Decision, Refusal> {
        check_text(words.text)?;
        check_key(key)?;
        let speaker = self.participant(cid, id)?;
        check_inside(&speaker)?;
        // Before anything else: it was said when they still might.
        if let Some(said) = self.said(cid, &speaker.person, key) {
            return Ok(said);
        }
        self.check_writes(&speaker)?;
        let mentions = self.mentions(cid, words)?;
        let line = Line {
            cid: cid.clone(),
            id: 0,
            participant: id,
            name: speaker.name,
            text: words.text.to_owned(),
            at: self.at.now,
            changed: 0,
            run: None,
            key: key.map(str::to_owned),
            details: LineDetails {
                // Nodes of before know nothing of it, and all must have the same.
                person: (self.at.level >= CHAT_LEVEL).then_some(speaker.person),
                reply_to,
                mentions,
                ..LineDetails::default()
            },
        };
        self.add_line(line)
    }

    /// By an account that was found to be a moderator, whether it is in or not.
    pub(crate) fn write(
        &self,
        conference: &Conference,
        user: &UserName,
        writing: Writing<'_>,
    ) -> Result<Decision, Refusal> {
        let Writing { text, reply_to, key } = writing;
        check_text(text)?;
        check_key(key)?;
        let (cid, person) = (&conference.cid, Person::Account(user.clone()));
        if let Some(said) = self.said(cid, &person, key) {
            return Ok(said);
        }
        if !self.view.run_of(cid).is_some_and(|run| run.is_on()) {
            return Err(conflict(
                "nobody meets in this conference now; write when it goes on",
            ));
        }
        let account = self.view.account(user);
        let places = self.view.places(cid, &person);
        self.add_line(Line {
            cid: cid.clone(),
            id: 0,
            // No place has that.
            participant: places.first().map_or(ParticipantId(0), |place| place.id),
            name: account.map_or_else(|| user.to_string(), |account| account.display_name),
            text: text.to_owned(),
            at: self.at.now,
            changed: 0,
            run: None,
            key: key.map(str::to_owned),
            details: LineDetails {
                person: Some(person),
                reply_to,
                ..LineDetails::default()
            },
        })
    }

    /// What follows if this is said already.
    fn said(&self, cid: &Cid, person: &Person, key: Option<&str>) -> Option<Decision> {
        let line = self.view.line_by_key(cid, person, key?)?;
        Some(Decision::giving(Outcome::Said { line: line.id }))
    }

    /// Gives a line its numbers and its run.
    fn add_line(&self, line: Line) -> Result<Decision, Refusal> {
        let mut runs = Runs::new(self.view, self.at);
        let run = runs.of(&line.cid);
        if line
            .details
            .reply_to
            .is_some_and(|line| line == 0 || line > run.last_line)
        {
            return Err(invalid("reply_to", "must be the number of a line of this chat"));
        }
        run.last_line += 1;
        run.last_change += 1;
        // Nodes of before know nothing of it, and all must have the same.
        let stays = self.at.level >= LINES_LEVEL;
        let line = Line {
            id: run.last_line,
            changed: run.last_change,
            run: stays.then_some(run.started_at),
            key: line.key.filter(|_| stays),
            ..line
        };
        let kept = if stays {
            limits::KEPT_LINES
        } else {
            limits::CHAT_LINES
        };
        let (id, cid) = (line.id, line.cid.clone());
        let mut decision = Decision::giving(Outcome::Said { line: id });
        decision.effect(Effect::AddLine {
            forget_until: id.saturating_sub(kept as u64),
            line,
        });
        self.trim(&mut decision, cid);
        runs.finish(&mut decision);
        Ok(decision)
    }

    fn trim(&self, decision: &mut Decision, cid: Cid) {
        if self.at.level >= LINES_LEVEL {
            let bytes = limits::KEPT_LINE_BYTES as u64;
            decision.effect(Effect::TrimLines { cid, bytes });
        }
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
        let cid = line.cid.clone();
        decision.effect(Effect::PutLine(Line { changed, ..line }));
        if run.is_on() {
            self.trim(&mut decision, cid);
            runs.finish(&mut decision);
        } else {
            // Nobody is in, and so it stays: the conference was not used again by this.
            decision
                .effect(Effect::PutRun(run.clone()))
                .notice(Topic::Meetings, cid.as_str());
        }
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
        self.check_writes(&writer)?;
        Ok(writer)
    }

    fn check_writes(&self, writer: &Participant) -> Result<(), Refusal> {
        let conference = self.conference(&writer.cid)?;
        match self.no_chat(&conference, writer) {
            Some(NoChat::Guests) => Err(forbidden("the right of guests to write here")),
            Some(NoChat::Partner) => Err(forbidden("the right of people of your server to write here")),
            None => Ok(()),
        }
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

/// Made up by who says it.
fn check_key(key: Option<&str>) -> Result<(), Refusal> {
    let is_one =
        |key: &str| (1..=limits::LINE_KEY).contains(&key.len()) && key.chars().all(|c| c.is_ascii_graphic());
    if key.is_none_or(is_one) {
        return Ok(());
    }
    let text = "must have 1 to 64 visible ASCII characters, new for each line";
    Err(invalid("key", text))
}
