//! Whom moderators removed from a run, or did not let in: they do not come back into it by themselves (CONF-08).
//!
//! ```text
//!          Act::Remove                    Act::LetBack, or they come after they were invited, called or named anew
//!  in, or ─────────────► removed: kept ──────────────────────────────────────────────────────────────────────────► nobody
//!  waiting               out             the run ends                                                               ▲
//!                           └───────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A guest is known by the record that they have, or by the same name from the same address: whoever says that they are
//! somebody else and comes from elsewhere is somebody else.

use super::{Meetings, Participant, ParticipantId, Person, Runs, Via, Watcher, moderate::conflict};
use crate::{CALLERS_LEVEL, Conference, Decision, Effect, KeptOut, REMOVALS_LEVEL, Role, View, Visitor, Way};
use plenary_access::{Refusal, Topic};
use plenary_model::{Cid, Timestamp, limits};

/// Somebody who does not come back into the run that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub cid: Cid,
    /// Of the place that they had.
    pub id: ParticipantId,
    pub person: Person,
    /// As they were called.
    pub name: String,
    /// Who was removed as a program may still come by the browser.
    pub via: Via,
    /// Of a guest: where they came from.
    pub source: Option<String>,
    pub at: Timestamp,
}

/// Somebody whom moderators may let back, as they are shown them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutOut {
    /// By which they are let back: of the place or the program that was removed.
    pub id: ParticipantId,
    pub person: Person,
    /// As they were called.
    pub name: String,
    /// Their programs alone stay out.
    pub programs_only: bool,
    pub at: Timestamp,
}

impl ShutOut {
    /// None of a program that still watches.
    pub fn of_watcher(watcher: Watcher) -> Option<Self> {
        Some(Self {
            id: watcher.id,
            person: Person::Account(watcher.user),
            name: watcher.name,
            programs_only: true,
            at: watcher.removed_at?,
        })
    }
}

impl From<Removed> for ShutOut {
    fn from(one: Removed) -> Self {
        Self {
            id: one.id,
            programs_only: one.via != Via::Browser,
            person: one.person,
            name: one.name,
            at: one.at,
        }
    }
}

impl Removed {
    fn shuts(&self, way: Way) -> bool {
        self.via == Via::Browser || way == Way::Publish
    }
}

impl<V: View> Meetings<'_, V> {
    /// Out of the meeting or the waiting room.
    pub(super) fn throw_out(&self, one: &Participant) -> Decision {
        let mut decision = Decision::default();
        self.remember_removed(&mut decision, one);
        let mut runs = Runs::new(self.view, self.at);
        runs.remove(&mut decision, &one.cid, one.id);
        runs.finish(&mut decision);
        decision
    }

    /// They do not come back by themselves; of so many the last ones are known.
    fn remember_removed(&self, decision: &mut Decision, one: &Participant) {
        // Nodes of before know nothing of it, and all must have the same.
        if self.at.level < REMOVALS_LEVEL {
            return;
        }
        let known = self.view.removed(&one.cid);
        let is_same = |other: &&Removed| other.person == one.person && other.via == one.via;
        let same: Vec<_> = known.iter().filter(is_same).collect();
        let rest = known.iter().filter(|other| !is_same(other));
        let too_many = (known.len() - same.len() + 1).saturating_sub(limits::REMOVED);
        for other in same.into_iter().chain(rest.take(too_many)) {
            forget(decision, other);
        }
        let source = match &one.person {
            Person::Guest(id) => self.view.guest(id).and_then(|guest| guest.source),
            Person::Account(_) | Person::Federated(_) => None,
        };
        decision.effect(Effect::PutRemoved(Removed {
            cid: one.cid.clone(),
            id: one.id,
            person: one.person.clone(),
            name: one.name.clone(),
            via: one.via,
            source,
            at: self.at.now,
        }));
    }

    /// Whether a moderator has removed them, and nobody has asked them to come since.
    pub(super) fn check_removed(
        &self,
        conference: &Conference,
        person: &Person,
        visitor: Visitor<'_>,
        way: Way,
    ) -> Result<(), KeptOut> {
        if visitor.role(conference) == Role::Owner {
            return Ok(());
        }
        let all = self.removed_of(&conference.cid, person).into_iter();
        let Some(at) = all.filter(|one| one.shuts(way)).map(|one| one.at).max() else {
            return Ok(());
        };
        if visitor.last_asked_at(conference).is_some_and(|asked| asked > at) {
            return Ok(());
        }
        Err(KeptOut::Removed)
    }

    fn removed_of(&self, cid: &Cid, person: &Person) -> Vec<Removed> {
        let mut all = self.view.removed(cid);
        if all.is_empty() {
            return all;
        }
        let guest = match person {
            Person::Guest(id) => self.view.guest(id),
            Person::Account(_) | Person::Federated(_) => None,
        };
        let name = guest.as_ref().map(|guest| guest.name.to_lowercase());
        let source = guest.and_then(|guest| guest.source);
        all.retain(|one| {
            let comes_alike = matches!(one.person, Person::Guest(_))
                && source.is_some()
                && one.source == source
                && name.as_ref() == Some(&one.name.to_lowercase());
            one.person == *person || comes_alike
        });
        all
    }

    /// Who has come is not removed any more.
    pub(super) fn forget_removed(&self, decision: &mut Decision, cid: &Cid, person: &Person) {
        for one in self.removed_of(cid, person) {
            forget(decision, &one);
        }
    }

    /// A moderator lets somebody come again whom one removed; by what it knows of them, and by all of their programs.
    pub(super) fn let_back(&self, conference: &Conference, id: ParticipantId) -> Result<Decision, Refusal> {
        let all = self.view.removed(&conference.cid);
        let found = all.iter().find(|one| one.id == id).map(|one| one.person.clone());
        let of_program = || {
            self.owner_of_removed_watcher(&conference.cid, id)
                .map(Person::Account)
        };
        let found = found.or_else(of_program);
        let found = found.ok_or_else(|| conflict("they are not among those who were removed any more"))?;
        let mut decision = Decision::default();
        decision.notice(Topic::Meetings, conference.cid.as_str());
        for one in all.iter().filter(|one| one.person == found) {
            forget(&mut decision, one);
        }
        // Nodes of before know no way back for them, and all must do the same.
        if let Person::Account(user) = &found
            && self.at.level >= CALLERS_LEVEL
        {
            self.forget_removed_watchers(&mut decision, &conference.cid, user);
        }
        Ok(decision)
    }
}

fn forget(decision: &mut Decision, one: &Removed) {
    let (cid, id) = (one.cid.clone(), one.id);
    decision.effect(Effect::LetBack { cid, id });
}
