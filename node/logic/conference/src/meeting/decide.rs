//! Who gets a place, keeps it, loses it, and what they may do with it.

use super::{AWAY_MS, Line, Participant, ParticipantId, Person, Reaction, Runs, SecretHash};
use super::{StatePatch, Via};
use crate::{Decision, Effect, View, admit, decide::forbidden};
use plenary_access::{
    Moment, Outcome, Refusal, Topic,
    rules::{check_text, exists, invalid, not_found},
};
use plenary_model::{Cid, NodeId, Timestamp, limits};

/// Everything one decision about a meeting works with.
pub(crate) struct Meetings<'a, V> {
    pub(crate) view: &'a V,
    pub(crate) at: Moment,
}

/// Somebody who wants to come in: the fields of [`Change::Enter`](crate::Change::Enter).
pub(crate) struct Entry<'a> {
    pub(crate) cid: &'a Cid,
    pub(crate) participant: ParticipantId,
    pub(crate) person: &'a Person,
    pub(crate) name: Option<&'a str>,
    pub(crate) via: Via,
    pub(crate) node: NodeId,
    pub(crate) epoch: u64,
    pub(crate) secret: SecretHash,
    pub(crate) muted: bool,
    pub(crate) camera: bool,
}

impl<V: View> Meetings<'_, V> {
    pub(crate) fn enter(&self, entry: &Entry<'_>) -> Result<Decision, Refusal> {
        let found = self.view.conference(entry.cid);
        let conference = found.ok_or_else(|| not_found("conference", entry.cid))?;
        admit(&conference, entry.person.visitor())?;
        let name = self.name_of(entry)?;
        self.check_start(entry.node, entry.epoch)?;
        if self.view.participant(entry.cid, entry.participant).is_some() {
            return Err(exists("participant", entry.participant));
        }
        let mut decision = Decision::giving(Outcome::Entered { moves: 0 });
        let mut runs = Runs::new(self.view, self.at.now);
        self.make_place(&mut decision, &mut runs, entry)?;
        let participant = Participant {
            cid: entry.cid.clone(),
            id: entry.participant,
            person: entry.person.clone(),
            name,
            via: entry.via,
            node: entry.node,
            epoch: entry.epoch,
            secret: entry.secret,
            muted: entry.muted,
            camera: entry.camera,
            content: false,
            hand: None,
            reaction: None,
            joined_at: self.at.now,
            moves: 0,
            away: false,
            away_since: None,
        };
        runs.add(&mut decision, participant);
        runs.finish(&mut decision);
        Ok(decision)
    }

    /// The name that others see: the one that was given, else that of the account or guest.
    fn name_of(&self, entry: &Entry<'_>) -> Result<String, Refusal> {
        let own = match entry.person {
            Person::Account(user) => {
                let account = self.view.account(user).ok_or_else(|| not_found("user", user))?;
                if !account.active {
                    return Err(Refusal::AccountDisabled);
                }
                account.display_name
            }
            Person::Guest(id) => {
                let guest = self.view.guest(id);
                let guest = guest.filter(|guest| guest.cid == *entry.cid && guest.expires_at > self.at.now);
                guest.ok_or_else(|| not_found("guest", id))?.name
            }
        };
        let Some(given) = entry.name else {
            return Ok(own);
        };
        check_text("name", given, 1, limits::PARTICIPANT_NAME)?;
        Ok(given.trim().to_owned())
    }

    /// Refuses words of a node's earlier start, and of a node that the server takes for lost.
    fn check_start(&self, node: NodeId, epoch: u64) -> Result<(), Refusal> {
        if epoch != 0 && self.view.start_of(node) == Some(epoch) {
            return Ok(());
        }
        Err(Refusal::Conflict(
            "the server does not count this node as running; try again in a moment".into(),
        ))
    }

    /// Sees that there is room for one more; a place that the same person has lost goes first.
    fn make_place(
        &self,
        decision: &mut Decision,
        runs: &mut Runs<'_, V>,
        entry: &Entry<'_>,
    ) -> Result<(), Refusal> {
        let own = self.view.places(entry.cid, entry.person);
        let has_many = own.len() >= limits::PLACES_PER_PERSON;
        if !has_many && runs.of(entry.cid).participants < limits::PARTICIPANTS as u64 {
            return Ok(());
        }
        let lost = own.iter().filter(|place| place.away);
        if let Some(oldest) = lost.min_by_key(|place| (place.away_since, place.id)) {
            runs.remove(decision, entry.cid, oldest.id);
            return Ok(());
        }
        let text = if has_many {
            "you are in this meeting on eight devices already; leave it on one of them first"
        } else {
            "the meeting is full: 2,000 people are in it, and it takes no more"
        };
        Err(Refusal::Full(text.into()))
    }

    pub(crate) fn resume(
        &self,
        cid: &Cid,
        id: ParticipantId,
        secret: &SecretHash,
        node: NodeId,
        epoch: u64,
    ) -> Result<Decision, Refusal> {
        let before = self.participant(cid, id)?;
        if !before.secret.is(secret) {
            return Err(forbidden("the secret of this place"));
        }
        self.check_start(node, epoch)?;
        let moves = before.moves + 1;
        let mut decision = Decision::giving(Outcome::Entered { moves });
        let after = Participant {
            node,
            epoch,
            moves,
            away: false,
            away_since: None,
            ..before
        };
        put(&mut decision, after);
        Ok(decision)
    }

    /// Gives the place up, unless it was taken up again since, or is gone already.
    pub(crate) fn leave(&self, cid: &Cid, id: ParticipantId, moves: u64) -> Decision {
        let mut decision = Decision::default();
        let found = self.view.participant(cid, id);
        if found.is_some_and(|participant| participant.moves == moves) {
            let mut runs = Runs::new(self.view, self.at.now);
            runs.remove(&mut decision, cid, id);
            runs.finish(&mut decision);
        }
        decision
    }

    pub(crate) fn set(
        &self,
        cid: &Cid,
        id: ParticipantId,
        moves: u64,
        patch: StatePatch,
    ) -> Result<Decision, Refusal> {
        let before = self.participant(cid, id)?;
        let mut decision = Decision::default();
        if before.moves != moves {
            return Ok(decision);
        }
        let mut runs = Runs::new(self.view, self.at.now);
        let after = Participant {
            muted: patch.muted.unwrap_or(before.muted),
            camera: patch.camera.unwrap_or(before.camera),
            content: patch.content.unwrap_or(before.content),
            hand: match (patch.hand, before.hand) {
                (Some(true), None) => Some(self.next_hand(&mut runs, cid)),
                (Some(false), _) => None,
                (_, hand) => hand,
            },
            ..before.clone()
        };
        if after != before {
            put(&mut decision, after);
            runs.finish(&mut decision);
        }
        Ok(decision)
    }

    /// The time of a hand that is raised now. Commands of one entry of the log have one time, but hands have an order.
    fn next_hand(&self, runs: &mut Runs<'_, V>, cid: &Cid) -> Timestamp {
        let run = runs.of(cid);
        run.last_hand = self.at.now.max(run.last_hand.plus_ms(1));
        run.last_hand
    }

    pub(crate) fn react(
        &self,
        cid: &Cid,
        id: ParticipantId,
        moves: u64,
        text: &str,
    ) -> Result<Decision, Refusal> {
        check_text("reaction", text, 1, limits::REACTION)?;
        let before = self.participant(cid, id)?;
        let mut decision = Decision::default();
        if before.moves == moves {
            let reaction = Reaction {
                text: text.trim().to_owned(),
                at: self.at.now,
            };
            let after = Participant {
                reaction: Some(reaction),
                ..before
            };
            put(&mut decision, after);
        }
        Ok(decision)
    }

    pub(crate) fn say(&self, cid: &Cid, id: ParticipantId, text: &str) -> Result<Decision, Refusal> {
        check_line(text)?;
        let speaker = self.participant(cid, id)?;
        let mut runs = Runs::new(self.view, self.at.now);
        let run = runs.of(cid);
        run.last_line += 1;
        let line = Line {
            cid: cid.clone(),
            id: run.last_line,
            participant: id,
            name: speaker.name,
            text: text.to_owned(),
            at: self.at.now,
        };
        let mut decision = Decision::giving(Outcome::Said { line: line.id });
        decision.effect(Effect::AddLine {
            forget_until: line.id.saturating_sub(limits::CHAT_LINES as u64),
            line,
        });
        runs.finish(&mut decision);
        Ok(decision)
    }

    /// Frees the places of those who did not come back, and forgets guests whose tokens have ended.
    pub(crate) fn sweep(&self) -> Decision {
        let now = self.at.now;
        let mut decision = Decision::default();
        let mut runs = Runs::new(self.view, now);
        for (cid, id) in self.view.away_before(Timestamp(now.0.saturating_sub(AWAY_MS))) {
            runs.remove(&mut decision, &cid, id);
        }
        runs.finish(&mut decision);
        if self.view.has_expired_guests(now) {
            decision.effect(Effect::ForgetGuests { until: now });
        }
        decision
    }

    fn participant(&self, cid: &Cid, id: ParticipantId) -> Result<Participant, Refusal> {
        let found = self.view.participant(cid, id);
        found.ok_or_else(|| not_found("participant", id))
    }
}

fn put(decision: &mut Decision, participant: Participant) {
    decision
        .notice(Topic::Meetings, participant.cid.as_str())
        .effect(Effect::PutParticipant(participant));
}

/// Text of several lines.
fn check_line(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() || text.chars().count() > limits::CHAT_LINE {
        return Err(invalid("text", "must have 1 to 4,000 characters"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(invalid("text", "must not contain control characters"));
    }
    Ok(())
}
