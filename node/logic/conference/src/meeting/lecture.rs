//! Who lectures: those on the podium of a lecture, whom all see and hear, and who see all (CONF-01).
//!
//! ```text
//!  comes in ── named by the conference, or its owner where it names nobody ──────► lectures
//!     │ ────── owner or moderator, while nobody lectures ──► stands in ── the above come ──► listens
//!     └─────── all others ──► listens ◄──── give, hand over, invite: moderators ──► lectures
//! ```
//!
//! Whoever is handed the lecture without having asked for it is neither heard nor seen by all before they switch themselves on.
//! Operators do not stand in: they look after the server, and are no part of the lecture (`docs/decisions/0023`).

use super::{
    Meetings, Participant, ParticipantId, Via,
    decide::put,
    moderate::conflict,
    podium::{step_down, step_up},
};
use crate::{Conference, Decision, LECTURES_LEVEL, Mode, Party, Role, Settings, View};
use plenary_access::{Refusal, rules::invalid};
use plenary_model::Timestamp;

/// By what a lecture is somebody's; of two the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// Stands in as long as nobody else lectures.
    Moderator,
    /// Of a lecture that names others.
    Owner,
    /// Lectures whenever they are there.
    Lecturer,
}

/// Whether those whom the settings name anew have accounts.
pub(crate) fn check_lecturers<V: View>(view: &V, before: &Settings, after: &Settings) -> Result<(), Refusal> {
    let named = after.lecturers.difference(&before.lecturers);
    for user in named.filter_map(Party::here) {
        if !view.is_account(user) {
            let reason = format!("there is no user {:?}", user.as_str());
            return Err(invalid("lecturers", reason));
        }
    }
    Ok(())
}

impl Conference {
    /// Whether somebody lectures, where this is a lecture. By rules of before, all do who moderate.
    pub fn lectures(&self, one: &Participant) -> bool {
        let standing = &one.standing;
        standing.podium.is_some() || (!standing.listener && self.role_of(one) > Role::Participant)
    }

    /// Since when somebody is on the podium, or lectures.
    pub fn on_podium_since(&self, one: &Participant) -> Option<Timestamp> {
        let lectures = || self.settings.mode == Mode::Lecture && self.lectures(one);
        one.standing
            .podium
            .or_else(|| lectures().then_some(one.joined_at))
    }

    fn claim_of(&self, one: &Participant) -> Option<Claim> {
        let lecturers = &self.settings.lecturers;
        if Party::of(&one.person).is_some_and(|party| lecturers.contains(&party)) {
            return Some(Claim::Lecturer);
        }
        let role = if one.standing.moderator {
            self.role_of(one)
        } else {
            one.person.visitor(false).role(self)
        };
        match role {
            Role::Owner if lecturers.is_empty() => Some(Claim::Lecturer),
            Role::Owner => Some(Claim::Owner),
            Role::Moderator => Some(Claim::Moderator),
            Role::Participant => None,
        }
    }
}

impl<V: View> Meetings<'_, V> {
    /// Whoever comes into a lecture takes it, if it is theirs, or nobody's; who stands in for them steps down.
    pub(super) fn take_lecture(
        &self,
        decision: &mut Decision,
        conference: &Conference,
        one: &mut Participant,
        taken: &mut usize,
    ) {
        if self.at.level < LECTURES_LEVEL || one.standing.waiting.is_some() {
            return;
        }
        one.standing.listener = true;
        let Some(claim) = conference.claim_of(one).filter(|_| one.standing.podium.is_none()) else {
            return;
        };
        let steps_down =
            |other: &Participant| other.standing.stands_in && conference.claim_of(other) < Some(claim);
        let podium = self.view.podium_of(&conference.cid);
        let (down, stay): (Vec<_>, Vec<_>) = podium.into_iter().partition(steps_down);
        let held = stay.len() + *taken;
        let is_theirs = claim == Claim::Lecturer;
        if held > 0 && !is_theirs {
            return;
        }
        // Whoever was only let lecture makes room, who did so first: one for each who has come in by this decision.
        let too_many = (held + 1).saturating_sub(self.podium_places(conference));
        let mut others: Vec<_> = stay
            .into_iter()
            .filter(|other| conference.claim_of(other) != Some(Claim::Lecturer))
            .collect();
        others.sort_by_key(|other| (other.standing.podium, other.id));
        if others.len() < too_many {
            return;
        }
        others.truncate(too_many);
        for mut other in down.into_iter().chain(others) {
            step_down(&mut other);
            put(decision, other);
        }
        step_up(one, self.at.now);
        one.standing.stands_in = !is_theirs;
        *taken += 1;
    }

    /// Of those who come at once: nobody stands in for somebody who is among them.
    pub(super) fn put_lecturers_first(&self, conference: &Conference, comers: &mut [Participant]) {
        if self.at.level >= LECTURES_LEVEL && conference.settings.mode == Mode::Lecture {
            comers.sort_by_key(|one| (std::cmp::Reverse(conference.claim_of(one)), one.joined_at, one.id));
        }
    }

    /// A meeting of another mode becomes a lecture while it runs: whoever had a place has it no more.
    pub(super) fn begin_lecture(&self, decision: &mut Decision, conference: &Conference) {
        let everybody = self.view.everybody(&conference.cid);
        let inside = |one: &&Participant| one.standing.waiting.is_none();
        let mut order: Vec<_> = everybody
            .iter()
            .filter(inside)
            .filter_map(|one| {
                Some((
                    std::cmp::Reverse(conference.claim_of(one)?),
                    one.joined_at,
                    one.id,
                ))
            })
            .collect();
        order.sort_unstable();
        let is_theirs = |claim: Claim| claim == Claim::Lecturer;
        let lecturers: Vec<ParticipantId> = match order.first() {
            Some((first, ..)) if is_theirs(first.0) => {
                let all = order.iter().filter(|(claim, ..)| is_theirs(claim.0));
                all.map(|(.., id)| *id)
                    .take(self.podium_places(conference))
                    .collect()
            }
            first => first.map(|(.., id)| *id).into_iter().collect(),
        };
        let stands_in = order.first().is_some_and(|(claim, ..)| !is_theirs(claim.0));
        for before in everybody.iter().filter(inside) {
            let mut after = before.clone();
            step_down(&mut after);
            (after.standing.listener, after.standing.invitation) = (true, None);
            if lecturers.contains(&after.id) {
                step_up(&mut after, self.at.now);
                after.standing.stands_in = stands_in;
            }
            if after != *before {
                put(decision, after);
            }
        }
    }

    /// Whoever lectures does so until it is taken from them, however long they are silent.
    pub(super) fn check_pins(&self, conference: &Conference) -> Result<(), Refusal> {
        if self.at.level >= LECTURES_LEVEL && conference.settings.mode == Mode::Lecture {
            let text =
                "who lectures does so until a moderator takes the lecture from them: there is nothing to pin";
            return Err(conflict(text));
        }
        Ok(())
    }

    /// They lecture from now on, and nobody else does.
    pub(super) fn hand_lecture(
        &self,
        decision: &mut Decision,
        conference: &Conference,
        to: &mut Participant,
    ) -> Result<(), Refusal> {
        if conference.settings.mode != Mode::Lecture {
            return Err(conflict("this meeting is no lecture: nobody lectures in it"));
        }
        // Also those who lecture by rules of before, and have no place.
        for mut other in self.view.everybody(&conference.cid) {
            if other.id != to.id && conference.lectures(&other) {
                self.end_lecture(conference, &mut other);
                put(decision, other);
            }
        }
        if to.standing.podium.is_none() {
            step_up(to, self.at.now);
        }
        to.standing.stands_in = false;
        Ok(())
    }

    /// Down from the podium, and in a lecture among the listeners.
    pub(super) fn end_lecture(&self, conference: &Conference, one: &mut Participant) {
        step_down(one);
        one.standing.listener |= self.at.level >= LECTURES_LEVEL && conference.settings.mode == Mode::Lecture;
    }

    /// Whoever is given a lecture and has not asked for it is off: all would hear and see them unawares. A program has nobody
    /// who could switch it on.
    pub(super) fn come_quietly(
        &self,
        conference: &Conference,
        by: Option<ParticipantId>,
        before: &Participant,
        after: &mut Participant,
    ) {
        let comes = before.standing.podium.is_none() && after.standing.podium.is_some();
        let wants = before.hand.is_some() || by == Some(before.id) || before.via == Via::Whip;
        if conference.settings.mode != Mode::Lecture || !comes || wants {
            return;
        }
        let standing = &mut after.standing;
        (standing.hushed, standing.asked, after.muted) = (true, Some(self.at.now), true);
        standing.dimmed = true;
        after.camera = false;
        standing.covered |= after.content;
        after.content = false;
    }
}
